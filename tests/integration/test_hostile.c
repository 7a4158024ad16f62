/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "integration/rig.h"
#include "sim/act.h"

/* What comes twice, too late, mutilated or where nobody expects it. */

static struct rig rig;

static void setup(void)
{
	rig_up(&rig);
}

static void teardown(void)
{
	rig_close(&rig);
}

/* Our newest message in the channel that fits; its ts, or "". */
static void newest(const char *channel, bool ephemeral, char ts[SIM_TS])
{
	struct sim_msg *m;
	size_t i, n;

	ts[0] = '\0';
	m = sim_messages(rig.sim, channel, NULL, &n);
	for (i = 0; i < n; i++)
		if (m[i].app_id && !m[i].deleted && m[i].ephemeral == ephemeral)
			(void)snprintf(ts, SIM_TS, "%s", m[i].ts);
	sim_messages_free(m, n);
}

/* How many of ours all can see, in the channel and its threads. */
static size_t public_posts(const char *channel)
{
	struct sim_msg *m;
	size_t i, n, count = 0;

	m = sim_messages(rig.sim, channel, NULL, &n);
	for (i = 0; i < n; i++)
		count += m[i].app_id && !m[i].deleted && !m[i].ephemeral;
	sim_messages_free(m, n);
	return count;
}

/* Everything that came before has been dealt with. */
static void settle(void)
{
	char marker[SIM_TS];

	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	rig_say(&rig, "C2", "U2", "<@UB1> done?", NULL, marker);
	free(rig_answer(&rig, "C2", marker));
}

static void answered_root(const char *channel, char root[SIM_TS],
			  char reply[SIM_TS])
{
	struct sim_msg *m;
	size_t i, n;

	rig_say(&rig, channel, "U1",
		strcmp(channel, "D1") == 0 ? "hello" : "<@UB1> hello", NULL,
		root);
	free(rig_answer(&rig, channel, root));
	reply[0] = '\0';
	m = sim_messages(rig.sim, channel, root, &n);
	for (i = 0; i < n; i++)
		if (m[i].app_id && !m[i].deleted)
			(void)snprintf(reply, SIM_TS, "%s", m[i].ts);
	sim_messages_free(m, n);
	ck_assert_str_ne(reply, "");
}

static long metric(const char *name)
{
	char *body = NULL, *at;
	long n = 0;

	ck_assert_int_eq(rig_get(&rig, "/metrics", &body), 200);
	at = strstr(body, name);
	if (at)
		n = strtol(at + strlen(name), NULL, 10);
	free(body);
	return n;
}

#define DECIDED(verdict) \
	"konstruct_decisions_total{stage=\"signal\",verdict=\"" verdict "\"} "

START_TEST(own_edits_touch_no_disk)
{
	struct sim_settings set;
	char root[SIM_TS];

	sim_settings(rig.sim, &set);
	set.llm_token_ms = 300;
	set.llm_piece = 12;
	sim_set(rig.sim, &set);
	rig_say(&rig, "C1", "U1", "<@UB1> where in the world is Atlantis?",
		NULL, root);
	free(rig_answer(&rig, "C1", root));
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_uint_gt(sim_count(rig.sim, "chat.update"), 2);
	ck_assert_int_ge(metric(DECIDED("drop")),
			 (long)sim_count(rig.sim, "chat.update"));
	ck_assert_int_eq(metric(DECIDED("accept")), 0);
}
END_TEST

