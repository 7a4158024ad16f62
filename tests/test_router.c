/* SPDX-License-Identifier: ISC */
#include "route/router.h"

#include <check.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/suspect.h"
#include "envelopes.h"
#include "route/janitor.h"
#include "route/job.h"
#include "route/message.h"
#include "route/people.h"
#include "route/takeup.h"
#include "scratch.h"
#include "state/engaged.h"
#include "state/gate.h"
#include "store/journal.h"

#define WAIT_MS 10000
#define BURST   5 /* of the scratch tenant */

/* The real store, journal and gate of one machine, in a scratch directory. */
static struct scratch scratch;
static struct conf conf;
static struct engaged *engaged;
static struct journal *journal;
static struct gate *gate;
static struct router *router;
static struct queue *jobs;
static int gate_failures; /* so many admits fail first */
static char tenant_id[ID_SIZE];

static int shaky_admit(struct gate *t, struct admit *a, enum admission *out,
		       struct err *e)
{
	if (gate_failures > 0) {
		gate_failures--;
		return err_set(e, ERR_RETRY, "state is away");
	}
	return gate_local.admit(t, a, out, e);
}

static struct gate_ops shaky;

static void take_job(struct job *j, void *arg)
{
	(void)arg;
	queue_push(jobs, &j->node);
}

static struct people *people;
static atomic_int asked; /* so often about a person */

/* Slack's answer comes when a test says so. */
static void look_up(const struct connection *c, const char *user, void *arg)
{
	(void)arg;
	ck_assert_str_eq(c->bot_token, "xoxb-one");
	ck_assert_str_eq(user, "U1");
	atomic_fetch_add(&asked, 1);
}

static void tell(enum access_fact guest)
{
	const struct person p = { guest, FACT_NO };

	people_tell(people, "A1:T1", "U1", &p, clock_ms());
	router_wake(router);
}

static void start_router(void)
{
	struct router_opts o = {
		.people = people,
		.look_up = look_up,
		.conf = &conf,
		.keyring = scratch.keyring,
		.gate = gate,
		.journal = journal,
		.dispatch = take_job,
	};
	struct err e = { 0 };

	router = router_create(&o, &e);
	ck_assert_msg(router != NULL, "%s", e.msg);
}

static void setup(void)
{
	struct err e = { 0 };
	struct store *st;

	log_set_level(LOG_LEVEL_ERROR);
	scratch_make(&scratch);
	st = scratch_open(&scratch, true);
	scratch_acme(st, tenant_id);
	st->ops->close(st);
	memset(&conf, 0, sizeof(conf));
	conf.store_url = scratch.url;
	conf.routers = 2;
	conf.rate_per_minute = 30;
	engaged = engaged_create(30 * 60 * 1000);
	journal = journal_create(scratch.url, scratch.keyring, 100, &e);
	ck_assert_msg(journal != NULL, "%s", e.msg);
	gate = gate_local.open(&(struct gate_opts){ .engaged = engaged }, &e);
	ck_assert_msg(gate != NULL, "%s", e.msg);
	shaky = gate_local;
	shaky.admit = shaky_admit;
	gate->ops = &shaky;
	gate_failures = 0;
	jobs = queue_create();
	ck_assert_ptr_nonnull(jobs);
	people = NULL;
	atomic_store(&asked, 0);
	start_router();
}

static void teardown(void)
{
	struct node *n;

	router_free(router);
	people_free(people);
	journal_free(journal);
	gate_local.close(gate);
	engaged_free(engaged);
	while ((n = queue_pop(jobs, 0)))
		job_free((struct job *)n);
	queue_free(jobs);
	scratch_remove(&scratch);
}

static void signal_done(struct journal_req *r)
{
	queue_push(r->arg, &r->node);
}

static void await_req(struct journal_req *r)
{
	struct queue *q = queue_create();

	ck_assert_ptr_nonnull(q);
	r->done = signal_done;
	r->arg = q;
	ck_assert(journal_submit(journal, r));
	ck_assert_ptr_nonnull(queue_pop(q, WAIT_MS));
	ck_assert(r->ok);
	queue_free(q);
}

