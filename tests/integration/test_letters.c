/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/err.h"
#include "base/json.h"
#include "integration/rig.h"
#include "pg.h"

/*
 * Dead letters, and what became of a message: the real konstructctl asks the
 * real daemon, first on SQLite, then on PostgreSQL.
 */

#define URL "https://acme.slack.com/archives/C1/p"

static const struct pg *pg; /* NULL: on SQLite */
static struct rig rig;

static void setup(void)
{
	rig_up(&rig);
	rig_pace(&rig, 0, 0);
}

static void teardown(void)
{
	rig_close(&rig);
}

/* No daemon runs. */
static void let_two_hours_pass(void)
{
	(void)rig_sql(&rig, "UPDATE journal SET received_ms ="
			    " received_ms - 7200000");
}

static void permalink(const char *ts, char out[100])
{
	snprintf(out, 100, URL "%.*s%s?thread_ts=%s", (int)strcspn(ts, "."), ts,
		 strchr(ts, '.') + 1, ts);
}

/* A mention comes as two events; one of them is dropped as a duplicate. */
static void await_twin(const char *ts)
{
	static const struct timespec tick = { 0, 10000000 };
	char link[100];
	struct json *j;
	bool done;
	int i;

	permalink(ts, link);
	for (i = 0; i < MS / 10; i++) {
		j = rig_json(&rig, ARGS("--json", "explain", link));
		done = json_len(j, "entries") == 2 &&
		       (strcmp(json_str(j, "entries.0.state"), "done") == 0 ||
			strcmp(json_str(j, "entries.1.state"), "done") == 0);
		json_free(j);
		if (done)
			return;
		(void)nanosleep(&tick, NULL);
	}
	ck_abort_msg("the second event was not dropped");
}

/* An entry that is given up for its age: its id. */
static void make_dead(char ts[SIM_TS], char id[40])
{
	struct json *j;
	char *text;

	rig_pace(&rig, 60000, 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	await_twin(ts);
	rig_kill(&rig);
	let_two_hours_pass();
	rig_pace(&rig, 0, 0);
	rig_start(&rig);
	text = rig_answer(&rig, "C1", ts);
	ck_assert_msg(strstr(text, "away for too long") != NULL, "%s", text);
	free(text);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	j = rig_json(&rig, ARGS("--json", "dead", "list"));
	ck_assert_uint_eq(json_len(j, "dead"), 1);
	snprintf(id, 40, "%s", json_str(j, "dead.0.entry"));
	ck_assert_str_eq(json_str(j, "dead.0.reason"), "failed:stale");
	ck_assert_int_eq(json_int(j, "dead.0.tries", 0), 2);
	ck_assert(json_bool(j, "dead.0.replayable", false));
	json_free(j);
}

static void contains(const char *text, const char *words)
{
	ck_assert_msg(strstr(text, words) != NULL, "'%s' is not in: %s", words,
		      text);
}

START_TEST(a_message_is_explained_stage_by_stage)
{
	static const char *const steps[] = { "accept",     "placed",   "asked",
					     "first_text", "answered", "shown",
					     "done" };
	char ts[SIM_TS], link[100], at[40];
	struct json *j;
	char *out;
	int64_t ms, before = 0;
	size_t i, k;

	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	permalink(ts, link);
	j = rig_json(&rig, ARGS("--json", "explain", link));
	/* The mention comes as two events; one of them is a duplicate. */
	ck_assert_uint_eq(json_len(j, "entries"), 2);
	k = strcmp(json_str(j, "entries.0.reason"), "accept") == 0 ? 0 : 1;
	snprintf(at, sizeof(at), "entries.%zu.steps", k);
	ck_assert_uint_eq(json_len(j, at), 7);
	for (i = 0; i < 7; i++) {
		snprintf(at, sizeof(at), "entries.%zu.steps.%zu.step", k, i);
		ck_assert_str_eq(json_str(j, at), steps[i]);
		snprintf(at, sizeof(at), "entries.%zu.steps.%zu.ms", k, i);
		ms = json_int(j, at, -1);
		ck_assert_int_ge(ms, before);
		before = ms;
	}
	snprintf(at, sizeof(at), "entries.%zu.steps.0.step", 1 - k);
	ck_assert_str_eq(json_str(j, at), "drop");
	snprintf(at, sizeof(at), "entries.%zu.event", k);
	out = rig_run(&rig, 0, ARGS("explain", json_str(j, at)));
	contains(out, "first_text");
	contains(out, "acme");
	contains(out, ts);
	free(out);
	snprintf(at, sizeof(at), "entries.%zu.entry", k);
	rig_do(&rig, 0, ARGS("explain", json_str(j, at)));
	/* As the sentence with a reference has it. */
	rig_do(&rig, 0,
	       ARGS("explain", json_str(j, at) + strlen(json_str(j, at)) - 6));
	json_free(j);
}
END_TEST

START_TEST(what_never_came_is_told_apart)
{
	rig_tells(&rig, EX_NOINPUT, ARGS("explain", URL "1700000000000001"),
		  "never came here, or it was not for us");
	rig_tells(&rig, EX_DATAERR, ARGS("explain", "https://elsewhere/x"),
		  "no permalink, event or entry");
	rig_tells(&rig, EX_NOINPUT, ARGS("dead", "show", "nothing"),
		  "no dead letter");
	rig_do(&rig, EX_NOINPUT, ARGS("dead", "replay", "nothing"));
	rig_do(&rig, EX_NOINPUT, ARGS("dead", "drop", "nothing"));
	rig_do(&rig, 0, ARGS("dead", "replay", "all"));
}
END_TEST

START_TEST(a_dead_letter_is_replayed_in_its_placeholder)
{
	char ts[SIM_TS], id[40];
	char *text;

	make_dead(ts, id);
	text = rig_run(&rig, 0, ARGS("dead", "list"));
	contains(text, id);
	contains(text, "failed:stale");
	free(text);
	rig_tells(&rig, 0, ARGS("dead", "show", id), "again");

	rig_tells(&rig, 0, ARGS("dead", "replay", _i ? "all" : id),
		  "replayed 1");
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", ts,
				       "I will go on from here.", MS),
			 0);
	text = rig_answer(&rig, "C1", ts);
	contains(text, "I will go on from here.");
	free(text);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	rig_do(&rig, EX_NOINPUT, ARGS("dead", "show", id));
	text = rig_run(&rig, 0, ARGS("explain", id));
	contains(text, "replayed");
	contains(text, "answered");
	free(text);
}
END_TEST

