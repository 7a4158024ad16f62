/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "integration/rig.h"
#include "integration/shift.h"
#include "promtext.h"

/*
 * Budgets, through the daemon, which is told what day it is. Needs a build
 * with --enable-killpoints (base/clock_shift.h).
 */

#define REFUSED "konstruct_decisions_total{stage=\"budget\",verdict=\"refuse\"}"
#define WARNED  "konstruct_tenant_budget_warnings_total{tenant=\"acme\"}"
#define OVER    "konstruct_tenant_over_budget_total{tenant=\"acme\"}"

static struct rig rig;

static void teardown(void)
{
	rig_close(&rig);
	shift_end();
}

/* For the daemon it is that time of UTC, "2030-12-30 12:00". */
static int64_t set_time(const char *text)
{
	struct tm tm = { 0 };
	int64_t at;

	ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M", &tm));
	at = (int64_t)timegm(&tm);
	shift[0] = at * 1000 - clock_wall_ms();
	return at;
}

static void begin(const char *time, const char *budget)
{
	(void)set_time(time);
	rig_up(&rig);
	rig_do(&rig, 0, ARGS("tenant", "set", "acme", "--budget", budget));
}

static double metric(const char *sample)
{
	char *page = NULL;
	double value;

	ck_assert_int_eq(rig_get(&rig, "/metrics", &page), 200);
	value = promtext_value(page, sample);
	free(page);
	return value;
}

static void await_metric(const char *sample, double value)
{
	int i;

	for (i = 0; i < MS / 20 && metric(sample) < value; i++)
		poll(NULL, 0, 20);
	ck_assert_double_eq_tol(metric(sample), value, 0.0001);
}

static void answered(const char *channel, const char *user)
{
	char ts[SIM_TS];

	rig_say(&rig, channel, user, "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, channel, ts));
	ck_assert_uint_eq(rig_replies(&rig, channel, ts), 1);
}

/* The n-th refusal of this daemon; nothing is in the thread. */
static void refused(const char *channel, const char *user, int n,
		    char ts[SIM_TS])
{
	rig_say(&rig, channel, user, "<@UB1> hello", NULL, ts);
	await_metric(REFUSED, n);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_replies(&rig, channel, ts), 0);
}

/* The n-th thing that only this person saw. */
static void told(const char *channel, const char *user, size_t n,
		 const char *words, int64_t until_s)
{
	char date[40];
	struct sim_msg *m;
	size_t i, all, seen = 0;

	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, channel, user, n, MS), 0);
	(void)snprintf(date, sizeof(date), "<!date^%" PRId64 "^", until_s);
	m = sim_messages(rig.sim, channel, NULL, &all);
	for (i = 0; i < all; i++) {
		if (!m[i].ephemeral || strcmp(m[i].to_user, user) != 0 ||
		    ++seen != n)
			continue;
		ck_assert_msg(strstr(m[i].text, words) != NULL, "%s",
			      m[i].text);
		ck_assert_msg(strstr(m[i].text, date) != NULL, "%s: %s", date,
			      m[i].text);
	}
	ck_assert_uint_eq(seen, n);
	sim_messages_free(m, all);
}

static size_t asks(void)
{
	struct sim_ask *a;
	size_t n;

	a = sim_asks(rig.sim, &n);
	sim_asks_free(a, n);
	return n;
}

static void is_explained(const char *ts, const char *budget)
{
	char what[64];
	struct json *j;
	char at[64];
	const char *reason;
	size_t i, k;
	bool found = false;

	(void)snprintf(what, sizeof(what), "C1:%s", ts);
	j = rig_json(&rig, ARGS("--json", "explain", what));
	for (i = 0; i < json_len(j, "entries"); i++) {
		(void)snprintf(at, sizeof(at), "entries.%zu.reason", i);
		reason = json_str(j, at);
		if (!reason || strcmp(reason, "refuse:budget") != 0)
			continue;
		for (k = 0; k < 9; k++) {
			(void)snprintf(at, sizeof(at),
				       "entries.%zu.steps.%zu.detail", i, k);
			reason = json_str(j, at);
			found |= reason && strcmp(reason, budget) == 0;
		}
	}
	json_free(j);
	ck_assert(found);
}

