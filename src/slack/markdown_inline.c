/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "slack/markdown_in.h"
#include "slack/mention.h"

#define URL_MAX   2000 /* longer ones aren't links, so that a part holds one */
#define LABEL_MAX 1000

static bool is_word(unsigned char c)
{
	return isalnum(c) != 0 || c >= 0x80;
}

unsigned char mrkdwn_last(const struct mrkdwn *r)
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
	bool opens = !is_word(mrkdwn_last(r));

	if (c == '`')
		tick(r);
	else
		(void)buf_addc(r->out, c);
	r->guard = opens && !r->links;
}

static void words(struct mrkdwn *r, const char *p, size_t n)
{
	size_t i = 0, run;

	if (n == 0)
		return;
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

/* The one whose URL is at p + at; returns its end. */
static size_t slack_link(struct mrkdwn *r, const char *p, size_t at, size_t n)
{
	size_t label, len;

	len = at > 0 && at < n
		      ? mrkdwn_slack_link(p + at - 1, n - at + 1, &label)
		      : 0;
	if (len == 0)
		return 0;
	words(r, p, at - 1);
	mrkdwn_bare_link(r, p + at, label - 2);
	mrkdwn_chop(r->out, r->out->len - 1);
	(void)buf_addc(r->out, '|');
	words(r, p + at - 1 + label, len - label - 1);
	(void)buf_addc(r->out, '>');
	return at - 1 + len;
}

static void prose(struct mrkdwn *r, const char *p, size_t n)
{
	size_t at, len, end;

	mrkdwn_begin_text(r);
	while (n > 0) {
		at = mrkdwn_find_url(r, p, n, &len);
		end = slack_link(r, p, at, n);
		if (end > 0) {
			p += end;
			n -= end;
			continue;
		}
		words(r, p, at);
		if (at < n)
			mrkdwn_bare_link(r, p + at, len);
		p += at + len;
		n -= at + len;
	}
}

/* "\1 id \2" at p becomes a mention where there can be one. */
static size_t begin_mention(struct mrkdwn *r, const char *p, size_t n)
{
	char id[MENTION_ID];
	size_t k = mention_at(p, n, id);

	if (k == 0)
		return 1;
	if (r->table || r->links)
		return k;
	mrkdwn_begin_text(r);
	if (r->closed || r->guard || is_word(mrkdwn_last(r)))
		put(r, MRKDWN_ZWSP);
	r->closed = r->guard = false;
	(void)buf_addf(r->out, "<@%s>", id);
	r->mention = true;
	return k;
}

/* What the model wrote for it, up to the mark's end, isn't shown. */
static size_t pass_mention(struct mrkdwn *r, const char *p, size_t n)
{
	const char *end = memchr(p, MENTION_END, n);

	if (!end)
		return n;
	r->mention = false;
	return (size_t)(end - p) + 1;
}

/* Text with marks of slack/mention.h in it. */
static void said(struct mrkdwn *r, const char *p, size_t n)
{
	const char *mark;
	size_t k;

	while (n > 0 && !r->out->failed) {
		mark = memchr(p, MENTION_BEGIN, n);
		k = mark ? (size_t)(mark - p) : n;
		if (r->mention)
			k = pass_mention(r, p, n);
		else if (k == 0)
			k = begin_mention(r, p, n);
		else
			prose(r, p, k);
		p += k;
		n -= k;
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

bool mrkdwn_is_br(const char *p, size_t n)
{
	return n >= 4 && strncasecmp(p, "<br", 3) == 0 &&
	       strchr(" />", p[3]) != NULL;
}

bool mrkdwn_is_sane(const char *md, size_t len, const char *p, size_t n)
{
	if (p >= md && p <= md + len)
		return n <= (size_t)(md + len - p);
	return n <= 16;
}

int mrkdwn_text(MD_TEXTTYPE type, const MD_CHAR *p, MD_SIZE n, void *arg)
{
	struct mrkdwn *r = arg;
	char ch[4];
	size_t k;

	if (!mrkdwn_is_sane(r->md, r->len, p, n))
		return -1;
	switch (type) {
	case MD_TEXT_NULLCHAR:
		prose(r, "\xef\xbf\xbd", 3);
		break;
	case MD_TEXT_BR:
	case MD_TEXT_SOFTBR:
		line_break(r);
		break;
	case MD_TEXT_ENTITY:
		k = mrkdwn_entity(p, n, ch);
		said(r, k > 0 ? ch : p, k > 0 ? k : n);
		break;
	case MD_TEXT_CODE:
		code_text(r, p, n);
		break;
	case MD_TEXT_HTML:
		if (mrkdwn_is_br(p, n))
			line_break(r);
		else
			said(r, p, n);
		break;
	case MD_TEXT_NORMAL:
	case MD_TEXT_LATEXMATH:
		k = mrkdwn_relink(r, p, n);
		said(r, p + k, n - (MD_SIZE)k);
		break;
	}
	return r->out->failed ? -1 : 0;
}

/* mrkdwn sees a mark at a word's edge only; U+200B makes one. */
static void open_mark(struct mrkdwn *r, char c)
{
	mrkdwn_begin_text(r);
	if (r->guard || is_word(mrkdwn_last(r)))
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
	} else if (*depth > 0) {
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
		if (r->closed || is_word(mrkdwn_last(r)))
			put(r, MRKDWN_ZWSP);
		r->closed = r->guard = false;
		tick(r);
	} else {
		tick(r);
		r->closed = true;
	}
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
			mrkdwn_enter_link(r,
					  &((MD_SPAN_A_DETAIL *)detail)->href);
		else
			mrkdwn_leave_link(r);
		break;
	case MD_SPAN_IMG:
		if (enter)
			mrkdwn_enter_link(r,
					  &((MD_SPAN_IMG_DETAIL *)detail)->src);
		else
			mrkdwn_leave_link(r);
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
