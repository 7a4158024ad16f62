/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "pg.h"
#include "scratch.h"
#include "store/journal.h"
#include "store/journal_ops.h"
#include "store/postgres_journal.h"
#include "store/record.h"
#include "store/sqlite.h"

#define ROOM    2000
#define NOW     INT64_C(1700000000000)
#define HOUR_MS INT64_C(3600000)

/* A request that a test can wait for. */
struct wait {
	struct journal_req r; /* must be first */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool finished;
	struct err err;
	struct entry entry;
};

static const struct pg *pg;
static struct scratch scratch;
static struct journal *j;
static char acme[ID_SIZE];
static struct err e;

static void begin(void)
{
	struct store *st = scratch_open(&scratch, true);

	scratch_acme(st, acme);
	st->ops->close(st);
	e = (struct err){ 0 };
	j = journal_create(scratch.url, scratch.keyring, ROOM, &e);
	ck_assert_msg(j != NULL, "%s", e.msg);
}

static void setup_sqlite(void)
{
	scratch_make(&scratch);
	begin();
}

static void setup_postgres(void)
{
	pg_empty();
	scratch_make_at(&scratch, pg->url);
	begin();
}

static bool is_postgres(void)
{
	return strcmp(scratch.url, pg->url) == 0;
}

static void teardown(void)
{
	journal_free(j);
	scratch_remove(&scratch);
}

static void reopen(void)
{
	journal_free(j);
	j = journal_create(scratch.url, scratch.keyring, ROOM, &e);
	ck_assert_msg(j != NULL, "%s", e.msg);
}

static void finish(struct journal_req *r)
{
	struct wait *w = (struct wait *)r;

	pthread_mutex_lock(&w->lock);
	w->finished = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

static void start(struct wait *w)
{
	w->finished = false;
	w->r.err = &w->err;
	w->r.done = finish;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->wake, NULL);
	ck_assert(journal_submit(j, &w->r));
}

static void await(struct wait *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->finished)
		pthread_cond_wait(&w->wake, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static void run(struct wait *w)
{
	start(w);
	await(w);
}

static void init_append(struct wait *w, const char *id, const char *event)
{
	memset(w, 0, sizeof(*w));
	w->r.kind = JOURNAL_APPEND;
	w->r.entry = &w->entry;
	(void)snprintf(w->entry.id, sizeof(w->entry.id), "%s", id);
	w->entry.app_id = (char *)"A1";
	w->entry.event_id = (char *)event;
	w->entry.received_ms = NOW;
	w->entry.frame = (char *)"{\"type\":\"events_api\"}";
	w->entry.frame_len = strlen(w->entry.frame);
}

static void append(const char *id, const char *event)
{
	struct wait w;

	init_append(&w, id, event);
	run(&w);
	ck_assert_msg(w.r.ok && !w.r.duplicate, "%s", w.err.msg);
}

static bool is_duplicate(const char *id, const char *event)
{
	struct wait w;

	init_append(&w, id, event);
	run(&w);
	ck_assert(w.r.ok);
	return w.r.duplicate;
}

static struct wait *init_note(struct wait *w, enum journal_kind kind,
			      const char *id)
{
	memset(w, 0, sizeof(*w));
	w->r.kind = kind;
	(void)snprintf(w->r.entry_id, sizeof(w->r.entry_id), "%s", id);
	return w;
}

static void note(const char *id, struct note n)
{
	struct wait w;

	init_note(&w, JOURNAL_NOTE, id)->r.note = n;
	run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
}

static void done(const char *id, struct note n)
{
	struct wait w;

	init_note(&w, JOURNAL_DONE, id)->r.note = n;
	run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
}

/* The ids of the unfinished, and the last of them whole. */
struct unfinished {
	char ids[200];
	struct entry last;
};

static int collect(struct entry *en, void *arg)
{
	struct unfinished *u = arg;

	strncat(u->ids, en->id, ID_SIZE);
	strncat(u->ids, " ", 2);
	entry_release(&u->last);
	u->last = *en;
	*en = (struct entry){ 0 };
	return 0;
}

static struct unfinished unfinished(void)
{
	struct unfinished u = { .ids = "" };

	ck_assert_int_eq(journal_unfinished(j, collect, &u, &e), 0);
	return u;
}

static void assert_unfinished(const char *ids)
{
	struct unfinished u = unfinished();

	ck_assert_str_eq(u.ids, ids);
	entry_release(&u.last);
}

START_TEST(entry_is_on_disk_when_it_is_answered)
{
	struct unfinished u;

	append("e1", "Ev1");
	append("e2", "Ev2");
	reopen();
	u = unfinished();
	ck_assert_str_eq(u.ids, "e1 e2 ");
	ck_assert_str_eq(u.last.app_id, "A1");
	ck_assert_str_eq(u.last.event_id, "Ev2");
	ck_assert_int_eq(u.last.received_ms, NOW);
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
	append("e1", "Ev1");
	ck_assert(is_duplicate("e2", "Ev1"));
	done("e1", (struct note){ 0 });
	ck_assert(is_duplicate("e3", "Ev1"));
	assert_unfinished("");
}
END_TEST

START_TEST(event_of_another_app_is_no_duplicate)
{
	struct wait w;

	append("e1", "Ev1");
	init_append(&w, "e2", "Ev1");
	w.entry.app_id = (char *)"A2";
	run(&w);
	ck_assert(w.r.ok);
	ck_assert(!w.r.duplicate);
}
END_TEST

START_TEST(entries_without_event_id_are_no_duplicates)
{
	append("e1", NULL);
	append("e2", NULL);
	assert_unfinished("e1 e2 ");
}
END_TEST

static int write_blame(struct store *s, void *arg, struct err *err)
{
	return s->ops->records->blame(s, arg, "crashed:asking", NOW + 5000,
				      err);
}

static void write_with(int (*fn)(struct store *, void *, struct err *),
		       void *arg, struct wait *w)
{
	memset(w, 0, sizeof(*w));
	w->r.kind = JOURNAL_WRITE;
	w->r.write = fn;
	w->r.arg = arg;
}

static void blame(const char *id)
{
	struct wait w;

	write_with(write_blame, (void *)id, &w);
	run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
}

START_TEST(notes_come_back_after_a_restart)
{
	struct unfinished u;

	append("e1", "Ev1");
	note("e1", (struct note){ .state = ENTRY_ACCEPTED,
				  .verdict = "accept",
				  .claim = "A1:T1:C1:1.2",
				  .tenant_id = acme,
				  .part_ts = "" });
	note("e1", (struct note){ .part_ts = "1.3" });
	blame("e1");
	blame("e1");
	note("e1",
	     (struct note){ .answer = "whole", .part = 2, .part_ts = "" });
	reopen();
	u = unfinished();
	ck_assert_int_eq(u.last.state, ENTRY_ACCEPTED);
	ck_assert_str_eq(u.last.verdict, "accept");
	ck_assert_str_eq(u.last.claim, "A1:T1:C1:1.2");
	ck_assert_str_eq(u.last.tenant_id, acme);
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
	struct unfinished u;

	append("e1", "Ev1");
	note("e1", (struct note){ .part_ts = "1.3" });
	note("e1", (struct note){ .part_ts = "" });
	u = unfinished();
	ck_assert_str_eq(u.last.parts[0], "1.3");
	entry_release(&u.last);
}
END_TEST

START_TEST(note_of_an_unknown_entry_changes_nothing)
{
	append("e1", "Ev1");
	note("nobody", (struct note){ .verdict = "accept", .part_ts = "1" });
	done("nobody", (struct note){ 0 });
	assert_unfinished("e1 ");
}
END_TEST

START_TEST(done_and_dead_entries_are_not_taken_up_again)
{
	append("e1", "Ev1");
	append("e2", "Ev2");
	append("e3", "Ev3");
	done("e1", (struct note){ 0 });
	done("e2", (struct note){ .state = ENTRY_DEAD });
	reopen();
	assert_unfinished("e3 ");
}
END_TEST

/* One number that the database gives, on a connection of its own. */
static int64_t ask(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	int64_t n;

	if (is_postgres())
		return pg_ask(sql);
	ck_assert_int_eq(sqlite3_open_v2(scratch.path, &db,
					 SQLITE_OPEN_READONLY, NULL),
			 SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(db);
	return n;
}

START_TEST(text_of_a_done_entry_is_deleted_and_a_dead_one_keeps_it)
{
	append("e1", "Ev1");
	append("e2", "Ev2");
	done("e1", (struct note){ .verdict = "answered" });
	done("e2", (struct note){ .state = ENTRY_DEAD });
	ck_assert_int_eq(ask("SELECT count(*) FROM pending"), 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM journal WHERE state ="
			     " 'done' AND verdict = 'answered'"),
			 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM journal JOIN pending"
			     " USING (seq) WHERE state = 'dead'"),
			 1);
}
END_TEST

