/* SPDX-License-Identifier: ISC */
#include "net/relay.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* An end that gives and takes as the test says. */
struct fake {
	const char *in; /* what is left to be read */
	bool closed;    /* after it */
	char out[256];
	size_t nout;
	size_t room; /* how much it takes yet */
	bool broken;
};

static struct fake a, b;
static struct relay r;

static ssize_t fake_read(void *arg, void *p, size_t n)
{
	struct fake *f = arg;
	size_t len = strlen(f->in);

	if (len == 0 && f->closed)
		return 0;
	if (len == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (n > len)
		n = len;
	memcpy(p, f->in, n);
	f->in += n;
	return (ssize_t)n;
}

static ssize_t fake_write(void *arg, const void *p, size_t n)
{
	struct fake *f = arg;

	if (f->broken || f->room == 0) {
		errno = f->broken ? EPIPE : EAGAIN;
		return -1;
	}
	if (n > f->room)
		n = f->room;
	memcpy(f->out + f->nout, p, n);
	f->nout += n;
	f->room -= n;
	return (ssize_t)n;
}

static void setup(void)
{
	a = (struct fake){ .in = "", .room = sizeof(a.out) - 1 };
	b = a;
	r = (struct relay){
		.end = { { fake_read, fake_write, &a },
			 { fake_read, fake_write, &b } },
	};
}

static void teardown(void)
{
	relay_release(&r);
}

START_TEST(bytes_go_both_ways)
{
	a.in = "question";
	b.in = "answer";
	ck_assert_int_eq(relay_pump(&r), 0);
	ck_assert_str_eq(b.out, "question");
	ck_assert_str_eq(a.out, "answer");
	ck_assert_int_eq(relay_wants(&r, 0), RELAY_READ);
	ck_assert_int_eq(relay_wants(&r, 1), RELAY_READ);
}
END_TEST

START_TEST(end_that_is_full_holds_the_other_back)
{
	a.in = "question";
	b.room = 3;
	ck_assert_int_eq(relay_pump(&r), 0);
	ck_assert_str_eq(b.out, "que");
	ck_assert_int_eq(relay_wants(&r, 0), 0);
	ck_assert_int_eq(relay_wants(&r, 1), RELAY_READ | RELAY_WRITE);
	a.in = "?";
	b.room = 2;
	ck_assert_int_eq(relay_pump(&r), 0);
	ck_assert_str_eq(b.out, "quest");
	b.room = 100;
	ck_assert_int_eq(relay_pump(&r), 0);
	ck_assert_str_eq(b.out, "question?");
	ck_assert_int_eq(relay_wants(&r, 0), RELAY_READ);
}
END_TEST

START_TEST(what_was_sent_before_the_end_still_arrives)
{
	a.in = "goodbye";
	a.closed = true;
	b.room = 4;
	ck_assert_int_eq(relay_pump(&r), 0);
	ck_assert_int_eq(relay_wants(&r, 1), RELAY_WRITE | RELAY_READ);
	b.room = 100;
	ck_assert_int_eq(relay_pump(&r), -1);
	ck_assert_str_eq(b.out, "goodbye");
}
END_TEST

START_TEST(broken_end_ends_it)
{
	a.in = "question";
	b.broken = true;
	ck_assert_int_eq(relay_pump(&r), -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("relay");
	TCase *tc = tcase_create("relay");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, bytes_go_both_ways);
	tcase_add_test(tc, end_that_is_full_holds_the_other_back);
	tcase_add_test(tc, what_was_sent_before_the_end_still_arrives);
	tcase_add_test(tc, broken_end_ends_it);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
