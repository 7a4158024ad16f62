/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/keyfile.h"
#include "base/keyring.h"
#include "pg.h"
#include "scratch.h"
#include "store/cluster.h"
#include "store/journal.h"
#include "store/keys.h"
#include "store/leases.h"
#include "store/postgres_journal.h"

/*
 * Nodes of one database, each with a journal and a cluster thread, in this
 * process. What else a daemon does is noted down here.
 */

#define LEASE       60000 /* none runs out because a thread is slow */
#define SHORT_LEASE 5000  /* for tests that wait for it */
#define BEAT        200
#define PATIENCE_MS 20000
#define TAKEN_MAX   600
#define NOW         INT64_C(1700000000000)

struct seat {
	char id[ID_SIZE];
	char home[8];
	struct leases *leases;
	struct journal *journal;
	struct cluster *cluster;

	pthread_mutex_t lock;
	char taken[TAKEN_MAX][ID_SIZE]; /* in order */
	int64_t epochs[TAKEN_MAX];
	size_t ntaken;
	size_t ncovered; /* by them */
	size_t lost, apps, deaf, heard;
	char nobodys[ID_SIZE];
	char thread[100], ended[100];
	int64_t thread_ms;
	size_t nthreads, nended;
};

static const struct pg *pg;
static struct scratch scratch;
static struct seat a, b;
static struct err e;
static int lease_ms;

static void take(struct entry *en, void *arg)
{
	struct seat *s = arg;

	pthread_mutex_lock(&s->lock);
	ck_assert_uint_lt(s->ntaken, TAKEN_MAX);
	memcpy(s->taken[s->ntaken], en->id, ID_SIZE);
	s->epochs[s->ntaken++] = en->epoch;
	s->ncovered += en->ncovered;
	pthread_mutex_unlock(&s->lock);
}

static void add(struct seat *s, size_t *n)
{
	pthread_mutex_lock(&s->lock);
	++*n;
	pthread_mutex_unlock(&s->lock);
}

/* As far as a test says so. */
static bool in_hand(const char *id, int64_t epoch, void *arg)
{
	struct seat *s = arg;
	bool yes;

	(void)epoch;
	pthread_mutex_lock(&s->lock);
	yes = strcmp(id, s->nobodys) != 0;
	pthread_mutex_unlock(&s->lock);
	return yes;
}

static void lost(void *arg)
{
	struct seat *s = arg;

	add(s, &s->lost);
}

static void thread(const char *key, int64_t at_ms, void *arg)
{
	struct seat *s = arg;

	pthread_mutex_lock(&s->lock);
	(void)snprintf(s->thread, sizeof(s->thread), "%s", key);
	s->thread_ms = at_ms;
	s->nthreads++;
	pthread_mutex_unlock(&s->lock);
}

static void ended(const char *key, void *arg)
{
	struct seat *s = arg;

	pthread_mutex_lock(&s->lock);
	(void)snprintf(s->ended, sizeof(s->ended), "%s", key);
	s->nended++;
	pthread_mutex_unlock(&s->lock);
}

static int apps(struct store *st, void *arg, struct err *err)
{
	struct seat *s = arg;

	(void)st;
	(void)err;
	add(s, &s->apps);
	return 0;
}

static void deaf(void *arg)
{
	struct seat *s = arg;

	add(s, &s->deaf);
}

static int heard(struct store *st, void *arg, struct err *err)
{
	struct seat *s = arg;

	(void)st;
	(void)err;
	add(s, &s->heard);
	return 0;
}

static size_t links(void *arg)
{
	(void)arg;
	return 3;
}

static void join_at(struct seat *s, const char *home)
{
	struct journal_node n = { .id = s->id };
	struct cluster_opts o = {
		.url = pg->url,
		.keyring = scratch.keyring,
		.node = s->id,
		.home = home,
		.name = home,
		.lease_ms = lease_ms,
		.beat_ms = BEAT,
		.take = take,
		.in_hand = in_hand,
		.lost = lost,
		.thread = thread,
		.ended = ended,
		.apps = apps,
		.deaf = deaf,
		.heard = heard,
		.links = links,
		.arg = s,
	};

	memset(s, 0, sizeof(*s));
	id_make(s->id);
	(void)pthread_mutex_init(&s->lock, NULL);
	s->leases = leases_create();
	n.leases = o.leases = s->leases;
	s->journal =
		journal_create_node(pg->url, scratch.keyring, 1000, &n, &e);
	ck_assert_msg(s->journal != NULL, "%s", e.msg);
	o.journal = s->journal;
	s->cluster = cluster_create(&o, &e);
	ck_assert_msg(s->cluster != NULL, "%s", e.msg);
	ck_assert_int_eq(cluster_start(s->cluster, 1000, &e), 0);
}

