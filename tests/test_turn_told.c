/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/job.h"
#include "scene.h"
#include "stage.h"
#include "turn/turn.h"

/* What the model is told: files, the thread, names. */

static struct turn *the_turn(void)
{
	return stage.workers->w[0].turns;
}

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
	scene_play(ask_with("a.csv", "x,y\n1,2", 7), 3 * SECOND);
	scene_holds(stage.asked[0],
		    "where is it?\n    [attached file: \"a.csv\", text/csv;");
	scene_holds(stage.asked[0],
		    "\n    | x,y\n    | 1,2\n    [end of \"a.csv\"]\n");
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	scene_holds(stage_done("entry1")->lines[0], "\n| x,y\n| 1,2\n[end of");
	ck_assert_ptr_null(strstr(stage_done("entry1")->lines[0], "F1"));
}
END_TEST

START_TEST(a_file_that_does_not_come_holds_up_nothing_for_long)
{
	struct job *j = ask_with("a.csv", "x", 1);

	stage.file_ms = 10 * MINUTE;
	scene_play(j, 19 * SECOND);
	ck_assert_int_eq(stage.nasked, 0);
	stage_run(4 * SECOND);
	ck_assert_uint_eq(stage.nstopped, 1);
	scene_holds(stage.asked[0],
		    "not read, as Slack didn't deliver it in time");
	scene_holds(stage_reply(0)->text, "It is _here_.");
	scene_holds(stage_reply(0)->text, "I couldn't read");
	scene_holds(scene_answer()->answer, "I couldn't read_ `a.csv`");
}
END_TEST

START_TEST(a_file_that_fails_fails_nothing)
{
	scene_play(ask_with("a.csv", NULL, 0), 3 * SECOND);
	scene_holds(stage.asked[0], "not read, as Slack didn't deliver it");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
}
END_TEST

START_TEST(files_are_fetched_once_and_told_shorter_when_that_was_too_long)
{
	char text[3900];

	memset(text, 'x', sizeof(text));
	stage.too_long = 2;
	scene_play(ask_with("a.csv", text, sizeof(text)), 10 * SECOND);
	ck_assert_int_eq(stage.nasked, 3);
	ck_assert_uint_eq(stage.ndownloads, 1);
	scene_holds(stage.asked[0], "[end of \"a.csv\"]");
	scene_holds(stage.asked[1], "only its first 2493 bytes");
	scene_holds(stage.asked[2], "only its first 1246 bytes");
}
END_TEST

START_TEST(an_image_goes_to_a_model_that_sees)
{
	static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

	stage.conf.models[0].vision = _i == 1;
	scene_play(ask_with("a.png", png, sizeof(png)), 3 * SECOND);
	ck_assert_uint_eq(stage.nimages, (size_t)_i);
	scene_holds(stage.asked[0], _i ? "; it comes with this message"
				       : "you can't see images");
	ck_assert(_i ==
		  (strstr(stage_reply(0)->text, "I can't see images") == NULL));
}
END_TEST

