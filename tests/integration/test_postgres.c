/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "integration/rig.h"
#include "pg.h"

static const struct pg *pg;
static struct rig rig;

static void setup(void)
{
	rig_with_redis(false);
	rig_up(&rig);
}

static void setup_redis(void)
{
	rig_with_redis(true);
	rig_up(&rig);
}

static void setup_hasty(void)
{
	rig_set_daemon(" drain_timeout_s = 1\n");
	setup();
}

static void teardown(void)
{
	rig_close(&rig);
}

START_TEST(mention_and_follow_up_are_answered)
{
	char ts[SIM_TS], next[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	rig_say(&rig, "C1", "U1", "and then?", ts, next);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM transcript"), 4);
	ck_assert_int_eq(pg_ask("SELECT sum(answers) FROM usage"), 2);
}
END_TEST

/* A story that begins and doesn't end. */
static const struct sim_llm stuck = {
	.contains = "story",
	.mode = SIM_LLM_SILENCE,
	.after = 2,
};

static void tell_for_ever(char ts[SIM_TS])
{
	ck_assert_int_eq(sim_llm(rig.sim, &stuck), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> tell me a story", NULL, ts);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.update", 1, MS), 0);
}

START_TEST(answer_cut_by_kill_goes_on_in_the_same_placeholder)
{
	char ts[SIM_TS];

	tell_for_ever(ts);
	rig_kill(&rig);
	sim_llm_clear(rig.sim);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 2, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
}
END_TEST

START_TEST(server_that_restarts_during_an_answer_costs_nothing)
{
	char ts[SIM_TS];

	rig_pace(&rig, -1, 100);
	rig_say(&rig, "C1", "U1", "<@UB1> tell me a story", NULL, ts);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.update", 1, MS), 0);
	pg_down();
	rig_pace(&rig, -1, 0);
	pg_up();
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM pending"), 0);
}
END_TEST

/* Mentions, each with a thread of its own, and two events. */
static void say_some(char (*ts)[SIM_TS], size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts[i]);
}

static void expect_one_answer_each(char (*ts)[SIM_TS], size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(rig_answer(&rig, "C1", ts[i]));
		ck_assert_uint_eq(rig_replies(&rig, "C1", ts[i]), 1);
	}
}

/* Slack waits three seconds for an ack. */
static void expect_acks(void)
{
	ck_assert_int_eq(sim_wait_acked(rig.sim, 30000), 0);
}

/* n of them, of which the first have their answers under way when the server
 * goes; the others are acked without it. */
static void lose_server(char (*ts)[SIM_TS], size_t first, size_t n)
{
	say_some(ts, first);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.update", 1, MS), 0);
	pg_down();
	say_some(ts + first, n - first);
	expect_acks();
}

START_TEST(what_comes_while_the_server_is_away_is_acked_and_answered_later)
{
	char ts[8][SIM_TS];
	char *body = NULL;

	rig_pace(&rig, -1, 50);
	lose_server(ts, 3, 8);
	ck_assert_int_eq(rig_get(&rig, "/ready", &body), 503);
	ck_assert_msg(strstr(body, "10 envelopes are spilled"), "%s", body);
	free(body);
	rig_pace(&rig, -1, 0);
	pg_up();
	expect_one_answer_each(ts, 8);
	ck_assert_int_eq(rig_get(&rig, "/ready", NULL), 200);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal"), 2 * 8);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM pending"), 0);
}
END_TEST

START_TEST(killed_with_spilled_messages_it_answers_each_once)
{
	char ts[7][SIM_TS];

	rig_pace(&rig, -1, 100);
	lose_server(ts, 2, 7);
	rig_kill(&rig);
	rig_pace(&rig, -1, 0);
	pg_up();
	rig_start_node(&rig, 0);
	expect_one_answer_each(ts, 7);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal"), 2 * 7);
}
END_TEST

START_TEST(stopped_while_the_server_is_away_it_ends_and_loses_nothing)
{
	char ts[7][SIM_TS];
	int64_t began;

	rig_pace(&rig, -1, 100);
	lose_server(ts, 2, 7);
	began = clock_ms();
	rig_stop_node(&rig, 0);
	ck_assert_int_lt(clock_ms() - began, MS);
	rig_pace(&rig, -1, 0);
	pg_up();
	rig_start_node(&rig, 0);
	expect_one_answer_each(ts, 7);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal"), 2 * 7);
}
END_TEST

START_TEST(spilled_follow_up_finds_its_spilled_mention)
{
	char ts[SIM_TS];

	pg_down();
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	expect_acks();
	rig_say(&rig, "C1", "U1", "and then?", ts, NULL);
	expect_acks();
	pg_up();
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 2);
}
END_TEST

START_TEST(konstructctl_migrates_as_the_owner_only)
{
	const char *const self[] = { "migrate", "--database", pg->url, NULL };

	rig_tells(&rig, 0, ARGS("migrate", "--database", pg->owner), "already");
	rig_fails(&rig, self, "konstruct_owner");
}
END_TEST

/* One more daemon with these settings must end at once, and say why. */
static void expect_refusal(const struct bed_opts *o, const char *words)
{
	struct bed second;
	struct err e = { 0 };
	char *log;

	ck_assert_int_eq(bed_join(&second, &rig.bed, o, &e), 0);
	ck_assert_int_lt(bed_start(&second, &e), 0);
	log = bed_log(&second);
	ck_assert_msg(strstr(log, words), "%s", log);
	free(log);
	bed_remove(&second);
}

