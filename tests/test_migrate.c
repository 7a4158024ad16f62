/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/keyring.h"
#include "pg.h"
#include "scratch.h"
#include "store/audit.h"
#include "store/grants.h"
#include "store/journal.h"
#include "store/journal_ops.h"
#include "store/keys.h"
#include "store/migration.h"
#include "store/record.h"
#include "store/usage.h"

/* A store of each schema that there was, with something in every table, is
 * brought up to date. */

#define ID_FIELD "t1" /* the tenant */

static const struct pg *pg;
static struct scratch scratch;
static struct err e;

/* Of the database that is to be migrated, as who may do all. */
static sqlite3 *file;
static PGconn *server;
static char owner[160];

/* There from a version of each schema until another; 0: for ever. %A, %C, %G,
 * %K, %S: a token sealed for its place; %F: a frame. */
struct row {
	int sqlite, postgres;
	int sqlite_end, postgres_end;
	const char *table;
	const char *sql;
};

static const struct row rows[] = {
	{ 1, 1, 0, 0, "tenants",
	  "INSERT INTO tenants (id, name, rate_per_minute)"
	  " VALUES ('t1', 'acme', 7)" },
	{ 1, 1, 0, 0, "apps",
	  "INSERT INTO apps (app_id, token) VALUES ('A1', '%A')" },
	{ 1, 1, 0, 0, "connections",
	  "INSERT INTO connections (channel_type, app_id, workspace_id,"
	  " tenant_id, bot_token, bot_user_id, bot_id)"
	  " VALUES ('slack', 'A1', 'T1', 't1', '%C', 'UBOT', 'BBOT')" },
	{ 1, 1, 6, 9, "agents",
	  "INSERT INTO agents (tenant_id, name, role, persona, model,"
	  " placeholder, active)"
	  " VALUES ('t1', 'Mara', 'helper', 'Is kind.', '', '', true)" },
	{ 6, 9, 0, 0, "agents",
	  "INSERT INTO agents (tenant_id, id, name, role, persona, model,"
	  " placeholder, active, is_default)"
	  " VALUES ('t1', 'a1', 'Mara', 'helper', 'Is kind.', '', '', true,"
	  " true)" },
	{ 1, 1, 0, 0, "transcript",
	  "INSERT INTO transcript (tenant_id, channel, thread, ts, ours, name,"
	  " text) VALUES ('t1', 'C1', '1.0', '1.0', false, 'Ada', 'hello')" },
	{ 1, 1, 0, 0, "usage",
	  "INSERT INTO usage VALUES ('t1', '2026-01-01', 'm', 1, 20, 30)" },
	{ 1, 1, 0, 0, "journal",
	  "INSERT INTO journal (id, app_id, event_id, state, received_ms,"
	  " claim, tenant_id, verdict) VALUES ('e1', 'A1', 'Ev1', 'accepted',"
	  " 1700000000000, 'A1:T1:C1:1.0', 't1', 'accept')" },
	{ 1, 1, 0, 0, "journal",
	  "INSERT INTO journal (id, app_id, event_id, state, received_ms,"
	  " done_ms, tenant_id) VALUES ('e2', 'A1', 'Ev2', 'done',"
	  " 1700000000000, 1700000001000, 't1')" },
	{ 1, 1, 0, 0, "journal",
	  "INSERT INTO journal (id, app_id, event_id, state, received_ms,"
	  " done_ms, tenant_id) VALUES ('e3', 'A1', 'Ev3', 'dead',"
	  " 1700000000000, 1700000001000, 't1')" },
	{ 1, 1, 0, 0, "pending",
	  "INSERT INTO pending (seq, frame, answer)"
	  " SELECT seq, %F, 'half' FROM journal WHERE id = 'e1'" },
	{ 1, 1, 0, 0, "pending",
	  "INSERT INTO pending (seq, frame)"
	  " SELECT seq, %F FROM journal WHERE id = 'e3'" },
	{ 1, 1, 0, 0, "parts",
	  "INSERT INTO parts SELECT seq, 0, '1.5' FROM journal"
	  " WHERE id = 'e1'" },
	{ 1, 1, 0, 0, "engaged",
	  "INSERT INTO engaged VALUES ('A1:T1:C1:1.0', 1700000000000)" },
	{ 3, 4, 0, 0, "seen", "INSERT INTO seen VALUES ('A1', 1700000000000)" },
	{ 4, 6, 0, 0, "leaving",
	  "INSERT INTO leaving VALUES ('slack', 'A9', 'T9', 't9', '%L', 'U9',"
	  " 'B9', 1700000000000)" },
	{ 5, 8, 0, 0, "usage_by",
	  "INSERT INTO usage_by VALUES ('t1', 'person', 'U1', '2026-01-01',"
	  " 'm', 1, 20, 30)" },
	{ 5, 8, 0, 0, "budget_marks",
	  "INSERT INTO budget_marks VALUES ('t1', '2026-01-01',"
	  " 'person/tokens/day', 'U1', 1700000000000)" },
	{ 6, 9, 0, 0, "access", "INSERT INTO access VALUES ('t1', '', '{}')" },
	{ 7, 10, 0, 0, "secrets", "INSERT INTO secrets VALUES ('llm', '%S')" },
	{ 9, 12, 0, 0, "feedback",
	  "INSERT INTO feedback VALUES ('t1', 'e2', 'U1', true,"
	  " 1700000000000)" },
	{ 11, 14, 0, 0, "greeted",
	  "INSERT INTO greeted VALUES ('t1', 'A1', 'C1', 1700000000000)" },
	{ 12, 15, 0, 0, "clients",
	  "INSERT INTO clients VALUES ('A1', 'id', '%K')" },
	{ 12, 15, 0, 0, "grants",
	  "INSERT INTO grants VALUES ('slack', 'A1', 'T1', 't1', '%G', 5, 4,"
	  " 'given', 1)" },
	{ 15, 18, 0, 0, "keep",
	  "INSERT INTO keep VALUES ('t1', 1, 2, 3, 4, 5)" },
	{ 18, 25, 0, 0, "canaries",
	  "INSERT INTO canaries (tenant_id, channel_type, app_id, workspace_id,"
	  " channel, minutes) VALUES ('t1', 'slack', 'A1', 'T1', 'C1', 5)" },
};

