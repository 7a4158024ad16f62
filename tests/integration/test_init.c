/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "integration/rig.h"

static struct rig rig;
static char app_file[96], bot_file[96];

static void put(char path[96], const char *name, const char *text)
{
	FILE *f;

	(void)snprintf(path, 96, "%s/%s", rig.bed.dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void setup(void)
{
	rig_open(&rig, NULL);
	put(app_file, "app.token", "xapp-1-A1-1-sim\n");
	put(bot_file, "bot.token", "xoxb-sim-t1\n");
}

static void teardown(void)
{
	rig_close(&rig);
}

static char *init(const char *bot)
{
	const char *args[] = { "init",   "--tenant",
			       "fresh",  "--app-token-file",
			       app_file, "--bot-token-file",
			       bot,      "--name",
			       "Kim",    NULL };
	char *out = NULL;
	int rc = rig_ctl(&rig, &out, args);

	ck_assert_msg((rc == 0) == (bot == bot_file), "%d: %s", rc, out);
	return out;
}

static void check_answered(void)
{
	char ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
}

START_TEST(init_leads_to_an_answer)
{
	struct err e = { 0 };
	char *out = init(bot_file);

	ck_assert_msg(strstr(out, "mention @Kim in #general") != NULL, "%s",
		      out);
	ck_assert_ptr_nonnull(strstr(out, "systemctl"));
	free(out);
	ck_assert_int_eq(bed_start(&rig.bed, &e), 0);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, 20000), 0);
	check_answered();
}
END_TEST

START_TEST(token_files_of_roots_are_read_before_it_becomes_the_daemons_user)
{
	char state[128];

	if (geteuid() != 0)
		return;
	(void)snprintf(state, sizeof(state), "%s/state", rig.bed.dir);
	ck_assert_int_eq(mkdir(state, 0700), 0);
	ck_assert_int_eq(chown(state, 65534, 65534), 0);
	ck_assert_int_eq(chmod(app_file, 0600), 0);
	ck_assert_int_eq(chmod(bot_file, 0600), 0);
	ck_assert_int_eq(chown(rig.bed.dir, 65534, 65534), 0);
	free(init(bot_file));
}
END_TEST

START_TEST(daemon_that_runs_takes_it_up_at_once)
{
	struct err e = { 0 };
	char *out;

	ck_assert_int_eq(bed_start(&rig.bed, &e), 0);
	out = init(bot_file);
	ck_assert_ptr_null(strstr(out, "systemctl"));
	free(out);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, 20000), 0);
	check_answered();
}
END_TEST

START_TEST(token_that_Slack_refuses_is_told)
{
	char bad[96];
	char *out;

	put(bad, "bad.token", "xoxb-nobody\n");
	out = init(bad);
	ck_assert_msg(strstr(out, "invalid_auth") != NULL, "%s", out);
	free(out);
}
END_TEST

START_TEST(without_tokens_there_is_the_manifest)
{
	const char *args[] = { "init", "--name", "Kim Two", NULL };
	char *out = NULL;

	ck_assert_int_eq(rig_ctl(&rig, &out, args), 0);
	ck_assert_ptr_nonnull(strstr(out, "display_name: kim-two"));
	ck_assert_ptr_nonnull(strstr(out, "--bot-token-file"));
	free(out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("init");
	TCase *tc = tcase_create("init");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, init_leads_to_an_answer);
	tcase_add_test(
		tc,
		token_files_of_roots_are_read_before_it_becomes_the_daemons_user);
	tcase_add_test(tc, daemon_that_runs_takes_it_up_at_once);
	tcase_add_test(tc, token_that_Slack_refuses_is_told);
	tcase_add_test(tc, without_tokens_there_is_the_manifest);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
