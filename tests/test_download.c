/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "net/http.h"
#include "net/loop.h"
#include "scripted.h"
#include "slack/download.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define OK       "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na,b\n"
#define EMPTY    "Content-Length: 0\r\n\r\n"
#define TOKEN    "Authorization: Bearer xoxb-1\r\n"

static struct loop *l;
static struct http *h;
static struct scripted *server, *other;

static struct heard {
	int done;
	enum download_end end;
	char why[100];
	unsigned int retry_ms;
	char data[100];
	int stop;
	bool cancel;
	struct slack_download *d;
} heard;

static int on_data(const char *p, size_t n, void *arg)
{
	ck_assert_ptr_eq(arg, &heard);
	ck_assert_uint_lt(n, sizeof(heard.data) - strlen(heard.data));
	strncat(heard.data, p, n);
	if (heard.cancel)
		slack_download_cancel(heard.d);
	return heard.stop;
}

static void on_done(const struct download_result *r, void *arg)
{
	ck_assert_ptr_eq(arg, &heard);
	heard.done++;
	heard.end = r->end;
	heard.retry_ms = r->retry_ms;
	snprintf(heard.why, sizeof(heard.why), "%s", r->why ? r->why : "");
}

static void setup(void)
{
	struct http_opts o = { 0 };
	struct err e = { 0 };

	signal(SIGPIPE, SIG_IGN);
	memset(&heard, 0, sizeof(heard));
	l = loop_create("test", &e);
	ck_assert_msg(l != NULL, "%s", e.msg);
	h = http_create(l, &o, &e);
	ck_assert_msg(h != NULL, "%s", e.msg);
}

static void teardown(void)
{
	http_free(h);
	loop_free(l);
	scripted_stop(server);
	scripted_stop(other);
	server = other = NULL;
}

static enum download_end start(const char *api, const char *url)
{
	struct download_opts o = {
		.api_url = api,
		.url = url,
		.token = "xoxb-1",
		.max = 1000,
		.on_data = on_data,
		.on_done = on_done,
		.arg = &heard,
	};
	enum download_end end;

	heard.d = slack_download(h, &o, &end);
	return heard.d ? DOWNLOAD_DONE : end;
}

/* From the first server, which is where the API is. */
static void fetch(const struct scripted_answer *a, size_t n)
{
	char api[100], url[100];

	server = scripted_start(a, n, NULL);
	snprintf(api, sizeof(api), "%s", scripted_url(server, "/api/"));
	snprintf(url, sizeof(url), "%s", scripted_url(server, "/f"));
	ck_assert_int_eq(start(api, url), DOWNLOAD_DONE);
	loop_run_here(l);
}

START_TEST(a_file_is_fetched_with_the_token)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	const char *got;

	fetch(a, 1);
	ck_assert_int_eq(heard.done, 1);
	ck_assert_int_eq(heard.end, DOWNLOAD_DONE);
	ck_assert_str_eq(heard.data, "a,b\n");
	got = scripted_request(server, 0);
	ck_assert_int_eq(strncmp(got, "GET /f HTTP/1.1\r\n", 17), 0);
	ck_assert_ptr_nonnull(strstr(got, TOKEN));
}
END_TEST

START_TEST(the_reader_has_enough)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };

	heard.stop = 1;
	fetch(a, 1);
	ck_assert_int_eq(heard.end, DOWNLOAD_ENOUGH);
	ck_assert_uint_eq(scripted_requests(server), 1);
}
END_TEST

START_TEST(a_cancelled_download_says_nothing)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };

	heard.cancel = true;
	fetch(a, 1);
	ck_assert_int_eq(heard.done, 0);
}
END_TEST

START_TEST(a_redirect_inside_of_slack_is_followed)
{
	const struct scripted_answer a[] = {
		{ .parts = { "HTTP/1.1 302 Found\r\nLocation: /there\r\n",
			     EMPTY } },
		{ .parts = { OK } },
	};
	const char *got;

	fetch(a, 2);
	ck_assert_int_eq(heard.end, DOWNLOAD_DONE);
	ck_assert_str_eq(heard.data, "a,b\n");
	got = scripted_request(server, 1);
	ck_assert_int_eq(strncmp(got, "GET /there ", 11), 0);
	ck_assert_ptr_nonnull(strstr(got, TOKEN));
}
END_TEST

