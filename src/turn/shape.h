/* SPDX-License-Identifier: ISC */
#ifndef TURN_SHAPE_H
#define TURN_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* What a message is made of, as Slack's methods take it. */
struct shape {
	char *text;   /* mrkdwn; what notifications show */
	char *blocks; /* JSON; NULL: the text is all there is */
};

enum shape_kind {
	SHAPE_TABLES, /* blocks, with tables of their own */
	SHAPE_BLOCKS, /* blocks, tables as text in them */
	SHAPE_TEXT,   /* only text */
};

/* Most bytes of text: chat.update takes 4,000 characters. */
#define SHAPE_TEXT_MAX 3500

/* A form with a shape in it is at most so large. */
#define SHAPE_FORM_MAX (1024 * 1024)

/*
 * Of Markdown that dialect_render() made, at most BLOCKS_PART_MAX long; text
 * that is too long ends in an ellipsis. Always the same for the same input.
 * 0, or -1 when memory is short.
 */
int shape_make(struct shape *s, const char *md, size_t len,
	       enum shape_kind kind);

/* A sentence of our own, or an admin's, as it is. 0 or -1. */
int shape_say(struct shape *s, const char *text, bool blocks);

/* Has it a table that Slack might not take? */
bool shape_has_table(const struct shape *s);

void shape_release(struct shape *s);

/* The arguments of chat.postMessage or chat.update. */
void shape_form(const struct shape *s, struct buf *form);

#endif
