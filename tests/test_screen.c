/* SPDX-License-Identifier: ISC */
#include "route/leave.h"
#include "route/screen.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "envelopes.h"
#include "route/envelope.h"
#include "route/message.h"
#include "route/signal.h"
#include "state/engaged.h"
#include "state/quarantine.h"

static int64_t now; /* wall clock; in place of base/clock.c */
static struct engaged *engaged;
static struct quarantine *quarantine;
static struct screening s;
static const char *stage;

int64_t clock_wall_ms(void)
{
	return now;
}

int64_t clock_ms(void)
{
	return now;
}

static void setup(void)
{
	now = INT64_C(1700000000) * 1000;
	log_set_level(LOG_LEVEL_ERROR);
	engaged = engaged_create(30 * 60 * 1000);
	quarantine = quarantine_create();
	ck_assert_ptr_nonnull(quarantine);
	ck_assert_ptr_nonnull(engaged);
}

static void teardown(void)
{
	message_free(s.msg);
	s.msg = NULL;
	engaged_free(engaged);
	quarantine_free(quarantine);
}

static enum verdict screen(const char *frame)
{
	struct envelope env;
	struct err e = { 0 };
	enum verdict v;

	ck_assert_msg(envelope_parse(&env, frame, strlen(frame), &e) == 0,
		      "%s: %s", e.msg, frame);
	message_free(s.msg);
	s = (struct screening){ .env = &env,
				.engaged = engaged,
				.quarantine = quarantine };
	v = screen_run(&s, &stage);
	ck_assert_int_eq(s.msg != NULL, v == V_ACCEPT || v == V_HOLD);
	envelope_release(&env);
	return v;
}

static enum verdict screen_event(const char *event)
{
	char *frame = event_frame(event);
	enum verdict v = screen(frame);

	free(frame);
	return v;
}

#define AT    "\"channel\":\"C1\",\"ts\":\"1700000000.000100\""
#define FROM  "\"user\":\"U1\"," AT
#define REPLY "\"thread_ts\":\"1699999999.000001\""

