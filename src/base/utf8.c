/* SPDX-License-Identifier: ISC */
#include "base/utf8.h"

static int is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The second byte's range is what keeps out the overlong and the surrogates. */
static int second_ok(unsigned char first, unsigned char c)
{
	switch (first) {
	case 0xe0:
		return c >= 0xa0 && c <= 0xbf;
	case 0xed:
		return c >= 0x80 && c <= 0x9f;
	case 0xf0:
		return c >= 0x90 && c <= 0xbf;
	case 0xf4:
		return c >= 0x80 && c <= 0x8f;
	default:
		return is_tail(c);
	}
}

size_t utf8_len(const char *p, size_t n)
{
	const unsigned char *s = (const unsigned char *)p;
	size_t len, i;

	if (n == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n < len || !second_ok(s[0], s[1]))
		return 0;
	for (i = 2; i < len; i++) {
		if (!is_tail(s[i]))
			return 0;
	}
	return len;
}

unsigned int utf8_point(const char *p, size_t len)
{
	static const unsigned int lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned int c = (unsigned char)p[0] & lead[len];
	size_t i;

	for (i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	return c;
}
