/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "state/engaged.h"

#define MINUTE_MS INT64_C(60000)
#define WINDOW_MS (30 * MINUTE_MS)
#define AT        INT64_C(1700000000000) /* long ago, by the wall clock */
#define KEY       "A1:T1:C1:1700000000.000100"

static struct engaged *g;

static void setup(void)
{
	g = engaged_create(WINDOW_MS);
	ck_assert_ptr_nonnull(g);
}

static void teardown(void)
{
	engaged_free(g);
}

/* A message of AT engaged the thread; one of AT + after is judged. */
static const struct {
	const char *name;
	int64_t after;
	bool want;
} times[] = {
	{ "itself", 0, true },
	{ "a minute later", MINUTE_MS, true },
	{ "at the end of the window", WINDOW_MS, true },
	{ "after the window", WINDOW_MS + 1, false },
	{ "before it was engaged", -1, false },
};

START_TEST(thread_is_engaged_until_idle_by_the_messages_own_times)
{
	engaged_renew(g, KEY, AT);
	ck_assert_msg(engaged_at(g, KEY, AT + times[_i].after) ==
			      times[_i].want,
		      "%s", times[_i].name);
}
END_TEST

START_TEST(message_between_the_first_and_the_last_one_counts)
{
	engaged_renew(g, KEY, AT);
	engaged_renew(g, KEY, AT + 2 * MINUTE_MS);
	ck_assert(engaged_at(g, KEY, AT + MINUTE_MS));
	ck_assert(!engaged_at(g, KEY, AT - MINUTE_MS));
}
END_TEST

START_TEST(what_was_ended_is_known_no_more)
{
	ck_assert(!engaged_known(g, KEY));
	engaged_hint(g, KEY, clock_wall_ms());
	ck_assert(!engaged_known(g, KEY));
	engaged_restore(g, KEY, AT);
	ck_assert(engaged_known(g, KEY));
	engaged_end(g, KEY, AT);
	ck_assert(!engaged_known(g, KEY));
	engaged_set_deaf(g, true);
	ck_assert(engaged_known(g, KEY));
}
END_TEST

/* News of what engaged it come over another way, and may be late. */
START_TEST(what_is_older_than_its_end_does_not_engage_it_again)
{
	engaged_renew(g, KEY, AT);
	engaged_end(g, KEY, AT + MINUTE_MS);
	engaged_renew(g, KEY, AT);
	engaged_restore(g, KEY, AT + MINUTE_MS);
	ck_assert(!engaged_at(g, KEY, AT + 2 * MINUTE_MS));
	engaged_renew(g, KEY, AT + 2 * MINUTE_MS);
	ck_assert(engaged_at(g, KEY, AT + 2 * MINUTE_MS));
}
END_TEST

START_TEST(what_is_newer_than_its_end_is_not_ended)
{
	engaged_renew(g, KEY, AT);
	engaged_end(g, KEY, AT + MINUTE_MS);
	engaged_renew(g, KEY, AT + 2 * MINUTE_MS);
	engaged_end(g, KEY, AT + MINUTE_MS);
	ck_assert(engaged_at(g, KEY, AT + 3 * MINUTE_MS));
	engaged_end(g, KEY, 0);
	ck_assert(!engaged_at(g, KEY, AT + 3 * MINUTE_MS));
}
END_TEST

START_TEST(thread_engaged_anew_begins_there)
{
	engaged_renew(g, KEY, AT);
	engaged_renew(g, KEY, AT + 2 * WINDOW_MS);
	ck_assert(!engaged_at(g, KEY, AT + MINUTE_MS));
}
END_TEST

START_TEST(restored_thread_takes_what_came_up_to_a_window_before)
{
	engaged_restore(g, KEY, AT);
	ck_assert(engaged_at(g, KEY, AT - WINDOW_MS));
	ck_assert(!engaged_at(g, KEY, AT - WINDOW_MS - 1));
}
END_TEST

START_TEST(every_message_renews_and_an_older_one_takes_nothing_back)
{
	engaged_renew(g, KEY, AT + WINDOW_MS);
	engaged_renew(g, KEY, AT);
	ck_assert(engaged_at(g, KEY, AT + 2 * WINDOW_MS));
	ck_assert_uint_eq(engaged_count(g), 1);
}
END_TEST

START_TEST(unknown_thread_is_not_engaged)
{
	engaged_renew(g, KEY, AT);
	ck_assert(!engaged_at(g, "A1:T1:C1:other", AT));
	ck_assert(!engaged_maybe(g, "A1:T1:C1:other"));
}
END_TEST

