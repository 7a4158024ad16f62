/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "integration/rig.h"
#include "proxy.h"
#include "scripted.h"

/* Settings that change while the daemon runs. */

#define MANY 20

static struct rig rig;
static struct cert *stranger;

static void setup(void)
{
	rig_up(&rig);
}

static void teardown(void)
{
	rig_close(&rig);
}

/* What conf.d says from now on. */
static void put(const char *text)
{
	char path[RIG_PATH];

	(void)snprintf(path, sizeof(path), "%s/conf.d", rig.bed.dir);
	(void)mkdir(path, 0700);
	rig_file(&rig, "conf.d/t.conf", text, path);
}

static void holds(char *out, const char *words)
{
	ck_assert_msg(strstr(out, words) != NULL, "no '%s' in: %s", words, out);
	free(out);
}

static void reload(void)
{
	rig_do(&rig, 0, ARGS("reload"));
}

static void ask(const char *text, char ts[SIM_TS])
{
	rig_say(&rig, "C1", "U1", text, NULL, ts);
}

static uint64_t links_opened(void)
{
	struct sim_stats st;

	sim_stats(rig.sim, &st);
	return st.links_opened;
}

static const char *const variants[] = {
	"limits { burst = 40 }\ndaemon { log_level = debug }\n"
	"slack { updates_per_minute = 600 }\n",
	"llm main { max_tokens = 500 concurrency = 3 }\n"
	"daemon { dials_per_second = 50 log_format = json }\n",
	"llm main { timeout_s = 60 }\nllm fast { concurrency = 1 }\n"
	"slack { timeout_s = 20 posts_per_second = 20 }\n",
};

START_TEST(reload_under_load_drops_no_link_and_loses_no_answer)
{
	char ts[MANY][SIM_TS];
	int i;

	rig_pace(&rig, 100, 30);
	for (i = 0; i < MANY; i++) {
		ask("<@UB1> hello", ts[i]);
		put(variants[i % 3]);
		reload();
	}
	for (i = 0; i < MANY; i++) {
		char *text = rig_answer(&rig, "C1", ts[i]);

		ck_assert_msg(strstr(text, "Sorry") == NULL, "%s", text);
		free(text);
		ck_assert_uint_eq(rig_replies(&rig, "C1", ts[i]), 1);
	}
	ck_assert_uint_eq(links_opened(), 1);
	ck_assert_uint_eq(sim_links(rig.sim, "A1"), 1);
}
END_TEST

static void metric_is(const char *line)
{
	char *page;

	ck_assert_int_eq(rig_get(&rig, "/metrics", &page), 200);
	holds(page, line);
}

START_TEST(bad_file_keeps_what_runs)
{
	char ts[SIM_TS];

	put("limits { burst = 1 }\nlimits { burst = many }\n");
	ck_assert_int_eq(kill(rig.bed.pid, SIGHUP), 0);
	ck_assert(rig_logged(&rig, "the settings stay as they were", MS));
	ck_assert(rig_logged(&rig, "conf.d/t.conf:2: 'burst'", MS));
	metric_is("\nkonstruct_settings_ok 0\n");
	rig_do(&rig, 78, ARGS("reload"));
	put("");
	rig_tells(&rig, 0, ARGS("config", "diff"), "the file says what runs");
	reload();
	metric_is("\nkonstruct_settings_ok 1\n");
	ask("<@UB1> hello", ts);
	free(rig_answer(&rig, "C1", ts));
}
END_TEST

/* What it names isn't there: a mistake that only shows when it is used. */
START_TEST(key_that_cannot_be_read_changes_nothing)
{
	put("limits { burst = 1 }\n"
	    "llm fast { api_key_file = \"/nonexistent/key\" }\n");
	rig_tells(&rig, 78, ARGS("reload"), "conf.d/t.conf:2: llm \"fast\"");
	ck_assert(rig_logged(&rig, "/nonexistent/key", MS));
	put("limits { burst = 1 }\n");
	rig_tells(&rig, 0, ARGS("config", "diff"), "by reload");
}
END_TEST

START_TEST(ca_that_cannot_be_read_changes_nothing)
{
	put("llm \"other\" { url = \"https://localhost/v1\"\n"
	    " ca_file = \"/nonexistent/ca\" }\nlimits { burst = 9 }\n");
	rig_tells(&rig, 78, ARGS("reload"), "conf.d/t.conf:2: ");
	rig_tells(&rig, 0, ARGS("config", "diff"), "limits.burst");
}
END_TEST

