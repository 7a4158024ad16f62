/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "integration/rig.h"

static const char notice[] =
	"I'm receiving too many requests right now. Please try again in a "
	"moment.";

static struct rig rig;

static void teardown(void)
{
	rig_close(&rig);
}

/* Workspace T2 with Bruno, by this app. */
static void add_second(const char *app, const char *tenant, const char *extra)
{
	struct sim *s = rig.sim;
	struct sim_install t2 = {
		.app_id = app,
		.team_id = "T2",
		.bot_token = "xoxb-sim-t2",
		.bot_user_id = "UB2",
		.bot_id = "BB2",
		.name = tenant,
		.extra = extra,
	};

	if (strcmp(app, "A1") != 0)
		ck_assert_int_eq(sim_add_app(s, app, "xapp-1-A2-1-sim", NULL),
				 0);
	ck_assert_int_eq(sim_add_install(s, &t2), 0);
	sim_add_user(s, "U3", "T2", "carol", "Carol");
	sim_add_channel(s, "C3", "T2", "kitchen", "channel");
	sim_join(s, "C3", "U3");
	sim_join(s, "C3", "UB2");
}

static void start(const char *app)
{
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_links(rig.sim, app, 1, MS), 0);
}

static const char bruno[] = "{\"agent\":{\"name\":\"Bruno\",\"role\":\"cook\","
			    "\"persona\":\"You cook.\",\"model\":\"%s\"}}";

static void two_tenants(const char *model, const char *limits)
{
	char extra[256];

	rig_open(&rig, limits);
	snprintf(extra, sizeof(extra), bruno, model);
	add_second("A2", "bolt", extra);
	start("A2");
}

START_TEST(app_in_two_workspaces_answers_each_with_its_own_token)
{
	struct sim_call *c;
	char t1[SIM_TS], t2[SIM_TS];
	size_t i, n;

	rig_open(&rig, NULL);
	add_second("A1", "acme", NULL);
	start("A1");
	ck_assert_uint_eq(sim_links(rig.sim, "A1"), 1);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, t1);
	rig_say(&rig, "C3", "U3", "<@UB2> hello", NULL, t2);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", t1, 1, MS), 0);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C3", t2, 1, MS), 0);
	free(rig_answer(&rig, "C1", t1));
	free(rig_answer(&rig, "C3", t2));
	c = sim_calls(rig.sim, "chat.postMessage", &n);
	ck_assert_uint_eq(n, 2);
	for (i = 0; i < n; i++) {
		ck_assert_ptr_null(c[i].error);
		ck_assert_str_eq(c[i].team_id,
				 strstr(c[i].args, "C1") ? "T1" : "T2");
	}
	sim_calls_free(c, n);
}
END_TEST

static bool asked_for(const char *model, const char *persona)
{
	struct sim_ask *a;
	bool found = false;
	size_t i, n;

	a = sim_asks(rig.sim, &n);
	for (i = 0; i < n; i++)
		found |= strcmp(a[i].model, model) == 0 &&
			 strstr(a[i].body, persona);
	sim_asks_free(a, n);
	return found;
}

START_TEST(each_tenant_has_its_own_agent)
{
	char t1[SIM_TS], t2[SIM_TS];

	two_tenants("", NULL);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, t1);
	rig_say(&rig, "C3", "U3", "<@UB2> hello", NULL, t2);
	free(rig_answer(&rig, "C1", t1));
	free(rig_answer(&rig, "C3", t2));
	ck_assert(asked_for("sim-main", "Your name is Mara"));
	ck_assert(asked_for("sim-main", "Your name is Bruno"));
}
END_TEST

START_TEST(model_preference_picks_the_model)
{
	char t1[SIM_TS], t2[SIM_TS];

	two_tenants("fast", NULL);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, t1);
	rig_say(&rig, "C3", "U3", "<@UB2> hello", NULL, t2);
	free(rig_answer(&rig, "C1", t1));
	free(rig_answer(&rig, "C3", t2));
	ck_assert(asked_for("sim-main", "Your name is Mara"));
	ck_assert(asked_for("sim-fast", "Your name is Bruno"));
}
END_TEST

static size_t ephemerals(const char *channel, const char *user)
{
	struct sim_msg *m;
	size_t i, n, found = 0;

	m = sim_messages(rig.sim, channel, NULL, &n);
	for (i = 0; i < n; i++) {
		if (!m[i].ephemeral)
			continue;
		ck_assert_str_eq(m[i].to_user, user);
		ck_assert_str_eq(m[i].text, notice);
		ck_assert_str_eq(m[i].thread_ts, "");
		found++;
	}
	sim_messages_free(m, n);
	return found;
}

