/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg.h"

/*
 * Row level security, by trying to get around it: as the daemon's role, on
 * plain connections, with two tenants of whom "a" is whoever attacks and "b"
 * the one attacked.
 */

static const struct pg *pg;
static PGconn *c;

/* Each tenant table: what tells whose a row is, a column that can be
 * changed, and a row of b's to be smuggled in. */
static const struct {
	const char *name;
	const char *key;
	const char *column;
	const char *row;
} tables[] = {
	{ "tenants", "id", "paused = true",
	  "(id, name) VALUES ('c', 'smuggled')" },
	{ "connections", "tenant_id", "bot_id = 'x'",
	  "VALUES ('slack', 'A1', 'T9', 'b', 's', 'u', 'b')" },
	{ "agents", "tenant_id", "name = 'x'",
	  "VALUES ('b', 'n', 'r', 'p', 'm', 'h', true)" },
	{ "access", "tenant_id", "settings = 'x'", "VALUES ('b', 'x', '{}')" },
	{ "transcript", "tenant_id", "text = 'x'",
	  "VALUES ('b', 'C1', '1.0', '9.9', true, NULL, NULL, 't')" },
	{ "usage", "tenant_id", "answers = 9",
	  "VALUES ('b', '2026-01-01', 'other', 1, 1, 1)" },
	{ "grants", "tenant_id", "expires_ms = 9",
	  "VALUES ('slack', 'A1', 'T2', 'b', 's', 0, 0, '', 1)" },
	{ "canaries", "tenant_id", "minutes = 9",
	  "VALUES ('b', 'slack', 'A1', 'Tb', 'C1', 5)" },
	{ "keep", "tenant_id", "audit = 9", "VALUES ('b', 0, 0, 0, 0, 0)" },
	{ "homes", "tenant_id", "day = '2026-01-02'",
	  "VALUES ('b', 'A1', 'T1', 'person', 'U2', '2026-01-01')" },
	{ "usage_by", "tenant_id", "answers = 9",
	  "VALUES ('b', 'person', 'U2', '2026-01-01', 'm', 1, 1, 1)" },
	{ "budget_marks", "tenant_id", "at_ms = 9",
	  "VALUES ('b', '2026-01-01', 'tenant/tokens/day', 'other', 1)" },
	{ "greeted", "tenant_id", "at_ms = 2", "VALUES ('b', 'A1', 'C1', 1)" },
	{ "feedback", "tenant_id", "up = false",
	  "VALUES ('b', 'e2', 'U1', true, 1)" },
};
#define TABLES (int)(sizeof(tables) / sizeof(tables[0]))

/* The daemon's own memory, which it reaches through functions only. */
static const char *const own[] = { "journal",  "pending",     "parts",
				   "engaged",  "nodes",       "partitions",
				   "renewals", "leaving",     "node_keys",
				   "audit",    "audit_chain", "audit_new" };
#define OWN (int)(sizeof(own) / sizeof(own[0]))

static void setup(void)
{
	pg_empty();
	(void)pg_ask("INSERT INTO tenants (id, name) VALUES ('a', 'attacker'),"
		     " ('b', 'attacked')");
	(void)pg_ask("INSERT INTO apps VALUES ('A1', 'sealed')");
	(void)pg_ask("INSERT INTO connections SELECT 'slack', 'A1', 'T' || id,"
		     " id, 'sealed', 'u', 'b' FROM tenants");
	(void)pg_ask("INSERT INTO agents SELECT id, 'n', 'r', 'p', 'm', 'h',"
		     " true FROM tenants");
	(void)pg_ask("INSERT INTO access SELECT id, '', '{}' FROM tenants");
	(void)pg_ask("INSERT INTO transcript SELECT id, 'C1', '1.0', '1.0',"
		     " true, NULL, NULL, 'secret' FROM tenants");
	(void)pg_ask("INSERT INTO usage SELECT id, '2026-01-01', 'm', 1, 1, 1"
		     " FROM tenants");
	(void)pg_ask("INSERT INTO usage_by SELECT id, 'person', 'U1',"
		     " '2026-01-01', 'm', 1, 1, 1 FROM tenants");
	(void)pg_ask("INSERT INTO budget_marks SELECT id, '2026-01-01',"
		     " 'tenant/tokens/day', '', 1 FROM tenants");
	(void)pg_ask("INSERT INTO greeted SELECT id, 'A1', 'C0', 1"
		     " FROM tenants");
	(void)pg_ask("INSERT INTO feedback SELECT id, 'e1', 'U1', true, 1"
		     " FROM tenants");
	(void)pg_ask("INSERT INTO keep SELECT id, 0, 0, 0, 0, 0"
		     " FROM tenants");
	(void)pg_ask("INSERT INTO homes SELECT id, 'A1', 'T1', 'person',"
		     " 'U1', '2026-01-01' FROM tenants");
	(void)pg_ask("INSERT INTO grants SELECT 'slack', 'A1', 'T' || id,"
		     " id, 'sealed', 0, 0, '', 1 FROM tenants");
	(void)pg_ask(
		"INSERT INTO canaries (tenant_id, channel_type, app_id,"
		" workspace_id, channel, minutes) SELECT id, 'slack', 'A1',"
		" 'T' || id, 'C1', 5 FROM tenants");
	c = PQconnectdb(pg->url);
	ck_assert_int_eq(PQstatus(c), CONNECTION_OK);
	PQclear(PQexec(c, "SET search_path = konstruct, pg_temp"));
}

