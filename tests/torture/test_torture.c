/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>

#include "base/err.h"
#include "torture/run.h"

static void must_pass(struct torture *t)
{
	struct err e = { 0 };
	int rc = torture_run(t, &e);

	ck_assert_msg(rc == 0, "%s", e.msg);
	torture_print(t);
	ck_assert(torture_passed(t));
}

/* ./dev torture is the long one. */
START_TEST(kills_and_faults_lose_nothing_and_answer_nothing_twice)
{
	struct torture t = {
		.seed = 4,
		.seconds = 8,
		.tenants = 3,
		.rate = 4,
		.kill_ms = 900,
	};

	must_pass(&t);
}
END_TEST

START_TEST(kills_of_nodes_lose_nothing_and_answer_nothing_twice)
{
	struct torture t = {
		.seed = 4,
		.seconds = 12,
		.nodes = 3,
		.tenants = 3,
		.rate = 4,
		.kill_ms = 1500,
	};

	must_pass(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("torture");
	TCase *tc = tcase_create("torture");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 400);
	tcase_add_test(tc,
		       kills_and_faults_lose_nothing_and_answer_nothing_twice);
	tcase_add_test(tc,
		       kills_of_nodes_lose_nothing_and_answer_nothing_twice);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
