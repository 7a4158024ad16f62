/* SPDX-License-Identifier: ISC */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/keyring.h"
#include "base/secret.h"
#include "store/store.h"

struct err;
struct keyring;

/*
 * What the files of the SQLite backend share. One connection, used by one
 * thread at a time; its statements are prepared when first asked for and kept.
 */

/* In the order in which sqlite_sql.c has them. */
enum sqlite_query {
	Q_RESOLVE,
	Q_LEAVING,
	Q_AGENT,
	Q_AGENTS,
	Q_ACCESS,
	Q_HISTORY,
	Q_HISTORY_FIRST,
	Q_LINE,
	Q_THREAD_OF,
	Q_APPS,
	Q_CONNECTIONS,
	Q_CONNECTIONS_OF,
	Q_TENANTS,
	Q_TENANT_BY_NAME,
	Q_ENGAGED,
	Q_CLAIMS,
	Q_CONNECTIONS_OF_APP,
	Q_THREADS,
	Q_SEEN,
	Q_SEEN_PUT,

	Q_MOVE_ENGAGED,
	Q_MOVE_FRAMES,
	Q_MOVE_CLAIMS,
	Q_MOVE_POSTS,
	Q_MOVE_TRANSCRIPT,
	Q_MOVE_USAGE,
	Q_MOVE_HOMES,
	Q_MOVE_AGENTS,
	Q_MOVE_ACCESS,
	Q_MOVE_CANARY,

	Q_TENANT_PUT,
	Q_TENANT_DROP,
	Q_TENANT_ENGAGED_DROP,
	Q_TENANT_CONNECTIONS_DROP,
	Q_APP_DROP_UNUSED,
	Q_APP_PUT,
	Q_CONNECTION_OWNER,
	Q_APP_CALL,
	Q_CONNECTION_PUT,
	Q_AGENT_ID,
	Q_AGENT_DEFAULT,
	Q_AGENT_PUT,
	Q_AGENT_DROP,
	Q_ACCESS_PUT,
	Q_ACCESS_DROP,
	Q_LINE_PUT,
	Q_LINE_FORGET,
	Q_ENGAGED_END,
	Q_FEEDBACK_PUT,
	Q_GREET,

	Q_SEALING,
	Q_SEALING_PUT,
	Q_SEALED_COUNT,
	Q_SEALED_OTHER,
	Q_RESEAL_APP,
	Q_RESEAL_CONNECTION,
	Q_RESEAL_LEAVING,
	Q_RESEAL_SECRET,
	Q_RESEAL_CLIENT,
	Q_RESEAL_GRANT,
	Q_SECRET_NAMES,
	Q_SECRET,
	Q_SECRET_PUT,
	Q_SECRET_REMOVE,
	Q_GRANTS_DUE,
	Q_GRANT_TIMES,
	Q_GRANT_SUM,
	Q_GRANT_KNOWN,
	Q_GRANT_PUT,
	Q_GRANT_DROP,
	Q_GRANT_HURRY,
	Q_GRANT_RENEW,
	Q_CANARIES,
	Q_CANARY_SET,
	Q_CANARY_DROP,
	Q_CANARY_PUT,
	Q_CANARY_PACE,
	Q_CANARY_NOTE,
	Q_CANARY_AWAITED,
	Q_CANARY_HEARD,
	Q_CLIENT,
	Q_CLIENT_PUT,

	Q_BEGIN,
	Q_COMMIT,
	Q_ROLLBACK,
	Q_SAVEPOINT,
	Q_RELEASE,
	Q_ROLLBACK_TO,

	Q_APPEND,
	Q_APPEND_FRAME,
	Q_SEQ,
	Q_NOTE,
	Q_NOTE_ANSWER,
	Q_NOTE_PART,
	Q_NOTE_ENGAGED,
	Q_NOTE_COVER,
	Q_DONE,
	Q_DONE_PENDING,
	Q_DONE_COVERED,
	Q_DONE_COVERED_PENDING,
	Q_HAS_TENANT,
	Q_DONE_LINE,
	Q_DONE_USAGE,
	Q_DONE_USAGE_BY,
	Q_COUNT_UNFINISHED,
	Q_UNFINISHED,
	Q_ONE_UNFINISHED,
	Q_COVERED,
	Q_PARTS,
	Q_EXPIRE_JOURNAL,
	Q_EXPIRE_ENGAGED,
	Q_EXPIRE_LEAVING,

	Q_AUDIT_ROWS,
	Q_AUDIT_CHAIN,
	Q_AUDIT_PUT,
	Q_AUDIT_END,
	Q_AUDIT_OLDEST,
	Q_AUDIT_DROP,
	Q_AUDIT_BEGIN,

