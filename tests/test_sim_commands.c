/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simapp.h"

static struct simapp app;
static char url[320]; /* the response_url of the last payload */

static void setup(void)
{
	simapp_open(&app);
	simapp_link(&app);
}

static void teardown(void)
{
	simapp_close(&app);
}

static void command(const char *text)
{
	ck_assert_int_eq(sim_slash(app.sim, SIMAPP, "C0GENERAL", "U0ALICE",
				   "/kim", text),
			 0);
	simapp_next(&app, "slash_commands");
	snprintf(url, sizeof(url), "%s", simapp_says(&app, "response_url"));
}

static struct sim_msg *last(const char *channel, struct sim_msg **all,
			    size_t *n)
{
	*all = sim_messages(app.sim, channel, NULL, n);
	ck_assert_uint_gt(*n, 0);
	return &(*all)[*n - 1];
}

/* Of the channel's last message: its text, and to whom it is shown. */
static void check_last(const char *text, const char *to_user)
{
	struct sim_msg *all, *m;
	size_t n;

	m = last("C0GENERAL", &all, &n);
	ck_assert_str_eq(m->text, text);
	ck_assert_pstr_eq(m->to_user, to_user);
	sim_messages_free(all, n);
}

START_TEST(a_command_comes_flat_and_takes_an_answer)
{
	command("help me");
	ck_assert_str_eq(json_str(app.frame, "type"), "slash_commands");
	ck_assert(json_bool(app.frame, "accepts_response_payload", false));
	ck_assert(!simapp_says(&app, "type"));
	ck_assert_str_eq(simapp_says(&app, "command"), "/kim");
	ck_assert_str_eq(simapp_says(&app, "text"), "help me");
	ck_assert_str_eq(simapp_says(&app, "team_id"), "T0ACME");
	ck_assert_str_eq(simapp_says(&app, "channel_id"), "C0GENERAL");
	ck_assert_str_eq(simapp_says(&app, "channel_name"), "general");
	ck_assert_str_eq(simapp_says(&app, "user_id"), "U0ALICE");
	ck_assert_str_eq(simapp_says(&app, "user_name"), "alice");
	ck_assert_str_eq(simapp_says(&app, "api_app_id"), SIMAPP);
	ck_assert_ptr_nonnull(simapp_says(&app, "trigger_id"));
	simapp_ack(&app, "{\"text\":\"at your service\"}");
	ck_assert_int_eq(sim_wait_ephemeral(app.sim, "C0GENERAL", "U0ALICE", 1,
					    30000),
			 0);
	check_last("at your service", "U0ALICE");
}
END_TEST

START_TEST(an_answer_may_be_for_the_whole_channel)
{
	command("");
	simapp_ack(&app, "{\"response_type\":\"in_channel\",\"text\":\"hi\"}");
	ck_assert_int_eq(sim_wait_text(app.sim, "C0GENERAL", NULL, "hi", 30000),
			 0);
	check_last("hi", NULL);
}
END_TEST

START_TEST(an_ack_alone_shows_nothing)
{
	struct sim_msg *m;
	size_t n;

	command("");
	simapp_ack(&app, NULL);
	ck_assert_int_eq(sim_wait_acked(app.sim, 30000), 0);
	command("");
	simapp_ack(&app, "{}");
	ck_assert_int_eq(sim_wait_acked(app.sim, 30000), 0);
	m = sim_messages(app.sim, "C0GENERAL", NULL, &n);
	ck_assert_uint_eq(n, 0);
	sim_messages_free(m, n);
}
END_TEST