static struct line_new make_line(const char *ts, const char *text, bool ours)
{
	return (struct line_new){
		.tenant_id = acme,
		.channel = "C1",
		.thread = "1.0",
		.line = { .ours = ours,
			  .user_id = ours ? NULL : (char *)"U1",
			  .name = ours ? NULL : (char *)"Ann",
			  .ts = (char *)ts,
			  .text = (char *)text },
	};
}

/* A turn: question and answer, and what it cost. */
static void answer(const char *id, const struct line_new *lines, size_t n)
{
	struct usage_new u = { acme, "C1", "U1", "main", 10, 5 };
	struct wait w;

	append(id, id);
	init_note(&w, JOURNAL_DONE, id);
	w.r.lines = lines;
	w.r.nlines = n;
	w.r.usage = &u;
	run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
}

static void history(size_t max_bytes, struct transcript *t)
{
	struct store *st = scratch_open(&scratch, false);

	ck_assert_int_ge(
		st->ops->history(st, acme, "C1", "1.0", max_bytes, t, &e), 0);
	st->ops->close(st);
}

static int put_agent(struct store *s, void *name, struct err *why)
{
	struct agent a = {
		.tenant_id = acme, .id = name, .name = name, .active = true
	};

	return s->ops->agent_put(s, &a, why);
}

static int drop_agent(struct store *s, void *name, struct err *why)
{
	return s->ops->agent_remove(s, acme, name, why);
}

static void change(int (*fn)(struct store *, void *, struct err *),
		   const char *agent)
{
	struct wait w;

	write_with(fn, (void *)agent, &w);
	run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
}

static void expect_agent(const char *thread, const char *want)
{
	struct store *st = scratch_open(&scratch, false);
	struct agent a;

	ck_assert_int_eq(st->ops->agent(st, acme, "C1", thread, &a, &e), 1);
	ck_assert_str_eq(a.name, want);
	agent_release(&a);
	st->ops->close(st);
}

START_TEST(thread_stays_with_the_agent_that_began_it)
{
	struct line_new lines[] = { make_line("1.0", "why?", false),
				    make_line("1.1", "because", true) };
	struct line_new more[] = { make_line("1.2", "and?", false),
				   make_line("1.3", "so", true) };

	change(put_agent, "Nils");
	change(put_agent, "Otto");
	expect_agent("1.0", "Mara");
	lines[1].agent_id = "Nils";
	more[1].agent_id = "Otto";
	answer("id1", lines, 2);
	answer("id2", more, 2);
	expect_agent("1.0", "Nils");
	expect_agent("1.5", "Mara");
	change(drop_agent, "Nils");
	expect_agent("1.0", "Mara");
}
END_TEST

START_TEST(turn_becomes_history_and_usage)
{
	struct line_new lines[] = { make_line("1.0", "why?", false),
				    make_line("1.1", "because", true) };
	struct transcript t;

	answer("e1", lines, 2);
	history(1000, &t);
	ck_assert_uint_eq(t.n, 2);
	ck_assert_str_eq(t.lines[0].text, "why?");
	ck_assert_str_eq(t.lines[0].name, "Ann");
	ck_assert(t.lines[1].ours);
	ck_assert_str_eq(t.lines[1].text, "because");
	transcript_release(&t);
	ck_assert_int_eq(ask("SELECT answers * 10000 + prompt_tokens * 100"
			     " + completion_tokens FROM usage"),
			 11005);
}
END_TEST

START_TEST(usage_adds_up)
{
	answer("e1", NULL, 0);
	answer("e2", NULL, 0);
	ck_assert_int_eq(ask("SELECT sum(answers) * 10000 +"
			     " sum(prompt_tokens) * 100 +"
			     " sum(completion_tokens) FROM usage"),
			 22010);
}
END_TEST

START_TEST(row_that_can_never_be_stored_keeps_no_other_waiting)
{
	struct usage_new u = { acme, "C1", "U1", "main", INT64_MAX, 5 };
	struct wait before, bad, after;

	answer("e1", NULL, 0);
	append("e2", "Ev2");
	init_append(&before, "e3", "Ev3");
	init_note(&bad, JOURNAL_DONE, "e2")->r.usage = &u;
	init_append(&after, "e4", "Ev4");
	start(&before);
	start(&bad);
	start(&after);
	await(&before);
	await(&bad);
	await(&after);
	ck_assert(before.r.ok);
	ck_assert(bad.r.ok && bad.r.lost && bad.r.refused);
	ck_assert(after.r.ok && !after.r.refused);
	assert_unfinished("e3 e4 ");
	ck_assert_int_eq(ask("SELECT count(*) FROM journal j JOIN pending p"
			     " USING (seq) WHERE j.id = 'e2' AND"
			     " j.state = 'dead' AND"
			     " j.verdict = 'dead:journal'"),
			 1);
	/* An append has nothing to set aside. */
	init_append(&bad, "e3", "Ev5"); /* the id is there */
	run(&bad);
	ck_assert(!bad.r.ok);
	ck_assert_int_eq(bad.err.kind, ERR_INPUT);
}
END_TEST

/* As when a function is missing, or a right on it. */
START_TEST(what_one_kind_of_note_meets_keeps_no_other_waiting)
{
	static struct wait bad[10];
	struct wait after;
	size_t i;
	int n;

	append("e1", "Ev1");
	append("e2", "Ev2");
	append("e3", "Ev3");
	(void)pg_ask("REVOKE EXECUTE ON FUNCTION journal_cover(text, text,"
		     " bigint) FROM konstruct_daemon");
	for (n = 0; n < 10; n++) {
		for (i = 0; i < 10; i++) {
			init_note(&bad[i], JOURNAL_NOTE, "e1")->r.note.covers =
				"e2";
			start(&bad[i]);
		}
		init_note(&after, JOURNAL_NOTE, "e3")->r.note.verdict =
			"accept";
		start(&after);
		for (i = 0; i < 10; i++) {
			await(&bad[i]);
			ck_assert(!bad[i].r.ok);
			ck_assert_int_eq(bad[i].err.kind, ERR_FATAL);
		}
		await(&after);
		ck_assert(after.r.ok);
	}
	(void)pg_ask("GRANT EXECUTE ON FUNCTION journal_cover(text, text,"
		     " bigint) TO konstruct_daemon");
	run(&bad[0]);
	ck_assert(bad[0].r.ok && !bad[0].r.lost);
	assert_unfinished("e1 e3 ");
}
END_TEST