static bool is_postgres(void)
{
	return server != NULL;
}

static int newest(void)
{
	return is_postgres() ? postgres_nmigrations : sqlite_nmigrations;
}

static bool is_there(const struct row *r, int version)
{
	int from = is_postgres() ? r->postgres : r->sqlite;
	int end = is_postgres() ? r->postgres_end : r->sqlite_end;

	return version >= from && (end == 0 || version < end);
}

static void add_sealed(struct buf *out, const char *place, const char *plain)
{
	char key[KEY_ID_SIZE];

	keyring_newest(scratch.keyring, key);
	ck_assert_msg(keyring_seal(scratch.keyring, key, place, plain, out,
				   &e) == 0,
		      "%s", e.msg);
}

static void add_value(struct buf *out, char what)
{
	switch (what) {
	case 'A':
		add_sealed(out, "apps/A1/token", "xapp-one");
		break;
	case 'C':
		add_sealed(out, "connections/slack/A1/T1/bot_token",
			   "xoxb-one");
		break;
	case 'L':
		add_sealed(out, "connections/slack/A9/T9/bot_token",
			   "xoxb-nine");
		break;
	case 'S':
		add_sealed(out, "secrets/llm", "sk-one");
		break;
	case 'K':
		add_sealed(out, "clients/A1/client_secret", "secret");
		break;
	case 'G':
		add_sealed(out, "grants/slack/A1/T1/refresh_token", "xoxe-1");
		break;
	default:
		ck_assert_int_eq(what, 'F');
		(void)buf_adds(out, is_postgres() ? "'\\x7b7d'" : "x'7b7d'");
	}
}

static void execute(const char *sql)
{
	char *why = NULL;
	PGresult *r;

	if (is_postgres()) {
		r = PQexec(server, sql);
		ck_assert_msg(PQresultStatus(r) == PGRES_COMMAND_OK ||
				      PQresultStatus(r) == PGRES_TUPLES_OK,
			      "%s: %s", sql, PQerrorMessage(server));
		PQclear(r);
		return;
	}
	ck_assert_msg(sqlite3_exec(file, sql, NULL, NULL, &why) == SQLITE_OK,
		      "%s: %s", sql, why);
}

static void insert(const struct row *r)
{
	struct buf sql;
	const char *p;

	buf_init(&sql, 65536);
	for (p = r->sql; *p; p++) {
		if (*p == '%')
			add_value(&sql, *++p);
		else
			(void)buf_add(&sql, p, 1);
	}
	execute(sql.data);
	buf_release(&sql);
}

static int take_number(void *out, int n, char **values, char **names)
{
	(void)n;
	(void)names;
	*(int64_t *)out = values[0] ? strtoll(values[0], NULL, 10) : 0;
	return 0;
}

