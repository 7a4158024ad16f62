/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/routes.h"
#include "base/buf.h"
#include "base/err.h"
#include "integration/rig.h"
#include "net/local.h"

/*
 * What other users of the machine may do over the admin socket. It takes root
 * to be them; their numbers need not be known to the system.
 */
#define SKIPPED 77

#define ADMINS  4711
#define READERS 4712
#define STAFF   4713
#define SOMEONE 4700
#define DAEMON  4720

#define ROUTES 100 /* and no more */

struct user {
	uid_t uid;
	gid_t gid;
	gid_t more; /* a supplementary group; 0: none */
};

static const struct user root = { 0, 0, 0 }, admin = { SOMEONE, STAFF, ADMINS },
			 admin_by_gid = { SOMEONE, ADMINS, 0 },
			 reader = { SOMEONE, STAFF, READERS },
			 reader_by_gid = { SOMEONE, READERS, 0 },
			 stranger = { SOMEONE, STAFF, 0 };

static struct rig rig;

static void teardown(void)
{
	rig_close(&rig);
}

/* With a directory that others may pass through, as /run/konstruct. */
static void start(const char *settings)
{
	rig_set_daemon(settings);
	rig_up(&rig);
	rig_set_daemon(NULL);
	ck_assert_int_eq(chmod(rig.bed.dir, 0755), 0);
}

static void become(const struct user *u)
{
	if (u->uid == 0)
		return;
	if (setgroups(u->more ? 1 : 0, &u->more) < 0 || setgid(u->gid) < 0 ||
	    setuid(u->uid) < 0)
		_exit(99);
}

/* By its descriptor, as they may not be able to follow the path. */
static void run_ctl(int program, const struct user *u, char *const *words)
{
	char name[] = "konstructctl", socket[] = "--socket";
	char *argv[12] = { name, socket, rig.bed.admin };
	char *const environment[] = { NULL };
	size_t i;

	for (i = 0; words[i] && i < 8; i++)
		argv[3 + i] = words[i];
	become(u);
	(void)fexecve(program, argv, environment);
	_exit(98);
}

/* Runs konstructctl as that user: its exit code. said has all that it printed.
 */
