/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/err.h"
#include "integration/gap.h"
#include "integration/rig.h"
#include "sim/act.h"

/* Bot tokens that expire: app A2 in workspace T2 has one. */

#define LIFE   9000 /* ms; renewed after 7500, and a look a second */
#define SECRET "client-secret-cafe"
#define FIRST  "xoxe.xoxb-1-first"

static struct rig rig;

static void teardown(void)
{
	unsetenv("KONSTRUCT_DIE_AT");
	rig_close(&rig);
}

static void live_for(int ms)
{
	struct sim_settings set;

	sim_settings(rig.sim, &set);
	set.token_ms = ms;
	sim_set(rig.sim, &set);
}

static void open_with(size_t nodes, int life_ms)
{
	const struct sim_install t2 = {
		.app_id = "A2",
		.team_id = "T2",
		.bot_token = FIRST,
		.bot_user_id = "UB2",
		.bot_id = "BB2",
		.name = "bolt",
		.extra = "{\"agent\":{\"name\":\"Bruno\",\"role\":\"cook\","
			 "\"persona\":\"You cook.\"}}",
	};
	const struct sim_rotation rotation = { .client_id = "1.2",
					       .client_secret = SECRET,
					       .refresh_token =
						       "xoxe-1-first" };

	rig_open_nodes(&rig, NULL, nodes);
	ck_assert_int_eq(sim_add_app(rig.sim, "A2", "xapp-1-A2-1-sim", NULL),
			 0);
	ck_assert_int_eq(sim_add_install(rig.sim, &t2), 0);
	sim_add_user(rig.sim, "U3", "T2", "carol", "Carol");
	sim_add_channel(rig.sim, "C3", "T2", "kitchen", "channel");
	sim_join(rig.sim, "C3", "U3");
	sim_join(rig.sim, "C3", "UB2");
	live_for(life_ms);
	ck_assert_int_eq(sim_rotate_token(rig.sim, FIRST, &rotation), 0);
}

static void start(void)
{
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A2", 1, MS), 0);
}

static size_t renewals(void)
{
	return sim_count(rig.sim, "oauth.v2.access");
}

static void wait_renewals(size_t n)
{
	ck_assert_int_eq(sim_wait_calls(rig.sim, "oauth.v2.access", n, MS), 0);
}

static void newest(char out[96])
{
	ck_assert_int_eq(sim_bot_token(rig.sim, "A2", "T2", out, 96), 0);
}

/* So that only what came after it can be in use. */
static void expire(const char *token)
{
	ck_assert_int_eq(sim_expire_token(rig.sim, token), 0);
}

/* 0: until the faults are cleared. */
static void renewal_fails(int times)
{
	const struct sim_fault f = { .kind = SIM_FAULT_STATUS,
				     .method = "oauth.v2.access",
				     .status = 500,
				     .times = times };

	ck_assert_int_eq(sim_fault(rig.sim, &f), 0);
}

/* As half a day later; when something runs, it renews at once. */
static void let_time_pass(void)
{
	(void)rig_sql(&rig, "UPDATE grants SET expires_ms = 1, renew_ms = 1");
}

static void expect_answer(void)
{
	char ts[SIM_TS];
	char *text;

	rig_say(&rig, "C3", "U3", "<@UB2> hello", NULL, ts);
	text = rig_answer(&rig, "C3", ts);
	ck_assert_ptr_nonnull(strstr(text, "Bruno"));
	ck_assert_uint_eq(rig_replies(&rig, "C3", ts), 1);
	free(text);
}

/* What doctor says of the expiry of A2's token, and what it does. */
static bool doctor_says(const char *result, const char *seen)
{
	char *out = NULL, *line;
	bool ok;

	(void)rig_ctl(&rig, &out, ARGS("doctor", "bolt"));
	ck_assert_ptr_nonnull(out);
	line = strstr(out, "expiry of bolt in T2: ");
	ok = line && line > out + 9 &&
	     strncmp(line - 9, result, strlen(result)) == 0 &&
	     strstr(line, seen) &&
	     strstr(line, seen) < line + strcspn(line, "\n");
	if (!ok)
		printf("%s\n", out);
	free(out);
	return ok;
}

