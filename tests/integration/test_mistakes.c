/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/err.h"
#include "integration/rig.h"

/*
 * What a careless admin does, and what he is told: which file, line or field it
 * is, and what to do.
 */

#define WORDS 12

static struct rig rig;

static void setup(void)
{
	static const struct sim_install second = {
		.app_id = "A2",
		.team_id = "T2",
		.bot_token = "xoxb-sim-t2",
		.bot_user_id = "UB2",
		.bot_id = "BB2",
		.name = "unused",
	};

	rig_up(&rig);
	ck_assert_int_eq(sim_add_app(rig.sim, "A2", "xapp-1-A2-1-sim", NULL),
			 0);
	ck_assert_int_eq(sim_add_install(rig.sim, &second), 0);
	rig_file(&rig, "app", "xapp-1-A2-1-sim\n", NULL);
	rig_file(&rig, "bot", "xoxb-sim-t2\n", NULL);
	rig_file(&rig, "other", "xoxb-sim-t1\n", NULL); /* of another app */
	rig_file(&rig, "nobody", "xoxb-nobody\n", NULL);
	rig_file(&rig, "quoted", "\"xoxb-sim-t2\"\n", NULL);
	rig_file(&rig, "shell", "export SLACK_BOT_TOKEN=xoxb-sim-t2\n", NULL);
	rig_file(&rig, "user", "xoxp-1-2-3\n", NULL);
	rig_file(&rig, "empty", "\n", NULL);
	rig_file(&rig, "two", "xoxb-sim-t2\nxoxb-sim-t2\n", NULL);
	rig_file(&rig, "word", "hello\n", NULL);
	rig_file(&rig, "half.json", "{\"tenants\":[\n{\"name\":\"a\"\n", NULL);
	rig_file(&rig, "field.json", "{\"tenants\":[{\"nmae\":\"a\"}]}\n",
		 NULL);
}

static void teardown(void)
{
	rig_close(&rig);
}

/* DIR is the bed's directory. */
static char *run(const char *words, int *rc)
{
	const char *args[WORDS + 1] = { NULL };
	char text[256], paths[WORDS][160], *save = NULL, *word, *out = NULL;
	size_t n = 0;

	(void)snprintf(text, sizeof(text), "%s", words);
	for (word = strtok_r(text, " ", &save); word && n < WORDS;
	     word = strtok_r(NULL, " ", &save), n++) {
		(void)snprintf(paths[n], sizeof(paths[n]), "%s", word);
		if (strncmp(word, "DIR/", 4) == 0)
			(void)snprintf(paths[n], sizeof(paths[n]), "%s/%s",
				       rig.bed.dir, word + 4);
		args[n] = paths[n];
	}
	*rc = rig_ctl(&rig, &out, args);
	return out;
}

#define ADD "tenant add bolt --app-token-file DIR/app --bot-token-file "

static const struct {
	const char *words;
	int status;
	const char *says;
} mistakes[] = {
	{ "tenant add bolt --app-token-file DIR/bot --bot-token-file DIR/app",
	  EX_DATAERR,
	  "/bot' holds a bot token (xoxb-...) where an app-level "
	  "token (xapp-...) is wanted: are they swapped?" },
	{ ADD "DIR/other", EX_DATAERR,
	  "bot_token: is of app A1, the app token of A2" },
	{ ADD "DIR/nobody", EX_DATAERR,
	  "auth.test says 'invalid_auth': copy it anew from the app's page" },
	{ ADD "DIR/quoted", EX_DATAERR, "/quoted' has quotes around" },
	{ ADD "DIR/shell", EX_DATAERR, "/shell' has a name and '='" },
	{ ADD "DIR/user", EX_DATAERR, "/user' holds a user's token" },
	{ ADD "DIR/empty", EX_DATAERR, "/empty' is empty" },
	{ ADD "DIR/two", EX_DATAERR, "/two' holds more than one line" },
	{ ADD "DIR/word", EX_DATAERR, "/word' holds no token: a bot token" },
	{ ADD "DIR/nowhere", EX_NOINPUT, "/nowhere': No such file" },
	{ ADD "xoxb-1-hidden", EX_NOINPUT, "give the name of a file" },
	{ "tenant show amce", EX_NOINPUT,
	  "no tenant 'amce'; 'konstructctl tenant list'" },
	{ "tenant set acme --burst many", EX_DATAERR,
	  "burst: 'many' is no number from 1, nor 'default'" },
	{ "tenant set acme --keep-transcripts 30d", EX_DATAERR,
	  "keep_transcripts: '30d' is no number of days (such as 30;" },
	{ "tenant set acme --model gpt", EX_DATAERR, "no llm \"gpt\"" },
	{ "tenant set acme --budget 5", EX_DATAERR, "such as person/" },
	{ "agent set acme --channels general", EX_DATAERR,
	  "channels: 'general' is no channel's id (C123...)" },
	{ "agent set acme --people-allowed @alice", EX_DATAERR,
	  "people_allowed: '@alice' is no person's id (U123...)" },
	{ "usage acme --by week", EX_DATAERR,
	  "by: 'week' is none of tenant, model, day" },
	{ "audit export --since 1.1.2026", EX_DATAERR, "2026-11-01" },
	{ "key remove abc", EX_DATAERR, "'konstructctl key list'" },
	{ "secret set openai sk-123", EX_NOINPUT, "the shell's history" },
	{ "apply DIR/half.json", EX_DATAERR,
	  "half.json: invalid JSON in line 3: it ends too early" },
	{ "apply DIR/field.json", EX_DATAERR,
	  "tenants[0].nmae: unknown field" },
	{ "tenant list --offline", EX_UNAVAILABLE, "leave --offline out" },
};

START_TEST(a_mistake_is_told_with_what_to_do)
{
	char *out;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		out = run(mistakes[i].words, &rc);
		ck_assert_msg(rc == mistakes[i].status &&
				      strstr(out, mistakes[i].says) != NULL,
			      "%s: %d, %s", mistakes[i].words, rc, out);
		/* No token is repeated. */
		ck_assert_msg(!strstr(out, "hidden"), "%s", out);
		free(out);
	}
}
END_TEST

/* As other systems' editors leave it. */
START_TEST(what_editors_leave_in_files_does_no_harm)
{
	char *out;
	int rc;

	rig_file(&rig, "bot", "\xef\xbb\xbf  xoxb-sim-t2 \r\n\r\n", NULL);
	rig_file(&rig, "marked.json", "\xef\xbb\xbf{\"tenants\":[]}\r\n", NULL);
	out = run(ADD "DIR/bot", &rc);
	ck_assert_msg(rc == 0, "%s", out);
	free(out);
	out = run("apply DIR/marked.json", &rc);
	ck_assert_msg(rc == 0, "%s", out);
	free(out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mistakes");
	TCase *tc = tcase_create("mistakes");
	SRunner *sr;
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_test(tc, a_mistake_is_told_with_what_to_do);
	tcase_add_test(tc, what_editors_leave_in_files_does_no_harm);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
