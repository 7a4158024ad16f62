/* SPDX-License-Identifier: ISC */
#include "slack/dialect.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "slack/dialect_in.h"
#include "slack/markdown_in.h"

static void separate(struct dialect *r, unsigned int n)
{
	if (n > r->want)
		r->want = n;
}

static size_t boxes(const struct dialect *r)
{
	return r->boxes < DIALECT_BOXES ? r->boxes : DIALECT_BOXES;
}

static bool in_quote(const struct dialect *r)
{
	size_t i;

	for (i = 0; i < boxes(r); i++) {
		if (r->box[i].quote)
			return true;
	}
	return false;
}

/* The marks before a line; of a blank one only those of quotes. */
static void prefix(struct dialect *r, bool blank)
{
	struct dialect_box *b;
	size_t i, end;

	for (i = 0; i < boxes(r); i++) {
		b = &r->box[i];
		if (b->quote)
			(void)buf_adds(r->text, "> ");
		else if (b->pending && !blank)
			(void)buf_adds(r->text, b->marker);
		else
			(void)buf_addf(r->text, "%*s", (int)b->width, "");
		if (!blank)
			b->pending = false;
	}
	for (end = r->text->len; blank && end > 0; end--) {
		if (r->text->data[end - 1] != ' ')
			break;
	}
	if (blank)
		mrkdwn_chop(r->text, end);
}

static void begin_line(struct dialect *r, bool bare)
{
	bool quote = !bare && in_quote(r);

	if (r->want == 0 && r->text->len > 0)
		return;
	if (r->text->len == 0)
		r->want = 0;
	while (r->want > 0) {
		(void)buf_addc(r->text, '\n');
		r->want--;
		if (r->want > 0 && quote && r->quoted)
			prefix(r, true);
	}
	r->quoted = quote;
	if (!bare)
		prefix(r, false);
	r->line_at = r->text->len;
}

void dialect_begin_text(struct dialect *r)
{
	if (r->out != r->text)
		return;
	begin_line(r, false);
	if (r->level > 0) {
		(void)buf_addf(r->out, "%.*s ", (int)r->level, "######");
		r->line_at = r->out->len;
		r->level = 0;
	}
}

/* A marker that nothing has followed yet stands on its own line. */
static void flush_marker(struct dialect *r)
{
	size_t n = boxes(r);

	if (n > 0 && r->box[n - 1].pending)
		begin_line(r, false);
}

static struct dialect_box *push_box(struct dialect *r)
{
	static struct dialect_box none;
	struct dialect_box *b = &none;

	if (r->boxes < DIALECT_BOXES)
		b = &r->box[r->boxes];
	r->boxes++;
	memset(b, 0, sizeof(*b));
	return b;
}

static void enter_list(struct dialect *r, bool ordered, bool tight,
		       unsigned int start)
{
	struct dialect_list l = { ordered, tight, start };

	flush_marker(r);
	separate(r, r->lists > 0 ? 1 : 2);
	if (r->lists < DIALECT_BOXES)
		r->list[r->lists] = l;
	r->lists++;
}

static void enter_item(struct dialect *r, const MD_BLOCK_LI_DETAIL *d)
{
	size_t level = r->lists - 1;
	struct dialect_list *l = level < DIALECT_BOXES ? &r->list[level] : NULL;
	struct dialect_box box = { .pending = true, .width = 2 };
	int n;

	separate(r, l && !l->tight ? 2 : 1);
	if (l && l->ordered) {
		n = snprintf(box.marker, sizeof(box.marker), "%u. ", l->next++);
		box.width = (unsigned int)n;
	} else {
		(void)snprintf(box.marker, sizeof(box.marker), "- ");
	}
	*push_box(r) = box;
	if (d->is_task) {
		begin_line(r, false);
		(void)buf_adds(r->out, d->task_mark == ' ' ? "[ ] " : "[x] ");
		r->line_at = r->out->len;
	}
}