/* Beside one that is alone, and beside one of several. */
START_TEST(second_daemon_with_local_state_is_refused)
{
	const struct bed_opts o = { .store_url = pg->url };

	expect_refusal(&o, "in use by another konstructd");
}
END_TEST

START_TEST(daemon_with_redis_beside_one_with_local_state_is_refused)
{
	struct bed_opts o = { .store_url = pg->url };
	struct redis_box redis;

	redis_box_start(&redis, NULL);
	o.state_url = redis.url;
	expect_refusal(&o, "in use by another konstructd");
	redis_box_remove(&redis);
}
END_TEST

START_TEST(redis_with_sqlite_is_refused)
{
	const struct bed_opts o = { .state_url = rig.redis.url };

	expect_refusal(&o, "state in Redis is for nodes that share a store");
}
END_TEST

START_TEST(answer_is_put_down_with_its_lease_and_taken_up_under_the_next)
{
	char ts[SIM_TS];

	tell_for_ever(ts);
	/* As if another node had had them for a moment. */
	(void)pg_ask("UPDATE partitions SET epoch = epoch + 1, node = NULL");
	sim_llm_clear(rig.sim);
	ck_assert(rig_logged(&rig, "put down", MS));
	ck_assert_int_eq(sim_wait_asks(rig.sim, 2, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
}
END_TEST

START_TEST(status_shows_the_node_and_its_partitions)
{
	int64_t end = clock_ms() + MS;
	char *out = NULL;
	bool all;

	/* As of its last beat. */
	do {
		free(out);
		out = rig_run(&rig, 0, ARGS("status"));
		all = strstr(out, "PARTITIONS") && strstr(out, "(this)") &&
		      strstr(out, " 64 ");
		ck_assert_msg(all || clock_ms() < end, "%s", out);
	} while (!all);
	free(out);
}
END_TEST

/* The message event of a post whose app_mention was answered before. */
static void send_twin(const char *ts)
{
	char event[512];

	snprintf(event, sizeof(event),
		 "{\"type\":\"message\",\"user\":\"U1\",\"ts\":\"%s\","
		 "\"text\":\"<@UB1> hello\",\"channel\":\"C1\","
		 "\"channel_type\":\"channel\",\"event_ts\":\"%s\"}",
		 ts, ts);
	ck_assert_int_eq(sim_event(rig.sim, "A1", "T1", event), 0);
}

START_TEST(redis_emptied_forgets_neither_thread_nor_answer)
{
	struct sim_say mention = { .events = "app_mention" };
	char ts[SIM_TS];

	ck_assert_int_eq(
		sim_say(rig.sim, "C1", "U1", "<@UB1> hello", &mention, ts), 0);
	free(rig_answer(&rig, "C1", ts));
	redis_box_do(&rig.redis, "FLUSHALL");
	send_twin(ts);
	rig_say(&rig, "C1", "U2", "and then?", ts, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 2);
}
END_TEST

START_TEST(redis_away_makes_messages_wait_and_loses_none)
{
	char ts[SIM_TS];

	redis_box_kill(&rig.redis);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 0);
	redis_box_restart(&rig.redis);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("postgres");
	TCase *tc = tcase_create("daemon");
	SRunner *sr = srunner_create(s);
	int nfailed;

	pg = rig_on_postgres();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, mention_and_follow_up_are_answered);
	tcase_add_test(tc, answer_cut_by_kill_goes_on_in_the_same_placeholder);
	tcase_add_test(tc, server_that_restarts_during_an_answer_costs_nothing);
	tcase_add_test(
		tc,
		what_comes_while_the_server_is_away_is_acked_and_answered_later);
	tcase_add_test(tc, killed_with_spilled_messages_it_answers_each_once);
	tcase_add_test(tc, spilled_follow_up_finds_its_spilled_mention);
	tcase_add_test(tc, konstructctl_migrates_as_the_owner_only);
	tcase_add_test(tc, second_daemon_with_local_state_is_refused);
	tcase_add_test(
		tc, daemon_with_redis_beside_one_with_local_state_is_refused);
	suite_add_tcase(s, tc);

	tc = tcase_create("daemon that has little time to stop");
	tcase_add_checked_fixture(tc, setup_hasty, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(
		tc, stopped_while_the_server_is_away_it_ends_and_loses_nothing);
	suite_add_tcase(s, tc);

	tc = tcase_create("daemon with Redis");
	tcase_add_checked_fixture(tc, setup_redis, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, status_shows_the_node_and_its_partitions);
	tcase_add_test(tc, second_daemon_with_local_state_is_refused);
	tcase_add_test(tc, redis_with_sqlite_is_refused);
	tcase_add_test(
		tc,
		answer_is_put_down_with_its_lease_and_taken_up_under_the_next);
	tcase_add_test(tc, mention_and_follow_up_are_answered);
	tcase_add_test(tc, answer_cut_by_kill_goes_on_in_the_same_placeholder);
	tcase_add_test(
		tc,
		what_comes_while_the_server_is_away_is_acked_and_answered_later);
	tcase_add_test(tc, killed_with_spilled_messages_it_answers_each_once);
	tcase_add_test(tc, spilled_follow_up_finds_its_spilled_mention);
	tcase_add_test(tc, redis_emptied_forgets_neither_thread_nor_answer);
	tcase_add_test(tc, redis_away_makes_messages_wait_and_loses_none);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
