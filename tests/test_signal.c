/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/job.h"
#include "route/message.h"
#include "route/signal.h"
#include "scene.h"
#include "stage.h"

/* What people do about a turn, in whatever state that is. */

#define QUESTION    "100.000100"
#define PLACEHOLDER "1000.000001"

/* By U1, about a post in the thread of the question. */
static struct job *signal_job(const char *id, enum signal kind, const char *ts)
{
	struct job *j = stage_job(id, ts, QUESTION, "");

	j->kind = JOB_SIGNAL;
	j->entry.nparts = 0;
	free(j->entry.parts[0]);
	free(j->entry.parts);
	j->entry.parts = NULL;
	j->msg->signal.kind = kind;
	return j;
}

static struct job *reaction(const char *id, const char *ts)
{
	struct job *j = signal_job(id, SIGNAL_REACTION, ts);

	j->msg->signal.value = strdup(SIGNAL_X);
	return j;
}

static struct job *press_stop(const char *id, const char *ts)
{
	struct job *j = signal_job(id, SIGNAL_PRESS, ts);

	j->msg->signal.value = strdup(SIGNAL_CANCEL);
	return j;
}

static struct job *edit(const char *id, const char *text)
{
	struct job *j = signal_job(id, SIGNAL_EDIT, QUESTION);

	free(j->msg->content.text);
	j->msg->content.text = strdup(text);
	return j;
}

/* The place of a note of this kind among all; -1: there is none. */
static int note_at(const char *entry, enum journal_kind kind)
{
	int i;

	for (i = 0; i < (int)stage.nnotes; i++)
		if (strcmp(stage.notes[i].entry, entry) == 0 &&
		    stage.notes[i].kind == kind)
			return i;
	return -1;
}

/* ---- before the placeholder's ts is known ---- */

static void begin_with_a_lost_post(void)
{
	stage.hold_model = true;
	stage_fault("chat.postMessage", FAULT_LOST, NULL, 0);
	stage_begin();
	stage_submit(stage_ask());
	stage_run(SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->ts, PLACEHOLDER);
}

START_TEST(stop_of_a_placeholder_that_slack_has_not_told_yet_counts)
{
	begin_with_a_lost_post();
	stage_submit(_i ? press_stop("signal1", PLACEHOLDER)
			: reaction("signal1", PLACEHOLDER));
	stage_run(MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 1);
	scene_holds(stage_reply(0)->text, "Stopped");
	ck_assert_ptr_nonnull(stage_done("entry1"));
	ck_assert_int_gt(note_at("signal1", JOURNAL_DONE),
			 note_at("entry1", JOURNAL_DONE));
}
END_TEST

START_TEST(placeholder_deleted_before_slack_has_told_of_it_ends_the_turn)
{
	begin_with_a_lost_post();
	stage_submit(signal_job("signal1", SIGNAL_DELETE, PLACEHOLDER));
	stage_run(MINUTE);
	ck_assert_str_eq(stage_done("entry1")->verdict, "withdrawn");
}
END_TEST

START_TEST(what_is_about_an_older_post_waits_for_no_placeholder)
{
	begin_with_a_lost_post();
	stage_submit(reaction("signal1", "99.000001"));
	stage_run(100);
	ck_assert_ptr_nonnull(stage_done("signal1"));
}
END_TEST

START_TEST(a_drain_is_not_held_up_by_who_waits_for_a_placeholder)
{
	begin_with_a_lost_post();
	stage_submit(reaction("signal1", PLACEHOLDER));
	stage_run(SECOND);
	workers_drain(stage.workers, 0, 0);
	stage_run(SECOND);
	/* It stays in the journal. */
	ck_assert_int_eq(note_at("signal1", JOURNAL_DONE), -1);
}
END_TEST

/* ---- what may come after all ---- */

START_TEST(placeholder_of_a_deleted_question_that_comes_late_is_deleted_too)
{
	stage.hold_model = true;
	stage_fault("chat.postMessage", FAULT_LATE, NULL, 12 * SECOND);
	stage_begin();
	stage_submit(stage_ask());
	stage_run(8 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 2);
	stage_submit(signal_job("signal1", SIGNAL_DELETE, QUESTION));
	stage_run(MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 0);
	ck_assert_str_eq(stage_done("entry1")->verdict, "withdrawn");
	ck_assert_ptr_nonnull(stage_done("signal1"));
}
END_TEST

START_TEST(placeholder_of_an_earlier_process_goes_with_its_question)
{
	struct stage_msg *m = &stage.msgs[stage.nmsgs++];
	struct job *j = stage_ask();

	snprintf(m->ts, sizeof(m->ts), "999.000001");
	snprintf(m->thread, sizeof(m->thread), QUESTION);
	snprintf(m->text, sizeof(m->text), "Thinking...");
	snprintf(m->metadata, sizeof(m->metadata),
		 "{\"event_type\":\"konstruct_reply\",\"event_payload\":"
		 "{\"entry\":\"entry1\",\"part\":0}}");
	j->again = j->intended = true;
	stage_begin();
	stage_submit(j);
	stage_submit(signal_job("signal1", SIGNAL_DELETE, QUESTION));
	stage_run(MINUTE);
	ck_assert_int_eq(stage.nasked, 0);
	ck_assert_uint_eq(stage_nreplies(), 0);
	ck_assert_str_eq(stage_done("entry1")->verdict, "withdrawn");
}
END_TEST

/* ---- too late for the answer ---- */

/* Its last edit is under way for long. */
static void begin_writing(void)
{
	stage_begin();
	stage_fault("chat.update", FAULT_SLOW, NULL, 10 * SECOND);
	stage_submit(stage_ask());
	stage_run(5 * SECOND);
	ck_assert_int_eq(stage.nasked, 1);
	ck_assert_ptr_null(stage_done("entry1"));
}

