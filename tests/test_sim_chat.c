/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "sim/people.h"
#include "sim/view.h"
#include "sim/widgets.h"
#include "simapp.h"

/* Alice at a terminal, beside the app. */
static struct simapp app;
static pid_t pid;
static int in;

static void run_chat(int from, const char *url)
{
	const char *build = getenv("KONSTRUCT_BUILDDIR");
	char path[512];

	snprintf(path, sizeof(path), "%s/konstruct-sim", build ? build : ".");
	dup2(from, STDIN_FILENO);
	close(from);
	if (!freopen("/dev/null", "w", stdout))
		_exit(1);
	execl(path, path, "chat", "--url", url, "--channel", "dm-alice",
	      "--user", "alice", "--linger", "0", (char *)NULL);
	_exit(127);
}

static void setup(void)
{
	char url[64];
	int fds[2];

	simapp_open(&app);
	simapp_link(&app);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", sim_port(app.sim));
	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(fds[1]);
		run_chat(fds[0], url);
	}
	close(fds[0]);
	in = fds[1];
}

static void teardown(void)
{
	int status;

	close(in);
	waitpid(pid, &status, 0);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	simapp_close(&app);
}

static void type(const char *line)
{
	ck_assert_int_eq(write(in, line, strlen(line)), (int)strlen(line));
	ck_assert_int_eq(write(in, "\n", 1), 1);
}

/* The ts of what Alice says. */
static const char *say(const char *text)
{
	static char ts[SIM_TS];

	type(text);
	simapp_next(&app, "message");
	snprintf(ts, sizeof(ts), "%s", simapp_says(&app, "event.ts"));
	simapp_ack(&app, NULL);
	return ts;
}

START_TEST(what_is_typed_is_done_to_the_message_that_is_meant)
{
	char ts[SIM_TS];

	snprintf(ts, sizeof(ts), "%s", say("first"));
	say("second");
	type("/react 1 eyes");
	simapp_next(&app, "reaction_added");
	ck_assert_str_eq(simapp_says(&app, "event.item.ts"), ts);
	ck_assert_str_eq(simapp_says(&app, "event.reaction"), "eyes");
	ck_assert_str_eq(simapp_says(&app, "event.user"), "U0ALICE");
	simapp_ack(&app, NULL);
	type("/unreact 1 eyes");
	simapp_next(&app, "reaction_removed");
	simapp_ack(&app, NULL);
	type("/edit 1.1 2nd <3");
	do {
		simapp_next(&app, "message");
		simapp_ack(&app, NULL);
	} while (!simapp_says(&app, "event.message.edited.ts"));
	ck_assert_str_eq(simapp_says(&app, "event.message.text"), "2nd &lt;3");
	type("/delete 1.1");
	do {
		simapp_next(&app, "message");
		simapp_ack(&app, NULL);
	} while (!simapp_says(&app, "event.deleted_ts"));
	ck_assert_str_eq(simapp_says(&app, "event.previous_message.text"),
			 "2nd &lt;3");
}
END_TEST

START_TEST(lines_that_come_at_once_know_each_other)
{
	char ts[SIM_TS];

	snprintf(ts, sizeof(ts), "%s", say("one\n/react 1 eyes"));
	simapp_next(&app, "reaction_added");
	ck_assert_str_eq(simapp_says(&app, "event.item.ts"), ts);
}
END_TEST

START_TEST(buttons_are_pressed_by_number)
{
	char ts[SIM_TS];

	say("hi");
	snprintf(ts, sizeof(ts), "%s",
		 simapp_post(&app,
			     "{\"channel\":\"D0ALICE\",\"text\":\"?\","
			     "\"blocks\":[{\"type\":\"actions\",\"elements\":["
			     "{\"type\":\"button\",\"action_id\":\"stop\","
			     "\"text\":{\"type\":\"plain_text\",\"text\":"
			     "\"Stop\"}}]},{\"type\":\"context_actions\","
			     "\"elements\":[{\"type\":\"feedback_buttons\","
			     "\"action_id\":\"fb\",\"positive_button\":"
			     "{\"text\":{\"type\":\"plain_text\",\"text\":"
			     "\"Good\"},\"value\":\"g\"},\"negative_button\":"
			     "{\"text\":{\"type\":\"plain_text\",\"text\":"
			     "\"Bad\"},\"value\":\"b\"}}]}]}"));
	type("/click 3");
	simapp_next(&app, "block_actions");
	ck_assert_str_eq(simapp_says(&app, "container.message_ts"), ts);
	ck_assert_str_eq(simapp_says(&app, "actions.0.value"), "b");
	simapp_ack(&app, NULL);
	type("/click 2 1");
	simapp_next(&app, "block_actions");
	ck_assert_str_eq(simapp_says(&app, "actions.0.action_id"), "stop");
}
END_TEST

