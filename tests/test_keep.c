/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "books.h"
#include "pg.h"
#include "store/audit.h"
#include "store/journal.h"
#include "store/keep.h"

/* What is erased when, on both stores, by the journal's thread. */

#define MS   20000
#define LONG 90 /* days */

static char other[ID_SIZE];

static int put_other(struct store *s, void *arg, struct err *err)
{
	struct tenant t = { .name = (char *)"other" };
	int rc = s->ops->tenant_put(s, &t, err);

	(void)arg;
	if (rc == 0)
		(void)snprintf(other, sizeof(other), "%s", t.id);
	free(t.id);
	return rc;
}

static void add_other(void)
{
	struct journal_req r = { .kind = JOURNAL_WRITE, .write = put_other };

	books_must(&r);
}

static int64_t rows(const char *table, const char *tenant, const char *more)
{
	char sql[200];

	(void)snprintf(sql, sizeof(sql),
		       "SELECT count(*) FROM %s WHERE tenant_id = '%s'%s",
		       table, tenant, more);
	return books_ask(sql);
}

/* An entry that was answered now. */
static void answer(const char *tenant, const char *id)
{
	struct audit_new a = {
		.tenant_id = tenant, .what = "ask", .entry = id, .user = "U1"
	};
	struct journal_req d = { .kind = JOURNAL_DONE,
				 .note = { .tenant_id = tenant },
				 .audits = &a,
				 .naudits = 1 };

	(void)snprintf(d.entry_id, sizeof(d.entry_id), "%s", id);
	books_append(id);
	books_must(&d);
	if (books_are_on_postgres())
		pg_audited();
}

/* Everything that there can be of a tenant, so many days old; but for the
 * trail, which is of now. */
static void fill(const char *tenant, const char *id, int days)
{
	int64_t at = clock_wall_ms() - days * KEEP_DAY_MS;
	time_t t = (time_t)(at / 1000);
	char sql[600], day[KEEP_TEXT];
	struct tm tm;

	answer(tenant, id);
	(void)strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&t, &tm));
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO transcript (tenant_id, channel, thread, ts,"
		       " ours, text) VALUES ('%s', 'C1', '1.0',"
		       " '%" PRId64 ".%06d', %s, 'hello')",
		       tenant, at / 1000, days,
		       books_are_on_postgres() ? "false" : "0");
	(void)books_ask(sql);
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO usage VALUES ('%s', '%s', 'm', 1, 1, 1)",
		       tenant, day);
	(void)books_ask(sql);
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO usage_by VALUES ('%s', 'person', 'U1',"
		       " '%s', 'm', 1, 1, 1)",
		       tenant, day);
	(void)books_ask(sql);
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO budget_marks VALUES ('%s', '%s',"
		       " 'person/tokens/day', 'U1', %" PRId64 ")",
		       tenant, day, at);
	(void)books_ask(sql);
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO feedback VALUES ('%s', '%s', 'U1', %s,"
		       " %" PRId64 ")",
		       tenant, id, books_are_on_postgres() ? "true" : "1", at);
	(void)books_ask(sql);
	(void)snprintf(sql, sizeof(sql),
		       "UPDATE journal SET done_ms = %" PRId64
		       " WHERE id = '%s'",
		       at, id);
	(void)books_ask(sql);
}

static const char *const tables[KEEP_KINDS] = {
	[KEEP_TRANSCRIPTS] = "transcript", [KEEP_USAGE] = "usage_by",
	[KEEP_FEEDBACK] = "feedback",      [KEEP_AUDIT] = "audit",
	[KEEP_HISTORY] = "journal",
};

static int64_t count(enum keep_kind k, const char *tenant)
{
	return rows(tables[k], tenant,
		    k == KEEP_AUDIT ? " AND body IS NOT NULL" : "");
}

static void await_rows_of(const char *table, const char *tenant, int64_t n)
{
	int i;

	for (i = 0; i < MS / 20 && rows(table, tenant, "") > n; i++)
		poll(NULL, 0, 20);
	ck_assert_int_eq(rows(table, tenant, ""), n);
}

