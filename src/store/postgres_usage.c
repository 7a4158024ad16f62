/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "store/postgres.h"
#include "store/usage.h"

/* scope, then answers and tokens of the day and of the month. */
static void read_sums(const PGresult *r, int row, struct usage_sums *out)
{
	int scope = (int)postgres_int(r, row, 0);
	int k, p;

	for (k = 0; k < USAGE_KINDS; k++)
		for (p = 0; p < USAGE_PERIODS; p++)
			out->n[scope][k][p] =
				postgres_int(r, row, 1 + k * USAGE_PERIODS + p);
}

static int postgres_usage_sums(struct store *store, const struct usage_ask *a,
			       struct usage_sums *out, struct err *e)
{
	const char *const params[] = { a->tenant_id, a->today, a->month,
				       a->channel, a->user };
	PGresult *r = postgres_run((struct postgres *)store, PQ_USAGE_SUMS,
				   a->tenant_id, params, e);
	int i;

	*out = (struct usage_sums){ 0 };
	if (!r)
		return -1;
	for (i = 0; i < PQntuples(r); i++)
		read_sums(r, i, out);
	PQclear(r);
	return 0;
}

static int postgres_usage_rows(struct store *store, const char *tenant_id,
			       enum usage_by by, const char *since,
			       int (*fn)(const struct usage_row *r, void *arg),
			       void *arg, struct err *e)
{
	static const enum postgres_query queries[] = {
		[USAGE_BY_MODEL] = PQ_USAGE_BY_MODEL,
		[USAGE_BY_DAY] = PQ_USAGE_BY_DAY,
		[USAGE_BY_CHANNEL] = PQ_USAGE_BY,
		[USAGE_BY_PERSON] = PQ_USAGE_BY,
	};
	const char *const params[] = { tenant_id, since,
				       by == USAGE_BY_CHANNEL ? "channel"
							      : "person" };
	PGresult *r = postgres_run((struct postgres *)store, queries[by],
				   tenant_id, params, e);
	struct usage_row u;
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		u = (struct usage_row){
			.who = postgres_text(r, i, 0),
			.model = postgres_text(r, i, 1),
			.answers = postgres_int(r, i, 2),
			.prompt_tokens = postgres_int(r, i, 3),
			.completion_tokens = postgres_int(r, i, 4),
		};
		rc = fn(&u, arg);
	}
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

static int postgres_usage_marks(struct store *store, const char *tenant_id,
				const char *since,
				int (*fn)(const struct usage_mark *m,
					  void *arg),
				void *arg, struct err *e)
{
	const char *const params[] = { tenant_id, since };
	PGresult *r = postgres_run((struct postgres *)store, PQ_USAGE_MARKS,
				   tenant_id, params, e);
	struct usage_mark m = { .tenant_id = tenant_id };
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		m.since = postgres_text(r, i, 0);
		m.budget = postgres_text(r, i, 1);
		m.who = postgres_text(r, i, 2);
		m.at_ms = postgres_int(r, i, 3);
		rc = fn(&m, arg);
	}
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

static int postgres_usage_mark(struct store *store, const struct usage_mark *m,
			       struct err *e)
{
	char at[POSTGRES_NUMBER];
	const char *const params[] = { m->tenant_id, m->since, m->budget,
				       m->who, postgres_number(at, m->at_ms) };
	PGresult *r = postgres_run((struct postgres *)store, PQ_USAGE_MARK,
				   m->tenant_id, params, e);
	int n = r ? PQntuples(r) : -1;

	PQclear(r);
	return n;
}

const struct usage_ops usage_postgres = {
	.sums = postgres_usage_sums,
	.rows = postgres_usage_rows,
	.marks = postgres_usage_marks,
	.mark = postgres_usage_mark,
};
