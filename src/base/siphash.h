/* SPDX-License-Identifier: ISC */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_SIZE 16

/* SipHash-2-4 (Aumasson and Bernstein, 2012). */
uint64_t siphash(const unsigned char key[SIPHASH_KEY_SIZE], const void *p,
		 size_t n);

#endif
