/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/api.h"
#include "admin/apply.h"
#include "base/err.h"

#define TOKENS \
	"\"app_token\":\"xapp-1-A1-2-cafe\",\"bot_token\":\"xoxb-1-2-beef\""
#define IDS                                                                 \
	"\"app_id\":\"A1\",\"workspace_id\":\"T1\",\"bot_user_id\":\"U1\"," \
	"\"bot_id\":\"B1\""

static struct apply a;

static void parse_ok(const char *text)
{
	struct err e = { 0 };

	ck_assert_msg(apply_parse(&a, text, strlen(text), &e) == 0, "%s",
		      e.msg);
}

START_TEST(a_tenant_with_one_connection_needs_no_list)
{
	parse_ok("{\"tenants\":[{\"name\":\"acme\"," TOKENS "," IDS
		 ",\"rate_per_minute\":5,\"paused\":true}]}");
	ck_assert_uint_eq(a.n, 1);
	ck_assert_str_eq(a.tenants[0].name, "acme");
	ck_assert_int_eq(a.tenants[0].rate_per_minute, 5);
	ck_assert_int_eq(a.tenants[0].burst, APPLY_KEEP);
	ck_assert_int_eq(a.tenants[0].paused, 1);
	ck_assert_uint_eq(a.tenants[0].nconnections, 1);
	ck_assert_str_eq(a.tenants[0].connections[0].workspace_id, "T1");
	ck_assert(apply_known(&a.tenants[0].connections[0]));
	ck_assert(!a.tenants[0].agent.given);
	apply_release(&a);
}
END_TEST

START_TEST(a_budget_is_kept_in_its_one_form)
{
	parse_ok("{\"tenants\":[{\"name\":\"acme\"," TOKENS
		 ",\"budget\":\"person/tokens/day=2k, "
		 "tenant/requests/day=5\"},{\"name\":\"bolt\"," TOKENS
		 ",\"budget\":\"none\"},{\"name\":\"cask\"," TOKENS "}]}");
	ck_assert_str_eq(a.tenants[0].budget,
			 "tenant/requests/day=5,person/tokens/day=2000");
	ck_assert_str_eq(a.tenants[1].budget, "");
	ck_assert_ptr_null(a.tenants[2].budget);
	apply_release(&a);
}
END_TEST

START_TEST(a_tenant_has_several_workspaces_in_a_list)
{
	parse_ok("{\"tenants\":[{\"name\":\"acme\",\"connections\":[{" TOKENS
		 "},{" TOKENS ",\"workspace_id\":\"T2\"}]}]}");
	ck_assert_uint_eq(a.tenants[0].nconnections, 2);
	ck_assert(!apply_known(&a.tenants[0].connections[0]));
	ck_assert_str_eq(a.tenants[0].connections[1].workspace_id, "T2");
	ck_assert_str_eq(a.tenants[0].connections[1].place,
			 "tenants[0].connections[1].");
	apply_release(&a);
}
END_TEST

START_TEST(what_an_agent_lacks_stays_unset)
{
	parse_ok("{\"tenants\":[{\"name\":\"acme\"," TOKENS
		 ",\"agent\":{\"name\":\"Mara\",\"persona\":\"Dry.\\nKind.\"}"
		 "}]}");
	ck_assert(a.tenants[0].agent.given);
	ck_assert_str_eq(a.tenants[0].agent.name, "Mara");
	ck_assert_str_eq(a.tenants[0].agent.persona, "Dry.\nKind.");
	ck_assert_ptr_null(a.tenants[0].agent.role);
	apply_release(&a);
}
END_TEST

START_TEST(several_agents_are_a_list)
{
	parse_ok("{\"tenants\":[{\"name\":\"acme\"," TOKENS
		 ",\"agents\":[{\"name\":\"Mara\",\"default\":true},"
		 "{\"name\":\"Nils\",\"channels\":[\"C1\",\"G2\"]}]}]}");
	ck_assert_uint_eq(a.tenants[0].nagents, 2);
	ck_assert(!a.tenants[0].agent.given);
	ck_assert_int_eq(a.tenants[0].agents[0].is_default, 1);
	ck_assert_ptr_null(a.tenants[0].agents[0].channels);
	ck_assert_int_eq(a.tenants[0].agents[1].is_default, APPLY_KEEP);
	ck_assert_str_eq(a.tenants[0].agents[1].channels, "[\"C1\",\"G2\"]");
	apply_release(&a);
}
END_TEST

