/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "integration/rig.h"

/* Who may talk to an agent. */

static struct rig rig;

static void teardown(void)
{
	rig_close(&rig);
}

/* The rig's world, with Gus, a guest, and Eve of another company. */
static void open_world(void)
{
	rig_open(&rig, NULL);
	sim_add_user(rig.sim, "U7", "T1", "gus", "Gus");
	sim_set_guest(rig.sim, "U7", true);
	sim_join(rig.sim, "C1", "U7");
	sim_add_user(rig.sim, "U8", "T9", "eve", "Eve");
}

static void up(void)
{
	open_world();
	rig_start(&rig);
}

/* The verdict is logged before it is written down, so it is asked again. */
static bool explains(const char *channel, const char *ts, const char *want)
{
	int64_t until = clock_ms() + MS;
	bool found = false;
	char post[64], *out;

	(void)snprintf(post, sizeof(post), "%s:%s", channel, ts);
	while (!found && clock_ms() < until) {
		found = rig_ctl(&rig, &out, ARGS("explain", post)) == 0 &&
			strstr(out, want);
		free(out);
	}
	return found;
}

/* What only this person sees there: how often, and the last one's text. */
static size_t told(const char *channel, const char *user, char text[200])
{
	struct sim_msg *m;
	size_t i, n, found = 0;

	text[0] = '\0';
	m = sim_messages(rig.sim, channel, NULL, &n);
	for (i = 0; i < n; i++) {
		if (!m[i].ephemeral || strcmp(m[i].to_user, user) != 0)
			continue;
		(void)snprintf(text, 200, "%s", m[i].text);
		found++;
	}
	sim_messages_free(m, n);
	return found;
}

static void answered(const char *channel, const char *user, const char *text,
		     const char *thread)
{
	char ts[SIM_TS];

	rig_say(&rig, channel, user, text, thread, ts);
	ck_assert_int_eq(sim_wait_reply(rig.sim, channel, thread ? thread : ts,
					1, MS),
			 0);
	free(rig_answer(&rig, channel, thread ? thread : ts));
}

/* Says it and waits until the daemon has judged it. */
static void denied(const char *channel, const char *user, const char *text,
		   const char *thread, const char *why)
{
	char ts[SIM_TS], line[80];

	rig_say(&rig, channel, user, text, thread, ts);
	(void)snprintf(line, sizeof(line), "ts=%s stage=access", ts);
	ck_assert_msg(rig_logged(&rig, line, MS), "%s was not judged", ts);
	ck_assert_msg(explains(channel, ts, why), "not for want of '%s'", why);
	if (!thread)
		ck_assert_uint_eq(rig_replies(&rig, channel, ts), 0);
}

START_TEST(members_are_answered_guests_and_strangers_are_told_why_not)
{
	char text[200];

	open_world();
	sim_join(rig.sim, "C1", "U8");
	rig_start(&rig);
	answered("C1", "U1", "<@UB1> hello", NULL);
	denied("C1", "U7", "<@UB1> hello", NULL, "guest");
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U7", 1, MS), 0);
	denied("C1", "U7", "<@UB1> hello?", NULL, "guest");
	ck_assert_uint_eq(told("C1", "U7", text), 1);
	ck_assert_str_eq(text, "I may not answer guests of this workspace.");
	denied("C1", "U8", "<@UB1> hello", NULL, "stranger");
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U8", 1, MS), 0);
	ck_assert_uint_eq(told("C1", "U8", text), 1);
	ck_assert_str_eq(text, "I may answer people of this workspace only.");

	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--guests", "yes", "--strangers",
		    "yes"));
	answered("C1", "U7", "<@UB1> and now?", NULL);
	answered("C1", "U8", "<@UB1> and now?", NULL);
}
END_TEST

START_TEST(a_guest_has_no_placeholder_and_does_not_draw_us_into_a_thread)
{
	char ts[SIM_TS], more[SIM_TS];

	up();
	rig_say(&rig, "C1", "U7", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U7", 1, MS), 0);
	rig_say(&rig, "C1", "U1", "what is it, Gus?", ts, more);
	answered("C1", "U1", "<@UB1> help yourself", NULL);
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 0);
}
END_TEST

