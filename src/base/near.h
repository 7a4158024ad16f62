/* SPDX-License-Identifier: ISC */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include <stddef.h>

/*
 * How many characters of one word have to be put in, left out or replaced to
 * make the other (Levenshtein); what is below NEAR is likely a slip. Of a b of
 * 32 bytes and more its length.
 */
#define NEAR 3
size_t near_distance(const char *a, const char *b);

#endif
