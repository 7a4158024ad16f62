/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "peer.h"
#include "sim/sim.h"

#define APP  "A0ACME"
#define KIM  "xoxb-sim-acme"
#define XAPP "xapp-1-A0ACME-sim"
#define JSON "application/json"

static struct sim *s;
static struct peer *web;
static struct peer *ws;
static struct json *frame; /* the last one */

static void setup(void)
{
	struct err e = { 0 };

	s = sim_start(NULL, &e);
	ck_assert_msg(s != NULL, "%s", e.msg);
	ck_assert_int_eq(sim_load_demo(s, &e), 0);
	web = peer_open(sim_port(s), NULL);
}

static void teardown(void)
{
	json_free(frame);
	frame = NULL;
	peer_close(ws);
	ws = NULL;
	peer_close(web);
	sim_stop(s);
}

/* Path and query of a link, with a fresh ticket. */
static void new_ticket(const char *token, char *path, size_t size)
{
	const struct answer *a;
	struct err e = { 0 };
	struct json *j;
	const char *url;

	a = peer_post(web, "/api/apps.connections.open", token, NULL, "");
	ck_assert_ptr_nonnull(strstr(a->body, "ws:\\/\\/"));
	j = json_parse(a->body, a->len, 65536, &e);
	url = json_str(j, "url");
	ck_assert_ptr_nonnull(url);
	ck_assert_int_lt(snprintf(path, size, "%s", strstr(url, "/link/")),
			 (int)size);
	json_free(j);
}

/* The next text frame, parsed into frame. */
static void next_on(struct peer *p)
{
	struct err e = { 0 };
	const char *text;

	ck_assert_int_eq(peer_frame(p, &text), 1);
	json_free(frame);
	frame = json_parse(text, strlen(text), 8 << 20, &e);
	ck_assert_msg(frame != NULL, "%s: %.200s", e.msg, text);
}

static struct peer *new_link(void)
{
	struct peer *p = peer_open(sim_port(s), NULL);
	char path[256];

	new_ticket(XAPP, path, sizeof(path));
	ck_assert_int_eq(peer_upgrade(p, path), 101);
	next_on(p);
	return p;
}

static void open_link(void)
{
	ws = new_link();
	ck_assert_str_eq(json_str(frame, "type"), "hello");
}

static void ack_on(struct peer *p, const char *envelope_id)
{
	char text[128];

	snprintf(text, sizeof(text), "{\"envelope_id\":\"%s\"}", envelope_id);
	peer_frame_out(p, 0x81, text, strlen(text));
}

static void ack(void)
{
	ack_on(ws, json_str(frame, "envelope_id"));
}

static void set_ms(int ack_timeout, int first_retry)
{
	struct sim_settings set;

	sim_settings(s, &set);
	set.ack_timeout_ms = ack_timeout;
	set.retry_ms[0] = first_retry;
	set.retry_ms[1] = 0;
	sim_set(s, &set);
}

START_TEST(a_link_begins_with_hello)
{
	open_link();
	ck_assert_str_eq(json_str(frame, "connection_info.app_id"), APP);
	ck_assert_int_eq(json_int(frame, "num_connections", 0), 1);
	ck_assert_uint_eq(sim_links(s, APP), 1);
}
END_TEST

START_TEST(a_ticket_opens_one_link)
{
	struct peer *again = peer_open(sim_port(s), NULL);
	char path[256];

	new_ticket(XAPP, path, sizeof(path));
	ws = peer_open(sim_port(s), NULL);
	ck_assert_int_eq(peer_upgrade(ws, path), 101);
	ck_assert_int_eq(peer_upgrade(again, path), 401);
	peer_close(again);
}
END_TEST

START_TEST(a_ticket_grows_old)
{
	struct sim_settings set;
	char path[256];

	sim_settings(s, &set);
	set.ticket_ms = 0;
	sim_set(s, &set);
	new_ticket(XAPP, path, sizeof(path));
	ws = peer_open(sim_port(s), NULL);
	ck_assert_int_eq(peer_upgrade(ws, path), 401);
}
END_TEST

START_TEST(an_upgrade_can_be_refused)
{
	struct sim_fault f = { .kind = SIM_FAULT_STATUS,
			       .method = "link",
			       .status = 408,
			       .times = 1 };
	char path[256];

	sim_fault(s, &f);
	new_ticket(XAPP, path, sizeof(path));
	ws = peer_open(sim_port(s), NULL);
	ck_assert_int_eq(peer_upgrade(ws, path), 408);
}
END_TEST

