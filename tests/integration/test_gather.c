/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "integration/rig.h"
#include "sim/act.h"

/* What comes while a thread is being answered: with the real daemon, on both
 * stores. */

static struct rig rig;
static char root[SIM_TS], two[SIM_TS], three[SIM_TS];

static void setup(void)
{
	rig_up(&rig);
}

static void teardown(void)
{
	rig_close(&rig);
}

static void ask_one(void)
{
	rig_say(&rig, "C1", "U1", "<@UB1> one", NULL, root);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
}

/* The first is being answered until sim_llm_go(), two more wait. */
static void let_two_wait(void)
{
	const struct sim_llm first = { .contains = "one", .held = true };

	ck_assert_int_eq(sim_llm(rig.sim, &first), 0);
	ask_one();
	rig_say(&rig, "C1", "U2", "what about two?", root, two);
	rig_say(&rig, "C1", "U1", "and three?", root, three);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "reactions.add", 2, MS), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}

/* As if the model had said nothing at all: it is asked again. */
static void go_on_after_a_kill(void)
{
	rig_kill(&rig);
	sim_llm_go(rig.sim);
	rig_start(&rig);
}

static struct sim_msg *replies(size_t *n)
{
	return sim_messages(rig.sim, "C1", root, n);
}

static size_t saying(const char *words)
{
	struct sim_msg *m;
	size_t i, n, found = 0;

	m = replies(&n);
	for (i = 0; i < n; i++)
		found += m[i].app_id && !m[i].deleted &&
			 strstr(m[i].text, words) != NULL;
	sim_messages_free(m, n);
	return found;
}

static void check_common_answer(void)
{
	free(rig_answer(&rig, "C1", root));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 2);
	ck_assert_uint_eq(saying("what about two?"), 1);
	ck_assert_uint_eq(saying("and three?"), 1);
	ck_assert_uint_eq(saying("I will go on from here."), 2);
}

START_TEST(who_waits_gets_eyes_and_one_answer_with_the_others)
{
	struct sim_ask *a;
	size_t n;

	let_two_wait();
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 1);
	sim_llm_go(rig.sim);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 2, MS), 0);
	check_common_answer();
	ck_assert(sim_reacted(rig.sim, "C1", two, "UB1", "eyes"));
	ck_assert(sim_reacted(rig.sim, "C1", three, "UB1", "eyes"));
	ck_assert(!sim_reacted(rig.sim, "C1", root, "UB1", "eyes"));
	a = sim_asks(rig.sim, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_ptr_nonnull(strstr(a[1].body, "what about two?\\nAlice ["));
	sim_asks_free(a, n);
}
END_TEST

START_TEST(who_waited_when_we_died_is_answered_with_the_others)
{
	let_two_wait();
	go_on_after_a_kill();
	check_common_answer();
}
END_TEST

static struct json *explain(const char *ts)
{
	const char *args[] = { "--json", "explain", NULL, NULL };
	struct err e = { 0 };
	char url[100], *out = NULL;
	struct json *j;

	snprintf(url, sizeof(url),
		 "https://acme.slack.com/archives/C1/p%.10s%s", ts, ts + 11);
	args[2] = url;
	out = rig_run(&rig, 0, args);
	j = json_parse(out, strlen(out), 1 << 20, &e);
	ck_assert_msg(j != NULL, "%s", out);
	free(out);
	return j;
}

/* What it asks isn't in what Slack sent, but in the transcript. */
START_TEST(another_answer_is_none_of_the_others)
{
	const struct sim_llm next = { .contains = "two?", .held = true };
	char first[SIM_TS];
	struct sim_msg *m;
	size_t n;

	ask_one();
	free(rig_answer(&rig, "C1", root));
	m = replies(&n);
	(void)snprintf(first, sizeof(first), "%s", m[n - 1].ts);
	sim_messages_free(m, n);
	ck_assert_int_eq(sim_llm(rig.sim, &next), 0);
	rig_say(&rig, "C1", "U2", "what about two?", root, two);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 2, MS), 0);
	rig_say(&rig, "C1", "U1", "and three?", root, three);
	ck_assert_int_eq(sim_click(rig.sim, "C1", first, "U1",
				   "konstruct_again", NULL),
			 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	go_on_after_a_kill();
	free(rig_answer(&rig, "C1", root));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 4);
	ck_assert_uint_eq(saying("You said: \"one\""), 2);
	ck_assert_uint_eq(saying("and three?"), 1);
}
END_TEST