static void leave_item(struct dialect *r)
{
	dialect_end_spans(r); /* a tight item has no paragraph */
	flush_marker(r);
	if (r->boxes > 0)
		r->boxes--;
}

static void enter_heading(struct dialect *r, unsigned int level)
{
	separate(r, 2);
	r->heading = true;
	r->level = level; /* one without text is left out */
}

static void leave_heading(struct dialect *r)
{
	dialect_end_spans(r);
	r->heading = false;
	r->level = 0;
	separate(r, 2);
}

static void set_aside(struct dialect *r)
{
	buf_reset(&r->aside);
	r->out = &r->aside;
	r->line_at = 0;
}

static void lang_of(char out[32], const MD_ATTRIBUTE *a)
{
	size_t i, n = 0;

	for (i = 0; i < a->size && n + 1 < 32; i++) {
		unsigned char c = (unsigned char)a->text[i];

		if (!isalnum(c) && !strchr("+-#._", c))
			break;
		if (c == '\0')
			break;
		out[n++] = (char)c;
	}
	out[n] = '\0';
}

static void enter_code(struct dialect *r, const MD_BLOCK_CODE_DETAIL *d)
{
	r->lang[0] = '\0';
	if (d->lang.text)
		lang_of(r->lang, &d->lang);
	r->fence = true;
	set_aside(r);
}

/* At the left edge, so that it can be cut and opened again. */
static void leave_code(struct dialect *r)
{
	size_t n = dialect_ticks(&r->aside) + 1;
	struct buf *b = &r->aside;

	r->fence = false;
	r->out = r->text;
	while (b->len > 0 && b->data[b->len - 1] == '\n')
		mrkdwn_chop(b, b->len - 1);
	if (b->len > 0) {
		flush_marker(r);
		separate(r, 2);
		begin_line(r, true);
		n = n < 3 ? 3 : n;
		while (n-- > 0)
			(void)buf_addc(r->out, '`');
		n = r->out->len - r->line_at;
		(void)buf_addf(r->out, "%s\n", r->lang);
		(void)buf_add(r->out, b->data, b->len);
		(void)buf_addc(r->out, '\n');
		while (n-- > 0)
			(void)buf_addc(r->out, '`');
	}
	separate(r, 2);
}

static void enter_table(struct dialect *r)
{
	set_aside(r);
	r->table = true;
	memset(r->align, 0, sizeof(r->align));
}

static void leave_table(struct dialect *r)
{
	r->table = false;
	r->out = r->text;
	flush_marker(r);
	separate(r, 2);
	begin_line(r, true);
	dialect_table(r, r->out);
	separate(r, 2);
}

static void enter_cell(struct dialect *r, const MD_BLOCK_TD_DETAIL *d)
{
	static const char kinds[] = { [MD_ALIGN_LEFT] = 'l',
				      [MD_ALIGN_CENTER] = 'c',
				      [MD_ALIGN_RIGHT] = 'r' };

	r->ncells++;
	r->line_at = r->out->len;
	if (r->column < sizeof(r->align))
		r->align[r->column] = kinds[d->align];
	r->column++;
}

static int verdict(const struct dialect *r)
{
	return r->out->failed || r->ncells > r->max_cells ? -1 : 0;
}

