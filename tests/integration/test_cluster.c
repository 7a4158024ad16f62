/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "integration/rig.h"
#include "pg.h"

/*
 * Three daemons on one simulator. People talk to several apps all the while;
 * in the end each message has one answer, in its place in the thread.
 */

#define NODES   3
#define TENANTS 12
#define TALKS   36 /* threads, of three messages each */
#define TURNS   3

static struct rig rig;

struct said {
	int tenant;
	char thread[SIM_TS];
	char word[TURNS][24];
	int n;
};
static struct said said[TALKS];
static bool unheard; /* what is said, Slack doesn't deliver */

static void setup(void)
{
	struct sim_settings set;
	int i;

	rig_open_nodes(&rig, " rate_per_minute = 0", NODES);
	ck_assert_int_eq(sim_load_many(rig.sim, 1, TENANTS), 0);
	sim_settings(rig.sim, &set);
	set.ack_timeout_ms = 1500;
	for (i = 0; i < SIM_RETRIES; i++)
		set.retry_ms[i] = 500;
	set.llm_token_ms = 20;
	sim_set(rig.sim, &set);
	rig_start(&rig);
	memset(said, 0, sizeof(said));
	unheard = false;
}

static void teardown(void)
{
	rig_close(&rig);
}

static void until(int64_t n, const char *sql)
{
	int64_t end = clock_ms() + MS;

	while (pg_ask(sql) != n) {
		ck_assert_msg(clock_ms() < end, "%s isn't %lld but %lld", sql,
			      (long long)n, (long long)pg_ask(sql));
		poll(NULL, 0, 20);
	}
}

/* So many nodes share the partitions as evenly as can be. */
static void until_shared(int n)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM (SELECT count(*) AS c FROM partitions"
		 " WHERE node IS NOT NULL GROUP BY node) t WHERE c BETWEEN %d"
		 " AND %d",
		 64 / n - (n > 1) * (n - 1), (63 + n) / n);
	until(n, sql);
}

/* Who names the agent by an edit only. */
static bool is_named_late(int i)
{
	return !unheard && i % 5 == 3;
}

static void name_us(const char *channel, const char *ts, int tenant,
		    const char *word)
{
	char text[64];

	snprintf(text, sizeof(text), "<@U%05dB> %s", tenant, word);
	ck_assert_int_eq(sim_edit(rig.sim, channel, ts, text), 0);
}

/* The next message of talk i: a mention first, then replies. */
static void say(int i)
{
	struct said *t = &said[i];
	struct sim_say opt = { 0 };
	char channel[16], user[16], text[64], ts[SIM_TS];

	t->tenant = 1 + i % TENANTS;
	snprintf(t->word[t->n], sizeof(t->word[0]), "word-%d-%d.", i, t->n);
	snprintf(channel, sizeof(channel), "C%05d", t->tenant);
	snprintf(user, sizeof(user), "U%05dP", t->tenant);
	if (t->n == 0 && !is_named_late(i))
		snprintf(text, sizeof(text), "<@U%05dB> %s", t->tenant,
			 t->word[0]);
	else
		snprintf(text, sizeof(text), "%s", t->word[t->n]);
	opt.thread_ts = t->n > 0 ? t->thread : NULL;
	opt.events = unheard ? "" : NULL;
	ck_assert_int_eq(sim_say(rig.sim, channel, user, text, &opt, ts), 0);
	if (t->n == 0 && is_named_late(i))
		name_us(channel, ts, t->tenant, t->word[0]);
	if (t->n++ == 0)
		memcpy(t->thread, ts, sizeof(t->thread));
}

/* Messages from..to of the whole conversation, over some time. */
static void talk(int from, int to)
{
	int k;

	for (k = from; k < to; k++) {
		say(k % TALKS);
		poll(NULL, 0, 25);
	}
}

/* All is acked, and the database has it. */
static void until_written(void)
{
	int64_t end = clock_ms() + MS;
	int i;

	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	for (i = 0; i < NODES; i++)
		while (rig_spilled(&rig, (size_t)i) > 0) {
			ck_assert_msg(clock_ms() < end, "spilled for ever");
			poll(NULL, 0, 20);
		}
}

/* The same, and before the next of a thread is said the one before it is
 * written down: another node might have the next, and be faster. */
static void talk_in_turn(int from, int to)
{
	int k;

	for (k = from; k < to; k++) {
		if (k % TALKS == 0)
			until_written();
		talk(k, k + 1);
	}
}

/* Which of its messages this answers, several if they waited together; how
 * many were answered by now. */
static int answers(const struct said *t, const char *text, bool seen[TURNS],
		   int found, bool in_order)
{
	int k, before = found;

	for (k = 0; k < t->n; k++) {
		if (!strstr(text, t->word[k]))
			continue;
		ck_assert_msg(!seen[k] && (!in_order || k == found),
			      "after %d answers in %s: %s", found, t->thread,
			      text);
		seen[k] = true;
		found++;
	}
	ck_assert_msg(found > before, "in %s, no answer: %s", t->thread, text);
	return found;
}

static void check_talk(const struct said *t, bool in_order)
{
	bool seen[TURNS] = { false };
	char channel[16];
	struct sim_msg *m;
	size_t i, n;
	int found = 0;

	snprintf(channel, sizeof(channel), "C%05d", t->tenant);
	m = sim_messages(rig.sim, channel, t->thread, &n);
	for (i = 0; i < n; i++)
		if (m[i].bot_id && !m[i].deleted && !m[i].ephemeral)
			found = answers(t, m[i].text, seen, found, in_order);
	sim_messages_free(m, n);
	ck_assert_msg(found == t->n, "%d of %d answers in %s %s", found, t->n,
		      channel, t->thread);
}

