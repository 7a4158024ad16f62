/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "pg.h"
#include "scratch.h"
#include "store/audit.h"
#include "store/migration.h"
#include "store/sqlite.h"
#include "store/uninstall.h"

static const struct pg *pg;
static struct scratch scratch;
static struct store *st;
static char acme[ID_SIZE];
static struct err e;

static void setup_files(void)
{
	e = (struct err){ 0 };
	scratch_make(&scratch);
}

static void teardown_files(void)
{
	scratch_remove(&scratch);
}

static void setup_postgres(void)
{
	e = (struct err){ 0 };
	pg_empty();
	scratch_make_at(&scratch, pg->url);
	st = scratch_open(&scratch, true);
	scratch_acme(st, acme);
}

static void setup_sqlite(void)
{
	setup_files();
	st = scratch_open(&scratch, true);
	scratch_acme(st, acme);
}

static void teardown(void)
{
	st->ops->close(st);
	teardown_files();
}

/* Resolve workspace of A1; what it gave. */
static int resolve(const char *workspace, struct connection *c)
{
	return st->ops->resolve(st, "slack", "A1", workspace, c, &e);
}

START_TEST(connection_resolves_with_its_tenant_and_token)
{
	struct connection c;

	ck_assert_int_eq(resolve("T1", &c), 1);
	ck_assert_str_eq(c.tenant_id, acme);
	ck_assert_str_eq(c.bot_token, "xoxb-one");
	ck_assert_str_eq(c.bot_user_id, "UBOT");
	ck_assert_str_eq(c.bot_id, "BBOT");
	ck_assert_str_eq(c.tenant.name, "acme");
	ck_assert_int_eq(c.tenant.rate_per_minute, -1);
	ck_assert_int_eq(c.tenant.burst, 5);
	ck_assert(!c.tenant.paused);
	ck_assert(!c.tenant.agent_sessions);
	ck_assert(!c.tenant.streaming);
	connection_release(&c);
}
END_TEST

START_TEST(unknown_workspace_is_not_found)
{
	struct connection c;

	ck_assert_int_eq(resolve("T2", &c), 0);
}
END_TEST

START_TEST(agent_is_found_also_if_it_is_paused)
{
	struct agent a;

	ck_assert_int_eq(st->ops->agent(st, acme, NULL, NULL, &a, &e), 1);
	ck_assert_str_eq(a.name, "Mara");
	ck_assert_str_eq(a.persona, "Is kind.");
	ck_assert_str_eq(a.model, "");
	ck_assert_str_eq(a.locale, "");
	free(a.locale);
	a.locale = strdup("de");
	ck_assert_int_eq(st->ops->agent_put(st, &a, &e), 0);
	agent_release(&a);
	ck_assert_int_eq(st->ops->agent(st, acme, NULL, NULL, &a, &e), 1);
	ck_assert_str_eq(a.locale, "de");
	a.active = false;
	ck_assert_int_eq(st->ops->agent_put(st, &a, &e), 0);
	agent_release(&a);
	ck_assert_int_eq(st->ops->agent(st, acme, NULL, NULL, &a, &e), 1);
	ck_assert(!a.active);
	agent_release(&a);
}
END_TEST

static int resolve_in(const char *channel, struct connection *c)
{
	return st->ops->resolve_for(st, "slack", "A1", "T1", channel, "1.0", c,
				    &e);
}

static void put_agent(struct store *s, const char *name, const char *channels)
{
	struct agent a = { .tenant_id = acme,
			   .name = (char *)name,
			   .channels = (char *)channels,
			   .active = true };

	ck_assert_msg(s->ops->agent_put(s, &a, &e) == 0, "%s", e.msg);
}

/* want is NULL: nobody. */
static void expect_agent(const char *tenant_id, const char *channel,
			 const char *thread, const char *want)
{
	struct agent a = { 0 };

	ck_assert_int_eq(st->ops->agent(st, tenant_id, channel, thread, &a, &e),
			 want != NULL);
	ck_assert_pstr_eq(a.name, want);
	agent_release(&a);
}

static int take_silent(const char *tenant, const char *why, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	(void)snprintf(out + n, 200 - n, "%s: %s; ", tenant, why);
	return 0;
}

static void check_silent(int most, const char *wanted)
{
	char said[200] = "";

	ck_assert_msg(st->ops->silent(st, most, take_silent, said, &e) == 0,
		      "%s", e.msg);
	ck_assert_str_eq(said, wanted);
}

START_TEST(who_answers_nobody_is_told_with_the_reason)
{
	struct tenant t = { .name = (char *)"bare", .paused = true };
	struct connection c;
	struct agent a;

	check_silent(9, "");
	ck_assert_int_eq(st->ops->tenant_put(st, &t, &e), 0);
	check_silent(9, "bare: paused; ");
	t.paused = false;
	ck_assert_int_eq(st->ops->tenant_put(st, &t, &e), 0);
	check_silent(9, "bare: no agent; ");
	ck_assert_int_eq(st->ops->agent(st, acme, NULL, NULL, &a, &e), 1);
	free(a.tenant_id);
	free(a.id);
	a.tenant_id = t.id;
	a.id = NULL;
	ck_assert_int_eq(st->ops->agent_put(st, &a, &e), 0);
	agent_release(&a);
	check_silent(9, "bare: no workspace; ");
	ck_assert_int_eq(resolve("T1", &c), 1);
	ck_assert_int_eq(st->ops->uninstalls->note(st, &c, "app_uninstalled",
						   clock_wall_ms() + 1000,
						   clock_wall_ms(), &e),
			 1);
	connection_release(&c);
	check_silent(9, "acme: uninstalled; bare: no workspace; ");
	check_silent(1, "acme: uninstalled; ");
	ck_assert_int_eq(st->ops->agent(st, acme, NULL, NULL, &a, &e), 1);
	a.active = false;
	ck_assert_int_eq(st->ops->agent_put(st, &a, &e), 0);
	agent_release(&a);
	check_silent(1, "acme: no agent; ");
}
END_TEST

