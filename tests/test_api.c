/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "net/http.h"
#include "slack/api.h"

/* An HTTP client that sends nothing; the tests answer for the server. */

static struct http_request sent;
static char sent_url[200], sent_body[200], sent_bearer[60];
static bool cancelled, refuse;
static struct http_call *const the_call = (struct http_call *)sent_url;

struct http_call *http_start(struct http *h, const struct http_request *r,
			     struct err *e)
{
	(void)h;
	if (refuse) {
		err_set(e, ERR_RETRY, "no memory");
		return NULL;
	}
	sent = *r;
	snprintf(sent_url, sizeof(sent_url), "%s", r->url);
	snprintf(sent_bearer, sizeof(sent_bearer), "%s", r->bearer);
	snprintf(sent_body, sizeof(sent_body), "%.*s", (int)r->body_len,
		 r->body);
	return the_call;
}

void http_cancel(struct http_call *c)
{
	ck_assert_ptr_eq(c, the_call);
	cancelled = true;
}

static struct slack_result got;
static char got_ts[40];
static int ndone;

static void on_done(const struct slack_result *r, void *arg)
{
	const char *ts = json_str(r->body, "ts");

	ck_assert_ptr_eq(arg, &got);
	got = *r;
	snprintf(got_ts, sizeof(got_ts), "%s", ts ? ts : "");
	ndone++;
}

static struct slack_call *call(const char *method)
{
	struct err e = { 0 };
	struct buf form;
	struct slack_call *c;

	buf_init(&form, 100);
	buf_adds(&form, "channel=C1&text=hello");
	c = slack_call(NULL, "https://slack.com/api/", method, "xoxb-1", &form,
		       on_done, &got, &e);
	buf_release(&form);
	return c;
}

static void answer(int status, const char *body, unsigned int retry_after_ms)
{
	struct http_result r = { .status = status,
				 .sent = true,
				 .retry_after_ms = retry_after_ms,
				 .body = body,
				 .len = strlen(body) };

	sent.on_done(&r, sent.arg);
}

START_TEST(a_call_is_a_form_with_a_bearer_and_a_deadline)
{
	ck_assert_ptr_nonnull(call("chat.postEphemeral"));
	ck_assert_str_eq(sent.method, "POST");
	ck_assert_str_eq(sent_url, "https://slack.com/api/chat.postEphemeral");
	ck_assert_str_eq(sent_bearer, "xoxb-1");
	ck_assert_str_eq(sent_body, "channel=C1&text=hello");
	ck_assert_uint_gt(sent.total_ms, 0);
	ck_assert_uint_gt(sent.max_body, 0);
	answer(200, "{\"ok\":true,\"ts\":\"1.2\"}", 0);
	ck_assert_int_eq(ndone, 1);
	ck_assert_int_eq(got.fault, SLACK_OK);
	ck_assert_str_eq(got_ts, "1.2");
}
END_TEST

START_TEST(posts_are_not_repeated_behind_our_back)
{
	struct slack_call *c = call("chat.postMessage");

	ck_assert(!sent.repeat);
	slack_cancel(c);
	c = call("chat.postEphemeral");
	ck_assert(!sent.repeat);
	slack_cancel(c);
	c = call("chat.update");
	ck_assert(sent.repeat);
	slack_cancel(c);
}
END_TEST

static const struct {
	int status;
	const char *body;
	unsigned int retry_after_ms;
	enum slack_fault fault;
	bool maybe;
	unsigned int retry_ms;
	const char *error;
} answers[] = {
	{ 200, "{\"ok\":true}", 0, SLACK_OK, false, 0, "" },
	{ 200, "{\"ok\":true,\"ts\":\"1.2\"}", 0, SLACK_OK, false, 0, "" },
	{ 200, "{\"ok\":true,\"ts\":\"1.", 0, SLACK_TRANSIENT, true, 0,
	  "http 200 without json" },
	{ 200, "{\"ok\":trueish}", 0, SLACK_TRANSIENT, true, 0,
	  "http 200 without json" },
	{ 500, "{\"ok\":true,\"ts\":\"1.2\"}", 0, SLACK_TRANSIENT, true, 0,
	  "http 500" },
	{ 200, "{\"ok\":false,\"error\":\"invalid_auth\"}", 0, SLACK_DEAD,
	  false, 0, "invalid_auth" },
	{ 200, "{\"ok\":false,\"error\":\"ratelimited\"}", 0, SLACK_RATE, false,
	  30000, "ratelimited" },
	{ 429, "{\"ok\":false,\"error\":\"ratelimited\"}", 7000, SLACK_RATE,
	  false, 7000, "ratelimited" },
	{ 429, "", 0, SLACK_RATE, false, 30000, "ratelimited" },
	{ 200, "{\"ok\":false,\"error\":\"internal_error\"}", 0,
	  SLACK_TRANSIENT, true, 0, "internal_error" },
	{ 200, "{\"ok\":false,\"error\":\"fatal_error\"}", 0, SLACK_TRANSIENT,
	  true, 0, "fatal_error" },
	{ 200, "{\"ok\":false,\"error\":\"request_timeout\"}", 0,
	  SLACK_TRANSIENT, true, 0, "request_timeout" },
	{ 200, "{\"ok\":false,\"error\":\"service_unavailable\"}", 0,
	  SLACK_TRANSIENT, false, 0, "service_unavailable" },
	{ 503, "upstream", 4000, SLACK_TRANSIENT, true, 4000, "http 503" },
	{ 500, "{\"ok\":true}", 0, SLACK_TRANSIENT, true, 0, "http 500" },
	{ 200, "<html>log in</html>", 0, SLACK_TRANSIENT, true, 0,
	  "http 200 without json" },
	{ 302, "", 0, SLACK_TRANSIENT, false, 0, "http 302 without json" },
	{ 200, "[1,2]", 0, SLACK_OURS, false, 0, "no_error_given" },
	{ 200, "{\"ok\":\"yes\"}", 0, SLACK_OURS, false, 0, "no_error_given" },
	{ 200, "{\"ok\":false,\"error\":7}", 0, SLACK_OURS, false, 0,
	  "no_error_given" },
};

