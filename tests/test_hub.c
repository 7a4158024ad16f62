/* SPDX-License-Identifier: ISC */
#include "link/hub.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/queue.h"
#include "envelopes.h"
#include "link/dial.h"
#include "net/loop.h"
#include "route/message.h"
#include "route/router.h"
#include "state/engaged.h"
#include "store/journal.h"
#include "wires.h"

/*
 * The hub on real loops, with a scripted transport and dialer. The linker
 * puts these in the place of the real functions (--wrap): a journal that
 * commits on a thread of its own when the test lets it.
 */
bool __wrap_journal_submit(struct journal *j, struct journal_req *r);
void __wrap_router_submit(struct router *r, struct entry *en,
			  struct message *msg);

static struct loop *io;
static struct engaged *engaged;
static struct hub *hub;
static pthread_t committer;
static struct queue *submitted;
static bool said_goodbye;

/* What the other threads have seen; under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static struct {
	size_t asked;
	uint32_t gen;
	char app_id[24];
	char token[24];
	size_t routed;
	bool hold_commits;
} seen;

static void tell(void)
{
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
}

bool __wrap_journal_submit(struct journal *j, struct journal_req *r)
{
	(void)j;
	queue_push(submitted, &r->node);
	return true;
}

void __wrap_router_submit(struct router *r, struct entry *en,
			  struct message *msg)
{
	(void)r;
	entry_release(en);
	message_free(msg);
	pthread_mutex_lock(&lock);
	seen.routed++;
	tell();
}

static void *commit_all(void *arg)
{
	struct journal_req *r;
	struct node *n;

	(void)arg;
	while ((n = queue_pop(submitted, -1)) != NULL) {
		r = (struct journal_req *)n;
		pthread_mutex_lock(&lock);
		while (seen.hold_commits)
			pthread_cond_wait(&news, &lock);
		pthread_mutex_unlock(&lock);
		r->ok = true;
		r->done(r);
	}
	return NULL;
}

static void ask(struct dialer *d, const char *app_id, uint32_t gen,
		const char *token, unsigned int nth)
{
	(void)d;
	(void)nth;
	pthread_mutex_lock(&lock);
	seen.asked++;
	seen.gen = gen;
	(void)snprintf(seen.app_id, sizeof(seen.app_id), "%s", app_id);
	(void)snprintf(seen.token, sizeof(seen.token), "%s", token);
	tell();
}

static void close_dialer(struct dialer *d)
{
	d->closed(d->arg);
}

static const struct dialer_ops dialer_ops = { .ask = ask,
					      .close = close_dialer };
static struct dialer dialer;

static void wait_for(const size_t *count, size_t n)
{
	pthread_mutex_lock(&lock);
	while (*count < n)
		pthread_cond_wait(&news, &lock);
	pthread_mutex_unlock(&lock);
}

/* Run fn on the I/O thread and wait for it. */
struct errand {
	struct loop_task task; /* must be first */
	void (*fn)(void);
	size_t done;
};

static void run_errand(struct loop_task *t)
{
	struct errand *e = (struct errand *)t;

	e->fn();
	pthread_mutex_lock(&lock);
	e->done = 1;
	tell();
}

static void on_io(void (*fn)(void))
{
	struct errand e = { .task.run = run_errand, .fn = fn };

	loop_post(io, &e.task);
	wait_for(&e.done, 1);
}

static void setup(void)
{
	static struct conf conf;
	struct hub_opts o = {
		.conf = &conf,
		.transport = &wires.base,
		.dialer = &dialer,
	};
	struct err e = { 0 };

	log_set_level(LOG_LEVEL_ERROR);
	wires_init();
	memset(&seen, 0, sizeof(seen));
	said_goodbye = false;
	dialer.ops = &dialer_ops;
	submitted = queue_create();
	engaged = engaged_create(30 * 60 * 1000);
	io = loop_create("io", &e);
	ck_assert(submitted && engaged && io);
	o.io = io;
	o.engaged = engaged;
	hub = hub_create(&o, &e);
	ck_assert_msg(hub != NULL, "%s", e.msg);
	ck_assert_int_eq(loop_start(io, &e), 0);
	ck_assert_int_eq(pthread_create(&committer, NULL, commit_all, NULL), 0);
}

static void teardown(void)
{
	loop_stop(io);
	queue_close(submitted);
	pthread_join(committer, NULL);
	hub_free(hub);
	loop_free(io);
	engaged_free(engaged);
	queue_free(submitted);
	wires_release();
}

static void grant(void)
{
	struct ticket t = { .url = "wss://wss.slack.test/", .addr = "::1" };

	dialer.done(seen.app_id, seen.gen, &t, dialer.arg);
	wire_open(wires_last());
	wire_hello(wires_last(), seen.app_id, 1);
}

static struct hub_stats stats(void)
{
	struct hub_stats s = { 0 };

	hub_stats(hub, &s);
	return s;
}

