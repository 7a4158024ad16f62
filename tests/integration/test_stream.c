/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integration/rig.h"
#include "sim/act.h"

/* Answers by Slack's own methods for streams. */

static struct rig rig;

static const struct sim_llm stuck = {
	.contains = "for ever",
	.text = "The beginning of an answer that has no end at all, however"
		" long one waits for it.",
	.mode = SIM_LLM_SILENCE,
	.piece = 8,
	.after = 4,
};

static void opt_in(void)
{
	rig_do(&rig, 0, ARGS("tenant", "set", "acme", "--streaming", "yes"));
}

static void setup(void)
{
	rig_up(&rig);
	opt_in();
	rig_pace(&rig, -1, 150);
	ck_assert_int_eq(sim_llm(rig.sim, &stuck), 0);
}

static void teardown(void)
{
	rig_close(&rig);
}

static void ask(const char *text, char root[SIM_TS])
{
	rig_say(&rig, "C1", "U1", text, NULL, root);
}

/* One reply with these words, whole, and nothing that still streams. */
static void is_answered(const char *root, const char *words)
{
	char *text = rig_answer(&rig, "C1", root);
	struct sim_msg *m;
	size_t i, n;

	ck_assert_msg(strstr(text, words) != NULL, "'%s' isn't in '%s'", words,
		      text);
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 1);
	m = sim_messages(rig.sim, "C1", root, &n);
	for (i = 0; i < n; i++) {
		ck_assert(!m[i].streaming || m[i].deleted);
		if (!m[i].app_id || m[i].deleted)
			continue;
		ck_assert_ptr_nonnull(m[i].metadata);
		ck_assert_ptr_nonnull(strstr(m[i].metadata, "\"final\":1"));
		ck_assert_ptr_nonnull(strstr(m[i].blocks, "konstruct_again"));
	}
	sim_messages_free(m, n);
	free(text);
}

/* The message that streams; "" when none does. */
static void streaming(const char *root, char ts[SIM_TS])
{
	struct sim_msg *m;
	size_t i, n;

	ts[0] = '\0';
	m = sim_messages(rig.sim, "C1", root, &n);
	for (i = 0; i < n; i++)
		if (m[i].streaming && !m[i].deleted)
			(void)snprintf(ts, SIM_TS, "%s", m[i].ts);
	sim_messages_free(m, n);
}

static void ask_for_ever(char root[SIM_TS], char ts[SIM_TS])
{
	ask("<@UB1> for ever", root);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C1", root, "The beginning", MS), 0);
	streaming(root, ts);
	ck_assert_str_ne(ts, "");
}

START_TEST(answer_grows_in_a_message_of_its_own)
{
	char root[SIM_TS];

	ask("<@UB1> hello", root);
	is_answered(root, "I will go on from here.");
	ck_assert_uint_eq(sim_count(rig.sim, "chat.startStream"), 1);
	ck_assert_uint_ge(sim_count(rig.sim, "chat.appendStream"), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.stopStream"), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.update"), 0);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.delete"), 1);
}
END_TEST

#define ACCEPTED \
	"konstruct_decisions_total{stage=\"signal\",verdict=\"accept\"} "

/* Slack tells the app of the placeholder that the app has deleted. */
START_TEST(own_deletion_is_nothing_to_be_journaled)
{
	struct sim_settings set;
	char root[SIM_TS], *body = NULL, *accepted;

	sim_settings(rig.sim, &set);
	set.own_events = true;
	sim_set(rig.sim, &set);
	ask("<@UB1> hello", root);
	is_answered(root, "I will go on from here.");
	ck_assert_uint_eq(sim_count(rig.sim, "chat.delete"), 1);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_int_eq(rig_get(&rig, "/metrics", &body), 200);
	accepted = strstr(body, ACCEPTED);
	ck_assert(!accepted || accepted[strlen(ACCEPTED)] == '0');
	free(body);
}
END_TEST

