/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "peer.h"
#include "sim/sim.h"

#define KIM  "xoxb-sim-acme"
#define XAPP "xapp-1-A0ACME-sim"
#define JSON "application/json; charset=utf-8"

static struct sim *s;
static struct peer *web;
static struct json *last; /* body of the last call */

static struct sim *start(const struct sim_opts *o)
{
	struct err e = { 0 };
	struct sim *sim = sim_start(o, &e);

	ck_assert_msg(sim != NULL, "%s", e.msg);
	ck_assert_msg(sim_load_demo(sim, &e) == 0, "%s", e.msg);
	return sim;
}

static void setup(void)
{
	s = start(NULL);
	web = peer_open(sim_port(s), NULL);
}

static void teardown(void)
{
	json_free(last);
	last = NULL;
	peer_close(web);
	sim_stop(s);
}

static struct json *parse(const char *text, size_t len)
{
	struct err e = { 0 };
	struct json *j = json_parse(text, len, (size_t)8 << 20, &e);

	ck_assert_msg(j != NULL, "%s: %.200s", e.msg, text);
	return j;
}

/* The error of a call, or NULL; its body is in last. */
static const char *call_as(const char *token, const char *method,
			   const char *type, const char *body)
{
	const struct answer *a;
	char path[64];

	snprintf(path, sizeof(path), "/api/%s", method);
	a = peer_post(web, path, token, type, body);
	ck_assert_int_ne(a->status, 0);
	json_free(last);
	last = parse(a->body, a->len);
	return json_bool(last, "ok", false) ? NULL : json_str(last, "error");
}

static const char *call(const char *method, const char *body)
{
	return call_as(KIM, method, NULL, body);
}

static void must(const char *method, const char *body)
{
	const char *error = call(method, body);

	ck_assert_msg(!error, "%s: %s", method, error);
}

static const char *posted_ts(const char *body)
{
	must("chat.postMessage", body);
	return json_str(last, "ts");
}

static struct sim_msg one_message(const char *channel, size_t at,
				  struct sim_msg **all, size_t *n)
{
	*all = sim_messages(s, channel, NULL, n);
	ck_assert_uint_gt(*n, at);
	return (*all)[at];
}

START_TEST(auth_test_tells_whose_token_it_is)
{
	must("auth.test", "");
	ck_assert_str_eq(json_str(last, "app_id"), "A0ACME");
	ck_assert_str_eq(json_str(last, "team_id"), "T0ACME");
	ck_assert_str_eq(json_str(last, "user_id"), "U0KIM");
	ck_assert_str_eq(json_str(last, "bot_id"), "B0KIM");
}
END_TEST

static const struct {
	const char *token;
	const char *method;
	const char *error;
} tokens[] = {
	{ "", "auth.test", "not_authed" },
	{ "xoxb-none", "auth.test", "invalid_auth" },
	{ KIM, "apps.connections.open", "not_allowed_token_type" },
	{ XAPP, "chat.postMessage", "not_allowed_token_type" },
	{ "xoxb-sim-globex", "auth.test", "token_revoked" },
	{ "xapp-1-A0GLOBEX-sim", "apps.connections.open", "account_inactive" },
};

START_TEST(a_token_is_good_for_its_own_calls_only)
{
	const char *error;

	sim_token_error(s, "xoxb-sim-globex", "token_revoked");
	sim_token_error(s, "xapp-1-A0GLOBEX-sim", "account_inactive");
	error = call_as(tokens[_i].token, tokens[_i].method, NULL, "");
	ck_assert_str_eq(error, tokens[_i].error);
}
END_TEST

