/* SPDX-License-Identifier: ISC */
#include "store/postgres.h"
#include "store/audit.h"
#include "store/canary.h"
#include "store/grants.h"
#include "store/keep.h"
#include "store/keys.h"
#include "store/record.h"
#include "store/uninstall.h"
#include "store/usage.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

/*
 * How long the client waits for a statement; the server ends one itself after
 * 20 s, unless it hangs. Look-ups for a message keep a router from all others.
 */
#define JOURNAL_MS 2000 /* as its batches: acks wait behind it */
#define BRIEF_MS   1000
#define SERVER_MS  500 /* of which the server takes so much at most */
#define LOOKUP_MS  5000
#define LONG_MS    25000

/* Between tries to connect. */
static const int retry_ms[] = { 100, 250, 500, 1000, 2000 };
#define RETRIES (sizeof(retry_ms) / sizeof(retry_ms[0]))

/* By the class of its SQLSTATE, the first two characters. */
static enum err_kind kind_of(const char *state)
{
	static const struct {
		char class[3];
		enum err_kind kind;
	} kinds[] = {
		{ "08", ERR_RETRY }, /* connection */
		{ "22", ERR_INPUT }, /* data */
		{ "23", ERR_INPUT }, /* constraint */
		{ "25", ERR_RETRY }, /* transaction state, read only */
		{ "40", ERR_RETRY }, /* rolled back */
		{ "53", ERR_RETRY }, /* resources, disk full */
		{ "54", ERR_INPUT }, /* longer than an index takes */
		{ "55", ERR_RETRY }, /* lock not available */
		{ "57", ERR_RETRY }, /* shut down, cancelled */
		{ "58", ERR_RETRY }, /* system */
	};
	size_t i;

	for (i = 0; state && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strncmp(state, kinds[i].class, 2) == 0)
			return kinds[i].kind;
	}
	return state ? ERR_FATAL : ERR_RETRY;
}

int postgres_fail(struct postgres *s, const PGresult *r, struct err *e)
{
	const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *msg = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY)
			    : NULL;

	/* The primary message only: the details quote a row's values. */
	if (!msg)
		msg = s->c ? PQerrorMessage(s->c) : "not connected";
	return err_set(e, kind_of(state), "cannot use the store: %s%s%s%s", msg,
		       state ? " (" : "", state ? state : "", state ? ")" : "");
}

static bool lost(const struct postgres *s)
{
	return !s->c || PQstatus(s->c) != CONNECTION_OK;
}

void postgres_hang_up(struct postgres *s)
{
	PQfinish(s->c);
	s->c = NULL;
	memset(s->prepared, 0, sizeof(s->prepared));
}

static int away(struct postgres *s, int64_t now, const struct err *e)
{
	size_t i = s->failures < RETRIES ? s->failures : RETRIES - 1;

	if (s->failures == 0)
		log_warn(LOG_FIELDS({ "reason", e->msg }), "store is away");
	s->failures++;
	s->retry_at_ms = now + retry_ms[i];
	return -1;
}

int postgres_ready(struct postgres *s, struct err *e)
{
	int64_t now;

	if (!lost(s))
		return 0;
	if (s->in_batch)
		return err_set(e, ERR_RETRY, "connection to the store is lost");
	now = clock_ms();
	if (s->failures > 0 && now < s->retry_at_ms)
		return err_set(e, ERR_RETRY, "store is away");
	postgres_hang_up(s);
	s->c = postgres_connect(s, e);
	if (!s->c)
		return away(s, clock_ms(), e);
	s->dialed++;
	if (s->failures > 0)
		log_info(NULL, "store is back");
	s->failures = 0;
	return 0;
}

/* What the journal's thread does beside its batches: acks wait behind it, and
 * it can wait. The server ends it first, so that the connection is kept. */