START_TEST(hint_engages_perhaps_and_not_for_certain)
{
	int64_t now = clock_wall_ms();

	engaged_hint(g, KEY, now);
	ck_assert(engaged_maybe(g, KEY));
	ck_assert(!engaged_at(g, KEY, now));
}
END_TEST

START_TEST(hint_runs_out)
{
	engaged_hint(g, KEY, clock_wall_ms() - WINDOW_MS - 2 * MINUTE_MS);
	ck_assert(!engaged_maybe(g, KEY));
}
END_TEST

/* How far the messages' clock is from ours. */
static const int64_t skews[] = { 0, 31 * MINUTE_MS, -31 * MINUTE_MS,
				 -365 * 24 * 60 * MINUTE_MS };

START_TEST(engaged_thread_is_perhaps_engaged_whatever_clock_it_goes_by)
{
	int64_t at = clock_wall_ms() + skews[_i];

	engaged_renew(g, KEY, at);
	ck_assert(engaged_at(g, KEY, at));
	ck_assert(engaged_maybe(g, KEY));
}
END_TEST

START_TEST(what_ended_long_ago_is_forgotten)
{
	int64_t now = clock_wall_ms();

	engaged_renew(g, KEY, now);
	engaged_hint(g, "A1:T1:C1:2", now);
	engaged_sweep(g, now + WINDOW_MS);
	ck_assert_uint_eq(engaged_count(g), 2);
	engaged_sweep(g, now + WINDOW_MS + 61 * MINUTE_MS);
	ck_assert_uint_eq(engaged_count(g), 0);
	ck_assert(!engaged_at(g, KEY, now));
}
END_TEST

START_TEST(key_names_app_workspace_channel_and_thread)
{
	char key[ENGAGED_KEY_SIZE];

	ck_assert_int_eq(engaged_key(key, "A1", "T1", "C1", "1.2"), 0);
	ck_assert_str_eq(key, "A1:T1:C1:1.2");
}
END_TEST

START_TEST(key_that_is_too_long_is_refused)
{
	char key[ENGAGED_KEY_SIZE];
	char channel[ENGAGED_KEY_SIZE];

	memset(channel, 'C', sizeof(channel));
	channel[sizeof(channel) - 1] = '\0';
	ck_assert_int_eq(engaged_key(key, "A1", "T1", channel, "1.2"), -1);
}
END_TEST

static void *use(void *arg)
{
	char key[32];
	int i;

	for (i = 0; i < 1000; i++) {
		(void)snprintf(key, sizeof(key), "%s:%d", (char *)arg, i % 100);
		engaged_hint(g, key, AT + i);
		engaged_renew(g, key, AT + i);
		ck_assert(engaged_at(g, key, AT + i));
		ck_assert(engaged_maybe(g, key));
	}
	engaged_sweep(g, AT);
	return NULL;
}

START_TEST(threads_share_it)
{
	static char names[4][2] = { "a", "b", "c", "d" };
	pthread_t tid[4];
	int i;

	for (i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&tid[i], NULL, use, names[i]),
				 0);
	for (i = 0; i < 4; i++)
		(void)pthread_join(tid[i], NULL);
	ck_assert_uint_eq(engaged_count(g), 400);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("engaged");
	TCase *tc = tcase_create("engaged");
	SRunner *sr = srunner_create(s);
	int nfailed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
		tc, thread_is_engaged_until_idle_by_the_messages_own_times, 0,
		sizeof(times) / sizeof(times[0]));
	tcase_add_test(tc, message_between_the_first_and_the_last_one_counts);
	tcase_add_test(tc, what_was_ended_is_known_no_more);
	tcase_add_test(tc, what_is_older_than_its_end_does_not_engage_it_again);
	tcase_add_test(tc, what_is_newer_than_its_end_is_not_ended);
	tcase_add_test(tc, thread_engaged_anew_begins_there);
	tcase_add_test(tc,
		       restored_thread_takes_what_came_up_to_a_window_before);
	tcase_add_test(
		tc, every_message_renews_and_an_older_one_takes_nothing_back);
	tcase_add_test(tc, unknown_thread_is_not_engaged);
	tcase_add_test(tc, hint_engages_perhaps_and_not_for_certain);
	tcase_add_test(tc, hint_runs_out);
	tcase_add_loop_test(
		tc, engaged_thread_is_perhaps_engaged_whatever_clock_it_goes_by,
		0, sizeof(skews) / sizeof(skews[0]));
	tcase_add_test(tc, what_ended_long_ago_is_forgotten);
	tcase_add_test(tc, key_names_app_workspace_channel_and_thread);
	tcase_add_test(tc, key_that_is_too_long_is_refused);
	tcase_add_test(tc, threads_share_it);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
