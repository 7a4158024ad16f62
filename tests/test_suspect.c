/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/suspect.h"

static char path[64];
static struct suspects left;
static struct err e;

static void setup(void)
{
	snprintf(path, sizeof(path), "/tmp/test_suspect.%d", (int)getpid());
}

static void teardown(void)
{
	unlink(path);
}

/* Runs fn in a process of its own; how that ended. */
static int in_child(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (suspects_open(path, &left, &e) < 0)
			_exit(99);
		fn();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void die(void)
{
	suspect_enter("entry1", "reading");
	suspect_enter("entry2", "asking");
	kill(getpid(), SIGKILL);
}

static void crash(void)
{
	suspect_enter("entry1", "asking");
	abort();
}

static void crash_at_leisure(void)
{
	suspect_enter("entry1", "asking");
	suspect_leave();
	raise(SIGILL);
}

static void *work(void *arg)
{
	suspect_enter(arg, "routing");
	return NULL;
}

static void die_with_threads(void)
{
	pthread_t t[2];

	pthread_create(&t[0], NULL, work, (void *)"entry1");
	pthread_create(&t[1], NULL, work, (void *)"entry2");
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	kill(getpid(), SIGKILL);
}

static void go_on_later(void)
{
	struct suspect s;

	suspect_enter("entry1", "asking");
	suspect_take(&s);
	suspect_leave();
	suspect_resume(&s);
	kill(getpid(), SIGKILL);
}

static void go_on_with_nothing(void)
{
	struct suspect s;

	suspect_take(&s);
	suspect_resume(&s);
	kill(getpid(), SIGKILL);
}

static const struct {
	void (*fn)(void);
	int signal;      /* that is noted */
	const char *who; /* "id stage id stage" */
} deaths[] = {
	{ die, 0, "entry2 asking " },
	{ crash, SIGABRT, "entry1 asking " },
	{ crash_at_leisure, SIGILL, "" },
	{ die_with_threads, 0, "entry1 routing entry2 routing " },
	{ go_on_later, 0, "entry1 asking " },
	{ go_on_with_nothing, 0, "" },
};

START_TEST(a_death_leaves_what_was_in_hand)
{
	char who[200] = "";
	size_t i;

	ck_assert(WIFSIGNALED(in_child(deaths[_i].fn)));
	ck_assert_int_eq(suspects_open(path, &left, &e), 0);
	ck_assert_int_eq(left.signal, deaths[_i].signal);
	/* Threads take their places in either order. */
	if (left.n == 2 && strcmp(left.who[0].id, left.who[1].id) > 0) {
		struct suspect s = left.who[0];

		left.who[0] = left.who[1];
		left.who[1] = s;
	}
	for (i = 0; i < left.n; i++) {
		strcat(strcat(who, left.who[i].id), " ");
		strcat(strcat(who, left.who[i].stage), " ");
	}
	ck_assert_str_eq(who, deaths[_i].who);
}
END_TEST

static void nothing(void)
{
}

START_TEST(it_is_told_once)
{
	in_child(crash);
	ck_assert_int_eq(in_child(nothing), 0);
	ck_assert_int_eq(suspects_open(path, &left, &e), 0);
	ck_assert_uint_eq(left.n, 0);
	ck_assert_int_eq(left.signal, 0);
}
END_TEST

START_TEST(another_process_goes_without)
{
	ck_assert_int_eq(suspects_open(path, &left, &e), 0);
	ck_assert_int_eq(WEXITSTATUS(in_child(nothing)), 99);
}
END_TEST

START_TEST(any_file_can_be_read)
{
	char junk[4096];
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	size_t i;

	for (i = 0; i < sizeof(junk); i++)
		junk[i] = (char)(i * 7 + 1);
	memcpy(junk, "1suSTsnK", 8);
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(write(fd, junk, sizeof(junk)), sizeof(junk));
	close(fd);
	ck_assert_int_eq(suspects_open(path, &left, &e), 0);
	for (i = 0; i < left.n; i++)
		ck_assert_uint_lt(strlen(left.who[i].id), ID_SIZE);
}
END_TEST

static void die_of_oddities(void)
{
	suspect_enter("entry1 \n", "asking");
	kill(getpid(), SIGKILL);
}

static void die_at_an_odd_stage(void)
{
	suspect_enter("entry1", "a b");
	kill(getpid(), SIGKILL);
}

START_TEST(what_no_daemon_writes_is_not_taken)
{
	static void (*const ways[])(void) = { die_of_oddities,
					      die_at_an_odd_stage };
	char cut[64];

	(void)in_child(ways[_i]);
	ck_assert_int_eq(suspects_open(path, &left, &e), 0);
	ck_assert_uint_eq(left.n, 0);
	memset(cut, 1, sizeof(cut));
	left.n = 7;
	suspects_read(cut, sizeof(cut), &left);
	ck_assert_uint_eq(left.n, 0);
}
END_TEST

START_TEST(without_a_file_nobody_is_suspected)
{
	snprintf(path, sizeof(path), "/nowhere/suspects");
	ck_assert_int_lt(suspects_open(path, &left, &e), 0);
	suspect_enter("entry1", "asking");
	suspect_leave();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("suspect");
	TCase *tc = tcase_create("suspect");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_death_leaves_what_was_in_hand, 0,
			    (int)(sizeof(deaths) / sizeof(deaths[0])));
	tcase_add_test(tc, it_is_told_once);
	tcase_add_test(tc, another_process_goes_without);
	tcase_add_test(tc, any_file_can_be_read);
	tcase_add_loop_test(tc, what_no_daemon_writes_is_not_taken, 0, 2);
	tcase_add_test(tc, without_a_file_nobody_is_suspected);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
