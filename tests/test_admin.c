/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/keyring.h"
#include "ctl/ctl.h"
#include "desk.h"
#include "net/loop.h"
#include "store/store.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const char desk_auth_no_app[] =
	"{\"ok\":true,\"team_id\":\"T1\",\"user_id\":\"U1\",\"bot_id\":\"B1\"}";

START_TEST(adding_a_tenant_asks_slack_for_its_ids)
{
	desk.slack.auth_test = desk_auth_ok;
	ck_assert_int_eq(desk_call("POST", "/v1/tenants", desk_acme), 200);
	ck_assert_str_eq(desk_says("connections.0.app_id"), "A1");
	ck_assert_str_eq(desk_says("connections.0.workspace_id"), "T1");
	ck_assert_str_eq(desk_says("connections.0.bot_user_id"), "U1");
	ck_assert_str_eq(desk_says("connections.0.bot_id"), "B1");
	ck_assert_int_eq(atomic_load(&desk.slack.calls), 1);
}
END_TEST

START_TEST(no_answer_shows_a_token)
{
	desk.slack.auth_test = desk_auth_ok;
	ck_assert_int_eq(desk_call("POST", "/v1/tenants", desk_acme), 200);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants/acme", NULL), 200);
	ck_assert_str_eq(desk_says("connections.0.bot_token"), "xoxb-…beef");
	ck_assert_ptr_null(strstr(desk.out.data, "2222"));
	ck_assert_ptr_null(strstr(desk.out.data, "cafe"));
}
END_TEST

START_TEST(an_app_that_auth_test_leaves_out_is_asked_of_bots_info)
{
	desk.slack.auth_test = desk_auth_no_app;
	desk.slack.bots_info = "{\"ok\":true,\"bot\":{\"app_id\":\"A1\"}}";
	ck_assert_int_eq(desk_call("POST", "/v1/tenants", desk_acme), 200);
	ck_assert_str_eq(desk_says("connections.0.app_id"), "A1");
	ck_assert_int_eq(atomic_load(&desk.slack.calls), 2);
}
END_TEST

START_TEST(without_users_read_the_app_token_names_the_app)
{
	desk.slack.auth_test = desk_auth_no_app;
	desk.slack.bots_info = "{\"ok\":false,\"error\":\"missing_scope\"}";
	ck_assert_int_eq(desk_call("POST", "/v1/tenants", desk_acme), 200);
	ck_assert_str_eq(desk_says("connections.0.app_id"), "A1");
}
END_TEST

START_TEST(an_organisation_goes_by_its_enterprise_id)
{
	desk.slack.auth_test =
		"{\"ok\":true,\"team_id\":\"T1\",\"user_id\":\"U1\","
		"\"bot_id\":\"B1\",\"app_id\":\"A1\","
		"\"enterprise_id\":\"E1\","
		"\"is_enterprise_install\":true}";
	ck_assert_int_eq(desk_call("POST", "/v1/tenants", desk_acme), 200);
	ck_assert_str_eq(desk_says("connections.0.workspace_id"), "E1");
}
END_TEST

static const struct {
	const char *auth_test;
	int status;
	const char *error;
} refusals[] = {
	{ "{\"ok\":true,\"team_id\":\"T1\",\"user_id\":\"U1\","
	  "\"bot_id\":\"B1\",\"app_id\":\"A2\"}",
	  400, "bot_token: is of app A2, the app token of A1" },
	{ "{\"ok\":false,\"error\":\"invalid_auth\"}", 400,
	  "bot_token: auth.test says 'invalid_auth': copy it anew" },
	{ "{\"ok\":false,\"error\":\"internal_error\"}", 503,
	  "bot_token: auth.test: internal_error" },
	{ "{\"ok\":true,\"team_id\":\"T1\",\"user_id\":\"U1\"}", 400,
	  "bot_token: is not a bot's" },
	{ "{\"ok\":true}", 503, "bot_token: auth.test names no workspace" },
	{ "<html>", 503, "http 200 without json: something else answers in" },
};

START_TEST(what_slack_refuses_is_not_stored)
{
	desk.slack.auth_test = refusals[_i].auth_test;
	ck_assert_int_eq(desk_call("POST", "/v1/tenants", desk_acme),
			 refusals[_i].status);
	ck_assert_msg(strstr(desk_says("error"), refusals[_i].error) != NULL,
		      "%s", desk_says("error"));
	ck_assert_int_eq(desk_call("GET", "/v1/tenants/acme", NULL), 404);
}
END_TEST