static void await(enum keep_kind k, const char *tenant, int64_t n)
{
	int i;

	for (i = 0; i < MS / 20 && count(k, tenant) > n; i++)
		poll(NULL, 0, 20);
	ck_assert_int_eq(count(k, tenant), n);
}

struct setting {
	const char *tenant;
	struct keep keep;
	int rows; /* purged */
};

static int put(struct store *s, void *arg, struct err *err)
{
	const struct setting *set = arg;

	return s->ops->keep->put(s, set->tenant, &set->keep, err);
}

static void set_for(const char *tenant, const struct keep *k)
{
	struct setting s = { tenant, *k, 0 };
	struct journal_req r = { .kind = JOURNAL_WRITE,
				 .write = put,
				 .arg = &s };

	books_must(&r);
}

/* Rows of the audit trail were made now. */
static void age_audit(int days)
{
	char sql[120];

	(void)snprintf(sql, sizeof(sql),
		       "UPDATE audit SET at_ms = at_ms - %" PRId64,
		       days * KEEP_DAY_MS);
	(void)books_ask(sql);
}

#define NONE                          \
	{                             \
		{                     \
			0, 0, 0, 0, 0 \
		}                     \
	}
#define UNSET                              \
	{                                  \
		{                          \
			-1, -1, -1, -1, -1 \
		}                          \
	}

/* Those rows of the trail that were there before it was made older. */
#define KEPT_OF(k) ((k) == KEEP_AUDIT ? 1 : 2)

START_TEST(each_kind_goes_by_itself_when_its_time_is_over)
{
	struct keep all = NONE;
	enum keep_kind k = (enum keep_kind)_i, i;

	journal_set_history(books.j, 366);
	fill(books.acme, "e1", LONG);
	fill(books.acme, "e2", 1);
	age_audit(LONG);
	fill(books.acme, "e3", 2);
	all.days[k] = LONG - 1;
	journal_set_keep(books.j, &all);
	await(k, books.acme, KEPT_OF(k));
	for (i = 0; i < KEEP_KINDS; i++)
		if (i != k)
			ck_assert_int_eq(count(i, books.acme), 3);
	await_rows_of("usage", books.acme, k == KEEP_USAGE ? 2 : 3);
	await_rows_of("budget_marks", books.acme, k == KEEP_USAGE ? 2 : 3);
}
END_TEST

START_TEST(a_tenants_own_days_count_before_those_of_all)
{
	struct keep all = { { 10, 0, 10, 0, 0 } };
	struct keep own = UNSET;
	struct keep got;

	own.days[KEEP_TRANSCRIPTS] = 0;
	own.days[KEEP_FEEDBACK] = 100;
	own.days[KEEP_HISTORY] = 5;
	set_for(other, &own);
	ck_assert_int_eq(
		books.st->ops->keep->get(books.st, other, &got, &books.e), 0);
	ck_assert_mem_eq(&got, &own, sizeof(got));
	ck_assert_int_eq(books.st->ops->keep->get(books.st, books.acme, &got,
						  &books.e),
			 0);
	ck_assert_int_eq(got.days[KEEP_AUDIT], KEEP_DEFAULT);
	journal_set_history(books.j, 366);
	fill(books.acme, "e1", 20);
	fill(other, "e2", 20);
	journal_set_keep(books.j, &all);
	await(KEEP_TRANSCRIPTS, books.acme, 0);
	await(KEEP_FEEDBACK, books.acme, 0);
	await(KEEP_HISTORY, other, 0);
	ck_assert_int_eq(count(KEEP_TRANSCRIPTS, other), 1);
	ck_assert_int_eq(count(KEEP_FEEDBACK, other), 1);
	ck_assert_int_eq(count(KEEP_HISTORY, books.acme), 1);
}
END_TEST

START_TEST(what_is_needed_is_kept_for_so_long)
{
	const struct keep own = { { 0, 1, 0, 0, 1 } };
	struct keep k;

	keep_resolve(&own, &own, &k);
	ck_assert_int_eq(k.days[KEEP_USAGE], 62);
	ck_assert_int_eq(k.days[KEEP_HISTORY], 2);
}
END_TEST