static void part_with(struct seat *s)
{
	cluster_hush(s->cluster);
	journal_free(s->journal);
	cluster_free(s->cluster);
	leases_free(s->leases);
	memset(s, 0, sizeof(*s));
}

static void setup(void)
{
	struct store *st;
	char acme[ID_SIZE];

	pg_empty();
	scratch_make_at(&scratch, pg->url);
	st = scratch_open(&scratch, true);
	scratch_acme(st, acme);
	st->ops->close(st);
	e = (struct err){ 0 };
	lease_ms = LEASE;
}

static void teardown(void)
{
	if (a.cluster)
		part_with(&a);
	if (b.cluster)
		part_with(&b);
	scratch_remove(&scratch);
}

static void nap(void)
{
	static const struct timespec t = { 0, 10 * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* Until the query gives n. */
static void until(int64_t n, const char *sql)
{
	int64_t end = clock_ms() + PATIENCE_MS;

	while (pg_ask(sql) != n) {
		ck_assert_msg(clock_ms() < end, "%s isn't %lld but %lld", sql,
			      (long long)n, (long long)pg_ask(sql));
		nap();
	}
}

static void until_counted(struct seat *s, const size_t *n, size_t want)
{
	int64_t end = clock_ms() + PATIENCE_MS;
	size_t now;

	do {
		nap();
		ck_assert_int_lt(clock_ms(), end);
		pthread_mutex_lock(&s->lock);
		now = *n;
		pthread_mutex_unlock(&s->lock);
	} while (now < want);
}

static size_t held(const struct seat *s)
{
	size_t n = 0;
	unsigned int i;

	for (i = 0; i < LEASE_PARTS; i++)
		n += lease_epoch(s->leases, i) != 0;
	return n;
}

static size_t ready(const struct seat *s)
{
	size_t n = 0;
	unsigned int i;

	for (i = 0; i < LEASE_PARTS; i++)
		n += lease_ready(s->leases, i) != 0;
	return n;
}

static void until_held(const struct seat *s, size_t n)
{
	int64_t end = clock_ms() + PATIENCE_MS;

	while (held(s) != n || ready(s) != n) {
		ck_assert_int_lt(clock_ms(), end);
		nap();
	}
}

/* A request that is waited for. */
struct wait {
	struct journal_req r; /* must be first */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool finished;
	struct entry entry;
	struct err err;
};

static void finish(struct journal_req *r)
{
	struct wait *w = (struct wait *)r;

	pthread_mutex_lock(&w->lock);
	w->finished = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

static void run(struct seat *s, struct wait *w)
{
	w->finished = false;
	w->r.done = finish;
	w->r.err = &w->err;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->wake, NULL);
	ck_assert(journal_submit(s->journal, &w->r));
	pthread_mutex_lock(&w->lock);
	while (!w->finished)
		pthread_cond_wait(&w->wake, &w->lock);
	pthread_mutex_unlock(&w->lock);
	ck_assert_msg(w->r.ok, "%s", w->err.msg);
}

/* The lease under which it was taken; 0: it is another's to do. */
static int64_t append(struct seat *s, const char *app, const char *id,
		      const char *news)
{
	struct wait w = { .r.kind = JOURNAL_APPEND };

	w.r.entry = &w.entry;
	w.r.news = news;
	(void)snprintf(w.entry.id, sizeof(w.entry.id), "%s", id);
	w.entry.app_id = (char *)app;
	w.entry.event_id = (char *)id;
	w.entry.received_ms = NOW;
	w.entry.frame = (char *)"{}";
	w.entry.frame_len = 2;
	run(s, &w);
	ck_assert(!w.r.duplicate);
	ck_assert_int_eq(w.r.elsewhere, w.entry.epoch == 0);
	return w.entry.epoch;
}

/* True when it was lost. */
static bool note(struct seat *s, enum journal_kind kind, const char *id,
		 int64_t epoch)
{
	struct wait w = { .r.kind = kind, .r.epoch = epoch };

	(void)snprintf(w.r.entry_id, sizeof(w.r.entry_id), "%s", id);
	w.r.note.state = kind == JOURNAL_DONE ? ENTRY_DONE : ENTRY_ACCEPTED;
	w.r.note.verdict = "accept";
	run(s, &w);
	return w.r.lost;
}

/* An app whose partition the node holds. */
static const char *app_of(const struct seat *s)
{
	static char names[2][16];
	static unsigned int which;
	char *name = names[which++ % 2];
	int i = 0;

	do
		(void)snprintf(name, sizeof(names[0]), "A%d", i++);
	while (lease_epoch(s->leases, lease_part(name)) == 0);
	return name;
}

START_TEST(app_has_one_partition_here_and_in_the_database)
{
	static const char *const ids[] = { "A1", "A0123456789", "AB\xc3\xa4",
					   "A\\1", "" };
	char sql[100];
	size_t i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		(void)snprintf(sql, sizeof(sql),
			       "SELECT konstruct.part_of('%s')", ids[i]);
		ck_assert_int_eq(pg_ask(sql), lease_part(ids[i]));
	}
}
END_TEST

START_TEST(one_node_takes_all_and_works_at_once)
{
	join_at(&a, "a");
	until_held(&a, 64);
	ck_assert_int_gt(append(&a, "A1", "e1", NULL), 0);
	ck_assert(!note(&a, JOURNAL_NOTE, "e1", 1));
	ck_assert(!note(&a, JOURNAL_DONE, "e1", 1));
	ck_assert_uint_eq(a.ntaken, 0);
	until(0, "SELECT count(*) FROM pending");
}
END_TEST

START_TEST(second_node_gets_its_share_and_gives_it_back)
{
	join_at(&a, "a");
	until_held(&a, 64);
	join_at(&b, "b");
	until_held(&b, 32);
	until_held(&a, 32);
	until(0, "SELECT count(*) FROM partitions WHERE node IS NULL");
	part_with(&b);
	until_held(&a, 64);
}
END_TEST

static void fill_all(struct seat *s, int64_t epochs[LEASE_PARTS])
{
	char app[16], id[ID_SIZE];
	unsigned int part;
	int i, n = 0;

	memset(epochs, 0, LEASE_PARTS * sizeof(*epochs));
	for (i = 0; n < LEASE_PARTS; i++) {
		(void)snprintf(app, sizeof(app), "A%d", i);
		part = lease_part(app);
		if (epochs[part] != 0)
			continue;
		(void)snprintf(id, sizeof(id), "e%u", part);
		epochs[part] = append(s, app, id, NULL);
		ck_assert_int_gt(epochs[part], 0);
		n++;
	}
}

START_TEST(busy_partition_goes_over_when_its_work_is_done_or_put_down)
{
	int64_t epochs[LEASE_PARTS];
	unsigned int i, given = 0;
	char id[ID_SIZE];

	lease_ms = SHORT_LEASE;
	join_at(&a, "a");
	until_held(&a, 64);
	fill_all(&a, epochs);
	join_at(&b, "b");
	/* Told to, a takes nothing new of half of them. */
	while (ready(&a) != 32)
		nap();
	ck_assert_uint_eq(held(&a), 64);
	while (given < LEASE_PARTS && lease_ready(a.leases, given) != 0)
		given++;
	(void)snprintf(id, sizeof(id), "e%u", given);
	ck_assert(!note(&a, JOURNAL_DONE, id, epochs[given]));
	while (lease_epoch(b.leases, given) == 0)
		nap();
	until_held(&b, 32);
	ck_assert_uint_ge(b.ntaken, 31);
	until_counted(&a, &a.lost, 1);
	for (i = 0; i < LEASE_PARTS; i++) {
		if (lease_epoch(b.leases, i) == 0 || i == given)
			continue;
		(void)snprintf(id, sizeof(id), "e%u", i);
		ck_assert(note(&a, JOURNAL_DONE, id, epochs[i]));
	}
	ck_assert_uint_eq(held(&a), 32);
}
END_TEST

START_TEST(partition_stays_when_whoever_was_to_have_it_goes)
{
	int64_t epochs[LEASE_PARTS];

	join_at(&a, "a");
	until_held(&a, 64);
	fill_all(&a, epochs);
	join_at(&b, "b");
	while (ready(&a) != 32)
		nap();
	part_with(&b);
	until_held(&a, 64);
	ck_assert_uint_eq(a.lost, 0);
	ck_assert_int_eq(lease_epoch(a.leases, 7), epochs[7]);
}
END_TEST

START_TEST(forgotten_node_joins_anew_and_takes_up_what_it_had)
{
	int64_t epoch;

	join_at(&a, "a");
	until_held(&a, 64);
	epoch = append(&a, "A1", "e1", NULL);
	(void)pg_ask("DELETE FROM nodes");
	until_counted(&a, &a.ntaken, 1);
	ck_assert_uint_ge(a.lost, 1);
	ck_assert_int_gt(a.epochs[0], epoch);
}
END_TEST

START_TEST(entry_goes_to_whoever_holds_its_partition)
{
	const char *app;

	join_at(&a, "a");
	until_held(&a, 64);
	join_at(&b, "b");
	until_held(&b, 32);
	until_held(&a, 32);
	app = app_of(&b);
	ck_assert_int_eq(append(&a, app, "e1", NULL), 0);
	ck_assert_int_eq(append(&a, app, "e2", NULL), 0);
	until_counted(&b, &b.ntaken, 2);
	ck_assert_str_eq(b.taken[0], "e1");
	ck_assert_str_eq(b.taken[1], "e2");
	ck_assert(!note(&b, JOURNAL_DONE, "e1", b.epochs[0]));
	ck_assert_uint_eq(a.ntaken, 0);
}
END_TEST

START_TEST(what_was_there_before_comes_in_order)
{
	char id[ID_SIZE], sql[200];
	int i;

	/* As a daemon has left it that was alone. */
	for (i = 0; i < 500; i++) {
		(void)snprintf(id, sizeof(id), "e%03d", i);
		(void)snprintf(sql, sizeof(sql),
			       "SELECT konstruct.journal_append('%s', 'A1',"
			       " '%s', 1, '')::integer",
			       id, id);
		(void)pg_ask(sql);
	}
	join_at(&a, "a");
	until_held(&a, 64);
	ck_assert_uint_eq(a.ntaken, 500);
	for (i = 1; i < 500; i++)
		ck_assert_str_lt(a.taken[i - 1], a.taken[i]);
}
END_TEST

START_TEST(lost_partition_is_noticed_and_its_notes_change_nothing)
{
	int64_t epoch;

	join_at(&a, "a");
	until_held(&a, 64);
	epoch = append(&a, "A1", "e1", NULL);
	(void)pg_ask("UPDATE partitions SET epoch = 9, node = 'x', until ="
		     " now() + interval '1 hour' WHERE part ="
		     " konstruct.part_of('A1')");
	(void)pg_ask("UPDATE journal SET epoch = 9");
	ck_assert(note(&a, JOURNAL_NOTE, "e1", epoch));
	ck_assert(note(&a, JOURNAL_DONE, "e1", epoch));
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal WHERE state ="
				" 'new' AND done_ms IS NULL"),
			 1);
	until_counted(&a, &a.lost, 1);
	ck_assert_int_eq(lease_check(a.leases, lease_part("A1"), epoch),
			 LEASE_LOST);
	ck_assert_int_eq(append(&a, "A1", "e2", NULL), 0);
}
END_TEST

