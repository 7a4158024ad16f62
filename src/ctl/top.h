/* SPDX-License-Identifier: ISC */
#ifndef CTL_TOP_H
#define CTL_TOP_H

#include <stdbool.h>
#include <stdio.h>

struct buf;
struct ctl;
struct json;

/*
 * The live screen, until 'q' or a signal; or with once, or when the output is
 * no terminal, what there is to see now. Returns the exit code.
 */
int top_run(struct ctl *c, bool once, bool json);

/*
 * What GET /v1/top has answered, for people: figures as they are, and what
 * came since the answer before (NULL: since the daemon's start).
 */
void top_show(const struct json *now, const struct json *before, FILE *out);

/* Text as a screen of that size shows it: lines are cut, what was there
 * before is wiped. */
void top_fit(const char *text, size_t columns, size_t rows, struct buf *out);

#endif
