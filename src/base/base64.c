/* SPDX-License-Identifier: ISC */
#include "base/base64.h"

#include "base/buf.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* Up to three bytes as four digits. */
static void encode(const unsigned char *p, size_t n, char out[4])
{
	unsigned int v = (unsigned int)p[0] << 16;

	if (n > 1)
		v |= (unsigned int)p[1] << 8;
	if (n > 2)
		v |= p[2];
	out[0] = digits[v >> 18];
	out[1] = digits[v >> 12 & 63];
	out[2] = '=';
	out[3] = '=';
	if (n > 1)
		out[2] = digits[v >> 6 & 63];
	if (n > 2)
		out[3] = digits[v & 63];
}

int base64_add(struct buf *out, const void *p, size_t n)
{
	const unsigned char *from = p;
	char piece[1024];
	size_t len = 0, step;

	for (; n > 0; from += step, n -= step) {
		step = n < 3 ? n : 3;
		encode(from, step, piece + len);
		len += 4;
		if (len == sizeof(piece)) {
			(void)buf_add(out, piece, len);
			len = 0;
		}
	}
	return buf_add(out, piece, len);
}