static void ignore_done(struct journal_req *r)
{
	(void)r;
}

static char *copy(const char *s)
{
	char *c = strdup(s);

	ck_assert_ptr_nonnull(c);
	return c;
}

/* Journals a frame as a link does. */
static struct entry journal_as(const char *id, const char *event)
{
	struct entry en = { 0 };
	struct journal_req req = { .kind = JOURNAL_APPEND, .entry = &en };

	(void)snprintf(en.id, sizeof(en.id), "%s", id);
	en.received_ms = clock_wall_ms();
	en.app_id = copy("A1");
	en.event_id = copy(id);
	en.frame = event_frame(event);
	en.frame_len = strlen(en.frame);
	await_req(&req);
	return en;
}

/* Then routes it as at a start. */
static void submit_as(const char *id, const char *event)
{
	struct entry en = journal_as(id, event);

	router_submit(router, &en, NULL);
	ck_assert_ptr_null(en.frame);
}

static struct job *await_job(void)
{
	struct job *j = (struct job *)queue_pop(jobs, WAIT_MS);

	ck_assert_msg(j != NULL, "no job came");
	return j;
}

static void finish(struct job *j)
{
	struct journal_req req = { .kind = JOURNAL_DONE };

	memcpy(req.entry_id, j->entry.id, sizeof(req.entry_id));
	req.note.state = ENTRY_DONE;
	await_req(&req);
	job_free(j);
}

/* Until the journal has nothing unfinished any more. */
static void await_finished(void)
{
	static const struct timespec tick = { 0, 2000000 };
	int64_t until = clock_ms() + WAIT_MS;
	struct journal_stats st;

	for (;;) {
		journal_stats(journal, &st);
		if (st.unfinished == 0)
			return;
		ck_assert_msg(clock_ms() < until, "%zu entries left",
			      st.unfinished);
		(void)nanosleep(&tick, NULL);
	}
}

static void mention(char *out, size_t size, int i, const char *text)
{
	(void)snprintf(out, size,
		       "{\"type\":\"app_mention\",\"user\":\"U1\","
		       "\"channel\":\"C1\",\"ts\":\"1700000000.%06d\","
		       "\"text\":\"<@UBOT> %s\"}",
		       i, text);
}

START_TEST(a_mention_becomes_a_job_once_its_note_is_committed)
{
	struct job *j;
	char event[300];

	mention(event, sizeof(event), 1, "hi");
	submit_as("e1", event);
	j = await_job();
	ck_assert_int_eq(j->kind, JOB_ANSWER);
	ck_assert_str_eq(j->entry.id, "e1");
	ck_assert_str_eq(j->msg->id, "e1");
	ck_assert_str_eq(j->msg->content.text, "hi");
	ck_assert_str_eq(j->msg->tenant_id, tenant_id);
	ck_assert_str_eq(j->agent.name, "Mara");
	ck_assert(!j->intended);
	ck_assert(engaged_at(engaged, "A1:T1:C1:1700000000.000001",
			     1700000000000));
	finish(j);
	await_finished();
}
END_TEST

START_TEST(twins_of_one_post_give_one_job)
{
	struct job *j;
	char event[300];

	mention(event, sizeof(event), 1, "hi");
	submit_as("e1", event);
	submit_as("e2", "{\"type\":\"message\",\"user\":\"U1\","
			"\"channel\":\"C1\",\"ts\":\"1700000000.000001\","
			"\"channel_type\":\"channel\","
			"\"text\":\"<@UBOT> hi\"}");
	j = await_job();
	ck_assert_str_eq(j->entry.id, "e1");
	finish(j);
	await_finished();
	ck_assert_ptr_null(queue_pop(jobs, 0));
}
END_TEST

static void restart_with_people(void)
{
	router_free(router);
	people = people_create();
	ck_assert_ptr_nonnull(people);
	start_router();
}

