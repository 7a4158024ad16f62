/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integration/rig.h"
#include "sim/act.h"

/* What people do about an answer: with the real daemon, on both stores. */

#define ENDED "I will go on from here"

static struct rig rig;

/* A model that says something and then nothing more, when asked for that. */
static const struct sim_llm stuck = {
	.contains = "for ever",
	.text = "The beginning of an answer that has no end at all, however"
		" long one waits for it.",
	.mode = SIM_LLM_SILENCE,
	.after = 2,
};

static void setup(void)
{
	rig_up(&rig);
	ck_assert_int_eq(sim_llm(rig.sim, &stuck), 0);
}

static void teardown(void)
{
	rig_close(&rig);
}

/* Of the first reply in the thread. */
static void reply_ts(const char *channel, const char *root, char ts[SIM_TS])
{
	struct sim_msg *m;
	size_t i, n;

	ts[0] = '\0';
	m = sim_messages(rig.sim, channel, root, &n);
	for (i = n; i > 0; i--)
		if (m[i - 1].app_id && !m[i - 1].deleted)
			(void)snprintf(ts, SIM_TS, "%s", m[i - 1].ts);
	sim_messages_free(m, n);
	ck_assert_str_ne(ts, "");
}

/* A question whose answer has begun, and doesn't end; ts of both. */
static void ask_for_ever(char root[SIM_TS], char reply[SIM_TS])
{
	rig_say(&rig, "C1", "U1", "<@UB1> for ever", NULL, root);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C1", root, "The beginning", MS), 0);
	reply_ts("C1", root, reply);
}

static void check_stopped(const char *root)
{
	char *text;

	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "Stopped", MS), 0);
	text = rig_answer(&rig, "C1", root);
	ck_assert_ptr_nonnull(strstr(text, "The beginning"));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 1);
	free(text);
}

START_TEST(reaction_of_the_asker_stops_the_answer)
{
	char root[SIM_TS], reply[SIM_TS];

	ask_for_ever(root, reply);
	ck_assert_int_eq(sim_react(rig.sim, "C1", reply, "U1", "x", true), 0);
	check_stopped(root);
	ck_assert(rig_logged(&rig, "outcome=stopped", MS));
}
END_TEST

START_TEST(button_stops_the_answer)
{
	char root[SIM_TS], reply[SIM_TS];

	ask_for_ever(root, reply);
	ck_assert_int_eq(sim_click(rig.sim, "C1", reply, "U1", "konstruct_stop",
				   NULL),
			 0);
	check_stopped(root);
	/* And is gone then. */
	ck_assert_int_eq(sim_click(rig.sim, "C1", reply, "U1", "konstruct_stop",
				   NULL),
			 -1);
}
END_TEST

START_TEST(nobody_else_stops_the_answer)
{
	char root[SIM_TS], reply[SIM_TS];

	ask_for_ever(root, reply);
	ck_assert_int_eq(sim_react(rig.sim, "C1", reply, "U2", "x", true), 0);
	ck_assert_int_eq(sim_click(rig.sim, "C1", reply, "U2", "konstruct_stop",
				   NULL),
			 0);
	/* Who presses the button is told why nothing happens. */
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U2", 1, MS), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_int_ne(sim_wait_text(rig.sim, "C1", root, "Stopped", 300), 0);
	ck_assert_int_eq(sim_react(rig.sim, "C1", reply, "U1", "x", true), 0);
	check_stopped(root);
}
END_TEST

START_TEST(stop_before_the_first_word_leaves_a_sentence)
{
	const struct sim_llm mute = { .contains = "say nothing",
				      .mode = SIM_LLM_HANG };
	char root[SIM_TS], reply[SIM_TS], *text;

	ck_assert_int_eq(sim_llm(rig.sim, &mute), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> say nothing", NULL, root);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	reply_ts("C1", root, reply);
	ck_assert_int_eq(sim_react(rig.sim, "C1", reply, "U1", "x", true), 0);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "Stopped", MS), 0);
	text = rig_answer(&rig, "C1", root);
	ck_assert_ptr_null(strstr(text, "Thinking"));
	free(text);
}
END_TEST

