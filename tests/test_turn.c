/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "route/job.h"
#include "route/message.h"
#include "stage.h"
#include "state/engaged.h"
#include "state/quarantine.h"
#include "turn/turn.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)

static void play(struct job *j, int64_t ms)
{
	stage_begin();
	stage_submit(j);
	stage_run(ms);
}

static char *long_text(size_t paragraphs);

static void contains(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no '%s' in '%s'", part,
		      text);
}

static const struct stage_note *note_with(const char *part_ts, int part)
{
	size_t i;

	for (i = 0; i < stage.nnotes; i++)
		if (stage.notes[i].part == part &&
		    strcmp(stage.notes[i].part_ts, part_ts) == 0)
			return &stage.notes[i];
	return NULL;
}

static const struct stage_note *answer_note(void)
{
	size_t i;

	for (i = 0; i < stage.nnotes; i++)
		if (stage.notes[i].answer[0] != '\0')
			return &stage.notes[i];
	return NULL;
}

static struct turn *the_turn(void)
{
	return stage.workers->w[0].turns;
}

/* an answer */

START_TEST(placeholder_then_model_then_answer_in_the_same_message)
{
	const struct stage_call *post, *edit;

	stage.first_ms = 200;
	play(stage_ask(), 3 * SECOND);
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
	play(j, SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "One moment");
}
END_TEST

