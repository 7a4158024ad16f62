/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "slack/blocks.h"
#include "slack/dialect.h"
#include "slack/markdown.h"
#include "slack/mention.h"
#include "turn/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

/* Who may be mentioned. */
static const struct mention_person people[] = { { "U1", "Ada" },
						{ "W2", "Bob B" } };

static int is_mention(const char *p)
{
	return strncmp(p, "<@U1>", 5) == 0 || strncmp(p, "<@W2>", 5) == 0;
}

/* A "<" of the output begins a link of ours or one of these. */
static void check_pings(const struct buf *b)
{
	const char *p = b->data;
	const char *end = b->data + b->len;

	while ((p = memchr(p, '<', (size_t)(end - p)))) {
		must(is_mention(p) || strncasecmp(p + 1, "http", 4) == 0 ||
		     strncasecmp(p + 1, "mailto:", 7) == 0);
		p = memchr(p, '>', (size_t)(end - p));
		must(p != NULL);
	}
}

static void check_split(const struct buf *b, size_t max)
{
	bool fence = false;
	size_t at = 0, n;

	while (at < b->len) {
		n = mrkdwn_split(b->data + at, b->len - at, max, &fence);
		must(n > 0 && n <= max && at + n <= b->len);
		at += n;
	}
	must(at == b->len);
}

/* Not even in code. */
static void check_marks(const struct buf *b)
{
	static const char *const marks[] = { "<!here",     "<!channel",
					     "<!everyone", "<!subteam",
					     "<@",         "<#" };
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		must(!strcasestr(b->data, marks[i]));
}

/* What Slack will say to it; see tests/sim/blocks.c for more. It takes 50, and
 * two are for buttons. */
static void check_blocks(const char *blocks)
{
	struct err e = { 0 };
	struct json *j = json_parse(blocks, strlen(blocks), 1 << 24, &e);
	size_t i, units = 0;
	const char *text;
	char at[32];

	must(j != NULL && json_len(j, "") > 0 && json_len(j, "") <= 48);
	for (i = 0; i < json_len(j, ""); i++) {
		(void)snprintf(at, sizeof(at), "%zu.text", i);
		text = json_str(j, at);
		if (!text) {
			(void)snprintf(at, sizeof(at), "%zu.text.text", i);
			text = json_str(j, at);
			must(!text || strlen(text) <= 3000);
		}
		if (text) {
			must(!strpbrk(text, "\1\2\3"));
			units += dialect_units(text, strlen(text));
		}
	}
	must(units <= 12000);
	json_free(j);
}

static void check_shape(const struct reply *r, size_t k, enum shape_kind kind)
{
	struct shape s;

	must(reply_shape(r, k, kind, &s) == 0);
	must(strlen(s.text) <= SHAPE_TEXT_MAX + 8);
	must(!strpbrk(s.text, "\1\2\3"));
	if (s.blocks)
		check_blocks(s.blocks);
	shape_release(&s);
}

static void check_parts(const char *md, size_t len)
{
	struct reply r;
	struct buf part;
	size_t k;

	must(reply_init(&r, md, len) == 0);
	for (k = 0; k < r.n; k++) {
		buf_init(&part, 8 * BLOCKS_PART_MAX);
		must(reply_part(&r, k, &part) == 0);
		must(part.len > 0);
		must(dialect_units(part.data, part.len) <= BLOCKS_PART_MAX);
		check_marks(&part);
		buf_release(&part);
		check_shape(&r, k, SHAPE_TABLES);
		check_shape(&r, k, SHAPE_BLOCKS);
	}
	must(reply_plain(&r, 0) == 0);
	for (k = 0; k < r.n; k++)
		check_shape(&r, k, SHAPE_TEXT);
	reply_release(&r);
}

/* Nothing is lost or added by marks. */
static void check_marked(const char *md, size_t len, struct buf *marked)
{
	struct buf bare, all;
	size_t i;

	buf_init(&bare, len + 1);
	buf_init(&all, len + 1);
	buf_init(marked, len + MENTION_GROWTH);
	must(mention_mark(md, len, people, 2, marked) == 0);
	must(mention_strip(marked->data, marked->len, &bare) == 0);
	for (i = 0; i < len; i++)
		if (md[i] < 1 || md[i] > 3)
			(void)buf_addc(&all, md[i]);
	must(all.len == bare.len &&
	     (all.len == 0 || memcmp(all.data, bare.data, all.len) == 0));
	buf_release(&bare);
	buf_release(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out, marked;
	const char *md;
	size_t cap;

	check_marked((const char *)data, size, &marked);
	md = marked.data;
	size = marked.len;
	cap = 16 * size + 64;
	buf_init(&out, cap);
	if (mrkdwn_render(md, size, &out) == 0 && out.len > 0) {
		must(out.len <= cap);
		check_pings(&out);
		check_split(&out, 16);
		check_split(&out, MRKDWN_PART_MAX);
	}
	check_parts(md, size);

	buf_reset(&out);
	must(reply_interim(md, size, &out) == 0);
	must(dialect_units(out.data ? out.data : "", out.len) <=
	     BLOCKS_PART_MAX + 4);
	buf_release(&out);
	buf_release(&marked);
	return 0;
}