START_TEST(a_dead_letter_that_is_deleted_in_slack_is_dropped)
{
	char ts[SIM_TS], id[40];

	make_dead(ts, id);
	ck_assert_int_eq(sim_delete(rig.sim, "C1", ts), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	rig_do(&rig, EX_NOINPUT, ARGS("dead", "replay", id));
	ck_assert_uint_eq(sim_count(rig.sim, "chat.postMessage"), 1);
}
END_TEST

/* Two that waited are at work together when we die. */
static void make_group_dead(char ts[SIM_TS])
{
	const struct sim_llm slow = { .contains = "and three?",
				      .first_ms = 60000 };

	rig_pace(&rig, 60000, 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	rig_say(&rig, "C1", "U2", "what about two?", ts, NULL);
	rig_say(&rig, "C1", "U1", "and three?", ts, NULL);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "reactions.add", 2, MS), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	rig_kill(&rig);
	rig_pace(&rig, 0, 0);
	sim_llm(rig.sim, &slow);
	rig_start(&rig);
	ck_assert(rig_logged(&rig, "several messages together", MS));
	ck_assert_int_eq(sim_wait_asks(rig.sim, 3, MS), 0);
	rig_kill(&rig);
	sim_llm_clear(rig.sim);
	let_two_hours_pass();
	rig_start(&rig);
	ck_assert_int_eq(
		sim_wait_text(rig.sim, "C1", ts, "away for too long", MS), 0);
	free(rig_answer(&rig, "C1", ts));
}

START_TEST(messages_that_were_given_up_together_are_answered_together)
{
	char ts[SIM_TS], *text;
	struct json *j;

	make_group_dead(ts);
	j = rig_json(&rig, ARGS("--json", "dead", "list"));
	ck_assert_uint_eq(json_len(j, "dead"), 1);
	json_free(j);
	rig_tells(&rig, 0, ARGS("dead", "replay", "all"), "replayed 1");
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", ts, "two?", MS), 0);
	text = rig_answer(&rig, "C1", ts);
	contains(text, "what about two?");
	contains(text, "and three?");
	contains(text, "I will go on from here.");
	free(text);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 2);
}
END_TEST

