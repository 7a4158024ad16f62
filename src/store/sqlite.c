/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"
#include "store/audit.h"
#include "store/canary.h"
#include "store/grants.h"
#include "store/keep.h"
#include "store/keys.h"
#include "store/record.h"
#include "store/uninstall.h"
#include "store/usage.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

#define SCHEME  "sqlite:"
#define BUSY_MS 2000

static enum err_kind kind_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
		return ERR_INPUT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
	case SQLITE_FULL:
	case SQLITE_IOERR:
		return ERR_RETRY;
	default:
		return ERR_FATAL;
	}
}

int sqlite_damaged(const char *path, const char *how, struct err *e)
{
	return err_set(e, ERR_FATAL,
		       "store '%s' is damaged or no database (%.60s);"
		       " restore it, or move it away to begin anew",
		       path, how);
}

int sqlite_fail(struct sqlite *s, struct err *e, const char *what)
{
	int code = sqlite3_extended_errcode(s->db);
	const char *path = sqlite3_db_filename(s->db, "main");

	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return sqlite_damaged(path, sqlite3_errmsg(s->db), e);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		return err_set(e, ERR_FATAL,
			       "cannot write '%s' or what stands beside it"
			       " (-wal, -shm): look at owner and modes, of the"
			       " directory too",
			       path);
	case SQLITE_FULL:
		return err_set(e, kind_of(code),
			       "cannot write '%s': the disk is full: make room",
			       path);
	default:
		return err_set(e, kind_of(code), "cannot %s: %s (%d)", what,
			       sqlite3_errmsg(s->db), code);
	}
}

sqlite3_stmt *sqlite_query(struct sqlite *s, enum sqlite_query q, struct err *e)
{
	assert(!s->st[q] || !sqlite3_stmt_busy(s->st[q]));
	if (s->st[q])
		return s->st[q];
	if (sqlite3_prepare_v3(s->db, sqlite_sql[q], -1,
			       SQLITE_PREPARE_PERSISTENT, &s->st[q],
			       NULL) != SQLITE_OK)
		sqlite_fail(s, e, "prepare");
	return s->st[q];
}

void sqlite_bind(sqlite3_stmt *st, int i, const char *text)
{
	(void)sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

void sqlite_finish(sqlite3_stmt *st)
{
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
}

int sqlite_row(struct sqlite *s, sqlite3_stmt *st, struct err *e)
{
	int code = sqlite3_step(st);

	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		sqlite_fail(s, e, "use the store");
	sqlite_finish(st);
	return code == SQLITE_DONE ? 0 : -1;
}

int sqlite_run(struct sqlite *s, sqlite3_stmt *st, struct err *e)
{
	int rc;

	do {
		rc = sqlite_row(s, st, e);
	} while (rc > 0);
	return rc;
}

int sqlite_do(struct sqlite *s, enum sqlite_query q, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, q, e);

	return st ? sqlite_run(s, st, e) : -1;
}

const char *sqlite_text(sqlite3_stmt *st, int col)
{
	return (const char *)sqlite3_column_text(st, col);
}

int sqlite_go_on(sqlite3_stmt *st, int answer)
{
	if (answer == 0)
		return 1;
	sqlite_finish(st);
	return answer < 0 ? -1 : 0;
}

char *sqlite_copy(sqlite3_stmt *st, int col)
{
	const char *text = (const char *)sqlite3_column_text(st, col);

	return text ? strdup(text) : NULL;
}

