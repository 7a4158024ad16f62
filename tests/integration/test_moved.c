/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "integration/rig.h"
#include "sim/act.h"

/*
 * A channel gets another id, as when it is made private or shared; of the old
 * one Slack knows nothing any more.
 */

#define LOOKING_MS 11500 /* src/turn/spare.c */

static struct rig rig;

static void setup(void)
{
	rig_up(&rig);
}

static void teardown(void)
{
	rig_close(&rig);
}

static void move(void)
{
	ck_assert_int_eq(sim_move_channel(rig.sim, "C2", "C2NEW"), 0);
}

/* What follows in the thread is answered, and knows what was said. */
static void check_goes_on(const char *ts)
{
	rig_say(&rig, "C2NEW", "U1", "and what else?", ts, NULL);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C2NEW", ts, "said: \"and what", MS), 0);
	rig_settle(&rig);
	/* The transcript was there: Slack wasn't asked for the thread. */
	ck_assert_uint_eq(sim_count(rig.sim, "conversations.replies"), 0);
}

START_TEST(its_threads_stay_engaged)
{
	char ts[SIM_TS];

	rig_say(&rig, "C2", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C2", ts));
	move();
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	check_goes_on(ts);
}
END_TEST

/* Of the thread's last answer. */
static void press_again(const char *ts)
{
	char reply[SIM_TS] = "";
	struct sim_msg *m;
	size_t i, n;

	m = sim_messages(rig.sim, "C2NEW", ts, &n);
	for (i = 0; i < n; i++)
		if (m[i].app_id && !m[i].deleted)
			(void)snprintf(reply, sizeof(reply), "%s", m[i].ts);
	sim_messages_free(m, n);
	ck_assert_int_eq(sim_click(rig.sim, "C2NEW", reply, "U1",
				   "konstruct_again", NULL),
			 0);
}

static void check_again(const char *ts)
{
	size_t n = rig_replies(&rig, "C2NEW", ts);

	press_again(ts);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C2NEW", ts, (int)n + 1, MS),
			 0);
	free(rig_answer(&rig, "C2NEW", ts));
	rig_settle(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C2NEW", ts), n + 1);
}

START_TEST(it_can_be_answered_again_there)
{
	char ts[SIM_TS];

	rig_say(&rig, "C2", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C2", ts));
	rig_settle(&rig);
	move();
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	check_again(ts);
	check_again(ts);
}
END_TEST

static const struct sim_llm paces[] = {
	{ .held = true, .times = 1 },    /* the model is silent; */
	{ .token_ms = 150, .times = 1 }, /* it speaks */
};

START_TEST(answer_that_is_being_made_goes_on_there)
{
	char ts[SIM_TS];

	sim_llm(rig.sim, &paces[_i]);
	rig_say(&rig, "C2", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	if (_i == 1)
		ck_assert_int_eq(sim_wait_text(rig.sim, "C2", ts, "You", MS),
				 0);
	move();
	if (_i == 0)
		ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	sim_llm_go(rig.sim);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C2NEW", ts, "I will go on", MS), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C2NEW", ts), 1);
	check_goes_on(ts);
	check_again(ts);
}
END_TEST

START_TEST(stream_that_grows_ends_there)
{
	const char *const on[] = { "tenant",      "set", "acme",
				   "--streaming", "yes", NULL };
	char ts[SIM_TS], *out = NULL;

	ck_assert_int_eq(rig_ctl(&rig, &out, on), 0);
	free(out);
	sim_llm(rig.sim, &paces[1]);
	rig_say(&rig, "C2", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.appendStream", 1, MS),
			 0);
	move();
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C2NEW", ts, "I will go on", MS), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C2NEW", ts), 1);
}
END_TEST

START_TEST(what_waits_behind_an_answer_is_answered_there)
{
	char ts[SIM_TS];

	sim_llm(rig.sim, &paces[0]);
	rig_say(&rig, "C2", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	rig_say(&rig, "C2", "U2", "and Troy?", ts, NULL);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	move();
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	sim_llm_go(rig.sim);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C2NEW", ts, "said: \"and Troy", MS), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C2NEW", ts), 2);
}
END_TEST

