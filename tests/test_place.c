/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "redis.h"
#include "state/place_book.h"
#include "state/place_redis.h"
#include "state/redis_conn.h"

/*
 * Several nodes in one process, turned by hand on one clock, over a real
 * Redis.
 */

#define LEASE  10000
#define SWEEP  (LEASE / 2)
#define LATE   (3 * LEASE / 2)
#define PER    2
#define NODES  4
#define APPS   40
#define MINUTE 60000

struct daemon {
	struct place_self self;
	struct book *book;
	struct place_beat beat;
	char node[ID_SIZE], home[ID_SIZE];
	enum place_link becomes; /* what a link that is dialed becomes */
	bool up;
	bool has[APPS];
	int live[APPS]; /* others', as told */
	int ghosts;
};

static struct redis_box redis;
static struct redis_conn *conn;
static struct daemon nodes[NODES];
static int64_t now;

static void app_name(char out[16], int i)
{
	(void)snprintf(out, 16, "A%03d", i);
}

static struct err e;

static void dial_redis(void)
{
	struct redis_server s;

	ck_assert_int_eq(redis_server_init(&s, redis.url, NULL, NULL, &e), 0);
	conn = redis_dial(&s, &e);
	ck_assert_msg(conn != NULL, "%s", e.msg);
	redis_server_release(&s);
}

static void setup(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	e = (struct err){ 0 };
	now = 1700000000000;
	memset(nodes, 0, sizeof(nodes));
	redis_box_start(&redis, NULL);
	dial_redis();
}

static void teardown(void)
{
	int i;

	for (i = 0; i < NODES; i++)
		book_free(nodes[i].book);
	redis_hang_up(conn);
	redis_box_remove(&redis);
}

static void beat_knowing(struct daemon *d, bool alone)
{
	char ids[PLACE_NODES][ID_SIZE];
	size_t i, n = 0;

	d->self.now_ms = now;
	ck_assert_msg(place_beat(conn, &d->self, book_held(d->book),
				 book_live(d->book), alone, &d->beat, &e) == 0,
		      "%s", e.msg);
	for (i = 0; i < d->beat.n; i++)
		if (d->beat.nodes[i].alive)
			memcpy(ids[n++], d->beat.nodes[i].id, ID_SIZE);
	book_nodes(d->book, (const char(*)[ID_SIZE])ids, n);
	if (d->beat.lost)
		book_lost(d->book);
}

static void beat(struct daemon *d)
{
	beat_knowing(d, true);
}

/* Its links follow at once. */
static void follow(struct daemon *d, const struct place *p)
{
	int i = atoi(p->app_id + 1);
	char id[16];

	d->live[i] = p->live;
	if (d->has[i] == p->held)
		return;
	d->has[i] = p->held;
	app_name(id, i);
	if (p->held)
		book_tell(d->book, id, d->becomes, d->becomes == PLACE_LIVE, 0);
}

/* All that is to be looked at now; false when Redis wants a beat first. */
static bool look(struct daemon *d)
{
	struct place *all[PLACE_LOOK_MAX];
	struct place_found found[PLACE_LOOK_MAX];
	struct place_news news;
	char wants[PLACE_LOOK_MAX];
	size_t i, n;
	bool gone;

	d->self.now_ms = now;
	while ((n = book_next(d->book, now, all, PLACE_LOOK_MAX)) > 0) {
		for (i = 0; i < n; i++)
			wants[i] = book_want(d->book, all[i], now);
		if (place_look(conn, &d->self, all, wants, n, found, &e) < 0) {
			for (i = 0; i < n; i++)
				book_again(d->book, all[i]);
			ck_assert_msg(e.kind == ERR_LIMIT, "%s", e.msg);
			return false;
		}
		for (i = 0; i < n; i++) {
			book_found(d->book, all[i], &found[i], now, &news);
			d->ghosts += news.ghosts;
			gone = all[i]->gone;
			book_put_back(d->book, all[i]);
			if (!gone)
				follow(d, all[i]);
		}
	}
	return true;
}

