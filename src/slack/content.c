/* SPDX-License-Identifier: ISC */
#include "slack/content.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/utf8.h"

#define ESCAPE 0x1b

enum coding {
	CODING_UTF8,
	CODING_UTF16LE,
	CODING_UTF16BE,
	CODING_WESTERN, /* windows-1252, of which Latin-1 is a part */
	CODING_NONE,
};

static const struct {
	enum content_kind kind;
	size_t at;
	const char *bytes;
	size_t n;
} magics[] = {
	{ CONTENT_PNG, 0, "\x89PNG\r\n\x1a\n", 8 },
	{ CONTENT_JPEG, 0, "\xff\xd8\xff", 3 },
	{ CONTENT_GIF, 0, "GIF87a", 6 },
	{ CONTENT_GIF, 0, "GIF89a", 6 },
	{ CONTENT_WEBP, 8, "WEBP", 4 },
	/* These may begin with nothing but text. */
	{ CONTENT_OTHER, 0, "%PDF-", 5 },
	{ CONTENT_OTHER, 0, "PK\x03\x04", 4 },
};

static bool has_at(const char *p, size_t n, size_t at, const char *bytes,
		   size_t len)
{
	return n >= at + len && memcmp(p + at, bytes, len) == 0;
}

static enum content_kind by_magic(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (!has_at(p, n, magics[i].at, magics[i].bytes, magics[i].n))
			continue;
		if (magics[i].kind == CONTENT_WEBP &&
		    !has_at(p, n, 0, "RIFF", 4))
			continue;
		return magics[i].kind;
	}
	return CONTENT_EMPTY;
}

