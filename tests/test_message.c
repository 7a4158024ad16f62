/* SPDX-License-Identifier: ISC */
#include "route/message.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "envelopes.h"
#include "route/envelope.h"

static struct message *m;

static void teardown(void)
{
	message_free(m);
	m = NULL;
}

/* Takes the frame. */
static struct message *read_frame(char *frame, struct err *e)
{
	struct envelope env;
	struct message *got;

	ck_assert_msg(envelope_parse(&env, frame, strlen(frame), e) == 0, "%s",
		      e->msg);
	got = message_from_envelope(&env, e);
	envelope_release(&env);
	free(frame);
	return got;
}

static void read_event(const char *event)
{
	struct err e = { 0 };

	message_free(m);
	m = read_frame(event_frame(event), &e);
	ck_assert_msg(m != NULL, "%s", e.msg);
}

static void read_with(const char *outer, const char *event)
{
	struct err e = { 0 };

	message_free(m);
	m = read_frame(event_frame_with(outer, event), &e);
	ck_assert_msg(m != NULL, "%s", e.msg);
}

#define TOP "\"user\":\"U1\",\"channel\":\"C1\",\"ts\":\"1700000000.000100\""

START_TEST(a_mention_becomes_a_konstruct_message)
{
	read_event("{\"type\":\"app_mention\"," TOP ","
		   "\"text\":\"<@UBOT> what is &lt;this&gt;, <@U2>?\","
		   "\"client_msg_id\":\"x\",\"team\":\"T1\","
		   "\"event_ts\":\"1700000000.000100\"}");
	ck_assert_str_eq(m->platform, "slack");
	ck_assert_ptr_null(m->tenant_id);
	ck_assert_str_eq(m->id, "");
	ck_assert_str_eq(m->channel.channel_id, "C1");
	ck_assert_int_eq(m->channel.conversation, CONVERSATION_UNKNOWN);
	ck_assert_str_eq(m->channel.bot_user_id, "UBOT");
	ck_assert_str_eq(m->channel.app_id, "A1");
	ck_assert_str_eq(m->channel.workspace_id, "T1");
	ck_assert_str_eq(m->channel.ts, "1700000000.000100");
	ck_assert_ptr_null(m->channel.thread_ts);
	ck_assert_str_eq(m->sender.user_id, "U1");
	ck_assert_ptr_null(m->sender.display_name);
	ck_assert(!m->sender.bot);
	ck_assert(!m->sender.external);
	ck_assert_str_eq(m->content.text, "what is &lt;this&gt;, <@U2>?");
	ck_assert_uint_eq(m->content.nfiles, 0);
	ck_assert_int_eq(m->timestamp_ms, 1700000000000);
	ck_assert_str_eq(m->thread_id, "1700000000.000100");
	ck_assert(m->mention);
	ck_assert_str_eq(m->event_id, "Ev1");
	ck_assert_str_eq(m->envelope_id, "e-1");
}
END_TEST

START_TEST(a_bot_has_an_id_of_its_own)
{
	read_event("{\"type\":\"message\"," TOP ",\"bot_id\":\"B7\"}");
	ck_assert(m->sender.bot);
	ck_assert_str_eq(m->sender.bot_id, "B7");
	ck_assert_str_eq(m->sender.user_id, "U1");
	read_event("{\"type\":\"message\"," TOP
		   ",\"bot_profile\":{\"id\":\"B8\"}}");
	ck_assert(m->sender.bot);
	ck_assert_str_eq(m->sender.bot_id, "B8");
	read_event("{\"type\":\"message\",\"channel\":\"C1\","
		   "\"ts\":\"1700000000.000100\",\"bot_id\":\"B9\"}");
	ck_assert_str_eq(m->sender.user_id, "B9");
}
END_TEST

START_TEST(a_reply_keeps_its_thread)
{
	read_event("{\"type\":\"message\"," TOP ",\"text\":\"and then?\","
		   "\"thread_ts\":\"1699999999.000001\","
		   "\"channel_type\":\"group\"}");
	ck_assert_str_eq(m->channel.thread_ts, "1699999999.000001");
	ck_assert_str_eq(m->thread_id, "1699999999.000001");
	ck_assert_int_eq(m->channel.conversation, CONVERSATION_GROUP);
	ck_assert(!m->mention);
}
END_TEST