START_TEST(over_the_limit_one_person_is_told_and_no_model_is_called)
{
	char ts[SIM_TS];
	size_t i;

	two_tenants("", "rate_per_minute = 1\nburst = 3");
	for (i = 0; i < 5; i++)
		rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 1, MS), 0);
	/* The other tenant's bucket is its own. */
	rig_say(&rig, "C3", "U3", "<@UB2> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C3", ts, 1, MS), 0);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 4, MS), 0);
	free(rig_answer(&rig, "C3", ts));
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 4);
	ck_assert_uint_eq(ephemerals("C1", "U1"), 1);
}
END_TEST

START_TEST(redelivery_costs_no_token)
{
	struct sim_say again = { .redeliver = true };
	char ts[SIM_TS];

	two_tenants("", "rate_per_minute = 1\nburst = 2");
	sim_say(rig.sim, "C1", "U1", "<@UB1> one", &again, ts);
	free(rig_answer(&rig, "C1", ts));
	rig_say(&rig, "C1", "U1", "<@UB1> two", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
}
END_TEST

static const char *const status_of[] = { "status", NULL };
static const char *const top_of[] = { "top", "--once", NULL };

/* Whoever asks why nobody answers looks here first. */
static void check_silent(const char *words)
{
	const char *const *const asked[] = { status_of, top_of };
	char *out;
	size_t i;

	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(rig_ctl(&rig, &out, asked[i]), 0);
		if (words)
			ck_assert_msg(strstr(out, "ANSWERS NOBODY") &&
					      strstr(out, words),
				      "%s", out);
		else
			ck_assert_msg(!strstr(out, "ANSWERS NOBODY"), "%s",
				      out);
		free(out);
	}
}

static const char *const paused[] = { "tenant", "pause", "acme", NULL };
static const char *const resumed[] = { "tenant", "resume", "acme", NULL };

START_TEST(paused_tenant_is_silent_until_resumed)
{
	char quiet[SIM_TS], t2[SIM_TS], ts[SIM_TS];

	two_tenants("", NULL);
	check_silent(NULL);
	rig_do(&rig, 0, paused);
	check_silent("acme            paused");
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, quiet);
	rig_say(&rig, "C3", "U3", "<@UB2> hello", NULL, t2);
	free(rig_answer(&rig, "C3", t2));
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", quiet), 0);
	rig_do(&rig, 0, resumed);
	check_silent(NULL);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
}
END_TEST

static const char *const narrow[] = { "tenant",  "set", "acme",
				      "--burst", "1",   "--rate-per-minute",
				      "1",       NULL };
static const char *const narrow_not[] = { "tenant",  "set",  "acme",
					  "--burst", "none", NULL };

START_TEST(limits_of_a_tenant_are_set_while_it_runs)
{
	char ts[SIM_TS];

	two_tenants("", NULL);
	rig_do(&rig, 65, narrow_not);
	rig_do(&rig, 0, narrow);
	rig_say(&rig, "C1", "U1", "<@UB1> one", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	rig_say(&rig, "C1", "U1", "<@UB1> two", NULL, ts);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 1, MS), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 0);
}
END_TEST

START_TEST(tenant_added_while_running_is_connected_and_answered)
{
	char app[128], bot[128], ts[SIM_TS];
	char *out;

	rig_up(&rig);
	add_second("A2", "bolt", NULL);
	rig_file(&rig, "app.token", "xapp-1-A2-1-sim", app);
	rig_file(&rig, "bot.token", "xoxb-sim-t2", bot);
	out = rig_run(&rig, 0,
		      ARGS("tenant", "add", "bolt", "--app-token-file", app,
			   "--bot-token-file", bot));
	ck_assert_ptr_null(strstr(out, "xapp-1-A2-1-sim"));
	free(out);
	rig_do(&rig, 0,
	       ARGS("agent", "set", "bolt", "--name", "Bruno", "--role",
		    "cook"));
	ck_assert_int_eq(sim_wait_links(rig.sim, "A2", 1, MS), 0);
	rig_say(&rig, "C3", "U3", "<@UB2> hello", NULL, ts);
	free(rig_answer(&rig, "C3", ts));
	ck_assert(asked_for("sim-main", "Your name is Bruno"));
}
END_TEST

/* The model was told this the last time. */
static bool was_told(const char *words)
{
	struct sim_ask *a;
	bool found;
	size_t n;

	a = sim_asks(rig.sim, &n);
	found = n > 0 && strstr(a[n - 1].body, words);
	sim_asks_free(a, n);
	return found;
}

