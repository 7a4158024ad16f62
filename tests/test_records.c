/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "books.h"
#include "pen.h"
#include "store/record.h"

/* What became of an entry; dead letters; what is answered together. */

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
	struct store *s = scratch_open(&books.scratch, false);

	out[0] = '\0';
	ck_assert_msg(s->ops->records->find(s, what, print_record, out,
					    &books.e) == 0,
		      "%s", books.e.msg);
	s->ops->close(s);
	return out;
}

static const char *all_dead(void)
{
	static char out[1000];
	struct store *s = scratch_open(&books.scratch, false);

	out[0] = '\0';
	ck_assert_int_eq(s->ops->records->dead(s, print_record, out, &books.e),
			 0);
	s->ops->close(s);
	return out;
}

static void bury(const char *id, const char *event, const char *verdict)
{
	pen_append(id, event);
	pen_note(id, (struct note){ .state = ENTRY_ACCEPTED,
				    .verdict = "accept",
				    .tenant_id = books.acme,
				    .post = "C1:1.2",
				    .steps = "accept+3 ",
				    .part_ts = "" });
	pen_note(id, (struct note){ .answer = "whole", .part_ts = "1.3" });
	pen_done(id, (struct note){ .state = ENTRY_DEAD,
				    .verdict = verdict,
				    .steps = "dead+9 " });
}

START_TEST(what_became_of_an_entry_is_found_by_all_its_names)
{
	static const char *const names[] = { "0123456789abcdef", "abcdef",
					     "Ev1", "C1:1.2" };
	size_t i;

	bury("0123456789abcdef", "Ev1", "failed:dead");
	pen_append("other", "Ev2");
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
	pen_append("e1", "Ev1");
	pen_blame("e1");
	pen_blame("e1");
	pen_blame("nobody");
	ck_assert_str_eq(found("e1"), "e1 new - 2 - [crashed:asking+5000"
				      " crashed:asking+5000 ] - 1;");
	pen_done("e1", (struct note){ 0 });
	pen_blame("e1"); /* it is finished, whatever happened then */
	ck_assert_ptr_nonnull(strstr(found("e1"), "e1 done - 2 "));
}
END_TEST

START_TEST(steps_have_an_end)
{
	char steps[200];
	int i;

	memset(steps, 'x', sizeof(steps) - 1);
	steps[sizeof(steps) - 1] = '\0';
	pen_append("e1", "Ev1");
	for (i = 0; i < 15; i++)
		pen_note("e1", (struct note){ .steps = steps });
	ck_assert_int_eq(books_ask("SELECT length(steps) FROM journal"),
			 STEPS_MAX);
}
END_TEST

static int replay(struct store *s, void *arg, struct err *err)
{
	int rc = s->ops->records->replay(s, arg, PEN_NOW + 9000, err);

	return rc == 1 ? 0 : err_set(err, ERR_INPUT, "got %d", rc);
}

static int drop(struct store *s, void *arg, struct err *err)
{
	int rc = s->ops->records->drop(s, arg, PEN_NOW + 9000, err);

	return rc == 1 ? 0 : err_set(err, ERR_INPUT, "got %d", rc);
}

static bool writes(int (*fn)(struct store *, void *, struct err *),
		   const char *id)
{
	struct pen w;

	pen_set_write(&w, fn, (void *)id);
	pen_run(&w);
	return w.r.ok;
}

START_TEST(dead_letter_begins_anew_where_it_was)
{
	struct journal_stats stats;
	struct pen_left u;

	bury("e1", "Ev1", _i ? "transient:timeout" : "failed:dead");
	pen_append("e2", "Ev2");
	pen_done("e2",
		 (struct note){ .state = ENTRY_DEAD, .verdict = "dead:age" });
	pen_leaves("");
	ck_assert(writes(replay, "e1"));
	ck_assert(writes(replay, "e2"));
	ck_assert(!writes(replay, "e1"));
	ck_assert_str_eq(all_dead(), "");
	journal_reopened(books.j, 2);
	journal_stats(books.j, &stats);
	ck_assert_uint_eq(stats.unfinished, 2);

	memset(&u, 0, sizeof(u));
	ck_assert_int_eq(
		journal_entry(books.j, "e1", pen_collect, &u, &books.e), 1);
	ck_assert_int_eq(u.last.state, ENTRY_ACCEPTED);
	ck_assert_int_eq(u.last.replayed_ms, PEN_NOW + 9000);
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
	ck_assert_int_eq(
		journal_entry(books.j, "e2", pen_collect, &u, &books.e), 1);
	ck_assert_int_eq(u.last.state, ENTRY_NEW);
	ck_assert_ptr_null(u.last.verdict);
	entry_release(&u.last);
	ck_assert_int_eq(
		journal_entry(books.j, "e3", pen_collect, &u, &books.e), 0);

	pen_done("e1", (struct note){ 0 });
	journal_stats(books.j, &stats);
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
	ck_assert(pen_is_duplicate("e9", "Ev1"));
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
		pen_append(ids[i], event);
		pen_note(ids[i], (struct note){ .state = ENTRY_ACCEPTED,
						.verdict = "accept",
						.part_ts = "" });
	}
	pen_note("e1", (struct note){ .covers = "e2 e3",
				      .covers_ms = PEN_NOW + 500 });
}

