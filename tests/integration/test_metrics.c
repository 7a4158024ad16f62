/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "integration/rig.h"
#include "promtext.h"

static struct rig rig;
static char *page;

/* Asks again until it is so. */
static void wait_for(const char *sample)
{
	int i;

	for (i = 0; i < 3000 && promtext_value(page, sample) < 1; i++) {
		free(page);
		ck_assert_int_eq(rig_get(&rig, "/metrics", &page), 200);
	}
	ck_assert_msg(promtext_value(page, sample) >= 1, "no %s", sample);
}

static void setup(void)
{
	char ts[SIM_TS];

	rig_up(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> where is Atlantis?", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_int_eq(rig_get(&rig, "/metrics", &page), 200);
	ck_assert_ptr_nonnull(page);
	/* The last that is counted. */
	wait_for("konstruct_turns_total{outcome=\"answered\"}");
	wait_for(
		"konstruct_tenant_tokens_total{tenant=\"acme\",kind=\"prompt\"}");
}

static void teardown(void)
{
	free(page);
	page = NULL;
	rig_close(&rig);
}

START_TEST(the_page_is_as_prometheus_wants_it)
{
	const char *wrong = promtext_check(page);

	ck_assert_msg(!wrong, "%s", wrong);
}
END_TEST

/* Where there is one; tests/promtext.c finds most of what it would. */
START_TEST(promtool_has_no_complaint)
{
	const char *dir = getenv("KONSTRUCT_SRCDIR");
	const char *mine = getenv("PROMTOOL");
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/build/promtool/usr/bin/promtool",
		       dir ? dir : ".");
	if (mine)
		(void)snprintf(path, sizeof(path), "%s", mine);
	if (access(path, X_OK) != 0)
		return;
	(void)strncat(path, " check metrics", sizeof(path) - strlen(path) - 1);
	f = popen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(page, f), 0);
	ck_assert_int_eq(pclose(f), 0);
}
END_TEST

/* Samples and what they are at least after one answer. */
static const struct {
	const char *sample;
	double least;
} samples[] = {
	{ "konstruct_healthy", 1 },
	{ "konstruct_apps_live", 1 },
	{ "konstruct_links{state=\"live\"}", 1 },
	{ "konstruct_envelopes_total", 1 },
	{ "konstruct_acks_total", 1 },
	{ "konstruct_ack_seconds_count", 1 },
	{ "konstruct_journal_commits_total", 1 },
	{ "konstruct_journal_commit_seconds_count", 1 },
	{ "konstruct_decisions_total{stage=\"dispatch\",verdict=\"accept\"}",
	  1 },
	{ "konstruct_turns_total{outcome=\"answered\"}", 1 },
	{ "konstruct_store_seconds_count", 1 },
	{ "konstruct_state_seconds_count", 1 },
	{ "konstruct_queue_seconds_count", 1 },
	{ "konstruct_placeholder_seconds_count", 1 },
	{ "konstruct_first_token_seconds_count", 1 },
	{ "konstruct_answer_seconds_count", 1 },
	{ "konstruct_edits_total", 1 },
	{ "konstruct_model_calls_total{model=\"main\",end=\"done\"}", 1 },
	{ "konstruct_tenant_turns_total{tenant=\"acme\",outcome=\"answered\"}",
	  1 },
	{ "konstruct_tenant_tokens_total{tenant=\"acme\",kind=\"prompt\"}", 1 },
	{ "process_resident_memory_bytes", 100000 },
	{ "process_open_fds", 10 },
	{ "process_max_fds", 10 },
};

START_TEST(an_answer_is_seen_from_its_envelope_to_its_tokens)
{
	size_t i;

	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		ck_assert_msg(promtext_value(page, samples[i].sample) >=
				      samples[i].least,
			      "%s", samples[i].sample);
}
END_TEST

START_TEST(why_links_go_and_which_calls_are_limited_is_counted)
{
	const struct sim_fault limit = { .kind = SIM_FAULT_STATUS,
					 .method = "chat.update",
					 .status = 429,
					 .times = 1 };
	char ts[SIM_TS];

	sim_fault(rig.sim, &limit);
	rig_say(&rig, "C1", "U1", "<@UB1> and Mu?", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	wait_for("konstruct_slack_limited_calls_total{method=\"chat.update\"}");
	ck_assert_int_eq(sim_disconnect(rig.sim, "A1", "warning", -1), 1);
	wait_for("konstruct_link_losses_total{reason=\"replaced\"}");
	wait_for("konstruct_apps_live");
	ck_assert_int_ge(sim_cut(rig.sim, "A1", SIM_CUT_RESET), 1);
	wait_for("konstruct_link_losses_total{reason=\"cut\"}");
}
END_TEST

static void check_names(const char *path)
{
	char full[512], text[65536], name[128];
	const char *dir = getenv("KONSTRUCT_SRCDIR");
	const char *p;
	size_t n, seen = 0;
	FILE *f;

	(void)snprintf(full, sizeof(full), "%s/%s", dir ? dir : ".", path);
	f = fopen(full, "r");
	ck_assert_msg(f != NULL, "%s", full);
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	for (p = strstr(text, "konstruct_"); p; p = strstr(p, "konstruct_")) {
		for (n = 0; islower((unsigned char)p[n]) || p[n] == '_'; n++)
			;
		(void)snprintf(name, sizeof(name), "%.*s", (int)n, p);
		ck_assert_msg(promtext_has(page, name), "%s: no %s", path,
			      name);
		p += n;
		seen++;
	}
	ck_assert_uint_gt(seen, 5);
}

START_TEST(alerts_and_dashboard_ask_for_what_there_is)
{
	check_names("etc/prometheus/konstruct-alerts.yml");
	check_names("etc/grafana/konstruct.json");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("metrics");
	TCase *tc = tcase_create("metrics");
	SRunner *sr;
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_test(tc, the_page_is_as_prometheus_wants_it);
	tcase_add_test(tc, promtool_has_no_complaint);
	tcase_add_test(tc, an_answer_is_seen_from_its_envelope_to_its_tokens);
	tcase_add_test(tc, why_links_go_and_which_calls_are_limited_is_counted);
	tcase_add_test(tc, alerts_and_dashboard_ask_for_what_there_is);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
