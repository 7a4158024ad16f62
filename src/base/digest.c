/* SPDX-License-Identifier: ISC */
#include "base/digest.h"

#include <openssl/sha.h>

void digest(const void *p, size_t n, unsigned char out[DIGEST_SIZE])
{
	(void)SHA256(p, n, out);
}

void digest_hex(const void *p, size_t n, char out[DIGEST_HEX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char sum[DIGEST_SIZE];
	size_t i;

	digest(p, n, sum);
	for (i = 0; i < DIGEST_SIZE; i++) {
		out[2 * i] = digits[sum[i] >> 4];
		out[2 * i + 1] = digits[sum[i] & 15];
	}
	out[2 * DIGEST_SIZE] = '\0';
}
