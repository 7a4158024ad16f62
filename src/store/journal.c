/* SPDX-License-Identifier: ISC */
#include "store/journal.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "base/metric.h"
#include "store/journal_ops.h"
#include "store/leases.h"
#include "store/spill.h"

#define BATCH_MAX 512

#define DAY_MS       (24 * INT64_C(3600000))
#define HISTORY_DAYS 7 /* unless told otherwise */

/*
 * With so many entries at work their notes come one by one: waiting a little
 * for the next ones makes one write to the disk of many. Below it an ack waits
 * for nobody.
 */
#define CROWD    500
#define CROWD_NS 5000000

/* The thread shows a sign of life at least so often. */
#define IDLE_MS 500

/* Expired rows go in steps that nobody notices. */
#define EXPIRE_ROWS      40
#define EXPIRE_ROWS_BUSY 20   /* while somebody waits */
#define EXPIRE_MS        1000 /* between steps when there is little */
#define EXPIRE_BUSY_MS   100  /* while there is more */
#define EXPIRE_FAIL_MS   60000

#define MOVE_FAIL_MS 5000 /* when the file of spilled entries is to blame */

/* Between tries to commit what must not be lost. */
static const int retry_ms[] = { 250, 500, 1000, 2000 };
#define RETRIES    (sizeof(retry_ms) / sizeof(retry_ms[0]))
#define LAST_TRIES 3 /* at the end */

static const struct journal_ops *const backends[] = { &journal_sqlite,
						      &journal_postgres };
static const size_t nbackends = sizeof(backends) / sizeof(backends[0]);

/* Requests in their order, those that the thread has taken on. */
struct list {
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

	pthread_mutex_t db_lock; /* whoever uses db, for a whole batch */
	struct journal_db *db;
	_Atomic(struct spill *) spill; /* NULL: none */
	void (*route)(struct entry *en, void *arg);
	void *route_arg;

	pthread_mutex_t stats_lock;
	struct journal_stats stats; /* all but queued and unfinished */

	/* The thread's own. */
	struct list todo;
	unsigned int failures; /* commits in a row */
	int64_t retry_at_ms;
	int64_t expire_at_ms;
	int64_t erase_at_ms;
	int64_t move_at_ms;
};

