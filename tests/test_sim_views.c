/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simapp.h"

static struct simapp app;

static const char modal[] =
	"{\"type\":\"modal\",\"callback_id\":\"ask\",\"notify_on_close\":true,"
	"\"private_metadata\":\"m1\","
	"\"title\":{\"type\":\"plain_text\",\"text\":\"Ask\"},"
	"\"submit\":{\"type\":\"plain_text\",\"text\":\"Send\"},\"blocks\":["
	"{\"type\":\"input\",\"block_id\":\"q.1\",\"label\":{\"type\":"
	"\"plain_text\",\"text\":\"Question\"},\"element\":{\"type\":"
	"\"plain_text_input\",\"action_id\":\"question\"}},"
	"{\"type\":\"input\",\"block_id\":\"lang\",\"optional\":true,"
	"\"label\":{\"type\":\"plain_text\",\"text\":\"Language\"},\"element\":"
	"{\"type\":\"static_select\",\"action_id\":\"l\",\"options\":["
	"{\"value\":\"de\",\"text\":{\"type\":\"plain_text\",\"text\":\"D\"}},"
	"{\"value\":\"en\",\"text\":{\"type\":\"plain_text\",\"text\":\"E\"}}]}"
	"}]}";
static const char home[] =
	"{\"type\":\"home\",\"blocks\":[{\"type\":\"section\",\"text\":"
	"{\"type\":\"mrkdwn\",\"text\":\"Hello\"},\"accessory\":{\"type\":"
	"\"button\",\"action_id\":\"forget\",\"text\":{\"type\":\"plain_text\","
	"\"text\":\"Forget me\"}}}]}";

static void setup(void)
{
	simapp_open(&app);
	simapp_link(&app);
}

static void teardown(void)
{
	simapp_close(&app);
}

/* A trigger_id of Alice's. */
static const char *trigger(void)
{
	static char id[96];

	ck_assert_int_eq(sim_shortcut(app.sim, SIMAPP, "U0ALICE", "new"), 0);
	simapp_next(&app, "shortcut");
	snprintf(id, sizeof(id), "%s", simapp_says(&app, "trigger_id"));
	simapp_ack(&app, NULL);
	return id;
}

static const char *with_view(const char *method, const char *more,
			     const char *view)
{
	char body[4096];

	ck_assert_int_lt(snprintf(body, sizeof(body), "{%s,\"view\":%s}", more,
				  view),
			 (int)sizeof(body));
	return simapp_call(&app, method, body);
}

static const char *open_with(const char *method, const char *id,
			     const char *view)
{
	char more[160];

	snprintf(more, sizeof(more), "\"trigger_id\":\"%s\"", id);
	return with_view(method, more, view);
}

static void open_modal(char id[24])
{
	const char *error = open_with("views.open", trigger(), modal);

	ck_assert_msg(!error, "%s", error);
	snprintf(id, 24, "%s", simapp_got(&app, "view.id"));
}

static struct sim_view view_of(const char *id)
{
	struct sim_view out = { 0 };
	struct sim_view *v;
	size_t i, n;

	v = sim_views(app.sim, &n);
	for (i = 0; i < n; i++) {
		if (strcmp(v[i].id, id) == 0)
			out = v[i];
	}
	ck_assert(*out.id);
	out.json = out.app_id = out.user = NULL;
	out.errors = out.errors ? strdup(out.errors) : NULL;
	sim_views_free(v, n);
	return out;
}

START_TEST(a_trigger_opens_one_modal_and_grows_old)
{
	char id[96];

	snprintf(id, sizeof(id), "%s", trigger());
	ck_assert_pstr_eq(open_with("views.open", id, modal), NULL);
	ck_assert_str_eq(simapp_got(&app, "view.callback_id"), "ask");
	ck_assert_str_eq(simapp_got(&app, "view.app_id"), SIMAPP);
	ck_assert_str_eq(simapp_got(&app, "view.root_view_id"),
			 simapp_got(&app, "view.id"));
	ck_assert_str_eq(open_with("views.open", id, modal),
			 "exchanged_trigger_id");
	ck_assert_str_eq(open_with("views.open", "1.2.3", modal),
			 "invalid_trigger_id");
	ck_assert_int_eq(
		sim_wait_view(app.sim, "U0ALICE", "Question", NULL, 30000), 0);
	ck_assert_int_eq(sim_wait_view(app.sim, "U0BOB", "Question", NULL, 0),
			 -1);
}
END_TEST