START_TEST(who_is_over_the_budget_is_told_once_an_hour_and_not_answered)
{
	int64_t midnight;
	char ts[SIM_TS];

	midnight = set_time("2030-12-31 00:00");
	begin("2030-12-30 12:00", "person/requests/day=2");
	answered("C1", "U1");
	answered("C1", "U1");
	refused("C1", "U1", 1, ts);
	told("C1", "U1", 1, "Your budget of requests is used up for today.",
	     midnight);
	is_explained(ts, "person/requests/day");
	refused("C1", "U1", 2, ts);
	is_explained(ts, "person/requests/day");
	answered("C1", "U2");
	ck_assert_uint_eq(asks(), 3);
	ck_assert_double_eq_tol(metric(OVER), 2, 0.1);
	told("C1", "U1", 1, "Your budget of requests", midnight);
	if (rig_is_shared())
		return; /* Redis has a clock of its own */
	(void)set_time("2030-12-30 13:01");
	refused("C1", "U1", 3, ts);
	told("C1", "U1", 2, "Your budget of requests", midnight);
}
END_TEST

START_TEST(it_is_full_again_the_next_day_and_the_next_month)
{
	int64_t day, month;
	char ts[SIM_TS];

	day = set_time("2030-12-31 00:00");
	month = set_time("2031-01-01 00:00");
	begin("2030-12-30 23:50",
	      "person/requests/day=1,tenant/requests/month=3");
	answered("C1", "U1");
	refused("C1", "U1", 1, ts);
	told("C1", "U1", 1, "Your budget of requests is used up for today.",
	     day);
	(void)set_time("2030-12-31 00:01");
	answered("C1", "U1");
	answered("C1", "U2");
	(void)set_time("2030-12-31 23:50");
	refused("C1", "U2", 2, ts);
	told("C1", "U2", 1,
	     "Our common budget of requests is used up for this month.", month);
	is_explained(ts, "tenant/requests/month");
	(void)set_time("2031-01-01 00:01");
	answered("C1", "U1");
	answered("C1", "U2");
	ck_assert_uint_eq(asks(), 5);
}
END_TEST

START_TEST(tokens_are_counted_as_the_model_tells_them)
{
	char ts[SIM_TS];

	begin("2030-02-28 12:00", "tenant/tokens/day=2,person/tokens/day=1M");
	answered("C1", "U1");
	refused("C1", "U2", 1, ts);
	told("C1", "U2", 1, "Our common budget of tokens",
	     set_time("2030-03-01 00:00"));
}
END_TEST

START_TEST(a_channels_budget_is_no_matter_of_direct_messages)
{
	char ts[SIM_TS];

	begin("2030-06-15 12:00", "channel/requests/day=1");
	answered("C1", "U1");
	refused("C1", "U2", 1, ts);
	told("C1", "U2", 1, "This channel's budget of requests",
	     set_time("2030-06-16 00:00"));
	(void)set_time("2030-06-15 12:00");
	answered("C2", "U1");
	answered("D1", "U1");
	answered("D1", "U1");
}
END_TEST

static void status_lists(const char *budget, int used)
{
	struct json *j = rig_json(&rig, ARGS("--json", "status"));

	ck_assert_uint_eq(json_len(j, "budgets"), budget ? 1 : 0);
	if (budget) {
		ck_assert_str_eq(json_str(j, "budgets.0.tenant"), "acme");
		ck_assert_str_eq(json_str(j, "budgets.0.budget"), budget);
		ck_assert_int_eq(json_int(j, "budgets.0.used", 0), used);
	}
	json_free(j);
}

#define RATIO                                                       \
	"konstruct_tenant_budget_used_ratio{tenant=\"acme\",budget" \
	"=\"tenant/requests/month\"}"

START_TEST(four_fifths_are_warned_of_once_in_a_period)
{
	char ts[SIM_TS];
	int i;

	begin("2030-06-15 12:00", "tenant/requests/month=5");
	for (i = 0; i < 3; i++)
		answered("C1", "U1");
	await_metric(RATIO, 0.6);
	status_lists(NULL, 0);
	ck_assert_double_le(metric(WARNED), 0);
	answered("C1", "U1");
	await_metric(WARNED, 1);
	ck_assert(rig_logged(&rig, "budget is nearly used up", MS));
	await_metric(RATIO, 0.8);
	status_lists("tenant/requests/month", 4);
	answered("C1", "U1");
	await_metric(RATIO, 1);
	/* Another process knows that it was warned of already. */
	rig_stop(&rig);
	rig_start(&rig);
	refused("C1", "U1", 1, ts);
	await_metric(RATIO, 1);
	status_lists("tenant/requests/month", 5);
	(void)set_time("2030-07-01 12:00");
	answered("C1", "U1");
	await_metric(RATIO, 0.2);
	ck_assert_double_le(metric(WARNED), 0);
	status_lists(NULL, 0);
	for (i = 0; i < 3; i++)
		answered("C1", "U1");
	await_metric(WARNED, 1);
}
END_TEST

