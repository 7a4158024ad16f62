/* SPDX-License-Identifier: ISC */
#include "books.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/queue.h"
#include "pg.h"

#define BUSY_MS 5000

struct books books;

static const struct pg *pg;

const struct pg *books_begin(void)
{
	pg = pg_start();
	return pg;
}

bool books_are_on_postgres(void)
{
	return strcmp(books.scratch.url, pg->url) == 0;
}

static void begin_journal(void)
{
	books.j = journal_create(books.scratch.url, books.scratch.keyring,
				 BOOKS_ROOM, &books.e);
	ck_assert_msg(books.j != NULL, "%s", books.e.msg);
}

static void open_books(void)
{
	struct store *w = scratch_open(&books.scratch, true);

	scratch_acme(w, books.acme);
	w->ops->close(w);
	books.e = (struct err){ 0 };
	books.ended = queue_create();
	ck_assert_ptr_nonnull(books.ended);
	begin_journal();
	books.st = scratch_open(&books.scratch, false);
}

void books_on_sqlite(void)
{
	scratch_make(&books.scratch);
	open_books();
}

void books_on_postgres(void)
{
	pg_empty();
	scratch_make_at(&books.scratch, pg->url);
	open_books();
}

void books_close(void)
{
	books.st->ops->close(books.st);
	journal_free(books.j);
	queue_free(books.ended);
	scratch_remove(&books.scratch);
}

void books_reopen(void)
{
	journal_free(books.j);
	begin_journal();
}

void books_end(struct journal_req *r)
{
	queue_push(books.ended, &r->node);
}

void books_run(struct journal_req *r)
{
	r->err = &books.e;
	r->done = books_end;
	ck_assert(journal_submit(books.j, r));
	(void)queue_pop(books.ended, -1);
}

void books_must(struct journal_req *r)
{
	books_run(r);
	ck_assert_msg(r->ok, "%s", books.e.msg);
}

void books_append(const char *id)
{
	struct entry en = { .app_id = (char *)"A1",
			    .event_id = (char *)id,
			    .frame = (char *)"{}",
			    .frame_len = 2 };
	struct journal_req r = { .kind = JOURNAL_APPEND, .entry = &en };

	(void)snprintf(en.id, sizeof(en.id), "%s", id);
	books_must(&r);
}

struct cell {
	bool seen;
	int64_t n;
	char text[1024];
};

static int take_first(void *arg, int n, char **cells, char **names)
{
	struct cell *c = arg;

	(void)n;
	(void)names;
	if (!c->seen && cells[0]) {
		c->n = strtoll(cells[0], NULL, 10);
		(void)snprintf(c->text, sizeof(c->text), "%s", cells[0]);
	}
	c->seen = true;
	return 0;
}

static void ask(const char *sql, struct cell *c)
{
	char *why = NULL;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(books.scratch.path, &db), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, BUSY_MS);
	ck_assert_msg(sqlite3_exec(db, sql, take_first, c, &why) == SQLITE_OK,
		      "%s: %s", sql, why);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

int64_t books_ask(const char *sql)
{
	struct cell c = { 0 };

	if (books_are_on_postgres())
		return pg_ask(sql);
	ask(sql, &c);
	return c.n;
}

static void take_cell(const char *const *cells, int n, void *arg)
{
	(void)take_first(arg, n, (char **)cells, NULL);
}

void books_tell(const char *sql, char *out, size_t size)
{
	struct cell c = { 0 };

	if (books_are_on_postgres())
		pg_each(sql, take_cell, &c);
	else
		ask(sql, &c);
	(void)snprintf(out, size, "%s", c.text);
}