static const struct {
	const char *event;
	enum verdict want;
	const char *stage;
} cases[] = {
	/* addressed */
	{ "{\"type\":\"app_mention\"," FROM ",\"text\":\"<@UBOT> hi\"}",
	  V_ACCEPT, "relevant" },
	{ "{\"type\":\"app_mention\"," FROM ",\"text\":\"no name in it\"}",
	  V_ACCEPT, "relevant" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"channel\","
	  "\"text\":\"hi <@UBOT>\"}",
	  V_ACCEPT, "relevant" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"mpim\","
	  "\"text\":\"hi <@UBOT>\"}",
	  V_ACCEPT, "relevant" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"im\","
	  "\"text\":\"hi\"}",
	  V_ACCEPT, "relevant" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"im\"," REPLY
	  ",\"text\":\"hi\"}",
	  V_ACCEPT, "relevant" },

	/* not addressed, or perhaps not yet */
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"channel\","
	  "\"text\":\"hi all\"}",
	  V_DROP, "relevant" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"mpim\","
	  "\"text\":\"hi <@U2>\"}",
	  V_DROP, "relevant" },
	{ "{\"type\":\"message\"," FROM ",\"text\":\"hi\"}", V_DROP,
	  "relevant" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"channel\"," REPLY
	  ",\"text\":\"hi\"}",
	  V_HOLD, "relevant" },

	/* the subtypes that people's words have, and the others */
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"im\","
	  "\"subtype\":\"file_share\"}",
	  V_ACCEPT, "relevant" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"im\","
	  "\"subtype\":\"thread_broadcast\"}",
	  V_ACCEPT, "relevant" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"im\","
	  "\"subtype\":\"me_message\"}",
	  V_ACCEPT, "relevant" },
	{ "{\"type\":\"message\"," AT ",\"subtype\":\"message_changed\","
	  "\"hidden\":true,\"message\":{\"user\":\"U1\","
	  "\"text\":\"<@UBOT>\",\"ts\":\"1700000000.000001\"}}",
	  V_ACCEPT, "signal" },
	{ "{\"type\":\"message\"," AT ",\"subtype\":\"message_changed\","
	  "\"message\":{\"user\":\"U1\",\"text\":\"so\","
	  "\"ts\":\"1700000000.000001\"},"
	  "\"previous_message\":{\"text\":\"<@UBOT>\"}}",
	  V_ACCEPT, "signal" },
	{ "{\"type\":\"message\"," AT ",\"subtype\":\"message_changed\","
	  "\"message\":{\"user\":\"U1\",\"text\":\"so\"," REPLY
	  ",\"ts\":\"1700000000.000001\"},"
	  "\"previous_message\":{\"text\":\"thus\"}}",
	  V_DROP, "signal" },
	{ "{\"type\":\"message\"," AT ",\"subtype\":\"message_deleted\"}",
	  V_DROP, "signal" },
	{ "{\"type\":\"message\"," AT ",\"subtype\":\"message_replied\"}",
	  V_DROP, "subtype" },
	{ "{\"type\":\"message\"," FROM ",\"subtype\":\"channel_join\","
	  "\"text\":\"<@U1> has joined\"}",
	  V_DROP, "subtype" },
	{ "{\"type\":\"message\"," FROM ",\"subtype\":\"of_tomorrow\"}", V_DROP,
	  "subtype" },
	{ "{\"type\":\"message\",\"user\":\"UREVOKEDU\"," AT
	  ",\"subtype\":\"ekm_access_denied\",\"text\":\"\"}",
	  V_DROP, "subtype" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"im\","
	  "\"hidden\":true}",
	  V_DROP, "subtype" },
	{ "{\"type\":\"app_mention\"," FROM ",\"text\":\"<@UBOT> hi\","
	  "\"edited\":{\"user\":\"U1\",\"ts\":\"1700000001.000000\"}}",
	  V_ACCEPT, "relevant" },
	{ "{\"type\":\"app_mention\"," FROM ",\"text\":\"<@UBOT> hi\","
	  "\"edited\":{\"user\":\"U1\",\"ts\":\"1700000601.000000\"}}",
	  V_DROP, "subtype" },
	{ "{\"type\":\"app_mention\"," FROM ",\"text\":\"<@UBOT> hi\","
	  "\"bot_id\":\"B1\","
	  "\"edited\":{\"user\":\"U1\",\"ts\":\"1700000001.000000\"}}",
	  V_DROP, "subtype" },
	{ "{\"type\":\"message\"," FROM ",\"text\":\"<@UBOT> hi\","
	  "\"edited\":{\"user\":\"U1\",\"ts\":\"1700000001.000000\"}}",
	  V_DROP, "subtype" },
	{ "{\"type\":\"app_mention\"," FROM ",\"edited\":null}", V_ACCEPT,
	  "relevant" },

	/* bots, and we among them */
	{ "{\"type\":\"message\",\"user\":\"UBOT\"," AT
	  ",\"channel_type\":\"im\"}",
	  V_DROP, "bots" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"im\","
	  "\"bot_id\":\"B1\"}",
	  V_DROP, "bots" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"im\","
	  "\"bot_profile\":{\"id\":\"B1\"}}",
	  V_DROP, "bots" },
	{ "{\"type\":\"message\"," AT ",\"subtype\":\"bot_message\"}", V_DROP,
	  "bots" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"im\","
	  "\"bot_id\":\"B1\",\"text\":\"<@UBOT>\"}",
	  V_DROP, "bots" },
	{ "{\"type\":\"message\"," FROM ",\"bot_id\":\"B1\","
	  "\"text\":\"<@UBOTX> <@U1>\"}",
	  V_DROP, "bots" },
	{ "{\"type\":\"app_mention\"," FROM ",\"bot_id\":\"B1\","
	  "\"bot_profile\":{\"id\":\"B1\",\"app_id\":\"A1\"}}",
	  V_DROP, "bots" },
	{ "{\"type\":\"app_mention\"," FROM ",\"bot_id\":\"B1\","
	  "\"app_id\":\"A1\"}",
	  V_DROP, "bots" },
	/* what mentions us is the tenant's to allow */
	{ "{\"type\":\"app_mention\"," FROM ",\"bot_id\":\"B1\","
	  "\"text\":\"<@UBOT>\"}",
	  V_ACCEPT, "relevant" },
	{ "{\"type\":\"message\"," FROM ",\"bot_profile\":{\"id\":\"B1\","
	  "\"app_id\":\"A2\"},\"text\":\"<@UBOT>\"}",
	  V_ACCEPT, "relevant" },
	{ "{\"type\":\"message\"," AT ",\"subtype\":\"bot_message\","
	  "\"bot_id\":\"B1\",\"text\":\"<@UBOT>\"}",
	  V_ACCEPT, "relevant" },
	{ "{\"type\":\"app_mention\"," FROM
	  ",\"subtype\":\"bot_message\",\"text\":\"<@UBOT>\"}",
	  V_DROP, "bots" },
	{ "{\"type\":\"message\",\"user\":\"USLACKBOT\"," AT
	  ",\"channel_type\":\"im\"}",
	  V_DROP, "bots" },
	{ "{\"type\":\"message\"," FROM ",\"channel_type\":\"im\","
	  "\"bot_id\":\"\"}",
	  V_ACCEPT, "relevant" },

	/* signals */
	{ "{\"type\":\"reaction_added\",\"user\":\"U1\",\"reaction\":\"x\","
	  "\"item\":{" AT "},\"item_user\":\"UBOT\"}",
	  V_ACCEPT, "signal" },
	{ "{\"type\":\"reaction_added\",\"user\":\"U1\",\"reaction\":\"x\","
	  "\"item\":{" AT "},\"item_user\":\"U2\"}",
	  V_DROP, "signal" },
	{ "{\"type\":\"reaction_added\",\"user\":\"UBOT\","
	  "\"reaction\":\"x\",\"item\":{" AT "},\"item_user\":\"UBOT\"}",
	  V_DROP, "signal" },
	{ "{\"type\":\"reaction_added\",\"user\":\"U1\","
	  "\"reaction\":\"tada\",\"item\":{" AT "},"
	  "\"item_user\":\"UBOT\"}",
	  V_DROP, "signal" },
	{ "{\"type\":\"reaction_added\",\"user\":\"U1\","
	  "\"reaction\":\"mute\",\"item\":{" AT "},\"item_user\":\"U2\"}",
	  V_DROP, "signal" },
	{ "{\"type\":\"reaction_added\",\"user\":\"U1\",\"reaction\":\"x\","
	  "\"item\":{\"channel\":\"C1\",\"ts\":\"now\"},"
	  "\"item_user\":\"UBOT\"}",
	  V_DROP, "signal" },
	{ "{\"type\":\"message\",\"subtype\":\"message_changed\","
	  "\"channel\":\"D1\",\"message\":{" FROM ",\"text\":\"new\"},"
	  "\"previous_message\":{\"text\":\"old\"}}",
	  V_ACCEPT, "signal" },
	{ "{\"type\":\"message\",\"subtype\":\"message_changed\","
	  "\"channel\":\"D1\",\"message\":{" FROM ",\"text\":\"same\"},"
	  "\"previous_message\":{\"text\":\"same\"}}",
	  V_DROP, "signal" },
	{ "{\"type\":\"message\",\"subtype\":\"message_changed\","
	  "\"channel\":\"D1\",\"message\":{\"user\":\"UBOT\"," AT
	  ",\"text\":\"new\"},\"previous_message\":{\"text\":\"old\"}}",
	  V_DROP, "signal" },
	{ "{\"type\":\"message\",\"subtype\":\"message_deleted\","
	  "\"channel\":\"D1\",\"deleted_ts\":\"1700000000.000100\","
	  "\"previous_message\":{\"user\":\"U1\"}}",
	  V_ACCEPT, "signal" },
	{ "{\"type\":\"message\",\"subtype\":\"message_deleted\","
	  "\"channel\":\"C1\",\"deleted_ts\":\"1700000000.000100\","
	  "\"previous_message\":{\"user\":\"U1\"}}",
	  V_DROP, "signal" },
	{ "{\"type\":\"message\",\"subtype\":\"message_deleted\","
	  "\"channel\":\"C1\",\"deleted_ts\":\"1700000000.000100\","
	  "\"previous_message\":{\"user\":\"U1\",\"text\":\"<@UBOT>\"}}",
	  V_ACCEPT, "signal" },
	{ "{\"type\":\"message\",\"subtype\":\"message_deleted\","
	  "\"channel\":\"C1\",\"deleted_ts\":\"1700000000.000100\","
	  "\"previous_message\":{\"user\":\"U1\"," REPLY "}}",
	  V_ACCEPT, "signal" },
	{ "{\"type\":\"message\",\"subtype\":\"message_deleted\","
	  "\"channel\":\"C1\",\"deleted_ts\":\"1700000000.000100\","
	  "\"previous_message\":{\"user\":\"UBOT\"," REPLY "}}",
	  V_DROP, "signal" },
	{ "{\"type\":\"message\",\"subtype\":\"message_changed\","
	  "\"channel\":\"D1\",\"message\":{\"user\":\"USLACKBOT\"," AT
	  ",\"subtype\":\"tombstone\",\"text\":\"This message was "
	  "deleted.\"},\"previous_message\":{\"user\":\"U1\"}}",
	  V_ACCEPT, "signal" },
	{ "{\"type\":\"message\",\"subtype\":\"message_changed\","
	  "\"channel\":\"D1\",\"message\":{\"user\":\"USLACKBOT\"," AT
	  ",\"subtype\":\"tombstone\"},\"previous_message\":{"
	  "\"subtype\":\"tombstone\"}}",
	  V_DROP, "subtype" },
	{ "{\"type\":\"agent_session_stopped\",\"user\":\"U1\","
	  "\"channel\":\"D1\",\"thread_ts\":\"1700000000.000100\"}",
	  V_ACCEPT, "signal" },

	/* other events */
	{ "{\"type\":\"reaction_removed\",\"user\":\"U1\"}", V_DROP,
	  "control" },
	{ "{\"type\":\"app_rate_limited\",\"team_id\":\"T1\"}", V_DROP,
	  "control" },

	/* what can't be read */
	{ "{\"type\":\"message\",\"user\":\"U1\",\"ts\":\"1.0\"}", V_DROP,
	  "message" },
	{ "{\"type\":\"app_mention\",\"user\":\"u\"," AT "}", V_DROP,
	  "message" },
	{ "null", V_DROP, "malformed" },
	{ "{\"type\":7}", V_DROP, "malformed" },
	{ "\"message\"", V_DROP, "malformed" },
};

