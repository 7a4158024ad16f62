/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_TAKEUP_H
#define ROUTE_TAKEUP_H

struct err;
struct journal;
struct router;
struct suspects;

/*
 * What an earlier process has left in the journal. First those entries are
 * counted that it had its hands on when it died (base/suspect.h): one that
 * crashes us again and again is given up at the third time, while what only
 * waited, or was on its way when somebody killed us, is not. A crash in the
 * hands of nobody counts for all. Then they go to the router, oldest first.
 *
 * Waits for the journal, so before anything else is submitted. 0 or -1.
 */
int takeup_run(struct journal *j, struct router *r, const struct suspects *left,
	       struct err *e);

/* Only the counting, of those that it had its hands on; for one of several
 * nodes, where entries come by claims. */
int takeup_blame(struct journal *j, const struct suspects *left, struct err *e);

#endif
