/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integration/rig.h"
#include "sim/act.h"

/* What Slack offers to agents, where the tenant has opted into it. */

#define STATUS  "agents.sessions.setStatus"
#define AT_WORK 7 /* as many as are shown at once */

static struct rig rig;

static const struct sim_llm stuck = {
	.contains = "for ever",
	.text = "The beginning of an answer that has no end at all, however"
		" long one waits for it.",
	.mode = SIM_LLM_SILENCE,
	.after = 2,
};

static void opt_in(void)
{
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--agent-sessions", "yes"));
}

static void setup(void)
{
	rig_up(&rig);
	opt_in();
	ck_assert_int_eq(sim_llm(rig.sim, &stuck), 0);
}

static void teardown(void)
{
	rig_close(&rig);
}

static void is_in_session(const char *channel, const char *root,
			  const char *words)
{
	ck_assert_msg(sim_wait_session(rig.sim, "A1", channel, root, words,
				       MS) == 0,
		      "the session doesn't become '%s'", words);
}

START_TEST(thread_is_shown_at_work_until_its_answer_stands)
{
	struct sim_session se;
	char root[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> tell me for ever\nand ever", NULL,
		root);
	is_in_session("C1", root, "processing");
	/* Slack's own button is there, and does what it says. */
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C1", root, "The beginning", MS), 0);
	ck_assert_int_eq(sim_stop_session(rig.sim, "A1", "C1", root, "U1"), 0);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "Stopped", MS), 0);
	is_in_session("C1", root, "active");
	ck_assert_int_eq(sim_session(rig.sim, "A1", "C1", root, &se), 0);
	ck_assert_str_eq(se.title, "tell me for ever");
	sim_session_release(&se);
}
END_TEST

START_TEST(next_question_keeps_the_title_and_comes_to_its_end)
{
	struct sim_session se;
	char root[SIM_TS];

	rig_say(&rig, "D1", "U1", "where is Atlantis?", NULL, root);
	ck_assert_int_eq(
		sim_wait_calls(rig.sim, "agents.sessions.setStatus", 1, MS), 0);
	rig_say(&rig, "D1", "U1", "and who lives there?", root, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "D1", root, 2, MS), 0);
	free(rig_answer(&rig, "D1", root));
	is_in_session("D1", root, "active");
	ck_assert_int_eq(sim_wait_calls(rig.sim, STATUS, 2, MS), 0);
	ck_assert_int_eq(sim_session(rig.sim, "A1", "D1", root, &se), 0);
	ck_assert_str_eq(se.title, "where is Atlantis?");
	sim_session_release(&se);
}
END_TEST

START_TEST(app_of_the_older_kind_has_a_text_and_a_title)
{
	const struct sim_fault f = { .kind = SIM_FAULT_ERROR,
				     .method = STATUS,
				     .error = "feature_disabled" };
	char root[SIM_TS], next[SIM_TS];

	sim_fault(rig.sim, &f);
	rig_say(&rig, "D1", "U1", "for ever", NULL, root);
	is_in_session("D1", root, "is thinking...");
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "D1", root, "The beginning", MS), 0);
	ck_assert_int_eq(sim_stop_session(rig.sim, "A1", "D1", root, "U1"), 0);
	is_in_session("D1", root, "active");
	is_in_session("D1", root, "for ever");
	/* What was refused isn't tried again. */
	rig_say(&rig, "D1", "U1", "where is Atlantis?", NULL, next);
	free(rig_answer(&rig, "D1", next));
	is_in_session("D1", next, "where is Atlantis?");
	ck_assert_uint_eq(sim_count(rig.sim, STATUS), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "assistant.threads.setStatus"), 4);
}
END_TEST

