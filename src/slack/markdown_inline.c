/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "slack/markdown_in.h"

#define URL_MAX   2000 /* longer ones aren't links, so that a part holds one */
#define LABEL_MAX 1000

static bool is_word(unsigned char c)
{
	return isalnum(c) != 0 || c >= 0x80;
}

static unsigned char last_byte(const struct mrkdwn *r)
{
	if (r->want > 0 || r->out->len == 0)
		return '\n';
	return (unsigned char)r->out->data[r->out->len - 1];
}

static void put(struct mrkdwn *r, const char *s)
{
	(void)buf_adds(r->out, s);
}

void mrkdwn_escape(struct buf *out, const char *p, size_t n, bool verbatim)
{
	const char *esc;
	size_t i, from = 0;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c >= 0x20 && c != '&' && c != '<' && c != '>' && c != 0x7f)
			continue;
		if (verbatim && (c == '\n' || c == '\t'))
			continue;
		if (c == '&')
			esc = "&amp;";
		else if (c == '<')
			esc = "&lt;";
		else if (c == '>')
			esc = "&gt;";
		else
			esc = c == '\n' || c == '\t' ? " " : "";
		(void)buf_add(out, p + from, i - from);
		(void)buf_adds(out, esc);
		from = i + 1;
	}
	(void)buf_add(out, p + from, n - from);
}

static void line_break(struct mrkdwn *r)
{
	if (r->table || r->heading || r->links + r->em + r->strong + r->del > 0)
		(void)buf_addc(r->out, ' ');
	else
		r->want = r->want > 0 ? r->want : 1;
}

/* No three backticks in a row come from text: they'd be a fence. */
static void tick(struct mrkdwn *r)
{
	const struct buf *b = r->out;

	if (b->len >= 2 && b->data[b->len - 1] == '`' &&
	    b->data[b->len - 2] == '`')
		put(r, MRKDWN_ZWSP);
	(void)buf_addc(r->out, '`');
}

/*
 * A literal mark that could open emphasis gets a zero width space behind it:
 * mrkdwn has no escape for it.
 */
static void literal_mark(struct mrkdwn *r, char c)
{
	bool opens = !is_word(last_byte(r));

	if (c == '`')
		tick(r);
	else
		(void)buf_addc(r->out, c);
	r->guard = opens && !r->links;
}

static void prose(struct mrkdwn *r, const char *p, size_t n)
{
	size_t i = 0, run;

	if (n == 0)
		return;
	mrkdwn_begin_text(r);
	if (r->closed && is_word((unsigned char)p[0]))
		put(r, MRKDWN_ZWSP);
	r->closed = false;
	while (i < n) {
		if (r->guard && !isspace((unsigned char)p[i]))
			put(r, MRKDWN_ZWSP);
		r->guard = false;
		for (run = 0; i + run < n; run++) {
			if (strchr("*_~`", p[i + run]) && p[i + run] != '\0')
				break;
		}
		if (run > 0)
			mrkdwn_escape(r->out, p + i, run, false);
		i += run;
		if (i < n)
			literal_mark(r, p[i++]);
	}
}

/* Inside of code; a backtick can't stand in mrkdwn's code spans. */
static void code_text(struct mrkdwn *r, const char *p, size_t n)
{
	size_t i = 0, run;

	while (i < n) {
		for (run = 0; i + run < n && p[i + run] != '`'; run++)
			;
		mrkdwn_escape(r->out, p + i, run, r->code);
		i += run;
		if (i == n)
			break;
		if (r->code)
			tick(r);
		else
			(void)buf_addc(r->out, '\'');
		i++;
	}
}

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

/* "&name;" or "&#1;" or "&#x1;" as text; size is md4c's, so n > 2. */
static size_t entity(const char *p, size_t n, char out[4])
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

static bool is_br(const char *p, size_t n)
{
	return n >= 4 && strncasecmp(p, "<br", 3) == 0 &&
	       strchr(" />", p[3]) != NULL;
}

int mrkdwn_text(MD_TEXTTYPE type, const MD_CHAR *p, MD_SIZE n, void *arg)
{
	struct mrkdwn *r = arg;
	char ch[4];
	size_t k;

	switch (type) {
	case MD_TEXT_NULLCHAR:
		prose(r, "\xef\xbf\xbd", 3);
		break;
	case MD_TEXT_BR:
	case MD_TEXT_SOFTBR:
		line_break(r);
		break;
	case MD_TEXT_ENTITY:
		k = entity(p, n, ch);
		prose(r, k > 0 ? ch : p, k > 0 ? k : n);
		break;
	case MD_TEXT_CODE:
		code_text(r, p, n);
		break;
	case MD_TEXT_HTML:
		if (is_br(p, n))
			line_break(r);
		else
			prose(r, p, n);
		break;
	case MD_TEXT_NORMAL:
	case MD_TEXT_LATEXMATH:
		prose(r, p, n);
		break;
	}
	return r->out->failed ? -1 : 0;
}

/* mrkdwn sees a mark at a word's edge only; U+200B makes one. */
static void open_mark(struct mrkdwn *r, char c)
{
	mrkdwn_begin_text(r);
	if (r->guard || is_word(last_byte(r)))
		put(r, MRKDWN_ZWSP);
	r->closed = r->guard = false;
	(void)buf_addc(r->out, c);
}