START_TEST(a_trigger_lasts_as_long_as_it_is_set_to)
{
	struct sim_settings set;

	sim_settings(app.sim, &set);
	set.trigger_ms = 0;
	sim_set(app.sim, &set);
	ck_assert_str_eq(open_with("views.open", trigger(), modal),
			 "expired_trigger_id");
}
END_TEST

static const struct {
	const char *view;
	const char *error;
} bad_views[] = {
	{ "{\"type\":\"home\",\"blocks\":[]}", "invalid_arguments" },
	{ "{\"type\":\"modal\",\"blocks\":[]}", "invalid_arguments" },
	{ "{\"type\":\"modal\",\"title\":{\"type\":\"plain_text\",\"text\":"
	  "\"more than 24 characters in all\"},\"blocks\":[]}",
	  "invalid_arguments" },
	{ "{\"type\":\"modal\",\"title\":{\"type\":\"plain_text\",\"text\":"
	  "\"t\"},\"blocks\":[{\"type\":\"markdown\",\"text\":\"x\"}]}",
	  "invalid_arguments" },
	{ "{\"type\":\"modal\",\"title\":{\"type\":\"plain_text\",\"text\":"
	  "\"t\"},\"blocks\":[{\"type\":\"input\",\"label\":{\"type\":"
	  "\"plain_text\",\"text\":\"l\"},\"element\":{\"type\":"
	  "\"plain_text_input\"}}]}",
	  "invalid_arguments" }, /* inputs without submit */
};

START_TEST(a_view_must_have_its_form)
{
	ck_assert_str_eq(open_with("views.open", trigger(), bad_views[_i].view),
			 bad_views[_i].error);
}
END_TEST

START_TEST(a_submission_has_what_was_put_in)
{
	struct sim_view v;
	char id[24];

	open_modal(id);
	ck_assert_int_eq(sim_submit(app.sim, id, "{}"), -1);
	ck_assert_int_eq(sim_submit(app.sim, id,
				    "{\"question\":\"why?\",\"lang\":\"fr\"}"),
			 -1);
	ck_assert_int_eq(sim_submit(app.sim, id,
				    "{\"question\":\"why?\",\"lang\":\"de\"}"),
			 0);
	simapp_next(&app, "view_submission");
	ck_assert(json_bool(app.frame, "accepts_response_payload", false));
	ck_assert_str_eq(simapp_says(&app, "user.id"), "U0ALICE");
	ck_assert_str_eq(simapp_says(&app, "view.id"), id);
	ck_assert_str_eq(simapp_says(&app, "view.private_metadata"), "m1");
	ck_assert_str_eq(
		simapp_says(&app,
			    "view.state.values.lang.l.selected_option.value"),
		"de");
	ck_assert_ptr_nonnull(simapp_says(&app, "trigger_id"));
	simapp_ack(&app, NULL);
	ck_assert_int_eq(sim_wait_acked(app.sim, 30000), 0);
	v = view_of(id);
	ck_assert(!v.open);
	ck_assert_int_eq(sim_submit(app.sim, id, "{\"question\":\"x\"}"), -1);
}
END_TEST

/* Submits the modal and acks with this. */
static struct sim_view submit_and(const char *id, const char *payload)
{
	ck_assert_int_eq(sim_submit(app.sim, id, "{\"question\":\"why?\"}"), 0);
	simapp_next(&app, "view_submission");
	simapp_ack(&app, payload);
	ck_assert_int_eq(sim_wait_acked(app.sim, 30000), 0);
	return view_of(id);
}

START_TEST(an_ack_can_show_errors_update_and_clear)
{
	struct sim_view v;
	char id[24];

	open_modal(id);
	v = submit_and(id, "{\"response_action\":\"errors\",\"errors\":"
			   "{\"q.1\":\"too short\"}}");
	ck_assert(v.open);
	ck_assert_str_eq(v.errors, "{\"q.1\":\"too short\"}");
	free(v.errors);
	v = submit_and(id,
		       "{\"response_action\":\"update\",\"view\":{\"type\":"
		       "\"modal\",\"title\":{\"type\":\"plain_text\",\"text\":"
		       "\"Wait\"},\"blocks\":[]}}");
	ck_assert(v.open && !v.errors);
	ck_assert_int_eq(sim_wait_view(app.sim, "U0ALICE", "Wait", NULL, 0), 0);
	open_modal(id);
	v = submit_and(id, "{\"response_action\":\"clear\"}");
	ck_assert(!v.open);
}
END_TEST