START_TEST(nobody_streams_unless_told_so)
{
	char root[SIM_TS];

	rig_do(&rig, 0, ARGS("tenant", "set", "acme", "--streaming", "no"));
	ask("<@UB1> hello", root);
	is_answered(root, "I will go on from here.");
	ck_assert_uint_eq(sim_count(rig.sim, "chat.startStream"), 0);
}
END_TEST

/* What a stream can't show is put right by an edit. */
static const struct {
	const char *text;
	const char *shown;
} odd[] = {
	{ "Here is **a table**:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThat is"
	  " all that there is to say about it.",
	  "all that there is" },
	{ "Some words and ** two stars that never end, as nothing closes them"
	  " any more, so that all of it is as it was",
	  "as it was" },
	{ "First a line\n===\n\nthat was no heading at first, when only one of"
	  " its lines was there to be seen.",
	  "to be seen" },
	{ "Ask @Alice about <b>that</b> & about @here, for she has been there"
	  " for longer than anybody else.",
	  "anybody else" },
};
#define ODD (int)(sizeof(odd) / sizeof(odd[0]))

START_TEST(what_a_stream_cannot_show_is_edited)
{
	const struct sim_llm says = { .text = odd[_i].text, .piece = 3 };
	char root[SIM_TS];

	ck_assert_int_eq(sim_llm(rig.sim, &says), 0);
	ask("<@UB1> say it", root);
	is_answered(root, odd[_i].shown);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.startStream"), 1);
}
END_TEST

/* Of a model whose server doesn't take its thoughts away. */
START_TEST(thoughts_are_taken_back)
{
	static const char *const texts[] = {
		"Let me see, it is more than three and less than five.\n"
		"</think>\n\nThe answer is four.",
		"<think>Let me see, it is more than three.</think>"
		"The answer is four.",
	};
	const struct sim_llm says = { .text = texts[_i], .piece = 3 };
	char root[SIM_TS], *text;

	ck_assert_int_eq(sim_llm(rig.sim, &says), 0);
	ask("<@UB1> how many?", root);
	is_answered(root, "The answer is four.");
	text = rig_answer(&rig, "C1", root);
	ck_assert_ptr_null(strstr(text, "see"));
	free(text);
}
END_TEST

START_TEST(refusal_is_remembered)
{
	const struct sim_fault f = { .kind = SIM_FAULT_ERROR,
				     .method = "chat.startStream",
				     .error = "feature_disabled" };
	char root[SIM_TS], next[SIM_TS];

	sim_fault(rig.sim, &f);
	ask("<@UB1> hello", root);
	is_answered(root, "I will go on from here.");
	ask("<@UB1> hello", next);
	is_answered(next, "I will go on from here.");
	ck_assert_uint_eq(sim_count(rig.sim, "chat.startStream"), 1);
}
END_TEST

/* Each method in turn fails once, in each way; the answer stands all the same.
 */
static const struct sim_fault faults[] = {
	{ .kind = SIM_FAULT_RATE, .method = "chat.startStream", .ms = 1000 },
	{ .kind = SIM_FAULT_ERROR,
	  .method = "chat.appendStream",
	  .error = "message_not_in_streaming_state" },
	{ .kind = SIM_FAULT_ERROR,
	  .method = "chat.appendStream",
	  .error = "internal_error" },
	{ .kind = SIM_FAULT_LOST, .method = "chat.appendStream" },
	{ .kind = SIM_FAULT_RATE, .method = "chat.appendStream", .ms = 1000 },
	{ .kind = SIM_FAULT_RATE, .method = "chat.stopStream", .ms = 1000 },
	{ .kind = SIM_FAULT_LOST, .method = "chat.stopStream" },
	{ .kind = SIM_FAULT_ERROR,
	  .method = "chat.stopStream",
	  .error = "invalid_blocks" },
	{ .kind = SIM_FAULT_ERROR,
	  .method = "chat.stopStream",
	  .error = "internal_error" },
};
#define FAULTS (int)(sizeof(faults) / sizeof(faults[0]))

