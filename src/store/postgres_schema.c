/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/audit.h"
#include "store/migration.h"
#include "store/postgres.h"

/*
 * This program works with schemas from here up to the newest that it knows,
 * and with newer ones that say so themselves (migrations.works_from).
 */
#define SCHEMA_MIN 26
/* The same for one of several nodes. */
#define SCHEMA_NODES 26

#define LOOK_MS 20000 /* before migrating */

#define RUN_MIGRATE "run 'konstructctl migrate' as the database's owner"

static bool went_well(const PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* A lock that isn't had in time, or a server that shuts down, says nothing of
 * the database. */
static bool may_pass(const PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);

	return !state || strncmp(state, "55", 2) == 0 ||
	       strncmp(state, "57", 2) == 0;
}

static PGresult *ask(PGconn *c, const char *sql, int64_t until_ms,
		     struct err *e)
{
	PGresult *r = postgres_ask(c, sql, NULL, until_ms);
	const char *state;

	if (went_well(r))
		return r;
	state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	if (state && strcmp(state, "42501") == 0)
		err_set(e, ERR_FATAL,
			"role '%s' may not use schema 'konstruct' of database "
			"'%s': connect as konstruct_daemon, or GRANT "
			"konstruct_daemon to it (docs/postgresql.md)",
			PQuser(c), PQdb(c));
	else
		err_set(e, may_pass(r) ? ERR_RETRY : ERR_FATAL,
			"cannot look at database '%s': %s", PQdb(c),
			r ? PQerrorMessage(c) : "no answer");
	PQclear(r);
	return NULL;
}

static int execute(PGconn *c, const char *sql, const char *what, struct err *e)
{
	PGresult *r = PQexec(c, sql);
	int rc = 0;

	if (!went_well(r))
		rc = err_set(e, ERR_FATAL, "%s: %s", what, PQerrorMessage(c));
	PQclear(r);
	return rc;
}

/* 0: there is none. */
static int version_of(PGconn *c, int64_t until_ms, int *version,
		      int *works_from, struct err *e)
{
	PGresult *r;
	bool there;

	*version = *works_from = 0;
	r = ask(c,
		"SELECT 1 FROM pg_class c JOIN pg_namespace n"
		" ON n.oid = c.relnamespace WHERE n.nspname = 'konstruct'"
		" AND c.relname = 'migrations'",
		until_ms, e);
	if (!r)
		return -1;
	there = PQntuples(r) > 0;
	PQclear(r);
	if (!there)
		return 0;
	r = ask(c,
		"SELECT version, works_from FROM konstruct.migrations"
		" ORDER BY version DESC LIMIT 1",
		until_ms, e);
	if (!r)
		return -1;
	if (PQntuples(r) > 0) {
		*version = (int)postgres_int(r, 0, 0);
		*works_from = (int)postgres_int(r, 0, 1);
	}
	PQclear(r);
	return 0;
}

static int check_version(PGconn *c, int min, int64_t until_ms, struct err *e)
{
	int version, works_from;

	if (version_of(c, until_ms, &version, &works_from, e) < 0)
		return -1;
	if (version == 0)
		return err_set(e, ERR_FATAL,
			       "database '%s' has no schema; " RUN_MIGRATE,
			       PQdb(c));
	if (version < min)
		return err_set(e, ERR_FATAL,
			       "database '%s' has schema %d, this konstructd"
			       " works with %d to %d; " RUN_MIGRATE,
			       PQdb(c), version, min, postgres_nmigrations);
	if (version > postgres_nmigrations && works_from > postgres_nmigrations)
		return err_set(e, ERR_FATAL,
			       "database '%s' has schema %d, this konstructd"
			       " works with %d to %d; install a newer one",
			       PQdb(c), version, min, postgres_nmigrations);
	return 0;
}

/* Row level security would bind none of these. */
static int check_role(PGconn *c, int64_t until_ms, struct err *e)
{
	PGresult *r;
	bool mighty;

	r = ask(c,
		"SELECT bool_or(o.rolsuper OR o.rolbypassrls"
		" OR o.rolname = 'konstruct_definer' OR o.oid ="
		" (SELECT relowner FROM pg_class"
		" WHERE oid = 'konstruct.tenants'::regclass))"
		" FROM pg_roles o WHERE pg_has_role(current_user, o.oid,"
		" 'MEMBER')",
		until_ms, e);
	if (!r)
		return -1;
	mighty = postgres_bool(r, 0, 0);
	PQclear(r);
	if (mighty)
		return err_set(e, ERR_FATAL,
			       "role '%s' could get around row level security;"
			       " let the daemon connect as konstruct_daemon",
			       PQuser(c));
	return 0;
}

