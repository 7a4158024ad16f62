/* SPDX-License-Identifier: ISC */
#ifndef STORE_POSTGRES_H
#define STORE_POSTGRES_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/keyring.h"
#include "base/secret.h"
#include "store/store.h"

struct err;
struct keyring;

/*
 * What the files of the PostgreSQL backend share. One connection, used by one
 * thread at a time, made again when it was lost; a transaction that was open
 * then is lost with it. Statements are prepared when first asked for.
 */

/* In the order in which postgres_sql.c has them. */
enum postgres_query {
	PQ_TENANT,  /* sets the tenant of this transaction */
	PQ_BRIEFLY, /* the same, and how long its statements may take */
	PQ_RESOLVE,
	PQ_RESOLVE_AS, /* and be that tenant from then on */
	PQ_AGENT_OF_US,
	PQ_LEAVING,
	PQ_AGENT,
	PQ_AGENTS,
	PQ_ACCESS,
	PQ_HISTORY,
	PQ_LINE,
	PQ_THREAD_OF,
	PQ_APPS,
	PQ_CONNECTIONS,
	PQ_TENANTS,
	PQ_ENGAGED,
	PQ_CLAIMS,
	PQ_CONNECTIONS_OF_APP,
	PQ_THREADS,
	PQ_SEEN,
	PQ_SEEN_PUT,
	PQ_CHANNEL_MOVED,
	PQ_TRANSCRIPT_MOVED,
	PQ_USAGE_MOVED,
	PQ_HOMES_MOVED,
	PQ_AGENTS_MOVED,
	PQ_ACCESS_MOVED,
	PQ_CANARY_MOVED,

	PQ_TENANT_PUT,
	PQ_TENANT_DROP,
	PQ_CONNECTIONS_DROP,
	PQ_ENGAGED_DROP,
	PQ_APP_DROP_UNUSED,
	PQ_APP_PUT,
	PQ_CONNECTION_TAKEN,
	PQ_APP_CALL,
	PQ_CONNECTION_PUT,
	PQ_AGENT_ID,
	PQ_AGENT_DEFAULT,
	PQ_AGENT_PUT,
	PQ_AGENT_DROP,
	PQ_ACCESS_PUT,
	PQ_ACCESS_DROP,
	PQ_LINE_PUT,
	PQ_LINE_FORGET,
	PQ_ENGAGED_END,
	PQ_FEEDBACK_PUT,
	PQ_GREET,

	PQ_SEALING,
	PQ_SEALING_LOCK,
	PQ_SEALING_PUT,
	PQ_SEALED_COUNT,
	PQ_SEALED_OTHER,
	PQ_RESEAL_APP,
	PQ_RESEAL_CONNECTION,
	PQ_RESEAL_LEAVING,
	PQ_RESEAL_SECRET,
	PQ_RESEAL_CLIENT,
	PQ_RESEAL_GRANT,
	PQ_SECRET_NAMES,
	PQ_SECRET,
	PQ_SECRET_PUT,
	PQ_SECRET_REMOVE,
	PQ_GRANTS_DUE,
	PQ_GRANT_TIMES,
	PQ_GRANT_SUM,
	PQ_GRANT_KNOWN,
	PQ_GRANT_PUT,
	PQ_GRANT_DROP,
	PQ_GRANT_HURRY,
	PQ_GRANT_RENEW,
	PQ_CANARIES,
	PQ_CANARY_SET,
	PQ_CANARY_DROP,
	PQ_CANARY_PUT,
	PQ_CANARY_PACE,
	PQ_CANARY_NOTE,
	PQ_CANARY_HEARD,
	PQ_CLIENT,
	PQ_CLIENT_PUT,
	PQ_CONNECTION_RENEW,
	PQ_NODES_WITHOUT,

	PQ_BEGIN,
	PQ_COMMIT,
	PQ_ROLLBACK,
	PQ_SAVEPOINT,
	PQ_RELEASE,
	PQ_ROLLBACK_TO,
	PQ_AUDIT_ADD,
	PQ_AUDIT_DONE,
	PQ_AUDIT_BIND,

