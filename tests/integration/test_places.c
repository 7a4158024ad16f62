/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "integration/rig.h"
#include "pg.h"

/*
 * Three daemons and their links, on one simulator: who has which, and what
 * becomes of it when one is killed, comes, freezes, or Redis goes.
 */

#define NODES   3
#define TENANTS 12
#define APPS    (TENANTS + 1)

/* What the issue asks for, with leases of ten seconds; here they last two. */
#define LEASE_S     2
#define FAILOVER_MS ((LEASE_S + 5) * 1000)
#define TRIES       4

static struct rig rig;

static void setup(void)
{
	rig_set_daemon(" lease_s = 2");
	rig_open_nodes(&rig, " rate_per_minute = 0", NODES);
	ck_assert_int_eq(sim_load_many(rig.sim, 1, TENANTS), 0);
}

static void teardown(void)
{
	rig_close(&rig);
}

static void app_name(char out[16], int i)
{
	if (i == 0)
		(void)snprintf(out, 16, "A1");
	else
		(void)snprintf(out, 16, "A%05d", i);
}

/* How many apps have so many links. */
static int apps_with(size_t links)
{
	char id[16];
	int i, n = 0;

	for (i = 0; i < APPS; i++) {
		app_name(id, i);
		n += sim_links(rig.sim, id) == links;
	}
	return n;
}

struct want {
	size_t least, most;
};

static bool all_between(struct sim *s, void *arg)
{
	const struct want *w = arg;
	char id[16];
	size_t n;
	int i;

	for (i = 0; i < APPS; i++) {
		app_name(id, i);
		n = sim_links(s, id);
		if (n < w->least || n > w->most)
			return false;
	}
	return true;
}

/* Milliseconds until each app has so many. */
static int64_t until_each(size_t least, size_t most)
{
	struct want w = { least, most };
	int64_t since = clock_ms();

	ck_assert_msg(sim_wait(rig.sim, all_between, &w, MS) == 0,
		      "%d apps have 0 links, %d 1, %d 2, %d 3", apps_with(0),
		      apps_with(1), apps_with(2), apps_with(3));
	return clock_ms() - since;
}

/* Apps that a node is to link. */
static int64_t placed(size_t i)
{
	char *body = NULL;
	struct err e = { 0 };
	struct json *j = NULL;
	int64_t n;

	(void)bed_get(rig_node(&rig, i), "/health", &body);
	if (body)
		j = json_parse(body, strlen(body), 1 << 20, &e);
	n = json_int(j, "placed", -1);
	json_free(j);
	free(body);
	return n;
}

/* All nodes have their share, by chance more or less, and nothing moves any
 * more. */
static bool shared(void)
{
	int64_t n, sum = 0;
	size_t i;

	for (i = 0; i < NODES; i++) {
		n = placed(i);
		if (n < APPS / 4)
			return false;
		sum += n;
	}
	return sum == (int64_t)2 * APPS && apps_with(2) == APPS;
}

static void until_shared(void)
{
	int64_t end = clock_ms() + MS;

	while (!shared()) {
		ck_assert_msg(clock_ms() < end, "%lld, %lld and %lld apps",
			      (long long)placed(0), (long long)placed(1),
			      (long long)placed(2));
		poll(NULL, 0, 20);
	}
}

/* All three run, each with its share. */
static void start_shared(void)
{
	rig_start(&rig);
	until_shared();
}

/* What a node's status says, to be released. */
static struct json *status(size_t i)
{
	static const char *const args[] = { "status", "--json", NULL };
	struct err e = { 0 };
	char *text = NULL;
	struct json *j;

	ck_assert_int_ge(bed_ctl(rig_node(&rig, i), &text, args, &e), 0);
	j = json_parse(text, strlen(text), 1 << 20, &e);
	ck_assert_msg(j != NULL, "%s", e.msg);
	free(text);
	return j;
}

static void answers_in(int tenant)
{
	char channel[16], user[16], text[64], ts[SIM_TS];

	(void)snprintf(channel, sizeof(channel), "C%05d", tenant);
	(void)snprintf(user, sizeof(user), "U%05dP", tenant);
	(void)snprintf(text, sizeof(text), "<@U%05dB> hello", tenant);
	rig_say(&rig, channel, user, text, NULL, ts);
	free(rig_answer(&rig, channel, ts));
	ck_assert_uint_eq(rig_replies(&rig, channel, ts), 1);
}

/* Doctor opens one more, and takes those of other nodes for ours. */
START_TEST(doctor_finds_no_connections_of_strangers)
{
	static const char *const args[] = { "doctor", NULL };
	struct err e = { 0 };
	char *out = NULL;

	start_shared();
	ck_assert_int_ge(bed_ctl(rig_node(&rig, 0), &out, args, &e), 0);
	ck_assert_msg(strstr(out, "none that isn't ours") != NULL, "%s", out);
	ck_assert_msg(strstr(out, "of which") == NULL, "%s", out);
	free(out);
}
END_TEST

/* Leases of all nodes, as one of them knows; -1: it doesn't know all. */
static int64_t leases(size_t i)
{
	struct json *j = status(i);
	char path[40];
	int64_t sum = 0;
	int k;

	for (k = 0; k < NODES; k++) {
		(void)snprintf(path, sizeof(path), "cluster.nodes.%d.leases",
			       k);
		sum += json_int(j, path, 0);
	}
	if (json_len(j, "cluster.nodes") != NODES)
		sum = -1;
	json_free(j);
	return sum;
}

/* Milliseconds until others have the links of a node that is lost by so. A
 * machine may be too busy for a limit, but not each time. */