static bool is_brief(const struct postgres *s, enum postgres_query q)
{
	return !s->in_batch &&
	       (q == PQ_EXPIRE_JOURNAL || q == PQ_EXPIRE_ENGAGED ||
		q == PQ_EXPIRE_LEAVING || q == PQ_KEEP_NEXT || q == PQ_ERASE ||
		q == PQ_AUDIT_TRIM || q == PQ_AUDIT_BIND);
}

static int64_t deadline(const struct postgres *s, enum postgres_query q)
{
	int ms = s->use == POSTGRES_WRITE ? LONG_MS : LOOKUP_MS;

	if (is_brief(s, q))
		return postgres_until(BRIEF_MS);
	switch ((int)q) {
	case PQ_ROLLBACK:
		ms = JOURNAL_MS;
		break;
	case PQ_APPS:
	case PQ_CLAIMS:
	case PQ_CONNECTIONS:
	case PQ_ENGAGED:
	case PQ_TENANTS:
		ms = LONG_MS;
		break;
	}
	return postgres_until(ms);
}

int postgres_prepare(struct postgres *s, enum postgres_query q, struct err *e)
{
	const struct postgres_statement *st = &postgres_sql[q];
	int64_t until = postgres_until(JOURNAL_MS);
	PGresult *r = NULL;
	int rc = 0;

	if (s->prepared[q])
		return 0;
	if (PQsendPrepare(s->c, st->name, st->sql, st->params, NULL) == 1)
		r = postgres_last(s->c, until);
	if (PQresultStatus(r) == PGRES_COMMAND_OK)
		s->prepared[q] = true;
	else
		rc = postgres_fail(s, r, e);
	if (rc < 0 && !r)
		postgres_hang_up(s);
	PQclear(r);
	return rc;
}

static bool went_well(const PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

static int send_one(struct postgres *s, enum postgres_query q,
		    const char *const *params)
{
	return PQsendQueryPrepared(s->c, postgres_sql[q].name,
				   postgres_sql[q].params, params, NULL, NULL,
				   0) == 1
		       ? 0
		       : -1;
}

static enum postgres_query preamble(const struct postgres *s,
				    enum postgres_query q)
{
	return is_brief(s, q) ? PQ_BRIEFLY : PQ_TENANT;
}

/* Only a brief one isn't prepared yet: that waits for its tables' locks, too.
 */
static int send_both(struct postgres *s, enum postgres_query q,
		     const char *tenant, const char *const *params)
{
	const struct postgres_statement *st = &postgres_sql[q];
	char ms[POSTGRES_NUMBER];
	const char *const first[] = {
		tenant,
		postgres_number(ms, SERVER_MS * (int64_t)postgres_patience),
	};

	if (PQenterPipelineMode(s->c) != 1 ||
	    send_one(s, preamble(s, q), first) < 0 ||
	    (!s->prepared[q] &&
	     PQsendPrepare(s->c, st->name, st->sql, st->params, NULL) != 1) ||
	    send_one(s, q, params) < 0)
		return -1;
	return PQpipelineSync(s->c) == 1 ? 0 : -1;
}

/*
 * The tenant is set for this transaction only: the implicit one that ends at
 * the sync, or that of the batch. Of the results the last is wanted, or the
 * first that failed.
 */
static PGresult *run_as(struct postgres *s, enum postgres_query q,
			const char *tenant, const char *const *params,
			int64_t until)
{
	PGresult *keep = NULL;
	PGresult *r;
	int i = 0;

	if (send_both(s, q, tenant, params) < 0)
		return NULL;
	for (r = postgres_next(s->c, until); r;
	     r = postgres_next(s->c, until)) {
		if (i++ == 1 && went_well(r))
			s->prepared[q] = true;
		if (keep && !went_well(keep)) {
			PQclear(r);
			continue;
		}
		PQclear(keep);
		keep = r;
	}
	if (PQexitPipelineMode(s->c) == 1)
		return keep;
	/* Without its sync the connection is of no more use, nor is a result
	 * that isn't the last. */
	postgres_hang_up(s);
	if (keep && !went_well(keep))
		return keep;
	PQclear(keep);
	return NULL;
}

static PGresult *run_alone(struct postgres *s, enum postgres_query q,
			   const char *const *params, int64_t until)
{
	if (send_one(s, q, params) < 0)
		return NULL;
	return postgres_last(s->c, until);
}

/*
 * The first statement says whose the workspace is and makes this transaction
 * that tenant's, the second reads as the tenant. A resolve without its agent
 * is good enough.
 */
static PGresult *run_resolve(struct postgres *s, const char *const *params,
			     int64_t until)
{
	PGresult *first = NULL;
	PGresult *r;

	if (PQenterPipelineMode(s->c) != 1 ||
	    send_one(s, PQ_RESOLVE_AS, params) < 0 ||
	    send_one(s, PQ_AGENT_OF_US, params + 3) < 0 ||
	    PQpipelineSync(s->c) != 1)
		return NULL;
	first = postgres_next(s->c, until);
	for (r = first; r; r = postgres_next(s->c, until)) {
		if (r == first)
			continue;
		PQclear(s->agent);
		s->agent = r;
	}
	if (s->agent && !went_well(s->agent)) {
		PQclear(s->agent);
		s->agent = NULL;
	}
	if (PQexitPipelineMode(s->c) == 1)
		return first;
	postgres_hang_up(s);
	if (first && !went_well(first))
		return first;
	PQclear(first);
	return NULL;
}

/*
 * What libpq says itself has no SQLSTATE, and is about the connection, though
 * PQstatus() may not know yet; 57P01 to 57P05 are the server's farewell.
 */
static bool said_farewell(const PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);

	return !state || strncmp(state, "57P", 3) == 0;
}

