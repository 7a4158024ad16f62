/* SPDX-License-Identifier: ISC */
#ifndef SLACK_DIALECT_IN_H
#define SLACK_DIALECT_IN_H

#include <stdbool.h>
#include <stddef.h>

#include <md4c.h>

#include "base/buf.h"

/* What the files of the renderer share; private to them. */

#define DIALECT_BOXES 16

/* A quote, or an item of a list. */
struct dialect_box {
	bool quote;
	bool pending; /* the item's marker isn't written yet */
	char marker[16];
	unsigned int width;
};

struct dialect_list {
	bool ordered;
	bool tight;
	unsigned int next;
};

struct dialect {
	struct buf *out;  /* the caller's, or aside */
	struct buf *text; /* the caller's */
	struct buf aside; /* a table's cells, a fence's or a span's code */
	const char *md;
	size_t len;

	struct dialect_box box[DIALECT_BOXES];
	size_t boxes; /* may be more than DIALECT_BOXES, as may lists be */
	struct dialect_list list[DIALECT_BOXES];
	size_t lists;
	unsigned int want; /* line ends before what comes next */
	bool quoted;       /* the line above is in a quote */
	size_t line_at;    /* where the line's own text begins */

	unsigned int em, strong, del, links;
	bool heading, fence, table, span;
	bool mention;       /* one is open (slack/mention.h) */
	unsigned int level; /* of a heading whose text is yet to come */
	char lang[32];
	size_t link_at;
	struct buf href; /* of the open link; "" when it isn't to be one */

	unsigned int column;
	char align[32]; /* 'r', 'c', 'l' or NUL */
	size_t ncells, max_cells;
};

/* Begins a line if one is due, with the marks of its quotes and items. */
void dialect_begin_text(struct dialect *r);

int dialect_text(MD_TEXTTYPE type, const MD_CHAR *p, MD_SIZE n, void *arg);
int dialect_enter_span(MD_SPANTYPE type, void *detail, void *arg);
int dialect_leave_span(MD_SPANTYPE type, void *detail, void *arg);
void dialect_end_spans(struct dialect *r);

/* A character, and U+200B into the mark that it completes, if it would ping. */
void dialect_put(struct buf *out, char c);
/* Code as it is, but for what might ping. */
void dialect_code(struct buf *out, const char *p, size_t n);
/* The longest run of backticks. */
size_t dialect_ticks(const struct buf *b);

/* Cells, each ended by a tab, rows by a line end: as a table of pipes. */
void dialect_table(const struct dialect *r, struct buf *out);

/*
 * Puts U+200B where CommonMark doesn't see emphasis next to CJK punctuation,
 * as in "**「a」**b", and a backslash before a footnote, which would be taken
 * for the definition of a link and vanish.
 */
void dialect_mend(const char *md, size_t len, struct buf *out);

#endif
