/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>

#include "base/near.h"
#include "base/word.h"

static const struct {
	const char *list;
	const char *word;
	bool in;
} lists[] = {
	{ "U1", "U1", true },         { "U11 U1", "U1", true },
	{ "U11", "U1", false },       { "XU1", "U1", false },
	{ "a:read,a", "a", true },    { "a:read, b", "b", true },
	{ "a:read,a:b", "a", false }, { "", "a", false },
};

START_TEST(a_word_is_in_a_list_as_a_whole)
{
	ck_assert_int_eq(word_in(lists[_i].list, lists[_i].word), lists[_i].in);
}
END_TEST

static const struct {
	const char *a, *b;
	size_t distance;
} pairs[] = {
	{ "tenant", "tenant", 0 },
	{ "tenat", "tenant", 1 },
	{ "tennant", "tenant", 1 },
	{ "tenamt", "tenant", 1 },
	{ "status", "tenant", 6 },
	{ "", "top", 3 },
	{ "x", "12345678901234567890123456789012", 32 },
};

START_TEST(words_are_as_far_as_their_slips)
{
	ck_assert_uint_eq(near_distance(pairs[_i].a, pairs[_i].b),
			  pairs[_i].distance);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("word");
	TCase *tc = tcase_create("word");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, a_word_is_in_a_list_as_a_whole, 0,
			    sizeof(lists) / sizeof(lists[0]));
	tcase_add_loop_test(tc, words_are_as_far_as_their_slips, 0,
			    sizeof(pairs) / sizeof(pairs[0]));
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