static void close_mark(struct mrkdwn *r, char c)
{
	(void)buf_addc(r->out, c);
	r->closed = true;
	r->guard = false;
}

/* Marks are left out where mrkdwn would show them as they are. */
static void emphasis(struct mrkdwn *r, unsigned int *depth, char c, bool enter)
{
	bool shown = !r->table && !r->links && !(r->heading && c == '*');

	if (enter) {
		(*depth)++;
		if (shown && *depth == 1)
			open_mark(r, c);
	} else {
		(*depth)--;
		if (shown && *depth == 0)
			close_mark(r, c);
	}
}

static void code_span(struct mrkdwn *r, bool enter)
{
	mrkdwn_begin_text(r);
	if (r->table || r->links)
		return;
	if (enter) {
		if (r->closed || is_word(last_byte(r)))
			put(r, MRKDWN_ZWSP);
		r->closed = r->guard = false;
		tick(r);
	} else {
		tick(r);
		r->closed = true;
	}
}

/* Only these become links: "!channel" and "@U1" would ping. */
static bool scheme_ok(const char *u)
{
	static const char *const ok[] = { "http://", "https://", "mailto:" };
	size_t i;

	for (i = 0; i < sizeof(ok) / sizeof(ok[0]); i++) {
		if (strncasecmp(u, ok[i], strlen(ok[i])) == 0)
			return true;
	}
	return false;
}

static void url_bytes(struct buf *out, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c <= 0x20 || c == 0x7f || strchr("<>|\"`", c))
			(void)buf_addf(out, "%%%02X", c);
		else if (c == '&')
			(void)buf_adds(out, "&amp;");
		else
			(void)buf_addc(out, (char)c);
	}
}

static void url(struct buf *out, const MD_ATTRIBUTE *a)
{
	size_t i, k;
	char ch[4];

	for (i = 0; a->substr_offsets[i] < a->size; i++) {
		const char *p = a->text + a->substr_offsets[i];
		size_t n = a->substr_offsets[i + 1] - a->substr_offsets[i];

		k = 0;
		if (a->substr_types[i] == MD_TEXT_ENTITY)
			k = entity(p, n, ch);
		url_bytes(out, k > 0 ? ch : p, k > 0 ? k : n);
	}
}

static void enter_link(struct mrkdwn *r, const MD_ATTRIBUTE *href)
{
	mrkdwn_begin_text(r);
	r->links++;
	if (r->links > 1)
		return;
	if (r->guard || r->closed)
		put(r, MRKDWN_ZWSP);
	r->guard = r->closed = false;
	r->link_at = r->out->len;
	(void)buf_addc(r->out, '<');
	if (href->size > 0 && href->size <= URL_MAX)
		url(r->out, href);
	r->link_ok = !r->out->failed && r->out->len > r->link_at + 1 &&
		     r->out->len - r->link_at <= URL_MAX &&
		     scheme_ok(r->out->data + r->link_at + 1);
	if (!r->link_ok)
		mrkdwn_chop(r->out, r->link_at);
	else
		(void)buf_addc(r->out, '|');
	r->label_at = r->out->len;
}

static void drop_bytes(struct buf *b, size_t at, size_t n)
{
	memmove(b->data + at, b->data + at + n, b->len - at - n + 1);
	b->len -= n;
}

static void leave_link(struct mrkdwn *r)
{
	struct buf *b = r->out;
	size_t url_len, label_len;

	r->links--;
	if (r->links > 0 || !r->link_ok || b->failed)
		return;
	url_len = r->label_at - r->link_at - 2;
	label_len = b->len - r->label_at;
	if (label_len > LABEL_MAX) {
		drop_bytes(b, r->link_at, r->label_at - r->link_at);
		return;
	}
	if (label_len == 0 || (label_len == url_len &&
			       memcmp(b->data + r->link_at + 1,
				      b->data + r->label_at, label_len) == 0))
		mrkdwn_chop(b, r->label_at - 1);
	(void)buf_addc(b, '>');
	r->linked = true;
}

static int span(struct mrkdwn *r, MD_SPANTYPE type, void *detail, bool enter)
{
	switch (type) {
	case MD_SPAN_EM:
		emphasis(r, &r->em, '_', enter);
		break;
	case MD_SPAN_STRONG:
		emphasis(r, &r->strong, '*', enter);
		break;
	case MD_SPAN_DEL:
		emphasis(r, &r->del, '~', enter);
		break;
	case MD_SPAN_CODE:
		code_span(r, enter);
		break;
	case MD_SPAN_A:
		if (enter)
			enter_link(r, &((MD_SPAN_A_DETAIL *)detail)->href);
		else
			leave_link(r);
		break;
	case MD_SPAN_IMG:
		if (enter)
			enter_link(r, &((MD_SPAN_IMG_DETAIL *)detail)->src);
		else
			leave_link(r);
		break;
	case MD_SPAN_LATEXMATH:
	case MD_SPAN_LATEXMATH_DISPLAY:
	case MD_SPAN_WIKILINK:
	case MD_SPAN_U:
		break;
	}
	return r->out->failed ? -1 : 0;
}

int mrkdwn_enter_span(MD_SPANTYPE type, void *detail, void *arg)
{
	return span(arg, type, detail, true);
}

int mrkdwn_leave_span(MD_SPANTYPE type, void *detail, void *arg)
{
	return span(arg, type, detail, false);
}
