/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"

static const char replacement[] = "\xef\xbf\xbd";

void jw_init(struct jwrite *w, struct buf *out)
{
	w->out = out;
	w->comma = false;
}

static void put_escape(struct buf *out, unsigned int c)
{
	switch (c) {
	case '"':
		buf_adds(out, "\\\"");
		break;
	case '\\':
		buf_adds(out, "\\\\");
		break;
	case '\n':
		buf_adds(out, "\\n");
		break;
	case '\r':
		buf_adds(out, "\\r");
		break;
	case '\t':
		buf_adds(out, "\\t");
		break;
	default:
		buf_addf(out, "\\u%04x", c);
		break;
	}
}

/* U+0080 to U+009F, in UTF-8. */
static bool is_c1(const char *p, size_t len)
{
	return len == 2 && p[0] == '\xc2' && (unsigned char)p[1] < 0xa0;
}

/* How many bytes at p can be written as they are. Controls can't, of either
 * kind: what is JSON may go to a terminal. */
static size_t plain_run(const char *p, size_t n)
{
	size_t i = 0;
	size_t len;

	while (i < n) {
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f || p[i] == '"' ||
		    p[i] == '\\')
			break;
		len = utf8_len(p + i, n - i);
		if (len == 0 || is_c1(p + i, len))
			break;
		i += len;
	}
	return i;
}

static void put_string(struct buf *out, const char *p, size_t n)
{
	size_t run, len;

	buf_addc(out, '"');
	while (n > 0) {
		run = plain_run(p, n);
		buf_add(out, p, run);
		p += run;
		n -= run;
		if (n == 0)
			break;
		len = utf8_len(p, n);
		if (len > 0)
			put_escape(out, utf8_point(p, len));
		else
			buf_adds(out, replacement);
		p += len > 0 ? len : 1;
		n -= len > 0 ? len : 1;
	}
	buf_addc(out, '"');
}

/* What goes before a value. */
static void lead(struct jwrite *w, const char *key)
{
	if (w->comma)
		buf_addc(w->out, ',');
	w->comma = true;
	if (key) {
		put_string(w->out, key, strlen(key));
		buf_addc(w->out, ':');
	}
}

void jw_object(struct jwrite *w, const char *key)
{
	lead(w, key);
	buf_addc(w->out, '{');
	w->comma = false;
}

void jw_array(struct jwrite *w, const char *key)
{
	lead(w, key);
	buf_addc(w->out, '[');
	w->comma = false;
}

void jw_object_end(struct jwrite *w)
{
	buf_addc(w->out, '}');
	w->comma = true;
}

void jw_array_end(struct jwrite *w)
{
	buf_addc(w->out, ']');
	w->comma = true;
}

void jw_str(struct jwrite *w, const char *key, const char *v)
{
	if (v)
		jw_strn(w, key, v, strlen(v));
	else
		jw_raw(w, key, "null");
}

void jw_strn(struct jwrite *w, const char *key, const char *v, size_t n)
{
	lead(w, key);
	put_string(w->out, v, n);
}

void jw_int(struct jwrite *w, const char *key, int64_t v)
{
	lead(w, key);
	buf_addf(w->out, "%lld", (long long)v);
}

void jw_bool(struct jwrite *w, const char *key, bool v)
{
	jw_raw(w, key, v ? "true" : "false");
}

void jw_raw(struct jwrite *w, const char *key, const char *json)
{
	lead(w, key);
	buf_adds(w->out, json);
}
