/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simapp.h"

static struct simapp app;

static void setup(void)
{
	simapp_open(&app);
	simapp_link(&app);
}

static void teardown(void)
{
	simapp_close(&app);
}

static const char *say(const char *channel, const char *text, char ts[SIM_TS])
{
	ck_assert_int_eq(sim_say(app.sim, channel, "U0ALICE", text, NULL, ts),
			 0);
	return ts;
}

START_TEST(a_reaction_is_told_with_the_message_it_is_on)
{
	char ts[SIM_TS];

	say("C0GENERAL", "hi", ts);
	ck_assert_int_eq(
		sim_react(app.sim, "C0GENERAL", ts, "U0BOB", "eyes", true), 0);
	simapp_next(&app, "reaction_added");
	ck_assert_str_eq(simapp_says(&app, "event.user"), "U0BOB");
	ck_assert_str_eq(simapp_says(&app, "event.reaction"), "eyes");
	ck_assert_str_eq(simapp_says(&app, "event.item.type"), "message");
	ck_assert_str_eq(simapp_says(&app, "event.item.channel"), "C0GENERAL");
	ck_assert_str_eq(simapp_says(&app, "event.item.ts"), ts);
	ck_assert_str_eq(simapp_says(&app, "event.item_user"), "U0ALICE");
	simapp_ack(&app, NULL);
	ck_assert_int_eq(
		sim_react(app.sim, "C0GENERAL", ts, "U0BOB", "eyes", false), 0);
	simapp_next(&app, "reaction_removed");
	ck_assert_str_eq(simapp_says(&app, "event.reaction"), "eyes");
	ck_assert(!sim_reacted(app.sim, "C0GENERAL", ts, "U0BOB", "eyes"));
}
END_TEST

START_TEST(a_reaction_is_put_and_taken_once)
{
	char ts[SIM_TS];

	say("C0GENERAL", "hi", ts);
	ck_assert_int_eq(sim_react(app.sim, "C0GENERAL", ts, "U0BOB", "eyes",
				   false),
			 -1);
	ck_assert_int_eq(
		sim_react(app.sim, "C0GENERAL", ts, "U0BOB", "eyes", true), 0);
	ck_assert_int_eq(
		sim_react(app.sim, "C0GENERAL", ts, "U0BOB", "eyes", true), -1);
	ck_assert_int_eq(
		sim_react(app.sim, "C0GENERAL", ts, "U0BOB", ":x:", true), -1);
	ck_assert_int_eq(sim_react(app.sim, "C0GENERAL", "1.000001", "U0BOB",
				   "x", true),
			 -1);
}
END_TEST

START_TEST(a_bots_reaction_is_an_event_too_and_shows_in_the_thread)
{
	char body[200];
	char ts[SIM_TS];

	say("C0GENERAL", "hi", ts);
	sim_react(app.sim, "C0GENERAL", ts, "U0BOB", "wave", true);
	sim_react(app.sim, "C0GENERAL", ts, "U0BOB", "eyes", true);
	snprintf(body, sizeof(body), "channel=C0GENERAL&timestamp=%s&name=eyes",
		 ts);
	simapp_must(&app, "reactions.add", body);
	ck_assert_str_eq(simapp_call(&app, "reactions.add", body),
			 "already_reacted");
	simapp_next(&app, "reaction_added");
	simapp_ack(&app, NULL);
	simapp_next(&app, "reaction_added");
	simapp_ack(&app, NULL);
	simapp_next(&app, "reaction_added");
	ck_assert_str_eq(simapp_says(&app, "event.user"), "U0KIM");
	snprintf(body, sizeof(body), "channel=C0GENERAL&ts=%s", ts);
	simapp_must(&app, "conversations.replies", body);
	ck_assert_str_eq(simapp_got(&app, "messages.0.reactions.0.name"),
			 "wave");
	ck_assert_str_eq(simapp_got(&app, "messages.0.reactions.1.name"),
			 "eyes");
	ck_assert_str_eq(simapp_got(&app, "messages.0.reactions.1.users.1"),
			 "U0KIM");
	ck_assert_int_eq(
		json_int(app.answer, "messages.0.reactions.1.count", 0), 2);
	snprintf(body, sizeof(body), "channel=C0GENERAL&timestamp=%s&name=eyes",
		 ts);
	simapp_must(&app, "reactions.remove", body);
	ck_assert_str_eq(simapp_call(&app, "reactions.remove", body),
			 "no_reaction");
	ck_assert(sim_reacted(app.sim, "C0GENERAL", ts, "U0BOB", "eyes"));
}
END_TEST