static void prepare(int i, const char *home, int at_once)
{
	struct daemon *d = &nodes[i];
	const struct book_opts o = { d->node, LEASE, PER, at_once };
	char id[16];
	int k;

	book_free(d->book);
	memset(d, 0, sizeof(*d));
	id_make(d->node);
	(void)snprintf(d->home, sizeof(d->home), "%s", home);
	d->self = (struct place_self){
		.node = d->node,
		.home = d->home,
		.name = "host",
		.lease_ms = LEASE,
		.links_per_app = PER,
		.leave_ms = MINUTE,
		.now_ms = now,
	};
	d->book = book_create(&o);
	ck_assert_ptr_nonnull(d->book);
	d->becomes = PLACE_LIVE;
	d->up = true;
	for (k = 0; k < APPS; k++) {
		app_name(id, k);
		ck_assert_int_eq(book_put(d->book, id), 0);
	}
}

static void start(int i)
{
	static const char *const homes[NODES] = { "h0", "h1", "h2", "h3" };

	prepare(i, homes[i], 1000);
	beat(&nodes[i]);
	ck_assert(look(&nodes[i]));
}

/* So long, with all nodes beating and looking as they do. */
static void pass(int64_t ms)
{
	int64_t end = now + ms;
	int i;

	while (now < end) {
		now += LEASE / 5;
		for (i = 0; i < NODES; i++) {
			if (!nodes[i].up)
				continue;
			beat(&nodes[i]);
			ck_assert(look(&nodes[i]));
		}
	}
}

static int holders(int app)
{
	int i, n = 0;

	for (i = 0; i < NODES; i++)
		n += nodes[i].has[app];
	return n;
}

static int total(const struct daemon *d)
{
	int app, n = 0;

	for (app = 0; app < APPS; app++)
		n += d->has[app];
	return n;
}

static void each_has(int n)
{
	int app;

	for (app = 0; app < APPS; app++)
		ck_assert_msg(holders(app) == n, "app %d is held by %d", app,
			      holders(app));
}

START_TEST(node_that_is_alone_has_all)
{
	start(0);
	each_has(1);
	ck_assert_int_eq(redis_box_keys(&redis, "konstruct:*"), APPS + 1);
}
END_TEST

START_TEST(two_nodes_have_each_a_link_of_every_app)
{
	start(0);
	start(1);
	each_has(2);
	pass(MINUTE);
	each_has(2);
	ck_assert_int_eq(nodes[0].live[0], 1);
}
END_TEST

START_TEST(three_nodes_share_evenly_and_two_have_each_app)
{
	int i;

	start(0);
	start(1);
	start(2);
	pass(MINUTE);
	each_has(2);
	for (i = 0; i < 3; i++)
		ck_assert_msg(total(&nodes[i]) >= APPS / 3 &&
				      total(&nodes[i]) <= APPS,
			      "node %d has %d", i, total(&nodes[i]));
}
END_TEST

/* Make before break: nothing is given up before the joiner is live. */
START_TEST(joining_node_gets_links_before_others_give_them_up)
{
	char id[16];
	int app, extra = 0;

	start(0);
	start(1);
	prepare(2, "h2", 1000);
	nodes[2].becomes = PLACE_DIALING;
	pass(LEASE);
	for (app = 0; app < APPS; app++) {
		ck_assert(nodes[0].has[app] && nodes[1].has[app]);
		extra += nodes[2].has[app];
	}
	ck_assert_int_ge(extra, APPS / 3);

	for (app = 0; app < APPS; app++)
		if (nodes[2].has[app]) {
			app_name(id, app);
			book_tell(nodes[2].book, id, PLACE_LIVE, 1, 0);
		}
	pass(2 * SWEEP);
	each_has(2);
}
END_TEST

/* As many as may be on their way up, and more as they are. */
START_TEST(joining_node_takes_a_few_at_a_time)
{
	char id[16];
	int app, had;

	start(0);
	prepare(1, "h1", 5);
	nodes[1].becomes = PLACE_DIALING;
	beat(&nodes[1]);
	ck_assert(look(&nodes[1]));
	ck_assert_int_eq(total(&nodes[1]), 5);
	pass(SWEEP);
	ck_assert_int_eq(total(&nodes[1]), 5);
	had = 0;
	for (app = 0; app < APPS && had < 3; app++)
		if (nodes[1].has[app]) {
			app_name(id, app);
			book_tell(nodes[1].book, id, PLACE_LIVE, 1, 0);
			had++;
		}
	ck_assert(look(&nodes[1]));
	ck_assert_int_eq(total(&nodes[1]), 8);
	/* What doesn't come up doesn't stop the others for ever. */
	pass(8 * LATE);
	ck_assert_int_eq(total(&nodes[1]), APPS);
}
END_TEST