START_TEST(a_question_that_slack_limits_is_told_and_nothing_stored)
{
	desk.slack.auth_test = desk_auth_no_app;
	desk.slack.limited = _i ? "/bots.info" : "/auth.test";
	ck_assert_int_eq(desk_call("POST", "/v1/tenants", desk_acme), 503);
	ck_assert_str_eq(desk_says("error"),
			 _i ? "bot_token: bots.info: ratelimited"
			    : "bot_token: auth.test: ratelimited");
	ck_assert_int_eq(desk_call("GET", "/v1/tenants/acme", NULL), 404);
	desk.slack.limited = NULL;
	desk.slack.auth_test = desk_auth_ok;
	ck_assert_int_eq(desk_call("POST", "/v1/tenants", desk_acme), 200);
}
END_TEST

START_TEST(a_second_workspace_joins_the_tenant)
{
	ck_assert_int_eq(desk_call("POST", "/v1/tenants",
				   desk_tenant("acme", "A1", "T1")),
			 200);
	ck_assert_int_eq(desk_call("POST", "/v1/tenants",
				   desk_tenant("acme", "A1", "T2")),
			 200);
	ck_assert_uint_eq(json_len(desk.answer, "connections"), 2);
	ck_assert_int_eq(atomic_load(&desk.slack.calls), 0);
}
END_TEST

START_TEST(a_workspace_of_another_tenant_is_refused)
{
	ck_assert_int_eq(desk_call("POST", "/v1/tenants",
				   desk_tenant("acme", "A1", "T1")),
			 200);
	ck_assert_int_eq(desk_call("POST", "/v1/tenants",
				   desk_tenant("evil", "A1", "T1")),
			 400);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants/evil", NULL), 404);
}
END_TEST

START_TEST(a_tenant_is_paused_resumed_and_removed)
{
	(void)desk_call("POST", "/v1/tenants", desk_tenant("acme", "A1", "T1"));
	ck_assert_int_eq(desk_call("POST", "/v1/tenants/acme/pause", NULL),
			 200);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants", NULL), 200);
	ck_assert(json_bool(desk.answer, "tenants.0.paused", false));
	ck_assert_int_eq(json_int(desk.answer, "tenants.0.connections", 0), 1);
	ck_assert_int_eq(desk_call("POST", "/v1/tenants/acme/resume", NULL),
			 200);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants/acme", NULL), 200);
	ck_assert(!json_bool(desk.answer, "paused", true));
	ck_assert_int_eq(desk_call("DELETE", "/v1/tenants/acme", NULL), 200);
	ck_assert_int_eq(desk_call("DELETE", "/v1/tenants/acme", NULL), 404);
	ck_assert_str_eq(desk_says("error"), "no tenant 'acme'; 'konstructctl "
					     "tenant list' shows them");
}
END_TEST

START_TEST(what_a_tenant_is_not_told_stays)
{
	(void)desk_call("POST", "/v1/tenants", desk_tenant("acme", "A1", "T1"));
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme",
				   "{\"name\":\"acme\",\"burst\":7}"),
			 200);
	ck_assert_int_eq(json_int(desk.answer, "burst", 0), 7);
	ck_assert_int_eq(json_int(desk.answer, "rate_per_minute", 0), -1);
	ck_assert_str_eq(desk_says("connections.0.app_id"), "A1");
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme",
				   desk_tenant("acme", "A1", "T1")),
			 200);
	ck_assert_int_eq(json_int(desk.answer, "burst", 0), 7);
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme",
				   "{\"name\":\"bolt\",\"burst\":7}"),
			 400);
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme",
				   "{\"name\":\"acme\",\"app_id\":\"A1\"}"),
			 400);
	ck_assert_str_eq(desk_says("error"), "bot_token: missing");
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/bolt",
				   "{\"name\":\"bolt\",\"burst\":7}"),
			 404);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants/bolt", NULL), 404);
}
END_TEST

