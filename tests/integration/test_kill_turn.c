/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "integration/death.h"

/* Death at the places of one turn, and at two of them. */

static struct rig rig;

static void teardown(void)
{
	death_close(&rig);
}

static const struct {
	const char *place;
	const char *second; /* and there, when it is started again */
} places[] = {
	{ "appended", NULL },    /* committed, not acked */
	{ "acked", NULL },       /* acked, perhaps not routed */
	{ "gated", NULL },       /* claimed in memory, nothing written */
	{ "accepted", NULL },    /* the verdict is committed */
	{ "posted", NULL },      /* Slack has the placeholder, we don't know */
	{ "noted", NULL },       /* we know */
	{ "asking", NULL },      /* the model is about to be called */
	{ "streaming:5", NULL }, /* in mid-stream */
	{ "answered", NULL },    /* the answer is in the journal only */
	{ "written", NULL },     /* the last edit is made, not done */
	{ "closing:1", NULL }, /* in a transaction of done: the twin event's */
	{ "closing:2", NULL }, /* and the turn's */
	{ "posted", "healing" }, /* before the second look */
	{ "accepted", "posted" }, { "streaming:2", "streaming:4" },
	{ "written", "written" },
};
#define PLACES (int)(sizeof(places) / sizeof(places[0]))

START_TEST(death_at_any_place_leaves_one_whole_answer)
{
	char ts[SIM_TS];

	death_open(&rig);
	death_start(&rig, places[_i].place);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	death_await(&rig);
	if (places[_i].second)
		death_again(&rig, places[_i].second);
	rig_start(&rig);
	death_expect_answer(&rig, ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}
END_TEST

/* Where a question begins, and no later. */
static const char *const beginnings[] = { "appended", "acked",  "gated",
					  "accepted", "posted", "closing:1" };

START_TEST(what_an_edit_makes_a_question_is_answered_once)
{
	char ts[SIM_TS];

	death_open(&rig);
	death_start(&rig, beginnings[_i]);
	rig_say(&rig, "C1", "U1", "hello", NULL, ts);
	ck_assert_int_eq(sim_edit(rig.sim, "C1", ts, "<@UB1> hello"), 0);
	death_await(&rig);
	rig_start(&rig);
	death_expect_answer(&rig, ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}
END_TEST

/* Whoever crashes us three times is given up; who waits behind is not. */
START_TEST(a_message_that_crashes_us_is_given_up_alone)
{
	char ts[SIM_TS], second[SIM_TS];
	struct sim_msg *m;
	size_t n;

	death_open(&rig);
	death_start(&rig, "asking");
	rig_say(&rig, "C1", "U1", "<@UB1> a poisonous one", NULL, ts);
	death_await(&rig);
	death_again(&rig, "asking");
	death_again(&rig, "asking");
	setenv("KONSTRUCT_DIE_AT", "closing", 1);
	rig_start(&rig);
	unsetenv("KONSTRUCT_DIE_AT");
	rig_say(&rig, "C1", "U2", "<@UB1> hello", ts, second);
	death_await(&rig); /* with the sentence written, which stands */
	rig_start(&rig);
	free(rig_answer(&rig, "C1", ts));
	m = sim_messages(rig.sim, "C1", ts, &n);
	ck_assert_uint_eq(n, 4);
	ck_assert_ptr_nonnull(strstr(m[1].text, "several times"));
	ck_assert_ptr_nonnull(strstr(m[3].text, "I will go on from here."));
	sim_messages_free(m, n);
}
END_TEST

START_TEST(whoever_only_waits_is_not_blamed_for_a_kill)
{
	struct sim_settings set;
	char ts[SIM_TS];
	int i;

	death_open(&rig);
	sim_settings(rig.sim, &set);
	set.llm_first_ms = 60000;
	sim_set(rig.sim, &set);
	rig_start(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	for (i = 1; i <= 5; i++) {
		ck_assert_int_eq(sim_wait_asks(rig.sim, i, MS), 0);
		rig_kill(&rig);
		if (i == 5) {
			set.llm_first_ms = 10;
			sim_set(rig.sim, &set);
		}
		rig_start(&rig);
	}
	death_expect_answer(&rig, ts);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("death in a turn");
	TCase *tc = tcase_create("death in a turn");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_loop_test(tc, death_at_any_place_leaves_one_whole_answer, 0,
			    PLACES);
	tcase_add_loop_test(tc, what_an_edit_makes_a_question_is_answered_once,
			    0,
			    (int)(sizeof(beginnings) / sizeof(beginnings[0])));
	if (!rig_is_shared()) {
		tcase_add_test(tc, a_message_that_crashes_us_is_given_up_alone);
		tcase_add_test(tc, whoever_only_waits_is_not_blamed_for_a_kill);
	}
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
