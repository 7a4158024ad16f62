/* SPDX-License-Identifier: ISC */
#include "store/keep.h"

#include <stdio.h>

#include "base/err.h"
#include "store/postgres_journal.h"

#define TENANTS "4" /* looked at one time; acks wait behind it */

static void take_keep(const PGresult *r, int row, struct keep *out)
{
	int i;

	for (i = 0; i < KEEP_KINDS; i++)
		out->days[i] = (int)postgres_int(r, row, i);
}

static int get(struct store *store, const char *tenant_id, struct keep *out,
	       struct err *e)
{
	PGresult *r = postgres_run((struct postgres *)store, PQ_KEEP, tenant_id,
				   &tenant_id, e);
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; i < KEEP_KINDS; i++)
		out->days[i] = KEEP_DEFAULT;
	if (r && PQntuples(r) > 0)
		take_keep(r, 0, out);
	PQclear(r);
	return rc;
}

static int put(struct store *store, const char *tenant_id, const struct keep *k,
	       struct err *e)
{
	char days[KEEP_KINDS][POSTGRES_NUMBER];
	const char *params[1 + KEEP_KINDS] = { tenant_id };
	int i;

	for (i = 0; i < KEEP_KINDS; i++)
		params[1 + i] = postgres_number(days[i], k->days[i]);
	return postgres_do((struct postgres *)store, PQ_KEEP_PUT, tenant_id,
			   params, e);
}

/* The number that a statement gives, or -1. */
static int count(struct postgres *s, enum postgres_query q, const char *tenant,
		 const char *const *params, struct err *e)
{
	PGresult *r = postgres_run(s, q, tenant, params, e);
	int n = r ? (int)postgres_int(r, 0, 0) : -1;

	PQclear(r);
	return n;
}

static int erase_of(struct postgres *s, const char *id,
		    const struct keep_cuts *c, int most, struct err *e)
{
	char n[4][POSTGRES_NUMBER];
	const char *const params[] = {
		id,
		c->ts,
		c->day,
		postgres_number(n[0], c->feedback_ms),
		postgres_number(n[1], c->history_ms),
		postgres_number(n[2], c->audit_ms),
		postgres_number(n[3], most),
		c->home,
	};

	return count(s, PQ_ERASE, id, params, e);
}

static int erase_rest(struct postgres_journal *p, const struct keep *all,
		      int64_t now_ms, int most, struct err *e)
{
	char until[POSTGRES_NUMBER], n[POSTGRES_NUMBER];
	const char *params[2];
	struct keep_cuts c;

	p->erased[0] = '\0';
	keep_cuts(all, now_ms, &c);
	params[0] = postgres_number(until, c.audit_ms);
	params[1] = postgres_number(n, most);
	return count(p->s, PQ_AUDIT_TRIM, NULL, params, e);
}

/* Of the tenants in r, until there are rows enough. */
static int erase_those(struct postgres_journal *p, const PGresult *r,
		       const struct keep *all, int64_t now_ms, int max,
		       struct err *e)
{
	struct keep own, kept;
	struct keep_cuts c;
	int i, n, sum = 0;

	for (i = 0; i < PQntuples(r) && sum < max; i++) {
		take_keep(r, i, &own);
		(void)snprintf(p->erased, sizeof(p->erased), "%s",
			       postgres_text(r, i, KEEP_KINDS));
		keep_resolve(&own, all, &kept);
		keep_cuts(&kept, now_ms, &c);
		if (!keep_cuts_any(&c))
			continue;
		n = erase_of(p->s, p->erased, &c, max - sum, e);
		if (n < 0)
			return -1;
		sum += n;
	}
	return sum;
}

int postgres_journal_erase(struct journal_db *db, const struct keep *all,
			   int64_t now_ms, int max, struct err *e)
{
	struct postgres_journal *p = (struct postgres_journal *)db;
	const char *const params[] = { p->erased, TENANTS };
	PGresult *r = postgres_run(p->s, PQ_KEEP_NEXT, NULL, params, e);
	int n;

	if (!r)
		return -1;
	n = PQntuples(r) > 0 ? erase_those(p, r, all, now_ms, max, e)
			     : erase_rest(p, all, now_ms, max, e);
	PQclear(r);
	return n;
}

static int purge(struct store *store, const char *tenant_id, int64_t now_ms,
		 int most, struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	static const enum postgres_query rest[] = { PQ_ERASE_PENDING,
						    PQ_ERASE_GREETED };
	char left[POSTGRES_NUMBER];
	const char *const params[] = { tenant_id, left };
	struct keep_cuts c;
	size_t i;
	int n, more;

	keep_cuts_all(now_ms, &c);
	n = erase_of(s, tenant_id, &c, most, e);
	for (i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		if (n < 0 || n >= most)
			return n;
		(void)postgres_number(left, most - n);
		more = count(s, rest[i], tenant_id, params, e);
		n = more < 0 ? -1 : n + more;
	}
	return n;
}

const struct keep_ops keep_postgres = {
	.get = get,
	.put = put,
	.purge = purge,
};