START_TEST(app_that_is_no_agent_answers_as_ever)
{
	const struct sim_fault f[] = {
		{ .kind = SIM_FAULT_ERROR,
		  .method = STATUS,
		  .error = "not_agent_app" },
		{ .kind = SIM_FAULT_ERROR,
		  .method = "assistant.threads.setStatus",
		  .error = "missing_scope" },
	};
	char root[SIM_TS], next[SIM_TS];

	sim_fault(rig.sim, &f[0]);
	sim_fault(rig.sim, &f[1]);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	free(rig_answer(&rig, "C1", root));
	ck_assert_int_eq(sim_wait_calls(rig.sim, "assistant.threads.setStatus",
					1, MS),
			 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, next);
	free(rig_answer(&rig, "C1", next));
	ck_assert_uint_eq(sim_count(rig.sim, STATUS), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "assistant.threads.setStatus"), 1);
}
END_TEST

START_TEST(nothing_is_shown_where_nobody_asked_for_it)
{
	char root[SIM_TS];

	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--agent-sessions", "no"));
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	free(rig_answer(&rig, "C1", root));
	ck_assert_int_eq(sim_open_assistant(rig.sim, "A1", "U1", NULL, root),
			 0);
	ck_assert_int_eq(sim_open_home(rig.sim, "A1", "U1", "messages"), 0);
	ck_assert_int_eq(sim_wait_text(rig.sim, "D1", NULL, "Hello", MS), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_uint_eq(sim_count(rig.sim, STATUS), 0);
	ck_assert_uint_eq(
		sim_count(rig.sim, "assistant.threads.setSuggestedPrompts"), 0);
}
END_TEST

START_TEST(answer_after_a_crash_ends_what_was_shown)
{
	char root[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> for ever", NULL, root);
	is_in_session("C1", root, "processing");
	rig_kill(&rig);
	sim_llm_clear(rig.sim);
	rig_start(&rig);
	free(rig_answer(&rig, "C1", root));
	is_in_session("C1", root, "active");
}
END_TEST

/* The next process may be too busy to show it, too. */
START_TEST(session_that_a_crash_left_ends_though_it_isnt_shown_again)
{
	const struct sim_fault f = {
		.kind = SIM_FAULT_RATE, .method = STATUS, .times = 1, .ms = 1000
	};
	char root[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> for ever", NULL, root);
	is_in_session("C1", root, "processing");
	rig_kill(&rig);
	sim_llm_clear(rig.sim);
	sim_fault(rig.sim, &f);
	rig_start(&rig);
	free(rig_answer(&rig, "C1", root));
	is_in_session("C1", root, "active");
}
END_TEST

/* Slack changes nothing by itself then. */
START_TEST(stop_where_nobody_is_at_work_ends_what_is_shown)
{
	const struct sim_fault f = { .kind = SIM_FAULT_ERROR,
				     .method = STATUS,
				     .skip = 1,
				     .times = 1,
				     .error = "not_authorized" };
	char root[SIM_TS];

	sim_fault(rig.sim, &f);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	free(rig_answer(&rig, "C1", root));
	ck_assert_int_eq(sim_wait_calls(rig.sim, STATUS, 2, MS), 0);
	is_in_session("C1", root, "processing");
	ck_assert_int_eq(sim_stop_session(rig.sim, "A1", "C1", root, "U2"), 0);
	is_in_session("C1", root, "active");
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 1);
}
END_TEST

#define FAILS    3 /* the end of a session, after 0, 2 and 6 s, */
#define PRESS_MS 500
#define NEXT_US  8000000 /* and is tried again after so long */

START_TEST(stop_waits_for_no_try_to_come)
{
	const struct sim_fault f = { .kind = SIM_FAULT_STATUS,
				     .method = STATUS,
				     .skip = 1,
				     .times = FAILS,
				     .status = 500 };
	struct sim_call *calls;
	char root[SIM_TS];
	size_t n;

	sim_fault(rig.sim, &f);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	free(rig_answer(&rig, "C1", root));
	ck_assert_int_eq(sim_wait_calls(rig.sim, STATUS, 1 + FAILS, MS), 0);
	/* A press may come while the last of them is under way. */
	while (sim_wait_calls(rig.sim, STATUS, 2 + FAILS, PRESS_MS) < 0)
		ck_assert_int_eq(
			sim_stop_session(rig.sim, "A1", "C1", root, "U1"), 0);
	is_in_session("C1", root, "active");
	calls = sim_calls(rig.sim, STATUS, &n);
	ck_assert_uint_eq(n, 2 + FAILS);
	ck_assert_int_lt(calls[1 + FAILS].at_us - calls[FAILS].at_us, NEXT_US);
	sim_calls_free(calls, n);
}
END_TEST

/* Also where more of them end than Slack takes at once. */
START_TEST(daemon_that_stops_leaves_nobody_at_work)
{
	char root[AT_WORK][SIM_TS];
	struct sim_session se;
	size_t i;

	rig_close(&rig);
	rig_set_daemon(" drain_timeout_s = 1\n");
	setup();
	for (i = 0; i < AT_WORK; i++) {
		rig_say(&rig, "C1", "U1", "<@UB1> for ever", NULL, root[i]);
		is_in_session("C1", root[i], "processing");
	}
	rig_stop(&rig);
	for (i = 0; i < AT_WORK; i++) {
		ck_assert_int_eq(sim_session(rig.sim, "A1", "C1", root[i], &se),
				 0);
		ck_assert_str_eq(se.status, "active");
		sim_session_release(&se);
	}
}
END_TEST

START_TEST(status_that_fails_holds_nothing_up)
{
	const struct sim_fault f = { .kind = SIM_FAULT_HANG, .method = STATUS };
	char root[SIM_TS], *text;

	sim_fault(rig.sim, &f);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	text = rig_answer(&rig, "C1", root);
	ck_assert_ptr_nonnull(strstr(text, "I will go on from here."));
	free(text);
}
END_TEST

START_TEST(who_opens_the_agent_sees_what_may_be_asked)
{
	struct sim_session se;
	char root[SIM_TS];

	ck_assert_int_eq(sim_open_home(rig.sim, "A1", "U1", "messages"), 0);
	ck_assert_int_eq(
		sim_wait_session(rig.sim, "A1", "D1", NULL, "Help me", MS), 0);
	ck_assert_int_eq(sim_wait_text(rig.sim, "D1", NULL, "Hello", MS), 0);
	rig_do(&rig, 0, ARGS("agent", "set", "acme", "--locale", "de"));
	ck_assert_int_eq(sim_open_assistant(rig.sim, "A1", "U1", NULL, root),
			 0);
	is_in_session("D1", root, "Hilf mir");
	ck_assert_int_eq(sim_session(rig.sim, "A1", "D1", root, &se), 0);
	ck_assert_ptr_nonnull(strstr(se.prompts, "Was kannst du?"));
	sim_session_release(&se);
	/* And an answer in that thread. */
	rig_say(&rig, "D1", "U1", "hello", root, NULL);
	ck_assert_int_eq(sim_wait_text(rig.sim, "D1", root,
				       "I will go on from here.", MS),
			 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent");
	TCase *tc = tcase_create("agent");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, thread_is_shown_at_work_until_its_answer_stands);
	tcase_add_test(tc, next_question_keeps_the_title_and_comes_to_its_end);
	tcase_add_test(tc, app_of_the_older_kind_has_a_text_and_a_title);
	tcase_add_test(tc, app_that_is_no_agent_answers_as_ever);
	tcase_add_test(tc, nothing_is_shown_where_nobody_asked_for_it);
	tcase_add_test(tc, answer_after_a_crash_ends_what_was_shown);
	tcase_add_test(
		tc, session_that_a_crash_left_ends_though_it_isnt_shown_again);
	tcase_add_test(tc, stop_where_nobody_is_at_work_ends_what_is_shown);
	tcase_add_test(tc, stop_waits_for_no_try_to_come);
	tcase_add_test(tc, daemon_that_stops_leaves_nobody_at_work);
	tcase_add_test(tc, status_that_fails_holds_nothing_up);
	tcase_add_test(tc, who_opens_the_agent_sees_what_may_be_asked);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
