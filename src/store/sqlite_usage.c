/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "store/sqlite.h"
#include "store/usage.h"

/* scope, then answers and tokens of the day and of the month. */
static void read_sums(sqlite3_stmt *st, struct usage_sums *out)
{
	int scope = sqlite3_column_int(st, 0);
	int k, p;

	for (k = 0; k < USAGE_KINDS; k++)
		for (p = 0; p < USAGE_PERIODS; p++)
			out->n[scope][k][p] = sqlite3_column_int64(
				st, 1 + k * USAGE_PERIODS + p);
}

static int sqlite_usage_sums(struct store *store, const struct usage_ask *a,
			     struct usage_sums *out, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_USAGE_SUMS, e);
	int rc;

	*out = (struct usage_sums){ 0 };
	if (!st)
		return -1;
	sqlite_bind(st, 1, a->tenant_id);
	sqlite_bind(st, 2, a->today);
	sqlite_bind(st, 3, a->month);
	sqlite_bind(st, 4, a->channel);
	sqlite_bind(st, 5, a->user);
	for (rc = sqlite_row(s, st, e); rc > 0; rc = sqlite_row(s, st, e))
		read_sums(st, out);
	return rc;
}

static int sqlite_usage_rows(struct store *store, const char *tenant_id,
			     enum usage_by by, const char *since,
			     int (*fn)(const struct usage_row *r, void *arg),
			     void *arg, struct err *e)
{
	static const enum sqlite_query queries[] = {
		[USAGE_BY_MODEL] = Q_USAGE_BY_MODEL,
		[USAGE_BY_DAY] = Q_USAGE_BY_DAY,
		[USAGE_BY_CHANNEL] = Q_USAGE_BY,
		[USAGE_BY_PERSON] = Q_USAGE_BY,
	};
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, queries[by], e);
	struct usage_row r;
	int rc = st ? 1 : -1;

	if (st) {
		sqlite_bind(st, 1, tenant_id);
		sqlite_bind(st, 2, since);
		if (queries[by] == Q_USAGE_BY)
			sqlite_bind(st, 3,
				    by == USAGE_BY_CHANNEL ? "channel"
							   : "person");
	}
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		r = (struct usage_row){
			.who = sqlite_text(st, 0),
			.model = sqlite_text(st, 1),
			.answers = sqlite3_column_int64(st, 2),
			.prompt_tokens = sqlite3_column_int64(st, 3),
			.completion_tokens = sqlite3_column_int64(st, 4),
		};
		rc = sqlite_go_on(st, fn(&r, arg));
	}
	return rc;
}

static int sqlite_usage_marks(struct store *store, const char *tenant_id,
			      const char *since,
			      int (*fn)(const struct usage_mark *m, void *arg),
			      void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_USAGE_MARKS, e);
	struct usage_mark m = { .tenant_id = tenant_id };
	int rc = st ? 1 : -1;

	if (st) {
		sqlite_bind(st, 1, tenant_id);
		sqlite_bind(st, 2, since);
	}
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		m.since = sqlite_text(st, 0);
		m.budget = sqlite_text(st, 1);
		m.who = sqlite_text(st, 2);
		m.at_ms = sqlite3_column_int64(st, 3);
		rc = sqlite_go_on(st, fn(&m, arg));
	}
	return rc;
}

static int sqlite_usage_mark(struct store *store, const struct usage_mark *m,
			     struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_USAGE_MARK, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, m->tenant_id);
	sqlite_bind(st, 2, m->since);
	sqlite_bind(st, 3, m->budget);
	sqlite_bind(st, 4, m->who);
	(void)sqlite3_bind_int64(st, 5, m->at_ms);
	if (sqlite_run(s, st, e) < 0)
		return -1;
	return sqlite3_changes(s->db) > 0;
}

const struct usage_ops usage_sqlite = {
	.sums = sqlite_usage_sums,
	.rows = sqlite_usage_rows,
	.marks = sqlite_usage_marks,
	.mark = sqlite_usage_mark,
};
