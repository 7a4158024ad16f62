/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "slack/blocks_in.h"
#include "slack/dialect.h"
#include "slack/dialect_in.h"
#include "slack/markdown_in.h"

/* Slack's data_table block (protocol notes, 4.6). */
#define COLUMNS_MAX 20
#define ROWS_MAX    100
#define UNITS_MAX   10000 /* in all tables of a message */
#define PAGE_MAX    100

#define CELL_MAX    4096
#define CAPTION_MAX 100

struct cell {
	const char *p;
	size_t n;
};

/* The next cell of the row at *at; false at its end. */
static bool next_cell(const struct pipes *t, size_t *at, struct cell *c)
{
	size_t i = *at + 1, from;

	if (*at >= t->len || t->p[*at] != '|')
		return false;
	while (i < t->len && t->p[i] == ' ')
		i++;
	if (i >= t->len || t->p[i] == '\n')
		return false;
	for (from = i; i < t->len && t->p[i] != '|' && t->p[i] != '\n'; i++) {
		if (t->p[i] == '\\' && i + 1 < t->len)
			i++;
	}
	c->p = t->p + from;
	*at = i;
	while (i > from && t->p[i - 1] == ' ')
		i--;
	c->n = i - from;
	return true;
}

static size_t next_row(const struct pipes *t, size_t at)
{
	const char *nl;

	if (at >= t->len)
		return t->len;
	nl = memchr(t->p + at, '\n', t->len - at);
	return nl ? (size_t)(nl - t->p) + 1 : t->len;
}

/* The rule below the heading is skipped. */
static size_t first_row(const struct pipes *t)
{
	return next_row(t, next_row(t, 0));
}

/* What of a cell is a link: "[label](url)" or "<url>" at p. */
struct link {
	struct cell label, url;
	size_t len;
};

static bool link_at(const char *p, size_t n, struct link *l)
{
	size_t i = 1;

	if (*p == '<') {
		const char *gt = memchr(p, '>', n);

		if (!gt)
			return false;
		l->label = l->url =
			(struct cell){ p + 1, (size_t)(gt - p) - 1 };
		l->len = (size_t)(gt - p) + 1;
		return true;
	}
	if (*p != '[')
		return false;
	while (i < n && p[i] != ']')
		i += p[i] == '\\' ? 2 : 1;
	if (i + 1 >= n || p[i + 1] != '(')
		return false;
	l->label = (struct cell){ p + 1, i - 1 };
	l->url.p = p + i + 2;
	for (i += 2; i < n && p[i] != ')'; i++)
		;
	l->url.n = (size_t)(p + i - l->url.p);
	l->len = i + 1;
	return i < n;
}

/* One character of a cell without its escape; returns what it took. */
static size_t plain_char(const char *p, size_t n, struct buf *out)
{
	char ch[4];
	const char *semi;
	size_t k;

	if (*p == '\\' && n > 1 && ispunct((unsigned char)p[1])) {
		(void)buf_addc(out, p[1]);
		return 2;
	}
	semi = *p == '&' ? memchr(p, ';', n < 8 ? n : 8) : NULL;
	if (semi) {
		k = mrkdwn_entity(p, (size_t)(semi - p) + 1, ch);
		(void)buf_add(out, k > 0 ? ch : p, k > 0 ? k : 1);
		return k > 0 ? (size_t)(semi - p) + 1 : 1;
	}
	(void)buf_addc(out, *p);
	return 1;
}

/* The cell's text; of a link only the label. */
static void plain(struct cell c, struct buf *out)
{
	struct link l;
	size_t i = 0;

	while (i < c.n) {
		if (link_at(c.p + i, c.n - i, &l)) {
			size_t k = 0;

			while (k < l.label.n)
				k += plain_char(l.label.p + k, l.label.n - k,
						out);
			i += l.len;
		} else {
			i += plain_char(c.p + i, c.n - i, out);
		}
	}
}

static bool has_link(struct cell c)
{
	struct link l;
	size_t i;

	for (i = 0; i < c.n; i++) {
		if (c.p[i] == '\\')
			i++;
		else if (link_at(c.p + i, c.n - i, &l))
			return true;
	}
	return false;
}

static size_t row_measure(struct pipes *t, size_t at, bool head)
{
	struct cell c;
	size_t n = 0;

	while (next_cell(t, &at, &c)) {
		n++;
		t->units += dialect_units(c.p, c.n);
		t->large |= c.n > CELL_MAX;
		if (has_link(c)) {
			t->links = true;
			t->head_links |= head;
		}
	}
	return n;
}

