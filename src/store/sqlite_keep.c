/* SPDX-License-Identifier: ISC */
#include "store/keep.h"

#include <stdio.h>

#include "base/err.h"
#include "store/audit.h"
#include "store/sqlite_journal.h"

#define TENANTS 4 /* looked at one time; acks wait behind it */

static void take_keep(sqlite3_stmt *st, struct keep *out)
{
	int i;

	for (i = 0; i < KEEP_KINDS; i++)
		out->days[i] = sqlite3_column_int(st, i);
}

static int get(struct store *store, const char *tenant_id, struct keep *out,
	       struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_KEEP, e);
	int i, rc;

	for (i = 0; i < KEEP_KINDS; i++)
		out->days[i] = KEEP_DEFAULT;
	if (!st)
		return -1;
	sqlite_bind(st, 1, tenant_id);
	rc = sqlite_row(s, st, e);
	if (rc <= 0)
		return rc;
	take_keep(st, out);
	sqlite_finish(st);
	return 0;
}

static int put(struct store *store, const char *tenant_id, const struct keep *k,
	       struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_KEEP_PUT, e);
	int i;

	if (!st)
		return -1;
	sqlite_bind(st, 1, tenant_id);
	for (i = 0; i < KEEP_KINDS; i++)
		(void)sqlite3_bind_int(st, 2 + i, k->days[i]);
	return sqlite_run(s, st, e);
}

/* How many, added to *n. text, or if that is NULL at_ms: from before. */
static int run(struct sqlite *s, enum sqlite_query q, const char *tenant_id,
	       const char *text, int64_t at_ms, int most, int *n, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, q, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, tenant_id);
	if (text)
		sqlite_bind(st, 2, text);
	else
		(void)sqlite3_bind_int64(st, 2, at_ms);
	(void)sqlite3_bind_int(st, 3, most);
	if (sqlite_run(s, st, e) < 0)
		return -1;
	*n += sqlite3_changes(s->db);
	return 0;
}

static int erase_of(struct sqlite *s, const char *id, const struct keep_cuts *c,
		    int most, struct err *e)
{
	const struct {
		enum sqlite_query q;
		const char *text;
		int64_t at_ms;
	} all[] = {
		{ Q_ERASE_TRANSCRIPT, c->ts, 0 },
		{ Q_ERASE_USAGE, c->day, 0 },
		{ Q_ERASE_USAGE_BY, c->day, 0 },
		{ Q_ERASE_MARKS, c->day, 0 },
		{ Q_ERASE_HOMES, c->home, 0 },
		{ Q_ERASE_FEEDBACK, NULL, c->feedback_ms },
		{ Q_ERASE_JOURNAL, NULL, c->history_ms },
		{ Q_ERASE_AUDIT, NULL, c->audit_ms },
	};
	size_t i;
	int n = 0;

	for (i = 0; i < sizeof(all) / sizeof(all[0]) && n < most; i++) {
		if (all[i].text ? all[i].text[0] == '\0' : all[i].at_ms < 0)
			continue; /* kept for ever */
		if (run(s, all[i].q, id, all[i].text, all[i].at_ms, most - n,
			&n, e) < 0)
			return -1;
	}
	return n;
}

static int two(struct sqlite *s, enum sqlite_query q, int64_t at_ms, int most,
	       struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, q, e);

	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 1, at_ms);
	(void)sqlite3_bind_int(st, 2, most);
	return sqlite_run(s, st, e) < 0 ? -1 : sqlite3_changes(s->db);
}

/* The last of the erased rows that the chain begins with; 0: none. */
static int find_trim(struct sqlite *s, int most, int64_t *seq,
		     char hash[DIGEST_HEX], struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_AUDIT_OLDEST, e);
	int rc = st ? 1 : -1;

	*seq = 0;
	if (st)
		(void)sqlite3_bind_int(st, 1, most);
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		if (sqlite3_column_int(st, 1) == 0) {
			rc = sqlite_go_on(st, 1);
			break;
		}
		*seq = sqlite3_column_int64(st, 0);
		(void)snprintf(hash, DIGEST_HEX, "%s", sqlite_text(st, 2));
	}
	return rc;
}