static void await_asked(void)
{
	static const struct timespec tick = { 0, 2000000 };
	int64_t until = clock_ms() + WAIT_MS;

	while (atomic_load(&asked) == 0) {
		ck_assert_msg(clock_ms() < until, "nobody was asked about");
		(void)nanosleep(&tick, NULL);
	}
}

START_TEST(a_message_waits_until_its_sender_is_known)
{
	struct job *j;
	char event[300];

	restart_with_people();
	mention(event, sizeof(event), 1, "hi");
	submit_as("e1", event);
	submit_as("e2", "{\"type\":\"message\",\"user\":\"U1\","
			"\"channel\":\"C1\",\"ts\":\"1700000009.000001\","
			"\"thread_ts\":\"1700000000.000001\","
			"\"channel_type\":\"channel\",\"text\":\"and?\"}");
	await_asked();
	ck_assert_ptr_null(queue_pop(jobs, 0));
	tell(FACT_NO);
	j = await_job();
	ck_assert_str_eq(j->entry.id, "e1");
	finish(j);
	j = await_job();
	ck_assert_str_eq(j->entry.id, "e2");
	finish(j);
	await_finished();
	ck_assert_int_eq(atomic_load(&asked), 1);
}
END_TEST

START_TEST(a_guest_is_told_once_and_engages_nothing)
{
	struct job *j;
	char event[300];

	restart_with_people();
	mention(event, sizeof(event), 1, "hi");
	submit_as("e1", event);
	await_asked();
	tell(FACT_YES);
	j = await_job();
	ck_assert_int_eq(j->kind, JOB_NOTICE);
	ck_assert_str_eq(j->notice,
			 "I may not answer guests of this workspace.");
	ck_assert_str_eq(j->entry.verdict, "refuse:access");
	finish(j);
	mention(event, sizeof(event), 2, "hi");
	submit_as("e2", event);
	await_finished();
	ck_assert_ptr_null(queue_pop(jobs, 0));
	ck_assert(!engaged_at(engaged, "A1:T1:C1:1700000000.000001",
			      1700000000000));
}
END_TEST

START_TEST(over_the_limit_one_notice_goes_out)
{
	struct job *j;
	char event[300];
	char id[ID_SIZE];
	int i;

	conf.rate_per_minute = 1;
	for (i = 0; i < BURST + 2; i++) {
		mention(event, sizeof(event), i, "hi");
		(void)snprintf(id, sizeof(id), "e%d", i);
		submit_as(id, event);
	}
	for (i = 0; i < BURST; i++) {
		j = await_job();
		ck_assert_int_eq(j->kind, JOB_ANSWER);
		finish(j);
	}
	j = await_job();
	ck_assert_int_eq(j->kind, JOB_NOTICE);
	ck_assert_uint_ge(j->wait_s, 1);
	finish(j);
	await_finished();
	ck_assert_ptr_null(queue_pop(jobs, 0));
}
END_TEST

#define FOLLOW_UP                                                           \
	"{\"type\":\"message\",\"user\":\"U2\",\"channel\":\"C1\","         \
	"\"ts\":\"1700000009.000001\",\"thread_ts\":\"1700000000.000001\"," \
	"\"channel_type\":\"channel\",\"text\":\"and?\"}"

/* e1, and then what follows it. */
static void expect_in_order(void)
{
	struct job *j = await_job();

	ck_assert_str_eq(j->entry.id, "e1");
	finish(j);
	j = await_job();
	ck_assert_str_eq(j->entry.id, "e2");
	finish(j);
	await_finished();
}

START_TEST(a_thread_keeps_its_order_while_the_gate_fails)
{
	char event[300];

	gate_failures = 2;
	mention(event, sizeof(event), 1, "hi");
	submit_as("e1", event);
	submit_as("e2", FOLLOW_UP);
	expect_in_order();
}
END_TEST

