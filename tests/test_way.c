/* SPDX-License-Identifier: ISC */
#include "net/way.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/err.h"
#include "net/http.h"
#include "net/loop.h"

static char dir[32];
static int status;

static void run(const char *script)
{
	pid_t pid = fork();
	int rc = -1;

	if (pid == 0) {
		if (chdir(dir) == 0)
			(void)execlp("sh", "sh", "-c", script, NULL);
		_exit(127);
	}
	(void)waitpid(pid, &rc, 0);
	ck_assert_int_eq(rc, 0);
}

static void setup(void)
{
	strcpy(dir, "/tmp/test_way.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	run("rm -rf \"$PWD\"");
}

START_TEST(password_wants_a_user)
{
	struct conf_way c = { .proxy_password_file = (char *)"/dev/null" };
	struct err e = { 0 };

	ck_assert_ptr_null(way_create(&c, &e));
	ck_assert_ptr_nonnull(strstr(e.msg, "proxy_user"));
}
END_TEST

START_TEST(password_file_that_is_missing_is_named)
{
	char path[] = "/nowhere/password", user[] = "mara";
	struct conf_way c = { .proxy_user = user, .proxy_password_file = path };
	struct err e = { 0 };

	ck_assert_ptr_null(way_create(&c, &e));
	ck_assert_ptr_nonnull(strstr(e.msg, path));
}
END_TEST

static const struct {
	const char *setting, *name, *value;
	bool tls;
	const char *proxy;
} envs[] = {
	{ "", "https_proxy", "http://a:1", true, "http://a:1" },
	{ "", "HTTPS_PROXY", "http://a:1", true, "http://a:1" },
	{ "", "http_proxy", "http://a:1", true, NULL },
	{ "", "http_proxy", "http://a:1", false, "http://a:1" },
	{ "", "HTTP_PROXY", "http://a:1", false, NULL },
	{ "", "all_proxy", "http://a:1", true, "http://a:1" },
	{ "", "ALL_PROXY", "http://a:1", false, "http://a:1" },
	{ "", "https_proxy", "", true, NULL },
	{ "direct", "https_proxy", "http://a:1", true, NULL },
	{ "http://b:2", "https_proxy", "http://a:1", true, "http://b:2" },
};

START_TEST(proxy_is_the_one_that_curl_takes)
{
	struct conf_way c = { .proxy = (char *)envs[_i].setting };
	struct err e = { 0 };
	struct way *w = way_create(&c, &e);
	const char *got;

	setenv(envs[_i].name, envs[_i].value, 1);
	got = way_proxy(w, envs[_i].tls);
	ck_assert_pstr_eq(got, envs[_i].proxy);
	way_free(w);
}
END_TEST

static void on_done(const struct http_result *r, void *arg)
{
	status = r->status;
	loop_stop(arg);
}

static int get(const struct conf_way *c, const char *url)
{
	struct err e = { 0 };
	struct loop *l = loop_create("way", &e);
	struct way *w = way_create(c, &e);
	const struct http_opts o = { 0 };
	struct http *h = http_create(l, &o, &e);
	struct http_request r = {
		.method = "GET",
		.url = url,
		.way = w,
		.max_body = 100000,
		.total_ms = 5000,
		.on_done = on_done,
		.arg = l,
	};

	ck_assert_ptr_nonnull(w);
	ck_assert_ptr_nonnull(http_start(h, &r, &e));
	loop_run_here(l);
	http_free(h);
	loop_free(l);
	way_free(w);
	return status;
}

static struct way *way_by(const char *proxy)
{
	struct conf_way c = { .proxy = (char *)proxy };
	struct err e = { 0 };
	struct way *w = way_create(&c, &e);

	ck_assert_ptr_nonnull(w);
	return w;
}

START_TEST(way_of_the_moment_is_for_who_comes_then)
{
	struct err e = { 0 };
	struct way_box *b = way_box_create(way_by("http://a:1"), &e);
	const struct way *first = way_box_take(b);
	const struct way *second;

	way_box_put(b, way_by("http://b:2"));
	second = way_box_take(b);
	ck_assert_str_eq(way_proxy(first, true), "http://a:1");
	ck_assert_str_eq(way_proxy(second, true), "http://b:2");
	ck_assert(!way_same(first, second));
	way_box_drop(b, first);
	way_box_drop(b, second);
	way_box_free(b);
}
END_TEST

/* openssl's own server, which wants a certificate; its port is in "out". */
static pid_t serve(int *port)
{
	pid_t pid = fork();
	char line[128], path[48];
	FILE *f;
	int ms;

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (chdir(dir) < 0 || !freopen("out", "w", stdout) ||
		    !freopen("/dev/null", "r", stdin) ||
		    !freopen("/dev/null", "w", stderr))
			_exit(126);
		(void)execlp("openssl", "openssl", "s_server", "-accept",
			     "127.0.0.1:0", "-cert", "cert.pem", "-key", "key",
			     "-Verify", "1", "-verify_return_error", "-CAfile",
			     "cert.pem", "-www", NULL);
		_exit(127);
	}
	(void)snprintf(path, sizeof(path), "%s/out", dir);
	for (ms = 0, *port = 0; *port == 0 && ms < 10000; ms += 5) {
		poll(NULL, 0, 5);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f))
			(void)sscanf(line, "ACCEPT 127.0.0.1:%d", port);
		if (f)
			(void)fclose(f);
	}
	ck_assert_int_gt(*port, 0);
	return pid;
}

START_TEST(client_shows_its_certificate)
{
	char ca[48], cert[48], key[48], url[48];
	struct conf_way c = { .proxy = (char *)"direct", .ca_file = ca };
	pid_t pid;
	int port;

	run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
	    " -nodes -keyout key -out cert.pem -days 2 -subj /CN=localhost"
	    " -addext subjectAltName=DNS:localhost 2>/dev/null");
	(void)snprintf(ca, sizeof(ca), "%s/cert.pem", dir);
	(void)snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	(void)snprintf(key, sizeof(key), "%s/key", dir);
	pid = serve(&port);
	(void)snprintf(url, sizeof(url), "https://localhost:%d/", port);
	ck_assert_int_eq(get(&c, url), 0);
	c.client_cert_file = cert;
	c.client_key_file = key;
	ck_assert_int_eq(get(&c, url), 200);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("way");
	TCase *tc = tcase_create("way");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, password_wants_a_user);
	tcase_add_test(tc, password_file_that_is_missing_is_named);
	tcase_add_test(tc, way_of_the_moment_is_for_who_comes_then);
	tcase_add_loop_test(tc, proxy_is_the_one_that_curl_takes, 0,
			    sizeof(envs) / sizeof(envs[0]));
	tcase_add_test(tc, client_shows_its_certificate);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
