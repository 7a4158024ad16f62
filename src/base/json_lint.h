/* SPDX-License-Identifier: ISC */
#ifndef BASE_JSON_LINT_H
#define BASE_JSON_LINT_H

#include <stddef.h>

/*
 * NULL, or what is wrong with the text, and at which byte. Not a parser: it
 * looks for what json-c 0.16 lets through even when strict (NaN and Infinity,
 * strings in single quotes, raw control characters, overlong UTF-8, "1.", and
 * "\u0000" in a key, at which json-c would cut the key).
 */
const char *json_lint(const char *text, size_t len, size_t *at);

#endif
