/* SPDX-License-Identifier: ISC */
#ifndef STORE_BUDGET_H
#define STORE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "store/usage.h"

struct err;
struct store;

/*
 * How much of the models a tenant's people may use: for the whole tenant, each
 * of its channels and each of its people, requests and tokens, per day and per
 * month of UTC. As text, in any order, none of them "" or "none":
 *
 *   tenant/tokens/month=2000000,person/requests/day=50
 *
 * All of it is computation on what the caller has, but for budget_left_of().
 */
#define BUDGET_ITEMS (USAGE_SCOPES * USAGE_KINDS * USAGE_PERIODS)
#define BUDGET_TEXT  512
#define BUDGET_MAX   INT64_C(1000000000000000) /* of one */
#define BUDGET_NEAR  80                        /* percent, to be warned at */

struct budget {
	int64_t most[BUDGET_ITEMS]; /* 0: no limit */
};

struct budget_item {
	enum usage_scope scope;
	enum usage_kind kind;
	enum usage_period period;
};
struct budget_item budget_item(int i);
const char *budget_name(int i); /* "person/requests/day"; static */

/* 0, or -1 with e (ERR_INPUT). k and M stand for thousands and millions. */
int budget_parse(struct budget *b, const char *text, struct err *e);
/* The same in one form: in the order of the items, plain numbers. */
void budget_print(const struct budget *b, char out[BUDGET_TEXT]);

/* The day and the month around a time of the wall clock. */
struct budget_days {
	char today[11];                 /* "2026-11-29" */
	char month[11];                 /* "2026-11-01" */
	int64_t full_ms[USAGE_PERIODS]; /* when the next one begins */
};
void budget_days(int64_t now_ms, struct budget_days *out);
/* The first day of the period. */
const char *budget_since(const struct budget_days *d, enum usage_period p);

struct budget_finding {
	int over;          /* an item that is used up, -1: none. Of several
			    * that which is full again last */
	unsigned int near; /* bits of the items of which most is used */
};
void budget_judge(const struct budget *b, const struct usage_sums *used,
		  struct budget_finding *out);

/* Is most of it used, so that it is time to warn? */
bool budget_near(int64_t used, int64_t most);

/* Of an item, in hundredths; more than 100 when several answered at once. */
int64_t budget_percent(const struct budget *b, const struct usage_sums *used,
		       int i);

/* What is left to one person, by its own budgets and the tenant's. */
struct budget_left {
	int64_t n[USAGE_KINDS];       /* -1: no limit */
	int64_t full_ms[USAGE_KINDS]; /* when there is more */
};
void budget_left(const struct budget *b, const struct usage_sums *used,
		 const struct budget_days *d, struct budget_left *out);
/* The same from the store, by the tenant's budget as it is stored (struct
 * tenant). Blocks. 0 or -1. */
int budget_left_of(struct store *s, const char *budget, const char *tenant_id,
		   const char *user, int64_t now_ms, struct budget_left *out,
		   struct err *e);

#endif