static void tell(const char *fault, void *arg)
{
	(void)arg;
	ck_abort_msg("%s", fault);
}

static int check_row(const struct audit_row *r, void *arg)
{
	audit_check_row(arg, r);
	return 0;
}

/* Whole, with so many rows, of which some are erased. */
static void verify(int64_t n, int64_t erased)
{
	struct audit_check c = { .tell = tell };
	struct audit_chain chain;
	int64_t first;

	ck_assert_int_eq(books.st->ops->audit->rows(books.st, 0, INT64_MAX, 1,
						    &chain, check_row, &c,
						    &books.e),
			 0);
	audit_check_begin(&c, &chain);
	first = chain.first;
	ck_assert_int_eq(books.st->ops->audit->rows(books.st, 0, 0, 999, &chain,
						    check_row, &c, &books.e),
			 0);
	audit_check_end(&c, &chain);
	ck_assert_int_eq(c.rows, n);
	ck_assert_int_eq(c.erased, erased);
	ck_assert_int_eq(chain.last - first + 1, n);
}

static void await_rows(int64_t n)
{
	int i;

	for (i = 0; i < MS / 20 && books_ask("SELECT count(*) FROM audit") > n;
	     i++)
		poll(NULL, 0, 20);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM audit"), n);
}

static int purge(struct store *s, void *arg, struct err *err)
{
	struct setting *set = arg;

	set->rows =
		s->ops->keep->purge(s, set->tenant, clock_wall_ms(), 3, err);
	return set->rows < 0 ? -1 : 0;
}

START_TEST(a_purge_leaves_nothing_but_what_is_under_way)
{
	struct setting set = { .tenant = books.acme };
	struct journal_req r = { .kind = JOURNAL_WRITE,
				 .write = purge,
				 .arg = &set };
	struct entry en = { .id = "e9",
			    .app_id = (char *)"A1",
			    .frame = (char *)"{}",
			    .frame_len = 2 };
	struct journal_req a = { .kind = JOURNAL_APPEND, .entry = &en };
	struct journal_req n = { .kind = JOURNAL_NOTE,
				 .note = { .tenant_id = books.acme },
				 .entry_id = "e9" };
	enum keep_kind k;

	fill(books.acme, "e1", 5);
	fill(books.acme, "e2", 2);
	fill(books.acme, "e3", 0);
	fill(other, "e4", 5);
	books_must(&a);
	books_must(&n);
	do
		books_must(&r);
	while (set.rows > 0);
	for (k = 0; k < KEEP_KINDS; k++) {
		ck_assert_int_eq(count(k, other), 1);
		if (k != KEEP_AUDIT && k != KEEP_HISTORY)
			ck_assert_int_eq(count(k, books.acme), 0);
	}
	ck_assert_int_eq(rows("usage", books.acme, ""), 0);
	ck_assert_int_eq(rows("budget_marks", books.acme, ""), 0);
	/* A redelivery of today's is still known. */
	ck_assert_int_eq(count(KEEP_HISTORY, books.acme), 2);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM pending"), 1);
}
END_TEST

/* Settings, and the trail of what was done; all else of a tenant goes. */
static bool stays(const char *table)
{
	static const char *const names[] = {
		"connections", "agents",   "access", "keep",     "grants",
		"leaving",     "canaries", "audit",  "audit_new"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(table, names[i]) == 0)
			return true;
	return false;
}

static void fill_all(const char *tenant, const char *id)
{
	char sql[200];

	fill(tenant, id, 5);
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO greeted VALUES ('%s', 'A1', 'C1', 1)",
		       tenant);
	(void)books_ask(sql);
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO homes VALUES ('%s', 'A1', 'T1', 'channel',"
		       " 'C9', '2026-01-01')",
		       tenant);
	(void)books_ask(sql);
}