#define ANSWERS (int)(sizeof(answers) / sizeof(answers[0]))

static void check_answer(const char *method, int i)
{
	ck_assert_ptr_nonnull(call(method));
	answer(answers[i].status, answers[i].body, answers[i].retry_after_ms);
	ck_assert_str_eq(slack_fault_name(got.fault),
			 slack_fault_name(answers[i].fault));
	ck_assert_int_eq(got.maybe, answers[i].maybe);
	ck_assert_uint_eq(got.retry_ms, answers[i].retry_ms);
	ck_assert_str_eq(got.error, answers[i].error);
}

START_TEST(answers_tell_what_can_be_done)
{
	check_answer("chat.postMessage", _i);
	check_answer("chat.update", _i);
}
END_TEST

START_TEST(a_lost_connection_may_have_done_it_once_the_request_was_sent)
{
	struct http_result r = { .body = "", .msg = "connection reset" };

	ck_assert_ptr_nonnull(call("chat.postMessage"));
	sent.on_done(&r, sent.arg);
	ck_assert_int_eq(got.fault, SLACK_TRANSIENT);
	ck_assert(!got.maybe);
	ck_assert_str_eq(got.error, "connection reset");

	r.sent = true;
	ck_assert_ptr_nonnull(call("chat.postMessage"));
	sent.on_done(&r, sent.arg);
	ck_assert(got.maybe);
}
END_TEST

START_TEST(an_error_longer_than_its_room_is_cut)
{
	char body[400];

	snprintf(body, sizeof(body), "{\"ok\":false,\"error\":\"%0300d\"}", 0);
	ck_assert_ptr_nonnull(call("chat.update"));
	answer(200, body, 0);
	ck_assert_uint_eq(strlen(got.error), sizeof(got.error) - 1);
}
END_TEST

static const struct {
	const char *error;
	enum slack_fault fault;
} words[] = {
	{ "rate_limited", SLACK_RATE },
	{ "messaging_processing_failed", SLACK_TRANSIENT },
	{ "token_revoked", SLACK_DEAD },
	{ "account_inactive", SLACK_DEAD },
	{ "missing_scope", SLACK_CONFIG },
	{ "message_not_found", SLACK_GONE },
	{ "is_archived", SLACK_GONE },
	{ "edit_window_closed", SLACK_POLICY },
	{ "restricted_action", SLACK_POLICY },
	{ "restricted_action_read_only_channel", SLACK_POLICY },
	{ "msg_too_long", SLACK_CONTENT },
	{ "invalid_blocks_format", SLACK_CONTENT },
	{ "invalid_metadata_schema", SLACK_CONTENT },
	{ "invalid_arguments", SLACK_OURS },
	{ "restricted", SLACK_OURS },
	{ "what_is_this", SLACK_OURS },
	{ "", SLACK_OURS },
};

START_TEST(slacks_words_have_their_class)
{
	ck_assert_str_eq(slack_fault_name(slack_fault_of(words[_i].error)),
			 slack_fault_name(words[_i].fault));
}
END_TEST

START_TEST(a_cancelled_call_says_nothing)
{
	struct slack_call *c = call("chat.update");

	slack_cancel(c);
	slack_cancel(NULL);
	ck_assert(cancelled);
	ck_assert_int_eq(ndone, 0);
}
END_TEST

START_TEST(a_call_that_cannot_start_says_so_at_once)
{
	struct err e = { 0 };
	struct buf form;

	refuse = true;
	ck_assert_ptr_null(call("chat.update"));
	refuse = false;

	buf_init(&form, 4);
	buf_adds(&form, "channel=C1");
	ck_assert_ptr_null(slack_call(NULL, "https://slack.com/api/",
				      "chat.update", "x", &form, on_done, &got,
				      &e));
	ck_assert_int_eq(e.kind, ERR_INPUT);
	buf_release(&form);
	ck_assert_int_eq(ndone, 0);
}
END_TEST