START_TEST(one_fault_leaves_one_whole_answer)
{
	struct sim_fault f = faults[_i];
	char root[SIM_TS];

	f.times = 1;
	sim_fault(rig.sim, &f);
	ask("<@UB1> hello", root);
	is_answered(root, "I will go on from here.");
}
END_TEST

/* What Slack has ended by itself is shown at work until we say otherwise. */
static void nobody_is_at_work(const char *root)
{
	ck_assert_int_eq(
		sim_wait_session(rig.sim, "A1", "C1", root, "active", MS), 0);
}

static void streams_live_short(void)
{
	struct sim_settings set;

	sim_settings(rig.sim, &set);
	set.stream_ms = 300;
	sim_set(rig.sim, &set);
}

START_TEST(stream_that_dies_is_edited_from_there_on)
{
	char root[SIM_TS];

	streams_live_short();
	ask("<@UB1> hello", root);
	is_answered(root, "I will go on from here.");
	ck_assert_uint_eq(sim_count(rig.sim, "chat.startStream"), 1);
	nobody_is_at_work(root);
}
END_TEST

START_TEST(stream_that_began_unknown_to_us_goes)
{
	const struct sim_fault f = { .kind = SIM_FAULT_LOST,
				     .method = "chat.startStream",
				     .times = 1 };
	char root[SIM_TS];

	sim_fault(rig.sim, &f);
	ask("<@UB1> hello", root);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.delete", 1, MS), 0);
	is_answered(root, "I will go on from here.");
}
END_TEST

/* Slack streams to the people of one workspace only. */
START_TEST(stranger_is_answered_by_edits)
{
	const char *const let[] = { "tenant",      "set", "acme",
				    "--strangers", "yes", NULL };
	char root[SIM_TS], *out = NULL;

	ck_assert_int_eq(rig_ctl(&rig, &out, let), 0);
	free(out);
	ck_assert_int_eq(sim_add_user(rig.sim, "U8", "T8", "zoe", "Zoe"), 0);
	ck_assert_int_eq(sim_join(rig.sim, "C1", "U8"), 0);
	rig_say(&rig, "C1", "U8", "<@UB1> hello", NULL, root);
	is_answered(root, "I will go on");
	ck_assert_uint_eq(sim_count(rig.sim, "chat.startStream"), 0);
}
END_TEST

START_TEST(asker_stops_a_stream)
{
	char root[SIM_TS], ts[SIM_TS];

	ask_for_ever(root, ts);
	ck_assert_int_eq(sim_react(rig.sim, "C1", ts, "U1", "x", true), 0);
	is_answered(root, "Stopped");
}
END_TEST

/* It stands until the answer is whole, with its button. */
START_TEST(placeholder_of_a_stream_that_died_stops_the_answer)
{
	struct sim_settings set;
	char root[SIM_TS], placeholder[SIM_TS];
	struct sim_msg *m;
	size_t n;

	sim_settings(rig.sim, &set);
	set.stream_ms = 300;
	sim_set(rig.sim, &set);
	ask("<@UB1> for ever", root);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.update", 1, MS), 0);
	m = sim_messages(rig.sim, "C1", root, &n);
	ck_assert_uint_eq(n, 3);
	(void)snprintf(placeholder, sizeof(placeholder), "%s", m[1].ts);
	sim_messages_free(m, n);
	ck_assert_int_eq(sim_click(rig.sim, "C1", placeholder, "U1",
				   "konstruct_stop", NULL),
			 0);
	is_answered(root, "Stopped");
}
END_TEST

START_TEST(button_of_slacks_stops_a_stream)
{
	char root[SIM_TS], ts[SIM_TS];

	ask_for_ever(root, ts);
	ck_assert_int_eq(sim_stop_session(rig.sim, "A1", "C1", root, "U1"), 0);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "Stopped", MS), 0);
	is_answered(root, "The beginning");
}
END_TEST