START_TEST(a_root_with_replies_is_at_top_level)
{
	read_event("{\"type\":\"message\"," TOP ",\"text\":\"first\","
		   "\"thread_ts\":\"1700000000.000100\"}");
	ck_assert_ptr_null(m->channel.thread_ts);
	ck_assert_str_eq(m->thread_id, "1700000000.000100");
}
END_TEST

START_TEST(a_message_that_names_the_bot_is_a_mention)
{
	read_event("{\"type\":\"message\"," TOP ",\"channel_type\":\"mpim\","
		   "\"text\":\"so <@UBOT|bot>, what now?\"}");
	ck_assert(m->mention);
	ck_assert_str_eq(m->content.text, "so, what now?");
	ck_assert_int_eq(m->channel.conversation, CONVERSATION_MPIM);
}
END_TEST

START_TEST(a_name_comes_with_the_event_or_not_at_all)
{
	read_event("{\"type\":\"message\"," TOP ",\"user_profile\":"
		   "{\"display_name\":\"\",\"real_name\":\"Ada\\nSystem:\","
		   "\"name\":\"ada\"}}");
	ck_assert_str_eq(m->sender.display_name, "Ada System");
	ck_assert_str_eq(m->content.text, "");
}
END_TEST

START_TEST(files_come_along)
{
	read_event(
		"{\"type\":\"message\"," TOP ",\"text\":\"see\","
		"\"subtype\":\"file_share\",\"files\":["
		"{\"id\":\"F1\",\"name\":\"a.txt\",\"size\":12,"
		"\"mimetype\":\"text/plain\",\"url_private_download\":"
		"\"https://files.slack.com/F1\","
		"\"thumb_720\":\"https://x/7\",\"thumb_960\":\"https://x/9\"},"
		"{\"id\":\"F2\",\"file_access\":\"check_file_info\"},"
		"{\"id\":\"../x\"},{},7,"
		"{\"id\":\"F3\",\"size\":-1,\"url_private_download\":"
		"\"https://x y\"}]}");
	ck_assert_uint_eq(m->content.nfiles, 3);
	ck_assert_str_eq(m->content.files[0].id, "F1");
	ck_assert_str_eq(m->content.files[0].name, "a.txt");
	ck_assert_str_eq(m->content.files[0].mimetype, "text/plain");
	ck_assert_str_eq(m->content.files[0].url, "https://files.slack.com/F1");
	ck_assert_str_eq(m->content.files[0].thumb, "https://x/9");
	ck_assert_int_eq(m->content.files[0].size, 12);
	ck_assert_str_eq(m->content.files[1].id, "F2");
	ck_assert_ptr_null(m->content.files[1].url);
	ck_assert_str_eq(m->content.files[2].id, "F3");
	ck_assert_ptr_null(m->content.files[2].url);
	ck_assert_int_eq(m->content.files[2].size, 0);
}
END_TEST

static const struct {
	const char *file;
	enum message_file_place place;
} places[] = {
	{ "\"url_private_download\":\"https://x\"", FILE_HERE },
	{ "\"url_private\":\"https://x\",\"mode\":\"snippet\"", FILE_HERE },
	{ "\"url_private\":\"https://x\",\"file_access\":\"visible\"",
	  FILE_HERE },
	{ "\"url_private\":\"https://x\","
	  "\"file_access\":\"check_file_info\"",
	  FILE_UNTOLD },
	{ "\"name\":\"x\"", FILE_UNTOLD },
	{ "\"mode\":\"external\",\"url_private\":\"https://x\"", FILE_OUTSIDE },
	{ "\"is_external\":true,\"url_private\":\"https://x\"", FILE_OUTSIDE },
	{ "\"mode\":\"tombstone\"", FILE_GONE },
	{ "\"mode\":\"hidden_by_limit\",\"url_private\":\"https://x\"",
	  FILE_GONE },
	{ "\"file_access\":\"access_denied\"", FILE_GONE },
};

START_TEST(a_file_says_where_it_is_to_be_had)
{
	char event[400];

	snprintf(event, sizeof(event),
		 "{\"type\":\"message\"," TOP
		 ",\"files\":[{\"id\":\"F1\",%s}]}",
		 places[_i].file);
	read_event(event);
	ck_assert_uint_eq(m->content.nfiles, 1);
	ck_assert_int_eq(m->content.files[0].place, places[_i].place);
}
END_TEST

