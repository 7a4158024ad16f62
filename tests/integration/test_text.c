/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/err.h"
#include "integration/rig.h"

/* Text of messages is in the log where an admin has said so, and nowhere else.
 */

#define ASKED    "wombat-of-the-asker"
#define ANSWERED "quokka-of-the-model"

static struct rig rig;

static void teardown(void)
{
	rig_close(&rig);
}

static void set_text(int code, const char *how)
{
	rig_do(&rig, code, ARGS("tenant", "set", "acme", "--debug-text", how));
}

static bool shows(const char *words)
{
	const char *const show[] = { "tenant", "show", "acme", NULL };

	return rig_says(&rig, show, "debug_text") &&
	       rig_says(&rig, show, words) &&
	       rig_says(&rig, ARGS("status"), "TEXT IN THE LOG OF");
}

static void begin(void)
{
	const struct sim_llm reply = { .text = "The " ANSWERED " says so." };

	rig_up(&rig);
	ck_assert_int_eq(sim_llm(rig.sim, &reply), 0);
	rig_do(&rig, EX_OK, ARGS("log-level", "debug"));
}

static void ask(void)
{
	char ts[SIM_TS], *answer;

	rig_say(&rig, "C1", "U1", "<@UB1> what about the " ASKED "?", NULL, ts);
	answer = rig_answer(&rig, "C1", ts);
	ck_assert_ptr_nonnull(strstr(answer, ANSWERED));
	free(answer);
	rig_say(&rig, "D1", "U1", "and the " ASKED "?", NULL, ts);
	free(rig_answer(&rig, "D1", ts));
}

/* How many lines of the log hold these words. */
static int lines(const char *words)
{
	char line[8192];
	FILE *f = fopen(rig.bed.log, "r");
	int n = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, words) != NULL;
	(void)fclose(f);
	return n;
}

START_TEST(no_text_is_in_the_log_at_any_level)
{
	begin();
	ask();
	rig_stop(&rig);
	ck_assert_int_gt(lines("level=debug"), 0);
	ck_assert_int_eq(lines("wombat"), 0);
	ck_assert_int_eq(lines("quokka"), 0);
}
END_TEST

START_TEST(where_it_is_wanted_it_is_and_that_is_told)
{
	int asked, answered;

	begin();
	rig_do(&rig, EX_OK, ARGS("log-level", "info"));
	set_text(EX_OK, "2h");
	ck_assert(rig_logged(&rig, "text of messages goes into the log\"", MS));
	ck_assert(shows("for 1h 59m"));
	ck_assert(rig_says(&rig, ARGS("audit", "export"),
			   "changed=debug_text_minutes"));
	ck_assert(!rig_says(&rig, ARGS("export"), "text"));
	ask();
	asked = lines("wombat");
	answered = lines("quokka");
	ck_assert_int_eq(lines("msg=question"), 2);
	ck_assert_int_ge(lines("msg=prompt"), 4);
	ck_assert_int_eq(lines("msg=answer"), 2);
	ck_assert_int_ge(lines("msg=sent"), 2);
	ck_assert_int_ge(asked, 4);
	ck_assert_int_ge(answered, 4);
	set_text(EX_OK, "off");
	ck_assert(rig_logged(&rig, "goes into the log no more", MS));
	ask();
	ck_assert_int_eq(lines("wombat"), asked);
	ck_assert_int_eq(lines("quokka"), answered);
}
END_TEST

START_TEST(it_outlives_a_restart_and_has_an_end)
{
	struct err e = { 0 };
	static const char *const bad[] = { "25h", "1441m", "0m",  "yes",
					   "-2h", "",      "2hh", "1" };
	size_t i;

	begin();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		set_text(EX_DATAERR, bad[i]);
	set_text(EX_OK, "24h");
	set_text(EX_OK, "30m");
	rig_kill(&rig);
	ck_assert_msg(bed_start(&rig.bed, &e) == 0, "%s", e.msg);
	ck_assert(shows("for 29m") || shows("for 30m"));
	ck_assert_int_eq(lines("text of messages goes into the log\""), 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("text");
	TCase *tc = tcase_create("text");
	SRunner *sr;
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, no_text_is_in_the_log_at_any_level);
	tcase_add_test(tc, where_it_is_wanted_it_is_and_that_is_told);
	tcase_add_test(tc, it_outlives_a_restart_and_has_an_end);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
