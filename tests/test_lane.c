/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>

#include "turn/lane.h"

static struct lanes *lanes;
static struct lane_seat a, b, c;

static void setup(void)
{
	lanes = lanes_create();
	ck_assert_ptr_nonnull(lanes);
	a = b = c = (struct lane_seat){ 0 };
}

static void teardown(void)
{
	lane_leave(lanes, &a);
	lane_leave(lanes, &b);
	lane_leave(lanes, &c);
	lanes_free(lanes);
}

START_TEST(who_comes_first_is_at_the_head)
{
	ck_assert_int_eq(lane_join(lanes, "x", &a), 0);
	ck_assert_int_eq(lane_join(lanes, "x", &b), 0);
	ck_assert(lane_is_head(&a));
	ck_assert(!lane_is_head(&b));
	ck_assert(!lane_is_head(&c));
}
END_TEST

START_TEST(when_the_head_leaves_the_next_one_is)
{
	lane_join(lanes, "x", &a);
	lane_join(lanes, "x", &b);
	lane_join(lanes, "x", &c);
	ck_assert_ptr_eq(lane_leave(lanes, &a), &b);
	ck_assert(lane_is_head(&b));
	ck_assert_ptr_eq(lane_leave(lanes, &b), &c);
	ck_assert_ptr_null(lane_leave(lanes, &c));
}
END_TEST

START_TEST(who_waits_behind_is_known_in_order)
{
	lane_join(lanes, "x", &a);
	ck_assert_ptr_null(lane_behind(&a));
	lane_join(lanes, "x", &b);
	lane_join(lanes, "x", &c);
	ck_assert_ptr_eq(lane_behind(&a), &b);
	ck_assert_ptr_eq(lane_behind(&b), &c);
	ck_assert_ptr_null(lane_behind(&c));
	lane_leave(lanes, &b);
	ck_assert_ptr_eq(lane_behind(&a), &c);
	ck_assert_ptr_null(lane_behind(&b));
}
END_TEST

START_TEST(who_leaves_from_the_middle_wakes_nobody)
{
	lane_join(lanes, "x", &a);
	lane_join(lanes, "x", &b);
	lane_join(lanes, "x", &c);
	ck_assert_ptr_null(lane_leave(lanes, &b));
	ck_assert_ptr_eq(lane_leave(lanes, &a), &c);
}
END_TEST

START_TEST(the_last_one_may_leave_and_another_join)
{
	lane_join(lanes, "x", &a);
	lane_join(lanes, "x", &b);
	ck_assert_ptr_null(lane_leave(lanes, &b));
	lane_join(lanes, "x", &c);
	ck_assert_ptr_eq(lane_leave(lanes, &a), &c);
}
END_TEST

START_TEST(lanes_do_not_wait_for_each_other)
{
	lane_join(lanes, "x", &a);
	lane_join(lanes, "y", &b);
	ck_assert(lane_is_head(&a));
	ck_assert(lane_is_head(&b));
}
END_TEST

START_TEST(an_empty_lane_is_forgotten)
{
	lane_join(lanes, "x", &a);
	ck_assert_uint_eq(lanes_count(lanes), 1);
	lane_leave(lanes, &a);
	ck_assert_uint_eq(lanes_count(lanes), 0);
	/* Leaving twice does no harm. */
	ck_assert_ptr_null(lane_leave(lanes, &a));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lane");
	TCase *tc = tcase_create("lane");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, who_comes_first_is_at_the_head);
	tcase_add_test(tc, when_the_head_leaves_the_next_one_is);
	tcase_add_test(tc, who_waits_behind_is_known_in_order);
	tcase_add_test(tc, who_leaves_from_the_middle_wakes_nobody);
	tcase_add_test(tc, the_last_one_may_leave_and_another_join);
	tcase_add_test(tc, lanes_do_not_wait_for_each_other);
	tcase_add_test(tc, an_empty_lane_is_forgotten);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