START_TEST(edited_question_is_answered_as_it_is_now)
{
	char root[SIM_TS], reply[SIM_TS], *text;

	ask_for_ever(root, reply);
	ck_assert_int_eq(
		sim_edit(rig.sim, "C1", root, "<@UB1> where is Atlantis?"), 0);
	text = rig_answer(&rig, "C1", root);
	ck_assert_ptr_nonnull(strstr(text, "Atlantis"));
	ck_assert_ptr_null(strstr(text, "The beginning"));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 1);
	free(text);
}
END_TEST

/* What wasn't acked comes again a minute later, or five. */
static void comes_late(const char *ts, const char *text)
{
	char event[256];

	(void)snprintf(event, sizeof(event),
		       "{\"type\":\"app_mention\",\"user\":\"U1\","
		       "\"channel\":\"C1\",\"ts\":\"%s\",\"event_ts\":\"%s\","
		       "\"text\":\"%s\"}",
		       ts, ts, text);
	ck_assert_int_eq(sim_event(rig.sim, "A1", "T1", event), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}

static void say_unheard(const char *text, char ts[SIM_TS])
{
	const struct sim_say none = { .events = "" };

	ck_assert_int_eq(sim_say(rig.sim, "C1", "U1", text, &none, ts), 0);
}

START_TEST(edit_that_comes_before_its_message_is_answered)
{
	char root[SIM_TS], *text;

	say_unheard("<@UB1> where is Troy?", root);
	ck_assert_int_eq(
		sim_edit(rig.sim, "C1", root, "<@UB1> where is Atlantis?"), 0);
	text = rig_answer(&rig, "C1", root);
	ck_assert_ptr_nonnull(strstr(text, "Atlantis"));
	free(text);
	comes_late(root, "<@UB1> where is Troy?");
	ck_assert_int_eq(sim_edit(rig.sim, "C1", root, "<@UB1> where is Rome?"),
			 0);
	free(rig_answer(&rig, "C1", root));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 1);
}
END_TEST

/* Who forgot to name the agent. */
static void name_us_at_last(const char *ts)
{
	ck_assert_int_eq(
		sim_edit(rig.sim, "C1", ts, "<@UB1> where is Atlantis?"), 0);
}

/* An app may hear of either, or of both in any order. */
static const char *const heard[] = { SIM_EVENTS, "app_mention",
				     "message.channels" };

START_TEST(mention_that_an_edit_adds_is_answered_once)
{
	char root[SIM_TS], *text;

	ck_assert_int_eq(sim_subscribe(rig.sim, "A1", heard[_i]), 0);
	rig_say(&rig, "C1", "U1", "where is Atlantis?", NULL, root);
	name_us_at_last(root);
	text = rig_answer(&rig, "C1", root);
	ck_assert_ptr_nonnull(strstr(text, "Atlantis"));
	free(text);
	rig_kill(&rig);
	rig_start(&rig);
	ck_assert_int_eq(sim_edit(rig.sim, "C1", root, "<@UB1> where is it?"),
			 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
}
END_TEST

START_TEST(thread_goes_on_after_a_mention_that_an_edit_added)
{
	char root[SIM_TS];

	rig_say(&rig, "C1", "U1", "where is Atlantis?", NULL, root);
	rig_say(&rig, "C1", "U2", "good question", root, NULL);
	name_us_at_last(root);
	rig_say(&rig, "C1", "U2", "and Troy?", root, NULL);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	free(rig_answer(&rig, "C1", root));
	rig_settle(&rig);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "Troy", MS), 0);
}
END_TEST

START_TEST(whom_an_edit_names_in_another_ones_stead_answers)
{
	char root[SIM_TS], ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	free(rig_answer(&rig, "C1", root));
	rig_say(&rig, "C1", "U1", "<@U2> where is Atlantis?", root, ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	name_us_at_last(ts);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", root, 2, MS), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 2);
}
END_TEST

START_TEST(mention_that_is_added_to_what_was_answered_asks_nothing)
{
	char root[SIM_TS], ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	free(rig_answer(&rig, "C1", root));
	rig_say(&rig, "C1", "U1", "where is Atlantis?", root, ts);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", root, 2, MS), 0);
	rig_settle(&rig);
	name_us_at_last(ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 2);
}
END_TEST

START_TEST(mention_that_is_added_much_later_asks_nothing)
{
	const struct sim_say none = { .events = "" };
	struct sim_say old = { .ts = NULL };
	char now[SIM_TS], then[SIM_TS], root[SIM_TS];

	ck_assert_int_eq(sim_say(rig.sim, "C2", "U1", "hm", &none, now), 0);
	rig_later(now, -11 * 60, then);
	old.ts = then;
	ck_assert_int_eq(sim_say(rig.sim, "C1", "U1", "where is Atlantis?",
				 &old, root),
			 0);
	name_us_at_last(root);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 0);
}
END_TEST