/* As after an outage of what several nodes share: each brings what it kept. */
static void submit_late(const char *id, const char *event)
{
	struct entry en = journal_as(id, event);

	en.epoch = 1;
	en.received_ms -= 5000;
	router_submit(router, &en, NULL);
}

START_TEST(what_another_node_kept_is_waited_for_by_what_follows_it)
{
	char event[300];

	submit_late("e2", FOLLOW_UP);
	ck_assert_ptr_null(queue_pop(jobs, 500));
	mention(event, sizeof(event), 1, "hi");
	submit_late("e1", event);
	expect_in_order();
}
END_TEST

START_TEST(what_fails_at_the_end_stays_in_the_journal)
{
	struct journal_stats st;
	char event[300];

	gate_failures = 1000;
	mention(event, sizeof(event), 1, "hi");
	submit_as("e1", event);
	router_drain(router, WAIT_MS);
	ck_assert_uint_eq(router_depth(router), 1);
	submit_as("e2", "{}"); /* too late to be routed */
	ck_assert_uint_eq(router_depth(router), 1);
	journal_stats(journal, &st);
	ck_assert_uint_eq(st.unfinished, 2);
	ck_assert_ptr_null(queue_pop(jobs, 0));
}
END_TEST

static int block(struct store *s, void *arg, struct err *e)
{
	(void)s;
	(void)e;
	ck_assert_ptr_nonnull(queue_pop(arg, WAIT_MS));
	return 0;
}

/* A write holds the journal up until the drain's grace is over. */
START_TEST(a_verdict_that_comes_too_late_is_not_dispatched)
{
	struct queue *held = queue_create();
	struct journal_req req = { .kind = JOURNAL_APPEND };
	struct journal_req slow = { .kind = JOURNAL_WRITE, .write = block };
	struct entry en = { .id = "e1" };
	struct node go;
	char event[300];

	ck_assert_ptr_nonnull(held);
	mention(event, sizeof(event), 1, "hi");
	en.app_id = copy("A1");
	en.event_id = copy("e1");
	en.frame = event_frame(event);
	en.frame_len = strlen(en.frame);
	req.entry = &en;
	await_req(&req);
	slow.arg = held;
	slow.done = ignore_done;
	ck_assert(journal_submit(journal, &slow));
	router_submit(router, &en, NULL);
	router_drain(router, 50);
	queue_push(held, &go);
	journal_free(journal);
	journal = NULL;
	router_free(router);
	router = NULL;
	ck_assert_ptr_null(queue_pop(jobs, 0));
	queue_free(held);
}
END_TEST

static int resubmit(struct entry *en, void *arg)
{
	(void)arg;
	router_submit(router, en, NULL);
	return 0;
}

/* A new process, as far as the router can tell. */
static void restart(void)
{
	struct err e = { 0 };

	router_free(router);
	journal_free(journal);
	journal = journal_create(scratch.url, scratch.keyring, 100, &e);
	ck_assert_msg(journal != NULL, "%s", e.msg);
	start_router();
	ck_assert_msg(journal_unfinished(journal, resubmit, NULL, &e) == 0,
		      "%s", e.msg);
}

START_TEST(an_accepted_entry_is_taken_up_again_as_it_was)
{
	struct journal_req req = { .kind = JOURNAL_NOTE };
	struct job *j;
	char event[300];

	mention(event, sizeof(event), 1, "hi");
	submit_as("e1", event);
	j = await_job();
	memcpy(req.entry_id, j->entry.id, sizeof(req.entry_id));
	req.note.part_ts = "1700000001.000500";
	await_req(&req);
	job_free(j);

	restart();
	j = await_job();
	ck_assert_str_eq(j->entry.id, "e1");
	ck_assert(j->again);
	ck_assert(j->intended);
	ck_assert_int_eq(j->entry.attempts, 0);
	ck_assert_uint_eq(j->entry.nparts, 1);
	ck_assert_str_eq(j->entry.parts[0], "1700000001.000500");
	ck_assert_str_eq(j->msg->content.text, "hi");
	finish(j);
	await_finished();
}
END_TEST

