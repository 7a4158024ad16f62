/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integration/rig.h"
#include "sim/act.h"

/* Ways to the agent beside a mention and a direct message. */

#define CLICKS 8

static struct rig rig;

static void setup(void)
{
	rig_up(&rig);
}

static void teardown(void)
{
	rig_close(&rig);
}

/* The newest message in the channel that fits; its ts, or "". */
static void newest(const char *channel, bool ephemeral, char ts[SIM_TS],
		   char **text)
{
	struct sim_msg *m;
	size_t i, n;

	ts[0] = '\0';
	m = sim_messages(rig.sim, channel, NULL, &n);
	for (i = 0; i < n; i++) {
		if (!m[i].app_id || m[i].deleted || m[i].ephemeral != ephemeral)
			continue;
		(void)snprintf(ts, SIM_TS, "%s", m[i].ts);
		if (text) {
			free(*text);
			*text = strdup(m[i].text);
		}
	}
	sim_messages_free(m, n);
}

static void ask_by_command(const char *text)
{
	ck_assert_int_eq(sim_slash(rig.sim, "A1", "C1", "U1", "/ask", text), 0);
}

START_TEST(command_is_answered_for_the_asker_alone)
{
	char ts[SIM_TS], *text = NULL;

	ask_by_command("where is Atlantis?");
	/* What was asked, and the answer. */
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 2, MS), 0);
	newest("C1", true, ts, &text);
	ck_assert_ptr_nonnull(strstr(text, "Atlantis"));
	newest("C1", false, ts, NULL);
	ck_assert_str_eq(ts, "");
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 0);
	free(text);
}
END_TEST

START_TEST(answer_to_a_command_that_got_lost_is_sent_again)
{
	const struct sim_fault reset = { .kind = SIM_FAULT_RESET,
					 .method = "response_url",
					 .skip = 1,
					 .times = 1 };
	char ts[SIM_TS], *text = NULL;

	ck_assert_int_eq(sim_fault(rig.sim, &reset), 0);
	ask_by_command("where is Atlantis?");
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 2, MS), 0);
	newest("C1", true, ts, &text);
	ck_assert_ptr_nonnull(strstr(text, "I will go on from here"));
	rig_settle(&rig);
	ck_assert_uint_eq(sim_count(rig.sim, "response_url"), 3);
	free(text);
}
END_TEST

START_TEST(shared_answer_is_seen_by_all_with_its_question)
{
	char ts[SIM_TS], *text = NULL;

	ask_by_command("where is Atlantis?");
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 2, MS), 0);
	newest("C1", true, ts, NULL);
	/* Its line is written down with its end. */
	ck_assert(rig_logged(&rig, "turn finished", MS));
	ck_assert_int_eq(
		sim_click(rig.sim, "C1", ts, "U1", "konstruct_share", NULL), 0);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", NULL,
				       "where is Atlantis?", MS),
			 0);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "response_url", 4, MS), 0);
	newest("C1", false, ts, &text);
	ck_assert_str_ne(ts, "");
	/* The answer alone has it, too. */
	ck_assert_ptr_nonnull(strstr(text, "> *Alice:* where is Atlantis?"));
	free(text);
}
END_TEST

START_TEST(command_without_a_question_is_told_what_to_write)
{
	char ts[SIM_TS], *text = NULL;

	ask_by_command("  ");
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 1, MS), 0);
	newest("C1", true, ts, &text);
	ck_assert_ptr_nonnull(strstr(text, "after the command"));
	free(text);
}
END_TEST

START_TEST(command_over_the_limit_is_told_so)
{
	char ts[SIM_TS], *text = NULL;

	rig_close(&rig);
	rig_open(&rig, "rate_per_minute = 1\nburst = 1");
	rig_start(&rig);
	ask_by_command("one");
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 2, MS), 0);
	ask_by_command("two");
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 3, MS), 0);
	newest("C1", true, ts, &text);
	ck_assert_ptr_nonnull(strstr(text, "too many requests"));
	free(text);
}
END_TEST

/* Was the model told this? */
static bool asked_with(const char *words)
{
	struct sim_ask *a;
	size_t i, n;
	bool yes = false;

	a = sim_asks(rig.sim, &n);
	for (i = 0; i < n; i++)
		yes = yes || strstr(a[i].last, words);
	sim_asks_free(a, n);
	return yes;
}

