/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "slack/dialect.h"
#include "slack/dialect_in.h"
#include "slack/markdown_in.h"
#include "slack/mention.h"

#define URL_MAX   2000 /* longer ones aren't links, so that a part holds one */
#define LABEL_MAX 1000

static void put(struct dialect *r, const char *s)
{
	(void)buf_adds(r->out, s);
}

static unsigned char last(const struct dialect *r)
{
	if (r->out->len == 0 || r->out->len == r->line_at)
		return '\n';
	return (unsigned char)r->out->data[r->out->len - 1];
}

static bool word(unsigned char c)
{
	return isalnum(c) || c >= 0x80;
}

/* "1." at the beginning of a line would be an item. */
static bool ends_number(const struct dialect *r)
{
	size_t i;

	if (r->table || r->out->len == r->line_at ||
	    r->out->len - r->line_at > 9)
		return false;
	for (i = r->line_at; i < r->out->len; i++) {
		if (!isdigit((unsigned char)r->out->data[i]))
			return false;
	}
	return true;
}

/* Does this mark mean something where it stands? */
static bool means(const struct dialect *r, const char *p, size_t n)
{
	unsigned char before = last(r);
	unsigned char after = n > 1 ? (unsigned char)p[1] : '\0';
	bool start = r->out->len == r->line_at;

	switch (*p) {
	case '\\':
		return n == 1 || ispunct(after);
	case '`':
	case '~':
	case '[':
		return true;
	case ']':
		return r->links > 0;
	case '*':
		return start || before != ' ' || after != ' ';
	case '_':
		return !word(before) || !word(after);
	case '|':
		return r->table || start;
	case '#':
	case '+':
	case '-':
	case '=':
		return start && !r->table;
	case '.':
	case ')':
		return ends_number(r);
	default:
		return false;
	}
}

static void character(struct dialect *r, const char *p, size_t n)
{
	unsigned char c = (unsigned char)*p;

	if (c == '&')
		put(r, "&amp;");
	else if (c == '<')
		put(r, "&lt;");
	else if (c == '>')
		put(r, "&gt;");
	else if (c == '\n' || c == '\t')
		(void)buf_addc(r->out, ' ');
	else if (c >= 0x20 && c != 0x7f) {
		if (means(r, p, n))
			(void)buf_addc(r->out, '\\');
		dialect_put(r->out, (char)c);
	}
}

static void url_bytes(struct buf *out, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c <= 0x20 || c == 0x7f || strchr("<>|\"`()\\*", c))
			(void)buf_addf(out, "%%%02X", c);
		else
			(void)buf_addc(out, (char)c);
	}
}

/* "&lt;" in a URL would be read as an entity. */
static bool has_entity(const char *p, size_t n)
{
	const char *end = p + n;
	const char *q;

	while (p < end && (p = memchr(p, '&', (size_t)(end - p)))) {
		for (q = p + 1;
		     q < end && (isalnum((unsigned char)*q) || *q == '#'); q++)
			;
		if (q < end && q > p + 1 && *q == ';')
			return true;
		p++;
	}
	return false;
}

static void labelled(struct dialect *r, const char *label, size_t nlabel,
		     const char *url, size_t n)
{
	if (last(r) == '!')
		put(r, MRKDWN_ZWSP); /* "![" would be an image */
	(void)buf_addc(r->out, '[');
	r->links++;
	for (; nlabel > 0; nlabel--, label++)
		character(r, label, nlabel);
	r->links--;
	put(r, "](");
	url_bytes(r->out, url, n);
	(void)buf_addc(r->out, ')');
}

static size_t bare_url(struct dialect *r, const char *p, size_t n)
{
	size_t len;

	if (*p != 'h' || r->links > 0 || isalnum(last(r)))
		return 0;
	len = mrkdwn_url_at(p, n);
	if (len == 0)
		return 0;
	if (has_entity(p, len) || memchr(p, '*', len) || memchr(p, '\\', len)) {
		labelled(r, p, len, p, len);
	} else {
		(void)buf_addc(r->out, '<');
		(void)buf_add(r->out, p, len);
		(void)buf_addc(r->out, '>');
	}
	return len;
}

static size_t slack_link(struct dialect *r, const char *p, size_t n)
{
	size_t label, len;

	if (*p != '<' || r->links > 0)
		return 0;
	len = mrkdwn_slack_link(p, n, &label);
	if (len > 0)
		labelled(r, p + label, len - label - 1, p + 1, label - 2);
	return len;
}

