/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/err.h"
#include "books.h"
#include "pen.h"
#include "pg.h"
#include "store/postgres_journal.h"
#include "store/sqlite.h"

#define HOUR_MS INT64_C(3600000)

static const struct pg *pg;

START_TEST(entry_is_on_disk_when_it_is_answered)
{
	struct pen_left u;

	pen_append("e1", "Ev1");
	pen_append("e2", "Ev2");
	books_reopen();
	u = pen_left();
	ck_assert_str_eq(u.ids, "e1 e2 ");
	ck_assert_str_eq(u.last.app_id, "A1");
	ck_assert_str_eq(u.last.event_id, "Ev2");
	ck_assert_int_eq(u.last.received_ms, PEN_NOW);
	ck_assert_str_eq(u.last.frame, "{\"type\":\"events_api\"}");
	ck_assert_uint_eq(u.last.frame_len, strlen(u.last.frame));
	ck_assert_int_eq(u.last.state, ENTRY_NEW);
	ck_assert_ptr_null(u.last.claim);
	ck_assert_uint_eq(u.last.nparts, 0);
	entry_release(&u.last);
}
END_TEST

START_TEST(event_delivered_again_is_a_duplicate)
{
	pen_append("e1", "Ev1");
	ck_assert(pen_is_duplicate("e2", "Ev1"));
	pen_done("e1", (struct note){ 0 });
	ck_assert(pen_is_duplicate("e3", "Ev1"));
	pen_leaves("");
}
END_TEST

START_TEST(event_of_another_app_is_no_duplicate)
{
	struct pen w;

	pen_append("e1", "Ev1");
	pen_set_append(&w, "e2", "Ev1");
	w.entry.app_id = (char *)"A2";
	pen_run(&w);
	ck_assert(w.r.ok);
	ck_assert(!w.r.duplicate);
}
END_TEST

START_TEST(entries_without_event_id_are_no_duplicates)
{
	pen_append("e1", NULL);
	pen_append("e2", NULL);
	pen_leaves("e1 e2 ");
}
END_TEST

START_TEST(notes_come_back_after_a_restart)
{
	struct pen_left u;

	pen_append("e1", "Ev1");
	pen_note("e1", (struct note){ .state = ENTRY_ACCEPTED,
				      .verdict = "accept",
				      .claim = "A1:T1:C1:1.2",
				      .tenant_id = books.acme,
				      .part_ts = "" });
	pen_note("e1", (struct note){ .part_ts = "1.3" });
	pen_blame("e1");
	pen_blame("e1");
	pen_note("e1",
		 (struct note){ .answer = "whole", .part = 2, .part_ts = "" });
	books_reopen();
	u = pen_left();
	ck_assert_int_eq(u.last.state, ENTRY_ACCEPTED);
	ck_assert_str_eq(u.last.verdict, "accept");
	ck_assert_str_eq(u.last.claim, "A1:T1:C1:1.2");
	ck_assert_str_eq(u.last.tenant_id, books.acme);
	ck_assert_int_eq(u.last.attempts, 2);
	ck_assert_str_eq(u.last.answer, "whole");
	ck_assert_uint_eq(u.last.nparts, 3);
	ck_assert_str_eq(u.last.parts[0], "1.3");
	ck_assert_str_eq(u.last.parts[1], "");
	ck_assert_str_eq(u.last.parts[2], "");
	entry_release(&u.last);
}
END_TEST

START_TEST(posted_part_is_not_forgotten_by_an_intent)
{
	struct pen_left u;

	pen_append("e1", "Ev1");
	pen_note("e1", (struct note){ .part_ts = "1.3" });
	pen_note("e1", (struct note){ .part_ts = "" });
	u = pen_left();
	ck_assert_str_eq(u.last.parts[0], "1.3");
	entry_release(&u.last);
}
END_TEST

START_TEST(note_of_an_unknown_entry_changes_nothing)
{
	pen_append("e1", "Ev1");
	pen_note("nobody",
		 (struct note){ .verdict = "accept", .part_ts = "1" });
	pen_done("nobody", (struct note){ 0 });
	pen_leaves("e1 ");
}
END_TEST

START_TEST(done_and_dead_entries_are_not_taken_up_again)
{
	pen_append("e1", "Ev1");
	pen_append("e2", "Ev2");
	pen_append("e3", "Ev3");
	pen_done("e1", (struct note){ 0 });
	pen_done("e2", (struct note){ .state = ENTRY_DEAD });
	books_reopen();
	pen_leaves("e3 ");
}
END_TEST

