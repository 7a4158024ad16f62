/* SPDX-License-Identifier: ISC */
#ifndef TESTS_BOOKS_H
#define TESTS_BOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "scratch.h"
#include "store/journal.h"

struct pg;
struct queue;

/*
 * For tests of what is written through the journal, on either store: the
 * journal, and the store behind it with the tenant of scratch_acme().
 * Failures end the test.
 */
struct books {
	struct scratch scratch;
	struct journal *j;
	struct store *st; /* for reading */
	char acme[ID_SIZE];
	struct queue *ended; /* requests that were answered, see books_end() */
	struct err e;
};

extern struct books books; /* of the test that runs */

/* Starts PostgreSQL: once in main(). */
const struct pg *books_begin(void);

#define BOOKS_ROOM 2000 /* of the journal */

/* Fixtures of a test case: one of the first two, and the last. */
void books_on_sqlite(void);
void books_on_postgres(void);
void books_close(void);

bool books_are_on_postgres(void);

/* The journal ends, and one begins on the same store. */
void books_reopen(void);

/* Waits until it is answered; r->ok says how. */
void books_run(struct journal_req *r);
/* The same, and it must go well. */
void books_must(struct journal_req *r);
/* A request's done(), if it isn't run by those two. */
void books_end(struct journal_req *r);

/* An entry of app A1 with this id, which is its event's too. */
void books_append(const char *id);

/* SQL as whoever has the database; the first column of the first row as a
 * number, 0 without one. */
int64_t books_ask(const char *sql);
/* And as text, "" without one. */
void books_tell(const char *sql, char *out, size_t size);

#endif