int postgres_check(PGconn *c, bool several, int64_t until_ms, struct err *e)
{
	int min = several ? SCHEMA_NODES : SCHEMA_MIN;

	if (check_version(c, min, until_ms, e) < 0)
		return -1;
	return check_role(c, until_ms, e);
}

/* What the migrations take for granted. */
static int check_owner(PGconn *c, struct err *e)
{
	PGresult *r;
	int rc = 0;

	r = ask(c,
		"SELECT getdatabaseencoding() = 'UTF8',"
		" current_user <> 'konstruct_daemon',"
		" (SELECT count(*) = 2 FROM pg_roles WHERE rolname IN"
		" ('konstruct_daemon', 'konstruct_definer'))",
		clock_ms() + LOOK_MS, e);
	if (!r)
		return -1;
	if (!postgres_bool(r, 0, 0))
		rc = err_set(e, ERR_FATAL, "database '%s' isn't in UTF-8",
			     PQdb(c));
	else if (!postgres_bool(r, 0, 1))
		rc = err_set(e, ERR_FATAL,
			     "the daemon's role must not own the schema; "
			     "migrate as konstruct_owner");
	else if (!postgres_bool(r, 0, 2))
		rc = err_set(e, ERR_FATAL,
			     "roles konstruct_daemon and konstruct_definer are"
			     " missing; see docs/postgresql.md");
	PQclear(r);
	return rc;
}

/* As the function's owner has it, whose member the schema's owner is. */
static int remark(PGconn *c, const char *by, const char *command, struct err *e)
{
	const struct audit_new a = { .what = "admin",
				     .by = by,
				     .command = command };
	char at[POSTGRES_NUMBER];
	const char *params[2] = { postgres_number(at, clock_wall_ms()) };
	struct buf body;
	PGresult *r;
	int rc = 0;

	buf_init(&body, AUDIT_BODY_MAX);
	if (audit_body(&a, &body) < 0) {
		buf_release(&body);
		return err_set(e, ERR_RETRY, "no memory for an audit row");
	}
	params[1] = body.data;
	r = PQexecParams(c, "SELECT konstruct.audit_add($1, '', $2)", 2, NULL,
			 params, NULL, NULL, 0);
	if (!went_well(r))
		rc = err_set(e, ERR_FATAL, "cannot add to the audit trail: %s",
			     PQerrorMessage(c));
	PQclear(r);
	buf_release(&body);
	return rc;
}

/* Functions and views get their owner, and the trail is told. */
static int settle(PGconn *c, const char *by, int from, int to, struct err *e)
{
	char command[64];

	if (from == to)
		return 0;
	if (execute(c, postgres_after.sql, postgres_after.name, e) < 0)
		return -1;
	if (!by)
		return 0;
	(void)snprintf(command, sizeof(command), "migrate %d to %d", from, to);
	return remark(c, by, command, e);
}

static int step_up(PGconn *c, int *from, int *to, struct err *e)
{
	int ignored;

	/* One at a time, until the end of the transaction. */
	if (execute(c, "SELECT pg_advisory_xact_lock(1265529716, 2)",
		    "cannot lock the schema", e) < 0 ||
	    version_of(c, clock_ms() + LOOK_MS, from, &ignored, e) < 0)
		return -1;
	if (*from > postgres_nmigrations)
		return err_set(e, ERR_FATAL,
			       "database '%s' has schema %d, this program"
			       " knows up to %d",
			       PQdb(c), *from, postgres_nmigrations);
	for (*to = *from; *to < postgres_nmigrations; ++*to) {
		if (execute(c, postgres_migrations[*to].sql,
			    postgres_migrations[*to].name, e) < 0)
			return -1;
	}
	return 0;
}

/* A password would be seen by all who can list processes. */
static int refuse_password(const char *url, struct err *e)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	PQconninfoOption *o;
	int rc = 0;

	for (o = options; o && o->keyword; o++) {
		if (strcmp(o->keyword, "password") == 0 && o->val && *o->val)
			rc = err_set(e, ERR_INPUT,
				     "leave the password to a file"
				     " (passfile=... or ~/.pgpass)");
	}
	PQconninfoFree(options);
	return rc;
}

int postgres_migrate(const char *url, const char *by, int *from, int *to,
		     struct err *e)
{
	PGconn *c;
	int rc = -1;

	if (refuse_password(url, e) < 0)
		return -1;
	c = postgres_dial(url, e);
	if (!c)
		return -1;
	if (check_owner(c, e) == 0 &&
	    execute(c, "SET client_min_messages = warning; BEGIN",
		    "cannot migrate", e) == 0 &&
	    step_up(c, from, to, e) == 0 && settle(c, by, *from, *to, e) == 0)
		rc = execute(c, "COMMIT", "cannot migrate", e);
	PQfinish(c);
	return rc;
}
