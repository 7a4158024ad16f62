/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/queue.h"

struct item {
	struct node node; /* must be first */
	int thread;
	int number;
};

static struct queue *q;

static void setup(void)
{
	q = queue_create();
	ck_assert_ptr_nonnull(q);
}

static void teardown(void)
{
	queue_free(q);
}

START_TEST(items_leave_in_order)
{
	struct item a = { .number = 1 };
	struct item b = { .number = 2 };

	queue_push(q, &a.node);
	queue_push(q, &b.node);
	ck_assert_uint_eq(queue_depth(q), 2);
	ck_assert_ptr_eq(queue_pop(q, -1), &a.node);
	ck_assert_ptr_eq(queue_pop(q, 0), &b.node);
	ck_assert_uint_eq(queue_depth(q), 0);
	ck_assert_ptr_null(queue_pop(q, 0));
	queue_push(q, &a.node);
	ck_assert_ptr_eq(queue_pop(q, 0), &a.node);
}
END_TEST

START_TEST(pop_all_gives_the_whole_chain)
{
	struct item it[3] = { 0 };
	struct node *n;
	int i;

	for (i = 0; i < 3; i++)
		queue_push(q, &it[i].node);
	n = queue_pop_all(q, -1);
	for (i = 0; i < 3; i++, n = n->next)
		ck_assert_ptr_eq(n, &it[i].node);
	ck_assert_ptr_null(n);
	ck_assert_uint_eq(queue_depth(q), 0);
	ck_assert_ptr_null(queue_pop_all(q, 0));
	queue_push(q, &it[0].node);
	ck_assert_ptr_eq(queue_pop_all(q, 1), &it[0].node);
}
END_TEST

START_TEST(timeout_ends_the_wait)
{
	ck_assert_ptr_null(queue_pop(q, 1));
	ck_assert_ptr_null(queue_pop_all(q, 1));
}
END_TEST

static void *pop_one(void *arg)
{
	(void)arg;
	return queue_pop(q, -1);
}

START_TEST(push_wakes_a_waiting_thread)
{
	struct item a = { 0 };
	pthread_t tid;
	void *got;

	ck_assert_int_eq(pthread_create(&tid, NULL, pop_one, NULL), 0);
	queue_push(q, &a.node);
	ck_assert_int_eq(pthread_join(tid, &got), 0);
	ck_assert_ptr_eq(got, &a);
}
END_TEST

START_TEST(close_wakes_all_and_keeps_what_is_inside)
{
	struct item a = { 0 };
	pthread_t tid[2];
	void *got;
	int i;

	for (i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&tid[i], NULL, pop_one, NULL),
				 0);
	ck_assert(!queue_closed(q));
	queue_close(q);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_join(tid[i], &got), 0);
		ck_assert_ptr_null(got);
	}
	ck_assert(queue_closed(q));
	queue_push(q, &a.node);
	ck_assert_ptr_eq(queue_pop(q, -1), &a.node);
	ck_assert_ptr_null(queue_pop(q, -1));
}
END_TEST

#define THREADS 4
#define ITEMS   2000

static struct item items[THREADS][ITEMS];

static void *push_items(void *arg)
{
	int t = (int)((struct item(*)[ITEMS])arg - items);
	int i;

	for (i = 0; i < ITEMS; i++) {
		items[t][i].thread = t;
		items[t][i].number = i;
		queue_push(q, &items[t][i].node);
	}
	return NULL;
}

START_TEST(nothing_is_lost_and_each_thread_keeps_its_order)
{
	pthread_t tid[THREADS];
	int next[THREADS] = { 0 };
	int left = THREADS * ITEMS;
	struct item *it;
	struct node *n;
	int i;

	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&tid[i], NULL, push_items,
						&items[i]),
				 0);
	while (left > 0) {
		for (n = queue_pop_all(q, -1); n; n = n->next) {
			it = (struct item *)n;
			ck_assert_int_eq(it->number, next[it->thread]++);
			left--;
		}
	}
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(tid[i], NULL), 0);
	ck_assert_uint_eq(queue_depth(q), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("queue");
	TCase *tc = tcase_create("queue");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, items_leave_in_order);
	tcase_add_test(tc, pop_all_gives_the_whole_chain);
	tcase_add_test(tc, timeout_ends_the_wait);
	tcase_add_test(tc, push_wakes_a_waiting_thread);
	tcase_add_test(tc, close_wakes_all_and_keeps_what_is_inside);
	tcase_add_test(tc, nothing_is_lost_and_each_thread_keeps_its_order);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