static int64_t ask(const char *sql)
{
	int64_t n = -1;
	PGresult *r;

	if (!is_postgres()) {
		ck_assert_int_eq(sqlite3_exec(file, sql, take_number, &n, NULL),
				 SQLITE_OK);
		return n;
	}
	r = PQexec(server, sql);
	ck_assert_int_eq(PQntuples(r), 1);
	n = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return n;
}

static int64_t count(const char *table)
{
	char sql[80];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	return ask(sql);
}

static void make_sqlite(int version)
{
	char sql[64];
	int i;

	ck_assert_int_eq(sqlite3_open(scratch.path, &file), SQLITE_OK);
	execute("PRAGMA foreign_keys = ON");
	for (i = 0; i < version; i++)
		execute(sqlite_migrations[i].sql);
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
	execute(sql);
}

/* As the owner, whom row level security binds as well. */
static void make_postgres(int version)
{
	int i;

	execute("DROP SCHEMA IF EXISTS konstruct CASCADE");
	execute("SET ROLE konstruct_owner");
	execute("BEGIN");
	for (i = 0; i < version; i++)
		execute(postgres_migrations[i].sql);
	execute(postgres_after.sql);
	execute("COMMIT");
	execute("RESET ROLE");
	execute("SET search_path = konstruct");
}

static void migrate(int version)
{
	int from, to;

	if (is_postgres()) {
		ck_assert_msg(store_postgres.migrate(owner, NULL, &from, &to,
						     &e) == 0,
			      "from %d: %s", version, e.msg);
		ck_assert_int_eq(from, version);
		ck_assert_int_eq(to, newest());
		return;
	}
	ck_assert_int_eq(sqlite3_close(file), SQLITE_OK);
	store_sqlite.close(scratch_open(&scratch, true));
	ck_assert_int_eq(sqlite3_open(scratch.path, &file), SQLITE_OK);
	ck_assert_int_eq(ask("PRAGMA user_version"), newest());
	ck_assert_int_eq(ask("SELECT count(*) FROM pragma_integrity_check"
			     " WHERE integrity_check <> 'ok'"),
			 0);
	ck_assert_int_eq(ask("SELECT count(*) FROM pragma_foreign_key_check"),
			 0);
}

static void setup_sqlite(void)
{
	e = (struct err){ 0 };
	server = NULL;
	scratch_make(&scratch);
}

static void set_database(char *url)
{
	char *at = strstr(url, "///konstruct?");

	ck_assert_ptr_nonnull(at);
	memmove(at + 3 + 8, at + 12, strlen(at + 12) + 1);
	memcpy(at + 3, "postgres", 8);
}

static void setup_postgres(void)
{
	char super[160];

	e = (struct err){ 0 };
	scratch_make_at(&scratch, pg->foreign);
	(void)snprintf(owner, sizeof(owner), "%s", pg->owner);
	(void)snprintf(super, sizeof(super), "%s", pg->super);
	set_database(owner);
	set_database(super);
	server = PQconnectdb(super);
	ck_assert_int_eq(PQstatus(server), CONNECTION_OK);
	execute("SET client_min_messages = warning");
}

static void teardown(void)
{
	if (is_postgres()) {
		execute("DROP SCHEMA IF EXISTS konstruct CASCADE");
		PQfinish(server);
	} else {
		(void)sqlite3_close(file);
	}
	scratch_remove(&scratch);
}

/* Whoever settled before has the only agent, which is the default then. */
static void check_tenant(struct store *st)
{
	struct connection c;
	struct agent a;
	struct transcript t;

	ck_assert_msg(st->ops->resolve(st, "slack", "A1", "T1", &c, &e) == 1,
		      "%s", e.msg);
	ck_assert_str_eq(c.bot_token, "xoxb-one");
	ck_assert_str_eq(c.tenant.name, "acme");
	ck_assert_int_eq(c.tenant.rate_per_minute, 7);
	connection_release(&c);
	ck_assert_msg(st->ops->agent(st, ID_FIELD, "C1", "1.0", &a, &e) == 1,
		      "%s", e.msg);
	ck_assert_str_eq(a.name, "Mara");
	ck_assert(a.is_default);
	agent_release(&a);
	ck_assert_int_eq(
		st->ops->history(st, ID_FIELD, "C1", "1.0", 1000, &t, &e), 1);
	ck_assert_uint_eq(t.n, 1);
	ck_assert_str_eq(t.lines[0].text, "hello");
	transcript_release(&t);
}

static int see_secret(const char *id, int64_t n, void *arg)
{
	ck_assert(keyring_has(scratch.keyring, id));
	*(int64_t *)arg += n;
	return 0;
}