START_TEST(a_tenants_budget_is_set_shown_and_taken_away)
{
	(void)desk_call("POST", "/v1/tenants", desk_tenant("acme", "A1", "T1"));
	ck_assert_str_eq(desk_says("budget"), "");
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme",
				   "{\"name\":\"acme\",\"budget\":"
				   "\"person/requests/day=1k\"}"),
			 200);
	ck_assert_str_eq(desk_says("budget"), "person/requests/day=1000");
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme",
				   "{\"name\":\"acme\",\"burst\":7}"),
			 200);
	ck_assert_int_eq(desk_call("POST", "/v1/tenants/acme/pause", NULL),
			 200);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants/acme", NULL), 200);
	ck_assert_str_eq(desk_says("budget"), "person/requests/day=1000");
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme",
				   "{\"name\":\"acme\",\"budget\":\"x\"}"),
			 400);
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme",
				   "{\"name\":\"acme\",\"budget\":\"none\"}"),
			 200);
	ck_assert_str_eq(desk_says("budget"), "");
}
END_TEST

START_TEST(what_a_tenant_opts_into_is_set_shown_and_kept)
{
	(void)desk_call("POST", "/v1/tenants", desk_tenant("acme", "A1", "T1"));
	ck_assert(!json_bool(desk.answer, "agent_sessions", true));
	ck_assert(!json_bool(desk.answer, "streaming", true));
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme",
				   "{\"name\":\"acme\",\"streaming\":true}"),
			 200);
	ck_assert_int_eq(
		desk_call("PUT", "/v1/tenants/acme",
			  "{\"name\":\"acme\",\"agent_sessions\":true}"),
		200);
	ck_assert_int_eq(desk_call("POST", "/v1/tenants/acme/pause", NULL),
			 200);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants/acme", NULL), 200);
	ck_assert(json_bool(desk.answer, "agent_sessions", false));
	ck_assert(json_bool(desk.answer, "streaming", false));
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme",
				   "{\"name\":\"acme\",\"streaming\":\"yes\"}"),
			 400);
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme",
				   "{\"name\":\"acme\",\"streaming\":false}"),
			 200);
	ck_assert(json_bool(desk.answer, "agent_sessions", false));
	ck_assert(!json_bool(desk.answer, "streaming", true));
}
END_TEST

START_TEST(what_an_agent_is_not_told_stays)
{
	(void)desk_call("POST", "/v1/tenants", desk_tenant("acme", "A1", "T1"));
	ck_assert_int_eq(desk_call("GET", "/v1/tenants/acme/agent", NULL), 404);
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme/agent",
				   "{\"role\":\"helper\"}"),
			 400);
	ck_assert_str_eq(desk_says("error"), "name: missing");
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme/agent",
				   "{\"name\":\"Mara\",\"role\":\"helper\"}"),
			 200);
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme/agent",
				   "{\"persona\":\"Dry.\",\"model\":\"main\"}"),
			 200);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants/acme/agent", NULL), 200);
	ck_assert_str_eq(desk_says("name"), "Mara");
	ck_assert_str_eq(desk_says("role"), "helper");
	ck_assert_str_eq(desk_says("persona"), "Dry.");
}
END_TEST

START_TEST(a_model_must_be_in_the_configuration)
{
	(void)desk_call("POST", "/v1/tenants", desk_tenant("acme", "A1", "T1"));
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme/agent",
				   "{\"name\":\"Mara\",\"model\":\"big\"}"),
			 400);
	ck_assert_str_eq(desk_says("error"),
			 "model: no llm \"big\" in the configuration");
}
END_TEST

static const char *many(const char *last_team)
{
	static char text[1600];
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "{\"tenants\":[%s,",
			     desk_tenant("acme", "A1", "T1"));
	(void)snprintf(text + n, sizeof(text) - n, "%s]}",
		       desk_tenant("bolt", "A2", last_team));
	return text;
}

START_TEST(applying_twice_is_as_applying_once)
{
	ck_assert_int_eq(desk_call("POST", "/v1/apply", many("T2")), 200);
	ck_assert_int_eq(json_int(desk.answer, "created", -1), 2);
	ck_assert_int_eq(desk_call("POST", "/v1/apply", many("T2")), 200);
	ck_assert_int_eq(json_int(desk.answer, "applied", -1), 2);
	ck_assert_int_eq(json_int(desk.answer, "created", -1), 0);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants", NULL), 200);
	ck_assert_uint_eq(json_len(desk.answer, "tenants"), 2);
}
END_TEST

