/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>

#include "slack/pace.h"

static struct pace p;

START_TEST(burst_passes_and_then_one_per_interval)
{
	int i;

	pace_init(&p, 60, 5, 1000);
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(pace_take(&p, 1000), 0);
	ck_assert_int_eq(pace_take(&p, 1000), 1000);
	ck_assert_int_eq(pace_take(&p, 1400), 600);
	ck_assert_int_eq(pace_take(&p, 2000), 0);
	ck_assert_int_eq(pace_take(&p, 2000), 1000);
}
END_TEST

START_TEST(never_more_than_promised_in_a_minute)
{
	int64_t now;
	int n = 0;

	pace_init(&p, 45, 5, 0);
	for (now = 0; now < 10 * 60000; now += 10)
		n += pace_take(&p, now) == 0;
	ck_assert_int_le(n, 450 + 5);
	ck_assert_int_ge(n, 445);
}
END_TEST

START_TEST(credit_stops_at_the_burst)
{
	int i;

	pace_init(&p, 60, 3, 0);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(pace_take(&p, 1000000), 0);
	ck_assert_int_gt(pace_take(&p, 1000000), 0);
}
END_TEST

START_TEST(zero_per_minute_is_unlimited)
{
	int i;

	pace_init(&p, 0, 1, 0);
	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(pace_take(&p, 0), 0);
	ck_assert_int_eq(pace_force(&p, 0), 0);
}
END_TEST

START_TEST(force_passes_on_credit_that_is_paid_back)
{
	pace_init(&p, 60, 1, 0);
	ck_assert_int_eq(pace_take(&p, 0), 0);
	ck_assert_int_eq(pace_force(&p, 0), 0);
	ck_assert_int_eq(pace_force(&p, 0), 0);
	ck_assert_int_eq(pace_take(&p, 0), 3000);
	ck_assert_int_eq(pace_take(&p, 3000), 0);
}
END_TEST

START_TEST(waiting_for_several_takes_none)
{
	pace_init(&p, 60, 3, 0);
	ck_assert_int_eq(pace_wait(&p, 3, 0), 0);
	ck_assert_int_eq(pace_take(&p, 0), 0);
	ck_assert_int_eq(pace_wait(&p, 3, 0), 1000);
	ck_assert_int_eq(pace_wait(&p, 2, 0), 0);
	ck_assert_int_eq(pace_take(&p, 0), 0);
	pace_block(&p, 0, 30000);
	ck_assert_int_eq(pace_wait(&p, 1, 1000), 29000);
}
END_TEST

START_TEST(another_rate_keeps_the_tokens)
{
	pace_init(&p, 60, 4, 0);
	ck_assert_int_eq(pace_take(&p, 0), 0);
	ck_assert_int_eq(pace_take(&p, 0), 0);
	pace_rate(&p, 30, 0);
	ck_assert_int_eq(pace_take(&p, 0), 0);
	ck_assert_int_eq(pace_take(&p, 0), 0);
	ck_assert_int_eq(pace_take(&p, 0), 2000);
	pace_rate(&p, 0, 0);
	ck_assert_int_eq(pace_take(&p, 0), 0);
	pace_rate(&p, 60, 0);
	ck_assert_int_eq(pace_wait(&p, 4, 0), 0);
	ck_assert_int_eq(pace_wait(&p, 5, 0), 1000);
}
END_TEST

START_TEST(retry_after_blocks_everything)
{
	pace_init(&p, 60, 5, 0);
	pace_block(&p, 0, 30000);
	ck_assert_int_eq(pace_take(&p, 1000), 29000);
	ck_assert_int_eq(pace_force(&p, 1000), 29000);
	/* A shorter one doesn't lift it. */
	pace_block(&p, 1000, 5);
	ck_assert_int_eq(pace_take(&p, 29999), 1);
	ck_assert_int_eq(pace_take(&p, 30000), 0);
}
END_TEST

START_TEST(retry_after_blocks_the_unlimited_too)
{
	pace_init(&p, 0, 1, 0);
	pace_block(&p, 0, 1000);
	ck_assert_int_eq(pace_take(&p, 0), 1000);
	ck_assert_int_eq(pace_take(&p, 1000), 0);
}
END_TEST

START_TEST(a_clock_that_stands_gives_nothing)
{
	pace_init(&p, 60, 1, 5000);
	ck_assert_int_eq(pace_take(&p, 5000), 0);
	ck_assert_int_eq(pace_take(&p, 4000), 1000);
	ck_assert_int_eq(pace_take(&p, 5000), 1000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pace");
	TCase *tc = tcase_create("pace");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, burst_passes_and_then_one_per_interval);
	tcase_add_test(tc, never_more_than_promised_in_a_minute);
	tcase_add_test(tc, credit_stops_at_the_burst);
	tcase_add_test(tc, zero_per_minute_is_unlimited);
	tcase_add_test(tc, force_passes_on_credit_that_is_paid_back);
	tcase_add_test(tc, waiting_for_several_takes_none);
	tcase_add_test(tc, another_rate_keeps_the_tokens);
	tcase_add_test(tc, retry_after_blocks_everything);
	tcase_add_test(tc, retry_after_blocks_the_unlimited_too);
	tcase_add_test(tc, a_clock_that_stands_gives_nothing);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
