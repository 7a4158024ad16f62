/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_STAGE_IN_H
#define ROUTE_STAGE_IN_H

#include "route/routing.h"

/* What stage_signal.c and stage_again.c share. */

enum verdict stage_not_theirs(struct routing *r);
enum verdict stage_malformed(struct routing *r);

/* Text as it was told to a model, as Slack would write it; on the heap. */
char *stage_escaped(const char *text);

/* From now on it is a question like any other, claimed under what is unique
 * about it. */
enum verdict stage_ask(struct routing *r, const char *what, const char *id);

/* A press of "Regenerate". */
enum verdict stage_again(struct routing *r, struct err *e);

#endif
