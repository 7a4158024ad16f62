/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "integration/death.h"
#include "integration/gap.h"
#include "integration/rig.h"
#include "sim/act.h"

/* The canary of acme, in C2, where nobody else says anything. */

#define POLL_MS  20
#define AGAIN_MS 5000

static struct rig rig;

static void teardown(void)
{
	unsetenv("KONSTRUCT_DIE_AT");
	rig_close(&rig);
}

static int64_t ask(const char *sql)
{
	return rig_sql(&rig, sql);
}

static void wait_for(const char *sql, int64_t want)
{
	int64_t end = clock_ms() + MS;
	int64_t n;

	while ((n = ask(sql)) != want) {
		ck_assert_msg(clock_ms() < end, "%s: %lld", sql, (long long)n);
		(void)poll(NULL, 0, POLL_MS);
	}
}

/* As when the minute, or the minutes, are over. */
static void let_time_pass(void)
{
	(void)ask("UPDATE canaries SET due_ms = 0");
}

static void wait_back(void)
{
	wait_for("SELECT count(*) FROM canaries WHERE heard_ms > 0"
		 " AND missed = 0 AND nonce = ''",
		 1);
}

static void wait_missed(int n)
{
	char sql[80];

	(void)snprintf(sql, sizeof(sql),
		       "SELECT count(*) FROM canaries WHERE missed = %d"
		       " AND made %s",
		       n, rig_is_shared() ? "" : "= 1");
	wait_for(sql, 1);
}

/* One is sent, and not in time; n in a row. */
static void miss(int n)
{
	let_time_pass();
	wait_missed(n);
}

/* What was sent over a link that is going may be lost. */
static void send_until_back(void)
{
	int64_t end = clock_ms() + MS;
	int64_t again = 0;

	while (ask("SELECT count(*) FROM canaries WHERE missed = 0") == 0) {
		ck_assert_int_lt(clock_ms(), end);
		if (clock_ms() >= again) {
			let_time_pass();
			again = clock_ms() + AGAIN_MS;
		}
		(void)poll(NULL, 0, POLL_MS);
	}
}

static int set(const char *option, const char *value, char **out)
{
	const char *const args[] = { "tenant", "set", "acme",
				     option,   value, NULL };

	return rig_ctl(&rig, out, args);
}

static void must_set(const char *option, const char *value)
{
	char *out = NULL;
	int rc = set(option, value, &out);

	ck_assert_msg(rc == 0, "%s", out);
	free(out);
}

static void open_nodes(size_t n)
{
	rig_open_nodes(&rig, NULL, n);
	rig_start(&rig);
}

static void open_it(void)
{
	open_nodes(1);
	must_set("--canary-channel", "C2");
	wait_back();
}

/* Messages in C2 that aren't deleted, which are the canary's. */
static size_t standing(char ts[SIM_TS])
{
	struct sim_msg *m;
	size_t i, all, n = 0;

	m = sim_messages(rig.sim, "C2", NULL, &all);
	for (i = 0; i < all; i++) {
		if (m[i].deleted)
			continue;
		n++;
		ck_assert_ptr_nonnull(strstr(m[i].text, "konstruct-canary:"));
		(void)snprintf(ts, SIM_TS, "%s", m[i].ts);
	}
	sim_messages_free(m, all);
	return n;
}

static void expect_words(const char *const *args, const char *words)
{
	int64_t end = clock_ms() + MS;
	char *out = NULL;

	for (;;) {
		(void)rig_ctl(&rig, &out, args);
		ck_assert_ptr_nonnull(out);
		if (strstr(out, words))
			break;
		ck_assert_msg(clock_ms() < end, "no '%s': %s", words, out);
		free(out);
	}
	free(out);
}

static void expect_shown(const char *words)
{
	const char *const args[] = { "tenant", "show", "acme", NULL };

	expect_words(args, words);
}

static void expect_metric(const char *words)
{
	int64_t end = clock_ms() + MS;
	char *out;

	for (;;) {
		ck_assert_int_eq(rig_get(&rig, "/metrics", &out), 200);
		if (strstr(out, words))
			break;
		ck_assert_msg(clock_ms() < end, "no '%s': %s", words, out);
		free(out);
	}
	free(out);
}

static void wait_path(const char *path, int status, const char *words)
{
	int64_t end = clock_ms() + MS;
	char *out = NULL;

	while (rig_get(&rig, path, &out) != status ||
	       (words && !strstr(out, words))) {
		ck_assert_msg(clock_ms() < end, "%s: %s", path, out);
		free(out);
	}
	free(out);
}