START_TEST(the_journal_gets_ts_answer_lines_and_usage)
{
	const struct stage_note *done;

	play(stage_ask(), 3 * SECOND);
	ck_assert_ptr_nonnull(note_with(stage_reply(0)->ts, 0));
	ck_assert_str_eq(answer_note()->answer, "It is *here*.");
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
	play(stage_ask(), 100);
	stage.hold_journal = true;
	stage_run(MINUTE);
	ck_assert_uint_eq(stage_count("chat.update"), 0);
	stage.hold_journal = false;
	stage_run(SECOND);
	ck_assert_uint_eq(stage_count("chat.update"), 1);
	ck_assert_int_le(answer_note()->at_ms,
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
	play(stage_ask(), MINUTE);
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
	play(stage_ask(), 4 * SECOND);
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
	play(stage_ask(), MINUTE);
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
	play(stage_job("entry1", "100.000300", "100.000100", "and now?"),
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

/* files */

static struct job *ask_with(const char *name, const char *bytes, size_t n)
{
	struct job *j = stage_ask();

	stage.file = bytes;
	stage.file_len = n;
	stage.file_ms = 300;
	stage_attach(j, name, "text/csv");
	return j;
}

START_TEST(a_file_is_told_with_the_question_and_kept_in_the_transcript)
{
	play(ask_with("a.csv", "x,y\n1,2", 7), 3 * SECOND);
	contains(stage.asked[0],
		 "where is it?\n    [attached file: \"a.csv\", text/csv;");
	contains(stage.asked[0],
		 "\n    | x,y\n    | 1,2\n    [end of \"a.csv\"]\n");
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	contains(stage_done("entry1")->lines[0], "\n| x,y\n| 1,2\n[end of");
	ck_assert_ptr_null(strstr(stage_done("entry1")->lines[0], "F1"));
}
END_TEST

START_TEST(a_file_that_does_not_come_holds_up_nothing_for_long)
{
	struct job *j = ask_with("a.csv", "x", 1);

	stage.file_ms = 10 * MINUTE;
	play(j, 19 * SECOND);
	ck_assert_int_eq(stage.nasked, 0);
	stage_run(4 * SECOND);
	ck_assert_uint_eq(stage.nstopped, 1);
	contains(stage.asked[0],
		 "not read, as Slack didn't deliver it in time");
	contains(stage_reply(0)->text, "It is _here_.");
	contains(stage_reply(0)->text, "I couldn't read");
	contains(answer_note()->answer, "I couldn't read_ `a.csv`");
}
END_TEST

START_TEST(a_file_that_fails_fails_nothing)
{
	play(ask_with("a.csv", NULL, 0), 3 * SECOND);
	contains(stage.asked[0], "not read, as Slack didn't deliver it");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
}
END_TEST

START_TEST(files_are_fetched_once_and_told_shorter_when_that_was_too_long)
{
	char text[3900];

	memset(text, 'x', sizeof(text));
	stage.too_long = 2;
	play(ask_with("a.csv", text, sizeof(text)), 10 * SECOND);
	ck_assert_int_eq(stage.nasked, 3);
	ck_assert_uint_eq(stage.ndownloads, 1);
	contains(stage.asked[0], "[end of \"a.csv\"]");
	contains(stage.asked[1], "only its first 2493 bytes");
	contains(stage.asked[2], "only its first 1246 bytes");
}
END_TEST

START_TEST(an_image_goes_to_a_model_that_sees)
{
	static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

	stage.conf.models[0].vision = _i == 1;
	play(ask_with("a.png", png, sizeof(png)), 3 * SECOND);
	ck_assert_uint_eq(stage.nimages, (size_t)_i);
	contains(stage.asked[0],
		 _i ? "; it comes with this message" : "you can't see images");
	ck_assert(_i ==
		  (strstr(stage_reply(0)->text, "I can't see images") == NULL));
}
END_TEST

START_TEST(no_file_is_read_where_that_is_off)
{
	stage.conf.files_per_message = 0;
	play(ask_with("a.csv", "x", 1), 3 * SECOND);
	ck_assert_uint_eq(stage.ndownloads, 0);
	contains(
		stage.asked[0],
		"[attached file: \"a.csv\", text/csv]\n    [files are not read here");
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(a_drain_ends_the_download)
{
	struct job *j = ask_with("a.csv", "x", 1);

	stage.file_ms = 10 * SECOND;
	play(j, 2 * SECOND);
	stage_down();
	ck_assert_uint_eq(stage.nstopped, 1);
	ck_assert_int_eq(stage.nasked, 0);
	stage_up();
}
END_TEST

/* interim edits */

static void many_pieces(void)
{
	size_t i;

	for (i = 0; i < 15; i++)
		stage.says[i] = "word ";
	stage.says[15] = NULL;
}

START_TEST(interim_edits_come_about_once_a_second)
{
	int64_t last = 0;
	size_t i, n;

	many_pieces();
	stage.gap_ms = 300;
	play(stage_ask(), 20 * SECOND);
	n = stage_count("chat.update");
	ck_assert_uint_ge(n, 4);
	ck_assert_uint_le(n, 7);
	for (i = 0; i + 1 < n; i++) {
		const struct stage_call *c = stage_call_of("chat.update", i);

		ck_assert_int_ge(c->at_ms - last, SECOND);
		last = c->at_ms;
	}
	ck_assert_uint_eq(strlen(stage_reply(0)->text), 15 * 5 - 1);
}
END_TEST

START_TEST(nothing_is_edited_when_nothing_visible_changed)
{
	stage.says[0] = "all there is";
	stage.says[1] = " ";
	stage.says[2] = "\n";
	stage.says[3] = " ";
	stage.says[4] = "\n";
	stage.gap_ms = 2000;
	play(stage_ask(), MINUTE);
	ck_assert_uint_eq(stage_count("chat.update"), 2);
}
END_TEST

START_TEST(one_edit_of_a_message_at_a_time)
{
	many_pieces();
	stage.gap_ms = 300;
	stage_fault("chat.update", FAULT_SLOW, NULL, 10 * SECOND);
	play(stage_ask(), 9 * SECOND);
	ck_assert_uint_eq(stage_count("chat.update"), 1);
	stage_run(5 * SECOND);
	ck_assert_uint_eq(stage_count("chat.update"), 2);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(retry_after_drops_interim_edits_and_the_answer_is_a_post)
{
	const struct stage_msg *m;

	many_pieces();
	stage.gap_ms = 300;
	stage_fault("chat.update", FAULT_RATE, NULL, 30 * SECOND);
	play(stage_ask(), MINUTE);
	ck_assert_uint_eq(stage_count("chat.update"), 1);
	ck_assert_uint_eq(stage_count("chat.delete"), 1);
	ck_assert_uint_eq(stage_nreplies(), 1);
	m = stage_reply(0);
	contains(m->text, "word word");
	ck_assert_int_lt(m->posted_ms, answer_note()->at_ms + 2 * SECOND);
	ck_assert_int_le(note_with(stage.msgs[0].ts, PART_VOID)->at_ms,
			 m->posted_ms);
	ck_assert_ptr_nonnull(note_with(m->ts, 0));
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(retry_after_of_a_deletion_is_waited_out)
{
	many_pieces();
	stage.gap_ms = 300;
	stage_fault("chat.update", FAULT_RATE, NULL, 30 * SECOND);
	stage_fault("chat.delete", FAULT_RATE, NULL, 40 * SECOND);
	play(stage_ask(), 3 * MINUTE);
	ck_assert_uint_eq(stage_count("chat.delete"), 2);
	ck_assert_int_ge(stage_call_of("chat.delete", 1)->at_ms,
			 stage_call_of("chat.delete", 0)->at_ms + 40 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	contains(stage_reply(0)->text, "word word");
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(retry_after_of_edits_and_posts_delays_the_last_edit)
{
	const struct stage_call *first;

	stage_fault("chat.update", FAULT_RATE, NULL, 30 * SECOND);
	play(stage_ask(), 1);
	stage_fault("chat.postMessage", FAULT_RATE, NULL, 60 * SECOND);
	stage_run(5 * MINUTE);
	first = stage_call_of("chat.update", 0);
	ck_assert_int_ge(stage_call_of("chat.postMessage", 2)->at_ms,
			 first->at_ms + 60 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(ends_beyond_the_budget_are_posts)
{
	char id[20], ts[20];
	size_t i;

	stage.first_ms = 10 * SECOND;
	stage.conf.posts_per_second = 0;
	stage_begin();
	for (i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "entry%zu", i);
		snprintf(ts, sizeof(ts), "1%02zu.000000", i);
		stage_submit(stage_job(id, ts, NULL, "hello"));
	}
	stage_run(12 * SECOND);
	for (i = 0; i < stage.nmsgs; i++)
		stage.msgs[i].ephemeral = !strstr(stage.msgs[i].text, "here");
	/* Within two seconds all can be read, by edit or by post. */
	ck_assert_uint_le(stage_count("chat.update"), 8);
	ck_assert_uint_eq(stage_nreplies(), 20);
	for (i = 0; i < stage.nmsgs; i++)
		stage.msgs[i].ephemeral = false;
	stage_run(MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 20);
	for (i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "entry%zu", i);
		ck_assert_ptr_nonnull(stage_done(id));
	}
}
END_TEST

START_TEST(a_long_text_is_edited_every_three_seconds_at_most)
{
	char *text = long_text(5);
	size_t i;

	stage.says[0] = text;
	for (i = 1; i < 12; i++)
		stage.says[i] = "and on. ";
	stage.gap_ms = SECOND;
	play(stage_ask(), MINUTE);
	ck_assert_uint_ge(stage_count("chat.update"), 4);
	for (i = 1; i + 1 < stage_count("chat.update"); i++)
		ck_assert_int_ge(
			stage_call_of("chat.update", i)->at_ms -
				stage_call_of("chat.update", i - 1)->at_ms,
			3 * SECOND);
	free(text);
}
END_TEST

START_TEST(a_lost_interim_edit_is_followed_by_the_last_one_twice)
{
	many_pieces();
	stage.gap_ms = 300;
	/* It arrives after the last edit, and is overwritten again. */
	stage_fault("chat.update", FAULT_LATE, NULL, 5600);
	play(stage_ask(), MINUTE);
	ck_assert_uint_eq(strlen(stage_reply(0)->text), 15 * 5 - 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(a_last_edit_that_is_lost_is_repeated)
{
	stage_fault("chat.update", FAULT_FAIL, NULL, 0);
	play(stage_ask(), MINUTE);
	ck_assert_uint_eq(stage_count("chat.update"), 2);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(many_streams_share_the_edits_of_a_workspace)
{
	char id[20], ts[20];
	size_t i, before;

	many_pieces();
	stage.gap_ms = 8 * SECOND;
	stage.conf.posts_per_second = 0;
	stage_begin();
	for (i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "entry%zu", i);
		snprintf(ts, sizeof(ts), "1%02zu.000000", i);
		stage_submit(stage_job(id, ts, NULL, "hello"));
	}
	stage_run(MINUTE);
	before = stage_count("chat.update");
	ck_assert_uint_le(before, 45 + 5);
	stage_run(MINUTE);
	ck_assert_uint_le(stage_count("chat.update") - before, 45 + 20 + 5);
	stage_run(3 * MINUTE);
	for (i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "entry%zu", i);
		ck_assert_ptr_nonnull(stage_done(id));
	}
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
	contains(stage.asked[2], "user: Ada [1970-01-01 09:01]: one?\n"
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

/* posts that seem lost */

START_TEST(a_post_whose_answer_is_lost_is_looked_for)
{
	stage_fault("chat.postMessage", FAULT_LOST, NULL, 0);
	play(stage_ask(), 30 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_uint_eq(stage_count("conversations.replies"), 1);
	ck_assert_str_eq(stage_arg(stage_call_of("conversations.replies", 0),
				   "include_all_metadata"),
			 "true");
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(a_post_that_is_not_found_is_posted_again)
{
	stage_fault("chat.postMessage", FAULT_FAIL, NULL, 0);
	play(stage_ask(), 30 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 2);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(a_post_that_arrives_late_is_deleted)
{
	stage_fault("chat.postMessage", FAULT_LATE, NULL, 5 * SECOND);
	play(stage_ask(), 30 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 2);
	ck_assert_uint_eq(stage_count("chat.delete"), 1);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(retry_after_of_a_post_is_waited_out)
{
	stage_fault("chat.postMessage", FAULT_RATE, NULL, 20 * SECOND);
	play(stage_ask(), 19 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	stage_run(10 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 2);
	ck_assert_uint_eq(stage_count("conversations.replies"), 0);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

/* "message_limit_exceeded" may be said for weeks, and others wait behind. */
START_TEST(a_post_that_is_limited_for_too_long_is_given_up)
{
	int i;

	stage.conf.replay_max_age_minutes = 60;
	for (i = 0; i < 100; i++)
		stage_fault("chat.postMessage", FAULT_RATE, NULL, MINUTE);
	play(stage_ask(), 62 * MINUTE);
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DEAD);
	ck_assert_uint_eq(stage_nreplies(), 0);
}
END_TEST

static struct job *elsewhere(const char *id)
{
	struct job *j = stage_job(id, "500.000100", NULL, "and here?");

	free(j->connection.workspace_id);
	j->connection.workspace_id = strdup("T2");
	free(j->msg->channel.workspace_id);
	j->msg->channel.workspace_id = strdup("T2");
	return j;
}

START_TEST(retry_after_holds_up_that_method_of_that_workspace)
{
	size_t i;

	stage_fault("chat.update", FAULT_RATE, NULL, MINUTE);
	play(stage_ask(), 5 * SECOND);
	/* Another workspace edits, and this one posts. */
	stage_submit(elsewhere("entry2"));
	stage_submit(stage_job("entry3", "300.000100", NULL, "posted?"));
	stage_run(5 * SECOND);
	ck_assert_uint_eq(stage_count("chat.update"), 2);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 3 + 2);
	ck_assert_uint_eq(stage_nreplies(), 3);
	for (i = 0; i < 3; i++)
		ck_assert_str_eq(stage_reply(i)->text, "It is _here_.");
	ck_assert_ptr_nonnull(stage_done("entry1"));
	ck_assert_ptr_nonnull(stage_done("entry2"));
	ck_assert_ptr_nonnull(stage_done("entry3"));
	/* And afterwards it edits again. */
	stage_run(MINUTE);
	stage_submit(stage_job("entry4", "400.000100", NULL, "edited?"));
	stage_run(5 * SECOND);
	ck_assert_uint_eq(stage_count("chat.update"), 3);
}
END_TEST

START_TEST(retry_after_of_posts_holds_up_no_edit_and_no_other_workspace)
{
	size_t edits;

	many_pieces();
	stage.gap_ms = SECOND;
	play(stage_ask(), 2 * SECOND);
	stage_fault("chat.postMessage", FAULT_RATE, NULL, MINUTE);
	stage_submit(stage_job("entry3", "300.000100", NULL, "posted?"));
	stage_run(SECOND);
	edits = stage_count("chat.update");
	/* This workspace edits, and another one posts. */
	stage_submit(elsewhere("entry2"));
	stage_run(50 * SECOND);
	ck_assert_uint_gt(stage_count("chat.update"), edits);
	ck_assert_ptr_nonnull(stage_done("entry1"));
	ck_assert_ptr_nonnull(stage_done("entry2"));
	ck_assert_uint_eq(stage_nreplies(), 2);
	stage_run(MINUTE);
	ck_assert_ptr_nonnull(stage_done("entry3"));
	ck_assert_uint_eq(stage_nreplies(), 3);
}
END_TEST

START_TEST(a_post_refused_for_a_moment_is_repeated)
{
	stage_fault("chat.postMessage", FAULT_REFUSE, "service_unavailable", 0);
	play(stage_ask(), 30 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

/* taken up after a restart */

static struct job *second_attempt(const char *placeholder)
{
	struct job *j = stage_ask();

	j->again = j->intended = true;
	free(j->entry.parts[0]);
	j->entry.parts[0] = strdup(placeholder);
	return j;
}

static void earlier_post(const char *ts, size_t part)
{
	struct stage_msg *m = &stage.msgs[stage.nmsgs++];

	snprintf(m->ts, sizeof(m->ts), "%s", ts);
	snprintf(m->thread, sizeof(m->thread), "100.000100");
	snprintf(m->text, sizeof(m->text), "Thinking...");
	snprintf(m->metadata, sizeof(m->metadata),
		 "{\"event_type\":\"konstruct_reply\",\"event_payload\":"
		 "{\"entry\":\"entry1\",\"part\":%zu}}",
		 part);
}

START_TEST(a_known_placeholder_is_edited)
{
	earlier_post("999.000001", 0);
	play(second_attempt("999.000001"), 10 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(an_intended_placeholder_is_looked_for_before_it_is_posted)
{
	earlier_post("999.000001", 0);
	play(second_attempt(""), 10 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(an_intended_placeholder_that_never_came_is_posted)
{
	/* Other parts, entries and apps in the same thread don't count. */
	earlier_post("999.000001", 1);
	earlier_post("999.000002", 0);
	memcpy(strstr(stage.msgs[1].metadata, "entry1"), "entry9", 6);
	earlier_post("999.000003", 0);
	memcpy(strstr(stage.msgs[2].metadata, "konstruct"), "construct", 9);
	stage_say("999.000004", "100.000100", "U9", "Thinking...");
	play(second_attempt(""), 30 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(a_journaled_answer_is_written_without_the_model)
{
	struct job *j = second_attempt("999.000001");

	earlier_post("999.000001", 0);
	j->entry.answer = strdup("the *old* answer");
	play(j, 10 * SECOND);
	stage_run(20 * SECOND);
	ck_assert_int_eq(stage.nasked, 0);
	ck_assert_str_eq(stage_reply(0)->text, "the _old_ answer");
	ck_assert_str_eq(stage_done("entry1")->lines[1], "> the *old* answer");
	/* What it used went with the process that asked: estimated. */
	ck_assert_int_gt(stage_done("entry1")->tokens, 4);
}
END_TEST

START_TEST(without_hope_the_placeholder_is_closed_with_a_sentence)
{
	struct job *j = second_attempt("999.000001");

	earlier_post("999.000001", 0);
	j->hope = JOB_CRASHES;
	play(j, 30 * SECOND);
	ck_assert_int_eq(stage.nasked, 0);
	contains(stage_reply(0)->text, "several times");
	contains(stage_reply(0)->text, "(ref. entry1)");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DEAD);
}
END_TEST

START_TEST(a_reply_that_stands_is_never_replaced_by_an_apology)
{
	struct job *j = second_attempt("999.000001");

	earlier_post("999.000001", 0);
	j->entry.answer = strdup("the answer");
	j->entry.state = ENTRY_WRITTEN;
	play(j, 30 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "the answer");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
}
END_TEST

START_TEST(a_journaled_sentence_is_no_answer_after_a_restart)
{
	struct job *j = second_attempt("999.000001");

	earlier_post("999.000001", 0);
	j->entry.answer = strdup("Sorry.");
	j->entry.verdict = strdup("failed:busy");
	j->entry.state = ENTRY_WRITTEN;
	play(j, 30 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "Sorry.");
	ck_assert_str_eq(stage_done("entry1")->verdict, "failed:busy");
	ck_assert_int_eq(stage_done("entry1")->tokens, -1);
	ck_assert_uint_eq(stage_done("entry1")->nlines, 1);
}
END_TEST

START_TEST(what_an_earlier_process_sent_and_comes_late_is_undone)
{
	play(second_attempt(""), 10 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	/* Its placeholder, and an edit of ours. */
	earlier_post("999.000001", 0);
	snprintf(stage.msgs[0].text, sizeof(stage.msgs[0].text), "It is");
	stage_run(MINUTE);
	ck_assert(stage.msgs[1].deleted);
	ck_assert_str_eq(stage.msgs[0].text, "It is _here_.");
}
END_TEST

START_TEST(twins_are_looked_for_until_slack_answers)
{
	int i;

	earlier_post("999.000001", 0);
	earlier_post("999.000002", 0);
	earlier_post("999.000003", 0);
	for (i = 0; i < 3; i++)
		stage_fault("conversations.replies", FAULT_FAIL, NULL, 0);
	stage_fault("chat.delete", FAULT_FAIL, NULL, 0);
	play(second_attempt("999.000001"), 2 * MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(a_twin_is_not_deleted_before_retry_after)
{
	earlier_post("999.000001", 0);
	earlier_post("999.000002", 0);
	stage_fault("chat.delete", FAULT_RATE, NULL, MINUTE);
	play(second_attempt("999.000001"), 5 * MINUTE);
	ck_assert_uint_eq(stage_count("chat.delete"), 2);
	ck_assert_int_ge(stage_call_of("chat.delete", 1)->at_ms,
			 stage_call_of("chat.delete", 0)->at_ms + MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(retry_after_of_a_deletion_holds_up_the_other_deletions)
{
	struct job *j = stage_job("entry2", "200.000100", NULL, "and?");
	size_t i;

	for (i = 0; i < 4; i++) {
		static const char *const ts[] = { "999.000001", "999.000002",
						  "999.000003", "999.000004" };

		earlier_post(ts[i], 0);
	}
	for (i = 2; i < 4; i++) {
		stage.msgs[i].thread[0] = '2';
		strstr(stage.msgs[i].metadata, "entry1")[5] = '2';
	}
	j->again = j->intended = true;
	free(j->entry.parts[0]);
	j->entry.parts[0] = strdup("999.000003");
	stage_fault("chat.delete", FAULT_RATE, NULL, MINUTE);
	play(second_attempt("999.000001"), 10 * SECOND);
	stage_submit(j);
	stage_run(40 * SECOND);
	ck_assert_uint_eq(stage_count("chat.delete"), 1);
	stage_run(2 * MINUTE);
	ck_assert_uint_eq(stage_count("chat.delete"), 3);
	ck_assert_uint_eq(stage_nreplies(), 2);
	ck_assert_ptr_nonnull(stage_done("entry1"));
	ck_assert_ptr_nonnull(stage_done("entry2"));
}
END_TEST

/* long answers */

static char *long_text(size_t paragraphs)
{
	char *s = calloc(paragraphs, 1100);
	size_t i;

	for (i = 0; i < paragraphs; i++) {
		memset(s + strlen(s), 'a' + (char)i, 998);
		strcat(s, "\n\n");
	}
	return s;
}

/* What one markdown block has around 1,000 characters a paragraph, of which
 * the line ends take two more in JSON, and the last has none. */
#define OF_BLOCK(n) (1000 * (n) + 2 * ((n)-1) - 2 + 31)

/* What was in doubt is looked after although Slack takes no more of it. */
START_TEST(a_reply_refused_while_in_doubt_is_looked_after)
{
	char *text = long_text(12);

	stage.says[0] = text;
	earlier_post("999.000001", 0);
	stage_fault("chat.postMessage", FAULT_REFUSE, "thread_locked", 0);
	play(second_attempt("999.000001"), 10 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_int_eq(stage.msgs[0].text[0], 'a');
	/* A placeholder and an edit of the earlier process. */
	earlier_post("999.000002", 0);
	snprintf(stage.msgs[0].text, sizeof(stage.msgs[0].text), "It is");
	stage_run(MINUTE);
	ck_assert(stage.msgs[1].deleted);
	ck_assert_int_eq(stage.msgs[0].text[0], 'a');
	ck_assert_str_eq(stage_done("entry1")->verdict, "policy:thread_locked");
	free(text);
}
END_TEST

START_TEST(a_part_that_arrives_after_it_was_refused_is_no_twin)
{
	char *text = long_text(12);

	stage.says[0] = text;
	earlier_post("999.000001", 0);
	stage_fault("chat.postMessage", FAULT_LATE, NULL, 8 * SECOND);
	stage_fault("chat.postMessage", FAULT_REFUSE, "thread_locked", 0);
	play(second_attempt("999.000001"), MINUTE);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 2);
	ck_assert_uint_eq(stage_count("chat.delete"), 0);
	ck_assert_uint_eq(stage_nreplies(), 2);
	ck_assert_ptr_nonnull(stage_done("entry1"));
	free(text);
}
END_TEST

START_TEST(a_long_answer_goes_on_in_further_posts)
{
	char *text = long_text(24);

	stage.says[0] = text;
	play(stage_ask(), MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 3);
	ck_assert_uint_eq(strlen(stage_reply(0)->blocks), OF_BLOCK(10));
	ck_assert_uint_eq(strlen(stage_reply(2)->blocks), OF_BLOCK(4));
	ck_assert_int_eq(stage_reply(2)->text[0], 'u');
	ck_assert_str_eq(stage_reply(2)->thread, "100.000100");
	contains(stage_reply(2)->metadata, "\"part\":2");
	free(text);
}
END_TEST

START_TEST(each_further_post_is_intended_before_and_noted_after)
{
	char *text = long_text(24);
	int k;

	stage.says[0] = text;
	play(stage_ask(), MINUTE);
	for (k = 1; k <= 2; k++) {
		const struct stage_msg *m = stage_reply((size_t)k);

		ck_assert_int_le(note_with("", k)->at_ms, m->posted_ms);
		ck_assert_ptr_nonnull(note_with(m->ts, k));
	}
	free(text);
}
END_TEST

START_TEST(further_posts_that_exist_are_not_posted_again)
{
	struct job *j = second_attempt("999.000001");
	size_t i;

	for (i = 0; i < 2; i++)
		earlier_post(i ? "999.000002" : "999.000001", i);
	j->entry.answer = long_text(24);
	j->entry.parts = reallocarray(j->entry.parts, 3, sizeof(char *));
	j->entry.parts[1] = strdup("");
	j->entry.parts[2] = strdup("");
	j->entry.nparts = 3;
	play(j, MINUTE);
	/* The second stands, the third was only intended. */
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_uint_eq(stage_nreplies(), 3);
	ck_assert_int_eq(stage_reply(2)->text[0], 'u');
}
END_TEST

/* The journal may be slow: notes must not pile up in the turn. */
START_TEST(parts_found_again_wait_for_their_notes)
{
	struct job *j = second_attempt("999.000000");
	char ts[20];
	size_t i;

	j->entry.parts = reallocarray(j->entry.parts, 8, sizeof(char *));
	for (i = 0; i < 8; i++) {
		snprintf(ts, sizeof(ts), "999.00000%zu", i);
		earlier_post(ts, i);
		if (i > 0)
			j->entry.parts[i] = strdup("");
	}
	j->entry.nparts = 8;
	j->entry.answer = long_text(80);
	stage.hold_journal = true;
	play(j, 5 * MINUTE);
	stage.hold_journal = false;
	stage_run(5 * MINUTE);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_ptr_nonnull(stage_done("entry1"));
	for (i = 1; i < 8; i++)
		ck_assert_ptr_nonnull(note_with(stage_reply(i)->ts, (int)i));
}
END_TEST

START_TEST(while_it_streams_only_the_first_part_is_shown)
{
	char *text = long_text(24);

	stage.says[0] = text;
	stage.says[1] = "the end";
	stage.gap_ms = 5 * SECOND;
	play(stage_ask(), 3 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	contains(stage_reply(0)->blocks, " …");
	stage_run(MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 3);
	free(text);
}
END_TEST

START_TEST(an_answer_beyond_the_limit_is_cut_and_says_so)
{
	char *text = long_text(8);

	stage.conf.answer_max_bytes = 2500;
	stage.says[0] = text;
	stage.says[1] = "never seen";
	stage.gap_ms = MINUTE;
	play(stage_ask(), 10 * SECOND);
	ck_assert_int_eq(stage.ncancelled, 1);
	ck_assert_uint_eq(stage_nreplies(), 1);
	contains(stage_reply(0)->text, "too long to be shown");
	ck_assert_ptr_nonnull(stage_done("entry1"));
	free(text);
}
END_TEST

START_TEST(tokens_that_nobody_tells_are_estimated)
{
	stage.no_usage = true;
	play(stage_ask(), 3 * SECOND);
	/* Of the prompt and of four words. */
	ck_assert_int_gt(stage_done("entry1")->tokens, 20);
	ck_assert_int_lt(stage_done("entry1")->tokens, 2000);
}
END_TEST

START_TEST(an_answer_that_is_cut_off_has_used_what_was_said)
{
	char *text = long_text(8);

	stage.conf.answer_max_bytes = 2500;
	stage.says[0] = text;
	stage.says[1] = "never seen";
	stage.gap_ms = MINUTE;
	play(stage_ask(), 10 * SECOND);
	ck_assert_int_eq(stage.ncancelled, 1);
	ck_assert_int_gt(stage_done("entry1")->tokens, 300);
	free(text);
}
END_TEST

START_TEST(what_no_model_begins_to_answer_uses_nothing)
{
	stage.no_usage = true;
	stage.says[0] = NULL;
	stage.end = LLM_OFF;
	play(stage_ask(), 10 * SECOND);
	ck_assert_int_eq(stage_done("entry1")->tokens, -1);
}
END_TEST

START_TEST(an_answer_at_the_models_limit_says_so)
{
	stage.says[0] = "```\nx = 1";
	stage.end = LLM_LENGTH;
	play(stage_ask(), 10 * SECOND);
	ck_assert_str_eq(
		stage_reply(0)->text,
		"```\nx = 1\n```\n\n_My answer ends here: it reached the "
		"length limit._");
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
	play(stage_ask(), 10 * SECOND);
	contains(stage_reply(0)->text, ends[_i].sentence);
	contains(stage_reply(0)->text, "(ref. entry1)");
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
	play(stage_job("entry1", "100.000300", "100.000100", "who?"),
	     10 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text,
			 "<@U1> and <@U2>: not &lt;@U3&gt;, @Bob, @Robot or"
			 " &lt;@BBOT9&gt; U3@Eve");
	contains(stage_reply(0)->blocks, "\"type\":\"section\"");
	ck_assert_str_eq(answer_note()->answer,
			 "\1U1\2@Ada\3 and \1U2\2<@U2>\3: not <@U3>, @Bob,"
			 " @Robot or <@BBOT9> U3@Eve");
	done = stage_done("entry1");
	ck_assert_str_eq(done->lines[1],
			 "> @Ada and <@U2>: not <@U3>, @Bob, @Robot or"
			 " <@BBOT9> U3@Eve");
}
END_TEST

START_TEST(a_mention_in_the_journal_counts_after_a_restart)
{
	struct job *j = second_attempt("");

	j->entry.answer = strdup("Ask \1U7\2@Eve\3 or @Ada.");
	play(j, 10 * SECOND);
	ck_assert_int_eq(stage.nasked, 0);
	ck_assert_str_eq(stage_reply(0)->text, "Ask <@U7> or @Ada.");
}
END_TEST

START_TEST(what_we_say_ourselves_is_in_the_agents_language)
{
	struct job *j = stage_ask();

	j->agent.locale = strdup("de-AT");
	stage.hold_model = true;
	stage.ahead = 12;
	stage.end = LLM_LENGTH;
	play(j, 2 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "Ich denke nach ...");
	stage_run(5 * SECOND);
	contains(stage_reply(0)->text, "und zwar 12.");
	stage.hold_model = false;
	stage_run(10 * SECOND);
	contains(stage_reply(0)->text, "_Meine Antwort endet hier: Sie hat");
	stage.says[0] = NULL;
	stage.end = LLM_TIMEOUT;
	j = stage_job("entry2", "200.000100", NULL, "und jetzt?");
	j->agent.locale = strdup("de");
	stage_submit(j);
	stage_run(10 * SECOND);
	contains(stage_reply(1)->text, "leider zu lange gedauert");
	contains(stage_reply(1)->text, "(Ref. entry2)");
}
END_TEST

START_TEST(a_failure_in_the_middle_keeps_what_there_is)
{
	stage.says[0] = "Half of ";
	stage.end = LLM_BROKEN;
	play(stage_ask(), 10 * SECOND);
	contains(stage_reply(0)->text, "Half of\n\nSorry");
}
END_TEST

/* what Slack refuses */

START_TEST(a_deleted_placeholder_ends_the_model)
{
	many_pieces();
	stage.gap_ms = SECOND;
	stage_fault("chat.update", FAULT_REFUSE, "message_not_found", 0);
	play(stage_ask(), 5 * SECOND);
	ck_assert_int_eq(stage.ncancelled, 1);
	ck_assert_str_eq(stage_done("entry1")->verdict,
			 "gone:message_not_found");
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
}
END_TEST

START_TEST(a_placeholder_lost_while_the_answer_is_noted_stays_lost)
{
	stage.says[0] = stage.says[1] = stage.says[2] = "word ";
	stage.first_ms = SECOND;
	stage.gap_ms = 300;
	stage_fault("chat.update", FAULT_REFUSE, "message_not_found",
		    3 * SECOND);
	play(stage_ask(), SECOND);
	stage.hold_journal = true;
	stage_run(10 * SECOND);
	ck_assert_uint_eq(stage_count("chat.update"), 1);
	stage.hold_journal = false;
	stage_run(10 * SECOND);
	ck_assert_uint_eq(stage_count("chat.update"), 1);
	ck_assert_str_eq(stage_done("entry1")->verdict,
			 "gone:message_not_found");
}
END_TEST

START_TEST(a_channel_that_is_gone_ends_the_turn)
{
	stage_fault("chat.postMessage", FAULT_REFUSE, "is_archived", 0);
	play(stage_ask(), 5 * SECOND);
	ck_assert_int_eq(stage.nasked, 0);
	ck_assert_str_eq(stage_done("entry1")->verdict, "gone:is_archived");
	ck_assert_uint_eq(stage_done("entry1")->nlines, 0);
}
END_TEST

static const char *const refusals[] = {
	"channel_not_found", "is_archived",   "not_in_channel",
	"thread_not_found",  "thread_locked", "restricted_action",
};

START_TEST(a_placeholder_that_slack_refuses_for_good_is_not_tried_again)
{
	stage_fault("chat.postMessage", FAULT_REFUSE, refusals[_i], 0);
	play(stage_ask(), 5 * MINUTE);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_int_eq(stage.nasked, 0);
	contains(stage_done("entry1")->verdict, refusals[_i]);
}
END_TEST

START_TEST(a_thread_that_is_locked_during_the_answer_ends_the_turn)
{
	many_pieces();
	stage.gap_ms = SECOND;
	play(stage_ask(), 2 * SECOND);
	stage_fault("chat.update", FAULT_REFUSE, "thread_locked", 0);
	stage_fault("chat.update", FAULT_REFUSE, "thread_locked", 0);
	stage_fault("chat.postMessage", FAULT_REFUSE, "thread_locked", 0);
	stage_run(5 * MINUTE);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 2);
	ck_assert_str_eq(stage_done("entry1")->verdict, "policy:thread_locked");
}
END_TEST

START_TEST(a_revoked_token_ends_the_turn)
{
	stage_fault("chat.postMessage", FAULT_REFUSE, "invalid_auth", 0);
	play(stage_ask(), 5 * SECOND);
	ck_assert_str_eq(stage_done("entry1")->verdict, "dead:token");
}
END_TEST

static void ask_again(const char *entry, const char *ts, const char *token)
{
	struct job *j = stage_job(entry, ts, NULL, "and now?");

	free(j->connection.bot_token);
	j->connection.bot_token = strdup(token);
	stage_submit(j);
	stage_run(MINUTE);
}

START_TEST(a_revoked_token_is_not_used_again_and_another_one_is)
{
	stage_fault("chat.postMessage", FAULT_REFUSE, "invalid_auth", 0);
	play(stage_ask(), 5 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ask_again("entry2", "200.000100", "xoxb-1");
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_str_eq(stage_done("entry2")->verdict, "dead:token");
	ask_again("entry3", "300.000100", "xoxb-2");
	ck_assert_uint_eq(stage_nreplies(), 1);
	ask_again("entry4", "400.000100", "xoxb-1");
	ck_assert_uint_eq(stage_nreplies(), 2);
}
END_TEST

START_TEST(where_edits_are_closed_the_answer_is_a_new_post)
{
	stage_fault("chat.update", FAULT_REFUSE, "edit_window_closed", 0);
	play(stage_ask(), 4 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_int_le(note_with(stage.msgs[0].ts, PART_VOID)->at_ms,
			 stage_reply(0)->posted_ms);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

static void set_part(struct job *j, size_t part, const char *ts)
{
	j->entry.parts = realloc(j->entry.parts, (part + 1) * sizeof(char *));
	ck_assert_ptr_nonnull(j->entry.parts);
	for (; j->entry.nparts < part; j->entry.nparts++)
		j->entry.parts[j->entry.nparts] = strdup("");
	j->entry.parts[part] = strdup(ts);
	j->entry.nparts = part + 1;
}

/* Killed after the new post, before it was noted. */
START_TEST(the_new_post_of_an_earlier_process_is_found)
{
	struct job *j = second_attempt("999.000001");

	j->entry.answer = strdup("the answer");
	set_part(j, PART_VOID, "999.000001");
	earlier_post("999.000001", 0);
	earlier_post("999.000002", 0);
	play(j, 60 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->ts, "999.000002");
	ck_assert_str_eq(stage_reply(0)->text, "the answer");
}
END_TEST

/* Killed after the old message was given up, before there was a new one. */
START_TEST(a_stale_answer_that_was_to_be_a_new_post_is_written)
{
	struct job *j = second_attempt("999.000001");

	if (_i == 0)
		j->entry.answer = strdup("the answer");
	j->hope = JOB_STALE;
	set_part(j, PART_VOID, "999.000001");
	earlier_post("999.000001", 0);
	play(j, 60 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	contains(stage_reply(0)->text, _i ? "too long" : "the answer");
	ck_assert_int_eq(stage_done("entry1")->state,
			 _i ? ENTRY_DEAD : ENTRY_DONE);
}
END_TEST

/* And Slack refuses the new one. */
START_TEST(a_new_post_refused_after_a_restart_leaves_the_old_message)
{
	struct job *j = second_attempt("999.000001");

	j->entry.answer = strdup("the answer");
	set_part(j, PART_VOID, "999.000001");
	earlier_post("999.000001", 0);
	stage_fault("chat.postMessage", FAULT_REFUSE, "thread_locked", 0);
	play(j, 60 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->ts, "999.000001");
	ck_assert_str_eq(stage_reply(0)->text, "the answer");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
}
END_TEST

/* Killed after it was decided to edit the old message after all. */
START_TEST(a_message_that_counts_again_is_edited)
{
	struct job *j = second_attempt("999.000001");

	j->entry.answer = strdup("the answer");
	set_part(j, PART_VOID, "0");
	earlier_post("999.000001", 0);
	play(j, 60 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_str_eq(stage_reply(0)->text, "the answer");
}
END_TEST

static const char *const no_post[] = { "thread_locked", "of_tomorrow",
				       "thread_not_found" };

START_TEST(where_no_post_is_taken_the_answer_waits_for_its_edit)
{
	stage_fault("chat.update", FAULT_RATE, NULL, 30 * SECOND);
	play(stage_ask(), 1);
	stage_fault("chat.postMessage", FAULT_REFUSE, no_post[_i], 0);
	stage_run(5 * MINUTE);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 2);
	ck_assert_uint_eq(stage_count("chat.delete"), 0);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_ptr_nonnull(note_with("0", PART_VOID));
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
}
END_TEST

/* Killed after the first smaller part. */
START_TEST(an_answer_is_cut_as_the_earlier_process_cut_it)
{
	struct job *j = second_attempt("999.000001");

	j->entry.answer = long_text(8);
	set_part(j, 1, "999.000002");
	set_part(j, PART_CUT, "0");
	earlier_post("999.000001", 0);
	earlier_post("999.000002", 1);
	play(j, 60 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 3);
	ck_assert_uint_eq(strlen(stage_reply(0)->text), 2998);
}
END_TEST

START_TEST(how_an_answer_is_cut_smaller_is_noted_before)
{
	char *text = long_text(8);

	stage.says[0] = text;
	stage_fault("chat.update", FAULT_REFUSE, "msg_too_long", 0);
	play(stage_ask(), 10 * SECOND);
	ck_assert_int_le(note_with("0", PART_CUT)->at_ms,
			 stage_reply(1)->posted_ms);
	free(text);
}
END_TEST

START_TEST(a_post_behind_many_others_is_found)
{
	char ts[32];
	int i;

	stage.page = 7;
	for (i = 0; i < 30; i++) {
		snprintf(ts, sizeof(ts), "500.%06d", i);
		stage_say(ts, "100.000100", "U9", "we talk and talk");
	}
	earlier_post("999.000001", 0);
	play(second_attempt(""), 10 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(an_edit_that_goes_well_ends_the_quarantine)
{
	quarantine_put(stage.quarantine, "A1", "T1", "xoxb-1", "invalid_auth",
		       clock_ms());
	earlier_post("999.000001", 0);
	play(second_attempt("999.000001"), 30 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert(!quarantine_lift(stage.quarantine, "A1", "T1"));
}
END_TEST

static void make_final(struct stage_msg *m)
{
	char *end = strstr(m->metadata, "}}");

	ck_assert_ptr_nonnull(end);
	strcpy(end, ",\"final\":1}}");
}

/* As after a backup was restored, older than the answer. */
START_TEST(what_slack_has_an_answer_to_is_not_answered_again)
{
	earlier_post("999.000001", 0);
	snprintf(stage.msgs[0].text, sizeof(stage.msgs[0].text), "forty-two");
	make_final(&stage.msgs[0]);
	play(second_attempt(_i ? "999.000001" : ""), MINUTE);
	ck_assert_int_eq(stage.nasked, 0);
	ck_assert_str_eq(stage_reply(0)->text, "forty-two");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
	ck_assert_str_eq(stage_done("entry1")->verdict, "answered before");
}
END_TEST

/* The post of a process that died arrived after all. */
START_TEST(the_twin_of_an_earlier_answer_is_deleted)
{
	earlier_post("999.000001", 0);
	snprintf(stage.msgs[0].text, sizeof(stage.msgs[0].text), "forty-two");
	make_final(&stage.msgs[0]);
	earlier_post("999.000002", 0);
	play(second_attempt("999.000001"), MINUTE);
	ck_assert_int_eq(stage.nasked, 0);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "forty-two");
	ck_assert_str_eq(stage_done("entry1")->verdict, "answered before");
}
END_TEST

START_TEST(a_replayed_one_is_answered_again)
{
	struct job *j = second_attempt("999.000001");

	earlier_post("999.000001", 0);
	make_final(&stage.msgs[0]);
	j->entry.replayed_ms = 1;
	play(j, 10 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(the_last_edit_says_that_it_is)
{
	play(stage_ask(), 10 * SECOND);
	contains(stage_arg(stage_call_of("chat.postMessage", 0), "metadata"),
		 "\"part\":0}}");
	contains(stage_arg(stage_call_of("chat.update",
					 stage_count("chat.update") - 1),
			   "metadata"),
		 "\"final\":1");
}
END_TEST

/* Slack keeps the metadata of a message whose edit brings none. */
START_TEST(an_interim_edit_takes_back_that_an_answer_is_final)
{
	const struct stage_call *edit;

	many_pieces();
	stage.gap_ms = 300;
	play(stage_ask(), 30 * SECOND);
	ck_assert_uint_gt(stage_count("chat.update"), 1);
	edit = stage_call_of("chat.update", 0);
	contains(stage_arg(edit, "metadata"), "\"part\":0}}");
}
END_TEST

START_TEST(a_stale_question_is_closed_in_its_placeholder)
{
	struct job *j = second_attempt("");

	earlier_post("999.000001", 0);
	j->hope = _i ? JOB_NO_AGENT : JOB_STALE;
	play(j, 30 * SECOND);
	ck_assert_int_eq(stage.nasked, 0);
	contains(stage_reply(0)->text, _i ? "nobody is set up" : "too long");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DEAD);
}
END_TEST

START_TEST(a_stale_question_without_placeholder_ends_in_silence)
{
	struct job *j = second_attempt("");

	j->hope = JOB_STALE;
	play(j, 30 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DEAD);
	ck_assert_str_eq(stage_done("entry1")->verdict, "failed:stale");
}
END_TEST

START_TEST(a_stale_question_is_closed_in_a_placeholder_that_comes_late)
{
	struct job *j = second_attempt("");

	j->hope = _i ? JOB_NO_AGENT : JOB_STALE;
	play(j, 5 * SECOND);
	ck_assert_ptr_null(stage_done("entry1"));
	earlier_post("999.000001", 0);
	stage_run(30 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	contains(stage_reply(0)->text, _i ? "nobody is set up" : "too long");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DEAD);
}
END_TEST

START_TEST(a_stale_answer_that_was_given_already_is_written)
{
	struct job *j = second_attempt("999.000001");

	earlier_post("999.000001", 0);
	j->hope = JOB_STALE;
	j->entry.answer = strdup("the answer");
	play(j, 30 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "the answer");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
}
END_TEST

START_TEST(what_is_too_long_for_slack_is_cut_smaller)
{
	char *text = long_text(8);

	stage.says[0] = text;
	stage_fault("chat.update", FAULT_REFUSE, "msg_too_long", 0);
	play(stage_ask(), 10 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 3);
	ck_assert_uint_eq(strlen(stage_reply(0)->text), 2998);
	free(text);
}
END_TEST

static char with_table[] = "Look:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";

START_TEST(an_answer_is_shown_in_blocks_and_in_text)
{
	stage.says[0] = with_table;
	play(stage_ask(), 10 * SECOND);
	contains(stage_reply(0)->blocks, "\"type\":\"data_table\"");
	contains(stage_reply(0)->text, "a | b\n--+--\n1 | 2");
}
END_TEST

START_TEST(a_table_that_slack_refuses_is_written_in_the_block)
{
	stage.says[0] = with_table;
	stage_fault("chat.update", FAULT_REFUSE, "invalid_blocks", 0);
	play(stage_ask(), 10 * SECOND);
	ck_assert_ptr_null(strstr(stage_reply(0)->blocks, "data_table"));
	contains(stage_reply(0)->blocks, "a | b\\n--+--\\n1 | 2");
	/* And the next one isn't tried any more. */
	stage_submit(stage_job("e2", "200.000100", NULL, "again"));
	stage_run(10 * SECOND);
	ck_assert_ptr_null(strstr(stage_reply(1)->blocks, "data_table"));
	ck_assert_uint_eq(stage_count("chat.update"), 3);
}
END_TEST

START_TEST(blocks_that_slack_refuses_are_replaced_by_text)
{
	stage.says[0] = "**yes**";
	stage_fault("chat.postMessage", FAULT_REFUSE, "invalid_blocks", 0);
	play(stage_ask(), 10 * SECOND);
	ck_assert_str_eq(stage_reply(0)->blocks, "");
	ck_assert_str_eq(stage_reply(0)->text, "*yes*");
	ck_assert_uint_eq(stage_count("chat.update"), 1);
	ck_assert_str_eq(stage_done("entry1")->verdict, "");
}
END_TEST

START_TEST(what_slack_never_takes_is_replaced_by_a_sentence)
{
	stage_fault("chat.update", FAULT_REFUSE, "msg_too_long", 0);
	stage_fault("chat.update", FAULT_REFUSE, "msg_too_long", 0);
	play(stage_ask(), 10 * SECOND);
	contains(stage_reply(0)->text, "doesn't let me show");
	ck_assert_str_eq(stage_done("entry1")->verdict, "failed:unshown");
}
END_TEST

START_TEST(a_refusal_in_a_new_word_ends_in_a_sentence_too)
{
	stage_fault("chat.update", FAULT_REFUSE, "of_tomorrow", 0);
	stage_fault("chat.update", FAULT_REFUSE, "of_tomorrow", 0);
	play(stage_ask(), 10 * SECOND);
	contains(stage_reply(0)->text, "doesn't let me show");
	ck_assert_str_eq(stage_done("entry1")->verdict, "failed:unshown");
}
END_TEST

static void away(const char *method, int calls)
{
	while (calls-- > 0)
		stage_fault(method, FAULT_REFUSE, "service_unavailable", 0);
}

START_TEST(when_slack_is_away_too_long_nothing_is_said_any_more)
{
	stage.conf.replay_max_age_minutes = 60;
	away("chat.postMessage", 80);
	play(stage_ask(), 70 * MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 0);
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DEAD);
	ck_assert_str_eq(stage_done("entry1")->verdict,
			 "transient:service_unavailable");
}
END_TEST

START_TEST(a_placeholder_is_finished_however_long_slack_was_away)
{
	stage.conf.replay_max_age_minutes = 60;
	/* The last edit of the turn, for more than an hour. */
	away("chat.update", 70);
	play(stage_ask(), 100 * MINUTE);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
}
END_TEST

START_TEST(a_placeholder_that_may_be_there_is_looked_for_until_slack_answers)
{
	stage.conf.replay_max_age_minutes = 60;
	stage_fault("chat.postMessage", FAULT_LOST, NULL, 0);
	away("conversations.replies", 70);
	play(stage_ask(), 120 * MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

/* what the model is told */

START_TEST(the_thread_is_read_from_slack_when_we_enter_it_late)
{
	const struct stage_note *done;

	stage_say("100.000100", "", "U2", "the server is <@U3>'s &amp; down");
	stage_say("100.000200", "100.000100", "U3", "not mine");
	stage_say("100.000300", "100.000100", "U1", "<@UB1> whose is it?");
	play(stage_job("entry1", "100.000300", "100.000100", "whose is it?"),
	     5 * SECOND);
	contains(stage.asked[0],
		 "user: name of U2 [1970-01-01 09:01]: the server is"
		 " @name of U3's & down\n"
		 "user: name of U3 [1970-01-01 09:01]: not mine\n"
		 "user: Ada [1970-01-01 09:01]: whose is it?\n");
	/* And is in our own transcript from then on. */
	done = stage_done("entry1");
	ck_assert_uint_eq(done->nlines, 4);
	ck_assert_str_eq(done->lines[1], "name of U3: not mine");
}
END_TEST

/* Eight lines of a thread, each of 400 bytes and more. */
static void long_thread(void)
{
	char text[420], ts[32];
	int i;

	for (i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "line%d %0400d", i, 0);
		snprintf(ts, sizeof(ts), "100.00010%d", i);
		transcript_add(&stage.history, false, "U1", "Ada", ts, text);
	}
}

static struct job *follow_up(void)
{
	return stage_job("entry1", "100.000300", "100.000100", "and now?");
}

START_TEST(what_is_too_long_for_the_model_is_told_with_less_of_the_thread)
{
	long_thread();
	stage.too_long = 2;
	play(follow_up(), 5 * SECOND);
	ck_assert_int_eq(stage.nasked, 3);
	contains(stage.asked[0], "line0");
	ck_assert_ptr_null(strstr(stage.asked[1], "line3"));
	contains(stage.asked[1], "line7");
	ck_assert_ptr_null(strstr(stage.asked[2], "line6"));
	contains(stage.asked[2], "user: Ada [1970-01-01 09:01]: and now?");
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_uint_eq(stage_done("entry1")->nlines, 2);
}
END_TEST

START_TEST(what_is_too_long_without_the_thread_ends_in_a_sentence)
{
	long_thread();
	stage.too_long = 9;
	play(follow_up(), 5 * SECOND);
	ck_assert_int_ge(stage.nasked, 3);
	ck_assert_ptr_null(strstr(stage.asked[stage.nasked - 1], "line0"));
	contains(stage_reply(0)->text, "more text than I can take in");
	ck_assert_str_eq(stage_done("entry1")->verdict, "failed:too_long");
}
END_TEST

START_TEST(a_question_that_is_too_long_is_asked_once)
{
	stage.too_long = 9;
	play(stage_ask(), 5 * SECOND);
	ck_assert_int_eq(stage.nasked, 1);
	contains(stage_reply(0)->text, "more text than I can take in");
}
END_TEST

START_TEST(a_thread_read_from_slack_is_told_with_less_and_kept_whole)
{
	const struct stage_note *done;

	stage_say("100.000100", "", "U2", "a &amp;amp; b");
	stage_say("100.000200", "100.000100", "U3", "c &amp;amp; d");
	stage.too_long = 1;
	play(follow_up(), 5 * SECOND);
	ck_assert_int_eq(stage.nasked, 2);
	ck_assert_uint_eq(stage_count("conversations.replies"), 1);
	contains(stage.asked[0], "a &amp; b");
	ck_assert_ptr_null(strstr(stage.asked[1], "a &"));
	done = stage_done("entry1");
	ck_assert_uint_eq(done->nlines, 4);
	ck_assert_str_eq(done->lines[0], "name of U2: a &amp; b");
}
END_TEST

START_TEST(a_thread_is_read_again_after_retry_after)
{
	stage_say("100.000100", "", "U2", "the server is down");
	stage_fault("conversations.replies", FAULT_RATE, NULL, 10 * SECOND);
	stage_fault("conversations.replies", FAULT_FAIL, NULL, 0);
	play(follow_up(), 9 * SECOND);
	ck_assert_int_eq(stage.nasked, 0);
	stage_run(5 * SECOND);
	contains(stage.asked[0], "the server is down");
}
END_TEST

START_TEST(a_thread_that_cannot_be_read_soon_is_not_waited_for)
{
	stage_fault("conversations.replies", FAULT_RATE, NULL, MINUTE);
	play(follow_up(), 5 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(a_known_thread_is_not_read_from_slack)
{
	transcript_add(&stage.history, false, "U1", "Ada", "100.000100", "hi");
	play(stage_job("entry1", "100.000300", "100.000100", "and?"),
	     5 * SECOND);
	ck_assert_uint_eq(stage_count("conversations.replies"), 0);
	contains(stage.asked[0], "user: Ada [1970-01-01 09:01]: hi\n"
				 "user: Ada [1970-01-01 09:01]: and?\n");
	ck_assert_uint_eq(stage_done("entry1")->nlines, 2);
}
END_TEST

START_TEST(without_the_scope_to_read_the_thread_it_is_answered_without)
{
	stage_fault("conversations.replies", FAULT_REFUSE, "missing_scope", 0);
	play(stage_job("entry1", "100.000300", "100.000100", "and?"),
	     5 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

static struct job *nameless(const char *id, const char *ts)
{
	struct job *j = stage_job(id, ts, NULL, "hello <@U2>");

	free(j->msg->sender.display_name);
	j->msg->sender.display_name = NULL;
	return j;
}

/* The question changes while an edit is under way, and the thread is read
 * anew; then it is taken back. */
START_TEST(an_edit_and_a_page_under_way_are_both_called_off)
{
	struct turn *t;

	stage_say("100.000100", NULL, "U2", "so");
	stage.first_ms = 100;
	stage.gap_ms = 60 * SECOND;
	stage.says[1] = " more";
	stage_fault("chat.update", FAULT_SLOW, NULL, 20 * SECOND);
	play(stage_job("entry1", "100.000300", "100.000100", "and now?"),
	     2 * SECOND);
	ck_assert_uint_eq(stage_awaited(), 1);
	stage_fault("conversations.replies", FAULT_SLOW, NULL, 20 * SECOND);
	t = the_turn();
	ck_assert(stop_revise(t, "100.000300", "and then?"));
	stage_run(SECOND);
	ck_assert_uint_eq(stage_awaited(), 2);
	ck_assert(stop_withdraw(t));
	ck_assert_uint_eq(stage_awaited(), 1); /* the deletion */
	stage_run(MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 0);
	ck_assert_str_eq(stage_done("entry1")->verdict, "withdrawn");
}
END_TEST

START_TEST(names_are_asked_for_once)
{
	play(nameless("entry1", "100.000100"), 5 * SECOND);
	stage_submit(nameless("entry2", "200.000100"));
	stage_run(5 * SECOND);
	ck_assert_uint_eq(stage_count("users.info"), 2);
	contains(stage.asked[1], "user: name of U1 [1970-01-01 09:03]:"
				 " hello @name of U2\n");
}
END_TEST

START_TEST(times_are_told_in_the_askers_zone)
{
	stage_fault("users.info", FAULT_REFUSE, "missing_scope", 0);
	play(stage_ask(), 5 * SECOND);
	contains(stage.asked[0], "Today is Thursday, 1970-01-01 (UTC).");
	contains(stage.asked[0], "Ada [1970-01-01 00:01]: where");
	stage_run(60 * MINUTE);
	stage_submit(stage_job("entry2", "72000.000100", NULL, "and now?"));
	stage_run(5 * SECOND);
	contains(stage.asked[1], "(Asia/Tokyo, UTC+09:00).");
	contains(stage.asked[1], "Ada [1970-01-02 05:00]: and now?");
}
END_TEST

START_TEST(names_that_come_late_are_not_waited_for)
{
	stage_fault("users.info", FAULT_SLOW, NULL, MINUTE);
	play(nameless("entry1", "100.000100"), 5 * SECOND);
	contains(stage.asked[0], "user: U1 [1970-01-01 00:01]:"
				 " hello @name of U2\n");
	ck_assert_ptr_nonnull(stage_done("entry1"));
	stage_run(MINUTE);
}
END_TEST

START_TEST(without_the_scope_nobody_asks_for_names_for_an_hour)
{
	stage_fault("users.info", FAULT_REFUSE, "missing_scope", 0);
	stage_fault("users.info", FAULT_REFUSE, "missing_scope", 0);
	play(nameless("entry1", "100.000100"), 5 * SECOND);
	stage_submit(stage_job("entry2", "200.000100", NULL, "hi <@U9>"));
	stage_run(5 * SECOND);
	ck_assert_uint_eq(stage_count("users.info"), 2);
	stage_run(60 * MINUTE);
	stage_submit(stage_job("entry3", "300.000100", NULL, "hi <@U9>"));
	stage_run(5 * SECOND);
	ck_assert_uint_eq(stage_count("users.info"), 4);
}
END_TEST

START_TEST(names_are_not_asked_for_before_retry_after)
{
	stage_fault("users.info", FAULT_RATE, NULL, 2 * MINUTE);
	stage_fault("users.info", FAULT_RATE, NULL, 2 * MINUTE);
	play(stage_job("entry1", "100.000100", NULL, "hi <@U8>"), MINUTE);
	stage_submit(stage_job("entry2", "200.000100", NULL, "hi <@U9>"));
	stage_run(30 * SECOND);
	ck_assert_uint_eq(stage_count("users.info"), 2);
	stage_run(MINUTE);
	stage_submit(stage_job("entry3", "300.000100", NULL, "hi <@U9>"));
	stage_run(30 * SECOND);
	ck_assert_uint_eq(stage_count("users.info"), 4);
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

	play(notice(NULL), SECOND);
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
	play(notice("100.000100"), SECOND);
	ck_assert_str_eq(stage_arg(stage_call_of("chat.postEphemeral", 0),
				   "thread_ts"),
			 "100.000100");
}
END_TEST

START_TEST(a_notice_is_said_at_most_once)
{
	stage_fault("chat.postEphemeral", FAULT_FAIL, NULL, 0);
	play(notice(NULL), MINUTE);
	ck_assert_uint_eq(stage_count("chat.postEphemeral"), 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(a_notice_that_is_rate_limited_is_not_said_later)
{
	stage_fault("chat.postEphemeral", FAULT_RATE, NULL, 10 * SECOND);
	play(notice(NULL), MINUTE);
	ck_assert_uint_eq(stage_count("chat.postEphemeral"), 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

/* the end */

START_TEST(whatever_is_under_way_can_be_stopped)
{
	int64_t ms;

	stage.conf.posts_per_second = 0;
	many_pieces();
	stage.gap_ms = 400;
	stage.first_ms = 700;
	for (ms = 0; ms < 8000; ms += 160) {
		if (ms > 0) {
			stage_down();
			stage_up();
			many_pieces();
			stage.gap_ms = 400;
			stage.first_ms = 700;
		}
		stage_fault("chat.postMessage", FAULT_LATE, NULL, 3000);
		stage_begin();
		stage_submit(stage_ask());
		stage_submit(nameless("entry2", "100.000200"));
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
	play(stage_ask(), 2 * SECOND);
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
	ck_assert_ptr_null(answer_note());
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
	contains(stage_reply(0)->text, "will come here");
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_ptr_null(stage_done("entry2"));
}
END_TEST

START_TEST(a_reply_that_stands_is_not_overwritten_by_a_stop)
{
	struct job *j = second_attempt("999.000001");

	earlier_post("999.000001", 0);
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
	play(stage_ask(), SECOND);
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
	play(stage_ask(), 5 * SECOND);
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
	T(a_file_is_told_with_the_question_and_kept_in_the_transcript);
	T(a_file_that_does_not_come_holds_up_nothing_for_long);
	T(a_file_that_fails_fails_nothing);
	tcase_add_test(
		tc,
		files_are_fetched_once_and_told_shorter_when_that_was_too_long);
	tcase_add_loop_test(tc, an_image_goes_to_a_model_that_sees, 0, 2);
	T(no_file_is_read_where_that_is_off);
	T(a_drain_ends_the_download);
	T(interim_edits_come_about_once_a_second);
	T(nothing_is_edited_when_nothing_visible_changed);
	T(one_edit_of_a_message_at_a_time);
	T(retry_after_drops_interim_edits_and_the_answer_is_a_post);
	T(retry_after_of_a_deletion_is_waited_out);
	T(retry_after_of_edits_and_posts_delays_the_last_edit);
	T(ends_beyond_the_budget_are_posts);
	T(a_long_text_is_edited_every_three_seconds_at_most);
	T(a_lost_interim_edit_is_followed_by_the_last_one_twice);
	T(a_last_edit_that_is_lost_is_repeated);
	T(many_streams_share_the_edits_of_a_workspace);
	T(turns_of_a_thread_run_one_after_the_other);
	T(who_waits_gets_eyes_and_no_placeholder);
	T(where_eyes_are_refused_nobody_tries_for_an_hour);
	T(eyes_keep_their_pace_and_retry_after);
	T(eyes_that_never_come_hold_up_nobody);
	T(placeholders_of_a_channel_are_paced);
	T(a_post_whose_answer_is_lost_is_looked_for);
	T(a_post_that_is_not_found_is_posted_again);
	T(a_post_that_arrives_late_is_deleted);
	T(retry_after_of_a_post_is_waited_out);
	T(a_post_that_is_limited_for_too_long_is_given_up);
	T(retry_after_holds_up_that_method_of_that_workspace);
	T(retry_after_of_posts_holds_up_no_edit_and_no_other_workspace);
	T(a_post_refused_for_a_moment_is_repeated);
	T(a_known_placeholder_is_edited);
	T(an_intended_placeholder_is_looked_for_before_it_is_posted);
	T(an_intended_placeholder_that_never_came_is_posted);
	T(a_journaled_answer_is_written_without_the_model);
	T(without_hope_the_placeholder_is_closed_with_a_sentence);
	T(a_reply_that_stands_is_never_replaced_by_an_apology);
	T(a_journaled_sentence_is_no_answer_after_a_restart);
	T(what_an_earlier_process_sent_and_comes_late_is_undone);
	T(twins_are_looked_for_until_slack_answers);
	T(a_twin_is_not_deleted_before_retry_after);
	T(retry_after_of_a_deletion_holds_up_the_other_deletions);
	T(a_reply_refused_while_in_doubt_is_looked_after);
	T(a_part_that_arrives_after_it_was_refused_is_no_twin);
	T(a_long_answer_goes_on_in_further_posts);
	T(each_further_post_is_intended_before_and_noted_after);
	T(further_posts_that_exist_are_not_posted_again);
	T(parts_found_again_wait_for_their_notes);
	T(while_it_streams_only_the_first_part_is_shown);
	T(an_answer_beyond_the_limit_is_cut_and_says_so);
	T(tokens_that_nobody_tells_are_estimated);
	T(an_answer_that_is_cut_off_has_used_what_was_said);
	T(what_no_model_begins_to_answer_uses_nothing);
	T(an_answer_at_the_models_limit_says_so);
	tcase_add_loop_test(tc, a_failure_becomes_a_sentence_with_the_entrys_id,
			    0, sizeof(ends) / sizeof(ends[0]));
	T(people_of_the_thread_may_be_mentioned_and_nobody_else);
	T(a_mention_in_the_journal_counts_after_a_restart);
	T(what_we_say_ourselves_is_in_the_agents_language);
	T(a_failure_in_the_middle_keeps_what_there_is);
	T(a_deleted_placeholder_ends_the_model);
	T(a_placeholder_lost_while_the_answer_is_noted_stays_lost);
	T(a_channel_that_is_gone_ends_the_turn);
	tcase_add_loop_test(
		tc,
		a_placeholder_that_slack_refuses_for_good_is_not_tried_again, 0,
		sizeof(refusals) / sizeof(refusals[0]));
	T(a_thread_that_is_locked_during_the_answer_ends_the_turn);
	T(a_revoked_token_ends_the_turn);
	T(a_revoked_token_is_not_used_again_and_another_one_is);
	T(an_edit_that_goes_well_ends_the_quarantine);
	T(where_edits_are_closed_the_answer_is_a_new_post);
	T(the_new_post_of_an_earlier_process_is_found);
	tcase_add_loop_test(
		tc, a_stale_answer_that_was_to_be_a_new_post_is_written, 0, 2);
	T(a_new_post_refused_after_a_restart_leaves_the_old_message);
	T(a_message_that_counts_again_is_edited);
	tcase_add_loop_test(
		tc, where_no_post_is_taken_the_answer_waits_for_its_edit, 0, 3);
	T(an_answer_is_cut_as_the_earlier_process_cut_it);
	T(how_an_answer_is_cut_smaller_is_noted_before);
	T(a_post_behind_many_others_is_found);
	tcase_add_loop_test(
		tc, what_slack_has_an_answer_to_is_not_answered_again, 0, 2);
	T(the_twin_of_an_earlier_answer_is_deleted);
	T(a_replayed_one_is_answered_again);
	T(the_last_edit_says_that_it_is);
	T(an_interim_edit_takes_back_that_an_answer_is_final);
	tcase_add_loop_test(tc, a_stale_question_is_closed_in_its_placeholder,
			    0, 2);
	tcase_add_loop_test(
		tc, a_stale_question_is_closed_in_a_placeholder_that_comes_late,
		0, 2);
	T(a_stale_question_without_placeholder_ends_in_silence);
	T(a_stale_answer_that_was_given_already_is_written);
	T(what_is_too_long_for_slack_is_cut_smaller);
	T(an_answer_is_shown_in_blocks_and_in_text);
	T(a_table_that_slack_refuses_is_written_in_the_block);
	T(blocks_that_slack_refuses_are_replaced_by_text);
	T(what_slack_never_takes_is_replaced_by_a_sentence);
	T(a_refusal_in_a_new_word_ends_in_a_sentence_too);
	T(when_slack_is_away_too_long_nothing_is_said_any_more);
	T(a_placeholder_is_finished_however_long_slack_was_away);
	T(a_placeholder_that_may_be_there_is_looked_for_until_slack_answers);
	T(the_thread_is_read_from_slack_when_we_enter_it_late);
	T(what_is_too_long_for_the_model_is_told_with_less_of_the_thread);
	T(what_is_too_long_without_the_thread_ends_in_a_sentence);
	T(a_question_that_is_too_long_is_asked_once);
	T(a_thread_read_from_slack_is_told_with_less_and_kept_whole);
	T(a_thread_is_read_again_after_retry_after);
	T(a_thread_that_cannot_be_read_soon_is_not_waited_for);
	T(a_known_thread_is_not_read_from_slack);
	T(without_the_scope_to_read_the_thread_it_is_answered_without);
	T(an_edit_and_a_page_under_way_are_both_called_off);
	T(names_are_asked_for_once);
	T(times_are_told_in_the_askers_zone);
	T(names_that_come_late_are_not_waited_for);
	T(without_the_scope_nobody_asks_for_names_for_an_hour);
	T(names_are_not_asked_for_before_retry_after);
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