static void sqlite_close(struct store *store)
{
	struct sqlite *s = (struct sqlite *)store;
	int i;

	if (!s)
		return;
	for (i = 0; i < Q_COUNT; i++)
		(void)sqlite3_finalize(s->st[i]);
	/* Whoever moves or copies a store that is at rest looks at one file.
	 * SQLite does so only if no reader is closed later. */
	if (s->ours)
		(void)sqlite3_wal_checkpoint_v2(
			s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	(void)sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		(void)close(s->lock_fd);
	free(s);
}

/*
 * FULL: WAL would otherwise be synced at checkpoints only, and what was acked
 * after the last one could be lost with the power (sqlite.org/wal.html).
 */
static int configure(struct sqlite *s, bool write, struct err *e)
{
	const char *sql = write ? "PRAGMA synchronous = FULL;"
				  "PRAGMA foreign_keys = ON;"
				  /* What is erased isn't left in the file. */
				  "PRAGMA secure_delete = ON;"
				  "PRAGMA cache_size = -16384;"
				  "PRAGMA journal_size_limit = 67108864;"
				: "PRAGMA query_only = ON;";

	(void)sqlite3_busy_timeout(s->db, BUSY_MS);
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_fail(s, e, "open");
	return sqlite_migrate(s, write, e);
}

/*
 * What is refused stays as it is: to close it would copy what stands in the
 * -wal file into it.
 */
static int take_over(struct sqlite *s, const char *path, struct err *e)
{
	if (sqlite3_db_readonly(s->db, "main") != 0)
		return err_set(e, ERR_FATAL,
			       "cannot write '%s': it isn't this user's to"
			       " write",
			       path);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				NULL);
	if (sqlite_inspect(s, path, e) < 0 || configure(s, true, e) < 0)
		return -1;
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0,
				NULL);
	s->ours = true;
	return 0;
}

static int connect_file(struct sqlite *s, const char *path, bool write,
			struct err *e)
{
	int flags = SQLITE_OPEN_NOMUTEX;

	flags |= write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	if (write) {
		s->lock_fd = sqlite_claim(path, e);
		if (s->lock_fd < 0)
			return -1;
	}
	if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK)
		return err_set(e, ERR_FATAL, "cannot open '%s': %s", path,
			       s->db ? sqlite3_errmsg(s->db) : "no memory");
	return write ? take_over(s, path, e) : configure(s, false, e);
}

/* Nobody asks how much memory is in use, and to count it takes a lock for each
 * allocation. */
static void set_up(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static struct store *sqlite_open(const char *url, const struct keyring *k,
				 bool write, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *path = url + sizeof(SCHEME) - 1;
	struct sqlite *s;

	(void)pthread_once(&once, set_up);
	assert(strncmp(url, SCHEME, sizeof(SCHEME) - 1) == 0);
	if (!*path || *path == ':') {
		err_set(e, ERR_INPUT, "no path in store url '%.80s'", url);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		err_set(e, ERR_RETRY, "cannot open store: no memory");
		return NULL;
	}
	s->base.ops = &store_sqlite;
	s->keyring = k;
	s->lock_fd = -1;
	if (connect_file(s, path, write, e) < 0) {
		sqlite_close(&s->base);
		return NULL;
	}
	return &s->base;
}

const struct store_ops store_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.resolve = sqlite_resolve,
	.resolve_for = sqlite_resolve_for,
	.leaving = sqlite_leaving,
	.agent = sqlite_agent,
	.agents = sqlite_agents,
	.access = sqlite_access,
	.history = sqlite_history,
	.line = sqlite_line,
	.thread_of = sqlite_thread_of,
	.apps = sqlite_apps,
	.connections = sqlite_connections,
	.tenants = sqlite_tenants,
	.silent = sqlite_silent,
	.tenant_by_name = sqlite_tenant_by_name,
	.engaged = sqlite_engaged,
	.claims = sqlite_claims,
	.connections_of_app = sqlite_connections_of_app,
	.threads = sqlite_threads,
	.seen = sqlite_seen,
	.tenant_put = sqlite_tenant_put,
	.tenant_remove = sqlite_tenant_remove,
	.app_put = sqlite_app_put,
	.app_call = sqlite_app_call,
	.connection_put = sqlite_connection_put,
	.agent_put = sqlite_agent_put,
	.agent_remove = sqlite_agent_remove,
	.access_put = sqlite_access_put,
	.line_put = sqlite_line_put,
	.engaged_end = sqlite_engaged_end,
	.feedback_put = sqlite_feedback_put,
	.greet = sqlite_greet,
	.records = &record_sqlite,
	.usage = &usage_sqlite,
	.audit = &audit_sqlite,
	.keep = &keep_sqlite,
	.keys = &keys_sqlite,
	.canaries = &canaries_sqlite,
	.grants = &grants_sqlite,
	.uninstalls = &uninstall_sqlite,
	.seen_put = sqlite_seen_put,
	.channel_moved = sqlite_channel_moved,
};