static size_t unfinished_count(void)
{
	struct journal_stats stats;

	journal_stats(books.j, &stats);
	return stats.unfinished;
}

START_TEST(what_is_covered_comes_back_with_its_leader_only)
{
	struct pen_left u = { .ids = "" };

	cover_two();
	books_reopen();
	ck_assert_uint_eq(unfinished_count(), 4);
	pen_leaves("e1 e4 ");
	ck_assert_int_eq(
		journal_entry(books.j, "e2", pen_collect, &u, &books.e), 0);
	ck_assert_int_eq(
		journal_entry(books.j, "e1", pen_collect, &u, &books.e), 1);
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
	pen_done("e1", (struct note){ .verdict = "failed:error" });
	ck_assert_uint_eq(unfinished_count(), 1);
	pen_leaves("e4 ");
	ck_assert_int_eq(books_ask("SELECT count(*) FROM pending"), 1);
	ck_assert_ptr_nonnull(strstr(found("e2"), "e2 done failed:error"));
	ck_assert_ptr_nonnull(strstr(found("e3"), " done+"));
	ck_assert(pen_is_duplicate("e9", "Ev3"));
	/* Told again, as nobody may have heard of the commit. */
	pen_done("e1", (struct note){ 0 });
	ck_assert_uint_eq(unfinished_count(), 1);
	books_reopen();
	ck_assert_uint_eq(unfinished_count(), 1);
}
END_TEST

START_TEST(dead_letters_that_were_to_be_answered_together_are_one)
{
	struct pen_left u = { .ids = "" };

	cover_two();
	pen_done("e1",
		 (struct note){ .state = ENTRY_DEAD, .verdict = "dead:token" });
	pen_leaves("e4 ");
	ck_assert_int_eq(strncmp(all_dead(), "e1 dead dead:token", 18), 0);
	ck_assert_ptr_null(strstr(all_dead(), "e2"));
	ck_assert_ptr_nonnull(strstr(found("e2"), "e2 dead dead:token"));
	ck_assert(!writes(replay, "e2"));
	ck_assert(writes(replay, "e1"));
	pen_leaves("e1 e4 ");
	ck_assert_int_eq(
		journal_entry(books.j, "e1", pen_collect, &u, &books.e), 1);
	ck_assert_uint_eq(u.last.ncovered, 2);
	entry_release(&u.last);
	pen_done("e1", (struct note){ .state = ENTRY_DEAD });
	ck_assert(!writes(drop, "e2"));
	ck_assert(writes(drop, "e1"));
	ck_assert_str_eq(all_dead(), "");
	ck_assert_int_eq(books_ask("SELECT count(*) FROM pending"), 1);
}
END_TEST

START_TEST(what_is_covered_is_in_its_leaders_hands)
{
	struct store *s;
	char ids[200] = "";

	cover_two();
	s = scratch_open(&books.scratch, false);
	ck_assert_int_eq(s->ops->records->stale(s, PEN_NOW + 1, 100, add_id,
						ids, &books.e),
			 0);
	ck_assert_str_eq(ids, "e1 e4 ");
	s->ops->close(s);
}
END_TEST

START_TEST(nobody_is_covered_who_has_an_answer)
{
	pen_append("e1", "Ev1");
	pen_append("e2", "Ev2");
	pen_done("e2", (struct note){ 0 });
	pen_note("e1", (struct note){ .covers = "e2", .covers_ms = PEN_NOW });
	ck_assert_int_eq(books_ask(
				 "SELECT count(*) FROM journal WHERE leader IS"
				 " NOT NULL"),
			 0);
	pen_leaves("e1 ");
}
END_TEST

START_TEST(what_is_unfinished_for_long_is_told)
{
	struct store *s = scratch_open(&books.scratch, false);
	char ids[200] = "";

	pen_append("e1", "Ev1");
	pen_append("e2", "Ev2");
	pen_append("e3", "Ev3");
	pen_done("e2", (struct note){ 0 });
	ck_assert_int_eq(s->ops->records->stale(s, PEN_NOW, 10, add_id, ids,
						&books.e),
			 0);
	ck_assert_str_eq(ids, "");
	ck_assert_int_eq(s->ops->records->stale(s, PEN_NOW + 1, 10, add_id, ids,
						&books.e),
			 0);
	ck_assert_str_eq(ids, "e1 e3 ");
	ids[0] = '\0';
	ck_assert_int_eq(s->ops->records->stale(s, PEN_NOW + 1, 1, add_id, ids,
						&books.e),
			 0);
	ck_assert_str_eq(ids, "e1 ");
	s->ops->close(s);
}
END_TEST

static TCase *records(void (*set_up)(void))
{
	TCase *tc = tcase_create("records");

	tcase_add_checked_fixture(tc, set_up, books_close);
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
	static void (*const setups[])(void) = { books_on_sqlite,
						books_on_postgres };
	Suite *s = suite_create("records");
	SRunner *sr = srunner_create(s);
	int nfailed;
	size_t i;

	books_begin();
	for (i = 0; i < sizeof(setups) / sizeof(setups[0]); i++)
		suite_add_tcase(s, records(setups[i]));
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