/* A mark's beginning or end; 0 when there is none. */
static size_t mention(struct dialect *r, const char *p, size_t n)
{
	char id[MENTION_ID];
	size_t k;

	if (*p == MENTION_END) {
		if (r->mention)
			(void)buf_addc(r->out, MENTION_END);
		r->mention = false;
		return 1;
	}
	k = mention_at(p, n, id);
	if (k > 0 && !r->table && r->links == 0 && !r->mention) {
		(void)buf_add(r->out, p, k);
		r->mention = true;
	}
	return k;
}

static void prose(struct dialect *r, const char *p, size_t n)
{
	size_t k;

	dialect_begin_text(r);
	while (n > 0 && !r->out->failed) {
		k = mention(r, p, n);
		if (k == 0)
			k = slack_link(r, p, n);
		if (k == 0)
			k = bare_url(r, p, n);
		if (k == 0) {
			character(r, p, n);
			k = 1;
		}
		p += k;
		n -= k;
	}
}

static void line_break(struct dialect *r, bool hard)
{
	if (r->table || r->heading || r->links > 0) {
		(void)buf_addc(r->out, ' ');
	} else {
		if (hard && r->out->len > r->line_at)
			put(r, "  ");
		r->want = r->want > 0 ? r->want : 1;
	}
}

/* See mrkdwn_relink(). */
static size_t relink(struct dialect *r, const char *p, size_t n)
{
	size_t skip = 0;

	if (r->links == 1 && r->href.len > 0 && r->out->len == r->link_at + 1)
		skip = mrkdwn_slack_skip(r->md, r->len, p, n);
	if (skip == 0)
		return 0;
	buf_reset(&r->href);
	url_bytes(&r->href, p, skip - 1);
	return skip;
}

int dialect_text(MD_TEXTTYPE type, const MD_CHAR *p, MD_SIZE n, void *arg)
{
	struct dialect *r = arg;
	char ch[4];
	size_t k;

	if (!mrkdwn_is_sane(r->md, r->len, p, n))
		return -1;
	switch (type) {
	case MD_TEXT_NULLCHAR:
		prose(r, "\xef\xbf\xbd", 3);
		break;
	case MD_TEXT_BR:
		line_break(r, true);
		break;
	case MD_TEXT_SOFTBR:
		line_break(r, false);
		break;
	case MD_TEXT_ENTITY:
		k = mrkdwn_entity(p, n, ch);
		prose(r, k > 0 ? ch : p, k > 0 ? k : n);
		break;
	case MD_TEXT_CODE:
		if (r->fence || r->span)
			dialect_code(r->out, p, n);
		else
			prose(r, p, n);
		break;
	case MD_TEXT_HTML:
		if (mrkdwn_is_br(p, n))
			line_break(r, true);
		else
			prose(r, p, n);
		break;
	case MD_TEXT_NORMAL:
	case MD_TEXT_LATEXMATH:
		k = relink(r, p, n);
		prose(r, p + k, n - k);
		break;
	}
	return r->out->failed ? -1 : 0;
}

static void emphasis(struct dialect *r, unsigned int *depth, const char *mark,
		     bool enter)
{
	bool shown = !r->table && r->links == 0;

	if (enter) {
		dialect_begin_text(r);
		(*depth)++;
		if (shown && *depth == 1)
			put(r, mark);
	} else if (*depth > 0) {
		(*depth)--;
		if (shown && *depth == 0)
			put(r, mark);
	}
}

static void enter_code(struct dialect *r)
{
	dialect_begin_text(r);
	if (r->table || r->links > 0)
		return;
	buf_reset(&r->aside);
	r->out = &r->aside;
	r->span = true;
}

static void ticks(struct buf *out, size_t n)
{
	while (n-- > 0)
		(void)buf_addc(out, '`');
}

static void leave_code(struct dialect *r)
{
	struct buf *b = &r->aside;
	size_t n;
	bool pad;

	if (!r->span)
		return;
	r->span = false;
	r->out = r->text;
	if (b->len == 0)
		return;
	n = dialect_ticks(b) + 1;
	pad = b->data[0] == '`' || b->data[b->len - 1] == '`';
	ticks(r->out, n);
	(void)buf_addf(r->out, "%s%s%s", pad ? " " : "", b->data,
		       pad ? " " : "");
	ticks(r->out, n);
}

