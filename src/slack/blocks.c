/* SPDX-License-Identifier: ISC */
#include "slack/blocks.h"

#include <string.h>

#include "slack/blocks_in.h"
#include "slack/dialect.h"

#define BLOCKS_MAX   48 /* Slack takes 50 */
#define MARKDOWN_MAX 12000

struct build {
	struct jwrite w;
	struct buf md; /* of the block that is being gathered */
	size_t nblocks;
	size_t cells; /* units in tables so far */
	bool native;
	bool spread; /* tables may grow into fences and cards */
	size_t units;
};

static void flush(struct build *b)
{
	size_t from = 0, n = b->md.len;

	while (from < n && b->md.data[from] == '\n')
		from++;
	while (n > from && strchr(" \n", b->md.data[n - 1]))
		n--;
	if (n == from)
		return;
	jw_object(&b->w, NULL);
	jw_str(&b->w, "type", "markdown");
	jw_strn(&b->w, "text", b->md.data + from, n - from);
	jw_object_end(&b->w);
	b->units += dialect_units(b->md.data + from, n - from);
	b->nblocks++;
	buf_reset(&b->md);
}

static void table(struct build *b, const char *p, size_t n)
{
	struct pipes t;

	pipes_measure(&t, p, n);
	if (b->native && b->nblocks + 2 < BLOCKS_MAX &&
	    pipes_fit(&t, b->cells)) {
		flush(b);
		pipes_block(&t, &b->w);
		b->nblocks++;
		b->cells += t.units;
	} else if (b->spread) {
		pipes_text(&t, &b->md);
		(void)buf_addc(&b->md, '\n');
	} else {
		(void)buf_add(&b->md, p, n);
	}
}

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