void pipes_measure(struct pipes *t, const char *p, size_t len)
{
	size_t at;

	*t = (struct pipes){ .p = p, .len = len, .even = true };
	t->columns = row_measure(t, 0, true);
	for (at = first_row(t); at < len; at = next_row(t, at)) {
		if (row_measure(t, at, false) != t->columns)
			t->even = false;
		t->rows++;
	}
}

bool pipes_fit(const struct pipes *t, size_t used)
{
	return t->columns >= 1 && t->columns <= COLUMNS_MAX && t->rows >= 1 &&
	       t->rows <= ROWS_MAX && t->even && !t->large &&
	       used + t->units <= UNITS_MAX;
}

/*
 * "1,234.5" as the JSON of a number; only what can't be read in two ways:
 * digits, thousands in threes, a decimal point.
 */
static bool number(const char *s, char out[40])
{
	size_t n = 0, digits = 0, group = 0;
	bool comma = false, point = false;

	if (*s == '-' || *s == '+') {
		if (*s == '-')
			out[n++] = '-';
		s++;
	}
	if (*s == '0' && isdigit((unsigned char)s[1]))
		return false; /* a code, not a number */
	for (; *s && n < 30; s++) {
		if (isdigit((unsigned char)*s)) {
			out[n++] = *s;
			digits++;
			group++;
		} else if (*s == ',' && !point && digits > 0 &&
			   (comma ? group == 3 : group <= 3)) {
			comma = true;
			group = 0;
		} else if (*s == '.' && !point && digits > 0 &&
			   (!comma || group == 3)) {
			point = true;
			out[n++] = '.';
			group = 0;
		} else {
			return false;
		}
	}
	out[n] = '\0';
	return *s == '\0' && digits > 0 && digits <= 15 &&
	       (point ? group > 0 : !comma || group == 3);
}

static void text_element(struct jwrite *w, const struct buf *b)
{
	if (b->len == 0)
		return;
	jw_object(w, NULL);
	jw_str(w, "type", "text");
	jw_strn(w, "text", b->data, b->len);
	jw_object_end(w);
}

static void link_element(struct jwrite *w, const struct link *l)
{
	struct buf b;

	buf_init(&b, CELL_MAX);
	plain(l->label, &b);
	jw_object(w, NULL);
	jw_str(w, "type", "link");
	jw_strn(w, "url", l->url.p, l->url.n);
	if (b.len > 0 && l->label.p != l->url.p)
		jw_strn(w, "text", b.data, b.len);
	jw_object_end(w);
	buf_release(&b);
}

static void rich_cell(struct cell c, struct jwrite *w)
{
	struct link l;
	struct buf b;
	size_t i = 0;

	buf_init(&b, CELL_MAX);
	jw_object(w, NULL);
	jw_str(w, "type", "rich_text");
	jw_array(w, "elements");
	jw_object(w, NULL);
	jw_str(w, "type", "rich_text_section");
	jw_array(w, "elements");
	while (i < c.n) {
		if (link_at(c.p + i, c.n - i, &l)) {
			text_element(w, &b);
			buf_reset(&b);
			link_element(w, &l);
			i += l.len;
		} else {
			i += plain_char(c.p + i, c.n - i, &b);
		}
	}
	text_element(w, &b);
	jw_array_end(w);
	jw_object_end(w);
	jw_array_end(w);
	jw_object_end(w);
	buf_release(&b);
}

static void raw_cell(struct cell c, bool head, struct jwrite *w)
{
	struct buf b;
	char num[40];

	buf_init(&b, CELL_MAX);
	plain(c, &b);
	if (b.len == 0)
		(void)buf_adds(&b, "\xc2\xa0"); /* no text may be empty */
	jw_object(w, NULL);
	if (!head && b.len < 32 && number(b.data, num)) {
		jw_str(w, "type", "raw_number");
		jw_raw(w, "value", num);
	} else {
		jw_str(w, "type", "raw_text");
	}
	jw_strn(w, "text", b.data, b.len);
	jw_object_end(w);
	buf_release(&b);
}

static void row_block(const struct pipes *t, size_t at, bool head,
		      struct jwrite *w)
{
	struct cell c;

	jw_array(w, NULL);
	while (next_cell(t, &at, &c)) {
		if (!head && has_link(c))
			rich_cell(c, w);
		else
			raw_cell(c, head, w);
	}
	jw_array_end(w);
}

/* At a character's end. */
static void clip(struct buf *b, size_t n)
{
	while (n > 0 && ((unsigned char)b->data[n] & 0xc0) == 0x80)
		n--;
	mrkdwn_chop(b, n);
	(void)buf_adds(b, "…");
}

