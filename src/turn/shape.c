/* SPDX-License-Identifier: ISC */
#include "turn/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "net/http.h"
#include "slack/blocks.h"
#include "slack/markdown.h"

#define ELLIPSIS "…"

static int make_text(struct shape *s, const char *md, size_t len)
{
	struct buf text, cut;
	bool fence = false;
	size_t n;

	buf_init(&text, 16 * len + 4096);
	buf_init(&cut, 2 * SHAPE_TEXT_MAX);
	if (mrkdwn_render(md, len, &text) < 0) {
		buf_reset(&text);
		(void)mrkdwn_plain(md, len, &text);
	}
	if (text.data) {
		n = mrkdwn_split(text.data, text.len, SHAPE_TEXT_MAX, &fence);
		(void)buf_add(&cut, text.data, n);
		if (n < text.len)
			(void)buf_adds(&cut, fence ? "\n```" : ELLIPSIS);
	}
	s->text = text.failed ? NULL : buf_take(&cut);
	buf_release(&text);
	buf_release(&cut);
	return s->text ? 0 : -1;
}

int shape_make(struct shape *s, const char *md, size_t len,
	       enum shape_kind kind)
{
	struct buf blocks;

	s->text = s->blocks = NULL;
	if (make_text(s, md, len) < 0)
		return -1;
	if (kind == SHAPE_TEXT || len == 0)
		return 0;
	buf_init(&blocks, 64 * len + 8192);
	if (blocks_build(md, len, kind == SHAPE_TABLES, &blocks) == 0)
		s->blocks = buf_take(&blocks);
	buf_release(&blocks);
	if (s->blocks)
		return 0;
	shape_release(s);
	return -1;
}

int shape_say(struct shape *s, const char *text, bool blocks)
{
	struct buf b;
	int rc = 0;

	s->blocks = NULL;
	s->text = strdup(text);
	if (!s->text || !blocks)
		return s->text ? 0 : -1;
	buf_init(&b, 16 * 1024);
	if (blocks_build(text, strlen(text), false, &b) == 0)
		s->blocks = buf_take(&b);
	else if (!b.failed)
		rc = -1;
	buf_release(&b);
	return rc;
}

bool shape_has_table(const struct shape *s)
{
	return s->blocks && strstr(s->blocks, "\"type\":\"data_table\"");
}

void shape_release(struct shape *s)
{
	free(s->text);
	free(s->blocks);
	s->text = s->blocks = NULL;
}

void shape_form(const struct shape *s, struct buf *form)
{
	http_form(form, "text", s->text);
	if (s->blocks)
		http_form(form, "blocks", s->blocks);
	/* Else Slack may look for names to link. */
	http_form(form, "parse", "none");
}