START_TEST(the_eleventh_link_is_one_too_many)
{
	struct peer *p[11];
	const char *text;
	int i;

	for (i = 0; i < 11; i++)
		p[i] = new_link();
	ck_assert_str_eq(json_str(frame, "reason"), "too_many_websockets");
	ck_assert_int_eq(peer_frame(p[10], &text), -1);
	ck_assert_uint_eq(sim_links(s, APP), 10);
	for (i = 0; i < 11; i++)
		peer_close(p[i]);
}
END_TEST

START_TEST(a_mention_comes_twice_with_one_ts_and_two_event_ids)
{
	char type[2][32], event[2][32];
	char ts[SIM_TS];
	int i;

	open_link();
	sim_say(s, "C0GENERAL", "U0ALICE", "<@U0KIM> hi", NULL, ts);
	for (i = 0; i < 2; i++) {
		next_on(ws);
		ck_assert_str_eq(json_str(frame, "type"), "events_api");
		ck_assert_str_eq(json_str(frame, "payload.event.ts"), ts);
		ck_assert_str_eq(json_str(frame,
					  "payload.authorizations.0.team_id"),
				 "T0ACME");
		snprintf(type[i], 32, "%s",
			 json_str(frame, "payload.event.type"));
		snprintf(event[i], 32, "%s",
			 json_str(frame, "payload.event_id"));
		ck_assert(!json_str(frame, "payload.event.channel_type") ==
			  (strcmp(type[i], "app_mention") == 0));
		ack();
	}
	ck_assert_str_ne(type[0], type[1]);
	ck_assert_str_ne(event[0], event[1]);
	ck_assert_int_eq(sim_wait_acked(s, 30000), 0);
}
END_TEST

START_TEST(events_come_in_the_order_that_is_asked_for)
{
	struct sim_say o = { .events = "message,app_mention" };

	open_link();
	sim_say(s, "C0GENERAL", "U0ALICE", "<@U0KIM> hi", &o, NULL);
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "payload.event.type"), "message");
	ck_assert_str_eq(json_str(frame, "payload.event.channel_type"),
			 "channel");
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "payload.event.type"), "app_mention");
}
END_TEST

START_TEST(a_direct_message_is_never_a_mention)
{
	open_link();
	sim_say(s, "D0ALICE", "U0ALICE", "<@U0KIM> hi", NULL, NULL);
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "payload.event.channel_type"), "im");
	ck_assert(peer_silent(ws, 20));
}
END_TEST

START_TEST(what_is_not_subscribed_does_not_come)
{
	sim_subscribe(s, APP, "app_mention");
	open_link();
	sim_say(s, "C0GENERAL", "U0ALICE", "hi", NULL, NULL);
	sim_say(s, "C0GENERAL", "U0ALICE", "<@U0KIM> hi", NULL, NULL);
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "payload.event.type"), "app_mention");
	ck_assert(peer_silent(ws, 20));
}
END_TEST

START_TEST(an_app_hears_each_of_its_workspaces)
{
	open_link();
	sim_say(s, "C0LOBBY", "U0PETER", "hi", NULL, NULL);
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "payload.authorizations.0.team_id"),
			 "T0INITECH");
	ck_assert_str_eq(json_str(frame, "payload.authorizations.0.user_id"),
			 "U0KIM2");
}
END_TEST

START_TEST(an_edited_mention_is_a_mention_again)
{
	char ts[SIM_TS];

	sim_subscribe(s, APP, "app_mention");
	open_link();
	sim_say(s, "C0GENERAL", "U0ALICE", "<@U0KIM> hi", NULL, ts);
	next_on(ws);
	ck_assert_ptr_null(json_at(frame, "payload.event.edited"));
	sim_edit(s, "C0GENERAL", ts, "<@U0KIM> hello");
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "payload.event.ts"), ts);
	ck_assert_ptr_nonnull(json_str(frame, "payload.event.edited.ts"));
}
END_TEST

