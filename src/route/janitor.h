/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_JANITOR_H
#define ROUTE_JANITOR_H

#include <stdint.h>

struct err;
struct journal;
struct router;

/*
 * Takes up what is unfinished for longer than any turn takes and in nobody's
 * hands (route/inhand.h): for want of memory, say. It reads on a router's
 * thread. One of several nodes has no use for it (store/cluster.h).
 */
struct janitor;

struct janitor *janitor_create(struct journal *j, struct router *r,
			       int64_t longest_ms, struct err *e);
/* Turns may take so long from now on. Any thread. */
void janitor_expect(struct janitor *jan, int64_t longest_ms);
/* Waits for what it does; the router serves reads and the journal is there.
 * NULL is allowed. */
void janitor_free(struct janitor *jan);

/* To be called now and then, from one thread; it knows when it is time. */
void janitor_tick(struct janitor *jan, int64_t now_ms);

#endif
