/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/queue.h"
#include "pg.h"
#include "scratch.h"
#include "store/journal.h"
#include "store/postgres.h"
#include "store/spill.h"

/* A journal on a PostgreSQL that goes away and comes back. */

#define ROOM    5
#define MUCH    100 /* of it */
#define NOW     INT64_C(1700000000000)
#define WAIT_MS 20000
#define ACK_MS  3000 /* that Slack waits */

static const struct pg *pg;
static struct scratch scratch;
static char path[96];
static struct journal *j;
static size_t room;
static struct queue *answered;
static struct err e;

/* What was routed, in its order. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char routed[512];

static void route(struct entry *en, void *arg)
{
	size_t n;

	(void)arg;
	pthread_mutex_lock(&lock);
	n = strlen(routed);
	(void)snprintf(routed + n, sizeof(routed) - n, "%s%s ", en->id,
		       en->fresh && !en->claim ? "" : "?");
	pthread_mutex_unlock(&lock);
	entry_release(en);
	memset(en, 0, sizeof(*en));
}

static bool is_routed(const char *ids)
{
	bool yes;

	pthread_mutex_lock(&lock);
	yes = strcmp(routed, ids) == 0;
	pthread_mutex_unlock(&lock);
	return yes;
}

static bool is_routed_first(const char *id)
{
	bool yes;

	pthread_mutex_lock(&lock);
	yes = strncmp(routed, id, strlen(id)) == 0;
	pthread_mutex_unlock(&lock);
	return yes;
}

static void forget_routed(void)
{
	pthread_mutex_lock(&lock);
	routed[0] = '\0';
	pthread_mutex_unlock(&lock);
}

static void open_journal(void)
{
	j = journal_create(scratch.url, scratch.keyring, room, &e);
	ck_assert_msg(j != NULL, "%s", e.msg);
	ck_assert_msg(journal_spill(j, path, route, NULL, &e) == 0, "%s",
		      e.msg);
}

static void setup(void)
{
	pg_empty();
	scratch_make_at(&scratch, pg->url);
	(void)snprintf(path, sizeof(path), "%s/spill.db", scratch.dir);
	answered = queue_create();
	routed[0] = '\0';
	room = ROOM;
	e = (struct err){ 0 };
	open_journal();
}

static void teardown(void)
{
	journal_free(j);
	queue_free(answered);
	scratch_remove(&scratch);
}

static void back(struct journal_req *r)
{
	queue_push(answered, &r->node);
}

static void append_as(struct journal_req *r, const char *id, const char *event)
{
	static struct entry entries[16];
	static size_t n;
	struct entry *en = &entries[n++ % 16];

	*r = (struct journal_req){ .kind = JOURNAL_APPEND, .entry = en };
	*en = (struct entry){ .received_ms = NOW };
	(void)snprintf(en->id, sizeof(en->id), "%s", id);
	en->app_id = (char *)"A1";
	en->event_id = (char *)event;
	en->frame = (char *)"{}";
	en->frame_len = 2;
	r->news = "A1:T1:C1:1.0";
	r->done = back;
	r->err = &e;
	ck_assert(journal_submit(j, r));
	ck_assert_ptr_nonnull(queue_pop(answered, WAIT_MS));
	ck_assert_msg(r->ok, "%s", e.msg);
}

static void append(const char *id)
{
	struct journal_req r;

	append_as(&r, id, id);
	ck_assert(!r.duplicate);
}

static void nap(void)
{
	static const struct timespec ts = { 0, 10000000 };

	(void)nanosleep(&ts, NULL);
}

static size_t count_spilled(void)
{
	struct journal_stats st;

	journal_stats(j, &st);
	return st.spilled;
}

static size_t count_unfinished(void)
{
	struct journal_stats st;

	journal_stats(j, &st);
	return st.unfinished;
}

static void await_moved(void)
{
	int64_t until = clock_ms() + WAIT_MS;

	while (count_spilled() > 0) {
		ck_assert_int_lt(clock_ms(), until);
		poll(NULL, 0, 5);
	}
}

/* On a busy machine it's sometimes spilled first. */
static void append_and_move(const char *id)
{
	append(id);
	await_moved();
}

static void append_unspilled(struct journal_req *r, const char *id,
			     const char *event)
{
	journal_free(j);
	postgres_patience = 20;
	open_journal();
	append_as(r, id, event);
	journal_free(j);
	postgres_patience = 1;
	open_journal();
}