START_TEST(a_bots_own_posts_and_edits_come_back)
{
	struct err e = { 0 };
	const struct answer *a;
	char body[128];
	struct json *j;

	open_link();
	a = peer_post(web, "/api/chat.postMessage", KIM, NULL,
		      "channel=C0GENERAL&text=mine");
	j = json_parse(a->body, a->len, 65536, &e);
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "payload.event.bot_id"), "B0KIM");
	ck_assert_str_eq(json_str(frame, "payload.event.bot_profile.app_id"),
			 APP);
	ck_assert_ptr_null(json_at(frame, "payload.event.subtype"));
	snprintf(body, sizeof(body), "channel=C0GENERAL&text=b&ts=%s",
		 json_str(j, "ts"));
	peer_post(web, "/api/chat.update", KIM, NULL, body);
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "payload.event.subtype"),
			 "message_changed");
	ck_assert_str_eq(json_str(frame, "payload.event.message.text"), "b");
	ck_assert_str_eq(json_str(frame, "payload.event.previous_message.text"),
			 "mine");
	json_free(j);
}
END_TEST

START_TEST(what_is_not_acked_comes_again)
{
	char event[32], envelope[64];
	struct sim_say o = { .events = "message" };

	set_ms(30, 10);
	open_link();
	sim_say(s, "C0GENERAL", "U0ALICE", "hi", &o, NULL);
	next_on(ws);
	ck_assert_int_eq(json_int(frame, "retry_attempt", -1), 0);
	snprintf(event, sizeof(event), "%s",
		 json_str(frame, "payload.event_id"));
	snprintf(envelope, sizeof(envelope), "%s",
		 json_str(frame, "envelope_id"));
	next_on(ws);
	ck_assert_int_eq(json_int(frame, "retry_attempt", -1), 1);
	ck_assert_str_eq(json_str(frame, "retry_reason"), "timeout");
	ck_assert_str_eq(json_str(frame, "payload.event_id"), event);
	ck_assert_str_ne(json_str(frame, "envelope_id"), envelope);
	ack();
	ck_assert_int_eq(sim_wait_acked(s, 30000), 0);
	ck_assert(peer_silent(ws, 60));
}
END_TEST

/* The first of them, unless the link takes long. */
START_TEST(what_comes_without_a_link_is_a_retry_later)
{
	struct sim_say o = { .events = "message" };
	struct sim_settings set;
	int i;

	sim_settings(s, &set);
	for (i = 0; i < 10; i++)
		set.retry_ms[i] = 50 << i;
	sim_set(s, &set);
	sim_say(s, "C0GENERAL", "U0ALICE", "hi", &o, NULL);
	open_link();
	next_on(ws);
	ck_assert_int_ge(json_int(frame, "retry_attempt", -1), 1);
}
END_TEST

START_TEST(an_event_is_given_up_after_its_last_attempt)
{
	struct sim_say o = { .events = "message" };
	struct sim_stats st;

	set_ms(5, 5);
	sim_say(s, "C0GENERAL", "U0ALICE", "hi", &o, NULL);
	ck_assert_int_eq(sim_wait_acked(s, 30000), 0);
	sim_stats(s, &st);
	ck_assert_uint_eq(st.given_up, 1);
}
END_TEST

static bool one_late(struct sim *sim, void *arg)
{
	struct sim_stats st;

	(void)arg;
	sim_stats(sim, &st);
	return st.acks_late == 1;
}

START_TEST(a_late_ack_counts_for_nothing)
{
	struct sim_say o = { .events = "message" };
	struct sim_stats st;
	char first[64];

	set_ms(100, 2000);
	open_link();
	sim_say(s, "C0GENERAL", "U0ALICE", "hi", &o, NULL);
	next_on(ws);
	snprintf(first, sizeof(first), "%s", json_str(frame, "envelope_id"));
	set_ms(60000, 10); /* for the second attempt */
	next_on(ws);
	set_ms(100, 10);
	ack_on(ws, first);
	ck_assert_int_eq(sim_wait(s, one_late, NULL, 30000), 0);
	set_ms(60000, 10);
	ack();
	ck_assert_int_eq(sim_wait_acked(s, 30000), 0);
	sim_stats(s, &st);
	ck_assert_uint_eq(st.acks, 2);
	ck_assert_uint_eq(st.acks_late, 1);
	ck_assert_uint_eq(st.given_up, 0);
}
END_TEST

static bool three_ignored(struct sim *sim, void *arg)
{
	struct sim_stats st;

	(void)arg;
	sim_stats(sim, &st);
	return st.acks_ignored == 3 && st.pings == 1;
}