START_TEST(each_event_is_decided_by_its_stage)
{
	enum verdict v = screen_event(cases[_i].event);

	ck_assert_msg(v == cases[_i].want, "%s: %s, %s", cases[_i].event,
		      verdict_name(v), stage);
	ck_assert_msg(strcmp(stage, cases[_i].stage) == 0, "%s: %s",
		      cases[_i].event, stage);
}
END_TEST

START_TEST(hush_is_said_in_few_words)
{
	ck_assert(signal_is_hush("stop listening"));
	ck_assert(signal_is_hush("  Please, STOP  replying! "));
	ck_assert(signal_is_hush("Bitte sei still."));
	ck_assert(!signal_is_hush("stop listening to them and help me"));
	ck_assert(!signal_is_hush("don't stop listening"));
	ck_assert(!signal_is_hush(""));
	ck_assert(!signal_is_hush("please "));
}
END_TEST

/* An organisation's install is known by the organisation. */
START_TEST(command_of_an_organisation_is_of_its_install)
{
	static const char frame[] =
		"{\"type\":\"slash_commands\",\"envelope_id\":\"e-1\","
		"\"payload\":{\"api_app_id\":\"A1\",\"team_id\":\"T1\","
		"\"enterprise_id\":\"E1\","
		"\"is_enterprise_install\":\"%s\",\"user_id\":\"U1\","
		"\"channel_id\":\"C1\",\"trigger_id\":\"1.2.abc\","
		"\"command\":\"/ask\",\"text\":\"why?\","
		"\"response_url\":\"https://hooks.slack.com/1\"}}";
	char text[1024];

	(void)snprintf(text, sizeof(text), frame, _i ? "true" : "false");
	ck_assert_int_eq(screen(text), V_ACCEPT);
	ck_assert_int_eq(s.msg->signal.kind, SIGNAL_COMMAND);
	ck_assert_str_eq(s.msg->channel.workspace_id, _i ? "E1" : "T1");
}
END_TEST