/* As if there were a node x that renews. */
static void hold_half_for_x(void)
{
	(void)pg_ask("INSERT INTO nodes VALUES ('x', 'x', 'x', true, 0, now(),"
		     " now() + interval '1 hour')");
	(void)pg_ask("UPDATE partitions SET epoch = epoch + 1, node = 'x',"
		     " until = now() + interval '1 hour' WHERE part < 32");
}

START_TEST(dead_node_is_followed_when_its_leases_are_over)
{
	join_at(&a, "a");
	until_held(&a, 64);
	(void)append(&a, "A1", "e1", NULL);
	hold_half_for_x();
	until_counted(&a, &a.lost, 1);
	ck_assert_uint_eq(held(&a), 32);
	(void)pg_ask("UPDATE nodes SET until = now() WHERE id = 'x';"
		     "UPDATE partitions SET until = now() WHERE node = 'x'");
	until_held(&a, 64);
	if (lease_part("A1") < 32)
		until_counted(&a, &a.ntaken, 1);
	until(32, "SELECT count(*) FROM partitions WHERE epoch = 3");
}
END_TEST

START_TEST(after_an_outage_nobody_takes_over_for_one_lease)
{
	int64_t start;

	lease_ms = SHORT_LEASE;
	join_at(&a, "a");
	until_held(&a, 64);
	hold_half_for_x();
	until_counted(&a, &a.lost, 1);
	start = clock_ms();
	(void)pg_ask("UPDATE renewals SET last = now() - interval '1 hour';"
		     "UPDATE nodes SET until = last FROM renewals"
		     " WHERE id = 'x';"
		     "UPDATE partitions SET until = last FROM renewals"
		     " WHERE node = 'x'");
	until_held(&a, 64);
	ck_assert_int_ge(clock_ms() - start, SHORT_LEASE - 100);
}
END_TEST