static char *show(void)
{
	char *out = NULL;

	out = rig_run(&rig, 0, ARGS("tenant", "show", "bolt"));
	return out;
}

/* The page, to be freed. */
static char *wait_metric(const char *words)
{
	int64_t end = clock_ms() + MS;
	char *out;

	for (;;) {
		ck_assert_int_eq(rig_get(&rig, "/metrics", &out), 200);
		if (strstr(out, words))
			return out;
		ck_assert_msg(clock_ms() < end, "%s", out);
		free(out);
	}
}

/* Until the newest token is stored, by whatever node. */
static void wait_stored(void)
{
	int64_t end = clock_ms() + MS;
	char token[96];
	bool stored;
	char *out;

	do {
		ck_assert_int_lt(clock_ms(), end);
		newest(token);
		out = show();
		stored = strstr(out, token + strlen(token) - 4) != NULL;
		free(out);
	} while (!stored);
}

START_TEST(expiry_is_shown_and_judged)
{
	char *out;

	open_with(1, 43200000);
	start();
	wait_renewals(1);
	ck_assert(rig_logged(&rig, "bot token renewed", MS));
	out = show();
	ck_assert_msg(strstr(out, "in 11h 59m") != NULL, "%s", out);
	free(out);
	ck_assert(doctor_says("ok", "expires in 11h 59m"));
	ck_assert(doctor_says("ok", "renewed in 9h 59m"));
	out = wait_metric("konstruct_token_expiry_timestamp_seconds 1");
	ck_assert_ptr_nonnull(strstr(
		out, "konstruct_token_renewals_total{outcome=\"renewed\"} 1"));
	ck_assert_ptr_nonnull(strstr(out, "konstruct_tokens_expiring 1\n"));
	free(out);
	rig_stop(&rig);
	let_time_pass();
	ck_assert(doctor_says("failure", "expired"));
}
END_TEST

START_TEST(token_is_renewed_again_and_again_before_it_expires)
{
	size_t n;

	open_with(1, LIFE);
	start();
	/* Two are good at a time, so the first isn't any more. */
	for (n = 1; n < 4; n++) {
		wait_renewals(n);
		expect_answer();
	}
	ck_assert(!rig_logged(&rig, "refuses the bot token", 0));
}
END_TEST

START_TEST(old_token_is_used_until_the_new_one_is_stored)
{
	size_t n;

	open_with(1, 43200000);
	renewal_fails(0);
	start();
	wait_renewals(2);
	expect_answer();
	ck_assert(!rig_logged(&rig, "bot token renewed", 0));
	sim_fault_clear(rig.sim);
	ck_assert(rig_logged(&rig, "bot token renewed", MS));
	n = renewals();
	expire(FIRST);
	expect_answer();
	ck_assert_uint_eq(renewals(), n);
}
END_TEST

START_TEST(token_that_expired_while_nothing_ran_is_renewed_first)
{
	struct err e = { 0 };
	char first[96], token[96];
	size_t n;

	open_with(1, LIFE);
	start();
	wait_renewals(1);
	ck_assert(rig_logged(&rig, "bot token renewed", MS));
	rig_stop(&rig);
	n = renewals();
	newest(first);
	expire(first);
	let_time_pass();
	live_for(43200000);
	ck_assert_int_eq(bed_start(&rig.bed, &e), 0);
	/* Before it is ready, so before anything is answered; one of several
	 * has nothing to do with it until it has a lease. */
	if (rig_is_shared())
		wait_renewals(n + 1);
	newest(token);
	ck_assert_str_ne(token, first);
	if (rig_is_shared())
		ck_assert(rig_logged(&rig, "bot token renewed", MS));
	expect_answer();
	ck_assert(!rig_logged(&rig, "refuses the bot token", 0));
}
END_TEST