START_TEST(text_of_a_done_entry_is_deleted_and_a_dead_one_keeps_it)
{
	pen_append("e1", "Ev1");
	pen_append("e2", "Ev2");
	pen_done("e1", (struct note){ .verdict = "answered" });
	pen_done("e2", (struct note){ .state = ENTRY_DEAD });
	ck_assert_int_eq(books_ask("SELECT count(*) FROM pending"), 1);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM journal WHERE state ="
				   " 'done' AND verdict = 'answered'"),
			 1);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM journal JOIN pending"
				   " USING (seq) WHERE state = 'dead'"),
			 1);
}
END_TEST

/* As when a function is missing, or a right on it. */
START_TEST(what_one_kind_of_note_meets_keeps_no_other_waiting)
{
	static struct pen bad[10];
	struct pen after;
	size_t i;
	int n;

	pen_append("e1", "Ev1");
	pen_append("e2", "Ev2");
	pen_append("e3", "Ev3");
	(void)pg_ask("REVOKE EXECUTE ON FUNCTION journal_cover(text, text,"
		     " bigint) FROM konstruct_daemon");
	for (n = 0; n < 10; n++) {
		for (i = 0; i < 10; i++) {
			pen_set_note(&bad[i], JOURNAL_NOTE, "e1")
				->r.note.covers = "e2";
			pen_start(&bad[i]);
		}
		pen_set_note(&after, JOURNAL_NOTE, "e3")->r.note.verdict =
			"accept";
		pen_start(&after);
		for (i = 0; i < 10; i++) {
			pen_await(&bad[i]);
			ck_assert(!bad[i].r.ok);
			ck_assert_int_eq(bad[i].err.kind, ERR_FATAL);
		}
		pen_await(&after);
		ck_assert(after.r.ok);
	}
	(void)pg_ask("GRANT EXECUTE ON FUNCTION journal_cover(text, text,"
		     " bigint) TO konstruct_daemon");
	pen_run(&bad[0]);
	ck_assert(bad[0].r.ok && !bad[0].r.lost);
	pen_leaves("e1 e3 ");
}
END_TEST

/* What nobody can write down is everybody's trouble. */
START_TEST(what_all_notes_meet_is_waited_for)
{
	struct journal_stats st;
	static struct pen w[100];
	size_t i;

	pen_append("e1", "Ev1");
	(void)pg_ask("REVOKE EXECUTE ON FUNCTION journal_note(text, text, text,"
		     " text, text, integer, text, text, text, bigint, text,"
		     " text) FROM konstruct_daemon");
	for (i = 0; i < 100; i++) {
		pen_set_note(&w[i], JOURNAL_NOTE, "e1")->r.note.verdict =
			"accept";
		pen_start(&w[i]);
	}
	do
		journal_stats(books.j, &st);
	while (!st.failing);
	(void)pg_ask("GRANT EXECUTE ON FUNCTION journal_note(text, text, text,"
		     " text, text, integer, text, text, text, bigint, text,"
		     " text) TO konstruct_daemon");
	for (i = 0; i < 100; i++)
		pen_await(&w[i]);
	ck_assert(w[99].r.ok);
}
END_TEST

static int add_and_fail(struct store *s, void *arg, struct err *why)
{
	struct tenant t = { .name = arg };

	ck_assert_int_eq(s->ops->tenant_put(s, &t, why), 0);
	free(t.id);
	return err_set(why, ERR_INPUT, "no");
}

START_TEST(failed_write_undoes_itself_and_nothing_else)
{
	struct pen before, failing, after;

	pen_set_append(&before, "e1", "Ev1");
	pen_set_write(&failing, add_and_fail, (void *)"ghost");
	pen_set_append(&after, "e2", "Ev2");
	pen_start(&before);
	pen_start(&failing);
	pen_start(&after);
	pen_await(&before);
	pen_await(&failing);
	pen_await(&after);
	ck_assert(before.r.ok);
	ck_assert(!failing.r.ok);
	ck_assert_str_eq(failing.err.msg, "no");
	ck_assert(after.r.ok);
	pen_leaves("e1 e2 ");
	ck_assert_int_eq(
		books_ask("SELECT count(*) FROM tenants WHERE name = 'ghost'"),
		0);
}
END_TEST

START_TEST(room_is_for_the_unfinished)
{
	struct pen w;

	journal_free(books.j);
	books.j = journal_create(books.scratch.url, books.scratch.keyring, 2,
				 &books.e);
	pen_append("e1", "Ev1");
	ck_assert(pen_is_duplicate("x1", "Ev1"));
	pen_append("e2", "Ev2");
	pen_set_append(&w, "e3", "Ev3");
	w.r.done = pen_finish;
	ck_assert(!journal_submit(books.j, &w.r));
	pen_done("e1", (struct note){ 0 });
	pen_done("e1", (struct note){ 0 });
	pen_append("e3", "Ev3");
	ck_assert(!journal_submit(books.j, &w.r));
	journal_free(books.j);
	books.j = journal_create(books.scratch.url, books.scratch.keyring, 2,
				 &books.e);
	ck_assert(!journal_submit(books.j, &w.r));
}
END_TEST