START_TEST(press_of_our_button_passes)
{
	static const char frame[] =
		"{\"type\":\"interactive\",\"envelope_id\":\"e-1\","
		"\"payload\":{\"type\":\"block_actions\","
		"\"api_app_id\":\"A1\",\"team\":{\"id\":\"T1\"},"
		"\"user\":{\"id\":\"U1\"},\"trigger_id\":\"1.2.abc\","
		"\"container\":{\"channel_id\":\"C1\","
		"\"message_ts\":\"2.000000\",\"thread_ts\":\"1.000000\"},"
		"\"actions\":[{\"action_id\":\"%s\",\"value\":\"up:e\"}]}}";
	char text[1024];

	(void)snprintf(text, sizeof(text), frame, SIGNAL_FEEDBACK);
	ck_assert_int_eq(screen(text), V_ACCEPT);
	ck_assert_int_eq(s.msg->signal.kind, SIGNAL_PRESS);
	ck_assert_str_eq(s.msg->signal.detail, "up:e");
	ck_assert_str_eq(s.msg->channel.ts, "2.000000");
	ck_assert_str_eq(s.msg->thread_id, "1.000000");
	ck_assert_str_eq(s.msg->event_id, "1.2.abc");
	(void)snprintf(text, sizeof(text), frame, "somebody_elses");
	ck_assert_int_eq(screen(text), V_DROP);
}
END_TEST

