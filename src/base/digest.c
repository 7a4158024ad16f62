/* SPDX-License-Identifier: ISC */
#include "base/digest.h"

#include <openssl/sha.h>

void digest(const void *p, size_t n, unsigned char out[DIGEST_SIZE])
{
	(void)SHA256(p, n, out);
}