START_TEST(killed_nodes_apps_are_taken_after_its_lease)
{
	start(0);
	start(1);
	start(2);
	pass(MINUTE);
	nodes[1].up = false;
	memset(nodes[1].has, 0, sizeof(nodes[1].has));
	pass(LEASE - LEASE / 5);
	pass(2 * LEASE / 5);
	each_has(2);
}
END_TEST

START_TEST(killed_node_is_followed_at_once_from_its_own_home)
{
	start(0);
	start(1);
	pass(MINUTE);
	start(1);
	ck_assert_int_eq(total(&nodes[1]), APPS);
	each_has(2);
}
END_TEST

START_TEST(node_that_leaves_is_followed_at_once)
{
	start(0);
	start(1);
	start(2);
	pass(MINUTE);
	ck_assert_int_eq(place_leave(conn, &nodes[2].self, &e), 0);
	nodes[2].up = false;
	memset(nodes[2].has, 0, sizeof(nodes[2].has));
	pass(LEASE / 5);
	each_has(2);
}
END_TEST

/* It had been taken for dead; what others have now it gives up. */
START_TEST(frozen_node_gives_up_what_others_have_taken)
{
	int app;

	start(0);
	start(1);
	start(2);
	pass(MINUTE);
	nodes[0].up = false;
	pass(2 * LEASE);
	for (app = 0; app < APPS; app++)
		ck_assert_int_eq(nodes[1].has[app] + nodes[2].has[app], 2);
	ck_assert_int_gt(total(&nodes[0]), 0);
	ck_assert(!look(&nodes[0])); /* no word before a beat */
	beat(&nodes[0]);
	ck_assert(nodes[0].beat.lost);
	ck_assert(look(&nodes[0]));
	for (app = 0; app < APPS; app++)
		ck_assert_int_le(holders(app), 3);
	nodes[0].up = true;
	pass(MINUTE);
	each_has(2);
}
END_TEST

START_TEST(frozen_node_keeps_what_nobody_else_has)
{
	start(0);
	start(1);
	nodes[0].up = false;
	pass(2 * LEASE);
	ck_assert_int_eq(total(&nodes[0]), APPS);
	nodes[0].up = true;
	pass(LEASE / 5);
	each_has(2);
}
END_TEST

static void restart_redis(void)
{
	redis_hang_up(conn);
	redis_box_restart(&redis);
	dial_redis();
}

static void flush_redis(void)
{
	redis_box_do(&redis, "FLUSHALL");
}

static void (*const losses[])(void) = { flush_redis, restart_redis };

/* Owners renew first; who comes new takes nothing for a lease's time. */
START_TEST(emptied_redis_moves_no_link)
{
	bool had[NODES][APPS];
	int64_t end;
	int i;

	start(0);
	start(1);
	start(2);
	pass(MINUTE);
	for (i = 0; i < 3; i++)
		memcpy(had[i], nodes[i].has, sizeof(had[i]));
	losses[_i]();
	prepare(3, "h3", 1000);
	beat_knowing(&nodes[3], false);
	ck_assert_int_eq(nodes[3].beat.quiet_ms, LEASE);
	ck_assert(look(&nodes[3]));
	ck_assert_int_eq(total(&nodes[3]), 0);
	end = now + LEASE - LEASE / 5;
	while (now < end) {
		pass(LEASE / 5);
		ck_assert_int_eq(total(&nodes[3]), 0);
		for (i = 0; i < 3; i++)
			ck_assert_mem_eq(had[i], nodes[i].has, sizeof(had[i]));
	}
	pass(MINUTE);
	each_has(2);
	ck_assert_int_gt(total(&nodes[3]), 0);
}
END_TEST

START_TEST(redis_away_for_long_moves_no_link)
{
	bool had[NODES][APPS];
	int i;

	start(0);
	start(1);
	start(2);
	pass(MINUTE);
	for (i = 0; i < 3; i++)
		memcpy(had[i], nodes[i].has, sizeof(had[i]));
	now += 5 * MINUTE;
	beat(&nodes[1]);
	ck_assert_int_eq(nodes[1].beat.quiet_ms, LEASE);
	ck_assert(look(&nodes[1]));
	now += LEASE / 2;
	pass(MINUTE);
	for (i = 0; i < 3; i++)
		ck_assert_mem_eq(had[i], nodes[i].has, sizeof(had[i]));
}
END_TEST