START_TEST(server_that_restarts_costs_no_lease_and_what_was_missed_is_read)
{
	join_at(&a, "a");
	until_held(&a, 64);
	pg_down();
	until_counted(&a, &a.deaf, 1);
	pg_up();
	until_counted(&a, &a.heard, 1);
	until_held(&a, 64);
	ck_assert_uint_eq(a.lost, 0);
	ck_assert_int_eq(
		pg_ask("SELECT count(*) FROM partitions WHERE epoch = 1"), 64);
}
END_TEST

START_TEST(lease_that_cannot_be_renewed_is_unsure_and_not_ready)
{
	char why[200];

	lease_ms = SHORT_LEASE;
	join_at(&a, "a");
	until_held(&a, 64);
	ck_assert(cluster_healthy(a.cluster, why, sizeof(why)));
	pg_down();
	while (leases_sure(a.leases))
		nap();
	ck_assert_int_eq(lease_check(a.leases, 0, 1), LEASE_UNSURE);
	ck_assert_int_eq(lease_ready(a.leases, 0), 0);
	ck_assert(!cluster_healthy(a.cluster, why, sizeof(why)));
	ck_assert_uint_gt(strlen(why), 0);
	pg_up();
	until_held(&a, 64);
	ck_assert(cluster_healthy(a.cluster, why, sizeof(why)));
}
END_TEST