static const struct {
	const char *frame;
	const char *stage;
} frames[] = {
	{ "{\"type\":\"hello\"}", "control" },
	{ "{\"type\":\"disconnect\",\"reason\":\"warning\"}", "control" },
	{ "{\"type\":\"new\",\"envelope_id\":\"e\"}", "control" },
	{ "{\"type\":\"slash_commands\",\"envelope_id\":\"e\",\"payload\":{"
	  "\"command\":\"/x\"}}",
	  "signal" },
	{ "{\"type\":\"interactive\",\"envelope_id\":\"e\",\"payload\":{"
	  "\"type\":\"shortcut\"}}",
	  "control" },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"e\",\"payload\":{"
	  "\"type\":\"app_rate_limited\",\"team_id\":\"T1\","
	  "\"minute_rate_limited\":1518467820,\"api_app_id\":\"A1\"}}",
	  "control" },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"e\",\"payload\":{"
	  "\"type\":\"of_tomorrow\"}}",
	  "control" },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"e\"}", "malformed" },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"e\",\"payload\":{}}",
	  "malformed" },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"e\",\"payload\":{"
	  "\"type\":\"event_callback\"}}",
	  "malformed" },
};

START_TEST(what_is_no_message_is_dropped)
{
	ck_assert_int_eq(screen(frames[_i].frame), V_DROP);
	ck_assert_str_eq(stage, frames[_i].stage);
	ck_assert_ptr_nonnull(s.why);
}
END_TEST

#define FOLLOW_UP                                                    \
	"{\"type\":\"message\",\"user\":\"U2\",\"channel\":\"C1\","  \
	"\"ts\":\"1700000002.000100\",\"channel_type\":\"channel\"," \
	"\"thread_ts\":\"1700000000.000100\",\"text\":\"and?\"}"