struct engagement {
	char key[40];
	int64_t at_ms;
};

static int take_engagement(const char *key, int64_t at_ms, void *arg)
{
	struct engagement *g = arg;

	(void)snprintf(g->key, sizeof(g->key), "%s", key);
	g->at_ms = at_ms;
	return 0;
}

START_TEST(engagement_is_stored_and_never_moves_back)
{
	struct engagement g = { .key = "" };
	struct store *st;

	pen_append("e1", "Ev1");
	pen_note("e1", (struct note){ .engaged = "A1:T1:C1:1.0",
				      .engaged_ms = PEN_NOW + 5 });
	pen_done("e1", (struct note){ .engaged = "A1:T1:C1:1.0",
				      .engaged_ms = PEN_NOW });
	st = scratch_open(&books.scratch, false);
	ck_assert_int_eq(st->ops->engaged(st, PEN_NOW + 6, take_engagement, &g,
					  &books.e),
			 0);
	ck_assert_str_eq(g.key, "");
	ck_assert_int_eq(st->ops->engaged(st, PEN_NOW, take_engagement, &g,
					  &books.e),
			 0);
	ck_assert_str_eq(g.key, "A1:T1:C1:1.0");
	ck_assert_int_eq(g.at_ms, PEN_NOW + 5);
	st->ops->close(st);
}
END_TEST

START_TEST(claims_of_done_and_unfinished_entries_are_told)
{
	struct store *st;
	char list[300] = "";

	pen_append("e1", "Ev1");
	pen_append("e2", "Ev2");
	pen_append("e3", "Ev3");
	pen_note("e1", (struct note){ .claim = "k1", .verdict = "accept" });
	pen_note("e2",
		 (struct note){ .claim = "k2", .verdict = "refuse:admit" });
	pen_done("e1", (struct note){ 0 });
	st = scratch_open(&books.scratch, false);
	ck_assert_int_eq(st->ops->claims(st, 0, pen_list_claim, list, &books.e),
			 0);
	ck_assert_str_eq(list, "k1=e1:accept k2=e2:refuse:admit ");
	st->ops->close(st);
}
END_TEST

START_TEST(room_is_for_those_of_all_nodes_together)
{
	struct pen w;

	pen_append("e1", "Ev1");
	journal_set_crowd(books.j, BOOKS_ROOM);
	pen_set_append(&w, "e2", "Ev2");
	w.r.done = pen_finish;
	ck_assert(!journal_submit(books.j, &w.r));
	journal_set_crowd(books.j, BOOKS_ROOM - 1);
	pen_append("e2", "Ev2");
}
END_TEST

START_TEST(closing_commits_what_was_submitted)
{
	static struct pen w[BOOKS_ROOM];
	static char names[BOOKS_ROOM][8];
	size_t i;

	for (i = 0; i < BOOKS_ROOM; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%zu", i);
		pen_set_append(&w[i], names[i], names[i]);
		pen_start(&w[i]);
	}
	journal_free(books.j);
	for (i = 0; i < BOOKS_ROOM; i++)
		ck_assert(w[i].finished && w[i].r.ok);
	books.j = journal_create(books.scratch.url, books.scratch.keyring,
				 BOOKS_ROOM, &books.e);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM pending"), BOOKS_ROOM);
}
END_TEST

/* So that a test needn't wait as long as the daemon would. */
static int be_impatient(struct store *s, void *arg, struct err *why)
{
	(void)arg;
	(void)why;
	if (!books_are_on_postgres())
		return sqlite3_busy_timeout(((struct sqlite *)s)->db, 1);
	PQclear(PQexec(((struct postgres *)s)->c, "SET lock_timeout = 1"));
	return 0;
}

/* Nobody else can write until it is let go. */
struct seized {
	sqlite3 *file;
	PGconn *server;
};

static struct seized seize(void)
{
	struct seized it = { NULL, NULL };
	struct pen w;

	pen_set_write(&w, be_impatient, NULL);
	pen_run(&w);
	if (books_are_on_postgres()) {
		it.server = PQconnectdb(pg->super);
		PQclear(PQexec(it.server,
			       "BEGIN; LOCK TABLE konstruct.journal"));
		return it;
	}
	ck_assert_int_eq(sqlite3_open(books.scratch.path, &it.file), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(it.file, "BEGIN IMMEDIATE", NULL, NULL,
				      NULL),
			 SQLITE_OK);
	return it;
}

