/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integration/rig.h"

static struct rig rig;

static void teardown(void)
{
	rig_set_daemon(NULL);
	rig_close(&rig);
}

START_TEST(answer_cut_by_kill_goes_on_in_the_same_placeholder)
{
	const struct sim_llm stuck = { .mode = SIM_LLM_SILENCE, .after = 2 };
	char ts[SIM_TS];
	char *text;

	rig_up(&rig);
	ck_assert_int_eq(sim_llm(rig.sim, &stuck), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> tell me a story", NULL, ts);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.update", 1, MS), 0);
	rig_kill(&rig);
	sim_llm_clear(rig.sim);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 2, MS), 0);
	text = rig_answer(&rig, "C1", ts);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
	free(text);
}
END_TEST

START_TEST(restored_backup_knows_what_was_said_before_it)
{
	char path[160], cmd[600], ts[SIM_TS], second[SIM_TS];
	const char *const backup[] = { "--json", "backup", path, NULL };
	char *out;

	rig_up(&rig);
	(void)snprintf(path, sizeof(path), "%s/copy.db", rig.bed.dir);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	out = rig_run(&rig, 0, backup);
	ck_assert_msg(strstr(out, "{\"backup\":\"") != NULL, "%s", out);
	free(out);
	/* What is there already is left alone. */
	rig_do(&rig, 65, backup);
	rig_stop(&rig);
	(void)snprintf(cmd, sizeof(cmd),
		       "cd '%s/state' && rm -f konstruct.db* && "
		       "cp ../copy.db konstruct.db",
		       rig.bed.dir);
	ck_assert_int_eq(system(cmd), 0);
	rig_start(&rig);
	rig_say(&rig, "C1", "U1", "and then?", ts, second);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 2, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 2);
}
END_TEST

START_TEST(killed_before_the_placeholder_was_noted_posts_no_second_one)
{
	struct sim_fault slow = {
		.kind = SIM_FAULT_DELAY,
		.method = "chat.postMessage",
		.ms = 60000,
		.times = 1,
	};
	char ts[SIM_TS];

	rig_up(&rig);
	/* Slack has it, the daemon never hears so. */
	ck_assert_int_eq(sim_fault(rig.sim, &slow), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 1, MS), 0);
	rig_kill(&rig);
	rig_start(&rig);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
}
END_TEST

