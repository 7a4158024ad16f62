/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/hour.h"
#include "admin/page.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/recent.h"

#define MINUTE  60000
#define MIDHOUR ((int64_t)100 * MINUTE + 30000)

static struct hour hour;
static struct hour_counts counts;
static struct buf out;
static struct json *j;

static void setup(void)
{
	memset(&counts, 0, sizeof(counts));
	counts.answers = 1000; /* of before */
	buf_init(&out, 65536);
	hour_init(&hour, MIDHOUR, &counts);
}

static void teardown(void)
{
	json_free(j);
	j = NULL;
	buf_release(&out);
}

static void look(int64_t now)
{
	struct err e = { 0 };
	struct jwrite w;

	json_free(j);
	buf_reset(&out);
	jw_init(&w, &out);
	hour_tick(&hour, now, &counts);
	jw_object(&w, NULL);
	hour_write(&hour, now, &counts, &w);
	jw_object_end(&w);
	j = json_parse(out.data, out.len, out.len, &e);
	ck_assert_msg(j != NULL, "%s: %s", e.msg, out.data);
}

static int64_t answers(size_t i)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "hour.answers.%zu", i);
	return json_int(j, path, -1);
}

START_TEST(minute_under_way_counts_at_once)
{
	look(MIDHOUR);
	ck_assert_int_eq(json_int(j, "hour.minutes", -1), 1);
	ck_assert_int_eq(answers(0), 0);
	counts.answers += 3;
	look(MIDHOUR + 100);
	ck_assert_int_eq(answers(0), 3);
	ck_assert_int_eq(json_int(j, "hour.under_way_ms", -1), 30100);
}
END_TEST

START_TEST(minutes_move_on_and_the_oldest_goes)
{
	int i;

	for (i = 0; i < 70; i++) {
		hour_tick(&hour, MIDHOUR + (int64_t)i * MINUTE, &counts);
		counts.answers += (uint64_t)i;
	}
	look(MIDHOUR + (int64_t)69 * MINUTE);
	ck_assert_int_eq(json_int(j, "hour.minutes", -1), 60);
	ck_assert_int_eq((int)json_len(j, "hour.answers"), 60);
	ck_assert_int_eq(answers(0), 10);
	ck_assert_int_eq(answers(59), 69);
}
END_TEST

START_TEST(minutes_that_were_missed_are_empty)
{
	counts.answers += 5;
	look(MIDHOUR + 3 * MINUTE);
	ck_assert_int_eq(json_int(j, "hour.minutes", -1), 4);
	ck_assert_int_eq(answers(0), 5);
	ck_assert_int_eq(answers(1), 0);
	ck_assert_int_eq(answers(3), 0);
	counts.answers += 5;
	look(MIDHOUR + 1000 * (int64_t)MINUTE);
	ck_assert_int_eq(json_int(j, "hour.minutes", -1), 60);
	ck_assert_int_eq(answers(0), 0);
	ck_assert_int_eq(answers(59), 0);
}
END_TEST

/* n of them that took at most metric_bounds_us[bucket]. */
static void took(struct metric_histogram *h, size_t bucket, uint64_t n)
{
	for (; bucket < METRIC_BUCKETS; bucket++)
		h->upto[bucket] += n;
}

START_TEST(quantiles_lie_within_their_bucket)
{
	took(&counts.ack, 1, 98);
	took(&counts.ack, METRIC_BUCKETS - 1, 2);
	look(MIDHOUR);
	/* The 50th of 98 between 500 and 1000. */
	ck_assert_int_eq(json_int(j, "hour.ack.p50_us.0", -1), 755);
	/* Beyond the last bound. */
	ck_assert_int_eq(json_int(j, "hour.ack.p99_us.0", -1),
			 metric_bounds_us[METRIC_BUCKETS - 2]);
	/* Nothing measured is no time at all. */
	ck_assert_ptr_null(json_at(j, "hour.answer.p50_us.0"));
	look(MIDHOUR + MINUTE);
	ck_assert_ptr_null(json_at(j, "hour.ack.p50_us.1"));
}
END_TEST

START_TEST(recent_lines_are_counted_and_the_newest_comes_first)
{
	static struct recent_line lines[RECENT_LINES];
	char msg[400];
	size_t i;

	log_set_level(LOG_LEVEL_ERROR);
	recent_add(LOG_LEVEL_WARN, "one", LOG_FIELDS({ "tenant", "acme" }));
	recent_add(LOG_LEVEL_WARN, "two", NULL);
	recent_add(LOG_LEVEL_WARN, "one", LOG_FIELDS({ "tenant", "acme" }));
	recent_add(LOG_LEVEL_WARN, "one",
		   LOG_FIELDS({ "tenant", NULL }, { "detail", "x" }));
	ck_assert_uint_eq(recent_copy(lines), 3);
	ck_assert_str_eq(lines[0].msg, "one");
	ck_assert_str_eq(lines[0].where, "");
	ck_assert_str_eq(lines[1].where, "tenant=acme");
	ck_assert_uint_eq(lines[1].times, 2);
	ck_assert_str_eq(lines[2].msg, "two");

	memset(msg, 'x', sizeof(msg) - 1);
	msg[sizeof(msg) - 1] = '\0';
	for (i = 0; i < RECENT_LINES; i++) {
		msg[0] = (char)('@' + i);
		recent_add(LOG_LEVEL_ERROR, msg,
			   LOG_FIELDS({ "a", "b" }, { "long", msg }));
	}
	ck_assert_uint_eq(recent_copy(lines), RECENT_LINES);
	ck_assert_int_eq(lines[0].msg[0], '@' + RECENT_LINES - 1);
	ck_assert_int_eq(lines[RECENT_LINES - 1].msg[0], '@');
	ck_assert_uint_eq(strlen(lines[0].msg), sizeof(lines[0].msg) - 1);
	ck_assert_str_eq(lines[0].where, "a=b");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("page");
	TCase *tc = tcase_create("page");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, minute_under_way_counts_at_once);
	tcase_add_test(tc, minutes_move_on_and_the_oldest_goes);
	tcase_add_test(tc, minutes_that_were_missed_are_empty);
	tcase_add_test(tc, quantiles_lie_within_their_bucket);
	tcase_add_test(tc, recent_lines_are_counted_and_the_newest_comes_first);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