START_TEST(question_about_a_message_is_answered_in_its_thread)
{
	char ts[SIM_TS], id[24], *text;

	rig_say(&rig, "C1", "U2", "The reactor runs at 300 K.", NULL, ts);
	ck_assert_int_eq(sim_message_shortcut(rig.sim, "A1", "C1", ts, "U1",
					      "konstruct_about"),
			 0);
	ck_assert_int_eq(sim_wait_view(rig.sim, "U1", "Your question", id, MS),
			 0);
	ck_assert_int_eq(sim_submit(rig.sim, id,
				    "{\"question\":\"Is that *hot*?\"}"),
			 0);
	text = rig_answer(&rig, "C1", ts);
	/* Who asked what stands above, as nobody saw it. */
	ck_assert_ptr_nonnull(strstr(text, "Alice:*"));
	ck_assert_ptr_nonnull(strstr(text, "Is that"));
	ck_assert(asked_with("> The reactor runs at 300 K."));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	free(text);
}
END_TEST

/* Where the app isn't a member no answer could be shown. */
START_TEST(question_about_a_message_elsewhere_is_refused_at_once)
{
	char ts[SIM_TS];

	ck_assert_int_eq(
		sim_add_channel(rig.sim, "C3", "T1", "apart", "channel"), 0);
	ck_assert_int_eq(sim_join(rig.sim, "C3", "U1"), 0);
	rig_say(&rig, "C3", "U1", "The reactor runs at 300 K.", NULL, ts);
	ck_assert_int_eq(sim_message_shortcut(rig.sim, "A1", "C3", ts, "U1",
					      "konstruct_about"),
			 0);
	ck_assert_int_eq(
		sim_wait_view(rig.sim, "U1", "not part of this", NULL, MS), 0);
	ck_assert_uint_eq(sim_count(rig.sim, "views.open"), 1);
}
END_TEST

/* The dialog doesn't wait for a Slack that doesn't tell, as a click is worth
 * nothing after three seconds. A machine may be busy for so long, but not each
 * time. */
START_TEST(dialog_opens_in_time_though_nobody_knows_the_channel)
{
	const struct sim_fault f = { .kind = SIM_FAULT_HANG,
				     .method = "conversations.replies" };
	struct sim_settings set;
	char ts[SIM_TS];
	int i, rc = -1;

	sim_settings(rig.sim, &set);
	set.trigger_ms = 3000;
	sim_set(rig.sim, &set);
	sim_fault(rig.sim, &f);
	rig_say(&rig, "C1", "U2", "The reactor runs at 300 K.", NULL, ts);
	for (i = 0; rc < 0 && i < CLICKS; i++) {
		ck_assert_int_eq(sim_message_shortcut(rig.sim, "A1", "C1", ts,
						      "U1", "konstruct_about"),
				 0);
		rc = sim_wait_view(rig.sim, "U1", "Your question", NULL,
				   set.trigger_ms);
	}
	ck_assert_int_eq(rc, 0);
}
END_TEST

START_TEST(home_says_who_the_agent_is)
{
	ck_assert_int_eq(sim_open_home(rig.sim, "A1", "U1", "home"), 0);
	ck_assert_int_eq(sim_wait_view(rig.sim, "U1", "Mara", NULL, MS), 0);
}
END_TEST

START_TEST(channel_is_greeted_once)
{
	ck_assert_int_eq(sim_add_channel(rig.sim, "C9", "T1", "new", "channel"),
			 0);
	sim_join(rig.sim, "C9", "U1");
	ck_assert_int_eq(sim_invite(rig.sim, "C9", "UB1", "U1"), 0);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C9", NULL, "Hello", MS), 0);
	ck_assert_int_eq(sim_open_home(rig.sim, "A1", "U1", "messages"), 0);
	ck_assert_int_eq(sim_wait_text(rig.sim, "D1", NULL, "Hello", MS), 0);
	rig_kill(&rig);
	rig_start(&rig);
	ck_assert_int_eq(sim_open_home(rig.sim, "A1", "U1", "messages"), 0);
	ck_assert_int_eq(sim_open_home(rig.sim, "A1", "U1", "home"), 0);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "views.publish", 1, MS), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ways");
	TCase *tc = tcase_create("ways");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, command_is_answered_for_the_asker_alone);
	tcase_add_test(tc, answer_to_a_command_that_got_lost_is_sent_again);
	tcase_add_test(tc, shared_answer_is_seen_by_all_with_its_question);
	tcase_add_test(tc, command_without_a_question_is_told_what_to_write);
	tcase_add_test(tc, command_over_the_limit_is_told_so);
	tcase_add_test(tc, question_about_a_message_is_answered_in_its_thread);
	tcase_add_test(tc,
		       question_about_a_message_elsewhere_is_refused_at_once);
	tcase_add_test(tc,
		       dialog_opens_in_time_though_nobody_knows_the_channel);
	tcase_add_test(tc, home_says_who_the_agent_is);
	tcase_add_test(tc, channel_is_greeted_once);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