START_TEST(one_message_is_edited_and_comes_back)
{
	const char *const status[] = { "status", NULL };
	const char *const doctor[] = { "doctor", "acme", NULL };
	char first[SIM_TS], now[SIM_TS];

	open_it();
	ck_assert_uint_eq(standing(first), 1);
	let_time_pass();
	wait_for("SELECT count(*) FROM canaries WHERE due_ms > 0", 1);
	wait_back();
	ck_assert_uint_eq(standing(now), 1);
	ck_assert_str_eq(first, now);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.update"), 1);
	expect_shown("in T1:C2 every 5 min: ok, came back");
	expect_words(status, "CANARY OF");
	expect_words(doctor, "canary of acme");
	expect_metric("konstruct_canaries{state=\"ok\"} 1");
	expect_metric("konstruct_canary_missed{tenant=\"acme\"} 0");
	expect_metric("konstruct_canary_last_success_timestamp_seconds{tenant="
		      "\"acme\"} 1");
	if (!rig_is_shared())
		expect_metric("konstruct_canary_seconds_count 2");
	/* It is nobody's question, and costs nothing. */
	ck_assert_int_eq(ask("SELECT count(*) FROM journal"), 0);
	ck_assert_int_eq(ask("SELECT count(*) FROM transcript"), 0);
	ck_assert_int_eq(ask("SELECT count(*) FROM usage"), 0);
	wait_path("/health", 200, "\"canary_states\":{\"new\":0,\"ok\":1");
}
END_TEST

START_TEST(a_restart_and_a_kill_post_no_second_one)
{
	char ts[SIM_TS];

	open_it();
	rig_stop(&rig);
	let_time_pass();
	rig_start(&rig);
	wait_for("SELECT count(*) FROM canaries WHERE due_ms > 0", 1);
	wait_back();
	rig_kill(&rig);
	let_time_pass();
	rig_start(&rig);
	wait_for("SELECT count(*) FROM canaries WHERE due_ms > 0", 1);
	wait_back();
	ck_assert_uint_eq(standing(ts), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
}
END_TEST

/* It is noted, and then Slack has posted it, which isn't noted. */
static const char *const places[] = { "chirping", "chirped" };

START_TEST(death_around_the_post_leaves_one)
{
	char ts[SIM_TS];
	char *out = NULL;

	rig_open(&rig, NULL);
	rig_apply(&rig);
	/* Its event isn't the one that tells. */
	(void)sim_subscribe(rig.sim, "A1", "app_mention");
	death_start(&rig, places[_i]);
	(void)set("--canary-channel", "C2", &out);
	free(out);
	death_await(&rig);
	let_time_pass();
	(void)sim_subscribe(rig.sim, "A1", SIM_EVENTS);
	rig_start(&rig);
	wait_back();
	ck_assert_uint_eq(standing(ts), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "conversations.history"), 1);
}
END_TEST

START_TEST(one_that_was_deleted_is_posted_anew)
{
	char ts[SIM_TS], now[SIM_TS];

	open_it();
	ck_assert_uint_eq(standing(ts), 1);
	ck_assert_int_eq(sim_delete(rig.sim, "C2", ts), 0);
	let_time_pass();
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.postMessage", 2, MS), 0);
	wait_back();
	ck_assert_uint_eq(standing(now), 1);
	ck_assert_str_ne(ts, now);
}
END_TEST

START_TEST(what_slack_refuses_is_told_once_and_ends)
{
	const char *const status[] = { "status", NULL };
	const struct sim_fault no = { .kind = SIM_FAULT_ERROR,
				      .method = "chat.update",
				      .error = "is_archived" };
	char *log;
	char *at;

	open_it();
	sim_fault(rig.sim, &no);
	let_time_pass();
	expect_shown("blocked");
	expect_words(status, "chat.update: is_archived");
	expect_metric("konstruct_canaries{state=\"blocked\"} 1");
	let_time_pass();
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.update", 2, MS), 0);
	ck_assert(rig_logged(&rig, "the canary can't be sent", MS));
	wait_for("SELECT count(*) FROM canaries WHERE due_ms > 0"
		 " AND nonce = ''",
		 1);
	log = bed_log(&rig.bed);
	at = strstr(log, "the canary can't be sent");
	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_null(strstr(at + 1, "the canary can't be sent"));
	free(log);
	sim_fault_clear(rig.sim);
	let_time_pass();
	wait_for("SELECT count(*) FROM canaries WHERE problem = ''", 1);
	wait_back();
	ck_assert(rig_logged(&rig, "the canary can be sent again", MS));
}
END_TEST

