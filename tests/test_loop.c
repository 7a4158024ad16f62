/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "net/loop.h"

#define POSTS 1000

static struct loop *l;

static void setup(void)
{
	struct err e = { 0 };

	l = loop_create("test", &e);
	ck_assert_msg(l != NULL, "%s", e.msg);
}

static void teardown(void)
{
	loop_free(l);
}

static void start(void)
{
	struct err e = { 0 };

	ck_assert_msg(loop_start(l, &e) == 0, "%s", e.msg);
}

struct mark {
	struct loop_task task; /* must be first */
	int number;
};

static int seen[POSTS];
static int nseen;
static pthread_t seen_on;

static void note(struct loop_task *t)
{
	struct mark *m = (struct mark *)t;

	seen_on = pthread_self();
	seen[nseen++] = m->number;
}

START_TEST(posts_run_in_order_before_stop_returns)
{
	static struct mark marks[POSTS];
	int i;

	start();
	for (i = 0; i < POSTS; i++) {
		marks[i].task.run = note;
		marks[i].number = i;
		loop_post(l, &marks[i].task);
	}
	loop_stop(l);
	ck_assert_int_eq(nseen, POSTS);
	for (i = 0; i < POSTS; i++)
		ck_assert_int_eq(seen[i], i);
	ck_assert(!pthread_equal(seen_on, pthread_self()));
}
END_TEST

static struct mark second = { { { NULL }, note }, 2 };

static void post_second(struct loop_task *t)
{
	note(t);
	loop_post(l, &second.task);
}

START_TEST(a_task_posted_by_a_task_runs_before_stop_returns)
{
	struct mark first = { { { NULL }, post_second }, 1 };

	start();
	loop_post(l, &first.task);
	loop_stop(l);
	ck_assert_int_eq(nseen, 2);
	ck_assert_int_eq(seen[1], 2);
}
END_TEST

START_TEST(a_posted_task_may_be_posted_again_when_it_runs)
{
	static struct mark self = { { { NULL }, note }, 7 };

	loop_post(l, &self.task);
	loop_run_here(l);
	loop_post(l, &self.task);
	loop_run_here(l);
	ck_assert_int_eq(nseen, 2);
}
END_TEST

static void *post_many(void *arg)
{
	struct mark *marks = arg;
	int i;

	for (i = 0; i < POSTS / 4; i++)
		loop_post(l, &marks[i].task);
	return NULL;
}

START_TEST(threads_that_post_at_once_lose_nothing)
{
	static struct mark marks[4][POSTS / 4];
	int last[4] = { -1, -1, -1, -1 };
	pthread_t tid[4];
	int i, t;

	start();
	for (t = 0; t < 4; t++) {
		for (i = 0; i < POSTS / 4; i++) {
			marks[t][i].task.run = note;
			marks[t][i].number = t * POSTS + i;
		}
		ck_assert_int_eq(
			pthread_create(&tid[t], NULL, post_many, marks[t]), 0);
	}
	for (t = 0; t < 4; t++)
		pthread_join(tid[t], NULL);
	loop_stop(l);
	ck_assert_int_eq(nseen, POSTS);
	for (i = 0; i < POSTS; i++) {
		t = seen[i] / POSTS;
		ck_assert_int_gt(seen[i] % POSTS, last[t]);
		last[t] = seen[i] % POSTS;
	}
}
END_TEST

static void read_mask(struct loop_task *t)
{
	struct mark *m = (struct mark *)t;
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	m->number = sigismember(&set, SIGTERM) && sigismember(&set, SIGPIPE);
}

START_TEST(its_thread_takes_no_signals)
{
	struct mark m = { { { NULL }, read_mask }, 0 };

	start();
	loop_post(l, &m.task);
	loop_stop(l);
	ck_assert_int_eq(m.number, 1);
}
END_TEST

static void count(void *arg)
{
	(*(int *)arg)++;
}

START_TEST(a_timer_fires_once)
{
	struct loop_timer *t;
	int fired = 0;

	t = loop_timer_create(l, count, &fired);
	loop_timer_set(t, 1);
	loop_run_here(l);
	ck_assert_int_eq(fired, 1);
	loop_timer_free(t);
}
END_TEST

START_TEST(setting_a_timer_again_replaces_the_deadline)
{
	struct loop_timer *t;
	int fired = 0;

	t = loop_timer_create(l, count, &fired);
	loop_timer_set(t, 3600 * 1000);
	loop_timer_set(t, -5);
	loop_run_here(l);
	ck_assert_int_eq(fired, 1);
	loop_timer_free(t);
}
END_TEST