START_TEST(large_and_fragmented_acks_are_not_read)
{
	char *text = malloc(20481);
	const char *id;
	int n;

	open_link();
	sim_say(s, "D0ALICE", "U0ALICE", "hi", NULL, NULL);
	next_on(ws);
	id = json_str(frame, "envelope_id");
	n = snprintf(text, 20481, "{\"envelope_id\":\"%s\",\"payload\":\"", id);
	memset(text + n, 'x', (size_t)(20480 - n));
	memcpy(text + 20478, "\"}", 2);
	peer_frame_out(ws, 0x81, text, 20480);
	n = snprintf(text, 100, "{\"envelope_id\":\"%s\"}", id);
	peer_frame_out(ws, 0x01, text, 10);
	peer_frame_out(ws, 0x80, text + 10, (size_t)n - 10);
	peer_frame_out(ws, 0x89, "x", 1);
	ck_assert_int_eq(sim_wait(s, three_ignored, NULL, 30000), 0);
	ack();
	ck_assert_int_eq(sim_wait_acked(s, 30000), 0);
	free(text);
}
END_TEST

START_TEST(an_event_is_delivered_again_on_command)
{
	struct sim_say o = { .events = "message" };
	char event[32], envelope[64];

	open_link();
	sim_say(s, "C0GENERAL", "U0ALICE", "hi", &o, NULL);
	next_on(ws);
	ack();
	ck_assert_int_eq(sim_wait_acked(s, 30000), 0);
	snprintf(event, sizeof(event), "%s",
		 json_str(frame, "payload.event_id"));
	snprintf(envelope, sizeof(envelope), "%s",
		 json_str(frame, "envelope_id"));
	ck_assert_int_eq(sim_redeliver(s, event, false), 0);
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "payload.event_id"), event);
	ck_assert_str_ne(json_str(frame, "envelope_id"), envelope);
	ck_assert_int_eq(sim_redeliver(s, "Ev0NONE", false), -1);
}
END_TEST

START_TEST(an_envelope_of_any_type_can_be_sent)
{
	static const char payload[] = "{\"command\":\"/ask\",\"text\":\"hi\"}";
	struct sim_delivery *d;
	char text[160];
	size_t n;

	open_link();
	ck_assert_int_eq(sim_envelope(s, APP, "slash_commands", payload, true),
			 0);
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "type"), "slash_commands");
	ck_assert_str_eq(json_str(frame, "payload.command"), "/ask");
	ck_assert(json_bool(frame, "accepts_response_payload", false));
	ck_assert_ptr_null(json_at(frame, "retry_attempt"));
	snprintf(text, sizeof(text),
		 "{\"envelope_id\":\"%s\",\"payload\":{\"text\":\"ok\"}}",
		 json_str(frame, "envelope_id"));
	peer_frame_out(ws, 0x81, text, strlen(text));
	ck_assert_int_eq(sim_wait_acked(s, 30000), 0);
	d = sim_deliveries(s, APP, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(d[0].ack_payload, "{\"text\":\"ok\"}");
	sim_deliveries_free(d, n);
}
END_TEST

START_TEST(a_disconnect_frame_is_followed_by_close_and_open_tcp)
{
	const char *text;

	open_link();
	ck_assert_int_eq(sim_disconnect(s, APP, "refresh_requested", 10), 1);
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "type"), "disconnect");
	ck_assert_str_eq(json_str(frame, "reason"), "refresh_requested");
	ck_assert_int_eq(peer_frame(ws, &text), 8);
	ck_assert_uint_eq(sim_links(s, APP), 0);
	peer_frame_out(ws, 0x88, "\x03\xe8", 2);
	ck_assert(peer_silent(ws, 50));
}
END_TEST

static const enum sim_cut cuts[] = { SIM_CUT_CLOSE, SIM_CUT_FIN,
				     SIM_CUT_RESET };

START_TEST(a_link_can_be_cut)
{
	const char *text;

	open_link();
	ck_assert_int_eq(sim_cut(s, APP, cuts[_i]), 1);
	ck_assert_int_eq(peer_frame(ws, &text),
			 cuts[_i] == SIM_CUT_CLOSE ? 8 : -1);
	ck_assert_int_eq(sim_wait_links(s, APP, 0, 30000), 0);
}
END_TEST