static int see_dead(const struct record *r, void *arg)
{
	ck_assert_str_eq(r->id, "e3");
	ck_assert(r->kept);
	++*(int *)arg;
	return 0;
}

static int see_grant(const struct grant *g, void *arg)
{
	ck_assert_str_eq(g->refresh_token, "xoxe-1");
	ck_assert_str_eq(g->client_secret, "secret");
	++*(int *)arg;
	return 0;
}

static void check_store(int version)
{
	struct store *st = scratch_open(&scratch, false);
	int64_t secrets = 0;
	int n = 0;

	check_tenant(st);
	ck_assert_int_eq(st->ops->keys->count(st, see_secret, &secrets, &e), 0);
	ck_assert_int_ge(secrets, 2);
	ck_assert_int_eq(st->ops->records->dead(st, see_dead, &n, &e), 0);
	ck_assert_int_eq(n, 1);
	n = 0;
	ck_assert_int_eq(st->ops->grants->due(st, 10, see_grant, &n, &e), 0);
	ck_assert_int_eq(n, version >= (is_postgres() ? 15 : 12));
	st->ops->close(st);
}

static int see_unfinished(struct entry *en, void *arg)
{
	ck_assert_str_eq(en->id, "e1");
	ck_assert_int_eq(en->state, ENTRY_ACCEPTED);
	ck_assert_str_eq(en->frame, "{}");
	ck_assert_str_eq(en->answer, "half");
	ck_assert_uint_eq(en->nparts, 1);
	ck_assert_str_eq(en->parts[0], "1.5");
	++*(int *)arg;
	return 0;
}

static struct queue *ended;

static void end(struct journal_req *r)
{
	queue_push(ended, &r->node);
}

static void run(struct journal *j, struct journal_req *r)
{
	r->err = &e;
	r->done = end;
	ck_assert(journal_submit(j, r));
	ck_assert_ptr_nonnull(queue_pop(ended, -1));
	ck_assert_msg(r->ok, "%s", e.msg);
}

/* What was under way is there, and can be finished. */
static void check_journal(void)
{
	struct journal *j =
		journal_create(scratch.url, scratch.keyring, 100, &e);
	struct usage_new u = { .tenant_id = ID_FIELD,
			       .channel = "C1",
			       .user = "U1",
			       .model = "m" };
	struct audit_new a = { .tenant_id = ID_FIELD, .what = "ask" };
	struct journal_req r = { .kind = JOURNAL_DONE,
				 .entry_id = "e1",
				 .usage = &u,
				 .audits = &a,
				 .naudits = 1 };
	int64_t told = count("audit");
	int n = 0;

	ck_assert_msg(j != NULL, "%s", e.msg);
	ck_assert_int_eq(journal_unfinished(j, see_unfinished, &n, &e), 0);
	ck_assert_int_eq(n, 1);
	ended = queue_create();
	run(j, &r);
	queue_free(ended);
	/* Its thread takes them into the trail. */
	while (is_postgres() && count("audit_new") > 0)
		poll(NULL, 0, 10);
	journal_free(j);
	ck_assert_int_eq(ask("SELECT count(*) FROM journal"
			     " WHERE done_ms IS NULL"),
			 0);
	ck_assert_int_eq(count("audit"), told + 1);
}

START_TEST(store_of_each_version_is_brought_up_to_date)
{
	int64_t before[sizeof(rows) / sizeof(rows[0])];
	size_t i, n = sizeof(rows) / sizeof(rows[0]);
	int version = _i;

	if (version > newest())
		return;
	if (is_postgres())
		make_postgres(version);
	else
		make_sqlite(version);
	for (i = 0; i < n; i++) {
		if (is_there(&rows[i], version))
			insert(&rows[i]);
	}
	for (i = 0; i < n; i++)
		before[i] = is_there(&rows[i], version) ? count(rows[i].table)
							: 0;
	migrate(version);
	for (i = 0; i < n; i++) {
		if (before[i] > 0)
			ck_assert_msg(count(rows[i].table) == before[i],
				      "%s of version %d", rows[i].table,
				      version);
	}
	check_store(version);
	check_journal();
}
END_TEST

static TCase *each(const char *name, void (*setup)(void), int versions)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, store_of_each_version_is_brought_up_to_date, 1,
			    versions + 1);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("migrate");
	SRunner *sr;
	int failed;

	pg = pg_start();
	suite_add_tcase(s, each("sqlite", setup_sqlite, sqlite_nmigrations));
	suite_add_tcase(s, each("postgresql", setup_postgres,
				postgres_nmigrations));
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