static void list_init(struct list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void list_add(struct list *l, struct node *n)
{
	n->next = NULL;
	*l->tail = n;
	l->tail = &n->next;
}

static struct node *list_take(struct list *l)
{
	struct node *n = l->head;

	if (!n)
		return NULL;
	l->head = n->next;
	if (!l->head)
		l->tail = &l->head;
	return n;
}

static void beat(struct journal *j)
{
	atomic_store(&j->beat_ms, clock_ms());
}

/* With several nodes it is set to what the store says from time to time, and
 * what was under way then may be counted already. */
static void count_down(struct journal *j, size_t n)
{
	size_t now = atomic_load(&j->unfinished);

	while (!atomic_compare_exchange_weak(&j->unfinished, &now,
					     now > n ? now - n : 0))
		;
}

/* With those that they cover. */
static size_t count_entries(const struct entry *entries, size_t n)
{
	size_t i, all = n;

	for (i = 0; i < n; i++)
		all += entries[i].ncovered;
	return all;
}

static void drop_entries(struct entry *entries, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		entry_release(&entries[i]);
	free(entries);
}

/* r belongs to its owner again, and may be gone when this returns. */
static void answer(struct journal *j, struct journal_req *r)
{
	struct entry *entries = r->entries;
	size_t n = r->nentries;

	if (r->kind == JOURNAL_APPEND &&
	    (!r->ok || r->duplicate || r->elsewhere))
		count_down(j, 1);
	if (r->kind == JOURNAL_CLAIM)
		atomic_fetch_add(&j->unfinished, count_entries(entries, n));
	atomic_fetch_sub(&j->queued, 1);
	r->done(r);
	drop_entries(entries, n);
}

/* What the last attempt, which was rolled back, has left in it. */
static void clear(struct journal_req *r)
{
	r->duplicate = r->elsewhere = r->lost = false;
	drop_entries(r->entries, r->nentries);
	r->entries = NULL;
	r->nentries = 0;
}

static void fail(struct journal *j, struct journal_req *r,
		 const struct err *why)
{
	r->ok = false;
	clear(r);
	if (r->err)
		*r->err = *why;
	answer(j, r);
}

/* It is taken at once if its partition is ours and those before it are. */
static int append(struct journal *j, struct journal_req *r, struct err *e)
{
	struct entry *en = r->entry;

	if (j->leases) {
		en->part = lease_part(en->app_id);
		en->epoch = lease_ready(j->leases, en->part);
	}
	return j->db->ops->append(j->db, r, e);
}

/* -1: the batch is lost. *finished counts entries that end. */
static int apply(struct journal *j, struct journal_req *r, size_t *finished,
		 struct err *e)
{
	const struct journal_ops *ops = j->db->ops;
	int rc = -1;

	clear(r);
	r->at_ms = clock_wall_ms();
	switch (r->kind) {
	case JOURNAL_APPEND:
		rc = append(j, r, e);
		break;
	case JOURNAL_NOTE:
		rc = ops->note(j->db, r, e);
		if (r->note.covers)
			killpoint("covering");
		break;
	case JOURNAL_DONE:
		rc = ops->done(j->db, r, r->at_ms, finished, e);
		killpoint("closing");
		break;
	case JOURNAL_WRITE:
		rc = ops->write(j->db, r, e);
		if (rc == 0 && r->err)
			*r->err = *e;
		break;
	case JOURNAL_CLAIM:
		rc = ops->claim(j->db, r, e);
		break;
	}
	r->ok = rc >= 0 && !(r->kind == JOURNAL_WRITE && rc == 0);
	return rc < 0 ? -1 : 0;
}

/* Of another kind a request's owner may be filling this in already. */
static bool has_audit(const struct journal_req *r)
{
	return (r->kind == JOURNAL_DONE || r->kind == JOURNAL_WRITE) &&
	       r->naudits > 0 && r->ok;
}

/* What is done is in the audit trail, in the same transaction. */
static int audit(struct journal *j, const struct list *batch, struct err *e)
{
	struct journal_req *r;
	size_t i = 0;
	struct node *n;

	for (n = batch->head; n; n = n->next, i++) {
		r = (struct journal_req *)n;
		if (has_audit(r) && j->db->ops->audit(j->db, r, i, e) < 0)
			return -1;
	}
	return 0;
}

/* *bad is the request whose own fault a failure is; NULL: nobody's. */
static int write_batch(struct journal *j, const struct list *batch,
		       size_t *finished, struct node **bad, struct err *e)
{
	const struct journal_ops *ops = j->db->ops;
	size_t i = SIZE_MAX;
	struct node *n;

	if (ops->begin(j->db, e) < 0)
		return -1;
	for (n = batch->head; n; n = n->next) {
		if (apply(j, (struct journal_req *)n, finished, e) == 0)
			continue;
		if (e->kind == ERR_INPUT)
			*bad = n;
		goto fail;
	}
	if (audit(j, batch, e) < 0)
		goto fail;
	killpoint("audited");
	if (ops->commit(j->db, &i, e) == 0)
		return 0;
	for (n = batch->head; n && i > 0 && i != SIZE_MAX; n = n->next)
		i--;
	if (i == 0)
		*bad = n;
fail:
	ops->rollback(j->db);
	return -1;
}

static void succeeded(struct journal *j, size_t rows, size_t finished,
		      int64_t took_us)
{
	if (j->failures > 0)
		log_info(NULL, "journal commits again");
	j->failures = 0;
	metric_took_us(METRIC_COMMIT, took_us);
	count_down(j, finished);
	pthread_mutex_lock(&j->stats_lock);
	j->stats.commits++;
	j->stats.rows += rows;
	j->stats.last_commit_us = took_us;
	j->stats.failing = false;
	j->stats.msg[0] = '\0';
	pthread_mutex_unlock(&j->stats_lock);
}

static void failed(struct journal *j, const struct err *e)
{
	size_t i = j->failures < RETRIES ? j->failures : RETRIES - 1;

	if (j->failures == 0)
		log_error(LOG_FIELDS({ "reason", e->msg }),
			  "journal cannot commit");
	j->failures++;
	j->retry_at_ms = clock_ms() + retry_ms[i];
	pthread_mutex_lock(&j->stats_lock);
	j->stats.failing = true;
	(void)snprintf(j->stats.msg, sizeof(j->stats.msg), "%s", e->msg);
	pthread_mutex_unlock(&j->stats_lock);
}

/* What can't go to the store goes to the spill, if there is one. Whoever
 * appended it has no more to do with it, but to ack it. */
static void spill(struct journal *j, struct list *appends, const struct err *e)
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
		r = (struct journal_req *)list_take(appends);
		if (!spilled) {
			fail(j, r, e);
			continue;
		}
		r->ok = true;
		r->elsewhere = !r->duplicate;
		answer(j, r);
	}
}