START_TEST(no_file_is_read_where_that_is_off)
{
	stage.conf.files_per_message = 0;
	scene_play(ask_with("a.csv", "x", 1), 3 * SECOND);
	ck_assert_uint_eq(stage.ndownloads, 0);
	scene_holds(
		stage.asked[0],
		"[attached file: \"a.csv\", text/csv]\n    [files are not read here");
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(a_drain_ends_the_download)
{
	struct job *j = ask_with("a.csv", "x", 1);

	stage.file_ms = 10 * SECOND;
	scene_play(j, 2 * SECOND);
	stage_down();
	ck_assert_uint_eq(stage.nstopped, 1);
	ck_assert_int_eq(stage.nasked, 0);
	stage_up();
}
END_TEST

/* what the model is told */

START_TEST(the_thread_is_read_from_slack_when_we_enter_it_late)
{
	const struct stage_note *done;

	stage_say("100.000100", "", "U2", "the server is <@U3>'s &amp; down");
	stage_say("100.000200", "100.000100", "U3", "not mine");
	stage_say("100.000300", "100.000100", "U1", "<@UB1> whose is it?");
	scene_play(stage_job("entry1", "100.000300", "100.000100",
			     "whose is it?"),
		   5 * SECOND);
	scene_holds(stage.asked[0],
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
	scene_play(follow_up(), 5 * SECOND);
	ck_assert_int_eq(stage.nasked, 3);
	scene_holds(stage.asked[0], "line0");
	ck_assert_ptr_null(strstr(stage.asked[1], "line3"));
	scene_holds(stage.asked[1], "line7");
	ck_assert_ptr_null(strstr(stage.asked[2], "line6"));
	scene_holds(stage.asked[2], "user: Ada [1970-01-01 09:01]: and now?");
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_uint_eq(stage_done("entry1")->nlines, 2);
}
END_TEST

START_TEST(what_is_too_long_without_the_thread_ends_in_a_sentence)
{
	long_thread();
	stage.too_long = 9;
	scene_play(follow_up(), 5 * SECOND);
	ck_assert_int_ge(stage.nasked, 3);
	ck_assert_ptr_null(strstr(stage.asked[stage.nasked - 1], "line0"));
	scene_holds(stage_reply(0)->text, "more text than I can take in");
	ck_assert_str_eq(stage_done("entry1")->verdict, "failed:too_long");
}
END_TEST

START_TEST(a_question_that_is_too_long_is_asked_once)
{
	stage.too_long = 9;
	scene_play(stage_ask(), 5 * SECOND);
	ck_assert_int_eq(stage.nasked, 1);
	scene_holds(stage_reply(0)->text, "more text than I can take in");
}
END_TEST

START_TEST(a_thread_read_from_slack_is_told_with_less_and_kept_whole)
{
	const struct stage_note *done;

	stage_say("100.000100", "", "U2", "a &amp;amp; b");
	stage_say("100.000200", "100.000100", "U3", "c &amp;amp; d");
	stage.too_long = 1;
	scene_play(follow_up(), 5 * SECOND);
	ck_assert_int_eq(stage.nasked, 2);
	ck_assert_uint_eq(stage_count("conversations.replies"), 1);
	scene_holds(stage.asked[0], "a &amp; b");
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
	scene_play(follow_up(), 9 * SECOND);
	ck_assert_int_eq(stage.nasked, 0);
	stage_run(5 * SECOND);
	scene_holds(stage.asked[0], "the server is down");
}
END_TEST

START_TEST(a_thread_that_cannot_be_read_soon_is_not_waited_for)
{
	stage_fault("conversations.replies", FAULT_RATE, NULL, MINUTE);
	scene_play(follow_up(), 5 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(a_known_thread_is_not_read_from_slack)
{
	transcript_add(&stage.history, false, "U1", "Ada", "100.000100", "hi");
	scene_play(stage_job("entry1", "100.000300", "100.000100", "and?"),
		   5 * SECOND);
	ck_assert_uint_eq(stage_count("conversations.replies"), 0);
	scene_holds(stage.asked[0], "user: Ada [1970-01-01 09:01]: hi\n"
				    "user: Ada [1970-01-01 09:01]: and?\n");
	ck_assert_uint_eq(stage_done("entry1")->nlines, 2);
}
END_TEST

START_TEST(without_the_scope_to_read_the_thread_it_is_answered_without)
{
	stage_fault("conversations.replies", FAULT_REFUSE, "missing_scope", 0);
	scene_play(stage_job("entry1", "100.000300", "100.000100", "and?"),
		   5 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

/* The question changes while an edit is under way, and the thread is read
 * anew; then it is taken back. */
START_TEST(an_edit_and_a_page_under_way_are_both_called_off)
{
	struct turn *t;
	struct message now = {
		.channel.ts = (char[]){ "100.000300" },
		.content.text = (char[]){ "and then?" },
	};

	stage_say("100.000100", NULL, "U2", "so");
	stage.first_ms = 100;
	stage.gap_ms = 60 * SECOND;
	stage.says[1] = " more";
	stage_fault("chat.update", FAULT_SLOW, NULL, 20 * SECOND);
	scene_play(stage_job("entry1", "100.000300", "100.000100", "and now?"),
		   2 * SECOND);
	ck_assert_uint_eq(stage_awaited(), 1);
	stage_fault("conversations.replies", FAULT_SLOW, NULL, 20 * SECOND);
	t = the_turn();
	ck_assert(stop_revise(t, &now));
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
	scene_play(scene_nameless("entry1", "100.000100"), 5 * SECOND);
	stage_submit(scene_nameless("entry2", "200.000100"));
	stage_run(5 * SECOND);
	ck_assert_uint_eq(stage_count("users.info"), 2);
	scene_holds(stage.asked[1], "user: name of U1 [1970-01-01 09:03]:"
				    " hello @name of U2\n");
}
END_TEST

START_TEST(times_are_told_in_the_askers_zone)
{
	stage_fault("users.info", FAULT_REFUSE, "missing_scope", 0);
	scene_play(stage_ask(), 5 * SECOND);
	scene_holds(stage.asked[0], "Today is Thursday, 1970-01-01 (UTC).");
	scene_holds(stage.asked[0], "Ada [1970-01-01 00:01]: where");
	stage_run(60 * MINUTE);
	stage_submit(stage_job("entry2", "72000.000100", NULL, "and now?"));
	stage_run(5 * SECOND);
	scene_holds(stage.asked[1], "(Asia/Tokyo, UTC+09:00).");
	scene_holds(stage.asked[1], "Ada [1970-01-02 05:00]: and now?");
}
END_TEST

START_TEST(names_that_come_late_are_not_waited_for)
{
	stage_fault("users.info", FAULT_SLOW, NULL, MINUTE);
	scene_play(scene_nameless("entry1", "100.000100"), 5 * SECOND);
	scene_holds(stage.asked[0], "user: U1 [1970-01-01 00:01]:"
				    " hello @name of U2\n");
	ck_assert_ptr_nonnull(stage_done("entry1"));
	stage_run(MINUTE);
}
END_TEST

START_TEST(without_the_scope_nobody_asks_for_names_for_an_hour)
{
	stage_fault("users.info", FAULT_REFUSE, "missing_scope", 0);
	stage_fault("users.info", FAULT_REFUSE, "missing_scope", 0);
	scene_play(scene_nameless("entry1", "100.000100"), 5 * SECOND);
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
	scene_play(stage_job("entry1", "100.000100", NULL, "hi <@U8>"), MINUTE);
	stage_submit(stage_job("entry2", "200.000100", NULL, "hi <@U9>"));
	stage_run(30 * SECOND);
	ck_assert_uint_eq(stage_count("users.info"), 2);
	stage_run(MINUTE);
	stage_submit(stage_job("entry3", "300.000100", NULL, "hi <@U9>"));
	stage_run(30 * SECOND);
	ck_assert_uint_eq(stage_count("users.info"), 4);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("turn_told");
	TCase *tc = tcase_create("turn_told");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, stage_up, stage_down);
	tcase_set_timeout(tc, 60);
#define T(name) tcase_add_test(tc, name)
	T(a_file_is_told_with_the_question_and_kept_in_the_transcript);
	T(a_file_that_does_not_come_holds_up_nothing_for_long);
	T(a_file_that_fails_fails_nothing);
	tcase_add_test(
		tc,
		files_are_fetched_once_and_told_shorter_when_that_was_too_long);
	tcase_add_loop_test(tc, an_image_goes_to_a_model_that_sees, 0, 2);
	T(no_file_is_read_where_that_is_off);
	T(a_drain_ends_the_download);
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
#undef T
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
