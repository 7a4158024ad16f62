/* SPDX-License-Identifier: ISC */
#include "link/url.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static const struct {
	const char *url;
	bool tls;
	unsigned int port;
	const char *host;
	const char *path;
} good[] = {
	{ "wss://wss.slack.com/link/?ticket=a-b&app_id=A1", true, 443,
	  "wss.slack.com", "/link/?ticket=a-b&app_id=A1" },
	{ "wss://wss-1.slack.com", true, 443, "wss-1.slack.com", "/" },
	{ "wss://localhost:8443/link?x=http://y:80/", true, 8443, "localhost",
	  "/link?x=http://y:80/" },
	{ "wss://[2001:db8::1]:444/x", true, 444, "2001:db8::1", "/x" },
	{ "ws://127.0.0.1:65535/", false, 65535, "127.0.0.1", "/" },
	{ "ws://[::1]/", false, 80, "::1", "/" },
};

START_TEST(url_is_taken_apart)
{
	struct err e = { 0 };
	struct ws_url u;

	ck_assert_msg(ws_url_parse(&u, good[_i].url, &e) == 0, "%s: %s",
		      good[_i].url, e.msg);
	ck_assert_int_eq(u.tls, good[_i].tls);
	ck_assert_uint_eq(u.port, good[_i].port);
	ck_assert_str_eq(u.host, good[_i].host);
	ck_assert_str_eq(u.path, good[_i].path);
}
END_TEST

static const char *const bad[] = {
	"",
	"wss:",
	"wss://",
	"wss:///path",
	"https://slack.com/",
	"ws://slack.com/",
	"ws://localhost.evil.example/",
	"ws://127.0.0.1@evil.example/",
	"ws://10.0.0.1/",
	"wss://host:0/",
	"wss://host:65536/",
	"wss://host:/",
	"wss://host:4294967739/",
	"wss://host:44x/",
	"wss://user@host/",
	"wss://user:pw@host/",
	"wss://[::1",
	"wss://[]/",
	"wss://[::1]x/",
	"wss://host?ticket=1",
	"wss://host/#fragment",
	"wss://ho st/",
	"wss://host/\r\nX: y",
	"wss://host/\x7f",
	"wss://h\xc3\xb6st/",
	"wss://ho%73t/",
	"wss://host\\evil/",
	"WSS://host/",
};

START_TEST(hostile_url_is_refused_and_not_quoted)
{
	struct err e = { 0 };
	struct ws_url u;

	ck_assert_msg(ws_url_parse(&u, bad[_i], &e) == -1, "%s", bad[_i]);
	ck_assert_int_eq(e.kind, ERR_INPUT);
	ck_assert_ptr_null(strstr(e.msg, "host/"));
	ck_assert_ptr_null(strstr(e.msg, "evil"));
}
END_TEST

START_TEST(length_is_bounded)
{
	char url[WS_URL_MAX + 64];
	struct err e = { 0 };
	struct ws_url u;

	memset(url, 'a', sizeof(url));
	memcpy(url, "wss://host/", 11);
	url[WS_URL_MAX] = '\0';
	ck_assert_int_eq(ws_url_parse(&u, url, &e), 0);
	url[WS_URL_MAX] = 'a';
	url[WS_URL_MAX + 1] = '\0';
	ck_assert_int_eq(ws_url_parse(&u, url, &e), -1);

	memset(url, 'a', sizeof(url));
	memcpy(url, "wss://", 6);
	url[6 + sizeof(u.host)] = '\0';
	ck_assert_int_eq(ws_url_parse(&u, url, &e), -1);
	url[6 + sizeof(u.host) - 1] = '\0';
	ck_assert_int_eq(ws_url_parse(&u, url, &e), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("url");
	TCase *tc = tcase_create("ws_url");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, url_is_taken_apart, 0,
			    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tc, hostile_url_is_refused_and_not_quoted, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, length_is_bounded);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
