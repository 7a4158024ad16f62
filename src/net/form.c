/* SPDX-License-Identifier: ISC */
#include <stdbool.h>

#include "base/buf.h"
#include "net/http.h"

static bool plain(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

static void add_encoded(struct buf *b, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n;

	while (*s) {
		for (n = 0; plain((unsigned char)s[n]);)
			n++;
		buf_add(b, s, n);
		s += n;
		if (*s) {
			unsigned char c = (unsigned char)*s++;
			char out[3] = { '%', hex[c >> 4], hex[c & 15] };

			buf_add(b, out, sizeof(out));
		}
	}
}

void http_form(struct buf *form, const char *key, const char *value)
{
	if (form->len > 0)
		buf_addc(form, '&');
	add_encoded(form, key);
	buf_addc(form, '=');
	add_encoded(form, value);
}