START_TEST(a_denied_person_in_an_engaged_thread_meets_silence)
{
	char ts[SIM_TS], text[200];

	up();
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	denied("C1", "U7", "me too", ts, "guest");
	ck_assert_uint_eq(told("C1", "U7", text), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

START_TEST(channels_people_and_direct_messages_are_allowed_or_not)
{
	char text[200];

	up();
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--channels-denied", "C2",
		    "--people-denied", "U2", "--direct-messages", "no"));
	denied("C2", "U1", "<@UB1> hello", NULL, "channel");
	denied("C1", "U2", "<@UB1> hello", NULL, "person");
	denied("D1", "U1", "hello", NULL, "direct_message");
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "D1", "U1", 1, MS), 0);
	ck_assert_uint_eq(told("D1", "U1", text), 1);
	ck_assert_str_eq(text, "I don't answer direct messages. Please ask me"
			       " in a channel.");
	answered("C1", "U1", "<@UB1> hello", NULL);

	/* Set no more. */
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--channels-denied", "default",
		    "--people-denied", "none", "--direct-messages", "default",
		    "--people-allowed", "U2"));
	answered("C1", "U2", "<@UB1> hello", NULL);
	denied("D1", "U1", "hello", NULL, "person");
}
END_TEST

START_TEST(an_agent_may_have_rules_of_its_own)
{
	up();
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--people-allowed", "U2"));
	rig_do(&rig, 0,
	       ARGS("agent", "add", "acme", "--name", "Nils", "--channels",
		    "C2", "--people-allowed", "U1"));
	denied("C1", "U1", "<@UB1> hello", NULL, "person");
	answered("C2", "U1", "<@UB1> hello", NULL);
}
END_TEST

static const struct sim_say deploy_bot = { .bot_id = "BDEPLOY" };

static void bot_says(const char *thread, const char *text, char ts[SIM_TS])
{
	struct sim_say o = deploy_bot;

	o.thread_ts = thread;
	ck_assert_int_eq(sim_say(rig.sim, "C1", "U9", text, &o, ts), 0);
}

static bool is_mine(const struct sim_msg *m)
{
	return strcmp(m->user, "UB1") == 0 && !m->deleted && !m->ephemeral &&
	       strcmp(m->text, "Thinking...") != 0;
}

struct place {
	const char *thread;
	size_t n;
};

static bool has_answers(struct sim *s, void *arg)
{
	const struct place *p = arg;
	size_t i, n, found = 0;
	struct sim_msg *m;

	m = sim_messages(s, "C1", p->thread, &n);
	for (i = 0; i < n; i++)
		found += is_mine(&m[i]);
	sim_messages_free(m, n);
	return found >= p->n;
}

/* The agent's answers in the thread are so many, and nothing is under way. */
static void has_exactly(const char *thread, size_t n)
{
	struct place p = { thread, n };

	ck_assert_int_eq(sim_wait(rig.sim, has_answers, &p, MS), 0);
	free(rig_answer(&rig, "C1", thread));
	p.n++;
	ck_assert(!has_answers(rig.sim, &p));
}

START_TEST(bots_are_ignored_unless_they_are_allowed_and_then_not_for_ever)
{
	char ts[SIM_TS], more[SIM_TS], line[80];

	open_world();
	sim_add_user(rig.sim, "U9", "T1", "deploy", "Deploy");
	sim_join(rig.sim, "C1", "U9");
	rig_start(&rig);
	bot_says(NULL, "<@UB1> it failed", ts);
	(void)snprintf(line, sizeof(line), "ts=%s stage=access", ts);
	ck_assert(rig_logged(&rig, line, MS));
	ck_assert(explains("C1", ts, "bot"));

	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--bots-allowed", "BDEPLOY",
		    "--bot-answers", "2"));
	bot_says(NULL, "<@UB1> it failed", ts);
	has_exactly(ts, 1);
	bot_says(ts, "thanks", more); /* not to us */
	bot_says(ts, "<@UB1> and why?", more);
	has_exactly(ts, 2);
	bot_says(ts, "<@UB1> and why?", more);
	(void)snprintf(line, sizeof(line), "ts=%s stage=admit verdict=drop",
		       more);
	ck_assert(rig_logged(&rig, line, MS));
	ck_assert(explains("C1", more, "bots_answer_each_other"));
	has_exactly(ts, 2);

	rig_say(&rig, "C1", "U1", "go on", ts, more);
	has_exactly(ts, 3);
	bot_says(ts, "<@UB1> I will", more);
	has_exactly(ts, 4);
}
END_TEST