/* By its own hand, at the place that was named. */
static void await_death(void)
{
	int status = 0;

	while (waitpid(rig.bed.pid, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	rig.bed.pid = 0;
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Slack has given a new pair, and it isn't stored; and it is. */
static const char *const places[] = { "renewing", "renewed" };

START_TEST(death_between_slack_and_the_store_loses_no_token)
{
	struct err e = { 0 };

	open_with(1, 43200000);
	ck_assert_int_eq(bed_apply(&rig.bed, &e), 0);
	setenv("KONSTRUCT_DIE_AT", places[_i], 1);
	if (bed_start(&rig.bed, &e) == 0)
		await_death();
	unsetenv("KONSTRUCT_DIE_AT");
	rig.bed.pid = 0;
	ck_assert_uint_eq(renewals(), 1);
	expire(FIRST);
	ck_assert_int_eq(bed_start(&rig.bed, &e), 0);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A2", 1, MS), 0);
	wait_renewals(_i == 0 ? 2 : 1);
	if (_i == 0)
		ck_assert(rig_logged(&rig, "bot token renewed", MS));
	expect_answer();
}
END_TEST

START_TEST(refusal_is_told_and_the_old_token_used_while_it_is_good)
{
	char ts[SIM_TS];

	open_with(1, 43200000);
	ck_assert_int_eq(sim_fault(rig.sim,
				   &(struct sim_fault){
					   .kind = SIM_FAULT_ERROR,
					   .method = "oauth.v2.access",
					   .error = "invalid_refresh_token" }),
			 0);
	start();
	ck_assert(rig_logged(&rig, "Slack doesn't renew the bot token", MS));
	ck_assert(rig_logged(&rig, "invalid_refresh_token", 0));
	ck_assert(!rig_logged(&rig, SECRET, 0));
	expect_answer();
	expire(FIRST);
	rig_say(&rig, "C3", "U3", "<@UB2> hello", NULL, ts);
	ck_assert(rig_logged(&rig, "in quarantine", MS));
	rig_tells(&rig, 0, ARGS("status"), "token_expired");
	ck_assert_uint_eq(renewals(), 1);
}
END_TEST

START_TEST(applying_the_same_tokens_again_changes_nothing)
{
	char *out = NULL;
	struct err e = { 0 };

	open_with(1, 43200000);
	start();
	wait_renewals(1);
	ck_assert(rig_logged(&rig, "bot token renewed", MS));
	expire(FIRST);
	ck_assert_int_eq(bed_apply(&rig.bed, &e), 0);
	expect_answer();
	out = rig_run(&rig, 0, ARGS("export", "--token-files"));
	ck_assert_ptr_nonnull(strstr(out, "A2-T2.refresh-token"));
	ck_assert_ptr_null(strstr(out, "A1-T1.refresh-token"));
	free(out);
	ck_assert_uint_eq(renewals(), 1);
}
END_TEST

/* Another node may do that, or this one. */
START_TEST(token_renewed_in_mid_answer_is_used_at_once)
{
	const struct sim_llm slow = { .contains = "hello", .first_ms = 5000 };
	char ts[SIM_TS], first[96];
	char *text;

	if (_i == 1 && !rig_is_shared())
		return;
	open_with(1 + (size_t)_i, 43200000);
	ck_assert_int_eq(sim_llm(rig.sim, &slow), 0);
	start();
	wait_renewals(1);
	wait_stored();
	newest(first);
	rig_say(&rig, "C3", "U3", "<@UB2> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.postMessage", 1, MS), 0);
	let_time_pass();
	wait_renewals(2);
	wait_stored();
	expire(first);
	text = rig_answer(&rig, "C3", ts);
	ck_assert_ptr_nonnull(strstr(text, "Bruno"));
	ck_assert_uint_eq(rig_replies(&rig, "C3", ts), 1);
	free(text);
	ck_assert(!rig_logged(&rig, "refuses the bot token", 0));
}
END_TEST

/* A token was renewed once, and now an answer waits so long for its model. */
static void begin_answer(int first_ms, char ts[])
{
	const struct sim_llm slow = { .contains = "hello",
				      .first_ms = first_ms };

	open_with(1, 43200000);
	ck_assert_int_eq(sim_llm(rig.sim, &slow), 0);
	start();
	wait_renewals(1);
	wait_stored();
	rig_say(&rig, "C3", "U3", "<@UB2> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.postMessage", 1, MS), 0);
}

/* Two are good at a time, whether we have heard of both or not. */
START_TEST(token_replaced_twice_in_mid_answer_is_looked_up)
{
	char ts[SIM_TS];
	char *text;
	size_t n;

	begin_answer(8000, ts);
	for (n = 2; n <= 3; n++) {
		let_time_pass();
		wait_renewals(n);
		wait_stored();
	}
	text = rig_answer(&rig, "C3", ts);
	ck_assert_ptr_nonnull(strstr(text, "Bruno"));
	ck_assert_uint_eq(rig_replies(&rig, "C3", ts), 1);
	free(text);
	ck_assert(!rig_logged(&rig, "refuses the bot token", 0));
}
END_TEST

/* The answer has an older one than the store, and both are. */
START_TEST(tokens_that_are_revoked_in_mid_answer_are_renewed_for_it)
{
	char ts[SIM_TS], token[96];
	char *text;

	begin_answer(5000, ts);
	let_time_pass();
	wait_renewals(2);
	wait_stored();
	newest(token);
	ck_assert_int_eq(sim_revoke_token(rig.sim, token), 0);
	text = rig_answer(&rig, "C3", ts);
	ck_assert_ptr_nonnull(strstr(text, "Bruno"));
	ck_assert_uint_eq(rig_replies(&rig, "C3", ts), 1);
	free(text);
	ck_assert_uint_eq(renewals(), 3);
	ck_assert(!rig_logged(&rig, "refuses the bot token", 0));
}
END_TEST

/* As after a suspend of the machine: all is over at once, and what comes first
 * isn't lost for that. */
START_TEST(what_comes_before_an_expired_token_is_renewed_waits_for_it)
{
	char first[96];

	open_with(1, 43200000);
	start();
	wait_renewals(1);
	wait_stored();
	newest(first);
	renewal_fails(1);
	expire(first);
	let_time_pass();
	expect_answer();
	ck_assert(rig_logged(&rig, "was renewed meanwhile", 0));
	ck_assert(!rig_logged(&rig, "refuses the bot token", 0));
	ck_assert_uint_eq(renewals(), 3);
}
END_TEST

/* The store believes in it for half a day more: a clock was wrong. */
START_TEST(token_that_slack_calls_expired_is_renewed_at_once)
{
	char first[96];

	open_with(1, 43200000);
	start();
	wait_renewals(1);
	wait_stored();
	newest(first);
	expire(first);
	expect_answer();
	ck_assert(rig_logged(&rig, "was renewed meanwhile", 0));
	ck_assert_uint_eq(renewals(), 2);
}
END_TEST

/* What is looked for after a gap isn't given up for it, nor when Slack takes
 * its time to renew it. */
START_TEST(what_was_missed_is_found_with_a_token_that_has_expired)
{
	char first[96], ts[SIM_TS], late[SIM_TS];

	if (rig_is_shared())
		return;
	open_with(1, 43200000);
	start();
	wait_renewals(1);
	wait_stored();
	newest(first);
	rig_say(&rig, "C3", "U3", "<@UB2> hello", NULL, ts);
	free(rig_answer(&rig, "C3", ts));
	rig_stop(&rig);
	gap_say(&rig, "C3", "U3", "and a follow-up", ts, late);
	gap_make(&rig, 10);
	expire(first);
	renewal_fails(2);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C3", ts, 2, MS), 0);
	ck_assert_uint_ge(renewals(), 4);
}
END_TEST

static bool canary_came(void)
{
	int64_t end = clock_ms() + MS;

	while (rig_count(&rig, "canaries WHERE heard_ms > 1") == 0) {
		if (clock_ms() > end)
			return false;
		(void)poll(NULL, 0, 20);
	}
	return true;
}

/* It expires, or only newer ones are good. */
START_TEST(canary_is_sent_with_the_next_token)
{
	char token[96];
	size_t n;

	open_with(1, 43200000);
	start();
	wait_renewals(1);
	wait_stored();
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "bolt", "--canary-channel", "C3"));
	ck_assert(canary_came());
	n = renewals();
	newest(token);
	ck_assert_int_eq(_i ? sim_revoke_token(rig.sim, token)
			    : sim_expire_token(rig.sim, token),
			 0);
	(void)rig_sql(&rig, "UPDATE canaries SET heard_ms = 1, due_ms = 0");
	ck_assert(canary_came());
	ck_assert_uint_eq(renewals(), n + 1);
	ck_assert(!rig_logged(&rig, "the canary can't be sent", 0));
}
END_TEST

