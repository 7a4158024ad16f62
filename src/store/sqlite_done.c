/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "store/sqlite_journal.h"
#include "store/uninstall.h"

/*
 * An entry ends, with what its turn has brought. Rows are inserted by their
 * values, not by a SELECT: of that SQLite expects several, and first copies
 * each page that it changes.
 */

#define DAY_SIZE 16

static int delete_pending(struct sqlite *s, int64_t seq, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_DONE_PENDING, e);

	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 1, seq);
	return sqlite_run(s, st, e);
}

static int delete_covered(struct sqlite *s, const char *leader, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_DONE_COVERED_PENDING, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, leader);
	return sqlite_run(s, st, e);
}

/* As their leader has ended just now. */
static int close_covered(struct sqlite *s, const char *leader, bool dead,
			 int64_t now_ms, size_t *finished, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_DONE_COVERED, e);
	int n;

	if (!st)
		return -1;
	sqlite_bind(st, 1, leader);
	(void)sqlite3_bind_int64(st, 2, now_ms);
	if (sqlite_run(s, st, e) < 0)
		return -1;
	n = sqlite3_changes(s->db);
	*finished += (size_t)n;
	return n == 0 || dead ? 0 : delete_covered(s, leader, e);
}

static int add_line(struct sqlite *s, const struct line_new *l, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_DONE_LINE, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, l->tenant_id);
	sqlite_bind(st, 2, l->channel);
	sqlite_bind(st, 3, l->thread);
	sqlite_bind(st, 4, l->line.ts);
	(void)sqlite3_bind_int(st, 5, l->line.ours);
	sqlite_bind(st, 6, l->line.user_id);
	sqlite_bind(st, 7, l->line.name);
	sqlite_bind(st, 8, l->line.text ? l->line.text : "");
	sqlite_bind(st, 9, l->agent_id);
	(void)sqlite3_bind_int64(st, 10, l->line.edited_ms);
	return sqlite_run(s, st, e);
}

static void print_day(char out[DAY_SIZE], int64_t now_ms)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	(void)strftime(out, DAY_SIZE, "%Y-%m-%d", &tm);
}

/* kind NULL: the tenant's own; else of that channel or person. */
static int add_usage_of(struct sqlite *s, const struct usage_new *u,
			const char *day, const char *kind, const char *who,
			struct err *e)
{
	sqlite3_stmt *st =
		sqlite_query(s, kind ? Q_DONE_USAGE_BY : Q_DONE_USAGE, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, u->tenant_id);
	sqlite_bind(st, 2, day);
	sqlite_bind(st, 3, u->model ? u->model : "");
	(void)sqlite3_bind_int64(st, 4, u->prompt_tokens);
	(void)sqlite3_bind_int64(st, 5, u->completion_tokens);
	if (kind) {
		sqlite_bind(st, 6, kind);
		sqlite_bind(st, 7, who);
	}
	return sqlite_run(s, st, e);
}

static int add_usage(struct sqlite *s, const struct usage_new *u,
		     int64_t now_ms, struct err *e)
{
	char day[DAY_SIZE];

	print_day(day, now_ms);
	if (add_usage_of(s, u, day, NULL, NULL, e) < 0)
		return -1;
	if (u->channel && u->channel[0] != '\0' &&
	    add_usage_of(s, u, day, "channel", u->channel, e) < 0)
		return -1;
	if (u->user && u->user[0] != '\0')
		return add_usage_of(s, u, day, "person", u->user, e);
	return 0;
}

/* 1: the tenant is there; 0: it was removed while its answer was written. */
static int has_tenant(struct sqlite *s, const char *id, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_HAS_TENANT, e);
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, id);
	rc = sqlite_row(s, st, e);
	if (rc > 0)
		sqlite_finish(st);
	return rc;
}

/* What a turn adds, which is of one tenant. */
static int add_record(struct sqlite *s, const struct journal_req *r,
		      int64_t now_ms, struct err *e)
{
	const char *tenant = r->usage        ? r->usage->tenant_id
			     : r->home       ? r->home->tenant_id
			     : r->nlines > 0 ? r->lines[0].tenant_id
					     : NULL;
	int rc = tenant ? has_tenant(s, tenant, e) : 0;
	size_t i;

	if (rc <= 0)
		return rc;
	for (i = 0; i < r->nlines; i++) {
		if (add_line(s, &r->lines[i], e) < 0)
			return -1;
	}
	if (r->home && sqlite_home(s, r->home, now_ms, e) < 0)
		return -1;
	return r->usage ? add_usage(s, r->usage, now_ms, e) : 0;
}

/* A dead one keeps its frame, to be tried again. */
static int end(struct sqlite *s, struct journal_req *r, int64_t seq,
	       const struct note *n, int64_t now_ms, struct err *e)
{
	if (sqlite_write_note(s, seq, n, now_ms, e) < 0 ||
	    add_record(s, r, now_ms, e) < 0)
		return -1;
	r->ended = true;
	return n->state == ENTRY_DEAD ? 0 : delete_pending(s, seq, e);
}

int sqlite_journal_done(struct journal_db *db, struct journal_req *r,
			int64_t now_ms, size_t *finished, struct err *e)
{
	struct sqlite *s = ((struct sqlite_journal *)db)->s;
	struct note n = r->note;
	int64_t seq;
	bool done;
	int rc;

	if (n.state == ENTRY_NEW)
		n.state = ENTRY_DONE;
	rc = sqlite_find_entry(s, r->entry_id, &seq, &done, e);
	if (rc <= 0)
		return rc;
	rc = done ? sqlite_write_note(s, seq, &n, 0, e)
		  : end(s, r, seq, &n, now_ms, e);
	if (rc < 0)
		return -1;
	*finished += !done;
	return close_covered(s, r->entry_id, n.state == ENTRY_DEAD, now_ms,
			     finished, e);
}
