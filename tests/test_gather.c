/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/inhand.h"
#include "route/job.h"
#include "route/message.h"
#include "scene.h"
#include "stage.h"

/* Messages of one thread that are answered together. */

#define THREAD "100.000100"

static struct job *job_by(const char *id, const char *ts, const char *user,
			  const char *text)
{
	struct job *j = stage_job(id, ts, THREAD, text);

	free(j->msg->sender.user_id);
	free(j->msg->sender.display_name);
	j->msg->sender.user_id = strdup(user);
	j->msg->sender.display_name = strdup(user + 1);
	return j;
}

static struct job *second(void)
{
	return job_by("entry2", "100.000200", "UBob", "and two?");
}

static struct job *third(void)
{
	return job_by("entry3", "100.000300", "UAda", "three");
}

/* While entry1 is at work. */
static void begin_first(void)
{
	stage.hold_model = true;
	stage_begin();
	stage_submit(stage_job("entry1", THREAD, NULL, "one?"));
	stage_run(SECOND);
	ck_assert_int_eq(stage.nasked, 1);
}

static void go_on(int64_t ms)
{
	stage.hold_model = false;
	stage_run(ms);
}

static const struct stage_note *cover_note(void)
{
	size_t i;

	for (i = 0; i < stage.nnotes; i++)
		if (stage.notes[i].covers[0] != '\0')
			return &stage.notes[i];
	return NULL;
}

static size_t notes_of(const char *entry)
{
	size_t i, n = 0;

	for (i = 0; i < stage.nnotes; i++)
		n += strcmp(stage.notes[i].entry, entry) == 0;
	return n;
}

START_TEST(what_waits_for_a_turn_is_answered_together)
{
	const struct stage_note *done;

	begin_first();
	stage_submit(second());
	stage_submit(third());
	go_on(20 * SECOND);
	ck_assert_int_eq(stage.nasked, 2);
	scene_holds(stage.asked[1], "user: Bob [1970-01-01 09:01]: and two?\n"
				    "Ada [1970-01-01 09:01]: three\n");
	ck_assert_uint_eq(stage_nreplies(), 2);
	ck_assert_str_eq(stage_reply(1)->text, "It is _here_.");
	done = stage_done("entry2");
	ck_assert_ptr_nonnull(done);
	ck_assert_uint_eq(done->ncovered, 1);
	ck_assert_uint_eq(done->nlines, 3);
	ck_assert_str_eq(done->lines[0], "Bob: and two?");
	ck_assert_str_eq(done->lines[1], "Ada: three");
	ck_assert_uint_eq(notes_of("entry3"), 0);
}
END_TEST

START_TEST(nothing_is_posted_before_the_journal_knows_what_is_covered)
{
	const struct stage_note *n;

	begin_first();
	stage.hold_covers = true;
	stage_submit(second());
	stage_submit(third());
	go_on(20 * SECOND);
	ck_assert_ptr_nonnull(stage_done("entry1"));
	ck_assert_uint_eq(stage_nreplies(), 1);
	stage.hold_covers = false;
	stage_run(20 * SECOND);
	n = cover_note();
	ck_assert_str_eq(n->entry, "entry2");
	ck_assert_str_eq(n->covers, "entry3");
	ck_assert_int_eq(n->part, 0);
	ck_assert_str_eq(n->part_ts, "");
	ck_assert_uint_eq(stage_nreplies(), 2);
}
END_TEST

START_TEST(whose_lease_is_lost_posts_nothing)
{
	begin_first();
	stage.lose_covers = true;
	stage_submit(second());
	stage_submit(third());
	go_on(20 * SECOND);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_int_eq(stage.nasked, 1);
	ck_assert_ptr_null(stage_done("entry2"));
}
END_TEST

