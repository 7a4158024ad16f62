/* SPDX-License-Identifier: ISC */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/*
 * Length of the one well-formed UTF-8 sequence (RFC 3629: nothing overlong,
 * no surrogates) at the start of the n bytes at p; 0 when there is none.
 */
size_t utf8_len(const char *p, size_t n);

/* The code point of a sequence whose length utf8_len() gave. */
unsigned int utf8_point(const char *p, size_t len);

#endif
