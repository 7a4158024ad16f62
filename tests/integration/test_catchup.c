/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integration/gap.h"
#include "integration/rig.h"

/* What was said while the daemon was down, and Slack doesn't deliver. */

static struct rig rig;

static void teardown(void)
{
	rig_close(&rig);
}

/* A thread in C1 and a direct message, both answered; then it is stopped. */
static void talk(char thread[SIM_TS], char direct[SIM_TS])
{
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, thread);
	free(rig_answer(&rig, "C1", thread));
	rig_say(&rig, "D1", "U1", "hello", NULL, direct);
	free(rig_answer(&rig, "D1", direct));
	rig_stop(&rig);
}

static void come_back(int minutes)
{
	gap_make(&rig, minutes);
	rig_start(&rig);
}

static void swept(void)
{
	ck_assert(rig_logged(&rig, "conversations after a gap", MS));
}

static size_t lookups(void)
{
	return sim_count(rig.sim, "conversations.replies") +
	       sim_count(rig.sim, "conversations.history");
}

START_TEST(what_was_said_in_a_long_gap_is_answered_once)
{
	char thread[SIM_TS], direct[SIM_TS], late[SIM_TS], dm[SIM_TS];

	rig_up(&rig);
	talk(thread, direct);
	gap_say(&rig, "C1", "U2", "and a follow-up", thread, late);
	gap_say(&rig, "D1", "U1", "anybody?", NULL, dm);
	come_back(10);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", thread, 2, MS), 0);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "D1", dm, 1, MS), 0);
	free(rig_answer(&rig, "D1", dm));
	swept();
	/* Slack comes with it after all. */
	gap_deliver(&rig, "C1", "U2", "and a follow-up", thread, late);
	gap_deliver(&rig, "D1", "U1", "anybody?", NULL, dm);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	rig_stop(&rig);
	/* And after another gap it is found again. */
	come_back(10);
	swept();
	rig_stop(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C1", thread), 2);
	ck_assert_uint_eq(rig_replies(&rig, "D1", dm), 1);
	ck_assert_uint_eq(rig_replies(&rig, "D1", direct), 1);
}
END_TEST

START_TEST(what_is_not_for_us_or_too_old_is_left_alone)
{
	char thread[SIM_TS], direct[SIM_TS], old[SIM_TS], marker[SIM_TS];
	struct sim_say bot = { .events = "", .bot_id = "BOTHER" };
	struct sim_say stale = { .events = "", .ts = old };

	rig_open(&rig, " catch_up_minutes = 5\n");
	rig_start(&rig);
	talk(thread, direct);
	bot.thread_ts = thread;
	ck_assert_int_eq(sim_say(rig.sim, "C1", "U2", "<@UB1> I am a bot", &bot,
				 NULL),
			 0);
	rig_later(direct, -600, old);
	ck_assert_int_eq(
		sim_say(rig.sim, "D1", "U1", "an old one", &stale, NULL), 0);
	/* A thread that nobody knows. */
	gap_say(&rig, "C2", "U1", "<@UB1> are you here?", NULL, marker);
	come_back(60);
	swept();
	rig_say(&rig, "D1", "U1", "marker", NULL, marker);
	free(rig_answer(&rig, "D1", marker));
	ck_assert_uint_eq(rig_replies(&rig, "C1", thread), 2); /* and the bot */
	ck_assert_uint_eq(rig_replies(&rig, "D1", old), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C2", NULL), 0);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 3);
}
END_TEST

START_TEST(a_gap_that_redeliveries_cover_is_not_swept)
{
	char thread[SIM_TS], direct[SIM_TS];
	size_t before;

	rig_up(&rig);
	talk(thread, direct);
	before = lookups();
	come_back(3);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
	rig_say(&rig, "D1", "U1", "marker", NULL, direct);
	free(rig_answer(&rig, "D1", direct));
	ck_assert(!rig_logged(&rig, "after a gap", 1500));
	ck_assert_uint_eq(lookups(), before);
}
END_TEST

START_TEST(zero_minutes_turn_it_off)
{
	char thread[SIM_TS], direct[SIM_TS];

	rig_open(&rig, " catch_up_minutes = 0\n");
	rig_start(&rig);
	talk(thread, direct);
	come_back(60);
	ck_assert(!rig_logged(&rig, "after a gap", 1500));
	ck_assert_uint_eq(lookups(), 0);
}
END_TEST

START_TEST(without_the_scope_it_says_so_once_and_goes_on)
{
	struct sim_fault no = { .kind = SIM_FAULT_ERROR,
				.error = "missing_scope",
				.method = "conversations.replies" };
	char thread[SIM_TS], other[SIM_TS], direct[SIM_TS], dm[SIM_TS];
	char *log, *p;
	int told = 0;

	rig_up(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, other);
	free(rig_answer(&rig, "C1", other));
	talk(thread, direct);
	gap_say(&rig, "C1", "U2", "and a follow-up", thread, NULL);
	gap_say(&rig, "D1", "U1", "anybody?", NULL, dm);
	ck_assert_int_eq(sim_fault(rig.sim, &no), 0);
	come_back(10);
	swept();
	free(rig_answer(&rig, "D1", dm));
	ck_assert_uint_eq(rig_replies(&rig, "C1", thread), 1);
	log = bed_log(&rig.bed);
	for (p = log; (p = strstr(p, "can't be read here")); p++)
		told++;
	ck_assert_int_eq(told, 2); /* channels, and threads of a DM */
	free(log);
}
END_TEST

START_TEST(slack_is_asked_no_sooner_than_it_says)
{
	struct sim_fault rate = { .kind = SIM_FAULT_RATE,
				  .method = "conversations.history",
				  .ms = 2000,
				  .times = 1 };
	char thread[SIM_TS], direct[SIM_TS], dm[SIM_TS];
	struct sim_call *calls;
	size_t n;

	rig_up(&rig);
	talk(thread, direct);
	gap_say(&rig, "D1", "U1", "anybody?", NULL, dm);
	ck_assert_int_eq(sim_fault(rig.sim, &rate), 0);
	come_back(10);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "D1", dm, 1, MS), 0);
	free(rig_answer(&rig, "D1", dm));
	calls = sim_calls(rig.sim, "conversations.history", &n);
	ck_assert_uint_eq(n, 2);
	/* Timers go by whole milliseconds. */
	ck_assert_int_ge(calls[1].at_us - calls[0].at_us, 1999000);
	sim_calls_free(calls, n);
}
END_TEST

