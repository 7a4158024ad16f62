/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "sim/blocks.h"
#include "sim/core.h"

/* Slack's rules for the shape of each block (protocol notes, 4.3 and 4.6). */

#define ID_MAX      255
#define TABLE_ROWS  101 /* with the heading */
#define TABLE_COLS  20
#define TABLE_CHARS 10000

static size_t chars(const struct json *j, const char *path)
{
	const char *s = json_str(j, path);

	return s ? chars_len(s) : 0;
}

static bool between(size_t n, size_t least, size_t most)
{
	return n >= least && n <= most;
}

/* {"type":"plain_text"|"mrkdwn","text":...} */
static bool text_object(const struct json *j, const char *path, bool plain,
			size_t most)
{
	const struct json *t = json_at(j, path);
	const char *type = json_str(t, "type");

	if (!type || (strcmp(type, "plain_text") != 0 &&
		      (plain || strcmp(type, "mrkdwn") != 0)))
		return false;
	return between(chars(t, "text"), 1, most);
}

static const struct json *nth(const struct json *j, const char *list, size_t i)
{
	char at[48];

	snprintf(at, sizeof(at), "%s%s%zu", list, *list ? "." : "", i);
	return json_at(j, at);
}

static bool is(const struct json *j, const char *type)
{
	const char *t = json_str(j, "type");

	return t && strcmp(t, type) == 0;
}

static bool markdown(const struct json *b, struct block_sums *s)
{
	size_t n = chars(b, "text");

	s->markdown += n;
	s->text += n;
	return n > 0;
}

static bool header(const struct json *b, struct block_sums *s)
{
	s->text += chars(b, "text.text");
	return text_object(b, "text", true, 150);
}

static bool section(const struct json *b, struct block_sums *s)
{
	size_t i, n = json_len(b, "fields");

	s->text += chars(b, "text.text");
	if (n > 10 || (n == 0 && !json_is_object(b, "text")))
		return false;
	if (json_is_object(b, "text") && !text_object(b, "text", false, 3000))
		return false;
	for (i = 0; i < n; i++) {
		s->text += chars(nth(b, "fields", i), "text");
		if (!text_object(nth(b, "fields", i), "", false, 2000))
			return false;
	}
	return true;
}

static bool divider(const struct json *b, struct block_sums *s)
{
	(void)b;
	(void)s;
	return true;
}

static bool image(const struct json *b, struct block_sums *s)
{
	(void)s;
	return between(chars(b, "alt_text"), 1, 2000) &&
	       (between(chars(b, "image_url"), 1, 3000) ||
		json_is_object(b, "slack_file"));
}

static bool context(const struct json *b, struct block_sums *s)
{
	size_t i, n = json_len(b, "elements");
	const struct json *e;

	for (i = 0; i < n; i++) {
		e = nth(b, "elements", i);
		s->text += chars(e, "text");
		if (is(e, "image") ? !image(e, s)
				   : !text_object(e, "", false, 3000))
			return false;
	}
	return between(n, 1, 10);
}

static bool button(const struct json *e)
{
	return text_object(e, "text", true, 75) && chars(e, "value") <= 2000 &&
	       chars(e, "action_id") <= ID_MAX;
}

static bool actions(const struct json *b, struct block_sums *s)
{
	size_t i, n = json_len(b, "elements");
	const struct json *e;

	(void)s;
	for (i = 0; i < n; i++) {
		e = nth(b, "elements", i);
		if (!json_str(e, "type") || (is(e, "button") && !button(e)))
			return false;
	}
	return between(n, 1, 25);
}

static bool feedback(const struct json *e)
{
	return text_object(e, "positive_button.text", true, 75) &&
	       text_object(e, "negative_button.text", true, 75) &&
	       chars(e, "positive_button.value") > 0 &&
	       chars(e, "negative_button.value") > 0 &&
	       chars(e, "action_id") <= ID_MAX;
}