START_TEST(every_post_and_edit_says_whom_it_answers)
{
	const struct stage_call *c;

	begin_first();
	stage_submit(second());
	stage_submit(third());
	go_on(20 * SECOND);
	c = stage_call_of("chat.postMessage", 1);
	scene_holds(stage_arg(c, "metadata"), "\"covers\":\"entry3\"");
	c = stage_call_of("chat.update", stage_count("chat.update") - 1);
	ck_assert_str_eq(stage_arg(c, "metadata"),
			 "{\"event_type\":\"konstruct_reply\","
			 "\"event_payload\":{\"entry\":\"entry2\",\"part\":0,"
			 "\"covers\":\"entry3\",\"final\":1}}");
}
END_TEST

static void wait_many(size_t n, const char *text)
{
	char id[20], ts[20];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "other%02zu", i);
		snprintf(ts, sizeof(ts), "1%02zu.000000", i);
		stage_submit(job_by(id, ts, "UBob", text));
	}
}

START_TEST(what_is_covered_is_in_hand_until_all_is_done)
{
	int i;

	(void)inhand_add("A1", "entry2", 0);
	(void)inhand_add("A1", "entry3", 0);
	begin_first();
	stage_submit(second());
	stage_submit(third());
	go_on(0);
	for (i = 0; i < 9999 && !cover_note(); i++)
		stage_run(1);
	ck_assert_ptr_nonnull(cover_note());
	ck_assert(inhand_has("entry2", 0) && inhand_has("entry3", 0));
	ck_assert_uint_eq(inhand_of("A1"), 2);
	stage_run(20 * SECOND);
	ck_assert_uint_eq(inhand_of("A1"), 0);
}
END_TEST

START_TEST(one_answer_is_to_twenty_at_most)
{
	begin_first();
	wait_many(25, "hello");
	go_on(MINUTE);
	ck_assert_int_eq(stage.nasked, 3);
	ck_assert_uint_eq(stage_done("other00")->ncovered, 19);
	ck_assert_uint_eq(stage_done("other20")->ncovered, 4);
}
END_TEST

START_TEST(one_answer_is_to_so_much_text_at_most)
{
	char text[6001];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	begin_first();
	wait_many(3, text);
	go_on(MINUTE);
	ck_assert_int_eq(stage.nasked, 3);
	ck_assert_uint_eq(stage_done("other00")->ncovered, 1);
	ck_assert_uint_eq(stage_done("other02")->ncovered, 0);
}
END_TEST

/* Who has crashed us, or was begun by itself before, is answered alone; and
 * what came after it isn't answered before it. */
START_TEST(who_is_to_be_alone_is)
{
	struct job *j = third();

	if (_i == 0)
		j->entry.attempts = 1;
	else if (_i == 1)
		j->entry.replayed_ms = 1;
	else
		j->agent.id = strdup("another");
	begin_first();
	stage_submit(second());
	stage_submit(j);
	stage_submit(job_by("entry4", "100.000400", "UBob", "four"));
	stage_submit(job_by("entry5", "100.000500", "UBob", "five"));
	go_on(MINUTE);
	ck_assert_int_eq(stage.nasked, 4);
	scene_holds(stage.asked[2], "]: three\n");
	scene_holds(stage.asked[3], "]: four\nBob");
	ck_assert_uint_eq(stage_done("entry3")->ncovered, 0);
	ck_assert_uint_eq(stage_done("entry4")->ncovered, 1);
}
END_TEST

START_TEST(all_are_told_that_it_failed)
{
	begin_first();
	stage_submit(second());
	stage_submit(third());
	stage.end = LLM_BUSY;
	go_on(MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 2);
	scene_holds(stage_reply(1)->text, "(ref. ");
	ck_assert_uint_eq(stage_done("entry2")->ncovered, 1);
}
END_TEST