static void let_go(struct seized it)
{
	PQfinish(it.server);
	(void)sqlite3_close(it.file);
}

START_TEST(failed_commit_refuses_entries_and_keeps_notes)
{
	struct journal_stats stats;
	struct pen w, kept;
	struct seized it;

	pen_append("e1", "Ev1");
	it = seize();
	pen_set_note(&kept, JOURNAL_DONE, "e1");
	pen_start(&kept);
	pen_set_append(&w, "e2", "Ev2");
	pen_run(&w);
	ck_assert(!w.r.ok);
	ck_assert_int_eq(w.err.kind, ERR_RETRY);
	journal_stats(books.j, &stats);
	ck_assert(stats.failing);
	ck_assert_uint_eq(stats.unfinished, 1);
	ck_assert_ptr_nonnull(strstr(stats.msg, "lock"));
	let_go(it);
	pen_await(&kept);
	ck_assert(kept.r.ok);
	pen_append("e2", "Ev2");
	journal_stats(books.j, &stats);
	ck_assert(!stats.failing);
	pen_leaves("e2 ");
}
END_TEST

START_TEST(closing_ends_though_nothing_can_be_committed)
{
	struct pen w;
	struct seized it;

	pen_append("e1", "Ev1");
	it = seize();
	pen_set_note(&w, JOURNAL_DONE, "e1");
	pen_start(&w);
	journal_free(books.j);
	ck_assert(w.finished);
	ck_assert(!w.r.ok);
	let_go(it);
	books.j = journal_create(books.scratch.url, books.scratch.keyring,
				 BOOKS_ROOM, &books.e);
	pen_leaves("e1 ");
}
END_TEST

static void limit_files(rlim_t bytes)
{
	struct rlimit rl;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &rl), 0);
	rl.rlim_cur = bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &rl), 0);
}

START_TEST(full_disk_refuses_entries_until_there_is_room)
{
	struct pen w;
	char id[ID_SIZE];
	int n = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	limit_files(1 << 20);
	do {
		(void)snprintf(id, sizeof(id), "%d", n++);
		pen_set_append(&w, id, id);
		pen_run(&w);
	} while (w.r.ok && n < BOOKS_ROOM - 1);
	limit_files(RLIM_INFINITY);
	ck_assert(!w.r.ok);
	pen_append("after", "after");
	ck_assert_int_eq(books_ask("SELECT count(*) FROM pending"), n);
}
END_TEST

