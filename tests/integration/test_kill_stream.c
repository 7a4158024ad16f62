/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "integration/death.h"

/* Death while an answer grows by Slack's methods for streams. */

static struct rig rig;

static void teardown(void)
{
	death_close(&rig);
}

/* Where it streams by Slack's methods; the last place is of a second death. */
static const struct {
	const char *place;
	const char *second;
} flow_places[] = {
	{ "noted:2", NULL },       /* the journal knows that one is to begin */
	{ "flowing", NULL },       /* Slack has it, we don't know which it is */
	{ "noted:3", NULL },       /* we know */
	{ "appended_flow", NULL }, /* it has grown */
	{ "answered", NULL },      /* the answer is in the journal, */
	{ "noted:5", NULL },       /* and half of what makes it part 0 */
	{ "flow_ending", NULL },   /* and all of that */
	{ "flow_ended", NULL },    /* it is whole, and we don't know */
	{ "swapped", NULL },       /* the placeholder is to go */
	{ "flowing", "asking" },      { "appended_flow", "written" },
	{ "flow_ending", "written" },
};

static void stream_from_now_on(void)
{
	rig_start(&rig);
	rig_do(&rig, 0, ARGS("tenant", "set", "acme", "--streaming", "yes"));
	rig_kill(&rig);
}

static bool still_streams(const char *ts)
{
	struct sim_msg *m;
	bool yes = false;
	size_t i, n;

	m = sim_messages(rig.sim, "C1", ts, &n);
	for (i = 0; i < n; i++)
		yes = yes || (m[i].streaming && !m[i].deleted);
	sim_messages_free(m, n);
	return yes;
}

START_TEST(death_of_a_stream_leaves_one_whole_answer)
{
	char ts[SIM_TS];

	death_open(&rig);
	rig_pace(&rig, -1, 100);
	stream_from_now_on();
	death_start(&rig, flow_places[_i].place);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	death_await(&rig);
	if (flow_places[_i].second)
		death_again(&rig, flow_places[_i].second);
	rig_start(&rig);
	death_expect_answer(&rig, ts);
	ck_assert(!still_streams(ts));
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}
END_TEST

#define LEN(a) (int)(sizeof(a) / sizeof((a)[0]))

/* Each takes seconds: of what is the same on another journal, some. */
int main(void)
{
	Suite *s = suite_create("death in a stream");
	TCase *tc = tcase_create("death in a stream");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_loop_test(tc, death_of_a_stream_leaves_one_whole_answer,
			    rig_is_shared() ? 1 : 0,
			    rig_is_shared() ? 3 : LEN(flow_places));
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