/* What nobody can write down is everybody's trouble. */
START_TEST(what_all_notes_meet_is_waited_for)
{
	struct journal_stats st;
	static struct wait w[100];
	size_t i;

	append("e1", "Ev1");
	(void)pg_ask("REVOKE EXECUTE ON FUNCTION journal_note(text, text, text,"
		     " text, text, integer, text, text, text, bigint, text,"
		     " text) FROM konstruct_daemon");
	for (i = 0; i < 100; i++) {
		init_note(&w[i], JOURNAL_NOTE, "e1")->r.note.verdict = "accept";
		start(&w[i]);
	}
	do
		journal_stats(j, &st);
	while (!st.failing);
	(void)pg_ask("GRANT EXECUTE ON FUNCTION journal_note(text, text, text,"
		     " text, text, integer, text, text, text, bigint, text,"
		     " text) TO konstruct_daemon");
	for (i = 0; i < 100; i++)
		await(&w[i]);
	ck_assert(w[99].r.ok);
}
END_TEST

START_TEST(line_told_twice_is_kept_once)
{
	struct line_new lines[] = { make_line("1.0", "why?", false),
				    make_line("1.0", "why?", false) };
	struct transcript t;

	answer("e1", lines, 2);
	answer("e2", lines, 1);
	history(1000, &t);
	ck_assert_uint_eq(t.n, 1);
	transcript_release(&t);
}
END_TEST

static int list_thread(const char *channel, const char *thread,
		       const char *last_ts, void *arg)
{
	size_t n = strlen(arg);

	snprintf((char *)arg + n, 200 - n, "%s/%s@%s ", channel, thread,
		 last_ts);
	return 0;
}

START_TEST(threads_are_told_by_their_newest_line)
{
	struct line_new lines[] = {
		make_line("1700000000.000100", "old", false),
		make_line("1700000500.000100", "older than asked for", false),
		make_line("1700000900.000100", "in the thread of the first",
			  true),
		make_line("1700000800.000100", "elsewhere", false)
	};
	char list[200] = "", none[200] = "";
	struct store *st;

	lines[1].thread = "2.0";
	lines[3].channel = "D1";
	answer("e1", lines, 4);
	st = scratch_open(&scratch, false);
	ck_assert_int_eq(st->ops->threads(st, acme, INT64_C(1700000600000),
					  list_thread, list, &e),
			 0);
	ck_assert_str_eq(list, "C1/1.0@1700000900.000100 "
			       "D1/1.0@1700000800.000100 ");
	ck_assert_int_eq(
		st->ops->threads(st, "other", 0, list_thread, none, &e), 0);
	ck_assert_str_eq(none, "");
	st->ops->close(st);
}
END_TEST

/* What is told of a thread, by how much room there is. */
static const struct {
	const char *fit; /* as many bytes, and those of a name each */
	size_t names;
	const char *told; /* the texts; "-" is the gap */
} rooms[] = {
	{ "first second third fourth", 3, "first second third fourth " },
	{ "second third fourth", 2, "first second third fourth " },
	{ "third fourth", 2, "first - third fourth " },
	{ "fourth", 1, "first - fourth " },
	{ "", 0, "first - " },
};

START_TEST(history_is_the_first_line_and_the_newest_that_fit)
{
	struct line_new lines[] = { make_line("1.0", "first", false),
				    make_line("1.1", "second", true),
				    make_line("1.2", "third", false),
				    make_line("1.3", "fourth", false) };
	char told[100] = "";
	struct transcript t;
	size_t i;

	answer("e1", lines, 4);
	history(strlen(rooms[_i].fit) + rooms[_i].names * strlen("Ann"), &t);
	for (i = 0; i < t.n; i++) {
		strcat(strcat(told, t.lines[i].text), " ");
		if (i == 0 && t.gap)
			strcat(told, "- ");
	}
	ck_assert_str_eq(told, rooms[_i].told);
	transcript_release(&t);
}
END_TEST

START_TEST(a_thread_of_one_line_has_no_gap)
{
	struct line_new line = make_line("1.0", "first", false);
	struct transcript t;

	answer("e1", &line, 1);
	history(1, &t);
	ck_assert_uint_eq(t.n, 1);
	ck_assert(!t.gap);
	transcript_release(&t);
	history(1000, &t);
	ck_assert_uint_eq(t.n, 1);
	ck_assert(!t.gap);
	transcript_release(&t);
}
END_TEST

static int remove_acme(struct store *s, void *arg, struct err *why)
{
	return s->ops->tenant_remove(s, arg, why);
}

static int leaving_token(char out[100])
{
	struct store *st = scratch_open(&scratch, false);
	struct connection c = { 0 };
	int rc = st->ops->leaving(st, "slack", "A1", "T1", &c, &e);

	ck_assert_msg(rc >= 0, "%s", e.msg);
	if (rc > 0) {
		(void)snprintf(out, 100, "%s", c.bot_token);
		ck_assert_str_eq(c.tenant_id, acme);
		ck_assert_str_eq(c.bot_user_id, "UBOT");
	}
	connection_release(&c);
	st->ops->close(st);
	return rc;
}

START_TEST(token_of_a_removed_tenant_is_there_while_something_is_unfinished)
{
	struct journal_db *db;
	struct wait w;
	char token[100];

	append("e1", "Ev1");
	if (_i) {
		note("e1", (struct note){ .state = ENTRY_ACCEPTED,
					  .tenant_id = acme });
		ck_assert_int_eq(leaving_token(token), 0);
	}
	write_with(remove_acme, (void *)"acme", &w);
	run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
	ck_assert_int_eq(leaving_token(token), _i);
	if (_i == 0)
		return;
	ck_assert_str_eq(token, "xoxb-one");
	journal_free(j);
	j = NULL;
	db = is_postgres() ? journal_postgres.open(scratch.url, scratch.keyring,
						   NULL, &e)
			   : journal_sqlite.open(scratch.url, scratch.keyring,
						 NULL, &e);
	ck_assert_int_eq(db->ops->expire(db, clock_wall_ms() + 23 * HOUR_MS,
					 HOUR_MS, 9, &e),
			 0);
	ck_assert_int_eq(db->ops->expire(db, clock_wall_ms() + 25 * HOUR_MS,
					 HOUR_MS, 9, &e),
			 1);
	db->ops->close(db);
	ck_assert_int_eq(leaving_token(token), 0);
}
END_TEST

START_TEST(turn_of_a_removed_tenant_can_be_finished)
{
	struct line_new lines[] = { make_line("1.0", "why?", false) };
	struct wait w;

	write_with(remove_acme, (void *)"acme", &w);
	run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
	answer("e1", lines, 1);
	assert_unfinished("");
	ck_assert_int_eq(ask("SELECT count(*) FROM transcript"), 0);
	ck_assert_int_eq(ask("SELECT count(*) FROM usage"), 0);
}
END_TEST

