/* SPDX-License-Identifier: ISC */
#include "turn/reply.h"

#include <stdlib.h>
#include <string.h>

#include "slack/blocks.h"
#include "slack/markdown.h"

#define FENCE_OPEN  "```\n"
#define FENCE_CLOSE "\n```"

/* More Markdown than this is never visible in the first part. */
#define INTERIM_MAX (4 * BLOCKS_PART_MAX)

/*
 * Escaping makes at most five bytes of one; a text that grows more is a bad
 * joke and shown unrendered.
 */
static size_t cap_for(size_t len)
{
	return 6 * len + 4096;
}

static int render(const char *md, size_t len, struct buf *out)
{
	if (dialect_render(md, len, out) == 0)
		return 0;
	buf_reset(out);
	return dialect_plain(md, len, out);
}

static bool blank(const char *p, size_t n)
{
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\n'))
		n--;
	return n == 0;
}

int reply_init(struct reply *r, const char *md, size_t len)
{
	const char *text;
	size_t k = 0, at = 0;

	memset(r, 0, sizeof(*r));
	r->plain = REPLY_PARTS_MAX;
	buf_init(&r->md, cap_for(len));
	if (render(md, len, &r->md) < 0) {
		reply_release(r);
		return -1;
	}
	text = r->md.data;
	len = r->md.len;
	while (k < REPLY_PARTS_MAX && at < len && !blank(text + at, len - at)) {
		dialect_cut(text, len, at, BLOCKS_PART_MAX, &r->cut[k],
			    &r->cut[k + 1]);
		at = r->cut[++k].end;
	}
	r->n = k;
	r->more = at < len && !blank(text + at, len - at);
	return 0;
}

void reply_limit(struct reply *r, size_t most)
{
	if (r->n <= most)
		return;
	r->n = most;
	r->more = true;
}

void reply_release(struct reply *r)
{
	buf_release(&r->md);
	buf_release(&r->text);
	r->n = 0;
}

/* What a piece begins with, and how it ends. */
static void add_again(const struct reply *r, size_t k, struct buf *out)
{
	const struct dialect_cut *c = &r->cut[k];

	(void)buf_add(out, r->md.data + c->again_at, c->again_len);
}

static void close_again(const struct reply *r, size_t k, struct buf *out)
{
	const struct dialect_cut *c = &r->cut[k];
	const char *p = r->md.data + c->again_at;
	size_t i;

	for (i = 0; i < c->again_len && p[i] == '`'; i++) {
		if (i == 0)
			(void)buf_addc(out, '\n');
		(void)buf_addc(out, '`');
	}
}

int reply_part(const struct reply *r, size_t k, struct buf *out)
{
	const char *p = r->md.data + r->cut[k].end;
	size_t n = r->cut[k + 1].end - r->cut[k].end;

	add_again(r, k, out);
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == ' '))
		n--;
	while (n > 0 && r->cut[k].again_len == 0 && *p == '\n') {
		p++;
		n--;
	}
	/* Inside of its line it was no row of a table. */
	if (n > 0 && *p == '|' && r->cut[k].again_len == 0 && p > r->md.data &&
	    p[-1] != '\n')
		(void)buf_addc(out, '\\');
	(void)buf_add(out, p, n);
	close_again(r, k + 1, out);
	return out->failed ? -1 : 0;
}

/* mrkdwn of all from part k on. */
static int render_rest(struct reply *r, size_t k)
{
	size_t from = r->cut[k].end;
	struct buf rest;
	int rc;

	buf_init(&rest, 2 * r->md.len + 4096);
	if (r->md.data) {
		add_again(r, k, &rest);
		(void)buf_add(&rest, r->md.data + from, r->md.len - from);
	}
	buf_release(&r->text);
	buf_init(&r->text, 16 * rest.len + 4096);
	rc = mrkdwn_render(rest.data ? rest.data : "", rest.len, &r->text);
	if (rc < 0 && !rest.failed) {
		buf_reset(&r->text);
		rc = mrkdwn_plain(rest.data, rest.len, &r->text);
	}
	buf_release(&rest);
	return rc;
}