START_TEST(agent_is_the_channels_own_or_the_default)
{
	put_agent(st, "Nils", "[\"C1\",\"C22\"]");
	expect_agent(acme, "C1", "1.0", "Nils");
	expect_agent(acme, "C22", "1.0", "Nils");
	expect_agent(acme, "C2", "1.0", "Mara");
	expect_agent(acme, NULL, NULL, "Mara");
	/* Put again by its name, it is the same one. */
	put_agent(st, "Nils", "[]");
	expect_agent(acme, "C1", "1.0", "Mara");
}
END_TEST

static int list_agent(const struct agent *a, void *arg)
{
	size_t n = strlen(arg);

	(void)snprintf((char *)arg + n, 200 - n, "%s%s %s;", a->name,
		       a->is_default ? "*" : "", a->channels);
	return 0;
}

static void expect_agents(const char *want)
{
	char list[200] = "";

	ck_assert_int_eq(st->ops->agents(st, acme, list_agent, list, &e), 0);
	ck_assert_str_eq(list, want);
}

START_TEST(there_is_one_default)
{
	struct agent a;

	put_agent(st, "Nils", "[\"C1\"]");
	expect_agents("Mara* [];Nils [\"C1\"];");
	ck_assert_int_eq(st->ops->agent(st, acme, "C1", "1.0", &a, &e), 1);
	a.is_default = true;
	ck_assert_int_eq(st->ops->agent_put(st, &a, &e), 0);
	expect_agents("Nils* [\"C1\"];Mara [];");
	ck_assert_int_eq(st->ops->agent_remove(st, acme, a.id, &e), 0);
	agent_release(&a);
	expect_agents("Mara [];");
	/* Better than nobody. */
	expect_agent(acme, "C1", "1.0", "Mara");
}
END_TEST

START_TEST(name_of_another_agent_is_refused)
{
	struct agent a;

	put_agent(st, "Nils", "[]");
	ck_assert_int_eq(st->ops->agent(st, acme, NULL, NULL, &a, &e), 1);
	free(a.name);
	a.name = strdup("Nils");
	ck_assert_int_eq(st->ops->agent_put(st, &a, &e), -1);
	ck_assert_int_eq(e.kind, ERR_INPUT);
	agent_release(&a);
}
END_TEST

START_TEST(agent_goes_with_a_channel_that_has_another_id)
{
	put_agent(st, "Nils", "[\"C11\",\"C1\"]");
	ck_assert_int_eq(st->ops->channel_moved(st, acme, "A1", "T1", "C1",
						"C9", &e),
			 0);
	expect_agent(acme, "C9", "1.0", "Nils");
	expect_agent(acme, "C11", "1.0", "Nils");
	expect_agent(acme, "C1", "1.0", "Mara");
}
END_TEST

START_TEST(access_is_kept_by_tenant_and_by_agent)
{
	struct agent a;
	char *got = NULL;

	ck_assert_int_eq(st->ops->agent(st, acme, NULL, NULL, &a, &e), 1);
	ck_assert_ptr_null(a.access);
	ck_assert_ptr_null(a.tenant_access);
	ck_assert_int_eq(st->ops->access(st, acme, "", &got, &e), 0);
	ck_assert_int_eq(st->ops->access_put(st, acme, "", "{}", &e), 0);
	ck_assert_int_eq(
		st->ops->access_put(st, acme, "", "{\"a\":\"C1\"}", &e), 0);
	ck_assert_int_eq(st->ops->access_put(st, acme, a.id, "{\"b\":2}", &e),
			 0);
	agent_release(&a);
	ck_assert_int_eq(st->ops->access(st, acme, "", &got, &e), 1);
	ck_assert_str_eq(got, "{\"a\":\"C1\"}");
	free(got);
	ck_assert_int_eq(st->ops->channel_moved(st, acme, "A1", "T1", "C1",
						"C9", &e),
			 0);
	ck_assert_int_eq(st->ops->agent(st, acme, NULL, NULL, &a, &e), 1);
	ck_assert_str_eq(a.access, "{\"b\":2}");
	ck_assert_str_eq(a.tenant_access, "{\"a\":\"C9\"}");
	ck_assert_int_eq(st->ops->access_put(st, acme, a.id, NULL, &e), 0);
	ck_assert_int_eq(st->ops->access(st, acme, a.id, &got, &e), 0);
	agent_release(&a);
}
END_TEST