/* Or else the end of the turn would write the line again. */
static void check_written_after(void)
{
	stage_run(MINUTE);
	ck_assert_ptr_nonnull(stage_done("entry1"));
	ck_assert_uint_eq(stage_done("entry1")->nlines, 2);
	ck_assert_int_ge(note_at("signal1", JOURNAL_WRITE), 0);
	ck_assert_int_gt(note_at("signal1", JOURNAL_WRITE),
			 note_at("entry1", JOURNAL_DONE));
}

START_TEST(question_deleted_while_the_answer_is_written_leaves_the_transcript)
{
	begin_writing();
	stage_submit(signal_job("signal1", SIGNAL_DELETE, QUESTION));
	check_written_after();
	ck_assert_uint_eq(stage_nreplies(), 1);
}
END_TEST

START_TEST(question_edited_while_the_answer_is_written_is_so_in_the_transcript)
{
	begin_writing();
	stage_submit(edit("signal1", "where was it?"));
	check_written_after();
	ck_assert_int_eq(stage.nasked, 1);
}
END_TEST

static struct job *edit_at(const char *id, const char *text, int64_t at_ms)
{
	struct job *j = edit(id, text);

	j->msg->edited_ms = at_ms;
	return j;
}

/* Slack may deliver them in any order. */
START_TEST(of_two_edits_the_later_one_is_answered)
{
	stage.first_ms = 20 * SECOND;
	stage_begin();
	stage_submit(stage_ask());
	stage_run(5 * SECOND);
	stage_submit(edit_at("signal1", "where was it?", _i ? 1000 : 2000));
	stage_run(SECOND);
	stage_submit(edit_at("signal2", "who was it?", _i ? 2000 : 1000));
	stage_run(MINUTE);
	ck_assert_ptr_nonnull(stage_done("signal1"));
	ck_assert_ptr_nonnull(stage_done("signal2"));
	ck_assert_ptr_nonnull(stage_done("entry1"));
	ck_assert_int_eq(stage.nasked, _i ? 3 : 2);
	scene_holds(stage.asked[stage.nasked - 1],
		    _i ? "who was it?" : "where was it?");
	ck_assert_int_eq(note_at("signal2", JOURNAL_WRITE), -1);
}
END_TEST

/* ---- at any time ---- */

static const char *const pieces[] = { "It ",   "is ",   "not ", "far ",
				      "from ", "here.", NULL };

static struct job *any_signal(int which)
{
	switch (which) {
	case 0:
		return reaction("signal1", PLACEHOLDER);
	case 1:
		return signal_job("signal1", SIGNAL_DELETE, QUESTION);
	case 2:
		return signal_job("signal1", SIGNAL_DELETE, PLACEHOLDER);
	case 3:
		return signal_job("signal1", SIGNAL_STOP, QUESTION);
	default:
		return edit("signal1", "and now?");
	}
}

static void play(int which, int64_t ms)
{
	int i;

	for (i = 0; pieces[i]; i++)
		stage.says[i] = pieces[i];
	stage.gap_ms = 900;
	stage.first_ms = 700;
	stage_fault("chat.postMessage", FAULT_SLOW, NULL, 400);
	stage_begin();
	stage_submit(stage_ask());
	stage_run(ms);
	stage_submit(any_signal(which));
	stage_submit(any_signal(which)); /* an id like that comes but once */
	stage_run(5 * MINUTE);
}

/* Whenever it comes, both end, there is one reply at most, and who comes next
 * in the thread is answered. */
START_TEST(whenever_a_signal_comes_all_ends)
{
	int64_t ms;
	size_t n;

	for (ms = 0; ms < 9000; ms += 70) {
		if (ms > 0) {
			stage_down();
			stage_up();
		}
		play(_i, ms);
		ck_assert_msg(stage_done("entry1") && stage_done("signal1"),
			      "signal %d after %d ms", _i, (int)ms);
		n = stage_nreplies();
		ck_assert_msg(n <= 1, "signal %d after %d ms", _i, (int)ms);
		ck_assert_msg(n == 0 ||
				      !strstr(stage_reply(0)->text, "Thinking"),
			      "signal %d after %d ms", _i, (int)ms);
		stage_submit(stage_job("entry2", "100.000200", QUESTION, "?"));
		stage_run(MINUTE);
		ck_assert_ptr_nonnull(stage_done("entry2"));
		ck_assert_uint_eq(stage_nreplies(), n + 1);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("signal");
	TCase *tc = tcase_create("signal");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, stage_up, stage_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
		tc, stop_of_a_placeholder_that_slack_has_not_told_yet_counts, 0,
		2);
	tcase_add_test(
		tc,
		placeholder_deleted_before_slack_has_told_of_it_ends_the_turn);
	tcase_add_test(tc,
		       what_is_about_an_older_post_waits_for_no_placeholder);
	tcase_add_test(tc,
		       a_drain_is_not_held_up_by_who_waits_for_a_placeholder);
	tcase_add_test(
		tc,
		placeholder_of_a_deleted_question_that_comes_late_is_deleted_too);
	tcase_add_test(
		tc, placeholder_of_an_earlier_process_goes_with_its_question);
	tcase_add_test(
		tc,
		question_deleted_while_the_answer_is_written_leaves_the_transcript);
	tcase_add_test(
		tc,
		question_edited_while_the_answer_is_written_is_so_in_the_transcript);
	tcase_add_loop_test(tc, of_two_edits_the_later_one_is_answered, 0, 2);
	tcase_add_loop_test(tc, whenever_a_signal_comes_all_ends, 0, 5);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