int reply_plain(struct reply *r, size_t k)
{
	bool fence = false;
	size_t at = 0;

	if (k > r->n || render_rest(r, k) < 0)
		return -1;
	r->plain = k;
	r->at[k] = 0;
	r->fence[k] = false;
	while (k < REPLY_PARTS_MAX && at < r->text.len &&
	       !blank(r->text.data + at, r->text.len - at)) {
		at += mrkdwn_split(r->text.data + at, r->text.len - at,
				   SHAPE_TEXT_MAX, &fence);
		k++;
		r->at[k] = at;
		r->fence[k] = fence;
	}
	r->n = k;
	r->more = at < r->text.len &&
		  !blank(r->text.data + at, r->text.len - at);
	return 0;
}

static void add_remark(const struct reply *r, size_t k, struct buf *out)
{
	if (r->more && r->remark && k + 1 == r->n)
		(void)buf_addf(out, "\n\n%s", r->remark);
}

static int plain_part(const struct reply *r, size_t k, struct buf *out)
{
	const char *p = r->text.data + r->at[k];
	size_t n = r->at[k + 1] - r->at[k];

	if (r->fence[k])
		(void)buf_adds(out, FENCE_OPEN);
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == ' '))
		n--;
	while (n > 0 && !r->fence[k] && *p == '\n') {
		p++;
		n--;
	}
	(void)buf_add(out, p, n);
	if (r->fence[k + 1])
		(void)buf_adds(out, FENCE_CLOSE);
	return out->failed ? -1 : 0;
}

int reply_shape(const struct reply *r, size_t k, enum shape_kind kind,
		struct shape *s)
{
	struct buf part;
	int rc;

	s->text = s->blocks = NULL;
	buf_init(&part, cap_for(8 * BLOCKS_PART_MAX));
	if (k >= r->n) {
		s->text = strdup("");
		rc = s->text ? 0 : -1;
	} else if (k >= r->plain) {
		rc = plain_part(r, k, &part);
		add_remark(r, k, &part);
		s->text = rc == 0 ? buf_take(&part) : NULL;
		rc = s->text ? 0 : -1;
	} else {
		rc = reply_part(r, k, &part);
		add_remark(r, k, &part);
		if (rc == 0)
			rc = shape_make(s, part.data, part.len, kind);
	}
	buf_release(&part);
	return rc;
}

/* Not in the middle of a character. */
static size_t clip(const char *md, size_t len)
{
	size_t n = len;

	if (n <= INTERIM_MAX)
		return n;
	n = INTERIM_MAX;
	while (n > 0 && ((unsigned char)md[n] & 0xc0) == 0x80)
		n--;
	return n;
}

int reply_interim(const char *md, size_t len, struct buf *out)
{
	size_t shown = clip(md, len);
	struct reply r;
	int rc;

	rc = reply_init(&r, md, mrkdwn_whole_links(md, shown));
	if (rc == 0 && r.n > 0)
		rc = reply_part(&r, 0, out);
	if (rc == 0 && (r.n > 1 || shown < len))
		(void)buf_adds(out, r.cut[1].again_len > 0 ? "\n\n…" : " …");
	reply_release(&r);
	return rc < 0 || out->failed ? -1 : 0;
}

/* As a quote, every line of it, and nothing in it is Markdown. */
void reply_asked(const char *who, const char *question, struct buf *out)
{
	const char *p;

	(void)buf_adds(out, "> **");
	(void)dialect_plain(who, strlen(who), out);
	(void)buf_adds(out, ":** ");
	for (p = question; *p; p += strcspn(p, "\n")) {
		if (*p == '\n') {
			(void)buf_adds(out, "\n> ");
			p++;
		}
		(void)dialect_plain(p, strcspn(p, "\n"), out);
	}
	(void)buf_adds(out, "\n\n");
}
