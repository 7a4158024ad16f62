/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "store/postgres.h"
#include "store/record.h"

static int each(PGresult *r, record_fn *fn, void *arg)
{
	struct record out;
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		out = (struct record){
			.id = postgres_text(r, i, 0),
			.app_id = postgres_text(r, i, 1),
			.event_id = postgres_text(r, i, 2),
			.state = postgres_text(r, i, 3),
			.received_ms = postgres_int(r, i, 4),
			.done_ms = postgres_int(r, i, 5),
			.replayed_ms = postgres_int(r, i, 6),
			.tenant = postgres_text(r, i, 7),
			.verdict = postgres_text(r, i, 8),
			.attempts = (int)postgres_int(r, i, 9),
			.post = postgres_text(r, i, 10),
			.steps = postgres_text(r, i, 11),
			.parts = postgres_text(r, i, 12),
			.kept = postgres_bool(r, i, 13),
			.leader = postgres_text(r, i, 14),
			.covers = postgres_text(r, i, 15),
		};
		rc = fn(&out, arg);
	}
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

static int find(struct store *s, const char *what, record_fn *fn, void *arg,
		struct err *e)
{
	return each(postgres_run((struct postgres *)s, PQ_RECORD_FIND, NULL,
				 &what, e),
		    fn, arg);
}

static int dead(struct store *s, record_fn *fn, void *arg, struct err *e)
{
	char most[POSTGRES_NUMBER];
	const char *const param = postgres_number(most, RECORDS_MAX);

	return each(postgres_run((struct postgres *)s, PQ_RECORD_DEAD, NULL,
				 &param, e),
		    fn, arg);
}

static int stale(struct store *s, int64_t before_ms, int max,
		 int (*fn)(const char *id, void *arg), void *arg, struct err *e)
{
	char before[POSTGRES_NUMBER], most[POSTGRES_NUMBER];
	const char *const params[] = { postgres_number(before, before_ms),
				       postgres_number(most, max) };
	PGresult *r = postgres_run((struct postgres *)s, PQ_RECORD_STALE, NULL,
				   params, e);
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = fn(postgres_text(r, i, 0), arg);
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

static int blame(struct store *s, const char *id, const char *step,
		 int64_t now_ms, struct err *e)
{
	char now[POSTGRES_NUMBER];
	const char *const params[] = { id, postgres_number(now, now_ms), step };

	return postgres_do((struct postgres *)s, PQ_RECORD_BLAME, NULL, params,
			   e);
}

static int change(struct store *s, enum postgres_query q, const char *id,
		  int64_t now_ms, struct err *e)
{
	char now[POSTGRES_NUMBER];
	const char *const params[] = { id, postgres_number(now, now_ms) };
	PGresult *r = postgres_run((struct postgres *)s, q, NULL, params, e);
	int rc = r ? postgres_bool(r, 0, 0) : -1;

	PQclear(r);
	return rc;
}

static int replay(struct store *s, const char *id, int64_t now_ms,
		  struct err *e)
{
	return change(s, PQ_RECORD_REPLAY, id, now_ms, e);
}

static int drop(struct store *s, const char *id, int64_t now_ms, struct err *e)
{
	return change(s, PQ_RECORD_DROP, id, now_ms, e);
}

const struct record_ops record_postgres = {
	.find = find,
	.dead = dead,
	.stale = stale,
	.blame = blame,
	.replay = replay,
	.drop = drop,
};