START_TEST(without_users_read_nobody_is_kept_out_unless_it_was_said)
{
	struct sim_fault f = { .method = "users.info",
			       .kind = SIM_FAULT_ERROR,
			       .error = "missing_scope" };
	char text[200];

	open_world();
	sim_fault(rig.sim, &f);
	rig_start(&rig);
	answered("C1", "U7", "<@UB1> hello", NULL);
	ck_assert(rig_logged(&rig, "slack doesn't tell who may ask", MS));
	rig_do(&rig, 0, ARGS("tenant", "set", "acme", "--guests", "no"));
	denied("C1", "U1", "<@UB1> hello", NULL, "person_unknown");
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U1", 1, MS), 0);
	ck_assert_uint_eq(told("C1", "U1", text), 1);
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--people-allowed", "U1"));
	answered("C1", "U1", "<@UB1> hello", NULL);
}
END_TEST

START_TEST(what_slack_cannot_tell_now_is_asked_again)
{
	struct sim_fault f = { .method = "users.info",
			       .kind = SIM_FAULT_RATE,
			       .ms = 1000,
			       .times = 1 };
	char ts[SIM_TS];

	open_world();
	sim_fault(rig.sim, &f);
	rig_start(&rig);
	rig_say(&rig, "C1", "U7", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_ephemeral(rig.sim, "C1", "U7", 1, MS), 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 0);
	ck_assert_uint_eq(sim_count(rig.sim, "users.info"), 2);
}
END_TEST

START_TEST(what_was_held_is_judged_after_a_restart)
{
	struct sim_fault f = { .method = "users.info",
			       .kind = SIM_FAULT_HANG,
			       .times = 1 };
	char ts[SIM_TS];

	open_world();
	sim_fault(rig.sim, &f);
	rig_start(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "users.info", 1, MS), 0);
	rig_kill(&rig);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 1, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

static void apply(const char *text)
{
	char path[RIG_PATH];

	rig_file(&rig, "tenants.json", text, path);
	rig_do(&rig, 0, ARGS("apply", path));
}

START_TEST(a_file_sets_agents_and_who_may_and_an_export_has_both)
{
	char *out;

	up();
	apply("{\"tenants\":[{\"name\":\"acme\",\"app_id\":\"A1\","
	      "\"workspace_id\":\"T1\",\"bot_user_id\":\"UB1\","
	      "\"bot_id\":\"BB1\",\"access\":{\"guests\":true,"
	      "\"people_denied\":[\"U2\"]},\"agents\":[{\"name\":\"Nils\","
	      "\"role\":\"pilot\",\"channels\":[\"C2\"],\"access\":"
	      "{\"people_denied\":[\"U1\"]}}]}]}");
	answered("C1", "U7", "<@UB1> hello", NULL);
	denied("C1", "U2", "<@UB1> hello", NULL, "person");
	denied("C2", "U1", "<@UB1> hello", NULL, "person");
	apply("{\"tenants\":[{\"name\":\"acme\",\"app_id\":\"A1\","
	      "\"workspace_id\":\"T1\",\"bot_user_id\":\"UB1\","
	      "\"bot_id\":\"BB1\",\"access\":{\"people_denied\":null}}]}");
	answered("C1", "U2", "<@UB1> hello", NULL);
	out = rig_run(&rig, 0, ARGS("export"));
	ck_assert_msg(strstr(out, "\"guests\"") && strstr(out, "\"Nils\"") &&
			      strstr(out, "\"U1\"") && !strstr(out, "\"U2\""),
		      "%s", out);
	free(out);
}
END_TEST

