/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "books.h"
#include "pen.h"
#include "store/postgres_journal.h"

#define HOUR_MS INT64_C(3600000)

/* What is kept of turns: the thread, its agent, usage; and what becomes of it.
 */

static int put_agent(struct store *s, void *name, struct err *why)
{
	struct agent a = { .tenant_id = books.acme,
			   .id = name,
			   .name = name,
			   .active = true };

	return s->ops->agent_put(s, &a, why);
}

static int drop_agent(struct store *s, void *name, struct err *why)
{
	return s->ops->agent_remove(s, books.acme, name, why);
}

static void change(int (*fn)(struct store *, void *, struct err *),
		   const char *agent)
{
	struct pen w;

	pen_set_write(&w, fn, (void *)agent);
	pen_run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
}

static void expect_agent(const char *thread, const char *want)
{
	struct store *st = scratch_open(&books.scratch, false);
	struct agent a;

	ck_assert_int_eq(
		st->ops->agent(st, books.acme, "C1", thread, &a, &books.e), 1);
	ck_assert_str_eq(a.name, want);
	agent_release(&a);
	st->ops->close(st);
}

START_TEST(thread_stays_with_the_agent_that_began_it)
{
	struct line_new lines[] = { pen_line("1.0", "why?", false),
				    pen_line("1.1", "because", true) };
	struct line_new more[] = { pen_line("1.2", "and?", false),
				   pen_line("1.3", "so", true) };

	change(put_agent, "Nils");
	change(put_agent, "Otto");
	expect_agent("1.0", "Mara");
	lines[1].agent_id = "Nils";
	more[1].agent_id = "Otto";
	pen_answer("id1", lines, 2);
	pen_answer("id2", more, 2);
	expect_agent("1.0", "Nils");
	expect_agent("1.5", "Mara");
	change(drop_agent, "Nils");
	expect_agent("1.0", "Mara");
}
END_TEST

START_TEST(turn_becomes_history_and_usage)
{
	struct line_new lines[] = { pen_line("1.0", "why?", false),
				    pen_line("1.1", "because", true) };
	struct transcript t;

	pen_answer("e1", lines, 2);
	pen_history(1000, &t);
	ck_assert_uint_eq(t.n, 2);
	ck_assert_str_eq(t.lines[0].text, "why?");
	ck_assert_str_eq(t.lines[0].name, "Ann");
	ck_assert(t.lines[1].ours);
	ck_assert_str_eq(t.lines[1].text, "because");
	transcript_release(&t);
	ck_assert_int_eq(books_ask(
				 "SELECT answers * 10000 + prompt_tokens * 100"
				 " + completion_tokens FROM usage"),
			 11005);
}
END_TEST

START_TEST(usage_adds_up)
{
	pen_answer("e1", NULL, 0);
	pen_answer("e2", NULL, 0);
	ck_assert_int_eq(books_ask("SELECT sum(answers) * 10000 +"
				   " sum(prompt_tokens) * 100 +"
				   " sum(completion_tokens) FROM usage"),
			 22010);
}
END_TEST

START_TEST(row_that_can_never_be_stored_keeps_no_other_waiting)
{
	struct usage_new u = { books.acme, "C1", "U1", "main", INT64_MAX, 5 };
	struct pen before, bad, after;

	pen_answer("e1", NULL, 0);
	pen_append("e2", "Ev2");
	pen_set_append(&before, "e3", "Ev3");
	pen_set_note(&bad, JOURNAL_DONE, "e2")->r.usage = &u;
	pen_set_append(&after, "e4", "Ev4");
	pen_start(&before);
	pen_start(&bad);
	pen_start(&after);
	pen_await(&before);
	pen_await(&bad);
	pen_await(&after);
	ck_assert(before.r.ok);
	ck_assert(bad.r.ok && bad.r.lost && bad.r.refused);
	ck_assert(after.r.ok && !after.r.refused);
	pen_leaves("e3 e4 ");
	ck_assert_int_eq(books_ask(
				 "SELECT count(*) FROM journal j JOIN pending p"
				 " USING (seq) WHERE j.id = 'e2' AND"
				 " j.state = 'dead' AND"
				 " j.verdict = 'dead:journal'"),
			 1);
	/* An append has nothing to set aside. */
	pen_set_append(&bad, "e3", "Ev5"); /* the id is there */
	pen_run(&bad);
	ck_assert(!bad.r.ok);
	ck_assert_int_eq(bad.err.kind, ERR_INPUT);
}
END_TEST