START_TEST(a_frozen_link_is_open_and_deaf)
{
	open_link();
	ck_assert_int_eq(sim_cut(s, APP, SIM_CUT_FREEZE), 1);
	peer_frame_out(ws, 0x89, "x", 1);
	sim_say(s, "D0ALICE", "U0ALICE", "hi", NULL, NULL);
	ck_assert(peer_silent(ws, 40));
}
END_TEST

/* Also what Slack sends once more; a new link hears, unless all are deaf. */
START_TEST(a_deaf_link_lives_and_brings_nothing)
{
	struct sim_settings set;
	const char *text;
	struct peer *fresh;

	set_ms(20, 20);
	open_link();
	ck_assert_int_eq(sim_cut(s, APP, SIM_CUT_DEAF), 1);
	sim_say(s, "D0ALICE", "U0ALICE", "hi", NULL, NULL);
	ck_assert(peer_silent(ws, 60));
	peer_frame_out(ws, 0x89, "abc", 3);
	ck_assert_int_eq(peer_frame(ws, &text), 10);
	ck_assert_uint_eq(sim_links(s, APP), 1);
	peer_close(ws);
	ck_assert_int_eq(sim_wait_links(s, APP, 0, 1000), 0);
	open_link();
	sim_say(s, "D0ALICE", "U0ALICE", "hi", NULL, NULL);
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "type"), "events_api");
	ack();
	sim_settings(s, &set);
	set.deaf = true;
	sim_set(s, &set);
	fresh = new_link();
	sim_say(s, "D0ALICE", "U0ALICE", "hi", NULL, NULL);
	ck_assert(peer_silent(fresh, 60));
	peer_close(fresh);
}
END_TEST

START_TEST(links_end_by_themselves_with_a_warning_first)
{
	struct sim_settings set;

	sim_settings(s, &set);
	set.link_life_ms = 20;
	set.warning_ms = 10;
	sim_set(s, &set);
	open_link();
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "reason"), "warning");
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "reason"), "refresh_requested");
}
END_TEST

START_TEST(a_ping_is_answered_with_its_own_bytes)
{
	const char *text;

	open_link();
	peer_frame_out(ws, 0x89, "abc", 3);
	ck_assert_int_eq(peer_frame(ws, &text), 10);
	ck_assert_str_eq(text, "abc");
}
END_TEST

START_TEST(envelopes_are_spread_over_the_links)
{
	struct peer *other;
	int i, n = 0;

	open_link();
	other = new_link();
	for (i = 0; i < 40; i++)
		sim_event(s, APP, "T0ACME", "{\"type\":\"app_uninstalled\"}");
	while (!peer_silent(other, 50)) {
		next_on(other);
		n++;
	}
	ck_assert_int_gt(n, 5);
	ck_assert_int_lt(n, 35);
	peer_close(other);
}
END_TEST

START_TEST(frames_that_are_no_envelopes_can_be_sent)
{
	const char *text;

	open_link();
	ck_assert_int_eq(sim_frame(s, APP, "{\"type\":", 8), 0);
	ck_assert_int_eq(peer_frame(ws, &text), 1);
	ck_assert_str_eq(text, "{\"type\":");
	ck_assert_int_eq(sim_frame_binary(s, APP, "\x01", 1), 0);
	ck_assert_int_eq(peer_frame(ws, &text), 2);
	ck_assert_int_eq(sim_frame(s, "A0GLOBEX", "x", 1), -1);
}
END_TEST

START_TEST(an_event_of_300_kilobytes_arrives_whole)
{
	char *text = malloc(300001);

	memset(text, 'x', 300000);
	text[300000] = '\0';
	open_link();
	sim_say(s, "D0ALICE", "U0ALICE", text, NULL, NULL);
	next_on(ws);
	ck_assert_str_eq(json_str(frame, "payload.event.text"), text);
	free(text);
}
END_TEST

START_TEST(a_flood_tells_how_long_acks_took)
{
	struct sim_flood f = { .kind = SIM_FLOOD_CHATTER,
			       .rate = 2000,
			       .count = 50,
			       .first = 7,
			       .tenants = 1 };
	struct sim_flood_times t;
	struct sim_latency l;
	char path[256];
	int i;

	ck_assert_int_eq(sim_load_many(s, 7, 1), 0);
	new_ticket("xapp-sim-00007", path, sizeof(path));
	ws = peer_open(sim_port(s), NULL);
	ck_assert_int_eq(peer_upgrade(ws, path), 101);
	next_on(ws);
	ck_assert_int_eq(sim_flood(s, &f), 0);
	for (i = 0; i < 50; i++) {
		next_on(ws);
		ack();
	}
	ck_assert_int_eq(sim_flood_wait(s, 2000), 0);
	sim_flood_times(s, &t);
	ck_assert_uint_eq(t.acked, 50);
	sim_latency(s, SIM_LATENCY_ACK, &l);
	ck_assert_uint_eq(l.n, 50);
	ck_assert_uint_le(l.p50_us, l.p99_us);
	ck_assert_uint_le(l.p99_us, l.max_us);
}
END_TEST

