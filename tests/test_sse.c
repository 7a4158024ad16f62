/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/sse.h"

#define MAX 64

static struct sse s;
static char seen[4096]; /* each event in brackets */
static int events;
static int stop_at;

static int on_event(const char *data, size_t len, void *arg)
{
	size_t n;

	ck_assert_ptr_eq(arg, &s);
	ck_assert_uint_eq(strlen(data), len);
	n = strlen(seen);
	(void)snprintf(seen + n, sizeof(seen) - n, "[%s]", data);
	return ++events == stop_at ? 42 : 0;
}

static void setup(void)
{
	sse_init(&s, MAX, on_event, &s);
	seen[0] = '\0';
	events = 0;
	stop_at = 0;
}

static void teardown(void)
{
	sse_release(&s);
}

static const struct {
	const char *name;
	const char *in;
	const char *out;
} cases[] = {
	{ "one event", "data: a\n\n", "[a]" },
	{ "two events", "data: a\n\ndata: b\n\n", "[a][b]" },
	{ "lines are joined", "data: a\ndata: b\n\n", "[a\nb]" },
	{ "no space", "data:a\n\n", "[a]" },
	{ "one space only is taken", "data:  a\n\n", "[ a]" },
	{ "CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]" },
	{ "CR", "data: a\r\rdata: b\r\r", "[a][b]" },
	{ "mixed", "data: a\r\n\ndata: b\n\r", "[a][b]" },
	{ "comments", ": hello\ndata: a\n:\n\n", "[a]" },
	{ "other fields", "event: x\nid: 1\nretry: 5\ndata: a\n\n", "[a]" },
	{ "longer names aren't data", "database: a\ndat: b\n\n", "" },
	{ "empty data is an event", "data\n\n", "[]" },
	{ "empty data twice", "data:\ndata: \n\n", "[\n]" },
	{ "blank lines make none", "\n\n\r\n\n", "" },
	{ "an unfinished event is none", "data: a\n", "" },
	{ "an unfinished line is none", "data: a", "" },
	{ "BOM",
	  "\xEF\xBB\xBF"
	  "data: a\n\n",
	  "[a]" },
	{ "half a BOM",
	  "\xEF\xBB"
	  "data: a\n\ndata: b\n\n",
	  "[b]" },
	{ "BOM later",
	  "data: a\n\n\xEF\xBB\xBF"
	  "data: b\n\n",
	  "[a]" },
	{ "colons in data", "data: a: b:c\n\n", "[a: b:c]" },
	{ "not UTF-8", "data: \xFF\xC0\n\n", "[\xFF\xC0]" },
};

START_TEST(reads_events)
{
	int rc = sse_feed(&s, cases[_i].in, strlen(cases[_i].in));

	ck_assert_int_eq(rc, 0);
	ck_assert_msg(strcmp(seen, cases[_i].out) == 0, "%s: got %s",
		      cases[_i].name, seen);
}
END_TEST

START_TEST(cuts_make_no_difference)
{
	const char *in = cases[_i].in;
	size_t n = strlen(in);
	size_t cut, i;

	for (cut = 1; cut < n; cut++) {
		teardown();
		setup();
		sse_feed(&s, in, cut);
		sse_feed(&s, in + cut, n - cut);
		ck_assert_msg(strcmp(seen, cases[_i].out) == 0,
			      "%s, cut at %zu: got %s", cases[_i].name, cut,
			      seen);
	}
	teardown();
	setup();
	for (i = 0; i < n; i++)
		sse_feed(&s, in + i, 1);
	ck_assert_str_eq(seen, cases[_i].out);
}
END_TEST

START_TEST(an_event_as_long_as_the_limit_passes)
{
	char in[MAX + 3];

	memset(in, 'x', sizeof(in));
	memcpy(in, "data:", 5);
	memcpy(in + MAX, "\n\n", 3);
	ck_assert_int_eq(sse_feed(&s, in, MAX + 2), 0);
	ck_assert_uint_eq(strlen(seen), MAX - 5 + 2);
}
END_TEST

START_TEST(a_longer_line_fails_for_good)
{
	char in[MAX + 1];
	size_t i;
	int rc = 0;

	memset(in, 'x', sizeof(in));
	if (_i == 0) {
		rc = sse_feed(&s, in, sizeof(in));
	} else {
		for (i = 0; i < sizeof(in) && rc == 0; i++)
			rc = sse_feed(&s, in + i, 1);
	}
	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(sse_feed(&s, "\n\ndata: a\n\n", 11), -1);
	ck_assert_int_eq(events, 0);
}
END_TEST

START_TEST(an_event_of_too_many_lines_fails)
{
	int rc = 0;
	int i;

	for (i = 0; i < MAX && rc == 0; i++)
		rc = sse_feed(&s, "data: abcdef\n", 13);
	ck_assert_int_eq(rc, -1);
	ck_assert_int_lt(i, 12);
}
END_TEST

START_TEST(the_reader_can_stop)
{
	const char in[] = "data: a\n\ndata: b\n\ndata: c\n\n";

	stop_at = 2;
	ck_assert_int_eq(sse_feed(&s, in, sizeof(in) - 1), 42);
	ck_assert_str_eq(seen, "[a][b]");
}
END_TEST

int main(void)
{
	const int n = sizeof(cases) / sizeof(cases[0]);
	Suite *su = suite_create("sse");
	TCase *tc = tcase_create("sse");
	SRunner *sr = srunner_create(su);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, reads_events, 0, n);
	tcase_add_loop_test(tc, cuts_make_no_difference, 0, n);
	tcase_add_test(tc, an_event_as_long_as_the_limit_passes);
	tcase_add_loop_test(tc, a_longer_line_fails_for_good, 0, 2);
	tcase_add_test(tc, an_event_of_too_many_lines_fails);
	tcase_add_test(tc, the_reader_can_stop);
	suite_add_tcase(su, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