START_TEST(an_ack_that_makes_no_sense_leaves_the_modal_there)
{
	struct sim_view v;
	char id[24];

	open_modal(id);
	v = submit_and(id, "{\"response_action\":\"update\",\"view\":{}}");
	ck_assert(v.open);
	ck_assert_ptr_nonnull(v.errors);
	free(v.errors);
}
END_TEST

START_TEST(modals_stack_three_high)
{
	struct sim_view v;
	char id[24];
	char second[24];

	open_modal(id);
	ck_assert_pstr_eq(open_with("views.push", trigger(), modal), NULL);
	snprintf(second, sizeof(second), "%s", simapp_got(&app, "view.id"));
	ck_assert_str_eq(simapp_got(&app, "view.previous_view_id"), id);
	ck_assert_str_eq(simapp_got(&app, "view.root_view_id"), id);
	ck_assert_pstr_eq(open_with("views.push", trigger(), modal), NULL);
	ck_assert_str_eq(open_with("views.push", trigger(), modal),
			 "push_limit_reached");
	ck_assert_int_eq(sim_close_view(app.sim, second, false), 0);
	simapp_next(&app, "view_closed");
	ck_assert_str_eq(simapp_says(&app, "view.id"), second);
	ck_assert(!json_bool(app.frame, "payload.is_cleared", true));
	v = view_of(id);
	ck_assert(v.open);
	ck_assert_int_eq(sim_close_view(app.sim, id, true), 0);
}
END_TEST

START_TEST(an_update_wants_the_hash_it_knows)
{
	char more[96];
	char hash[48];
	char id[24];

	open_modal(id);
	snprintf(hash, sizeof(hash), "%s", simapp_got(&app, "view.hash"));
	snprintf(more, sizeof(more), "\"view_id\":\"%s\",\"hash\":\"%s\"", id,
		 hash);
	ck_assert_pstr_eq(with_view("views.update", more, modal), NULL);
	ck_assert_str_ne(simapp_got(&app, "view.hash"), hash);
	ck_assert_str_eq(with_view("views.update", more, modal),
			 "hash_conflict");
	ck_assert_str_eq(with_view("views.update", "\"view_id\":\"V0\"", modal),
			 "not_found");
}
END_TEST

START_TEST(a_home_is_published_opened_and_used)
{
	char id[24];

	ck_assert_pstr_eq(with_view("views.publish", "\"user_id\":\"U0ALICE\"",
				    home),
			  NULL);
	ck_assert_str_eq(with_view("views.publish",
				   "\"user_id\":\"U0ALICE\",\"hash\":\"1\"",
				   home),
			 "hash_conflict");
	ck_assert_str_eq(with_view("views.publish", "\"user_id\":\"U0CAROL\"",
				   home),
			 "invalid_arguments");
	ck_assert_int_eq(sim_wait_view(app.sim, "U0ALICE", "Hello", id, 30000),
			 0);
	ck_assert_int_eq(sim_open_home(app.sim, SIMAPP, "U0ALICE", "home"), 0);
	simapp_next(&app, "app_home_opened");
	ck_assert_str_eq(simapp_says(&app, "event.view.id"), id);
	simapp_ack(&app, NULL);
	ck_assert_int_eq(sim_click_view(app.sim, id, "forget", NULL), 0);
	simapp_next(&app, "block_actions");
	ck_assert_str_eq(simapp_says(&app, "container.type"), "view");
	ck_assert_str_eq(simapp_says(&app, "container.view_id"), id);
	ck_assert_str_eq(simapp_says(&app, "view.type"), "home");
	ck_assert_str_eq(simapp_says(&app, "actions.0.action_id"), "forget");
	ck_assert(!json_at(app.frame, "payload.message"));
	ck_assert(!json_at(app.frame, "payload.response_url"));
	ck_assert_int_eq(sim_click_view(app.sim, id, "other", NULL), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim_views");
	TCase *tc = tcase_create("views");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_trigger_opens_one_modal_and_grows_old);
	tcase_add_test(tc, a_trigger_lasts_as_long_as_it_is_set_to);
	tcase_add_loop_test(tc, a_view_must_have_its_form, 0, 5);
	tcase_add_test(tc, a_submission_has_what_was_put_in);
	tcase_add_test(tc, an_ack_can_show_errors_update_and_clear);
	tcase_add_test(tc, an_ack_that_makes_no_sense_leaves_the_modal_there);
	tcase_add_test(tc, modals_stack_three_high);
	tcase_add_test(tc, an_update_wants_the_hash_it_knows);
	tcase_add_test(tc, a_home_is_published_opened_and_used);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