static void teardown(void)
{
	PQfinish(c);
}

/* Rows seen or changed, -1 when it was refused. */
__attribute__((format(printf, 1, 2))) static int rows(const char *fmt, ...)
{
	char sql[400];
	va_list ap;
	PGresult *r;
	int n = -1;

	va_start(ap, fmt);
	(void)vsnprintf(sql, sizeof(sql), fmt, ap);
	va_end(ap);
	r = PQexec(c, sql);
	if (PQresultStatus(r) == PGRES_TUPLES_OK)
		n = PQntuples(r);
	else if (PQresultStatus(r) == PGRES_COMMAND_OK)
		n = (int)strtol(PQcmdTuples(r), NULL, 10);
	PQclear(r);
	return n;
}

static void sql(const char *text)
{
	PGresult *r = PQexec(c, text);

	ck_assert_msg(PQresultStatus(r) == PGRES_COMMAND_OK ||
			      PQresultStatus(r) == PGRES_TUPLES_OK,
		      "%s", PQerrorMessage(c));
	PQclear(r);
}

static void be(const char *tenant)
{
	char text[80];

	(void)snprintf(text, sizeof(text),
		       "SELECT set_config('app.current_tenant', '%s', true)",
		       tenant);
	sql(text);
}

/* No row of the table can be seen, changed, deleted or added; outside of a
 * transaction, since a refusal would end it. */
static void sees_nothing(int i)
{
	ck_assert_int_eq(rows("SELECT * FROM %s", tables[i].name), 0);
	ck_assert_int_eq(
		rows("UPDATE %s SET %s", tables[i].name, tables[i].column), 0);
	ck_assert_int_eq(rows("DELETE FROM %s", tables[i].name), 0);
	ck_assert_int_eq(
		rows("INSERT INTO %s %s", tables[i].name, tables[i].row), -1);
}

START_TEST(without_a_setting_nothing_is_visible_or_writable)
{
	sees_nothing(_i);
}
END_TEST

START_TEST(with_an_unknown_tenant_nothing_is_visible_or_writable)
{
	sql("SET app.current_tenant = 'nobody'");
	sees_nothing(_i);
	sql("SET app.current_tenant = ''");
	sees_nothing(_i);
	sql("SET app.current_tenant = '%'");
	sees_nothing(_i);
}
END_TEST

START_TEST(setting_of_the_last_transaction_is_gone)
{
	sql("BEGIN");
	be("b");
	ck_assert_int_eq(rows("SELECT * FROM %s", tables[_i].name), 1);
	sql("COMMIT");
	sees_nothing(_i);
	sql("BEGIN");
	be("b");
	sql("ROLLBACK");
	sees_nothing(_i);
}
END_TEST

START_TEST(tenant_sees_its_own_rows_only)
{
	sql("BEGIN");
	be("a");
	ck_assert_int_eq(rows("SELECT * FROM %s", tables[_i].name), 1);
	ck_assert_int_eq(rows("SELECT * FROM %s WHERE %s = 'b'",
			      tables[_i].name, tables[_i].key),
			 0);
	sql("ROLLBACK");
}
END_TEST

START_TEST(tenant_changes_no_row_of_another)
{
	char mine[80];

	sql("SET app.current_tenant = 'a'");
	(void)snprintf(mine, sizeof(mine), "%s WHERE %s = 'b'",
		       tables[_i].column, tables[_i].key);
	ck_assert_int_eq(rows("UPDATE %s SET %s", tables[_i].name, mine), 0);
	ck_assert_int_eq(rows("DELETE FROM %s WHERE %s = 'b'", tables[_i].name,
			      tables[_i].key),
			 0);
}
END_TEST

START_TEST(tenant_adds_and_gives_no_row_to_another)
{
	sql("SET app.current_tenant = 'a'");
	ck_assert_int_eq(
		rows("INSERT INTO %s %s", tables[_i].name, tables[_i].row), -1);
	ck_assert_int_eq(rows("UPDATE %s SET %s = 'b'", tables[_i].name,
			      tables[_i].key),
			 -1);
}
END_TEST

