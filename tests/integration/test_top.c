/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "integration/rig.h"

static struct rig rig;

static void setup(void)
{
	char ts[SIM_TS];

	rig_up(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
}

static void teardown(void)
{
	rig_close(&rig);
}

static char *top(const char *how)
{
	char *out = NULL;

	out = rig_run(&rig, 0, ARGS("top", how));
	return out;
}

START_TEST(once_shows_links_turns_and_tenants)
{
	char *out = top("--once");

	ck_assert_ptr_nonnull(strstr(out, ": ok\n"));
	ck_assert_ptr_nonnull(strstr(out, "1 of 1 apps live"));
	ck_assert_ptr_nonnull(strstr(out, "answers 1,"));
	ck_assert_ptr_nonnull(strstr(out, "acme"));
	ck_assert_ptr_nonnull(strstr(out, "main"));
	ck_assert_ptr_nonnull(strstr(out, "answer       1      < "));
	ck_assert_ptr_null(strchr(out, '\x1b'));
	free(out);
	/* Without a terminal as well. */
	out = top(NULL);
	ck_assert_ptr_null(strchr(out, '\x1b'));
	free(out);
	out = top("--json");
	ck_assert_ptr_nonnull(strstr(out, "\"tenants\":[{\"name\":\"acme\","
					  "\"answers\":1,"));
	free(out);
}
END_TEST

START_TEST(link_that_is_not_live_is_named)
{
	const struct sim_fault refuse = { .kind = SIM_FAULT_STATUS,
					  .method = "apps.connections.open",
					  .status = 500 };
	int64_t until = clock_ms() + MS;
	bool found = false;
	char *out;

	sim_fault(rig.sim, &refuse);
	ck_assert_int_eq(sim_cut(rig.sim, "A1", SIM_CUT_RESET), 1);
	while (!found && clock_ms() < until) {
		out = top("--once");
		found = strstr(out, "0 of 1 apps live") &&
			strstr(out, "NOT LIVE") && strstr(out, "backoff");
		free(out);
	}
	ck_assert(found);
}
END_TEST

/* konstructctl on a terminal of ours. */
struct screen {
	pid_t pid;
	int fd;
	char seen[65536];
	size_t n;
};

static void open_screen(struct screen *s)
{
	const struct winsize size = { .ws_row = 10, .ws_col = 40 };
	const char *dir = getenv("KONSTRUCT_BUILDDIR");
	char path[512];
	int slave;

	memset(s, 0, sizeof(*s));
	(void)snprintf(path, sizeof(path), "%s/konstructctl", dir);
	s->fd = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ge(s->fd, 0);
	ck_assert_int_eq(grantpt(s->fd), 0);
	ck_assert_int_eq(unlockpt(s->fd), 0);
	ck_assert_int_eq(ioctl(s->fd, TIOCSWINSZ, &size), 0);
	slave = open(ptsname(s->fd), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(slave, 0);
	s->pid = fork();
	if (s->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(slave, STDIN_FILENO);
		(void)dup2(slave, STDOUT_FILENO);
		(void)execl(path, path, "--config", rig.bed.config, "top",
			    (char *)NULL);
		_exit(127);
	}
	ck_assert_int_gt(s->pid, 0);
	(void)close(slave);
}

static void await(struct screen *s, const char *words)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	ssize_t n;

	while (!strstr(s->seen, words)) {
		ck_assert_msg(poll(&p, 1, MS) == 1, "no '%s' in: %s", words,
			      s->seen);
		n = read(s->fd, s->seen + s->n, sizeof(s->seen) - 1 - s->n);
		ck_assert_msg(n > 0, "no '%s' in: %s", words, s->seen);
		s->n += (size_t)n;
	}
}

static void check_end(struct screen *s)
{
	int status;

	ck_assert_int_eq(waitpid(s->pid, &status, 0), s->pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	(void)close(s->fd);
}

START_TEST(live_screen_goes_on_until_q)
{
	struct screen s;
	struct termios t;
	char ts[SIM_TS];

	open_screen(&s);
	await(&s, "\x1b[?1049h");
	await(&s, "answers 1");
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	await(&s, "answers 2");
	/* Behind the edge of the screen. */
	ck_assert_ptr_null(strstr(s.seen, "limited by Slack"));
	s.n = 0;
	memset(s.seen, 0, sizeof(s.seen));
	ck_assert_int_eq(write(s.fd, "q", 1), 1);
	await(&s, "\x1b[?1049l");
	ck_assert_int_eq(tcgetattr(s.fd, &t), 0);
	check_end(&s);
}
END_TEST

START_TEST(live_screen_outlives_the_daemon_and_ends_by_a_signal)
{
	struct screen s;

	open_screen(&s);
	await(&s, "answers 1");
	rig_stop(&rig);
	await(&s, "cannot connect");
	ck_assert_int_eq(kill(s.pid, SIGTERM), 0);
	await(&s, "\x1b[?1049l");
	check_end(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("top");
	TCase *tc = tcase_create("top");
	SRunner *sr;
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, once_shows_links_turns_and_tenants);
	tcase_add_test(tc, link_that_is_not_live_is_named);
	tcase_add_test(tc, live_screen_goes_on_until_q);
	tcase_add_test(tc,
		       live_screen_outlives_the_daemon_and_ends_by_a_signal);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