START_TEST(an_agent_says_its_own_sentences_in_its_language)
{
	struct sim_llm broken = { .mode = SIM_LLM_STATUS, .status = 401 };
	char ts[SIM_TS];
	char *text;

	rig_up(&rig);
	rig_fails(&rig, ARGS("agent", "set", "acme", "--locale", "fr"),
		  "locale: not a language that we speak (en, de)");
	rig_do(&rig, 0, ARGS("agent", "set", "acme", "--locale", "de"));
	rig_tells(&rig, 0, ARGS("--json", "agent", "show", "acme"),
		  "\"locale\":\"de\"");
	ck_assert_int_eq(sim_llm(rig.sim, &broken), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	text = rig_answer(&rig, "C1", ts);
	ck_assert_msg(strstr(text, "lässt mich leider nicht ein"), "%s", text);
	free(text);
}
END_TEST

static void ask(const char *channel, const char *thread, char ts[SIM_TS])
{
	char own[SIM_TS];

	rig_say(&rig, channel, "U1", thread ? "and?" : "<@UB1> hello", thread,
		own);
	if (!thread)
		memcpy(ts, own, SIM_TS);
	ck_assert_int_eq(sim_wait_reply(rig.sim, channel, thread ? thread : own,
					thread ? 2 : 1, MS),
			 0);
	free(rig_answer(&rig, channel, thread ? thread : own));
}

START_TEST(each_channel_has_its_agent_and_a_thread_keeps_its_own)
{
	char first[SIM_TS], ts[SIM_TS], post[SIM_TS + 8];

	rig_up(&rig);
	rig_do(&rig, 0,
	       ARGS("agent", "add", "acme", "--name", "Nils the 2nd", "--role",
		    "pilot", "--channels", "C2"));
	ask("C1", NULL, first);
	ck_assert(was_told("Your name is Mara"));
	ask("C2", NULL, ts);
	ck_assert(was_told("Your name is Nils the 2nd"));
	(void)snprintf(post, sizeof(post), "C2:%s", ts);
	rig_tells(&rig, 0, ARGS("explain", post), "Nils_the_2nd");

	/* From now on it is the other way round. */
	rig_do(&rig, 0,
	       ARGS("agent", "set", "acme", "Nils the 2nd", "--channels",
		    "none", "--default"));
	rig_do(&rig, 0,
	       ARGS("agent", "set", "acme", "Mara", "--channels", "C2"));
	ask("C1", first, ts);
	ck_assert(was_told("Your name is Mara"));
	ask("C1", NULL, ts);
	ck_assert(was_told("Your name is Nils the 2nd"));
	rig_tells(&rig, 0, ARGS("agent", "list", "acme"), "pilot");
	rig_tells(&rig, 0, ARGS("tenant", "list"), "Nils the 2nd and 1 more");
	rig_do(&rig, 0, ARGS("agent", "remove", "acme", "Mara"));
	ask("C2", NULL, ts);
	ck_assert(was_told("Your name is Nils the 2nd"));
}
END_TEST

/* And no other answers in its stead. */
START_TEST(paused_agent_is_silent_until_it_is_not)
{
	char quiet[SIM_TS], ts[SIM_TS], *out = NULL;

	rig_up(&rig);
	rig_do(&rig, 0,
	       ARGS("agent", "add", "acme", "--name", "Nils", "--channels",
		    "C2"));
	ask("C2", NULL, ts);
	rig_do(&rig, 0,
	       ARGS("agent", "set", "acme", "Nils", "--paused", "yes"));
	rig_tells(&rig, 0, ARGS("agent", "list", "acme"), "(paused)");
	rig_tells(&rig, 0, ARGS("export"), "\"paused\": true");
	(void)rig_ctl(&rig, &out, ARGS("doctor", "acme"));
	ck_assert_ptr_nonnull(strstr(out, "agent Nils of acme"));
	free(out);
	rig_say(&rig, "C2", "U1", "<@UB1> hello", NULL, quiet);
	rig_say(&rig, "C2", "U1", "and?", ts, NULL);
	ask("C1", NULL, ts);
	rig_settle(&rig);
	ck_assert(rig_logged(&rig, "agent paused", MS));
	ck_assert_uint_eq(rig_replies(&rig, "C2", quiet), 0);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 2);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postEphemeral"), 0);
	rig_do(&rig, 0,
	       ARGS("agent", "set", "acme", "Nils", "--role", "pilot"));
	rig_tells(&rig, 0, ARGS("agent", "list", "acme"), "(paused)");
	rig_do(&rig, 0, ARGS("agent", "set", "acme", "Nils", "--paused", "no"));
	ask("C2", NULL, ts);
	ck_assert(was_told("Your name is Nils"));
}
END_TEST