START_TEST(line_told_twice_is_kept_once)
{
	struct line_new lines[] = { pen_line("1.0", "why?", false),
				    pen_line("1.0", "why?", false) };
	struct transcript t;

	pen_answer("e1", lines, 2);
	pen_answer("e2", lines, 1);
	pen_history(1000, &t);
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
		pen_line("1700000000.000100", "old", false),
		pen_line("1700000500.000100", "older than asked for", false),
		pen_line("1700000900.000100", "in the thread of the first",
			 true),
		pen_line("1700000800.000100", "elsewhere", false)
	};
	char list[200] = "", none[200] = "";
	struct store *st;

	lines[1].thread = "2.0";
	lines[3].channel = "D1";
	pen_answer("e1", lines, 4);
	st = scratch_open(&books.scratch, false);
	ck_assert_int_eq(st->ops->threads(st, books.acme,
					  INT64_C(1700000600000), list_thread,
					  list, &books.e),
			 0);
	ck_assert_str_eq(list, "C1/1.0@1700000900.000100 "
			       "D1/1.0@1700000800.000100 ");
	ck_assert_int_eq(st->ops->threads(st, "other", 0, list_thread, none,
					  &books.e),
			 0);
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
	struct line_new lines[] = { pen_line("1.0", "first", false),
				    pen_line("1.1", "second", true),
				    pen_line("1.2", "third", false),
				    pen_line("1.3", "fourth", false) };
	char told[100] = "";
	struct transcript t;
	size_t i;

	pen_answer("e1", lines, 4);
	pen_history(strlen(rooms[_i].fit) + rooms[_i].names * strlen("Ann"),
		    &t);
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
	struct line_new line = pen_line("1.0", "first", false);
	struct transcript t;

	pen_answer("e1", &line, 1);
	pen_history(1, &t);
	ck_assert_uint_eq(t.n, 1);
	ck_assert(!t.gap);
	transcript_release(&t);
	pen_history(1000, &t);
	ck_assert_uint_eq(t.n, 1);
	ck_assert(!t.gap);
	transcript_release(&t);
}
END_TEST

/* By Slack's clock: at which second, and what the line says then. */
static const struct {
	int64_t at_ms;
	const char *text;
	const char *says;
} edits[] = {
	{ 2000, "second", "second" },       { 1000, "late", "second" },
	{ 2000, "once more", "once more" }, { 3000, "third", "third" },
	{ 0, "of no time", "third" },
};

static int put_line(struct store *s, void *arg, struct err *why)
{
	return s->ops->line_put(s, books.acme, "C1", "1.0", arg, why);
}

static void put_edit(int64_t at_ms, const char *text)
{
	struct line l = { .ts = (char[]){ "1.0" },
			  .text = (char *)text,
			  .edited_ms = at_ms };
	struct pen w;

	pen_set_write(&w, put_line, &l);
	pen_run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
}

static void check_line(const char *says, int64_t edited_ms)
{
	struct store *st = scratch_open(&books.scratch, false);
	struct line l;

	ck_assert_int_eq(st->ops->line(st, books.acme, "C1", "1.0", "1.0", &l,
				       &books.e),
			 says ? 1 : 0);
	if (says) {
		ck_assert_str_eq(l.text, says);
		ck_assert_int_eq(l.edited_ms, edited_ms);
		line_release(&l);
	}
	st->ops->close(st);
}

/* The first is the turn's own end, which knows of an edit. */
START_TEST(of_two_edits_the_later_one_counts_whichever_comes_last)
{
	struct line_new line = pen_line("1.0", "first", false);
	int64_t newest = 500;
	size_t i;

	line.line.edited_ms = newest;
	pen_answer("e1", &line, 1);
	check_line("first", newest);
	for (i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		put_edit(edits[i].at_ms, edits[i].text);
		if (edits[i].at_ms > newest)
			newest = edits[i].at_ms;
		check_line(edits[i].says, newest);
	}
	put_edit(0, NULL);
	check_line(NULL, 0);
	put_edit(4000, "after its deletion");
	check_line(NULL, 0);
}
END_TEST