/* Time of the first or last call. */
static int64_t call_us(const char *method, bool last)
{
	struct sim_call *calls;
	int64_t us;
	size_t n;

	calls = sim_calls(rig.sim, method, &n);
	ck_assert_uint_gt(n, 0);
	us = calls[last ? n - 1 : 0].at_us;
	sim_calls_free(calls, n);
	return us;
}

START_TEST(what_slack_fails_to_show_is_asked_again_and_holds_up_nothing)
{
	const struct sim_fault fails = { .kind = SIM_FAULT_STATUS,
					 .method = "conversations.replies",
					 .status = 500,
					 .times = 6 };
	char thread[SIM_TS], direct[SIM_TS], dm[SIM_TS];

	rig_up(&rig);
	talk(thread, direct);
	gap_say(&rig, "C1", "U1", "and then?", thread, NULL);
	gap_say(&rig, "D1", "U1", "anybody?", NULL, dm);
	ck_assert_int_eq(sim_fault(rig.sim, &fails), 0);
	come_back(10);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "D1", dm, 1, MS), 0);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", thread, 2, MS), 0);
	ck_assert_int_lt(call_us("conversations.history", false),
			 call_us("conversations.replies", true));
}
END_TEST

START_TEST(pages_are_read_to_their_end)
{
	struct sim_say bot = { .events = "", .bot_id = "BOTHER" };
	char thread[SIM_TS], direct[SIM_TS];
	int i;

	rig_up(&rig);
	talk(thread, direct);
	bot.thread_ts = thread;
	for (i = 0; i < 205; i++)
		ck_assert_int_eq(
			sim_say(rig.sim, "C1", "U2", "beep", &bot, NULL), 0);
	gap_say(&rig, "C1", "U2", "<@UB1> and you?", thread, NULL);
	come_back(10);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", thread, 207, MS), 0);
	swept();
	/* With the two that were answered before, which the gate knows. */
	ck_assert(rig_logged(&rig, "found=3\n", 0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("catchup");
	TCase *tc = tcase_create("catchup");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, what_was_said_in_a_long_gap_is_answered_once);
	tcase_add_test(tc, what_is_not_for_us_or_too_old_is_left_alone);
	tcase_add_test(tc, a_gap_that_redeliveries_cover_is_not_swept);
	tcase_add_test(tc, zero_minutes_turn_it_off);
	tcase_add_test(tc, without_the_scope_it_says_so_once_and_goes_on);
	tcase_add_test(tc, slack_is_asked_no_sooner_than_it_says);
	tcase_add_test(
		tc,
		what_slack_fails_to_show_is_asked_again_and_holds_up_nothing);
	tcase_add_test(tc, pages_are_read_to_their_end);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