/* Whoever gets no ack delivers again, and what was said later is there before;
 * only where all are acked at once the order is sure. */
static void check_all(bool in_order)
{
	int i;

	until_written();
	until(0, "SELECT count(*) FROM journal WHERE done_ms IS NULL");
	for (i = 0; i < TALKS; i++)
		check_talk(&said[i], in_order);
}

#define ALL (TALKS * TURNS)

START_TEST(every_message_is_answered_once_and_in_order)
{
	until_shared(NODES);
	talk_in_turn(0, ALL);
	check_all(true);
}
END_TEST

START_TEST(killed_node_is_followed_in_the_middle_of_its_answers)
{
	until_shared(NODES);
	talk(0, ALL / 2);
	rig_kill_node(&rig, 1);
	talk(ALL / 2, ALL);
	until_shared(NODES - 1);
	check_all(false);
}
END_TEST

START_TEST(frozen_node_wakes_after_its_leases_and_says_nothing)
{
	until_shared(NODES);
	talk(0, ALL / 2);
	bed_freeze(rig_node(&rig, 2));
	talk(ALL / 2, ALL);
	until_shared(NODES - 1);
	bed_thaw(rig_node(&rig, 2));
	until_shared(NODES);
	check_all(false);
}
END_TEST

START_TEST(database_that_restarts_costs_nothing)
{
	until_shared(NODES);
	talk(0, ALL / 2);
	pg_down();
	poll(NULL, 0, 500);
	pg_up();
	talk(ALL / 2, ALL);
	check_all(false);
}
END_TEST

START_TEST(nodes_come_and_go_while_people_talk)
{
	until_shared(NODES);
	talk_in_turn(0, ALL / 3);
	rig_stop_node(&rig, 0);
	talk_in_turn(ALL / 3, 2 * ALL / 3);
	rig_start_node(&rig, 0);
	talk_in_turn(2 * ALL / 3, ALL);
	until_shared(NODES);
	check_all(true);
}
END_TEST

/* An edit of what was asked is accepted, too. */
#define QUESTIONS                                                    \
	"SELECT count(*) FROM journal WHERE verdict = 'accept' AND " \
	"post IS NOT NULL"

/* No node was there for a while; then all begin at once, and each app is looked
 * through by whoever has its work by then. */
START_TEST(what_was_missed_is_found_once_by_nodes_that_begin_at_once)
{
	int64_t end;
	int i;

	until_shared(NODES);
	talk(0, TALKS);
	check_all(true);
	rig_stop(&rig);
	(void)pg_ask("UPDATE seen SET at_ms = at_ms - 10 * 60000");
	unheard = true;
	talk(TALKS, 2 * TALKS);
	for (i = 0; i < NODES; i++)
		rig_start_node(&rig, (size_t)i);
	end = clock_ms() + MS;
	while (pg_ask(QUESTIONS) < 2 * TALKS) {
		ck_assert_msg(clock_ms() < end, "not all is found");
		poll(NULL, 0, 50);
	}
	check_all(true);
	ck_assert_int_eq(pg_ask(QUESTIONS), 2 * TALKS);
}
END_TEST

static void until_apps(struct bed *b, const char *figure)
{
	int64_t end = clock_ms() + MS;
	char *body = NULL;
	bool there;

	do {
		free(body);
		body = NULL;
		there = bed_get(b, "/health", &body) == 200 && body &&
			strstr(body, figure);
		ck_assert_msg(clock_ms() < end, "%s", body ? body : "nothing");
		poll(NULL, 0, 20);
	} while (!there);
	free(body);
}

/* As the last of the nodes has it. */
START_TEST(status_on_any_node_shows_all)
{
	const char *const args[] = { "status", "--json", NULL };
	int64_t end = clock_ms() + MS;
	struct err e = { 0 };
	char *out = NULL;
	const char *p;
	int n;

	until_shared(NODES);
	do {
		free(out);
		ck_assert_int_eq(
			bed_ctl(rig_node(&rig, NODES - 1), &out, args, &e), 0);
		for (n = 0, p = out; p; n++)
			p = strstr(p + (n > 0), "\"alive\":true");
		ck_assert_msg(clock_ms() < end, "%s", out);
	} while (n - 1 != NODES || !strstr(out, "\"self\":true"));
	free(out);
}
END_TEST

START_TEST(tenant_removed_on_one_node_goes_from_all)
{
	int i;

	for (i = 0; i < NODES; i++)
		until_apps(rig_node(&rig, i), "\"apps\":13");
	rig_do(&rig, 0, ARGS("tenant", "remove", "acme"));
	for (i = 0; i < NODES; i++)
		until_apps(rig_node(&rig, i), "\"apps\":12");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cluster");
	TCase *tc = tcase_create("nodes");
	SRunner *sr = srunner_create(s);
	int nfailed;

	(void)rig_on_postgres();
	rig_with_redis(true);
	rig_set_daemon(" lease_s = 2");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 180);
	tcase_add_test(tc, every_message_is_answered_once_and_in_order);
	tcase_add_test(tc,
		       killed_node_is_followed_in_the_middle_of_its_answers);
	tcase_add_test(tc, frozen_node_wakes_after_its_leases_and_says_nothing);
	tcase_add_test(tc, database_that_restarts_costs_nothing);
	tcase_add_test(tc, nodes_come_and_go_while_people_talk);
	tcase_add_test(
		tc, what_was_missed_is_found_once_by_nodes_that_begin_at_once);
	tcase_add_test(tc, status_on_any_node_shows_all);
	tcase_add_test(tc, tenant_removed_on_one_node_goes_from_all);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
