/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

START_TEST(contents_are_always_terminated)
{
	struct buf b;

	buf_init(&b, 1000);
	ck_assert_ptr_null(b.data);
	ck_assert_int_eq(buf_add(&b, "", 0), 0);
	ck_assert_str_eq(b.data, "");
	ck_assert_int_eq(buf_adds(&b, "one"), 0);
	ck_assert_int_eq(buf_addc(&b, ' '), 0);
	ck_assert_int_eq(buf_addf(&b, "%d %s", 2, "three"), 0);
	ck_assert_str_eq(b.data, "one 2 three");
	ck_assert_uint_eq(b.len, 11);
	buf_release(&b);
}
END_TEST

START_TEST(ceiling_can_be_reached_but_not_passed)
{
	struct buf b;

	buf_init(&b, 5);
	ck_assert_int_eq(buf_adds(&b, "12345"), 0);
	ck_assert_int_eq(buf_addc(&b, '6'), -1);
	ck_assert_str_eq(b.data, "12345");
	ck_assert(b.failed);
	buf_release(&b);
}
END_TEST

START_TEST(failure_sticks_until_reset)
{
	struct buf b;

	buf_init(&b, 5);
	ck_assert_int_eq(buf_addf(&b, "%s", "123456"), -1);
	ck_assert_int_eq(buf_addc(&b, '1'), -1);
	ck_assert_uint_eq(b.len, 0);
	buf_reset(&b);
	ck_assert_int_eq(buf_addc(&b, '1'), 0);
	ck_assert_str_eq(b.data, "1");
	buf_release(&b);
}
END_TEST

START_TEST(huge_length_is_refused_not_wrapped)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	ck_assert_int_eq(buf_addc(&b, 'x'), 0);
	ck_assert_int_eq(buf_add(&b, "x", SIZE_MAX), -1);
	ck_assert_str_eq(b.data, "x");
	buf_release(&b);
}
END_TEST

START_TEST(grows_over_many_small_additions)
{
	struct buf b;
	int i;

	buf_init(&b, 100000);
	for (i = 0; i < 10000; i++)
		ck_assert_int_eq(buf_adds(&b, "0123456789"), 0);
	ck_assert_uint_eq(b.len, 100000);
	ck_assert_uint_le(b.size, 100001);
	ck_assert_int_eq(buf_addc(&b, 'x'), -1);
	buf_release(&b);
}
END_TEST

START_TEST(shift_drops_the_front)
{
	struct buf b;

	buf_init(&b, 100);
	buf_shift(&b, 0);
	ck_assert_int_eq(buf_adds(&b, "hello world"), 0);
	buf_shift(&b, 6);
	ck_assert_str_eq(b.data, "world");
	buf_shift(&b, 5);
	ck_assert_str_eq(b.data, "");
	buf_release(&b);
}
END_TEST

START_TEST(take_moves_the_contents_out)
{
	struct buf b;
	char *s;

	buf_init(&b, 100);
	buf_adds(&b, "mine");
	s = buf_take(&b);
	ck_assert_str_eq(s, "mine");
	ck_assert_uint_eq(b.len, 0);
	free(s);

	s = buf_take(&b);
	ck_assert_str_eq(s, "");
	free(s);
	buf_release(&b);
}
END_TEST

START_TEST(take_gives_nothing_that_is_cut)
{
	struct buf b;

	buf_init(&b, 4);
	buf_adds(&b, "1234");
	buf_addc(&b, '5');
	ck_assert_ptr_null(buf_take(&b));
	ck_assert(!b.failed);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("buf");
	TCase *tc = tcase_create("buf");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, contents_are_always_terminated);
	tcase_add_test(tc, ceiling_can_be_reached_but_not_passed);
	tcase_add_test(tc, failure_sticks_until_reset);
	tcase_add_test(tc, huge_length_is_refused_not_wrapped);
	tcase_add_test(tc, grows_over_many_small_additions);
	tcase_add_test(tc, shift_drops_the_front);
	tcase_add_test(tc, take_moves_the_contents_out);
	tcase_add_test(tc, take_gives_nothing_that_is_cut);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