START_TEST(a_call_without_arguments_has_an_empty_body)
{
	struct err e = { 0 };

	ck_assert_ptr_nonnull(slack_call(NULL, "https://slack.com/api/",
					 "auth.test", "x", NULL, on_done, &got,
					 &e));
	ck_assert_uint_eq(sent.body_len, 0);
	answer(200, "{\"ok\":true}", 0);
	ck_assert_int_eq(got.fault, SLACK_OK);
}
END_TEST

static void setup(void)
{
	memset(&got, 0, sizeof(got));
	ndone = 0;
	cancelled = false;
}

/* ---- what is sent a second time ---- */

static struct {
	struct slack_spare base;
	struct slack_call *call; /* that is refused for this word */
	char error[40];
	bool has_none;
	int ndropped;
} spare;

static bool look_for_it(struct slack_spare *s, struct slack_call *c,
			const char *error)
{
	ck_assert_ptr_eq(s, &spare.base);
	spare.call = c;
	(void)snprintf(spare.error, sizeof(spare.error), "%s", error);
	return !spare.has_none;
}

static void let_it_be(struct slack_spare *s)
{
	ck_assert_ptr_eq(s, &spare.base);
	spare.ndropped++;
}

static void call_about(const char *body)
{
	struct err e = { 0 };
	struct buf form;

	ndone = 0;
	memset(&spare, 0, sizeof(spare));
	spare.base.find = look_for_it;
	spare.base.drop = let_it_be;
	buf_init(&form, 100);
	buf_adds(&form, body);
	ck_assert_ptr_nonnull(slack_call_spare(NULL, "https://slack.com/api/",
					       "chat.update", "xoxb-1", &form,
					       &spare.base, on_done, &got, &e));
	buf_release(&form);
}

static const struct {
	const char *before, *after;
} moves[] = {
	{ "channel=C1&text=channel%3DC1", "channel=C22&text=channel%3DC1" },
	{ "channel_id=C1&thread_ts=1.2", "channel_id=C22&thread_ts=1.2" },
	{ "text=channel&ts=1.2&channel=C1", "text=channel&ts=1.2&channel=C22" },
};

START_TEST(a_call_goes_on_in_the_channel_of_another_id)
{
	call_about(moves[_i].before);
	answer(200, "{\"ok\":false,\"error\":\"channel_not_found\"}", 0);
	ck_assert_int_eq(ndone, 0);
	ck_assert_str_eq(spare.error, "channel_not_found");
	ck_assert(!slack_move(spare.call, "C1"));
	ck_assert(slack_move(spare.call, "C22"));
	slack_again(spare.call, "xoxb-2", NULL);
	ck_assert_str_eq(sent_body, moves[_i].after);
	ck_assert_str_eq(sent_bearer, "xoxb-2");
	spare.has_none = true;
	answer(200, "{\"ok\":false,\"error\":\"channel_not_found\"}", 0);
	ck_assert_int_eq(ndone, 1);
	ck_assert_int_eq(got.fault, SLACK_GONE);
	ck_assert_int_eq(spare.ndropped, 1);
}
END_TEST

START_TEST(a_call_for_which_nothing_is_found_fails_as_it_was_refused)
{
	call_about("channel=C1");
	spare.has_none = _i == 0;
	answer(200, "{\"ok\":false,\"error\":\"channel_not_found\"}", 0);
	if (_i == 1)
		slack_again(spare.call, NULL, NULL);
	ck_assert_int_eq(ndone, 1);
	ck_assert_int_eq(got.fault, SLACK_GONE);
	ck_assert_str_eq(got.error, "channel_not_found");
	ck_assert_int_eq(spare.ndropped, 1);
}
END_TEST

START_TEST(what_has_no_channel_is_not_moved)
{
	call_about("user=U1");
	answer(200, "{\"ok\":false,\"error\":\"token_expired\"}", 0);
	ck_assert_str_eq(spare.error, "token_expired");
	ck_assert(!slack_move(spare.call, "C2"));
	slack_again(spare.call, NULL, NULL);
	ck_assert_int_eq(got.fault, SLACK_DEAD);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("api");
	TCase *tc = tcase_create("api");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_call_is_a_form_with_a_bearer_and_a_deadline);
	tcase_add_test(tc, posts_are_not_repeated_behind_our_back);
	tcase_add_loop_test(tc, answers_tell_what_can_be_done, 0, ANSWERS);
	tcase_add_test(
		tc,
		a_lost_connection_may_have_done_it_once_the_request_was_sent);
	tcase_add_test(tc, an_error_longer_than_its_room_is_cut);
	tcase_add_loop_test(tc, slacks_words_have_their_class, 0,
			    sizeof(words) / sizeof(words[0]));
	tcase_add_test(tc, a_cancelled_call_says_nothing);
	tcase_add_test(tc, a_call_that_cannot_start_says_so_at_once);
	tcase_add_test(tc, a_call_without_arguments_has_an_empty_body);
	tcase_add_loop_test(tc, a_call_goes_on_in_the_channel_of_another_id, 0,
			    (int)(sizeof(moves) / sizeof(moves[0])));
	tcase_add_loop_test(
		tc, a_call_for_which_nothing_is_found_fails_as_it_was_refused,
		0, 2);
	tcase_add_test(tc, what_has_no_channel_is_not_moved);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