/* We hear of it too late, and what Slack has stopped takes no text. */
START_TEST(stream_that_slack_has_stopped_at_its_end_is_edited)
{
	const struct sim_fault slow = { .kind = SIM_FAULT_DELAY,
					.method = "chat.startStream",
					.ms = 1500,
					.times = 1 };
	char root[SIM_TS];

	rig_pace(&rig, -1, 10);
	sim_fault(rig.sim, &slow);
	ask("<@UB1> hello", root);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.startStream", 1, MS), 0);
	ck_assert_int_ge(sim_cut(rig.sim, "A1", SIM_CUT_FREEZE), 0);
	ck_assert_int_eq(sim_stop_session(rig.sim, "A1", "C1", root, "U1"), 0);
	is_answered(root, "I will go on from here.");
}
END_TEST

START_TEST(deleted_question_takes_its_stream_along)
{
	char root[SIM_TS], ts[SIM_TS];

	ask_for_ever(root, ts);
	ck_assert_int_eq(sim_delete(rig.sim, "C1", root), 0);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.delete", 2, MS), 0);
	ck_assert(rig_logged(&rig, "turn finished", MS));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 0);
}
END_TEST

START_TEST(edited_question_is_answered_in_the_same_message)
{
	char root[SIM_TS], ts[SIM_TS];

	ask_for_ever(root, ts);
	ck_assert_int_eq(sim_edit(rig.sim, "C1", root, "<@UB1> hello"), 0);
	is_answered(root, "I will go on from here.");
}
END_TEST

/* A stop has two seconds for that, for which a machine may be too busy, but
 * not each time. */
#define STOPS 4

START_TEST(stream_is_ended_by_a_stop_of_the_daemon)
{
	char root[SIM_TS], ts[SIM_TS], now[SIM_TS] = "?";
	int i;

	rig_close(&rig);
	rig_set_daemon(" drain_timeout_s = 1\n");
	rig_up(&rig);
	rig_set_daemon(NULL);
	opt_in();
	rig_pace(&rig, -1, 150);
	for (i = 0; now[0] != '\0' && i < STOPS; i++) {
		ck_assert_int_eq(sim_llm(rig.sim, &stuck), 0);
		ask_for_ever(root, ts);
		rig_stop(&rig);
		streaming(root, now);
		sim_llm_clear(rig.sim);
		rig_start(&rig);
		is_answered(root, "I will go on from here.");
	}
	ck_assert_str_eq(now, "");
}
END_TEST

START_TEST(stream_of_a_killed_daemon_goes)
{
	char root[SIM_TS], ts[SIM_TS];

	ask_for_ever(root, ts);
	rig_kill(&rig);
	sim_llm_clear(rig.sim);
	rig_start(&rig);
	is_answered(root, "I will go on from here.");
}
END_TEST

START_TEST(session_of_a_stream_that_was_left_and_died_ends)
{
	char root[SIM_TS];

	streams_live_short();
	ask("<@UB1> for ever", root);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C1", root, "The beginning", MS), 0);
	rig_kill(&rig);
	sim_llm_clear(rig.sim);
	rig_start(&rig);
	is_answered(root, "I will go on from here.");
	nobody_is_at_work(root);
}
END_TEST

/* Only the first of two nodes runs, and has all of the work. */
static void open_two(void)
{
	rig_close(&rig);
	rig_set_daemon(" lease_s = 2\n drain_timeout_s = 1\n");
	rig_open_nodes(&rig, "rate_per_minute = 0", 2);
	rig_set_daemon(NULL);
	rig_start(&rig);
	rig_stop_node(&rig, 1);
	opt_in();
	rig_pace(&rig, -1, 150);
	ck_assert_int_eq(sim_llm(rig.sim, &stuck), 0);
}

enum {
	KILLED,
	FROZEN,
	STOPPED,
	WAYS
};

static void lose_first_node(int way)
{
	if (way == KILLED)
		bed_kill(rig_node(&rig, 0));
	else if (way == FROZEN)
		bed_freeze(rig_node(&rig, 0));
	else
		rig_stop_node(&rig, 0);
}