/* The model. */
static const struct answer *ask(const char *extra, const char *question)
{
	char body[512];

	snprintf(body, sizeof(body),
		 "{\"model\":\"m\",%s\"messages\":[{\"role\":\"system\","
		 "\"content\":\"Your name is Zoe. Be nice.\"},"
		 "{\"role\":\"user\",\"content\":\"%s\"}]}",
		 extra, question);
	return peer_post(web, "/llm/v1/chat/completions", "k", JSON, body);
}

START_TEST(the_model_names_its_persona_and_repeats_the_question)
{
	const struct answer *a = ask("", "why?");

	ck_assert_int_eq(a->status, 200);
	ck_assert_ptr_nonnull(strstr(a->body, "Zoe"));
	ck_assert_ptr_nonnull(strstr(a->body, "why?"));
	ck_assert_ptr_nonnull(strstr(a->body, "\"usage\""));
}
END_TEST

START_TEST(a_stream_ends_with_done_and_tells_usage_if_asked)
{
	const struct answer *a = ask("\"stream\":true,", "why?");

	ck_assert_ptr_nonnull(strstr(a->head, "text/event-stream"));
	ck_assert_ptr_nonnull(strstr(a->body, "data: [DONE]\n\n"));
	ck_assert_ptr_nonnull(strstr(a->body, "\"finish_reason\":\"stop\""));
	ck_assert_ptr_null(strstr(a->body, "\"usage\""));
	a = ask("\"stream\":true,\"stream_options\":"
		"{\"include_usage\":true},",
		"why?");
	ck_assert_ptr_nonnull(strstr(a->body, "\"usage\""));
}
END_TEST

static const struct {
	struct sim_llm rule;
	int status;
	const char *has;
	const char *lacks;
} modes[] = {
	{ { .text = "Forty-two.", .piece = 3 }, 200, "\"For\"", "Zoe" },
	{ { .reasoning = "hm", .text = "ok" },
	  200,
	  "reasoning_content",
	  "Zoe" },
	{ { .text = "x", .finish = "length" }, 200, "\"length\"", "\"stop\"" },
	{ { .mode = SIM_LLM_STATUS, .status = 503 }, 503, "error", "DONE" },
	{ { .mode = SIM_LLM_STATUS, .status = 429, .body = "slow" },
	  429,
	  "slow",
	  "DONE" },
	{ { .mode = SIM_LLM_CUT, .after = 1, .text = "abc", .piece = 1 },
	  200,
	  "\"a\"",
	  "DONE" },
	{ { .mode = SIM_LLM_STREAM_ERROR, .after = 1 }, 200, "error", "DONE" },
	{ { .mode = SIM_LLM_BROKEN }, 200, "<html>", "DONE" },
	{ { .mode = SIM_LLM_EMPTY }, 200, "DONE", "\"content\"" },
	{ { .mode = SIM_LLM_RESET }, 0, NULL, NULL },
	{ { .mode = SIM_LLM_RESET, .after = 1 }, 0, NULL, NULL },
	{ { .contains = "never" }, 200, "Zoe", NULL },
	{ { .model = "other", .text = "x" }, 200, "Zoe", NULL },
};

START_TEST(a_rule_makes_the_model_answer_so)
{
	const struct answer *a;

	sim_llm(s, &modes[_i].rule);
	a = ask("\"stream\":true,", "why?");
	ck_assert_int_eq(a->status, modes[_i].status);
	if (modes[_i].has)
		ck_assert_ptr_nonnull(strstr(a->body, modes[_i].has));
	if (modes[_i].lacks)
		ck_assert_ptr_null(strstr(a->body, modes[_i].lacks));
}
END_TEST

