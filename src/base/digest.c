/* SPDX-License-Identifier: ISC */
#include "base/digest.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>

/* SHA256() looks for it by its name each time. */
static EVP_MD *sha256;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

void digest(const void *p, size_t n, unsigned char out[DIGEST_SIZE])
{
	(void)pthread_once(&once, fetch);
	if (!sha256 || EVP_Digest(p, n, out, NULL, sha256, NULL) != 1)
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