START_TEST(press_that_comes_twice_asks_once)
{
	char root[SIM_TS], reply[SIM_TS];

	answered_root(_i == 0 ? "C1" : "D1", root, reply);
	ck_assert_int_eq(sim_click(rig.sim, _i == 0 ? "C1" : "D1", reply, "U1",
				   "konstruct_again", NULL),
			 0);
	ck_assert_int_eq(
		sim_redeliver_last(rig.sim, "A1", "block_actions", false), 0);
	ck_assert_int_eq(
		sim_wait_reply(rig.sim, _i == 0 ? "C1" : "D1", root, 2, MS), 0);
	settle();
	rig_kill(&rig);
	rig_start(&rig);
	ck_assert_int_eq(
		sim_redeliver_last(rig.sim, "A1", "block_actions", true), 0);
	settle();
	ck_assert_uint_eq(rig_replies(&rig, _i == 0 ? "C1" : "D1", root), 2);
}
END_TEST

START_TEST(command_that_comes_twice_is_answered_once)
{
	ck_assert_int_eq(sim_slash(rig.sim, "A1", "C1", "U1", "/ask",
				   "where is it?"),
			 0);
	ck_assert_int_eq(
		sim_redeliver_last(rig.sim, "A1", "slash_commands", false), 0);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 2, MS), 0);
	settle();
	ck_assert_uint_eq(sim_count(rig.sim, "response_url"), 2);
}
END_TEST

START_TEST(answer_is_shared_once)
{
	char ts[SIM_TS];

	ck_assert_int_eq(sim_slash(rig.sim, "A1", "C1", "U1", "/ask",
				   "where is it?"),
			 0);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 2, MS), 0);
	newest("C1", true, ts);
	ck_assert(rig_logged(&rig, "turn finished", MS));
	ck_assert_int_eq(
		sim_click(rig.sim, "C1", ts, "U1", "konstruct_share", NULL), 0);
	(void)sim_click(rig.sim, "C1", ts, "U1", "konstruct_share", NULL);
	ck_assert_int_eq(
		sim_redeliver_last(rig.sim, "A1", "block_actions", false), 0);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "response_url", 4, MS), 0);
	settle();
	ck_assert_uint_eq(public_posts("C1"), 1);
}
END_TEST

START_TEST(nobody_is_answered_at_an_address_that_is_not_slacks)
{
	static const char command[] =
		"{\"api_app_id\":\"A1\",\"team_id\":\"T1\","
		"\"user_id\":\"U1\",\"channel_id\":\"C1\","
		"\"command\":\"/ask\",\"text\":\"where is it?\","
		"\"trigger_id\":\"1.2.a\","
		"\"response_url\":\"https://example.com/commands/1\"}";
	struct sim_stats stats;

	ck_assert_int_eq(sim_envelope(rig.sim, "A1", "slash_commands", command,
				      false),
			 0);
	ck_assert(rig_logged(&rig, "cannot answer a command", MS));
	settle();
	sim_stats(rig.sim, &stats);
	ck_assert_uint_eq(stats.asks, 1); /* settle()'s */
}
END_TEST

/* Nobody can tell whether it had arrived. */
START_TEST(what_was_being_shared_is_not_shared_after_a_kill)
{
	const struct sim_fault slow = { .method = "response_url",
					.kind = SIM_FAULT_HANG };
	char ts[SIM_TS];

	ck_assert_int_eq(sim_slash(rig.sim, "A1", "C1", "U1", "/ask",
				   "where is it?"),
			 0);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 2, MS), 0);
	ck_assert(rig_logged(&rig, "turn finished", MS));
	newest("C1", true, ts);
	ck_assert_int_eq(sim_fault(rig.sim, &slow), 0);
	ck_assert_int_eq(
		sim_click(rig.sim, "C1", ts, "U1", "konstruct_share", NULL), 0);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "response_url", 3, MS), 0);
	rig_kill(&rig);
	sim_fault_clear(rig.sim);
	rig_start(&rig);
	settle();
	ck_assert_uint_eq(public_posts("C1"), 0);
}
END_TEST

