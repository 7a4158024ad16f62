/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "store/backend.h"
#include "store/sqlite_journal.h"

/*
 * Pages in the WAL when it is worth copying them into the database file: the
 * first when nobody waits, the second though somebody does. A page that is
 * written many times is copied once, so late is cheap, and long for whoever
 * waits then.
 */
#define CHECKPOINT_IDLE 1000
#define CHECKPOINT_NOW  16000

static struct sqlite *of(struct journal_db *db)
{
	return ((struct sqlite_journal *)db)->s;
}

static int note_pages(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct sqlite *s = arg;

	(void)db;
	(void)name;
	s->wal_pages = pages;
	return SQLITE_OK;
}

static void sqlite_journal_close(struct journal_db *db)
{
	if (!db)
		return;
	store_sqlite.close(&of(db)->base);
	free(db);
}

static struct journal_db *sqlite_journal_open(const char *url,
					      const struct keyring *k,
					      const struct journal_node *node,
					      struct err *e)
{
	struct sqlite_journal *j;

	if (node) {
		err_set(e, ERR_INPUT, "SQLite is for one node");
		return NULL;
	}
	j = calloc(1, sizeof(*j));
	if (!j) {
		err_set(e, ERR_RETRY, "cannot open journal: no memory");
		return NULL;
	}
	j->base.ops = &journal_sqlite;
	j->s = (struct sqlite *)store_sqlite.open(url, k, true, e);
	if (!j->s) {
		free(j);
		return NULL;
	}
	/* In place of SQLite's own checkpoints, inside a commit. */
	(void)sqlite3_wal_hook(j->s->db, note_pages, j->s);
	return &j->base;
}

static int sqlite_journal_begin(struct journal_db *db, struct err *e)
{
	((struct sqlite_journal *)db)->audited = false;
	return sqlite_do(of(db), Q_BEGIN, e);
}

static int sqlite_journal_commit(struct journal_db *db, size_t *bad,
				 struct err *e)
{
	(void)bad;
	if (sqlite_journal_audit_end((struct sqlite_journal *)db, e) < 0)
		return -1;
	return sqlite_do(of(db), Q_COMMIT, e);
}

/* A full disk and the like have rolled back already. */
static void sqlite_journal_rollback(struct journal_db *db)
{
	struct sqlite *s = of(db);
	struct err e = { 0 };

	if (!sqlite3_get_autocommit(s->db) && sqlite_do(s, Q_ROLLBACK, &e) < 0)
		log_error(NULL, "journal: %s", e.msg);
}

static int append_frame(struct sqlite *s, const struct entry *en, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_APPEND_FRAME, e);

	if (!st)
		return -1;
	/* A NULL pointer would be SQL's NULL. */
	(void)sqlite3_bind_blob64(st, 1, en->frame ? en->frame : "",
				  en->frame_len, SQLITE_STATIC);
	return sqlite_run(s, st, e);
}

static int sqlite_journal_append(struct journal_db *db, struct journal_req *r,
				 struct err *e)
{
	const struct entry *en = r->entry;
	struct sqlite *s = of(db);
	sqlite3_stmt *st = sqlite_query(s, Q_APPEND, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, en->id);
	sqlite_bind(st, 2, en->app_id);
	sqlite_bind(st, 3, en->event_id);
	(void)sqlite3_bind_int64(st, 4, en->received_ms);
	if (sqlite_run(s, st, e) < 0)
		return -1;
	r->duplicate = sqlite3_changes(s->db) == 0;
	return r->duplicate ? 0 : append_frame(s, en, e);
}

int sqlite_find_entry(struct sqlite *s, const char *id, int64_t *seq,
		      bool *done, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_SEQ, e);
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, id);
	rc = sqlite_row(s, st, e);
	if (rc <= 0)
		return rc;
	*seq = sqlite3_column_int64(st, 0);
	*done = sqlite3_column_int(st, 1) != 0;
	sqlite_finish(st);
	return 1;
}

static int note_row(struct sqlite *s, int64_t seq, const struct note *n,
		    int64_t done_ms, struct err *e)
{
	sqlite3_stmt *st;

	if (n->state == ENTRY_NEW && !n->verdict && !n->claim &&
	    !n->tenant_id && !n->steps && !n->post)
		return 0;
	st = sqlite_query(s, done_ms > 0 ? Q_DONE : Q_NOTE, e);
	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 1, seq);
	sqlite_bind(st, 2,
		    n->state == ENTRY_NEW ? NULL : entry_state_name(n->state));
	sqlite_bind(st, 3, n->verdict);
	sqlite_bind(st, 4, n->claim);
	sqlite_bind(st, 5, n->tenant_id);
	sqlite_bind(st, 6, n->steps);
	sqlite_bind(st, 7, n->post);
	if (done_ms > 0)
		(void)sqlite3_bind_int64(st, 8, done_ms);
	return sqlite_run(s, st, e);
}

static int note_part(struct sqlite *s, int64_t seq, const struct note *n,
		     struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_NOTE_PART, e);

	assert(n->part >= 0 && n->part < PARTS_MAX);
	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 1, seq);
	(void)sqlite3_bind_int(st, 2, n->part);
	sqlite_bind(st, 3, n->part_ts);
	return sqlite_run(s, st, e);
}

static int note_answer(struct sqlite *s, int64_t seq, const struct note *n,
		       struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_NOTE_ANSWER, e);

	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 1, seq);
	sqlite_bind(st, 2, n->answer);
	return sqlite_run(s, st, e);
}