START_TEST(a_reaction_comes_only_with_subscription_and_scope)
{
	char ts[SIM_TS];

	sim_subscribe(app.sim, SIMAPP, "app_mention,reaction_removed");
	say("C0GENERAL", "hi", ts);
	sim_react(app.sim, "C0GENERAL", ts, "U0BOB", "eyes", true);
	sim_react(app.sim, "C0GENERAL", ts, "U0BOB", "eyes", false);
	simapp_next(&app, "reaction_removed");
	simapp_quiet(&app);
}
END_TEST

START_TEST(an_edit_comes_with_what_was_there_before)
{
	char ts[SIM_TS];

	say("D0ALICE", "one", ts);
	ck_assert_int_eq(sim_edit(app.sim, "D0ALICE", ts, "two"), 0);
	simapp_next(&app, "message");
	simapp_ack(&app, NULL);
	simapp_next(&app, "message");
	ck_assert_str_eq(simapp_says(&app, "event.subtype"), "message_changed");
	ck_assert_str_eq(simapp_says(&app, "event.message.text"), "two");
	ck_assert_str_eq(simapp_says(&app, "event.message.edited.user"),
			 "U0ALICE");
	ck_assert_str_eq(simapp_says(&app, "event.previous_message.text"),
			 "one");
}
END_TEST

START_TEST(who_deletes_the_bots_message_makes_it_unknown)
{
	char ts[SIM_TS];
	char body[200];

	snprintf(ts, sizeof(ts), "%s",
		 simapp_post(&app, "channel=D0ALICE&text=placeholder"));
	ck_assert_int_eq(sim_delete(app.sim, "D0ALICE", ts), 0);
	simapp_next(&app, "message");
	simapp_ack(&app, NULL);
	simapp_next(&app, "message");
	ck_assert_str_eq(simapp_says(&app, "event.subtype"), "message_deleted");
	ck_assert_str_eq(simapp_says(&app, "event.deleted_ts"), ts);
	ck_assert_str_eq(simapp_says(&app, "event.previous_message.text"),
			 "placeholder");
	snprintf(body, sizeof(body), "channel=D0ALICE&ts=%s&text=x", ts);
	ck_assert_str_eq(simapp_call(&app, "chat.update", body),
			 "message_not_found");
	ck_assert_str_eq(simapp_call(&app, "chat.delete", body),
			 "message_not_found");
	ck_assert_int_eq(sim_delete(app.sim, "D0ALICE", ts), -1);
}
END_TEST

START_TEST(a_question_with_an_answer_becomes_a_tombstone)
{
	char root[SIM_TS], reply[SIM_TS];
	char body[200];

	say("D0ALICE", "question", root);
	snprintf(body, sizeof(body), "channel=D0ALICE&thread_ts=%s&text=a",
		 root);
	snprintf(reply, sizeof(reply), "%s", simapp_post(&app, body));
	sim_subscribe(app.sim, SIMAPP, "message.im");
	ck_assert_int_eq(sim_delete(app.sim, "D0ALICE", root), 0);
	do {
		simapp_next(&app, "message");
		simapp_ack(&app, NULL);
	} while (!simapp_says(&app, "event.message.subtype"));
	ck_assert_str_eq(simapp_says(&app, "event.subtype"), "message_changed");
	ck_assert_str_eq(simapp_says(&app, "event.message.subtype"),
			 "tombstone");
	ck_assert_str_eq(simapp_says(&app, "event.message.user"), "USLACKBOT");
	ck_assert_str_eq(simapp_says(&app, "event.message.ts"), root);
	ck_assert_str_eq(simapp_says(&app, "event.previous_message.text"),
			 "question");
	ck_assert_int_eq(sim_delete(app.sim, "D0ALICE", reply), 0);
	simapp_next(&app, "message");
	ck_assert_str_eq(simapp_says(&app, "event.deleted_ts"), reply);
	simapp_ack(&app, NULL);
	simapp_next(&app, "message");
	ck_assert_str_eq(simapp_says(&app, "event.deleted_ts"), root);
	ck_assert_str_eq(simapp_says(&app, "event.previous_message.subtype"),
			 "tombstone");
}
END_TEST

