/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "integration/rig.h"

static struct rig rig;

static void setup(void)
{
	rig_up(&rig);
}

static void teardown(void)
{
	rig_close(&rig);
}

static struct sim_call *call_for(struct sim_call *calls, size_t n,
				 const char *ts)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(calls[i].ts, ts) == 0)
			return &calls[i];
	ck_abort_msg("no call for %s", ts);
	return NULL;
}

/* The one reply of a thread: placeholder, model, edit, in this order. */
static void check_reply(const char *channel, const char *root)
{
	struct sim_call *posts, *edits, *post, *edit;
	struct sim_ask *asks;
	struct sim_msg *m;
	size_t nm, np, ne, na;

	free(rig_answer(&rig, channel, root));
	m = sim_messages(rig.sim, channel, root, &nm);
	ck_assert_uint_eq(nm, 2);
	ck_assert_str_eq(m[1].thread_ts, root);
	ck_assert_uint_ge(m[1].nversions, 2);
	ck_assert_str_eq(m[1].versions[0].text, "Thinking...");
	ck_assert(!m[1].unfurl_links && !m[1].unfurl_media);

	posts = sim_calls(rig.sim, "chat.postMessage", &np);
	edits = sim_calls(rig.sim, "chat.update", &ne);
	asks = sim_asks(rig.sim, &na);
	ck_assert_uint_eq(np, 1);
	ck_assert_uint_eq(na, 1);
	post = call_for(posts, np, m[1].ts);
	edit = call_for(edits, ne, m[1].ts);
	ck_assert_int_lt(post->done_us, edit->at_us);
	ck_assert_int_le(post->at_us, asks[0].at_us);
	ck_assert_int_lt(asks[0].at_us, edit->at_us);
	sim_asks_free(asks, na);
	sim_calls_free(edits, ne);
	sim_calls_free(posts, np);
	sim_messages_free(m, nm);
}