START_TEST(conflict_with_a_row_of_another_does_not_change_it)
{
	sql("SET app.current_tenant = 'a'");
	ck_assert_int_eq(
		rows("INSERT INTO %s VALUES ('slack', 'A1', 'Tb', 'a', 's',"
		     " 'u', 'b') ON CONFLICT (channel_type, app_id,"
		     " workspace_id) DO UPDATE SET bot_token = 'stolen'",
		     "connections"),
		-1);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM connections"
				" WHERE bot_token = 'stolen'"),
			 0);
}
END_TEST

START_TEST(security_cannot_be_switched_off)
{
	sql("SET app.current_tenant = 'a'");
	ck_assert_int_eq(rows("ALTER TABLE %s DISABLE ROW LEVEL SECURITY",
			      tables[_i].name),
			 -1);
	ck_assert_int_eq(rows("DROP POLICY tenant ON %s", tables[_i].name), -1);
	ck_assert_int_eq(rows("TRUNCATE %s", tables[_i].name), -1);
	sql("SET row_security = off");
	ck_assert_int_eq(rows("SELECT * FROM %s", tables[_i].name), -1);
}
END_TEST

START_TEST(security_is_enabled_and_forced)
{
	char text[200];

	(void)snprintf(text, sizeof(text),
		       "SELECT relrowsecurity AND relforcerowsecurity"
		       " FROM pg_class WHERE oid = 'konstruct.%s'::regclass",
		       tables[_i].name);
	ck_assert_int_eq(pg_ask(text), 1);
}
END_TEST

/* A table that is added later is to be listed here. */
START_TEST(every_table_with_a_tenant_is_tested)
{
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM pg_class WHERE"
				" relnamespace = 'konstruct'::regnamespace"
				" AND relkind = 'r'"),
			 /* apps, clients, migrations, seen, sealing, secrets */
			 TABLES + OWN + 6);
}
END_TEST

START_TEST(memory_of_the_daemon_is_out_of_reach)
{
	ck_assert_int_eq(rows("SELECT * FROM %s", own[_i]), -1);
	ck_assert_int_eq(rows("DELETE FROM %s", own[_i]), -1);
	ck_assert_int_eq(rows("TRUNCATE %s", own[_i]), -1);
}
END_TEST

START_TEST(other_roles_are_out_of_reach)
{
	ck_assert_int_eq(rows("SET ROLE %s", "konstruct_definer"), -1);
	ck_assert_int_eq(rows("SET ROLE %s", "konstruct_owner"), -1);
	ck_assert_int_eq(rows("CREATE TABLE konstruct.%s (x int)", "mine"), -1);
	ck_assert_int_eq(rows("SELECT * FROM %s", "connected"), -1);
	ck_assert_int_eq(rows("SELECT * FROM %s", "sealed"), -1);
}
END_TEST

START_TEST(functions_cannot_be_led_to_other_tables)
{
	sql("CREATE TEMP TABLE tenants (LIKE konstruct.tenants"
	    " INCLUDING DEFAULTS)");
	sql("INSERT INTO pg_temp.tenants (id, name) VALUES ('x', 'fake')");
	sql("SET search_path = pg_temp, konstruct");
	ck_assert_int_eq(rows("SELECT * FROM %s('fake')", "tenants_named"), 0);
	ck_assert_int_eq(rows("SELECT * FROM %s('attacked')", "tenants_named"),
			 1);
}
END_TEST

static TCase *tenants(void)
{
	TCase *tc = tcase_create("tenants");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc,
			    without_a_setting_nothing_is_visible_or_writable, 0,
			    TABLES);
	tcase_add_loop_test(
		tc, with_an_unknown_tenant_nothing_is_visible_or_writable, 0,
		TABLES);
	tcase_add_loop_test(tc, setting_of_the_last_transaction_is_gone, 0,
			    TABLES);
	tcase_add_loop_test(tc, tenant_sees_its_own_rows_only, 0, TABLES);
	tcase_add_loop_test(tc, tenant_changes_no_row_of_another, 0, TABLES);
	tcase_add_loop_test(tc, tenant_adds_and_gives_no_row_to_another, 0,
			    TABLES);
	tcase_add_test(tc, conflict_with_a_row_of_another_does_not_change_it);
	tcase_add_loop_test(tc, security_cannot_be_switched_off, 0, TABLES);
	tcase_add_loop_test(tc, security_is_enabled_and_forced, 0, TABLES);
	tcase_add_test(tc, every_table_with_a_tenant_is_tested);
	return tc;
}

static TCase *daemon_wide(void)
{
	TCase *tc = tcase_create("daemon");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, memory_of_the_daemon_is_out_of_reach, 0, OWN);
	tcase_add_test(tc, other_roles_are_out_of_reach);
	tcase_add_test(tc, functions_cannot_be_led_to_other_tables);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("rls");
	SRunner *sr = srunner_create(s);
	int nfailed;

	pg = pg_start();
	suite_add_tcase(s, tenants());
	suite_add_tcase(s, daemon_wide());
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
