/* SPDX-License-Identifier: ISC */
#include "turn/reply.h"

#include <string.h>

#include "slack/markdown.h"

#define FENCE_OPEN  "```\n"
#define FENCE_CLOSE "\n```"
#define ELLIPSIS    " …"

/* More Markdown than this is never visible in the first part. */
#define INTERIM_MAX (4 * MRKDWN_PART_MAX)

/*
 * Escaping makes at most five bytes of one; padded tables and cards can make
 * more, but a text that grows so much is a bad joke and shown unrendered.
 */
static size_t cap_for(size_t len)
{
	return 6 * len + 4096;
}

static int render(const char *md, size_t len, struct buf *out)
{
	if (mrkdwn_render(md, len, out) == 0)
		return 0;
	return mrkdwn_plain(md, len, out);
}

static bool blank(const char *p, size_t n)
{
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\n'))
		n--;
	return n == 0;
}

int reply_init(struct reply *r, const char *md, size_t len)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->text, cap_for(len));
	if (render(md, len, &r->text) < 0) {
		reply_release(r);
		return -1;
	}
	reply_cut(r, 0, MRKDWN_PART_MAX);
	return 0;
}

void reply_release(struct reply *r)
{
	buf_release(&r->text);
	r->n = 0;
}

void reply_cut(struct reply *r, size_t k, size_t max)
{
	const char *text = r->text.data;
	size_t len = r->text.len;
	size_t at = r->at[k];
	bool fence = r->fence[k];

	while (k < REPLY_PARTS_MAX && at < len && !blank(text + at, len - at)) {
		at += mrkdwn_split(text + at, len - at, max, &fence);
		k++;
		r->at[k] = at;
		r->fence[k] = fence;
	}
	r->n = k;
}

int reply_part(const struct reply *r, size_t k, struct buf *out)
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
	struct buf text;
	bool fence = false;
	size_t n;

	buf_init(&text, cap_for(shown));
	if (render(md, shown, &text) == 0 && text.len > 0) {
		n = mrkdwn_split(text.data, text.len, MRKDWN_PART_MAX, &fence);
		(void)buf_add(out, text.data, n);
		if (fence && n < text.len)
			(void)buf_adds(out, FENCE_CLOSE);
		if (n < text.len || shown < len)
			(void)buf_adds(out, ELLIPSIS);
	}
	buf_release(&text);
	return out->failed ? -1 : 0;
}
