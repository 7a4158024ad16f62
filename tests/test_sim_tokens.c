/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simapp.h"

static struct simapp app;
static char token[96];
static char refresh[96];

static void setup(void)
{
	struct sim_rotation r = { .client_id = "1.2",
				  .client_secret = "secret",
				  .refresh_token = "xoxe-1-first" };

	simapp_open(&app);
	ck_assert_int_eq(sim_rotate_token(app.sim, SIMAPP_KIM, &r), 0);
	snprintf(token, sizeof(token), "%s", SIMAPP_KIM);
	snprintf(refresh, sizeof(refresh), "%s", r.refresh_token);
}

static void teardown(void)
{
	simapp_close(&app);
}

static const char *renew_as(const char *secret)
{
	char body[400];

	snprintf(body, sizeof(body),
		 "client_id=1.2&client_secret=%s&grant_type=refresh_token"
		 "&refresh_token=%s",
		 secret, refresh);
	return simapp_call_as(&app, "", "oauth.v2.access", body);
}

/* A new pair, into token and refresh. */
static void renew(void)
{
	ck_assert_pstr_eq(renew_as("secret"), NULL);
	snprintf(token, sizeof(token), "%s", simapp_got(&app, "access_token"));
	snprintf(refresh, sizeof(refresh), "%s",
		 simapp_got(&app, "refresh_token"));
}

static const char *test_auth(const char *with)
{
	return simapp_call_as(&app, with, "auth.test", "");
}

START_TEST(a_renewed_token_works_and_says_how_long)
{
	renew();
	ck_assert_str_eq(simapp_got(&app, "team.id"), "T0ACME");
	ck_assert_str_eq(simapp_got(&app, "bot_user_id"), "U0KIM");
	ck_assert_str_eq(simapp_got(&app, "token_type"), "bot");
	ck_assert_int_eq(json_int(app.answer, "expires_in", 0), 43200);
	ck_assert_int_eq(strncmp(token, "xoxe.xoxb-1-", 12), 0);
	ck_assert_int_eq(strncmp(refresh, "xoxe-1-", 7), 0);
	ck_assert_pstr_eq(test_auth(token), NULL);
	ck_assert_str_eq(simapp_got(&app, "user_id"), "U0KIM");
	ck_assert_int_gt(json_int(app.answer, "expires_in", 0), 43000);
}
END_TEST

START_TEST(two_tokens_are_good_at_once)
{
	char second[96];

	ck_assert_pstr_eq(test_auth(SIMAPP_KIM), NULL);
	renew();
	memcpy(second, token, sizeof(second));
	ck_assert_pstr_eq(test_auth(SIMAPP_KIM), NULL);
	renew();
	ck_assert_pstr_eq(test_auth(token), NULL);
	ck_assert_pstr_eq(test_auth(second), NULL);
	ck_assert_str_eq(test_auth(SIMAPP_KIM), "token_revoked");
}
END_TEST

START_TEST(a_token_expires_and_its_successor_does_not)
{
	ck_assert_int_eq(sim_expire_token(app.sim, SIMAPP_KIM), 0);
	ck_assert_str_eq(test_auth(SIMAPP_KIM), "token_expired");
	renew();
	ck_assert_pstr_eq(test_auth(token), NULL);
	ck_assert_str_eq(test_auth(SIMAPP_KIM), "token_expired");
	ck_assert_int_eq(sim_expire_token(app.sim, "xoxb-sim-globex"), -1);
}
END_TEST

START_TEST(only_a_renewal_brings_a_good_token_after_a_revoked_one)
{
	renew();
	ck_assert_int_eq(sim_revoke_token(app.sim, token), 0);
	ck_assert_str_eq(test_auth(token), "token_revoked");
	ck_assert_str_eq(test_auth(SIMAPP_KIM), "token_revoked");
	renew();
	ck_assert_pstr_eq(test_auth(token), NULL);
	ck_assert_int_eq(sim_revoke_token(app.sim, "xoxb-sim-globex"), -1);
}
END_TEST

START_TEST(a_refresh_token_is_used_once_but_for_the_grace)
{
	struct sim_settings set;
	char first[96];

	memcpy(first, refresh, sizeof(first));
	renew();
	memcpy(refresh, first, sizeof(refresh));
	renew(); /* its answer might have been lost */
	sim_settings(app.sim, &set);
	set.refresh_grace_ms = 0;
	sim_set(app.sim, &set);
	memcpy(first, refresh, sizeof(first));
	renew();
	memcpy(refresh, first, sizeof(refresh));
	ck_assert_str_eq(renew_as("secret"), "invalid_refresh_token");
}
END_TEST

START_TEST(who_renews_is_known)
{
	ck_assert_str_eq(renew_as("guess"), "bad_client_secret");
	ck_assert_str_eq(simapp_call_as(&app, "", "oauth.v2.access",
					"client_id=9&client_secret=secret"
					"&grant_type=refresh_token"
					"&refresh_token=x"),
			 "invalid_client_id");
	ck_assert_str_eq(simapp_call_as(&app, "", "oauth.v2.access",
					"client_id=1.2&code=x"),
			 "invalid_code");
	ck_assert_str_eq(simapp_call_as(&app, "", "oauth.v2.access",
					"client_id=1.2&grant_type=password"),
			 "invalid_grant_type");
	ck_assert_pstr_eq(test_auth(SIMAPP_KIM), NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim_tokens");
	TCase *tc = tcase_create("tokens");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_renewed_token_works_and_says_how_long);
	tcase_add_test(tc, two_tokens_are_good_at_once);
	tcase_add_test(tc, a_token_expires_and_its_successor_does_not);
	tcase_add_test(tc,
		       only_a_renewal_brings_a_good_token_after_a_revoked_one);
	tcase_add_test(tc, a_refresh_token_is_used_once_but_for_the_grace);
	tcase_add_test(tc, who_renews_is_known);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