START_TEST(agents_are_kept_in_order)
{
	rig_up(&rig);
	rig_do(&rig, 0,
	       ARGS("agent", "add", "acme", "--name", "Nils", "--channels",
		    "C2"));
	rig_fails(&rig, ARGS("agent", "add", "acme", "--name", "Nils"),
		  "there is an agent 'Nils' already");
	rig_fails(&rig, ARGS("agent", "set", "acme", "Nils", "--name", "Mara"),
		  "there is an agent 'Mara' already");
	rig_fails(&rig, ARGS("agent", "set", "acme", "Otto", "--role", "x"),
		  "tenant 'acme' has no agent 'Otto'");
	rig_fails(&rig, ARGS("agent", "set", "acme", "--channels", "C1,C2"),
		  "C2 is bound to 'Mara' and to 'Nils'");
	rig_fails(&rig, ARGS("agent", "set", "acme", "--channels", "general"),
		  "no channel's id");
	rig_fails(&rig, ARGS("agent", "remove", "acme", "Mara"),
		  "'Mara' is the default");
	rig_tells(&rig, 0, ARGS("--json", "agent", "show", "acme", "Nils"),
		  "[\"C2\"]");
}
END_TEST

START_TEST(token_pair_of_two_apps_is_refused)
{
	char app[128], bot[128];
	char *out;

	rig_up(&rig);
	add_second("A2", "bolt", NULL);
	rig_file(&rig, "app.token", "xapp-1-A1-1-sim", app);
	rig_file(&rig, "bot.token", "xoxb-sim-t2", bot);
	ck_assert_int_ne(rig_ctl(&rig, &out,
				 ARGS("tenant", "add", "bolt",
				      "--app-token-file", app,
				      "--bot-token-file", bot)),
			 0);
	ck_assert_msg(strstr(out, "A1") && strstr(out, "A2"), "%s", out);
	free(out);
}
END_TEST

START_TEST(revoked_token_stops_that_tenant_only_until_a_token_is_set)
{
	char ts[SIM_TS], other[SIM_TS];
	struct err e = { 0 };
	size_t calls;

	rig_open(&rig, NULL);
	add_second("A1", "bolt", "{\"agent\":{\"name\":\"Bruno\"}}");
	rig_start(&rig);
	sim_token_error(rig.sim, "xoxb-sim-t1", "token_revoked");
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert(rig_logged(&rig, "in quarantine", MS));
	calls = sim_count(rig.sim, "chat.postMessage");
	rig_say(&rig, "C1", "U1", "<@UB1> are you there?", NULL, ts);
	rig_say(&rig, "C3", "U3", "<@UB2> hello", NULL, other);
	free(rig_answer(&rig, "C3", other));
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), calls + 1);
	ck_assert(rig_says(&rig, ARGS("status"), "token_revoked"));
	sim_token_error(rig.sim, "xoxb-sim-t1", NULL);
	ck_assert_msg(bed_apply(&rig.bed, &e) == 0, "%s", e.msg);
	ck_assert(!rig_says(&rig, ARGS("status"), "token_revoked"));
	rig_say(&rig, "C1", "U1", "<@UB1> and now?", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
}
END_TEST