START_TEST(lost_reply_of_a_post_is_looked_up_and_not_posted_again)
{
	struct sim_fault lost = {
		.kind = SIM_FAULT_LOST,
		.method = "chat.postMessage",
		.times = 1,
	};
	char ts[SIM_TS];

	rig_up(&rig);
	ck_assert_int_eq(sim_fault(rig.sim, &lost), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
}
END_TEST

START_TEST(message_that_came_while_down_is_redelivered_and_answered)
{
	struct sim_settings set;
	char ts[SIM_TS];
	size_t i;

	rig_up(&rig);
	rig_kill(&rig);
	/* However long the start may take on a busy machine. */
	sim_settings(rig.sim, &set);
	for (i = 0; i < SIM_RETRIES - 1; i++)
		set.retry_ms[i] = 2000;
	sim_set(rig.sim, &set);
	rig_say(&rig, "C1", "U1", "<@UB1> anybody?", NULL, ts);
	rig_start(&rig);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

START_TEST(thread_is_still_engaged_after_a_restart)
{
	char ts[SIM_TS];

	rig_up(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	rig_stop(&rig);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
	rig_say(&rig, "C1", "U1", "and a follow-up", ts, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
}
END_TEST

START_TEST(post_answered_before_a_restart_is_not_answered_after_it)
{
	struct sim_say mention = { .events = "app_mention" };
	char ts[SIM_TS], event[512], marker[SIM_TS];

	rig_up(&rig);
	sim_say(rig.sim, "C1", "U1", "<@UB1> hello", &mention, ts);
	free(rig_answer(&rig, "C1", ts));
	rig_kill(&rig);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
	/* The twin event of the same post, late. */
	snprintf(event, sizeof(event),
		 "{\"type\":\"message\",\"user\":\"U1\",\"ts\":\"%s\","
		 "\"text\":\"<@UB1> hello\",\"channel\":\"C1\","
		 "\"channel_type\":\"channel\",\"event_ts\":\"%s\"}",
		 ts, ts);
	ck_assert_int_eq(sim_event(rig.sim, "A1", "T1", event), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> marker", NULL, marker);
	free(rig_answer(&rig, "C1", marker));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

START_TEST(stopping_lets_answers_finish)
{
	char ts[SIM_TS];
	char *text;

	rig_up(&rig);
	rig_pace(&rig, 500, 20);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	rig_stop(&rig);
	text = rig_answer(&rig, "C1", ts);
	ck_assert_ptr_null(strstr(text, "Thinking"));
	free(text);
}
END_TEST

static const char coming[] = "My answer will come here in a moment.";

static void begin_stop(void)
{
	ck_assert_int_eq(kill(rig.bed.pid, SIGTERM), 0);
	ck_assert(rig_logged(&rig, "msg=stopping", MS));
}

START_TEST(what_cannot_be_finished_says_so_and_goes_on_after_the_restart)
{
	char one[SIM_TS], two[SIM_TS];
	char *text;

	/* Time enough for what comes in it, too little for the story. */
	rig_set_daemon(" drain_timeout_s = 4\n");
	rig_up(&rig);
	rig_pace(&rig, 0, 1000);
	rig_say(&rig, "C1", "U1", "<@UB1> tell me a story", NULL, one);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.update", 1, MS), 0);
	/* Waits behind it, which has seconds to go. */
	rig_say(&rig, "C1", "U2", "<@UB1> and me", one, two);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "reactions.add", 1, MS), 0);
	begin_stop();
	/* Comes when nothing new begins. */
	rig_say(&rig, "C1", "U1", "<@UB1> anybody?", NULL, two);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", two, coming, MS), 0);
	rig_stop(&rig);
	ck_assert_int_eq(sim_wait_acked(rig.sim, 0), 0);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", one, "\n\n_I'm being", 0),
			 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", one), 1);

	rig_pace(&rig, 0, 0);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", one, 2, MS), 0);
	text = rig_answer(&rig, "C1", one);
	ck_assert_ptr_null(strstr(text, coming));
	free(text);
	text = rig_answer(&rig, "C1", two);
	ck_assert_ptr_null(strstr(text, coming));
	free(text);
	ck_assert_int_lt(sim_wait_text(rig.sim, "C1", NULL, coming, 0), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", one), 2);
	ck_assert_uint_eq(rig_replies(&rig, "C1", two), 1);
}
END_TEST

START_TEST(a_stop_is_told_while_it_lasts)
{
	char ts[SIM_TS];
	char *out;

	rig_up(&rig);
	ck_assert_int_eq(rig_get(&rig, "/ready", NULL), 200);
	rig_pace(&rig, 60000, 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	begin_stop();
	ck_assert_int_eq(rig_get(&rig, "/ready", &out), 503);
	ck_assert_ptr_nonnull(strstr(out, "stopping"));
	free(out);
	ck_assert_int_eq(rig_get(&rig, "/health", NULL), 200);
	rig_tells(&rig, 0, ARGS("status", "--json"), "\"stopping\":true");
	/* Links live until the end. */
	ck_assert_uint_eq(sim_links(rig.sim, "A1"), 1);
	rig_kill(&rig);
}
END_TEST

START_TEST(a_hangup_drops_no_link)
{
	struct sim_stats before, after;

	rig_up(&rig);
	sim_stats(rig.sim, &before);
	ck_assert_int_eq(kill(rig.bed.pid, SIGHUP), 0);
	ck_assert(rig_logged(&rig, "settings were read again", MS));
	sim_stats(rig.sim, &after);
	ck_assert_uint_eq(after.links_opened, before.links_opened);
	ck_assert_uint_eq(sim_links(rig.sim, "A1"), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("restart");
	TCase *tc = tcase_create("restart");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 120);
	/* Of PostgreSQL pg_dump makes one. */
	if (!rig_is_shared())
		tcase_add_test(tc,
			       restored_backup_knows_what_was_said_before_it);
	tcase_add_test(tc, answer_cut_by_kill_goes_on_in_the_same_placeholder);
	tcase_add_test(
		tc,
		killed_before_the_placeholder_was_noted_posts_no_second_one);
	tcase_add_test(tc,
		       lost_reply_of_a_post_is_looked_up_and_not_posted_again);
	tcase_add_test(
		tc, message_that_came_while_down_is_redelivered_and_answered);
	tcase_add_test(tc, thread_is_still_engaged_after_a_restart);
	tcase_add_test(tc,
		       post_answered_before_a_restart_is_not_answered_after_it);
	tcase_add_test(tc, stopping_lets_answers_finish);
	/* With several nodes what comes then is another's. */
	if (!rig_is_shared())
		tcase_add_test(
			tc,
			what_cannot_be_finished_says_so_and_goes_on_after_the_restart);
	tcase_add_test(tc, a_stop_is_told_while_it_lasts);
	tcase_add_test(tc, a_hangup_drops_no_link);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