/* In channel general 100.000001 is Alice's, 100.000002 a reply to it. */
static const struct {
	const char *method;
	const char *body;
	const char *error;
} refusals[] = {
	{ "chat.nothing", "", "unknown_method" },
	{ "chat.postMessage", "text=hi", "invalid_arguments" },
	{ "chat.postMessage", "channel=C0NONE&text=hi", "channel_not_found" },
	{ "chat.postMessage", "channel=C0TRAVEL&text=hi", "channel_not_found" },
	{ "chat.postMessage", "channel=C0EMPTY&text=hi", "not_in_channel" },
	{ "chat.postMessage", "channel=C0GENERAL", "no_text" },
	{ "chat.postMessage", "channel=C0GENERAL&blocks=%5B%5D", "no_text" },
	{ "chat.postMessage", "channel=C0GENERAL&text=a&markdown_text=b",
	  "markdown_text_conflict" },
	{ "chat.postMessage", "channel=C0GENERAL&blocks=nonsense",
	  "invalid_blocks_format" },
	{ "chat.postMessage", "channel=C0GENERAL&blocks=[{%22type%22:%22x%22}]",
	  "invalid_blocks" },
	{ "chat.postMessage", "channel=C0GENERAL&text=a&metadata=7",
	  "invalid_metadata_format" },
	{ "chat.postMessage", "channel=C0GENERAL&text=a&metadata={%22a%22:1}",
	  "invalid_metadata_schema" },
	{ "chat.postMessage", "channel=C0GENERAL&text=a&thread_ts=1.000000",
	  "thread_not_found" },
	{ "chat.postMessage", "channel=C0GENERAL&text=a&thread_ts=100.000002",
	  "cannot_reply_to_message" },
	{ "chat.update", "channel=C0GENERAL&text=a", "invalid_arguments" },
	{ "chat.update", "channel=C0GENERAL&ts=1.000000&text=a",
	  "message_not_found" },
	{ "chat.update", "channel=C0GENERAL&ts=100.000001&text=a",
	  "cant_update_message" },
	{ "chat.update", "channel=U0ALICE&ts=100.000001&text=a",
	  "channel_not_found" },
	{ "chat.delete", "channel=C0GENERAL&ts=100.000001",
	  "cant_delete_message" },
	{ "chat.postEphemeral", "channel=C0GENERAL&user=U0CAROL&text=a",
	  "user_not_in_channel" },
	{ "conversations.replies", "channel=C0GENERAL&ts=1.000000",
	  "thread_not_found" },
	{ "conversations.replies",
	  "channel=C0GENERAL&ts=100.000001&cursor=bogus", "invalid_cursor" },
	{ "conversations.history", "channel=C0EMPTY", "not_in_channel" },
	{ "users.info", "user=U0NOBODY", "user_not_found" },
	{ "bots.info", "bot=B0NONE", "bot_not_found" },
	{ "files.info", "file=F0NONE", "file_not_found" },
	{ "reactions.remove",
	  "channel=C0GENERAL&timestamp=100.000001&name=eyes", "no_reaction" },
};

static void say_thread(void)
{
	struct sim_say root = { .ts = "100.000001", .events = "" };
	struct sim_say reply = { .ts = "100.000002",
				 .thread_ts = "100.000001",
				 .events = "" };

	ck_assert_int_eq(
		sim_say(s, "C0GENERAL", "U0ALICE", "root", &root, NULL), 0);
	ck_assert_int_eq(
		sim_say(s, "C0GENERAL", "U0BOB", "reply", &reply, NULL), 0);
}

START_TEST(a_bad_call_is_refused_with_slacks_word)
{
	const char *error;

	sim_add_channel(s, "C0EMPTY", "T0ACME", "empty", "channel");
	say_thread();
	error = call(refusals[_i].method, refusals[_i].body);
	ck_assert_msg(error != NULL, "%s passed", refusals[_i].body);
	ck_assert_str_eq(error, refusals[_i].error);
}
END_TEST

START_TEST(a_missing_argument_is_named)
{
	call("chat.update", "channel=C0GENERAL&text=a");
	ck_assert_str_eq(json_str(last, "response_metadata.messages.0"),
			 "[ERROR] missing required field: ts");
}
END_TEST

START_TEST(json_is_read_only_where_slack_reads_it)
{
	say_thread();
	ck_assert_ptr_null(
		call_as(KIM, "chat.postMessage", JSON,
			"{\"channel\":\"C0GENERAL\",\"text\":\"hi\"}"));
	ck_assert_str_eq(call_as(KIM, "chat.postMessage", JSON,
				 "{\"channel\":"),
			 "invalid_json");
	ck_assert_str_eq(
		call_as(KIM, "conversations.replies", JSON,
			"{\"channel\":\"C0GENERAL\",\"ts\":\"100.000001\"}"),
		"invalid_arguments");
	ck_assert_str_eq(call_as(KIM, "auth.test", "text/plain", "hi"),
			 "invalid_post_type");
}
END_TEST

START_TEST(a_missing_scope_is_named_with_those_given)
{
	struct sim_install i = { .app_id = "A0ACME",
				 .team_id = "T0NEW",
				 .bot_token = "xoxb-sim-new",
				 .bot_user_id = "U0NEW",
				 .bot_id = "B0NEW",
				 .name = "new",
				 .scopes = "app_mentions:read,im:history" };

	ck_assert_int_eq(sim_add_install(s, &i), 0);
	ck_assert_str_eq(call_as("xoxb-sim-new", "chat.postMessage", NULL,
				 "channel=C0GENERAL&text=a"),
			 "missing_scope");
	ck_assert_str_eq(json_str(last, "needed"), "chat:write");
	ck_assert_str_eq(json_str(last, "provided"),
			 "app_mentions:read,im:history");
}
END_TEST

START_TEST(granted_scopes_come_in_a_header)
{
	const struct answer *a =
		peer_post(web, "/api/auth.test", KIM, NULL, "");

	ck_assert_ptr_nonnull(strstr(a->head, "x-oauth-scopes: app_mentions"));
}
END_TEST

static char *long_body(const char *head, size_t n)
{
	char *body = malloc(strlen(head) + n + 1);

	strcpy(body, head);
	memset(body + strlen(head), 'x', n);
	body[strlen(head) + n] = '\0';
	return body;
}

