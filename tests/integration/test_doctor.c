/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "integration/rig.h"
#include "peer.h"

static struct rig rig;
static struct json *report;

/* Runs it; what it says is in report. */
static int doctor(const char *tenant)
{
	struct err e = { 0 };
	char *out = NULL;
	int rc = rig_ctl(&rig, &out, ARGS("--json", "doctor", tenant));

	json_free(report);
	report = out ? json_parse(out, strlen(out), 1 << 20, &e) : NULL;
	ck_assert_msg(report != NULL, "%d: %s", rc, out ? out : "?");
	free(out);
	return rc;
}

/* The member of the one check of that name. */
static const char *told(const char *check, const char *member)
{
	static char nothing[] = "";
	const char *name, *s;
	char at[64];
	size_t i;

	for (i = 0; i < json_len(report, "checks"); i++) {
		(void)snprintf(at, sizeof(at), "checks.%zu.check", i);
		name = json_str(report, at);
		if (!name || strcmp(name, check) != 0)
			continue;
		(void)snprintf(at, sizeof(at), "checks.%zu.%s", i, member);
		s = json_str(report, at);
		return s ? s : nothing;
	}
	return nothing;
}

static void check_told(const char *check, const char *result)
{
	ck_assert_msg(strcmp(told(check, "result"), result) == 0, "%s: %s, %s",
		      check, told(check, "result"), told(check, "seen"));
}

static void teardown(void)
{
	json_free(report);
	report = NULL;
	rig_close(&rig);
}

static const char *const well[] = {
	"disk space",
	"key",
	"store",
	"state",
	"admin socket",
	"daemon",
	"open files",
	"settings",
	"proxy",
	"HTTPS to Slack",
	"clock",
	"app token of A1",
	"WSS for A1",
	"connections of A1",
	"bot token of acme in T1",
	"scopes of acme in T1",
	"model \"main\"",
	"model \"fast\"",
};

/* Only the sandbox of the unit is missing here. */
START_TEST(daemon_that_is_well_gets_no_failure)
{
	size_t i;

	rig_up(&rig);
	ck_assert_int_eq(doctor(NULL), 1);
	for (i = 0; i < sizeof(well) / sizeof(well[0]); i++)
		check_told(well[i], "ok");
	check_told("sandbox", "warning");
	ck_assert_str_eq(json_str(report, "result"), "warning");
	ck_assert_ptr_nonnull(
		strstr(told("HTTPS to Slack", "seen"), "konstruct-sim CA"));
	/* The daemon has kept its link. */
	ck_assert_int_eq(sim_wait_links(rig.sim, "A1", 1, 30000), 0);
}
END_TEST

START_TEST(without_a_daemon_the_ways_are_tried_all_the_same)
{
	struct err e = { 0 };

	rig_open(&rig, NULL);
	ck_assert_int_eq(bed_apply(&rig.bed, &e), 0);
	ck_assert_int_eq(doctor("acme"), 1);
	check_told("daemon", "warning");
	check_told("WSS for A1", "ok");
	check_told("model \"main\"", "ok");
}
END_TEST

START_TEST(scopes_that_lack_are_named)
{
	static const struct sim_install bare = {
		.app_id = "A2",
		.team_id = "T2",
		.bot_token = "xoxb-sim-t2",
		.bot_user_id = "UB2",
		.bot_id = "BB2",
		.name = "bare",
		.scopes = "chat:write,im:history",
	};

	rig_open(&rig, NULL);
	ck_assert_int_eq(sim_add_app(rig.sim, "A2", "xapp-1-A2-1-sim", NULL),
			 0);
	ck_assert_int_eq(sim_add_install(rig.sim, &bare), 0);
	rig_start(&rig);
	ck_assert_int_eq(doctor("bare"), 2);
	check_told("scopes of bare in T2", "failure");
	ck_assert_ptr_nonnull(strstr(told("scopes of bare in T2", "seen"),
				     "app_mentions:read"));
	ck_assert_ptr_nonnull(
		strstr(told("scopes of bare in T2", "do"), "reinstall"));
	ck_assert_str_eq(told("scopes of acme in T1", "result"), "");
}
END_TEST

START_TEST(settings_that_do_not_run_are_told)
{
	FILE *f;

	rig_up(&rig);
	f = fopen(rig.bed.config, "a");
	ck_assert_ptr_nonnull(f);
	fputs("daemon { routers = 7 }\nlimits { burst = 9 }\n", f);
	fclose(f);
	ck_assert_int_eq(doctor("acme"), 1);
	check_told("settings", "warning");
	ck_assert_ptr_nonnull(strstr(told("settings", "seen"),
				     "daemon.routers, limits.burst"));
	ck_assert_ptr_nonnull(strstr(told("settings", "do"), "restart"));
}
END_TEST