/* The second node takes over in mid-stream: it ends what the first has begun,
 * and answers by itself. */
START_TEST(another_node_takes_a_stream_over)
{
	char root[SIM_TS], ts[SIM_TS], next[SIM_TS];

	if (!rig_is_shared())
		return;
	open_two();
	ask_for_ever(root, ts);
	sim_llm_clear(rig.sim);
	rig_start_node(&rig, 1);
	lose_first_node(_i);
	is_answered(root, "I will go on from here.");
	if (_i != FROZEN)
		return;
	/* It wakes up, and says nothing more there. */
	bed_thaw(rig_node(&rig, 0));
	ask("<@UB1> hello", next);
	is_answered(next, "I will go on from here.");
	is_answered(root, "I will go on from here.");
}
END_TEST

/* The message becomes a dead letter, which knows of its stream. */
START_TEST(left_stream_goes_when_the_token_is_good_again)
{
	char root[SIM_TS], ts[SIM_TS];

	ask_for_ever(root, ts);
	rig_kill(&rig);
	sim_llm_clear(rig.sim);
	sim_token_error(rig.sim, "xoxb-sim-t1", "account_inactive");
	rig_start(&rig);
	ck_assert(rig_logged(&rig, "outcome=dead:token", MS));
	sim_token_error(rig.sim, "xoxb-sim-t1", NULL);
	rig_do(&rig, 0, ARGS("app", "connect", "A1"));
	rig_do(&rig, 0, ARGS("dead", "replay", "all"));
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "from here.", MS),
			 0);
	is_answered(root, "I will go on from here.");
}
END_TEST

/* So is the placeholder, of which we hear once more after a kill. */
START_TEST(who_deletes_its_placeholder_takes_no_question_back)
{
	const struct sim_llm broken = { .contains = "hello",
					.mode = SIM_LLM_STREAM_ERROR,
					.after = 8 };
	char root[SIM_TS], *text;

	sim_llm(rig.sim, &broken);
	ask("<@UB1> hello", root);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.delete", 1, MS), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	rig_kill(&rig);
	rig_start(&rig);
	text = rig_answer(&rig, "C1", root);
	ck_assert_ptr_nonnull(strstr(text, "(ref. "));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 1);
	free(text);
}
END_TEST

/* The answer stands, and the stream beside it is looked for later. */
START_TEST(lost_stream_goes_when_the_token_is_good_again)
{
	const struct sim_fault lost = { .kind = SIM_FAULT_LOST,
					.method = "chat.startStream",
					.times = 1 };
	char root[SIM_TS];

	sim_fault(rig.sim, &lost);
	ask("<@UB1> hello", root);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "from here.", MS),
			 0);
	sim_token_error(rig.sim, "xoxb-sim-t1", "account_inactive");
	ck_assert(rig_logged(&rig, "turn finished", MS));
	sim_token_error(rig.sim, "xoxb-sim-t1", NULL);
	rig_do(&rig, 0, ARGS("app", "connect", "A1"));
	rig_do(&rig, 0, ARGS("dead", "replay", "all"));
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.delete", 1, MS), 0);
	is_answered(root, "I will go on from here.");
}
END_TEST

/* That it is deleted, we hear from Slack before the call is answered. */
START_TEST(who_deletes_a_left_stream_takes_no_question_back)
{
	const struct sim_fault slow = { .kind = SIM_FAULT_DELAY,
					.method = "chat.delete",
					.ms = 1500,
					.times = 1 };
	char root[SIM_TS], ts[SIM_TS];

	ask_for_ever(root, ts);
	rig_kill(&rig);
	sim_llm_clear(rig.sim);
	sim_fault(rig.sim, &slow);
	rig_start(&rig);
	is_answered(root, "I will go on from here.");
}
END_TEST