START_TEST(next_run_at_the_same_home_need_not_wait)
{
	(void)pg_ask("INSERT INTO partitions SELECT generate_series(0, 63), 7,"
		     " 'x', now() + interval '1 hour'");
	(void)pg_ask("INSERT INTO nodes VALUES ('x', 'a', 'a', true, 0, now(),"
		     " now() + interval '1 hour')");
	join_at(&a, "a");
	until_held(&a, 64);
	ck_assert_int_eq(lease_epoch(a.leases, 5), 8);
}
END_TEST

START_TEST(news_of_threads_and_apps_reach_the_other_node)
{
	join_at(&a, "a");
	until_held(&a, 64);
	join_at(&b, "b");
	until_held(&b, 32);
	(void)append(&a, app_of(&a), "e1", "A1:T1:C1:1.5");
	until_counted(&b, &b.nthreads, 1);
	ck_assert_str_eq(b.thread, "A1:T1:C1:1.5");
	ck_assert_int_eq(b.thread_ms, 0);
	(void)pg_ask("UPDATE apps SET token = token");
	until_counted(&b, &b.apps, 1);
	until_counted(&a, &a.apps, 1);
}
END_TEST

/* Whoever may connect to the database can say such things. */
START_TEST(news_that_no_node_would_tell_are_not_heard)
{
	static const char *const odd[] = {
		"work 64",
		"work -1",
		"work 1x",
		"work 18446744073709551617",
		"thread",
		"thread  1",
		"thread A1:T1:C1:1.5",
		"thread A1:T1:C1:1.5 x",
		"thread A1:T1:C1:1.5 -1",
		"thread A1:T1:C1:1.5 9999999999999999999",
		"ended  n",
		"ended A1:T1:C1:1.5",
		"connect ",
		"nonsense",
		"",
	};
	char text[600];
	size_t i;

	join_at(&a, "a");
	until_held(&a, 64);
	join_at(&b, "b");
	until_held(&b, 32);
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		(void)snprintf(text, sizeof(text),
			       "SELECT pg_notify('konstruct', '%s')", odd[i]);
		(void)pg_ask(text);
	}
	(void)pg_ask("SELECT pg_notify('konstruct', 'thread ' ||"
		     " repeat('A', 7900) || ' 1')");
	(void)append(&a, app_of(&a), "e1", "A1:T1:C1:1.5");
	until_counted(&b, &b.nthreads, 1);
	ck_assert_str_eq(b.thread, "A1:T1:C1:1.5");
	ck_assert_int_eq(b.thread_ms, 0);
	ck_assert_uint_eq(b.nended, 0);
}
END_TEST

static int end_thread(struct store *st, void *arg, struct err *err)
{
	return st->ops->engaged_end(st, arg, err);
}

/* Whoever takes over must not answer there from what it remembers. */
START_TEST(end_of_a_thread_is_told_to_the_others)
{
	struct wait w = { .r.kind = JOURNAL_WRITE,
			  .r.write = end_thread,
			  .r.arg = (char *)"A1:T1:C1:1.5" };

	join_at(&a, "a");
	until_held(&a, 64);
	join_at(&b, "b");
	until_held(&b, 32);
	run(&a, &w);
	until_counted(&b, &b.nended, 1);
	ck_assert_str_eq(b.ended, "A1:T1:C1:1.5");
	/* By then it would have come to this one, too. */
	(void)append(&a, app_of(&a), "e1", "A1:T1:C1:2.5");
	until_counted(&a, &a.nthreads, 1);
	ck_assert_uint_eq(a.nended, 0);
}
END_TEST

START_TEST(leaving_node_keeps_what_it_works_on_and_no_more)
{
	int64_t epoch;

	join_at(&a, "a");
	until_held(&a, 64);
	epoch = append(&a, "A1", "e1", NULL);
	cluster_leave(a.cluster);
	until(63, "SELECT count(*) FROM partitions WHERE node IS NULL");
	ck_assert_int_eq(lease_check(a.leases, lease_part("A1"), epoch),
			 LEASE_HELD);
	ck_assert_int_eq(append(&a, "A1", "e2", NULL), 0);
	ck_assert(!note(&a, JOURNAL_DONE, "e1", epoch));
	until(64, "SELECT count(*) FROM partitions WHERE node IS NULL");
	ck_assert_uint_eq(a.ntaken, 0);
}
END_TEST