/* What was appended since mustn't overtake what is spilled. */
static void spill_todo(struct journal *j, const struct err *e)
{
	struct list todo = j->todo;
	struct list appends;
	struct node *n;

	if (!atomic_load(&j->spill))
		return;
	if (!todo.head)
		return;
	list_init(&appends);
	list_init(&j->todo);
	while (todo.head) {
		n = list_take(&todo);
		if (((struct journal_req *)n)->kind == JOURNAL_APPEND)
			list_add(&appends, n);
		else
			list_add(&j->todo, n);
	}
	spill(j, &appends, e);
}

/*
 * Who appends hears at once that it isn't on disk, nor spilled: Slack gets no
 * ack and sends it again. Notes tell of what has happened, so they are kept
 * and tried again, before all that comes later; unless it comes to an end.
 */
static void give_up(struct journal *j, struct list *batch, const struct err *e)
{
	bool all = atomic_load(&j->parting) && j->failures > LAST_TRIES;
	struct list kept, appends;
	struct node *n;
	struct journal_req *r;

	list_init(&kept);
	list_init(&appends);
	/* The batch stands before the rest. */
	*batch->tail = j->todo.head;
	while (batch->head) {
		n = list_take(batch);
		r = (struct journal_req *)n;
		if (r->kind == JOURNAL_APPEND)
			list_add(&appends, n);
		else if (all || r->kind == JOURNAL_WRITE ||
			 r->kind == JOURNAL_CLAIM)
			fail(j, r, e);
		else
			list_add(&kept, n);
	}
	j->todo = kept;
	if (!kept.head)
		j->todo.tail = &j->todo.head;
	spill(j, &appends, e);
}

/*
 * A row that the store will never take must not keep the others from theirs:
 * its owner hears of it, and they are tried again at once.
 */
static void sort_out(struct journal *j, struct list *batch,
		     const struct node *bad, const struct err *e)
{
	struct list rest;
	struct node *n;

	log_error(LOG_FIELDS({ "reason", e->msg }),
		  "journal cannot write a row");
	list_init(&rest);
	while (batch->head) {
		n = list_take(batch);
		if (n == bad)
			fail(j, (struct journal_req *)n, e);
		else
			list_add(&rest, n);
	}
	if (!rest.head)
		return;
	*rest.tail = j->todo.head;
	if (!j->todo.head)
		j->todo.tail = rest.tail;
	j->todo.head = rest.head;
}