START_TEST(slackbot_complains_of_an_app_that_is_late_or_away)
{
	struct sim_settings set;

	sim_settings(app.sim, &set);
	set.ack_timeout_ms = 20;
	sim_set(app.sim, &set);
	command("");
	ck_assert_int_eq(sim_wait_ephemeral(app.sim, "C0GENERAL", "U0ALICE", 1,
					    30000),
			 0);
	check_last("/kim failed with the error \"operation_timeout\"",
		   "U0ALICE");
	sim_cut(app.sim, SIMAPP, SIM_CUT_RESET);
	ck_assert_int_eq(sim_slash(app.sim, SIMAPP, "C0GENERAL", "U0ALICE",
				   "/kim", NULL),
			 0);
	ck_assert_int_eq(sim_wait_ephemeral(app.sim, "C0GENERAL", "U0ALICE", 2,
					    30000),
			 0);
	check_last("/kim failed with the error \"dispatch_failed\"", "U0ALICE");
}
END_TEST

/* Slack documents no retry of commands, yet they were seen to come twice. */
START_TEST(a_command_can_come_twice)
{
	char trigger[96], envelope[64];

	command("once");
	snprintf(trigger, sizeof(trigger), "%s",
		 simapp_says(&app, "trigger_id"));
	snprintf(envelope, sizeof(envelope), "%s",
		 json_str(app.frame, "envelope_id"));
	simapp_ack(&app, "{\"text\":\"done\"}");
	ck_assert_int_eq(sim_wait_acked(app.sim, 30000), 0);
	ck_assert_int_eq(sim_redeliver_last(app.sim, SIMAPP, "slash_commands",
					    false),
			 0);
	simapp_next(&app, "slash_commands");
	ck_assert_str_eq(simapp_says(&app, "trigger_id"), trigger);
	ck_assert_str_ne(json_str(app.frame, "envelope_id"), envelope);
	simapp_ack(&app, "{\"text\":\"done\"}");
	ck_assert_int_eq(sim_redeliver_last(app.sim, SIMAPP, "shortcut", false),
			 -1);
}
END_TEST

START_TEST(only_who_is_there_commands)
{
	ck_assert_int_eq(
		sim_slash(app.sim, SIMAPP, "D0ALICE", "U0BOB", "/kim", ""), -1);
	ck_assert_int_eq(sim_slash(app.sim, SIMAPP, "C0TRAVEL", "U0CAROL",
				   "/kim", ""),
			 -1);
	ck_assert_int_eq(sim_slash(app.sim, "A0NONE", "C0GENERAL", "U0ALICE",
				   "/kim", ""),
			 -1);
}
END_TEST

START_TEST(a_response_url_is_good_for_five)
{
	const char *text;
	int i;

	command("");
	simapp_ack(&app, NULL);
	ck_assert_int_eq(simapp_respond(&app, url, "nonsense", &text), 400);
	ck_assert_ptr_nonnull(strstr(text, "invalid_payload"));
	ck_assert_int_eq(simapp_respond(&app, url, "{}", &text), 400);
	ck_assert_ptr_nonnull(strstr(text, "no_text"));
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(simapp_respond(&app, url, "{\"text\":\"x\"}",
						&text),
				 200);
		ck_assert_str_eq(text, "ok");
	}
	check_last("x", "U0ALICE");
	ck_assert_int_eq(simapp_respond(&app, url, "{\"text\":\"x\"}", &text),
			 404);
	ck_assert_ptr_nonnull(strstr(text, "used_url"));
	ck_assert_int_eq(simapp_respond(&app, "/hooks/commands/T0ACME/1/2",
					"{\"text\":\"x\"}", NULL),
			 404);
	ck_assert_uint_eq(sim_count(app.sim, "response_url"), 9);
}
END_TEST

START_TEST(a_response_url_meets_faults_like_a_method)
{
	struct sim_fault f = { .kind = SIM_FAULT_RATE,
			       .method = "response_url",
			       .times = 1,
			       .ms = 1000 };

	command("");
	simapp_ack(&app, NULL);
	sim_fault(app.sim, &f);
	ck_assert_int_eq(simapp_respond(&app, url, "{\"text\":\"x\"}", NULL),
			 429);
	ck_assert_int_eq(simapp_respond(&app, url, "{\"text\":\"x\"}", NULL),
			 200);
}
END_TEST