START_TEST(mention_that_is_added_to_a_file_is_answered_with_it)
{
	static const struct sim_file file = {
		.id = "F1",
		.name = "notes.txt",
		.mimetype = "text/plain",
		.bytes = "it lies in the sea",
		.len = 18,
	};
	const struct sim_say opt = { .subtype = "file_share",
				     .file_ids = "F1" };
	char root[SIM_TS];
	struct sim_ask *a;
	size_t n;

	ck_assert_int_eq(sim_subscribe(rig.sim, "A1", "message.channels"), 0);
	ck_assert_int_eq(sim_add_file(rig.sim, &file), 0);
	ck_assert_int_eq(
		sim_say(rig.sim, "C1", "U1", "what is it?", &opt, root), 0);
	name_us_at_last(root);
	free(rig_answer(&rig, "C1", root));
	a = sim_asks(rig.sim, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_ptr_nonnull(strstr(a[0].body, "it lies in the sea"));
	sim_asks_free(a, n);
}
END_TEST

START_TEST(told_by_an_edit_to_stop_listening_it_does)
{
	char root[SIM_TS], ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	free(rig_answer(&rig, "C1", root));
	rig_say(&rig, "C1", "U1", "<@U2> stop listening", root, ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_int_eq(sim_edit(rig.sim, "C1", ts, "<@UB1> stop listening"),
			 0);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 1, MS), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 1);
}
END_TEST

START_TEST(what_is_deleted_before_it_comes_is_not_answered)
{
	char root[SIM_TS], ts[SIM_TS];

	say_unheard("<@UB1> where is Troy?", root);
	ck_assert_int_eq(sim_delete(rig.sim, "C1", root), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	rig_kill(&rig);
	rig_start(&rig);
	comes_late(root, "<@UB1> where is Troy?");
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 0);
}
END_TEST

START_TEST(deleted_question_takes_its_placeholder_along)
{
	char root[SIM_TS], reply[SIM_TS], ts[SIM_TS], *body = NULL;

	ask_for_ever(root, reply);
	ck_assert_int_eq(sim_delete(rig.sim, "C1", root), 0);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.delete", 1, MS), 0);
	/* Another question is behind it. */
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 0);
	/* That is nobody's failure. */
	ck_assert_int_eq(rig_get(&rig, "/metrics", &body), 200);
	ck_assert_ptr_nonnull(strstr(body, "outcome=\"stopped\"} 1\n"));
	ck_assert_ptr_nonnull(
		strstr(body, "turns_total{outcome=\"failed\"} 0\n"));
	free(body);
}
END_TEST

START_TEST(deleted_placeholder_ends_its_turn)
{
	char root[SIM_TS], reply[SIM_TS], ts[SIM_TS];

	ask_for_ever(root, reply);
	ck_assert_int_eq(sim_delete(rig.sim, "C1", reply), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", root, ts);
	free(rig_answer(&rig, "C1", root));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 1);
}
END_TEST

/* In an engaged thread, without a mention. */
static bool is_followed(const char *root)
{
	char marker[SIM_TS];
	size_t n = rig_replies(&rig, "C1", root);

	rig_say(&rig, "C1", "U1", "and now?", root, NULL);
	rig_say(&rig, "C2", "U1", "<@UB1> done?", NULL, marker);
	free(rig_answer(&rig, "C2", marker));
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	return rig_replies(&rig, "C1", root) > n;
}

START_TEST(muted_thread_is_left_alone_until_the_next_mention)
{
	char root[SIM_TS], reply[SIM_TS], on[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	free(rig_answer(&rig, "C1", root));
	reply_ts("C1", root, reply);
	(void)snprintf(on, sizeof(on), "%s", _i == 0 ? root : reply);
	ck_assert_int_eq(sim_react(rig.sim, "C1", on, "U2", "mute", true), 0);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U2", 1, MS), 0);
	ck_assert(!is_followed(root));
	rig_kill(&rig);
	rig_start(&rig);
	ck_assert(!is_followed(root));
	rig_say(&rig, "C1", "U1", "<@UB1> come back", root, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", root, 2, MS), 0);
	free(rig_answer(&rig, "C1", root));
	ck_assert(is_followed(root));
}
END_TEST

START_TEST(answer_that_is_being_written_is_finished_though_told_to_be_quiet)
{
	const struct sim_llm slow = { .contains = "slowly", .token_ms = 150 };
	char root[SIM_TS];

	ck_assert_int_eq(sim_llm(rig.sim, &slow), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	free(rig_answer(&rig, "C1", root));
	rig_say(&rig, "C1", "U1", "and slowly?", root, NULL);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 2, MS), 0);
	ck_assert_int_eq(sim_react(rig.sim, "C1", root, "U1", "mute", true), 0);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 1, MS), 0);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C1", root, "slowly?\". I have", MS), 0);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "I will go on", MS),
			 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 2);
	ck_assert(!is_followed(root));
}
END_TEST