static bool context_actions(const struct json *b, struct block_sums *s)
{
	size_t i, n = json_len(b, "elements");
	const struct json *e;

	(void)s;
	for (i = 0; i < n; i++) {
		e = nth(b, "elements", i);
		if (is(e, "feedback_buttons") ? !feedback(e)
					      : !is(e, "icon_button"))
			return false;
	}
	return between(n, 1, 5);
}

static bool rich_text(const struct json *b, struct block_sums *s)
{
	size_t i, k;
	const struct json *e;

	if (!json_is_array(b, "elements"))
		return false;
	for (i = 0; i < json_len(b, "elements"); i++) {
		e = nth(b, "elements", i);
		if (strncmp(json_str(e, "type") ? json_str(e, "type") : "",
			    "rich_text_", 10) != 0 ||
		    !json_is_array(e, "elements"))
			return false;
		for (k = 0; k < json_len(e, "elements"); k++) {
			s->text += chars(nth(e, "elements", k), "text");
			if (is(nth(e, "elements", k), "text") &&
			    chars(nth(e, "elements", k), "text") == 0)
				return false;
			if (is(nth(e, "elements", k), "link") &&
			    chars(nth(e, "elements", k), "url") == 0)
				return false;
		}
	}
	return true;
}

static bool is_number(const struct json *cell)
{
	const struct json *v = json_at(cell, "value");
	struct buf b;
	bool ok;

	buf_init(&b, 64);
	ok = v && json_copy(v, &b) == 0 && b.len > 0 &&
	     strchr("-0123456789", b.data[0]);
	buf_release(&b);
	return ok;
}

static bool table_cell(const struct json *c, bool head, struct block_sums *s)
{
	size_t before = s->text;

	if (is(c, "raw_text") || is(c, "raw_number")) {
		s->text += chars(c, "text");
		s->table += chars(c, "text");
		return chars(c, "text") > 0 &&
		       (is(c, "raw_text") || is_number(c));
	}
	if (head || !is(c, "rich_text") || !rich_text(c, s))
		return false;
	s->table += s->text - before;
	return true;
}

/* Rows of one length, within these limits. */
static bool table_rows(const struct json *b, size_t least, size_t most,
		       bool plain_head, struct block_sums *s)
{
	size_t i, k, n = json_len(b, "rows"), cols = 0;
	const struct json *row;

	if (!between(n, least, most))
		return false;
	for (i = 0; i < n; i++) {
		row = nth(b, "rows", i);
		if (i == 0)
			cols = json_len(row, "");
		if (json_len(row, "") != cols || !between(cols, 1, TABLE_COLS))
			return false;
		for (k = 0; k < cols; k++)
			if (!table_cell(nth(row, "", k), plain_head && i == 0,
					s))
				return false;
	}
	return true;
}

static bool data_table(const struct json *b, struct block_sums *s)
{
	int64_t page = json_int(b, "page_size", 5);

	return chars(b, "caption") > 0 && page >= 1 && page <= 100 &&
	       json_int(b, "row_header_column_index", 0) >= 0 &&
	       table_rows(b, 2, TABLE_ROWS, true, s) && s->table <= TABLE_CHARS;
}

static bool table(const struct json *b, struct block_sums *s)
{
	return table_rows(b, 1, 100, false, s) && s->table <= TABLE_CHARS;
}

static const struct {
	const char *type;
	bool (*check)(const struct json *b, struct block_sums *s);
} kinds[] = {
	{ "markdown", markdown },
	{ "header", header },
	{ "section", section },
	{ "divider", divider },
	{ "image", image },
	{ "context", context },
	{ "actions", actions },
	{ "context_actions", context_actions },
	{ "rich_text", rich_text },
	{ "data_table", data_table },
	{ "table", table },
	/* Known, and not looked into. */
	{ "data_visualization", divider },
	{ "input", divider },
	{ "file", divider },
	{ "video", divider },
	{ "task_card", divider },
	{ "plan", divider },
};

bool block_shape(const struct json *b, struct block_sums *s)
{
	size_t i;

	if (chars(b, "block_id") > ID_MAX)
		return false;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (is(b, kinds[i].type))
			return kinds[i].check(b, s);
	}
	return false;
}