/* What isn't renewed is a problem, told once. */
START_TEST(canary_without_a_next_token_is_a_problem)
{
	char token[96];

	open_with(1, 43200000);
	start();
	wait_renewals(1);
	wait_stored();
	renewal_fails(0);
	newest(token);
	ck_assert_int_eq(sim_revoke_token(rig.sim, token), 0);
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "bolt", "--canary-channel", "C3"));
	ck_assert(rig_logged(&rig, "the canary can't be sent", MS));
	ck_assert(rig_logged(&rig, "token_revoked", 0));
}
END_TEST

START_TEST(two_nodes_renew_once)
{
	size_t n;

	if (!rig_is_shared())
		return;
	open_with(2, LIFE);
	start();
	for (n = 1; n < 4; n++) {
		wait_renewals(n);
		expect_answer();
	}
	ck_assert(!rig_logged(&rig, "was replaced while it was renewed", 0));
	ck_assert(!rig_logged(&rig, "refuses the bot token", 0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("renew");
	TCase *tc = tcase_create("tokens");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	/* Who gives a renewal up asks for another, and they are counted. */
	rig_set_slack(" timeout_s = 8\n");
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, expiry_is_shown_and_judged);
	tcase_add_test(tc, token_is_renewed_again_and_again_before_it_expires);
	tcase_add_test(tc, old_token_is_used_until_the_new_one_is_stored);
	tcase_add_test(tc,
		       token_that_expired_while_nothing_ran_is_renewed_first);
	tcase_add_loop_test(tc,
			    death_between_slack_and_the_store_loses_no_token, 0,
			    sizeof(places) / sizeof(places[0]));
	tcase_add_test(tc,
		       refusal_is_told_and_the_old_token_used_while_it_is_good);
	tcase_add_test(tc, applying_the_same_tokens_again_changes_nothing);
	tcase_add_loop_test(tc, token_renewed_in_mid_answer_is_used_at_once, 0,
			    2);
	tcase_add_test(tc, token_replaced_twice_in_mid_answer_is_looked_up);
	tcase_add_test(
		tc, tokens_that_are_revoked_in_mid_answer_are_renewed_for_it);
	tcase_add_test(
		tc, what_comes_before_an_expired_token_is_renewed_waits_for_it);
	tcase_add_test(tc, token_that_slack_calls_expired_is_renewed_at_once);
	tcase_add_test(tc,
		       what_was_missed_is_found_with_a_token_that_has_expired);
	tcase_add_loop_test(tc, canary_is_sent_with_the_next_token, 0, 2);
	tcase_add_test(tc, canary_without_a_next_token_is_a_problem);
	tcase_add_test(tc, two_nodes_renew_once);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
