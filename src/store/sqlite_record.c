/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "store/record.h"
#include "store/sqlite.h"

static const char *text(sqlite3_stmt *st, int col)
{
	return (const char *)sqlite3_column_text(st, col);
}

static int each(struct sqlite *s, sqlite3_stmt *st, record_fn *fn, void *arg,
		struct err *e)
{
	struct record r;
	int rc;

	for (;;) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			return rc;
		r = (struct record){
			.id = text(st, 0),
			.app_id = text(st, 1),
			.event_id = text(st, 2),
			.state = text(st, 3),
			.received_ms = sqlite3_column_int64(st, 4),
			.done_ms = sqlite3_column_int64(st, 5),
			.replayed_ms = sqlite3_column_int64(st, 6),
			.tenant = text(st, 7),
			.verdict = text(st, 8),
			.attempts = sqlite3_column_int(st, 9),
			.post = text(st, 10),
			.steps = text(st, 11),
			.parts = text(st, 12),
			.kept = sqlite3_column_int(st, 13) != 0,
			.leader = text(st, 14),
			.covers = text(st, 15),
		};
		if (fn(&r, arg) < 0)
			break;
	}
	sqlite_finish(st);
	return -1;
}

static int find(struct store *store, const char *what, record_fn *fn, void *arg,
		struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_RECORD_FIND, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, what);
	return each(s, st, fn, arg, e);
}

static int dead(struct store *store, record_fn *fn, void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_RECORD_DEAD, e);

	if (!st)
		return -1;
	(void)sqlite3_bind_int(st, 1, RECORDS_MAX);
	return each(s, st, fn, arg, e);
}

static int stale(struct store *store, int64_t before_ms, int max,
		 int (*fn)(const char *id, void *arg), void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_RECORD_STALE, e);
	int rc = st ? 1 : -1;

	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 1, before_ms);
	(void)sqlite3_bind_int(st, 2, max);
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0 || fn(text(st, 0), arg) == 0)
			continue;
		sqlite_finish(st);
		rc = -1;
	}
	return rc;
}

/* Statements with an id and a time: how many rows they changed, or -1. */
static int change(struct store *store, enum sqlite_query q, const char *id,
		  int64_t now_ms, const char *step, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, q, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, id);
	(void)sqlite3_bind_int64(st, 2, now_ms);
	if (step)
		sqlite_bind(st, 3, step);
	return sqlite_run(s, st, e) < 0 ? -1 : sqlite3_changes(s->db);
}

static int blame(struct store *s, const char *id, const char *step,
		 int64_t now_ms, struct err *e)
{
	return change(s, Q_RECORD_BLAME, id, now_ms, step, e) < 0 ? -1 : 0;
}

static int each_of(struct store *store, enum sqlite_query q, const char *id,
		   struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, q, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, id);
	return sqlite_run(s, st, e);
}

/* As one letter, of however many messages. */
static int as_one(int changed)
{
	return changed > 1 ? 1 : changed;
}

/* The answer first: the verdict tells whether it is one. */
static int replay(struct store *s, const char *id, int64_t now_ms,
		  struct err *e)
{
	if (each_of(s, Q_RECORD_REPLAY_ANSWER, id, e) < 0)
		return -1;
	return as_one(change(s, Q_RECORD_REPLAY, id, now_ms, NULL, e));
}

static int drop(struct store *s, const char *id, int64_t now_ms, struct err *e)
{
	if (each_of(s, Q_RECORD_DROP_PENDING, id, e) < 0)
		return -1;
	return as_one(change(s, Q_RECORD_DROP, id, now_ms, NULL, e));
}

const struct record_ops record_sqlite = {
	.find = find,
	.dead = dead,
	.stale = stale,
	.blame = blame,
	.replay = replay,
	.drop = drop,
};