/* As if e1 had been committed and nobody had heard of it. */
START_TEST(entry_taken_in_doubt_is_taken_once_more)
{
	char sql[120];

	join_at(&a, "a");
	until_held(&a, 64);
	(void)append(&a, "A1", "e1", NULL);
	(void)pg_ask("UPDATE journal SET epoch = 1");
	(void)snprintf(sql, sizeof(sql),
		       "SELECT 1 FROM konstruct.work_let_go('e1', '%s')", a.id);
	(void)pg_ask(sql);
	until_counted(&a, &a.ntaken, 1);
	ck_assert_str_eq(a.taken[0], "e1");
	ck_assert_int_eq(pg_ask("SELECT epoch FROM journal"), 1);
}
END_TEST

static struct journal_db *open_db(const char *node)
{
	struct journal_node n = { .id = node };
	struct journal_db *db;

	db = journal_postgres.open(pg->url, scratch.keyring, &n, &e);
	ck_assert_msg(db != NULL, "%s", e.msg);
	return db;
}

/* All partitions are that node's, with e1 and e2 of A1 to be claimed. */
static void leave_two(const char *node)
{
	char sql[200];

	(void)snprintf(
		sql, sizeof(sql),
		"SELECT 1 FROM konstruct.node_join('%s', 'h', 'n', 60000),"
		" konstruct.node_beat('%s', 60000, true, 0, '{}', '{}')",
		node, node);
	(void)pg_ask(sql);
	(void)pg_ask("SELECT konstruct.journal_append('e1', 'A1', 'e1', 1, '')"
		     ", konstruct.journal_append('e2', 'A1', 'e2', 1, '')");
	(void)pg_ask("UPDATE journal SET part = part_of(app_id)");
}

static void drop_claimed(struct journal_req *r)
{
	size_t i;

	for (i = 0; i < r->nentries; i++)
		entry_release(&r->entries[i]);
	free(r->entries);
	r->entries = NULL;
	r->nentries = 0;
}

START_TEST(batch_that_fails_leaves_what_it_claimed_to_the_next)
{
	struct journal_req all = { .kind = JOURNAL_CLAIM,
				   .part = lease_part("A1"),
				   .epoch = 1,
				   .most = 10 };
	struct entry again = { .id = "e1",
			       .app_id = (char *)"A1",
			       .event_id = (char *)"Ev3" };
	struct journal_req bad = { .entry = &again };
	struct journal_db *db = open_db("n1");
	const struct journal_ops *ops = db->ops;
	size_t which = SIZE_MAX;

	leave_two("n1");
	ck_assert_int_eq(ops->begin(db, &e), 0);
	ck_assert_int_eq(ops->claim(db, &all, &e), 0);
	ck_assert_int_eq(ops->append(db, &bad, &e), 0); /* the id is there */
	ck_assert_int_eq(ops->commit(db, &which, &e), -1);
	ck_assert_int_eq(e.kind, ERR_INPUT);
	ck_assert_uint_eq(which, 1);
	ops->rollback(db);
	drop_claimed(&all);

	ck_assert_int_eq(pg_ask("SELECT sum(epoch) FROM journal"), 0);
	ck_assert_int_eq(ops->begin(db, &e), 0);
	ck_assert_int_eq(ops->claim(db, &all, &e), 0);
	ck_assert_int_eq(ops->commit(db, &which, &e), 0);
	ck_assert_int_eq(pg_ask("SELECT sum(epoch) FROM journal"), 2);
	ck_assert_uint_eq(all.nentries, 2);
	ck_assert_str_eq(all.entries[1].id, "e2");
	drop_claimed(&all);
	ops->close(db);
}
END_TEST

#define PARTS 10

/* Also of one at the end of which nothing is heard any more. */
START_TEST(what_a_batch_claims_is_known_before_its_commit)
{
	struct journal_req r[PARTS];
	struct journal_db *db = open_db("n1");
	struct postgres_journal *p = (struct postgres_journal *)db;
	size_t which, i;

	leave_two("n1");
	ck_assert_int_eq(db->ops->begin(db, &e), 0);
	for (i = 0; i < PARTS; i++) {
		r[i] = (struct journal_req){
			.kind = JOURNAL_CLAIM,
			.part = (lease_part("A1") + (unsigned int)i) %
				LEASE_PARTS,
			.epoch = 1,
			.most = 10,
		};
		ck_assert_int_eq(db->ops->claim(db, &r[i], &e), 0);
	}
	(void)pg_ask("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql"
		     " AS 'BEGIN PERFORM pg_terminate_backend("
		     "pg_backend_pid()); RETURN NULL; END'");
	(void)pg_ask("CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON journal"
		     " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
		     " EXECUTE FUNCTION die()");
	ck_assert_int_eq(db->ops->commit(db, &which, &e), -1);
	db->ops->rollback(db);
	ck_assert_uint_eq(r[0].nentries, 2);
	ck_assert(p->doubt);
	ck_assert_uint_eq(p->nids, 2);
	ck_assert_str_eq(p->ids[0], "e1");
	for (i = 0; i < PARTS; i++)
		drop_claimed(&r[i]);
	db->ops->close(db);
	(void)pg_ask("DROP TRIGGER die ON journal");
	(void)pg_ask("DROP FUNCTION die");
}
END_TEST