/* Another each time; was it acked while Slack waits? */
static bool append_in_time(void)
{
	static int n;
	int64_t start = clock_ms();
	char id[16];

	(void)snprintf(id, sizeof(id), "hurry%d", n++);
	append(id);
	return clock_ms() - start < ACK_MS;
}

/* A busy machine may spoil a try, but not all of them. */
#define TRIES 8

static void expect_in_time(bool (*try)(void))
{
	bool yes = false;
	int i;

	room = MUCH;
	for (i = 0; i < TRIES && !yes; i++) {
		journal_free(j);
		open_journal();
		(void)append_in_time(); /* what it says is prepared then */
		await_moved();
		yes = try();
		await_moved();
	}
	ck_assert(yes);
}

START_TEST(what_comes_while_the_server_is_away_is_spilled_and_moved_in_order)
{
	append_and_move("before");
	forget_routed();
	pg_down();
	append("a");
	append("b");
	append("c");
	ck_assert_uint_eq(count_spilled(), 3);
	ck_assert_uint_eq(count_unfinished(), 4);
	ck_assert(is_routed(""));
	pg_up();
	await_moved();
	ck_assert_msg(is_routed("a b c "), "%s", routed);
	ck_assert_uint_eq(count_unfinished(), 4);
	ck_assert_int_eq(pg_ask("SELECT string_agg(id, ' ' ORDER BY seq) ="
				" 'before a b c' FROM journal"),
			 1);
}
END_TEST

START_TEST(nothing_newer_comes_before_what_is_spilled)
{
	int i;
	char id[12];

	pg_down();
	append("0");
	pg_up();
	for (i = 1; i < 4; i++) {
		(void)snprintf(id, sizeof(id), "%d", i);
		append(id);
	}
	await_moved();
	ck_assert_int_eq(pg_ask("SELECT string_agg(id, '' ORDER BY seq) ="
				" '0123' FROM journal"),
			 1);
}
END_TEST

START_TEST(duplicate_is_dropped_where_it_is_met)
{
	struct journal_req r;

	append_unspilled(&r, "a", "Ev1");
	pg_down();
	append_as(&r, "b", "Ev1"); /* nobody knows yet */
	ck_assert(!r.duplicate);
	append_as(&r, "c", "Ev2");
	append_as(&r, "d", "Ev2");
	ck_assert(r.duplicate);
	ck_assert_uint_eq(count_spilled(), 2);
	pg_up();
	await_moved();
	ck_assert_msg(is_routed("c "), "%s", routed);
	ck_assert_uint_eq(count_unfinished(), 2);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal"), 2);
	/* What was moved stays known to the spill. */
	pg_down();
	append_as(&r, "e", "Ev2");
	ck_assert(r.duplicate);
	pg_up();
}
END_TEST

struct ids {
	char all[64];
};

static int collect(struct entry *en, void *arg)
{
	struct ids *ids = arg;
	size_t n = strlen(ids->all);

	(void)snprintf(ids->all + n, sizeof(ids->all) - n, "%s", en->id);
	return 0;
}

START_TEST(spilled_entries_outlive_the_process_and_are_taken_up_at_start)
{
	struct ids ids = { "" };

	pg_down();
	append("a");
	append("b");
	journal_free(j);
	pg_up();
	open_journal();
	ck_assert_uint_eq(count_spilled(), 0);
	ck_assert_uint_eq(count_unfinished(), 2);
	ck_assert_int_eq(journal_unfinished(j, collect, &ids, &e), 0);
	ck_assert_str_eq(ids.all, "ab");
	ck_assert(is_routed("")); /* but by whoever starts */
}
END_TEST

START_TEST(dying_between_the_move_and_its_note_moves_nothing_twice)
{
	struct journal_req r = { .kind = JOURNAL_APPEND };
	struct entry en = { .id = "a", .app_id = (char *)"A1" };
	struct spill *s;

	append_and_move("a");
	journal_free(j);
	r.entry = &en;
	en.event_id = (char *)"a";
	s = spill_open(path, &e);
	ck_assert_int_eq(spill_put(s, &r.node, &e), 0);
	spill_close(s);
	open_journal();
	ck_assert_uint_eq(count_spilled(), 0);
	ck_assert_uint_eq(count_unfinished(), 1);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal"), 1);
}
END_TEST

START_TEST(spilled_entries_take_their_room)
{
	struct journal_req r = { .kind = JOURNAL_APPEND, .done = back };
	struct entry en = { .id = "x" };

	pg_down();
	append("a");
	append("b");
	append("c");
	append("d");
	append("e");
	r.entry = &en;
	ck_assert(!journal_submit(j, &r));
	pg_up();
	await_moved();
	ck_assert(!journal_submit(j, &r));
}
END_TEST

