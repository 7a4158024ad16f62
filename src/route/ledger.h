/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_LEDGER_H
#define ROUTE_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "store/budget.h"

struct err;
struct journal;
struct router;
struct store;

/*
 * The budgets of all tenants, as this process saw them used. What has used
 * most of a budget is marked in the store, and whoever's mark is the first in
 * its period, of all nodes and since ever, warns: in the log and in a counter.
 * Thread-safe.
 */
struct ledger;

struct ledger *ledger_create(struct journal *j, struct err *e);
/* No more marks; before the journal goes. NULL is allowed, as below. */
void ledger_close(struct ledger *l);
void ledger_free(struct ledger *l); /* after the journal */

/* Whose budgets. */
struct ledger_who {
	const char *tenant_id;
	const char *tenant;  /* its name */
	const char *budget;  /* as it is stored with the tenant */
	const char *channel; /* "": none that has a budget */
	const char *user;
};

struct ledger_finding {
	int over; /* as struct budget_finding has it */
	int64_t full_ms;
};

/*
 * Reads what is used, in one look at the store. Turns that are under way
 * aren't in it, so some of them may go beyond. May block. 0 or -1. l NULL:
 * nothing is kept or marked.
 */
int ledger_look(struct ledger *l, struct store *s, const struct ledger_who *w,
		int64_t now_ms, struct ledger_finding *out, struct err *e);

/* The same on a router's thread, by and by: something was used. Any thread.
 * Copies w. */
void ledger_look_later(struct ledger *l, struct router *r,
		       const struct ledger_who *w);

/* The tenant of that name has no budget, or another one, or is gone. */
void ledger_forget(struct ledger *l, const char *tenant);

/* A budget that is known to be used: a tenant's own, or one that is nearly
 * used up. */
struct ledger_view {
	const char *tenant; /* name */
	int item;
	const char *who; /* channel or person; "": the tenant's own */
	int64_t used, most;
	int64_t full_ms;
};
/* fn is called under a lock. */
void ledger_each(struct ledger *l, int64_t now_ms,
		 void (*fn)(const struct ledger_view *v, void *arg), void *arg);

#endif