START_TEST(entry_in_nobodys_hands_is_taken_once_more)
{
	lease_ms = SHORT_LEASE;
	join_at(&a, "a");
	until_held(&a, 64);
	(void)append(&a, "A1", "e1", NULL);
	(void)append(&a, "A1", "e2", NULL);
	pthread_mutex_lock(&a.lock);
	memcpy(a.nobodys, "e2", sizeof("e2"));
	pthread_mutex_unlock(&a.lock);
	until_counted(&a, &a.ntaken, 1);
	ck_assert_str_eq(a.taken[0], "e2");
}
END_TEST

/* True when it was lost. */
static bool cover(struct seat *s, const char *id, const char *covers,
		  int64_t epoch)
{
	struct wait w = { .r.kind = JOURNAL_NOTE, .r.epoch = epoch };

	(void)snprintf(w.r.entry_id, sizeof(w.r.entry_id), "%s", id);
	w.r.note.covers = covers;
	w.r.note.covers_ms = NOW;
	run(s, &w);
	return w.r.lost;
}

#define COVERED "SELECT count(*) FROM journal WHERE leader = 'e1'"

START_TEST(nobody_is_covered_unless_all_are_held)
{
	int64_t epoch;

	join_at(&a, "a");
	until_held(&a, 64);
	epoch = append(&a, "A1", "e1", NULL);
	(void)append(&a, "A1", "e2", NULL);
	(void)append(&a, "A1", "e3", NULL);
	(void)pg_ask("UPDATE journal SET epoch = 9 WHERE id = 'e3'");
	ck_assert(cover(&a, "e1", "e2 e3", epoch));
	ck_assert_int_eq(pg_ask(COVERED), 0);
	ck_assert(!cover(&a, "e1", "e2", epoch));
	ck_assert_int_eq(pg_ask(COVERED), 1);
	(void)pg_ask("UPDATE journal SET epoch = 9");
	ck_assert(note(&a, JOURNAL_DONE, "e1", epoch));
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal WHERE done_ms"
				" IS NULL"),
			 3);
}
END_TEST

START_TEST(what_is_covered_is_taken_over_with_its_leader)
{
	int64_t epoch;
	char sql[120];

	join_at(&a, "a");
	until_held(&a, 64);
	epoch = append(&a, "A1", "e1", NULL);
	(void)append(&a, "A1", "e2", NULL);
	(void)append(&a, "A1", "e3", NULL);
	ck_assert(!cover(&a, "e1", "e2 e3", epoch));
	(void)snprintf(sql, sizeof(sql),
		       "SELECT 1 FROM konstruct.work_let_go('e1', '%s')", a.id);
	(void)pg_ask(sql);
	until_counted(&a, &a.ntaken, 1);
	ck_assert_str_eq(a.taken[0], "e1");
	ck_assert_uint_eq(a.ncovered, 2);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal WHERE epoch > 0"),
			 3);
	ck_assert(!note(&a, JOURNAL_DONE, "e1", epoch));
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal WHERE done_ms"
				" IS NULL"),
			 0);
}
END_TEST

/* A daemon of before is given single entries, while there is no answer. */
START_TEST(who_knows_of_no_groups_takes_them_apart)
{
	int64_t epoch;
	char sql[120];

	join_at(&a, "a");
	until_held(&a, 64);
	epoch = append(&a, "A1", "e1", NULL);
	(void)append(&a, "A1", "e2", NULL);
	ck_assert(!cover(&a, "e1", "e2", epoch));
	(void)pg_ask("UPDATE partitions SET epoch = 7, node = 'x'");
	(void)pg_ask(_i ? "UPDATE pending SET answer = 'x'"
			: "UPDATE pending SET answer = NULL");
	(void)snprintf(sql, sizeof(sql),
		       "SELECT count(*) FROM konstruct.work_claim("
		       "konstruct.part_of('A1'), 7, 100)");
	ck_assert_int_eq(pg_ask(sql), _i ? 1 : 2);
	ck_assert_int_eq(pg_ask(COVERED), _i ? 1 : 0);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal WHERE epoch = 7"),
			 2);
}
END_TEST

START_TEST(node_that_is_alone_and_one_of_several_exclude_each_other)
{
	struct journal *j;

	join_at(&a, "a");
	j = journal_create(pg->url, scratch.keyring, 10, &e);
	ck_assert_ptr_null(j);
	ck_assert_ptr_nonnull(strstr(e.msg, "another konstructd"));
}
END_TEST