#define ONE(members) "{\"tenants\":[{" members "}]}"

/* What is wrong, and how the error begins. */
static const struct {
	const char *text;
	const char *want;
} bad[] = {
	{ "", "" },
	{ "[]", "body: not an object" },
	{ "{}", "tenants: missing" },
	{ "{\"tenants\":{}}", "tenants: missing" },
	{ "{\"tenant\":[]}", "tenant: unknown field" },
	{ "{\"tenants\":[7]}", "tenants[0]: not an object" },
	{ ONE(TOKENS), "tenants[0].name: missing" },
	{ ONE("\"name\":\"a/b\"," TOKENS), "tenants[0].name: only letters" },
	{ ONE("\"name\":\"\"," TOKENS), "tenants[0].name: only letters" },
	{ ONE("\"name\":7," TOKENS), "tenants[0].name: not a string" },
	{ ONE("\"name\":\"a\",\"bot_token\":\"xoxb-1\""),
	  "tenants[0].app_token: missing" },
	{ ONE("\"name\":\"a\",\"app_token\":\"xapp-1\""),
	  "tenants[0].bot_token: missing" },
	{ ONE("\"name\":\"a\",\"app_token\":\"xoxb-1\""),
	  "tenants[0].app_token: a bot token; an app-level one" },
	{ ONE("\"name\":\"a\",\"bot_token\":\"xoxp-1\""),
	  "tenants[0].bot_token: not a bot token" },
	{ ONE("\"name\":\"a\",\"bot_token\":\"xoxe.xoxp-1-a\""),
	  "tenants[0].bot_token: not a bot token" },
	{ ONE("\"name\":\"a\",\"app_token\":\"xapp-1\","
	      "\"bot_token\":\"xoxe.xoxb-1-a\""),
	  "tenants[0].refresh_token: missing" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"refresh_token\":\"xoxe-1-a\""),
	  "tenants[0].bot_token: doesn't expire" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"refresh_token\":\"xoxb-1-a\""),
	  "tenants[0].refresh_token: not a refresh token" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"client_id\":\"1.2\""),
	  "tenants[0].client_secret: missing" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"client_secret\":\"s\""),
	  "tenants[0].client_id: missing" },
	{ ONE("\"name\":\"a\",\"bot_token\":\"xoxb-1\\r\\nX: y\""),
	  "tenants[0].bot_token: not a bot token" },
	{ ONE("\"name\":\"a\",\"app_id\":\"A2\"," TOKENS),
	  "tenants[0].app_token: is of another app" },
	{ ONE("\"name\":\"a\",\"app_id\":\"a2\"," TOKENS),
	  "tenants[0].app_id: not an id" },
	{ ONE("\"name\":\"a\",\"bot_tokn\":\"x\"," TOKENS),
	  "tenants[0].bot_tokn: unknown field" },
	{ ONE("\"name\":\"a\",\"bot_token_file\":\"x\"," TOKENS),
	  "tenants[0].bot_token_file: unknown field" },
	{ ONE("\"name\":\"a\",\"paused\":1," TOKENS),
	  "tenants[0].paused: neither true nor false" },
	{ ONE("\"name\":\"a\",\"burst\":-2," TOKENS),
	  "tenants[0].burst: not a number" },
	{ ONE("\"name\":\"a\",\"burst\":9999999999," TOKENS),
	  "tenants[0].burst: not a number" },
	{ ONE("\"name\":\"a\",\"burst\":\"3\"," TOKENS),
	  "tenants[0].burst: not a number" },
	{ ONE("\"name\":\"a\",\"budget\":5," TOKENS),
	  "tenants[0].budget: not a string" },
	{ ONE("\"name\":\"a\",\"budget\":\"person/tokens=5\"," TOKENS),
	  "tenants[0].budget: 'person/tokens=5' is no budget" },
	{ ONE("\"name\":\"a\",\"connections\":[]"),
	  "tenants[0].connections: not a list" },
	{ ONE("\"name\":\"a\",\"connections\":[{" TOKENS "},{}]"),
	  "tenants[0].connections[1].app_token: missing" },
	{ ONE("\"name\":\"a\",\"connections\":[{" TOKENS "}]," TOKENS),
	  "tenants[0].app_token: unknown field" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"agent\":{\"nam\":\"x\"}"),
	  "tenants[0].agent.nam: unknown field" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"agent\":{\"name\":\"a\\u001b\"}"),
	  "tenants[0].agent.name: has control" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"agent\":[]"),
	  "tenants[0].agent: not an object" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"agent\":{\"locale\":\"fr\"}"),
	  "tenants[0].agent.locale: not a language" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"access\":[]"),
	  "tenants[0].access: not an object" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"access\":{\"guest\":true}"),
	  "tenants[0].access.guest: unknown field" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"access\":{\"guests\":1}"),
	  "tenants[0].access.guests: neither true nor false" },
	{ ONE("\"name\":\"a\"," TOKENS
	      ",\"access\":{\"guests\":null,\"people_denied\":[\"C1\"]}"),
	  "tenants[0].access.people_denied: 'C1' is no person's id (U123...)" },
	{ ONE("\"name\":\"a\"," TOKENS
	      ",\"access\":{\"groups_allowed\":[\"U1\"]}"),
	  "tenants[0].access.groups_allowed: 'U1' is no user group's id" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"access\":{\"bot_answers\":-1}"),
	  "tenants[0].access.bot_answers: not a number from 0 to 1000" },
	{ ONE("\"name\":\"a\"," TOKENS
	      ",\"agent\":{\"access\":{\"bots_allowed\":\"B1\"}}"),
	  "tenants[0].agent.access.bots_allowed: not a list" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"agents\":{}"),
	  "tenants[0].agents: not a list" },
	{ ONE("\"name\":\"a\"," TOKENS ",\"agents\":[{\"role\":\"x\"}]"),
	  "tenants[0].agents[0].name: missing" },
	{ ONE("\"name\":\"a\"," TOKENS
	      ",\"agents\":[{\"name\":\"x\"},{\"name\":\"x\"}]"),
	  "tenants[0].agents[1].name: is there twice" },
	{ ONE("\"name\":\"a\"," TOKENS
	      ",\"agents\":[{\"name\":\"x\",\"default\":true},"
	      "{\"name\":\"y\",\"default\":true}]"),
	  "tenants[0].agents[1].default: another one is" },
	{ ONE("\"name\":\"a\"," TOKENS
	      ",\"agents\":[{\"name\":\"x\",\"channels\":\"C1\"}]"),
	  "tenants[0].agents[0].channels: not a list" },
	{ ONE("\"name\":\"a\"," TOKENS
	      ",\"agents\":[{\"name\":\"x\",\"channels\":[\"C1\",\"#c\"]}]"),
	  "tenants[0].agents[0].channels: '#c' is no channel's id (C123...)" },
	{ ONE("\"name\":\"a\"," TOKENS
	      ",\"agents\":[{\"name\":\"x\",\"channels\":[\"U1\"]}]"),
	  "tenants[0].agents[0].channels: 'U1' is no channel's id" },
	{ "{\"tenants\":[{\"name\":\"a\"," TOKENS "},{\"name\":\"a\"," TOKENS
	  "}]}",
	  "tenants[1].name: is there twice" },
};