START_TEST(a_ring_of_redirects_ends)
{
	const struct scripted_answer a[] = {
		{ .parts = { "HTTP/1.1 307 Again\r\nLocation: /f\r\n",
			     EMPTY } },
	};

	fetch(a, 1);
	ck_assert_int_eq(heard.end, DOWNLOAD_FAILED);
	ck_assert_uint_eq(scripted_requests(server), 4);
}
END_TEST

START_TEST(a_redirect_to_a_foreign_host_is_not_followed)
{
	const struct scripted_answer ok[] = { { .parts = { OK } } };
	char head[300];
	const struct scripted_answer a[] = { { .parts = { head, EMPTY } } };

	other = scripted_start(ok, 1, NULL);
	snprintf(head, sizeof(head), "HTTP/1.1 302 Found\r\nLocation: %s\r\n",
		 scripted_url(other, "/f"));
	fetch(a, 1);
	ck_assert_int_eq(heard.end, DOWNLOAD_FOREIGN);
	ck_assert_str_eq(heard.data, "");
	ck_assert_uint_eq(scripted_requests(other), 0);
}
END_TEST

/* "localhost" and "files.localhost" are the same server and two origins. */
START_TEST(the_token_stays_with_the_first_origin)
{
	char there[300], back[300], api[100], url[100];
	const struct scripted_answer a[] = {
		{ .parts = { there, EMPTY } },
		{ .parts = { back, EMPTY } },
		{ .parts = { OK } },
	};
	int port;

	server = scripted_start(a, 3, NULL);
	port = scripted_port(server);
	snprintf(api, sizeof(api), "http://localhost:%d/api/", port);
	snprintf(url, sizeof(url), "http://files.localhost:%d/f", port);
	snprintf(there, sizeof(there),
		 "HTTP/1.1 302 Found\r\nLocation: http://localhost:%d/b\r\n",
		 port);
	snprintf(back, sizeof(back), "HTTP/1.1 302 Found\r\nLocation: %s\r\n",
		 url);
	ck_assert_int_eq(start(api, url), DOWNLOAD_DONE);
	loop_run_here(l);
	ck_assert_int_eq(heard.end, DOWNLOAD_DONE);
	ck_assert_ptr_nonnull(strstr(scripted_request(server, 0), TOKEN));
	ck_assert_ptr_null(strstr(scripted_request(server, 1), "xoxb"));
	ck_assert_ptr_null(strstr(scripted_request(server, 2), "xoxb"));
}
END_TEST

static const struct {
	const char *answer;
	enum scripted_end then;
	enum download_end end;
	unsigned int retry_ms;
} failures[] = {
	{ "HTTP/1.1 404 Gone\r\n" EMPTY, 0, DOWNLOAD_GONE, 0 },
	{ "HTTP/1.1 410 Gone\r\n" EMPTY, 0, DOWNLOAD_GONE, 0 },
	{ "HTTP/1.1 403 No\r\n" EMPTY, 0, DOWNLOAD_GONE, 0 },
	{ "HTTP/1.1 400 No\r\n" EMPTY, 0, DOWNLOAD_FAILED, 0 },
	{ "HTTP/1.1 302 Where\r\n" EMPTY, 0, DOWNLOAD_FAILED, 0 },
	{ "HTTP/1.1 302 Where\r\nLocation: ftp://127.0.0.1/\r\n" EMPTY, 0,
	  DOWNLOAD_FOREIGN, 0 },
	{ "HTTP/1.1 500 No\r\n" EMPTY, 0, DOWNLOAD_LATER, 0 },
	{ "HTTP/1.1 503 No\r\nRetry-After: 2\r\n" EMPTY, 0, DOWNLOAD_LATER,
	  2000 },
	{ "HTTP/1.1 429 No\r\nRetry-After: 7\r\n" EMPTY, 0, DOWNLOAD_LATER,
	  7000 },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n12", SCRIPTED_RESET,
	  DOWNLOAD_LATER, 0 },
	{ "nonsense\r\n\r\n", SCRIPTED_CLOSE, DOWNLOAD_LATER, 0 },
};