/* The second of a thread, of a person whose name is known. */
START_TEST(a_plain_answer_is_a_post_and_an_edit)
{
	const struct sim_llm says = { .text = "Yes." };
	struct sim_call *c;
	char root[SIM_TS];
	size_t i, n, before;

	ck_assert_int_eq(sim_llm(rig.sim, &says), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> one?", NULL, root);
	free(rig_answer(&rig, "C1", root));
	c = sim_calls(rig.sim, NULL, &before);
	sim_calls_free(c, before);
	rig_say(&rig, "C1", "U1", "<@UB1> two?", root, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", root, 2, 20000), 0);
	free(rig_answer(&rig, "C1", root));
	c = sim_calls(rig.sim, NULL, &n);
	for (i = before; i < n; i++)
		ck_assert_msg(strcmp(c[i].method, i == before
							  ? "chat.postMessage"
							  : "chat.update") == 0,
			      "%s", c[i].method);
	sim_calls_free(c, n);
	ck_assert_uint_eq(n - before, 2);
}
END_TEST

START_TEST(mention_becomes_placeholder_then_model_then_edit_in_thread)
{
	char ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> where is Atlantis?", NULL, ts);
	check_reply("C1", ts);
}
END_TEST

START_TEST(direct_message_is_answered_in_its_thread)
{
	char ts[SIM_TS];

	rig_say(&rig, "D1", "U1", "where is Atlantis?", NULL, ts);
	check_reply("D1", ts);
}
END_TEST

START_TEST(group_direct_message_needs_a_mention)
{
	char quiet[SIM_TS], ts[SIM_TS];

	rig_say(&rig, "M1", "U1", "lunch?", NULL, quiet);
	rig_say(&rig, "M1", "U1", "<@UB1> where is lunch?", NULL, ts);
	free(rig_answer(&rig, "M1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "M1", quiet), 0);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
}
END_TEST

START_TEST(follow_up_without_mention_is_answered)
{
	char ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	rig_say(&rig, "C1", "U2", "and a follow-up", ts, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 2);
}
END_TEST

START_TEST(follow_up_after_idle_time_is_not_answered)
{
	struct sim_say late = { 0 };
	char ts[SIM_TS], when[SIM_TS], marker[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	rig_later(ts, 31 * 60, when);
	late.thread_ts = ts;
	late.ts = when;
	ck_assert_int_eq(
		sim_say(rig.sim, "C1", "U1", "still there?", &late, NULL), 0);
	/* What comes after it in another thread is answered. */
	rig_say(&rig, "C1", "U1", "<@UB1> and now?", NULL, marker);
	free(rig_answer(&rig, "C1", marker));
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

START_TEST(follow_up_just_within_idle_time_is_answered)
{
	struct sim_say late = { 0 };
	char ts[SIM_TS], when[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	rig_later(ts, 29 * 60, when);
	late.thread_ts = ts;
	late.ts = when;
	ck_assert_int_eq(
		sim_say(rig.sim, "C1", "U1", "still there?", &late, NULL), 0);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
}
END_TEST

/* Says something, then a marker that is answered; how many asked a model. */
static size_t asks_after_marker(void)
{
	struct sim_ask *asks;
	char ts[SIM_TS];
	size_t n;

	rig_say(&rig, "C2", "U1", "<@UB1> marker", NULL, ts);
	free(rig_answer(&rig, "C2", ts));
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	asks = sim_asks(rig.sim, &n);
	sim_asks_free(asks, n);
	return n;
}

START_TEST(other_bots_and_own_posts_are_ignored)
{
	struct sim_say bot = { .bot_id = "BOTHER" };
	struct sim_say both = { .bot_id = "BOTHER",
				.events = "app_mention,message" };
	const char *own = "{\"type\":\"message\",\"channel\":\"D1\","
			  "\"channel_type\":\"im\",\"user\":\"UB1\","
			  "\"bot_id\":\"BB1\",\"text\":\"it is me\","
			  "\"ts\":\"1700000000.000100\"}";

	sim_say(rig.sim, "D1", "U1", "beep", &bot, NULL);
	sim_say(rig.sim, "C1", "U1", "<@UB1> beep", &both, NULL);
	ck_assert_int_eq(sim_event(rig.sim, "A1", "T1", own), 0);
	ck_assert_uint_eq(asks_after_marker(), 1);
}
END_TEST

START_TEST(edits_deletions_and_joins_are_ignored)
{
	struct sim_say join = { .subtype = "channel_join" };
	char ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_int_eq(sim_edit(rig.sim, "C1", ts, "<@UB1> hello, you"), 0);
	sim_say(rig.sim, "C1", "U1", "<@U1> has joined", &join, NULL);
	ck_assert_uint_eq(asks_after_marker(), 2);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

START_TEST(unknown_workspace_is_warned_of_and_ignored)
{
	static const struct sim_install stranger = {
		.app_id = "A1",
		.team_id = "T9",
		.bot_token = "xoxb-sim-t9",
		.bot_user_id = "UB9",
		.bot_id = "BB9",
		.name = "stranger",
	};

	/* The simulator knows it, the daemon was never told. */
	ck_assert_int_eq(sim_add_install(rig.sim, &stranger), 0);
	sim_add_user(rig.sim, "U9", "T9", "zoe", "Zoe");
	sim_add_channel(rig.sim, "C9", "T9", "far", "channel");
	sim_join(rig.sim, "C9", "U9");
	sim_join(rig.sim, "C9", "UB9");
	rig_say(&rig, "C9", "U9", "<@UB9> hello", NULL, NULL);
	ck_assert_uint_eq(asks_after_marker(), 1);
	ck_assert(rig_logged(&rig, "T9", MS));
	ck_assert(rig_logged(&rig, "unknown workspace", MS));
	ck_assert_uint_eq(rig_replies(&rig, "C9", NULL), 0);
}
END_TEST

static const char *const twins[] = {
	"app_mention,message",
	"message,app_mention",
	"app_mention",
	"message",
};

START_TEST(twin_events_of_one_post_give_one_answer)
{
	struct sim_say opt = { .events = twins[_i] };
	char ts[SIM_TS];

	ck_assert_int_eq(sim_say(rig.sim, "C1", "U1", "<@UB1> hello", &opt, ts),
			 0);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(asks_after_marker(), 2);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

START_TEST(follow_up_that_overtakes_its_mention_is_answered)
{
	struct sim_say silent = { .events = "" };
	char ts[SIM_TS], event[512];

	ck_assert_int_eq(
		sim_say(rig.sim, "C1", "U1", "<@UB1> hello", &silent, ts), 0);
	rig_say(&rig, "C1", "U1", "oh, and hurry", ts, NULL);
	snprintf(event, sizeof(event),
		 "{\"type\":\"app_mention\",\"user\":\"U1\",\"ts\":\"%s\","
		 "\"text\":\"<@UB1> hello\",\"channel\":\"C1\","
		 "\"event_ts\":\"%s\",\"team\":\"T1\"}",
		 ts, ts);
	ck_assert_int_eq(sim_event(rig.sim, "A1", "T1", event), 0);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
}
END_TEST

START_TEST(people_in_a_thread_of_their_own_are_left_alone)
{
	char ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "who has the key?", NULL, ts);
	rig_say(&rig, "C1", "U2", "not me", ts, NULL);
	ck_assert_uint_eq(asks_after_marker(), 1);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 0);
}
END_TEST

START_TEST(people_who_turn_to_each_other_are_left_alone)
{
	char ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	rig_say(&rig, "C1", "U1", "<@U2> what do you think?", ts, NULL);
	ck_assert_uint_eq(asks_after_marker(), 2);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	/* It is only silent to that. */
	rig_say(&rig, "C1", "U1", "<@U2> and <@UB1>: lunch?", ts, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
	rig_say(&rig, "C1", "U1", "I ask <@U2> then", ts, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 3, MS), 0);
}
END_TEST

START_TEST(redelivered_envelope_is_answered_once)
{
	struct sim_say again = { .redeliver = true };
	char ts[SIM_TS];

	ck_assert_int_eq(
		sim_say(rig.sim, "C1", "U1", "<@UB1> hello", &again, ts), 0);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(asks_after_marker(), 2);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

START_TEST(envelope_of_300_kB_is_answered)
{
	struct sim_say opt = { 0 };
	size_t len = 300 * 1024;
	char *files = malloc(len + 64);
	char ts[SIM_TS];
	int n;

	ck_assert_ptr_nonnull(files);
	n = snprintf(files, 64,
		     "[{\"id\":\"F1\",\"name\":\"a.txt\",\"note\":\"");
	memset(files + n, 'x', len);
	strcpy(files + n + (int)len, "\"}]");
	opt.files = files;
	opt.subtype = "file_share";
	ck_assert_int_eq(
		sim_say(rig.sim, "D1", "U1", "what is in it?", &opt, ts), 0);
	free(rig_answer(&rig, "D1", ts));
	free(files);
}
END_TEST

/* The text of message i of the first request to the model. */
static char *told(size_t i, const char *role)
{
	struct err e = { 0 };
	struct sim_ask *asks;
	struct json *j;
	char path[64];
	const char *text;
	char *copy;
	size_t n;

	asks = sim_asks(rig.sim, &n);
	ck_assert_uint_ge(n, 1);
	j = json_parse(asks[0].body, strlen(asks[0].body), 1 << 20, &e);
	ck_assert_msg(j != NULL, "%s", e.msg);
	snprintf(path, sizeof(path), "messages.%zu.role", i);
	ck_assert_str_eq(json_str(j, path), role);
	snprintf(path, sizeof(path), "messages.%zu.content", i);
	text = json_str(j, path);
	ck_assert_ptr_nonnull(text);
	copy = strdup(text);
	json_free(j);
	sim_asks_free(asks, n);
	return copy;
}

START_TEST(system_prompt_has_name_role_persona_and_transparency)
{
	char ts[SIM_TS];
	char *text;

	rig_say(&rig, "C1", "U1", "<@UB1> who are you?", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	text = told(0, "system");
	ck_assert_ptr_nonnull(strstr(text, "Your name is Mara"));
	ck_assert_ptr_nonnull(strstr(text, "Your role is librarian"));
	ck_assert_ptr_nonnull(strstr(text, "You love old maps."));
	ck_assert_ptr_nonnull(strstr(text, "You are an AI"));
	free(text);
}
END_TEST

START_TEST(question_reaches_the_model_readable_and_with_its_asker)
{
	char ts[SIM_TS];
	char *text;

	rig_say(&rig, "C1", "U1",
		"<@UB1> does <@U2> know <https://example.org|this> &amp; that?",
		NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	text = told(1, "user");
	ck_assert_msg(strstr(text, "Alice") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "does @Bob know this "
				   "(https://example.org) & that?") != NULL,
		      "%s", text);
	ck_assert_ptr_null(strstr(text, "UB1"));
	free(text);
}
END_TEST

START_TEST(thread_entered_late_is_told_with_its_first_and_newest_messages)
{
	struct sim_say opt = { 0 };
	struct sim_ask *a;
	char ts[SIM_TS], when[SIM_TS], text[64];
	size_t i, n;

	/* All of it in the past: an answer comes after what it answers. */
	rig_say(&rig, "C1", "U1", "what time is it?", NULL, when);
	rig_later(when, -500, ts);
	opt.ts = ts;
	sim_say(rig.sim, "C1", "U1", "remark 0.", &opt, NULL);
	for (i = 1; i <= 450; i++) {
		snprintf(text, sizeof(text), "remark %zu.", i);
		rig_later(ts, (int)i, when);
		opt.thread_ts = ts;
		opt.ts = when;
		sim_say(rig.sim, "C1", "U2", text, &opt, NULL);
	}
	rig_later(ts, (int)i, when);
	sim_say(rig.sim, "C1", "U1", "<@UB1> what was the last one?", &opt,
		NULL);
	free(rig_answer(&rig, "C1", ts));
	a = sim_asks(rig.sim, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_ptr_nonnull(strstr(a[0].body, "]: remark 0."));
	ck_assert_ptr_nonnull(strstr(a[0].body, "[Some messages of this"));
	ck_assert_ptr_nonnull(strstr(a[0].body, "]: remark 450."));
	ck_assert_ptr_nonnull(strstr(a[0].body, "]: remark 252."));
	ck_assert_ptr_null(strstr(a[0].body, "remark 251."));
	ck_assert_ptr_nonnull(strstr(a[0].body, "(Europe/Berlin, UTC+01:00)"));
	sim_asks_free(a, n);
}
END_TEST

START_TEST(alert_of_another_bot_and_what_is_forwarded_reach_the_model)
{
	const struct sim_say alert = {
		.bot_id = "B7",
		.attachments = "[{\"title\":\"Disk full\",\"fields\":["
			       "{\"title\":\"host\",\"value\":\"db1\"}]}]",
	};
	struct sim_say opt = {
		.attachments = "[{\"is_share\":true,\"author_name\":\"Bob\","
			       "\"text\":\"db1 is old\"}]",
	};
	struct sim_ask *a;
	char root[SIM_TS];
	size_t n;

	sim_say(rig.sim, "C1", "U2", "", &alert, root);
	opt.thread_ts = root;
	sim_say(rig.sim, "C1", "U1", "<@UB1> why is that?", &opt, NULL);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	a = sim_asks(rig.sim, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_ptr_nonnull(strstr(a[0].body, "Disk full\\n"));
	ck_assert_ptr_nonnull(strstr(a[0].body, "host: db1"));
	ck_assert_ptr_nonnull(strstr(
		a[0].body, "why is that?\\n    [forwarded message of Bob]"
			   "\\n    > db1 is old"));
	sim_asks_free(a, n);
}
END_TEST

/* Of the reply in this thread. */
static char *blocks_of(const char *ts)
{
	struct sim_msg *m;
	char *blocks = NULL;
	size_t i, n;

	m = sim_messages(rig.sim, "C1", ts, &n);
	for (i = 0; i < n; i++)
		if (m[i].bot_id && m[i].blocks && !blocks)
			blocks = strdup(m[i].blocks);
	sim_messages_free(m, n);
	ck_assert_ptr_nonnull(blocks);
	return blocks;
}

START_TEST(what_the_model_writes_pings_nobody)
{
	struct sim_llm rule = {
		.text = "Hey <!channel> and <@U2> and <!here>, *look*!",
	};
	char ts[SIM_TS];
	char *text;

	sim_llm(rig.sim, &rule);
	rig_say(&rig, "C1", "U1", "<@UB1> hi", NULL, ts);
	text = rig_answer(&rig, "C1", ts);
	ck_assert_ptr_null(strstr(text, "<!"));
	ck_assert_ptr_null(strstr(text, "<@"));
	ck_assert_ptr_nonnull(strstr(text, "&lt;!channel&gt;"));
	free(text);
	text = blocks_of(ts);
	ck_assert_ptr_null(strstr(text, "<!"));
	ck_assert_ptr_null(strstr(text, "<@"));
	ck_assert_ptr_nonnull(strstr(text, "&lt;!channel&gt;"));
	free(text);
}
END_TEST

START_TEST(long_answer_goes_on_in_further_posts)
{
	struct sim_llm rule = { 0 };
	size_t i, n, len = 0, bots = 0;
	char *text = malloc(40000);
	struct sim_msg *m;
	char ts[SIM_TS];

	ck_assert_ptr_nonnull(text);
	for (i = 0; i < 300; i++)
		len += (size_t)snprintf(text + len, 40000 - len,
					"Paragraph %zu has some words that "
					"fill a line or two of the "
					"answer.\n\n",
					i);
	rule.text = text;
	sim_llm(rig.sim, &rule);
	rig_say(&rig, "C1", "U1", "<@UB1> at length, please", NULL, ts);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", ts, "Paragraph 299 ", MS),
			 0);
	m = sim_messages(rig.sim, "C1", ts, &n);
	for (i = 0; i < n; i++) {
		if (!m[i].bot_id)
			continue;
		bots++;
		ck_assert_uint_le(strlen(m[i].text), 4000);
		ck_assert_int_eq(strncmp(m[i].text, "Paragraph", 9), 0);
	}
	ck_assert_uint_ge(bots, 2);
	sim_messages_free(m, n);
	free(text);
}
END_TEST

static const struct {
	const char *name;
	struct sim_llm rule;
} failures[] = {
	{ "500", { .mode = SIM_LLM_STATUS, .status = 500 } },
	{ "401", { .mode = SIM_LLM_STATUS, .status = 401 } },
	{ "reset", { .mode = SIM_LLM_RESET } },
	{ "stream error", { .mode = SIM_LLM_STREAM_ERROR, .after = 0 } },
	{ "broken", { .mode = SIM_LLM_BROKEN, .after = 0 } },
	{ "empty", { .mode = SIM_LLM_EMPTY } },
};

START_TEST(failing_model_becomes_a_sentence_with_an_id)
{
	char ts[SIM_TS];

	sim_llm(rig.sim, &failures[_i].rule);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_msg(sim_wait_text(rig.sim, "C1", ts, "ref", MS) == 0,
		      "no sentence after %s", failures[_i].name);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

START_TEST(turns_of_one_thread_run_one_after_the_other)
{
	struct sim_settings set;
	struct sim_ask *a;
	char ts[SIM_TS];
	size_t n;

	sim_settings(rig.sim, &set);
	set.llm_first_ms = 300;
	sim_set(rig.sim, &set);
	rig_say(&rig, "C1", "U1", "<@UB1> one", NULL, ts);
	rig_say(&rig, "C1", "U1", "two", ts, NULL);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 2, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	a = sim_asks(rig.sim, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_le(a[0].end_us, a[1].at_us);
	/* The second one was told what the first one had answered. */
	ck_assert_ptr_nonnull(strstr(a[1].body, "\"assistant\""));
	sim_asks_free(a, n);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("answer");
	TCase *tc = tcase_create("main job");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, a_plain_answer_is_a_post_and_an_edit);
	tcase_add_test(
		tc, mention_becomes_placeholder_then_model_then_edit_in_thread);
	tcase_add_test(tc, direct_message_is_answered_in_its_thread);
	tcase_add_test(tc, group_direct_message_needs_a_mention);
	tcase_add_test(tc, follow_up_without_mention_is_answered);
	tcase_add_test(tc, follow_up_after_idle_time_is_not_answered);
	tcase_add_test(tc, follow_up_just_within_idle_time_is_answered);
	tcase_add_test(tc, other_bots_and_own_posts_are_ignored);
	tcase_add_test(tc, edits_deletions_and_joins_are_ignored);
	tcase_add_test(tc, unknown_workspace_is_warned_of_and_ignored);
	tcase_add_loop_test(tc, twin_events_of_one_post_give_one_answer, 0,
			    sizeof(twins) / sizeof(twins[0]));
	tcase_add_test(tc, follow_up_that_overtakes_its_mention_is_answered);
	tcase_add_test(tc, people_in_a_thread_of_their_own_are_left_alone);
	tcase_add_test(tc, people_who_turn_to_each_other_are_left_alone);
	tcase_add_test(tc, redelivered_envelope_is_answered_once);
	tcase_add_test(tc, envelope_of_300_kB_is_answered);
	tcase_add_test(tc,
		       system_prompt_has_name_role_persona_and_transparency);
	tcase_add_test(tc,
		       question_reaches_the_model_readable_and_with_its_asker);
	tcase_add_test(
		tc,
		thread_entered_late_is_told_with_its_first_and_newest_messages);
	tcase_add_test(
		tc, alert_of_another_bot_and_what_is_forwarded_reach_the_model);
	tcase_add_test(tc, what_the_model_writes_pings_nobody);
	tcase_add_test(tc, long_answer_goes_on_in_further_posts);
	tcase_add_loop_test(tc, failing_model_becomes_a_sentence_with_an_id, 0,
			    sizeof(failures) / sizeof(failures[0]));
	tcase_add_test(tc, turns_of_one_thread_run_one_after_the_other);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
