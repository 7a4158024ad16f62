/* SPDX-License-Identifier: ISC */
#include "ctl/plain.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* Controls, and what decides in which direction the rest is read. */
static const struct {
	unsigned int first, last;
} moving[] = {
	{ 0x00, 0x1f },     { 0x7f, 0x9f },     { 0x61c, 0x61c },
	{ 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
};

/* The bytes of the character at p; *ok: it may go to a terminal. */
static size_t look(const char *p, size_t left, bool lines, bool *ok)
{
	size_t n = utf8_len(p, left);
	unsigned int c;
	size_t i;

	*ok = n > 0;
	if (n == 0)
		return 1;
	c = utf8_point(p, n);
	if (lines && (c == '\n' || c == '\t'))
		return n;
	for (i = 0; i < sizeof(moving) / sizeof(moving[0]); i++)
		*ok = *ok && (c < moving[i].first || c > moving[i].last);
	return n;
}

void plain_put(const char *s, bool lines, FILE *out)
{
	size_t left, n;
	bool ok;

	if (!s)
		s = "?";
	for (left = strlen(s); left > 0; s += n, left -= n) {
		n = look(s, left, lines, &ok);
		(void)fwrite(ok ? s : "?", 1, ok ? n : 1, out);
	}
}

void plain_printf(FILE *out, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	plain_put(text, true, out);
	free(text);
}

void plain_mend(char *s)
{
	const char *from = s;
	size_t left, n;
	bool ok;

	for (left = strlen(s); left > 0; from += n, left -= n) {
		n = look(from, left, false, &ok);
		if (ok)
			memmove(s, from, n);
		else
			*s = '?';
		s += ok ? n : 1;
	}
	*s = '\0';
}
