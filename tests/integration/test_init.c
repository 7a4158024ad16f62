/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "integration/rig.h"
#include "proxy.h"

static struct rig rig;
static char app_file[96], bot_file[96];

static void put(char path[96], const char *name, const char *text)
{
	FILE *f;

	(void)snprintf(path, 96, "%s/%s", rig.bed.dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void setup(void)
{
	rig_open(&rig, NULL);
	put(app_file, "app.token", "xapp-1-A1-1-sim\n");
	put(bot_file, "bot.token", "xoxb-sim-t1\n");
}

static void teardown(void)
{
	rig_close(&rig);
}

static char *init(const char *bot)
{
	char *out = NULL;
	int rc = rig_ctl(&rig, &out,
			 ARGS("init", "--tenant", "fresh", "--app-token-file",
			      app_file, "--bot-token-file", bot, "--name",
			      "Kim"));

	ck_assert_msg((rc == 0) == (bot == bot_file), "%d: %s", rc, out);
	return out;
}

static void check_answered(void)
{
	char ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
}

START_TEST(init_leads_to_an_answer)
{
	struct err e = { 0 };
	char *out = init(bot_file);

	ck_assert_msg(strstr(out, "mention @Kim in #general") != NULL, "%s",
		      out);
	ck_assert_ptr_nonnull(strstr(out, "systemctl"));
	free(out);
	ck_assert_int_eq(bed_start(&rig.bed, &e), 0);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
	check_answered();
}
END_TEST

START_TEST(token_files_of_roots_are_read_before_it_becomes_the_daemons_user)
{
	char state[128];

	if (geteuid() != 0)
		return;
	(void)snprintf(state, sizeof(state), "%s/state", rig.bed.dir);
	ck_assert_int_eq(mkdir(state, 0700), 0);
	ck_assert_int_eq(chown(state, 65534, 65534), 0);
	ck_assert_int_eq(chmod(app_file, 0600), 0);
	ck_assert_int_eq(chmod(bot_file, 0600), 0);
	ck_assert_int_eq(chown(rig.bed.dir, 65534, 65534), 0);
	free(init(bot_file));
}
END_TEST

START_TEST(daemon_that_runs_takes_it_up_at_once)
{
	struct err e = { 0 };
	char *out;

	ck_assert_int_eq(bed_start(&rig.bed, &e), 0);
	out = init(bot_file);
	ck_assert_ptr_null(strstr(out, "systemctl"));
	free(out);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
	check_answered();
}
END_TEST

START_TEST(token_that_Slack_refuses_is_told)
{
	char bad[96];
	char *out;

	put(bad, "bad.token", "xoxb-nobody\n");
	out = init(bad);
	ck_assert_msg(strstr(out, "invalid_auth") != NULL, "%s", out);
	free(out);
}
END_TEST

START_TEST(without_tokens_there_is_the_manifest)
{
	char *out = NULL;

	out = rig_run(&rig, 0, ARGS("init", "--name", "Kim Two"));
	ck_assert_ptr_nonnull(strstr(out, "display_name: kim-two"));
	ck_assert_ptr_nonnull(strstr(out, "--bot-token-file"));
	free(out);
}
END_TEST

/* Reads from the terminal until it says so. */
static void until(int fd, const char *words)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char said[16384];
	size_t n = 0;
	ssize_t got;

	said[0] = '\0';
	while (!strstr(said, words)) {
		ck_assert_msg(poll(&p, 1, MS) == 1, "no '%s': %s", words, said);
		got = read(fd, said + n, sizeof(said) - 1 - n);
		ck_assert_msg(got > 0, "no '%s': %s", words, said);
		n += (size_t)got;
		said[n] = '\0';
	}
	/* What isn't to be shown wasn't. */
	ck_assert_ptr_null(strstr(said, "sk-secret"));
	ck_assert_ptr_null(strstr(said, "xoxb-sim"));
}

/* Once echo is as it is to be for this answer: changing it drops input. */
static void answer(int fd, bool shown, const char *text)
{
	struct termios t;

	do {
		ck_assert_int_eq(tcgetattr(fd, &t), 0);
	} while (((t.c_lflag & ECHO) != 0) != shown);
	ck_assert_int_eq(dprintf(fd, "%s\n", text), (int)strlen(text) + 1);
}

static void read_file(const char *path, char text[16384])
{
	FILE *f = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, 16383, f);
	text[n] = '\0';
	ck_assert_int_eq(fclose(f), 0);
}