START_TEST(a_refused_entry_ends_at_the_next_start)
{
	struct job *j;
	char event[300];
	char id[ID_SIZE];
	int i;

	conf.rate_per_minute = 1;
	for (i = 0; i < BURST + 1; i++) {
		mention(event, sizeof(event), i, "hi");
		(void)snprintf(id, sizeof(id), "e%d", i);
		submit_as(id, event);
	}
	for (i = 0; i < BURST; i++)
		finish(await_job());
	j = await_job();
	ck_assert_int_eq(j->kind, JOB_NOTICE);
	job_free(j); /* and the process ends before it went out */

	restart();
	await_finished();
	ck_assert_ptr_null(queue_pop(jobs, 0));
}
END_TEST

struct read {
	struct router_read rd; /* must be first */
	struct queue *back;
	struct agent agent;
	int rc;
};

static void read_agent(struct router_read *rd, struct store *s)
{
	struct read *r = (struct read *)rd;
	struct err e = { 0 };

	r->rc = s->ops->agent(s, tenant_id, NULL, NULL, &r->agent, &e);
	queue_push(r->back, &r->rd.node);
}

START_TEST(reads_are_served_also_while_it_drains)
{
	struct read r = { .rd = { .run = read_agent } };

	r.back = queue_create();
	ck_assert_ptr_nonnull(r.back);
	router_drain(router, WAIT_MS);
	router_read(router, "any key", &r.rd);
	ck_assert_ptr_nonnull(queue_pop(r.back, WAIT_MS));
	ck_assert_int_eq(r.rc, 1);
	ck_assert_str_eq(r.agent.name, "Mara");
	agent_release(&r.agent);
	queue_free(r.back);
}
END_TEST

START_TEST(an_idle_router_is_alive)
{
	ck_assert_int_lt(router_beat_age(router), 2000);
	ck_assert_uint_eq(router_depth(router), 0);
}
END_TEST

START_TEST(without_its_store_it_does_not_start)
{
	static char nowhere[] = "sqlite:/nonexistent/k.db";
	struct conf other = conf;
	struct router_opts o = { .conf = &other, .dispatch = take_job };
	struct err e = { 0 };

	other.store_url = nowhere;
	ck_assert_ptr_null(router_create(&o, &e));
	ck_assert_int_ne(e.kind, ERR_NONE);
}
END_TEST

static void journal_mention(const char *id, int i)
{
	char event[300];
	struct entry en;

	mention(event, sizeof(event), i, "hi");
	en = journal_as(id, event);
	entry_release(&en);
}

START_TEST(what_is_in_nobodys_hands_is_taken_up_once)
{
	struct janitor *jan;
	struct err e = { 0 };
	struct job *j;

	journal_mention("e1", 1);
	/* Everything that came until a second from now. */
	jan = janitor_create(journal, router, -1000, &e);
	ck_assert_ptr_nonnull(jan);
	janitor_tick(jan, 1000);
	j = await_job();
	ck_assert_str_eq(j->entry.id, "e1");
	ck_assert(j->again);
	janitor_tick(jan, 1000 + 59999); /* not yet */
	janitor_tick(jan, 1000 + 60000); /* it is in our hands now */
	janitor_free(jan);
	ck_assert_ptr_null(queue_pop(jobs, 0));
	finish(j);
	await_finished();
}
END_TEST

START_TEST(what_may_still_be_at_work_is_left_alone)
{
	struct janitor *jan;
	struct err e = { 0 };

	journal_mention("e1", 1);
	jan = janitor_create(journal, router, 60000, &e);
	ck_assert_ptr_nonnull(jan);
	janitor_tick(jan, 1000);
	janitor_free(jan);
	ck_assert_ptr_null(queue_pop(jobs, 0));
}
END_TEST