START_TEST(bot_token_alone_is_replaced_and_ends_a_quarantine)
{
	char bot[128], foreign[128], ts[SIM_TS];
	const char *set[] = { "tenant",           "set", "acme",
			      "--bot-token-file", bot,   NULL };
	struct sim_stats st;

	rig_open(&rig, NULL);
	add_second("A1", "bolt", "{\"agent\":{\"name\":\"Bruno\"}}");
	rig_start(&rig);
	rig_file(&rig, "bot.token", "xoxb-sim-t1", bot);
	rig_file(&rig, "foreign.token", "xoxb-sim-t2", foreign);
	sim_token_error(rig.sim, "xoxb-sim-t1", "token_revoked");
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert(rig_logged(&rig, "in quarantine", MS));
	rig_do(&rig, 65, set);
	sim_token_error(rig.sim, "xoxb-sim-t1", NULL);
	set[4] = foreign;
	rig_do(&rig, 65, set);
	ck_assert(rig_says(&rig, ARGS("status"), "token_revoked"));
	set[4] = bot;
	rig_do(&rig, 0, set);
	ck_assert(!rig_says(&rig, ARGS("status"), "token_revoked"));
	rig_say(&rig, "C1", "U1", "<@UB1> and now?", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	sim_stats(rig.sim, &st);
	ck_assert_uint_eq(st.links_opened, 1);
}
END_TEST

START_TEST(model_of_a_tenant_is_set)
{
	const char *set[] = {
		"tenant", "set", "acme", "--model", "none", NULL
	};
	char ts[SIM_TS];

	rig_up(&rig);
	rig_do(&rig, 65, set);
	set[4] = "fast";
	rig_do(&rig, 0, set);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert(asked_for("sim-fast", "Your name is Mara"));
}
END_TEST

static char *exported(const char *option)
{
	char *out = NULL;

	out = rig_run(&rig, 0, ARGS("export", option));
	return out;
}

/* Its exit code. */
static int apply_text(const char *text)
{
	char path[RIG_PATH];
	char *out;
	int rc;

	rig_file(&rig, "tenants.json", text, path);
	rc = rig_ctl(&rig, &out, ARGS("apply", path));
	free(out);
	return rc;
}

START_TEST(what_is_exported_is_applied_as_it_was)
{
	char app[128], bot[128], ts[SIM_TS];
	char *first, *second, *files, *p;
	struct sim_stats st;

	two_tenants("fast", NULL);
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--burst", "7", "--budget",
		    "person/requests/day=50", "--streaming", "yes"));
	rig_do(&rig, 0,
	       ARGS("agent", "set", "acme", "Mara", "--persona",
		    "Dry \"wit\".\n\tKind.", "--channels", "C1,C2", "--locale",
		    "de"));
	first = exported(NULL);
	ck_assert_ptr_null(strstr(first, "xoxb"));
	ck_assert_ptr_null(strstr(first, "xapp"));
	ck_assert_int_eq(apply_text(first), 0);
	second = exported(NULL);
	ck_assert_str_eq(first, second);
	free(second);
	/* What is changed since goes back, and the tokens stay. */
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--burst", "9", "--budget", "none",
		    "--streaming", "no", "--agent-sessions", "yes"));
	rig_do(&rig, 0,
	       ARGS("agent", "set", "acme", "Mara", "--persona", "x",
		    "--locale", "en"));
	ck_assert_int_eq(apply_text(first), 0);
	second = exported(NULL);
	ck_assert_str_eq(first, second);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	sim_stats(rig.sim, &st);
	ck_assert_uint_eq(st.links_opened, 2);
	/* Where the connection isn't there it wants tokens, */
	rig_do(&rig, 0, ARGS("tenant", "remove", "acme"));
	ck_assert_int_eq(apply_text(first), 65);
	/* which may be files. */
	files = exported("--token-files");
	p = strstr(files, "\"A2-T2.bot-token\"");
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(apply_text(files), 66);
	rig_file(&rig, "A2.app-token", "xapp-1-A2-1-sim", app);
	rig_file(&rig, "A2-T2.bot-token", "xoxb-sim-t2", bot);
	ck_assert_int_eq(apply_text(files), 0);
	free(files);
	free(first);
	free(second);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tenants");
	TCase *tc = tcase_create("tenants");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 90);
	tcase_add_test(tc,
		       app_in_two_workspaces_answers_each_with_its_own_token);
	tcase_add_test(tc, an_agent_says_its_own_sentences_in_its_language);
	tcase_add_test(tc, each_tenant_has_its_own_agent);
	tcase_add_test(tc,
		       each_channel_has_its_agent_and_a_thread_keeps_its_own);
	tcase_add_test(tc, paused_agent_is_silent_until_it_is_not);
	tcase_add_test(tc, agents_are_kept_in_order);
	tcase_add_test(tc, model_preference_picks_the_model);
	tcase_add_test(tc, model_of_a_tenant_is_set);
	tcase_add_test(tc, what_is_exported_is_applied_as_it_was);
	tcase_add_test(tc, bot_token_alone_is_replaced_and_ends_a_quarantine);
	tcase_add_test(
		tc, over_the_limit_one_person_is_told_and_no_model_is_called);
	tcase_add_test(tc, redelivery_costs_no_token);
	tcase_add_test(tc, limits_of_a_tenant_are_set_while_it_runs);
	tcase_add_test(tc, paused_tenant_is_silent_until_resumed);
	tcase_add_test(tc,
		       tenant_added_while_running_is_connected_and_answered);
	tcase_add_test(tc, token_pair_of_two_apps_is_refused);
	tcase_add_test(
		tc, revoked_token_stops_that_tenant_only_until_a_token_is_set);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