START_TEST(a_post_is_cut_at_40000_characters_with_a_warning)
{
	char *body = long_body("channel=C0GENERAL&text=%C3%BC", 40100);
	struct sim_msg *all;
	struct sim_msg m;
	size_t n;

	must("chat.postMessage", body);
	ck_assert_str_eq(json_str(last, "warning"), "message_truncated");
	m = one_message("C0GENERAL", 0, &all, &n);
	ck_assert_uint_eq(strlen(m.text), 40001); /* one has two bytes */
	sim_messages_free(all, n);
	free(body);
}
END_TEST

START_TEST(an_update_takes_4000_characters_and_no_more)
{
	char ts[SIM_TS];
	char head[96];
	char *body;

	snprintf(ts, sizeof(ts), "%s", posted_ts("channel=C0GENERAL&text=a"));
	snprintf(head, sizeof(head), "channel=C0GENERAL&ts=%s&text=", ts);
	body = long_body(head, 4000);
	must("chat.update", body);
	free(body);
	body = long_body(head, 4001);
	ck_assert_str_eq(call("chat.update", body), "msg_too_long");
	free(body);
}
END_TEST

START_TEST(an_edit_leaves_the_older_text_and_metadata_on_record)
{
	struct sim_msg *all;
	struct sim_msg m;
	char body[256];
	size_t n;

	snprintf(body, sizeof(body), "channel=C0GENERAL&ts=%s&text=second",
		 posted_ts("channel=C0GENERAL&text=first&unfurl_links=false"
			   "&metadata={%22event_type%22:%22t%22,"
			   "%22event_payload%22:{}}"));
	must("chat.update", body);
	m = one_message("C0GENERAL", 0, &all, &n);
	ck_assert_uint_eq(m.nversions, 2);
	ck_assert_str_eq(m.versions[0].text, "first");
	ck_assert_str_eq(m.text, "second");
	ck_assert_int_ge(m.versions[1].at_us, m.versions[0].at_us);
	ck_assert_ptr_nonnull(m.metadata);
	ck_assert(m.edited);
	ck_assert(!m.unfurl_links);
	ck_assert(m.unfurl_media);
	sim_messages_free(all, n);
}
END_TEST

START_TEST(text_alone_removes_blocks_and_blocks_alone_show_no_mark)
{
	struct sim_msg *all;
	struct sim_msg m;
	char ts[SIM_TS];
	char body[256];
	size_t n;

	snprintf(ts, sizeof(ts), "%s", posted_ts("channel=C0GENERAL&text=a"));
	snprintf(body, sizeof(body),
		 "channel=C0GENERAL&ts=%s&text=b&blocks="
		 "[{%%22type%%22:%%22divider%%22}]",
		 ts);
	must("chat.update", body);
	m = one_message("C0GENERAL", 0, &all, &n);
	ck_assert_ptr_nonnull(m.blocks);
	ck_assert(!m.edited);
	sim_messages_free(all, n);
	snprintf(body, sizeof(body), "channel=C0GENERAL&ts=%s&text=c", ts);
	must("chat.update", body);
	m = one_message("C0GENERAL", 0, &all, &n);
	ck_assert_ptr_null(m.blocks);
	ck_assert(m.edited);
	sim_messages_free(all, n);
}
END_TEST

START_TEST(an_ephemeral_message_is_for_one_person_and_stays_as_it_is)
{
	struct sim_msg *all;
	struct sim_msg m;
	char body[128];
	size_t n;

	must("chat.postEphemeral", "channel=C0GENERAL&user=U0BOB&text=psst");
	snprintf(body, sizeof(body), "channel=C0GENERAL&text=x&ts=%s",
		 json_str(last, "message_ts"));
	ck_assert_str_eq(call("chat.update", body), "message_not_found");
	ck_assert_int_eq(sim_wait_ephemeral(s, "C0GENERAL", "U0BOB", 1, 0), 0);
	m = one_message("C0GENERAL", 0, &all, &n);
	ck_assert(m.ephemeral);
	ck_assert_str_eq(m.to_user, "U0BOB");
	sim_messages_free(all, n);
	must("conversations.history", "channel=C0GENERAL");
	ck_assert_uint_eq(json_len(last, "messages"), 0);
}
END_TEST

START_TEST(a_persons_id_opens_the_direct_messages_with_them)
{
	must("chat.postMessage", "channel=U0ALICE&text=hi");
	ck_assert_str_eq(json_str(last, "channel"), "D0ALICE");
}
END_TEST

START_TEST(replies_come_root_first_and_in_pages)
{
	char body[256];

	say_thread();
	must("chat.postMessage",
	     "channel=C0GENERAL&thread_ts=100.000001&text=mine&metadata="
	     "{%22event_type%22:%22t%22,%22event_payload%22:{%22k%22:1}}");
	must("conversations.replies",
	     "channel=C0GENERAL&ts=100.000002&limit=2");
	ck_assert_uint_eq(json_len(last, "messages"), 2);
	ck_assert_str_eq(json_str(last, "messages.0.text"), "root");
	ck_assert_int_eq(json_int(last, "messages.0.reply_count", 0), 2);
	ck_assert(json_bool(last, "has_more", false));
	snprintf(body, sizeof(body),
		 "channel=C0GENERAL&ts=100.000001&include_all_metadata=true"
		 "&cursor=%s",
		 json_str(last, "response_metadata.next_cursor"));
	must("conversations.replies", body);
	ck_assert_str_eq(json_str(last, "messages.1.text"), "mine");
	ck_assert_int_eq(
		json_int(last, "messages.1.metadata.event_payload.k", 0), 1);
	ck_assert(!json_bool(last, "has_more", true));
}
END_TEST

