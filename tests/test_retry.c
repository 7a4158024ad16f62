/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <limits.h>
#include <stdlib.h>

#include "net/retry.h"

static const struct {
	const struct retry_table *table;
	unsigned int try;
	unsigned int most; /* and half of it the least */
} cases[] = {
	{ &retry_link, 0, 1000 },  { &retry_link, 1, 2000 },
	{ &retry_link, 6, 60000 }, { &retry_link, UINT_MAX, 60000 },
	{ &retry_slow, 0, 30000 }, { &retry_slow, 99, 600000 },
	{ &retry_call, 0, 250 },   { &retry_call, 5, 8000 },
	{ &retry_call, 6, 8000 },
};

START_TEST(waits_between_half_and_all_of_the_entry)
{
	unsigned int most = cases[_i].most;
	unsigned int least_seen = UINT_MAX;
	unsigned int most_seen = 0;
	unsigned int ms;
	int i;

	for (i = 0; i < 1000; i++) {
		ms = retry_delay_ms(cases[_i].table, cases[_i].try, 0);
		ck_assert_uint_ge(ms, most / 2);
		ck_assert_uint_le(ms, most);
		least_seen = ms < least_seen ? ms : least_seen;
		most_seen = ms > most_seen ? ms : most_seen;
	}
	/* Of a thousand, some lie in the lowest and the highest tenth. */
	ck_assert_uint_lt(least_seen, most / 2 + most / 20);
	ck_assert_uint_gt(most_seen, most - most / 20);
}
END_TEST

START_TEST(never_undercuts_what_the_server_asked_for)
{
	int i;

	for (i = 0; i < 100; i++) {
		ck_assert_uint_eq(retry_delay_ms(&retry_call, 0, 7000), 7000);
		ck_assert_uint_ge(retry_delay_ms(&retry_call, 5, 6000), 6000);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("retry");
	TCase *tc = tcase_create("retry");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, waits_between_half_and_all_of_the_entry, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tc, never_undercuts_what_the_server_asked_for);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