START_TEST(it_is_explained_whose_answer_a_message_has)
{
	struct json *leader, *covered;

	let_two_wait();
	go_on_after_a_kill();
	check_common_answer();
	leader = explain(two);
	covered = explain(three);
	ck_assert_str_eq(json_str(covered, "entries.0.covered_by"),
			 json_str(leader, "entries.0.entry"));
	ck_assert_str_eq(json_str(leader, "entries.0.covers.0"),
			 json_str(covered, "entries.0.entry"));
	ck_assert_str_eq(json_str(covered, "entries.0.state"), "done");
	ck_assert_uint_eq(json_len(covered, "entries.0.replies"), 0);
	ck_assert_uint_eq(json_len(leader, "entries.0.replies"), 1);
	json_free(leader);
	json_free(covered);
}
END_TEST

/* The common answer has begun, and has no end. */
static void hang_common_answer(void)
{
	struct sim_llm stuck = { .contains = "three?",
				 .text = "The beginning of an answer that has"
					 " no end at all.",
				 .mode = SIM_LLM_SILENCE,
				 .after = 2 };

	sim_llm(rig.sim, &stuck);
	let_two_wait();
	sim_llm_go(rig.sim);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C1", root, "The beginning", MS), 0);
}

START_TEST(a_question_that_is_deleted_is_left_out_of_the_common_answer)
{
	rig_hurry(&rig); /* else in a minute, when the model is given up */
	hang_common_answer();
	if (_i) {
		rig_kill(&rig);
		/* Or Slack tells a link of the dead, and again in a minute. */
		ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 0, MS), 0);
	}
	ck_assert_int_eq(sim_delete(rig.sim, "C1", three), 0);
	if (_i)
		rig_start(&rig);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C1", root, "what about two?", MS), 0);
	free(rig_answer(&rig, "C1", root));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 2);
	ck_assert_uint_eq(saying("three"), 0);
	ck_assert_uint_eq(saying("I will go on from here."), 2);
}
END_TEST

START_TEST(a_question_that_is_edited_changes_the_common_answer)
{
	hang_common_answer();
	ck_assert_int_eq(sim_edit(rig.sim, "C1", three, "and four?"), 0);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "and four?", MS),
			 0);
	free(rig_answer(&rig, "C1", root));
	ck_assert_uint_eq(saying("what about two?"), 1);
	ck_assert_uint_eq(saying("and four?"), 1);
	ck_assert_uint_eq(saying("three"), 0);
}
END_TEST

START_TEST(the_first_of_them_may_be_deleted_too)
{
	hang_common_answer();
	ck_assert_int_eq(sim_delete(rig.sim, "C1", two), 0);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 3, MS), 0);
	ck_assert_int_eq(sim_edit(rig.sim, "C1", three, "and four?"), 0);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", root, "and four?", MS),
			 0);
	free(rig_answer(&rig, "C1", root));
	ck_assert_uint_eq(saying("and four?"), 1);
	ck_assert_uint_eq(saying("about two"), 0);
}
END_TEST

/* Of the reply that says this; "" when none does. */
static void reply_saying(const char *words, char ts[SIM_TS])
{
	struct sim_msg *m;
	size_t i, n;

	ts[0] = '\0';
	m = replies(&n);
	for (i = 0; i < n; i++)
		if (m[i].app_id && !m[i].deleted && strstr(m[i].text, words))
			(void)snprintf(ts, SIM_TS, "%s", m[i].ts);
	sim_messages_free(m, n);
}

/* By whoever said one of them, though not the first. */
START_TEST(a_common_answer_is_regenerated_for_all)
{
	char ts[SIM_TS];

	let_two_wait();
	sim_llm_go(rig.sim);
	check_common_answer();
	reply_saying("and three?", ts);
	ck_assert_int_eq(
		sim_click(rig.sim, "C1", ts, "U1", "konstruct_again", NULL), 0);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", root, 3, MS), 0);
	free(rig_answer(&rig, "C1", root));
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 3);
	ck_assert_uint_eq(saying("what about two?"), 2);
	ck_assert_uint_eq(saying("and three?"), 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gather");
	TCase *tc = tcase_create("gather");
	SRunner *sr;
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_test(tc, who_waits_gets_eyes_and_one_answer_with_the_others);
	tcase_add_test(tc, who_waited_when_we_died_is_answered_with_the_others);
	tcase_add_test(tc, another_answer_is_none_of_the_others);
	tcase_add_test(tc, it_is_explained_whose_answer_a_message_has);
	tcase_add_loop_test(
		tc, a_question_that_is_deleted_is_left_out_of_the_common_answer,
		0, 2);
	tcase_add_test(tc, a_question_that_is_edited_changes_the_common_answer);
	tcase_add_test(tc, the_first_of_them_may_be_deleted_too);
	tcase_add_test(tc, a_common_answer_is_regenerated_for_all);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