START_TEST(what_fails_says_how)
{
	const struct scripted_answer a[] = {
		{ .parts = { failures[_i].answer }, .end = failures[_i].then },
	};

	fetch(a, 1);
	ck_assert_int_eq(heard.done, 1);
	ck_assert_int_eq(heard.end, failures[_i].end);
	ck_assert_uint_eq(heard.retry_ms, failures[_i].retry_ms);
	ck_assert_uint_eq(scripted_requests(server), 1);
	ck_assert_str_ne(heard.why, "");
}
END_TEST

static const struct {
	const char *api;
	const char *url;
	bool allowed;
} hosts[] = {
	{ "https://slack.com/api/", "https://files.slack.com/files-pri/x",
	  true },
	{ "https://slack.com/api/", "https://slack.com/files", true },
	{ "https://slack.com/api/", "https://FILES.Slack.com/x", true },
	{ "https://slack.com/api/", "https://files.slack.com:443/x", true },
	{ "https://slack-gov.com/api/", "https://files.slack-gov.com/", true },
	{ "https://slack.com/api/", "https://files.slack.com:8443/x", false },
	{ "https://slack.com/api/", "http://files.slack.com/x", false },
	{ "https://slack.com/api/", "https://evilslack.com/x", false },
	{ "https://slack.com/api/", "https://slack.com.evil.test/x", false },
	{ "https://slack.com/api/", "https://evil.test/slack.com", false },
	{ "https://slack.com/api/", "https://evil.test#.slack.com", false },
	{ "https://slack.com/api/", "https://evil.test?.slack.com", false },
	{ "https://slack.com/api/", "https://evil.test\\.slack.com", false },
	{ "https://slack.com/api/", "https://slack.com@evil.test/", false },
	{ "https://slack.com/api/", "https://evil.test:x@slack.com/", false },
	{ "https://slack.com/api/", "https://evil.test%2f.slack.com/", false },
	{ "https://slack.com/api/", "https://evil.test%00.slack.com/", false },
	{ "https://slack.com/api/", "https://evil.test\n.slack.com/", false },
	{ "https://slack.com/api/", "https://evil\xef\xbc\x8f.slack.com/",
	  false },
	{ "https://slack.com/api/", "https://slack.com./x", false },
	{ "https://slack.com/api/", "https:///x", false },
	{ "https://slack.com/api/", "https://", false },
	{ "https://slack.com/api/", "//files.slack.com/x", false },
	{ "https://slack.com/api/", "files.slack.com/x", false },
	{ "https://slack.com/api/", "file:///etc/passwd", false },
	{ "https://slack.com/api/", "ftp://files.slack.com/", false },
	{ "https://slack.com/api/", "javascript:alert(1)", false },
	{ "https://slack.com/api/", "", false },
	{ "http://127.0.0.1:80/api/", "http://127.0.0.1/x", true },
	{ "http://127.0.0.1/api/", "http://evil.127.0.0.1/x", false },
	{ "http://127.0.0.1:8010/api/", "http://127.0.0.1:8011/x", false },
	{ "http://[::1]:8010/api/", "http://[::1]:8010/x", true },
	{ "http://[::1]:8010/api/", "http://x.::1:8010/x", false },
	{ "nonsense", "nonsense", false },
};

START_TEST(only_hosts_of_slack_are_asked)
{
	ck_assert_msg(slack_download_allowed(hosts[_i].api, hosts[_i].url) ==
			      hosts[_i].allowed,
		      "%s", hosts[_i].url);
	if (!hosts[_i].allowed)
		ck_assert_int_eq(start(hosts[_i].api, hosts[_i].url),
				 DOWNLOAD_FOREIGN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("download");
	TCase *tc = tcase_create("download");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_file_is_fetched_with_the_token);
	tcase_add_test(tc, the_reader_has_enough);
	tcase_add_test(tc, a_cancelled_download_says_nothing);
	tcase_add_test(tc, a_redirect_inside_of_slack_is_followed);
	tcase_add_test(tc, a_ring_of_redirects_ends);
	tcase_add_test(tc, a_redirect_to_a_foreign_host_is_not_followed);
	tcase_add_test(tc, the_token_stays_with_the_first_origin);
	tcase_add_loop_test(tc, what_fails_says_how, 0, COUNT(failures));
	tcase_add_loop_test(tc, only_hosts_of_slack_are_asked, 0, COUNT(hosts));
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