	Q_KEEP,
	Q_KEEP_PUT,
	Q_KEEP_NEXT,
	Q_ERASE_TRANSCRIPT,
	Q_ERASE_USAGE,
	Q_ERASE_USAGE_BY,
	Q_ERASE_MARKS,
	Q_ERASE_FEEDBACK,
	Q_ERASE_JOURNAL,
	Q_ERASE_AUDIT,
	Q_ERASE_AUDIT_REST,
	Q_ERASE_PENDING,
	Q_ERASE_GREETED,
	Q_ERASE_HOMES,

	Q_SILENT,
	Q_GONE,
	Q_GONE_NOTE,
	Q_GONE_BACK,
	Q_GONE_KNOWN,
	Q_GONE_ERASED,
	Q_GONE_GRANT,
	Q_GONE_ENGAGED,
	Q_GONE_HOMES,
	Q_GONE_GREETED,
	Q_HOME,
	Q_HOME_NEXT,
	Q_HOME_DROP,
	Q_HOME_USAGE,
	Q_HOME_MARKS,
	Q_HOME_TRANSCRIPT,
	Q_HOME_FEEDBACK,
	Q_HOME_GREETED,
	Q_HOME_PENDING,

	Q_USAGE_SUMS,
	Q_USAGE_BY_MODEL,
	Q_USAGE_BY_DAY,
	Q_USAGE_BY,
	Q_USAGE_MARKS,
	Q_USAGE_MARK,

	Q_RECORD_FIND,
	Q_RECORD_DEAD,
	Q_RECORD_STALE,
	Q_RECORD_BLAME,
	Q_RECORD_REPLAY,
	Q_RECORD_REPLAY_ANSWER,
	Q_RECORD_DROP,
	Q_RECORD_DROP_PENDING,
	Q_COUNT
};
extern const char *const sqlite_sql[Q_COUNT];

struct sqlite {
	struct store base; /* must be first */
	sqlite3 *db;
	const struct keyring *keyring;
	int lock_fd;   /* -1 unless open for writing */
	int wal_pages; /* not yet copied into the database file */
	bool ours;     /* it was looked at, and may be written to */
	sqlite3_stmt *st[Q_COUNT];
};

/*
 * sqlite_schema.c. Make the file at path if need be, and take the lock that
 * one writing process holds; closing the descriptor lets go of it.
 */
int sqlite_claim(const char *path, struct err *e);
/*
 * Is this a database of ours, and of a version that we know? Nothing is
 * changed unless write is set, and nothing at all in a foreign file.
 */
int sqlite_migrate(struct sqlite *s, bool write, struct err *e);

/* sqlite_schema.c: look through the whole file at path, unless it is so large
 * that a start would have to wait for it. */
int sqlite_inspect(struct sqlite *s, const char *path, struct err *e);

/* sqlite.c: e says what to do about a database that is no good; returns -1. */
int sqlite_damaged(const char *path, const char *how, struct err *e);
/* sqlite.c: e filled from the last failure of the connection; returns -1. */
int sqlite_fail(struct sqlite *s, struct err *e, const char *what);

/* Ready to be bound, and not running; NULL with e filled. */
sqlite3_stmt *sqlite_query(struct sqlite *s, enum sqlite_query q,
			   struct err *e);
/* Columns and parameters are numbered as SQLite does: from 0, from 1. The
 * text must stay until the statement is finished; NULL is SQL's. */
void sqlite_bind(sqlite3_stmt *st, int i, const char *text);
/* 1: there is a row; 0: no more; -1 with e filled. The statement is finished
 * unless there is a row. */
int sqlite_row(struct sqlite *s, sqlite3_stmt *st, struct err *e);
/* Runs to the end. */
int sqlite_run(struct sqlite *s, sqlite3_stmt *st, struct err *e);
/* The same for a statement without parameters. */
int sqlite_do(struct sqlite *s, enum sqlite_query q, struct err *e);
void sqlite_finish(sqlite3_stmt *st);

/* Borrowed until the next step. */
const char *sqlite_text(sqlite3_stmt *st, int col);
/*
 * What a callback said, as the loop around it needs it: go on (1), or leave
 * it with 0 or -1. The statement is finished when it is left.
 */
int sqlite_go_on(sqlite3_stmt *st, int answer);

/* Heap copy of a column; NULL is stored, or memory is short. */
char *sqlite_copy(sqlite3_stmt *st, int col);

/* sqlite_read.c: the look-ups of store_ops. */
int sqlite_resolve(struct store *s, const char *channel_type,
		   const char *app_id, const char *workspace_id,
		   struct connection *out, struct err *e);
int sqlite_resolve_for(struct store *s, const char *channel_type,
		       const char *app_id, const char *workspace_id,
		       const char *channel, const char *thread,
		       struct connection *out, struct err *e);