START_TEST(a_command_and_the_modal_that_it_opens)
{
	char body[900];

	type("/slash /kim how are you");
	simapp_next(&app, "slash_commands");
	ck_assert_str_eq(simapp_says(&app, "command"), "/kim");
	ck_assert_str_eq(simapp_says(&app, "text"), "how are you");
	simapp_ack(&app, NULL);
	snprintf(body, sizeof(body),
		 "{\"trigger_id\":\"%s\",\"view\":{\"type\":\"modal\","
		 "\"title\":{\"type\":\"plain_text\",\"text\":\"Ask\"},"
		 "\"submit\":{\"type\":\"plain_text\",\"text\":\"Go\"},"
		 "\"blocks\":[{\"type\":\"input\",\"block_id\":\"b\","
		 "\"label\":{\"type\":\"plain_text\",\"text\":\"Q\"},"
		 "\"element\":{\"type\":\"plain_text_input\",\"action_id\":"
		 "\"q\"}},{\"type\":\"input\",\"block_id\":\"c\",\"label\":"
		 "{\"type\":\"plain_text\",\"text\":\"R\"},\"element\":"
		 "{\"type\":\"plain_text_input\",\"action_id\":\"r\"}}]}}",
		 simapp_says(&app, "trigger_id"));
	simapp_must(&app, "views.open", body);
	type("/submit q=one two; r=three");
	simapp_next(&app, "view_submission");
	ck_assert_str_eq(simapp_says(&app, "view.state.values.b.q.value"),
			 "one two");
	ck_assert_str_eq(simapp_says(&app, "view.state.values.c.r.value"),
			 "three");
}
END_TEST

START_TEST(the_home_is_looked_at_and_used)
{
	simapp_must(&app, "views.publish",
		    "{\"user_id\":\"U0ALICE\",\"view\":{\"type\":\"home\","
		    "\"blocks\":[{\"type\":\"actions\",\"elements\":[{\"type\":"
		    "\"button\",\"action_id\":\"forget\",\"text\":{\"type\":"
		    "\"plain_text\",\"text\":\"Forget\"}}]}]}}");
	type("/home");
	simapp_next(&app, "app_home_opened");
	ck_assert_str_eq(simapp_says(&app, "event.tab"), "home");
	simapp_ack(&app, NULL);
	type("/click v 1");
	simapp_next(&app, "block_actions");
	ck_assert_str_eq(simapp_says(&app, "view.type"), "home");
	simapp_ack(&app, NULL);
}
END_TEST

START_TEST(a_file_is_said_and_work_is_stopped)
{
	char path[] = "/tmp/test_sim_chat_XXXXXX";
	char line[96], body[160];
	const char *ts;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "a\0b", 3), 3);
	close(fd);
	ts = say("hi");
	snprintf(body, sizeof(body), "channel=D0ALICE&thread_ts=%s", ts);
	simapp_must(&app, "chat.startStream", body);
	snprintf(line, sizeof(line), "/file %s look", path);
	type(line);
	do {
		simapp_next(&app, "message");
		simapp_ack(&app, NULL);
	} while (!json_at(app.frame, "payload.event.files"));
	ck_assert_str_eq(simapp_says(&app, "event.text"), "look");
	ck_assert_int_eq(json_int(app.frame, "payload.event.files.0.size", 0),
			 3);
	unlink(path);
	type("/stop");
	simapp_next(&app, "agent_session_stopped");
	ck_assert_str_eq(simapp_says(&app, "event.streaming_message_ts.0"),
			 simapp_got(&app, "ts"));
}
END_TEST

START_TEST(a_file_mentions_and_begins_a_thread)
{
	char path[] = "/tmp/test_sim_chat_XXXXXX";
	char line[96], ts[SIM_TS];
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "abc", 3), 3);
	close(fd);
	snprintf(line, sizeof(line), "/file %s @kim look", path);
	type(line);
	simapp_next(&app, "message");
	ck_assert_str_eq(simapp_says(&app, "event.text"), "<@U0KIM> look");
	snprintf(ts, sizeof(ts), "%s", simapp_says(&app, "event.ts"));
	simapp_ack(&app, NULL);
	unlink(path);
	say("and now?");
	ck_assert_str_eq(simapp_says(&app, "event.thread_ts"), ts);
}
END_TEST