static void list_tables(char *out, size_t size)
{
	books_tell(books_are_on_postgres()
			   ? "SELECT string_agg(c.relname, ' ') FROM pg_class c"
			     " JOIN pg_attribute a ON a.attrelid = c.oid"
			     " WHERE a.attname = 'tenant_id'"
			     " AND c.relkind = 'r' AND c.relnamespace ="
			     " 'konstruct'::regnamespace"
			   : "SELECT group_concat(m.name, ' ')"
			     " FROM sqlite_master m,"
			     " pragma_table_info(m.name) p"
			     " WHERE m.type = 'table' AND p.name = 'tenant_id'",
		   out, size);
}

START_TEST(a_purge_leaves_no_row_in_any_table_but_settings_and_trail)
{
	struct setting set = { .tenant = books.acme };
	struct journal_req r = { .kind = JOURNAL_WRITE,
				 .write = purge,
				 .arg = &set };
	char tables_of[1024], *rest = NULL;
	const char *t;
	int n = 0;

	fill_all(books.acme, "e1");
	fill_all(other, "e2");
	list_tables(tables_of, sizeof(tables_of));
	do
		books_must(&r);
	while (set.rows > 0);
	for (t = strtok_r(tables_of, " ", &rest); t;
	     t = strtok_r(NULL, " ", &rest)) {
		if (stays(t))
			continue;
		n++;
		ck_assert_msg(rows(t, books.acme, "") == 0,
			      "a purge leaves rows in '%s'", t);
		/* Else that it is empty says nothing. */
		ck_assert_msg(rows(t, other, "") > 0,
			      "'%s' has no row: let fill_all() add one", t);
	}
	ck_assert_int_ge(n, 8);
}
END_TEST

START_TEST(a_dead_letters_text_is_purged)
{
	struct setting set = { .tenant = books.acme };
	struct journal_req r = { .kind = JOURNAL_WRITE,
				 .write = purge,
				 .arg = &set };
	struct entry en = { .id = "e1",
			    .app_id = (char *)"A1",
			    .frame = (char *)"{}",
			    .frame_len = 2 };
	struct journal_req a = { .kind = JOURNAL_APPEND, .entry = &en };
	struct journal_req d = { .kind = JOURNAL_DONE,
				 .note = { .tenant_id = books.acme,
					   .state = ENTRY_DEAD },
				 .entry_id = "e1" };

	books_must(&a);
	books_must(&d);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM pending"), 1);
	books_must(&r);
	ck_assert_int_eq(set.rows, 1);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM pending"), 0);
}
END_TEST

START_TEST(old_rows_of_the_trail_are_erased_and_then_dropped)
{
	struct keep all = NONE;

	answer(books.acme, "e1");
	answer("gone", "e2");
	verify(2, 0);
	/* Times can't be changed without a trace, so the clock is. */
	all.days[KEEP_AUDIT] = 1;
	age_audit(2);
	answer(other, "e3");
	journal_set_keep(books.j, &all);
	await_rows(1);
	ck_assert_int_eq(rows("audit", other, " AND body IS NOT NULL"), 1);
	verify(1, 0);
	ck_assert_int_eq(books_ask("SELECT first FROM audit_chain"), 3);
	age_audit(2);
	await_rows(0);
	answer(books.acme, "e4");
	verify(1, 0);
}
END_TEST

static TCase *keep(const char *name, void (*setup)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, books_close);
	tcase_add_checked_fixture(tc, add_other, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, each_kind_goes_by_itself_when_its_time_is_over,
			    0, KEEP_KINDS);
	tcase_add_test(tc, a_tenants_own_days_count_before_those_of_all);
	tcase_add_test(tc, what_is_needed_is_kept_for_so_long);
	tcase_add_test(tc, a_purge_leaves_nothing_but_what_is_under_way);
	tcase_add_test(
		tc, a_purge_leaves_no_row_in_any_table_but_settings_and_trail);
	tcase_add_test(tc, a_dead_letters_text_is_purged);
	tcase_add_test(tc, old_rows_of_the_trail_are_erased_and_then_dropped);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("keep");
	SRunner *sr;
	int failed;

	books_begin();
	suite_add_tcase(s, keep("sqlite", books_on_sqlite));
	suite_add_tcase(s, keep("postgres", books_on_postgres));
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