static bool is_away_in_time(void)
{
	bool yes;

	pg_down();
	yes = append_in_time();
	ck_assert_uint_eq(count_spilled(), 1);
	pg_up();
	return yes;
}

START_TEST(server_that_is_away_costs_no_ack)
{
	expect_in_time(is_away_in_time);
}
END_TEST

/* Somebody who is connected has said this. */
static PGconn *hold(const char *sql)
{
	PGconn *c = PQconnectdb(pg->super);
	PGresult *r = PQexec(c, sql);

	ck_assert_msg(PQresultStatus(r) == PGRES_COMMAND_OK ||
			      PQresultStatus(r) == PGRES_TUPLES_OK,
		      "%s", PQerrorMessage(c));
	PQclear(r);
	return c;
}

static bool hangs_in_time(void)
{
	PGconn *c = hold("BEGIN; LOCK TABLE konstruct.journal");
	bool yes = append_in_time();

	yes = append_in_time() && yes;
	ck_assert_uint_eq(count_spilled(), 2);
	PQfinish(c);
	return yes;
}

START_TEST(server_that_hangs_costs_no_ack)
{
	expect_in_time(hangs_in_time);
	ck_assert_int_eq(pg_ask("SELECT count(*) % 3 FROM journal"), 0);
}
END_TEST

static bool hangs_while_we_connect_in_time(void)
{
	PGconn *c = hold("BEGIN; LOCK TABLE konstruct.migrations;"
			 " SELECT pg_terminate_backend(pid)"
			 " FROM pg_stat_activity"
			 " WHERE usename = 'konstruct_daemon'");
	bool yes = append_in_time();

	ck_assert_uint_eq(count_spilled(), 1);
	PQfinish(c);
	return yes;
}

START_TEST(server_that_hangs_while_we_connect_costs_no_ack)
{
	expect_in_time(hangs_while_we_connect_in_time);
}
END_TEST

/* Not for long. */
static bool is_waiting_for_a_lock(void)
{
	int64_t until = clock_ms() + ACK_MS;

	while (clock_ms() < until) {
		if (pg_ask("SELECT count(*) FROM pg_stat_activity WHERE"
			   " usename = 'konstruct_daemon' AND"
			   " wait_event_type = 'Lock'") > 0)
			return true;
		nap();
	}
	return false;
}

static bool erasing_hangs_in_time(void)
{
	static const struct keep keep = { { 1, 1, 1, 1, 1 } };
	PGconn *c = hold("BEGIN; LOCK TABLE konstruct.transcript IN SHARE"
			 " MODE");
	bool yes;

	journal_set_keep(j, &keep);
	yes = is_waiting_for_a_lock() && append_in_time() &&
	      count_spilled() == 0;
	PQfinish(c);
	return yes;
}

START_TEST(erasing_that_hangs_costs_no_ack)
{
	(void)pg_ask("INSERT INTO tenants (id, name) VALUES ('t1', 'acme')");
	expect_in_time(erasing_hangs_in_time);
}
END_TEST

START_TEST(thread_of_a_spilled_mention_is_told_to_others_when_it_is_moved)
{
	struct spill *s;
	struct node *n;

	pg_down();
	append("a");
	journal_free(j);
	s = spill_open(path, &e);
	ck_assert_uint_eq(spill_depth(s), 1);
	n = spill_read(s, &e);
	ck_assert_ptr_nonnull(n);
	ck_assert_str_eq(((struct journal_req *)n)->news, "A1:T1:C1:1.0");
	spill_free(n);
	spill_close(s);
	pg_up();
	open_journal();
}
END_TEST

START_TEST(entry_that_the_store_never_takes_keeps_back_no_other)
{
	struct journal_req bad = { .kind = JOURNAL_APPEND };
	struct journal_req good = { .kind = JOURNAL_APPEND };
	struct entry bad_en = { .id = "bad", .app_id = (char *)"A1" };
	struct entry good_en = { .id = "good", .app_id = (char *)"A1" };
	struct spill *s;

	append_and_move("bad"); /* its id is unique in the store */
	journal_free(j);
	bad.entry = &bad_en;
	bad_en.event_id = (char *)"Ev1";
	bad.node.next = &good.node;
	good.entry = &good_en;
	good_en.event_id = (char *)"Ev2";
	s = spill_open(path, &e);
	ck_assert_int_eq(spill_put(s, &bad.node, &e), 0);
	spill_close(s);
	open_journal();
	ck_assert_uint_eq(count_spilled(), 0);
	ck_assert_int_eq(
		pg_ask("SELECT count(*) FROM journal WHERE id = 'good'"), 1);
}
END_TEST