START_TEST(a_pasted_spreadsheet_comes_with_the_text)
{
	read_event("{\"type\":\"message\"," TOP ",\"text\":\"<@UBOT> sum\","
		   "\"blocks\":[{\"type\":\"rich_text\"},"
		   "{\"type\":\"table\",\"rows\":[[{\"type\":\"raw_text\","
		   "\"text\":\"<1>\"},{\"type\":\"raw_text\","
		   "\"text\":\"2\"}]]}]}");
	ck_assert_str_eq(m->content.text,
			 "sum\n[table, columns separated by tabs]\n"
			 "&lt;1&gt;\t2\n[end of table]");
}
END_TEST

START_TEST(blocks_stand_for_a_text_that_is_missing)
{
	read_event("{\"type\":\"message\"," TOP ",\"text\":\"\","
		   "\"blocks\":[{\"type\":\"header\",\"text\":"
		   "{\"type\":\"plain_text\",\"text\":\"News\"}}]}");
	ck_assert_str_eq(m->content.text, "News");
}
END_TEST

START_TEST(what_was_forwarded_is_told_with_its_files)
{
	read_event("{\"type\":\"message\"," TOP ",\"text\":\"\","
		   "\"files\":[{\"id\":\"F1\"}],\"attachments\":["
		   "{\"is_share\":true,\"author_name\":\"Bob\","
		   "\"text\":\"<@UBOT> look\","
		   "\"files\":[{\"id\":\"F2\"}]},"
		   "{\"from_url\":\"https://x.test\",\"text\":\"page\","
		   "\"files\":[{\"id\":\"F3\"}]}]}");
	ck_assert_str_eq(m->content.text,
			 "[forwarded message of Bob]\n&gt; <@UBOT> look");
	ck_assert_uint_eq(m->content.nfiles, 2);
	ck_assert_str_eq(m->content.files[1].id, "F2");
	/* Whoever is quoted isn't asking. */
	ck_assert(!m->mention);
}
END_TEST

START_TEST(files_are_at_most_thirty_two)
{
	char event[4000] = "{\"type\":\"message\"," TOP ",\"files\":[{}";
	int i;

	for (i = 0; i < 40; i++)
		(void)strncat(event, ",{\"id\":\"F1\"}", 20);
	(void)strncat(event, "]}", 3);
	read_event(event);
	ck_assert_uint_eq(m->content.nfiles, 32);
}
END_TEST

/* Which install it is, as authorizations[0] tells. */
static const struct {
	const char *auth;
	const char *workspace;
	const char *bot;
} installs[] = {
	{ "{\"enterprise_id\":\"E1\",\"team_id\":\"T9\",\"user_id\":\"U7\","
	  "\"is_bot\":true,\"is_enterprise_install\":false}",
	  "T9", "U7" },
	{ "{\"enterprise_id\":\"E1\",\"team_id\":null,\"user_id\":\"W7\","
	  "\"is_bot\":true,\"is_enterprise_install\":true}",
	  "E1", "W7" },
	{ "{\"enterprise_id\":\"E1\",\"team_id\":\"T9\",\"user_id\":\"U7\","
	  "\"is_bot\":true,\"is_enterprise_install\":true}",
	  "E1", "U7" },
	{ "{\"enterprise_id\":\"E1\",\"team_id\":null,\"user_id\":\"U7\","
	  "\"is_bot\":true}",
	  "E1", "U7" },
	{ "{\"team_id\":\"T9\",\"user_id\":\"U7\",\"is_bot\":false}", "T9",
	  NULL },
};

START_TEST(the_workspace_is_the_one_that_authorized)
{
	char outer[400];

	(void)snprintf(outer, sizeof(outer), "\"authorizations\":[%s]",
		       installs[_i].auth);
	read_with(outer, "{\"type\":\"message\"," TOP "}");
	ck_assert_str_eq(m->channel.workspace_id, installs[_i].workspace);
	ck_assert_pstr_eq(m->channel.bot_user_id, installs[_i].bot);
}
END_TEST

