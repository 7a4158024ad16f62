/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "integration/rig.h"

static struct rig rig;

static void setup(void)
{
	rig_up(&rig);
}

/* All that there may be of an app's. */
static size_t nodes;
static void setup_nodes(void)
{
	nodes = rig_is_shared() ? 2 : 1;
	rig_open_nodes(&rig, NULL, nodes);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", nodes, MS), 0);
}

static void teardown(void)
{
	rig_close(&rig);
}

static void check_answers(void)
{
	char ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
}

static uint64_t links_opened(void)
{
	struct sim_stats st;

	sim_stats(rig.sim, &st);
	return st.links_opened;
}

static bool opened_more(struct sim *s, void *arg)
{
	struct sim_stats st;

	sim_stats(s, &st);
	return st.links_opened > *(uint64_t *)arg;
}

static void wait_new_link(uint64_t before)
{
	ck_assert_int_eq(sim_wait(rig.sim, opened_more, &before, MS), 0);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
}

static const char *const reasons[] = { "warning", "refresh_requested",
				       "something_new" };

START_TEST(disconnect_frame_brings_a_new_link)
{
	uint64_t before = links_opened();

	ck_assert_int_eq(sim_disconnect(rig.sim, "A1", reasons[_i], 3000), 1);
	wait_new_link(before);
	check_answers();
}
END_TEST

/* True as soon as two links stand; never true once none does. */
static bool overlap(struct sim *s, void *arg)
{
	size_t n = sim_links(s, "A1");

	if (n == 0)
		*(bool *)arg = true;
	return n >= 2;
}

START_TEST(replacement_is_live_before_the_old_link_goes)
{
	bool gap = false;

	ck_assert_int_eq(sim_disconnect(rig.sim, "A1", "warning", -1), 1);
	ck_assert_int_eq(sim_wait(rig.sim, overlap, &gap, MS), 0);
	ck_assert(!gap);
	check_answers();
}
END_TEST

static const enum sim_cut cuts[] = { SIM_CUT_CLOSE, SIM_CUT_FIN,
				     SIM_CUT_RESET };

START_TEST(link_that_is_cut_comes_back)
{
	uint64_t before = links_opened();

	ck_assert_int_eq(sim_cut(rig.sim, "A1", cuts[_i]), 1);
	wait_new_link(before);
	check_answers();
}
END_TEST

START_TEST(strange_frames_are_survived)
{
	static char big[5 << 20];
	uint64_t before = links_opened();

	memset(big, 'x', sizeof(big));
	ck_assert_int_eq(sim_frame(rig.sim, "A1", "{not json", 9), 0);
	ck_assert_int_eq(sim_frame(rig.sim, "A1", "[]", 2), 0);
	ck_assert_int_eq(sim_frame_binary(rig.sim, "A1", "\0\1\2", 3), 0);
	ck_assert_int_eq(sim_frame(rig.sim, "A1", big, sizeof(big)), 0);
	check_answers();
	ck_assert_uint_eq(links_opened(), before);
}
END_TEST