START_TEST(a_stopped_timer_never_fires)
{
	struct loop_timer *t;
	int fired = 0;

	t = loop_timer_create(l, count, &fired);
	loop_timer_set(t, 1);
	loop_timer_stop(t);
	loop_run_here(l);
	ck_assert_int_eq(fired, 0);
	loop_timer_free(t);
	loop_timer_free(NULL);
}
END_TEST

static struct loop_timer *own;

static void free_own(void *arg)
{
	loop_timer_free(own);
	count(arg);
}

START_TEST(a_timer_may_be_freed_as_it_fires)
{
	int fired = 0;

	own = loop_timer_create(l, free_own, &fired);
	loop_timer_set(own, 0);
	loop_run_here(l);
	ck_assert_int_eq(fired, 1);
}
END_TEST

START_TEST(a_running_loop_beats)
{
	ck_assert_int_lt(loop_beat_age(l), 1000);
	start();
	ck_assert_int_lt(loop_beat_age(l), 2000);
	loop_stop(l);
}
END_TEST

static struct loop_addrs got;
static int ngot;

static void on_addrs(const struct loop_addrs *a, void *arg)
{
	(void)arg;
	got = *a;
	ngot++;
}

START_TEST(a_numeric_host_resolves_to_itself)
{
	static const char *const hosts[] = { "192.0.2.7", "2001:db8::7" };
	struct err e = { 0 };

	ck_assert_int_eq(loop_resolve(l, hosts[_i], on_addrs, NULL, &e), 0);
	ck_assert_int_eq(ngot, 0);
	loop_run_here(l);
	ck_assert_int_eq(ngot, 1);
	ck_assert_int_eq(got.n, 1);
	ck_assert_str_eq(got.addr[0], hosts[_i]);
}
END_TEST

START_TEST(a_host_that_is_none_says_why)
{
	struct err e = { 0 };

	ck_assert_int_eq(loop_resolve(l, "no host", on_addrs, NULL, &e), 0);
	loop_run_here(l);
	ck_assert_int_eq(ngot, 1);
	ck_assert_int_eq(got.n, 0);
	ck_assert_str_ne(got.msg, "");
}
END_TEST

START_TEST(nobody_hears_of_a_name_after_the_loop_is_gone)
{
	struct err e = { 0 };

	ck_assert_int_eq(loop_resolve(l, "192.0.2.7", on_addrs, NULL, &e), 0);
	loop_free(l);
	l = NULL;
	ck_assert_int_eq(ngot, 0);
}
END_TEST

static void stop_here(void *arg)
{
	loop_stop(arg);
}

START_TEST(a_loop_may_be_stopped_from_itself)
{
	struct loop_timer *stop, *never;
	int fired = 0;

	stop = loop_timer_create(l, stop_here, l);
	never = loop_timer_create(l, count, &fired);
	loop_timer_set(stop, 0);
	loop_timer_set(never, 3600 * 1000);
	loop_run_here(l);
	ck_assert_int_eq(fired, 0);
	loop_timer_free(stop);
	loop_timer_free(never);
}
END_TEST

START_TEST(a_loop_that_never_ran_can_be_freed)
{
	loop_stop(l);
	loop_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop");
	TCase *tc = tcase_create("loop");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, posts_run_in_order_before_stop_returns);
	tcase_add_test(tc, a_task_posted_by_a_task_runs_before_stop_returns);
	tcase_add_test(tc, a_posted_task_may_be_posted_again_when_it_runs);
	tcase_add_test(tc, threads_that_post_at_once_lose_nothing);
	tcase_add_test(tc, its_thread_takes_no_signals);
	tcase_add_test(tc, a_timer_fires_once);
	tcase_add_test(tc, setting_a_timer_again_replaces_the_deadline);
	tcase_add_test(tc, a_stopped_timer_never_fires);
	tcase_add_test(tc, a_timer_may_be_freed_as_it_fires);
	tcase_add_test(tc, a_running_loop_beats);
	tcase_add_loop_test(tc, a_numeric_host_resolves_to_itself, 0, 2);
	tcase_add_test(tc, a_host_that_is_none_says_why);
	tcase_add_test(tc, nobody_hears_of_a_name_after_the_loop_is_gone);
	tcase_add_test(tc, a_loop_may_be_stopped_from_itself);
	tcase_add_test(tc, a_loop_that_never_ran_can_be_freed);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