START_TEST(setting_that_needs_a_restart_is_refused_by_name)
{
	char *out;

	put("\ndaemon { routers = 7 }\nlimits { burst = 9 }\n");
	out = rig_run(&rig, 0, ARGS("config", "diff", "--json"));
	ck_assert_ptr_nonnull(strstr(out, "\"daemon.routers\""));
	ck_assert_ptr_nonnull(strstr(out, "conf.d/t.conf:2\",\"live\":false"));
	ck_assert_ptr_nonnull(strstr(out, "conf.d/t.conf:3\",\"live\":true"));
	free(out);
	out = rig_run(&rig, 0, ARGS("reload"));
	ck_assert_ptr_nonnull(strstr(out, "needs a restart"));
	ck_assert_ptr_nonnull(strstr(out, "in force"));
	free(out);
	ck_assert(rig_logged(&rig, "a setting needs a restart", MS));
	/* It goes on differing, and alone. */
	out = rig_run(&rig, 0, ARGS("config", "diff"));
	ck_assert_ptr_null(strstr(out, "burst"));
	holds(out, "daemon.routers");
}
END_TEST

START_TEST(secret_is_not_shown)
{
	char *out;

	put("store { url = \"postgresql://u:hunter2@127.0.0.1/x\" }\n");
	out = rig_run(&rig, 0, ARGS("config", "diff", "--json"));
	ck_assert_ptr_null(strstr(out, "hunter2"));
	holds(out, "\"store.url\",\"running\":\"(hidden)\"");
	reload();
	ck_assert(rig_logged(&rig, "store.url", MS));
	out = bed_log(&rig.bed);
	ck_assert_ptr_null(strstr(out, "hunter2"));
	free(out);
}
END_TEST

START_TEST(running_turn_ends_with_the_model_that_it_began_with)
{
	char first[SIM_TS], second[SIM_TS], third[SIM_TS];
	char *text;

	rig_pace(&rig, 100, 30);
	ask("<@UB1> hello", first);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	put("llm main { url = \"http://127.0.0.1:1/v1\" }\n");
	reload();
	ask("<@UB1> are you there?", second);
	text = rig_answer(&rig, "C1", second);
	ck_assert_ptr_nonnull(strstr(text, "ref."));
	free(text);
	text = rig_answer(&rig, "C1", first);
	ck_assert_ptr_null(strstr(text, "ref."));
	free(text);
	put("");
	reload();
	ask("<@UB1> and now?", third);
	text = rig_answer(&rig, "C1", third);
	ck_assert_ptr_null(strstr(text, "ref."));
	free(text);
}
END_TEST

START_TEST(new_model_is_there_for_an_agent)
{
	const char *const set[] = { "agent",   "set",   "acme",
				    "--model", "extra", NULL };
	struct sim_ask *asks;
	char ts[SIM_TS];
	char text[512];
	size_t n;

	rig_do(&rig, 65, set);
	(void)snprintf(text, sizeof(text),
		       "llm extra { url = \"%s\" model = \"sim-extra\""
		       " ca_file = \"%s\" }\n",
		       sim_llm_url(rig.sim), rig.bed.ca);
	put(text);
	reload();
	rig_do(&rig, 0, set);
	ask("<@UB1> hello", ts);
	free(rig_answer(&rig, "C1", ts));
	asks = sim_asks(rig.sim, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(asks[0].model, "sim-extra");
	sim_asks_free(asks, n);
}
END_TEST

START_TEST(signal_brings_new_limits)
{
	char ts[SIM_TS];

	put("limits { rate_per_minute = 1 burst = 1 }\n");
	ck_assert_int_eq(kill(rig.bed.pid, SIGHUP), 0);
	ck_assert(rig_logged(&rig, "the settings were read again", MS));
	ask("<@UB1> hello", ts);
	free(rig_answer(&rig, "C1", ts));
	ask("<@UB1> hello again", ts);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 1, MS), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 0);
}
END_TEST

START_TEST(longer_window_holds_for_threads_that_are_there)
{
	struct sim_say late = { 0 };
	char ts[SIM_TS], when[SIM_TS];

	ask("<@UB1> hello", ts);
	free(rig_answer(&rig, "C1", ts));
	put("limits { engaged_minutes = 60 }\n");
	reload();
	rig_later(ts, 45 * 60, when);
	late.thread_ts = ts;
	late.ts = when;
	ck_assert_int_eq(
		sim_say(rig.sim, "C1", "U1", "still there?", &late, NULL), 0);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
	free(rig_answer(&rig, "C1", ts));
}
END_TEST