int sqlite_leaving(struct store *s, const char *channel_type,
		   const char *app_id, const char *workspace_id,
		   struct connection *out, struct err *e);
int sqlite_history(struct store *s, const char *tenant_id, const char *channel,
		   const char *thread, size_t max_bytes, struct transcript *out,
		   struct err *e);
int sqlite_apps(struct store *s, int (*fn)(const struct app *a, void *arg),
		void *arg, struct err *e);
int sqlite_connections(struct store *s, const char *tenant_name,
		       int (*fn)(const struct connection *c, void *arg),
		       void *arg, struct err *e);
int sqlite_silent(struct store *s, int most,
		  int (*fn)(const char *tenant, const char *why, void *arg),
		  void *arg, struct err *e);
int sqlite_tenants(struct store *s,
		   int (*fn)(const struct tenant *t, void *arg), void *arg,
		   struct err *e);
int sqlite_tenant_by_name(struct store *s, const char *name, struct tenant *out,
			  struct err *e);
int sqlite_engaged(struct store *s, int64_t since_ms,
		   int (*fn)(const char *key, int64_t at_ms, void *arg),
		   void *arg, struct err *e);
int sqlite_claims(struct store *s, int64_t since_ms,
		  int (*fn)(const char *key, const char *entry,
			    const char *verdict, void *arg),
		  void *arg, struct err *e);

int sqlite_connections_of_app(struct store *s, const char *app_id,
			      int (*fn)(const struct connection *c, void *arg),
			      void *arg, struct err *e);

/* sqlite_seen.c */
int sqlite_threads(struct store *s, const char *tenant_id, int64_t since_ms,
		   int (*fn)(const char *channel, const char *thread,
			     const char *last_ts, void *arg),
		   void *arg, struct err *e);
int sqlite_seen(struct store *s,
		int (*fn)(const char *app_id, int64_t at_ms, void *arg),
		void *arg, struct err *e);
int sqlite_seen_put(struct store *s, const char *apps, int64_t at_ms,
		    struct err *e);

/* sqlite_moved.c */
int sqlite_channel_moved(struct store *s, const char *tenant_id,
			 const char *app_id, const char *workspace_id,
			 const char *old_id, const char *new_id, struct err *e);

struct home_new;
/* sqlite_uninstall.c */
int sqlite_home(struct sqlite *s, const struct home_new *h, int64_t now_ms,
		struct err *e);

struct audit_new;
/* sqlite_audit.c: a row of the trail, in a transaction of the caller's. */
int sqlite_audit_add(struct sqlite *s, const struct audit_new *a, int64_t at_ms,
		     struct err *e);

/* sqlite_keys.c: the id of the key that seals what is written now. */
int sqlite_sealing(struct sqlite *s, char id[KEY_ID_SIZE], struct err *e);

/* sqlite_write.c: the writing ones. */
int sqlite_tenant_put(struct store *s, struct tenant *t, struct err *e);
int sqlite_tenant_remove(struct store *s, const char *name, struct err *e);
int sqlite_app_put(struct store *s, const struct app *a, struct err *e);
int sqlite_app_call(struct store *s, const char *app_id, struct err *e);
int sqlite_connection_put(struct store *s, const struct connection *c,
			  struct err *e);

/* sqlite_agents.c */
int sqlite_agent(struct store *s, const char *tenant_id, const char *channel,
		 const char *thread, struct agent *out, struct err *e);
int sqlite_agents(struct store *s, const char *tenant_id,
		  int (*fn)(const struct agent *a, void *arg), void *arg,
		  struct err *e);
int sqlite_access(struct store *s, const char *tenant_id, const char *agent_id,
		  char **out, struct err *e);
int sqlite_agent_put(struct store *s, const struct agent *a, struct err *e);
int sqlite_agent_remove(struct store *s, const char *tenant_id,
			const char *agent_id, struct err *e);
int sqlite_access_put(struct store *s, const char *tenant_id,
		      const char *agent_id, const char *settings,
		      struct err *e);

/* sqlite_signal.c */
int sqlite_line(struct store *s, const char *tenant_id, const char *channel,
		const char *thread, const char *ts, struct line *out,
		struct err *e);
int sqlite_thread_of(struct store *s, const char *tenant_id,
		     const char *channel, const char *ts, char **out,
		     struct err *e);
int sqlite_line_put(struct store *s, const char *tenant_id, const char *channel,
		    const char *thread, const struct line *l, struct err *e);
int sqlite_greet(struct store *s, const char *tenant_id, const char *app_id,
		 const char *channel, int64_t at_ms, bool *first,
		 struct err *e);
int sqlite_engaged_end(struct store *s, const char *key, struct err *e);
int sqlite_feedback_put(struct store *s, const struct feedback *f,
			struct err *e);

#endif
