/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "integration/rig.h"

/*
 * Faults of Slack and of the model, all through the real daemon. What they
 * come to in detail is tested by test_turn, test_llm, test_link and others;
 * docs/reliability.md has the list.
 */

static struct rig rig;

static void teardown(void)
{
	rig_close(&rig);
	rig_set_model(NULL);
}

/* the model */

static const struct {
	const char *words; /* what is said, and so the rule's */
	struct sim_llm rule;
	const char *reply; /* in the answer, or in the sentence */
	size_t most;       /* requests */
} ends[] = {
	{ "five-hundred",
	  { .mode = SIM_LLM_STATUS, .status = 500 },
	  "too busy",
	  2 },
	{ "five-hundred-once",
	  { .mode = SIM_LLM_STATUS, .status = 503, .times = 1 },
	  "Hello, this is",
	  2 },
	{ "slow-down",
	  { .mode = SIM_LLM_STATUS, .status = 429, .retry_after_s = 99 },
	  "too busy",
	  1 },
	{ "slow-down-once",
	  { .mode = SIM_LLM_STATUS,
	    .status = 429,
	    .retry_after_s = 1,
	    .times = 1 },
	  "Hello, this is",
	  2 },
	{ "no-key",
	  { .mode = SIM_LLM_STATUS, .status = 401 },
	  "doesn't let me in",
	  1 },
	{ "strange-request",
	  { .mode = SIM_LLM_STATUS, .status = 400 },
	  "reported an error",
	  1 },
	/* libcurl itself sends again what a kept connection didn't take. */
	{ "reset-at-once",
	  { .mode = SIM_LLM_RESET },
	  "lost the connection",
	  4 },
	{ "reset-later",
	  { .mode = SIM_LLM_RESET, .after = 3 },
	  "lost the connection",
	  1 },
	{ "never-a-word", { .mode = SIM_LLM_HANG }, "took too long", 1 },
	{ "never-a-text", { .mode = SIM_LLM_SILENCE }, "took too long", 1 },
	{ "falls-silent",
	  { .mode = SIM_LLM_SILENCE, .after = 3 },
	  "took too long",
	  1 },
	{ "no-end", { .mode = SIM_LLM_CUT, .after = 3 }, "lost the", 1 },
	{ "without-end",
	  { .mode = SIM_LLM_ENDLESS, .piece = 500 },
	  "too long to be shown",
	  1 },
	{ "error-in-stream",
	  { .mode = SIM_LLM_STREAM_ERROR, .after = 3 },
	  "too busy",
	  1 },
	{ "broken-at-once", { .mode = SIM_LLM_BROKEN }, "lost the", 2 },
	{ "broken-later",
	  { .mode = SIM_LLM_BROKEN, .after = 3 },
	  "lost the",
	  1 },
	{ "not-a-word", { .mode = SIM_LLM_EMPTY }, "have no answer", 1 },
	{ "only-blanks", { .text = " \n\t\n" }, "have no answer", 1 },
	{ "nothing-to-see",
	  { .text = "\xe2\x80\x8b\n\xef\xbb\xbf" },
	  "have no answer",
	  1 },
	{ "calls-a-tool",
	  { .text = "\n<tool_call>{\"name\":\"search\"}</tool_call>" },
	  "have no answer",
	  1 },
};

static size_t asks(void)
{
	struct sim_ask *a;
	size_t n;

	a = sim_asks(rig.sim, &n);
	sim_asks_free(a, n);
	return n;
}

static void say_and_expect(const char *words, const char *reply)
{
	char text[80], ts[SIM_TS];

	snprintf(text, sizeof(text), "<@UB1> %s", words);
	rig_say(&rig, "C1", "U1", text, NULL, ts);
	ck_assert_msg(sim_wait_text(rig.sim, "C1", ts, reply, MS) == 0,
		      "no '%s' after %s", reply, words);
	free(rig_answer(&rig, "C1", ts));
}