START_TEST(an_entry_in_hand_is_not_taken_a_second_time)
{
	struct job *j;
	char event[300];
	struct entry en = { .id = "e1" };

	mention(event, sizeof(event), 1, "hi");
	submit_as("e1", event);
	j = await_job();
	en.frame = event_frame(event);
	en.frame_len = strlen(en.frame);
	router_submit(router, &en, NULL);
	ck_assert_ptr_null(en.frame);
	router_drain(router, WAIT_MS);
	ck_assert_ptr_null(queue_pop(jobs, 0));
	job_free(j);
}
END_TEST

static const struct {
	int signal;
	const char *who; /* NULL: nobody's hands */
	int crashes[2];  /* of e1 and e2 */
} deaths[] = {
	{ 0, NULL, { 0, 0 } }, /* killed at leisure */
	{ 0, "e2", { 0, 1 } }, /* killed at work */
	{ SIGSEGV, "e1", { 1, 0 } },
	{ SIGSEGV, NULL, { 1, 1 } },
};

START_TEST(who_was_in_hand_is_blamed_before_it_is_taken_up)
{
	struct suspects left = { .signal = deaths[_i].signal };
	struct err e = { 0 };
	struct job *j;
	int i;

	journal_mention("e1", 1);
	journal_mention("e2", 2);
	if (deaths[_i].who) {
		(void)snprintf(left.who[0].id, ID_SIZE, "%s", deaths[_i].who);
		left.n = 1;
	}
	ck_assert_int_eq(takeup_run(journal, router, &left, &e), 0);
	for (i = 0; i < 2; i++) {
		j = await_job();
		ck_assert_int_eq(j->entry.attempts,
				 deaths[_i].crashes[j->entry.id[1] - '1']);
		finish(j);
	}
	await_finished();
}
END_TEST

START_TEST(what_crashes_the_router_three_times_is_not_read_again)
{
	struct suspects left = { .signal = SIGSEGV, .n = 3 };
	struct err e = { 0 };
	int i;

	journal_mention("e1", 1);
	for (i = 0; i < 3; i++)
		(void)snprintf(left.who[i].id, ID_SIZE, "e1");
	ck_assert_int_eq(takeup_run(journal, router, &left, &e), 0);
	await_finished();
	ck_assert_ptr_null(queue_pop(jobs, 0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("router");
	TCase *tc = tcase_create("router");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_mention_becomes_a_job_once_its_note_is_committed);
	tcase_add_test(tc, twins_of_one_post_give_one_job);
	tcase_add_test(tc, a_message_waits_until_its_sender_is_known);
	tcase_add_test(tc, a_guest_is_told_once_and_engages_nothing);
	tcase_add_test(tc, over_the_limit_one_notice_goes_out);
	tcase_add_test(tc, a_thread_keeps_its_order_while_the_gate_fails);
	tcase_add_test(tc,
		       what_another_node_kept_is_waited_for_by_what_follows_it);
	tcase_add_test(tc, what_fails_at_the_end_stays_in_the_journal);
	tcase_add_test(tc, a_verdict_that_comes_too_late_is_not_dispatched);
	tcase_add_test(tc, an_accepted_entry_is_taken_up_again_as_it_was);
	tcase_add_test(tc, a_refused_entry_ends_at_the_next_start);
	tcase_add_test(tc, reads_are_served_also_while_it_drains);
	tcase_add_test(tc, an_idle_router_is_alive);
	tcase_add_test(tc, without_its_store_it_does_not_start);
	tcase_add_test(tc, what_is_in_nobodys_hands_is_taken_up_once);
	tcase_add_test(tc, what_may_still_be_at_work_is_left_alone);
	tcase_add_test(tc, an_entry_in_hand_is_not_taken_a_second_time);
	tcase_add_test(tc,
		       what_crashes_the_router_three_times_is_not_read_again);
	tcase_add_loop_test(tc, who_was_in_hand_is_blamed_before_it_is_taken_up,
			    0, (int)(sizeof(deaths) / sizeof(deaths[0])));
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