START_TEST(first_start_waits_only_where_others_have_links)
{
	prepare(0, "h0", 1000);
	beat_knowing(&nodes[0], false);
	ck_assert(look(&nodes[0]));
	ck_assert_int_eq(total(&nodes[0]), 0);
	pass(LEASE + LEASE / 5);
	each_has(1);
}
END_TEST

/* After a clean stop of all, and after a kill of the only one. */
START_TEST(start_after_all_stopped_waits_for_nobody)
{
	start(0);
	if (_i == 0)
		ck_assert_int_eq(place_leave(conn, &nodes[0].self, &e), 0);
	memset(nodes[0].has, 0, sizeof(nodes[0].has));
	now += 10 * MINUTE;
	prepare(0, "h0", 1000);
	beat_knowing(&nodes[0], false);
	ck_assert(look(&nodes[0]));
	each_has(1);
}
END_TEST

/* One node's own trouble: others stand in, and go when it is over. */
START_TEST(others_stand_in_for_a_node_that_cannot_connect)
{
	char id[16];
	int app, live;

	start(0);
	start(1);
	prepare(2, "h2", 1000);
	nodes[2].becomes = PLACE_DIALING;
	pass(MINUTE);
	nodes[1].up = false;
	memset(nodes[1].has, 0, sizeof(nodes[1].has));
	start(3);
	pass(4 * LATE);
	for (app = 0; app < APPS; app++) {
		live = nodes[0].has[app] + nodes[3].has[app];
		ck_assert_msg(live == 2, "app %d has %d", app, live);
	}
	for (app = 0; app < APPS; app++)
		if (nodes[2].has[app]) {
			app_name(id, app);
			book_tell(nodes[2].book, id, PLACE_LIVE, 1, 0);
		}
	nodes[2].becomes = PLACE_LIVE;
	pass(MINUTE);
	each_has(2);
}
END_TEST

/* Everybody's trouble: nobody stands in, or all would dial everything. */
START_TEST(nobody_stands_in_when_nothing_works_anywhere)
{
	int i, app;

	for (i = 0; i < NODES; i++) {
		prepare(i, (const char *[]){ "h0", "h1", "h2", "h3" }[i], 1000);
		nodes[i].becomes = PLACE_DIALING;
	}
	pass(5 * MINUTE);
	for (app = 0; app < APPS; app++)
		ck_assert_int_le(holders(app), PER + 1);
}
END_TEST

/* A dead token is no better elsewhere. */
START_TEST(stuck_app_is_not_handed_round)
{
	int i;

	for (i = 0; i < NODES; i++) {
		prepare(i, (const char *[]){ "h0", "h1", "h2", "h3" }[i], 1000);
		nodes[i].becomes = PLACE_STUCK;
	}
	pass(5 * MINUTE);
	each_has(2);
}
END_TEST

START_TEST(app_with_enough_links_gives_up_one_that_slack_refuses)
{
	char id[16];

	start(0);
	start(1);
	start(2);
	pass(MINUTE);
	app_name(id, 0);
	/* A third comes on top, and Slack says too_many_websockets. */
	start(3);
	if (nodes[3].has[0]) {
		book_tell(nodes[3].book, id, PLACE_STUCK, 0, 0);
		ck_assert(look(&nodes[3]));
		ck_assert(!nodes[3].has[0]);
	}
	ck_assert_int_ge(holders(0), 2);
}
END_TEST

START_TEST(removed_app_is_forgotten)
{
	char id[16];

	start(0);
	start(1);
	app_name(id, 7);
	book_remove(nodes[0].book, id);
	book_remove(nodes[1].book, id);
	ck_assert(look(&nodes[0]));
	ck_assert(look(&nodes[1]));
	ck_assert_int_eq(redis_box_keys(&redis, "konstruct:links:A007"), 0);
	ck_assert_int_eq(redis_box_keys(&redis, "konstruct:links:*"), APPS - 1);
}
END_TEST

