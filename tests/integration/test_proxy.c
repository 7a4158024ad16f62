/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "integration/rig.h"
#include "proxy.h"

/*
 * The daemon behind proxies: what it says to Slack and the model, and the
 * WebSocket, goes through them.
 */

/* "mara:secret" */
#define LOGIN "bWFyYTpzZWNyZXQ="

static struct rig rig;
static struct proxy_box box;
static char lines[512];

static void set_way(const char *url, const char *password_file,
		    const char *auth)
{
	(void)snprintf(lines, sizeof(lines),
		       " proxy = \"%s\"\n no_proxy = \"elsewhere.test\"\n"
		       " proxy_user = \"%s\"\n proxy_password_file = \"%s\"\n"
		       " proxy_auth = \"%s\"\n",
		       url, password_file[0] ? "mara" : "", password_file,
		       auth);
	rig_set_way(lines);
}

static void check_answers(void)
{
	char ts[SIM_TS];

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
}

static bool no_links(struct sim *s, void *arg)
{
	(void)arg;
	return sim_links(s, "A1") == 0;
}

static const struct {
	const char *box;
	const char *auth;
} boxes[] = {
	{ "basic", "any" }, { "digest", "any" },      { "ntlm", "any" },
	{ "tls", "basic" }, { "tinyproxy", "basic" },
};

START_TEST(everything_goes_through_the_proxy)
{
	proxy_box_start(&box, boxes[_i].box);
	set_way(box.url, box.password_file, boxes[_i].auth);
	(void)snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
		       " ca_dir = \"%s\"\n", box.dir);
	rig_up(&rig);
	check_answers();
	proxy_box_stop(&box);
	ck_assert_int_eq(sim_wait(rig.sim, no_links, NULL, MS), 0);
	/* Tickets, the Web API, the model, and perhaps the link: squid tells
	 * of a tunnel when it ends. */
	ck_assert_uint_ge(proxy_box_logged(&box, "CONNECT"), 3);
	rig_close(&rig);
	proxy_box_remove(&box);
}
END_TEST

/* The last with a login, so that it is asked twice for each tunnel. */
static const struct proxy_habits habits[] = {
	{ .split_ms = 30 },
	{ .delay_ms = 400 },
	{ .split_ms = 20, .delay_ms = 20, .basic = LOGIN },
};

START_TEST(strange_proxy_is_put_up_with)
{
	struct proxy *p = proxy_start(&habits[_i]);
	struct proxy_box password;

	proxy_box_make(&password);
	set_way(proxy_url(p), habits[_i].basic ? password.password_file : "",
		"any");
	rig_up(&rig);
	check_answers();
	ck_assert_uint_ge(proxy_tunnels(p), 3);
	rig_close(&rig);
	proxy_stop(p);
	proxy_box_remove(&password);
}
END_TEST

START_TEST(link_whose_tunnel_was_dropped_comes_back)
{
	static const struct proxy_habits impatient = { .idle_ms = 2000 };
	struct proxy *p = proxy_start(&impatient);

	set_way(proxy_url(p), "", "any");
	rig_up(&rig);
	check_answers();
	ck_assert_int_eq(sim_wait(rig.sim, no_links, NULL, MS), 0);
	ck_assert_uint_ge(proxy_drops(p), 1);
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
	check_answers();
	rig_close(&rig);
	proxy_stop(p);
}
END_TEST

START_TEST(refused_login_is_told)
{
	static const struct proxy_habits strict = { .basic = "nobody" };
	struct proxy *p = proxy_start(&strict);
	struct err e = { 0 };

	set_way(proxy_url(p), "", "any");
	rig_open(&rig, NULL);
	ck_assert_int_eq(bed_apply(&rig.bed, &e), 0);
	ck_assert_int_eq(bed_start(&rig.bed, &e), 0);
	ck_assert(rig_logged(&rig, "407", MS));
	ck_assert_uint_eq(proxy_tunnels(p), 0);
	rig_close(&rig);
	proxy_stop(p);
}
END_TEST

/* libcurl would read it for as long as it comes, and nothing else had its turn
 * on that thread: no deadline, no other link, not the end. */
START_TEST(refusal_without_end_is_left)
{
	static const struct proxy_habits endless = { .endless = true };
	struct proxy *p = proxy_start(&endless);
	struct err e = { 0 };

	proxy_box_make(&box);
	set_way(proxy_url(p), box.password_file, "any");
	rig_open(&rig, NULL);
	ck_assert_int_eq(bed_apply(&rig.bed, &e), 0);
	ck_assert_int_eq(bed_start(&rig.bed, &e), 0);
	ck_assert(rig_logged(&rig, "the proxy's answer has no end", MS));
	rig_close(&rig);
	proxy_stop(p);
	proxy_box_remove(&box);
}
END_TEST

/* As curl reads it: for https, and not for what no_proxy lists. */
static const struct {
	const char *name;
	const char *no_proxy;
	bool used;
} envs[] = {
	{ "https_proxy", "elsewhere.test", true },
	{ "ALL_PROXY", "elsewhere.test", true },
	{ "http_proxy", "elsewhere.test", false },
	{ "https_proxy", "localhost,127.0.0.1", false },
};

START_TEST(environment_counts_as_for_curl)
{
	static const struct proxy_habits none = { 0 };
	struct proxy *p = proxy_start(&none);

	setenv(envs[_i].name, proxy_url(p), 1);
	setenv("no_proxy", envs[_i].no_proxy, 1);
	rig_up(&rig);
	check_answers();
	if (envs[_i].used)
		ck_assert_uint_ge(proxy_tunnels(p), 3);
	else
		ck_assert_uint_eq(proxy_tunnels(p), 0);
	rig_close(&rig);
	proxy_stop(p);
}
END_TEST

START_TEST(direct_overrules_the_environment)
{
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	rig_set_way(" proxy = \"direct\"\n");
	rig_up(&rig);
	check_answers();
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("proxy");
	TCase *tc = tcase_create("proxy");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, everything_goes_through_the_proxy, 0,
			    sizeof(boxes) / sizeof(boxes[0]));
	tcase_add_loop_test(tc, strange_proxy_is_put_up_with, 0,
			    sizeof(habits) / sizeof(habits[0]));
	tcase_add_test(tc, link_whose_tunnel_was_dropped_comes_back);
	tcase_add_test(tc, refused_login_is_told);
	tcase_add_test(tc, refusal_without_end_is_left);
	tcase_add_loop_test(tc, environment_counts_as_for_curl, 0,
			    sizeof(envs) / sizeof(envs[0]));
	tcase_add_test(tc, direct_overrules_the_environment);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
