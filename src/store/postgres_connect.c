/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/postgres.h"

/* For all that is said on a new connection: acks may wait behind it. */
#define SET_UP_MS 1000

/* How long is waited for the lock; over a network it may take the server
 * longer. */
#define LOCK_WAIT_MS 1500
#define LOCK_STEP_MS 50

/*
 * What the URL doesn't say itself. A server that falls silent is given up
 * after tcp_user_timeout, or 25 s of unanswered keepalives.
 */
static const char *const keywords[] = {
	"connect_timeout",
	"keepalives_idle",
	"keepalives_interval",
	"keepalives_count",
	"tcp_user_timeout",
	"application_name",
	"dbname", /* the URL: what comes after would override it */
	"client_encoding",
	NULL,
};
#define DBNAME 6

static const char session[] =
	"SET search_path = konstruct, pg_temp;"
	"SET statement_timeout = '20s';"
	"SET lock_timeout = '5s';"
	"SET idle_in_transaction_session_timeout = '60s';"
	/* Acked means committed, whatever the server's default is. */
	"SET synchronous_commit = on;";

/*
 * The journal says the same few things over and over, in functions too. Planned
 * anew, with what an array holds for once, they took several times as long as
 * running them; and a plan of when the tables were empty is kept, so it mustn't
 * be one that reads all of them.
 */
static const char plans[] = "SET plan_cache_mode = force_generic_plan;"
			    "SET enable_seqscan = off;"
			    "SET enable_hashjoin = off;"
			    "SET enable_mergejoin = off;"
			    "SET jit = off;"; /* a scan has a price beyond it */

PGconn *postgres_dial(const char *url, struct err *e)
{
	const char *values[] = { "2",          "10", "5",    "3", "15000",
				 "konstructd", url,  "UTF8", NULL };
	PGconn *c = PQconnectdbParams(keywords, values, 1);

	if (c && PQstatus(c) == CONNECTION_OK)
		return c;
	err_set(e, ERR_RETRY, "cannot connect to the store: %s",
		c ? PQerrorMessage(c) : "no memory");
	PQfinish(c);
	return NULL;
}

/* Notices of the server are no business of standard error. */
static void ignore(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

static int execute(PGconn *c, const char *sql, struct err *e)
{
	PGresult *r = postgres_ask(c, sql, NULL, clock_ms() + SET_UP_MS);
	ExecStatusType status = PQresultStatus(r);
	int rc = 0;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		rc = err_set(e, ERR_RETRY, "cannot prepare the connection: %s",
			     r ? PQerrorMessage(c) : "no answer");
	PQclear(r);
	return rc;
}

/*
 * The first number says "Knst", as in SQLite. Nodes share the lock of one who
 * is alone, and each has one of its own.
 */
#define LOCK_ALONE  "SELECT pg_try_advisory_lock(1265529716, 1)"
#define LOCK_SHARED "SELECT pg_try_advisory_lock_shared(1265529716, 1)"
#define LOCK_NODE   "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"

/* 1: ours; 0: another's. */
static int try_lock(PGconn *c, const char *sql, const char *node, struct err *e)
{
	PGresult *r = postgres_ask(c, sql, node, clock_ms() + SET_UP_MS);
	int rc;

	if (PQresultStatus(r) == PGRES_TUPLES_OK)
		rc = postgres_bool(r, 0, 0);
	else
		rc = err_set(e, ERR_RETRY, "cannot lock the store: %s",
			     r ? PQerrorMessage(c) : "no answer");
	PQclear(r);
	return rc;
}

/*
 * Two daemons on one journal that don't know of each other would answer
 * everything twice. The lock goes with the connection; when one was lost or
 * its holder killed, the server may take a moment to see that, so the first
 * try waits for it.
 */
static int lock(PGconn *c, const char *sql, const char *node, bool wait,
		struct err *e)
{
	const struct timespec step = { 0, LOCK_STEP_MS * 1000000L };
	int64_t until = clock_ms() + (wait ? LOCK_WAIT_MS : 0);
	int rc;

	for (;;) {
		rc = try_lock(c, sql, node, e);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		if (clock_ms() >= until)
			break;
		(void)nanosleep(&step, NULL);
	}
	return err_set(e, ERR_RETRY,
		       "database '%s' is in use by another konstructd",
		       PQdb(c));
}

static int take_locks(PGconn *c, const struct postgres *s, bool wait,
		      struct err *e)
{
	if (s->node[0] == '\0')
		return lock(c, LOCK_ALONE, NULL, wait, e);
	if (lock(c, LOCK_SHARED, NULL, wait, e) < 0)
		return -1;
	return lock(c, LOCK_NODE, s->node, wait, e);
}

static int set_up(PGconn *c, const struct postgres *s, bool wait, struct err *e)
{
	switch (s->use) {
	case POSTGRES_READ:
		return execute(c,
			       "SET SESSION CHARACTERISTICS AS"
			       " TRANSACTION READ ONLY",
			       e);
	case POSTGRES_WRITE:
		if (execute(c, plans, e) < 0)
			return -1;
		return take_locks(c, s, wait, e);
	case POSTGRES_NODE:
		return execute(c,
			       "SET statement_timeout = '4s';"
			       /* News must not pile up for one who is gone. */
			       "SET tcp_user_timeout = '60s';"
			       "LISTEN konstruct",
			       e);
	}
	return -1;
}

PGconn *postgres_connect(const struct postgres *s, struct err *e)
{
	PGconn *c = postgres_dial(s->url, e);
	bool first = !s->c && s->failures == 0;

	if (!c)
		return NULL;
	(void)PQsetNoticeReceiver(c, ignore, NULL);
	if (execute(c, session, e) == 0 &&
	    postgres_check(c, s->node[0] != '\0', clock_ms() + SET_UP_MS, e) ==
		    0 &&
	    set_up(c, s, first, e) == 0)
		return c;
	PQfinish(c);
	return NULL;
}
