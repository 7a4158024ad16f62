/* SPDX-License-Identifier: ISC */
#ifndef SIM_ACTS_H
#define SIM_ACTS_H

#include <stdbool.h>

struct buf;
struct client;
struct err;
struct people;
struct view;

/* Where a person at a terminal is; all borrowed. */
struct place {
	struct client *client;
	const struct people *people;
	const struct view *view;
	const char *channel; /* ids */
	const char *user;
	const char *thread_ts; /* NULL: the channel */
	bool *home;            /* is the home shown? */
	char **said; /* gets the ts of what is said with a file, to be freed */
};

/*
 * Does what a line with a slash asks for, beyond talking: /react and what
 * acts_help lists. 0, -1 with e filled, or 1: there is no such command.
 */
int acts_do(const struct place *p, const char *line, struct err *e);
extern const char acts_help[]; /* its lines end in \r\n */

/* What the agent is doing in the thread, and the modal that is open for this
 * person, or their home if it is shown. */
void acts_panel(const struct place *p, struct buf *out);

#endif
