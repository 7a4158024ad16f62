/* SPDX-License-Identifier: ISC */
#ifndef SLACK_BLOCKS_IN_H
#define SLACK_BLOCKS_IN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"

/* A table of pipes as dialect_table() writes it; private to blocks*.c. */
struct pipes {
	const char *p;
	size_t len;
	size_t columns;
	size_t rows;  /* without the heading */
	size_t units; /* of all cells' text */
	bool even;    /* all rows are of one length */
	bool large;   /* a cell is longer than we write */
	bool links;
	bool head_links;
};

void pipes_measure(struct pipes *t, const char *p, size_t len);

/* Is it within the limits of a data_table, with used units taken already? */
bool pipes_fit(const struct pipes *t, size_t used);
void pipes_block(const struct pipes *t, struct jwrite *w);

/* As Markdown: in a fence, or cards. */
void pipes_text(const struct pipes *t, struct buf *out);

#endif