START_TEST(tenant_is_replaced_by_name_and_keeps_its_id)
{
	struct tenant t = { .name = (char *)"acme",
			    .paused = true,
			    .burst = 9,
			    .streaming = true };
	struct connection c;
	struct tenant got;

	ck_assert_int_eq(st->ops->tenant_put(st, &t, &e), 0);
	ck_assert_str_eq(t.id, acme);
	free(t.id);
	ck_assert_int_eq(st->ops->tenant_by_name(st, "acme", &got, &e), 1);
	ck_assert(got.paused);
	ck_assert_int_eq(got.burst, 9);
	ck_assert(got.streaming);
	ck_assert(!got.agent_sessions);
	got.streaming = false;
	got.agent_sessions = true;
	ck_assert_int_eq(st->ops->tenant_put(st, &got, &e), 0);
	tenant_release(&got);
	ck_assert_int_eq(resolve("T1", &c), 1);
	ck_assert(c.tenant.agent_sessions);
	ck_assert(!c.tenant.streaming);
	connection_release(&c);
}
END_TEST

START_TEST(workspace_of_another_tenant_is_refused)
{
	struct tenant t = { .name = (char *)"rival" };
	struct connection c;

	ck_assert_int_eq(st->ops->tenant_put(st, &t, &e), 0);
	ck_assert_int_eq(resolve("T1", &c), 1);
	free(c.tenant_id);
	c.tenant_id = t.id;
	ck_assert_int_eq(st->ops->connection_put(st, &c, &e), -1);
	ck_assert_int_eq(e.kind, ERR_INPUT);
	connection_release(&c);
	ck_assert_int_eq(resolve("T1", &c), 1);
	ck_assert_str_eq(c.tenant_id, acme);
	connection_release(&c);
}
END_TEST

START_TEST(connection_of_unknown_app_is_refused)
{
	struct connection c;

	ck_assert_int_eq(resolve("T1", &c), 1);
	c.app_id[1] = '9';
	ck_assert_int_eq(st->ops->connection_put(st, &c, &e), -1);
	ck_assert_int_eq(e.kind, ERR_INPUT);
	connection_release(&c);
}
END_TEST

static int count_app(const struct app *a, void *arg)
{
	ck_assert_ptr_nonnull(a->token);
	++*(int *)arg;
	return 0;
}

static int apps(void)
{
	int n = 0;

	ck_assert_int_eq(st->ops->apps(st, count_app, &n, &e), 0);
	return n;
}

static void add_workspace(const char *tenant, const char *workspace)
{
	struct tenant t = { .name = (char *)tenant };
	struct connection c;

	ck_assert_int_eq(resolve("T1", &c), 1);
	ck_assert_int_eq(st->ops->tenant_put(st, &t, &e), 0);
	free(c.tenant_id);
	free(c.workspace_id);
	c.tenant_id = t.id;
	c.workspace_id = strdup(workspace);
	ck_assert_int_eq(st->ops->connection_put(st, &c, &e), 0);
	connection_release(&c);
}

START_TEST(removed_tenant_leaves_nothing_behind)
{
	struct connection c;
	struct agent a;

	ck_assert_int_eq(st->ops->tenant_remove(st, "acme", &e), 0);
	ck_assert_int_eq(resolve("T1", &c), 0);
	ck_assert_int_eq(st->ops->agent(st, acme, NULL, NULL, &a, &e), 0);
	ck_assert_int_eq(apps(), 0);
}
END_TEST

START_TEST(app_stays_while_another_tenant_is_connected)
{
	struct connection c;

	add_workspace("second", "T2");
	ck_assert_int_eq(st->ops->tenant_remove(st, "acme", &e), 0);
	ck_assert_int_eq(apps(), 1);
	ck_assert_int_eq(resolve("T2", &c), 1);
	ck_assert_str_eq(c.tenant.name, "second");
	connection_release(&c);
	ck_assert_int_eq(st->ops->tenant_remove(st, "second", &e), 0);
	ck_assert_int_eq(apps(), 0);
}
END_TEST

START_TEST(removing_unknown_tenant_is_an_error)
{
	ck_assert_int_eq(st->ops->tenant_remove(st, "nobody", &e), -1);
	ck_assert_int_eq(e.kind, ERR_INPUT);
}
END_TEST

static int list_connection(const struct connection *c, void *arg)
{
	strncat(arg, c->tenant.name, 20);
	strncat(arg, "/", 2);
	strncat(arg, c->workspace_id, 20);
	strncat(arg, " ", 2);
	return 0;
}

START_TEST(connections_of_an_app_are_those_of_all_its_tenants)
{
	char list[100] = "";
	char none[100] = "";

	add_workspace("second", "T2");
	ck_assert_int_eq(st->ops->connections_of_app(st, "A1", list_connection,
						     list, &e),
			 0);
	ck_assert_str_eq(list, "acme/T1 second/T2 ");
	ck_assert_int_eq(st->ops->connections_of_app(st, "A2", list_connection,
						     none, &e),
			 0);
	ck_assert_str_eq(none, "");
}
END_TEST

static int list_seen(const char *app_id, int64_t at_ms, void *arg)
{
	size_t n = strlen(arg);

	snprintf((char *)arg + n, 100 - n, "%s=%d ", app_id, (int)at_ms);
	return 0;
}

static void expect_seen(const char *want)
{
	char list[100] = "";

	ck_assert_int_eq(st->ops->seen(st, list_seen, list, &e), 0);
	ck_assert_str_eq(list, want);
}

