/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "slack/dialect_in.h"

/* A longer row could not be cut, so each of its cells is a line. */
#define ROW_MAX 3000

static size_t longest(const struct buf *b)
{
	size_t at = 0, most = 0, n;
	const char *nl;

	while (at < b->len) {
		nl = memchr(b->data + at, '\n', b->len - at);
		n = nl ? (size_t)(nl - b->data) + 1 - at : b->len - at;
		if (n > most)
			most = n;
		at += n;
	}
	return most;
}

static void rule(const struct dialect *r, size_t columns, struct buf *out)
{
	size_t i;
	char align;

	(void)buf_addc(out, '|');
	for (i = 0; i < columns; i++) {
		align = i < sizeof(r->align) ? r->align[i] : '\0';
		(void)buf_adds(out, align == 'c'   ? " :-: |"
				    : align == 'r' ? " --: |"
						   : " --- |");
	}
	(void)buf_addc(out, '\n');
}

/* One row of cells from p on, as pipes; returns what it took. */
static size_t row(const char *p, size_t n, size_t *columns, struct buf *out)
{
	size_t at = 0;
	const char *tab;

	*columns = 0;
	(void)buf_addc(out, '|');
	while (at < n && p[at] != '\n') {
		tab = memchr(p + at, '\t', n - at);
		if (!tab)
			break;
		(void)buf_addf(out, " %.*s |", (int)(tab - (p + at)), p + at);
		at = (size_t)(tab - p) + 1;
		(*columns)++;
	}
	(void)buf_addc(out, '\n');
	return at < n ? at + 1 : n;
}

static void as_lines(const struct buf *b, struct buf *out)
{
	size_t i, from = 0;

	for (i = 0; i < b->len; i++) {
		if (b->data[i] != '\t' && b->data[i] != '\n')
			continue;
		if (i > from)
			(void)buf_addf(out, "%.*s\n\n", (int)(i - from),
				       b->data + from);
		from = i + 1;
	}
}

void dialect_table(const struct dialect *r, struct buf *out)
{
	const struct buf *b = &r->aside;
	size_t at = 0, columns, first = 0;

	if (b->len == 0)
		return;
	if (longest(b) > ROW_MAX) {
		as_lines(b, out);
		return;
	}
	while (at < b->len && !out->failed) {
		at += row(b->data + at, b->len - at, &columns, out);
		if (first == 0) {
			first = columns;
			rule(r, columns, out);
		}
	}
	/* The line end belongs to what comes next. */
	if (!out->failed && out->len > 0)
		out->data[--out->len] = '\0';
}
