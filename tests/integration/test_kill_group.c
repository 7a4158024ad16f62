/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "integration/death.h"

/* Death while messages that waited together are answered together. */

static struct rig rig;

static void teardown(void)
{
	death_close(&rig);
}

static const struct sim_llm first = { .contains = "hello", .held = true };

/* The first is answered by itself, the other two together. */
static const char *const group_places[] = {
	"covering",   /* in the transaction that says so */
	"covered",    /* after it */
	"posted:2",   /* their placeholder stands */
	"asking:2",   /* the model is about to be called */
	"answered:2", /* the answer is in the journal only */
	"written:2",  /* the last edit is made, not done */
	"closing:3",  /* in the transaction that ends both */
};

static void count_words(const char *ts, const char *words, size_t expected)
{
	struct sim_msg *m;
	size_t i, n, found = 0;

	m = sim_messages(rig.sim, "C1", ts, &n);
	for (i = 0; i < n; i++)
		found += m[i].bot_id && !m[i].deleted &&
			 strstr(m[i].text, words) != NULL;
	sim_messages_free(m, n);
	ck_assert_msg(found == expected, "'%s' is in %zu replies", words,
		      found);
}

/* Before that is written down they may come to an answer each, as whoever was
 * in our hands when we died is answered by itself. */
START_TEST(death_while_two_are_answered_together_leaves_one_answer)
{
	bool known = strcmp(group_places[_i], "covering") != 0;
	char ts[SIM_TS];
	size_t n;

	death_open(&rig);
	sim_llm(rig.sim, &first);
	death_start(&rig, group_places[_i]);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	rig_say(&rig, "C1", "U2", "what about two?", ts, NULL);
	rig_say(&rig, "C1", "U1", "and three?", ts, NULL);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "reactions.add", 2, MS), 0);
	sim_llm_go(rig.sim);
	death_await(&rig);
	rig_start(&rig);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	n = rig_replies(&rig, "C1", ts);
	ck_assert(n == 2 || (n == 3 && !known));
	count_words(ts, "what about two?", 1);
	count_words(ts, "and three?", 1);
	count_words(ts, "I will go on from here.", n);
}
END_TEST

#define LEN(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
	Suite *s = suite_create("death in a common answer");
	TCase *tc = tcase_create("death in a common answer");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_loop_test(
		tc, death_while_two_are_answered_together_leaves_one_answer, 0,
		LEN(group_places));
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