static void look(const struct cluster_node *n, void *arg)
{
	size_t *backlog = arg;

	if (strcmp(n->id, a.id) == 0) {
		ck_assert_str_eq(n->name, "a");
		ck_assert_uint_eq(n->links, 3);
		ck_assert(n->alive);
		ck_assert_int_le(n->age_ms, LEASE);
		ck_assert_int_eq(strncmp(n->parts, "0 1 2 ", 6), 0);
	}
	*backlog += n->backlog;
}

START_TEST(every_node_tells_of_all)
{
	int64_t end = clock_ms() + PATIENCE_MS;
	size_t backlog = 0;

	join_at(&a, "a");
	until_held(&a, 64);
	(void)append(&a, "A1", "e1", NULL);
	while (backlog == 0) {
		ck_assert_int_lt(clock_ms(), end);
		nap();
		cluster_each(a.cluster, look, &backlog);
	}
	ck_assert_uint_eq(backlog, 1);
}
END_TEST

static int count_node(const char *name, void *arg)
{
	(void)name;
	++*(size_t *)arg;
	return 0;
}

static size_t without(struct store *st, const char *key)
{
	size_t n = 0;

	ck_assert_int_eq(st->ops->keys->lacking(st, key, count_node, &n, &e),
			 0);
	return n;
}

/* Whoever is to seal with a key asks first whether all have it. */
START_TEST(key_that_comes_into_the_file_is_told_by_every_node)
{
	struct store *st = scratch_open(&scratch, false);
	int64_t end = clock_ms() + PATIENCE_MS;
	char key[KEY_ID_SIZE];
	struct key fresh;

	join_at(&a, "a");
	join_at(&b, "b");
	keyring_newest(scratch.keyring, key);
	while (without(st, key) > 0) {
		ck_assert_int_lt(clock_ms(), end);
		nap();
	}
	key_make(&fresh);
	ck_assert_uint_eq(without(st, fresh.id), 2);
	ck_assert_int_eq(keyfile_add(keyring_path(scratch.keyring), &fresh, &e),
			 0);
	while (without(st, fresh.id) > 0) {
		ck_assert_int_lt(clock_ms(), end);
		nap();
	}
	st->ops->close(st);
	part_with(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cluster");
	TCase *tc = tcase_create("nodes");
	SRunner *sr = srunner_create(s);
	int nfailed;

	pg = pg_start();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, app_has_one_partition_here_and_in_the_database);
	tcase_add_test(tc, one_node_takes_all_and_works_at_once);
	tcase_add_test(tc, second_node_gets_its_share_and_gives_it_back);
	tcase_add_test(
		tc, busy_partition_goes_over_when_its_work_is_done_or_put_down);
	tcase_add_test(tc, partition_stays_when_whoever_was_to_have_it_goes);
	tcase_add_test(tc, forgotten_node_joins_anew_and_takes_up_what_it_had);
	tcase_add_test(tc, entry_goes_to_whoever_holds_its_partition);
	tcase_add_test(tc, what_was_there_before_comes_in_order);
	tcase_add_test(tc,
		       lost_partition_is_noticed_and_its_notes_change_nothing);
	tcase_add_test(tc, dead_node_is_followed_when_its_leases_are_over);
	tcase_add_test(tc, after_an_outage_nobody_takes_over_for_one_lease);
	tcase_add_test(
		tc,
		server_that_restarts_costs_no_lease_and_what_was_missed_is_read);
	tcase_add_test(tc,
		       lease_that_cannot_be_renewed_is_unsure_and_not_ready);
	tcase_add_test(tc, next_run_at_the_same_home_need_not_wait);
	tcase_add_test(tc, news_of_threads_and_apps_reach_the_other_node);
	tcase_add_test(tc, news_that_no_node_would_tell_are_not_heard);
	tcase_add_test(tc, end_of_a_thread_is_told_to_the_others);
	tcase_add_test(tc, leaving_node_keeps_what_it_works_on_and_no_more);
	tcase_add_test(tc, entry_taken_in_doubt_is_taken_once_more);
	tcase_add_test(tc, batch_that_fails_leaves_what_it_claimed_to_the_next);
	tcase_add_test(tc, what_a_batch_claims_is_known_before_its_commit);
	tcase_add_test(tc, entry_in_nobodys_hands_is_taken_once_more);
	tcase_add_test(tc, nobody_is_covered_unless_all_are_held);
	tcase_add_test(tc, what_is_covered_is_taken_over_with_its_leader);
	tcase_add_loop_test(tc, who_knows_of_no_groups_takes_them_apart, 0, 2);
	tcase_add_test(
		tc, node_that_is_alone_and_one_of_several_exclude_each_other);
	tcase_add_test(tc, every_node_tells_of_all);
	tcase_add_test(tc, key_that_comes_into_the_file_is_told_by_every_node);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