START_TEST(a_mention_lets_its_thread_through)
{
	ck_assert_int_eq(screen_event(FOLLOW_UP), V_HOLD);
	ck_assert_str_eq(s.key, "A1:T1:C1:1700000000.000100");
	ck_assert(!engaged_maybe(engaged, s.key));

	ck_assert_int_eq(screen_event("{\"type\":\"app_mention\"," FROM "}"),
			 V_ACCEPT);
	ck_assert(engaged_maybe(engaged, "A1:T1:C1:1700000000.000100"));
	ck_assert_int_eq(screen_event(FOLLOW_UP), V_ACCEPT);
}
END_TEST

/* Slack delivers what it could not for minutes, and hours if it is told to. */
START_TEST(an_edit_that_names_us_lets_its_thread_through)
{
	ck_assert_int_eq(screen_event(
				 "{\"type\":\"message\",\"channel\":\"C1\","
				 "\"ts\":\"1700000000.000009\","
				 "\"subtype\":\"message_changed\","
				 "\"message\":{\"user\":\"U1\","
				 "\"text\":\"<@UBOT> where?\","
				 "\"ts\":\"1699999999.000001\"},"
				 "\"previous_message\":{\"text\":\"where?\"}}"),
			 V_ACCEPT);
	ck_assert(s.msg->signal.asks);
	ck_assert_int_eq(screen_event("{\"type\":\"message\"," FROM "," REPLY
				      ",\"channel_type\":\"channel\","
				      "\"text\":\"and now?\"}"),
			 V_ACCEPT);
}
END_TEST

START_TEST(a_reply_that_comes_late_is_judged_by_its_own_time)
{
	engaged_renew(engaged, "A1:T1:C1:1700000000.000100", now);
	now += 80 * 60 * 1000;
	engaged_sweep(engaged, now);
	ck_assert_int_eq(screen_event(FOLLOW_UP), V_ACCEPT);
	now += 20 * 60 * 1000;
	engaged_sweep(engaged, now);
	ck_assert_int_eq(screen_event(FOLLOW_UP), V_HOLD);
}
END_TEST

START_TEST(an_engaged_thread_of_another_workspace_is_another)
{
	char *frame = event_frame_with(
		"\"authorizations\":[{\"team_id\":\"T2\"}]", FOLLOW_UP);

	ck_assert_int_eq(screen_event("{\"type\":\"app_mention\"," FROM "}"),
			 V_ACCEPT);
	ck_assert_int_eq(screen(frame), V_HOLD);
	free(frame);
}
END_TEST

static void add_up(const char *name, enum verdict v, uint64_t n, void *arg)
{
	uint64_t *sum = arg;

	if (strcmp(name, "subtype") == 0 && v == V_DROP)
		*sum += n;
	ck_assert_int_ne(v, V_HOLD);
}

START_TEST(decisions_are_counted_and_holds_are_not)
{
	uint64_t before = 0;
	uint64_t after = 0;

	verdict_each(add_up, &before);
	ck_assert_int_eq(screen_event(FOLLOW_UP), V_HOLD);
	ck_assert_int_eq(screen_event("{\"type\":\"message\"," FROM
				      ",\"subtype\":\"channel_join\"}"),
			 V_DROP);
	verdict_each(add_up, &after);
	ck_assert_uint_eq(after, before + 1);
}
END_TEST

#define LOOP(tc, test, table) \
	tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof(table[0]))

static void count(const struct quarantine_view *v, void *arg)
{
	ck_assert_str_eq(v->app_id, "A1");
	ck_assert_str_eq(v->workspace_id, "T1");
	++*(int *)arg;
}

static bool read_leave(const char *text, struct leave *out)
{
	struct envelope env;
	struct err e = { 0 };
	bool is;

	ck_assert_msg(envelope_parse(&env, text, strlen(text), &e) == 0, "%s",
		      e.msg);
	is = leave_read(&env, out);
	envelope_release(&env);
	return is;
}

#define TOLD(type, more, event)                                               \
	"{\"envelope_id\":\"e\",\"type\":\"" type "\",\"payload\":{\"type\":" \
	"\"event_callback\",\"api_app_id\":\"A1\",\"event_time\":1700000000," \
	"\"event\":" event more "}}"