static int remove_acme(struct store *s, void *arg, struct err *why)
{
	return s->ops->tenant_remove(s, arg, why);
}

static int leaving_token(char out[100])
{
	struct store *st = scratch_open(&books.scratch, false);
	struct connection c = { 0 };
	int rc = st->ops->leaving(st, "slack", "A1", "T1", &c, &books.e);

	ck_assert_msg(rc >= 0, "%s", books.e.msg);
	if (rc > 0) {
		(void)snprintf(out, 100, "%s", c.bot_token);
		ck_assert_str_eq(c.tenant_id, books.acme);
		ck_assert_str_eq(c.bot_user_id, "UBOT");
	}
	connection_release(&c);
	st->ops->close(st);
	return rc;
}

START_TEST(token_of_a_removed_tenant_is_there_while_something_is_unfinished)
{
	struct journal_db *db;
	struct pen w;
	char token[100];

	pen_append("e1", "Ev1");
	if (_i) {
		pen_note("e1", (struct note){ .state = ENTRY_ACCEPTED,
					      .tenant_id = books.acme });
		ck_assert_int_eq(leaving_token(token), 0);
	}
	pen_set_write(&w, remove_acme, (void *)"acme");
	pen_run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
	ck_assert_int_eq(leaving_token(token), _i);
	if (_i == 0)
		return;
	ck_assert_str_eq(token, "xoxb-one");
	db = pen_db();
	ck_assert_int_eq(db->ops->expire(db, clock_wall_ms() + 23 * HOUR_MS,
					 HOUR_MS, 9, &books.e),
			 0);
	ck_assert_int_eq(db->ops->expire(db, clock_wall_ms() + 25 * HOUR_MS,
					 HOUR_MS, 9, &books.e),
			 1);
	db->ops->close(db);
	ck_assert_int_eq(leaving_token(token), 0);
}
END_TEST

START_TEST(turn_of_a_removed_tenant_can_be_finished)
{
	struct line_new lines[] = { pen_line("1.0", "why?", false) };
	struct pen w;

	pen_set_write(&w, remove_acme, (void *)"acme");
	pen_run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
	pen_answer("e1", lines, 1);
	pen_leaves("");
	ck_assert_int_eq(books_ask("SELECT count(*) FROM transcript"), 0);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM usage"), 0);
}
END_TEST

START_TEST(removed_tenant_takes_its_threads_along_and_no_others)
{
	struct pen w;

	pen_append("e1", "Ev1");
	pen_note("e1", (struct note){ .engaged = "A1:T1:C1:1.0",
				      .engaged_ms = PEN_NOW });
	pen_note("e1", (struct note){ .engaged = "A1:T11:C1:1.0",
				      .engaged_ms = PEN_NOW });
	pen_set_write(&w, remove_acme, (void *)"acme");
	pen_run(&w);
	ck_assert(w.r.ok);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM engaged"), 1);
	ck_assert_int_eq(books_ask("SELECT key = 'A1:T11:C1:1.0' FROM engaged"),
			 1);
}
END_TEST

static int write_move(struct store *s, void *arg, struct err *err)
{
	return s->ops->channel_moved(s, arg, "A1", "T1", "C0", "C1", err);
}

static void move(void)
{
	struct pen w;

	pen_set_write(&w, write_move, books.acme);
	pen_run(&w);
	ck_assert_msg(w.r.ok, "%s", w.err.msg);
}

static int list_engaged(const char *key, int64_t at_ms, void *arg)
{
	size_t n = strlen(arg);

	(void)snprintf((char *)arg + n, 300 - n, "%s=%d ", key,
		       (int)(at_ms - PEN_NOW));
	return 0;
}