START_TEST(members_of_user_groups_are_allowed_or_not)
{
	struct sim_fault f = { .method = "usergroups.users.list",
			       .kind = SIM_FAULT_ERROR,
			       .error = "missing_scope" };

	open_world();
	sim_set_group(rig.sim, "S1", "U11,U1");
	sim_set_group(rig.sim, "S2", "U2");
	rig_start(&rig);
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--groups-allowed", "S1,S2"));
	answered("C1", "U1", "<@UB1> hello", NULL);
	answered("C1", "U2", "<@UB1> hello", NULL);
	denied("C1", "U7", "<@UB1> hello", NULL, "person");
	rig_do(&rig, 0, ARGS("tenant", "set", "acme", "--groups-denied", "S2"));
	answered("C1", "U1", "<@UB1> hello", NULL);
	denied("C1", "U2", "<@UB1> hello", NULL, "person");
	ck_assert_uint_eq(sim_count(rig.sim, "usergroups.users.list"), 2);

	sim_fault(rig.sim, &f);
	rig_do(&rig, 0,
	       ARGS("tenant", "set", "acme", "--groups-allowed", "S3"));
	denied("C1", "U1", "<@UB1> hello", NULL, "person_unknown");
	ck_assert(rig_logged(&rig, "scope=usergroups:read", MS));
}
END_TEST

START_TEST(one_question_to_slack_serves_for_an_hour)
{
	up();
	answered("C1", "U1", "<@UB1> hello", NULL);
	answered("C2", "U1", "<@UB1> hello", NULL);
	answered("D1", "U1", "hello", NULL);
	ck_assert_uint_eq(sim_count(rig.sim, "users.info"), 1);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
	char *out;

	up();
	rig_fails(&rig, ARGS("tenant", "set", "acme", "--guests", "perhaps"),
		  "guests: 'perhaps' is none of yes, no and default");
	rig_fails(&rig, ARGS("tenant", "set", "acme", "--people-denied", "bob"),
		  "access.people_denied: 'bob' is no person's id");
	rig_fails(&rig, ARGS("tenant", "set", "acme", "--bots-allowed", "U1"),
		  "access.bots_allowed: 'U1' is no bot's id");
	rig_fails(&rig, ARGS("agent", "set", "acme", "--bot-answers", "5000"),
		  "access.bot_answers: not a number from 0 to 1000");
	rig_do(&rig, 0,
	       ARGS("agent", "set", "acme", "--guests", "yes",
		    "--channels-denied", "C5,C6"));
	out = rig_run(&rig, 0, ARGS("agent", "show", "acme"));
	ck_assert_msg(strstr(out, "C5 C6") != NULL, "%s", out);
	free(out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("access");
	TCase *tc = tcase_create("access");
	SRunner *sr;
	int nfailed;

	rig_begin();
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(
		tc, members_are_answered_guests_and_strangers_are_told_why_not);
	tcase_add_test(
		tc,
		a_guest_has_no_placeholder_and_does_not_draw_us_into_a_thread);
	tcase_add_test(tc, a_denied_person_in_an_engaged_thread_meets_silence);
	tcase_add_test(tc,
		       channels_people_and_direct_messages_are_allowed_or_not);
	tcase_add_test(tc, an_agent_may_have_rules_of_its_own);
	tcase_add_test(
		tc,
		bots_are_ignored_unless_they_are_allowed_and_then_not_for_ever);
	tcase_add_test(
		tc, without_users_read_nobody_is_kept_out_unless_it_was_said);
	tcase_add_test(tc, members_of_user_groups_are_allowed_or_not);
	tcase_add_test(tc, what_slack_cannot_tell_now_is_asked_again);
	tcase_add_test(tc, what_was_held_is_judged_after_a_restart);
	tcase_add_test(tc,
		       a_file_sets_agents_and_who_may_and_an_export_has_both);
	tcase_add_test(tc, one_question_to_slack_serves_for_an_hour);
	tcase_add_test(tc, what_is_wrong_is_said);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
