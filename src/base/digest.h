/* SPDX-License-Identifier: ISC */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

#define DIGEST_SIZE 32

/* SHA-256 of n bytes. */
void digest(const void *p, size_t n, unsigned char out[DIGEST_SIZE]);

#endif