START_TEST(connection_of_nobody_is_noticed_once_an_hour)
{
	char id[16];

	start(0);
	start(1);
	app_name(id, 3);
	book_tell(nodes[0].book, id, PLACE_LIVE, 1, 2);
	pass(MINUTE);
	ck_assert_int_eq(nodes[0].ghosts, 0);
	book_tell(nodes[0].book, id, PLACE_LIVE, 1, 3);
	pass(MINUTE);
	ck_assert_int_eq(nodes[0].ghosts, 1);
	book_tell(nodes[0].book, id, PLACE_LIVE, 1, 3);
	pass(MINUTE);
	ck_assert_int_eq(nodes[0].ghosts, 1);
	now += 60 * MINUTE;
	pass(LEASE);
	book_tell(nodes[0].book, id, PLACE_LIVE, 1, 3);
	pass(MINUTE);
	ck_assert_int_eq(nodes[0].ghosts, 2);
}
END_TEST

/* The other node's replacement is told a moment later. */
START_TEST(connection_that_another_node_tells_of_is_no_ghost)
{
	char id[16];

	start(0);
	start(1);
	app_name(id, 3);
	book_tell(nodes[0].book, id, PLACE_LIVE, 1, 3);
	ck_assert(look(&nodes[0]));
	book_tell(nodes[1].book, id, PLACE_LIVE, 2, 0);
	pass(MINUTE);
	ck_assert_int_eq(nodes[0].ghosts, 0);
}
END_TEST

/* Its answers are ending, and its links are there until then. */
START_TEST(links_of_a_node_that_leaves_are_no_ghosts)
{
	char id[16];
	int app;

	start(0);
	start(1);
	nodes[1].self.now_ms = now;
	ck_assert_int_eq(place_leave(conn, &nodes[1].self, &e), 0);
	nodes[1].up = false;
	start(2);
	for (app = 0; app < APPS; app++) {
		app_name(id, app);
		book_tell(nodes[2].book, id, PLACE_LIVE, 1, 3);
	}
	pass(2 * SWEEP);
	ck_assert_int_eq(total(&nodes[2]), APPS);
	ck_assert_int_eq(nodes[2].ghosts, 0);
	pass(2 * MINUTE);
	book_tell(nodes[2].book, id, PLACE_LIVE, 1, 3);
	pass(2 * SWEEP);
	ck_assert_int_eq(nodes[2].ghosts, 1);
}
END_TEST

/* The thread of each node, on the real clock; links are live at once. */

#define SHORT_MS 1000

struct node {
	struct places *ps;
	bool has[APPS];
	int n, changes;
};
static struct node running[3];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void on_told(const char *app_id, bool hold, int live, void *arg)
{
	struct node *n = arg;
	int i = atoi(app_id + 1);

	(void)live;
	pthread_mutex_lock(&lock);
	if (n->has[i] != hold) {
		n->has[i] = hold;
		n->n += hold ? 1 : -1;
		n->changes++;
	}
	pthread_mutex_unlock(&lock);
	if (hold)
		places_tell(n->ps, app_id, PLACE_LIVE, 1, 0);
}

static int none_linked(void *arg)
{
	(void)arg;
	return 0;
}

static void run_node(int i)
{
	char id[ID_SIZE], home[8], app[16];
	const struct places_opts o = {
		.url = redis.url,
		.node = id,
		.home = home,
		.name = "host",
		.lease_ms = SHORT_MS,
		.links_per_app = PER,
		.at_once = 1000,
		.linked = none_linked,
		.told = on_told,
		.arg = &running[i],
	};
	int k;

	memset(&running[i], 0, sizeof(running[i]));
	id_make(id);
	(void)snprintf(home, sizeof(home), "h%d", i);
	running[i].ps = places_create(&o, &e);
	ck_assert_msg(running[i].ps != NULL, "%s", e.msg);
	for (k = 0; k < APPS; k++) {
		app_name(app, k);
		places_put(running[i].ps, app);
	}
	ck_assert_int_eq(places_start(running[i].ps, &e), 0);
}

static int links_of(int i)
{
	int n;

	pthread_mutex_lock(&lock);
	n = running[i].n;
	pthread_mutex_unlock(&lock);
	return n;
}

static int changes(void)
{
	int n;

	pthread_mutex_lock(&lock);
	n = running[0].changes + running[1].changes + running[2].changes;
	pthread_mutex_unlock(&lock);
	return n;
}

static bool both_have_all(void)
{
	return links_of(0) == APPS && links_of(1) == APPS;
}

static bool all_share(void)
{
	return links_of(2) > 0 && links_of(0) < APPS && links_of(1) < APPS &&
	       links_of(0) + links_of(1) + links_of(2) == PER * APPS;
}