static bool is_blank(unsigned char c)
{
	return c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* What stands in logs of terminals, and in no other text. */
static bool is_stray(unsigned char c)
{
	return (c < ' ' && !is_blank(c)) || c == 0x7f;
}

/* A character that begins among the last bytes may have lost its end. */
static bool is_cut(size_t left, bool whole)
{
	return !whole && left < 4;
}

/* Some stray control characters are let pass, and some bytes that are wrong
 * among many that are right; NUL is not. */
static bool is_utf8(const char *p, size_t n, bool whole)
{
	size_t stray = 0, wrong = 0, right = 0, i, len;

	for (i = 0; i < n; i += len) {
		len = utf8_len(p + i, n - i);
		if (len == 0) {
			wrong += !is_cut(n - i, whole);
			len = 1;
		} else if (p[i] == '\0') {
			return false;
		}
		right += len > 1;
		stray += is_stray((unsigned char)p[i]);
	}
	return stray <= n / 20 && wrong <= right / 10;
}

/* 8-bit codings can't be told apart; in one of another script most letters
 * are beyond ASCII, in a Western one few are. */
static bool is_western(const char *p, size_t n)
{
	size_t high = 0, i;
	unsigned char c;

	for (i = 0; i < n; i++) {
		c = (unsigned char)p[i];
		if (is_stray(c) && c != ESCAPE)
			return false;
		high += c >= 0x80;
	}
	return high <= n / 4;
}

static unsigned int unit_at(const char *p, bool big)
{
	unsigned char a = (unsigned char)p[0];
	unsigned char b = (unsigned char)p[1];

	return big ? (unsigned int)a << 8 | b : (unsigned int)b << 8 | a;
}

/* A mark of two bytes may begin anything: what follows must be text as well. */
static bool is_utf16(const char *p, size_t n, bool big)
{
	size_t odd = 0, i;
	unsigned int u;

	for (i = 2; i + 1 < n; i += 2) {
		u = unit_at(p + i, big);
		if (u == 0 || u >= 0xfffe)
			return false;
		odd += u < 0x80 && is_stray((unsigned char)u);
	}
	return odd <= n / 40;
}

static enum coding coding_of(const char *p, size_t n, bool whole)
{
	if (has_at(p, n, 0, "\xff\xfe", 2))
		return is_utf16(p, n, false) ? CODING_UTF16LE : CODING_NONE;
	if (has_at(p, n, 0, "\xfe\xff", 2))
		return is_utf16(p, n, true) ? CODING_UTF16BE : CODING_NONE;
	if (is_utf8(p, n, whole))
		return CODING_UTF8;
	return is_western(p, n) ? CODING_WESTERN : CODING_NONE;
}

enum content_kind content_kind(const char *p, size_t n, bool whole)
{
	enum content_kind k;

	if (n == 0)
		return CONTENT_EMPTY;
	k = by_magic(p, n);
	if (k != CONTENT_EMPTY)
		return k;
	return coding_of(p, n, whole) == CODING_NONE ? CONTENT_OTHER
						     : CONTENT_TEXT;
}

const char *content_image_type(enum content_kind k)
{
	switch (k) {
	case CONTENT_PNG:
		return "image/png";
	case CONTENT_JPEG:
		return "image/jpeg";
	case CONTENT_GIF:
		return "image/gif";
	case CONTENT_WEBP:
		return "image/webp";
	case CONTENT_EMPTY:
	case CONTENT_TEXT:
	case CONTENT_OTHER:
		break;
	}
	return NULL;
}

/* What is written, character by character. */
struct writer {
	struct buf *out;
	bool cr; /* a line has ended, and its "\n" may follow */
	enum {
		PLAIN,
		ESCAPED,
		SEQUENCE /* "ESC [", until a letter ends it */
	} state;
};

static void put_point(struct buf *out, unsigned int c)
{
	char s[4];
	size_t n;

	if (c < 0x80) {
		s[0] = (char)c;
		n = 1;
	} else if (c < 0x800) {
		s[0] = (char)(0xc0 | c >> 6);
		s[1] = (char)(0x80 | (c & 0x3f));
		n = 2;
	} else if (c < 0x10000) {
		s[0] = (char)(0xe0 | c >> 12);
		s[1] = (char)(0x80 | (c >> 6 & 0x3f));
		s[2] = (char)(0x80 | (c & 0x3f));
		n = 3;
	} else {
		s[0] = (char)(0xf0 | c >> 18);
		s[1] = (char)(0x80 | (c >> 12 & 0x3f));
		s[2] = (char)(0x80 | (c >> 6 & 0x3f));
		s[3] = (char)(0x80 | (c & 0x3f));
		n = 4;
	}
	(void)buf_add(out, s, n);
}

/* True when c belongs to a terminal's escape. */
static bool escapes(struct writer *w, unsigned int c)
{
	if (c == ESCAPE) {
		w->state = ESCAPED;
		return true;
	}
	if (w->state == ESCAPED) {
		w->state = c == '[' ? SEQUENCE : PLAIN;
		return c == '[';
	}
	if (w->state == SEQUENCE && c >= 0x20 && c < 0x7f) {
		if (c >= 0x40)
			w->state = PLAIN;
		return true;
	}
	w->state = PLAIN;
	return false;
}

static void put(struct writer *w, unsigned int c)
{
	bool after_cr = w->cr;

	w->cr = c == '\r';
	if (escapes(w, c) || (c == '\n' && after_cr))
		return;
	if (c == '\r' || c == '\f' || c == '\v' || c == 0x85 || c == 0x2028 ||
	    c == 0x2029)
		c = '\n';
	if (c == 0xfeff || (c < 0x80 && is_stray((unsigned char)c)) ||
	    (c >= 0x80 && c < 0xa0))
		return;
	put_point(w->out, c);
}

static void put_utf8(struct writer *w, const char *p, size_t n, bool whole)
{
	size_t len;

	for (; n > 0; p += len, n -= len) {
		len = utf8_len(p, n);
		if (len > 0) {
			put(w, utf8_point(p, len));
			continue;
		}
		if (is_cut(n, whole))
			return;
		put(w, 0xfffd);
		len = 1;
	}
}

static void put_utf16(struct writer *w, const char *p, size_t n, bool big)
{
	unsigned int u, low;
	size_t i;

	for (i = 2; i + 1 < n; i += 2) {
		u = unit_at(p + i, big);
		if (u < 0xd800 || u > 0xdfff) {
			put(w, u);
			continue;
		}
		low = i + 3 < n ? unit_at(p + i + 2, big) : 0;
		if (u > 0xdbff || low < 0xdc00 || low > 0xdfff) {
			put(w, 0xfffd);
			continue;
		}
		put(w, 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00));
		i += 2;
	}
}

static void put_western(struct writer *w, const char *p, size_t n)
{
	/* Of windows-1252 what Latin-1 has controls for. */
	static const unsigned int upper[32] = {
		0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd,
		0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178,
	};
	unsigned char c;
	size_t i;

	for (i = 0; i < n; i++) {
		c = (unsigned char)p[i];
		put(w, c >= 0x80 && c < 0xa0 ? upper[c - 0x80] : c);
	}
}

int content_text(const char *p, size_t n, bool whole, struct buf *out)
{
	struct writer w = { .out = out };

	switch (coding_of(p, n, whole)) {
	case CODING_UTF8:
		put_utf8(&w, p, n, whole);
		break;
	case CODING_UTF16LE:
		put_utf16(&w, p, n, false);
		break;
	case CODING_UTF16BE:
		put_utf16(&w, p, n, true);
		break;
	case CODING_WESTERN:
		put_western(&w, p, n);
		break;
	case CODING_NONE:
		break;
	}
	return out->failed ? -1 : 0;
}

bool content_is_page(const char *p, size_t n)
{
	static const char *const begins[] = { "<!doctype html", "<html" };
	size_t i, len;

	if (has_at(p, n, 0, "\xef\xbb\xbf", 3)) {
		p += 3;
		n -= 3;
	}
	for (; n > 0 && (*p == ' ' || is_blank((unsigned char)*p)); n--)
		p++;
	for (i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		len = strlen(begins[i]);
		if (n >= len && strncasecmp(p, begins[i], len) == 0)
			return true;
	}
	return false;
}