static void age_spilled(void)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db,
				      "UPDATE journal SET done_ms = done_ms"
				      " - 49 * 3600000",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	(void)sqlite3_close(db);
}

/* The server commits a when we have hung up already. */
START_TEST(entry_whose_commit_was_not_heard_of_is_there_once)
{
	PGconn *c = hold("SELECT pg_advisory_lock(7)");

	append_and_move("before");
	forget_routed();
	(void)pg_ask("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql"
		     " SET lock_timeout = 0 AS 'BEGIN PERFORM"
		     " pg_advisory_xact_lock_shared(7); RETURN NULL; END'");
	(void)pg_ask("CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON journal"
		     " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
		     " EXECUTE FUNCTION wait()");
	append("a");
	ck_assert_uint_eq(count_spilled(), 1);
	PQfinish(c);
	(void)pg_ask("DROP TRIGGER wait ON journal"); /* waits for it */
	(void)pg_ask("DROP FUNCTION wait");
	append_and_move("b");
	append_and_move("c");
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal"), 4);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM pending"), 4);
	ck_assert_msg(is_routed_first("a "), "%s", routed);
}
END_TEST

static int count_frames(void)
{
	sqlite3_stmt *st;
	sqlite3 *db;
	int n;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM pending",
					    -1, &st, NULL),
			 SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int(st, 0);
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(db);
	return n;
}

/* Of a run of two days ago; nothing was spilled since. */
START_TEST(text_that_the_store_never_took_goes_after_two_days)
{
	struct journal_req r = { .kind = JOURNAL_APPEND };
	struct entry en = { .id = "bad",
			    .app_id = (char *)"A1",
			    .frame = (char *)"{}",
			    .frame_len = 2 };
	struct spill *s;
	struct node *n;

	journal_free(j);
	r.entry = &en;
	s = spill_open(path, &e);
	ck_assert_int_eq(spill_put(s, &r.node, &e), 0);
	n = spill_read(s, &e);
	ck_assert_int_eq(spill_drop(s, n, true, &e), 0);
	spill_free(n);
	ck_assert_int_eq(count_frames(), 1);
	spill_tidy(s, clock_wall_ms() + INT64_C(47) * 3600000);
	ck_assert_int_eq(count_frames(), 1);
	spill_close(s);
	age_spilled();
	open_journal();
	append("a"); /* then it rests */
	while (count_frames() > 0)
		nap();
}
END_TEST

START_TEST(file_that_cannot_be_opened_is_told_of)
{
	journal_free(j);
	j = journal_create(scratch.url, scratch.keyring, ROOM, &e);
	ck_assert_ptr_nonnull(j);
	ck_assert_int_lt(journal_spill(j, "/nonexistent/a/spill.db", route,
				       NULL, &e),
			 0);
	ck_assert_ptr_nonnull(strstr(e.msg, "/nonexistent/a"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("spill");
	TCase *tc = tcase_create("PostgreSQL away");
	SRunner *sr = srunner_create(s);
	int nfailed;

	pg = pg_start();
	postgres_patience = 1;
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(
		tc,
		what_comes_while_the_server_is_away_is_spilled_and_moved_in_order);
	tcase_add_test(tc, nothing_newer_comes_before_what_is_spilled);
	tcase_add_test(tc, duplicate_is_dropped_where_it_is_met);
	tcase_add_test(
		tc,
		spilled_entries_outlive_the_process_and_are_taken_up_at_start);
	tcase_add_test(tc,
		       dying_between_the_move_and_its_note_moves_nothing_twice);
	tcase_add_test(tc, spilled_entries_take_their_room);
	tcase_add_test(tc, server_that_is_away_costs_no_ack);
	tcase_add_test(tc, server_that_hangs_costs_no_ack);
	tcase_add_test(tc, server_that_hangs_while_we_connect_costs_no_ack);
	tcase_add_test(tc, erasing_that_hangs_costs_no_ack);
	tcase_add_test(
		tc,
		thread_of_a_spilled_mention_is_told_to_others_when_it_is_moved);
	tcase_add_test(tc,
		       entry_that_the_store_never_takes_keeps_back_no_other);
	tcase_add_test(tc, entry_whose_commit_was_not_heard_of_is_there_once);
	tcase_add_test(tc, text_that_the_store_never_took_goes_after_two_days);
	tcase_add_test(tc, file_that_cannot_be_opened_is_told_of);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