static int note_engaged(struct sqlite *s, const struct note *n, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_NOTE_ENGAGED, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, n->engaged);
	(void)sqlite3_bind_int64(st, 2, n->engaged_ms);
	return sqlite_run(s, st, e);
}

static int cover(struct sqlite *s, const char *id, const char *leader,
		 int64_t now_ms, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_NOTE_COVER, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, id);
	(void)sqlite3_bind_int64(st, 2, now_ms);
	sqlite_bind(st, 3, leader);
	return sqlite_run(s, st, e);
}

static int note_covers(struct sqlite *s, const struct journal_req *r,
		       struct err *e)
{
	const char *p = r->note.covers ? r->note.covers : "";
	char id[ID_SIZE];
	size_t n;

	for (; *p != '\0'; p += n + (p[n] == ' ')) {
		n = strcspn(p, " ");
		(void)snprintf(id, sizeof(id), "%.*s", (int)n, p);
		if (cover(s, id, r->entry_id, r->note.covers_ms, e) < 0)
			return -1;
	}
	return 0;
}

int sqlite_write_note(struct sqlite *s, int64_t seq, const struct note *n,
		      int64_t done_ms, struct err *e)
{
	if (note_row(s, seq, n, done_ms, e) < 0)
		return -1;
	if (n->part_ts && note_part(s, seq, n, e) < 0)
		return -1;
	if (n->answer && note_answer(s, seq, n, e) < 0)
		return -1;
	return n->engaged ? note_engaged(s, n, e) : 0;
}

static int sqlite_journal_note(struct journal_db *db, struct journal_req *r,
			       struct err *e)
{
	int64_t seq;
	bool done;
	int rc;

	rc = sqlite_find_entry(of(db), r->entry_id, &seq, &done, e);
	if (rc <= 0)
		return rc;
	if (sqlite_write_note(of(db), seq, &r->note, 0, e) < 0)
		return -1;
	return note_covers(of(db), r, e);
}

static int sqlite_journal_write(struct journal_db *db,
				const struct journal_req *r, struct err *e)
{
	struct sqlite *s = of(db);
	struct err second = { 0 };
	int rc;

	if (sqlite_do(s, Q_SAVEPOINT, e) < 0)
		return -1;
	rc = r->write(&s->base, r->arg, e);
	/* Some failures take the transaction with them. */
	if (sqlite3_get_autocommit(s->db))
		return rc < 0 ? -1 : err_set(e, ERR_RETRY, "transaction lost");
	if (rc < 0 && sqlite_do(s, Q_ROLLBACK_TO, &second) < 0)
		return -1;
	if (sqlite_do(s, Q_RELEASE, rc < 0 ? &second : e) < 0)
		return -1;
	return rc < 0 ? 0 : 1;
}

static int expire_before(struct sqlite *s, enum sqlite_query q, int64_t before,
			 int max, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, q, e);

	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 1, before);
	(void)sqlite3_bind_int(st, 2, max);
	return sqlite_run(s, st, e) < 0 ? -1 : sqlite3_changes(s->db);
}

static int expire(struct sqlite *s, int64_t now_ms, int64_t kept_ms, int max,
		  struct err *e)
{
	const struct {
		enum sqlite_query q;
		int64_t kept_ms;
	} rows[] = {
		{ Q_EXPIRE_JOURNAL, kept_ms },
		{ Q_EXPIRE_ENGAGED, ENGAGED_KEPT_MS },
		{ Q_EXPIRE_LEAVING, LEAVING_KEPT_MS },
	};
	int sum = 0;
	size_t i;
	int n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]) && sum < max; i++) {
		n = expire_before(s, rows[i].q, now_ms - rows[i].kept_ms,
				  max - sum, e);
		if (n < 0)
			return -1;
		sum += n;
	}
	return sum;
}

/* In one transaction, so that the disk is waited for once. */
static int sqlite_journal_expire(struct journal_db *db, int64_t now_ms,
				 int64_t kept_ms, int max, struct err *e)
{
	int n;

	if (sqlite_do(of(db), Q_BEGIN, e) < 0)
		return -1;
	n = expire(of(db), now_ms, kept_ms, max, e);
	if (n >= 0 && sqlite_do(of(db), Q_COMMIT, e) == 0)
		return n;
	sqlite_journal_rollback(db);
	return -1;
}

static void sqlite_journal_rest(struct journal_db *db, bool idle)
{
	struct sqlite *s = of(db);
	int copied = 0;

	if (s->wal_pages < (idle ? CHECKPOINT_IDLE : CHECKPOINT_NOW))
		return;
	/* PASSIVE waits for nobody. What a reader holds back is copied the
	 * next time; the hook tells the number anew with the next commit. */
	(void)sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE,
					NULL, &copied);
	s->wal_pages = 0;
}

static struct store *sqlite_journal_store(struct journal_db *db)
{
	return &of(db)->base;
}

const struct journal_ops journal_sqlite = {
	.name = "sqlite",
	.open = sqlite_journal_open,
	.close = sqlite_journal_close,
	.begin = sqlite_journal_begin,
	.commit = sqlite_journal_commit,
	.rollback = sqlite_journal_rollback,
	.append = sqlite_journal_append,
	.note = sqlite_journal_note,
	.done = sqlite_journal_done,
	.audit = sqlite_journal_audit,
	.write = sqlite_journal_write,
	.count = sqlite_journal_count,
	.unfinished = sqlite_journal_unfinished,
	.entry = sqlite_journal_entry,
	.expire = sqlite_journal_expire,
	.erase = sqlite_journal_erase,
	.store = sqlite_journal_store,
	.rest = sqlite_journal_rest,
};