START_TEST(answer_in_parts_is_shared_in_parts)
{
	struct sim_llm large = { .contains = "all of it" };
	char text[15000], ts[SIM_TS];
	size_t i;

	for (i = 0; i + 1 < sizeof(text); i++)
		text[i] = "A word or two. "[i % 15];
	text[i] = '\0';
	memcpy(text + i - 9, "\n\nThe end", 9);
	large.text = text;
	ck_assert_int_eq(sim_llm(rig.sim, &large), 0);
	ck_assert_int_eq(
		sim_slash(rig.sim, "A1", "C1", "U1", "/ask", "all of it"), 0);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 3, MS), 0);
	ck_assert(rig_logged(&rig, "turn finished", MS));
	newest("C1", true, ts);
	ck_assert_int_eq(
		sim_click(rig.sim, "C1", ts, "U1", "konstruct_share", NULL), 0);
	/* The question and two parts, the same shared, the original deleted. */
	ck_assert_int_eq(sim_wait_calls(rig.sim, "response_url", 7, MS), 0);
	settle();
	ck_assert_uint_eq(public_posts("C1"), 3);
}
END_TEST

START_TEST(question_that_is_gone_is_not_asked_again)
{
	char root[SIM_TS], reply[SIM_TS];

	answered_root("C1", root, reply);
	ck_assert_int_eq(sim_delete(rig.sim, "C1", root), 0);
	settle();
	ck_assert_int_eq(sim_click(rig.sim, "C1", reply, "U1",
				   "konstruct_again", NULL),
			 0);
	settle();
	ck_assert_uint_eq(rig_replies(&rig, "C1", root), 1);
}
END_TEST

/* A message of what has to be escaped makes its quotation longer. */
START_TEST(any_message_can_be_asked_about)
{
	char text[3000], ts[SIM_TS], id[24];

	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	rig_say(&rig, "C1", "U2", text, NULL, ts);
	ck_assert_int_eq(sim_message_shortcut(rig.sim, "A1", "C1", ts, "U1",
					      "konstruct_about"),
			 0);
	ck_assert_int_eq(sim_wait_view(rig.sim, "U1", "Your question", id, MS),
			 0);
	ck_assert_int_eq(sim_submit(rig.sim, id, "{\"question\":\"Why?\"}"), 0);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

/* What a person sees of it is a matter of Slack's; we go on. */
START_TEST(where_the_app_is_no_member_nothing_breaks)
{
	char ts[SIM_TS], id[24];

	rig_say(&rig, "C1", "U2", "The reactor runs at 300 K.", NULL, ts);
	ck_assert_int_eq(sim_message_shortcut(rig.sim, "A1", "C1", ts, "U1",
					      "konstruct_about"),
			 0);
	ck_assert_int_eq(sim_wait_view(rig.sim, "U1", "Your question", id, MS),
			 0);
	ck_assert_int_eq(sim_leave(rig.sim, "C1", "UB1"), 0);
	ck_assert_int_eq(sim_submit(rig.sim, id, "{\"question\":\"Why?\"}"), 0);
	ck_assert_int_eq(sim_slash(rig.sim, "A1", "C1", "U1", "/ask",
				   "where is it?"),
			 0);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 2, MS), 0);
	settle();
	ck_assert_uint_eq(public_posts("C1"), 0);
}
END_TEST

/* Each good, until one member of it is something else; %zu is for a number, in
 * an id and in a thread: what asks in one thread waits for one another, and
 * each for a channel that might have moved. */