/* A success now and then, or the breaker would answer in the end. */
START_TEST(whatever_the_model_does_ends_in_an_answer_or_a_sentence)
{
	struct sim_llm rule;
	size_t i, before;

	rig_set_model("first_token_timeout_s = 1\nidle_timeout_s = 1\n");
	rig_open(&rig, "rate_per_minute = 0\nanswer_max_bytes = 4000\n");
	rig_start(&rig);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		rule = ends[i].rule;
		rule.contains = ends[i].words;
		sim_llm(rig.sim, &rule);
		before = asks();
		say_and_expect(ends[i].words, ends[i].reply);
		ck_assert_msg(asks() - before <= ends[i].most, "%s: %zu asks",
			      ends[i].words, asks() - before);
		sim_llm_clear(rig.sim);
		if (i % 3 == 2)
			say_and_expect("hello", "Hello, this is");
	}
}
END_TEST

START_TEST(a_model_that_keeps_failing_is_let_alone_and_tried_again)
{
	const struct sim_llm rule = { .mode = SIM_LLM_STATUS, .status = 401 };
	int64_t until = clock_ms() + MS;
	char ts[SIM_TS];
	size_t before, i;

	rig_open(&rig, "rate_per_minute = 0\n");
	rig_start(&rig);
	sim_llm(rig.sim, &rule);
	for (i = 0; i < 5; i++)
		say_and_expect("hello", "doesn't let me in");
	before = asks();
	say_and_expect("hello", "has been failing for a while");
	ck_assert_uint_eq(asks(), before);
	sim_llm_clear(rig.sim);
	/* One call tries it, when its time has come; until then none does. */
	while (asks() == before) {
		ck_assert_int_lt(clock_ms(), until);
		poll(NULL, 0, 500);
		rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
		free(rig_answer(&rig, "C1", ts));
	}
	ck_assert_uint_eq(asks(), before + 1);
	say_and_expect("hello", "Hello, this is");
}
END_TEST

START_TEST(a_thread_that_is_too_long_for_the_model_is_told_in_part)
{
	static char words[3000];
	struct sim_settings set;
	char ts[SIM_TS];
	size_t before;

	rig_up(&rig);
	memset(words, 'x', sizeof(words) - 1);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	rig_say(&rig, "C1", "U1", words, ts, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
	free(rig_answer(&rig, "C1", ts));

	sim_settings(rig.sim, &set);
	set.llm_context = 3000;
	sim_set(rig.sim, &set);
	before = asks();
	rig_say(&rig, "C1", "U1", "and in short?", ts, NULL);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", ts,
				       "said: \"and in short?", MS),
			 0);
	ck_assert_uint_gt(asks(), before + 1);
}
END_TEST

/* Slack */

static const char *const methods[] = {
	"chat.postMessage", "chat.update", "conversations.replies",
	"users.info",       "link",        "apps.connections.open",
};

static const struct sim_fault kinds[] = {
	{ .kind = SIM_FAULT_RATE, .ms = 1000 },
	{ .kind = SIM_FAULT_STATUS, .status = 503 },
	{ .kind = SIM_FAULT_STATUS, .status = 500, .error = "<html>" },
	{ .kind = SIM_FAULT_ERROR, .error = "internal_error" },
	{ .kind = SIM_FAULT_ERROR, .error = "fatal_error" },
	{ .kind = SIM_FAULT_DELAY, .ms = 700 },
	{ .kind = SIM_FAULT_HANG },
	{ .kind = SIM_FAULT_RESET },
	{ .kind = SIM_FAULT_LOST },
	{ .kind = SIM_FAULT_LATE, .ms = 900 },
};

#define NMETHODS (sizeof(methods) / sizeof(methods[0]))
#define NKINDS   (sizeof(kinds) / sizeof(kinds[0]))
#define TENANTS  (NMETHODS * NKINDS)

/* An upgrade without an answer costs ten seconds; test_link has a clock for
 * that. */
static bool too_slow(const struct sim_fault *f)
{
	return strcmp(f->method, "link") == 0 &&
	       (f->kind == SIM_FAULT_HANG || f->kind == SIM_FAULT_DELAY);
}

/* Each tenant has a fault of its own, and meets it once. */
static void spread_faults(void)
{
	struct sim_fault f;
	char app[16];
	size_t i;

	for (i = 0; i < TENANTS; i++) {
		snprintf(app, sizeof(app), "A%05zu", i);
		f = kinds[i / NMETHODS];
		f.method = methods[i % NMETHODS];
		f.app_id = app;
		f.times = 1;
		if (!too_slow(&f))
			sim_fault(rig.sim, &f);
	}
}