#define GONE "{\"type\":\"app_uninstalled\"}"

static const struct {
	const char *text;
	const char *workspace; /* NULL: it is no such event */
} leaves[] = {
	{ TOLD("events_api", ",\"team_id\":\"T1\"", GONE), "T1" },
	{ TOLD("events_api", ",\"team_id\":\"T1\",\"enterprise_id\":\"E1\"",
	       GONE),
	  "T1" },
	{ TOLD("events_api", ",\"team_id\":\"\",\"enterprise_id\":\"E1\"",
	       GONE),
	  "E1" },
	{ TOLD("events_api",
	       ",\"team_id\":\"T1\",\"authorizations\":[{\"team_id\":null,"
	       "\"enterprise_id\":\"E1\",\"is_enterprise_install\":true}]",
	       GONE),
	  "E1" },
	{ TOLD("events_api", ",\"team_id\":\"T1\",\"authorizations\":[]", GONE),
	  "T1" },
	{ TOLD("events_api", "", GONE), NULL },
	{ TOLD("events_api", ",\"team_id\":\"T1:C1\"", GONE), NULL },
	{ TOLD("events_api", ",\"team_id\":{\"a\":1}", GONE), NULL },
	{ TOLD("interactive", ",\"team_id\":\"T1\"", GONE), NULL },
	{ TOLD("events_api", ",\"team_id\":\"T1\"", "[]"), NULL },
	{ TOLD("events_api", ",\"team_id\":\"T1\"",
	       "{\"type\":\"tokens_revoked\",\"tokens\":7}"),
	  NULL },
};

START_TEST(of_which_workspace_it_is_is_read)
{
	struct leave l;
	bool is = read_leave(leaves[_i].text, &l);

	ck_assert_int_eq(is, leaves[_i].workspace != NULL);
	if (!is)
		return;
	ck_assert_str_eq(l.app_id, "A1");
	ck_assert_str_eq(l.workspace_id, leaves[_i].workspace);
	ck_assert_str_eq(l.event, "app_uninstalled");
	ck_assert_int_eq(l.at_ms, INT64_C(1700000000999));
}
END_TEST

START_TEST(an_app_that_was_taken_out_is_noticed)
{
	static const struct {
		const char *event;
		int n;
	} events[] = {
		{ "{\"type\":\"app_uninstalled\"}", 1 },
		{ "{\"type\":\"tokens_revoked\",\"tokens\":{\"oauth\":[],"
		  "\"bot\":[\"UB1\"]}}",
		  1 },
		{ "{\"type\":\"tokens_revoked\",\"tokens\":{\"oauth\":"
		  "[\"U1\"]}}",
		  0 },
	};
	size_t i;
	int n;

	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		n = 0;
		ck_assert_int_eq(screen_event(events[i].event), V_DROP);
		quarantine_each(quarantine, count, &n);
		ck_assert_int_eq(n, events[i].n);
		quarantine_lift(quarantine, "A1", "T1");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("screen");
	TCase *tc = tcase_create("screen");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	LOOP(tc, each_event_is_decided_by_its_stage, cases);
	LOOP(tc, what_is_no_message_is_dropped, frames);
	tcase_add_test(tc, hush_is_said_in_few_words);
	tcase_add_loop_test(tc, command_of_an_organisation_is_of_its_install, 0,
			    2);
	tcase_add_test(tc, press_of_our_button_passes);
	tcase_add_test(tc, a_mention_lets_its_thread_through);
	tcase_add_test(tc, an_edit_that_names_us_lets_its_thread_through);
	tcase_add_test(tc, a_reply_that_comes_late_is_judged_by_its_own_time);
	tcase_add_test(tc, an_engaged_thread_of_another_workspace_is_another);
	tcase_add_test(tc, decisions_are_counted_and_holds_are_not);
	tcase_add_test(tc, an_app_that_was_taken_out_is_noticed);
	LOOP(tc, of_which_workspace_it_is_is_read, leaves);
	suite_add_tcase(suite, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