START_TEST(removed_tenant_takes_its_threads_along_and_no_others)
{
	struct wait w;

	append("e1", "Ev1");
	note("e1",
	     (struct note){ .engaged = "A1:T1:C1:1.0", .engaged_ms = NOW });
	note("e1",
	     (struct note){ .engaged = "A1:T11:C1:1.0", .engaged_ms = NOW });
	write_with(remove_acme, (void *)"acme", &w);
	run(&w);
	ck_assert(w.r.ok);
	ck_assert_int_eq(ask("SELECT count(*) FROM engaged"), 1);
	ck_assert_int_eq(ask("SELECT key = 'A1:T11:C1:1.0' FROM engaged"), 1);
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
	struct wait before, failing, after;

	init_append(&before, "e1", "Ev1");
	write_with(add_and_fail, (void *)"ghost", &failing);
	init_append(&after, "e2", "Ev2");
	start(&before);
	start(&failing);
	start(&after);
	await(&before);
	await(&failing);
	await(&after);
	ck_assert(before.r.ok);
	ck_assert(!failing.r.ok);
	ck_assert_str_eq(failing.err.msg, "no");
	ck_assert(after.r.ok);
	assert_unfinished("e1 e2 ");
	ck_assert_int_eq(
		ask("SELECT count(*) FROM tenants WHERE name = 'ghost'"), 0);
}
END_TEST

START_TEST(room_is_for_the_unfinished)
{
	struct wait w;

	journal_free(j);
	j = journal_create(scratch.url, scratch.keyring, 2, &e);
	append("e1", "Ev1");
	ck_assert(is_duplicate("x1", "Ev1"));
	append("e2", "Ev2");
	init_append(&w, "e3", "Ev3");
	w.r.done = finish;
	ck_assert(!journal_submit(j, &w.r));
	done("e1", (struct note){ 0 });
	done("e1", (struct note){ 0 });
	append("e3", "Ev3");
	ck_assert(!journal_submit(j, &w.r));
	journal_free(j);
	j = journal_create(scratch.url, scratch.keyring, 2, &e);
	ck_assert(!journal_submit(j, &w.r));
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

	append("e1", "Ev1");
	note("e1",
	     (struct note){ .engaged = "A1:T1:C1:1.0", .engaged_ms = NOW + 5 });
	done("e1",
	     (struct note){ .engaged = "A1:T1:C1:1.0", .engaged_ms = NOW });
	st = scratch_open(&scratch, false);
	ck_assert_int_eq(st->ops->engaged(st, NOW + 6, take_engagement, &g, &e),
			 0);
	ck_assert_str_eq(g.key, "");
	ck_assert_int_eq(st->ops->engaged(st, NOW, take_engagement, &g, &e), 0);
	ck_assert_str_eq(g.key, "A1:T1:C1:1.0");
	ck_assert_int_eq(g.at_ms, NOW + 5);
	st->ops->close(st);
}
END_TEST

static int list_claim(const char *key, const char *entry, const char *verdict,
		      void *arg)
{
	char *list = arg;
	size_t n = strlen(list);

	(void)snprintf(list + n, 300 - n, "%s=%s:%s ", key, entry, verdict);
	return 0;
}

START_TEST(claims_of_done_and_unfinished_entries_are_told)
{
	struct store *st;
	char list[300] = "";

	append("e1", "Ev1");
	append("e2", "Ev2");
	append("e3", "Ev3");
	note("e1", (struct note){ .claim = "k1", .verdict = "accept" });
	note("e2", (struct note){ .claim = "k2", .verdict = "refuse:admit" });
	done("e1", (struct note){ 0 });
	st = scratch_open(&scratch, false);
	ck_assert_int_eq(st->ops->claims(st, NOW, list_claim, list, &e), 0);
	ck_assert_str_eq(list, "k1=e1:accept k2=e2:refuse:admit ");
	st->ops->close(st);
}
END_TEST

static int write_move(struct store *s, void *arg, struct err *err)
{
	return s->ops->channel_moved(s, arg, "A1", "T1", "C0", "C1", err);
}

static void move(void)
{
	struct wait w;

	write_with(write_move, acme, &w);
	run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
}

static int list_engaged(const char *key, int64_t at_ms, void *arg)
{
	size_t n = strlen(arg);

	(void)snprintf((char *)arg + n, 300 - n, "%s=%d ", key,
		       (int)(at_ms - NOW));
	return 0;
}

/* An entry of the channel that is still called C0. */
static void append_of_c0(void)
{
	struct wait w;

	init_append(&w, "e1", "Ev1");
	w.entry.frame = (char *)"{\"channel\":\"C0\",\"text\":\"\\\"C0\\\"\"}";
	w.entry.frame_len = strlen(w.entry.frame);
	run(&w);
	ck_assert(w.r.ok);
	note("e1", (struct note){ .claim = "A1:T1:C0:1.0",
				  .post = "C0:1.0",
				  .verdict = "accept",
				  .engaged = "A1:T1:C0:1.0",
				  .engaged_ms = NOW });
}

static void append_of_others(void)
{
	append("e2", "Ev2");
	note("e2", (struct note){ .claim = "A1:T1:C01:1.0",
				  .post = "C01:1.0",
				  .verdict = "accept",
				  .engaged = "A1:T1:C01:1.0",
				  .engaged_ms = NOW });
	note("e2",
	     (struct note){ .engaged = "A2:T1:C0:1.0", .engaged_ms = NOW });
}

START_TEST(what_is_kept_of_a_channel_moves_with_its_id)
{
	struct line_new line = make_line("1.0", "why?", false);
	char claims[300] = "", engaged[300] = "";
	struct unfinished u = { .ids = "" };
	struct transcript t = { 0 };
	struct store *st;

	append_of_c0();
	append_of_others();
	line.channel = "C0";
	answer("e3", &line, 1);
	move();
	move();
	history(1000, &t);
	ck_assert_uint_eq(t.n, 1);
	transcript_release(&t);

	st = scratch_open(&scratch, false);
	ck_assert_int_eq(st->ops->claims(st, NOW, list_claim, claims, &e), 0);
	ck_assert_ptr_nonnull(strstr(claims, "A1:T1:C1:1.0=e1:accept"));
	ck_assert_ptr_nonnull(strstr(claims, "A1:T1:C01:1.0=e2:accept"));
	ck_assert_ptr_null(strstr(claims, "A1:T1:C0:"));
	ck_assert_int_eq(st->ops->engaged(st, NOW, list_engaged, engaged, &e),
			 0);
	ck_assert_ptr_nonnull(strstr(engaged, "A1:T1:C1:1.0=0 "));
	ck_assert_ptr_nonnull(strstr(engaged, "A1:T1:C01:1.0=0 "));
	ck_assert_ptr_null(strstr(engaged, "A2:T1:C1:"));
	st->ops->close(st);
	ck_assert_int_eq(
		ask("SELECT count(*) FROM journal WHERE post = 'C1:1.0'"), 1);
	ck_assert_int_eq(
		ask("SELECT count(*) FROM journal WHERE post = 'C01:1.0'"), 1);

	ck_assert_int_eq(journal_entry(j, "e1", collect, &u, &e), 1);
	ck_assert_str_eq(u.last.frame,
			 "{\"channel\":\"C1\",\"text\":\"\\\"C0\\\"\"}");
	entry_release(&u.last);
}
END_TEST

START_TEST(room_is_for_those_of_all_nodes_together)
{
	struct wait w;

	append("e1", "Ev1");
	journal_set_crowd(j, ROOM);
	init_append(&w, "e2", "Ev2");
	w.r.done = finish;
	ck_assert(!journal_submit(j, &w.r));
	journal_set_crowd(j, ROOM - 1);
	append("e2", "Ev2");
}
END_TEST