	PQ_APPEND,
	PQ_NOTE,
	PQ_COVER,
	PQ_DONE,
	PQ_DONE_LINE,
	PQ_DONE_USAGE,
	PQ_DONE_USAGE_BY,
	PQ_HOME,
	PQ_FORGET,
	PQ_COUNT_UNFINISHED,
	PQ_UNFINISHED,
	PQ_ONE_UNFINISHED,
	PQ_EXPIRE_JOURNAL,
	PQ_EXPIRE_ENGAGED,
	PQ_EXPIRE_LEAVING,

	PQ_RECORD_FIND,
	PQ_RECORD_DEAD,
	PQ_RECORD_STALE,
	PQ_RECORD_BLAME,
	PQ_RECORD_REPLAY,
	PQ_RECORD_DROP,

	PQ_AUDIT_ROWS,
	PQ_AUDIT_TRIM,

	PQ_KEEP,
	PQ_KEEP_PUT,
	PQ_KEEP_NEXT,
	PQ_ERASE,
	PQ_ERASE_PENDING,
	PQ_ERASE_GREETED,

	PQ_SILENT,
	PQ_GONE,
	PQ_GONE_NOTE,
	PQ_GONE_BACK,
	PQ_GONE_KNOWN,
	PQ_GONE_ERASED,
	PQ_GONE_GRANT,
	PQ_GONE_HOMES,
	PQ_GONE_GREETED,
	PQ_HOMES_ERASE,
	PQ_LETTERS_ERASE,

	PQ_USAGE_SUMS,
	PQ_USAGE_BY_MODEL,
	PQ_USAGE_BY_DAY,
	PQ_USAGE_BY,
	PQ_USAGE_MARKS,
	PQ_USAGE_MARK,

	/* With several nodes: those before the claim for the
	 * journal. */
	PQ_WORK_APPEND,
	PQ_WORK_NOTE,
	PQ_WORK_COVER,
	PQ_WORK_DONE,
	PQ_WORK_LINE,
	PQ_WORK_USAGE,
	PQ_WORK_USAGE_BY,
	PQ_WORK_HOME,
	PQ_WORK_LET_GO,
	PQ_WORK_CLAIM,
	PQ_WORK_IDLE,
	PQ_NODE_JOIN,
	PQ_NODE_BEAT,
	PQ_NODE_LEAVE,
	PQ_NODES,
	PQ_NODE_KEYS,
	PQ_COUNT
};
#define POSTGRES_PARAMS 13 /* the most that one has */
struct postgres_statement {
	const char *name;
	const char *sql;
	int params;
};
extern const struct postgres_statement postgres_sql[PQ_COUNT];

/* What it is for. */
enum postgres_use {
	POSTGRES_READ,
	POSTGRES_WRITE, /* holds the lock that one process has, or one node */
	POSTGRES_NODE,  /* hears and renews; no lock */
};

struct postgres {
	struct store base; /* must be first */
	char *url;
	const struct keyring *keyring;
	enum postgres_use use;
	char node[ID_SIZE];  /* "": alone */
	PGconn *c;           /* NULL: lost */
	unsigned int dialed; /* how often */
	bool prepared[PQ_COUNT];
	bool in_batch;      /* a transaction that goes with the connection */
	PGresult *agent;    /* came with the last resolve; NULL: none did */
	char agent_of[100]; /* its channel and thread */

	/* While the server is away. */
	unsigned int failures;
	int64_t retry_at_ms;
};

/* postgres.c: as store_ops.open; node is NULL when alone. */
struct postgres *postgres_open_as(const char *url, const struct keyring *k,
				  enum postgres_use use, const char *node,
				  struct err *e);

/* postgres.c: a connection that works, made again if need be; not inside a
 * batch. */