START_TEST(proxy_is_for_what_connects_from_then_on)
{
	static const struct proxy_habits none;
	struct proxy *p = proxy_start(&none);
	char text[512];
	char ts[SIM_TS];
	size_t before;

	ask("<@UB1> hello", ts);
	free(rig_answer(&rig, "C1", ts));
	(void)snprintf(text, sizeof(text),
		       "slack { proxy = \"%s\" no_proxy = \"elsewhere.test\" }"
		       "\nllm main { proxy = \"%s\" no_proxy = "
		       "\"elsewhere.test\" }\n",
		       proxy_url(p), proxy_url(p));
	put(text);
	reload();
	ck_assert_uint_eq(proxy_tunnels(p), 0);
	ask("<@UB1> hello again", ts);
	free(rig_answer(&rig, "C1", ts));
	before = proxy_tunnels(p);
	ck_assert_uint_ge(before, 1);
	ck_assert_uint_eq(links_opened(), 1);
	/* A link that is dialed anew goes through it as well. */
	ck_assert_int_eq(sim_cut(rig.sim, "A1", SIM_CUT_RESET), 1);
	ck_assert(rig_logged(&rig, "live", MS));
	while (links_opened() < 2)
		ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
	ck_assert_uint_gt(proxy_tunnels(p), before);
	put("slack { proxy = direct }\nllm main { proxy = direct }\n");
	reload();
	before = proxy_tunnels(p);
	ask("<@UB1> once more", ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(proxy_tunnels(p), before);
	rig_stop(&rig);
	proxy_stop(p);
}
END_TEST

/* A CA that signed nothing here, and the simulator's; in one and the same file
 * (0), or by its name (1). */
static void trust(int by_name, bool right)
{
	char path[160], text[8192];
	size_t n;
	FILE *f = fopen(right ? rig.bed.ca : cert_file(stranger), "r");

	n = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	(void)snprintf(path, sizeof(path), "%s/ca%d.pem", rig.bed.dir,
		       by_name ? right : 0);
	f = fopen(path, "w");
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	(void)fclose(f);
	(void)snprintf(text, sizeof(text), "slack { ca_file = \"%s\" }\n",
		       path);
	put(text);
	reload();
}

START_TEST(cas_are_for_what_connects_from_then_on)
{
	uint64_t before = links_opened();
	char ts[SIM_TS];

	stranger = cert_create();
	trust(_i, true);
	ask("<@UB1> hello", ts);
	free(rig_answer(&rig, "C1", ts));
	trust(_i, false);
	/* The link stays; but HTTPS connections aren't used again. */
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, MS), 0);
	ck_assert_uint_eq(links_opened(), before);
	ck_assert_int_eq(sim_cut(rig.sim, "A1", SIM_CUT_RESET), 1);
	ck_assert(rig_logged(&rig, "SSL certificate problem", MS));
	ck_assert_uint_eq(links_opened(), before);
	trust(_i, true);
	rig_do(&rig, 0, ARGS("app", "connect", "A1"));
	ck_assert_uint_eq(links_opened(), before + 1);
	ask("<@UB1> hello again", ts);
	free(rig_answer(&rig, "C1", ts));
	cert_free(stranger);
}
END_TEST

START_TEST(settings_are_checked_without_a_daemon)
{
	rig_tells(&rig, 0, ARGS("config", "check"), "no mistakes");
	put("llm fast { api_key_file = \"/nonexistent/key\" }\n");
	rig_tells(&rig, 78, ARGS("config", "check"), "conf.d/t.conf:1: llm");
	put("daemon { workers = 2 }\n");
	rig_tells(&rig, 0, ARGS("config", "check", "--json"), "conf.d/t.conf");
}
END_TEST

START_TEST(a_part_of_the_log_gets_a_level_while_it_runs)
{
	char ts[SIM_TS];

	rig_tells(&rig, 0, ARGS("log-level", "info"), "info");
	ask("<@UB1> hello", ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert(!rig_logged(&rig, "msg=\"turn: ", 0));
	rig_tells(&rig, 0, ARGS("log-level", "turn", "debug"), "debug");
	ask("<@UB1> hello", ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert(rig_logged(&rig, "msg=\"turn: ", MS));
	rig_tells(&rig, 0, ARGS("log-level", "turn", "default"), "as all");
	rig_tells(&rig, 0, ARGS("--json", "log-level", "warn"),
		  "\"level\":\"warn\"");
	rig_tells(&rig, 65, ARGS("log-level", "nothing", "warn"),
		  "no part 'nothing'");
	rig_tells(&rig, 65, ARGS("log-level", "loud"), "is none of error");
	rig_tells(&rig, 0, ARGS("audit", "export"), "PUT /v1/log-level");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reload");
	TCase *tc = tcase_create("reload");
	SRunner *sr;
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, reload_under_load_drops_no_link_and_loses_no_answer);
	tcase_add_test(tc, bad_file_keeps_what_runs);
	tcase_add_test(tc, key_that_cannot_be_read_changes_nothing);
	tcase_add_test(tc, ca_that_cannot_be_read_changes_nothing);
	tcase_add_test(tc, setting_that_needs_a_restart_is_refused_by_name);
	tcase_add_test(tc, secret_is_not_shown);
	tcase_add_test(tc, running_turn_ends_with_the_model_that_it_began_with);
	tcase_add_test(tc, new_model_is_there_for_an_agent);
	tcase_add_test(tc, signal_brings_new_limits);
	tcase_add_test(tc, longer_window_holds_for_threads_that_are_there);
	tcase_add_test(tc, proxy_is_for_what_connects_from_then_on);
	tcase_add_loop_test(tc, cas_are_for_what_connects_from_then_on, 0, 2);
	tcase_add_test(tc, settings_are_checked_without_a_daemon);
	tcase_add_test(tc, a_part_of_the_log_gets_a_level_while_it_runs);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
