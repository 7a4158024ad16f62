/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "slack/markdown_in.h"

#define URL_MAX   2000 /* longer ones aren't links, so that a part holds one */
#define LABEL_MAX 1000

bool mrkdwn_scheme_ok(const char *u)
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
			k = mrkdwn_entity(p, n, ch);
		url_bytes(out, k > 0 ? ch : p, k > 0 ? k : n);
	}
}

void mrkdwn_enter_link(struct mrkdwn *r, const MD_ATTRIBUTE *href)
{
	mrkdwn_begin_text(r);
	if (r->links == 0 && mrkdwn_is_loose(r->md, r->len, href))
		return;
	r->links++;
	if (r->links > 1)
		return;
	if (r->guard || r->closed)
		(void)buf_adds(r->out, MRKDWN_ZWSP);
	r->guard = r->closed = false;
	r->link_at = r->out->len;
	(void)buf_addc(r->out, '<');
	if (href->size > 0 && href->size <= URL_MAX)
		url(r->out, href);
	r->link_ok = !r->out->failed && r->out->len > r->link_at + 1 &&
		     r->out->len - r->link_at <= URL_MAX &&
		     mrkdwn_scheme_ok(r->out->data + r->link_at + 1);
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

void mrkdwn_leave_link(struct mrkdwn *r)
{
	struct buf *b = r->out;
	size_t url_len, label_len;

	if (r->links == 0)
		return;
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

/*
 * URLs that stand in the text as they are. md4c could find them, but when it
 * does so in tables (0.4.8), it reads outside of its memory.
 */
static size_t url_len(const char *p, size_t n)
{
	size_t len = 0, open = 0, close = 0, i;

	if (n > URL_MAX)
		n = URL_MAX + 1;
	while (len < n && !isspace((unsigned char)p[len]) &&
	       !strchr("<>\"`|", p[len]))
		len++;
	for (i = 0; i < len; i++) {
		open += p[i] == '(';
		close += p[i] == ')';
	}
	while (len > 0 && (strchr(".,:;!?'*_~]", p[len - 1]) ||
			   (p[len - 1] == ')' && close > open))) {
		close -= p[len - 1] == ')';
		len--;
	}
	return len;
}

/* A scheme and something behind it; 0 when there is none at p. */
size_t mrkdwn_url_at(const char *p, size_t n)
{
	size_t scheme = 0, len;

	if (n > 8 && memcmp(p, "https://", 8) == 0)
		scheme = 8;
	else if (n > 7 && memcmp(p, "http://", 7) == 0)
		scheme = 7;
	if (scheme == 0)
		return 0;
	len = url_len(p, n);
	return len > scheme && len <= URL_MAX ? len : 0;
}

size_t mrkdwn_slack_link(const char *p, size_t n, size_t *label)
{
	size_t i, k;

	i = n > 1 && *p == '<' ? mrkdwn_url_at(p + 1, n - 1) : 0;
	if (i == 0 || ++i >= n || p[i] != '|')
		return 0;
	*label = i + 1;
	for (k = *label; k < n && k < LABEL_MAX && !strchr("<>|", p[k]); k++)
		;
	return k > *label && k < n && p[k] == '>' ? k + 1 : 0;
}

static bool stands_in(const char *md, size_t len, const char *p, size_t n)
{
	return p && p > md && p + n < md + len;
}

size_t mrkdwn_slack_skip(const char *md, size_t len, const char *p, size_t n)
{
	size_t label;

	if (!stands_in(md, len, p, n) || p[-1] != '<' ||
	    mrkdwn_slack_link(p - 1, n + 2, &label) == 0)
		return 0;
	return label - 1;
}

bool mrkdwn_is_loose(const char *md, size_t len, const MD_ATTRIBUTE *href)
{
	const char *p = href->text;

	if (!stands_in(md, len, p, href->size) || p[-1] == '<' ||
	    (p[-1] == '(' && p - 1 > md && p[-2] == ']'))
		return false;
	return memchr(p, '"', href->size) != NULL;
}

/* The URL that is there is replaced. */
size_t mrkdwn_relink(struct mrkdwn *r, const char *p, size_t n)
{
	size_t skip = 0;

	if (r->links == 1 && r->link_ok && r->out->len == r->label_at)
		skip = mrkdwn_slack_skip(r->md, r->len, p, n);
	if (skip == 0)
		return 0;
	mrkdwn_chop(r->out, r->link_at + 1);
	url_bytes(r->out, p, skip - 1);
	(void)buf_addc(r->out, '|');
	r->label_at = r->out->len;
	return skip;
}

size_t mrkdwn_find_url(const struct mrkdwn *r, const char *p, size_t n,
		       size_t *len)
{
	unsigned char before = mrkdwn_last(r);
	size_t at = 0;
	const char *h;

	*len = 0;
	while (r->links == 0 && at < n) {
		h = memchr(p + at, 'h', n - at);
		if (!h)
			break;
		at = (size_t)(h - p);
		if (at > 0)
			before = (unsigned char)p[at - 1];
		*len = isalnum(before) ? 0 : mrkdwn_url_at(h, n - at);
		if (*len > 0)
			return at;
		at++;
	}
	return n;
}

void mrkdwn_bare_link(struct mrkdwn *r, const char *p, size_t n)
{
	if (r->guard || r->closed)
		(void)buf_adds(r->out, MRKDWN_ZWSP);
	r->guard = r->closed = false;
	(void)buf_addc(r->out, '<');
	url_bytes(r->out, p, n);
	(void)buf_addc(r->out, '>');
	r->linked = true;
}

/*
 * md4c 0.4.8 has been seen to end a span in another table cell than it began
 * in, or not at all.
 */
void mrkdwn_end_spans(struct mrkdwn *r)
{
	while (r->links > 0)
		mrkdwn_leave_link(r);
	r->em = r->strong = r->del = 0;
	r->closed = r->guard = r->mention = false;
}