START_TEST(metadata_is_shown_only_when_asked_for)
{
	say_thread();
	must("chat.postMessage",
	     "channel=C0GENERAL&thread_ts=100.000001&text=mine&metadata="
	     "{%22event_type%22:%22t%22,%22event_payload%22:{}}");
	must("conversations.replies", "channel=C0GENERAL&ts=100.000001");
	ck_assert_ptr_null(json_at(last, "messages.2.metadata"));
}
END_TEST

START_TEST(history_is_newest_first_without_replies)
{
	struct sim_say later = { .ts = "200.000001", .events = "" };

	say_thread();
	sim_say(s, "C0GENERAL", "U0BOB", "later", &later, NULL);
	must("conversations.history", "channel=C0GENERAL");
	ck_assert_uint_eq(json_len(last, "messages"), 2);
	ck_assert_str_eq(json_str(last, "messages.0.text"), "later");
	must("conversations.history",
	     "channel=C0GENERAL&oldest=100.000001&latest=200.000001");
	ck_assert_uint_eq(json_len(last, "messages"), 0);
	must("conversations.history",
	     "channel=C0GENERAL&oldest=100.000001&inclusive=1");
	ck_assert_uint_eq(json_len(last, "messages"), 2);
}
END_TEST

START_TEST(a_deleted_message_is_gone_for_the_bot_but_not_from_the_record)
{
	struct sim_msg *all;
	char body[96];
	size_t n;

	snprintf(body, sizeof(body), "channel=C0GENERAL&text=b&ts=%s",
		 posted_ts("channel=C0GENERAL&text=a"));
	must("chat.delete", body);
	ck_assert_str_eq(call("chat.update", body), "message_not_found");
	ck_assert(one_message("C0GENERAL", 0, &all, &n).deleted);
	sim_messages_free(all, n);
}
END_TEST

START_TEST(the_fifty_first_update_in_a_minute_has_to_wait)
{
	struct sim_settings set;
	const struct answer *a;
	char body[96];
	int i;

	snprintf(body, sizeof(body), "channel=C0GENERAL&text=b&ts=%s",
		 posted_ts("channel=C0GENERAL&text=a"));
	sim_settings(s, &set);
	set.limits = true;
	sim_set(s, &set);
	for (i = 0; i < 50; i++)
		must("chat.update", body);
	a = peer_post(web, "/api/chat.update", KIM, NULL, body);
	ck_assert_int_eq(a->status, 429);
	ck_assert_ptr_nonnull(strstr(a->head, "Retry-After: "));
	ck_assert_int_gt(atoi(strstr(a->head, "Retry-After: ") + 13), 50);
	must("chat.delete", body); /* another method is open */
}
END_TEST

START_TEST(a_channel_takes_a_burst_of_posts_and_then_one_a_second)
{
	struct sim_settings set;
	int i;

	sim_settings(s, &set);
	set.limits = true;
	set.post_burst = 3;
	sim_set(s, &set);
	for (i = 0; i < 3; i++)
		must("chat.postMessage", "channel=C0GENERAL&text=a");
	ck_assert_str_eq(call("chat.postMessage", "channel=C0GENERAL&text=a"),
			 "ratelimited");
	must("chat.postMessage", "channel=C0RANDOM&text=a");
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
	int i;

	for (i = 0; i < 50; i++)
		peer_send(web, i % 2 ? "/api/auth.test" : "/api/users.info",
			  KIM, NULL, "user=U0BOB");
	for (i = 0; i < 50; i++) {
		const struct answer *a = peer_answer(web);

		ck_assert_int_eq(a->status, 200);
		ck_assert_ptr_nonnull(
			strstr(a->body, i % 2 ? "team_id" : "U0BOB"));
	}
}
END_TEST

START_TEST(a_chunked_body_is_joined)
{
	static const char request[] =
		"POST /api/users.info HTTP/1.1\r\nHost: x\r\n"
		"Authorization: Bearer " KIM "\r\nContent-Type: "
		"application/x-www-form-urlencoded\r\n"
		"Transfer-Encoding: chunked\r\n\r\n"
		"5\r\nuser=\r\n5\r\nU0BOB\r\n0\r\n\r\n";
	const struct answer *a;

	peer_raw(web, request, 100);
	peer_raw(web, request + 100, sizeof(request) - 1 - 100);
	a = peer_answer(web);
	ck_assert_int_eq(a->status, 200);
	ck_assert_ptr_nonnull(strstr(a->body, "\"Bob\""));
}
END_TEST

static const struct answer *fetch(const char *path, const char *token)
{
	char request[300];

	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: x\r\n%s%s%s\r\n", path,
		 token ? "Authorization: Bearer " : "", token ? token : "",
		 token ? "\r\n" : "");
	peer_raw(web, request, strlen(request));
	return peer_answer(web);
}