static const struct {
	const char *type;
	const char *payload;
} good[] = {
	{ "slash_commands",
	  "{\"api_app_id\":\"A1\",\"team_id\":\"T1\",\"user_id\":\"U1\","
	  "\"channel_id\":\"C1\",\"command\":\"/ask\",\"text\":\"x\","
	  "\"trigger_id\":\"1.2.a%zu\","
	  "\"response_url\":\"https://example.com/commands/1\"}" },
	{ "interactive",
	  "{\"type\":\"block_actions\",\"api_app_id\":\"A1\","
	  "\"team\":{\"id\":\"T1\"},\"user\":{\"id\":\"U1\"},"
	  "\"trigger_id\":\"1.2.b%zu\",\"container\":{\"channel_id\":\"C1\","
	  "\"message_ts\":\"2.000000\",\"thread_ts\":\"1.000000\"},"
	  "\"response_url\":\"https://example.com/actions/1\","
	  "\"actions\":[{\"action_id\":\"konstruct_share\","
	  "\"value\":\"1.2.a0\"}]}" },
	{ "interactive",
	  "{\"type\":\"block_actions\",\"api_app_id\":\"A1\","
	  "\"team\":{\"id\":\"T1\"},\"user\":{\"id\":\"U1\"},"
	  "\"trigger_id\":\"1.2.c%zu\",\"container\":{\"channel_id\":\"C1\","
	  "\"message_ts\":\"2.000000\",\"thread_ts\":\"1.000000\"},"
	  "\"actions\":[{\"action_id\":\"konstruct_feedback\","
	  "\"value\":\"up:nobody\"}]}" },
	{ "interactive",
	  "{\"type\":\"message_action\",\"callback_id\":\"konstruct_about\","
	  "\"api_app_id\":\"A1\",\"team\":{\"id\":\"T1\"},"
	  "\"user\":{\"id\":\"U1\"},\"channel\":{\"id\":\"C1\"},"
	  "\"trigger_id\":\"1.2.d%zu\","
	  "\"message\":{\"ts\":\"2.000000\",\"text\":\"x\"}}" },
	{ "interactive",
	  "{\"type\":\"view_submission\",\"api_app_id\":\"A1\","
	  "\"team\":{\"id\":\"T1\"},\"user\":{\"id\":\"U1\"},"
	  "\"trigger_id\":\"1.2.e%zu\",\"view\":{"
	  "\"callback_id\":\"konstruct_about\","
	  "\"private_metadata\":\"{\\\"channel\\\":\\\"C9999\\\","
	  "\\\"thread\\\":\\\"2.000%zu\\\",\\\"text\\\":\\\"x\\\"}\","
	  "\"state\":{\"values\":{\"question\":{\"question\":{"
	  "\"value\":\"y\"}}}}}}" },
#define EVENT(id, event)                                               \
	"{\"type\":\"event_callback\",\"api_app_id\":\"A1\","          \
	"\"team_id\":\"T1\",\"event_id\":\"Ev" id "%zu\","             \
	"\"authorizations\":[{\"team_id\":\"T1\",\"user_id\":\"UB1\"," \
	"\"is_bot\":true}],\"event\":" event "}"
	{ "events_api",
	  EVENT("f", "{\"type\":\"reaction_added\",\"user\":\"U1\","
		     "\"reaction\":\"mute\",\"item_user\":\"UB1\","
		     "\"item\":{\"channel\":\"C1\",\"ts\":\"2.000000\"}}") },
	{ "events_api",
	  EVENT("g", "{\"type\":\"message\",\"subtype\":\"message_changed\","
		     "\"channel\":\"D1\",\"channel_type\":\"im\",\"message\":{"
		     "\"user\":\"U1\",\"ts\":\"2.000000\",\"text\":\"x\"}}") },
	{ "events_api",
	  EVENT("h", "{\"type\":\"message\",\"subtype\":\"message_deleted\","
		     "\"channel\":\"D1\",\"channel_type\":\"im\","
		     "\"deleted_ts\":\"2.000000\",\"previous_message\":{"
		     "\"user\":\"U1\",\"ts\":\"2.000000\"}}") },
	{ "events_api",
	  EVENT("i", "{\"type\":\"agent_session_stopped\",\"user\":\"U1\","
		     "\"channel\":\"C1\",\"thread_ts\":\"2.000000\"}") },
	{ "events_api", EVENT("j", "{\"type\":\"app_home_opened\","
				   "\"user\":\"U1\",\"channel\":\"D1\","
				   "\"tab\":\"home\"}") },
	{ "events_api", EVENT("k", "{\"type\":\"member_joined_channel\","
				   "\"user\":\"UB1\",\"channel\":\"C1\"}") },
	{ "events_api",
	  EVENT("l", "{\"type\":\"assistant_thread_started\","
		     "\"assistant_thread\":{\"user_id\":\"U1\","
		     "\"channel_id\":\"D1\",\"thread_ts\":\"2.000000\"}}") },
};