START_TEST(a_dead_letter_that_is_dropped_is_only_explained)
{
	char ts[SIM_TS], id[40];

	make_dead(ts, id);
	rig_tells(&rig, 0, ARGS("dead", "drop", id), "dropped 1");
	rig_do(&rig, EX_NOINPUT, ARGS("dead", "replay", id));
	rig_tells(&rig, 0, ARGS("explain", id), "dropped");
	rig_stop(&rig);
	rig_start(&rig);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

START_TEST(a_dead_letter_replayed_offline_begins_at_the_next_start)
{
	char ts[SIM_TS], id[40];

	make_dead(ts, id);
	rig_stop(&rig);
	rig_do(&rig, 0, ARGS("--offline", "dead", "list"));
	rig_do(&rig, 0, ARGS("--offline", "dead", "replay", id));
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", ts,
				       "I will go on from here.", MS),
			 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

START_TEST(the_placeholder_of_a_removed_tenant_is_closed)
{
	char ts[SIM_TS];
	struct err e = { 0 };

	rig_pace(&rig, 60000, 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	rig_kill(&rig);
	rig_do(&rig, 0, ARGS("--offline", "tenant", "remove", "acme"));
	ck_assert_msg(bed_start(&rig.bed, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", ts,
				       "nobody is set up here", MS),
			 0);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
}
END_TEST

/* The files of a database that nobody has open. */
static void copy_store(const char *from, const char *to)
{
	char command[400];

	snprintf(command, sizeof(command), "rm -rf %s/%s && cp -r %s/%s %s/%s",
		 rig.bed.dir, to, rig.bed.dir, from, rig.bed.dir, to);
	ck_assert_int_eq(system(command), 0);
}

/* Is it in the backup as a message (0), or as one that is at work (1)? */
START_TEST(a_restored_backup_answers_nothing_again)
{
	char ts[SIM_TS];
	char *text;

	if (pg)
		return; /* a database server's backup is its own affair */
	rig_pace(&rig, 60000, 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	rig_kill(&rig);
	if (_i == 0) {
		(void)rig_sql(&rig, "UPDATE journal SET state = 'new',"
				    " claim = NULL, verdict = NULL");
		(void)rig_sql(&rig, "DELETE FROM parts");
	}
	copy_store("state", "backup");
	rig_pace(&rig, 0, 0);
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_text(rig.sim, "C1", ts,
				       "I will go on from here.", MS),
			 0);
	free(rig_answer(&rig, "C1", ts));
	rig_stop(&rig);

	copy_store("backup", "state");
	rig_start(&rig);
	text = rig_answer(&rig, "C1", ts);
	contains(text, "I will go on from here.");
	free(text);
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	ck_assert_int_ne(sim_wait_asks(rig.sim, 3, 1), 0);
}
END_TEST

static int run(const char *name)
{
	Suite *s = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *sr = srunner_create(s);
	int nfailed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_test(tc, a_message_is_explained_stage_by_stage);
	tcase_add_test(tc, what_never_came_is_told_apart);
	tcase_add_loop_test(tc, a_dead_letter_is_replayed_in_its_placeholder, 0,
			    2);
	tcase_add_test(tc, a_dead_letter_that_is_deleted_in_slack_is_dropped);
	tcase_add_test(
		tc, messages_that_were_given_up_together_are_answered_together);
	tcase_add_test(tc, a_dead_letter_that_is_dropped_is_only_explained);
	tcase_add_test(tc,
		       a_dead_letter_replayed_offline_begins_at_the_next_start);
	tcase_add_test(tc, the_placeholder_of_a_removed_tenant_is_closed);
	tcase_add_loop_test(tc, a_restored_backup_answers_nothing_again, 0, 2);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed;
}

int main(void)
{
	int nfailed = run("letters on SQLite");

	pg = rig_on_postgres();
	nfailed += run("letters on PostgreSQL");
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