static bool away(void)
{
	return !places_healthy(running[0].ps, NULL, 0) &&
	       !places_healthy(running[1].ps, NULL, 0);
}

static bool back(void)
{
	return places_healthy(running[0].ps, NULL, 0) &&
	       places_healthy(running[1].ps, NULL, 0);
}

static void until(bool (*done)(void))
{
	static const struct timespec tick = { 0, 2000000 };
	int ms;

	for (ms = 0; ms < 15000 && !done(); ms += 2)
		(void)nanosleep(&tick, NULL);
	ck_assert(done());
}

static void stop_nodes(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		places_free(running[i].ps);
		running[i].ps = NULL;
	}
	teardown();
}

START_TEST(nodes_come_and_go)
{
	run_node(0);
	run_node(1);
	until(both_have_all);
	run_node(2);
	until(all_share);
	places_stop(running[2].ps);
	until(both_have_all);
}
END_TEST

static void count_node(const struct place_node *n, void *arg)
{
	*(size_t *)arg += n->alive ? n->held : 0;
}

static bool nodes_tell(void)
{
	size_t n = 0;

	places_each(running[1].ps, count_node, &n);
	return n == (size_t)PER * APPS;
}

START_TEST(redis_goes_and_comes_and_nothing_moves)
{
	struct timespec lease = { 2 * SHORT_MS / 1000, 0 };
	char why[240];
	int before;

	run_node(0);
	run_node(1);
	until(both_have_all);
	until(nodes_tell);
	before = changes();
	redis_box_kill(&redis);
	until(away);
	ck_assert(!places_healthy(running[0].ps, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "redis"));
	redis_box_restart(&redis);
	until(back);
	(void)nanosleep(&lease, NULL); /* what is not to happen */
	ck_assert_int_eq(changes(), before);
	until(nodes_tell);
}
END_TEST

START_TEST(node_starts_while_redis_is_away)
{
	redis_box_kill(&redis);
	run_node(0);
	run_node(1);
	until(away);
	ck_assert_int_eq(links_of(0) + links_of(1), 0);
	redis_box_restart(&redis);
	until(both_have_all);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("place");
	TCase *tc = tcase_create("leases on links");
	SRunner *sr = srunner_create(s);
	int nfailed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, node_that_is_alone_has_all);
	tcase_add_test(tc, two_nodes_have_each_a_link_of_every_app);
	tcase_add_test(tc, three_nodes_share_evenly_and_two_have_each_app);
	tcase_add_test(tc, joining_node_gets_links_before_others_give_them_up);
	tcase_add_test(tc, joining_node_takes_a_few_at_a_time);
	tcase_add_test(tc, killed_nodes_apps_are_taken_after_its_lease);
	tcase_add_test(tc, killed_node_is_followed_at_once_from_its_own_home);
	tcase_add_test(tc, node_that_leaves_is_followed_at_once);
	tcase_add_test(tc, frozen_node_gives_up_what_others_have_taken);
	tcase_add_test(tc, frozen_node_keeps_what_nobody_else_has);
	tcase_add_loop_test(tc, emptied_redis_moves_no_link, 0,
			    sizeof(losses) / sizeof(losses[0]));
	tcase_add_test(tc, redis_away_for_long_moves_no_link);
	tcase_add_test(tc, first_start_waits_only_where_others_have_links);
	tcase_add_loop_test(tc, start_after_all_stopped_waits_for_nobody, 0, 2);
	tcase_add_test(tc, others_stand_in_for_a_node_that_cannot_connect);
	tcase_add_test(tc, nobody_stands_in_when_nothing_works_anywhere);
	tcase_add_test(tc, stuck_app_is_not_handed_round);
	tcase_add_test(tc,
		       app_with_enough_links_gives_up_one_that_slack_refuses);
	tcase_add_test(tc, removed_app_is_forgotten);
	tcase_add_test(tc, connection_of_nobody_is_noticed_once_an_hour);
	tcase_add_test(tc, connection_that_another_node_tells_of_is_no_ghost);
	tcase_add_test(tc, links_of_a_node_that_leaves_are_no_ghosts);
	suite_add_tcase(s, tc);

	tc = tcase_create("threads");
	tcase_add_checked_fixture(tc, setup, stop_nodes);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, nodes_come_and_go);
	tcase_add_test(tc, redis_goes_and_comes_and_nothing_moves);
	tcase_add_test(tc, node_starts_while_redis_is_away);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