/* Somebody mentions the agent in a thread that has been there before. */
static void mention(size_t i, char root[SIM_TS])
{
	char channel[16], user[16], text[80];

	snprintf(channel, sizeof(channel), "C%05zu", i);
	snprintf(user, sizeof(user), "U%05zuP", i);
	rig_say(&rig, channel, user, "the lift is stuck", NULL, root);
	snprintf(text, sizeof(text), "<@U%05zuB> what now?", i);
	rig_say(&rig, channel, user, text, root, NULL);
}

static void check_one(size_t i, const char *root)
{
	const char *method = methods[i % NMETHODS];
	int kind = (int)kinds[i / NMETHODS].kind;
	char channel[16], *text;

	snprintf(channel, sizeof(channel), "C%05zu", i);
	ck_assert_msg(sim_wait_text(rig.sim, channel, root, "I will go on",
				    MS) == 0,
		      "no answer after %s, kind %d", method, kind);
	text = rig_answer(&rig, channel, root);
	ck_assert_msg(strstr(text, "I will go on") != NULL, "%s, kind %d: %s",
		      method, kind, text);
	free(text);
	ck_assert_msg(rig_replies(&rig, channel, root) == 1,
		      "%zu replies after %s, kind %d",
		      rig_replies(&rig, channel, root), method, kind);
}

/* All but those that can't be told from the record. */
static size_t count_met(void)
{
	struct sim_call *c;
	size_t i, n, met = 0;

	c = sim_calls(rig.sim, NULL, &n);
	for (i = 0; i < n; i++)
		met += c[i].status != 200 || c[i].error;
	sim_calls_free(c, n);
	return met;
}

START_TEST(each_fault_of_each_method_ends_in_one_whole_answer)
{
	static char roots[TENANTS][SIM_TS];
	size_t i;

	rig_open(&rig, NULL);
	ck_assert_int_eq(sim_load_many(rig.sim, 0, TENANTS), 0);
	spread_faults();
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_links(rig.sim, NULL, TENANTS + 1, MS), 0);
	for (i = 0; i < TENANTS; i++)
		mention(i, roots[i]);
	for (i = 0; i < TENANTS; i++)
		check_one(i, roots[i]);
	/* 5 methods of the Web API, 8 faults */
	ck_assert_uint_ge(count_met(), 40);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}
END_TEST

START_TEST(a_storm_of_disconnects_is_no_storm_of_links)
{
	static const char *const reasons[] = { "warning", "refresh_requested",
					       "of_tomorrow" };
	struct sim_stats st;
	uint64_t before;
	size_t i;

	rig_up(&rig);
	sim_stats(rig.sim, &st);
	before = st.links_opened;
	for (i = 0; i < 300; i++)
		sim_disconnect(rig.sim, "A1", reasons[i % 3], -1);
	say_and_expect("hello", "Hello, this is");
	sim_stats(rig.sim, &st);
	ck_assert_uint_le(st.links_opened - before, 5);
	ck_assert_uint_le(sim_links(rig.sim, "A1"), 2);
}
END_TEST

/* The newest event of that type. */
static void last_event(const char *type, char id[24])
{
	struct sim_delivery *d;
	size_t i, n;

	id[0] = '\0';
	d = sim_deliveries(rig.sim, "A1", &n);
	for (i = 0; i < n; i++)
		if (strcmp(d[i].type, type) == 0)
			snprintf(id, 24, "%s", d[i].event_id);
	sim_deliveries_free(d, n);
	ck_assert_str_ne(id, "");
}