START_TEST(closing_commits_what_was_submitted)
{
	static struct wait w[ROOM];
	static char names[ROOM][8];
	size_t i;

	for (i = 0; i < ROOM; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%zu", i);
		init_append(&w[i], names[i], names[i]);
		start(&w[i]);
	}
	journal_free(j);
	for (i = 0; i < ROOM; i++)
		ck_assert(w[i].finished && w[i].r.ok);
	j = journal_create(scratch.url, scratch.keyring, ROOM, &e);
	ck_assert_int_eq(ask("SELECT count(*) FROM pending"), ROOM);
}
END_TEST

/* So that a test needn't wait as long as the daemon would. */
static int be_impatient(struct store *s, void *arg, struct err *why)
{
	(void)arg;
	(void)why;
	if (!is_postgres())
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
	struct wait w;

	write_with(be_impatient, NULL, &w);
	run(&w);
	if (is_postgres()) {
		it.server = PQconnectdb(pg->super);
		PQclear(PQexec(it.server,
			       "BEGIN; LOCK TABLE konstruct.journal"));
		return it;
	}
	ck_assert_int_eq(sqlite3_open(scratch.path, &it.file), SQLITE_OK);
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
	struct wait w, kept;
	struct seized it;

	append("e1", "Ev1");
	it = seize();
	init_note(&kept, JOURNAL_DONE, "e1");
	start(&kept);
	init_append(&w, "e2", "Ev2");
	run(&w);
	ck_assert(!w.r.ok);
	ck_assert_int_eq(w.err.kind, ERR_RETRY);
	journal_stats(j, &stats);
	ck_assert(stats.failing);
	ck_assert_uint_eq(stats.unfinished, 1);
	ck_assert_ptr_nonnull(strstr(stats.msg, "lock"));
	let_go(it);
	await(&kept);
	ck_assert(kept.r.ok);
	append("e2", "Ev2");
	journal_stats(j, &stats);
	ck_assert(!stats.failing);
	assert_unfinished("e2 ");
}
END_TEST

START_TEST(closing_ends_though_nothing_can_be_committed)
{
	struct wait w;
	struct seized it;

	append("e1", "Ev1");
	it = seize();
	init_note(&w, JOURNAL_DONE, "e1");
	start(&w);
	journal_free(j);
	ck_assert(w.finished);
	ck_assert(!w.r.ok);
	let_go(it);
	j = journal_create(scratch.url, scratch.keyring, ROOM, &e);
	assert_unfinished("e1 ");
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
	struct wait w;
	char id[ID_SIZE];
	int n = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	limit_files(1 << 20);
	do {
		(void)snprintf(id, sizeof(id), "%d", n++);
		init_append(&w, id, id);
		run(&w);
	} while (w.r.ok && n < ROOM - 1);
	limit_files(RLIM_INFINITY);
	ck_assert(!w.r.ok);
	append("after", "after");
	ck_assert_int_eq(ask("SELECT count(*) FROM pending"), n);
}
END_TEST

