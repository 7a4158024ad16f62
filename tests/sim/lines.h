/* SPDX-License-Identifier: ISC */
#ifndef SIM_LINES_H
#define SIM_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/util.h"

struct json;

/* A message on the screen, which a person may mean by its number. */
struct line {
	char *ts;
	char *user;
	char number[24]; /* "2", "2.1" of a reply, "" of one without thread */
	bool widgets;    /* there is something to press */
};

/* thread 0: not in one; reply 0: a root. Freed with line_free(). */
void lines_add(struct vec *lines, const struct json *m, size_t thread,
	       size_t reply);
void line_free(void *line);

/* NULL: there is none. */
const char *lines_ts(const struct vec *lines, const char *number);
const char *lines_number(const struct vec *lines, const char *ts); /* or "" */
/* The ts of the last one, by this user (unless NULL), with widgets if so. */
const char *lines_last(const struct vec *lines, const char *user, bool widgets);

#endif