static const char buttons[] =
	"{\"channel\":\"D0ALICE\",\"text\":\"choose\",\"blocks\":["
	"{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"?\"}},"
	"{\"type\":\"actions\",\"elements\":[{\"type\":\"button\","
	"\"action_id\":\"stop\",\"value\":\"job1\",\"text\":{\"type\":"
	"\"plain_text\",\"text\":\"Stop\"}},{\"type\":\"static_select\","
	"\"action_id\":\"pick\",\"options\":[{\"value\":\"a\",\"text\":{"
	"\"type\":\"plain_text\",\"text\":\"A\"}},{\"value\":\"b\",\"text\":{"
	"\"type\":\"plain_text\",\"text\":\"B\"}}]}]},"
	"{\"type\":\"context_actions\",\"block_id\":\"fb\",\"elements\":[{"
	"\"type\":\"feedback_buttons\",\"action_id\":\"rate\","
	"\"positive_button\":{\"text\":{\"type\":\"plain_text\",\"text\":"
	"\"Good\"},\"value\":\"yes\"},\"negative_button\":{\"text\":{\"type\":"
	"\"plain_text\",\"text\":\"Bad\"},\"value\":\"no\"}}]}]}";

START_TEST(a_button_sends_its_message_along)
{
	char ts[SIM_TS];

	snprintf(ts, sizeof(ts), "%s", simapp_post(&app, buttons));
	ck_assert_int_eq(
		sim_click(app.sim, "D0ALICE", ts, "U0ALICE", "stop", NULL), 0);
	simapp_next(&app, "block_actions");
	ck_assert_str_eq(json_str(app.frame, "type"), "interactive");
	ck_assert(!json_bool(app.frame, "accepts_response_payload", true));
	ck_assert(!json_at(app.frame, "retry_attempt"));
	ck_assert_str_eq(simapp_says(&app, "user.id"), "U0ALICE");
	ck_assert_str_eq(simapp_says(&app, "team.id"), "T0ACME");
	ck_assert_str_eq(simapp_says(&app, "api_app_id"), SIMAPP);
	ck_assert_str_eq(simapp_says(&app, "channel.id"), "D0ALICE");
	ck_assert_str_eq(simapp_says(&app, "channel.name"), "directmessage");
	ck_assert_str_eq(simapp_says(&app, "container.type"), "message");
	ck_assert_str_eq(simapp_says(&app, "container.message_ts"), ts);
	ck_assert_str_eq(simapp_says(&app, "message.ts"), ts);
	ck_assert_str_eq(simapp_says(&app, "message.text"), "choose");
	ck_assert_str_eq(simapp_says(&app, "message.blocks.2.block_id"), "fb");
	ck_assert_str_eq(simapp_says(&app, "actions.0.type"), "button");
	ck_assert_str_eq(simapp_says(&app, "actions.0.action_id"), "stop");
	ck_assert_str_eq(simapp_says(&app, "actions.0.value"), "job1");
	ck_assert_str_eq(simapp_says(&app, "actions.0.text.text"), "Stop");
	ck_assert_ptr_nonnull(simapp_says(&app, "actions.0.block_id"));
	ck_assert_str_eq(simapp_says(&app, "actions.0.block_id"),
			 simapp_says(&app, "message.blocks.1.block_id"));
	ck_assert_ptr_nonnull(simapp_says(&app, "actions.0.action_ts"));
	ck_assert_ptr_nonnull(simapp_says(&app, "trigger_id"));
	ck_assert_ptr_nonnull(
		strstr(simapp_says(&app, "response_url"), "/hooks/actions/"));
	simapp_ack(&app, NULL);
	ck_assert_int_eq(sim_wait_acked(app.sim, 30000), 0);
}
END_TEST

START_TEST(feedback_and_menus_say_what_was_chosen)
{
	char ts[SIM_TS];

	snprintf(ts, sizeof(ts), "%s", simapp_post(&app, buttons));
	ck_assert_int_eq(sim_click(app.sim, "D0ALICE", ts, "U0ALICE", "rate",
				   "down"),
			 0);
	simapp_next(&app, "block_actions");
	ck_assert_str_eq(simapp_says(&app, "actions.0.type"),
			 "feedback_buttons");
	ck_assert_str_eq(simapp_says(&app, "actions.0.value"), "no");
	ck_assert_str_eq(simapp_says(&app, "actions.0.block_id"), "fb");
	simapp_ack(&app, NULL);
	ck_assert_int_eq(
		sim_click(app.sim, "D0ALICE", ts, "U0ALICE", "rate", "yes"), 0);
	simapp_next(&app, "block_actions");
	ck_assert_str_eq(simapp_says(&app, "actions.0.text.text"), "Good");
	simapp_ack(&app, NULL);
	ck_assert_int_eq(
		sim_click(app.sim, "D0ALICE", ts, "U0ALICE", "pick", "b"), 0);
	simapp_next(&app, "block_actions");
	ck_assert_str_eq(simapp_says(&app, "actions.0.selected_option.value"),
			 "b");
}
END_TEST

