/* SPDX-License-Identifier: ISC */
#include "slack/rich.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

/* docs.slack.dev/reference/block-kit/blocks: rich-text, table, data-table */

#define BLOCKS_MAX 100
#define ROWS_MAX   500
#define CELLS_MAX  100
#define PARTS_MAX  1000
#define TEXT_MAX   (64 * 1024)
#define ROW_MAX    (16 * 1024)

struct place {
	struct buf *out;
	bool flat; /* inside a cell: one line, no marks */
};

/* How many of a list are looked at. */
static size_t count(const struct json *list, size_t most)
{
	size_t n = json_len(list, "");

	return n < most ? n : most;
}

static bool is(const struct json *j, const char *type)
{
	const char *s = json_str(j, "type");

	return s && strcmp(s, type) == 0;
}

static void put_char(const struct place *p, char c)
{
	if (p->flat && (c == '\n' || c == '\t' || c == '\r'))
		c = ' ';
	if (c == '&')
		(void)buf_adds(p->out, "&amp;");
	else if (c == '<')
		(void)buf_adds(p->out, "&lt;");
	else if (c == '>')
		(void)buf_adds(p->out, "&gt;");
	else
		(void)buf_addc(p->out, c);
}

static void put(const struct place *p, const char *s)
{
	for (; s && *s; s++)
		put_char(p, *s);
}

/* "<@U1>" and the like; what doesn't look like an id is no more than text. */
static void put_angle(const struct place *p, const char *sign, const char *id)
{
	if (!id ||
	    strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != strlen(id)) {
		put(p, id);
		return;
	}
	(void)buf_addf(p->out, "<%s%s>", sign, id);
}

static void put_link(const struct place *p, const struct json *j)
{
	const char *url = json_str(j, "url");
	const char *text = json_str(j, "text");

	if (!url) {
		put(p, text);
		return;
	}
	if (text && strcmp(text, url) != 0) {
		put(p, text);
		put(p, " (");
		put(p, url);
		put(p, ")");
	} else {
		put(p, url);
	}
}

static void put_marked(const struct place *p, const struct json *j)
{
	static const struct {
		const char *style;
		const char *mark;
	} marks[] = {
		{ "style.bold", "*" },
		{ "style.italic", "_" },
		{ "style.strike", "~" },
		{ "style.code", "`" },
	};
	const size_t n = sizeof(marks) / sizeof(marks[0]);
	size_t i;

	for (i = 0; i < n && !p->flat; i++)
		if (json_bool(j, marks[i].style, false))
			put(p, marks[i].mark);
	put(p, json_str(j, "text"));
	for (i = n; i > 0 && !p->flat; i--)
		if (json_bool(j, marks[i - 1].style, false))
			put(p, marks[i - 1].mark);
}

static void put_part(const struct place *p, const struct json *j)
{
	if (is(j, "text")) {
		put_marked(p, j);
	} else if (is(j, "link")) {
		put_link(p, j);
	} else if (is(j, "user")) {
		put_angle(p, "@", json_str(j, "user_id"));
	} else if (is(j, "channel")) {
		put_angle(p, "#", json_str(j, "channel_id"));
	} else if (is(j, "usergroup")) {
		put_angle(p, "!subteam^", json_str(j, "usergroup_id"));
	} else if (is(j, "broadcast")) {
		put(p, "@");
		put(p, json_str(j, "range"));
	} else if (is(j, "emoji")) {
		put(p, ":");
		put(p, json_str(j, "name"));
		put(p, ":");
	} else if (is(j, "date")) {
		put(p, json_str(j, "fallback"));
	} else if (is(j, "color")) {
		put(p, json_str(j, "value"));
	}
}

static void put_parts(const struct place *p, const struct json *section)
{
	const struct json *list = json_at(section, "elements");
	size_t i, n = count(list, PARTS_MAX);

	for (i = 0; i < n; i++)
		put_part(p, json_nth(list, "", i));
}

static void put_list(const struct place *p, const struct json *j)
{
	const struct json *list = json_at(j, "elements");
	const char *style = json_str(j, "style");
	bool ordered = style && strcmp(style, "ordered") == 0;
	int64_t indent = json_int(j, "indent", 0);
	size_t i, n = count(list, PARTS_MAX);

	for (i = 0; i < n; i++) {
		if (i > 0)
			put(p, "\n");
		if (indent > 0 && indent <= 8)
			(void)buf_addf(p->out, "%*s", (int)indent * 4, "");
		if (ordered)
			(void)buf_addf(p->out, "%zu. ", i + 1);
		else
			put(p, "- ");
		put_parts(p, json_nth(list, "", i));
	}
}