static int ctl(const struct user *u, char said[4096], const char *words)
{
	const char *dir = getenv("KONSTRUCT_BUILDDIR");
	char path[512], text[256], *argv[9] = { NULL }, *save = NULL;
	int out[2], program, status;
	size_t i = 0, n = 0;
	ssize_t got;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/konstructctl", dir ? dir : ".");
	program = open(path, O_RDONLY);
	ck_assert_msg(program >= 0, "%s", path);
	(void)snprintf(text, sizeof(text), "%s", words);
	for (argv[0] = strtok_r(text, " ", &save); argv[i] && i < 7; i++)
		argv[i + 1] = strtok_r(NULL, " ", &save);
	ck_assert_int_eq(pipe(out), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)dup2(out[1], STDERR_FILENO);
		run_ctl(program, u, argv);
	}
	close(out[1]);
	close(program);
	do {
		got = read(out[0], said + n, 4095 - n);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	said[n] = '\0';
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void can(const struct user *u, const char *words)
{
	char said[4096];
	int rc = ctl(u, said, words);

	ck_assert_msg(rc == 0, "%s: %d, %s", words, rc, said);
}

static void cannot(const struct user *u, const char *words, const char *why)
{
	char said[4096];
	int rc = ctl(u, said, words);

	ck_assert_msg(rc == 77, "%s: %d, %s", words, rc, said);
	ck_assert_msg(strstr(said, why) != NULL, "%s: no '%s' in: %s", words,
		      why, said);
}

static unsigned int mode_of_socket(gid_t *gid)
{
	struct stat st;

	ck_assert_int_eq(stat(rig.bed.admin, &st), 0);
	*gid = st.st_gid;
	return st.st_mode & 07777;
}

/* Much more than a socket holds, so that it is refused while it is sent. */
static const char *large_file(void)
{
	static char words[128];
	size_t i;
	FILE *f;

	(void)snprintf(words, sizeof(words), "apply %s/large", rig.bed.dir);
	f = fopen(words + strlen("apply "), "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs("{\"tenants\":[", f), 0);
	for (i = 0; i < 500000; i++)
		ck_assert_int_ge(fputs("{\"name\":\"acme\"},\n", f), 0);
	ck_assert_int_ge(fputs("{}]}", f), 0);
	ck_assert_int_eq(fchmod(fileno(f), 0644), 0);
	ck_assert_int_eq(fclose(f), 0);
	return words;
}

static const char both[] = " admin_group = \"4711\"\n read_group = \"4712\"\n";

START_TEST(each_group_has_its_role)
{
	char said[4096];
	gid_t gid;

	start(both);
	ck_assert_uint_eq(mode_of_socket(&gid), 0666);
	can(&root, "tenant pause acme");
	can(&admin, "tenant resume acme");
	can(&admin_by_gid, "log-level turn debug");
	can(&reader, "tenant list");
	can(&reader, "status");
	can(&reader, "--json export");
	can(&reader, "audit verify");
	can(&reader_by_gid, "usage");
	cannot(&reader, "tenant pause acme",
	       "you may only read (uid 4700, of group 4712); this is for root "
	       "and members of group 4711");
	cannot(&reader, "reload", "may only read");
	cannot(&reader, large_file(), "may only read");
	cannot(&reader, "log-level turn debug", "may only read");
	cannot(&reader_by_gid, "tenant remove acme", "may only read");
	cannot(&stranger, "status", "you have no role here (uid 4700)");
	cannot(&stranger, "audit verify", "you have no role here");
	cannot(&stranger, "top --once", "you have no role here");
	cannot(&stranger, "agent show acme Mara", "you have no role here");
	cannot(&stranger, "tenant list",
	       "members of group 4712 may read, of group 4711 do all");
	/* Nothing of it was done. */
	ck_assert_int_eq(ctl(&root, said, "--json tenant show acme"), 0);
	ck_assert_ptr_nonnull(strstr(said, "\"paused\":false"));
}
END_TEST

START_TEST(a_refusal_is_logged_and_not_in_the_trail)
{
	char said[4096];

	start(both);
	cannot(&reader, "tenant pause acme", "may only read");
	ck_assert(rig_logged(&rig, "admin request refused", MS));
	ck_assert(rig_logged(&rig, "/v1/tenants/acme/pause", MS));
	ck_assert(rig_logged(&rig, "uid=4700", MS));
	can(&admin, "tenant pause acme");
	ck_assert_int_eq(ctl(&reader, said, "audit export"), 0);
	ck_assert_ptr_nonnull(strstr(said, "uid 4700"));
	ck_assert_ptr_nonnull(strstr(said, "/pause"));
	ck_assert_ptr_null(strstr(strstr(said, "/pause") + 1, "/pause"));
}
END_TEST

/* Who may do everything over the socket may still not read key and store, which
 * is no fault of theirs. */
START_TEST(an_admin_is_told_what_only_root_may)
{
	char said[4096], words[300];

	start(both);
	ck_assert_int_eq(chmod(rig.bed.config, 0644), 0);
	(void)snprintf(words, sizeof(words), "%s/state", rig.bed.dir);
	ck_assert_int_eq(chmod(words, 0700), 0);
	(void)snprintf(words, sizeof(words), "--config %s doctor",
		       rig.bed.config);
	(void)ctl(&admin, said, words);
	ck_assert_msg(strstr(said, "warning  rights: ") != NULL, "%s", said);
	ck_assert_ptr_nonnull(strstr(said, "sudo konstructctl doctor"));
	ck_assert_ptr_null(strstr(said, "failure  key"));
	ck_assert_ptr_null(strstr(said, "failure  store"));
	(void)snprintf(words, sizeof(words), "--config %s backup /tmp/x/y",
		       rig.bed.config);
	ck_assert_int_eq(ctl(&admin, said, words), 77);
	ck_assert_ptr_nonnull(strstr(said, "Root may"));
}
END_TEST

START_TEST(the_doctor_tells_who_may_use_the_socket)
{
	static const struct user nobody = { 65534, STAFF, 0 };
	char said[4096], words[160];

	start(both);
	ck_assert_int_eq(chmod(rig.bed.config, 0644), 0);
	ck_assert_int_eq(chmod(rig.bed.ca, 0644), 0);
	(void)snprintf(words, sizeof(words), "--config %s doctor",
		       rig.bed.config);
	(void)ctl(&root, said, words);
	ck_assert_msg(strstr(said, "mode 0666: root, user 'root' (uid 0) and "
				   "group '4711' may do all; group '4712' may "
				   "look") != NULL,
		      "%s", said);
	(void)ctl(&admin, said, words);
	ck_assert_msg(strstr(said, "ok       admin socket") != NULL, "%s",
		      said);
	(void)ctl(&stranger, said, words);
	ck_assert_msg(strstr(said, "uid 4700 is not in it") != NULL, "%s",
		      said);
	(void)ctl(&nobody, said, words);
	ck_assert_msg(strstr(said, "sudo adduser nobody 4711") != NULL, "%s",
		      said);
}
END_TEST

START_TEST(without_readers_only_admins_come_in)
{
	gid_t gid;

	start(" admin_group = \"4711\"\n");
	ck_assert_uint_eq(mode_of_socket(&gid), 0660);
	ck_assert_uint_eq(gid, ADMINS);
	can(&admin, "tenant list");
	cannot(&reader, "status", "Permission denied");
	cannot(&stranger, "status", "Permission denied");
}
END_TEST

/* As under the unit, which may not give its socket away. */
START_TEST(a_socket_that_cannot_be_given_to_the_group_is_open_to_roles)
{
	const struct user self = { DAEMON, DAEMON, 0 },
			  colleague = { SOMEONE, DAEMON, 0 };
	char command[300];
	gid_t gid;

	rig_set_daemon(_i ? " admin_group = \"4711\"\n" : NULL);
	rig_open(&rig, NULL);
	rig_set_daemon(NULL);
	(void)snprintf(command, sizeof(command), "chown -R %d:%d %s", DAEMON,
		       DAEMON, rig.bed.dir);
	ck_assert_int_eq(system(command), 0);
	rig.bed.uid = DAEMON;
	ck_assert_int_eq(chmod(rig.bed.dir, 0755), 0);
	ck_assert_int_eq(bed_start(&rig.bed, &(struct err){ 0 }), 0);
	ck_assert_uint_eq(mode_of_socket(&gid), _i ? 0666 : 0660);
	ck_assert_uint_eq(gid, DAEMON);
	can(&self, "log-level turn debug");
	can(&root, "log-level turn default");
	if (_i) {
		can(&admin, "tenant list");
		cannot(&colleague, "tenant list", "members of group 4711");
		cannot(&stranger, "tenant list", "members of group 4711");
	} else {
		can(&colleague, "log-level turn debug");
		cannot(&admin, "tenant list", "Permission denied");
	}
}
END_TEST

/* What conf.d says from now on. */
static void put(const char *text)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/conf.d", rig.bed.dir);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/conf.d/t.conf", rig.bed.dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(a_reload_gives_roles_and_takes_them)
{
	char said[4096];
	gid_t gid;

	start(NULL);
	ck_assert_uint_eq(mode_of_socket(&gid), 0660);
	ck_assert_uint_eq(gid, getegid());
	cannot(&reader, "status", "Permission denied");
	put("daemon { read_group = 4712 }\n");
	can(&root, "reload");
	ck_assert_uint_eq(mode_of_socket(&gid), 0666);
	can(&reader, "status");
	cannot(&admin, "status", "no role");
	/* What an admin has made of it stays, unless roles change. */
	ck_assert_int_eq(chmod(rig.bed.admin, 0600), 0);
	can(&root, "reload");
	ck_assert_uint_eq(mode_of_socket(&gid), 0600);
	ck_assert_int_eq(chmod(rig.bed.admin, 0666), 0);
	put("daemon { read_group = 4712 admin_group = nobody-is-called-so }\n");
	ck_assert_int_eq(ctl(&root, said, "reload"), 78);
	ck_assert_ptr_nonnull(strstr(said, "admin_group: there is no group "
					   "'nobody-is-called-so'"));
	can(&reader, "status");
	put("daemon { admin_group = 4711 }\n");
	can(&root, "reload");
	ck_assert_uint_eq(mode_of_socket(&gid), 0660);
	ck_assert_uint_eq(gid, ADMINS);
	cannot(&reader, "status", "Permission denied");
	can(&admin, "status");
}
END_TEST

/* As each user once, over one pipe: the status of every route. */
static void ask_all(const struct user *u, int to)
{
	char path[128], status[8];
	const struct route *r;
	const char *body;
	struct err e;
	struct buf out;
	int rc;

	become(u);
	for (r = routes; r < routes + nroutes; r++) {
		memset(&e, 0, sizeof(e));
		(void)snprintf(path, sizeof(path), "%s", r->path);
		while (strchr(path, '*'))
			*strchr(path, '*') = 'x';
		buf_init(&out, (size_t)16 * 1024 * 1024);
		body = r->method[0] == 'P' ? "{}" : NULL;
		rc = local_call(rig.bed.admin, r->method, path, body,
				body ? 2 : 0, &out, &e);
		buf_release(&out);
		(void)snprintf(status, sizeof(status), "%d\n", rc);
		if (write(to, status, strlen(status)) < 0)
			break;
	}
	_exit(0);
}

static void statuses(const struct user *u, int *of)
{
	int out[2];
	pid_t pid;
	size_t i;
	FILE *f;

	ck_assert_int_eq(pipe(out), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		ask_all(u, out[1]);
	close(out[1]);
	f = fdopen(out[0], "r");
	ck_assert_ptr_nonnull(f);
	for (i = 0; i < nroutes; i++)
		ck_assert_int_eq(fscanf(f, "%d", &of[i]), 1);
	(void)fclose(f);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(every_route_is_guarded)
{
	int read[ROUTES], none[ROUTES], all[ROUTES];
	const struct route *r;
	size_t i;

	ck_assert_uint_le(nroutes, ROUTES);
	start(both);
	statuses(&reader, read);
	statuses(&stranger, none);
	statuses(&admin, all);
	for (i = 0; i < nroutes; i++) {
		r = &routes[i];
		ck_assert_msg(none[i] == 403, "%s %s: %d", r->method, r->path,
			      none[i]);
		ck_assert_msg((read[i] == 403) == (r->needs == NEEDS_ADMIN),
			      "%s %s: %d", r->method, r->path, read[i]);
		ck_assert_msg(all[i] != 403, "%s %s", r->method, r->path);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("roles");
	TCase *tc = tcase_create("roles");
	SRunner *sr;
	int failed;

	rig_begin();
	if (geteuid() != 0) {
		puts("skipped: only root can be other users");
		return SKIPPED;
	}
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, each_group_has_its_role);
	tcase_add_test(tc, a_refusal_is_logged_and_not_in_the_trail);
	tcase_add_test(tc, an_admin_is_told_what_only_root_may);
	tcase_add_test(tc, the_doctor_tells_who_may_use_the_socket);
	tcase_add_test(tc, without_readers_only_admins_come_in);
	tcase_add_loop_test(
		tc, a_socket_that_cannot_be_given_to_the_group_is_open_to_roles,
		0, 2);
	tcase_add_test(tc, a_reload_gives_roles_and_takes_them);
	tcase_add_test(tc, every_route_is_guarded);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