START_TEST(a_budget_that_is_changed_counts_at_once)
{
	char ts[SIM_TS];

	begin("2030-06-15 12:00", "person/requests/day=1");
	answered("C1", "U1");
	refused("C1", "U1", 1, ts);
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--budget",
		    "person/requests/day=2"));
	answered("C1", "U1");
	refused("C1", "U1", 2, ts);
	status_lists("person/requests/day", 2);
	rig_do(&rig, 0, ARGS("tenant", "set", "acme", "--budget", "none"));
	status_lists(NULL, 0);
	answered("C1", "U1");
}
END_TEST

START_TEST(an_answer_that_a_crash_interrupted_counts_once)
{
	char ts[SIM_TS];

	begin("2030-06-15 12:00", "person/requests/day=2");
	rig_pace(&rig, 60000, 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	rig_kill(&rig);
	rig_pace(&rig, 0, 0);
	rig_start(&rig);
	free(rig_answer(&rig, "C1", ts));
	answered("C1", "U1");
	refused("C1", "U1", 1, ts);
}
END_TEST

/* Whichever has the app: what one counted the other one knows. */
START_TEST(nodes_that_share_a_store_agree)
{
	int64_t midnight;
	char ts[SIM_TS];

	if (!rig_is_shared())
		return;
	midnight = set_time("2030-06-16 00:00");
	(void)set_time("2030-06-15 12:00");
	rig_open_nodes(&rig, NULL, 2);
	rig_start(&rig);
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--budget",
		    "person/requests/day=2"));
	answered("C1", "U1");
	answered("C1", "U1");
	rig_stop_node(&rig, _i);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	told("C1", "U1", 1, "Your budget of requests", midnight);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 0);
}
END_TEST

static struct json *used(const char *tenant, const char *by, const char *since)
{
	const char *args[8] = { "--json", "usage", tenant };
	size_t n = tenant ? 3 : 2;

	if (by) {
		args[n++] = "--by";
		args[n++] = by;
	}
	if (since) {
		args[n++] = "--since";
		args[n++] = since;
	}
	return rig_json(&rig, args);
}

/* "U1 3 U2 1": who, and how many answers. */
static void has_used(const char *by, const char *since, const char *want)
{
	struct json *j = used("acme", by, since);
	char got[200] = "", at[40];
	const char *who;
	size_t i, len = 0;

	for (i = 0; i < json_len(j, "usage"); i++) {
		(void)snprintf(at, sizeof(at), "usage.%zu.%s", i, by);
		who = json_str(j, at);
		(void)snprintf(at, sizeof(at), "usage.%zu.answers", i);
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s %d",
					i ? " " : "", who,
					(int)json_int(j, at, 0));
	}
	ck_assert_str_eq(got, want);
	json_free(j);
}