START_TEST(revoked_token_is_told)
{
	rig_up(&rig);
	sim_token_error(rig.sim, "xoxb-sim-t1", "token_revoked");
	ck_assert_int_eq(doctor(NULL), 2);
	check_told("bot token of acme in T1", "failure");
	ck_assert_ptr_nonnull(strstr(told("bot token of acme in T1", "seen"),
				     "token_revoked"));
	check_told("WSS for A1", "ok");
}
END_TEST

START_TEST(socket_mode_that_is_off_is_no_bad_token)
{
	rig_up(&rig);
	sim_token_error(rig.sim, "xapp-1-A1-1-sim", "link_disabled");
	ck_assert_int_eq(doctor(NULL), 2);
	check_told("app token of A1", "failure");
	ck_assert_ptr_nonnull(
		strstr(told("app token of A1", "do"), "Socket Mode"));
}
END_TEST

/* No new one would be of use: so nobody is told that one is made. */
START_TEST(key_that_is_gone_from_under_a_store_is_a_failure)
{
	char path[128];

	rig_up(&rig);
	(void)snprintf(path, sizeof(path), "%s/state/key", rig.bed.dir);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(doctor(NULL), 2);
	check_told("key", "failure");
	ck_assert_ptr_nonnull(strstr(told("key", "seen"), "gone"));
	ck_assert_ptr_nonnull(strstr(told("key", "do"), "leave it running"));
	ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

START_TEST(ghost_is_counted)
{
	const struct answer *a;
	struct peer *p, *ghost;
	struct json *j;
	struct err e = { 0 };
	const char *url, *text;

	rig_up(&rig);
	p = peer_open(sim_port(rig.sim), rig.bed.ca);
	a = peer_post(p, "/api/apps.connections.open", "xapp-1-A1-1-sim", NULL,
		      "");
	j = json_parse(a->body, a->len, 1 << 20, &e);
	url = json_str(j, "url");
	ck_assert_ptr_nonnull(url);
	ghost = peer_open(sim_port(rig.sim), rig.bed.ca);
	ck_assert_int_eq(peer_upgrade(ghost, strchr(url + 6, '/')), 101);
	ck_assert_int_eq(peer_frame(ghost, &text), 1);
	json_free(j);
	ck_assert_int_eq(doctor("acme"), 1);
	check_told("connections of A1", "warning");
	peer_close(ghost);
	peer_close(p);
}
END_TEST

START_TEST(password_of_a_proxy_is_not_shown)
{
	struct err e = { 0 };

	rig_open(&rig, NULL);
	ck_assert_int_eq(bed_apply(&rig.bed, &e), 0);
	setenv("all_proxy", "http://me:p@ss@127.0.0.1:1", 1);
	(void)doctor("acme");
	unsetenv("all_proxy");
	ck_assert_str_eq(told("proxy", "seen"), "127.0.0.1:1");
}
END_TEST

START_TEST(proxy_that_is_not_there_is_told)
{
	struct err e = { 0 };

	rig_set_way(
		" proxy = \"http://127.0.0.1:1\"\n no_proxy = \"x.test\"\n");
	rig_open(&rig, NULL);
	ck_assert_int_eq(bed_apply(&rig.bed, &e), 0);
	ck_assert_int_eq(doctor(NULL), 2);
	check_told("HTTPS to Slack", "failure");
	check_told("model \"main\"", "failure");
	ck_assert_str_eq(told("proxy", "seen"), "http://127.0.0.1:1");
}
END_TEST

/* What is appended to the settings that there are. */
static void add_model(const char *text)
{
	FILE *f = fopen(rig.bed.config, "a");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(key_that_cannot_be_read_hides_no_other_model)
{
	rig_up(&rig);
	add_model("llm cred { url = \"https://localhost/v1\"\n"
		  " api_key_file = \"credential:k\" }\n");
	ck_assert_int_eq(doctor(NULL), 1);
	check_told("model \"cred\"", "warning");
	check_told("model \"main\"", "ok");
	add_model("llm gone { url = \"https://localhost/v1\"\n"
		  " api_key_file = \"/nonexistent/k\" }\n");
	ck_assert_int_eq(doctor(NULL), 2);
	check_told("model \"gone\"", "failure");
	check_told("model \"main\"", "ok");
}
END_TEST

/* The certificate is good for another CA than the one that is trusted. */
START_TEST(signer_that_is_not_trusted_is_named)
{
	char path[128], sh[512];
	struct err e = { 0 };

	rig_open(&rig, NULL);
	ck_assert_int_eq(bed_apply(&rig.bed, &e), 0);
	(void)snprintf(path, sizeof(path), "%s/other.pem", rig.bed.dir);
	(void)snprintf(sh, sizeof(sh),
		       "openssl req -x509 -newkey ec -pkeyopt"
		       " ec_paramgen_curve:P-256 -nodes -keyout /dev/null"
		       " -out %s -subj /CN=other 2>/dev/null &&"
		       " mv %s %s",
		       path, path, rig.bed.ca);
	ck_assert_int_eq(system(sh), 0);
	ck_assert_int_eq(doctor(NULL), 2);
	check_told("HTTPS to Slack", "failure");
	ck_assert_ptr_nonnull(strstr(told("HTTPS to Slack", "seen"),
				     "signed by CN = konstruct-sim CA"));
}
END_TEST

START_TEST(tenant_that_answers_nobody_is_told)
{
	const char *const pause[] = { "tenant", "pause", "acme", NULL };
	char *out;

	rig_up(&rig);
	ck_assert_int_eq(rig_ctl(&rig, &out, pause), 0);
	free(out);
	ck_assert_int_eq(doctor("acme"), 1);
	check_told("tenant acme", "warning");
	ck_assert_ptr_nonnull(
		strstr(told("tenant acme", "do"), "tenant resume"));
}
END_TEST

/* As systemd gives them to the unit: in its environment alone. */
START_TEST(root_tries_a_model_with_the_credential_of_the_unit)
{
	char dir[128], path[160];
	FILE *f;

	rig_set_model(" api_key_file = \"credential:k\"\n");
	rig_open(&rig, NULL);
	rig_set_model(NULL);
	(void)snprintf(dir, sizeof(dir), "%s/credentials", rig.bed.dir);
	(void)snprintf(path, sizeof(path), "%s/k", dir);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs("sk-unit\n", f);
	ck_assert_int_eq(fclose(f), 0);
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	rig_start(&rig);
	unsetenv("CREDENTIALS_DIRECTORY");
	(void)doctor(NULL);
	if (geteuid() == 0) {
		check_told("model \"main\"", "ok");
	} else {
		check_told("model \"main\"", "warning");
		ck_assert_ptr_nonnull(
			strstr(told("model \"main\"", "do"), "sudo"));
	}
	rig_kill(&rig);
	(void)doctor(NULL);
	check_told("model \"main\"", "warning");
	ck_assert_ptr_nonnull(strstr(told("model \"main\"", "do"),
				     "systemctl start konstructd"));
	check_told("admin socket", "ok"); /* it is left behind */
	ck_assert_int_eq(unlink(rig.bed.admin), 0);
	(void)doctor(NULL);
	check_told("admin socket", "warning");
}
END_TEST

/* A network's login page stands in the place of both. */
START_TEST(html_in_the_place_of_an_answer_is_told)
{
	const struct sim_fault page = { .kind = SIM_FAULT_STATUS,
					.method = "auth.test",
					.status = 200,
					.error = "<html>Log in</html>" };
	const struct sim_llm html = { .mode = SIM_LLM_STATUS,
				      .status = 200,
				      .body = "<html>Log in</html>" };

	rig_up(&rig);
	sim_fault(rig.sim, &page);
	ck_assert_int_eq(sim_llm(rig.sim, &html), 0);
	ck_assert_int_eq(doctor(NULL), 2);
	check_told("bot token of acme in T1", "failure");
	ck_assert_ptr_nonnull(strstr(told("bot token of acme in T1", "seen"),
				     "is not Slack: HTTP 200 without JSON"));
	check_told("model \"main\"", "failure");
	ck_assert_ptr_nonnull(
		strstr(told("model \"main\"", "seen"), "HTML instead"));
}
END_TEST

START_TEST(tenant_that_is_not_there_is_told)
{
	rig_up(&rig);
	ck_assert_int_eq(doctor("nobody"), 2);
	check_told("tenants", "failure");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("doctor");
	TCase *tc = tcase_create("doctor");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, daemon_that_is_well_gets_no_failure);
	tcase_add_test(tc, without_a_daemon_the_ways_are_tried_all_the_same);
	tcase_add_test(tc, scopes_that_lack_are_named);
	tcase_add_test(tc, settings_that_do_not_run_are_told);
	tcase_add_test(tc, revoked_token_is_told);
	tcase_add_test(tc, socket_mode_that_is_off_is_no_bad_token);
	tcase_add_test(tc, key_that_is_gone_from_under_a_store_is_a_failure);
	tcase_add_test(tc, ghost_is_counted);
	tcase_add_test(tc, password_of_a_proxy_is_not_shown);
	tcase_add_test(tc, proxy_that_is_not_there_is_told);
	tcase_add_test(tc, key_that_cannot_be_read_hides_no_other_model);
	tcase_add_test(tc, signer_that_is_not_trusted_is_named);
	tcase_add_test(tc, tenant_that_is_not_there_is_told);
	tcase_add_test(tc, html_in_the_place_of_an_answer_is_told);
	tcase_add_test(tc, tenant_that_answers_nobody_is_told);
	tcase_add_test(tc, root_tries_a_model_with_the_credential_of_the_unit);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