/* Appends until it is killed; tells of each entry once it is answered. */
static void append_for_ever(int out)
{
	unsigned int n;
	char id[ID_SIZE];

	books.j = journal_create(books.scratch.url, books.scratch.keyring,
				 1000000, &books.e);
	for (n = 1;; n++) {
		(void)snprintf(id, sizeof(id), "%u", n);
		pen_append(id, id);
		if (write(out, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

START_TEST(killed_journal_has_every_entry_that_was_answered)
{
	unsigned int n = 0;
	int ends[2];
	pid_t pid;

	journal_free(books.j);
	books.j = NULL;
	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		append_for_ever(ends[1]);
	(void)close(ends[1]);
	while (n < 200 * (unsigned int)(_i + 1))
		ck_assert_int_eq(read(ends[0], &n, sizeof(n)), sizeof(n));
	(void)kill(pid, SIGKILL);
	while (read(ends[0], &n, sizeof(n)) == sizeof(n))
		continue;
	(void)close(ends[0]);
	(void)waitpid(pid, NULL, 0);
	books.j = journal_create(books.scratch.url, books.scratch.keyring,
				 BOOKS_ROOM, &books.e);
	ck_assert_msg(books.j != NULL, "%s", books.e.msg);
	ck_assert_int_ge(books_ask("SELECT count(*) FROM pending"), n);
	ck_assert_int_eq(books_ask("SELECT count(*) = max(seq) FROM pending"),
			 1);
}
END_TEST

static void *one_by_one(void *arg)
{
	char id[ID_SIZE];
	int i;

	for (i = 0; i < 50; i++) {
		(void)snprintf(id, sizeof(id), "%s.%d", (char *)arg, i);
		pen_append(id, id);
		pen_note(id, (struct note){ .part_ts = "" });
		pen_done(id, (struct note){ 0 });
	}
	return NULL;
}

START_TEST(many_threads_write_at_once)
{
	static char names[4][2] = { "a", "b", "c", "d" };
	struct journal_stats stats;
	pthread_t tid[4];
	int i;

	for (i = 0; i < 4; i++)
		ck_assert_int_eq(
			pthread_create(&tid[i], NULL, one_by_one, names[i]), 0);
	do {
		journal_stats(books.j, &stats);
		ck_assert_int_lt(journal_beat_age(books.j), 5000);
	} while (stats.rows < 4 * 50 * 3);
	for (i = 0; i < 4; i++)
		(void)pthread_join(tid[i], NULL);
	journal_stats(books.j, &stats);
	ck_assert_uint_eq(stats.unfinished, 0);
	ck_assert_uint_eq(stats.queued, 0);
	ck_assert_uint_eq(stats.rows, 4 * 50 * 3);
	ck_assert_uint_le(stats.commits, stats.rows);
	ck_assert_int_gt(stats.last_commit_us, 0);
	pen_leaves("");
}
END_TEST

static void finish_at(struct journal_db *db, const char *id, int64_t now_ms)
{
	struct entry en = { .app_id = (char *)"A1", .received_ms = now_ms };
	struct journal_req r = { .kind = JOURNAL_DONE, .entry = &en };
	size_t finished = 0, bad;

	(void)snprintf(en.id, sizeof(en.id), "%s", id);
	(void)snprintf(r.entry_id, sizeof(r.entry_id), "%s", id);
	ck_assert_int_eq(db->ops->begin(db, &books.e), 0);
	ck_assert_int_eq(db->ops->append(db, &r, &books.e), 0);
	ck_assert_int_eq(db->ops->done(db, &r, now_ms, &finished, &books.e), 0);
	ck_assert_int_eq(db->ops->commit(db, &bad, &books.e), 0);
	ck_assert(!r.duplicate);
	ck_assert_uint_eq(finished, 1);
}

START_TEST(entries_expire_after_two_days_in_steps)
{
	struct entry open = { .id = "open", .app_id = (char *)"A1" };
	struct journal_req r = { .entry = &open };
	struct journal_db *db;
	size_t bad;

	db = pen_db();
	ck_assert_int_eq(db->ops->begin(db, &books.e), 0);
	ck_assert_int_eq(db->ops->append(db, &r, &books.e), 0);
	ck_assert_int_eq(db->ops->commit(db, &bad, &books.e), 0);
	finish_at(db, "e1", PEN_NOW);
	finish_at(db, "e2", PEN_NOW);
	finish_at(db, "e3", PEN_NOW);
	finish_at(db, "late", PEN_NOW + 3 * HOUR_MS);
	ck_assert_int_eq(db->ops->expire(db, PEN_NOW + 47 * HOUR_MS,
					 48 * HOUR_MS, 2, &books.e),
			 0);
	ck_assert_int_eq(db->ops->expire(db, PEN_NOW + 49 * HOUR_MS,
					 48 * HOUR_MS, 2, &books.e),
			 2);
	ck_assert_int_eq(db->ops->expire(db, PEN_NOW + 49 * HOUR_MS,
					 48 * HOUR_MS, 2, &books.e),
			 1);
	ck_assert_int_eq(db->ops->expire(db, PEN_NOW + 49 * HOUR_MS,
					 48 * HOUR_MS, 2, &books.e),
			 0);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM journal"), 2);
	db->ops->close(db);
}
END_TEST

START_TEST(frame_of_300_kb_comes_back_whole)
{
	size_t len = 300 * 1024;
	struct pen_left u;
	struct pen w;
	char *frame = malloc(len);

	ck_assert_ptr_nonnull(frame);
	memset(frame, 'x', len);
	frame[len / 2] = '\0';
	pen_set_append(&w, "e1", "Ev1");
	w.entry.frame = frame;
	w.entry.frame_len = len;
	pen_run(&w);
	ck_assert(w.r.ok);
	u = pen_left();
	ck_assert_uint_eq(u.last.frame_len, len);
	ck_assert_mem_eq(u.last.frame, frame, len);
	entry_release(&u.last);
	free(frame);
}
END_TEST

START_TEST(server_that_restarts_costs_no_note)
{
	struct pen w, kept;
	int tries = 0;

	pen_append("e1", "Ev1");
	pg_down();
	pen_set_note(&kept, JOURNAL_DONE, "e1");
	pen_start(&kept);
	pen_set_append(&w, "e2", "Ev2");
	pen_run(&w);
	ck_assert(!w.r.ok);
	ck_assert_int_eq(w.err.kind, ERR_RETRY);
	pg_up();
	pen_await(&kept);
	ck_assert_msg(kept.r.ok, "%s", kept.err.msg);
	do {
		pen_set_append(&w, "e3", "Ev2");
		pen_run(&w);
	} while (!w.r.ok && tries++ < 10);
	ck_assert(w.r.ok && !w.r.duplicate);
	pen_leaves("e3 ");
}
END_TEST

START_TEST(idle_restart_of_the_server_is_not_noticed)
{
	pen_append("e1", "Ev1");
	pg_down();
	pg_up();
	pen_append("e2", "Ev2");
	pen_leaves("e1 e2 ");
}
END_TEST

/* What runs beside the start may have lost the connection just then. */
START_TEST(start_waits_for_a_server_that_was_away)
{
	struct pen_left u = { .ids = "" };
	struct journal_db *db;
	struct postgres *s;

	pen_append("e1", "Ev1");
	db = pen_db();
	s = ((struct postgres_journal *)db)->s;
	s->failures = 4;
	pg_down();
	while (s->failures < 5)
		ck_assert_int_lt(
			db->ops->expire(db, PEN_NOW, HOUR_MS, 2, &books.e), 0);
	pg_up();
	ck_assert_msg(db->ops->unfinished(db, pen_collect, &u, &books.e) == 0,
		      "%s", books.e.msg);
	ck_assert_str_eq(u.ids, "e1 ");
	entry_release(&u.last);
	db->ops->close(db);
}
END_TEST

static int refuse_first(struct entry *en, void *arg)
{
	size_t *n = arg;

	(void)en;
	return (*n)++ == 0 ? err_set(&books.e, ERR_RETRY, "no memory") : 0;
}

START_TEST(start_passes_no_entry_over)
{
	struct journal_db *db;
	size_t n = 0;

	pen_append("e1", "Ev1");
	pen_append("e2", "Ev2");
	db = pen_db();
	ck_assert_int_eq(db->ops->unfinished(db, refuse_first, &n, &books.e),
			 -1);
	ck_assert_uint_eq(n, 1);
	db->ops->close(db);
}
END_TEST

/* As if the server had committed e1 and its answer got lost. */
START_TEST(entry_whose_commit_was_in_doubt_is_forgotten)
{
	struct postgres_journal *p;
	struct journal_db *db;
	struct entry en = { .id = "e2",
			    .app_id = (char *)"A1",
			    .event_id = (char *)"Ev1" };
	struct journal_req r = { .entry = &en };
	size_t bad;

	pen_append("e1", "Ev1");
	journal_free(books.j);
	books.j = NULL;
	db = journal_postgres.open(books.scratch.url, books.scratch.keyring,
				   NULL, &books.e);
	ck_assert_msg(db != NULL, "%s", books.e.msg);
	p = (struct postgres_journal *)db;
	p->doubt = true;
	p->ids = calloc(1, sizeof(*p->ids));
	ck_assert_ptr_nonnull(p->ids);
	p->nids = p->ids_size = 1;
	memcpy(p->ids[0], "e1", sizeof("e1"));
	ck_assert_int_eq(db->ops->begin(db, &books.e), 0);
	ck_assert_int_eq(db->ops->append(db, &r, &books.e), 0);
	ck_assert_msg(db->ops->commit(db, &bad, &books.e) == 0, "%s",
		      books.e.msg);
	ck_assert(!r.duplicate);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM journal"), 1);
	db->ops->close(db);
}
END_TEST

static size_t end_again(struct journal_db *db, bool doubt)
{
	struct journal_req r = { .kind = JOURNAL_DONE,
				 .entry_id = "e1",
				 .doubt = doubt };
	size_t bad, finished = 0;

	ck_assert_int_eq(db->ops->begin(db, &books.e), 0);
	ck_assert_int_eq(db->ops->done(db, &r, PEN_NOW, &finished, &books.e),
			 0);
	ck_assert_msg(db->ops->commit(db, &bad, &books.e) == 0, "%s",
		      books.e.msg);
	return finished;
}

/* As if the server had committed the end of e1 and its answer got lost, and
 * something else was committed before that is tried again. */
START_TEST(end_whose_commit_was_in_doubt_counts)
{
	struct journal_db *db;

	pen_append("e1", "Ev1");
	db = pen_db();
	ck_assert_uint_eq(end_again(db, false), 1);
	ck_assert_uint_eq(end_again(db, false), 0);
	ck_assert_uint_eq(end_again(db, true), 1);
	db->ops->close(db);
}
END_TEST

/* The server commits the end of e1 when we have hung up already. */
START_TEST(end_whose_commit_was_not_heard_of_counts_once)
{
	struct line_new lines[] = { pen_line("1.0", "hello", false) };
	struct usage_new u = { books.acme, "C1", "U1", "main", 10, 5 };
	struct audit_new a = { .tenant_id = books.acme, .what = "ask" };
	PGconn *c = PQconnectdb(pg->super);
	struct journal_stats st;
	struct pen w;

	pen_append("e1", "Ev1");
	PQclear(PQexec(c, "SELECT pg_advisory_lock(7)"));
	(void)pg_ask("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql"
		     " SET lock_timeout = 0 AS 'BEGIN PERFORM"
		     " pg_advisory_xact_lock_shared(7); RETURN NULL; END'");
	(void)pg_ask("CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON usage"
		     " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
		     " EXECUTE FUNCTION wait()");
	journal_free(books.j);
	books.j = NULL;
	postgres_patience = 1;
	books_reopen();
	pen_set_note(&w, JOURNAL_DONE, "e1")->r.usage = &u;
	w.r.lines = lines;
	w.r.nlines = 1;
	w.r.audits = &a;
	w.r.naudits = 1;
	pen_start(&w);
	do
		journal_stats(books.j, &st);
	while (!st.failing);
	PQfinish(c);
	(void)pg_ask("DROP TRIGGER wait ON usage"); /* waits for it */
	(void)pg_ask("DROP FUNCTION wait");
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal"
				" WHERE done_ms IS NULL"),
			 0);
	pen_await(&w);
	ck_assert(w.r.ok && !w.r.lost);
	ck_assert_int_eq(pg_ask("SELECT answers FROM usage"), 1);
	ck_assert_int_eq(pg_ask("SELECT sum(answers) FROM usage_by"), 2);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM transcript"), 1);
	ck_assert_int_eq(pg_ask("SELECT (SELECT count(*) FROM audit_new)"
				" + (SELECT count(*) FROM audit)"),
			 1);
	journal_stats(books.j, &st);
	ck_assert_uint_eq(st.unfinished, 0);
}
END_TEST

/* By anybody so far, as far as told to the server. */
#define SCANS                                           \
	"SELECT sum(seq_scan) FROM pg_stat_user_tables" \
	" WHERE relname IN ('journal', 'pending', 'parts')"
#define POSTED                                      \
	"SELECT n_tup_ins FROM pg_stat_user_tables" \
	" WHERE relname = 'parts'"

/* How a statement is planned is settled while the tables are empty. */
START_TEST(what_is_said_of_each_message_reads_no_whole_table)
{
	int64_t scans, posted;

	(void)pg_ask("VACUUM journal");
	(void)pg_ask("VACUUM pending");
	(void)pg_ask("VACUUM parts");
	(void)pg_ask("SELECT 1 FROM pg_stat_force_next_flush()");
	scans = pg_ask(SCANS);
	posted = pg_ask(POSTED);
	pen_answer("e1", NULL, 0);
	pen_answer("e2", NULL, 0);
	pen_note("e2", (struct note){ .part_ts = "1.3" });
	journal_free(books.j); /* then the server is told */
	books.j = NULL;
	while (pg_ask(POSTED) == posted)
		;
	ck_assert_int_eq(pg_ask(SCANS), scans);
}
END_TEST

START_TEST(text_that_is_no_utf8_is_stored_cleaned)
{
	struct line_new lines[] = { pen_line("1.0", "a\xff\xc3z", false) };
	struct transcript t;

	pen_answer("e1", lines, 1);
	pen_history(1000, &t);
	ck_assert_uint_eq(t.n, 1);
	ck_assert_str_eq(t.lines[0].text, "a??z");
	transcript_release(&t);
}
END_TEST

/* How many of a store's entries are there, and whole; all are unfinished. */
static int see_whole(struct entry *en, void *arg)
{
	ck_assert_str_eq(en->app_id, "A1");
	ck_assert_str_eq(en->frame, "{\"type\":\"events_api\"}");
	++*(size_t *)arg;
	return 0;
}

#define BEFORE 50
#define DURING 1500

START_TEST(backup_taken_while_it_writes_is_a_store)
{
	static struct pen w[DURING];
	static char ids[DURING][ID_SIZE];
	char copy[96], url[112];
	struct journal *restored;
	struct stat st;
	size_t i, n = 0;

	for (i = 0; i < DURING; i++)
		(void)snprintf(ids[i], ID_SIZE, "e%zu", i);
	for (i = 0; i < BEFORE; i++)
		pen_append(ids[i], ids[i]);
	for (; i < DURING; i++) {
		pen_set_append(&w[i], ids[i], ids[i]);
		pen_start(&w[i]);
	}
	(void)snprintf(copy, sizeof(copy), "%s/copy.db", books.scratch.dir);
	ck_assert_msg(store_backup(books.scratch.url, copy, &books.e) == 0,
		      "%s", books.e.msg);
	for (i = BEFORE; i < DURING; i++)
		pen_await(&w[i]);
	ck_assert_int_eq(stat(copy, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(store_backup(books.scratch.url, copy, &books.e), -1);
	ck_assert_int_eq(books.e.kind, ERR_INPUT);

	/* In its place, with the same key. */
	(void)snprintf(url, sizeof(url), "sqlite:%s", copy);
	restored = journal_create(url, books.scratch.keyring, BOOKS_ROOM,
				  &books.e);
	ck_assert_msg(restored != NULL, "%s", books.e.msg);
	ck_assert_int_eq(journal_unfinished(restored, see_whole, &n, &books.e),
			 0);
	ck_assert_uint_ge(n, BEFORE);
	journal_free(restored);
}
END_TEST

static TCase *entries(void (*setup)(void))
{
	TCase *tc = tcase_create("entries");

	tcase_add_checked_fixture(tc, setup, books_close);
	tcase_add_test(tc, entry_is_on_disk_when_it_is_answered);
	tcase_add_test(tc, event_delivered_again_is_a_duplicate);
	tcase_add_test(tc, event_of_another_app_is_no_duplicate);
	tcase_add_test(tc, entries_without_event_id_are_no_duplicates);
	tcase_add_test(tc, notes_come_back_after_a_restart);
	tcase_add_test(tc, posted_part_is_not_forgotten_by_an_intent);
	tcase_add_test(tc, note_of_an_unknown_entry_changes_nothing);
	tcase_add_test(tc, done_and_dead_entries_are_not_taken_up_again);
	tcase_add_test(tc,
		       text_of_a_done_entry_is_deleted_and_a_dead_one_keeps_it);
	tcase_add_test(tc, engagement_is_stored_and_never_moves_back);
	tcase_add_test(tc, claims_of_done_and_unfinished_entries_are_told);
	tcase_add_test(tc, entries_expire_after_two_days_in_steps);
	tcase_add_test(tc, frame_of_300_kb_comes_back_whole);
	return tc;
}

static TCase *thread(void (*setup)(void))
{
	TCase *tc = tcase_create("thread");

	tcase_add_checked_fixture(tc, setup, books_close);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, failed_write_undoes_itself_and_nothing_else);
	tcase_add_test(tc, room_is_for_the_unfinished);
	tcase_add_test(tc, room_is_for_those_of_all_nodes_together);
	tcase_add_test(tc, closing_commits_what_was_submitted);
	tcase_add_test(tc, failed_commit_refuses_entries_and_keeps_notes);
	tcase_add_test(tc, closing_ends_though_nothing_can_be_committed);
	tcase_add_loop_test(
		tc, killed_journal_has_every_entry_that_was_answered, 0, 3);
	tcase_add_test(tc, many_threads_write_at_once);
	return tc;
}

static TCase *files(void)
{
	TCase *tc = tcase_create("files");

	tcase_add_checked_fixture(tc, books_on_sqlite, books_close);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, full_disk_refuses_entries_until_there_is_room);
	tcase_add_test(tc, backup_taken_while_it_writes_is_a_store);
	return tc;
}

static TCase *server(void)
{
	TCase *tc = tcase_create("server");

	tcase_add_checked_fixture(tc, books_on_postgres, books_close);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, server_that_restarts_costs_no_note);
	tcase_add_test(tc, idle_restart_of_the_server_is_not_noticed);
	tcase_add_test(tc, start_waits_for_a_server_that_was_away);
	tcase_add_test(tc, start_passes_no_entry_over);
	tcase_add_test(tc, entry_whose_commit_was_in_doubt_is_forgotten);
	tcase_add_test(tc, end_whose_commit_was_in_doubt_counts);
	tcase_add_test(tc, end_whose_commit_was_not_heard_of_counts_once);
	tcase_add_test(tc, what_is_said_of_each_message_reads_no_whole_table);
	tcase_add_test(tc, text_that_is_no_utf8_is_stored_cleaned);
	tcase_add_test(tc, what_one_kind_of_note_meets_keeps_no_other_waiting);
	tcase_add_test(tc, what_all_notes_meet_is_waited_for);
	return tc;
}

int main(void)
{
	static void (*const setups[])(void) = { books_on_sqlite,
						books_on_postgres };
	Suite *s = suite_create("journal");
	SRunner *sr = srunner_create(s);
	int nfailed;
	size_t i;

	pg = books_begin();
	for (i = 0; i < sizeof(setups) / sizeof(setups[0]); i++) {
		suite_add_tcase(s, entries(setups[i]));
		suite_add_tcase(s, thread(setups[i]));
	}
	suite_add_tcase(s, files());
	suite_add_tcase(s, server());
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
