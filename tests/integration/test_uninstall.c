/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/err.h"
#include "integration/rig.h"

/* The app is taken out of a workspace, as Slack tells it. */

static struct rig rig;

static void teardown(void)
{
	rig_close(&rig);
}

static bool shows(const char *words)
{
	return rig_says(&rig, ARGS("tenant", "show", "acme"), words);
}

static bool status_says(const char *words)
{
	return rig_says(&rig, ARGS("status"), words);
}

static bool trail_says(const char *words)
{
	return rig_says(&rig, ARGS("audit", "export"), words);
}

static void await(bool (*fn)(const char *words), const char *words, bool yes)
{
	int i;

	for (i = 0; i < MS / 50 && fn(words) != yes; i++)
		poll(NULL, 0, 50);
	ck_assert_msg(fn(words) == yes, "%s", words);
}

static void ask(void)
{
	char ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
}

static void set_token(const char *token)
{
	char path[RIG_PATH];

	rig_file(&rig, "bot.token", token, path);
	rig_do(&rig, EX_OK,
	       ARGS("tenant", "set", "acme", "--bot-token-file", path));
}

static void uninstall(void)
{
	ck_assert_int_eq(sim_uninstall(rig.sim, "A1", "T1"), 0);
	await(shows, "UNINSTALLED FROM", true);
}

static void install_again(void)
{
	ck_assert_int_eq(sim_install_again(rig.sim, "A1", "T1", "xoxb-again"),
			 0);
}

/* Slack tells the second in which it was taken out. */
static void say_until_it_is_back(void)
{
	char ts[SIM_TS];
	int i;

	for (i = 0; i < MS / 200 && shows("UNINSTALLED FROM"); i++) {
		rig_say(&rig, "C1", "U1", "<@UB1> again", NULL, ts);
		poll(NULL, 0, 200);
	}
	ck_assert(!shows("UNINSTALLED FROM"));
}

START_TEST(an_uninstall_is_told_and_remembered_and_nothing_is_done_there)
{
	struct err e = { 0 };
	int64_t lines;

	rig_up(&rig);
	ask();
	lines = rig_count(&rig, "transcript");
	uninstall();
	ck_assert(shows("in 29d"));
	ck_assert(status_says("UNINSTALLED FROM"));
	ck_assert(status_says("acme            uninstalled"));
	/* By it we hear of what comes next. */
	ck_assert(status_says("keeps its link"));
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
	ck_assert(rig_logged(&rig, "is to be erased", MS));
	await(trail_says, "decision=uninstalled", true);
	rig_kill(&rig);
	ck_assert_msg(bed_start(&rig.bed, &e) == 0, "%s", e.msg);
	ck_assert(shows("UNINSTALLED FROM"));
	/* The same token says nothing new. */
	ck_assert_msg(bed_apply(&rig.bed, &e) == 0, "%s", e.msg);
	ck_assert(shows("UNINSTALLED FROM"));
	ck_assert_int_eq(rig_count(&rig, "transcript"), lines);
}
END_TEST

START_TEST(installed_again_all_goes_on)
{
	int64_t lines;

	rig_up(&rig);
	ask();
	lines = rig_count(&rig, "transcript");
	uninstall();
	install_again();
	say_until_it_is_back();
	await(trail_says, "decision=\"installed again\"", true);
	set_token("xoxb-again");
	ask();
	ck_assert_int_eq(rig_count(&rig, "transcript"), lines + 2);
}
END_TEST

START_TEST(a_new_token_ends_it)
{
	rig_up(&rig);
	uninstall();
	install_again();
	set_token("xoxb-again");
	ck_assert(!shows("UNINSTALLED FROM"));
	ck_assert(!status_says("UNINSTALLED FROM"));
	ask();
}
END_TEST

START_TEST(when_its_time_is_over_all_is_erased)
{
	static const char *const kept[] = { "transcript", "usage_by", "usage",
					    "homes", "engaged" };
	size_t i;

	rig_open(&rig, "uninstall_days = 0");
	rig_start(&rig);
	ask();
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		ck_assert_int_gt(rig_count(&rig, kept[i]), 0);
	uninstall();
	await(trail_says, "decision=erased", true);
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		ck_assert_msg(rig_count(&rig, kept[i]) == 0, "%s", kept[i]);
	ck_assert_int_eq(rig_count(&rig, "connections WHERE bot_token <> ''"),
			 0);
	ck_assert(status_says("yes"));
	install_again();
	set_token("xoxb-again");
	ask();
	ck_assert_int_eq(rig_count(&rig, "transcript"), 2);
}
END_TEST