/* An entry of the channel that is still called C0. */
static void append_of_c0(void)
{
	struct pen w;

	pen_set_append(&w, "e1", "Ev1");
	w.entry.frame = (char *)"{\"channel\":\"C0\",\"text\":\"\\\"C0\\\"\"}";
	w.entry.frame_len = strlen(w.entry.frame);
	pen_run(&w);
	ck_assert(w.r.ok);
	pen_note("e1", (struct note){ .claim = "A1:T1:C0:1.0",
				      .post = "C0:1.0",
				      .verdict = "accept",
				      .engaged = "A1:T1:C0:1.0",
				      .engaged_ms = PEN_NOW });
}

static void append_of_others(void)
{
	pen_append("e2", "Ev2");
	pen_note("e2", (struct note){ .claim = "A1:T1:C01:1.0",
				      .post = "C01:1.0",
				      .verdict = "accept",
				      .engaged = "A1:T1:C01:1.0",
				      .engaged_ms = PEN_NOW });
	pen_note("e2", (struct note){ .engaged = "A2:T1:C0:1.0",
				      .engaged_ms = PEN_NOW });
}

START_TEST(what_is_kept_of_a_channel_moves_with_its_id)
{
	struct line_new line = pen_line("1.0", "why?", false);
	char claims[300] = "", engaged[300] = "";
	struct pen_left u = { .ids = "" };
	struct transcript t = { 0 };
	struct store *st;

	append_of_c0();
	append_of_others();
	line.channel = "C0";
	pen_answer("e3", &line, 1);
	move();
	move();
	pen_history(1000, &t);
	ck_assert_uint_eq(t.n, 1);
	transcript_release(&t);

	st = scratch_open(&books.scratch, false);
	ck_assert_int_eq(
		st->ops->claims(st, 0, pen_list_claim, claims, &books.e), 0);
	ck_assert_ptr_nonnull(strstr(claims, "A1:T1:C1:1.0=e1:accept"));
	ck_assert_ptr_nonnull(strstr(claims, "A1:T1:C01:1.0=e2:accept"));
	ck_assert_ptr_null(strstr(claims, "A1:T1:C0:"));
	ck_assert_int_eq(st->ops->engaged(st, PEN_NOW, list_engaged, engaged,
					  &books.e),
			 0);
	ck_assert_ptr_nonnull(strstr(engaged, "A1:T1:C1:1.0=0 "));
	ck_assert_ptr_nonnull(strstr(engaged, "A1:T1:C01:1.0=0 "));
	ck_assert_ptr_null(strstr(engaged, "A2:T1:C1:"));
	st->ops->close(st);
	ck_assert_int_eq(
		books_ask("SELECT count(*) FROM journal WHERE post = 'C1:1.0'"),
		1);
	ck_assert_int_eq(
		books_ask(
			"SELECT count(*) FROM journal WHERE post = 'C01:1.0'"),
		1);

	ck_assert_int_eq(
		journal_entry(books.j, "e1", pen_collect, &u, &books.e), 1);
	ck_assert_str_eq(u.last.frame,
			 "{\"channel\":\"C1\",\"text\":\"\\\"C0\\\"\"}");
	entry_release(&u.last);
}
END_TEST

static TCase *turns(void (*setup)(void))
{
	TCase *tc = tcase_create("turns");

	tcase_add_checked_fixture(tc, setup, books_close);
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
	tcase_add_test(tc,
		       of_two_edits_the_later_one_counts_whichever_comes_last);
	tcase_add_test(tc, turn_of_a_removed_tenant_can_be_finished);
	tcase_add_loop_test(
		tc,
		token_of_a_removed_tenant_is_there_while_something_is_unfinished,
		0, 2);
	tcase_add_test(tc,
		       removed_tenant_takes_its_threads_along_and_no_others);
	return tc;
}

int main(void)
{
	static void (*const setups[])(void) = { books_on_sqlite,
						books_on_postgres };
	Suite *s = suite_create("transcript");
	SRunner *sr = srunner_create(s);
	int nfailed;
	size_t i;

	books_begin();
	for (i = 0; i < sizeof(setups) / sizeof(setups[0]); i++)
		suite_add_tcase(s, turns(setups[i]));
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
