/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/job.h"
#include "route/message.h"
#include "scene.h"
#include "stage.h"
#include "state/engaged.h"

/* an answer */

START_TEST(placeholder_then_model_then_answer_in_the_same_message)
{
	const struct stage_call *post, *edit;

	stage.first_ms = 200;
	scene_play(stage_ask(), 3 * SECOND);
	post = stage_call_of("chat.postMessage", 0);
	ck_assert_str_eq(stage_arg(post, "channel"), "C1");
	ck_assert_str_eq(stage_arg(post, "thread_ts"), "100.000100");
	ck_assert_str_eq(stage_arg(post, "text"), "Thinking...");
	ck_assert_str_eq(stage_arg(post, "unfurl_links"), "false");
	ck_assert_str_eq(stage_arg(post, "unfurl_media"), "false");
	ck_assert_str_eq(stage_arg(post, "link_names"), "");
	ck_assert_str_eq(stage_arg(post, "metadata"),
			 "{\"event_type\":\"konstruct_reply\","
			 "\"event_payload\":{\"entry\":\"entry1\","
			 "\"part\":0}}");
	ck_assert_uint_eq(stage_count("chat.update"), 1);
	edit = stage_call_of("chat.update", 0);
	ck_assert_str_eq(stage_arg(edit, "ts"), stage_reply(0)->ts);
	ck_assert_str_eq(edit->token, "xoxb-1");
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_int_eq(stage.nasked, 1);
}
END_TEST

START_TEST(the_placeholder_is_the_agents_own)
{
	struct job *j = stage_ask();

	free(j->agent.placeholder);
	j->agent.placeholder = strdup("One moment");
	stage.hold_model = true;
	scene_play(j, SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "One moment");
}
END_TEST

START_TEST(the_journal_gets_ts_answer_lines_and_usage)
{
	const struct stage_note *done;

	scene_play(stage_ask(), 3 * SECOND);
	ck_assert_ptr_nonnull(scene_note(stage_reply(0)->ts, 0));
	ck_assert_str_eq(scene_answer()->answer, "It is *here*.");
	done = stage_done("entry1");
	ck_assert_ptr_nonnull(done);
	ck_assert_int_eq(done->state, ENTRY_DONE);
	ck_assert_uint_eq(done->nlines, 2);
	ck_assert_str_eq(done->lines[0], "Ada: where is it?");
	ck_assert_str_eq(done->lines[1], "> It is *here*.");
	ck_assert_int_eq(done->tokens, 18);
	ck_assert_str_eq(done->engaged, "A1:T1:C1:100.000100");
}
END_TEST

START_TEST(no_edit_shows_an_answer_that_is_not_in_the_journal)
{
	stage.first_ms = SECOND;
	scene_play(stage_ask(), 100);
	stage.hold_journal = true;
	stage_run(MINUTE);
	ck_assert_uint_eq(stage_count("chat.update"), 0);
	stage.hold_journal = false;
	stage_run(SECOND);
	ck_assert_uint_eq(stage_count("chat.update"), 1);
	ck_assert_int_le(scene_answer()->at_ms,
			 stage_call_of("chat.update", 0)->at_ms);
}
END_TEST

START_TEST(a_failing_journal_is_tried_until_it_works)
{
	stage_begin();
	stage.fail_journal = true;
	stage_submit(stage_ask());
	stage_run(MINUTE);
	ck_assert_ptr_null(stage_done("entry1"));
	stage.fail_journal = false;
	stage_run(5 * SECOND);
	ck_assert_ptr_nonnull(stage_done("entry1"));
	ck_assert_uint_eq(stage_nreplies(), 1);
}
END_TEST

START_TEST(what_the_journal_refuses_ends_with_a_sentence)
{
	stage_begin();
	stage.refuse_answers = true;
	stage_submit(stage_ask());
	stage_run(10 * SECOND);
	ck_assert_ptr_null(stage_done("entry1"));
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_msg(strstr(stage_reply(0)->text, "could not answer") != NULL,
		      "%s", stage_reply(0)->text);
	stage.refuse_answers = false;
	stage_submit(stage_job("entry2", "1.2", NULL, "<@UBOT> again"));
	stage_run(10 * SECOND);
	ck_assert_ptr_nonnull(stage_done("entry2"));
}
END_TEST

