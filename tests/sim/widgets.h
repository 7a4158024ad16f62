/* SPDX-License-Identifier: ISC */
#ifndef SIM_WIDGETS_H
#define SIM_WIDGETS_H

#include "sim/util.h"

struct buf;
struct json;

/* What a person at a terminal can press in blocks, by number from 1. */
struct widget {
	char *action_id;
	char *value; /* NULL: a button's own */
	char *label;
};
/* Adds them to out; freed with vec_free(out, widget_free). */
void widgets_take(const struct json *blocks, struct vec *out);
void widget_free(void *widget);
/* "[1 Stop] [2 Good]", nothing without any. */
void widgets_show(const struct json *blocks, struct buf *out);

/* A modal or a home, line by line: its text, inputs and widgets. errors: of
 * the last submission, or NULL. */
void panel_show(const struct json *view, const struct json *errors,
		struct buf *out);

#endif
