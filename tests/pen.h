/* SPDX-License-Identifier: ISC */
#ifndef TESTS_PEN_H
#define TESTS_PEN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "books.h"
#include "store/journal.h"
#include "store/store.h"

struct journal_db;

/* What tests write into the books' journal, and what it has left to do. */

/* When entries come: what is of the past might expire meanwhile. */
#define PEN_NOW INT64_C(4102444800000)

/* A request that a test can wait for. */
struct pen {
	struct journal_req r; /* must be first */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool finished;
	struct err err;
	struct entry entry;
};

/* What it is to be; then it is started, and waited for, or both. */
void pen_set_append(struct pen *p, const char *id, const char *event);
struct pen *pen_set_note(struct pen *p, enum journal_kind kind, const char *id);
void pen_set_write(struct pen *p,
		   int (*fn)(struct store *, void *, struct err *), void *arg);
void pen_start(struct pen *p);
void pen_await(struct pen *p);
void pen_run(struct pen *p);
void pen_finish(struct journal_req *r); /* a pen's done() */

/* Each of these must go well. An entry of app A1; a note; the end; a crash. */
void pen_append(const char *id, const char *event);
bool pen_is_duplicate(const char *id, const char *event);
void pen_note(const char *id, struct note n);
void pen_done(const char *id, struct note n);
void pen_blame(const char *id);

/* A turn: question and answer, and what it cost. */
struct line_new pen_line(const char *ts, const char *text, bool ours);
void pen_answer(const char *id, const struct line_new *lines, size_t n);
/* Of the thread of these lines. */
void pen_history(size_t max_bytes, struct transcript *t);

/* The ids of the unfinished, and the last of them whole, to be released. */
struct pen_left {
	char ids[200];
	struct entry last;
};
struct pen_left pen_left(void);
int pen_collect(struct entry *en, void *left);
void pen_leaves(const char *ids); /* "e1 e2 " must be unfinished */

/* What is below a journal, when the books' own has ended; the caller's. */
struct journal_db *pen_db(void);

/* For claims(): "key=entry:verdict " of each, into 300 bytes. */
int pen_list_claim(const char *key, const char *entry, const char *verdict,
		   void *list);

#endif