/* Those beyond what Slack takes are edited; none of it is too much. */
START_TEST(many_at_once_stay_within_slacks_limits)
{
	static const char *const methods[] = { "chat.startStream",
					       "chat.appendStream",
					       "chat.stopStream" };
	struct sim_settings set;
	struct sim_call *c;
	char root[12][SIM_TS];
	size_t i, k, n;

	sim_settings(rig.sim, &set);
	set.limits = true;
	set.post_burst = 100;
	sim_set(rig.sim, &set);
	for (i = 0; i < 12; i++)
		ask("<@UB1> hello", root[i]);
	for (i = 0; i < 12; i++)
		is_answered(root[i], "I will go on from here.");
	for (k = 0; k < 3; k++) {
		c = sim_calls(rig.sim, methods[k], &n);
		for (i = 0; i < n; i++)
			ck_assert_int_ne(c[i].status, 429);
		sim_calls_free(c, n);
	}
	ck_assert_uint_ge(sim_count(rig.sim, "chat.startStream"), 4);
	ck_assert_uint_lt(sim_count(rig.sim, "chat.startStream"), 12);
}
END_TEST

START_TEST(long_answer_goes_on_behind_its_stream)
{
	struct sim_llm says = { .piece = 400, .token_ms = 30 };
	char root[SIM_TS], *text = malloc(30000);
	size_t i;

	ck_assert_ptr_nonnull(text);
	for (i = 0; i < 2500; i++)
		memcpy(text + 10 * i,
		       i % 20 == 19 ? "a end of\n\n" : "some words ", 10);
	(void)snprintf(text + 25000, 100, "\n\nand the last of it");
	says.text = text;
	ck_assert_int_eq(sim_llm(rig.sim, &says), 0);
	ask("<@UB1> at length", root);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C1", root, "the last of it", MS), 0);
	free(rig_answer(&rig, "C1", root));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 3);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.startStream"), 1);
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stream");
	TCase *tc = tcase_create("stream");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	/* What is given up is edited instead, and isn't what is counted. */
	rig_set_slack(" timeout_s = 8\n");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, answer_grows_in_a_message_of_its_own);
	tcase_add_test(tc, own_deletion_is_nothing_to_be_journaled);
	tcase_add_test(tc, nobody_streams_unless_told_so);
	tcase_add_loop_test(tc, what_a_stream_cannot_show_is_edited, 0, ODD);
	tcase_add_loop_test(tc, thoughts_are_taken_back, 0, 2);
	tcase_add_test(tc, refusal_is_remembered);
	tcase_add_loop_test(tc, one_fault_leaves_one_whole_answer, 0, FAULTS);
	tcase_add_test(tc, stream_that_dies_is_edited_from_there_on);
	tcase_add_test(tc, stream_that_began_unknown_to_us_goes);
	tcase_add_test(tc, stranger_is_answered_by_edits);
	tcase_add_test(tc, asker_stops_a_stream);
	tcase_add_test(tc, placeholder_of_a_stream_that_died_stops_the_answer);
	tcase_add_test(tc, button_of_slacks_stops_a_stream);
	tcase_add_test(tc, stream_that_slack_has_stopped_at_its_end_is_edited);
	tcase_add_test(tc, deleted_question_takes_its_stream_along);
	tcase_add_test(tc, edited_question_is_answered_in_the_same_message);
	tcase_add_test(tc, stream_is_ended_by_a_stop_of_the_daemon);
	tcase_add_test(tc, stream_of_a_killed_daemon_goes);
	tcase_add_test(tc, session_of_a_stream_that_was_left_and_died_ends);
	tcase_add_loop_test(tc, another_node_takes_a_stream_over, 0, WAYS);
	tcase_add_test(tc, left_stream_goes_when_the_token_is_good_again);
	tcase_add_test(tc, who_deletes_its_placeholder_takes_no_question_back);
	tcase_add_test(tc, lost_stream_goes_when_the_token_is_good_again);
	tcase_add_test(tc, who_deletes_a_left_stream_takes_no_question_back);
	tcase_add_test(tc, many_at_once_stay_within_slacks_limits);
	tcase_add_test(tc, long_answer_goes_on_behind_its_stream);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
