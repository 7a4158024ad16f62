/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "store/journal_in.h"
#include "store/spill.h"

#define MOVE_FAIL_MS 5000 /* when the file of spilled entries is to blame */
#define LAST_TRIES   3    /* to commit, at the end */

/* What can't go to the store goes to the spill, if there is one. Whoever
 * appended it has no more to do with it, but to ack it. */
static void spill(struct journal *j, struct reqs *appends, const struct err *e)
{
	struct spill *s = atomic_load(&j->spill);
	struct err own = { 0 };
	struct journal_req *r;
	bool spilled;

	if (!appends->head)
		return;
	spilled = s && spill_put(s, appends->head, &own) == 0;
	if (s && !spilled)
		log_error(LOG_FIELDS({ "reason", own.msg }),
			  "cannot spill entries");
	if (spilled)
		killpoint("spilled");
	while (appends->head) {
		r = (struct journal_req *)reqs_take(appends);
		if (!spilled) {
			reqs_fail(j, r, e);
			continue;
		}
		r->ok = true;
		r->elsewhere = !r->duplicate;
		reqs_answer(j, r);
	}
}

void away_spill(struct journal *j, const struct err *e)
{
	struct reqs todo = j->todo;
	struct reqs appends;
	struct node *n;

	if (!atomic_load(&j->spill))
		return;
	if (!todo.head)
		return;
	reqs_init(&appends);
	reqs_init(&j->todo);
	while (todo.head) {
		n = reqs_take(&todo);
		if (((struct journal_req *)n)->kind == JOURNAL_APPEND)
			reqs_add(&appends, n);
		else
			reqs_add(&j->todo, n);
	}
	spill(j, &appends, e);
}

/*
 * Who appends hears at once that it isn't on disk, nor spilled: Slack gets no
 * ack and sends it again. Notes tell of what has happened, so they are kept
 * and tried again, before all that comes later; unless it comes to an end.
 */
void away_give_up(struct journal *j, struct reqs *batch, const struct err *e)
{
	bool all = atomic_load(&j->parting) && j->failures > LAST_TRIES;
	struct reqs kept, appends;
	struct node *n;
	struct journal_req *r;

	reqs_init(&kept);
	reqs_init(&appends);
	/* The batch stands before the rest. */
	*batch->tail = j->todo.head;
	while (batch->head) {
		n = reqs_take(batch);
		r = (struct journal_req *)n;
		if (r->kind == JOURNAL_APPEND)
			reqs_add(&appends, n);
		else if (all || r->kind == JOURNAL_WRITE ||
			 r->kind == JOURNAL_CLAIM)
			reqs_fail(j, r, e);
		else
			reqs_add(&kept, n);
	}
	j->todo = kept;
	if (!kept.head)
		j->todo.tail = &j->todo.head;
	spill(j, &appends, e);
}

/* They are in the store; what is ours to work on goes on its way. */
static void moved(struct journal *j, struct node *head, bool route)
{
	struct journal_req *r;
	struct node *n;

	for (n = head; n; n = n->next) {
		r = (struct journal_req *)n;
		if (r->duplicate || r->elsewhere)
			continue;
		atomic_fetch_add(&j->unfinished, 1);
		free(r->entry->claim); /* was the news */
		r->entry->claim = NULL;
		if (route)
			j->route(r->entry, j->route_arg);
	}
}

/* One that the store will never take mustn't keep back all others. */
static int bury(struct spill *s, struct node *bad, struct err *e)
{
	struct node *rest = bad->next;
	int rc;

	log_error(
		LOG_FIELDS({ "reason", e->msg },
			   { "entry", ((struct journal_req *)bad)->entry->id }),
		"journal cannot write a spilled entry");
	bad->next = NULL;
	rc = spill_drop(s, bad, true, e);
	bad->next = rest;
	return rc;
}

/* From the spill to the store, the oldest first, as many as one batch takes.
 * Dropped only then, as a duplicate is nothing to worry about. -1: the store
 * didn't take them; 1: it's the spill that failed. */
static int move_batch(struct journal *j, struct spill *s, bool route,
		      size_t *rows, struct err *e)
{
	struct node *bad = NULL;
	size_t finished = 0;
	struct reqs batch;
	struct node *n;
	int rc;

	reqs_init(&batch);
	batch.head = spill_read(s, e);
	if (!batch.head)
		return e->msg[0] ? 1 : 0;
	for (n = batch.head; n; n = n->next)
		++*rows;
	rc = batch_write(j, &batch, &finished, &bad, e);
	if (rc < 0 && bad && e->kind == ERR_INPUT) {
		rc = bury(s, bad, e) < 0;
	} else if (rc == 0) {
		killpoint("moved");
		/* First, so that at no time they count as nothing. */
		moved(j, batch.head, route);
		rc = spill_drop(s, batch.head, false, e) < 0;
	}
	spill_free(batch.head);
	return rc;
}

bool away_to_move(struct journal *j)
{
	struct spill *s = atomic_load(&j->spill);

	return s && spill_depth(s) > 0 && !atomic_load(&j->parting) &&
	       clock_ms() >= j->move_at_ms;
}

/* Before anything newer of this node. */
void away_move(struct journal *j)
{
	static const struct err waits = { ERR_RETRY, 0,
					  "older entries are to be moved" };
	struct spill *s = atomic_load(&j->spill);
	struct err e = { 0 };
	int64_t start = clock_us();
	size_t rows = 0;
	int rc;

	pthread_mutex_lock(&j->db_lock);
	rc = move_batch(j, s, true, &rows, &e);
	pthread_mutex_unlock(&j->db_lock);
	if (rc > 0) {
		log_error(LOG_FIELDS({ "reason", e.msg }),
			  "cannot move spilled entries");
		j->move_at_ms = clock_ms() + MOVE_FAIL_MS;
		return;
	}
	if (rc < 0)
		batch_failed(j, &e);
	else
		batch_succeeded(j, rows, 0, clock_us() - start);
	if (spill_depth(s) > 0)
		away_spill(j, &waits);
	else
		log_info(NULL, "spilled entries are moved");
}

int journal_spill(struct journal *j, const char *path,
		  void (*route)(struct entry *en, void *arg), void *arg,
		  struct err *e)
{
	struct spill *s;
	size_t rows = 0;
	int rc = 0;

	if (!j->db->ops->remote)
		return 0;
	s = spill_open(path, e);
	if (!s)
		return -1;
	j->route = route;
	j->route_arg = arg;
	pthread_mutex_lock(&j->db_lock);
	while (rc == 0 && spill_depth(s) > 0)
		rc = move_batch(j, s, false, &rows, e);
	pthread_mutex_unlock(&j->db_lock);
	if (rc != 0) {
		spill_close(s);
		return -1;
	}
	if (rows > 0)
		log_info(NULL, "moved %zu entries that the last run spilled",
			 rows);
	atomic_store(&j->spill, s);
	return 0;
}
