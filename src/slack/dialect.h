/* SPDX-License-Identifier: ISC */
#ifndef SLACK_DIALECT_H
#define SLACK_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/*
 * The model's Markdown to the plain and complete Markdown that Slack's
 * markdown block takes: all that was open is closed, references are resolved,
 * HTML and images are text and links, tables and fences stand at the left
 * edge. In text & < > are escaped; nothing that the model writes can ping
 * anyone. Marks of slack/mention.h stay, where a mention can be. Linear in
 * len. 0, or -1 (out full).
 */
int dialect_render(const char *md, size_t len, struct buf *out);

/* Appends the text, escaped so that it shows as it is. */
int dialect_plain(const char *text, size_t len, struct buf *out);

/* A piece of rendered Markdown that is one message. */
struct dialect_cut {
	size_t end;
	/* What the next piece begins with, a range of the same text: the line
	 * that opened a fence, or the heading of a table. */
	size_t again_at, again_len;
};

/*
 * Where a piece ends that begins at from and holds at most max UTF-16 units
 * (Slack's characters): before a heading or at a paragraph, else at a line, a
 * sentence, a word. Never in a link, an entity, a character, a table row.
 * again is what was said of from; the cut's own is filled in.
 */
void dialect_cut(const char *text, size_t len, size_t from, size_t max,
		 const struct dialect_cut *again, struct dialect_cut *cut);

/* Text in Slack's characters. */
size_t dialect_units(const char *p, size_t n);

#endif