START_TEST(an_error_names_index_and_field)
{
	struct err e = { 0 };

	ck_assert_int_eq(
		apply_parse(&a, bad[_i].text, strlen(bad[_i].text), &e), -1);
	ck_assert_int_eq(e.kind, ERR_INPUT);
	ck_assert_msg(strncmp(e.msg, bad[_i].want, strlen(bad[_i].want)) == 0,
		      "'%s' for %s", e.msg, bad[_i].text);
	ck_assert_ptr_null(a.tenants);
}
END_TEST

START_TEST(a_value_that_is_too_long_is_refused_not_cut)
{
	char text[600];
	char name[82];
	struct apply_agent g;
	struct err e = { 0 };

	memset(name, 'a', sizeof(name) - 1);
	name[81] = '\0';
	(void)snprintf(text, sizeof(text), "{\"name\":\"%s\"}", name);
	ck_assert_int_eq(apply_parse_agent(&g, text, strlen(text), &e), -1);
	ck_assert_str_eq(e.msg, "name: too long");
}
END_TEST

START_TEST(one_tenant_alone_is_named_without_an_index)
{
	static const char text[] = "{\"name\":\"a\",\"app_token\":\"xapp-1\"}";
	struct err e = { 0 };

	ck_assert_int_eq(apply_parse_tenant(&a, text, strlen(text), &e), -1);
	ck_assert_str_eq(e.msg, "bot_token: missing");
}
END_TEST