static int on_enter_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
	MD_BLOCK_OL_DETAIL *ol = detail;
	struct dialect *r = arg;

	switch (type) {
	case MD_BLOCK_QUOTE:
		flush_marker(r);
		separate(r, r->lists > 0 ? 1 : 2);
		push_box(r)->quote = true;
		break;
	case MD_BLOCK_UL:
		enter_list(r, false, ((MD_BLOCK_UL_DETAIL *)detail)->is_tight,
			   0);
		break;
	case MD_BLOCK_OL:
		enter_list(r, true, ol->is_tight, ol->start);
		break;
	case MD_BLOCK_LI:
		enter_item(r, detail);
		break;
	case MD_BLOCK_HR:
		flush_marker(r);
		separate(r, 2);
		begin_line(r, true);
		(void)buf_adds(r->out, "---");
		separate(r, 2);
		break;
	case MD_BLOCK_H:
		enter_heading(r, ((MD_BLOCK_H_DETAIL *)detail)->level);
		break;
	case MD_BLOCK_CODE:
		enter_code(r, detail);
		break;
	case MD_BLOCK_P:
		if (r->boxes == 0 || r->boxes > DIALECT_BOXES ||
		    !r->box[r->boxes - 1].pending)
			separate(r, 2);
		break;
	case MD_BLOCK_TABLE:
		enter_table(r);
		break;
	case MD_BLOCK_TR:
		r->column = 0;
		break;
	case MD_BLOCK_TH:
	case MD_BLOCK_TD:
		enter_cell(r, detail);
		break;
	case MD_BLOCK_DOC:
	case MD_BLOCK_HTML:
	case MD_BLOCK_THEAD:
	case MD_BLOCK_TBODY:
		break;
	}
	return verdict(r);
}

static int on_leave_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
	struct dialect *r = arg;

	(void)detail;
	switch (type) {
	case MD_BLOCK_QUOTE:
		r->boxes -= r->boxes > 0;
		separate(r, 2);
		break;
	case MD_BLOCK_UL:
	case MD_BLOCK_OL:
		r->lists--;
		separate(r, r->lists > 0 ? 1 : 2);
		break;
	case MD_BLOCK_LI:
		leave_item(r);
		break;
	case MD_BLOCK_H:
		leave_heading(r);
		break;
	case MD_BLOCK_CODE:
		leave_code(r);
		break;
	case MD_BLOCK_P:
		dialect_end_spans(r);
		separate(r, 2);
		break;
	case MD_BLOCK_TABLE:
		leave_table(r);
		break;
	case MD_BLOCK_TR:
		(void)buf_addc(r->out, '\n');
		break;
	case MD_BLOCK_TH:
	case MD_BLOCK_TD:
		dialect_end_spans(r);
		(void)buf_addc(r->out, '\t');
		break;
	case MD_BLOCK_HR:
	case MD_BLOCK_DOC:
	case MD_BLOCK_HTML:
	case MD_BLOCK_THEAD:
	case MD_BLOCK_TBODY:
		break;
	}
	return verdict(r);
}

static int parse(const struct buf *md, unsigned int flags, struct buf *out)
{
	MD_PARSER parser = {
		.flags = MRKDWN_FLAGS | flags,
		.enter_block = on_enter_block,
		.leave_block = on_leave_block,
		.enter_span = dialect_enter_span,
		.leave_span = dialect_leave_span,
		.text = dialect_text,
	};
	struct dialect r = { .out = out,
			     .text = out,
			     .md = md->data,
			     .len = md->len,
			     .max_cells = md->len + 64 };
	int rc;

	buf_reset(out);
	buf_init(&r.aside, out->cap);
	buf_init(&r.href, 4096);
	rc = md_parse(md->data, (MD_SIZE)md->len, &parser, &r);
	buf_release(&r.aside);
	buf_release(&r.href);
	return rc == 0 && !out->failed ? 0 : -1;
}

/* As mrkdwn_render(): closed, with a line end, without tables if they are a
 * bad joke. */
int dialect_render(const char *md, size_t len, struct buf *out)
{
	char tail[MRKDWN_TAIL_SIZE];
	struct buf whole;
	size_t keep;
	int rc = 0;

	buf_reset(out);
	keep = mrkdwn_tail(md, len, tail);
	buf_init(&whole, 2 * keep + sizeof(tail) + 1);
	dialect_mend(md, keep, &whole);
	(void)buf_adds(&whole, tail);
	if (whole.len > 0 && whole.data[whole.len - 1] != '\n')
		(void)buf_addc(&whole, '\n');
	if (whole.failed)
		rc = -1;
	else if (whole.len > 0 && parse(&whole, MD_FLAG_TABLES, out) < 0)
		rc = out->failed ? -1 : parse(&whole, 0, out);
	buf_release(&whole);
	if (rc == 0)
		mrkdwn_trim(out);
	return rc;
}
