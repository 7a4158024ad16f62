/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_REFILL_H
#define ROUTE_REFILL_H

#include <stdint.h>

struct err;
struct gate;
struct store;

/*
 * Gives the gate back what the store has kept: the posts that were claimed
 * in the last 25 hours, and the threads that are engaged. Blocks for as long
 * as that takes. names is a second connection to the store of rows, asked for
 * the tenants while that one gives rows.
 */
int refill_gate(struct gate *t, struct store *rows, struct store *names,
		int64_t window_ms, struct err *e);

#endif