START_TEST(usage_tells_who_has_used_what)
{
	const char *const plain[] = { "usage", NULL };
	struct json *j;
	char *text;

	begin("2030-12-30 12:00",
	      "tenant/requests/month=10,person/requests/day=2");
	answered("C1", "U1");
	answered("C1", "U1");
	answered("C2", "U2");
	(void)set_time("2030-12-31 12:00");
	answered("C1", "U1");
	has_used("person", NULL, "U1 3 U2 1");
	has_used("channel", NULL, "C1 3 C2 1");
	has_used("model", NULL, "main 4");
	has_used("day", NULL, "2030-12-30 3 2030-12-31 1");
	has_used("person", "2030-12-31", "U1 1");
	has_used("person", "1d", "U1 1");
	has_used("person", "2d", "U1 3 U2 1");
	j = used(NULL, NULL, NULL);
	ck_assert_uint_eq(json_len(j, "usage"), 1);
	ck_assert_str_eq(json_str(j, "usage.0.tenant"), "acme");
	ck_assert_int_eq(json_int(j, "usage.0.answers", 0), 4);
	ck_assert_int_gt(json_int(j, "usage.0.prompt_tokens", 0), 0);
	ck_assert_ptr_null(json_str(j, "usage.0.cost"));
	ck_assert_uint_eq(json_len(j, "budgets"), 1);
	ck_assert_int_eq(json_int(j, "budgets.0.percent", 0), 40);
	ck_assert_int_eq(json_int(j, "budgets.0.warned_ms", 0), 0);
	json_free(j);
	rig_tells(&rig, 0, plain, "no channel or person was warned");
	answered("C1", "U1");
	await_metric(WARNED, 2);
	j = used("acme", NULL, NULL);
	ck_assert_uint_eq(json_len(j, "budgets"), 2);
	ck_assert_str_eq(json_str(j, "budgets.1.budget"),
			 "person/requests/day");
	ck_assert_str_eq(json_str(j, "budgets.1.who"), "U1");
	ck_assert_int_eq(json_int(j, "budgets.1.percent", 0), 100);
	ck_assert_int_gt(json_int(j, "budgets.1.warned_ms", 0), 0);
	json_free(j);
	text = rig_run(&rig, 0, plain);
	ck_assert_ptr_nonnull(strstr(text, "no costs"));
	ck_assert_ptr_nonnull(strstr(text, "used up"));
	ck_assert_ptr_null(strstr(text, "no channel or person was warned"));
	free(text);
}
END_TEST

START_TEST(usage_is_refused_what_makes_no_sense)
{
	static const struct {
		const char *args[6];
		int code;
	} bad[] = {
		{ { "usage", "bolt", NULL }, 66 },
		{ { "usage", "--by", "week", NULL }, 65 },
		{ { "usage", "--by", "Model/x", NULL }, 65 },
		{ { "usage", "--since", "2030-02-30", NULL }, 65 },
		{ { "usage", "--since", "yesterday", NULL }, 65 },
		{ { "usage", "--since", "0d", NULL }, 65 },
		{ { "tenant", "set", "acme", "--budget", "x=1", NULL }, 65 },
	};
	size_t i;
	char *out;

	begin("2030-06-15 12:00", "none");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		out = NULL;
		ck_assert_int_eq(rig_ctl(&rig, &out, bad[i].args), bad[i].code);
		free(out);
	}
}
END_TEST

START_TEST(costs_go_by_the_prices_of_the_settings)
{
	struct json *j;
	double cost;

	rig_set_model(" prompt_price = \"1000\"\n"
		      " completion_price = \"2000.5\"\n");
	begin("2030-06-15 12:00", "none");
	answered("C1", "U1");
	j = used("acme", NULL, NULL);
	ck_assert(json_bool(j, "priced", false));
	ck_assert_ptr_nonnull(json_str(j, "usage.0.cost"));
	cost = (double)json_int(j, "usage.0.prompt_tokens", 0) * 1000 / 1e6 +
	       (double)json_int(j, "usage.0.completion_tokens", 0) * 2000.5 /
		       1e6;
	ck_assert_double_gt(cost, 0);
	ck_assert_double_eq_tol(strtod(json_str(j, "usage.0.cost"), NULL), cost,
				1e-6);
	json_free(j);
	ck_assert_double_eq_tol(metric("konstruct_cost_total{model=\"main\"}"),
				cost, 1e-6);
	ck_assert_double_eq_tol(
		metric("konstruct_tenant_cost_total{tenant=\"acme\"}"), cost,
		1e-6);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("budget");
	TCase *tc = tcase_create("budget");
	SRunner *sr;
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, shift_begin, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(
		tc,
		who_is_over_the_budget_is_told_once_an_hour_and_not_answered);
	tcase_add_test(tc, it_is_full_again_the_next_day_and_the_next_month);
	tcase_add_test(tc, tokens_are_counted_as_the_model_tells_them);
	tcase_add_test(tc, a_channels_budget_is_no_matter_of_direct_messages);
	tcase_add_test(tc, four_fifths_are_warned_of_once_in_a_period);
	tcase_add_test(tc, a_budget_that_is_changed_counts_at_once);
	tcase_add_test(tc, an_answer_that_a_crash_interrupted_counts_once);
	tcase_add_loop_test(tc, nodes_that_share_a_store_agree, 0, 2);
	tcase_add_test(tc, usage_tells_who_has_used_what);
	tcase_add_test(tc, usage_is_refused_what_makes_no_sense);
	tcase_add_test(tc, costs_go_by_the_prices_of_the_settings);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