START_TEST(commands_and_clicks_are_acked_and_ignored)
{
	ck_assert_int_eq(sim_envelope(rig.sim, "A1", "slash_commands",
				      "{\"command\":\"/ask\",\"text\":\"x\","
				      "\"trigger_id\":\"1.2\"}",
				      true),
			 0);
	ck_assert_int_eq(sim_envelope(rig.sim, "A1", "interactive",
				      "{\"type\":\"block_actions\","
				      "\"actions\":[]}",
				      true),
			 0);
	ck_assert_int_eq(sim_envelope(rig.sim, "A1", "events_api",
				      "{\"type\":\"app_rate_limited\","
				      "\"team_id\":\"T1\"}",
				      false),
			 0);
	ck_assert_int_eq(
		sim_envelope(rig.sim, "A1", "of_the_future", "{}", false), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	check_answers();
}
END_TEST

START_TEST(health_tells_of_a_working_daemon)
{
	char *body;

	ck_assert_int_eq(rig_get(&rig, "/health", &body), 200);
	ck_assert_msg(strstr(body, "\"live\":1") != NULL, "%s", body);
	free(body);
	ck_assert_int_eq(rig_get(&rig, "/ready", NULL), 200);
	ck_assert_int_eq(rig_get(&rig, "/v1/status", NULL), 404);
}
END_TEST

START_TEST(no_token_and_no_text_is_in_the_log)
{
	char ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> xyzzy-secret", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	rig_stop(&rig);
	ck_assert(!rig_logged(&rig, "xyzzy-secret", 0));
	ck_assert(!rig_logged(&rig, "xoxb-", 0));
	ck_assert(!rig_logged(&rig, "xapp-", 0));
	ck_assert(!rig_logged(&rig, "ticket=", 0));
}
END_TEST

static int connect_app(const char *app, const char *word)
{
	char *out = NULL;
	int rc = rig_ctl(&rig, &out, ARGS("app", "connect", app, "--json"));

	ck_assert_msg(out && strstr(out, word), "%d: %s", rc, out ? out : "?");
	free(out);
	return rc;
}

START_TEST(parked_app_is_connected_by_an_admin)
{
	const struct sim_fault off = {
		.kind = SIM_FAULT_ERROR,
		.method = "apps.connections.open",
		.error = "invalid_auth",
	};

	ck_assert_int_eq(sim_fault(rig.sim, &off), 0);
	ck_assert_int_eq(sim_disconnect(rig.sim, "A1", "link_disabled", -1),
			 (int)nodes);
	ck_assert(rig_logged(&rig, "stays offline", MS));
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 0, MS), 0);
	/* Once more, and what came of it. */
	ck_assert_int_eq(connect_app("A1", "invalid_auth"), EX_UNAVAILABLE);
	sim_fault_clear(rig.sim);
	ck_assert_int_eq(connect_app("A1", "\"live\":true"), EX_OK);
	/* By all nodes that had one. */
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", nodes, MS), 0);
	check_answers();
	/* Nothing is dialed for one that is connected. */
	ck_assert_int_eq(connect_app("A1", "\"state\":\"live\""), EX_OK);
	ck_assert_uint_eq(sim_links(rig.sim, "A1"), nodes);
	ck_assert_int_eq(connect_app("A99", "no app 'A99'"), EX_NOINPUT);
}
END_TEST

START_TEST(quarantined_token_is_tried_at_once_for_an_admin)
{
	const struct sim_fault dead = {
		.kind = SIM_FAULT_ERROR,
		.method = "chat.postMessage",
		.error = "account_inactive",
	};
	size_t posts;
	char ts[SIM_TS];

	ck_assert_int_eq(sim_fault(rig.sim, &dead), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.postMessage", 1, MS), 0);
	posts = sim_count(rig.sim, "chat.postMessage");
	sim_fault_clear(rig.sim);
	ck_assert_int_eq(connect_app("A1", "\"live\":true"), EX_OK);
	check_answers();
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), posts + 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("links");
	TCase *tc = tcase_create("links");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_loop_test(tc, disconnect_frame_brings_a_new_link, 0,
			    sizeof(reasons) / sizeof(reasons[0]));
	tcase_add_test(tc, replacement_is_live_before_the_old_link_goes);
	tcase_add_loop_test(tc, link_that_is_cut_comes_back, 0,
			    sizeof(cuts) / sizeof(cuts[0]));
	tcase_add_test(tc, strange_frames_are_survived);
	tcase_add_test(tc, commands_and_clicks_are_acked_and_ignored);
	tcase_add_test(tc, health_tells_of_a_working_daemon);
	tcase_add_test(tc, no_token_and_no_text_is_in_the_log);
	suite_add_tcase(s, tc);

	tc = tcase_create("admin");
	tcase_add_checked_fixture(tc, setup_nodes, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_test(tc, parked_app_is_connected_by_an_admin);
	tcase_add_test(tc, quarantined_token_is_tried_at_once_for_an_admin);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
