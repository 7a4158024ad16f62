/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "integration/gap.h"
#include "integration/rig.h"
#include "integration/shift.h"

/*
 * The daemon's clocks jump, Slack's don't. Needs a build with
 * --enable-killpoints (base/clock_shift.h).
 */

#define MINUTE INT64_C(60000)
#define DAY    (24 * 60 * MINUTE)

static struct rig rig;

static void teardown(void)
{
	rig_close(&rig);
	shift_end();
}

/* All that expires by the clock has had its chance: each second it is looked
 * for, on two threads. */
static void let_expire(void)
{
	poll(NULL, 0, 2500);
}

static void redeliver_all(void)
{
	struct sim_delivery *d;
	size_t i, n;

	d = sim_deliveries(rig.sim, "A1", &n);
	for (i = 0; i < n; i++)
		if (d[i].event_id[0] != '\0')
			(void)sim_redeliver(rig.sim, d[i].event_id, false);
	sim_deliveries_free(d, n);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}

static void follow_up(const char *thread, size_t replies)
{
	rig_say(&rig, "C1", "U1", "and then?", thread, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", thread, replies, MS), 0);
	free(rig_answer(&rig, "C1", thread));
	ck_assert_uint_eq(rig_replies(&rig, "C1", thread), replies);
}

static const struct {
	int64_t first, second;
} jumps[] = {
	{ 3 * DAY, 0 },        /* ahead, and back */
	{ -3 * DAY, 0 },       /* behind, and right again */
	{ 3 * DAY, -3 * DAY }, /* anything */
};

START_TEST(a_jump_of_the_wall_clock_answers_nothing_twice_and_forgets_nothing)
{
	char ts[SIM_TS];

	rig_up(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	shift[0] = jumps[_i].first;
	let_expire();
	redeliver_all();
	follow_up(ts, 2);
	ck_assert_int_eq(rig_get(&rig, "/ready", NULL), 200);
	shift[0] = jumps[_i].second;
	let_expire();
	redeliver_all();
	follow_up(ts, 3);
	ck_assert_int_eq(rig_get(&rig, "/ready", NULL), 200);
	ck_assert_uint_eq(sim_links(rig.sim, "A1"), 1);
}
END_TEST

START_TEST(a_bucket_is_neither_stuck_nor_bottomless_after_a_jump)
{
	char ts[SIM_TS];

	rig_open(&rig, " rate_per_minute = 60\n burst = 1\n");
	rig_start(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> one", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	shift[0] = -DAY;
	poll(NULL, 0, 1200);
	rig_say(&rig, "C1", "U1", "<@UB1> two", NULL, ts);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 1, MS), 0);
	poll(NULL, 0, 1200);
	rig_say(&rig, "C1", "U1", "<@UB1> three", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

/* The machine was suspended: no process ran, no link was lost that we know. */
START_TEST(what_was_said_while_the_machine_slept_is_found)
{
	char ts[SIM_TS], dm[SIM_TS];

	rig_up(&rig);
	rig_say(&rig, "D1", "U1", "hello", NULL, ts);
	free(rig_answer(&rig, "D1", ts));
	let_expire(); /* known to be live */
	gap_say(&rig, "D1", "U1", "anybody?", NULL, dm);
	shift[1] = 10 * MINUTE;
	ck_assert_int_eq(sim_wait_reply(rig.sim, "D1", dm, 1, MS), 0);
	free(rig_answer(&rig, "D1", dm));
	ck_assert_uint_eq(rig_replies(&rig, "D1", dm), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("clock");
	TCase *tc = tcase_create("clock");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, shift_begin, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(
		tc,
		a_jump_of_the_wall_clock_answers_nothing_twice_and_forgets_nothing,
		0, (int)(sizeof(jumps) / sizeof(jumps[0])));
	tcase_add_test(tc,
		       a_bucket_is_neither_stuck_nor_bottomless_after_a_jump);
	tcase_add_test(tc, what_was_said_while_the_machine_slept_is_found);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