START_TEST(apply_is_all_or_nothing)
{
	(void)desk_call("POST", "/v1/tenants",
			desk_tenant("owner", "A2", "T9"));
	ck_assert_int_eq(desk_call("POST", "/v1/apply", many("T9")), 400);
	ck_assert_msg(strncmp(desk_says("error"),
			      "tenants[1].workspace_id: ", 25) == 0,
		      "%s", desk_says("error"));
	ck_assert_int_eq(desk_call("GET", "/v1/tenants/acme", NULL), 404);
}
END_TEST

static const struct {
	const char *method;
	const char *path;
	const char *body;
	int status;
} nonsense[] = {
	{ "GET", "/", NULL, 404 },
	{ "GET", "/v1/tenants/", NULL, 404 },
	{ "GET", "/v1/tenants/acme/x", NULL, 404 },
	{ "PUT", "/v1/tenants", "{}", 405 },
	{ "PUT", "/v1/tenants", NULL, 411 },
	{ "GET", "/v1/apply", NULL, 405 },
	{ "POST", "/health", NULL, 405 },
	{ "OPTIONS", "/v1/tenants", NULL, 405 },
	{ "POST", "/v1/apply", NULL, 400 },
	{ "GET", "/v1/tenants/no-such", NULL, 404 },
};

START_TEST(nonsense_is_refused_with_a_reason)
{
	ck_assert_int_eq(desk_call(nonsense[_i].method, nonsense[_i].path,
				   nonsense[_i].body),
			 nonsense[_i].status);
	ck_assert_ptr_nonnull(json_str(desk.answer, "error"));
}
END_TEST

START_TEST(a_large_apply_file_passes)
{
	struct buf text;
	char name[32], team[32];
	int i;

	buf_init(&text, (size_t)4 * 1024 * 1024);
	buf_adds(&text, "{\"tenants\":[");
	for (i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "t%d", i);
		(void)snprintf(team, sizeof(team), "T%d", i);
		buf_addf(&text, "%s%s", i ? "," : "",
			 desk_tenant(name, "A1", team));
	}
	buf_adds(&text, "]}");
	ck_assert_int_eq(desk_call("POST", "/v1/apply", text.data), 200);
	ck_assert_int_eq(json_int(desk.answer, "created", -1), 2000);
	buf_release(&text);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants", NULL), 200);
	ck_assert_uint_eq(json_len(desk.answer, "tenants"), 2000);
}
END_TEST

START_TEST(offline_works_on_the_store_itself)
{
	struct offline *o;
	struct err e = { 0 };
	const char *body;

	desk.slack.auth_test = desk_auth_ok;
	o = offline_open(&desk.conf, &e);
	ck_assert_msg(o != NULL, "%s", e.msg);
	ck_assert_int_eq(offline_request(o, "POST", "/v1/tenants", desk_acme,
					 strlen(desk_acme), &desk.out, &e),
			 200);
	body = many("T2");
	ck_assert_int_eq(offline_request(o, "POST", "/v1/apply", body,
					 strlen(body), &desk.out, &e),
			 200);
	offline_close(o);

	buf_reset(&desk.out);
	o = offline_open(&desk.conf, &e);
	ck_assert_msg(o != NULL, "%s", e.msg);
	ck_assert_int_eq(offline_request(o, "GET", "/v1/tenants", NULL, 0,
					 &desk.out, &e),
			 200);
	ck_assert_ptr_nonnull(strstr(desk.out.data, "\"bolt\""));
	ck_assert_int_eq(offline_request(o, "GET", "/v1/tenants/none", NULL, 0,
					 &desk.out, &e),
			 404);
	offline_close(o);
}
END_TEST

START_TEST(offline_is_refused_while_a_daemon_runs)
{
	struct err e = { 0 };

	ck_assert_ptr_null(offline_open(&desk.conf, &e));
	ck_assert_ptr_nonnull(strstr(e.msg, "a daemon runs"));
}
END_TEST