START_TEST(a_stop_leaves_those_who_wait_to_the_next_start)
{
	begin_first();
	stage_submit(second());
	stage_submit(third());
	stage_run(SECOND);
	workers_drain(stage.workers, 0, 0);
	go_on(MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_uint_eq(notes_of("entry2") + notes_of("entry3"), 0);
}
END_TEST

/* taken up after a restart */

static struct job *again(struct job *j)
{
	j->again = j->intended = true;
	return j;
}

static void post_of(const char *entry, const char *ts, const char *more)
{
	struct stage_msg *m = &stage.msgs[stage.nmsgs++];

	snprintf(m->ts, sizeof(m->ts), "%s", ts);
	snprintf(m->thread, sizeof(m->thread), THREAD);
	snprintf(m->text, sizeof(m->text), "Thinking...");
	snprintf(m->metadata, sizeof(m->metadata),
		 "{\"event_type\":\"konstruct_reply\",\"event_payload\":"
		 "{\"entry\":\"%s\",\"part\":0%s}}",
		 entry, more);
}

static void submit_covering(const char *placeholder)
{
	struct job *j = again(second());

	free(j->entry.parts[0]);
	j->entry.parts[0] = strdup(placeholder);
	ck_assert_int_eq(job_cover(j, third()), 0);
	stage_submit(j);
}

START_TEST(what_was_covered_still_is)
{
	if (_i)
		post_of("entry2", "999.000001", "");
	stage_begin();
	submit_covering(_i ? "999.000001" : "");
	stage_run(MINUTE);
	ck_assert_ptr_null(cover_note());
	ck_assert_int_eq(stage.nasked, 1);
	scene_holds(stage.asked[0], "]: and two?\nAda");
	ck_assert_uint_eq(stage_nreplies(), 1);
	scene_holds(stage_arg(stage_call_of("chat.update", 0), "metadata"),
		    "\"covers\":\"entry3\"");
	ck_assert_uint_eq(stage_done("entry2")->ncovered, 1);
}
END_TEST

START_TEST(what_was_not_covered_is_gathered_anew)
{
	stage_begin();
	stage_submit(again(second()));
	stage_submit(again(third()));
	stage_run(MINUTE);
	ck_assert_str_eq(cover_note()->covers, "entry3");
	ck_assert_int_eq(stage.nasked, 1);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_uint_eq(stage_done("entry2")->ncovered, 1);
}
END_TEST

START_TEST(who_has_a_placeholder_of_his_own_is_answered_there)
{
	post_of("entry3", "999.000001", "");
	stage_begin();
	stage_submit(again(second()));
	stage_submit(again(third()));
	stage_run(2 * MINUTE);
	ck_assert_ptr_null(cover_note());
	ck_assert_int_eq(stage.nasked, 2);
	ck_assert_uint_eq(stage_nreplies(), 2);
	ck_assert_str_eq(stage_reply(0)->ts, "999.000001");
	ck_assert_str_eq(stage_reply(0)->text, "It is _here_.");
}
END_TEST

START_TEST(a_placeholder_of_somebody_covered_that_comes_late_is_deleted)
{
	stage_begin();
	stage_submit(again(second()));
	stage_submit(again(third()));
	stage_run(6 * SECOND);
	ck_assert_ptr_nonnull(cover_note());
	post_of("entry3", "999.000001", "");
	stage_run(MINUTE);
	ck_assert_uint_eq(stage_nreplies(), 1);
	ck_assert_str_ne(stage_reply(0)->ts, "999.000001");
	ck_assert_ptr_nonnull(stage_done("entry2"));
}
END_TEST

/* The journal is that of a backup. */
START_TEST(who_was_covered_by_an_answer_that_stands_is_not_answered_again)
{
	post_of("entry0", "999.000001",
		",\"covers\":\"entry9 entry2\""
		",\"final\":1");
	stage_begin();
	stage_submit(again(second()));
	if (_i)
		stage_submit(again(third()));
	stage_run(2 * MINUTE);
	ck_assert_str_eq(stage_done("entry2")->verdict, "answered before");
	ck_assert_int_eq(stage.nasked, _i);
	ck_assert_uint_eq(stage_nreplies(), 1 + (size_t)_i);
}
END_TEST

START_TEST(an_answer_that_is_not_its_last_edit_covers_nobody)
{
	post_of("entry0", "999.000001", ",\"covers\":\"entry2\"");
	post_of("entry0", "999.000002",
		",\"covers\":\"entry22 xentry2\""
		",\"final\":1");
	stage_begin();
	stage_submit(again(second()));
	stage_run(MINUTE);
	ck_assert_int_eq(stage.nasked, 1);
	ck_assert_uint_eq(stage_nreplies(), 3);
}
END_TEST

START_TEST(who_follows_one_answered_before_is_judged_alone)
{
	post_of("entry0", "999.000001", ",\"covers\":\"entry3\",\"final\":1");
	stage_begin();
	stage_submit(again(second()));
	stage_submit(again(third()));
	stage_run(2 * MINUTE);
	ck_assert_int_eq(stage.nasked, 1);
	ck_assert_str_eq(stage_done("entry3")->verdict, "answered before");
	ck_assert_uint_eq(stage_done("entry2")->ncovered, 0);
}
END_TEST

START_TEST(without_the_scope_to_look_they_are_answered_all_the_same)
{
	stage_fault("conversations.replies", FAULT_REFUSE, "missing_scope", 0);
	stage_fault("conversations.replies", FAULT_REFUSE, "missing_scope", 0);
	stage_begin();
	stage_submit(again(second()));
	stage_submit(again(third()));
	stage_run(MINUTE);
	ck_assert_int_eq(stage.nasked, 1);
	ck_assert_uint_eq(stage_done("entry2")->ncovered, 1);
}
END_TEST

START_TEST(whatever_is_gathered_can_be_stopped)
{
	int64_t ms;

	for (ms = 0; ms < 6000; ms += 130) {
		if (ms > 0) {
			stage_down();
			stage_up();
		}
		stage.first_ms = 300;
		stage_begin();
		stage_submit(stage_job("entry1", THREAD, NULL, "one?"));
		stage_submit(again(second()));
		stage_submit(third());
		stage_submit(job_by("entry4", "100.000400", "UBob", "four"));
		stage_run(ms);
	}
}
END_TEST

#define T(test) tcase_add_test(tc, test)

static void add_restarted(TCase *tc)
{
	tcase_add_loop_test(tc, what_was_covered_still_is, 0, 2);
	T(what_was_not_covered_is_gathered_anew);
	T(who_has_a_placeholder_of_his_own_is_answered_there);
	T(a_placeholder_of_somebody_covered_that_comes_late_is_deleted);
	tcase_add_loop_test(
		tc,
		who_was_covered_by_an_answer_that_stands_is_not_answered_again,
		0, 2);
	T(an_answer_that_is_not_its_last_edit_covers_nobody);
	T(who_follows_one_answered_before_is_judged_alone);
	T(without_the_scope_to_look_they_are_answered_all_the_same);
}

int main(void)
{
	Suite *s = suite_create("gather");
	TCase *tc = tcase_create("gather");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, stage_up, stage_down);
	tcase_set_timeout(tc, 30);
	T(what_waits_for_a_turn_is_answered_together);
	T(nothing_is_posted_before_the_journal_knows_what_is_covered);
	T(whose_lease_is_lost_posts_nothing);
	T(every_post_and_edit_says_whom_it_answers);
	T(what_is_covered_is_in_hand_until_all_is_done);
	T(one_answer_is_to_twenty_at_most);
	T(one_answer_is_to_so_much_text_at_most);
	tcase_add_loop_test(tc, who_is_to_be_alone_is, 0, 3);
	T(all_are_told_that_it_failed);
	T(a_stop_leaves_those_who_wait_to_the_next_start);
	add_restarted(tc);
	T(whatever_is_gathered_can_be_stopped);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