static bool client_gone(struct sim *sim, void *arg)
{
	struct sim_ask *a;
	bool gone;
	size_t n;

	(void)arg;
	a = sim_asks(sim, &n);
	gone = n == 1 && a[0].gone;
	sim_asks_free(a, n);
	return gone;
}

START_TEST(an_endless_answer_ends_with_the_client)
{
	struct sim_llm r = { .mode = SIM_LLM_ENDLESS, .text = "more " };

	sim_llm(s, &r);
	peer_send(web, "/llm/v1/chat/completions", "k", JSON,
		  "{\"model\":\"m\",\"stream\":true,\"messages\":"
		  "[{\"role\":\"user\",\"content\":\"go\"}]}");
	ck_assert_int_eq(sim_wait_asks(s, 1, 30000), 0);
	peer_close(web);
	web = peer_open(sim_port(s), NULL);
	ck_assert_int_eq(sim_wait(s, client_gone, NULL, 30000), 0);
}
END_TEST

START_TEST(the_model_wants_its_key)
{
	struct sim_ask *a;
	size_t n;

	sim_llm_key(s, "other");
	ck_assert_int_eq(ask("", "why?")->status, 401);
	sim_llm_key(s, "k");
	ck_assert_int_eq(ask("", "why?")->status, 200);
	a = sim_asks(s, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(a[0].last, "why?");
	ck_assert_ptr_null(strstr(a[0].headers, "Bearer"));
	sim_asks_free(a, n);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

static TCase *links_case(void)
{
	TCase *tc = tcase_create("links");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_link_begins_with_hello);
	tcase_add_test(tc, a_ticket_opens_one_link);
	tcase_add_test(tc, a_ticket_grows_old);
	tcase_add_test(tc, an_upgrade_can_be_refused);
	tcase_add_test(tc, the_eleventh_link_is_one_too_many);
	tcase_add_test(tc,
		       a_disconnect_frame_is_followed_by_close_and_open_tcp);
	tcase_add_loop_test(tc, a_link_can_be_cut, 0, N(cuts));
	tcase_add_test(tc, a_frozen_link_is_open_and_deaf);
	tcase_add_test(tc, a_deaf_link_lives_and_brings_nothing);
	tcase_add_test(tc, links_end_by_themselves_with_a_warning_first);
	tcase_add_test(tc, a_ping_is_answered_with_its_own_bytes);
	tcase_add_test(tc, envelopes_are_spread_over_the_links);
	tcase_add_test(tc, frames_that_are_no_envelopes_can_be_sent);
	tcase_add_test(tc, an_event_of_300_kilobytes_arrives_whole);
	tcase_add_test(tc, a_flood_tells_how_long_acks_took);
	return tc;
}

static TCase *events_case(void)
{
	TCase *tc = tcase_create("events");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_mention_comes_twice_with_one_ts_and_two_event_ids);
	tcase_add_test(tc, events_come_in_the_order_that_is_asked_for);
	tcase_add_test(tc, a_direct_message_is_never_a_mention);
	tcase_add_test(tc, what_is_not_subscribed_does_not_come);
	tcase_add_test(tc, an_app_hears_each_of_its_workspaces);
	tcase_add_test(tc, an_edited_mention_is_a_mention_again);
	tcase_add_test(tc, a_bots_own_posts_and_edits_come_back);
	tcase_add_test(tc, what_is_not_acked_comes_again);
	tcase_add_test(tc, what_comes_without_a_link_is_a_retry_later);
	tcase_add_test(tc, an_event_is_given_up_after_its_last_attempt);
	tcase_add_test(tc, a_late_ack_counts_for_nothing);
	tcase_add_test(tc, large_and_fragmented_acks_are_not_read);
	tcase_add_test(tc, an_event_is_delivered_again_on_command);
	tcase_add_test(tc, an_envelope_of_any_type_can_be_sent);
	return tc;
}

static TCase *model_case(void)
{
	TCase *tc = tcase_create("model");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc,
		       the_model_names_its_persona_and_repeats_the_question);
	tcase_add_test(tc, a_stream_ends_with_done_and_tells_usage_if_asked);
	tcase_add_loop_test(tc, a_rule_makes_the_model_answer_so, 0, N(modes));
	tcase_add_test(tc, an_endless_answer_ends_with_the_client);
	tcase_add_test(tc, the_model_wants_its_key);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("sim_socket");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, links_case());
	suite_add_tcase(suite, events_case());
	suite_add_tcase(suite, model_case());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
