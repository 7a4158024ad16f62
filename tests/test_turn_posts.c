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

/* Edits and posts: their pace, and what becomes of those that seem lost. */

/* interim edits */

START_TEST(interim_edits_come_about_once_a_second)
{
	int64_t last = 0;
	size_t i, n;

	scene_pieces();
	stage.gap_ms = 300;
	scene_play(stage_ask(), 20 * SECOND);
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
	scene_play(stage_ask(), MINUTE);
	ck_assert_uint_eq(stage_count("chat.update"), 2);
}
END_TEST

START_TEST(one_edit_of_a_message_at_a_time)
{
	scene_pieces();
	stage.gap_ms = 300;
	stage_fault("chat.update", FAULT_SLOW, NULL, 10 * SECOND);
	scene_play(stage_ask(), 9 * SECOND);
	ck_assert_uint_eq(stage_count("chat.update"), 1);
	stage_run(5 * SECOND);
	ck_assert_uint_eq(stage_count("chat.update"), 2);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(retry_after_drops_interim_edits_and_the_answer_is_a_post)
{
	const struct stage_msg *m;

	scene_pieces();
	stage.gap_ms = 300;
	stage_fault("chat.update", FAULT_RATE, NULL, 30 * SECOND);
	scene_play(stage_ask(), MINUTE);
	ck_assert_uint_eq(stage_count("chat.update"), 1);
	ck_assert_uint_eq(stage_count("chat.delete"), 1);
	ck_assert_uint_eq(stage_nreplies(), 1);
	m = stage_reply(0);
	scene_holds(m->text, "word word");
	ck_assert_int_lt(m->posted_ms, scene_answer()->at_ms + 2 * SECOND);
	ck_assert_int_le(scene_note(stage.msgs[0].ts, PART_VOID)->at_ms,
			 m->posted_ms);
	ck_assert_ptr_nonnull(scene_note(m->ts, 0));
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(retry_after_of_a_deletion_is_waited_out)
{
	scene_pieces();
	stage.gap_ms = 300;
	stage_fault("chat.update", FAULT_RATE, NULL, 30 * SECOND);
	stage_fault("chat.delete", FAULT_RATE, NULL, 40 * SECOND);
	scene_play(stage_ask(), 3 * MINUTE);
	ck_assert_uint_eq(stage_count("chat.delete"), 2);
	ck_assert_int_ge(stage_call_of("chat.delete", 1)->at_ms,
			 stage_call_of("chat.delete", 0)->at_ms + 40 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	scene_holds(stage_reply(0)->text, "word word");
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(retry_after_of_edits_and_posts_delays_the_last_edit)
{
	const struct stage_call *first;

	stage_fault("chat.update", FAULT_RATE, NULL, 30 * SECOND);
	scene_play(stage_ask(), 1);
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
	char *text = scene_text(5);
	size_t i;

	stage.says[0] = text;
	for (i = 1; i < 12; i++)
		stage.says[i] = "and on. ";
	stage.gap_ms = SECOND;
	scene_play(stage_ask(), MINUTE);
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
	scene_pieces();
	stage.gap_ms = 300;
	/* It arrives after the last edit, and is overwritten again. */
	stage_fault("chat.update", FAULT_LATE, NULL, 5600);
	scene_play(stage_ask(), MINUTE);
	ck_assert_uint_eq(strlen(stage_reply(0)->text), 15 * 5 - 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(a_last_edit_that_is_lost_is_repeated)
{
	stage_fault("chat.update", FAULT_FAIL, NULL, 0);
	scene_play(stage_ask(), MINUTE);
	ck_assert_uint_eq(stage_count("chat.update"), 2);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(many_streams_share_the_edits_of_a_workspace)
{
	char id[20], ts[20];
	size_t i, before;

	scene_pieces();
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

/* posts that seem lost */

START_TEST(a_post_whose_answer_is_lost_is_looked_for)
{
	stage_fault("chat.postMessage", FAULT_LOST, NULL, 0);
	scene_play(stage_ask(), 30 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_uint_eq(stage_count("conversations.replies"), 1);
	ck_assert_str_eq(stage_arg(stage_call_of("conversations.replies", 0),
				   "include_all_metadata"),
			 "true");
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

/* Another token may find it, and post it again then. */
START_TEST(a_post_that_no_token_can_look_for_is_not_posted_again)
{
	stage_fault("chat.postMessage", FAULT_LOST, NULL, 0);
	stage_fault("conversations.replies", FAULT_REFUSE, "invalid_auth", 0);
	scene_play(stage_ask(), 30 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_str_eq(stage_done("entry1")->verdict, "dead:token");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DEAD);
}
END_TEST

START_TEST(a_post_that_is_not_found_is_posted_again)
{
	stage_fault("chat.postMessage", FAULT_FAIL, NULL, 0);
	scene_play(stage_ask(), 30 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 2);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

START_TEST(a_post_that_arrives_late_is_deleted)
{
	stage_fault("chat.postMessage", FAULT_LATE, NULL, 5 * SECOND);
	scene_play(stage_ask(), 30 * SECOND);
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
	scene_play(stage_ask(), 19 * SECOND);
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
	scene_play(stage_ask(), 62 * MINUTE);
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
	scene_play(stage_ask(), 5 * SECOND);
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

	scene_pieces();
	stage.gap_ms = SECOND;
	scene_play(stage_ask(), 2 * SECOND);
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
	scene_play(stage_ask(), 30 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

/* long answers */

/* What one markdown block has around 1,000 characters a paragraph, of which
 * the line ends take two more in JSON, and the last has none. */
#define OF_BLOCK(n) (1000 * (n) + 2 * ((n)-1) - 2 + 31)

/* What was in doubt is looked after although Slack takes no more of it. */
START_TEST(a_reply_refused_while_in_doubt_is_looked_after)
{
	char *text = scene_text(12);

	stage.says[0] = text;
	scene_earlier("999.000001", 0);
	stage_fault("chat.postMessage", FAULT_REFUSE, "thread_locked", 0);
	scene_play(scene_second("999.000001"), 10 * SECOND);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_int_eq(stage.msgs[0].text[0], 'a');
	/* A placeholder and an edit of the earlier process. */
	scene_earlier("999.000002", 0);
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
	char *text = scene_text(12);

	stage.says[0] = text;
	scene_earlier("999.000001", 0);
	stage_fault("chat.postMessage", FAULT_LATE, NULL, 8 * SECOND);
	stage_fault("chat.postMessage", FAULT_REFUSE, "thread_locked", 0);
	scene_play(scene_second("999.000001"), MINUTE);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 2);
	ck_assert_uint_eq(stage_count("chat.delete"), 0);
	ck_assert_uint_eq(stage_nreplies(), 2);
	ck_assert_ptr_nonnull(stage_done("entry1"));
	free(text);
}
END_TEST

START_TEST(a_long_answer_goes_on_in_further_posts)
{
	char *text = scene_text(24);

	stage.says[0] = text;
	scene_play(stage_ask(), MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 3);
	ck_assert_uint_eq(strlen(stage_reply(0)->blocks), OF_BLOCK(10));
	ck_assert_uint_eq(strlen(stage_reply(2)->blocks), OF_BLOCK(4));
	ck_assert_int_eq(stage_reply(2)->text[0], 'u');
	ck_assert_str_eq(stage_reply(2)->thread, "100.000100");
	scene_holds(stage_reply(2)->metadata, "\"part\":2");
	free(text);
}
END_TEST

START_TEST(each_further_post_is_intended_before_and_noted_after)
{
	char *text = scene_text(24);
	int k;

	stage.says[0] = text;
	scene_play(stage_ask(), MINUTE);
	for (k = 1; k <= 2; k++) {
		const struct stage_msg *m = stage_reply((size_t)k);

		ck_assert_int_le(scene_note("", k)->at_ms, m->posted_ms);
		ck_assert_ptr_nonnull(scene_note(m->ts, k));
	}
	free(text);
}
END_TEST

START_TEST(while_it_streams_only_the_first_part_is_shown)
{
	char *text = scene_text(24);

	stage.says[0] = text;
	stage.says[1] = "the end";
	stage.gap_ms = 5 * SECOND;
	scene_play(stage_ask(), 3 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	scene_holds(stage_reply(0)->blocks, " …");
	stage_run(MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 3);
	free(text);
}
END_TEST

START_TEST(an_answer_beyond_the_limit_is_cut_and_says_so)
{
	char *text = scene_text(8);

	stage.conf.answer_max_bytes = 2500;
	stage.says[0] = text;
	stage.says[1] = "never seen";
	stage.gap_ms = MINUTE;
	scene_play(stage_ask(), 10 * SECOND);
	ck_assert_int_eq(stage.ncancelled, 1);
	ck_assert_uint_eq(stage_nreplies(), 1);
	scene_holds(stage_reply(0)->text, "too long to be shown");
	ck_assert_ptr_nonnull(stage_done("entry1"));
	free(text);
}
END_TEST

START_TEST(tokens_that_nobody_tells_are_estimated)
{
	stage.no_usage = true;
	scene_play(stage_ask(), 3 * SECOND);
	/* Of the prompt and of four words. */
	ck_assert_int_gt(stage_done("entry1")->tokens, 20);
	ck_assert_int_lt(stage_done("entry1")->tokens, 2000);
}
END_TEST

START_TEST(an_answer_that_is_cut_off_has_used_what_was_said)
{
	char *text = scene_text(8);

	stage.conf.answer_max_bytes = 2500;
	stage.says[0] = text;
	stage.says[1] = "never seen";
	stage.gap_ms = MINUTE;
	scene_play(stage_ask(), 10 * SECOND);
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
	scene_play(stage_ask(), 10 * SECOND);
	ck_assert_int_eq(stage_done("entry1")->tokens, -1);
}
END_TEST

START_TEST(an_answer_at_the_models_limit_says_so)
{
	stage.says[0] = "```\nx = 1";
	stage.end = LLM_LENGTH;
	scene_play(stage_ask(), 10 * SECOND);
	ck_assert_str_eq(
		stage_reply(0)->text,
		"```\nx = 1\n```\n\n_My answer ends here: it reached the "
		"length limit._");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("turn_posts");
	TCase *tc = tcase_create("turn_posts");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, stage_up, stage_down);
	tcase_set_timeout(tc, 60);
#define T(name) tcase_add_test(tc, name)
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
	T(a_post_whose_answer_is_lost_is_looked_for);
	T(a_post_that_no_token_can_look_for_is_not_posted_again);
	T(a_post_that_is_not_found_is_posted_again);
	T(a_post_that_arrives_late_is_deleted);
	T(retry_after_of_a_post_is_waited_out);
	T(a_post_that_is_limited_for_too_long_is_given_up);
	T(retry_after_holds_up_that_method_of_that_workspace);
	T(retry_after_of_posts_holds_up_no_edit_and_no_other_workspace);
	T(a_post_refused_for_a_moment_is_repeated);
	T(a_reply_refused_while_in_doubt_is_looked_after);
	T(a_part_that_arrives_after_it_was_refused_is_no_twin);
	T(a_long_answer_goes_on_in_further_posts);
	T(each_further_post_is_intended_before_and_noted_after);
	T(while_it_streams_only_the_first_part_is_shown);
	T(an_answer_beyond_the_limit_is_cut_and_says_so);
	T(tokens_that_nobody_tells_are_estimated);
	T(an_answer_that_is_cut_off_has_used_what_was_said);
	T(what_no_model_begins_to_answer_uses_nothing);
	T(an_answer_at_the_models_limit_says_so);
#undef T
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
