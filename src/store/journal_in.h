/* SPDX-License-Identifier: ISC */
#ifndef STORE_JOURNAL_IN_H
#define STORE_JOURNAL_IN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/queue.h"
#include "store/journal.h"
#include "store/journal_ops.h"

struct journal_gone;
struct spill;

/* What the files of the journal share; on its thread unless told otherwise. */

/* Requests in their order, those that the thread has taken on. */
struct reqs {
	struct node *head;
	struct node **tail;
};

struct journal {
	struct queue *queue;
	pthread_t thread;
	size_t room;
	const struct leases *leases; /* NULL: alone */
	atomic_size_t unfinished;
	atomic_size_t crowd; /* the same of all nodes, on average */
	atomic_size_t queued;
	atomic_llong beat_ms;
	atomic_llong kept_ms; /* a row, after its entry is finished */
	atomic_bool parting;
	atomic_int keep[KEEP_KINDS]; /* days */
	atomic_bool keeps;           /* those are set */
	atomic_int grace_days;       /* -1: not set */

	pthread_mutex_t db_lock; /* whoever uses db, for a whole batch */
	struct journal_db *db;
	_Atomic(struct spill *) spill; /* NULL: none */
	void (*route)(struct entry *en, void *arg);
	void *route_arg;

	pthread_mutex_t stats_lock;
	struct journal_stats stats; /* all but queued and unfinished */

	/* The thread's own. */
	struct reqs todo;
	unsigned int failures; /* commits in a row */
	unsigned int strange;  /* and those that were laid to one request */
	int64_t retry_at_ms;
	int64_t expire_at_ms;
	int64_t erase_at_ms;
	int64_t gone_at_ms;
	struct journal_gone *gone; /* NULL: none is looked after */
	int64_t tidy_at_ms;
	int64_t move_at_ms;
};

/* journal.c */

/* So many entries are finished. Any thread. */
void journal_count_down(struct journal *j, size_t n);

/* journal_reqs.c */

void reqs_init(struct reqs *l);
void reqs_add(struct reqs *l, struct node *n);
struct node *reqs_take(struct reqs *l); /* the first; NULL: there is none */
/* r belongs to its owner again, and may be gone when this returns. */
void reqs_answer(struct journal *j, struct journal_req *r);
/* The same, with an error. */
void reqs_fail(struct journal *j, struct journal_req *r, const struct err *why);
/* What the last attempt, which was rolled back, has left in it. */
void reqs_clear(struct journal_req *r);

/* journal_batch.c */

/*
 * One transaction, with db_lock held. *finished counts entries that end. -1
 * when it was rolled back: *bad is the request whose own fault that is; NULL:
 * nobody's.
 */
int batch_write(struct journal *j, const struct reqs *batch, size_t *finished,
		struct node **bad, struct err *e);
/* What became of one, for who looks at the journal, and for the next try. */
void batch_succeeded(struct journal *j, size_t rows, size_t finished,
		     int64_t took_us);
void batch_failed(struct journal *j, const struct err *e);
/* As much of todo as one takes. */
void batch_commit(struct journal *j);

/* journal_away.c: while the store can't be written to */

/* What the batch holds goes to the spill, back to its owner, or waits. */
void away_give_up(struct journal *j, struct reqs *batch, const struct err *e);
/* What was appended since mustn't overtake what is spilled. */
void away_spill(struct journal *j, const struct err *e);
/* Is there something to move from the spill, and is it time to try? */
bool away_to_move(struct journal *j);
void away_move(struct journal *j); /* one batch of it */

/* journal_rest.c: what has expired goes, when it is time. */
void journal_rest(struct journal *j);

/* journal_gone.c: a step of erasing what is of workspaces that an app was
 * taken out of, when it is time; with db_lock held. */
void journal_gone(struct journal *j, int64_t now_ms);
void journal_gone_free(struct journal *j);

/* journal_thread.c */

void *journal_run(void *journal);
void journal_beat(struct journal *j); /* a sign of life */

#endif
