/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/metric.h"
#include "promtext.h"

START_TEST(a_time_counts_in_its_bucket_and_all_above)
{
	struct metric_histogram h;

	metric_took_us(METRIC_ACK, metric_bounds_us[2]);
	metric_took_us(METRIC_ACK, metric_bounds_us[2] + 1);
	metric_took_us(METRIC_ACK, -5);
	metric_took_us(METRIC_ACK, INT64_MAX / 4);
	metric_times(METRIC_ACK, &h);
	ck_assert_uint_eq(h.upto[0], 1);
	ck_assert_uint_eq(h.upto[2], 2);
	ck_assert_uint_eq(h.upto[3], 3);
	ck_assert_uint_eq(h.upto[METRIC_BUCKETS - 2], 3);
	ck_assert_uint_eq(h.upto[METRIC_BUCKETS - 1], 4);
}
END_TEST

struct seen {
	size_t names;
	uint64_t sum, others;
};

static void see(const char *name, const uint64_t n[METRIC_COLUMNS], void *arg)
{
	struct seen *s = arg;

	s->names++;
	s->sum += n[1];
	if (strcmp(name, METRIC_OTHERS) == 0)
		s->others = n[1];
}

#define THREADS 4

static void *count_all(void *arg)
{
	char name[32];
	int i;

	for (i = 0; i < METRIC_NAMES + 50; i++) {
		(void)snprintf(name, sizeof(name), "tenant%d", i);
		metric_add(METRIC_TENANTS, name, 1, 2);
	}
	return arg;
}

START_TEST(names_over_the_cap_share_a_counter_and_none_is_lost)
{
	pthread_t t[THREADS];
	struct seen s = { 0 };
	int i;

	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, count_all, NULL),
				 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	metric_each(METRIC_TENANTS, see, &s);
	ck_assert_uint_eq(s.names, METRIC_NAMES + 1);
	ck_assert_uint_eq(s.sum, THREADS * (METRIC_NAMES + 50) * 2);
	ck_assert_uint_ge(s.others, 50);
	memset(&s, 0, sizeof(s));
	metric_each(METRIC_MODELS, see, &s);
	ck_assert_uint_eq(s.names, 0);
}
END_TEST

#define HEAD(type) "# HELP a_total Of a.\n# TYPE a_total " type "\n"
#define HIST       "# HELP h Of h.\n# TYPE h histogram\n"

static const struct {
	const char *page;
	const char *complaint; /* NULL: none */
} pages[] = {
	{ HEAD("counter") "a_total 1\n", NULL },
	{ HEAD("counter") "a_total{x=\"y\\\"\\n\",z=\"\"} 1\n", NULL },
	{ HIST "h_bucket{le=\"+Inf\"} 1\nh_sum 2.5\nh_count 1\n", NULL },
	{ HEAD("gauge") "a_total 1\n", "counters end" },
	{ HEAD("counter") "a_total 1", "without end" },
	{ HEAD("counter") "b 1\n", "not of the family" },
	{ HEAD("counter") "a_total{x=y} 1\n", "bad labels" },
	{ HEAD("counter") "a_total{x=\"\\t\"} 1\n", "bad labels" },
	{ HEAD("counter") "a_total one\n", "bad value" },
	{ HEAD("counter") "a_total 1\na_total 2\n", "twice" },
	{ HEAD("counter") "a_total 1\n" HEAD("counter"), "a family twice" },
	{ HIST "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\n", "shrink" },
	{ HIST "h_bucket{le=\"+Inf\"} 2\nh_count 1\n", "count is not" },
};

START_TEST(the_checker_finds_what_is_wrong)
{
	const char *said = promtext_check(pages[_i].page);

	if (pages[_i].complaint)
		ck_assert_msg(said && strstr(said, pages[_i].complaint),
			      "said: %s", said ? said : "nothing");
	else
		ck_assert_msg(!said, "%s", said);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("metric");
	TCase *tc = tcase_create("metric");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, a_time_counts_in_its_bucket_and_all_above);
	tcase_add_test(tc, names_over_the_cap_share_a_counter_and_none_is_lost);
	tcase_add_loop_test(tc, the_checker_finds_what_is_wrong, 0,
			    (int)(sizeof(pages) / sizeof(pages[0])));
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