START_TEST(another_answer_that_is_being_made_goes_on_there)
{
	char reply[SIM_TS] = "", ts[SIM_TS];
	struct sim_msg *m;
	size_t n;

	rig_say(&rig, "C2", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C2", ts));
	rig_settle(&rig);
	m = sim_messages(rig.sim, "C2", ts, &n);
	(void)snprintf(reply, sizeof(reply), "%s", m[n - 1].ts);
	sim_messages_free(m, n);
	sim_llm(rig.sim, &paces[_i]);
	ck_assert_int_eq(sim_click(rig.sim, "C2", reply, "U1",
				   "konstruct_again", NULL),
			 0);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 2, MS), 0);
	move();
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C2NEW", ts, 2, MS), 0);
	free(rig_answer(&rig, "C2NEW", ts));
	rig_settle(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C2NEW", ts), 2);
}
END_TEST

static const struct sim_llm endless = {
	.text = "The beginning of an answer that has no end at all, however"
		" long one waits for it.",
	.token_ms = 700,
	.piece = 2,
};

START_TEST(answer_is_stopped_there)
{
	struct sim_msg *m;
	char ts[SIM_TS];
	size_t n;

	sim_llm(rig.sim, &endless);
	rig_say(&rig, "C2", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C2", ts, "The", MS), 0);
	move();
	ck_assert_int_eq(sim_wait_text(rig.sim, "C2NEW", ts, "The beg", MS), 0);
	m = sim_messages(rig.sim, "C2NEW", ts, &n);
	ck_assert_int_eq(
		sim_react(rig.sim, "C2NEW", m[n - 1].ts, "U1", "x", true), 0);
	sim_messages_free(m, n);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C2NEW", ts, "Stopped", MS), 0);
}
END_TEST

START_TEST(answer_that_was_cut_by_kill_goes_on_there)
{
	char ts[SIM_TS];

	sim_llm(rig.sim, &paces[0]);
	rig_say(&rig, "C2", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	move();
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	rig_kill(&rig);
	rig_start(&rig);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C2NEW", ts, "I will go on", MS), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C2NEW", ts), 1);
}
END_TEST

/* Where it went nobody tells: that is the end of it. */
START_TEST(channel_that_is_gone_ends_its_answer)
{
	struct sim_fault gone = { .method = "chat.update",
				  .error = "channel_not_found",
				  .times = 100 };
	char ts[SIM_TS];

	ck_assert_int_eq(sim_fault(rig.sim, &gone), 0);
	rig_say(&rig, "C2", "U1", "<@UB1> hello", NULL, ts);
	ck_assert(rig_logged(&rig, "Slack refuses the reply", MS));
	rig_settle(&rig);
}
END_TEST

#define ASKED 6

/* Each of them would wait for its other id, one after the other. */
START_TEST(channel_that_is_gone_is_looked_for_once)
{
	struct sim_fault gone = { .method = "chat.postMessage",
				  .error = "channel_not_found" };
	int64_t begun = clock_ms();
	int i;

	ck_assert_int_eq(sim_fault(rig.sim, &gone), 0);
	for (i = 0; i < ASKED; i++)
		rig_say(&rig, "C2", "U1", "<@UB1> hello", NULL, NULL);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	rig_settle(&rig);
	ck_assert_int_lt(clock_ms() - begun, (ASKED - 1) * LOOKING_MS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("moved");
	TCase *tc = tcase_create("moved");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_test(tc, its_threads_stay_engaged);
	tcase_add_test(tc, it_can_be_answered_again_there);
	tcase_add_loop_test(tc, answer_that_is_being_made_goes_on_there, 0,
			    (int)(sizeof(paces) / sizeof(paces[0])));
	tcase_add_loop_test(tc, another_answer_that_is_being_made_goes_on_there,
			    0, (int)(sizeof(paces) / sizeof(paces[0])));
	tcase_add_test(tc, stream_that_grows_ends_there);
	tcase_add_test(tc, what_waits_behind_an_answer_is_answered_there);
	tcase_add_test(tc, answer_is_stopped_there);
	tcase_add_test(tc, answer_that_was_cut_by_kill_goes_on_there);
	tcase_add_test(tc, channel_that_is_gone_ends_its_answer);
	tcase_add_test(tc, channel_that_is_gone_is_looked_for_once);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