static int begin_behind(struct sqlite *s, int64_t seq, const char *hash,
			struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_AUDIT_BEGIN, e);

	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 1, seq);
	sqlite_bind(st, 2, hash);
	if (sqlite_run(s, st, e) < 0)
		return -1;
	st = sqlite_query(s, Q_AUDIT_DROP, e);
	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 1, seq);
	return sqlite_run(s, st, e);
}

static int trim(struct sqlite *s, int most, struct err *e)
{
	char hash[DIGEST_HEX];
	int64_t seq;

	if (find_trim(s, most, &seq, hash, e) < 0)
		return -1;
	return seq == 0 ? 0 : begin_behind(s, seq, hash, e);
}

/* 1, 0: there is no further tenant, -1. */
static int next(struct sqlite_journal *j, struct keep *own, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(j->s, Q_KEEP_NEXT, e);
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, j->erased);
	rc = sqlite_row(j->s, st, e);
	if (rc <= 0)
		return rc;
	take_keep(st, own);
	(void)snprintf(j->erased, sizeof(j->erased), "%s",
		       sqlite_text(st, KEEP_KINDS));
	sqlite_finish(st);
	return 1;
}

/* When all tenants were looked at: what belongs to none of them. */
static int erase_rest(struct sqlite_journal *j, const struct keep *all,
		      int64_t now_ms, int most, struct err *e)
{
	struct keep_cuts c;
	int n;

	j->erased[0] = '\0';
	keep_cuts(all, now_ms, &c);
	n = two(j->s, Q_ERASE_AUDIT_REST, c.audit_ms, most, e);
	return n < 0 || trim(j->s, most, e) < 0 ? -1 : n;
}

static int erase(struct sqlite_journal *j, const struct keep *all,
		 int64_t now_ms, int max, struct err *e)
{
	struct keep own, kept;
	struct keep_cuts c;
	int i, n, rc, sum = 0;

	for (i = 0; i < TENANTS && sum < max; i++) {
		rc = next(j, &own, e);
		if (rc < 0)
			return -1;
		if (rc == 0) {
			n = erase_rest(j, all, now_ms, max, e);
			return n < 0 ? -1 : sum + n;
		}
		keep_resolve(&own, all, &kept);
		keep_cuts(&kept, now_ms, &c);
		n = keep_cuts_any(&c)
			    ? erase_of(j->s, j->erased, &c, max - sum, e)
			    : 0;
		if (n < 0)
			return -1;
		sum += n;
	}
	return sum;
}

/* In one transaction, so that the disk is waited for once. */
int sqlite_journal_erase(struct journal_db *db, const struct keep *all,
			 int64_t now_ms, int max, struct err *e)
{
	struct sqlite_journal *j = (struct sqlite_journal *)db;
	int n;

	if (sqlite_do(j->s, Q_BEGIN, e) < 0)
		return -1;
	n = erase(j, all, now_ms, max, e);
	if (n >= 0 && sqlite_do(j->s, Q_COMMIT, e) == 0)
		return n;
	db->ops->rollback(db);
	return -1;
}

static int erase_by(struct sqlite *s, enum sqlite_query q, const char *id,
		    int most, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, q, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, id);
	(void)sqlite3_bind_int(st, 2, most);
	return sqlite_run(s, st, e) < 0 ? -1 : sqlite3_changes(s->db);
}

static int purge(struct store *store, const char *tenant_id, int64_t now_ms,
		 int most, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	static const enum sqlite_query rest[] = { Q_ERASE_PENDING,
						  Q_ERASE_GREETED };
	struct keep_cuts c;
	size_t i;
	int n, more;

	keep_cuts_all(now_ms, &c);
	n = erase_of(s, tenant_id, &c, most, e);
	for (i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		if (n < 0 || n >= most)
			return n;
		more = erase_by(s, rest[i], tenant_id, most - n, e);
		n = more < 0 ? -1 : n + more;
	}
	return n;
}

const struct keep_ops keep_sqlite = {
	.get = get,
	.put = put,
	.purge = purge,
};
