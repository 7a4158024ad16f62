/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "state/place_redis.h"
#include "state/redis_conn.h"

/* A Redis that says what it likes; that of a server is test_gate's. */

static struct redis_conn *conn;
static int server;
static struct err e;

static const struct place_self self = { .node = "n1",
					.home = "h1",
					.name = "one",
					.lease_ms = 1000,
					.links_per_app = 2 };

static void setup(void)
{
	int fd[2];

	memset(&e, 0, sizeof(e));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	server = fd[1];
	conn = redis_adopt(redisConnectFd(fd[0]), &e);
	ck_assert_ptr_nonnull(conn);
}

static void teardown(void)
{
	redis_hang_up(conn);
	(void)close(server);
}

static void say(const char *text)
{
	size_t n = strlen(text);

	ck_assert_int_eq(write(server, text, n), (ssize_t)n);
	ck_assert_int_eq(shutdown(server, SHUT_WR), 0);
}

static int beat(void)
{
	static struct place_beat b;

	return place_beat(conn, &self, 1, 1, false, &b, &e);
}

static const struct {
	const char *says;
	const char *why;
} beats[] = {
	{ "", "redis: " },
	{ "nonsense\r\n", "redis: Protocol error" },
	{ "+OK\r\n", "redis: no answer of ours" },
	{ "*2\r\n:0\r\n:0\r\n", "redis: no answer of ours" },
	{ "*3\r\n:0\r\n:0\r\n:0\r\n", "redis: no answer of ours" },
	{ "*3\r\n:0\r\n:0\r\n*3\r\n$40\r\n"
	  "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
	  "\r\n:1\r\n$1\r\nx\r\n",
	  "redis: no answer of ours" },
	{ "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
	  "redis: " },
	{ "*2147483647\r\n", "redis: " },
	{ "$-7\r\n", "redis: " },
};

START_TEST(answer_that_is_none_is_refused)
{
	say(beats[_i].says);
	ck_assert_int_eq(beat(), -1);
	ck_assert_int_eq(e.kind, ERR_RETRY);
	ck_assert_msg(strncmp(e.msg, beats[_i].why, strlen(beats[_i].why)) == 0,
		      "%s", e.msg);
}
END_TEST

START_TEST(counts_stay_within_their_bounds)
{
	union {
		struct place p;
		char room[sizeof(struct place) + 8];
	} u = { .p.link = PLACE_LIVE };
	struct place *places[] = { &u.p };
	struct place_found f;

	say("*4\r\n:1\r\n:-5\r\n:9223372036854775807\r\n:2147483647\r\n");
	ck_assert_int_eq(place_look(conn, &self, places, "k", 1, &f, &e), 0);
	ck_assert_int_eq(f.good, 0);
	ck_assert_int_gt(f.live, 0);
	ck_assert_int_lt(f.live, 10000000);
	ck_assert_int_lt(f.conns, 10000000);
}
END_TEST

/* As long as somebody reads it. */
static void *flood(void *arg)
{
	static const char head[] = "$1000000000\r\n";
	static char more[65536];

	(void)arg;
	(void)send(server, head, sizeof(head) - 1, MSG_NOSIGNAL);
	while (send(server, more, sizeof(more), MSG_NOSIGNAL) > 0)
		continue;
	return NULL;
}

START_TEST(endless_answer_is_not_read_to_its_end)
{
	pthread_t t;

	ck_assert_int_eq(pthread_create(&t, NULL, flood, NULL), 0);
	ck_assert_int_eq(beat(), -1);
	ck_assert_str_eq(e.msg, "redis: the answer is too large");
	ck_assert(conn->broken && !conn->overdue);
	redis_hang_up(conn);
	conn = NULL;
	ck_assert_int_eq(pthread_join(t, NULL), 0);
}
END_TEST

static void *drip(void *arg)
{
	(void)arg;
	while (send(server, "+", 1, MSG_NOSIGNAL) == 1)
		(void)usleep(20000);
	return NULL;
}

START_TEST(answer_that_never_ends_has_a_deadline)
{
	int64_t begun = clock_ms();
	pthread_t t;

	ck_assert_int_eq(pthread_create(&t, NULL, drip, NULL), 0);
	ck_assert_int_eq(beat(), -1);
	ck_assert_str_eq(e.msg, "redis: no answer in time");
	ck_assert(conn->broken && conn->overdue);
	ck_assert_int_ge(clock_ms() - begun, REDIS_COMMAND_MS);
	redis_hang_up(conn);
	conn = NULL;
	ck_assert_int_eq(pthread_join(t, NULL), 0);
}
END_TEST

START_TEST(server_without_a_run_id_is_refused)
{
	static const struct redis_server s;

	say("+OK\r\n$8\r\n# Server\r\n");
	ck_assert_int_eq(redis_greet(conn, &s, &e), -1);
	ck_assert_int_eq(e.kind, ERR_INPUT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("redis");
	TCase *tc = tcase_create("redis");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, answer_that_is_none_is_refused, 0,
			    sizeof(beats) / sizeof(beats[0]));
	tcase_add_test(tc, counts_stay_within_their_bounds);
	tcase_add_test(tc, endless_answer_is_not_read_to_its_end);
	tcase_add_test(tc, answer_that_never_ends_has_a_deadline);
	tcase_add_test(tc, server_without_a_run_id_is_refused);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
