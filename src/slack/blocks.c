/* SPDX-License-Identifier: ISC */
#include "slack/blocks.h"

#include <string.h>

#include "slack/blocks_in.h"
#include "slack/dialect.h"
#include "slack/markdown.h"
#include "slack/mention.h"

#define BLOCKS_MAX   48   /* Slack takes 50 */
#define SECTION_MAX  2900 /* Slack takes 3,000 */
#define MARKDOWN_MAX 12000

struct build {
	struct jwrite w;
	struct buf md; /* of the block that is being gathered */
	size_t nblocks;
	size_t cells; /* units in tables so far */
	bool native;
	bool spread; /* what is written may grow: fences, cards, sections */
	size_t units;
};

static size_t line_at(const char *md, size_t len, size_t at)
{
	const char *nl = memchr(md + at, '\n', len - at);

	return nl ? (size_t)(nl - md) + 1 - at : len - at;
}

static size_t ticks(const char *p, size_t n)
{
	size_t k = 0;

	while (k < n && p[k] == '`')
		k++;
	return k;
}

/* Without the marks of who may be mentioned: it isn't documented that a
 * markdown block knows mentions. */
static void markdown(struct build *b, const char *p, size_t n)
{
	struct buf bare;

	while (n > 0 && *p == '\n') {
		p++;
		n--;
	}
	while (n > 0 && strchr(" \n", p[n - 1]))
		n--;
	if (n == 0)
		return;
	buf_init(&bare, n + 1);
	if (mention_strip(p, n, &bare) < 0)
		b->md.failed = true;
	jw_object(&b->w, NULL);
	jw_str(&b->w, "type", "markdown");
	jw_strn(&b->w, "text", bare.data ? bare.data : "", bare.len);
	jw_object_end(&b->w);
	b->units += dialect_units(bare.data ? bare.data : "", bare.len);
	b->nblocks++;
	buf_release(&bare);
}

/* As mrkdwn, which knows them, if it fits into a section. */
static bool section_text(const struct build *b, const char *p, size_t n,
			 struct buf *out)
{
	return b->spread && b->nblocks + 3 < BLOCKS_MAX && mention_in(p, n) &&
	       mrkdwn_render(p, n, out) == 0 && out->len > 0;
}

static void section(struct build *b, const struct buf *text)
{
	jw_object(&b->w, NULL);
	jw_str(&b->w, "type", "section");
	jw_object(&b->w, "text");
	jw_str(&b->w, "type", "mrkdwn");
	jw_strn(&b->w, "text", text->data, text->len);
	jw_bool(&b->w, "verbatim", true);
	jw_object_end(&b->w);
	jw_object_end(&b->w);
	b->units += dialect_units(text->data, text->len);
	b->nblocks++;
}

/* Up to and with the blank line behind which something new begins. */
static size_t piece_at(const char *p, size_t len, size_t at)
{
	size_t from = at, open = 0, n, t;

	while (at < len) {
		n = line_at(p, len, at);
		t = ticks(p + at, n);
		if (open == 0 && t >= 3)
			open = t;
		else if (open > 0 && t >= open)
			open = 0;
		at += n;
		if (open == 0 && n == 1 && p[at - 1] == '\n' && at < len &&
		    !strchr(" \n", p[at]))
			break;
	}
	return at - from;
}

/* Paragraphs with mentions are sections, what is between them stays whole. */
static void flush(struct build *b)
{
	size_t at = 0, from = 0, n, len = b->md.len;
	const char *p = b->md.data;
	struct buf text;

	buf_init(&text, SECTION_MAX);
	while (at < len && mention_in(p + at, len - at)) {
		n = piece_at(p, len, at);
		if (section_text(b, p + at, n, &text)) {
			markdown(b, p + from, at - from);
			section(b, &text);
			from = at + n;
		}
		at += n;
	}
	if (from < len)
		markdown(b, p + from, len - from);
	buf_release(&text);
	buf_reset(&b->md);
}

static void table(struct build *b, const char *p, size_t n)
{
	size_t had = b->md.len;
	struct pipes t;

	pipes_measure(&t, p, n);
	if (b->native && b->nblocks + 2 < BLOCKS_MAX &&
	    pipes_fit(&t, b->cells)) {
		flush(b);
		pipes_block(&t, &b->w);
		b->nblocks++;
		b->cells += t.units;
		return;
	}
	if (b->spread)
		pipes_text(&t, &b->md);
	if (b->md.len == had)
		(void)buf_add(&b->md, p, n);
	else
		(void)buf_addc(&b->md, '\n');
}

static void gather(struct build *b, const char *md, size_t len)
{
	size_t at = 0, n, open = 0, t;

	while (at < len) {
		n = line_at(md, len, at);
		t = ticks(md + at, n);
		if (open == 0 && md[at] == '|') {
			while (at + n < len && md[at + n] == '|')
				n += line_at(md, len, at + n);
			table(b, md + at, n);
			at += n;
			continue;
		}
		if (open == 0 && t >= 3)
			open = t;
		else if (open > 0 && t >= open)
			open = 0;
		(void)buf_add(&b->md, md + at, n);
		at += n;
	}
	flush(b);
}

static int build(const char *md, size_t len, bool native, bool spread,
		 struct buf *out, size_t *units)
{
	struct build b = { .native = native, .spread = spread };
	int rc;

	buf_reset(out);
	buf_init(&b.md, 16 * len + 4096);
	jw_init(&b.w, out);
	jw_array(&b.w, NULL);
	gather(&b, md, len);
	jw_array_end(&b.w);
	*units = b.units + b.cells;
	rc = out->failed || b.md.failed ? -1 : 0;
	buf_release(&b.md);
	return rc;
}

int blocks_build(const char *md, size_t len, bool native, struct buf *out)
{
	size_t units;

	if (build(md, len, native, true, out, &units) == 0 &&
	    units <= MARKDOWN_MAX)
		return 0;
	/* Fences and cards made too much of it; Slack knows pipes, too. */
	return build(md, len, false, false, out, &units);
}
