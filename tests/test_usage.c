/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "books.h"
#include "store/budget.h"
#include "store/journal.h"
#include "store/usage.h"

/* What is counted of answers, on both stores, through the journal. */

static char today[11];

static void note_today(void)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;

	(void)strftime(today, sizeof(today), "%Y-%m-%d", gmtime_r(&now, &tm));
}

static void done(const char *id, const char *channel, const char *user,
		 const char *model)
{
	struct usage_new u = { books.acme, channel, user, model, 10, 5 };
	struct journal_req r = { .kind = JOURNAL_DONE, .usage = &u };

	(void)snprintf(r.entry_id, sizeof(r.entry_id), "%s", id);
	books_must(&r);
}

static void answer(const char *id, const char *channel, const char *user,
		   const char *model)
{
	books_append(id);
	done(id, channel, user, model);
}

static struct usage_sums sums(const char *channel, const char *user,
			      const char *day, const char *month)
{
	const struct usage_ask a = { books.acme, channel, user, day, month };
	struct usage_sums s;

	ck_assert_msg(books.st->ops->usage->sums(books.st, &a, &s, &books.e) ==
			      0,
		      "%s", books.e.msg);
	return s;
}

/* As the C compiler has no array to compare. */
static void holds(const int64_t n[USAGE_KINDS][USAGE_PERIODS], int64_t requests,
		  int64_t tokens, int64_t month_requests, int64_t month_tokens)
{
	ck_assert_int_eq(n[USAGE_REQUESTS][USAGE_DAY], requests);
	ck_assert_int_eq(n[USAGE_TOKENS][USAGE_DAY], tokens);
	ck_assert_int_eq(n[USAGE_REQUESTS][USAGE_MONTH], month_requests);
	ck_assert_int_eq(n[USAGE_TOKENS][USAGE_MONTH], month_tokens);
}

START_TEST(answers_are_summed_for_tenant_channel_and_person)
{
	struct usage_sums s;

	answer("e1", "C1", "U1", "main");
	answer("e2", "C1", "U2", "main");
	answer("e3", "C2", "U1", "other");
	s = sums("C1", "U1", today, today);
	holds(s.n[USAGE_TENANT], 3, 45, 3, 45);
	holds(s.n[USAGE_CHANNEL], 2, 30, 2, 30);
	holds(s.n[USAGE_PERSON], 2, 30, 2, 30);
	s = sums("C9", "U9", today, today);
	holds(s.n[USAGE_TENANT], 3, 45, 3, 45);
	holds(s.n[USAGE_CHANNEL], 0, 0, 0, 0);
	holds(s.n[USAGE_PERSON], 0, 0, 0, 0);
}
END_TEST

START_TEST(days_are_summed_from_the_first_of_the_month_to_today)
{
	struct usage_sums s;

	answer("e1", "C1", "U1", "main");
	s = sums("C1", "U1", "2999-01-31", "2020-01-01");
	holds(s.n[USAGE_TENANT], 0, 0, 1, 15);
	holds(s.n[USAGE_CHANNEL], 0, 0, 1, 15);
	holds(s.n[USAGE_PERSON], 0, 0, 1, 15);
	/* What a clock that was ahead has counted is not of this month. */
	s = sums("C1", "U1", "2020-01-31", "2020-01-01");
	holds(s.n[USAGE_TENANT], 0, 0, 0, 0);
	holds(s.n[USAGE_PERSON], 0, 0, 0, 0);
}
END_TEST

START_TEST(an_entry_that_is_done_twice_counts_once)
{
	struct usage_sums s;

	answer("e1", "C1", "U1", "main");
	done("e1", "C1", "U1", "main");
	s = sums("C1", "U1", today, today);
	holds(s.n[USAGE_TENANT], 1, 15, 1, 15);
	holds(s.n[USAGE_CHANNEL], 1, 15, 1, 15);
	holds(s.n[USAGE_PERSON], 1, 15, 1, 15);
}
END_TEST

START_TEST(what_is_of_nobody_counts_for_the_tenant_alone)
{
	struct usage_sums s;

	answer("e1", NULL, NULL, "main");
	s = sums("", "", today, today);
	holds(s.n[USAGE_TENANT], 1, 15, 1, 15);
	holds(s.n[USAGE_CHANNEL], 0, 0, 0, 0);
	holds(s.n[USAGE_PERSON], 0, 0, 0, 0);
}
END_TEST

