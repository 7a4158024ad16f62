/* SPDX-License-Identifier: ISC */
#include "slack/markdown.h"

#include "slack/markdown_in.h"
#include "slack/mention.h"

void mrkdwn_chop(struct buf *b, size_t len)
{
	if (b->failed || len >= b->len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

/* The next block begins n line ends on; in a list they stay close. */
static void separate(struct mrkdwn *r, unsigned int n)
{
	if (r->glue)
		return;
	if (r->depth > 0 && n > 1)
		n = 1;
	if (n > r->want)
		r->want = n;
}

static void line_ends(struct mrkdwn *r, bool quote)
{
	if (r->out->len == 0)
		r->want = 0;
	while (r->want > 0) {
		(void)buf_addc(r->out, '\n');
		r->want--;
		if (r->want > 0 && quote && r->quoted)
			(void)buf_addc(r->out, '>');
	}
}

/* Begins the line if one is due; indent is in steps of two spaces. */
static void begin_line(struct mrkdwn *r, unsigned int indent)
{
	bool quote = r->quotes > 0 && !r->code;

	if (r->table)
		return;
	if (r->want == 0 && r->out->len > 0)
		return;
	line_ends(r, quote);
	r->quoted = quote;
	r->closed = r->guard = false;
	if (quote)
		(void)buf_adds(r->out, "> ");
	if (indent > MRKDWN_LISTS_MAX)
		indent = MRKDWN_LISTS_MAX;
	while (indent-- > 0)
		(void)buf_adds(r->out, "  ");
}

void mrkdwn_begin_text(struct mrkdwn *r)
{
	begin_line(r, r->depth);
	r->glue = false;
}

static void enter_list(struct mrkdwn *r, bool ordered, unsigned int start)
{
	separate(r, 2);
	if (r->depth < MRKDWN_LISTS_MAX) {
		r->lists[r->depth].ordered = ordered;
		r->lists[r->depth].next = start;
	}
	r->depth++;
}

static void leave_list(struct mrkdwn *r)
{
	r->depth--;
	separate(r, 2);
}

static void enter_item(struct mrkdwn *r, const MD_BLOCK_LI_DETAIL *d)
{
	static const char *const bullets[] = { "• ", "◦ ", "▪ " };
	unsigned int level = r->depth - 1;
	struct mrkdwn_list *list = NULL;

	separate(r, 1);
	begin_line(r, level);
	if (level < MRKDWN_LISTS_MAX)
		list = &r->lists[level];
	if (list && list->ordered)
		(void)buf_addf(r->out, "%u. ", list->next++);
	else if (!d->is_task)
		(void)buf_adds(r->out, bullets[level < 2 ? level : 2]);
	if (d->is_task)
		(void)buf_adds(r->out, d->task_mark == ' ' ? "☐ " : "☑ ");
	r->glue = true;
}

static void enter_heading(struct mrkdwn *r)
{
	separate(r, 2);
	mrkdwn_begin_text(r);
	r->heading = true;
	r->block_at = r->out->len;
	(void)buf_addc(r->out, '*');
}

static void leave_heading(struct mrkdwn *r)
{
	mrkdwn_end_spans(r);
	r->heading = false;
	if (r->out->len <= r->block_at + 1)
		mrkdwn_chop(r->out, r->block_at);
	else
		(void)buf_addc(r->out, '*');
	separate(r, 2);
}

static void enter_code(struct mrkdwn *r)
{
	r->code = true;
	separate(r, 2);
	begin_line(r, 0);
	r->glue = false;
	r->block_at = r->out->len;
	(void)buf_adds(r->out, "```\n");
}

/* Slack shows the marks of an empty fence, so it is left out. */
static void leave_code(struct mrkdwn *r)
{
	r->code = false;
	if (r->out->len <= r->block_at + 4)
		mrkdwn_chop(r->out, r->block_at);
	else
		(void)buf_adds(r->out, r->out->data[r->out->len - 1] == '\n'
					       ? "```"
					       : "\n```");
	separate(r, 2);
}

static void enter_table(struct mrkdwn *r)
{
	r->glue = false;
	separate(r, 2);
	buf_reset(&r->cells);
	r->table = true;
	r->linked = false;
	r->right = 0;
	r->out = &r->cells;
}

static void leave_table(struct mrkdwn *r)
{
	struct mrkdwn_table t = {
		.cells = r->cells.data ? r->cells.data : "",
		.len = r->cells.len,
		.right = r->right,
		.links = r->linked,
	};

	r->table = false;
	r->out = r->text;
	r->code = true; /* as in a fence, no quote and no indentation */
	begin_line(r, 0);
	r->code = false;
	mrkdwn_table(&t, r->out);
	separate(r, 2);
}

static void enter_cell(struct mrkdwn *r, const MD_BLOCK_TD_DETAIL *d)
{
	r->ncells++;
	if (d->align == MD_ALIGN_RIGHT && r->column < 32)
		r->right |= 1U << r->column;
	r->column++;
}

static void rule(struct mrkdwn *r)
{
	separate(r, 2);
	mrkdwn_begin_text(r);
	(void)buf_adds(r->out, "———");
	separate(r, 2);
}

static void enter_quote(struct mrkdwn *r)
{
	separate(r, 2);
	r->quotes++;
}

static int verdict(const struct mrkdwn *r)
{
	return r->out->failed || r->ncells > r->max_cells ? -1 : 0;
}

static int on_enter_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
	struct mrkdwn *r = arg;

	switch (type) {
	case MD_BLOCK_QUOTE:
		enter_quote(r);
		break;
	case MD_BLOCK_UL:
		enter_list(r, false, 0);
		break;
	case MD_BLOCK_OL:
		enter_list(r, true, ((MD_BLOCK_OL_DETAIL *)detail)->start);
		break;
	case MD_BLOCK_LI:
		enter_item(r, detail);
		break;
	case MD_BLOCK_HR:
		rule(r);
		break;
	case MD_BLOCK_H:
		enter_heading(r);
		break;
	case MD_BLOCK_CODE:
		enter_code(r);
		break;
	case MD_BLOCK_P:
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
	struct mrkdwn *r = arg;

	(void)detail;
	switch (type) {
	case MD_BLOCK_QUOTE:
		r->quotes--;
		separate(r, 2);
		break;
	case MD_BLOCK_UL:
	case MD_BLOCK_OL:
		leave_list(r);
		break;
	case MD_BLOCK_LI:
		mrkdwn_end_spans(r); /* a tight item has no paragraph */
		r->glue = false;
		break;
	case MD_BLOCK_H:
		leave_heading(r);
		break;
	case MD_BLOCK_CODE:
		leave_code(r);
		break;
	case MD_BLOCK_P:
		mrkdwn_end_spans(r);
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
		mrkdwn_end_spans(r);
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

static int parse(const char *md, size_t len, unsigned int flags,
		 struct buf *out)
{
	static const MD_PARSER callbacks = {
		.enter_block = on_enter_block,
		.leave_block = on_leave_block,
		.enter_span = mrkdwn_enter_span,
		.leave_span = mrkdwn_leave_span,
		.text = mrkdwn_text,
	};
	struct mrkdwn r = { .out = out,
			    .text = out,
			    .md = md,
			    .len = len,
			    .max_cells = len + 64 };
	MD_PARSER parser = callbacks;
	int rc;

	parser.flags = MRKDWN_FLAGS | flags;
	buf_reset(out);
	buf_init(&r.cells, out->cap);
	rc = md_parse(md, (MD_SIZE)len, &parser, &r);
	buf_release(&r.cells);
	return rc == 0 && !out->failed ? 0 : -1;
}

void mrkdwn_trim(struct buf *out)
{
	size_t n = out->len;

	while (n > 0 && (out->data[n - 1] == ' ' || out->data[n - 1] == '\n'))
		n--;
	mrkdwn_chop(out, n);
}

/*
 * md4c fills short table rows up to the heading's width, so a few kilobytes
 * can ask for millions of cells; such a table is left as it was written.
 */
static int parse_closed(const char *md, size_t len, struct buf *out)
{
	if (parse(md, len, MD_FLAG_TABLES, out) < 0 &&
	    (out->failed || parse(md, len, 0, out) < 0))
		return -1;
	mrkdwn_trim(out);
	return 0;
}

/*
 * md4c 0.4.8 looks one byte behind text that ends in "](" (its pull request
 * 167); text that ends with a line end keeps it inside.
 */
int mrkdwn_render(const char *md, size_t len, struct buf *out)
{
	char tail[MRKDWN_TAIL_SIZE];
	struct buf whole;
	size_t keep;
	int rc = 0;

	buf_reset(out);
	keep = mrkdwn_tail(md, len, tail);
	buf_init(&whole, keep + sizeof(tail) + 1);
	(void)buf_add(&whole, md, keep);
	(void)buf_adds(&whole, tail);
	if (whole.len > 0 && whole.data[whole.len - 1] != '\n')
		(void)buf_addc(&whole, '\n');
	if (whole.failed)
		rc = -1;
	else if (whole.len > 0)
		rc = parse_closed(whole.data, whole.len, out);
	buf_release(&whole);
	return rc;
}

int mrkdwn_plain(const char *text, size_t len, struct buf *out)
{
	struct buf bare;

	buf_init(&bare, len + 1);
	if (mention_strip(text, len, &bare) == 0)
		mrkdwn_escape(out, bare.data, bare.len, true);
	else
		out->failed = true;
	buf_release(&bare);
	return out->failed ? -1 : 0;
}