/* Who isn't in the channel can't post there. */
START_TEST(bot_that_is_no_member_is_named)
{
	char ts[SIM_TS];

	open_nodes(1);
	sim_leave(rig.sim, "C2", "UB1");
	must_set("--canary-channel", "C2");
	expect_shown("chat.postMessage: not_in_channel");
	sim_join(rig.sim, "C2", "UB1");
	let_time_pass();
	wait_back();
	ck_assert_uint_eq(standing(ts), 1);
}
END_TEST

static void hush(bool yes)
{
	struct sim_settings s;

	sim_settings(rig.sim, &s);
	s.deaf = yes;
	sim_set(rig.sim, &s);
}

START_TEST(deaf_link_is_replaced_by_one_that_hears)
{
	char ts[SIM_TS], thread[SIM_TS], late[SIM_TS];

	open_it();
	rig_say(&rig, "C1", "U1", "<@UB1> hi", NULL, thread);
	free(rig_answer(&rig, "C1", thread));
	ck_assert_int_eq(sim_cut(rig.sim, "A1", SIM_CUT_DEAF), 1);
	gap_say(&rig, "C1", "U1", "anybody?", thread, late);
	let_time_pass();
	wait_for("SELECT count(*) FROM canaries WHERE nonce <> ''", 1);
	wait_missed(0);
	miss(1);
	ck_assert(rig_logged(&rig, "the canary isn't back in 60 s", MS));
	ck_assert(!rig_logged(&rig, "fresh link", 0));
	expect_metric("konstruct_canary_missed{tenant=\"acme\"} 1");
	let_time_pass();
	ck_assert(rig_logged(&rig, "fresh links are dialed", MS));
	expect_metric("konstruct_link_losses_total{reason=\"deaf\"} 1");
	expect_metric("konstruct_link_reconnects_total 1");
	send_until_back();
	ck_assert(rig_logged(&rig, "the canary comes back again", MS));
	/* What it didn't bring is looked for. */
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", thread, 2, MS), 0);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(standing(ts), 1);
}
END_TEST

/* As its canaries tell. */
static void set_gap(int64_t from_ms, int64_t to_ms)
{
	char sql[120];

	(void)snprintf(sql, sizeof(sql),
		       "UPDATE canaries SET gap_from_ms = %lld,"
		       " gap_to_ms = %lld",
		       (long long)from_ms, (long long)to_ms);
	(void)ask(sql);
}

/* Two tenants' canaries come at different paces. */
START_TEST(gap_that_began_before_one_that_was_looked_through_is_so_too)
{
	char thread[SIM_TS], late[SIM_TS];
	int64_t now;

	open_it();
	rig_say(&rig, "C1", "U1", "<@UB1> hi", NULL, thread);
	free(rig_answer(&rig, "C1", thread));
	now = clock_wall_ms();
	set_gap(now - 60000, now);
	ck_assert(rig_logged(&rig, "conversations after a gap", MS));
	gap_say(&rig, "C1", "U1", "anybody?", thread, late);
	set_gap(now - 120000, now - 1);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", thread, 2, MS), 0);
}
END_TEST

START_TEST(deafness_that_stays_is_told_and_no_storm_of_links)
{
	const char *const doctor[] = { "doctor", "acme", NULL };
	int i;

	open_it();
	hush(true);
	let_time_pass();
	wait_for("SELECT count(*) FROM canaries WHERE nonce <> ''", 1);
	wait_missed(0);
	miss(1);
	let_time_pass();
	wait_for("SELECT count(*) FROM canaries WHERE missed = 2", 1);
	expect_metric("konstruct_link_reconnects_total 1");
	wait_path("/ready", 503, "no canary comes back");
	wait_path("/health", 200, "\"deaf\":1");
	expect_words(doctor, "failure  canary of acme");
	/* The first of these was sent before the link was fresh. */
	let_time_pass();
	wait_for("SELECT count(*) FROM canaries WHERE due_ms > 0", 1);
	wait_missed(2);
	for (i = 3; i < 6; i++)
		miss(i);
	expect_metric("konstruct_link_losses_total{reason=\"deaf\"} 1");
	hush(false);
	let_time_pass();
	wait_back();
	wait_path("/ready", 200, NULL);
}
END_TEST

START_TEST(one_that_never_came_blames_the_subscriptions)
{
	open_nodes(1);
	(void)sim_subscribe(rig.sim, "A1", "app_mention");
	must_set("--canary-channel", "C2");
	wait_missed(0);
	miss(1);
	miss(2);
	ck_assert(rig_logged(&rig, "no canary ever came back", MS));
	miss(3);
	expect_shown("deaf, never came back");
	ck_assert_uint_eq(sim_count(rig.sim, "apps.connections.open"), 1);
}
END_TEST