START_TEST(a_file_is_told_by_its_message_and_fetched_with_the_bots_token)
{
	static const struct sim_file csv = { .id = "F0CSV",
					     .name = "a.csv",
					     .mimetype = "text/csv",
					     .bytes = "a,b\0",
					     .len = 4,
					     .bare = true };
	struct sim_say with = { .file_ids = "F0CSV" };
	struct sim_download *d;
	size_t n;

	ck_assert_int_eq(sim_add_file(s, &csv), 0);
	ck_assert_int_eq(sim_add_file(s, &csv), -1);
	ck_assert_str_eq(call_as(KIM, "files.info", NULL, "file=F0CSV"),
			 "file_not_found");
	ck_assert_int_eq(sim_say(s, "C0GENERAL", "U0ALICE", "", &with, NULL),
			 0);
	must("conversations.history", "channel=C0GENERAL&limit=1");
	ck_assert_str_eq(json_str(last, "messages.0.subtype"), "file_share");
	ck_assert_str_eq(json_str(last, "messages.0.files.0.file_access"),
			 "check_file_info");
	ck_assert_ptr_null(json_str(last, "messages.0.files.0.name"));
	must("files.info", "file=F0CSV");
	ck_assert_str_eq(json_str(last, "file.name"), "a.csv");
	ck_assert_int_eq(json_int(last, "file.size", 0), 4);
	ck_assert_ptr_nonnull(
		strstr(json_str(last, "file.url_private"), "/files/F0CSV/"));

	ck_assert_uint_eq(fetch("/files/F0CSV/x", KIM)->len, 4);
	ck_assert_ptr_nonnull(
		strstr(fetch("/files/F0CSV/x", NULL)->body, "signin_form"));
	ck_assert_int_eq(fetch("/files/F0NONE/x", KIM)->status, 404);
	d = sim_downloads(s, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(d[0].token, KIM);
	ck_assert_ptr_null(d[1].token);
	ck_assert_int_eq(d[2].status, 404);
	sim_downloads_free(d, n);
}
END_TEST

START_TEST(a_file_may_be_somewhere_else)
{
	static const struct sim_file moved = { .id = "F0MOVED",
					       .name = "b",
					       .mimetype = "text/plain",
					       .location = "http://x.test/b",
					       .open = true };
	const struct answer *a;

	ck_assert_int_eq(sim_add_file(s, &moved), 0);
	a = fetch("/files/F0MOVED/x", NULL);
	ck_assert_int_eq(a->status, 302);
	ck_assert_ptr_nonnull(strstr(a->head, "Location: http://x.test/b\r\n"));
}
END_TEST

static const char *const garbage[] = {
	"\r\n\r\n",
	"GET\r\n\r\n",
	"GET / HTTP/2\r\n\r\n",
	"GET nowhere HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\r\nno colon\r\n\r\n",
	"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
	"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
};

START_TEST(garbage_is_answered_with_400_and_the_end)
{
	peer_raw(web, garbage[_i], strlen(garbage[_i]));
	ck_assert_int_eq(peer_answer(web)->status, 400);
	ck_assert_int_eq(peer_answer(web)->status, 0);
}
END_TEST

START_TEST(the_world_goes_into_the_file_for_konstructctl)
{
	struct json *j;
	struct buf b;

	buf_init(&b, 65536);
	ck_assert_int_eq(sim_apply_json(s, &b), 0);
	j = parse(b.data, b.len);
	ck_assert_uint_eq(json_len(j, "tenants"), 2);
	ck_assert_str_eq(json_str(j, "tenants.1.name"), "globex");
	ck_assert_str_eq(json_str(j, "tenants.0.connections.0.app_token"),
			 XAPP);
	ck_assert_str_eq(json_str(j, "tenants.0.agent.name"), "Kim");
	json_free(j);
	buf_release(&b);
}
END_TEST

START_TEST(a_world_with_an_unknown_member_is_refused)
{
	static const char text[] =
		"{\"channels\":[{\"id\":\"C9\",\"team\":\"T0ACME\","
		"\"members\":[\"U0GHOST\"]}]}";
	struct err e = { 0 };

	ck_assert_int_eq(sim_load(s, text, sizeof(text) - 1, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.msg, "channels.0"));
}
END_TEST

START_TEST(with_tls_the_certificate_is_of_the_ca_written_out)
{
	char ca[] = "/tmp/test_sim_ca_XXXXXX";
	struct sim_opts o = { .tls = true, .ca_out = ca };
	struct peer *p;
	struct sim *t;

	close(mkstemp(ca));
	t = start(&o);
	ck_assert_int_eq(strncmp(sim_api_url(t), "https://localhost:", 18), 0);
	p = peer_open(sim_port(t), ca);
	ck_assert_int_eq(peer_post(p, "/api/auth.test", KIM, NULL, "")->status,
			 200);
	peer_close(p);
	sim_stop(t);
	unlink(ca);
}
END_TEST

START_TEST(it_goes_by_the_names_that_it_is_given)
{
	struct sim_opts o = { .tls = true, .hosts = "slack.test,model.test" };
	char ca[] = "/tmp/test_sim_ca_XXXXXX";
	const struct answer *a;
	struct peer *p;
	struct sim *t;

	close(mkstemp(ca));
	o.ca_out = ca;
	t = start(&o);
	ck_assert_int_eq(strncmp(sim_api_url(t), "https://slack.test:", 19), 0);
	p = peer_open(sim_port(t), ca);
	a = peer_post(p, "/api/apps.connections.open", XAPP, NULL, "");
	ck_assert_ptr_nonnull(strstr(a->body, "wss-primary.slack.test:"));
	a = peer_post(p, "/v1/models", "key", NULL, "");
	ck_assert_int_eq(a->status, 200);
	peer_close(p);
	sim_stop(t);
	unlink(ca);
}
END_TEST

START_TEST(names_that_are_none_are_refused)
{
	static const char *const bad[] = { "a b", "a,,b", "a\nDNS:b", ",a" };
	struct sim_opts o = { .tls = true, .hosts = bad[_i] };
	struct err e = { 0 };

	ck_assert_ptr_null(sim_start(&o, &e));
	ck_assert_int_eq(e.kind, ERR_INPUT);
}
END_TEST

/* Faults: what the client sees, and whether the post was made. */
static const struct {
	struct sim_fault f;
	int status;
	bool posted;
} faults[] = {
	{ { .kind = SIM_FAULT_ERROR, .error = "fatal_error" }, 200, false },
	{ { .kind = SIM_FAULT_STATUS, .status = 503 }, 503, false },
	{ { .kind = SIM_FAULT_RATE, .ms = 1500 }, 429, false },
	{ { .kind = SIM_FAULT_DELAY, .ms = 20 }, 200, true },
	{ { .kind = SIM_FAULT_RESET }, 0, false },
	{ { .kind = SIM_FAULT_LOST }, 0, true },
	{ { .kind = SIM_FAULT_LATE, .ms = 20 }, 0, true },
};

static bool has_post(struct sim *sim, void *arg)
{
	struct sim_msg *all;
	size_t n;

	(void)arg;
	all = sim_messages(sim, "C0GENERAL", NULL, &n);
	sim_messages_free(all, n);
	return n > 0;
}

START_TEST(a_fault_does_what_it_says_once)
{
	struct sim_fault f = faults[_i].f;
	const struct answer *a;

	f.method = "chat.postMessage";
	f.times = 1;
	sim_fault(s, &f);
	must("auth.test", "");
	a = peer_post(web, "/api/chat.postMessage", KIM, NULL,
		      "channel=C0GENERAL&text=a");
	ck_assert_int_eq(a->status, faults[_i].status);
	if (f.kind == SIM_FAULT_RATE)
		ck_assert_ptr_nonnull(strstr(a->head, "Retry-After: 2\r\n"));
	ck_assert_int_eq(sim_wait(s, has_post, NULL,
				  faults[_i].posted ? 2000 : 0),
			 faults[_i].posted ? 0 : -1);
	if (a->status == 0) {
		peer_close(web);
		web = peer_open(sim_port(s), NULL);
	}
	must("chat.postMessage", "channel=C0GENERAL&text=a");
}
END_TEST

START_TEST(a_call_that_hangs_is_never_answered)
{
	struct sim_fault f = { .kind = SIM_FAULT_HANG, .skip = 1, .times = 1 };

	sim_fault(s, &f);
	must("auth.test", "");
	peer_send(web, "/api/auth.test", KIM, NULL, "");
	ck_assert_int_eq(sim_wait_calls(s, "auth.test", 2, 30000), 0);
	ck_assert(peer_silent(web, 30));
}
END_TEST

START_TEST(calls_are_on_record_with_their_arguments)
{
	struct sim_call *c;
	size_t n;

	call("chat.postMessage", "channel=C0GENERAL&text=a%26b&token=" KIM);
	call("chat.postMessage", "channel=C0NONE&text=b");
	c = sim_calls(s, "chat.postMessage", &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(c[0].args,
			 "{\"channel\":\"C0GENERAL\",\"text\":\"a&b\"}");
	ck_assert_ptr_null(c[0].error);
	ck_assert_str_ne(c[0].ts, "");
	ck_assert_str_eq(c[1].error, "channel_not_found");
	ck_assert_str_eq(c[1].team_id, "T0ACME");
	sim_calls_free(c, n);
}
END_TEST

static bool never(struct sim *sim, void *arg)
{
	(void)sim;
	++*(int *)arg;
	return false;
}

START_TEST(waiting_ends_when_its_time_is_over)
{
	int64_t from = sim_clock_us();
	int looks = 0;

	ck_assert_int_eq(sim_wait(s, never, &looks, 30), -1);
	ck_assert_int_ge(sim_clock_us() - from, 30000);
	ck_assert_int_lt(looks, 5);
}
END_TEST

static int64_t frozen(void *arg)
{
	(void)arg;
	return INT64_C(1700000000000);
}

START_TEST(no_two_messages_share_a_ts_though_the_clock_stands)
{
	struct sim_opts o = { .now = frozen };
	struct sim *t = start(&o);
	char a[SIM_TS], b[SIM_TS];

	sim_say(t, "C0GENERAL", "U0BOB", "a", NULL, a);
	sim_say(t, "C0GENERAL", "U0BOB", "b", NULL, b);
	ck_assert_str_eq(a, "1700000000.000000");
	ck_assert_str_eq(b, "1700000000.000001");
	sim_stop(t);
}
END_TEST

START_TEST(the_control_api_types_as_a_person_and_reads_back)
{
	const struct answer *a;
	struct json *j;

	a = peer_post(web, "/ctl/say", NULL, JSON,
		      "{\"channel\":\"general\",\"user\":\"bob\","
		      "\"text\":\"hi\"}");
	j = parse(a->body, a->len);
	ck_assert(json_bool(j, "ok", false));
	json_free(j);
	a = peer_post(web, "/ctl/messages?channel=general", NULL, JSON, "");
	j = parse(a->body, a->len);
	ck_assert_str_eq(json_str(j, "messages.0.text"), "hi");
	ck_assert_str_eq(json_str(j, "messages.0.user"), "U0BOB");
	json_free(j);
	a = peer_post(web, "/ctl/say", NULL, JSON, "{\"user\":\"bob\"}");
	j = parse(a->body, a->len);
	ck_assert(!json_bool(j, "ok", true));
	json_free(j);
}
END_TEST

START_TEST(who_waits_by_the_control_api_is_told_of_a_change)
{
	peer_send(web, "/ctl/wait?since=1000", NULL, JSON, "");
	ck_assert(peer_silent(web, 20));
	peer_close(web);
	web = peer_open(sim_port(s), NULL);
	peer_send(web, "/ctl/wait?since=0&timeout_ms=60000", NULL, JSON, "");
	sim_say(s, "C0GENERAL", "U0BOB", "hi", NULL, NULL);
	ck_assert_int_eq(peer_answer(web)->status, 200);
}
END_TEST

START_TEST(settings_are_changed_by_name_and_only_as_a_whole)
{
	struct sim_settings set;
	const struct answer *a;

	a = peer_post(web, "/ctl/settings", NULL, JSON,
		      "{\"retry_ms\":\"5,6\",\"own_events\":false}");
	ck_assert_ptr_nonnull(strstr(a->body, "\"retry_ms\":\"5,6\""));
	a = peer_post(web, "/ctl/settings", NULL, JSON,
		      "{\"ping_ms\":7,\"nonsense\":1}");
	ck_assert_ptr_nonnull(strstr(a->body, "nonsense"));
	sim_settings(s, &set);
	ck_assert_int_eq(set.retry_ms[1], 6);
	ck_assert_int_eq(set.retry_ms[2], 0);
	ck_assert(!set.own_events);
	ck_assert_int_eq(set.ping_ms, 30000);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* Blocks, and whether Slack takes them. The quotes are those of JSON. */
static const struct {
	const char *blocks;
	bool ok;
} shapes[] = {
	{ "{'type':'markdown','text':'# a'}", true },
	{ "{'type':'markdown','text':''}", false },
	{ "{'type':'markdown'}", false },
	{ "{'type':'header','text':{'type':'plain_text','text':'a'}}", true },
	{ "{'type':'header','text':{'type':'mrkdwn','text':'a'}}", false },
	{ "{'type':'section','text':{'type':'mrkdwn','text':'a'}}", true },
	{ "{'type':'section'}", false },
	{ "{'type':'divider'}", true },
	{ "{'type':'nonsense'}", false },
	{ "{'type':'context','elements':[]}", false },
	{ "{'type':'actions','elements':[{'type':'button','action_id':'a',"
	  "'text':{'type':'plain_text','text':'Go'}}]}",
	  true },
	{ "{'type':'actions','elements':[{'type':'button','text':'Go'}]}",
	  false },
	{ "{'type':'context_actions','elements':[{'type':'feedback_buttons',"
	  "'action_id':'f','positive_button':{'text':{'type':'plain_text',"
	  "'text':'Good'},'value':'up'},'negative_button':{'text':{'type':"
	  "'plain_text','text':'Bad'},'value':'down'}}]}",
	  true },
	{ "{'type':'context_actions','elements':[{'type':'feedback_buttons',"
	  "'action_id':'f'}]}",
	  false },
	{ "{'type':'data_table','caption':'c','rows':[[{'type':'raw_text',"
	  "'text':'a'}],[{'type':'raw_number','value':1.5,'text':'1.5'}]]}",
	  true },
	{ "{'type':'data_table','rows':[[{'type':'raw_text','text':'a'}],"
	  "[{'type':'raw_text','text':'b'}]]}",
	  false }, /* no caption */
	{ "{'type':'data_table','caption':'c','rows':[[{'type':'raw_text',"
	  "'text':'a'}]]}",
	  false }, /* only a heading */
	{ "{'type':'data_table','caption':'c','rows':[[{'type':'raw_text',"
	  "'text':'a'}],[{'type':'raw_text','text':'b'},{'type':'raw_text',"
	  "'text':'c'}]]}",
	  false }, /* rows of two lengths */
	{ "{'type':'data_table','caption':'c','rows':[[{'type':'rich_text',"
	  "'elements':[]}],[{'type':'raw_text','text':'b'}]]}",
	  false }, /* a rich heading */
	{ "{'type':'data_table','caption':'c','rows':[[{'type':'raw_text',"
	  "'text':'a'}],[{'type':'raw_text','text':''}]]}",
	  false },
	{ "{'type':'data_table','caption':'c','rows':[[{'type':'raw_text',"
	  "'text':'a'}],[{'type':'raw_number','value':'1','text':'1'}]]}",
	  false },
	{ "{'type':'data_table','caption':'c','page_size':101,'rows':[[{"
	  "'type':'raw_text','text':'a'}],[{'type':'raw_text','text':'b'}]]}",
	  false },
};

START_TEST(blocks_have_the_shape_that_slack_wants)
{
	char body[2048], *p;
	const char *error;

	(void)snprintf(body, sizeof(body),
		       "channel=C0GENERAL&text=t&blocks=[%s]",
		       shapes[_i].blocks);
	for (p = body; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	error = call("chat.postMessage", body);
	ck_assert_str_eq(error ? error : "",
			 shapes[_i].ok ? "" : "invalid_blocks");
}
END_TEST

static TCase *calls_case(void)
{
	TCase *tc = tcase_create("calls");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, blocks_have_the_shape_that_slack_wants, 0,
			    sizeof(shapes) / sizeof(shapes[0]));
	tcase_add_test(tc, auth_test_tells_whose_token_it_is);
	tcase_add_loop_test(tc, a_token_is_good_for_its_own_calls_only, 0,
			    N(tokens));
	tcase_add_loop_test(tc, a_bad_call_is_refused_with_slacks_word, 0,
			    N(refusals));
	tcase_add_test(tc, a_missing_argument_is_named);
	tcase_add_test(tc, json_is_read_only_where_slack_reads_it);
	tcase_add_test(tc, a_missing_scope_is_named_with_those_given);
	tcase_add_test(tc, granted_scopes_come_in_a_header);
	tcase_add_test(tc, a_post_is_cut_at_40000_characters_with_a_warning);
	tcase_add_test(tc, an_update_takes_4000_characters_and_no_more);
	tcase_add_test(tc,
		       an_edit_leaves_the_older_text_and_metadata_on_record);
	tcase_add_test(tc,
		       text_alone_removes_blocks_and_blocks_alone_show_no_mark);
	tcase_add_test(
		tc, an_ephemeral_message_is_for_one_person_and_stays_as_it_is);
	tcase_add_test(tc, a_persons_id_opens_the_direct_messages_with_them);
	tcase_add_test(tc, replies_come_root_first_and_in_pages);
	tcase_add_test(tc, metadata_is_shown_only_when_asked_for);
	tcase_add_test(tc, history_is_newest_first_without_replies);
	tcase_add_test(
		tc,
		a_deleted_message_is_gone_for_the_bot_but_not_from_the_record);
	tcase_add_test(tc, the_fifty_first_update_in_a_minute_has_to_wait);
	tcase_add_test(tc,
		       a_channel_takes_a_burst_of_posts_and_then_one_a_second);
	return tc;
}

static TCase *server_case(void)
{
	TCase *tc = tcase_create("server");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, pipelined_requests_are_answered_in_order);
	tcase_add_test(tc, a_chunked_body_is_joined);
	tcase_add_loop_test(tc, garbage_is_answered_with_400_and_the_end, 0,
			    N(garbage));
	tcase_add_test(tc, the_world_goes_into_the_file_for_konstructctl);
	tcase_add_test(tc, a_world_with_an_unknown_member_is_refused);
	tcase_add_test(tc, with_tls_the_certificate_is_of_the_ca_written_out);
	tcase_add_test(tc, it_goes_by_the_names_that_it_is_given);
	tcase_add_loop_test(tc, names_that_are_none_are_refused, 0, 4);
	tcase_add_loop_test(tc, a_fault_does_what_it_says_once, 0, N(faults));
	tcase_add_test(tc, a_call_that_hangs_is_never_answered);
	tcase_add_test(tc, calls_are_on_record_with_their_arguments);
	tcase_add_test(
		tc,
		a_file_is_told_by_its_message_and_fetched_with_the_bots_token);
	tcase_add_test(tc, a_file_may_be_somewhere_else);
	tcase_add_test(tc, waiting_ends_when_its_time_is_over);
	tcase_add_test(tc, no_two_messages_share_a_ts_though_the_clock_stands);
	tcase_add_test(tc, the_control_api_types_as_a_person_and_reads_back);
	tcase_add_test(tc, who_waits_by_the_control_api_is_told_of_a_change);
	tcase_add_test(tc, settings_are_changed_by_name_and_only_as_a_whole);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("sim");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, calls_case());
	suite_add_tcase(suite, server_case());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