int postgres_ready(struct postgres *s, struct err *e);
/* The next use makes a new one. */
void postgres_hang_up(struct postgres *s);
/* Knows q from now on; not while there is a pipeline. */
int postgres_prepare(struct postgres *s, enum postgres_query q, struct err *e);
/*
 * Runs q, as the tenant unless that is NULL, in one round trip; its result,
 * to be cleared, or NULL with e filled. Strings are parameters as they are,
 * NULL is SQL's. What was read or can be repeated is tried once more when the
 * connection turns out to be lost.
 */
PGresult *postgres_run(struct postgres *s, enum postgres_query q,
		       const char *tenant, const char *const *params,
		       struct err *e);
/* A message's look-ups in one round trip: resolve by the first three, and the
 * agent of whose workspace it is by channel and thread, which is in s->agent
 * then. */
PGresult *postgres_run_resolve(struct postgres *s, const char *const *params,
			       struct err *e);
/* The same for what gives nothing back. */
int postgres_do(struct postgres *s, enum postgres_query q, const char *tenant,
		const char *const *params, struct err *e);
/* e filled from a result, or the connection if that is NULL; returns -1. */
int postgres_fail(struct postgres *s, const PGresult *r, struct err *e);

/*
 * postgres_wait.c: libpq would wait for a server that hangs as long as it
 * does. These have a deadline, by clock_ms(), after which the connection is of
 * no use. 0: all that was sent is on its way, or the connection is lost; -1:
 * it is too late.
 */
int postgres_flush(PGconn *c, int64_t until_ms);
/* A deadline so much later. */
int64_t postgres_until(int ms);
/* And so many times. Tests of what isn't about deadlines set it, before there
 * is a thread: their machine may be busier than any server. */
extern int postgres_patience;
/* The next statement's result in a pipeline; NULL after the sync, and when
 * the connection is lost or it is too late. */
PGresult *postgres_next(PGconn *c, int64_t until_ms);
/* The last result of what was sent without a pipeline. */
PGresult *postgres_last(PGconn *c, int64_t until_ms);
/* That of SQL with one parameter, or several statements without (NULL). */
PGresult *postgres_ask(PGconn *c, const char *sql, const char *param,
		       int64_t until_ms);

/* A number as a parameter. */
#define POSTGRES_NUMBER 24
const char *postgres_number(char out[POSTGRES_NUMBER], int64_t n);
/* Columns; "" and NULL differ. */
const char *postgres_text(const PGresult *r, int row, int col);
char *postgres_copy(const PGresult *r, int row, int col);
int64_t postgres_int(const PGresult *r, int row, int col);
bool postgres_bool(const PGresult *r, int row, int col);

/* postgres_connect.c: connected, and no more. NULL with e. */
PGconn *postgres_dial(const char *url, struct err *e);
/* postgres_connect.c: a new connection with our deadlines, schema and role
 * looked at, and the lock held if the store is written to. NULL with e. */
PGconn *postgres_connect(const struct postgres *s, struct err *e);
/* The same for a store that is opened: the server may take longer. */
PGconn *postgres_connect_first(const struct postgres *s, struct err *e);

/* postgres_schema.c. Can we work with the schema, as this role, and one of
 * several nodes if need be? */
int postgres_check(PGconn *c, bool several, int64_t until_ms, struct err *e);
int postgres_migrate(const char *url, const char *by, int *from, int *to,
		     struct err *e);

/* postgres_read.c: the look-ups of store_ops. */
int postgres_resolve(struct store *s, const char *channel_type,
		     const char *app_id, const char *workspace_id,
		     struct connection *out, struct err *e);
int postgres_resolve_for(struct store *s, const char *channel_type,
			 const char *app_id, const char *workspace_id,
			 const char *channel, const char *thread,
			 struct connection *out, struct err *e);
int postgres_leaving(struct store *s, const char *channel_type,
		     const char *app_id, const char *workspace_id,
		     struct connection *out, struct err *e);
int postgres_history(struct store *s, const char *tenant_id,
		     const char *channel, const char *thread, size_t max_bytes,
		     struct transcript *out, struct err *e);
int postgres_apps(struct store *s, int (*fn)(const struct app *a, void *arg),
		  void *arg, struct err *e);