static int64_t failover(void (*lose)(struct rig *r, size_t i), size_t i,
			int64_t limit)
{
	int64_t ms, best = MS;
	int n;

	for (n = 0; best > limit && n < TRIES; n++) {
		if (n > 0)
			rig_start_node(&rig, i);
		until_shared();
		lose(&rig, i);
		ms = until_each(2, 2);
		best = ms < best ? ms : best;
	}
	return best;
}

static void kill_node(struct rig *r, size_t i)
{
	bed_kill(rig_node(r, i));
}

START_TEST(links_of_a_killed_node_live_elsewhere)
{
	int64_t ms;
	int i;

	start_shared();
	ms = failover(kill_node, 1, FAILOVER_MS);
	printf("links of a killed node were back after %lld ms\n",
	       (long long)ms);
	ck_assert_int_le(ms, FAILOVER_MS);
	for (i = 1; i <= 3; i++)
		answers_in(i);
}
END_TEST

START_TEST(node_that_joins_gets_its_share_and_no_app_is_ever_without)
{
	int64_t end;

	start_shared();
	rig_stop_node(&rig, 2);
	until_each(2, 2);
	ck_assert_int_eq(placed(0), APPS);
	rig_start_node(&rig, 2);
	for (end = clock_ms() + MS; !shared(); poll(NULL, 0, 5)) {
		ck_assert_int_eq(apps_with(0) + apps_with(1), 0);
		ck_assert(clock_ms() < end);
	}
}
END_TEST

START_TEST(node_that_stops_is_followed_within_a_beat)
{
	int64_t limit = FAILOVER_MS - LEASE_S * 1000;

	start_shared();
	ck_assert_int_le(failover(rig_stop_node, 0, limit), limit);
}
END_TEST

START_TEST(restarted_node_has_its_links_without_waiting)
{
	start_shared();
	bed_kill(rig_node(&rig, 1));
	bed_kill(rig_node(&rig, 2));
	rig_start_node(&rig, 1);
	until_each(2, 2);
	answers_in(1);
}
END_TEST

START_TEST(frozen_node_gives_up_what_it_lost)
{
	int64_t end;

	start_shared();
	bed_freeze(rig_node(&rig, 0));
	/* Slack still has its links, beside those of the two others. */
	for (end = clock_ms() + MS;
	     placed(1) + placed(2) < 2 * APPS || apps_with(3) == 0;
	     poll(NULL, 0, 20))
		ck_assert(clock_ms() < end);
	bed_thaw(rig_node(&rig, 0));
	until_each(2, 2);
	answers_in(1);
}
END_TEST

/* Nobody opens or closes a link, whatever becomes of Redis. */
static uint64_t opened(void)
{
	struct sim_stats st;

	sim_stats(rig.sim, &st);
	return st.links_opened;
}

static void stay(int ms)
{
	int64_t end = clock_ms() + ms;

	while (clock_ms() < end) {
		ck_assert_int_eq(apps_with(2), APPS);
		poll(NULL, 0, 50);
	}
}

START_TEST(links_stay_while_redis_is_away_and_after_it_came_back)
{
	uint64_t before;
	struct json *j;

	start_shared();
	before = opened();
	redis_box_kill(&rig.redis);
	stay(2 * LEASE_S * 1000);
	j = status(0);
	ck_assert_ptr_nonnull(json_str(j, "cluster.links_stay"));
	json_free(j);
	/* A lost link comes back with the node that had it. */
	ck_assert_int_eq(sim_cut(rig.sim, "A1", SIM_CUT_RESET), 2);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 2, MS), 0);
	redis_box_restart(&rig.redis);
	stay(2 * LEASE_S * 1000);
	ck_assert_uint_eq(opened(), before + 2);
	answers_in(1);
}
END_TEST

START_TEST(links_stay_when_redis_is_emptied)
{
	uint64_t before;

	start_shared();
	before = opened();
	redis_box_do(&rig.redis, "FLUSHALL");
	stay(2 * LEASE_S * 1000);
	ck_assert_uint_eq(opened(), before);
}
END_TEST

START_TEST(event_that_two_links_deliver_is_answered_once)
{
	int64_t n, end = clock_ms() + MS;
	struct sim_say twice = { .redeliver = true };
	char ts[8][SIM_TS];
	int i;

	start_shared();
	for (n = leases(1); n != 2 * APPS; n = leases(1)) {
		ck_assert_msg(clock_ms() < end, "%lld leases", (long long)n);
		poll(NULL, 0, 100);
	}
	for (i = 0; i < 8; i++)
		ck_assert_int_eq(sim_say(rig.sim, "C1", "U1", "<@UB1> hello",
					 &twice, ts[i]),
				 0);
	for (i = 0; i < 8; i++)
		free(rig_answer(&rig, "C1", ts[i]));
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	for (i = 0; i < 8; i++)
		ck_assert_uint_eq(rig_replies(&rig, "C1", ts[i]), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("places");
	TCase *tc = tcase_create("links of several nodes");
	SRunner *sr;
	int nfailed;

	(void)rig_on_postgres();
	rig_with_redis(true);
	sr = srunner_create(s);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, links_of_a_killed_node_live_elsewhere);
	tcase_add_test(
		tc, node_that_joins_gets_its_share_and_no_app_is_ever_without);
	tcase_add_test(tc, node_that_stops_is_followed_within_a_beat);
	tcase_add_test(tc, restarted_node_has_its_links_without_waiting);
	tcase_add_test(tc, frozen_node_gives_up_what_it_lost);
	tcase_add_test(tc,
		       links_stay_while_redis_is_away_and_after_it_came_back);
	tcase_add_test(tc, links_stay_when_redis_is_emptied);
	tcase_add_test(tc, doctor_finds_no_connections_of_strangers);
	tcase_add_test(tc, event_that_two_links_deliver_is_answered_once);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
