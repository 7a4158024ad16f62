/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/job.h"
#include "route/message.h"
#include "scene.h"
#include "stage.h"
#include "turn/turn.h"

/* What an earlier process, or an older journal, has left. */

START_TEST(a_known_placeholder_is_edited)
{
	scene_earlier("999.000001", 0);
	scene_play(scene_second("999.000001"), 10 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(an_intended_placeholder_is_looked_for_before_it_is_posted)
{
	scene_earlier("999.000001", 0);
	scene_play(scene_second(""), 10 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(an_intended_placeholder_that_never_came_is_posted)
{
	/* Other parts, entries and apps in the same thread don't count. */
	scene_earlier("999.000001", 1);
	scene_earlier("999.000002", 0);
	memcpy(strstr(stage.msgs[1].metadata, "entry1"), "entry9", 6);
	scene_earlier("999.000003", 0);
	memcpy(strstr(stage.msgs[2].metadata, "konstruct"), "construct", 9);
	stage_say("999.000004", "100.000100", "U9", "Thinking...");
	scene_play(scene_second(""), 30 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(a_journaled_answer_is_written_without_the_model)
{
	struct job *j = scene_second("999.000001");

	scene_earlier("999.000001", 0);
	j->entry.answer = strdup("the *old* answer");
	scene_play(j, 10 * SECOND);
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
	struct job *j = scene_second("999.000001");

	scene_earlier("999.000001", 0);
	j->hope = JOB_CRASHES;
	scene_play(j, 30 * SECOND);
	ck_assert_int_eq(stage.nasked, 0);
	scene_holds(stage_reply(0)->text, "several times");
	scene_holds(stage_reply(0)->text, "(ref. entry1)");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DEAD);
}
END_TEST

START_TEST(a_reply_that_stands_is_never_replaced_by_an_apology)
{
	struct job *j = scene_second("999.000001");

	scene_earlier("999.000001", 0);
	j->entry.answer = strdup("the answer");
	j->entry.state = ENTRY_WRITTEN;
	scene_play(j, 30 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "the answer");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
}
END_TEST

START_TEST(a_journaled_sentence_is_no_answer_after_a_restart)
{
	struct job *j = scene_second("999.000001");

	scene_earlier("999.000001", 0);
	j->entry.answer = strdup("Sorry.");
	j->entry.verdict = strdup("failed:busy");
	j->entry.state = ENTRY_WRITTEN;
	scene_play(j, 30 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "Sorry.");
	ck_assert_str_eq(stage_done("entry1")->verdict, "failed:busy");
	ck_assert_int_eq(stage_done("entry1")->tokens, -1);
	ck_assert_uint_eq(stage_done("entry1")->nlines, 1);
}
END_TEST

START_TEST(what_an_earlier_process_sent_and_comes_late_is_undone)
{
	scene_play(scene_second(""), 10 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	/* Its placeholder, and an edit of ours. */
	scene_earlier("999.000001", 0);
	snprintf(stage.msgs[0].text, sizeof(stage.msgs[0].text), "It is");
	stage_run(MINUTE);
	ck_assert(stage.msgs[1].deleted);
	ck_assert_str_eq(stage.msgs[0].text, "It is _here_.");
}
END_TEST

START_TEST(what_no_token_can_look_for_is_not_posted_by_the_next_process)
{
	scene_earlier("999.000001", 0);
	stage_fault("conversations.replies", FAULT_REFUSE, "invalid_auth", 0);
	scene_play(scene_second(""), MINUTE);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_str_eq(stage_done("entry1")->verdict, "dead:token");
}
END_TEST

START_TEST(twins_are_looked_for_until_slack_answers)
{
	int i;

	scene_earlier("999.000001", 0);
	scene_earlier("999.000002", 0);
	scene_earlier("999.000003", 0);
	for (i = 0; i < 3; i++)
		stage_fault("conversations.replies", FAULT_FAIL, NULL, 0);
	stage_fault("chat.delete", FAULT_FAIL, NULL, 0);
	scene_play(scene_second("999.000001"), 2 * MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(a_twin_is_not_deleted_before_retry_after)
{
	scene_earlier("999.000001", 0);
	scene_earlier("999.000002", 0);
	stage_fault("chat.delete", FAULT_RATE, NULL, MINUTE);
	scene_play(scene_second("999.000001"), 5 * MINUTE);
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

		scene_earlier(ts[i], 0);
	}
	for (i = 2; i < 4; i++) {
		stage.msgs[i].thread[0] = '2';
		strstr(stage.msgs[i].metadata, "entry1")[5] = '2';
	}
	j->again = j->intended = true;
	free(j->entry.parts[0]);
	j->entry.parts[0] = strdup("999.000003");
	stage_fault("chat.delete", FAULT_RATE, NULL, MINUTE);
	scene_play(scene_second("999.000001"), 10 * SECOND);
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

START_TEST(further_posts_that_exist_are_not_posted_again)
{
	struct job *j = scene_second("999.000001");
	size_t i;

	for (i = 0; i < 2; i++)
		scene_earlier(i ? "999.000002" : "999.000001", i);
	j->entry.answer = scene_text(24);
	j->entry.parts = reallocarray(j->entry.parts, 3, sizeof(char *));
	j->entry.parts[1] = strdup("");
	j->entry.parts[2] = strdup("");
	j->entry.nparts = 3;
	scene_play(j, MINUTE);
	/* The second stands, the third was only intended. */
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_uint_eq(stage_nreplies(), 3);
	ck_assert_int_eq(stage_reply(2)->text[0], 'u');
}
END_TEST

/* The journal may be slow: notes must not pile up in the turn. */
START_TEST(parts_found_again_wait_for_their_notes)
{
	struct job *j = scene_second("999.000000");
	char ts[20];
	size_t i;

	j->entry.parts = reallocarray(j->entry.parts, 8, sizeof(char *));
	for (i = 0; i < 8; i++) {
		snprintf(ts, sizeof(ts), "999.00000%zu", i);
		scene_earlier(ts, i);
		if (i > 0)
			j->entry.parts[i] = strdup("");
	}
	j->entry.nparts = 8;
	j->entry.answer = scene_text(80);
	stage.hold_journal = true;
	scene_play(j, 5 * MINUTE);
	stage.hold_journal = false;
	stage_run(5 * MINUTE);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_ptr_nonnull(stage_done("entry1"));
	for (i = 1; i < 8; i++)
		ck_assert_ptr_nonnull(scene_note(stage_reply(i)->ts, (int)i));
}
END_TEST

START_TEST(a_mention_in_the_journal_counts_after_a_restart)
{
	struct job *j = scene_second("");

	j->entry.answer = strdup("Ask \1U7\2@Eve\3 or @Ada.");
	scene_play(j, 10 * SECOND);
	ck_assert_int_eq(stage.nasked, 0);
	ck_assert_str_eq(stage_reply(0)->text, "Ask <@U7> or @Ada.");
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
	struct job *j = scene_second("999.000001");

	j->entry.answer = strdup("the answer");
	set_part(j, PART_VOID, "999.000001");
	scene_earlier("999.000001", 0);
	scene_earlier("999.000002", 0);
	scene_play(j, 60 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->ts, "999.000002");
	ck_assert_str_eq(stage_reply(0)->text, "the answer");
}
END_TEST

/* Killed after the old message was given up, before there was a new one. */
START_TEST(a_stale_answer_that_was_to_be_a_new_post_is_written)
{
	struct job *j = scene_second("999.000001");

	if (_i == 0)
		j->entry.answer = strdup("the answer");
	j->hope = JOB_STALE;
	set_part(j, PART_VOID, "999.000001");
	scene_earlier("999.000001", 0);
	scene_play(j, 60 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	scene_holds(stage_reply(0)->text, _i ? "too long" : "the answer");
	ck_assert_int_eq(stage_done("entry1")->state,
			 _i ? ENTRY_DEAD : ENTRY_DONE);
}
END_TEST

/* And Slack refuses the new one. */
START_TEST(a_new_post_refused_after_a_restart_leaves_the_old_message)
{
	struct job *j = scene_second("999.000001");

	j->entry.answer = strdup("the answer");
	set_part(j, PART_VOID, "999.000001");
	scene_earlier("999.000001", 0);
	stage_fault("chat.postMessage", FAULT_REFUSE, "thread_locked", 0);
	scene_play(j, 60 * SECOND);
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
	struct job *j = scene_second("999.000001");

	j->entry.answer = strdup("the answer");
	set_part(j, PART_VOID, "0");
	scene_earlier("999.000001", 0);
	scene_play(j, 60 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_str_eq(stage_reply(0)->text, "the answer");
}
END_TEST

/* Killed after the first smaller part. */
START_TEST(an_answer_is_cut_as_the_earlier_process_cut_it)
{
	struct job *j = scene_second("999.000001");

	j->entry.answer = scene_text(8);
	set_part(j, 1, "999.000002");
	set_part(j, PART_CUT, "0");
	scene_earlier("999.000001", 0);
	scene_earlier("999.000002", 1);
	scene_play(j, 60 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 3);
	ck_assert_uint_eq(strlen(stage_reply(0)->text), 2998);
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
	scene_earlier("999.000001", 0);
	scene_play(scene_second(""), 10 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
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
	scene_earlier("999.000001", 0);
	snprintf(stage.msgs[0].text, sizeof(stage.msgs[0].text), "forty-two");
	make_final(&stage.msgs[0]);
	scene_play(scene_second(_i ? "999.000001" : ""), MINUTE);
	ck_assert_int_eq(stage.nasked, 0);
	ck_assert_str_eq(stage_reply(0)->text, "forty-two");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
	ck_assert_str_eq(stage_done("entry1")->verdict, "answered before");
}
END_TEST

/* The post of a process that died arrived after all. */
START_TEST(the_twin_of_an_earlier_answer_is_deleted)
{
	scene_earlier("999.000001", 0);
	snprintf(stage.msgs[0].text, sizeof(stage.msgs[0].text), "forty-two");
	make_final(&stage.msgs[0]);
	scene_earlier("999.000002", 0);
	scene_play(scene_second("999.000001"), MINUTE);
	ck_assert_int_eq(stage.nasked, 0);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "forty-two");
	ck_assert_str_eq(stage_done("entry1")->verdict, "answered before");
}
END_TEST

START_TEST(a_replayed_one_is_answered_again)
{
	struct job *j = scene_second("999.000001");

	scene_earlier("999.000001", 0);
	make_final(&stage.msgs[0]);
	j->entry.replayed_ms = 1;
	scene_play(j, 10 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(the_last_edit_says_that_it_is)
{
	scene_play(stage_ask(), 10 * SECOND);
	scene_holds(stage_arg(stage_call_of("chat.postMessage", 0), "metadata"),
		    "\"part\":0}}");
	scene_holds(stage_arg(stage_call_of("chat.update",
					    stage_count("chat.update") - 1),
			      "metadata"),
		    "\"final\":1");
}
END_TEST

/* Slack keeps the metadata of a message whose edit brings none. */
START_TEST(an_interim_edit_takes_back_that_an_answer_is_final)
{
	const struct stage_call *edit;

	scene_pieces();
	stage.gap_ms = 300;
	scene_play(stage_ask(), 30 * SECOND);
	ck_assert_uint_gt(stage_count("chat.update"), 1);
	edit = stage_call_of("chat.update", 0);
	scene_holds(stage_arg(edit, "metadata"), "\"part\":0}}");
}
END_TEST

START_TEST(a_stale_question_is_closed_in_its_placeholder)
{
	struct job *j = scene_second("");

	scene_earlier("999.000001", 0);
	j->hope = _i ? JOB_NO_AGENT : JOB_STALE;
	scene_play(j, 30 * SECOND);
	ck_assert_int_eq(stage.nasked, 0);
	scene_holds(stage_reply(0)->text, _i ? "nobody is set up" : "too long");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DEAD);
}
END_TEST

START_TEST(a_stale_question_without_placeholder_ends_in_silence)
{
	struct job *j = scene_second("");

	j->hope = JOB_STALE;
	scene_play(j, 30 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DEAD);
	ck_assert_str_eq(stage_done("entry1")->verdict, "failed:stale");
}
END_TEST

START_TEST(a_stale_question_is_closed_in_a_placeholder_that_comes_late)
{
	struct job *j = scene_second("");

	j->hope = _i ? JOB_NO_AGENT : JOB_STALE;
	scene_play(j, 5 * SECOND);
	ck_assert_ptr_null(stage_done("entry1"));
	scene_earlier("999.000001", 0);
	stage_run(30 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 0);
	scene_holds(stage_reply(0)->text, _i ? "nobody is set up" : "too long");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DEAD);
}
END_TEST

START_TEST(a_stale_answer_that_was_given_already_is_written)
{
	struct job *j = scene_second("999.000001");

	scene_earlier("999.000001", 0);
	j->hope = JOB_STALE;
	j->entry.answer = strdup("the answer");
	scene_play(j, 30 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "the answer");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("turn_restart");
	TCase *tc = tcase_create("turn_restart");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, stage_up, stage_down);
	tcase_set_timeout(tc, 60);
#define T(name) tcase_add_test(tc, name)
	T(a_known_placeholder_is_edited);
	T(an_intended_placeholder_is_looked_for_before_it_is_posted);
	T(an_intended_placeholder_that_never_came_is_posted);
	T(a_journaled_answer_is_written_without_the_model);
	T(without_hope_the_placeholder_is_closed_with_a_sentence);
	T(a_reply_that_stands_is_never_replaced_by_an_apology);
	T(a_journaled_sentence_is_no_answer_after_a_restart);
	T(what_an_earlier_process_sent_and_comes_late_is_undone);
	T(what_no_token_can_look_for_is_not_posted_by_the_next_process);
	T(twins_are_looked_for_until_slack_answers);
	T(a_twin_is_not_deleted_before_retry_after);
	T(retry_after_of_a_deletion_holds_up_the_other_deletions);
	T(further_posts_that_exist_are_not_posted_again);
	T(parts_found_again_wait_for_their_notes);
	T(a_mention_in_the_journal_counts_after_a_restart);
	T(the_new_post_of_an_earlier_process_is_found);
	tcase_add_loop_test(
		tc, a_stale_answer_that_was_to_be_a_new_post_is_written, 0, 2);
	T(a_new_post_refused_after_a_restart_leaves_the_old_message);
	T(a_message_that_counts_again_is_edited);
	T(an_answer_is_cut_as_the_earlier_process_cut_it);
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
#undef T
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