int postgres_connections(struct store *s, const char *tenant_name,
			 int (*fn)(const struct connection *c, void *arg),
			 void *arg, struct err *e);
int postgres_silent(struct store *s, int most,
		    int (*fn)(const char *tenant, const char *why, void *arg),
		    void *arg, struct err *e);
int postgres_tenants(struct store *s,
		     int (*fn)(const struct tenant *t, void *arg), void *arg,
		     struct err *e);
int postgres_tenant_by_name(struct store *s, const char *name,
			    struct tenant *out, struct err *e);
int postgres_engaged(struct store *s, int64_t since_ms,
		     int (*fn)(const char *key, int64_t at_ms, void *arg),
		     void *arg, struct err *e);
int postgres_claims(struct store *s, int64_t since_ms,
		    int (*fn)(const char *key, const char *entry,
			      const char *verdict, void *arg),
		    void *arg, struct err *e);

int postgres_connections_of_app(struct store *s, const char *app_id,
				int (*fn)(const struct connection *c,
					  void *arg),
				void *arg, struct err *e);

/* postgres_seen.c */
int postgres_threads(struct store *s, const char *tenant_id, int64_t since_ms,
		     int (*fn)(const char *channel, const char *thread,
			       const char *last_ts, void *arg),
		     void *arg, struct err *e);
int postgres_seen(struct store *s,
		  int (*fn)(const char *app_id, int64_t at_ms, void *arg),
		  void *arg, struct err *e);
int postgres_seen_put(struct store *s, const char *apps, int64_t at_ms,
		      struct err *e);

/* postgres_moved.c */
int postgres_channel_moved(struct store *s, const char *tenant_id,
			   const char *app_id, const char *workspace_id,
			   const char *old_id, const char *new_id,
			   struct err *e);

/* postgres_keys.c: the id of the key that seals what is written in this
 * transaction; no other node has another one until that ends. */
int postgres_sealing(struct postgres *s, char id[KEY_ID_SIZE], struct err *e);

/* postgres_write.c: the writing ones. */
int postgres_tenant_put(struct store *s, struct tenant *t, struct err *e);
int postgres_tenant_remove(struct store *s, const char *name, struct err *e);
int postgres_app_put(struct store *s, const struct app *a, struct err *e);
int postgres_app_call(struct store *s, const char *app_id, struct err *e);
int postgres_connection_put(struct store *s, const struct connection *c,
			    struct err *e);

/* postgres_agents.c */
int postgres_agent(struct store *s, const char *tenant_id, const char *channel,
		   const char *thread, struct agent *out, struct err *e);
int postgres_agents(struct store *s, const char *tenant_id,
		    int (*fn)(const struct agent *a, void *arg), void *arg,
		    struct err *e);
int postgres_access(struct store *s, const char *tenant_id,
		    const char *agent_id, char **out, struct err *e);
int postgres_agent_put(struct store *s, const struct agent *a, struct err *e);
int postgres_agent_remove(struct store *s, const char *tenant_id,
			  const char *agent_id, struct err *e);
int postgres_access_put(struct store *s, const char *tenant_id,
			const char *agent_id, const char *settings,
			struct err *e);

/* postgres_signal.c */
int postgres_line(struct store *s, const char *tenant_id, const char *channel,
		  const char *thread, const char *ts, struct line *out,
		  struct err *e);
int postgres_thread_of(struct store *s, const char *tenant_id,
		       const char *channel, const char *ts, char **out,
		       struct err *e);
int postgres_line_put(struct store *s, const char *tenant_id,
		      const char *channel, const char *thread,
		      const struct line *l, struct err *e);
int postgres_greet(struct store *s, const char *tenant_id, const char *app_id,
		   const char *channel, int64_t at_ms, bool *first,
		   struct err *e);
int postgres_engaged_end(struct store *s, const char *key, struct err *e);
int postgres_feedback_put(struct store *s, const struct feedback *f,
			  struct err *e);

#endif
