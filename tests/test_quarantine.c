/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "state/quarantine.h"

#define S 1000

static struct quarantine *q;

static void setup(void)
{
	q = quarantine_create();
	ck_assert_ptr_nonnull(q);
}

static void teardown(void)
{
	quarantine_free(q);
}

static bool holds(const char *token, int64_t at_ms)
{
	return quarantine_holds(q, "A1", "T1", token, at_ms);
}

START_TEST(only_that_token_of_that_connection_is_held)
{
	ck_assert(!holds("old", 0));
	ck_assert(quarantine_put(q, "A1", "T1", "old", "token_revoked", 0));
	ck_assert(!quarantine_put(q, "A1", "T1", "old", "token_revoked", 1));
	ck_assert(holds("old", 1));
	ck_assert(!holds("new", 1));
	ck_assert(!quarantine_holds(q, "A1", "T2", "old", 1));
	ck_assert(!quarantine_holds(q, "A2", "T1", "old", 1));
}
END_TEST

START_TEST(one_may_try_now_and_then_and_less_often_each_time)
{
	quarantine_put(q, "A1", "T1", "old", "invalid_auth", 0);
	ck_assert(holds("old", 30 * S - 1));
	ck_assert(!holds("old", 30 * S));
	ck_assert(holds("old", 30 * S));
	quarantine_put(q, "A1", "T1", "old", "invalid_auth", 31 * S);
	ck_assert(holds("old", 150 * S - 1));
	ck_assert(!holds("old", 150 * S));
	ck_assert(holds("old", 749 * S));
	ck_assert(!holds("old", 750 * S));
}
END_TEST

START_TEST(what_went_well_lifts_it)
{
	ck_assert(!quarantine_lift(q, "A1", "T1"));
	quarantine_put(q, "A1", "T1", "old", "invalid_auth", 0);
	ck_assert(quarantine_lift(q, "A1", "T1"));
	ck_assert(!holds("old", 1));
	ck_assert(!quarantine_lift(q, "A1", "T1"));
}
END_TEST

static void keep(const struct quarantine_view *v, void *arg)
{
	ck_assert_str_eq(v->app_id, "A1");
	ck_assert_str_eq(v->workspace_id, "T1");
	ck_assert_int_eq(v->next_ms, 0);
	strncpy(arg, v->error, 63);
}

START_TEST(what_an_event_tells_holds_no_token)
{
	char error[64] = "";

	ck_assert(quarantine_put(q, "A1", "T1", NULL, "app_uninstalled", 0));
	ck_assert(!holds("old", 1));
	quarantine_each(q, keep, error);
	ck_assert_str_eq(error, "app_uninstalled");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("quarantine");
	TCase *tc = tcase_create("quarantine");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, only_that_token_of_that_connection_is_held);
	tcase_add_test(tc, one_may_try_now_and_then_and_less_often_each_time);
	tcase_add_test(tc, what_went_well_lifts_it);
	tcase_add_test(tc, what_an_event_tells_holds_no_token);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
