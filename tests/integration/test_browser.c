/* SPDX-License-Identifier: ISC */
/*
 * The status page in a headless Chromium: chromium-headless-shell of Debian,
 * or what $CHROMIUM names. Where none runs all of this is skipped. With
 * $KONSTRUCT_SCREENSHOTS, a directory, its pictures are left there.
 */
#include <assert.h>
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "integration/rig.h"

#define SKIPPED  77
#define TEXT_MAX ((size_t)32 * 1024 * 1024)
#define ARGS_MAX 32

static struct rig rig;
static const char *browser;
static char dir[32];

static char *path_of(const char *name, char out[64])
{
	(void)snprintf(out, 64, "%s/%s", dir, name);
	return out;
}

static void become(char *const *argv)
{
	char out[64], err[64];

	if (!freopen(path_of("out", out), "w", stdout) ||
	    !freopen(path_of("err", err), "w", stderr))
		_exit(126);
	(void)close(STDIN_FILENO);
	(void)execvp(argv[0], argv);
	_exit(127);
}

/* Its exit code; what it says is in "out" and "err". extra ends with NULL. */
static int browse(const char *const *extra, const char *url)
{
	static const char *const always[] = {
		"timeout",
		"-k",
		"5",
		"60",
		NULL,
		"--no-sandbox",
		"--disable-gpu",
		"--disable-dev-shm-usage",
		"--no-first-run",
		"--disable-background-networking",
		"--disable-component-update",
		"--no-proxy-server",
		"--enable-logging=stderr",
		/* Whatever is asked for by name is not there. */
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		/* Time runs while nothing is waited for. */
		"--virtual-time-budget=3000",
	};
	char *argv[ARGS_MAX];
	char profile[96], netlog[96];
	size_t i, n = 0;
	int status;
	pid_t pid;

	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		argv[n++] = (char *)(always[i] ? always[i] : browser);
	(void)snprintf(profile, sizeof(profile), "--user-data-dir=%s/p", dir);
	(void)snprintf(netlog, sizeof(netlog), "--log-net-log=%s/net", dir);
	argv[n++] = profile;
	argv[n++] = netlog;
	for (; *extra; extra++)
		argv[n++] = (char *)*extra;
	argv[n++] = (char *)url;
	argv[n] = NULL;
	assert(n < ARGS_MAX);
	pid = fork();
	if (pid == 0)
		become(argv);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* To be freed. */
static char *text_of(const char *name)
{
	char path[64];
	char *text = malloc(TEXT_MAX);
	size_t n;
	FILE *f = fopen(path_of(name, path), "r");

	if (!text || !f) {
		free(text);
		return NULL;
	}
	n = fread(text, 1, TEXT_MAX - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	return text;
}

static bool runs(const char *name)
{
	static const char *const dump[] = { "--dump-dom", NULL };
	char *text;
	bool ok;

	browser = name;
	if (!name || browse(dump, "data:text/html,<p>it runs</p>") != 0)
		return false;
	text = text_of("out");
	ok = text && strstr(text, "it runs");
	free(text);
	return ok;
}

static bool find_browser(void)
{
	return runs(getenv("CHROMIUM")) || runs("chromium-headless-shell") ||
	       runs("chromium");
}

/* The answer stands before its turn has ended. */
static void wait_counted(void)
{
	char *body = NULL;
	bool counted = false;
	int i;

	for (i = 0; i < 5000 && !counted; i++) {
		ck_assert_int_eq(rig_get(&rig, "/page.json", &body), 200);
		counted = strstr(body, "\"in_flight\":0,\"answers\":1") != NULL;
		free(body);
	}
	ck_assert(counted);
}

static void setup(void)
{
	char ts[SIM_TS];

	rig_up(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> where is Atlantis?", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	wait_counted();
}

static void teardown(void)
{
	rig_close(&rig);
}

static void page_url(char out[64])
{
	(void)snprintf(out, 64, "http://127.0.0.1:%d/", rig.bed.health_port);
}

static void has(const char *text, const char *what)
{
	ck_assert_msg(strstr(text, what) != NULL, "no %s in %s", what, text);
}

START_TEST(the_page_shows_a_tenant_and_plots_its_answer)
{
	static const char *const dump[] = { "--dump-dom", NULL };
	char url[64];
	char *dom, *err;

	page_url(url);
	ck_assert_int_eq(browse(dump, url), 0);
	dom = text_of("out");
	err = text_of("err");
	has(dom, ">healthy</span>");
	has(dom, "<tr><th scope=\"row\">acme</th><td class=\"num\">1 of 1</td>"
		 "<td class=\"num\">1</td>");
	has(dom, "aria-label=\"Turns: 1 answers, 0 failures in the last hour");
	has(dom, "<rect class=\"one\"");
	has(dom, "<circle class=\"one\"");
	has(dom, "<th scope=\"row\">main</th><td class=\"good\">ok</td>");
	ck_assert_msg(!strstr(err, "CONSOLE"), "%s", err);
	free(dom);
	free(err);
}
END_TEST

START_TEST(it_asks_nobody_but_the_daemon)
{
	static const char key[] = "\"url\":\"http";
	static const char *const dump[] = { "--dump-dom", NULL };
	char url[64];
	size_t n = 0;
	char *net, *p;

	page_url(url);
	ck_assert_int_eq(browse(dump, url), 0);
	net = text_of("net");
	ck_assert_ptr_nonnull(net);
	for (p = net; (p = strstr(p, key)); p++, n++) {
		p += strlen(key) - strlen("http");
		ck_assert_msg(strncmp(p, url, strlen(url)) == 0, "%.200s", p);
	}
	ck_assert_uint_ge(n, 2);
	free(net);
}
END_TEST

static const struct {
	const char *name, *size, *scheme;
} looks[] = {
	{ "light", "--window-size=1200,1500",
	  "--blink-settings=preferredColorScheme=1" },
	{ "dark", "--window-size=1200,1500",
	  "--blink-settings=preferredColorScheme=0" },
	{ "phone", "--window-size=390,2600",
	  "--blink-settings=preferredColorScheme=1" },
};

/* Its bytes, to be freed. */
static char *picture(int i, size_t *n)
{
	const char *where = getenv("KONSTRUCT_SCREENSHOTS");
	char option[256], url[64];
	const char *const shoot[] = { option, looks[i].size, looks[i].scheme,
				      NULL };
	char *data = malloc(TEXT_MAX);
	const char *path = option + strlen("--screenshot=");
	FILE *f;

	(void)snprintf(option, sizeof(option), "--screenshot=%s/%s.png",
		       where ? where : dir, looks[i].name);
	page_url(url);
	ck_assert_int_eq(browse(shoot, url), 0);
	f = fopen(path, "r");
	ck_assert_msg(f && data, "%s", path);
	*n = fread(data, 1, TEXT_MAX, f);
	(void)fclose(f);
	return data;
}

START_TEST(it_can_be_looked_at_by_day_by_night_and_on_a_phone)
{
	char *data[3];
	size_t n[3];
	int i;

	for (i = 0; i < 3; i++) {
		data[i] = picture(i, &n[i]);
		ck_assert_uint_gt(n[i], 10000);
	}
	ck_assert(n[0] != n[1] || memcmp(data[0], data[1], n[0]) != 0);
	for (i = 0; i < 3; i++)
		free(data[i]);
}
END_TEST

static void remove_dir(void)
{
	char cmd[64];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	if (system(cmd) != 0)
		perror(dir);
}

int main(void)
{
	Suite *s = suite_create("browser");
	TCase *tc = tcase_create("browser");
	SRunner *sr;
	int failed;

	(void)snprintf(dir, sizeof(dir), "/tmp/browser.XXXXXX");
	if (!mkdtemp(dir))
		return EXIT_FAILURE;
	if (!find_browser()) {
		puts("skipped: no chromium runs here; "
		     "apt-get install chromium-headless-shell");
		remove_dir();
		return SKIPPED;
	}
	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 240);
	tcase_add_test(tc, the_page_shows_a_tenant_and_plots_its_answer);
	tcase_add_test(tc, it_asks_nobody_but_the_daemon);
	tcase_add_test(tc, it_can_be_looked_at_by_day_by_night_and_on_a_phone);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	remove_dir();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