/* Slack Connect: which team the sender is of, and how it is told. */
static const struct {
	const char *outer; /* beside authorizations of T1 in E1 */
	const char *event;
	bool external;
} senders[] = {
	{ "\"is_ext_shared_channel\":true",
	  "{\"type\":\"message\"," TOP ",\"team\":\"T2\"}", true },
	{ "\"is_ext_shared_channel\":true",
	  "{\"type\":\"message\"," TOP ",\"team\":\"T1\"}", false },
	{ "\"is_ext_shared_channel\":true",
	  "{\"type\":\"message\"," TOP ",\"team\":\"T1\","
	  "\"user_team\":\"T2\"}",
	  true },
	/* of a mention, team is ours and user_team only a foreigner's */
	{ "\"is_ext_shared_channel\":true",
	  "{\"type\":\"app_mention\"," TOP ",\"team\":\"T3\"}", false },
	{ "\"is_ext_shared_channel\":true",
	  "{\"type\":\"app_mention\"," TOP ",\"user_team\":\"T2\"}", true },
	/* enterprises, and the teams that the event maps them to */
	{ "\"is_ext_shared_channel\":true",
	  "{\"type\":\"message\"," TOP ",\"user_team\":\"E1\"}", false },
	{ "\"is_ext_shared_channel\":true",
	  "{\"type\":\"message\"," TOP ",\"user_team\":\"E2\"}", true },
	{ "\"is_ext_shared_channel\":true,\"enterprise_id\":\"E3\"",
	  "{\"type\":\"message\"," TOP ",\"user_team\":\"E3\"}", false },
	/* another workspace of our own organisation */
	{ "\"is_ext_shared_channel\":true,\"context_enterprise_id\":\"E1\"",
	  "{\"type\":\"message\"," TOP ",\"user_team\":\"T1\"}", false },
	{ "\"is_ext_shared_channel\":false",
	  "{\"type\":\"message\"," TOP ",\"team\":\"T2\"}", false },
	/* not told */
	{ "\"is_ext_shared_channel\":true", "{\"type\":\"message\"," TOP "}",
	  false },
	{ "\"x\":1", "{\"type\":\"message\"," TOP ",\"user_team\":\"T2\"}",
	  true },
};

START_TEST(a_sender_of_another_organisation_is_external)
{
	char outer[400];

	(void)snprintf(outer, sizeof(outer),
		       "\"authorizations\":[{\"enterprise_id\":\"E1\","
		       "\"team_id\":\"T1\",\"user_id\":\"UBOT\","
		       "\"is_bot\":true}],%s",
		       senders[_i].outer);
	read_with(outer, senders[_i].event);
	ck_assert_msg(m->sender.external == senders[_i].external, "%s %s",
		      senders[_i].outer, senders[_i].event);
}
END_TEST

#define MUTED                                                        \
	"{\"type\":\"reaction_added\",\"user\":\"U1\",\"reaction\":" \
	"\"mute\",\"item\":{\"channel\":\"C1\",\"ts\":"              \
	"\"1700000000.000100\"}"

/* The time of the event has seconds only, its ts tells more. */
static const struct {
	const char *event;
	int64_t at_ms;
} signals[] = {
	{ MUTED ",\"event_ts\":\"1700000000.558000\"}", 1700000000558 },
	{ MUTED ",\"event_ts\":\"soon\"}", 1700000000000 },
	{ MUTED ",\"event_ts\":7}", 1700000000000 },
	{ MUTED "}", 1700000000000 },
};

START_TEST(a_signal_is_later_than_a_message_of_the_same_second)
{
	read_event(signals[_i].event);
	ck_assert_int_eq(m->timestamp_ms, signals[_i].at_ms);
}
END_TEST

static const struct {
	const char *event;
	const char *error;
} bad[] = {
	{ "null", "event is missing" },
	{ "[]", "event is missing" },
	{ "{}", "event.type is no message" },
	{ "{\"type\":\"reaction_removed\"}", "event.type is no message" },
	{ "{\"type\":\"message\",\"user\":\"U1\",\"ts\":\"1.0\"}",
	  "event.channel is missing" },
	{ "{\"type\":\"message\",\"channel\":{\"id\":\"C1\"}}",
	  "event.channel is missing" },
	{ "{\"type\":\"message\",\"channel\":\"C1:T1\"}",
	  "event.channel is malformed" },
	{ "{\"type\":\"message\",\"channel\":"
	  "\"C01234567890123456789012345678901\"}",
	  "event.channel is malformed" },
	{ "{\"type\":\"message\",\"channel\":\"C1\",\"user\":\"U1\"}",
	  "event.ts is missing" },
	{ "{\"type\":\"message\",\"channel\":\"C1\",\"ts\":1700000000.1}",
	  "event.ts is missing" },
	{ "{\"type\":\"message\",\"channel\":\"C1\",\"ts\":\"now\"}",
	  "event.ts is malformed" },
	{ "{\"type\":\"message\"," TOP ",\"thread_ts\":\"1\"}",
	  "event.thread_ts is malformed" },
	{ "{\"type\":\"message\",\"channel\":\"C1\",\"ts\":\"1.0\"}",
	  "event.user is missing" },
	{ "{\"type\":\"message\",\"channel\":\"C1\",\"ts\":\"1.0\","
	  "\"user\":\"U1\\n\"}",
	  "event.user is malformed" },
};