START_TEST(delivered_again_in_any_way_it_is_answered_once)
{
	struct sim_settings set;
	char ts[SIM_TS], id[24];
	size_t n, i;

	rig_up(&rig);
	sim_settings(rig.sim, &set);
	set.llm_first_ms = 500;
	sim_set(rig.sim, &set);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	last_event("app_mention", id);
	/* At once, while it is worked on, and with an id that was acked. */
	for (i = 0; i < 6; i++)
		ck_assert_int_eq(sim_redeliver(rig.sim, id, i % 2), 0);
	free(rig_answer(&rig, "C1", ts));
	n = asks();
	/* After the answer, over another link. */
	sim_cut(rig.sim, "A1", SIM_CUT_RESET);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(sim_redeliver(rig.sim, id, i % 2), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	say_and_expect("again", "Hello, this is");
	ck_assert_uint_eq(asks(), n + 1);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

#define CROWD 300

START_TEST(hundreds_at_once_are_answered_once_each)
{
	static char ts[CROWD][SIM_TS];
	size_t i;

	rig_open(&rig, "rate_per_minute = 0\n");
	rig_start(&rig);
	for (i = 0; i < CROWD; i++)
		rig_say(&rig, "C1", i % 2 ? "U1" : "U2", "<@UB1> hello", NULL,
			ts[i]);
	for (i = 0; i < CROWD; i++)
		ck_assert_int_eq(sim_wait_text(rig.sim, "C1", ts[i],
					       "I will go on", MS),
				 0);
	for (i = 0; i < CROWD; i++)
		ck_assert_uint_eq(rig_replies(&rig, "C1", ts[i]), 1);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_uint_eq(asks(), CROWD);
}
END_TEST

#define BACKLOG 2000

/* The model takes two at a time, so that the backlog is 100 s long. */
START_TEST(one_tenants_backlog_is_not_anothers)
{
	struct sim_settings set;
	char ts[SIM_TS];
	size_t i;

	rig_set_model("concurrency = 2\n");
	rig_open(&rig, "rate_per_minute = 0\n");
	ck_assert_int_eq(sim_load_many(rig.sim, 0, 1), 0);
	sim_settings(rig.sim, &set);
	set.llm_first_ms = 100;
	set.llm_piece = 1000;
	sim_set(rig.sim, &set);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_links(rig.sim, NULL, 2, MS), 0);
	for (i = 0; i < BACKLOG; i++)
		rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, NULL);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 20, MS), 0);

	rig_say(&rig, "C00000", "U00000P", "<@U00000B> and me?", NULL, ts);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C00000", ts, "I will go on", MS), 0);
	ck_assert_uint_lt(asks(), BACKLOG / 2);
	/* Who has to wait is told so. */
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", NULL, "before", MS), 0);
}
END_TEST

static bool client_left(struct sim *s, void *arg)
{
	struct sim_ask *a;
	bool left;
	size_t n;

	(void)arg;
	a = sim_asks(s, &n);
	left = n > 0 && a[0].gone;
	sim_asks_free(a, n);
	return left;
}

static void reply_ts(const char *root, char out[SIM_TS])
{
	struct sim_msg *m;
	size_t i, n;

	m = sim_messages(rig.sim, "C1", root, &n);
	for (i = 0; i < n; i++)
		if (m[i].bot_id)
			snprintf(out, SIM_TS, "%s", m[i].ts);
	sim_messages_free(m, n);
}

START_TEST(who_deletes_the_placeholder_stops_the_model)
{
	struct sim_llm slow = { .token_ms = 300, .piece = 8 };
	char ts[SIM_TS], reply[SIM_TS] = "";

	rig_up(&rig);
	sim_llm(rig.sim, &slow);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 1, MS), 0);
	reply_ts(ts, reply);
	ck_assert_int_eq(sim_delete(rig.sim, "C1", reply), 0);
	ck_assert_int_eq(sim_wait(rig.sim, client_left, NULL, MS), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("faults");
	TCase *tc = tcase_create("faults");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 120);
#define T(name) tcase_add_test(tc, name)
	T(whatever_the_model_does_ends_in_an_answer_or_a_sentence);
	T(a_model_that_keeps_failing_is_let_alone_and_tried_again);
	T(a_thread_that_is_too_long_for_the_model_is_told_in_part);
	T(each_fault_of_each_method_ends_in_one_whole_answer);
	T(a_storm_of_disconnects_is_no_storm_of_links);
	T(delivered_again_in_any_way_it_is_answered_once);
	T(hundreds_at_once_are_answered_once_each);
	T(one_tenants_backlog_is_not_anothers);
	T(who_deletes_the_placeholder_stops_the_model);
#undef T
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