START_TEST(it_is_set_and_switched_off)
{
	const char *const export[] = { "export", NULL };
	char *out = NULL;

	open_nodes(1);
	ck_assert_int_ne(set("--canary-minutes", "3", &out), 0);
	ck_assert_ptr_nonnull(strstr(out, "the tenant has no canary_channel"));
	free(out);
	ck_assert_int_ne(set("--canary-channel", "D1", &out), 0);
	ck_assert_ptr_nonnull(strstr(out, "canary_channel"));
	free(out);
	ck_assert_int_ne(set("--canary-channel", "T9:C2", &out), 0);
	ck_assert_ptr_nonnull(strstr(out, "is in no workspace of the tenant"));
	free(out);
	must_set("--canary-channel", "T1:C2");
	wait_back();
	must_set("--canary-minutes", "7");
	expect_shown("in T1:C2 every 7 min");
	expect_words(export, "\"canary_channel\": \"T1:C2\"");
	/* While the app is out it is told, and set, as ever. */
	(void)ask(
		"UPDATE connections SET gone_ms = 1, noted_ms = 4000000000000");
	expect_words(export, "\"canary_channel\": \"T1:C2\"");
	expect_shown("in T1:C2 every 7 min: not sent");
	must_set("--canary-channel", "T1:C2");
	must_set("--canary-minutes", "8");
	expect_words(export, "\"canary_minutes\": 8");
	must_set("--canary-channel", "C1");
	expect_words(export, "\"canary_channel\": \"T1:C1\"");
	ck_assert_int_eq(ask("SELECT count(*) FROM canaries"), 1);
	must_set("--canary-channel", "C2");
	(void)ask("UPDATE connections SET gone_ms = 0, noted_ms = 0");
	must_set("--canary-channel", "off");
	ck_assert_int_eq(ask("SELECT count(*) FROM canaries"), 0);
	ck_assert_int_eq(rig_ctl(&rig, &out, export), 0);
	ck_assert_ptr_null(strstr(out, "canary"));
	free(out);
}
END_TEST

/* Whoever sends, the other may be the one that hears. */
START_TEST(two_nodes_send_one)
{
	char ts[SIM_TS];
	int i;

	if (!rig_is_shared())
		return;
	open_nodes(2);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 2, MS), 0);
	must_set("--canary-channel", "C2");
	wait_back();
	for (i = 1; i <= 8; i++) {
		let_time_pass();
		ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.update",
						(size_t)i, MS),
				 0);
		wait_back();
	}
	ck_assert_uint_eq(standing(ts), 1);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
}
END_TEST

START_TEST(each_node_has_a_fresh_link)
{
	if (!rig_is_shared())
		return;
	open_nodes(2);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 2, MS), 0);
	must_set("--canary-channel", "C2");
	wait_back();
	ck_assert_int_eq(sim_cut(rig.sim, "A1", SIM_CUT_DEAF), 2);
	let_time_pass();
	wait_for("SELECT count(*) FROM canaries WHERE nonce <> ''", 1);
	wait_missed(0);
	miss(1);
	let_time_pass();
	ck_assert_int_eq(
		sim_wait_calls(rig.sim, "apps.connections.open", 4, MS), 0);
	send_until_back();
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 2, MS), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("canary");
	TCase *tc = tcase_create("canary");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, one_message_is_edited_and_comes_back);
	tcase_add_test(tc, a_restart_and_a_kill_post_no_second_one);
	tcase_add_loop_test(tc, death_around_the_post_leaves_one, 0, 2);
	tcase_add_test(tc, one_that_was_deleted_is_posted_anew);
	tcase_add_test(tc, what_slack_refuses_is_told_once_and_ends);
	tcase_add_test(tc, bot_that_is_no_member_is_named);
	tcase_add_test(tc, deaf_link_is_replaced_by_one_that_hears);
	tcase_add_test(
		tc,
		gap_that_began_before_one_that_was_looked_through_is_so_too);
	tcase_add_test(tc, deafness_that_stays_is_told_and_no_storm_of_links);
	tcase_add_test(tc, one_that_never_came_blames_the_subscriptions);
	tcase_add_test(tc, it_is_set_and_switched_off);
	tcase_add_test(tc, two_nodes_send_one);
	tcase_add_test(tc, each_node_has_a_fresh_link);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