START_TEST(when_an_app_was_seen_is_kept_as_long_as_the_app)
{
	expect_seen("");
	ck_assert_int_eq(st->ops->seen_put(st, "[\"A1\",\"A2\"]", 1000, &e), 0);
	expect_seen("A1=1000 ");
	/* A clock that was ahead must not stay so. */
	ck_assert_int_eq(st->ops->seen_put(st, "[\"A1\"]", 900, &e), 0);
	expect_seen("A1=900 ");
	ck_assert_int_eq(st->ops->tenant_remove(st, "acme", &e), 0);
	expect_seen("");
}
END_TEST

START_TEST(connections_are_listed_by_tenant)
{
	char list[100] = "";
	char one[100] = "";

	add_workspace("second", "T2");
	ck_assert_int_eq(
		st->ops->connections(st, NULL, list_connection, list, &e), 0);
	ck_assert_str_eq(list, "acme/T1 second/T2 ");
	ck_assert_int_eq(st->ops->connections(st, "second", list_connection,
					      one, &e),
			 0);
	ck_assert_str_eq(one, "second/T2 ");
}
END_TEST

static int answer_with(const struct tenant *t, void *arg)
{
	int *answers = arg;

	(void)t;
	answers[1]++;
	return answers[0];
}

START_TEST(callback_can_stop_and_can_fail)
{
	int stop[2] = { 1, 0 };
	int fail[2] = { -1, 0 };

	add_workspace("second", "T2");
	ck_assert_int_eq(st->ops->tenants(st, answer_with, stop, &e), 0);
	ck_assert_int_eq(stop[1], 1);
	ck_assert_int_eq(st->ops->tenants(st, answer_with, fail, &e), -1);
	ck_assert_int_eq(fail[1], 1);
}
END_TEST

static bool is_postgres(void)
{
	return st->ops == &store_postgres;
}

/* Is s anywhere in the rows? */
static bool in_rows(const char *s)
{
	char sql[400];

	(void)snprintf(sql, sizeof(sql),
		       "SELECT count(*) FROM (SELECT t::text AS x FROM tenants"
		       " t UNION ALL SELECT a::text FROM apps a UNION ALL"
		       " SELECT c::text FROM connections c) rows"
		       " WHERE x LIKE '%%%s%%'",
		       s);
	return pg_ask(sql) > 0;
}

/* Is s anywhere in the files of the store? */
static bool on_disk(const char *s)
{
	static const char *const suffixes[] = { "", "-wal" };
	static char text[1 << 20];
	char name[80];
	size_t i, n;
	FILE *f;

	if (is_postgres())
		return in_rows(s);
	for (i = 0; i < 2; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", scratch.path,
			       suffixes[i]);
		f = fopen(name, "r");
		ck_assert_ptr_nonnull(f);
		n = fread(text, 1, sizeof(text), f);
		(void)fclose(f);
		if (memmem(text, n, s, strlen(s)))
			return true;
	}
	return false;
}

START_TEST(tokens_are_not_on_disk_in_clear)
{
	ck_assert(on_disk("acme"));
	ck_assert(!on_disk("xoxb-one"));
	ck_assert(!on_disk("xapp-one"));
}
END_TEST