START_TEST(times_are_shown_as_their_label)
{
	const char *text = "{\"messages\":[{\"ts\":\"1.1\",\"user\":\"U1\","
			   "\"text\":\"from <!date^1^{time}|noon> on <!x\"}]}";
	struct people *p = people_create();
	struct view *v = view_create(p, "U1", false);
	struct err e = { 0 };
	struct json *j = json_parse(text, strlen(text), 4096, &e);
	char path[] = "/tmp/test_sim_chat_XXXXXX", got[256] = "";
	int fd = mkstemp(path), out = dup(STDOUT_FILENO);

	fflush(stdout);
	ck_assert_int_ge(dup2(fd, STDOUT_FILENO), 0);
	view_draw(v, j, "", "");
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	ck_assert_int_gt(pread(fd, got, sizeof(got) - 1, 0), 0);
	ck_assert_ptr_nonnull(strstr(got, "from noon on <!x"));
	close(out);
	close(fd);
	unlink(path);
	json_free(j);
	view_free(v);
	people_free(p);
}
END_TEST

static char *shown(const char *json, bool panel)
{
	struct err e = { 0 };
	struct json *j = json_parse(json, strlen(json), 65536, &e);
	struct buf b;

	ck_assert_msg(j != NULL, "%s", e.msg);
	buf_init(&b, 65536);
	if (panel)
		panel_show(json_at(j, "view"), json_at(j, "errors"), &b);
	else
		widgets_show(j, &b);
	json_free(j);
	return buf_take(&b);
}

START_TEST(what_can_be_pressed_has_a_number)
{
	char *text = shown(
		"[{\"type\":\"section\",\"text\":{\"text\":\"x\"}},"
		"{\"type\":\"actions\",\"elements\":[{\"type\":\"button\","
		"\"action_id\":\"a\",\"text\":{\"text\":\"Go\"}},"
		"{\"type\":\"static_select\",\"action_id\":\"s\",\"options\":["
		"{\"value\":\"1\",\"text\":{\"text\":\"One\"}}]}]}]",
		false);

	ck_assert_str_eq(text, "[1 Go] [2 One]");
	free(text);
}
END_TEST

START_TEST(a_modal_is_shown_with_its_inputs_and_errors)
{
	char *text = shown(
		"{\"view\":{\"title\":{\"text\":\"Ask\"},\"submit\":{"
		"\"text\":\"Send\"},\"blocks\":[{\"type\":\"input\","
		"\"label\":{\"text\":\"Question\"},\"optional\":true,"
		"\"element\":{\"type\":\"plain_text_input\",\"action_id\":"
		"\"q\"}},{\"type\":\"section\",\"text\":{\"text\":\"or\"},"
		"\"accessory\":{\"type\":\"button\",\"action_id\":\"b\","
		"\"text\":{\"text\":\"Stop\"}}}]},"
		"\"errors\":{\"q\":\"too short\"}}",
		true);

	ck_assert_str_eq(text, "=== Ask ===\n"
			       "Question (optional)  q=\n"
			       "or\n"
			       "[1 Stop]\n"
			       "! q: too short\n"
			       "=== /submit: Send ===\n");
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim_chat");
	TCase *shows = tcase_create("shows");
	TCase *tc = tcase_create("chat");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_typed_is_done_to_the_message_that_is_meant);
	tcase_add_test(tc, lines_that_come_at_once_know_each_other);
	tcase_add_test(tc, buttons_are_pressed_by_number);
	tcase_add_test(tc, a_command_and_the_modal_that_it_opens);
	tcase_add_test(tc, the_home_is_looked_at_and_used);
	tcase_add_test(tc, a_file_is_said_and_work_is_stopped);
	tcase_add_test(tc, a_file_mentions_and_begins_a_thread);
	tcase_add_test(shows, times_are_shown_as_their_label);
	tcase_add_test(shows, what_can_be_pressed_has_a_number);
	tcase_add_test(shows, a_modal_is_shown_with_its_inputs_and_errors);
	suite_add_tcase(suite, shows);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
