/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "integration/rig.h"

/* The machine's own troubles: disk, files, descriptors. */

#define NOBODY 65534

static struct rig rig;
static char state[96]; /* the state directory */
static bool mounted;

static void in_state(const char *name, char out[128])
{
	ck_assert_int_lt(snprintf(out, 128, "%s/%s", state, name), 128);
}

static void open_rig(void)
{
	rig_open(&rig, NULL);
	snprintf(state, sizeof(state), "%s/state", rig.bed.dir);
}

static void teardown(void)
{
	if (rig.bed.pid > 0)
		rig_stop(&rig);
	if (mounted)
		umount2(state, MNT_DETACH);
	mounted = false;
	rig_close(&rig);
}

/* Slack delivers soon again what wasn't acked. */
static void hurry(int token_ms)
{
	struct sim_settings set;
	int i;

	sim_settings(rig.sim, &set);
	set.ack_timeout_ms = 300;
	for (i = 0; i < SIM_RETRIES; i++)
		set.retry_ms[i] = 300;
	set.llm_token_ms = token_ms;
	sim_set(rig.sim, &set);
}

/* Waits until /ready answers so; its body, to be freed. */
static char *ready_is(int status)
{
	int64_t until = clock_ms() + MS;
	char *body = NULL;

	while (rig_get(&rig, "/ready", &body) != status) {
		ck_assert_msg(clock_ms() < until, "/ready: %s", body);
		free(body);
		body = NULL;
		poll(NULL, 0, 20);
	}
	return body;
}