static void come_up(void)
{
	hub_app_put(hub, "A1", "xapp-1");
	wait_for(&seen.asked, 1);
	on_io(grant);
}

static void mention(void)
{
	char *frame = event_frame(
		"{\"type\":\"app_mention\",\"user\":\"U1\",\"channel\":\"C1\","
		"\"ts\":\"1700000000.000100\",\"text\":\"<@UBOT> hi\"}");

	wire_text(wires_last(), frame);
	free(frame);
}

static void nothing(void)
{
}

static void end_wire(void)
{
	wire_end(wires_last(), "closed by peer (1000)");
}

static char last[96];

static void look(const struct link_view *v, void *arg)
{
	size_t *n = arg;

	++*n;
	(void)snprintf(last, sizeof(last), "%s %s %s", v->app_id,
		       link_state_name(v->state), v->last);
}

START_TEST(app_put_on_one_thread_comes_up_on_another)
{
	size_t n = 0;

	come_up();
	ck_assert_str_eq(seen.token, "xapp-1");
	ck_assert_uint_eq(stats().live_apps, 1);
	hub_each(hub, look, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(last, "A1 live hello");
	hub_close(hub, 10);
}
END_TEST

START_TEST(mention_is_routed_and_acked)
{
	come_up();
	on_io(mention);
	wait_for(&seen.routed, 1);
	while (stats().acks == 0)
		on_io(nothing);
	ck_assert_str_eq(wires_last()->sent, "{\"envelope_id\":\"e-1\"}");
	ck_assert_uint_eq(stats().envelopes, 1);
	ck_assert_uint_eq(stats().unacked, 0);
	hub_close(hub, 10);
}
END_TEST

static void *close_hub(void *arg)
{
	(void)arg;
	hub_close(hub, 10000);
	return NULL;
}

static void hold(bool on)
{
	pthread_mutex_lock(&lock);
	seen.hold_commits = on;
	tell();
}

static void see_goodbye(void)
{
	said_goodbye = wires_last()->closing;
}

START_TEST(closing_sends_the_acks_that_are_due_first)
{
	pthread_t closer;

	come_up();
	hold(true);
	on_io(mention);
	ck_assert_int_eq(pthread_create(&closer, NULL, close_hub, NULL), 0);
	on_io(see_goodbye);
	ck_assert(!said_goodbye);

	hold(false);
	while (!said_goodbye)
		on_io(see_goodbye);
	ck_assert_uint_eq(wires_last()->nsent, 1);
	on_io(end_wire);
	pthread_join(closer, NULL);
	ck_assert_uint_eq(stats().acks, 1);
	ck_assert_uint_eq(stats().links[LINK_LIVE], 0);
}
END_TEST

START_TEST(closing_gives_up_when_the_grace_is_over)
{
	come_up();
	hold(true);
	on_io(mention);
	hub_close(hub, 10);
	ck_assert(wires_last()->gone);
	hold(false);
}
END_TEST

START_TEST(removed_app_is_forgotten)
{
	come_up();
	hub_app_remove(hub, "A1");
	while (!said_goodbye)
		on_io(see_goodbye);
	on_io(end_wire);
	ck_assert_uint_eq(stats().apps, 0);
	hub_close(hub, 10);
}
END_TEST

START_TEST(hub_that_never_ran_can_be_freed)
{
	/* The fixtures do it. */
	ck_assert_uint_eq(stats().apps, 0);
}
END_TEST

static rlim_t files(void)
{
	struct rlimit r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	return r.rlim_cur;
}

static void limit(rlim_t soft, rlim_t hard)
{
	struct rlimit r = { soft, hard };

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
}

START_TEST(file_limit_follows_the_number_of_apps)
{
	limit(1024, 16384);
	hub_raise_files(0, false);
	ck_assert_uint_eq(files(), 4096);
	hub_raise_files(1500, false);
	ck_assert_uint_eq(files(), 4096);
	hub_raise_files(1500, true);
	ck_assert_uint_eq(files(), 13024);
	hub_raise_files(5000, false); /* never less than it was */
	ck_assert_uint_eq(files(), 13024);
	log_set_level(LOG_LEVEL_ERROR);
	hub_raise_files(100000, false); /* as much as there is */
	ck_assert_uint_eq(files(), 16384);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hub");
	TCase *tc = tcase_create("hub");
	TCase *fl = tcase_create("files");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, app_put_on_one_thread_comes_up_on_another);
	tcase_add_test(tc, mention_is_routed_and_acked);
	tcase_add_test(tc, closing_sends_the_acks_that_are_due_first);
	tcase_add_test(tc, closing_gives_up_when_the_grace_is_over);
	tcase_add_test(tc, removed_app_is_forgotten);
	tcase_add_test(tc, hub_that_never_ran_can_be_freed);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	tcase_add_test(fl, file_limit_follows_the_number_of_apps);
	suite_add_tcase(s, fl);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
