/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "route/job.h"
#include "route/message.h"
#include "scene.h"
#include "stage.h"
#include "state/quarantine.h"
#include "turn/turn.h"

/* What Slack refuses. */

START_TEST(a_deleted_placeholder_ends_the_model)
{
	scene_pieces();
	stage.gap_ms = SECOND;
	stage_fault("chat.update", FAULT_REFUSE, "message_not_found", 0);
	scene_play(stage_ask(), 5 * SECOND);
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
	scene_play(stage_ask(), SECOND);
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
	scene_play(stage_ask(), 5 * SECOND);
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
	scene_play(stage_ask(), 5 * MINUTE);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 1);
	ck_assert_int_eq(stage.nasked, 0);
	scene_holds(stage_done("entry1")->verdict, refusals[_i]);
}
END_TEST

START_TEST(a_thread_that_is_locked_during_the_answer_ends_the_turn)
{
	scene_pieces();
	stage.gap_ms = SECOND;
	scene_play(stage_ask(), 2 * SECOND);
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
	scene_play(stage_ask(), 5 * SECOND);
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
	scene_play(stage_ask(), 5 * SECOND);
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
	scene_play(stage_ask(), 4 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_int_le(scene_note(stage.msgs[0].ts, PART_VOID)->at_ms,
			 stage_reply(0)->posted_ms);
	ck_assert_ptr_nonnull(stage_done("entry1"));
}
END_TEST

static const char *const no_post[] = { "thread_locked", "of_tomorrow",
				       "thread_not_found" };

START_TEST(where_no_post_is_taken_the_answer_waits_for_its_edit)
{
	stage_fault("chat.update", FAULT_RATE, NULL, 30 * SECOND);
	scene_play(stage_ask(), 1);
	stage_fault("chat.postMessage", FAULT_REFUSE, no_post[_i], 0);
	stage_run(5 * MINUTE);
	ck_assert_uint_eq(stage_count("chat.postMessage"), 2);
	ck_assert_uint_eq(stage_count("chat.delete"), 0);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_ptr_nonnull(scene_note("0", PART_VOID));
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
}
END_TEST

START_TEST(how_an_answer_is_cut_smaller_is_noted_before)
{
	char *text = scene_text(8);

	stage.says[0] = text;
	stage_fault("chat.update", FAULT_REFUSE, "msg_too_long", 0);
	scene_play(stage_ask(), 10 * SECOND);
	ck_assert_int_le(scene_note("0", PART_CUT)->at_ms,
			 stage_reply(1)->posted_ms);
	free(text);
}
END_TEST

START_TEST(an_edit_that_goes_well_ends_the_quarantine)
{
	quarantine_put(stage.quarantine, "A1", "T1", "xoxb-1", "invalid_auth",
		       clock_ms());
	scene_earlier("999.000001", 0);
	scene_play(scene_second("999.000001"), 30 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert(!quarantine_lift(stage.quarantine, "A1", "T1"));
}
END_TEST

START_TEST(what_is_too_long_for_slack_is_cut_smaller)
{
	char *text = scene_text(8);

	stage.says[0] = text;
	stage_fault("chat.update", FAULT_REFUSE, "msg_too_long", 0);
	scene_play(stage_ask(), 10 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 3);
	ck_assert_uint_eq(strlen(stage_reply(0)->text), 2998);
	free(text);
}
END_TEST

static char with_table[] = "Look:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";

START_TEST(an_answer_is_shown_in_blocks_and_in_text)
{
	stage.says[0] = with_table;
	scene_play(stage_ask(), 10 * SECOND);
	scene_holds(stage_reply(0)->blocks, "\"type\":\"data_table\"");
	scene_holds(stage_reply(0)->text, "a | b\n--+--\n1 | 2");
}
END_TEST

START_TEST(a_table_that_slack_refuses_is_written_in_the_block)
{
	stage.says[0] = with_table;
	stage_fault("chat.update", FAULT_REFUSE, "invalid_blocks", 0);
	scene_play(stage_ask(), 10 * SECOND);
	ck_assert_ptr_null(strstr(stage_reply(0)->blocks, "data_table"));
	scene_holds(stage_reply(0)->blocks, "a | b\\n--+--\\n1 | 2");
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
	scene_play(stage_ask(), 10 * SECOND);
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
	scene_play(stage_ask(), 10 * SECOND);
	scene_holds(stage_reply(0)->text, "doesn't let me show");
	ck_assert_str_eq(stage_done("entry1")->verdict, "failed:unshown");
}
END_TEST

START_TEST(a_refusal_in_a_new_word_ends_in_a_sentence_too)
{
	stage_fault("chat.update", FAULT_REFUSE, "of_tomorrow", 0);
	stage_fault("chat.update", FAULT_REFUSE, "of_tomorrow", 0);
	scene_play(stage_ask(), 10 * SECOND);
	scene_holds(stage_reply(0)->text, "doesn't let me show");
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
	scene_play(stage_ask(), 70 * MINUTE);
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
	scene_play(stage_ask(), 100 * MINUTE);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_int_eq(stage_done("entry1")->state, ENTRY_DONE);
}
END_TEST

START_TEST(a_placeholder_that_may_be_there_is_looked_for_until_slack_answers)
{
	stage.conf.replay_max_age_minutes = 60;
	stage_fault("chat.postMessage", FAULT_LOST, NULL, 0);
	away("conversations.replies", 70);
	scene_play(stage_ask(), 120 * MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

/* Slack's own thumbs, thumbs that are buttons, and no buttons at all. */
START_TEST(refused_buttons_are_tried_with_fewer)
{
	int i;

	stage.conf.buttons = true;
	for (i = 0; i < _i; i++)
		stage_fault("chat.update", FAULT_REFUSE, "invalid_blocks", 0);
	scene_play(stage_ask(), 5 * SECOND);
	ck_assert_uint_eq(stage_count("chat.update"), (size_t)_i + 1);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_int_eq(strstr(stage_reply(0)->blocks, "feedback_buttons") !=
				 NULL,
			 _i == 0);
	ck_assert_int_eq(strstr(stage_reply(0)->blocks, "up:entry1") != NULL,
			 _i <= 1);
	ck_assert_int_eq(strstr(stage_reply(0)->blocks, "konstruct_again") !=
				 NULL,
			 _i <= 1);
}
END_TEST

START_TEST(there_are_no_buttons_where_they_are_off)
{
	stage.conf.buttons = false;
	stage.first_ms = SECOND;
	scene_play(stage_ask(), 500);
	ck_assert_ptr_null(strstr(stage_reply(0)->blocks, "konstruct_"));
	stage_run(5 * SECOND);
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
	ck_assert_ptr_null(strstr(stage_reply(0)->blocks, "konstruct_"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("turn_refused");
	TCase *tc = tcase_create("turn_refused");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, stage_up, stage_down);
	tcase_set_timeout(tc, 60);
#define T(name) tcase_add_test(tc, name)
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
	tcase_add_loop_test(
		tc, where_no_post_is_taken_the_answer_waits_for_its_edit, 0, 3);
	T(how_an_answer_is_cut_smaller_is_noted_before);
	T(what_is_too_long_for_slack_is_cut_smaller);
	T(an_answer_is_shown_in_blocks_and_in_text);
	T(a_table_that_slack_refuses_is_written_in_the_block);
	T(blocks_that_slack_refuses_are_replaced_by_text);
	T(what_slack_never_takes_is_replaced_by_a_sentence);
	T(a_refusal_in_a_new_word_ends_in_a_sentence_too);
	T(when_slack_is_away_too_long_nothing_is_said_any_more);
	T(a_placeholder_is_finished_however_long_slack_was_away);
	T(a_placeholder_that_may_be_there_is_looked_for_until_slack_answers);
#undef T
	tcase_add_loop_test(tc, refused_buttons_are_tried_with_fewer, 0, 3);
	tcase_add_test(tc, there_are_no_buttons_where_they_are_off);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