static void href_of(struct buf *out, const MD_ATTRIBUTE *a)
{
	size_t i, k;
	char ch[4];

	buf_reset(out);
	(void)buf_adds(out, "");
	if (a->size == 0 || a->size > URL_MAX)
		return;
	for (i = 0; a->substr_offsets[i] < a->size; i++) {
		const char *p = a->text + a->substr_offsets[i];
		size_t n = a->substr_offsets[i + 1] - a->substr_offsets[i];

		k = 0;
		if (a->substr_types[i] == MD_TEXT_ENTITY)
			k = mrkdwn_entity(p, n, ch);
		url_bytes(out, k > 0 ? ch : p, k > 0 ? k : n);
	}
	if (out->failed || !mrkdwn_scheme_ok(out->data))
		buf_reset(out);
}

static void enter_link(struct dialect *r, const MD_ATTRIBUTE *href)
{
	dialect_begin_text(r);
	if (r->links == 0 && mrkdwn_is_loose(r->md, r->len, href))
		return;
	r->links++;
	if (r->links > 1)
		return;
	href_of(&r->href, href);
	if (last(r) == '!')
		put(r, MRKDWN_ZWSP); /* "![" would be an image */
	r->link_at = r->out->len;
	if (r->href.len > 0)
		(void)buf_addc(r->out, '[');
}

/* Does the label say nothing but the URL? */
static bool says_url(const char *label, size_t n, const struct buf *href)
{
	if (n == 0)
		return true;
	return n == href->len && memcmp(label, href->data, n) == 0;
}

static void leave_link(struct dialect *r)
{
	struct buf *b = r->out;
	size_t at = r->link_at + 1;
	const char *h = r->href.data;

	if (r->links == 0)
		return;
	r->links--;
	if (r->links > 0 || r->href.len == 0 || b->failed)
		return;
	if (b->len - at > LABEL_MAX) {
		memmove(b->data + at - 1, b->data + at, b->len - at + 1);
		b->len--;
	} else if (says_url(b->data + at, b->len - at, &r->href) &&
		   strncasecmp(h, "mailto:", 7) != 0 &&
		   !has_entity(h, r->href.len)) {
		mrkdwn_chop(b, r->link_at);
		(void)buf_addf(b, "<%s>", h);
	} else {
		if (b->len == at)
			put(r, "link");
		(void)buf_addf(b, "](%s)", h);
	}
}

static int span(struct dialect *r, MD_SPANTYPE type, void *detail, bool enter)
{
	switch (type) {
	case MD_SPAN_EM:
		emphasis(r, &r->em, "*", enter);
		break;
	case MD_SPAN_STRONG:
		emphasis(r, &r->strong, "**", enter);
		break;
	case MD_SPAN_DEL:
		emphasis(r, &r->del, "~~", enter);
		break;
	case MD_SPAN_CODE:
		if (enter)
			enter_code(r);
		else
			leave_code(r);
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

int dialect_enter_span(MD_SPANTYPE type, void *detail, void *arg)
{
	return span(arg, type, detail, true);
}

int dialect_leave_span(MD_SPANTYPE type, void *detail, void *arg)
{
	return span(arg, type, detail, false);
}

/* md4c 0.4.8 may end a span in another cell than it began in. */
void dialect_end_spans(struct dialect *r)
{
	leave_code(r);
	if (r->mention)
		(void)buf_addc(r->out, MENTION_END);
	r->mention = false;
	while (r->links > 0)
		leave_link(r);
	if (r->em > 0 && !r->table)
		put(r, "*");
	if (r->strong > 0 && !r->table)
		put(r, "**");
	if (r->del > 0 && !r->table)
		put(r, "~~");
	r->em = r->strong = r->del = 0;
}

int dialect_plain(const char *text, size_t len, struct buf *out)
{
	struct dialect r = { .out = out, .text = out };
	const char *nl;
	size_t n;

	while (len > 0) {
		nl = memchr(text, '\n', len);
		n = nl ? (size_t)(nl - text) : len;
		r.line_at = out->len;
		prose(&r, text, n);
		if (nl)
			(void)buf_addc(out, '\n');
		text += n + (nl != NULL);
		len -= n + (nl != NULL);
	}
	return out->failed ? -1 : 0;
}