/* Runs SQL past the store, on the closed file. */
static void tamper(const char *sql)
{
	sqlite3 *db;

	if (is_postgres()) {
		(void)pg_ask(sql);
		return;
	}
	store_sqlite.close(st);
	ck_assert_int_eq(sqlite3_open(scratch.path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	st = scratch_open(&scratch, true);
}

START_TEST(token_moved_to_another_row_is_refused)
{
	struct connection c;

	add_workspace("second", "T2");
	tamper("UPDATE connections SET bot_token ="
	       " (SELECT bot_token FROM connections WHERE workspace_id = 'T1')"
	       " WHERE workspace_id = 'T2'");
	ck_assert_int_eq(resolve("T1", &c), 1);
	connection_release(&c);
	ck_assert_int_eq(resolve("T2", &c), -1);
}
END_TEST

START_TEST(second_writer_is_refused)
{
	ck_assert_ptr_null(
		st->ops->open(scratch.url, scratch.keyring, true, &e));
	ck_assert_int_eq(e.kind, ERR_RETRY);
	ck_assert_ptr_nonnull(strstr(e.msg, "in use"));
}
END_TEST

START_TEST(reader_sees_what_the_writer_commits)
{
	struct store *writer = st;
	struct store *reader = scratch_open(&scratch, false);
	struct connection c;

	add_workspace("second", "T2");
	st = reader;
	ck_assert_int_eq(resolve("T2", &c), 1);
	connection_release(&c);
	st = writer;
	reader->ops->close(reader);
}
END_TEST

START_TEST(reader_cannot_write)
{
	struct store *reader = scratch_open(&scratch, false);

	ck_assert_int_eq(reader->ops->tenant_remove(reader, "acme", &e), -1);
	reader->ops->close(reader);
}
END_TEST

START_TEST(store_keeps_its_contents_when_opened_again)
{
	struct connection c;

	st->ops->close(st);
	st = scratch_open(&scratch, true);
	ck_assert_int_eq(resolve("T1", &c), 1);
	connection_release(&c);
}
END_TEST

START_TEST(only_the_owner_can_read_the_files)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock" };
	char name[80];
	struct stat sb;

	(void)snprintf(name, sizeof(name), "%s%s", scratch.path, suffixes[_i]);
	ck_assert_int_eq(stat(name, &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 0777, 0600);
}
END_TEST

/* As a daemon ends: readers are closed after the writer. */
START_TEST(store_at_rest_is_one_file)
{
	struct store *reader = scratch_open(&scratch, false);
	struct connection c;
	char wal[80];
	struct stat sb;

	ck_assert_int_eq(resolve("T1", &c), 1);
	connection_release(&c);
	st->ops->close(st);
	st = reader;
	ck_assert_int_eq(resolve("T1", &c), 1);
	connection_release(&c);
	(void)snprintf(wal, sizeof(wal), "%s-wal", scratch.path);
	ck_assert(stat(wal, &sb) < 0 || sb.st_size == 0);
}
END_TEST

START_TEST(missing_directory_is_made)
{
	char url[128];
	char dir[64];
	struct stat sb;

	(void)snprintf(dir, sizeof(dir), "%s/sub", scratch.dir);
	(void)snprintf(url, sizeof(url), "sqlite:%s/k.db", dir);
	st = store_sqlite.open(url, scratch.keyring, true, &e);
	ck_assert_msg(st != NULL, "%s", e.msg);
	store_sqlite.close(st);
	ck_assert_int_eq(stat(dir, &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 0777, 0700);
	(void)snprintf(dir, sizeof(dir), "%s/sub/k.db", scratch.dir);
	ck_assert_int_eq(unlink(dir), 0);
	(void)snprintf(dir, sizeof(dir), "%s/sub/k.db-lock", scratch.dir);
	ck_assert_int_eq(unlink(dir), 0);
	(void)snprintf(dir, sizeof(dir), "%s/sub", scratch.dir);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(reader_of_a_missing_file_fails_and_makes_none)
{
	ck_assert_ptr_null(
		store_sqlite.open(scratch.url, scratch.keyring, false, &e));
	ck_assert_int_ne(access(scratch.path, F_OK), 0);
}
END_TEST

static void write_file(const void *p, size_t n)
{
	FILE *f = fopen(scratch.path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(p, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

/* Opening fails with this in the error, and changes no byte. */
static void refuses_untouched(const char *why)
{
	static char before[1 << 20], after[1 << 20];
	size_t n, m;
	FILE *f;

	f = fopen(scratch.path, "r");
	n = fread(before, 1, sizeof(before), f);
	(void)fclose(f);
	ck_assert_ptr_null(
		store_sqlite.open(scratch.url, scratch.keyring, true, &e));
	ck_assert_msg(strstr(e.msg, why) != NULL, "%s", e.msg);
	ck_assert_int_eq(e.kind, ERR_FATAL);
	f = fopen(scratch.path, "r");
	m = fread(after, 1, sizeof(after), f);
	(void)fclose(f);
	ck_assert_uint_eq(n, m);
	ck_assert_mem_eq(before, after, n);
}

START_TEST(file_that_is_no_database_is_refused_untouched)
{
	char text[5000];

	memset(text, 'x', sizeof(text));
	write_file(text, sizeof(text));
	refuses_untouched("no database");
}
END_TEST

static void make_database(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(scratch.path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(database_of_another_program_is_refused_untouched)
{
	make_database("CREATE TABLE notes (id INTEGER)");
	refuses_untouched("another program");
}
END_TEST

START_TEST(schema_of_a_newer_konstructd_is_refused_untouched)
{
	store_sqlite.close(scratch_open(&scratch, true));
	make_database("PRAGMA user_version = 999");
	refuses_untouched("newer");
}
END_TEST

struct told {
	int rows;
	char body[200];
};

static int take_row(const struct audit_row *r, void *arg)
{
	struct told *t = arg;

	t->rows++;
	(void)snprintf(t->body, sizeof(t->body), "%s", r->body);
	return 0;
}

static void read_trail(struct store *s, struct told *out)
{
	struct audit_chain chain;

	*out = (struct told){ 0 };
	ck_assert_int_eq(
		s->ops->audit->rows(s, 0, 0, 10, &chain, take_row, out, &e), 0);
}

START_TEST(a_migration_is_in_the_audit_trail_and_a_new_store_is_not)
{
	int from = sqlite_nmigrations - 1;
	struct told told;
	char text[80];
	int i;

	for (i = 0; i < from; i++)
		make_database(sqlite_migrations[i].sql);
	(void)snprintf(text, sizeof(text), "PRAGMA user_version = %d", from);
	make_database(text);
	for (i = 0; i < 2; i++) {
		st = scratch_open(&scratch, true);
		read_trail(st, &told);
		ck_assert_int_eq(told.rows, 1);
		(void)snprintf(text, sizeof(text), "\"migrate %d to %d\"", from,
			       from + 1);
		ck_assert_ptr_nonnull(strstr(told.body, text));
		ck_assert_ptr_nonnull(strstr(told.body, "\"by\":\"uid "));
		st->ops->close(st);
	}
	ck_assert_int_eq(unlink(scratch.path), 0);
	st = scratch_open(&scratch, true);
	read_trail(st, &told);
	ck_assert_int_eq(told.rows, 0);
	st->ops->close(st);
}
END_TEST

START_TEST(truncated_database_is_refused_untouched)
{
	store_sqlite.close(scratch_open(&scratch, true));
	ck_assert_int_eq(truncate(scratch.path, 8192), 0);
	refuses_untouched("damaged");
}
END_TEST

START_TEST(empty_file_becomes_a_store)
{
	write_file("", 0);
	store_sqlite.close(scratch_open(&scratch, true));
}
END_TEST

/* By the names that statements have for it. */
static bool is_large(const char *table)
{
	static const char *const large[] = { "journal", "j", "k", "transcript",
					     "audit" };
	size_t i;

	for (i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		if (strncmp(table, large[i], strlen(large[i])) == 0 &&
		    strchr(" ", table[strlen(large[i])]))
			return true;
	}
	return false;
}

/* One that looks for the end of an id; and one that takes the first few. */
static bool may_scan(int q)
{
	return q == Q_RECORD_FIND || q == Q_AUDIT_OLDEST;
}

static void look_at_plan(sqlite3 *db, int q)
{
	struct buf sql;
	sqlite3_stmt *plan;
	const char *text;

	buf_init(&sql, 65536);
	(void)buf_addf(&sql, "EXPLAIN QUERY PLAN %s", sqlite_sql[q]);
	ck_assert_msg(sqlite3_prepare_v2(db, sql.data, -1, &plan, NULL) ==
			      SQLITE_OK,
		      "%s", sqlite3_errmsg(db));
	while (sqlite3_step(plan) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(plan, 3);
		ck_assert_msg(strncmp(text, "SCAN ", 5) != 0 ||
				      !is_large(text + 5) || may_scan(q),
			      "%s: %s", text, sqlite_sql[q]);
	}
	(void)sqlite3_finalize(plan);
	buf_release(&sql);
}

START_TEST(no_statement_goes_through_all_that_is_kept)
{
	sqlite3 *db;
	int q;

	store_sqlite.close(scratch_open(&scratch, true));
	ck_assert_int_eq(sqlite3_open(scratch.path, &db), SQLITE_OK);
	for (q = 0; q < Q_COUNT; q++)
		look_at_plan(db, q);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
END_TEST

START_TEST(store_is_chosen_by_the_scheme_of_its_url)
{
	ck_assert_ptr_eq(store_find("sqlite:/x", &e), &store_sqlite);
	ck_assert_ptr_eq(store_find("postgresql:///x", &e), &store_postgres);
	ck_assert_ptr_null(store_find("sqlite3:/x", &e));
	ck_assert_ptr_null(store_find("sqlite", &e));
	ck_assert_ptr_null(store_find("", &e));
	ck_assert_int_eq(e.kind, ERR_INPUT);
}
END_TEST

START_TEST(url_without_a_path_is_refused)
{
	ck_assert_ptr_null(
		store_sqlite.open("sqlite:", scratch.keyring, true, &e));
	ck_assert_int_eq(e.kind, ERR_INPUT);
}
END_TEST

START_TEST(reader_goes_on_after_the_server_restarted)
{
	struct store *writer = st;
	struct connection c;

	st = scratch_open(&scratch, false);
	ck_assert_int_eq(resolve("T1", &c), 1);
	connection_release(&c);
	pg_down();
	pg_up();
	ck_assert_msg(resolve("T1", &c) == 1, "%s", e.msg);
	connection_release(&c);
	st->ops->close(st);
	st = writer;
}
END_TEST

/* What tells it from two: the second has no server to ask. */
START_TEST(agent_comes_with_the_tenant_in_one_round_trip)
{
	struct store *writer = st;
	struct connection c;
	struct agent a;

	put_agent(writer, "Nils", "[\"C1\"]");
	st = scratch_open(&scratch, false);
	ck_assert_msg(resolve_in("C1", &c) == 1, "%s", e.msg);
	pg_down();
	ck_assert_int_eq(st->ops->agent(st, c.tenant_id, "C1", "1.0", &a, &e),
			 1);
	ck_assert_str_eq(a.name, "Nils");
	ck_assert_str_eq(a.tenant_id, acme);
	agent_release(&a);
	ck_assert_int_eq(st->ops->agent(st, c.tenant_id, "C1", "1.0", &a, &e),
			 -1);
	pg_up();
	connection_release(&c);
	st->ops->close(st);
	st = writer;
}
END_TEST

START_TEST(agent_that_came_along_is_given_once_and_for_its_thread_only)
{
	struct store *writer = st;
	struct connection c;

	st = scratch_open(&scratch, false);
	ck_assert_int_eq(resolve_in("C1", &c), 1);
	connection_release(&c);
	expect_agent("another", "C1", "1.0", NULL);
	put_agent(writer, "Nils", "[\"C1\"]");
	expect_agent(acme, "C1", "1.0", "Nils");
	ck_assert_int_eq(resolve_in("C2", &c), 1);
	connection_release(&c);
	expect_agent(acme, "C1", "1.0", "Nils");
	expect_agent(acme, "C2", "1.0", "Mara");
	ck_assert_int_eq(resolve("unknown", &c), 0);
	expect_agent("", "C1", "1.0", NULL);
	st->ops->close(st);
	st = writer;
}
END_TEST

START_TEST(reading_is_to_be_tried_again_without_a_server)
{
	struct connection c;
	struct agent a;

	pg_down();
	ck_assert_int_eq(resolve("T1", &c), -1);
	ck_assert_int_eq(e.kind, ERR_RETRY);
	ck_assert_int_eq(st->ops->agent(st, acme, NULL, NULL, &a, &e), -1);
	ck_assert_int_eq(e.kind, ERR_RETRY);
	pg_up();
}
END_TEST

static void refuses(const char *url, const char *why)
{
	ck_assert_ptr_null(
		store_postgres.open(url, scratch.keyring, false, &e));
	ck_assert_int_eq(e.kind, ERR_FATAL);
	ck_assert_msg(strstr(e.msg, why) != NULL, "%s", e.msg);
}

START_TEST(database_without_schema_is_refused)
{
	refuses(pg->foreign, "konstructctl migrate");
}
END_TEST

START_TEST(schema_of_a_newer_konstructd_is_refused)
{
	(void)pg_ask("INSERT INTO migrations VALUES (999, 999)");
	refuses(pg->url, "newer");
	(void)pg_ask("DELETE FROM migrations WHERE version = 999");
}
END_TEST

START_TEST(newer_schema_that_allows_it_is_worked_with)
{
	(void)pg_ask("INSERT INTO migrations VALUES (999, 2)");
	store_postgres.close(scratch_open(&scratch, false));
	(void)pg_ask("DELETE FROM migrations WHERE version = 999");
}
END_TEST

START_TEST(mighty_role_is_refused)
{
	refuses(pg->owner, "row level security");
	refuses(pg->super, "row level security");
}
END_TEST

START_TEST(role_without_rights_is_told_what_it_lacks)
{
	const char *user = strstr(pg->url, "user=");
	char url[160];

	ck_assert_ptr_nonnull(user);
	(void)pg_ask("CREATE ROLE plain LOGIN");
	(void)snprintf(url, sizeof(url), "%.*suser=plain",
		       (int)(user - pg->url), pg->url);
	refuses(url, "GRANT konstruct_daemon to it");
	(void)pg_ask("DROP ROLE plain");
}
END_TEST

START_TEST(migrating_again_changes_nothing)
{
	int from, to;

	ck_assert_int_eq(
		store_postgres.migrate(pg->owner, "uid 7", &from, &to, &e), 0);
	ck_assert_int_eq(from, to);
	ck_assert_int_eq(to, (int)pg_ask("SELECT max(version)"
					 " FROM migrations"));
}
END_TEST

/* The same as pg->url and the like of another database. */
static void url_of(char out[160], const char *url, const char *database)
{
	const char *rest = strchr(url, '?');

	(void)snprintf(out, 160, "postgresql:///%s%s", database, rest);
}

START_TEST(who_migrated_is_in_the_audit_trail)
{
	char owner[160], daemon[160], text[80];
	struct store *s;
	struct told told;
	int from, to;

	(void)pg_ask("CREATE DATABASE third OWNER konstruct_owner");
	url_of(owner, pg->owner, "third");
	url_of(daemon, pg->url, "third");
	ck_assert_msg(store_postgres.migrate(owner, "uid 7", &from, &to, &e) ==
			      0,
		      "%s", e.msg);
	s = store_postgres.open(daemon, scratch.keyring, false, &e);
	ck_assert_msg(s != NULL, "%s", e.msg);
	read_trail(s, &told);
	s->ops->close(s);
	ck_assert_int_eq(told.rows, 1);
	(void)snprintf(text, sizeof(text), "\"migrate 0 to %d\"", to);
	ck_assert_ptr_nonnull(strstr(told.body, text));
	ck_assert_ptr_nonnull(strstr(told.body, "\"by\":\"uid 7\""));
	(void)pg_ask("DROP DATABASE third");
}
END_TEST

START_TEST(what_sees_across_tenants_is_the_definers_and_the_daemons_to_call)
{
	ck_assert_int_gt(pg_ask("SELECT count(*) FROM pg_proc WHERE"
				" pronamespace = 'konstruct'::regnamespace"),
			 0);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM pg_proc WHERE"
				" pronamespace = 'konstruct'::regnamespace"
				" AND (proowner <> 'konstruct_definer'::regrole"
				" OR proacl IS NULL OR EXISTS (SELECT 1"
				" FROM aclexplode(proacl) WHERE grantee NOT IN"
				" ('konstruct_definer'::regrole,"
				" 'konstruct_daemon'::regrole)))"),
			 0);
	ck_assert_int_eq(
		pg_ask("SELECT count(*) FROM pg_class WHERE"
		       " relnamespace = 'konstruct'::regnamespace"
		       " AND relkind = 'v'"
		       " AND relowner <> 'konstruct_definer'::regrole"),
		0);
	ck_assert_int_eq(pg_ask("SELECT has_schema_privilege("
				"'konstruct_definer', 'konstruct', 'CREATE')"
				"::int"),
			 0);
}
END_TEST

START_TEST(daemon_cannot_migrate)
{
	int from, to;

	ck_assert_int_eq(store_postgres.migrate(pg->url, NULL, &from, &to, &e),
			 -1);
	ck_assert_int_eq(e.kind, ERR_FATAL);
}
END_TEST

START_TEST(password_on_the_command_line_is_refused)
{
	int from, to;

	ck_assert_int_eq(store_postgres.migrate("postgresql://a:b@localhost/c",
						NULL, &from, &to, &e),
			 -1);
	ck_assert_int_eq(e.kind, ERR_INPUT);
}
END_TEST

/* What every backend does. */
static TCase *filled(const char *name, void (*setup)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, connection_resolves_with_its_tenant_and_token);
	tcase_add_test(tc, unknown_workspace_is_not_found);
	tcase_add_test(tc, agent_is_found_also_if_it_is_paused);
	tcase_add_test(tc, who_answers_nobody_is_told_with_the_reason);
	tcase_add_test(tc, agent_is_the_channels_own_or_the_default);
	tcase_add_test(tc, there_is_one_default);
	tcase_add_test(tc, name_of_another_agent_is_refused);
	tcase_add_test(tc, access_is_kept_by_tenant_and_by_agent);
	tcase_add_test(tc, agent_goes_with_a_channel_that_has_another_id);
	tcase_add_test(tc, tenant_is_replaced_by_name_and_keeps_its_id);
	tcase_add_test(tc, workspace_of_another_tenant_is_refused);
	tcase_add_test(tc, connection_of_unknown_app_is_refused);
	tcase_add_test(tc, removed_tenant_leaves_nothing_behind);
	tcase_add_test(tc, app_stays_while_another_tenant_is_connected);
	tcase_add_test(tc, removing_unknown_tenant_is_an_error);
	tcase_add_test(tc, connections_of_an_app_are_those_of_all_its_tenants);
	tcase_add_test(tc, when_an_app_was_seen_is_kept_as_long_as_the_app);
	tcase_add_test(tc, connections_are_listed_by_tenant);
	tcase_add_test(tc, callback_can_stop_and_can_fail);
	tcase_add_test(tc, tokens_are_not_on_disk_in_clear);
	tcase_add_test(tc, token_moved_to_another_row_is_refused);
	tcase_add_test(tc, second_writer_is_refused);
	tcase_add_test(tc, reader_sees_what_the_writer_commits);
	tcase_add_test(tc, reader_cannot_write);
	tcase_add_test(tc, store_keeps_its_contents_when_opened_again);
	return tc;
}

static TCase *modes(void)
{
	TCase *tc = tcase_create("modes");

	tcase_add_checked_fixture(tc, setup_sqlite, teardown);
	tcase_add_loop_test(tc, only_the_owner_can_read_the_files, 0, 4);
	tcase_add_test(tc, store_at_rest_is_one_file);
	return tc;
}

/* What only a server has. */
static TCase *server(void)
{
	TCase *tc = tcase_create("server");

	tcase_add_checked_fixture(tc, setup_postgres, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, reader_goes_on_after_the_server_restarted);
	tcase_add_test(tc, agent_comes_with_the_tenant_in_one_round_trip);
	tcase_add_test(
		tc,
		agent_that_came_along_is_given_once_and_for_its_thread_only);
	tcase_add_test(tc, reading_is_to_be_tried_again_without_a_server);
	tcase_add_test(tc, database_without_schema_is_refused);
	tcase_add_test(tc, schema_of_a_newer_konstructd_is_refused);
	tcase_add_test(tc, newer_schema_that_allows_it_is_worked_with);
	tcase_add_test(tc, mighty_role_is_refused);
	tcase_add_test(tc, role_without_rights_is_told_what_it_lacks);
	tcase_add_test(tc, migrating_again_changes_nothing);
	tcase_add_test(tc, who_migrated_is_in_the_audit_trail);
	tcase_add_test(
		tc,
		what_sees_across_tenants_is_the_definers_and_the_daemons_to_call);
	tcase_add_test(tc, daemon_cannot_migrate);
	tcase_add_test(tc, password_on_the_command_line_is_refused);
	return tc;
}

static TCase *files(void)
{
	TCase *tc = tcase_create("files");

	tcase_add_checked_fixture(tc, setup_files, teardown_files);
	tcase_add_test(tc, missing_directory_is_made);
	tcase_add_test(tc, reader_of_a_missing_file_fails_and_makes_none);
	tcase_add_test(tc, file_that_is_no_database_is_refused_untouched);
	tcase_add_test(tc, database_of_another_program_is_refused_untouched);
	tcase_add_test(tc, schema_of_a_newer_konstructd_is_refused_untouched);
	tcase_add_test(
		tc, a_migration_is_in_the_audit_trail_and_a_new_store_is_not);
	tcase_add_test(tc, truncated_database_is_refused_untouched);
	tcase_add_test(tc, empty_file_becomes_a_store);
	tcase_add_test(tc, no_statement_goes_through_all_that_is_kept);
	tcase_add_test(tc, store_is_chosen_by_the_scheme_of_its_url);
	tcase_add_test(tc, url_without_a_path_is_refused);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("store");
	SRunner *sr = srunner_create(s);
	int nfailed;

	pg = pg_start();
	suite_add_tcase(s, filled("sqlite", setup_sqlite));
	suite_add_tcase(s, filled("postgres", setup_postgres));
	suite_add_tcase(s, modes());
	suite_add_tcase(s, server());
	suite_add_tcase(s, files());
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