static PGresult *attempt(struct postgres *s, enum postgres_query q,
			 const char *tenant, const char *const *params,
			 struct err *e)
{
	int64_t until;
	PGresult *r;

	if (!tenant && is_brief(s, q))
		tenant = ""; /* nobody's */
	if (postgres_ready(s, e) < 0 ||
	    (!is_brief(s, q) && postgres_prepare(s, q, e) < 0) ||
	    (tenant && postgres_prepare(s, preamble(s, q), e) < 0) ||
	    (q == PQ_RESOLVE_AS && postgres_prepare(s, PQ_AGENT_OF_US, e) < 0))
		return NULL;
	until = deadline(s, q);
	if (q == PQ_RESOLVE_AS)
		r = run_resolve(s, params, until);
	else
		r = tenant ? run_as(s, q, tenant, params, until)
			   : run_alone(s, q, params, until);
	if (r && went_well(r))
		return r;
	/* Nobody waits for it a second time at once. */
	if (!r && clock_ms() >= until) {
		postgres_hang_up(s);
		err_set(e, ERR_RETRY, "cannot use the store: no answer");
		(void)away(s, clock_ms(), e);
		return NULL;
	}
	postgres_fail(s, r, e);
	if (said_farewell(r))
		postgres_hang_up(s);
	PQclear(r);
	return NULL;
}

PGresult *postgres_run(struct postgres *s, enum postgres_query q,
		       const char *tenant, const char *const *params,
		       struct err *e)
{
	bool was_there = s->c != NULL;
	PGresult *r = attempt(s, q, tenant, params, e);

	/* Idle connections die unnoticed when a server restarts. */
	if (!r && was_there && lost(s) && s->failures == 0 && !s->in_batch)
		r = attempt(s, q, tenant, params, e);
	return r;
}

PGresult *postgres_run_resolve(struct postgres *s, const char *const *params,
			       struct err *e)
{
	PQclear(s->agent);
	s->agent = NULL;
	(void)snprintf(s->agent_of, sizeof(s->agent_of), "%s %s", params[3],
		       params[4]);
	/* A batch is nobody's for longer than a statement. */
	return postgres_run(
		s, s->use == POSTGRES_READ ? PQ_RESOLVE_AS : PQ_RESOLVE, NULL,
		params, e);
}

