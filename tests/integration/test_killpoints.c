/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/err.h"
#include "integration/gap.h"
#include "integration/rig.h"
#include "pg.h"

/*
 * Dies at a chosen place, is started again, and must come to one whole answer
 * without a placeholder. Needs a build with --enable-killpoints.
 */

#define MS    20000
#define LINES 700

static struct rig rig;

static void teardown(void)
{
	unsetenv("KONSTRUCT_DIE_AT");
	rig_close(&rig);
}

/* By its own hand, at the place that was named. */
static void await_death(void)
{
	int status = 0;

	while (waitpid(rig.bed.pid, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	rig.bed.pid = 0;
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void start_to_die(const char *place)
{
	setenv("KONSTRUCT_DIE_AT", place, 1);
	rig_start(&rig);
	unsetenv("KONSTRUCT_DIE_AT");
}

/* Perhaps before it is ready. */
static void die_again(const char *place)
{
	struct err e = { 0 };

	setenv("KONSTRUCT_DIE_AT", place, 1);
	if (bed_start(&rig.bed, &e) == 0)
		await_death();
	unsetenv("KONSTRUCT_DIE_AT");
	ck_assert_int_eq(rig.bed.pid, 0);
}

static void pace_model(int token_ms)
{
	struct sim_settings set;

	sim_settings(rig.sim, &set);
	set.llm_token_ms = token_ms;
	sim_set(rig.sim, &set);
}

/* Slack delivers soon again what wasn't acked. */
static void hurry(void)
{
	struct sim_settings set;

	sim_settings(rig.sim, &set);
	set.ack_timeout_ms = 300;
	set.retry_ms[0] = set.retry_ms[1] = set.retry_ms[2] = 300;
	set.llm_token_ms = 10;
	sim_set(rig.sim, &set);
}

static void open_rig(void)
{
	rig_open(&rig, NULL);
	hurry();
}

static void expect_answer(const char *ts)
{
	char *text = rig_answer(&rig, "C1", ts);

	ck_assert_ptr_nonnull(strstr(text, "I will go on from here."));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	free(text);
}

static const struct {
	const char *place;
	const char *second; /* and there, when it is started again */
} places[] = {
	{ "appended", NULL },    /* committed, not acked */
	{ "acked", NULL },       /* acked, perhaps not routed */
	{ "gated", NULL },       /* claimed in memory, nothing written */
	{ "accepted", NULL },    /* the verdict is committed */
	{ "posted", NULL },      /* Slack has the placeholder, we don't know */
	{ "noted", NULL },       /* we know */
	{ "asking", NULL },      /* the model is about to be called */
	{ "streaming:5", NULL }, /* in mid-stream */
	{ "answered", NULL },    /* the answer is in the journal only */
	{ "written", NULL },     /* the last edit is made, not done */
	{ "closing:1", NULL }, /* in a transaction of done: the twin event's */
	{ "closing:2", NULL }, /* and the turn's */
	{ "posted", "healing" }, /* before the second look */
	{ "accepted", "posted" }, { "streaming:2", "streaming:4" },
	{ "written", "written" },
};
#define PLACES (int)(sizeof(places) / sizeof(places[0]))

START_TEST(death_at_any_place_leaves_one_whole_answer)
{
	char ts[SIM_TS];

	open_rig();
	start_to_die(places[_i].place);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	await_death();
	if (places[_i].second)
		die_again(places[_i].second);
	rig_start(&rig);
	expect_answer(ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}
END_TEST

/* Where the answer is a new message, as Slack takes no edits for a while. */
static const char *const swap_places[] = { "answered", "posted:2", "part",
					   "swapped" };

START_TEST(death_between_a_new_message_and_the_old_one_leaves_one)
{
	struct sim_fault rate = { .kind = SIM_FAULT_RATE,
				  .method = "chat.update",
				  .times = 1,
				  .ms = 60000 };
	char ts[SIM_TS];

	open_rig();
	sim_fault(rig.sim, &rate);
	start_to_die(swap_places[_i]);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	await_death();
	rig_start(&rig);
	expect_answer(ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}
END_TEST

/* Where it streams by Slack's methods; the last place is of a second death. */
static const struct {
	const char *place;
	const char *second;
} flow_places[] = {
	{ "noted:2", NULL },       /* the journal knows that one is to begin */
	{ "flowing", NULL },       /* Slack has it, we don't know which it is */
	{ "noted:3", NULL },       /* we know */
	{ "appended_flow", NULL }, /* it has grown */
	{ "answered", NULL },      /* the answer is in the journal, */
	{ "noted:5", NULL },       /* and half of what makes it part 0 */
	{ "flow_ending", NULL },   /* and all of that */
	{ "flow_ended", NULL },    /* it is whole, and we don't know */
	{ "swapped", NULL },       /* the placeholder is to go */
	{ "flowing", "asking" },      { "appended_flow", "written" },
	{ "flow_ending", "written" },
};

static void stream_from_now_on(void)
{
	static const char *const args[] = { "tenant",      "set", "acme",
					    "--streaming", "yes", NULL };
	char *out;

	rig_start(&rig);
	ck_assert_int_eq(rig_ctl(&rig, &out, args), 0);
	free(out);
	rig_kill(&rig);
}

static bool still_streams(const char *ts)
{
	struct sim_msg *m;
	bool yes = false;
	size_t i, n;

	m = sim_messages(rig.sim, "C1", ts, &n);
	for (i = 0; i < n; i++)
		yes = yes || (m[i].streaming && !m[i].deleted);
	sim_messages_free(m, n);
	return yes;
}

START_TEST(death_of_a_stream_leaves_one_whole_answer)
{
	char ts[SIM_TS];

	open_rig();
	pace_model(100);
	stream_from_now_on();
	start_to_die(flow_places[_i].place);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	await_death();
	if (flow_places[_i].second)
		die_again(flow_places[_i].second);
	rig_start(&rig);
	expect_answer(ts);
	ck_assert(!still_streams(ts));
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}
END_TEST

static const struct sim_llm slow_first = { .contains = "hello",
					   .first_ms = 2500 };

/* The first is answered by itself, the other two together. */
static const char *const group_places[] = {
	"covering",   /* in the transaction that says so */
	"covered",    /* after it */
	"posted:2",   /* their placeholder stands */
	"asking:2",   /* the model is about to be called */
	"answered:2", /* the answer is in the journal only */
	"written:2",  /* the last edit is made, not done */
	"closing:3",  /* in the transaction that ends both */
};

static void count_words(const char *ts, const char *words, size_t expected)
{
	struct sim_msg *m;
	size_t i, n, found = 0;

	m = sim_messages(rig.sim, "C1", ts, &n);
	for (i = 0; i < n; i++)
		found += m[i].bot_id && !m[i].deleted &&
			 strstr(m[i].text, words) != NULL;
	sim_messages_free(m, n);
	ck_assert_msg(found == expected, "'%s' is in %zu replies", words,
		      found);
}

/* Before that is written down they may come to an answer each, as whoever was
 * in our hands when we died is answered by itself. */
START_TEST(death_while_two_are_answered_together_leaves_one_answer)
{
	bool known = strcmp(group_places[_i], "covering") != 0;
	char ts[SIM_TS];
	size_t n;

	open_rig();
	sim_llm(rig.sim, &slow_first);
	start_to_die(group_places[_i]);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	rig_say(&rig, "C1", "U2", "what about two?", ts, NULL);
	rig_say(&rig, "C1", "U1", "and three?", ts, NULL);
	await_death();
	rig_start(&rig);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	n = rig_replies(&rig, "C1", ts);
	ck_assert(n == 2 || (n == 3 && !known));
	count_words(ts, "what about two?", 1);
	count_words(ts, "and three?", 1);
	count_words(ts, "I will go on from here.", n);
}
END_TEST

/* Whoever crashes us three times is given up; who waits behind is not. */
START_TEST(a_message_that_crashes_us_is_given_up_alone)
{
	char ts[SIM_TS], second[SIM_TS];
	struct sim_msg *m;
	size_t n;

	open_rig();
	start_to_die("asking");
	rig_say(&rig, "C1", "U1", "<@UB1> a poisonous one", NULL, ts);
	await_death();
	die_again("asking");
	die_again("asking");
	setenv("KONSTRUCT_DIE_AT", "closing", 1);
	rig_start(&rig);
	unsetenv("KONSTRUCT_DIE_AT");
	rig_say(&rig, "C1", "U2", "<@UB1> hello", ts, second);
	await_death(); /* with the sentence written, which stands */
	rig_start(&rig);
	free(rig_answer(&rig, "C1", ts));
	m = sim_messages(rig.sim, "C1", ts, &n);
	ck_assert_uint_eq(n, 4);
	ck_assert_ptr_nonnull(strstr(m[1].text, "several times"));
	ck_assert_ptr_nonnull(strstr(m[3].text, "I will go on from here."));
	sim_messages_free(m, n);
}
END_TEST

START_TEST(whoever_only_waits_is_not_blamed_for_a_kill)
{
	struct sim_settings set;
	char ts[SIM_TS];
	int i;

	open_rig();
	sim_settings(rig.sim, &set);
	set.llm_first_ms = 60000;
	sim_set(rig.sim, &set);
	rig_start(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	for (i = 1; i <= 5; i++) {
		ck_assert_int_eq(sim_wait_asks(rig.sim, i, MS), 0);
		rig_kill(&rig);
		if (i == 5) {
			set.llm_first_ms = 10;
			sim_set(rig.sim, &set);
		}
		rig_start(&rig);
	}
	expect_answer(ts);
}
END_TEST

static void long_answer(struct buf *text)
{
	struct sim_llm rule = { .piece = 500 };
	int i;

	for (i = 0; i < LINES; i++)
		buf_addf(text, "this is line %03d of a long answer\n\n", i);
	rule.text = text->data;
	sim_llm(rig.sim, &rule);
}

/* All posts of the thread hold each line once. */
static void expect_lines(const char *ts)
{
	struct sim_msg *m;
	char line[32];
	size_t k, n;
	int i, seen;

	m = sim_messages(rig.sim, "C1", ts, &n);
	for (i = 0; i < LINES; i++) {
		snprintf(line, sizeof(line), "is line %03d of", i);
		for (seen = 0, k = 0; k < n; k++)
			if (m[k].bot_id && !m[k].deleted)
				seen += strstr(m[k].text, line) ||
					(m[k].blocks &&
					 strstr(m[k].blocks, line));
		ck_assert_int_eq(seen, 1);
	}
	sim_messages_free(m, n);
}

/* posted: the placeholder, then the second and the third part. */
static const char *const part_places[] = { "part:1", "part:2", "posted:2",
					   "posted:3", "written" };

START_TEST(death_between_the_parts_of_an_answer_leaves_each_once)
{
	struct buf text;
	char ts[SIM_TS];

	open_rig();
	buf_init(&text, 1 << 20);
	long_answer(&text);
	start_to_die(part_places[_i]);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	await_death();
	rig_start(&rig);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 3);
	expect_lines(ts);
	buf_release(&text);
}
END_TEST

static const char *const stop_places[] = { "draining", "parking", "drained" };

START_TEST(death_while_stopping_leaves_one_whole_answer)
{
	char ts[SIM_TS];

	rig_set_daemon(" drain_timeout_s = 0\n");
	open_rig();
	rig_set_daemon(NULL);
	pace_model(500);
	start_to_die(stop_places[_i]);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_calls(rig.sim, "chat.update", 1, MS), 0);
	kill(rig.bed.pid, SIGTERM);
	await_death();
	pace_model(0);
	rig_start(&rig);
	expect_answer(ts);
}
END_TEST

static const char *const sweep_places[] = { "sweeping", "swept" };

/* Whoever dies while it looks for what was said while it was down does so
 * again. */
START_TEST(death_while_catching_up_loses_nothing_of_it)
{
	char ts[SIM_TS], dm[SIM_TS];
	struct err e = { 0 };

	open_rig();
	rig_start(&rig);
	rig_say(&rig, "D1", "U1", "hello", NULL, ts);
	free(rig_answer(&rig, "D1", ts));
	rig_stop(&rig);
	gap_say(&rig, "D1", "U1", "anybody?", NULL, dm);
	gap_make(&rig, 10);
	setenv("KONSTRUCT_DIE_AT", sweep_places[_i], 1);
	ck_assert_int_eq(bed_start(&rig.bed, &e), 0);
	unsetenv("KONSTRUCT_DIE_AT");
	await_death();
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "D1", dm, 1, MS), 0);
	free(rig_answer(&rig, "D1", dm));
	ck_assert(rig_logged(&rig, "after a gap", MS));
	ck_assert_uint_eq(rig_replies(&rig, "D1", dm), 1);
}
END_TEST

START_TEST(death_in_a_migration_leaves_the_old_version)
{
	struct err e = { 0 };
	char ts[SIM_TS];

	rig_open(&rig, NULL);
	setenv("KONSTRUCT_DIE_AT", "migrating", 1);
	ck_assert_int_lt(bed_apply(&rig.bed, &e), 0);
	unsetenv("KONSTRUCT_DIE_AT");
	rig_start(&rig);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	expect_answer(ts);
}
END_TEST

/* Written to the spill, not acked. */
START_TEST(death_after_spilling_loses_nothing)
{
	char ts[SIM_TS];

	open_rig();
	start_to_die("spilled");
	pg_down();
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	await_death();
	pg_up();
	rig_start(&rig);
	expect_answer(ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
}
END_TEST

/* Both in the spill and in the database. */
START_TEST(death_after_moving_answers_once)
{
	char ts[SIM_TS];

	open_rig();
	start_to_die("moved");
	pg_down();
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	pg_up();
	await_death();
	rig_start(&rig);
	expect_answer(ts);
}
END_TEST

#define LEN(a) (int)(sizeof(a) / sizeof((a)[0]))

static void add_alone(TCase *tc)
{
	tcase_add_loop_test(tc, death_of_a_stream_leaves_one_whole_answer, 0,
			    LEN(flow_places));
	tcase_add_loop_test(
		tc, death_between_the_parts_of_an_answer_leaves_each_once, 0,
		LEN(part_places));
	tcase_add_loop_test(tc, death_while_stopping_leaves_one_whole_answer, 0,
			    LEN(stop_places));
	tcase_add_loop_test(
		tc, death_between_a_new_message_and_the_old_one_leaves_one, 0,
		LEN(swap_places));
	tcase_add_test(tc, a_message_that_crashes_us_is_given_up_alone);
	tcase_add_test(tc, whoever_only_waits_is_not_blamed_for_a_kill);
	tcase_add_loop_test(tc, death_while_catching_up_loses_nothing_of_it, 0,
			    LEN(sweep_places));
	tcase_add_test(tc, death_in_a_migration_leaves_the_old_version);
}

/* Each takes seconds: of what is the same turn on another journal, one. */
static void add_shared(TCase *tc)
{
	tcase_add_loop_test(tc, death_of_a_stream_leaves_one_whole_answer, 1,
			    3);
	tcase_add_loop_test(
		tc, death_between_the_parts_of_an_answer_leaves_each_once, 0,
		1);
	tcase_add_loop_test(tc, death_while_stopping_leaves_one_whole_answer, 0,
			    1);
	tcase_add_test(tc, death_after_spilling_loses_nothing);
	tcase_add_test(tc, death_after_moving_answers_once);
}

int main(void)
{
	Suite *s = suite_create("killpoints");
	TCase *tc = tcase_create("killpoints");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, death_at_any_place_leaves_one_whole_answer, 0,
			    PLACES);
	tcase_add_loop_test(
		tc, death_while_two_are_answered_together_leaves_one_answer, 0,
		LEN(group_places));
	if (rig_is_shared())
		add_shared(tc);
	else
		add_alone(tc);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
