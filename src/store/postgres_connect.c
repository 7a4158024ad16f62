/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/postgres.h"

#define LOCK_STEP_MS 50

/*
 * How long the server may take. Who opens a store has nothing yet that could
 * wait behind it, and would end for nothing when the server is only busy. Later
 * acks may.
 */
static const struct patience {
	int dial_s;
	int say_ms;  /* for each thing that is said on a new connection */
	int lock_ms; /* until another's lock is gone: over a network it may take
			the server longer to see that */
} opening = { 5, 5000, 5000 }, again = { 2, 1000, 1500 },
  once_more = { 2, 1000, 0 };

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

static PGconn *dial(const char *url, const struct patience *p, struct err *e)
{
	char seconds[POSTGRES_NUMBER];
	const char *values[] = { seconds,      "10", "5",    "3", "15000",
				 "konstructd", url,  "UTF8", NULL };
	PGconn *c;

	(void)postgres_number(seconds, p->dial_s * (int64_t)postgres_patience);
	c = PQconnectdbParams(keywords, values, 1);
	if (c && PQstatus(c) == CONNECTION_OK)
		return c;
	err_set(e, ERR_RETRY, "cannot connect to the store: %s",
		c ? PQerrorMessage(c) : "no memory");
	PQfinish(c);
	return NULL;
}

PGconn *postgres_dial(const char *url, struct err *e)
{
	return dial(url, &opening, e);
}

/* Notices of the server are no business of standard error. */
static void ignore(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

static int execute(PGconn *c, const char *sql, const struct patience *p,
		   struct err *e)
{
	PGresult *r = postgres_ask(c, sql, NULL, postgres_until(p->say_ms));
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
static int try_lock(PGconn *c, const char *sql, const char *node,
		    const struct patience *p, struct err *e)
{
	PGresult *r = postgres_ask(c, sql, node, postgres_until(p->say_ms));
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
static int lock(PGconn *c, const char *sql, const char *node,
		const struct patience *p, struct err *e)
{
	const struct timespec step = { 0, LOCK_STEP_MS * 1000000L };
	int64_t until = clock_ms() + p->lock_ms;
	int rc;

	for (;;) {
		rc = try_lock(c, sql, node, p, e);
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

static int take_locks(PGconn *c, const struct postgres *s,
		      const struct patience *p, struct err *e)
{
	if (s->node[0] == '\0')
		return lock(c, LOCK_ALONE, NULL, p, e);
	if (lock(c, LOCK_SHARED, NULL, p, e) < 0)
		return -1;
	return lock(c, LOCK_NODE, s->node, p, e);
}

static int set_up(PGconn *c, const struct postgres *s, const struct patience *p,
		  struct err *e)
{
	switch (s->use) {
	case POSTGRES_READ:
		return execute(c,
			       "SET SESSION CHARACTERISTICS AS"
			       " TRANSACTION READ ONLY",
			       p, e);
	case POSTGRES_WRITE:
		if (execute(c, plans, p, e) < 0)
			return -1;
		return take_locks(c, s, p, e);
	case POSTGRES_NODE:
		return execute(c,
			       "SET statement_timeout = '4s';"
			       /* News must not pile up for one who is gone. */
			       "SET tcp_user_timeout = '60s';"
			       "LISTEN konstruct",
			       p, e);
	}
	return -1;
}

static PGconn *connect_with(const struct postgres *s, const struct patience *p,
			    struct err *e)
{
	PGconn *c = dial(s->url, p, e);

	if (!c)
		return NULL;
	(void)PQsetNoticeReceiver(c, ignore, NULL);
	if (execute(c, session, p, e) == 0 &&
	    postgres_check(c, s->node[0] != '\0', postgres_until(p->say_ms),
			   e) == 0 &&
	    set_up(c, s, p, e) == 0)
		return c;
	PQfinish(c);
	return NULL;
}

PGconn *postgres_connect_first(const struct postgres *s, struct err *e)
{
	return connect_with(s, &opening, e);
}

PGconn *postgres_connect(const struct postgres *s, struct err *e)
{
	return connect_with(s, s->failures == 0 ? &again : &once_more, e);
}