START_TEST(the_placeholder_does_not_wait_for_a_slot_of_the_model)
{
	stage.hold_model = true;
	scene_play(stage_ask(), MINUTE);
	ck_assert_str_eq(stage_reply(0)->text, "Thinking...");
	ck_assert_int_lt(stage_reply(0)->posted_ms, 1000000 + SECOND);
	stage.hold_model = false;
	stage_run(SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(who_waits_long_for_the_model_is_told_how_many_are_before)
{
	stage.hold_model = true;
	stage.ahead = 12;
	scene_play(stage_ask(), 4 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "Thinking...");
	stage_run(2 * SECOND);
	ck_assert_ptr_nonnull(strstr(stage_reply(0)->text, "12 of your"));
	stage.ahead = 0;
	stage_run(MINUTE);
	ck_assert_ptr_nonnull(strstr(stage_reply(0)->text, "is next"));
	stage.hold_model = false;
	stage.ahead = -1;
	stage_run(2 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(a_placeholder_deleted_while_it_waits_for_a_slot_ends_the_turn)
{
	stage.hold_model = true;
	stage.ahead = 12;
	stage_fault("chat.update", FAULT_REFUSE, "message_not_found", 0);
	scene_play(stage_ask(), MINUTE);
	ck_assert_uint_eq(stage_count("chat.update"), 1);
	ck_assert_str_eq(stage_done("entry1")->verdict,
			 "gone:message_not_found");
}
END_TEST

/* The edit that says how many are before is still under way when the model
 * finds the question too long, and less of the thread is read. */
START_TEST(a_placeholder_that_goes_while_the_thread_is_read_ends_the_turn)
{
	stage.hold_model = true;
	stage.ahead = 12;
	stage.too_long = 1;
	transcript_add(&stage.history, false, "U1", "Ada", "100.000101", "so");
	stage_fault("chat.update", FAULT_REFUSE, "message_not_found",
		    3 * SECOND);
	scene_play(stage_job("entry1", "100.000300", "100.000100", "and now?"),
		   6 * SECOND);
	stage.hold_model = false;
	stage.hold_reads = true;
	stage_run(SECOND);
	stage.hold_journal = _i == 0;
	stage_run(10 * SECOND);
	stage_read();
	stage_run(SECOND);
	stage.hold_journal = false;
	stage_run(MINUTE);
	ck_assert_int_eq(stage.nasked, 1);
	ck_assert_str_eq(stage_done("entry1")->verdict,
			 "gone:message_not_found");
}
END_TEST

/* lanes */

START_TEST(turns_of_a_thread_run_one_after_the_other)
{
	stage.hold_model = true;
	stage_begin();
	stage_submit(stage_job("entry1", "100.000100", NULL, "one?"));
	stage_submit(stage_job("entry2", "100.000200", "100.000100", "two?"));
	stage_submit(stage_job("entry3", "200.000100", NULL, "other thread"));
	stage_run(5 * SECOND);
	/* The second one only waits. */
	ck_assert_uint_eq(stage_nreplies(), 2);
	ck_assert_int_eq(stage.nasked, 2);
	transcript_add(&stage.history, false, "U1", "Ada", "100.000100",
		       "one?");
	transcript_add(&stage.history, true, NULL, "Mara", "1000.000001",
		       "It is *here*.");
	stage.hold_model = false;
	stage_run(10 * SECOND);
	ck_assert_int_eq(stage.nasked, 3);
	scene_holds(stage.asked[2], "user: Ada [1970-01-01 09:01]: one?\n"
				    "assistant: It is *here*.\n"
				    "user: Ada [1970-01-01 09:01]: two?\n");
	ck_assert_ptr_nonnull(stage_done("entry2"));
	ck_assert_ptr_nonnull(stage_done("entry3"));
}
END_TEST

/* Behind entry1, in its thread. */
static void wait_behind(const char *id, const char *ts)
{
	stage_submit(stage_job(id, ts, "100.000100", "and this?"));
}

START_TEST(who_waits_gets_eyes_and_no_placeholder)
{
	const struct stage_call *c;

	stage.hold_model = true;
	stage_begin();
	stage_submit(stage_ask());
	wait_behind("entry2", "100.000200");
	stage_run(SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_uint_eq(stage_count("reactions.add"), 1);
	c = stage_call_of("reactions.add", 0);
	ck_assert_str_eq(stage_arg(c, "channel"), "C1");
	ck_assert_str_eq(stage_arg(c, "timestamp"), "100.000200");
	ck_assert_str_eq(stage_arg(c, "name"), "eyes");
}
END_TEST

START_TEST(where_eyes_are_refused_nobody_tries_for_an_hour)
{
	stage.hold_model = true;
	stage_begin();
	stage_fault("reactions.add", FAULT_REFUSE, "missing_scope", 0);
	stage_submit(stage_ask());
	wait_behind("entry2", "100.000200");
	stage_run(SECOND);
	wait_behind("entry3", "100.000300");
	stage_run(SECOND);
	ck_assert_uint_eq(stage_count("reactions.add"), 1);
	stage.hold_model = false;
	stage_run(59 * MINUTE);
	ck_assert_ptr_nonnull(stage_done("entry2"));
	stage.hold_model = true;
	stage_submit(stage_job("entry4", "200.000100", NULL, "hello"));
	stage_submit(stage_job("entry5", "200.000200", "200.000100", "two?"));
	stage_run(SECOND);
	ck_assert_uint_eq(stage_count("reactions.add"), 1);
	stage_run(MINUTE);
	stage_submit(stage_job("entry6", "200.000300", "200.000100", "two?"));
	stage_run(SECOND);
	ck_assert_uint_eq(stage_count("reactions.add"), 2);
}
END_TEST

START_TEST(eyes_keep_their_pace_and_retry_after)
{
	char id[20], ts[20];
	size_t i;

	stage.hold_model = true;
	stage_begin();
	stage_submit(stage_ask());
	for (i = 0; i < 12; i++) {
		snprintf(id, sizeof(id), "other%zu", i);
		snprintf(ts, sizeof(ts), "1%02zu.000000", i);
		wait_behind(id, ts);
	}
	stage_run(100);
	ck_assert_uint_eq(stage_count("reactions.add"), 10);
	stage_fault("reactions.add", FAULT_RATE, NULL, 5000);
	stage_run(1500);
	ck_assert_uint_eq(stage_count("reactions.add"), 11);
	stage_run(4800);
	ck_assert_uint_eq(stage_count("reactions.add"), 11);
	stage_run(500);
	ck_assert_uint_eq(stage_count("reactions.add"), 12);
}
END_TEST

START_TEST(eyes_that_never_come_hold_up_nobody)
{
	stage_begin();
	stage_fault("reactions.add", FAULT_SLOW, NULL, MINUTE);
	stage_submit(stage_ask());
	wait_behind("entry2", "100.000200");
	stage_run(20 * SECOND);
	ck_assert_ptr_nonnull(stage_done("entry2"));
}
END_TEST

START_TEST(placeholders_of_a_channel_are_paced)
{
	char id[20], ts[20];
	size_t i;

	stage.hold_model = true;
	stage_begin();
	for (i = 0; i < 8; i++) {
		snprintf(id, sizeof(id), "entry%zu", i);
		snprintf(ts, sizeof(ts), "1%02zu.000000", i);
		stage_submit(stage_job(id, ts, NULL, "hello"));
	}
	stage_run(100);
	ck_assert_uint_eq(stage_nreplies(), 4);
	stage_run(SECOND);
	ck_assert_uint_eq(stage_nreplies(), 5);
	stage_run(3 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 8);
}
END_TEST

/* no answer */

static const struct {
	enum llm_end end;
	const char *says;
	const char *sentence;
	const char *verdict;
} ends[] = {
	{ LLM_EMPTY, NULL, "no answer to that", "failed:empty" },
	{ LLM_DONE, " \n", "no answer to that", "failed:empty" },
	{ LLM_TIMEOUT, NULL, "took too long", "failed:timeout" },
	{ LLM_BUSY, NULL, "too busy", "failed:busy" },
	{ LLM_REFUSED, NULL, "doesn't let me in", "failed:refused" },
	{ LLM_TOO_LONG, NULL, "new thread", "failed:too_long" },
	{ LLM_BROKEN, NULL, "lost the connection", "failed:broken" },
	{ LLM_FILTERED, NULL, "content filter", "failed:filtered" },
	{ LLM_ERROR, NULL, "reported an error", "failed:error" },
};

START_TEST(a_failure_becomes_a_sentence_with_the_entrys_id)
{
	const struct stage_note *done;

	stage.says[0] = ends[_i].says;
	stage.end = ends[_i].end;
	scene_play(stage_ask(), 10 * SECOND);
	scene_holds(stage_reply(0)->text, ends[_i].sentence);
	scene_holds(stage_reply(0)->text, "(ref. entry1)");
	done = stage_done("entry1");
	ck_assert_str_eq(done->verdict, ends[_i].verdict);
	ck_assert_int_eq(done->state, ENTRY_DONE);
	/* The question is remembered, the sentence isn't. */
	ck_assert_uint_eq(done->nlines, 1);
	ck_assert_str_eq(done->engaged, "");
}
END_TEST

START_TEST(people_of_the_thread_may_be_mentioned_and_nobody_else)
{
	const struct stage_note *done;

	transcript_add(&stage.history, false, "U2", "Bob B.", "100.000100",
		       "hi");
	transcript_add(&stage.history, false, "BBOT9", "Robot", "100.000101",
		       "beep");
	stage.says[0] = "@Ada and <@U2>: not <@U3>, @Bob, @Ro";
	stage.says[1] = "bot or <@BBOT9> \1U3\2@Eve\3";
	scene_play(stage_job("entry1", "100.000300", "100.000100", "who?"),
		   10 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text,
			 "<@U1> and <@U2>: not &lt;@U3&gt;, @Bob, @Robot or"
			 " &lt;@BBOT9&gt; U3@Eve");
	scene_holds(stage_reply(0)->blocks, "\"type\":\"section\"");
	ck_assert_str_eq(scene_answer()->answer,
			 "\1U1\2@Ada\3 and \1U2\2<@U2>\3: not <@U3>, @Bob,"
			 " @Robot or <@BBOT9> U3@Eve");
	done = stage_done("entry1");
	ck_assert_str_eq(done->lines[1],
			 "> @Ada and <@U2>: not <@U3>, @Bob, @Robot or"
			 " <@BBOT9> U3@Eve");
}
END_TEST

START_TEST(what_we_say_ourselves_is_in_the_agents_language)
{
	struct job *j = stage_ask();

	j->agent.locale = strdup("de-AT");
	stage.hold_model = true;
	stage.ahead = 12;
	stage.end = LLM_LENGTH;
	scene_play(j, 2 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "Ich denke nach ...");
	stage_run(5 * SECOND);
	scene_holds(stage_reply(0)->text, "und zwar 12.");
	stage.hold_model = false;
	stage_run(10 * SECOND);
	scene_holds(stage_reply(0)->text, "_Meine Antwort endet hier: Sie hat");
	stage.says[0] = NULL;
	stage.end = LLM_TIMEOUT;
	j = stage_job("entry2", "200.000100", NULL, "und jetzt?");
	j->agent.locale = strdup("de");
	stage_submit(j);
	stage_run(10 * SECOND);
	scene_holds(stage_reply(1)->text, "leider zu lange gedauert");
	scene_holds(stage_reply(1)->text, "(Ref. entry2)");
}
END_TEST

START_TEST(a_failure_in_the_middle_keeps_what_there_is)
{
	stage.says[0] = "Half of ";
	stage.end = LLM_BROKEN;
	scene_play(stage_ask(), 10 * SECOND);
	scene_holds(stage_reply(0)->text, "Half of\n\nSorry");
}
END_TEST

/* notices */

static struct job *notice(const char *thread)
{
	struct job *j = stage_job("entry1", "100.000300", thread, "hello");

	j->kind = JOB_NOTICE;
	j->notice = strdup("Please try again in a moment.");
	return j;
}

START_TEST(a_notice_is_for_one_person)
{
	const struct stage_call *c;

	scene_play(notice(NULL), SECOND);
	c = stage_call_of("chat.postEphemeral", 0);
	ck_assert_str_eq(stage_arg(c, "channel"), "C1");
	ck_assert_str_eq(stage_arg(c, "user"), "U1");
	ck_assert_str_eq(stage_arg(c, "text"), "Please try again in a moment.");
	ck_assert_str_eq(stage_arg(c, "thread_ts"), "");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
	ck_assert_int_eq(stage.nasked, 0);
}
END_TEST

START_TEST(a_notice_stands_in_the_thread_of_its_message)
{
	scene_play(notice("100.000100"), SECOND);
	ck_assert_str_eq(stage_arg(stage_call_of("chat.postEphemeral", 0),
				   "thread_ts"),
			 "100.000100");
}
END_TEST

START_TEST(a_notice_is_said_at_most_once)
{
	stage_fault("chat.postEphemeral", FAULT_FAIL, NULL, 0);
	scene_play(notice(NULL), MINUTE);
	ck_assert_uint_eq(stage_count("chat.postEphemeral"), 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(a_notice_that_is_rate_limited_is_not_said_later)
{
	stage_fault("chat.postEphemeral", FAULT_RATE, NULL, 10 * SECOND);
	scene_play(notice(NULL), MINUTE);
	ck_assert_uint_eq(stage_count("chat.postEphemeral"), 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

/* the end */

START_TEST(whatever_is_under_way_can_be_stopped)
{
	int64_t ms;

	stage.conf.posts_per_second = 0;
	scene_pieces();
	stage.gap_ms = 400;
	stage.first_ms = 700;
	for (ms = 0; ms < 8000; ms += 160) {
		if (ms > 0) {
			stage_down();
			stage_up();
			scene_pieces();
			stage.gap_ms = 400;
			stage.first_ms = 700;
		}
		stage_fault("chat.postMessage", FAULT_LATE, NULL, 3000);
		stage_begin();
		stage_submit(stage_ask());
		stage_submit(scene_nameless("entry2", "100.000200"));
		stage_submit(stage_job("entry3", "100.000300", "100.000100",
				       "three?"));
		stage_submit(notice(NULL));
		stage_run(ms);
	}
}
END_TEST

START_TEST(while_it_drains_notices_are_said_and_no_turn_begins)
{
	stage_begin();
	workers_drain(stage.workers, 0, 0);
	stage_run(SECOND);
	stage_submit(notice(NULL));
	stage_submit(stage_job("entry2", "100.000200", NULL, "hello"));
	stage_run(SECOND);
	ck_assert_uint_eq(stage_count("chat.postEphemeral"), 1);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_ptr_null(stage_done("entry2"));
}
END_TEST

START_TEST(who_is_stopped_in_the_middle_says_that_the_answer_will_come)
{
	const struct stage_call *edit;

	stage.says[0] = "The first half";
	stage.says[1] = " and the second.";
	stage.says[2] = NULL;
	stage.gap_ms = MINUTE;
	scene_play(stage_ask(), 2 * SECOND);
	workers_drain(stage.workers, 0, 0);
	stage_run(5 * SECOND);
	ck_assert_str_eq(
		stage_reply(0)->text,
		"The first half\n\n_I'm being restarted. My answer will"
		" come here in a moment._");
	ck_assert_int_eq(stage.ncancelled, 1);
	edit = stage_call_of("chat.update", stage_count("chat.update") - 1);
	ck_assert_str_eq(stage_arg(edit, "ts"), stage_reply(0)->ts);
	ck_assert_ptr_null(stage_done("entry1"));
	ck_assert_ptr_null(scene_answer());
}
END_TEST

START_TEST(who_waits_in_the_lane_of_a_stopped_one_says_nothing)
{
	stage.hold_model = true;
	stage_begin();
	stage_submit(stage_job("entry1", "100.000100", NULL, "one?"));
	stage_submit(stage_job("entry2", "100.000200", "100.000100", "two?"));
	stage_run(SECOND);
	workers_drain(stage.workers, 0, 0);
	stage_run(5 * SECOND);
	scene_holds(stage_reply(0)->text, "will come here");
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_ptr_null(stage_done("entry2"));
}
END_TEST

START_TEST(a_reply_that_stands_is_not_overwritten_by_a_stop)
{
	struct job *j = scene_second("999.000001");

	scene_earlier("999.000001", 0);
	j->entry.answer = strdup("the answer");
	j->entry.state = ENTRY_WRITTEN;
	stage.hold_model = true;
	stage_begin();
	stage_submit(stage_job("entry0", "100.000200", "100.000100", "one?"));
	stage_submit(j);
	stage_run(SECOND);
	workers_drain(stage.workers, 0, 0);
	stage_run(5 * SECOND);
	ck_assert_uint_eq(stage_count("chat.update"), 1);
	ck_assert_str_ne(stage_arg(stage_call_of("chat.update", 0), "ts"),
			 "999.000001");
}
END_TEST

START_TEST(counts_tell_what_was_done)
{
	struct worker_stats s;

	stage.hold_model = true;
	scene_play(stage_ask(), SECOND);
	workers_stats(stage.workers, &s);
	ck_assert_uint_eq(s.turns, 1);
	stage.hold_model = false;
	stage_run(10 * SECOND);
	stage_submit(notice(NULL));
	stage_run(SECOND);
	workers_stats(stage.workers, &s);
	ck_assert_uint_eq(s.turns, 0);
	ck_assert_uint_eq(s.answers, 1);
	ck_assert_uint_eq(s.failures, 0);
	ck_assert_uint_eq(s.notices, 1);
	ck_assert_uint_eq(s.edits, 1);
}
END_TEST

START_TEST(an_answer_renews_its_thread)
{
	scene_play(stage_ask(), 5 * SECOND);
	ck_assert(engaged_at(stage.engaged, "A1:T1:C1:100.000100",
			     1000 * 1000 + 60000));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("turn");
	TCase *tc = tcase_create("turn");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, stage_up, stage_down);
	tcase_set_timeout(tc, 60);
#define T(name) tcase_add_test(tc, name)
	T(placeholder_then_model_then_answer_in_the_same_message);
	T(the_placeholder_is_the_agents_own);
	T(the_journal_gets_ts_answer_lines_and_usage);
	T(no_edit_shows_an_answer_that_is_not_in_the_journal);
	T(a_failing_journal_is_tried_until_it_works);
	T(what_the_journal_refuses_ends_with_a_sentence);
	T(the_placeholder_does_not_wait_for_a_slot_of_the_model);
	tcase_add_test(
		tc, who_waits_long_for_the_model_is_told_how_many_are_before);
	T(a_placeholder_deleted_while_it_waits_for_a_slot_ends_the_turn);
	tcase_add_loop_test(
		tc,
		a_placeholder_that_goes_while_the_thread_is_read_ends_the_turn,
		0, 2);
	T(turns_of_a_thread_run_one_after_the_other);
	T(who_waits_gets_eyes_and_no_placeholder);
	T(where_eyes_are_refused_nobody_tries_for_an_hour);
	T(eyes_keep_their_pace_and_retry_after);
	T(eyes_that_never_come_hold_up_nobody);
	T(placeholders_of_a_channel_are_paced);
	tcase_add_loop_test(tc, a_failure_becomes_a_sentence_with_the_entrys_id,
			    0, sizeof(ends) / sizeof(ends[0]));
	T(people_of_the_thread_may_be_mentioned_and_nobody_else);
	T(what_we_say_ourselves_is_in_the_agents_language);
	T(a_failure_in_the_middle_keeps_what_there_is);
	T(a_notice_is_for_one_person);
	T(a_notice_stands_in_the_thread_of_its_message);
	T(a_notice_is_said_at_most_once);
	T(a_notice_that_is_rate_limited_is_not_said_later);
	T(whatever_is_under_way_can_be_stopped);
	T(while_it_drains_notices_are_said_and_no_turn_begins);
	T(who_is_stopped_in_the_middle_says_that_the_answer_will_come);
	T(who_waits_in_the_lane_of_a_stopped_one_says_nothing);
	T(a_reply_that_stands_is_not_overwritten_by_a_stop);
	T(counts_tell_what_was_done);
	T(an_answer_renews_its_thread);
#undef T
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