/* Slack wants a caption, and the headings say what it is in any language. How
 * long it may be isn't documented. */
static void caption(const struct pipes *t, struct jwrite *w)
{
	struct cell c;
	struct buf b;
	size_t at = 0;

	buf_init(&b, 10 * CELL_MAX);
	while (next_cell(t, &at, &c) && b.len < CAPTION_MAX) {
		if (b.len > 0 && c.n > 0)
			(void)buf_adds(&b, ", ");
		plain(c, &b);
	}
	if (b.len > 2 * CAPTION_MAX)
		clip(&b, 2 * CAPTION_MAX);
	if (b.len == 0)
		(void)buf_adds(&b, "\xc2\xa0");
	jw_strn(w, "caption", b.data, b.len);
	buf_release(&b);
}

void pipes_block(const struct pipes *t, struct jwrite *w)
{
	size_t at;

	jw_object(w, NULL);
	jw_str(w, "type", "data_table");
	caption(t, w);
	jw_array(w, "rows");
	row_block(t, 0, true, w);
	for (at = first_row(t); at < t->len; at = next_row(t, at))
		row_block(t, at, false, w);
	jw_array_end(w);
	if (t->rows > 5)
		jw_int(w, "page_size",
		       t->rows < PAGE_MAX ? (int64_t)t->rows : PAGE_MAX);
	jw_object_end(w);
}

/* Each cell plain and ended by a tab, as mrkdwn_table() wants it. */
static void plain_rows(const struct pipes *t, struct buf *out)
{
	struct cell c;
	struct buf b;
	size_t at = 0, in;

	buf_init(&b, CELL_MAX);
	while (at < t->len) {
		for (in = at; next_cell(t, &in, &c);) {
			buf_reset(&b);
			plain(c, &b);
			if (b.data)
				mrkdwn_escape(out, b.data, b.len, false);
			(void)buf_addc(out, '\t');
		}
		(void)buf_addc(out, '\n');
		at = at == 0 ? first_row(t) : next_row(t, at);
	}
	buf_release(&b);
}

static unsigned int right_of(const struct pipes *t)
{
	size_t at = next_row(t, 0), i;
	unsigned int right = 0;
	struct cell c;

	for (i = 0; i < 32 && next_cell(t, &at, &c); i++) {
		if (c.n > 1 && c.p[c.n - 1] == ':' && c.p[0] != ':')
			right |= 1U << i;
	}
	return right;
}

/* True when it was narrow enough. */
static bool as_fence(const struct pipes *t, struct buf *out)
{
	struct buf rows, text, code;
	struct mrkdwn_table m;
	size_t i = 0;
	bool ok;

	buf_init(&rows, 8 * t->len + 64);
	buf_init(&text, out->cap);
	buf_init(&code, out->cap);
	plain_rows(t, &rows);
	m = (struct mrkdwn_table){ .cells = rows.data ? rows.data : "",
				   .len = rows.len,
				   .right = right_of(t) };
	mrkdwn_table(&m, &text);
	ok = !rows.failed && !text.failed && text.len > 3 &&
	     memcmp(text.data, "```", 3) == 0;
	while (ok && i < text.len) {
		if (text.data[i] == '&')
			i += plain_char(text.data + i, text.len - i, &code);
		else
			(void)buf_addc(&code, text.data[i++]);
	}
	if (ok)
		dialect_code(out, code.data, code.len);
	buf_release(&rows);
	buf_release(&text);
	buf_release(&code);
	return ok;
}

static void card(const struct pipes *t, size_t at, struct buf *out)
{
	struct cell head, c;
	size_t head_at = 0;
	bool first = true;

	while (next_cell(t, &at, &c)) {
		bool named = next_cell(t, &head_at, &head) && head.n > 0;

		if (c.n > 0 && first)
			(void)buf_addf(out, "**%.*s**\n", (int)c.n, c.p);
		else if (c.n > 0 && named)
			(void)buf_addf(out, "- %.*s: %.*s\n", (int)head.n,
				       head.p, (int)c.n, c.p);
		else if (c.n > 0)
			(void)buf_addf(out, "- %.*s\n", (int)c.n, c.p);
		first = false;
	}
}

static void as_cards(const struct pipes *t, struct buf *out)
{
	size_t at = first_row(t);

	if (at >= t->len)
		card(t, 0, out);
	for (; at < t->len && !out->failed; at = next_row(t, at)) {
		card(t, at, out);
		(void)buf_addc(out, '\n');
	}
}

void pipes_text(const struct pipes *t, struct buf *out)
{
	if (t->links || !as_fence(t, out))
		as_cards(t, out);
}