static int tell(const struct usage_row *r, void *arg)
{
	char *text = arg;
	size_t n = strlen(text);

	(void)snprintf(text + n, 400 - n, "%s %s %d %d %d;", r->who, r->model,
		       (int)r->answers, (int)r->prompt_tokens,
		       (int)r->completion_tokens);
	return 0;
}

static const char *rows(enum usage_by by, const char *since)
{
	static char text[400];

	text[0] = '\0';
	ck_assert_msg(books.st->ops->usage->rows(books.st, books.acme, by,
						 since, tell, text,
						 &books.e) == 0,
		      "%s", books.e.msg);
	return text;
}

START_TEST(rows_tell_models_channels_and_persons_apart)
{
	char day[100];

	answer("e1", "C1", "U1", "main");
	answer("e2", "C1", "U2", "other");
	answer("e3", "C2", "U1", "main");
	ck_assert_str_eq(rows(USAGE_BY_MODEL, today),
			 "main main 2 20 10;other other 1 10 5;");
	ck_assert_str_eq(rows(USAGE_BY_CHANNEL, today),
			 "C1 main 1 10 5;C1 other 1 10 5;C2 main 1 10 5;");
	ck_assert_str_eq(rows(USAGE_BY_PERSON, today),
			 "U1 main 2 20 10;U2 other 1 10 5;");
	(void)snprintf(day, sizeof(day), "%s main 2 20 10;%s other 1 10 5;",
		       today, today);
	ck_assert_str_eq(rows(USAGE_BY_DAY, today), day);
	ck_assert_str_eq(rows(USAGE_BY_PERSON, "2999-01-01"), "");
}
END_TEST

static int refuse(const struct usage_row *r, void *arg)
{
	(void)r;
	++*(int *)arg;
	return err_set(&books.e, ERR_RETRY, "no more");
}

START_TEST(a_callback_that_fails_ends_the_rows)
{
	int n = 0;

	answer("e1", "C1", "U1", "main");
	answer("e2", "C1", "U2", "main");
	ck_assert_int_eq(books.st->ops->usage->rows(books.st, books.acme,
						    USAGE_BY_PERSON, today,
						    refuse, &n, &books.e),
			 -1);
	ck_assert_int_eq(n, 1);
}
END_TEST

/* One mark, and what the store said to it. */
struct marking {
	struct usage_mark m;
	int rc;
};

static int put_mark(struct store *s, void *arg, struct err *err)
{
	struct marking *m = arg;

	m->rc = s->ops->usage->mark(s, &m->m, err);
	return m->rc < 0 ? -1 : 0;
}

static int mark(const char *tenant, const char *since, const char *who)
{
	struct marking m = { .m = { tenant, since, "person/tokens/day", who,
				    7 } };
	struct journal_req r = { .kind = JOURNAL_WRITE,
				 .write = put_mark,
				 .arg = &m };

	books_must(&r);
	return m.rc;
}

static int tell_mark(const struct usage_mark *m, void *arg)
{
	char *text = arg;
	size_t n = strlen(text);

	(void)snprintf(text + n, 400 - n, "%s %s %s %d;", m->since, m->budget,
		       m->who, (int)m->at_ms);
	return 0;
}

START_TEST(a_mark_is_made_once_in_a_period)
{
	char text[400] = "";

	ck_assert_int_eq(mark(books.acme, "2026-01-31", "U1"), 1);
	ck_assert_int_eq(mark(books.acme, "2026-01-31", "U1"), 0);
	ck_assert_int_eq(mark(books.acme, "2026-01-31", "U2"), 1);
	ck_assert_int_eq(mark(books.acme, "2026-02-01", "U1"), 1);
	ck_assert_int_eq(mark("nobody", "2026-02-01", "U1"), 0);
	ck_assert_int_eq(books.st->ops->usage->marks(books.st, books.acme,
						     "2026-02-01", tell_mark,
						     text, &books.e),
			 0);
	ck_assert_str_eq(text, "2026-02-01 person/tokens/day U1 7;");
}
END_TEST

static int set_budget(struct store *s, void *arg, struct err *err)
{
	struct tenant t = { .name = (char *)"acme", .budget = arg };
	int rc = s->ops->tenant_put(s, &t, err);

	free(t.id);
	return rc;
}