static void put_rich(const struct place *p, const struct json *block)
{
	const struct json *list = json_at(block, "elements");
	size_t i, n = count(list, PARTS_MAX);
	const struct json *j;

	for (i = 0; i < n; i++) {
		j = json_nth(list, "", i);
		if (i > 0)
			put(p, "\n");
		if (is(j, "rich_text_list")) {
			put_list(p, j);
		} else if (is(j, "rich_text_preformatted") && !p->flat) {
			put(p, "```\n");
			put_parts(p, j);
			put(p, "\n```");
		} else {
			if (is(j, "rich_text_quote") && !p->flat)
				put(p, "> ");
			put_parts(p, j);
		}
	}
}

static void put_block(const struct place *p, const struct json *j)
{
	const char *text = json_str(j, "text.text");

	if (is(j, "rich_text"))
		put_rich(p, j);
	else if (is(j, "markdown"))
		put(p, json_str(j, "text"));
	else if (text && is(json_at(j, "text"), "mrkdwn"))
		(void)buf_adds(p->out, text); /* it has that form already */
	else
		put(p, text);
}

/* What has grown too large is left out, and never fails what it is for. */
static void append(struct buf *out, struct buf *more)
{
	if (more->len > 0 && !more->failed && more->len < out->cap - out->len) {
		if (out->len > 0)
			(void)buf_addc(out, '\n');
		(void)buf_add(out, more->data, more->len);
	}
	buf_release(more);
}

void rich_text(const struct json *blocks, struct buf *out)
{
	size_t i, n = count(blocks, BLOCKS_MAX);
	const struct json *j;
	struct buf text;

	for (i = 0; i < n; i++) {
		const struct place p = { .out = &text };

		j = json_nth(blocks, "", i);
		if (!is(j, "rich_text") && !is(j, "header") &&
		    !is(j, "section") && !is(j, "markdown"))
			continue;
		buf_init(&text, TEXT_MAX);
		put_block(&p, j);
		append(out, &text);
	}
}

static void put_cell(const struct place *p, const struct json *cell)
{
	const char *text = json_str(cell, "text");
	const struct json *value = json_at(cell, "value");
	struct buf number;

	if (is(cell, "rich_text")) {
		put_rich(p, cell);
	} else if (text) {
		put(p, text);
	} else if (is(cell, "raw_number") && value) {
		buf_init(&number, 64);
		if (json_copy(value, &number) == 0)
			put(p, number.data);
		buf_release(&number);
	}
}

static void put_row(const struct place *p, const struct json *row)
{
	size_t i, n = count(row, CELLS_MAX);

	for (i = 0; i < n; i++) {
		if (i > 0)
			(void)buf_addc(p->out, '\t');
		put_cell(p, json_nth(row, "", i));
	}
}

static void put_heading(struct buf *out, const struct json *block)
{
	const struct place p = { .out = out, .flat = true };
	const char *caption = json_str(block, "caption");

	(void)buf_adds(out, "[table, columns separated by tabs");
	if (caption && *caption) {
		(void)buf_adds(out, ": ");
		put(&p, caption);
	}
	(void)buf_addc(out, ']');
}

/* As many rows as there is room for; how many that was. */
static size_t put_rows(struct buf *out, const struct json *rows)
{
	size_t i, n = count(rows, ROWS_MAX);
	struct buf row;

	for (i = 0; i < n; i++) {
		const struct place p = { .out = &row, .flat = true };
		bool fits;

		buf_init(&row, ROW_MAX);
		(void)buf_addc(&row, '\n');
		put_row(&p, json_nth(rows, "", i));
		fits = !row.failed && out->len + row.len < TEXT_MAX;
		if (fits)
			(void)buf_add(out, row.data, row.len);
		buf_release(&row);
		if (!fits)
			break;
	}
	return i;
}

static void put_table(struct buf *out, const struct json *block)
{
	const struct json *rows = json_at(block, "rows");
	size_t all = json_len(rows, "");
	struct buf table;
	size_t n;

	if (all == 0)
		return;
	buf_init(&table, TEXT_MAX + ROW_MAX);
	put_heading(&table, block);
	n = put_rows(&table, rows);
	if (n < all)
		(void)buf_addf(&table, "\n[%zu more rows are left out]",
			       all - n);
	(void)buf_adds(&table, "\n[end of table]");
	append(out, &table);
}

static void put_tables(struct buf *out, const struct json *blocks)
{
	size_t i, n = count(blocks, BLOCKS_MAX);
	const struct json *j;

	for (i = 0; i < n; i++) {
		j = json_nth(blocks, "", i);
		if (is(j, "table") || is(j, "data_table"))
			put_table(out, j);
	}
}

void rich_tables(const struct json *message, struct buf *out)
{
	const struct json *list = json_at(message, "attachments");
	size_t i, n = count(list, BLOCKS_MAX);

	put_tables(out, json_at(message, "blocks"));
	for (i = 0; i < n; i++)
		put_tables(out, json_at(json_nth(list, "", i), "blocks"));
}