static const char button[] =
	"\"text\":\"choose\",\"blocks\":[{\"type\":\"actions\",\"elements\":["
	"{\"type\":\"button\",\"action_id\":\"ok\",\"text\":{\"type\":"
	"\"plain_text\",\"text\":\"OK\"}}]}]}";

/* Alice presses the button of the channel's last message. */
static void press(void)
{
	struct sim_msg *all, *m;
	size_t n;

	m = last("C0GENERAL", &all, &n);
	ck_assert_int_eq(sim_click(app.sim, "C0GENERAL", m->ts, "U0ALICE", "ok",
				   NULL),
			 0);
	sim_messages_free(all, n);
	simapp_next(&app, "block_actions");
	snprintf(url, sizeof(url), "%s", simapp_says(&app, "response_url"));
	simapp_ack(&app, NULL);
}

START_TEST(an_original_is_replaced_and_deleted)
{
	struct sim_msg *all, *m;
	char body[600];
	size_t n;

	snprintf(body, sizeof(body), "{\"channel\":\"C0GENERAL\",%s", button);
	simapp_post(&app, body);
	press();
	ck_assert_int_eq(simapp_respond(&app, url,
					"{\"replace_original\":true,"
					"\"text\":\"done\"}",
					NULL),
			 200);
	m = last("C0GENERAL", &all, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(m->text, "done");
	ck_assert_ptr_null(m->blocks);
	sim_messages_free(all, n);
	ck_assert_int_eq(simapp_respond(&app, url, "{\"delete_original\":true}",
					NULL),
			 200);
	m = last("C0GENERAL", &all, &n);
	ck_assert(m->deleted);
	sim_messages_free(all, n);
	ck_assert_int_eq(simapp_respond(&app, url, "{\"delete_original\":true}",
					NULL),
			 400);
}
END_TEST

START_TEST(an_ephemeral_original_too_which_chat_update_cannot)
{
	struct sim_msg *all, *m;
	char body[600];
	size_t n;

	snprintf(body, sizeof(body),
		 "{\"channel\":\"C0GENERAL\",\"user\":\"U0ALICE\",%s", button);
	simapp_must(&app, "chat.postEphemeral", body);
	snprintf(body, sizeof(body), "channel=C0GENERAL&text=x&ts=%s",
		 simapp_got(&app, "message_ts"));
	ck_assert_str_eq(simapp_call(&app, "chat.update", body),
			 "message_not_found");
	press();
	ck_assert_int_eq(simapp_respond(&app, url,
					"{\"replace_original\":\"true\","
					"\"text\":\"done\"}",
					NULL),
			 200);
	m = last("C0GENERAL", &all, &n);
	ck_assert_str_eq(m->text, "done");
	ck_assert_str_eq(m->to_user, "U0ALICE");
	sim_messages_free(all, n);
}
END_TEST

START_TEST(a_response_goes_into_a_thread_that_it_names)
{
	struct sim_msg *all;
	char root[SIM_TS];
	char body[160];
	size_t n;

	sim_say(app.sim, "C0GENERAL", "U0ALICE", "hi", NULL, root);
	command("");
	simapp_ack(&app, NULL);
	snprintf(body, sizeof(body),
		 "{\"text\":\"x\",\"response_type\":\"in_channel\","
		 "\"thread_ts\":\"%s\"}",
		 root);
	ck_assert_int_eq(simapp_respond(&app, url, body, NULL), 200);
	ck_assert_str_eq(last("C0GENERAL", &all, &n)->thread_ts, root);
	sim_messages_free(all, n);
}
END_TEST

START_TEST(shortcuts_come_with_and_without_a_message)
{
	char ts[SIM_TS], trigger[96];

	sim_say(app.sim, "C0GENERAL", "U0BOB", "look at this", NULL, ts);
	ck_assert_int_eq(sim_message_shortcut(app.sim, SIMAPP, "C0GENERAL", ts,
					      "U0ALICE", "ask_about"),
			 0);
	simapp_next(&app, "message_action");
	ck_assert_str_eq(json_str(app.frame, "type"), "interactive");
	ck_assert_str_eq(simapp_says(&app, "callback_id"), "ask_about");
	ck_assert_str_eq(simapp_says(&app, "user.id"), "U0ALICE");
	ck_assert_str_eq(simapp_says(&app, "message_ts"), ts);
	ck_assert_str_eq(simapp_says(&app, "message.text"), "look at this");
	ck_assert_str_eq(simapp_says(&app, "message.user"), "U0BOB");
	ck_assert_str_eq(simapp_says(&app, "channel.id"), "C0GENERAL");
	ck_assert_ptr_nonnull(simapp_says(&app, "response_url"));
	ck_assert(!json_at(app.frame, "payload.api_app_id"));
	simapp_ack(&app, NULL);
	ck_assert_int_eq(sim_shortcut(app.sim, SIMAPP, "U0ALICE", "new"), 0);
	simapp_next(&app, "shortcut");
	ck_assert_str_eq(simapp_says(&app, "callback_id"), "new");
	ck_assert(!simapp_says(&app, "response_url"));
	sim_trigger(app.sim, SIMAPP, trigger, sizeof(trigger));
	ck_assert_pstr_eq(simapp_says(&app, "trigger_id"), trigger);
}
END_TEST

START_TEST(a_bot_that_is_invited_hears_of_it)
{
	sim_leave(app.sim, "C0RANDOM", "U0KIM");
	ck_assert_int_eq(sim_invite(app.sim, "C0RANDOM", "U0KIM", "U0ALICE"),
			 0);
	simapp_next(&app, "member_joined_channel");
	ck_assert_str_eq(simapp_says(&app, "event.user"), "U0KIM");
	ck_assert_str_eq(simapp_says(&app, "event.channel"), "C0RANDOM");
	ck_assert_str_eq(simapp_says(&app, "event.channel_type"), "C");
	ck_assert_str_eq(simapp_says(&app, "event.team"), "T0ACME");
	ck_assert_str_eq(simapp_says(&app, "event.inviter"), "U0ALICE");
	simapp_ack(&app, NULL);
	simapp_next(&app, "message");
	ck_assert_str_eq(simapp_says(&app, "event.subtype"), "channel_join");
	simapp_ack(&app, NULL);
	simapp_quiet(&app);
	ck_assert_int_eq(sim_invite(app.sim, "C0RANDOM", "U0KIM", "U0ALICE"),
			 -1);
}
END_TEST

START_TEST(who_opens_the_home_is_told_with_the_tab)
{
	ck_assert_int_eq(sim_open_home(app.sim, SIMAPP, "U0ALICE", "messages"),
			 0);
	simapp_next(&app, "app_home_opened");
	ck_assert_str_eq(simapp_says(&app, "event.user"), "U0ALICE");
	ck_assert_str_eq(simapp_says(&app, "event.channel"), "D0ALICE");
	ck_assert_str_eq(simapp_says(&app, "event.tab"), "messages");
	ck_assert(!json_at(app.frame, "payload.event.view"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim_commands");
	TCase *tc = tcase_create("commands");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_command_comes_flat_and_takes_an_answer);
	tcase_add_test(tc, an_answer_may_be_for_the_whole_channel);
	tcase_add_test(tc, an_ack_alone_shows_nothing);
	tcase_add_test(tc, slackbot_complains_of_an_app_that_is_late_or_away);
	tcase_add_test(tc, a_command_can_come_twice);
	tcase_add_test(tc, only_who_is_there_commands);
	tcase_add_test(tc, a_response_url_is_good_for_five);
	tcase_add_test(tc, a_response_url_meets_faults_like_a_method);
	tcase_add_test(tc, an_original_is_replaced_and_deleted);
	tcase_add_test(tc, an_ephemeral_original_too_which_chat_update_cannot);
	tcase_add_test(tc, a_response_goes_into_a_thread_that_it_names);
	tcase_add_test(tc, shortcuts_come_with_and_without_a_message);
	tcase_add_test(tc, a_bot_that_is_invited_hears_of_it);
	tcase_add_test(tc, who_opens_the_home_is_told_with_the_tab);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
