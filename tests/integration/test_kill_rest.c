/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "integration/death.h"
#include "integration/gap.h"
#include "pg.h"

/* Death between the messages of an answer, while stopping, catching up,
 * migrating and spilling. */

#define LINES 700

static struct rig rig;

static void teardown(void)
{
	death_close(&rig);
}

static void long_answer(struct buf *text)
{
	struct sim_llm rule = { .piece = 500 };
	int i;

	for (i = 0; i < LINES; i++)
		buf_addf(text, "this is line %03d of a long answer\n\n", i);
	rule.text = text->data;
	sim_llm(rig.sim, &rule);
}

/* All posts of the thread hold each line once. */
static void expect_lines(const char *ts)
{
	struct sim_msg *m;
	char line[32];
	size_t k, n;
	int i, seen;

	m = sim_messages(rig.sim, "C1", ts, &n);
	for (i = 0; i < LINES; i++) {
		snprintf(line, sizeof(line), "is line %03d of", i);
		for (seen = 0, k = 0; k < n; k++)
			if (m[k].bot_id && !m[k].deleted)
				seen += strstr(m[k].text, line) ||
					(m[k].blocks &&
					 strstr(m[k].blocks, line));
		ck_assert_int_eq(seen, 1);
	}
	sim_messages_free(m, n);
}

/* posted: the placeholder, then the second and the third part. */
static const char *const part_places[] = { "part:1", "part:2", "posted:2",
					   "posted:3", "written" };

START_TEST(death_between_the_parts_of_an_answer_leaves_each_once)
{
	struct buf text;
	char ts[SIM_TS];

	death_open(&rig);
	buf_init(&text, 1 << 20);
	long_answer(&text);
	death_start(&rig, part_places[_i]);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	death_await(&rig);
	rig_start(&rig);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 3);
	expect_lines(ts);
	buf_release(&text);
}
END_TEST

/* Where the answer is a new message, as Slack takes no edits for a while. */
static const char *const swap_places[] = { "answered", "posted:2", "part",
					   "swapped" };

START_TEST(death_between_a_new_message_and_the_old_one_leaves_one)
{
	struct sim_fault rate = { .kind = SIM_FAULT_RATE,
				  .method = "chat.update",
				  .times = 1,
				  .ms = 60000 };
	char ts[SIM_TS];

	death_open(&rig);
	sim_fault(rig.sim, &rate);
	death_start(&rig, swap_places[_i]);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	death_await(&rig);
	rig_start(&rig);
	death_expect_answer(&rig, ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}
END_TEST

static const char *const stop_places[] = { "draining", "parking", "drained" };

START_TEST(death_while_stopping_leaves_one_whole_answer)
{
	char ts[SIM_TS];

	rig_set_daemon(" drain_timeout_s = 0\n");
	death_open(&rig);
	rig_set_daemon(NULL);
	rig_pace(&rig, -1, 500);
	death_start(&rig, stop_places[_i]);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.update", 1, MS), 0);
	kill(rig.bed.pid, SIGTERM);
	death_await(&rig);
	rig_pace(&rig, -1, 0);
	rig_start(&rig);
	death_expect_answer(&rig, ts);
}
END_TEST

static const char *const sweep_places[] = { "sweeping", "swept" };

/* Whoever dies while it looks for what was said while it was down does so
 * again. */
START_TEST(death_while_catching_up_loses_nothing_of_it)
{
	char ts[SIM_TS], dm[SIM_TS];
	struct err e = { 0 };

	death_open(&rig);
	rig_start(&rig);
	rig_say(&rig, "D1", "U1", "hello", NULL, ts);
	free(rig_answer(&rig, "D1", ts));
	rig_stop(&rig);
	gap_say(&rig, "D1", "U1", "anybody?", NULL, dm);
	gap_make(&rig, 10);
	setenv("KONSTRUCT_DIE_AT", sweep_places[_i], 1);
	ck_assert_int_eq(bed_start(&rig.bed, &e), 0);
	unsetenv("KONSTRUCT_DIE_AT");
	death_await(&rig);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "D1", dm, 1, MS), 0);
	free(rig_answer(&rig, "D1", dm));
	ck_assert(rig_logged(&rig, "after a gap", MS));
	ck_assert_uint_eq(rig_replies(&rig, "D1", dm), 1);
}
END_TEST

START_TEST(death_in_a_migration_leaves_the_old_version)
{
	struct err e = { 0 };
	char ts[SIM_TS];

	rig_open(&rig, NULL);
	setenv("KONSTRUCT_DIE_AT", "migrating", 1);
	ck_assert_int_lt(bed_apply(&rig.bed, &e), 0);
	unsetenv("KONSTRUCT_DIE_AT");
	rig_start(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	death_expect_answer(&rig, ts);
}
END_TEST

/* Written to the spill, not acked. */
START_TEST(death_after_spilling_loses_nothing)
{
	char ts[SIM_TS];

	death_open(&rig);
	death_start(&rig, "spilled");
	pg_down();
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	death_await(&rig);
	pg_up();
	rig_start(&rig);
	death_expect_answer(&rig, ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}
END_TEST

/* Both in the spill and in the database. */
START_TEST(death_after_moving_answers_once)
{
	char ts[SIM_TS];

	death_open(&rig);
	death_start(&rig, "moved");
	pg_down();
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	pg_up();
	death_await(&rig);
	rig_start(&rig);
	death_expect_answer(&rig, ts);
}
END_TEST

#define LEN(a) (int)(sizeof(a) / sizeof((a)[0]))

static void add_alone(TCase *tc)
{
	tcase_add_loop_test(
		tc, death_between_the_parts_of_an_answer_leaves_each_once, 0,
		LEN(part_places));
	tcase_add_loop_test(tc, death_while_stopping_leaves_one_whole_answer, 0,
			    LEN(stop_places));
	tcase_add_loop_test(
		tc, death_between_a_new_message_and_the_old_one_leaves_one, 0,
		LEN(swap_places));
	tcase_add_loop_test(tc, death_while_catching_up_loses_nothing_of_it, 0,
			    LEN(sweep_places));
	tcase_add_test(tc, death_in_a_migration_leaves_the_old_version);
}

/* Each takes seconds: of what is the same turn on another journal, one. */
static void add_shared(TCase *tc)
{
	tcase_add_loop_test(
		tc, death_between_the_parts_of_an_answer_leaves_each_once, 0,
		1);
	tcase_add_loop_test(tc, death_while_stopping_leaves_one_whole_answer, 0,
			    1);
	tcase_add_test(tc, death_after_spilling_loses_nothing);
	tcase_add_test(tc, death_after_moving_answers_once);
}

int main(void)
{
	Suite *s = suite_create("death elsewhere");
	TCase *tc = tcase_create("death elsewhere");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, CASE_S);
	if (rig_is_shared())
		add_shared(tc);
	else
		add_alone(tc);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