/* Settings without a model, as the package brings them. */
static void forget_model(const char *path)
{
	char text[16384];
	char *at;
	FILE *f;

	read_file(path, text);
	at = strstr(text, "llm ");
	ck_assert_ptr_nonnull(at);
	(void)snprintf(at, sizeof(text) - (size_t)(at - text), "%s",
		       "llm \"main\" {\n\turl = \"\"\n\tmodel = \"\"\n"
		       "\t#api_key_file = \"\"\n\t#ca_file = \"\"\n"
		       "\tdefault = true\n}\n");
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

/* And without a way to Slack. */
static void forget_way(const char *path)
{
	static const char unset[] = "\t#ca_file = \"\"\n\t#proxy = \"\"\n"
				    "\t#proxy_user = \"\"\n"
				    "\t#proxy_password_file = \"\"\n";
	char text[16384];
	char *at, *end;
	FILE *f;

	forget_model(path);
	read_file(path, text);
	at = strstr(text, " ca_file = ");
	ck_assert_ptr_nonnull(at);
	end = strchr(at, '\n') + 1;
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_gt(
		fprintf(f, "%.*s%s%s", (int)(at - text), text, unset, end), 0);
	ck_assert_int_eq(fclose(f), 0);
}

/* At a terminal of its own, which is *fd. */
static pid_t run_init(int *fd)
{
	char program[4096];
	pid_t pid;

	bed_program("konstructctl", program, sizeof(program));
	pid = forkpty(fd, NULL, NULL, NULL);
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)execl(program, program, "--config", rig.bed.config,
			    "init", (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* Which model; key "": it wants none. */
static void begin_dialogue(int fd, const char *key)
{
	until(fd, "up to /v1: ");
	answer(fd, true, sim_llm_url(rig.sim));
	until(fd, "model there: ");
	answer(fd, true, "sim");
	until(fd, "wants one: ");
	answer(fd, false, key);
}

/* The tokens, and the sentence that it ends with. */
static void end_dialogue(int fd, pid_t pid)
{
	int status = -1;

	until(fd, "(xapp-...): ");
	answer(fd, false, "xapp-1-A1-1-sim");
	until(fd, "(xoxb-...): ");
	answer(fd, false, "xoxb-sim-t1");
	until(fd, "[main]: ");
	answer(fd, true, "");
	until(fd, "mention @Mara in #general");
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(fd);
}

/* As the environment says it but for the password, and with a CA that isn't
 * known here. */
START_TEST(at_a_terminal_it_asks_for_the_way_to_slack)
{
	const struct proxy_habits h = { .basic = "bWFyYTpoaWRkZW4=" };
	struct proxy *proxy = proxy_start(&h);
	char set[128], wanted[128], file[96], text[16384];
	int fd;
	pid_t pid;

	forget_way(rig.bed.config);
	put(file, "proxy.password", "hidden\n");
	(void)snprintf(set, sizeof(set), "http://mara:sk-secret@%s",
		       proxy_url(proxy) + strlen("http://"));
	ck_assert_int_eq(setenv("https_proxy", set, 1), 0);
	pid = run_init(&fd);
	ck_assert_int_eq(unsetenv("https_proxy"), 0);
	begin_dialogue(fd, "");
	(void)snprintf(wanted, sizeof(wanted), "[%s]: ", proxy_url(proxy));
	until(fd, wanted);
	answer(fd, true, "");
	until(fd, "login [mara]: ");
	answer(fd, true, "");
	until(fd, "may read: ");
	answer(fd, true, file);
	until(fd, "trust it: ");
	answer(fd, true, rig.bed.ca);
	end_dialogue(fd, pid);
	ck_assert_uint_gt(proxy_tunnels(proxy), 1);
	proxy_stop(proxy);
	read_file(rig.bed.config, text);
	(void)snprintf(wanted, sizeof(wanted),
		       "\tproxy_password_file = \"%s\"\n", file);
	ck_assert_msg(strstr(text, wanted) &&
			      strstr(text, "\tproxy_user = \"mara\"\n") &&
			      !strstr(text, "sk-secret"),
		      "%s", text);
}
END_TEST

START_TEST(at_a_terminal_it_asks)
{
	char key[96], got[32] = "";
	int fd;
	struct stat st;
	pid_t pid;
	FILE *f;

	forget_model(rig.bed.config);
	pid = run_init(&fd);
	begin_dialogue(fd, "sk-secret");
	until(fd, "HOST:PORT) [none]: ");
	answer(fd, true, "");
	end_dialogue(fd, pid);

	(void)snprintf(key, sizeof(key), "%s/llm.key", rig.bed.dir);
	ck_assert_int_eq(stat(key, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	f = fopen(key, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(got, sizeof(got), f));
	ck_assert_str_eq(got, "sk-secret");
	ck_assert_int_eq(fclose(f), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("init");
	TCase *tc = tcase_create("init");
	SRunner *sr = srunner_create(s);
	int failed;

	/* It asks once, and an admin would ask again. */
	rig_set_slack("");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, init_leads_to_an_answer);
	tcase_add_test(
		tc,
		token_files_of_roots_are_read_before_it_becomes_the_daemons_user);
	tcase_add_test(tc, daemon_that_runs_takes_it_up_at_once);
	tcase_add_test(tc, token_that_Slack_refuses_is_told);
	tcase_add_test(tc, at_a_terminal_it_asks);
	tcase_add_test(tc, at_a_terminal_it_asks_for_the_way_to_slack);
	tcase_add_test(tc, without_tokens_there_is_the_manifest);
	tcase_set_timeout(tc, CASE_S);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
