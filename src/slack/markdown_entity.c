/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "slack/markdown_in.h"

static const struct {
	const char *name;
	const char *utf8;
} entities[] = {
	{ "amp", "&" },    { "lt", "<" },    { "gt", ">" },
	{ "quot", "\"" },  { "apos", "'" },  { "nbsp", " " },
	{ "ndash", "–" },  { "mdash", "—" }, { "hellip", "…" },
	{ "lsquo", "‘" },  { "rsquo", "’" }, { "ldquo", "“" },
	{ "rdquo", "”" },  { "copy", "©" },  { "reg", "®" },
	{ "trade", "™" },  { "deg", "°" },   { "times", "×" },
	{ "middot", "·" }, { "bull", "•" },  { "euro", "€" },
	{ "larr", "←" },   { "rarr", "→" },  { "le", "≤" },
	{ "ge", "≥" },     { "ne", "≠" },
};

/* UTF-8 of a code point that may stand in text; else of U+FFFD. */
static size_t utf8(unsigned long c, char out[4])
{
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = 0xfffd;
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* n is more than 2, as "&name;" or "&#1;" or "&#x1;" come whole. */
size_t mrkdwn_entity(const char *p, size_t n, char out[4])
{
	char digits[16];
	size_t i;

	for (i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		size_t len = strlen(entities[i].name);

		if (n == len + 2 && memcmp(p + 1, entities[i].name, len) == 0) {
			len = strlen(entities[i].utf8);
			memcpy(out, entities[i].utf8, len);
			return len;
		}
	}
	if (n < 4 || p[1] != '#' || n - 3 >= sizeof(digits))
		return 0;
	memcpy(digits, p + 2, n - 3);
	digits[n - 3] = '\0';
	if (digits[0] == 'x' || digits[0] == 'X')
		return utf8(strtoul(digits + 1, NULL, 16), out);
	return utf8(strtoul(digits, NULL, 10), out);
}
