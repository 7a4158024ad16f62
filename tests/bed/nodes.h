/* SPDX-License-Identifier: ISC */
#ifndef BED_NODES_H
#define BED_NODES_H

#include <stdbool.h>
#include <stddef.h>

#include "bed/bed.h"
#include "redis.h"

struct err;
struct pg;

#define NODES_MAX 3

/*
 * One daemon on SQLite, or several on a PostgreSQL and a Redis of their own,
 * all at one simulator. The first bed has made it.
 */
struct nodes {
	struct bed beds[NODES_MAX];
	size_t n;
	bool shared;         /* PostgreSQL and Redis */
	const struct pg *pg; /* NULL unless shared */
	struct redis_box redis;
};

/* n 0: one on SQLite. o says nothing of store and state. The simulator runs
 * then, no daemon yet. Once in a process if n isn't 0. */
int nodes_make(struct nodes *ns, size_t n, const struct bed_opts *o,
	       struct err *e);

/* Puts all installs into the store, and starts all daemons. */
int nodes_start(struct nodes *ns, struct err *e);

/* Is nothing under way in any daemon or in the shared journal? */
bool nodes_quiet(const struct nodes *ns);

/* Stops all that runs and removes what it made. */
void nodes_remove(struct nodes *ns);

#endif