START_TEST(model_is_told_what_an_edit_made_of_an_answered_question)
{
	struct sim_ask *a;
	char root[SIM_TS];
	size_t n;

	rig_say(&rig, "C1", "U1", "<@UB1> where is Troy?", NULL, root);
	free(rig_answer(&rig, "C1", root));
	ck_assert_int_eq(
		sim_edit(rig.sim, "C1", root, "<@UB1> where is Atlantis?"), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	rig_settle(&rig);
	rig_say(&rig, "C1", "U1", "and how deep?", root, NULL);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 2, MS), 0);
	a = sim_asks(rig.sim, &n);
	ck_assert_ptr_nonnull(strstr(a[1].body, "]: where is Atlantis?"));
	ck_assert_ptr_null(strstr(a[1].body, "]: where is Troy?"));
	sim_asks_free(a, n);
}
END_TEST

/* Slack delivers that it was edited so many seconds after it was said. */
static void hear_of_edit(const char *ts, int seconds, const char *text)
{
	static const char form[] =
		"{\"type\":\"message\",\"subtype\":\"message_changed\","
		"\"hidden\":true,\"channel\":\"C1\",\"channel_type\":"
		"\"channel\",\"ts\":\"%s\",\"event_ts\":\"%s\",\"message\":{"
		"\"type\":\"message\",\"user\":\"U1\",\"ts\":\"%s\","
		"\"text\":\"%s\",\"edited\":{\"user\":\"U1\",\"ts\":"
		"\"%ld.000000\"}},\"previous_message\":{\"type\":\"message\","
		"\"user\":\"U1\",\"ts\":\"%s\",\"text\":\"?\"}}";
	char event[1024];

	(void)snprintf(event, sizeof(event), form, ts, ts, ts, text,
		       strtol(ts, NULL, 10) + seconds, ts);
	ck_assert_int_eq(sim_event(rig.sim, "A1", "T1", event), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}

/* Also of a thread that is read in Slack, and by another process. */
START_TEST(of_two_edits_the_model_is_told_the_later)
{
	struct sim_ask *a;
	char root[SIM_TS], ts[SIM_TS];
	size_t n;

	if (_i == 2) {
		rig_say(&rig, "C1", "U1", "where is Troy?", NULL, root);
		ck_assert_int_eq(
			sim_edit(rig.sim, "C1", root, "where is Atlantis?"), 0);
		rig_say(&rig, "C1", "U2", "<@UB1> do you know?", root, ts);
	} else {
		rig_say(&rig, "C1", "U1", "<@UB1> where is Troy?", NULL, root);
	}
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, ENDED, MS), 0);
	rig_settle(&rig);
	if (_i < 2)
		hear_of_edit(root, 60, "<@UB1> where is Atlantis?");
	rig_settle(&rig);
	if (_i == 1) {
		rig_kill(&rig);
		rig_start(&rig);
	}
	if (_i == 2)
		hear_of_edit(root, -30, "where is Rome?");
	else
		hear_of_edit(root, 30, "<@UB1> where is Rome?");
	rig_settle(&rig);
	rig_say(&rig, "C1", "U1", "and how deep?", root, NULL);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 2, MS), 0);
	a = sim_asks(rig.sim, &n);
	ck_assert_ptr_nonnull(strstr(a[1].body, "]: where is Atlantis?"));
	ck_assert_ptr_null(strstr(a[1].body, "where is Rome?"));
	sim_asks_free(a, n);
}
END_TEST

