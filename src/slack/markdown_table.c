/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "slack/markdown_in.h"

/*
 * Slack's mrkdwn knows no tables. One that is narrow becomes fixed-width text
 * in a fence; a wide one, or one with links, a card for each row.
 */

#define COLUMNS_MAX 32
#define WIDTH_MAX   72 /* what a desktop window shows without wrapping */
#define LABEL_MAX   80 /* longer headings aren't repeated in every card */

struct cell {
	const char *p;
	size_t n;
};

/* Code points that take two columns in a fixed-width font, about. */
static const struct {
	unsigned int first, last;
} wide[] = {
	{ 0x1100, 0x115f }, { 0x2e80, 0xa4cf },   { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd },
};

static size_t width_of(unsigned int c)
{
	size_t i;

	if (c == 0x200b || (c >= 0x300 && c <= 0x36f))
		return 0;
	for (i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		if (c >= wide[i].first && c <= wide[i].last)
			return 2;
	}
	return 1;
}

static size_t width(struct cell c)
{
	size_t i = 0, sum = 0, n;

	while (i < c.n) {
		const char *semi = NULL;

		if (c.p[i] == '&')
			semi = memchr(c.p + i, ';', c.n - i);
		if (semi) {
			i = (size_t)(semi - c.p) + 1;
			sum++;
			continue;
		}
		n = utf8_len(c.p + i, c.n - i);
		sum += n > 0 ? width_of(utf8_point(c.p + i, n)) : 1;
		i += n > 0 ? n : 1;
	}
	return sum;
}

/* The next cell, moving *at past it; false at the end of the row. */
static bool next_cell(const struct mrkdwn_table *t, size_t *at, struct cell *c)
{
	const char *tab;

	if (*at >= t->len || t->cells[*at] == '\n')
		return false;
	tab = memchr(t->cells + *at, '\t', t->len - *at);
	if (!tab)
		return false;
	c->p = t->cells + *at;
	c->n = (size_t)(tab - c->p);
	*at += c->n + 1;
	return true;
}

static size_t next_row(const struct mrkdwn_table *t, size_t at)
{
	const char *nl;

	if (at >= t->len)
		return t->len;
	nl = memchr(t->cells + at, '\n', t->len - at);
	return nl ? (size_t)(nl - t->cells) + 1 : t->len;
}

/* Fills widths; the number of columns, or 0 when it is no good for a fence. */
static size_t measure(const struct mrkdwn_table *t, size_t widths[COLUMNS_MAX])
{
	size_t at = 0, cols = 0, sum = 0, i, w, cell;
	struct cell c;

	memset(widths, 0, COLUMNS_MAX * sizeof(widths[0]));
	while (at < t->len) {
		for (i = 0, cell = at; next_cell(t, &cell, &c); i++) {
			if (i == COLUMNS_MAX)
				return 0;
			w = width(c);
			if (w > widths[i])
				widths[i] = w;
		}
		if (i > cols)
			cols = i;
		at = next_row(t, at);
	}
	for (i = 0; i < cols; i++)
		sum += widths[i] + (i > 0 ? 3 : 0);
	return sum <= WIDTH_MAX ? cols : 0;
}

static void fill(struct buf *out, char c, size_t n)
{
	while (n-- > 0)
		(void)buf_addc(out, c);
}

static void fence_row(const struct mrkdwn_table *t, size_t at,
		      const size_t *widths, size_t cols, struct buf *out)
{
	struct cell c;
	size_t i, pad;

	for (i = 0; i < cols && next_cell(t, &at, &c); i++) {
		pad = widths[i] - width(c);
		if (i > 0)
			(void)buf_adds(out, " | ");
		if (i < 32 && (t->right >> i & 1))
			fill(out, ' ', pad);
		(void)buf_add(out, c.p, c.n);
		if (i + 1 < cols && !(i < 32 && (t->right >> i & 1)))
			fill(out, ' ', pad);
	}
	(void)buf_addc(out, '\n');
}

static void fence_rule(const size_t *widths, size_t cols, struct buf *out)
{
	size_t i;

	for (i = 0; i < cols; i++) {
		if (i > 0)
			(void)buf_adds(out, "-+-");
		fill(out, '-', widths[i]);
	}
	(void)buf_addc(out, '\n');
}

static void as_fence(const struct mrkdwn_table *t, const size_t *widths,
		     size_t cols, struct buf *out)
{
	size_t at;

	(void)buf_adds(out, "```\n");
	fence_row(t, 0, widths, cols, out);
	fence_rule(widths, cols, out);
	for (at = next_row(t, 0); at < t->len && !out->failed;
	     at = next_row(t, at))
		fence_row(t, at, widths, cols, out);
	(void)buf_adds(out, "```");
}

static void card(const struct mrkdwn_table *t, size_t at, struct buf *out)
{
	size_t head_at = 0;
	struct cell head, c;
	bool first = true;

	while (next_cell(t, &at, &c)) {
		bool labelled = next_cell(t, &head_at, &head) && head.n > 0 &&
				head.n <= LABEL_MAX;

		if (first && c.n > 0) {
			(void)buf_addf(out, "*%.*s*", (int)c.n, c.p);
		} else if (!first && c.n > 0) {
			(void)buf_adds(out, "\n• ");
			if (labelled)
				(void)buf_addf(out, "%.*s: ", (int)head.n,
					       head.p);
			(void)buf_add(out, c.p, c.n);
		}
		first = false;
	}
}

/* A table without rows: the heading's cells as a line. */
static void heading_line(const struct mrkdwn_table *t, struct buf *out)
{
	size_t at = 0, i;
	struct cell c;

	for (i = 0; next_cell(t, &at, &c); i++) {
		if (i > 0)
			(void)buf_adds(out, " | ");
		(void)buf_add(out, c.p, c.n);
	}
}

static void as_cards(const struct mrkdwn_table *t, struct buf *out)
{
	size_t at = next_row(t, 0);
	bool first = true;

	if (at >= t->len)
		heading_line(t, out);
	for (; at < t->len && !out->failed; at = next_row(t, at)) {
		if (!first)
			(void)buf_adds(out, "\n\n");
		card(t, at, out);
		first = false;
	}
}

void mrkdwn_table(const struct mrkdwn_table *t, struct buf *out)
{
	size_t widths[COLUMNS_MAX];
	size_t cols = t->links ? 0 : measure(t, widths);

	if (cols > 0)
		as_fence(t, widths, cols, out);
	else
		as_cards(t, out);
}
