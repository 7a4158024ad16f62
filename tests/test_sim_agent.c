/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simapp.h"

static struct simapp app;
static char root[SIM_TS]; /* Alice's question in her direct messages */
static char ts[SIM_TS];   /* of the stream */

static void setup(void)
{
	simapp_open(&app);
	simapp_link(&app);
	sim_say(app.sim, "D0ALICE", "U0ALICE", "hi", NULL, root);
}

static void teardown(void)
{
	simapp_close(&app);
}

static const char *form(const char *method, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static const char *form(const char *method, const char *fmt, ...)
{
	static char body[16384];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(body, sizeof(body), fmt, ap);
	va_end(ap);
	return simapp_call(&app, method, body);
}

static const char *start(const char *more)
{
	const char *error = form("chat.startStream",
				 "channel=D0ALICE&thread_ts=%s%s", root, more);

	if (!error)
		snprintf(ts, sizeof(ts), "%s", simapp_got(&app, "ts"));
	return error;
}

static const char *append(const char *more)
{
	return form("chat.appendStream", "channel=D0ALICE&ts=%s&%s", ts, more);
}

static const char *stop(const char *more)
{
	return form("chat.stopStream", "channel=D0ALICE&ts=%s%s", ts, more);
}

static const char *status_of(const char *thread)
{
	static char status[12];
	struct sim_session se;

	ck_assert_int_eq(sim_session(app.sim, SIMAPP, "D0ALICE", thread, &se),
			 0);
	snprintf(status, sizeof(status), "%s", se.status);
	sim_session_release(&se);
	return status;
}

START_TEST(a_stream_grows_and_ends)
{
	struct sim_msg *m;
	size_t n;

	ck_assert_pstr_eq(start(""), NULL);
	ck_assert_str_eq(status_of(root), "processing");
	ck_assert_pstr_eq(append("markdown_text=one%20"), NULL);
	ck_assert_pstr_eq(append("markdown_text=two"), NULL);
	m = sim_messages(app.sim, "D0ALICE", root, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(m[1].text, "one two");
	ck_assert(m[1].streaming);
	ck_assert_uint_eq(m[1].nversions, 4);
	sim_messages_free(m, n);
	ck_assert_pstr_eq(
		stop("&markdown_text=!&blocks=[{\"type\":\"divider\"}]"), NULL);
	ck_assert_str_eq(simapp_got(&app, "message.text"), "one two!");
	ck_assert_str_eq(simapp_got(&app, "message.blocks.0.type"), "markdown");
	ck_assert_str_eq(simapp_got(&app, "message.blocks.1.type"), "divider");
	ck_assert_str_eq(simapp_got(&app, "message.streaming_state"),
			 "completed");
	ck_assert_str_eq(status_of(root), "active");
	ck_assert_str_eq(append("markdown_text=x"),
			 "message_not_in_streaming_state");
	ck_assert_str_eq(stop(""), "message_not_in_streaming_state");
}
END_TEST

START_TEST(a_stream_dies_of_old_age_and_can_be_edited_then)
{
	struct sim_settings set;

	sim_settings(app.sim, &set);
	set.stream_ms = 0;
	sim_set(app.sim, &set);
	ck_assert_pstr_eq(start(""), NULL);
	ck_assert_str_eq(append("markdown_text=x"),
			 "message_not_in_streaming_state");
	ck_assert_str_eq(stop(""), "message_not_in_streaming_state");
	ck_assert_pstr_eq(form("chat.update", "channel=D0ALICE&ts=%s&text=late",
			       ts),
			  NULL);
}
END_TEST

START_TEST(a_running_stream_is_not_edited)
{
	ck_assert_pstr_eq(start(""), NULL);
	ck_assert_str_eq(form("chat.update", "channel=D0ALICE&ts=%s&text=x",
			      ts),
			 "streaming_state_conflict");
	ck_assert_pstr_eq(form("chat.delete", "channel=D0ALICE&ts=%s", ts),
			  NULL);
	ck_assert_str_eq(append("markdown_text=x"), "message_not_found");
}
END_TEST

START_TEST(a_stream_in_a_channel_names_its_reader)
{
	char to[SIM_TS];

	sim_say(app.sim, "C0GENERAL", "U0ALICE", "hi", NULL, to);
	ck_assert_str_eq(form("chat.startStream",
			      "channel=C0GENERAL&thread_ts=%s", to),
			 "missing_recipient_user_id");
	ck_assert_str_eq(form("chat.startStream",
			      "channel=C0GENERAL&thread_ts=%s"
			      "&recipient_user_id=U0ALICE",
			      to),
			 "missing_recipient_team_id");
	ck_assert_pstr_eq(form("chat.startStream",
			       "channel=C0GENERAL&thread_ts=%s"
			       "&recipient_user_id=U0ALICE"
			       "&recipient_team_id=T0ACME",
			       to),
			  NULL);
	ck_assert_str_eq(form("chat.startStream", "channel=C0GENERAL"),
			 "invalid_arguments");
}
END_TEST

static const struct {
	const char *more;
	const char *error;
} bad_pieces[] = {
	{ "x=1", "no_text" },
	{ "chunks={}", "invalid_chunks" },
	{ "chunks=[{\"type\":\"other\"}]", "invalid_chunks" },
	{ "chunks=[{\"type\":\"task_update\",\"id\":\"1\",\"title\":\"t\","
	  "\"status\":\"lost\"}]",
	  "invalid_chunks" },
	{ "chunks=[{\"type\":\"blocks\",\"blocks\":[{\"type\":\"none\"}]}]",
	  "invalid_chunks" },
};

START_TEST(a_piece_must_have_its_form)
{
	ck_assert_pstr_eq(start(""), NULL);
	ck_assert_str_eq(append(bad_pieces[_i].more), bad_pieces[_i].error);
}
END_TEST

START_TEST(a_piece_has_at_most_12000_characters)
{
	char text[12050] = "markdown_text=";

	memset(text + 14, 'a', 12001);
	ck_assert_pstr_eq(start(""), NULL);
	ck_assert_str_eq(append(text), "msg_too_long");
	text[14 + 12000] = '\0';
	ck_assert_pstr_eq(append(text), NULL);
	ck_assert_pstr_eq(append(text), NULL);
}
END_TEST

START_TEST(tasks_are_updated_and_gone_after_an_edit)
{
	ck_assert_pstr_eq(start("&task_display_mode=plan"), NULL);
	ck_assert_pstr_eq(
		append("chunks=[{\"type\":\"plan_update\",\"title\":\"Plan\"},"
		       "{\"type\":\"task_update\",\"id\":\"1\",\"title\":"
		       "\"Look\",\"status\":\"in_progress\",\"details\":\"a\"},"
		       "{\"type\":\"markdown_text\",\"text\":\"so\"}]"),
		NULL);
	ck_assert_pstr_eq(
		append("chunks=[{\"type\":\"task_update\",\"id\":\"1\","
		       "\"title\":\"Looked\",\"status\":\"complete\","
		       "\"details\":\"b\",\"output\":\"2 found\"}]"),
		NULL);
	ck_assert_pstr_eq(stop(""), NULL);
	ck_assert_str_eq(simapp_got(&app, "message.blocks.0.type"), "plan");
	ck_assert_str_eq(simapp_got(&app, "message.blocks.0.title"), "Plan");
	ck_assert_str_eq(simapp_got(&app, "message.blocks.0.tasks.0.title"),
			 "Looked");
	ck_assert_str_eq(simapp_got(&app, "message.blocks.0.tasks.0.status"),
			 "complete");
	ck_assert_str_eq(simapp_got(&app, "message.blocks.0.tasks.0.details"
					  ".elements.0.elements.0.text"),
			 "ab");
	ck_assert_str_eq(simapp_got(&app, "message.blocks.1.text"), "so");
	ck_assert_pstr_eq(
		form("chat.update", "channel=D0ALICE&ts=%s&text=so", ts), NULL);
	ck_assert_str_eq(simapp_got(&app, "message.blocks.0.type"),
			 "rich_text");
}
END_TEST

START_TEST(who_stops_a_session_ends_its_streams)
{
	ck_assert_int_eq(sim_stop_session(app.sim, SIMAPP, "D0ALICE", root,
					  "U0ALICE"),
			 -1);
	ck_assert_pstr_eq(start("&markdown_text=half"), NULL);
	ck_assert_int_eq(sim_stop_session(app.sim, SIMAPP, "D0ALICE", root,
					  "U0ALICE"),
			 0);
	simapp_next(&app, "agent_session_stopped");
	ck_assert_str_eq(simapp_says(&app, "event.user"), "U0ALICE");
	ck_assert_str_eq(simapp_says(&app, "event.channel"), "D0ALICE");
	ck_assert_str_eq(simapp_says(&app, "event.thread_ts"), root);
	ck_assert_str_eq(simapp_says(&app, "event.streaming_message_ts.0"), ts);
	ck_assert_str_eq(append("markdown_text=x"), "stopped_by_user");
	ck_assert_str_eq(status_of(root), "processing");
	ck_assert_pstr_eq(stop("&markdown_text=x"), NULL);
	ck_assert_str_eq(simapp_got(&app, "message.text"), "half");
	ck_assert_str_eq(status_of(root), "active");
}
END_TEST

START_TEST(without_its_event_there_is_no_stop)
{
	sim_subscribe(app.sim, SIMAPP, "app_mention");
	ck_assert_pstr_eq(form("agents.sessions.setStatus",
			       "channel_id=D0ALICE&thread_ts=%s&status="
			       "processing",
			       root),
			  NULL);
	ck_assert_str_eq(simapp_got(&app, "warning"),
			 "missing_agent_session_stopped_event_subscription");
	ck_assert_int_eq(sim_stop_session(app.sim, SIMAPP, "D0ALICE", root,
					  "U0ALICE"),
			 -1);
}
END_TEST

START_TEST(a_session_has_status_and_title)
{
	ck_assert_str_eq(form("agents.sessions.rename",
			      "channel_id=D0ALICE&thread_ts=%s&title=t", root),
			 "session_not_found");
	ck_assert_str_eq(form("agents.sessions.setStatus",
			      "channel_id=D0ALICE&status=active"),
			 "thread_ts_required");
	ck_assert_str_eq(form("agents.sessions.setStatus",
			      "channel_id=D0ALICE&thread_ts=%s&status=idle",
			      root),
			 "invalid_status");
	ck_assert_pstr_eq(form("agents.sessions.setStatus",
			       "channel_id=D0ALICE&thread_ts=%s&status="
			       "processing&title=First",
			       root),
			  NULL);
	ck_assert_str_eq(simapp_got(&app, "agent_status"), "processing");
	ck_assert_str_eq(simapp_got(&app, "title"), "First");
	ck_assert_pstr_eq(form("agents.sessions.rename",
			       "channel_id=D0ALICE&thread_ts=%s&title=Second",
			       root),
			  NULL);
	ck_assert_int_eq(sim_rename_session(app.sim, SIMAPP, "D0ALICE", root,
					    "U0ALICE", "Third"),
			 0);
	simapp_next(&app, "agent_session_title_changed");
	ck_assert_str_eq(simapp_says(&app, "event.title"), "Third");
	ck_assert_str_eq(simapp_says(&app, "event.previous_title"), "Second");
	ck_assert_str_eq(simapp_says(&app, "event.team_id"), "T0ACME");
}
END_TEST

START_TEST(a_status_is_shown_until_the_answer)
{
	struct sim_session se;

	ck_assert_str_eq(form("assistant.threads.setStatus",
			      "channel_id=D0ALICE&thread_ts=1.000001&status=x"),
			 "invalid_thread_ts");
	ck_assert_str_eq(form("assistant.threads.setStatus",
			      "channel_id=D0ALICE&thread_ts=%s", root),
			 "invalid_arguments");
	ck_assert_pstr_eq(form("assistant.threads.setStatus",
			       "channel_id=D0ALICE&thread_ts=%s&status=is%%20"
			       "thinking...&loading_messages=[\"a\",\"b\"]",
			       root),
			  NULL);
	ck_assert_int_eq(sim_wait_session(app.sim, SIMAPP, "D0ALICE", root,
					  "thinking", 30000),
			 0);
	ck_assert_int_eq(sim_session(app.sim, SIMAPP, "D0ALICE", root, &se), 0);
	ck_assert_str_eq(se.text, "is thinking...");
	ck_assert_str_eq(se.loading, "[\"a\",\"b\"]");
	ck_assert_str_eq(se.status, "processing");
	sim_session_release(&se);
	ck_assert_pstr_eq(form("chat.postMessage",
			       "channel=D0ALICE&thread_ts=%s&text=so", root),
			  NULL);
	ck_assert_int_eq(sim_session(app.sim, SIMAPP, "D0ALICE", root, &se), 0);
	ck_assert_ptr_null(se.text);
	ck_assert_str_eq(se.status, "active");
	sim_session_release(&se);
}
END_TEST

START_TEST(at_most_four_prompts_are_suggested)
{
	static const char one[] = "{\"title\":\"t\",\"message\":\"m\"}";
	struct sim_session se;

	ck_assert_str_eq(form("assistant.threads.setSuggestedPrompts",
			      "channel_id=D0ALICE&prompts=[%s,%s,%s,%s,%s]",
			      one, one, one, one, one),
			 "invalid_arguments");
	ck_assert_str_eq(form("assistant.threads.setSuggestedPrompts",
			      "channel_id=D0ALICE&prompts=[{\"title\":\"t\"}]"),
			 "invalid_arguments");
	ck_assert_pstr_eq(form("assistant.threads.setSuggestedPrompts",
			       "channel_id=D0ALICE&title=Try&prompts=[%s]",
			       one),
			  NULL);
	ck_assert_int_eq(sim_session(app.sim, SIMAPP, "D0ALICE", NULL, &se), 0);
	ck_assert_str_eq(se.prompts_title, "Try");
	ck_assert_ptr_nonnull(strstr(se.prompts, "\"message\":\"m\""));
	sim_session_release(&se);
}
END_TEST

START_TEST(the_older_agent_is_opened_beside_a_channel)
{
	char thread[SIM_TS];

	ck_assert_int_eq(sim_open_assistant(app.sim, SIMAPP, "U0ALICE",
					    "C0GENERAL", thread),
			 0);
	simapp_next(&app, "assistant_thread_started");
	ck_assert_str_eq(simapp_says(&app, "event.assistant_thread.user_id"),
			 "U0ALICE");
	ck_assert_str_eq(simapp_says(&app, "event.assistant_thread.channel_id"),
			 "D0ALICE");
	ck_assert_str_eq(simapp_says(&app, "event.assistant_thread.thread_ts"),
			 thread);
	ck_assert_str_eq(
		simapp_says(&app, "event.assistant_thread.context.channel_id"),
		"C0GENERAL");
	simapp_ack(&app, NULL);
	ck_assert_pstr_eq(form("assistant.threads.setTitle",
			       "channel_id=D0ALICE&thread_ts=%s&title=T",
			       thread),
			  NULL);
	ck_assert_int_eq(sim_assistant_looks(app.sim, SIMAPP, "U0ALICE", thread,
					     "C0RANDOM"),
			 0);
	simapp_next(&app, "assistant_thread_context_changed");
	ck_assert_str_eq(
		simapp_says(&app, "event.assistant_thread.context.channel_id"),
		"C0RANDOM");
	simapp_ack(&app, NULL);
	ck_assert_int_eq(sim_look_at(app.sim, SIMAPP, "U0ALICE", "C0GENERAL"),
			 0);
	simapp_next(&app, "app_context_changed");
	ck_assert_str_eq(simapp_says(&app, "event.context.entities.0.value"),
			 "C0GENERAL");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim_agent");
	TCase *tc = tcase_create("agent");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_stream_grows_and_ends);
	tcase_add_test(tc, a_stream_dies_of_old_age_and_can_be_edited_then);
	tcase_add_test(tc, a_running_stream_is_not_edited);
	tcase_add_test(tc, a_stream_in_a_channel_names_its_reader);
	tcase_add_loop_test(tc, a_piece_must_have_its_form, 0, 5);
	tcase_add_test(tc, a_piece_has_at_most_12000_characters);
	tcase_add_test(tc, tasks_are_updated_and_gone_after_an_edit);
	tcase_add_test(tc, who_stops_a_session_ends_its_streams);
	tcase_add_test(tc, without_its_event_there_is_no_stop);
	tcase_add_test(tc, a_session_has_status_and_title);
	tcase_add_test(tc, a_status_is_shown_until_the_answer);
	tcase_add_test(tc, at_most_four_prompts_are_suggested);
	tcase_add_test(tc, the_older_agent_is_opened_beside_a_channel);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