START_TEST(nobody_clicks_what_is_not_there_for_them)
{
	char ts[SIM_TS];

	snprintf(ts, sizeof(ts), "%s", simapp_post(&app, buttons));
	ck_assert_int_eq(
		sim_click(app.sim, "D0ALICE", ts, "U0BOB", "stop", NULL), -1);
	ck_assert_int_eq(
		sim_click(app.sim, "D0ALICE", ts, "U0ALICE", "go", NULL), -1);
	ck_assert_int_eq(
		sim_click(app.sim, "D0ALICE", ts, "U0ALICE", "pick", "c"), -1);
	ck_assert_int_eq(
		sim_click(app.sim, "D0ALICE", ts, "U0ALICE", "rate", NULL), -1);
	sim_delete(app.sim, "D0ALICE", ts);
	ck_assert_int_eq(
		sim_click(app.sim, "D0ALICE", ts, "U0ALICE", "stop", NULL), -1);
}
END_TEST

START_TEST(of_an_ephemeral_message_only_the_place_is_told)
{
	struct sim_msg *m;
	size_t n;

	simapp_must(&app, "chat.postEphemeral",
		    "channel=D0ALICE&user=U0ALICE&text=psst&blocks="
		    "[{\"type\":\"actions\",\"elements\":[{\"type\":\"button\","
		    "\"action_id\":\"ok\",\"text\":{\"type\":\"plain_text\","
		    "\"text\":\"OK\"}}]}]");
	m = sim_messages(app.sim, "D0ALICE", NULL, &n);
	ck_assert_int_eq(sim_click(app.sim, "D0ALICE", m[n - 1].ts, "U0ALICE",
				   "ok", NULL),
			 0);
	simapp_next(&app, "block_actions");
	ck_assert(
		json_bool(app.frame, "payload.container.is_ephemeral", false));
	ck_assert_str_eq(simapp_says(&app, "container.message_ts"),
			 m[n - 1].ts);
	ck_assert(!json_at(app.frame, "payload.message"));
	sim_messages_free(m, n);
}
END_TEST

START_TEST(an_interaction_comes_once_even_without_an_ack)
{
	struct sim_settings set;
	char ts[SIM_TS];

	sim_settings(app.sim, &set);
	set.ack_timeout_ms = 20;
	set.retry_ms[0] = 1;
	sim_set(app.sim, &set);
	sim_subscribe(app.sim, SIMAPP, "app_mention");
	snprintf(ts, sizeof(ts), "%s", simapp_post(&app, buttons));
	sim_click(app.sim, "D0ALICE", ts, "U0ALICE", "stop", NULL);
	simapp_next(&app, "block_actions");
	ck_assert_int_eq(sim_wait_acked(app.sim, 30000), 0);
	simapp_quiet(&app);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim_acts");
	TCase *t = tcase_create("acts");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_reaction_is_told_with_the_message_it_is_on);
	tcase_add_test(t, a_reaction_is_put_and_taken_once);
	tcase_add_test(t,
		       a_bots_reaction_is_an_event_too_and_shows_in_the_thread);
	tcase_add_test(t, a_reaction_comes_only_with_subscription_and_scope);
	tcase_add_test(t, an_edit_comes_with_what_was_there_before);
	tcase_add_test(t, who_deletes_the_bots_message_makes_it_unknown);
	tcase_add_test(t, a_question_with_an_answer_becomes_a_tombstone);
	tcase_add_test(t, a_button_sends_its_message_along);
	tcase_add_test(t, feedback_and_menus_say_what_was_chosen);
	tcase_add_test(t, nobody_clicks_what_is_not_there_for_them);
	tcase_add_test(t, of_an_ephemeral_message_only_the_place_is_told);
	tcase_add_test(t, an_interaction_comes_once_even_without_an_ack);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