static void commit_batch(struct journal *j)
{
	struct list batch;
	struct node *bad = NULL;
	struct err e = { 0 };
	size_t n, finished = 0;
	int64_t start;
	int rc;

	list_init(&batch);
	for (n = 0; n < BATCH_MAX && j->todo.head; n++)
		list_add(&batch, list_take(&j->todo));
	start = clock_us();
	pthread_mutex_lock(&j->db_lock);
	rc = write_batch(j, &batch, &finished, &bad, &e);
	pthread_mutex_unlock(&j->db_lock);
	if (rc < 0 && bad) {
		sort_out(j, &batch, bad, &e);
		return;
	}
	if (rc < 0) {
		failed(j, &e);
		give_up(j, &batch, &e);
		return;
	}
	succeeded(j, n, finished, clock_us() - start);
	while (batch.head)
		answer(j, (struct journal_req *)list_take(&batch));
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
	struct list batch;
	struct node *n;
	int rc;

	list_init(&batch);
	batch.head = spill_read(s, e);
	if (!batch.head)
		return e->msg[0] ? 1 : 0;
	for (n = batch.head; n; n = n->next)
		++*rows;
	rc = write_batch(j, &batch, &finished, &bad, e);
	if (rc < 0 && bad) {
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

/* Is there something to move, and is it time to try? */
static bool to_move(struct journal *j)
{
	struct spill *s = atomic_load(&j->spill);

	return s && spill_depth(s) > 0 && !atomic_load(&j->parting) &&
	       clock_ms() >= j->move_at_ms;
}

/* Before anything newer of this node. */
static void move(struct journal *j)
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
		failed(j, &e);
	else
		succeeded(j, rows, 0, clock_us() - start);
	if (spill_depth(s) > 0)
		spill_todo(j, &waits);
	else
		log_info(NULL, "spilled entries are moved");
}

static void expire(struct journal *j, int64_t now_ms)
{
	int max = queue_depth(j->queue) > 0 ? EXPIRE_ROWS_BUSY : EXPIRE_ROWS;
	struct err e = { 0 };
	int n;

	if (now_ms < j->expire_at_ms)
		return;
	n = j->db->ops->expire(j->db, clock_expiry_ms(),
			       atomic_load(&j->kept_ms), max, &e);
	if (n < 0) {
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot delete expired rows");
		j->expire_at_ms = now_ms + EXPIRE_FAIL_MS;
	} else {
		j->expire_at_ms =
			now_ms + (n < max ? EXPIRE_MS : EXPIRE_BUSY_MS);
	}
}

/* As all tenants have it. */
static void keep_of_all(struct journal *j, struct keep *out)
{
	int i;

	for (i = 0; i < KEEP_KINDS; i++)
		out->days[i] = atomic_load(&j->keep[i]);
}

/* What is kept of people has a pace of its own. */
static void erase(struct journal *j, int64_t now_ms)
{
	struct err e = { 0 };
	struct keep all;
	int n;

	if (now_ms < j->erase_at_ms || !atomic_load(&j->keeps))
		return;
	keep_of_all(j, &all);
	n = j->db->ops->erase(j->db, &all, clock_expiry_ms(), EXPIRE_ROWS, &e);
	if (n < 0)
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot erase what is kept no longer");
	j->erase_at_ms = now_ms + (n < 0   ? EXPIRE_FAIL_MS
				   : n > 0 ? EXPIRE_BUSY_MS
					   : EXPIRE_MS);
}

static void rest(struct journal *j)
{
	pthread_mutex_lock(&j->db_lock);
	expire(j, clock_ms());
	erase(j, clock_ms());
	j->db->ops->rest(j->db, queue_depth(j->queue) == 0);
	pthread_mutex_unlock(&j->db_lock);
}

/* Take on what has come; waits for it when there is nothing else to do. */
static void gather(struct journal *j, int timeout_ms)
{
	struct node *n, *next;

	for (n = queue_pop_all(j->queue, timeout_ms); n; n = next) {
		next = n->next;
		list_add(&j->todo, n);
	}
	beat(j);
}

/* After a failure nothing is tried until its time has come. */
static void wait_to_retry(struct journal *j)
{
	static const struct err away = { ERR_RETRY, 0, "the store is away" };
	int64_t left;

	while (j->failures > 0 && !queue_closed(j->queue)) {
		spill_todo(j, &away);
		left = j->retry_at_ms - clock_ms();
		if (left <= 0)
			return;
		gather(j, (int)left);
	}
}

static void let_gather(struct journal *j)
{
	static const struct timespec pause = { 0, CROWD_NS };

	if (atomic_load(&j->unfinished) < CROWD || queue_closed(j->queue))
		return;
	(void)nanosleep(&pause, NULL);
	gather(j, 0);
}

static void *run(void *arg)
{
	struct journal *j = arg;

	(void)pthread_setname_np(pthread_self(), "journal");
	for (;;) {
		wait_to_retry(j);
		gather(j, j->todo.head || to_move(j) ? 0 : IDLE_MS);
		if (to_move(j)) {
			move(j);
			if (j->failures > 0)
				continue;
		}
		if (j->todo.head)
			let_gather(j);
		if (j->todo.head)
			commit_batch(j);
		else if (queue_closed(j->queue))
			return NULL;
		if (j->failures == 0)
			rest(j);
	}
}

static struct journal_db *open_backend(const char *url, const struct keyring *k,
				       const struct journal_node *node,
				       struct err *e)
{
	const struct store_ops *store = store_find(url, e);
	size_t i;

	for (i = 0; store && i < nbackends; i++) {
		if (strcmp(backends[i]->name, store->name) == 0)
			return backends[i]->open(url, k, node, e);
	}
	if (store)
		err_set(e, ERR_INPUT, "'%s' keeps no journal", store->name);
	return NULL;
}

static int open_journal(struct journal *j, const char *url,
			const struct keyring *k,
			const struct journal_node *node, struct err *e)
{
	size_t n = 0;

	j->queue = queue_create();
	if (!j->queue)
		return err_set(e, ERR_RETRY, "cannot allocate journal");
	j->db = open_backend(url, k, node, e);
	if (!j->db)
		return -1;
	if (node) {
		j->leases = node->leases;
		return 0;
	}
	if (j->db->ops->count(j->db, &n, e) < 0)
		return -1;
	atomic_store(&j->unfinished, n);
	return 0;
}

static void free_parts(struct journal *j)
{
	spill_close(atomic_load(&j->spill));
	if (j->db)
		j->db->ops->close(j->db);
	queue_free(j->queue);
	pthread_mutex_destroy(&j->db_lock);
	pthread_mutex_destroy(&j->stats_lock);
	free(j);
}

struct journal *journal_create(const char *url, const struct keyring *k,
			       size_t room, struct err *e)
{
	return journal_create_node(url, k, room, NULL, e);
}

struct journal *journal_create_node(const char *url, const struct keyring *k,
				    size_t room, const struct journal_node *n,
				    struct err *e)
{
	struct journal *j;
	int rc;

	j = calloc(1, sizeof(*j));
	if (!j) {
		err_set(e, ERR_RETRY, "cannot allocate journal");
		return NULL;
	}
	(void)pthread_mutex_init(&j->db_lock, NULL);
	(void)pthread_mutex_init(&j->stats_lock, NULL);
	list_init(&j->todo);
	j->room = room;
	journal_set_history(j, HISTORY_DAYS);
	beat(j);
	if (open_journal(j, url, k, n, e) < 0)
		goto fail;
	rc = pthread_create(&j->thread, NULL, run, j);
	if (rc != 0) {
		err_set(e, ERR_RETRY, "cannot start journal thread: %s",
			strerror(rc));
		goto fail;
	}
	return j;
fail:
	free_parts(j);
	return NULL;
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

void journal_part(struct journal *j)
{
	if (j)
		atomic_store(&j->parting, true);
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	journal_part(j);
	queue_close(j->queue);
	(void)pthread_join(j->thread, NULL);
	free_parts(j);
}

void journal_set_keep(struct journal *j, const struct keep *all)
{
	int i;

	for (i = 0; i < KEEP_KINDS; i++)
		atomic_store(&j->keep[i], all->days[i]);
	atomic_store(&j->keeps, true);
}

void journal_set_history(struct journal *j, int days)
{
	atomic_store(&j->kept_ms, days * DAY_MS);
}

static size_t spilled(struct journal *j)
{
	struct spill *s = atomic_load(&j->spill);

	return s ? spill_depth(s) : 0;
}

static bool take_room(struct journal *j)
{
	if (atomic_fetch_add(&j->unfinished, 1) + spilled(j) < j->room &&
	    atomic_load(&j->crowd) < j->room)
		return true;
	count_down(j, 1);
	return false;
}

bool journal_submit(struct journal *j, struct journal_req *r)
{
	assert(r->done);
	if (r->kind == JOURNAL_APPEND && !take_room(j))
		return false;
	r->ok = false;
	r->duplicate = r->elsewhere = r->lost = false;
	r->entries = NULL;
	r->nentries = 0;
	atomic_fetch_add(&j->queued, 1);
	queue_push(j->queue, &r->node);
	return true;
}

int journal_unfinished(struct journal *j,
		       int (*fn)(struct entry *en, void *arg), void *arg,
		       struct err *e)
{
	int rc;

	pthread_mutex_lock(&j->db_lock);
	rc = j->db->ops->unfinished(j->db, fn, arg, e);
	pthread_mutex_unlock(&j->db_lock);
	return rc;
}

int journal_entry(struct journal *j, const char *id,
		  int (*fn)(struct entry *en, void *arg), void *arg,
		  struct err *e)
{
	int rc;

	pthread_mutex_lock(&j->db_lock);
	rc = j->db->ops->entry(j->db, id, fn, arg, e);
	pthread_mutex_unlock(&j->db_lock);
	return rc;
}

void journal_reopened(struct journal *j, size_t n)
{
	atomic_fetch_add(&j->unfinished, n);
}

void journal_set_unfinished(struct journal *j, size_t n)
{
	atomic_store(&j->unfinished, n);
}

void journal_set_crowd(struct journal *j, size_t n)
{
	atomic_store(&j->crowd, n);
}

void journal_stats(struct journal *j, struct journal_stats *out)
{
	pthread_mutex_lock(&j->stats_lock);
	*out = j->stats;
	pthread_mutex_unlock(&j->stats_lock);
	out->queued = atomic_load(&j->queued);
	out->spilled = spilled(j);
	out->unfinished = atomic_load(&j->unfinished) + out->spilled;
}

int64_t journal_beat_age(struct journal *j)
{
	return clock_ms() - atomic_load(&j->beat_ms);
}