static const char *const bad[] = { "null", "0",           "-1e99",   "[]",
				   "{}",   "[[[]]]",      "\"\"",    "\"/\"",
				   "true", "\"\\u0000\"", "\"%s%n\"" };
#define NBAD (sizeof(bad) / sizeof(bad[0]))

/* Where the value ends that begins here, of what the table above has. */
static const char *value_end(const char *p)
{
	int depth = 0;

	do {
		if (*p == '"') {
			for (p++; *p != '"'; p++)
				p += *p == '\\';
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if (*p == '}' || *p == ']') {
			depth--;
		}
		p++;
	} while (depth > 0 || (*p != ',' && *p != '}' && *p != ']'));
	return p;
}

/* Sends it with this instead of the value at p, and a number for it. */
static void mutilate(size_t kind, const char *p, const char *with, size_t n)
{
	const char *payload = good[kind].payload;
	char number[24];
	struct buf all;
	char *at;

	(void)snprintf(number, sizeof(number), "%03zu", n);
	buf_init(&all, 4 << 20);
	(void)buf_add(&all, payload, (size_t)(p - payload));
	(void)buf_adds(&all, with);
	(void)buf_adds(&all, value_end(p));
	ck_assert(!all.failed);
	for (at = all.data; (at = strstr(at, "%zu"));)
		memcpy(at, number, 3);
	ck_assert_int_eq(sim_envelope(rig.sim, "A1", good[kind].type, all.data,
				      false),
			 0);
	buf_release(&all);
}

static char *huge_string(void)
{
	size_t n = 300000;
	char *s = malloc(n + 3);

	ck_assert_ptr_nonnull(s);
	memset(s, 'A', n + 2);
	s[0] = s[n + 1] = '"';
	s[n + 2] = '\0';
	return s;
}

START_TEST(mutilated_payloads_break_nothing)
{
	const char *payload = good[_i].payload;
	char *huge = huge_string();
	const char *p;
	size_t k, n = 0;

	for (p = strstr(payload, "\":"); p; p = strstr(p + 2, "\":")) {
		/* What is quoted once more is a string for us. */
		if (p > payload && p[-1] == '\\')
			continue;
		for (k = 0; k <= NBAD; k++)
			mutilate((size_t)_i, p + 2, k < NBAD ? bad[k] : huge,
				 ++n);
	}
	free(huge);
	ck_assert_uint_gt(n, NBAD);
	settle();
	/* Still the same process, as it would have lost its links. */
	rig_stop(&rig);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hostile");
	TCase *tc = tcase_create("hostile");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_test(tc, own_edits_touch_no_disk);
	tcase_add_loop_test(tc, press_that_comes_twice_asks_once, 0, 2);
	tcase_add_test(tc, command_that_comes_twice_is_answered_once);
	tcase_add_test(tc, answer_is_shared_once);
	tcase_add_test(tc, nobody_is_answered_at_an_address_that_is_not_slacks);
	tcase_add_test(tc, what_was_being_shared_is_not_shared_after_a_kill);
	tcase_add_test(tc, answer_in_parts_is_shared_in_parts);
	tcase_add_test(tc, question_that_is_gone_is_not_asked_again);
	tcase_add_test(tc, any_message_can_be_asked_about);
	tcase_add_test(tc, where_the_app_is_no_member_nothing_breaks);
	tcase_add_loop_test(tc, mutilated_payloads_break_nothing, 0,
			    (int)(sizeof(good) / sizeof(good[0])));
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