START_TEST(a_field_that_is_wrong_is_named)
{
	struct err e = { 0 };

	ck_assert_ptr_null(read_frame(event_frame(bad[_i].event), &e));
	ck_assert_int_eq(e.kind, ERR_INPUT);
	ck_assert_str_eq(e.msg, bad[_i].error);
}
END_TEST

START_TEST(nobody_authorized_is_nobodys_message)
{
	struct err e = { 0 };

	ck_assert_ptr_null(
		read_frame(event_frame_with("\"authorizations\":[]",
					    "{\"type\":\"message\"," TOP "}"),
			   &e));
	ck_assert_str_eq(e.msg, "authorizations.0.enterprise_id is missing");
}
END_TEST

START_TEST(a_text_beyond_what_slack_allows_is_refused)
{
	const size_t n = 256 * 1024 + 1;
	char *event = malloc(n + 200);
	struct err e = { 0 };
	int len;

	ck_assert_ptr_nonnull(event);
	len = snprintf(event, 200, "{\"type\":\"message\"," TOP ",\"text\":\"");
	memset(event + len, 'x', n);
	memcpy(event + len + n, "\"}", 3);
	ck_assert_ptr_null(read_frame(event_frame(event), &e));
	ck_assert_str_eq(e.msg, "event.text is too long");
	memcpy(event + len + n - 1, "\"}", 3);
	read_event(event);
	ck_assert_uint_eq(strlen(m->content.text), n - 1);
	free(event);
}
END_TEST

START_TEST(keys_name_post_and_thread)
{
	char key[200];

	read_event("{\"type\":\"message\"," TOP ","
		   "\"thread_ts\":\"1699999999.000001\"}");
	ck_assert_int_eq(message_claim(m, key, sizeof(key)), 0);
	ck_assert_str_eq(key, "A1:T1:C1:1700000000.000100");
	ck_assert_int_eq(message_thread_key(m, key, sizeof(key)), 0);
	ck_assert_str_eq(key, "A1:T1:C1:1699999999.000001");
	ck_assert_int_eq(message_claim(m, key, 10), -1);
	ck_assert_int_eq(message_thread_key(m, key, 10), -1);
}
END_TEST

#define LOOP(tc, test, table) \
	tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof(table[0]))

int main(void)
{
	Suite *s = suite_create("message");
	TCase *tc = tcase_create("message");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, a_mention_becomes_a_konstruct_message);
	tcase_add_test(tc, a_bot_has_an_id_of_its_own);
	tcase_add_test(tc, a_reply_keeps_its_thread);
	tcase_add_test(tc, a_root_with_replies_is_at_top_level);
	tcase_add_test(tc, a_message_that_names_the_bot_is_a_mention);
	tcase_add_test(tc, a_name_comes_with_the_event_or_not_at_all);
	tcase_add_test(tc, files_come_along);
	tcase_add_loop_test(tc, a_file_says_where_it_is_to_be_had, 0,
			    sizeof(places) / sizeof(places[0]));
	tcase_add_test(tc, a_pasted_spreadsheet_comes_with_the_text);
	tcase_add_test(tc, blocks_stand_for_a_text_that_is_missing);
	tcase_add_test(tc, what_was_forwarded_is_told_with_its_files);
	tcase_add_test(tc, files_are_at_most_thirty_two);
	LOOP(tc, the_workspace_is_the_one_that_authorized, installs);
	LOOP(tc, a_sender_of_another_organisation_is_external, senders);
	LOOP(tc, a_field_that_is_wrong_is_named, bad);
	tcase_add_test(tc, nobody_authorized_is_nobodys_message);
	tcase_add_test(tc, a_text_beyond_what_slack_allows_is_refused);
	tcase_add_test(tc, keys_name_post_and_thread);
	tcase_add_loop_test(tc,
			    a_signal_is_later_than_a_message_of_the_same_second,
			    0, (int)(sizeof(signals) / sizeof(signals[0])));
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