START_TEST(a_budget_comes_with_its_tenant)
{
	struct journal_req r = { .kind = JOURNAL_WRITE,
				 .write = set_budget,
				 .arg = (char *)"person/tokens/day=9" };
	struct connection c;
	struct tenant t;

	ck_assert_int_eq(books.st->ops->tenant_by_name(books.st, "acme", &t,
						       &books.e),
			 1);
	ck_assert_str_eq(t.budget, "");
	tenant_release(&t);
	books_must(&r);
	ck_assert_int_eq(books.st->ops->tenant_by_name(books.st, "acme", &t,
						       &books.e),
			 1);
	ck_assert_str_eq(t.budget, "person/tokens/day=9");
	tenant_release(&t);
	ck_assert_int_eq(books.st->ops->resolve(books.st, "slack", "A1", "T1",
						&c, &books.e),
			 1);
	ck_assert_str_eq(c.tenant.budget, "person/tokens/day=9");
	ck_assert_str_eq(c.bot_id, "BBOT");
	connection_release(&c);
}
END_TEST

START_TEST(what_is_left_to_a_person_is_read_from_the_store)
{
	static const char budget[] =
		"person/tokens/day=100,tenant/requests/month=3";
	int64_t now = clock_wall_ms();
	struct budget_left left;

	answer("e1", "C1", "U1", "main");
	answer("e2", "C1", "U2", "main");
	ck_assert_int_eq(budget_left_of(books.st, budget, books.acme, "U1", now,
					&left, &books.e),
			 0);
	ck_assert_int_eq(left.n[USAGE_TOKENS], 85);
	ck_assert_int_eq(left.n[USAGE_REQUESTS], 1);
	ck_assert_int_gt(left.full_ms[USAGE_TOKENS], now);
	ck_assert_int_eq(budget_left_of(books.st, "", books.acme, "U1", now,
					&left, &books.e),
			 0);
	ck_assert_int_eq(left.n[USAGE_TOKENS], -1);
	ck_assert_int_eq(left.n[USAGE_REQUESTS], -1);
	ck_assert_int_eq(budget_left_of(books.st, "x", books.acme, "U1", now,
					&left, &books.e),
			 -1);
}
END_TEST

static int move(struct store *s, void *arg, struct err *err)
{
	(void)arg;
	return s->ops->channel_moved(s, books.acme, "A1", "T1", "C1", "C2",
				     err);
}

START_TEST(what_a_channel_has_used_moves_with_its_id)
{
	struct journal_req r = { .kind = JOURNAL_WRITE, .write = move };

	answer("e1", "C1", "U1", "main");
	books_must(&r);
	books_must(&r);
	ck_assert_str_eq(rows(USAGE_BY_CHANNEL, today), "C2 main 1 10 5;");
}
END_TEST

static int remove_acme(struct store *s, void *arg, struct err *err)
{
	(void)arg;
	return s->ops->tenant_remove(s, "acme", err);
}

START_TEST(what_a_removed_tenant_has_used_goes_with_it)
{
	struct journal_req r = { .kind = JOURNAL_WRITE, .write = remove_acme };

	books_append("e2");
	answer("e1", "C1", "U1", "main");
	ck_assert_int_eq(mark(books.acme, "2026-01-31", "U1"), 1);
	books_must(&r);
	done("e2", "C1", "U1", "main");
	ck_assert_str_eq(rows(USAGE_BY_PERSON, today), "");
	ck_assert_str_eq(rows(USAGE_BY_MODEL, today), "");
}
END_TEST

static TCase *usage(const char *name, void (*setup)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, books_close);
	tcase_add_checked_fixture(tc, note_today, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, answers_are_summed_for_tenant_channel_and_person);
	tcase_add_test(tc,
		       days_are_summed_from_the_first_of_the_month_to_today);
	tcase_add_test(tc, an_entry_that_is_done_twice_counts_once);
	tcase_add_test(tc, what_is_of_nobody_counts_for_the_tenant_alone);
	tcase_add_test(tc, rows_tell_models_channels_and_persons_apart);
	tcase_add_test(tc, a_callback_that_fails_ends_the_rows);
	tcase_add_test(tc, a_mark_is_made_once_in_a_period);
	tcase_add_test(tc, a_budget_comes_with_its_tenant);
	tcase_add_test(tc, what_is_left_to_a_person_is_read_from_the_store);
	tcase_add_test(tc, what_a_channel_has_used_moves_with_its_id);
	tcase_add_test(tc, what_a_removed_tenant_has_used_goes_with_it);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("usage");
	SRunner *sr;
	int failed;

	books_begin();
	suite_add_tcase(s, usage("sqlite", books_on_sqlite));
	suite_add_tcase(s, usage("postgres", books_on_postgres));
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