START_TEST(told_to_stop_listening_it_does)
{
	char root[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	free(rig_answer(&rig, "C1", root));
	rig_say(&rig, "C1", "U1", "<@UB1> stop listening to jazz", root, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", root, 2, MS), 0);
	free(rig_answer(&rig, "C1", root));
	rig_say(&rig, "C1", "U1", "<@UB1> please stop listening.", root, NULL);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 1, MS), 0);
	ck_assert(!is_followed(root));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 2);
}
END_TEST

/* What it was writing then is finished, by another process too. */
START_TEST(sent_out_of_a_thread_while_it_answers_it_stays_out)
{
	char root[SIM_TS], reply[SIM_TS], other[SIM_TS];

	ask_for_ever(root, reply);
	rig_say(&rig, "C1", "U1", "<@UB1> stop listening", root, NULL);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 1, MS), 0);
	/* It is written down before what comes later. */
	rig_say(&rig, "C2", "U1", "<@UB1> hello", NULL, other);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C2", other, ENDED, MS), 0);
	rig_kill(&rig);
	sim_llm_clear(rig.sim);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, ENDED, MS), 0);
	rig_settle(&rig);
	ck_assert(!is_followed(root));
}
END_TEST

START_TEST(asker_gets_another_answer_once)
{
	char root[SIM_TS], reply[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> where is Atlantis?", NULL, root);
	free(rig_answer(&rig, "C1", root));
	reply_ts("C1", root, reply);
	ck_assert_int_eq(sim_click(rig.sim, "C1", reply, "U2",
				   "konstruct_again", NULL),
			 0);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U2", 1, MS), 0);
	ck_assert_int_eq(sim_click(rig.sim, "C1", reply, "U1",
				   "konstruct_again", NULL),
			 0);
	ck_assert_int_eq(sim_click(rig.sim, "C1", reply, "U1",
				   "konstruct_again", NULL),
			 0);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", root, 2, MS), 0);
	free(rig_answer(&rig, "C1", root));
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 2);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 2);
}
END_TEST

START_TEST(what_is_forgotten_is_not_regenerated)
{
	char root[SIM_TS], reply[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	free(rig_answer(&rig, "C1", root));
	reply_ts("C1", root, reply);
	ck_assert_int_eq(sim_delete(rig.sim, "C1", root), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	free(rig_answer(&rig, "C1", root));
	ck_assert_int_eq(sim_click(rig.sim, "C1", reply, "U1",
				   "konstruct_again", NULL),
			 0);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 1, MS), 0);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
}
END_TEST

/* Unfolds a link: what it says is the same. */
START_TEST(an_edit_that_changes_no_word_begins_nothing_anew)
{
	char root[SIM_TS], reply[SIM_TS];

	ask_for_ever(root, reply);
	ck_assert_int_eq(sim_edit(rig.sim, "C1", root, "<@UB1>  for ever"), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_int_eq(sim_react(rig.sim, "C1", reply, "U1", "x", true), 0);
	check_stopped(root);
	ck_assert_int_ne(sim_wait_asks(rig.sim, 2, 300), 0);
}
END_TEST

/* The button is there before the question is in the transcript, which waits
 * for what may come late. */
START_TEST(asker_gets_another_answer_at_once)
{
	const struct sim_fault lost = { .kind = SIM_FAULT_LOST,
					.method = "chat.update",
					.times = 1 };
	char root[SIM_TS], reply[SIM_TS];
	int i;

	rig_pace(&rig, -1, 120);
	ck_assert_int_eq(sim_fault(rig.sim, &lost), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> where is Atlantis?", NULL, root);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "from here.", MS),
			 0);
	reply_ts("C1", root, reply);
	/* The text may be there an edit before its buttons. */
	for (i = 0; i < MS / 10 && sim_click(rig.sim, "C1", reply, "U1",
					     "konstruct_again", NULL) < 0;
	     i++)
		poll(NULL, 0, 10);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", root, 2, MS), 0);
	free(rig_answer(&rig, "C1", root));
}
END_TEST

START_TEST(feedback_is_counted)
{
	char root[SIM_TS], reply[SIM_TS], *body = NULL;

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, root);
	free(rig_answer(&rig, "C1", root));
	reply_ts("C1", root, reply);
	ck_assert_int_eq(sim_click(rig.sim, "C1", reply, "U2",
				   "konstruct_feedback", "down"),
			 0);
	ck_assert(rig_logged(&rig, "feedback=down", MS));
	ck_assert_int_eq(rig_get(&rig, "/metrics", &body), 200);
	ck_assert_ptr_nonnull(strstr(body, "feedback=\"down\"} 1"));
	free(body);
}
END_TEST