/* Appends until it is killed; tells of each entry once it is answered. */
static void append_for_ever(int out)
{
	unsigned int n;
	char id[ID_SIZE];

	j = journal_create(scratch.url, scratch.keyring, 1000000, &e);
	for (n = 1;; n++) {
		(void)snprintf(id, sizeof(id), "%u", n);
		append(id, id);
		if (write(out, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

START_TEST(killed_journal_has_every_entry_that_was_answered)
{
	unsigned int n = 0;
	int ends[2];
	pid_t pid;

	journal_free(j);
	j = NULL;
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
	j = journal_create(scratch.url, scratch.keyring, ROOM, &e);
	ck_assert_msg(j != NULL, "%s", e.msg);
	ck_assert_int_ge(ask("SELECT count(*) FROM pending"), n);
	ck_assert_int_eq(ask("SELECT count(*) = max(seq) FROM pending"), 1);
}
END_TEST

static void *one_by_one(void *arg)
{
	char id[ID_SIZE];
	int i;

	for (i = 0; i < 50; i++) {
		(void)snprintf(id, sizeof(id), "%s.%d", (char *)arg, i);
		append(id, id);
		note(id, (struct note){ .part_ts = "" });
		done(id, (struct note){ 0 });
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
		journal_stats(j, &stats);
		ck_assert_int_lt(journal_beat_age(j), 5000);
	} while (stats.rows < 4 * 50 * 3);
	for (i = 0; i < 4; i++)
		(void)pthread_join(tid[i], NULL);
	journal_stats(j, &stats);
	ck_assert_uint_eq(stats.unfinished, 0);
	ck_assert_uint_eq(stats.queued, 0);
	ck_assert_uint_eq(stats.rows, 4 * 50 * 3);
	ck_assert_uint_le(stats.commits, stats.rows);
	ck_assert_int_gt(stats.last_commit_us, 0);
	assert_unfinished("");
}
END_TEST

static void finish_at(struct journal_db *db, const char *id, int64_t now_ms)
{
	struct entry en = { .app_id = (char *)"A1", .received_ms = now_ms };
	struct journal_req r = { .kind = JOURNAL_DONE, .entry = &en };
	size_t finished = 0, bad;

	(void)snprintf(en.id, sizeof(en.id), "%s", id);
	(void)snprintf(r.entry_id, sizeof(r.entry_id), "%s", id);
	ck_assert_int_eq(db->ops->begin(db, &e), 0);
	ck_assert_int_eq(db->ops->append(db, &r, &e), 0);
	ck_assert_int_eq(db->ops->done(db, &r, now_ms, &finished, &e), 0);
	ck_assert_int_eq(db->ops->commit(db, &bad, &e), 0);
	ck_assert(!r.duplicate);
	ck_assert_uint_eq(finished, 1);
}

START_TEST(entries_expire_after_two_days_in_steps)
{
	struct entry open = { .id = "open", .app_id = (char *)"A1" };
	struct journal_req r = { .entry = &open };
	struct journal_db *db;
	size_t bad;

	journal_free(j);
	j = NULL;
	db = is_postgres() ? journal_postgres.open(scratch.url, scratch.keyring,
						   NULL, &e)
			   : journal_sqlite.open(scratch.url, scratch.keyring,
						 NULL, &e);
	ck_assert_msg(db != NULL, "%s", e.msg);
	ck_assert_int_eq(db->ops->begin(db, &e), 0);
	ck_assert_int_eq(db->ops->append(db, &r, &e), 0);
	ck_assert_int_eq(db->ops->commit(db, &bad, &e), 0);
	finish_at(db, "e1", NOW);
	finish_at(db, "e2", NOW);
	finish_at(db, "e3", NOW);
	finish_at(db, "late", NOW + 3 * HOUR_MS);
	ck_assert_int_eq(db->ops->expire(db, NOW + 47 * HOUR_MS, 48 * HOUR_MS,
					 2, &e),
			 0);
	ck_assert_int_eq(db->ops->expire(db, NOW + 49 * HOUR_MS, 48 * HOUR_MS,
					 2, &e),
			 2);
	ck_assert_int_eq(db->ops->expire(db, NOW + 49 * HOUR_MS, 48 * HOUR_MS,
					 2, &e),
			 1);
	ck_assert_int_eq(db->ops->expire(db, NOW + 49 * HOUR_MS, 48 * HOUR_MS,
					 2, &e),
			 0);
	ck_assert_int_eq(ask("SELECT count(*) FROM journal"), 2);
	db->ops->close(db);
}
END_TEST

START_TEST(frame_of_300_kb_comes_back_whole)
{
	size_t len = 300 * 1024;
	struct unfinished u;
	struct wait w;
	char *frame = malloc(len);

	ck_assert_ptr_nonnull(frame);
	memset(frame, 'x', len);
	frame[len / 2] = '\0';
	init_append(&w, "e1", "Ev1");
	w.entry.frame = frame;
	w.entry.frame_len = len;
	run(&w);
	ck_assert(w.r.ok);
	u = unfinished();
	ck_assert_uint_eq(u.last.frame_len, len);
	ck_assert_mem_eq(u.last.frame, frame, len);
	entry_release(&u.last);
	free(frame);
}
END_TEST

static TCase *entries(void (*setup)(void))
{
	TCase *tc = tcase_create("entries");

	tcase_add_checked_fixture(tc, setup, teardown);
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

static TCase *turns(void (*setup)(void))
{
	TCase *tc = tcase_create("turns");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, turn_becomes_history_and_usage);
	tcase_add_test(tc, thread_stays_with_the_agent_that_began_it);
	tcase_add_test(tc, usage_adds_up);
	tcase_add_test(tc, what_is_kept_of_a_channel_moves_with_its_id);
	tcase_add_test(tc, row_that_can_never_be_stored_keeps_no_other_waiting);
	tcase_add_test(tc, line_told_twice_is_kept_once);
	tcase_add_test(tc, threads_are_told_by_their_newest_line);
	tcase_add_loop_test(tc,
			    history_is_the_first_line_and_the_newest_that_fit,
			    0, sizeof(rooms) / sizeof(rooms[0]));
	tcase_add_test(tc, a_thread_of_one_line_has_no_gap);
	tcase_add_test(tc, turn_of_a_removed_tenant_can_be_finished);
	tcase_add_loop_test(
		tc,
		token_of_a_removed_tenant_is_there_while_something_is_unfinished,
		0, 2);
	tcase_add_test(tc,
		       removed_tenant_takes_its_threads_along_and_no_others);
	return tc;
}

static TCase *thread(void (*setup)(void))
{
	TCase *tc = tcase_create("thread");

	tcase_add_checked_fixture(tc, setup, teardown);
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

START_TEST(server_that_restarts_costs_no_note)
{
	struct wait w, kept;
	int tries = 0;

	append("e1", "Ev1");
	pg_down();
	init_note(&kept, JOURNAL_DONE, "e1");
	start(&kept);
	init_append(&w, "e2", "Ev2");
	run(&w);
	ck_assert(!w.r.ok);
	ck_assert_int_eq(w.err.kind, ERR_RETRY);
	pg_up();
	await(&kept);
	ck_assert_msg(kept.r.ok, "%s", kept.err.msg);
	do {
		init_append(&w, "e3", "Ev2");
		run(&w);
	} while (!w.r.ok && tries++ < 10);
	ck_assert(w.r.ok && !w.r.duplicate);
	assert_unfinished("e3 ");
}
END_TEST

START_TEST(idle_restart_of_the_server_is_not_noticed)
{
	append("e1", "Ev1");
	pg_down();
	pg_up();
	append("e2", "Ev2");
	assert_unfinished("e1 e2 ");
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

	append("e1", "Ev1");
	journal_free(j);
	j = NULL;
	db = journal_postgres.open(scratch.url, scratch.keyring, NULL, &e);
	ck_assert_msg(db != NULL, "%s", e.msg);
	p = (struct postgres_journal *)db;
	p->doubt = true;
	p->ids = calloc(1, sizeof(*p->ids));
	ck_assert_ptr_nonnull(p->ids);
	p->nids = p->ids_size = 1;
	memcpy(p->ids[0], "e1", sizeof("e1"));
	ck_assert_int_eq(db->ops->begin(db, &e), 0);
	ck_assert_int_eq(db->ops->append(db, &r, &e), 0);
	ck_assert_msg(db->ops->commit(db, &bad, &e) == 0, "%s", e.msg);
	ck_assert(!r.duplicate);
	ck_assert_int_eq(ask("SELECT count(*) FROM journal"), 1);
	db->ops->close(db);
}
END_TEST

/* The server commits the end of e1 when we have hung up already. */
START_TEST(end_whose_commit_was_not_heard_of_counts_once)
{
	struct line_new lines[] = { make_line("1.0", "hello", false) };
	struct usage_new u = { acme, "C1", "U1", "main", 10, 5 };
	struct audit_new a = { .tenant_id = acme, .what = "ask" };
	struct journal_stats st;
	struct wait w;

	append("e1", "Ev1");
	(void)pg_ask("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql"
		     " AS 'BEGIN PERFORM pg_sleep(2.5); RETURN NULL; END'");
	(void)pg_ask("CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON usage"
		     " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
		     " EXECUTE FUNCTION slow()");
	init_note(&w, JOURNAL_DONE, "e1")->r.usage = &u;
	w.r.lines = lines;
	w.r.nlines = 1;
	w.r.audits = &a;
	w.r.naudits = 1;
	start(&w);
	do
		journal_stats(j, &st);
	while (!st.failing);
	(void)pg_ask("DROP TRIGGER slow ON usage"); /* waits for it */
	(void)pg_ask("DROP FUNCTION slow");
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM journal"
				" WHERE done_ms IS NULL"),
			 0);
	await(&w);
	ck_assert(w.r.ok && !w.r.lost);
	ck_assert_int_eq(pg_ask("SELECT answers FROM usage"), 1);
	ck_assert_int_eq(pg_ask("SELECT sum(answers) FROM usage_by"), 2);
	ck_assert_int_eq(pg_ask("SELECT count(*) FROM transcript"), 1);
	ck_assert_int_eq(pg_ask("SELECT (SELECT count(*) FROM audit_new)"
				" + (SELECT count(*) FROM audit)"),
			 1);
	journal_stats(j, &st);
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
	answer("e1", NULL, 0);
	answer("e2", NULL, 0);
	note("e2", (struct note){ .part_ts = "1.3" });
	journal_free(j); /* then the server is told */
	j = NULL;
	while (pg_ask(POSTED) == posted)
		;
	ck_assert_int_eq(pg_ask(SCANS), scans);
}
END_TEST

START_TEST(text_that_is_no_utf8_is_stored_cleaned)
{
	struct line_new lines[] = { make_line("1.0", "a\xff\xc3z", false) };
	struct transcript t;

	answer("e1", lines, 1);
	history(1000, &t);
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
	static struct wait w[DURING];
	static char ids[DURING][ID_SIZE];
	char copy[96], url[112];
	struct journal *restored;
	struct stat st;
	size_t i, n = 0;

	for (i = 0; i < DURING; i++)
		(void)snprintf(ids[i], ID_SIZE, "e%zu", i);
	for (i = 0; i < BEFORE; i++)
		append(ids[i], ids[i]);
	for (; i < DURING; i++) {
		init_append(&w[i], ids[i], ids[i]);
		start(&w[i]);
	}
	(void)snprintf(copy, sizeof(copy), "%s/copy.db", scratch.dir);
	ck_assert_msg(store_backup(scratch.url, copy, &e) == 0, "%s", e.msg);
	for (i = BEFORE; i < DURING; i++)
		await(&w[i]);
	ck_assert_int_eq(stat(copy, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(store_backup(scratch.url, copy, &e), -1);
	ck_assert_int_eq(e.kind, ERR_INPUT);

	/* In its place, with the same key. */
	(void)snprintf(url, sizeof(url), "sqlite:%s", copy);
	restored = journal_create(url, scratch.keyring, ROOM, &e);
	ck_assert_msg(restored != NULL, "%s", e.msg);
	ck_assert_int_eq(journal_unfinished(restored, see_whole, &n, &e), 0);
	ck_assert_uint_ge(n, BEFORE);
	journal_free(restored);
}
END_TEST

static TCase *files(void)
{
	TCase *tc = tcase_create("files");

	tcase_add_checked_fixture(tc, setup_sqlite, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, full_disk_refuses_entries_until_there_is_room);
	tcase_add_test(tc, backup_taken_while_it_writes_is_a_store);
	return tc;
}

static TCase *server(void)
{
	TCase *tc = tcase_create("server");

	tcase_add_checked_fixture(tc, setup_postgres, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, server_that_restarts_costs_no_note);
	tcase_add_test(tc, idle_restart_of_the_server_is_not_noticed);
	tcase_add_test(tc, entry_whose_commit_was_in_doubt_is_forgotten);
	tcase_add_test(tc, end_whose_commit_was_not_heard_of_counts_once);
	tcase_add_test(tc, what_is_said_of_each_message_reads_no_whole_table);
	tcase_add_test(tc, text_that_is_no_utf8_is_stored_cleaned);
	tcase_add_test(tc, what_one_kind_of_note_meets_keeps_no_other_waiting);
	tcase_add_test(tc, what_all_notes_meet_is_waited_for);
	return tc;
}

/* What the records say, one line each: "id state verdict attempts post steps
 * parts kept;". */
static int print_record(const struct record *r, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	snprintf(out + n, 1000 - n, "%s %s %s %d %s [%s] %s %d;", r->id,
		 r->state, r->verdict ? r->verdict : "-", r->attempts,
		 r->post ? r->post : "-", r->steps, r->parts ? r->parts : "-",
		 r->kept);
	return 0;
}

static const char *found(const char *what)
{
	static char out[1000];
	struct store *s = scratch_open(&scratch, false);

	out[0] = '\0';
	ck_assert_msg(s->ops->records->find(s, what, print_record, out, &e) ==
			      0,
		      "%s", e.msg);
	s->ops->close(s);
	return out;
}

static const char *all_dead(void)
{
	static char out[1000];
	struct store *s = scratch_open(&scratch, false);

	out[0] = '\0';
	ck_assert_int_eq(s->ops->records->dead(s, print_record, out, &e), 0);
	s->ops->close(s);
	return out;
}

static void bury(const char *id, const char *event, const char *verdict)
{
	append(id, event);
	note(id, (struct note){ .state = ENTRY_ACCEPTED,
				.verdict = "accept",
				.tenant_id = acme,
				.post = "C1:1.2",
				.steps = "accept+3 ",
				.part_ts = "" });
	note(id, (struct note){ .answer = "whole", .part_ts = "1.3" });
	done(id, (struct note){ .state = ENTRY_DEAD,
				.verdict = verdict,
				.steps = "dead+9 " });
}

START_TEST(what_became_of_an_entry_is_found_by_all_its_names)
{
	static const char *const names[] = { "0123456789abcdef", "abcdef",
					     "Ev1", "C1:1.2" };
	size_t i;

	bury("0123456789abcdef", "Ev1", "failed:dead");
	append("other", "Ev2");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_str_eq(found(names[i]),
				 "0123456789abcdef dead failed:dead 0 C1:1.2"
				 " [accept+3 dead+9 ] 0 1.3 1;");
	ck_assert_str_eq(found("%"), "");
	ck_assert_str_eq(found("______"), "");
	ck_assert_str_eq(found("other"), "other new - 0 - [] - 1;");
}
END_TEST

START_TEST(crashes_are_counted_with_their_stage)
{
	append("e1", "Ev1");
	blame("e1");
	blame("e1");
	blame("nobody");
	ck_assert_str_eq(found("e1"), "e1 new - 2 - [crashed:asking+5000"
				      " crashed:asking+5000 ] - 1;");
	done("e1", (struct note){ 0 });
	blame("e1"); /* it is finished, whatever happened then */
	ck_assert_ptr_nonnull(strstr(found("e1"), "e1 done - 2 "));
}
END_TEST

START_TEST(steps_have_an_end)
{
	char steps[200];
	int i;

	memset(steps, 'x', sizeof(steps) - 1);
	steps[sizeof(steps) - 1] = '\0';
	append("e1", "Ev1");
	for (i = 0; i < 15; i++)
		note("e1", (struct note){ .steps = steps });
	ck_assert_int_eq(ask("SELECT length(steps) FROM journal"), STEPS_MAX);
}
END_TEST

static int replay(struct store *s, void *arg, struct err *err)
{
	int rc = s->ops->records->replay(s, arg, NOW + 9000, err);

	return rc == 1 ? 0 : err_set(err, ERR_INPUT, "got %d", rc);
}

static int drop(struct store *s, void *arg, struct err *err)
{
	int rc = s->ops->records->drop(s, arg, NOW + 9000, err);

	return rc == 1 ? 0 : err_set(err, ERR_INPUT, "got %d", rc);
}

static bool writes(int (*fn)(struct store *, void *, struct err *),
		   const char *id)
{
	struct wait w;

	write_with(fn, (void *)id, &w);
	run(&w);
	return w.r.ok;
}

START_TEST(dead_letter_begins_anew_where_it_was)
{
	struct journal_stats stats;
	struct unfinished u;

	bury("e1", "Ev1", _i ? "transient:timeout" : "failed:dead");
	append("e2", "Ev2");
	done("e2", (struct note){ .state = ENTRY_DEAD, .verdict = "dead:age" });
	assert_unfinished("");
	ck_assert(writes(replay, "e1"));
	ck_assert(writes(replay, "e2"));
	ck_assert(!writes(replay, "e1"));
	ck_assert_str_eq(all_dead(), "");
	journal_reopened(j, 2);
	journal_stats(j, &stats);
	ck_assert_uint_eq(stats.unfinished, 2);

	memset(&u, 0, sizeof(u));
	ck_assert_int_eq(journal_entry(j, "e1", collect, &u, &e), 1);
	ck_assert_int_eq(u.last.state, ENTRY_ACCEPTED);
	ck_assert_int_eq(u.last.replayed_ms, NOW + 9000);
	ck_assert_int_eq(u.last.attempts, 0);
	ck_assert_str_eq(u.last.verdict, "accept");
	ck_assert_str_eq(u.last.parts[0], "1.3");
	/* A sentence is no answer. */
	if (_i)
		ck_assert_str_eq(u.last.answer, "whole");
	else
		ck_assert_ptr_null(u.last.answer);
	entry_release(&u.last);

	memset(&u, 0, sizeof(u));
	ck_assert_int_eq(journal_entry(j, "e2", collect, &u, &e), 1);
	ck_assert_int_eq(u.last.state, ENTRY_NEW);
	ck_assert_ptr_null(u.last.verdict);
	entry_release(&u.last);
	ck_assert_int_eq(journal_entry(j, "e3", collect, &u, &e), 0);

	done("e1", (struct note){ 0 });
	journal_stats(j, &stats);
	ck_assert_uint_eq(stats.unfinished, 1);
}
END_TEST

START_TEST(dropped_dead_letter_is_only_told_of)
{
	bury("e1", "Ev1", "failed:dead");
	bury("e2", "Ev2", "failed:dead");
	ck_assert(writes(drop, "e1"));
	ck_assert(!writes(drop, "e1"));
	ck_assert(!writes(replay, "e1"));
	ck_assert_ptr_nonnull(strstr(found("e1"), "e1 done failed:dead"));
	ck_assert_ptr_nonnull(strstr(found("e1"), "dropped+9000 ] 0 1.3 0;"));
	ck_assert_int_eq(strncmp(all_dead(), "e2 dead", 7), 0);
	ck_assert(is_duplicate("e9", "Ev1"));
}
END_TEST

static int add_id(const char *id, void *arg)
{
	strcat(strcat(arg, id), " ");
	return 0;
}

/* Four of one thread; e1 is e2's and e3's answer, too. */
static void cover_two(void)
{
	static const char *const ids[] = { "e1", "e2", "e3", "e4" };
	char event[8];
	size_t i;

	for (i = 0; i < 4; i++) {
		(void)snprintf(event, sizeof(event), "Ev%zu", i + 1);
		append(ids[i], event);
		note(ids[i], (struct note){ .state = ENTRY_ACCEPTED,
					    .verdict = "accept",
					    .part_ts = "" });
	}
	note("e1", (struct note){ .covers = "e2 e3", .covers_ms = NOW + 500 });
}

static size_t unfinished_count(void)
{
	struct journal_stats stats;

	journal_stats(j, &stats);
	return stats.unfinished;
}

START_TEST(what_is_covered_comes_back_with_its_leader_only)
{
	struct unfinished u = { .ids = "" };

	cover_two();
	reopen();
	ck_assert_uint_eq(unfinished_count(), 4);
	assert_unfinished("e1 e4 ");
	ck_assert_int_eq(journal_entry(j, "e2", collect, &u, &e), 0);
	ck_assert_int_eq(journal_entry(j, "e1", collect, &u, &e), 1);
	ck_assert_uint_eq(u.last.ncovered, 2);
	ck_assert_str_eq(u.last.covered[0].id, "e2");
	ck_assert_str_eq(u.last.covered[1].id, "e3");
	ck_assert_str_eq(u.last.covered[1].frame, "{\"type\":\"events_api\"}");
	ck_assert_uint_eq(u.last.covered[1].frame_len,
			  strlen("{\"type\":\"events_api\"}"));
	ck_assert_ptr_nonnull(strstr(found("e2"), "covered+500 "));
	entry_release(&u.last);
}
END_TEST

START_TEST(what_is_covered_ends_with_its_leader)
{
	cover_two();
	done("e1", (struct note){ .verdict = "failed:error" });
	ck_assert_uint_eq(unfinished_count(), 1);
	assert_unfinished("e4 ");
	ck_assert_int_eq(ask("SELECT count(*) FROM pending"), 1);
	ck_assert_ptr_nonnull(strstr(found("e2"), "e2 done failed:error"));
	ck_assert_ptr_nonnull(strstr(found("e3"), " done+"));
	ck_assert(is_duplicate("e9", "Ev3"));
	/* Told again, as nobody may have heard of the commit. */
	done("e1", (struct note){ 0 });
	ck_assert_uint_eq(unfinished_count(), 1);
	reopen();
	ck_assert_uint_eq(unfinished_count(), 1);
}
END_TEST

START_TEST(dead_letters_that_were_to_be_answered_together_are_one)
{
	struct unfinished u = { .ids = "" };

	cover_two();
	done("e1",
	     (struct note){ .state = ENTRY_DEAD, .verdict = "dead:token" });
	assert_unfinished("e4 ");
	ck_assert_int_eq(strncmp(all_dead(), "e1 dead dead:token", 18), 0);
	ck_assert_ptr_null(strstr(all_dead(), "e2"));
	ck_assert_ptr_nonnull(strstr(found("e2"), "e2 dead dead:token"));
	ck_assert(!writes(replay, "e2"));
	ck_assert(writes(replay, "e1"));
	assert_unfinished("e1 e4 ");
	ck_assert_int_eq(journal_entry(j, "e1", collect, &u, &e), 1);
	ck_assert_uint_eq(u.last.ncovered, 2);
	entry_release(&u.last);
	done("e1", (struct note){ .state = ENTRY_DEAD });
	ck_assert(!writes(drop, "e2"));
	ck_assert(writes(drop, "e1"));
	ck_assert_str_eq(all_dead(), "");
	ck_assert_int_eq(ask("SELECT count(*) FROM pending"), 1);
}
END_TEST

START_TEST(what_is_covered_is_in_its_leaders_hands)
{
	struct store *s;
	char ids[200] = "";

	cover_two();
	s = scratch_open(&scratch, false);
	ck_assert_int_eq(
		s->ops->records->stale(s, NOW + 1, 100, add_id, ids, &e), 0);
	ck_assert_str_eq(ids, "e1 e4 ");
	s->ops->close(s);
}
END_TEST

START_TEST(nobody_is_covered_who_has_an_answer)
{
	append("e1", "Ev1");
	append("e2", "Ev2");
	done("e2", (struct note){ 0 });
	note("e1", (struct note){ .covers = "e2", .covers_ms = NOW });
	ck_assert_int_eq(ask("SELECT count(*) FROM journal WHERE leader IS"
			     " NOT NULL"),
			 0);
	assert_unfinished("e1 ");
}
END_TEST

START_TEST(what_is_unfinished_for_long_is_told)
{
	struct store *s = scratch_open(&scratch, false);
	char ids[200] = "";

	append("e1", "Ev1");
	append("e2", "Ev2");
	append("e3", "Ev3");
	done("e2", (struct note){ 0 });
	ck_assert_int_eq(s->ops->records->stale(s, NOW, 10, add_id, ids, &e),
			 0);
	ck_assert_str_eq(ids, "");
	ck_assert_int_eq(
		s->ops->records->stale(s, NOW + 1, 10, add_id, ids, &e), 0);
	ck_assert_str_eq(ids, "e1 e3 ");
	ids[0] = '\0';
	ck_assert_int_eq(s->ops->records->stale(s, NOW + 1, 1, add_id, ids, &e),
			 0);
	ck_assert_str_eq(ids, "e1 ");
	s->ops->close(s);
}
END_TEST

static TCase *records(void (*set_up)(void))
{
	TCase *tc = tcase_create("records");

	tcase_add_checked_fixture(tc, set_up, teardown);
	tcase_add_test(tc, what_became_of_an_entry_is_found_by_all_its_names);
	tcase_add_test(tc, crashes_are_counted_with_their_stage);
	tcase_add_test(tc, steps_have_an_end);
	tcase_add_loop_test(tc, dead_letter_begins_anew_where_it_was, 0, 2);
	tcase_add_test(tc, dropped_dead_letter_is_only_told_of);
	tcase_add_test(tc, what_is_covered_comes_back_with_its_leader_only);
	tcase_add_test(tc, what_is_covered_ends_with_its_leader);
	tcase_add_test(tc,
		       dead_letters_that_were_to_be_answered_together_are_one);
	tcase_add_test(tc, what_is_covered_is_in_its_leaders_hands);
	tcase_add_test(tc, nobody_is_covered_who_has_an_answer);
	tcase_add_test(tc, what_is_unfinished_for_long_is_told);
	return tc;
}

int main(void)
{
	static void (*const setups[])(void) = { setup_sqlite, setup_postgres };
	Suite *s = suite_create("journal");
	SRunner *sr = srunner_create(s);
	int nfailed;
	size_t i;

	pg = pg_start();
	for (i = 0; i < sizeof(setups) / sizeof(setups[0]); i++) {
		suite_add_tcase(s, entries(setups[i]));
		suite_add_tcase(s, turns(setups[i]));
		suite_add_tcase(s, thread(setups[i]));
		suite_add_tcase(s, records(setups[i]));
	}
	suite_add_tcase(s, files());
	suite_add_tcase(s, server());
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