static off_t size_of(const char *name)
{
	struct stat st;
	char path[128];

	in_state(name, path);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

/* No file may grow beyond the journal as it is: for who may not mount. */
static void limit_files(rlim_t most)
{
	struct rlimit r = { most, RLIM_INFINITY };

	ck_assert_int_eq(prlimit(rig.bed.pid, RLIMIT_FSIZE, &r, NULL), 0);
}

static void fill_disk(void)
{
	static const char zeros[4096];
	char path[128];
	int fd;

	if (!mounted) {
		limit_files((rlim_t)size_of("konstruct.db-wal"));
		return;
	}
	in_state("filler", path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	while (write(fd, zeros, 1) > 0)
		;
	close(fd);
}

static void free_disk(void)
{
	char path[128];

	in_state("filler", path);
	if (mounted)
		ck_assert_int_eq(unlink(path), 0);
	else
		limit_files(RLIM_INFINITY);
}

/* True: by a file system of its own. */
static bool use_small_disk(bool by_mount)
{
	if (!by_mount)
		return true;
	mounted = mkdir(state, 0700) == 0 &&
		  mount("tmpfs", state, "tmpfs", 0, "size=2m") == 0;
	return mounted;
}

START_TEST(a_full_disk_means_no_ack_until_there_is_room)
{
	struct sim_stats before, after;
	char one[SIM_TS], two[SIM_TS];
	char *text;

	open_rig();
	if (!use_small_disk(_i == 1))
		return;
	rig_start(&rig);
	hurry(50);
	rig_say(&rig, "C1", "U1", "<@UB1> in the middle", NULL, one);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	fill_disk();
	sim_stats(rig.sim, &before);
	rig_say(&rig, "C1", "U1", "<@UB1> into a full disk", NULL, two);
	text = ready_is(503);
	ck_assert_ptr_nonnull(strstr(text, "journal can't write"));
	free(text);
	sim_stats(rig.sim, &after);
	ck_assert_uint_gt(after.unacked, 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", two), 0);
	ck_assert_uint_eq(sim_links(rig.sim, "A1"), 1);
	free_disk();
	free(rig_answer(&rig, "C1", two));
	free(rig_answer(&rig, "C1", one));
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", one), 1);
	ck_assert_uint_eq(rig_replies(&rig, "C1", two), 1);
	free(ready_is(200));
}
END_TEST

START_TEST(when_there_is_room_again_it_is_ready_without_a_message)
{
	struct sim_settings set;
	char ts[SIM_TS];

	open_rig();
	rig_start(&rig);
	sim_settings(rig.sim, &set);
	set.ack_timeout_ms = 300;
	set.retry_ms[0] = 0;
	sim_set(rig.sim, &set);
	fill_disk();
	rig_say(&rig, "C1", "U1", "<@UB1> into a full disk", NULL, ts);
	/* Slack gives up. */
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	free(ready_is(503));
	free_disk();
	free(ready_is(200));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 0);
}
END_TEST

/* all that is in a file, and whether it still is */

static char *contents(const char *name, size_t *n)
{
	char path[128];
	char *text;
	FILE *f;

	in_state(name, path);
	*n = (size_t)size_of(name);
	text = malloc(*n + 1);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(text, 1, *n, f), *n);
	fclose(f);
	return text;
}

static void expect_refusal(const char *words)
{
	struct err e = { 0 };
	char *log;

	ck_assert_int_lt(bed_start(&rig.bed, &e), 0);
	ck_assert_int_eq(rig.bed.pid, 0);
	log = bed_log(&rig.bed);
	ck_assert_msg(strstr(log, words) != NULL, "no '%s' in %s", words, log);
	free(log);
}

static const struct {
	long from;
	long size; /* -1: to the end */
} damages[] = {
	{ 0, 100 },         /* the header */
	{ 100, 3996 },      /* the schema */
	{ 4096, -1 },       /* all tables */
	{ 4096 * 6, 4096 }, /* one of them */
	{ 4096 * 10, -1 },
};

/* What stands in the -wal file would mend it. */
static void fold_log(void)
{
	char path[128];
	sqlite3 *db;

	in_state("konstruct.db", path);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static void damage(int i)
{
	char path[128];
	long size = damages[i].size;
	long n;
	FILE *f;

	in_state("konstruct.db", path);
	if (size < 0)
		size = (long)size_of("konstruct.db") - damages[i].from;
	f = fopen(path, "r+");
	ck_assert_ptr_nonnull(f);
	fseek(f, damages[i].from, SEEK_SET);
	for (n = 0; n < size; n++)
		fputc(0xa5, f);
	fclose(f);
}

START_TEST(a_damaged_database_is_refused_and_left_as_it_is)
{
	size_t nbefore, nafter;
	char *before, *after;
	char ts[SIM_TS];

	open_rig();
	rig_start(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	rig_stop(&rig);
	fold_log();
	damage(_i);
	before = contents("konstruct.db", &nbefore);
	expect_refusal("restore it, or move it away");
	after = contents("konstruct.db", &nafter);
	ck_assert_uint_eq(nbefore, nafter);
	ck_assert_mem_eq(before, after, nafter);
	free(before);
	free(after);
}
END_TEST

/* As the unit's user, whom file modes bind. */
static void give_away(const char *dir)
{
	char command[300];

	if (geteuid() != 0)
		return;
	snprintf(command, sizeof(command), "chown -R %d:%d %s", NOBODY, NOBODY,
		 dir);
	ck_assert_int_eq(system(command), 0);
	rig.bed.uid = NOBODY;
}

static const struct {
	const char *path; /* in the state directory */
	mode_t mode;
	const char *words;
} modes[] = {
	{ "konstruct.db", 0400, "cannot write '" },
	{ "konstruct.db", 0000, "cannot open '" },
	{ ".", 0500, "cannot write '" },
	{ "konstruct.db-lock", 0400, "cannot open '" },
};

START_TEST(what_cannot_be_written_is_refused_by_name)
{
	struct err e = { 0 };
	char path[128];

	open_rig();
	rig_start(&rig);
	rig_stop(&rig);
	fold_log();
	give_away(rig.bed.dir);
	in_state(modes[_i].path, path);
	ck_assert_int_eq(chmod(path, modes[_i].mode), 0);
	expect_refusal(modes[_i].words);
	ck_assert(rig_logged(&rig, state, 0));
	ck_assert_int_eq(chmod(path, 0700), 0);
	ck_assert_int_eq(bed_start(&rig.bed, &e), 0);
}
END_TEST

/* descriptors */

/* Nothing can be opened; what is open stays. */
#define NO_DESCRIPTORS 3

static void limit_descriptors(rlim_t most)
{
	struct rlimit r;

	ck_assert_int_eq(prlimit(rig.bed.pid, RLIMIT_NOFILE, NULL, &r), 0);
	r.rlim_cur = most;
	ck_assert_int_eq(prlimit(rig.bed.pid, RLIMIT_NOFILE, &r, NULL), 0);
}

static double cpu_seconds(void)
{
	unsigned long user = 0, system = 0;
	char path[64], line[1024];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)rig.bed.pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	fclose(f);
	ck_assert_int_eq(sscanf(strrchr(line, ')'),
				") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
				" %lu %lu",
				&user, &system),
			 2);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static int knock(void)
{
	static const char request[] = "GET /health HTTP/1.1\r\nHost: x\r\n"
				      "Connection: close\r\n\r\n";
	const struct timeval patience = { .tv_sec = 5 };
	struct sockaddr_in sa = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_port = htons((uint16_t)rig.bed.health_port);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL),
			 (ssize_t)sizeof(request) - 1);
	return fd;
}

START_TEST(without_descriptors_it_waits_and_recovers)
{
	char ts[SIM_TS], after[SIM_TS], status[12];
	double cpu;
	int caller;

	open_rig();
	rig_start(&rig);
	hurry(0);
	limit_descriptors(NO_DESCRIPTORS);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	/* It is journaled, and nothing is lost of it. */
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	/* Whoever knocks meanwhile waits, and makes nobody spin. */
	caller = knock();
	cpu = cpu_seconds();
	poll(NULL, 0, 1000);
	ck_assert_double_lt(cpu_seconds() - cpu, 0.5);
	limit_descriptors(4096);
	ck_assert_int_eq(recv(caller, status, 12, MSG_WAITALL), 12);
	ck_assert_int_eq(memcmp(status, "HTTP/1.1 200", 12), 0);
	close(caller);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	/* A link that is cut and dialed again. */
	limit_descriptors(NO_DESCRIPTORS);
	ck_assert_int_eq(sim_cut(rig.sim, "A1", SIM_CUT_RESET), 1);
	poll(NULL, 0, 500);
	limit_descriptors(4096);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello again", NULL, after);
	free(rig_answer(&rig, "C1", after));
	ck_assert_uint_eq(rig_replies(&rig, "C1", after), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("trouble");
	TCase *tc = tcase_create("trouble");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_full_disk_means_no_ack_until_there_is_room, 0,
			    2);
	tcase_add_test(tc,
		       when_there_is_room_again_it_is_ready_without_a_message);
	tcase_add_loop_test(tc, a_damaged_database_is_refused_and_left_as_it_is,
			    0, (int)(sizeof(damages) / sizeof(damages[0])));
	tcase_add_loop_test(tc, what_cannot_be_written_is_refused_by_name, 0,
			    (int)(sizeof(modes) / sizeof(modes[0])));
	tcase_add_test(tc, without_descriptors_it_waits_and_recovers);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