/* Killed between the stop and the end of the turn: it stays stopped. */
START_TEST(stop_survives_a_kill)
{
	char root[SIM_TS], reply[SIM_TS];
	struct sim_fault slow = { .method = "chat.update",
				  .kind = SIM_FAULT_HANG };

	ask_for_ever(root, reply);
	ck_assert_int_eq(sim_fault(rig.sim, &slow), 0);
	ck_assert_int_eq(sim_react(rig.sim, "C1", reply, "U1", "x", true), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	rig_kill(&rig);
	sim_fault_clear(rig.sim);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "Stopped", MS), 0);
	free(rig_answer(&rig, "C1", root));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 1);
}
END_TEST

/* Slack hands each to any of the app's links. */
START_TEST(whichever_node_hears_of_it)
{
	char root[SIM_TS], reply[SIM_TS];
	int i;

	if (!rig_is_shared())
		return;
	rig_close(&rig);
	rig_open_nodes(&rig, "rate_per_minute = 0", 2);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 2, MS), 0);
	ck_assert_int_eq(sim_llm(rig.sim, &stuck), 0);
	for (i = 0; i < 9; i++) {
		ask_for_ever(root, reply);
		if (i % 3 == 0)
			ck_assert_int_eq(sim_react(rig.sim, "C1", reply, "U1",
						   "x", true),
					 0);
		else if (i % 3 == 1)
			ck_assert_int_eq(sim_click(rig.sim, "C1", reply, "U1",
						   "konstruct_stop", NULL),
					 0);
		else
			ck_assert_int_eq(sim_delete(rig.sim, "C1", root), 0);
		if (i % 3 < 2)
			check_stopped(root);
		else
			ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.delete",
							(size_t)i / 3 + 1, MS),
					 0);
	}
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("signals");
	TCase *tc = tcase_create("signals");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, reaction_of_the_asker_stops_the_answer);
	tcase_add_test(tc, button_stops_the_answer);
	tcase_add_test(tc, nobody_else_stops_the_answer);
	tcase_add_test(tc, stop_before_the_first_word_leaves_a_sentence);
	tcase_add_test(tc, stop_survives_a_kill);
	tcase_add_test(tc, edited_question_is_answered_as_it_is_now);
	tcase_add_test(tc, edit_that_comes_before_its_message_is_answered);
	tcase_add_loop_test(tc, mention_that_an_edit_adds_is_answered_once, 0,
			    (int)(sizeof(heard) / sizeof(heard[0])));
	tcase_add_test(tc, thread_goes_on_after_a_mention_that_an_edit_added);
	tcase_add_test(tc, whom_an_edit_names_in_another_ones_stead_answers);
	tcase_add_test(tc,
		       mention_that_is_added_to_what_was_answered_asks_nothing);
	tcase_add_test(tc, mention_that_is_added_much_later_asks_nothing);
	tcase_add_test(tc, mention_that_is_added_to_a_file_is_answered_with_it);
	tcase_add_test(tc, told_by_an_edit_to_stop_listening_it_does);
	tcase_add_test(tc, what_is_deleted_before_it_comes_is_not_answered);
	tcase_add_test(tc, deleted_question_takes_its_placeholder_along);
	tcase_add_test(tc, deleted_placeholder_ends_its_turn);
	tcase_add_loop_test(
		tc, muted_thread_is_left_alone_until_the_next_mention, 0, 2);
	tcase_add_test(
		tc,
		answer_that_is_being_written_is_finished_though_told_to_be_quiet);
	tcase_add_test(tc,
		       model_is_told_what_an_edit_made_of_an_answered_question);
	tcase_add_loop_test(tc, of_two_edits_the_model_is_told_the_later, 0, 3);
	tcase_add_test(tc, told_to_stop_listening_it_does);
	tcase_add_test(tc, sent_out_of_a_thread_while_it_answers_it_stays_out);
	tcase_add_test(tc, asker_gets_another_answer_once);
	tcase_add_test(tc, what_is_forgotten_is_not_regenerated);
	tcase_add_test(tc, an_edit_that_changes_no_word_begins_nothing_anew);
	tcase_add_test(tc, asker_gets_another_answer_at_once);
	tcase_add_test(tc, feedback_is_counted);
	tcase_add_test(tc, whichever_node_hears_of_it);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