START_TEST(ids_alone_stand_for_a_connection_that_is_there)
{
	static const char text[] =
		"{\"tenants\":[{\"name\":\"a\",\"connections\":["
		"{\"app_id\":\"A1\",\"workspace_id\":\"T1\"}]}]}";
	static const char half[] = "{\"tenants\":[{\"name\":\"a\","
				   "\"connections\":[{\"app_id\":\"A1\"}]}]}";
	struct err e = { 0 };

	ck_assert_msg(apply_parse(&a, text, strlen(text), &e) == 0, "%s",
		      e.msg);
	ck_assert(apply_known(&a.tenants[0].connections[0]));
	apply_release(&a);
	ck_assert_int_eq(apply_parse(&a, half, strlen(half), &e), -1);
	ck_assert_str_eq(e.msg, "tenants[0].connections[0].app_token: missing");
}
END_TEST

START_TEST(a_change_may_bring_a_bot_token_alone)
{
	static const char text[] = "{\"name\":\"a\",\"bot_token\":\"xoxb-1\"}";
	static const char app[] = "{\"name\":\"a\",\"app_token\":\"xapp-1\"}";
	struct err e = { 0 };

	ck_assert_int_eq(apply_parse_change(&a, text, strlen(text), &e), 0);
	ck_assert_uint_eq(a.tenants[0].nconnections, 1);
	ck_assert_ptr_null(a.tenants[0].connections[0].app_token);
	apply_release(&a);
	ck_assert_int_eq(apply_parse_change(&a, app, strlen(app), &e), -1);
	ck_assert_str_eq(e.msg, "bot_token: missing");
	ck_assert_int_eq(apply_parse_tenant(&a, text, strlen(text), &e), -1);
	ck_assert_str_eq(e.msg, "app_token: missing");
}
END_TEST

static const struct {
	const char *token;
	const char *app; /* NULL: none in it */
} tokens[] = {
	{ "xapp-1-A0123-456-cafe", "A0123" },
	{ "xapp-1-A0123", NULL },
	{ "xapp-1-B0123-4", NULL },
	{ "xapp-1-", NULL },
	{ "xapp", NULL },
	{ "xapp-1-A0123a-4", NULL },
	{ "xapp-1-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-4", NULL },
};

START_TEST(the_app_is_read_from_an_app_token)
{
	char app[33] = "";

	ck_assert_int_eq(apply_token_app(tokens[_i].token, app, sizeof(app)),
			 tokens[_i].app != NULL);
	if (tokens[_i].app)
		ck_assert_str_eq(app, tokens[_i].app);
}
END_TEST

START_TEST(a_token_is_never_shown_whole)
{
	char mask[API_MASK_SIZE];

	api_mask(mask, "xoxb-111-222-abcdefghijklabcd");
	ck_assert_str_eq(mask, "xoxb-…abcd");
	api_mask(mask, "xoxb-1234");
	ck_assert_str_eq(mask, "…");
	api_mask(mask, "abcdefghijklmnopqrstuvwxyz");
	ck_assert_str_eq(mask, "…");
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("apply");
	TCase *tc = tcase_create("apply");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, a_tenant_with_one_connection_needs_no_list);
	tcase_add_test(tc, a_budget_is_kept_in_its_one_form);
	tcase_add_test(tc, a_tenant_has_several_workspaces_in_a_list);
	tcase_add_test(tc, what_an_agent_lacks_stays_unset);
	tcase_add_test(tc, several_agents_are_a_list);
	tcase_add_loop_test(tc, an_error_names_index_and_field, 0, COUNT(bad));
	tcase_add_test(tc, a_value_that_is_too_long_is_refused_not_cut);
	tcase_add_test(tc, one_tenant_alone_is_named_without_an_index);
	tcase_add_test(tc, a_change_may_bring_a_bot_token_alone);
	tcase_add_test(tc, ids_alone_stand_for_a_connection_that_is_there);
	tcase_add_loop_test(tc, the_app_is_read_from_an_app_token, 0,
			    COUNT(tokens));
	tcase_add_test(tc, a_token_is_never_shown_whole);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
