/* SPDX-License-Identifier: ISC */
#include "route/envelope.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#define ID_128                                                              \
	"00000000000000000000000000000000000000000000000000000000000000001" \
	"111111111111111111111111111111111111111111111111111111111111111"

static int parse(struct envelope *env, const char *text, struct err *e)
{
	return envelope_parse(env, text, strlen(text), e);
}

static const struct {
	const char *text;
	enum envelope_type type;
	const char *id;
	int retry;
	bool payload;
} good[] = {
	{ "{\"envelope_id\":\"a\",\"type\":\"events_api\",\"payload\":{},"
	  "\"retry_attempt\":2,\"retry_reason\":\"timeout\"}",
	  ENVELOPE_EVENTS, "a", 2, true },
	{ "{\"type\":\"slash_commands\",\"payload\":{},\"envelope_id\":\"b\","
	  "\"accepts_response_payload\":true}",
	  ENVELOPE_SLASH, "b", 0, true },
	{ "{\"type\":\"interactive\",\"payload\":{},\"envelope_id\":\"c\"}",
	  ENVELOPE_INTERACTIVE, "c", 0, true },
	{ "{\"type\":\"tomorrow\",\"payload\":{},\"envelope_id\":\"d\"}",
	  ENVELOPE_UNKNOWN, "d", 0, true },
	{ "{\"type\":\"tomorrow\"}", ENVELOPE_UNKNOWN, NULL, 0, false },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"e\",\"payload\":[]}",
	  ENVELOPE_EVENTS, "e", 0, false },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"e\"}", ENVELOPE_EVENTS,
	  "e", 0, false },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"e\","
	  "\"retry_attempt\":-1}",
	  ENVELOPE_EVENTS, "e", 0, false },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"e\","
	  "\"retry_attempt\":99999999999}",
	  ENVELOPE_EVENTS, "e", 2147483647, false },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"" ID_128 "\"}",
	  ENVELOPE_EVENTS, ID_128, 0, false },
};

START_TEST(an_envelope_is_read)
{
	struct envelope env;
	struct err e = { 0 };

	ck_assert_msg(parse(&env, good[_i].text, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(env.type, good[_i].type);
	ck_assert_pstr_eq(env.id, good[_i].id);
	ck_assert_int_eq(env.retry_attempt, good[_i].retry);
	ck_assert_int_eq(env.payload != NULL, good[_i].payload);
	envelope_release(&env);
	envelope_release(&env);
}
END_TEST

START_TEST(hello_tells_the_app_and_its_links)
{
	struct envelope env;
	struct err e = { 0 };

	ck_assert_int_eq(parse(&env,
			       "{\"type\":\"hello\",\"num_connections\":2,"
			       "\"debug_info\":{\"host\":\"applink-1\","
			       "\"approximate_connection_time\":18060},"
			       "\"connection_info\":{\"app_id\":\"A1\"}}",
			       &e),
			 0);
	ck_assert_int_eq(env.type, ENVELOPE_HELLO);
	ck_assert_str_eq(env.app_id, "A1");
	ck_assert_int_eq(env.num_connections, 2);
	ck_assert_ptr_null(env.id);
	envelope_release(&env);
}
END_TEST

START_TEST(disconnect_tells_the_reason)
{
	struct envelope env;
	struct err e = { 0 };

	ck_assert_int_eq(parse(&env,
			       "{\"type\":\"disconnect\",\"reason\":"
			       "\"refresh_requested\",\"debug_info\":{}}",
			       &e),
			 0);
	ck_assert_int_eq(env.type, ENVELOPE_DISCONNECT);
	ck_assert_str_eq(env.reason, "refresh_requested");
	envelope_release(&env);
}
END_TEST

static const struct {
	const char *text;
	const char *error;
} bad[] = {
	{ "", NULL },
	{ "{", NULL },
	{ "null", NULL },
	{ "\"hello\"", NULL },
	{ "[]", "frame has no type" },
	{ "[{\"type\":\"hello\"}]", "frame has no type" },
	{ "{}", "frame has no type" },
	{ "{\"type\":1}", "frame has no type" },
	{ "{\"type\":\"hello\"} x", NULL },
	{ "{\"type\":\"hel\\u0000lo\"}", "frame has no type" },
	{ "{\"type\":\"events_api\",\"payload\":{}}",
	  "envelope_id is missing" },
	{ "{\"type\":\"events_api\",\"envelope_id\":7}",
	  "envelope_id is malformed" },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"\"}",
	  "envelope_id is malformed" },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"a b\"}",
	  "envelope_id is malformed" },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"a\\nb\"}",
	  "envelope_id is malformed" },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"\xc3\xab\"}",
	  "envelope_id is malformed" },
	{ "{\"type\":\"events_api\",\"envelope_id\":\"" ID_128 "2\"}",
	  "envelope_id is malformed" },
	{ "{\"type\":\"tomorrow\",\"envelope_id\":\"\"}",
	  "envelope_id is malformed" },
};

START_TEST(what_is_no_envelope_is_refused)
{
	struct envelope env;
	struct err e = { 0 };

	ck_assert_msg(parse(&env, bad[_i].text, &e) == -1, "%s", bad[_i].text);
	ck_assert_int_eq(e.kind, ERR_INPUT);
	if (bad[_i].error)
		ck_assert_str_eq(e.msg, bad[_i].error);
	ck_assert_ptr_null(env.root);
}
END_TEST

START_TEST(four_mebibytes_are_the_limit)
{
	const size_t n = (4 << 20) + 1;
	char *text = malloc(n);
	struct envelope env;
	struct err e = { 0 };

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', n);
	memcpy(text, "{\"type\":\"hello\"}", 16);
	ck_assert_int_eq(envelope_parse(&env, text, n, &e), -1);
	ck_assert_int_eq(envelope_parse(&env, text, n - 1, &e), 0);
	envelope_release(&env);
	free(text);
}
END_TEST

START_TEST(the_ack_carries_the_id_and_nothing_else)
{
	struct buf out;

	buf_init(&out, 512);
	ck_assert_int_eq(envelope_ack("dc-\"1\\", &out), 0);
	ck_assert_str_eq(out.data, "{\"envelope_id\":\"dc-\\\"1\\\\\"}");
	buf_release(&out);
	buf_init(&out, 8);
	ck_assert_int_eq(envelope_ack("too long for this", &out), -1);
	buf_release(&out);
}
END_TEST

#define LOOP(tc, test, table) \
	tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof(table[0]))

int main(void)
{
	Suite *s = suite_create("envelope");
	TCase *tc = tcase_create("envelope");
	SRunner *sr = srunner_create(s);
	int failed;

	LOOP(tc, an_envelope_is_read, good);
	tcase_add_test(tc, hello_tells_the_app_and_its_links);
	tcase_add_test(tc, disconnect_tells_the_reason);
	LOOP(tc, what_is_no_envelope_is_refused, bad);
	tcase_add_test(tc, four_mebibytes_are_the_limit);
	tcase_add_test(tc, the_ack_carries_the_id_and_nothing_else);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