START_TEST(secrets_are_kept_by_name_and_never_shown)
{
	ck_assert_int_eq(desk_call("PUT", "/v1/secrets/openai",
				   "{\"value\":\"sk-cafe\"}"),
			 200);
	ck_assert_str_eq(desk_says("secret"), "openai");
	ck_assert_ptr_null(strstr(desk.out.data, "sk-cafe"));
	ck_assert_int_eq(desk_call("GET", "/v1/secrets", NULL), 200);
	ck_assert_str_eq(desk_says("secrets.0"), "openai");
	ck_assert_ptr_null(strstr(desk.out.data, "sk-cafe"));
	ck_assert_int_eq(desk_call("PUT", "/v1/secrets/openai", "{}"), 400);
	ck_assert_int_eq(
		desk_call("PUT", "/v1/secrets/-x", "{\"value\":\"a\"}"), 400);
	ck_assert_int_eq(desk_call("PUT", "/v1/secrets/x",
				   "{\"value\":\"a\\nb\"}"),
			 400);
	ck_assert_int_eq(desk_call("DELETE", "/v1/secrets/openai", NULL), 200);
	ck_assert_int_eq(desk_call("DELETE", "/v1/secrets/openai", NULL), 404);
	ck_assert_int_eq(desk_call("GET", "/v1/secrets", NULL), 200);
	ck_assert_str_eq(desk_says("secrets.0"), "(none)");
}
END_TEST

START_TEST(keys_are_listed_and_replaced)
{
	char first[KEY_ID_SIZE];

	ck_assert_int_eq(desk_call("GET", "/v1/keys", NULL), 200);
	(void)snprintf(first, sizeof(first), "%s", desk_says("keys.0.id"));
	ck_assert(keyring_has(desk.keyring, first));
	ck_assert_int_eq(desk_call("PUT", "/v1/secrets/x", "{\"value\":\"a\"}"),
			 200);
	ck_assert_int_eq(desk_call("GET", "/v1/keys/rotate", NULL), 405);
	ck_assert_int_eq(desk_call("POST", "/v1/keys/rotate", NULL), 200);
	ck_assert_str_ne(desk_says("key"), first);
	ck_assert_int_eq(json_int(desk.answer, "secrets", 0), 1);
	ck_assert_int_eq(desk_call("GET", "/v1/status", NULL), 200);
	ck_assert_str_ne(desk_says("keys.0.id"), first);
	ck_assert_int_eq(json_int(desk.answer, "keys.0.secrets", 0), 1);
}
END_TEST

static TCase *with_admin(void)
{
	TCase *tc = tcase_create("running");

	tcase_add_checked_fixture(tc, desk_open, desk_close);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, secrets_are_kept_by_name_and_never_shown);
	tcase_add_test(tc, keys_are_listed_and_replaced);
	tcase_add_test(tc, adding_a_tenant_asks_slack_for_its_ids);
	tcase_add_test(tc, no_answer_shows_a_token);
	tcase_add_test(tc,
		       an_app_that_auth_test_leaves_out_is_asked_of_bots_info);
	tcase_add_test(tc, without_users_read_the_app_token_names_the_app);
	tcase_add_test(tc, an_organisation_goes_by_its_enterprise_id);
	tcase_add_loop_test(tc, what_slack_refuses_is_not_stored, 0,
			    COUNT(refusals));
	tcase_add_loop_test(
		tc, a_question_that_slack_limits_is_told_and_nothing_stored, 0,
		2);
	tcase_add_test(tc, a_second_workspace_joins_the_tenant);
	tcase_add_test(tc, a_workspace_of_another_tenant_is_refused);
	tcase_add_test(tc, a_tenant_is_paused_resumed_and_removed);
	tcase_add_test(tc, what_a_tenant_is_not_told_stays);
	tcase_add_test(tc, a_tenants_budget_is_set_shown_and_taken_away);
	tcase_add_test(tc, what_a_tenant_opts_into_is_set_shown_and_kept);
	tcase_add_test(tc, what_an_agent_is_not_told_stays);
	tcase_add_test(tc, a_model_must_be_in_the_configuration);
	tcase_add_test(tc, applying_twice_is_as_applying_once);
	tcase_add_test(tc, apply_is_all_or_nothing);
	tcase_add_loop_test(tc, nonsense_is_refused_with_a_reason, 0,
			    COUNT(nonsense));
	tcase_add_test(tc, a_large_apply_file_passes);
	tcase_add_test(tc, offline_is_refused_while_a_daemon_runs);
	return tc;
}

static TCase *without_admin(void)
{
	TCase *tc = tcase_create("alone");

	tcase_add_checked_fixture(tc, desk_make, desk_remove);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, offline_works_on_the_store_itself);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("admin");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, with_admin());
	suite_add_tcase(s, without_admin());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