START_TEST(installed_again_too_late_it_wants_a_token)
{
	char ts[SIM_TS];
	int i;

	rig_open(&rig, "uninstall_days = 0");
	rig_start(&rig);
	uninstall();
	await(trail_says, "decision=erased", true);
	install_again();
	for (i = 0;
	     i < MS / 200 && !rig_logged(&rig, "its tokens are erased", 0);
	     i++) {
		rig_say(&rig, "C1", "U1", "<@UB1> hello?", NULL, ts);
		poll(NULL, 0, 200);
	}
	ck_assert(rig_logged(&rig, "its tokens are erased", 0));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 0);
}
END_TEST

/* Whichever has the link, and whichever does the app's work. */
START_TEST(of_several_nodes_one_erases)
{
	if (!rig_is_shared())
		return;
	rig_open_nodes(&rig, "uninstall_days = 0", 2);
	rig_start(&rig);
	ask();
	uninstall();
	await(trail_says, "decision=erased", true);
	ck_assert_int_eq(rig_count(&rig, "transcript"), 0);
	ck_assert_int_eq(rig_count(&rig, "connections WHERE bot_token <> ''"),
			 0);
	ck_assert_int_eq(
		rig_count(&rig, "audit WHERE body LIKE '%:\"uninstalled\"%'"),
		1);
	ck_assert_int_eq(
		rig_count(&rig, "audit WHERE body LIKE '%:\"erased\"%'"), 1);
}
END_TEST

#define LINES "1500"
#define HALF  "750"
#define STUCK "half of it stays"

/* Of the transcript no more than a half can be erased meanwhile. */
static void hold_half(void)
{
	(void)rig_sql(&rig,
		      rig_is_shared()
			      ? "CREATE FUNCTION half() RETURNS trigger"
				" LANGUAGE plpgsql AS $$ BEGIN"
				" IF (SELECT count(*) <= " HALF
				" FROM konstruct.transcript) THEN"
				" RAISE '" STUCK "' USING ERRCODE = '55P03';"
				" END IF; RETURN OLD; END $$;"
				"CREATE TRIGGER half BEFORE DELETE"
				" ON transcript FOR EACH ROW"
				" EXECUTE FUNCTION half()"
			      : "CREATE TRIGGER half BEFORE DELETE"
				" ON transcript WHEN (SELECT count(*) <= " HALF
				" FROM transcript) BEGIN"
				" SELECT raise(ABORT, '" STUCK "'); END");
}

static void hold_no_more(void)
{
	(void)rig_sql(&rig, rig_is_shared() ? "DROP FUNCTION half() CASCADE"
					    : "DROP TRIGGER half");
}

static void fill_transcript(void)
{
	(void)rig_sql(
		&rig,
		rig_is_shared()
			? "INSERT INTO transcript (tenant_id, channel,"
			  " thread, ts, ours, text) SELECT id, 'C9', '1.0',"
			  " i || '.0', false, 'x' FROM tenants,"
			  " generate_series(1, " LINES ") i"
			: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
			  " SELECT i + 1 FROM n WHERE i < " LINES ")"
			  " INSERT INTO transcript (tenant_id, channel,"
			  " thread, ts, ours, text) SELECT id, 'C9', '1.0',"
			  " i || '.0', 0, 'x' FROM tenants, n");
}

START_TEST(killed_while_it_erases_it_goes_on)
{
	struct err e = { 0 };

	rig_open(&rig, "uninstall_days = 0");
	rig_start(&rig);
	fill_transcript();
	hold_half();
	ck_assert_int_eq(sim_uninstall(rig.sim, "A1", "T1"), 0);
	ck_assert(rig_logged(&rig, STUCK, MS));
	rig_kill(&rig);
	ck_assert_int_ge(rig_count(&rig, "transcript"), atoi(HALF));
	ck_assert_int_lt(rig_count(&rig, "transcript"), atoi(LINES));
	hold_no_more();
	ck_assert_msg(bed_start(&rig.bed, &e) == 0, "%s", e.msg);
	await(trail_says, "decision=erased", true);
	ck_assert_int_eq(rig_count(&rig, "transcript"), 0);
	ck_assert_int_eq(rig_count(&rig, "connections WHERE bot_token <> ''"),
			 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("uninstall");
	TCase *tc = tcase_create("uninstall");
	SRunner *sr;
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(
		tc,
		an_uninstall_is_told_and_remembered_and_nothing_is_done_there);
	tcase_add_test(tc, installed_again_all_goes_on);
	tcase_add_test(tc, a_new_token_ends_it);
	tcase_add_test(tc, when_its_time_is_over_all_is_erased);
	tcase_add_test(tc, installed_again_too_late_it_wants_a_token);
	tcase_add_test(tc, of_several_nodes_one_erases);
	tcase_add_test(tc, killed_while_it_erases_it_goes_on);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
