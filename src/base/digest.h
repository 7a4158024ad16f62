/* SPDX-License-Identifier: ISC */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

#define DIGEST_SIZE 32
#define DIGEST_HEX  65 /* as text */

/* SHA-256 of n bytes. */
void digest(const void *p, size_t n, unsigned char out[DIGEST_SIZE]);
/* The same in lower-case hex digits. */
void digest_hex(const void *p, size_t n, char out[DIGEST_HEX]);

#endif
