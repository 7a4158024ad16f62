/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "route/envelope.h"
#include "route/message.h"
#include "route/screen.h"
#include "route/swept.h"
#include "state/engaged.h"
#include "store/store.h"

#define TS "1700000000.000200"

static struct connection place = {
	.app_id = (char *)"A1",
	.workspace_id = (char *)"T1",
	.bot_user_id = (char *)"UBOT",
	.bot_id = (char *)"BBOT",
};
static struct message *msg;
static struct envelope env;
static struct buf frame;
static struct engaged *engaged;

static void setup(void)
{
	engaged = engaged_create(60000);
	ck_assert_ptr_nonnull(engaged);
	buf_init(&frame, 1 << 20);
	place.workspace_id = (char *)"T1";
}

static void teardown(void)
{
	message_free(msg);
	envelope_release(&env);
	buf_release(&frame);
	engaged_free(engaged);
}

static int make(const char *channel, const char *text)
{
	struct err e = { 0 };
	struct json *m = json_parse(text, strlen(text), 1 << 20, &e);
	int rc;

	ck_assert_ptr_nonnull(m);
	rc = swept_frame(&place, channel, m, &frame, &e);
	json_free(m);
	return rc;
}

/* As the screen judges what was found in a channel. */
static enum verdict judge(const char *channel, const char *text)
{
	struct screening s = { .env = &env, .engaged = engaged };
	struct err e = { 0 };
	const char *stage;
	enum verdict v;

	ck_assert_int_eq(make(channel, text), 0);
	ck_assert_msg(envelope_parse(&env, frame.data, frame.len, &e) == 0,
		      "%s", e.msg);
	v = screen_run(&s, &stage);
	msg = s.msg;
	return v;
}

START_TEST(a_mention_found_in_a_thread_is_a_message_like_any)
{
	ck_assert_int_eq(judge("C1", "{\"user\":\"U1\",\"ts\":\"" TS "\","
				     "\"thread_ts\":\"1700000000.000100\","
				     "\"text\":\"<@UBOT> hi\"}"),
			 V_ACCEPT);
	ck_assert(msg->mention);
	ck_assert_str_eq(msg->content.text, "hi");
	ck_assert_str_eq(msg->channel.app_id, "A1");
	ck_assert_str_eq(msg->channel.workspace_id, "T1");
	ck_assert_str_eq(msg->channel.channel_id, "C1");
	ck_assert_str_eq(msg->channel.ts, TS);
	ck_assert_str_eq(msg->thread_id, "1700000000.000100");
	ck_assert_str_eq(msg->event_id, "swept-C1-1700000000-000200");
}
END_TEST

START_TEST(what_is_found_in_direct_messages_is_for_us)
{
	ck_assert_int_eq(judge("D1", "{\"user\":\"U1\",\"ts\":\"" TS "\","
				     "\"text\":\"hi\",\"files\":[{\"id\":"
				     "\"F1\",\"name\":\"a.txt\"}]}"),
			 V_ACCEPT);
	ck_assert_int_eq(msg->channel.conversation, CONVERSATION_IM);
	ck_assert_uint_eq(msg->content.nfiles, 1);
	ck_assert_str_eq(msg->content.files[0].name, "a.txt");
}
END_TEST

START_TEST(an_edited_message_counts_as_it_is_now)
{
	ck_assert_int_eq(judge("D1", "{\"user\":\"U1\",\"ts\":\"" TS "\","
				     "\"text\":\"hi\",\"edited\":{\"user\":"
				     "\"U1\",\"ts\":\"1700000001.000000\"}}"),
			 V_ACCEPT);
}
END_TEST

static const char *const not_for_us[] = {
	"{\"user\":\"UBOT\",\"ts\":\"" TS "\",\"text\":\"mine\"}",
	"{\"user\":\"U9\",\"bot_id\":\"B9\",\"ts\":\"" TS "\","
	"\"text\":\"<@UBOT> hi\"}",
	"{\"user\":\"U9\",\"bot_profile\":{\"id\":\"B9\"},\"ts\":\"" TS "\","
	"\"text\":\"<@UBOT> hi\"}",
	"{\"user\":\"U1\",\"ts\":\"" TS "\",\"subtype\":\"channel_join\","
	"\"text\":\"<@UBOT> came\"}",
	"{\"user\":\"USLACKBOT\",\"ts\":\"" TS "\",\"subtype\":\"tombstone\","
	"\"hidden\":true,\"text\":\"gone\"}",
	"{\"ts\":\"" TS "\",\"text\":\"<@UBOT> from nobody\"}",
	"{\"user\":7,\"ts\":\"" TS "\",\"text\":\"<@UBOT> hi\"}",
};

START_TEST(own_and_bots_and_odd_messages_are_dropped)
{
	ck_assert_int_eq(judge("D1", not_for_us[_i]), V_DROP);
}
END_TEST

START_TEST(without_a_ts_there_is_no_frame)
{
	ck_assert_int_lt(make("C1", "{\"user\":\"U1\",\"text\":\"hi\"}"), 0);
	ck_assert_int_lt(make("C1", "{\"user\":\"U1\",\"ts\":\"..\"}"), 0);
}
END_TEST

START_TEST(what_is_too_large_is_no_frame)
{
	frame.cap = 300;
	ck_assert_int_lt(make("C1", not_for_us[1]), 0);
}
END_TEST

START_TEST(an_org_wide_install_is_found_by_its_enterprise)
{
	place.workspace_id = (char *)"E1";
	ck_assert_int_eq(judge("C1", "{\"user\":\"U1\",\"team\":\"T7\","
				     "\"ts\":\"" TS "\","
				     "\"text\":\"<@UBOT> hi\"}"),
			 V_ACCEPT);
	ck_assert_str_eq(msg->channel.workspace_id, "E1");
	ck_assert(!msg->sender.external);
}
END_TEST

START_TEST(a_stranger_stays_one)
{
	ck_assert_int_eq(judge("C1", "{\"user\":\"U1\",\"team\":\"T7\","
				     "\"user_team\":\"T7\",\"ts\":\"" TS "\","
				     "\"text\":\"<@UBOT> hi\"}"),
			 V_ACCEPT);
	ck_assert(msg->sender.external);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("swept");
	TCase *tc = tcase_create("swept");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_mention_found_in_a_thread_is_a_message_like_any);
	tcase_add_test(tc, what_is_found_in_direct_messages_is_for_us);
	tcase_add_test(tc, an_edited_message_counts_as_it_is_now);
	tcase_add_loop_test(tc, own_and_bots_and_odd_messages_are_dropped, 0,
			    (int)(sizeof(not_for_us) / sizeof(not_for_us[0])));
	tcase_add_test(tc, without_a_ts_there_is_no_frame);
	tcase_add_test(tc, what_is_too_large_is_no_frame);
	tcase_add_test(tc, an_org_wide_install_is_found_by_its_enterprise);
	tcase_add_test(tc, a_stranger_stays_one);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