int postgres_do(struct postgres *s, enum postgres_query q, const char *tenant,
		const char *const *params, struct err *e)
{
	PGresult *r = postgres_run(s, q, tenant, params, e);

	PQclear(r);
	return r ? 0 : -1;
}

const char *postgres_number(char out[POSTGRES_NUMBER], int64_t n)
{
	(void)snprintf(out, POSTGRES_NUMBER, "%" PRId64, n);
	return out;
}

const char *postgres_text(const PGresult *r, int row, int col)
{
	return PQgetisnull(r, row, col) ? NULL : PQgetvalue(r, row, col);
}

char *postgres_copy(const PGresult *r, int row, int col)
{
	const char *text = postgres_text(r, row, col);

	return text ? strdup(text) : NULL;
}

int64_t postgres_int(const PGresult *r, int row, int col)
{
	return strtoll(PQgetvalue(r, row, col), NULL, 10);
}

bool postgres_bool(const PGresult *r, int row, int col)
{
	return PQgetvalue(r, row, col)[0] == 't';
}

static void postgres_close(struct store *store)
{
	struct postgres *s = (struct postgres *)store;

	if (!s)
		return;
	PQfinish(s->c);
	PQclear(s->agent);
	if (s->url)
		explicit_bzero(s->url, strlen(s->url));
	free(s->url);
	free(s);
}

struct postgres *postgres_open_as(const char *url, const struct keyring *k,
				  enum postgres_use use, const char *node,
				  struct err *e)
{
	struct postgres *s = calloc(1, sizeof(*s));

	if (s)
		s->url = strdup(url);
	if (!s || !s->url) {
		err_set(e, ERR_RETRY, "cannot open store: no memory");
		free(s);
		return NULL;
	}
	s->base.ops = &store_postgres;
	s->keyring = k;
	s->use = use;
	(void)snprintf(s->node, sizeof(s->node), "%s", node ? node : "");
	s->c = postgres_connect_first(s, e);
	if (!s->c) {
		postgres_close(&s->base);
		return NULL;
	}
	return s;
}

static struct store *postgres_open(const char *url, const struct keyring *k,
				   bool write, struct err *e)
{
	struct postgres *s;

	s = postgres_open_as(url, k, write ? POSTGRES_WRITE : POSTGRES_READ,
			     NULL, e);
	return s ? &s->base : NULL;
}

const struct store_ops store_postgres = {
	.name = "postgresql",
	.open = postgres_open,
	.close = postgres_close,
	.migrate = postgres_migrate,
	.resolve = postgres_resolve,
	.resolve_for = postgres_resolve_for,
	.leaving = postgres_leaving,
	.agent = postgres_agent,
	.agents = postgres_agents,
	.access = postgres_access,
	.history = postgres_history,
	.line = postgres_line,
	.thread_of = postgres_thread_of,
	.apps = postgres_apps,
	.connections = postgres_connections,
	.tenants = postgres_tenants,
	.silent = postgres_silent,
	.tenant_by_name = postgres_tenant_by_name,
	.engaged = postgres_engaged,
	.claims = postgres_claims,
	.connections_of_app = postgres_connections_of_app,
	.threads = postgres_threads,
	.seen = postgres_seen,
	.tenant_put = postgres_tenant_put,
	.tenant_remove = postgres_tenant_remove,
	.app_put = postgres_app_put,
	.app_call = postgres_app_call,
	.connection_put = postgres_connection_put,
	.agent_put = postgres_agent_put,
	.agent_remove = postgres_agent_remove,
	.access_put = postgres_access_put,
	.line_put = postgres_line_put,
	.engaged_end = postgres_engaged_end,
	.feedback_put = postgres_feedback_put,
	.greet = postgres_greet,
	.records = &record_postgres,
	.usage = &usage_postgres,
	.audit = &audit_postgres,
	.keep = &keep_postgres,
	.keys = &keys_postgres,
	.canaries = &canaries_postgres,
	.grants = &grants_postgres,
	.uninstalls = &uninstall_postgres,
	.seen_put = postgres_seen_put,
	.channel_moved = postgres_channel_moved,
};
