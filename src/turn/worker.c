/* SPDX-License-Identifier: ISC */
#include "turn/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/queue.h"
#include "net/http.h"
#include "route/job.h"
#include "turn/names.h"
#include "turn/turn.h"

#define WORKERS_MAX   64
#define TIDY_MS       30000
#define DRAIN_POLL_MS 20

struct workers {
	struct worker *w;
	size_t n;
	struct counters count;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int round; /* of asking how busy they are */
	size_t answered;    /* workers that said how busy they are */
	size_t closed;      /* workers that have nothing left */
	size_t busy;        /* turns that a drain waits for, as they said */
	bool parting;       /* the grace of a drain is over */
};

/* Since the sweep for such may have been before it came. */
static bool is_lost(const struct worker *w, const struct job *j)
{
	return lease_check(w->leases, j->entry.part, j->entry.epoch) ==
	       LEASE_LOST;
}

static void take_jobs(struct loop_task *task)
{
	struct worker *w =
		(struct worker *)((char *)task - offsetof(struct worker, wake));
	struct node *n, *next;
	struct job *j;

	atomic_store(&w->waking, false);
	look_up_take(w);
	for (n = queue_pop_all(w->inbox, 0); n; n = next) {
		next = n->next;
		j = (struct job *)n;
		/* A turn that may not begin any more waits for the next start,
		 * and so does a signal; a notice would never be said. */
		if (w->closing || (w->parting && j->kind != JOB_NOTICE) ||
		    is_lost(w, j))
			job_free(j);
		else if (j->kind == JOB_NOTICE)
			notice_start(w, j);
		else if (j->kind == JOB_SIGNAL)
			signal_start(w, j);
		else
			turn_start(w, j);
	}
}

void workers_submit(struct workers *ws, struct job *j)
{
	struct worker *w = worker_of(ws, j->connection.app_id);

	queue_push(w->inbox, &j->node);
	worker_wake(w);
}

void worker_wake(struct worker *w)
{
	if (!atomic_exchange(&w->waking, true))
		loop_post(w->loop, &w->wake);
}

struct worker *worker_of(struct workers *ws, const char *app_id)
{
	return &ws->w[hash_str(app_id) % ws->n];
}

static void on_lost(struct loop_task *task)
{
	struct worker *w =
		(struct worker *)((char *)task - offsetof(struct worker, lost));

	atomic_store(&w->losing, false);
	turns_lost(w);
	errands_lost(w);
}

void workers_lost(struct workers *ws)
{
	struct worker *w;

	for (w = ws->w; w < ws->w + ws->n; w++) {
		if (!atomic_exchange(&w->losing, true))
			loop_post(w->loop, &w->lost);
	}
}

static void on_tidy(void *arg)
{
	struct worker *w = arg;

	conn_tidy(w, clock_ms());
	loop_timer_set(w->tidy, TIDY_MS);
}

static void on_names(void *arg)
{
	read_names_changed(arg);
	look_up_changed(arg);
}

/* What lives on the loop; on its thread, or when that never ran. */
static void worker_close(struct worker *w)
{
	look_up_drop_all(w);
	session_free_all(w);
	names_free(w->names);
	conn_free_all(w);
	lanes_free(w->lanes);
	loop_timer_free(w->tidy);
	http_free(w->http);
	w->names = NULL;
	w->lanes = NULL;
	w->conns = w->channels = NULL;
	w->tidy = NULL;
	w->http = NULL;
}

/* How busy it is; too late, if it was asked again meanwhile. */
static void tell_busy(struct workers *ws, unsigned int round, size_t busy)
{
	pthread_mutex_lock(&ws->lock);
	if (round == ws->round) {
		ws->busy += busy;
		ws->answered++;
		pthread_cond_signal(&ws->changed);
	}
	pthread_mutex_unlock(&ws->lock);
}

static void on_drain(struct loop_task *task)
{
	struct worker *w = (struct worker *)((char *)task -
					     offsetof(struct worker, drain));
	struct turn *t;
	size_t busy = (errand_busy(w) ? 1 : 0) + (session_busy(w) ? 1 : 0);
	unsigned int round;

	pthread_mutex_lock(&w->all->lock);
	w->asked = false;
	w->parting = w->all->parting;
	round = w->all->round;
	pthread_mutex_unlock(&w->all->lock);
	w->draining = true;
	for (t = w->turns; t; t = t->next) {
		if (w->parting || !turn_busy(t))
			park_start(t);
		busy += w->parting ? park_busy(t) : turn_busy(t);
	}
	tell_busy(w->all, round, busy);
}

static void on_close(struct loop_task *task)
{
	struct worker *w = (struct worker *)((char *)task -
					     offsetof(struct worker, close));
	struct turn *t, *next;

	w->draining = w->closing = true;
	errands_abandon(w);
	for (t = w->turns; t; t = next) {
		next = t->next;
		turn_abandon(t);
	}
	worker_emptied(w);
}

static void on_emptied(struct loop_task *task)
{
	struct worker *w = (struct worker *)((char *)task -
					     offsetof(struct worker, emptied));

	worker_close(w);
	pthread_mutex_lock(&w->all->lock);
	w->all->closed++;
	pthread_cond_signal(&w->all->changed);
	pthread_mutex_unlock(&w->all->lock);
}

/* Not from here: what calls may stand on something that would be freed. */
void worker_emptied(struct worker *w)
{
	if (!w->closing || w->turns || w->errands || w->is_empty)
		return;
	w->is_empty = true;
	loop_post(w->loop, &w->emptied);
}

static int worker_init(struct workers *ws, size_t i,
		       const struct worker_opts *o, struct err *e)
{
	struct http_opts ho = { .way = &o->conf->slack_way, .box = o->way };
	struct worker *w = &ws->w[i];
	char name[32];

	w->conf = o->conf;
	w->live = o->live;
	w->llm = o->llm;
	w->journal = o->journal;
	w->router = o->router;
	w->engaged = o->engaged;
	w->quarantine = o->quarantine;
	w->leases = o->leases;
	w->ledger = o->ledger;
	w->people = o->people;
	w->count = &ws->count;
	w->all = ws;
	w->wake.run = take_jobs;
	w->lost.run = on_lost;
	w->drain.run = on_drain;
	w->close.run = on_close;
	w->emptied.run = on_emptied;
	(void)snprintf(name, sizeof(name), "worker-%zu", i);
	w->loop = loop_create(name, e);
	if (!w->loop)
		return -1;
	w->http = http_create(w->loop, &ho, e);
	if (!w->http)
		return -1;
	w->inbox = queue_create();
	w->wanted = queue_create();
	w->lanes = lanes_create();
	w->conns = map_create(0);
	w->channels = map_create(0);
	w->names = names_create(w->http, o->conf->slack_api_url, on_names, w);
	w->tidy = loop_timer_create(w->loop, on_tidy, w);
	if (!w->inbox || !w->wanted || !w->lanes || !w->conns || !w->channels ||
	    !w->names || !w->tidy)
		return err_set(e, ERR_RETRY, "cannot make worker: no memory");
	loop_timer_set(w->tidy, TIDY_MS);
	if (loop_start(w->loop, e) < 0)
		return -1;
	w->started = true;
	return 0;
}

static struct timespec deadline_after(int64_t ms)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += (ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* A counter has come to n, or the time is over (NULL: never); then false. */
static bool wait_for(struct workers *ws, const size_t *counter, size_t n,
		     const struct timespec *until)
{
	bool ok;
	int rc = 0;

	pthread_mutex_lock(&ws->lock);
	while (*counter < n && rc == 0) {
		if (until)
			rc = pthread_cond_timedwait(&ws->changed, &ws->lock,
						    until);
		else
			rc = pthread_cond_wait(&ws->changed, &ws->lock);
	}
	ok = *counter >= n;
	pthread_mutex_unlock(&ws->lock);
	return ok;
}

/* False when they are still at it and the time is over. */
static bool poll_drain(struct workers *ws, const struct timespec *until,
		       size_t *busy)
{
	size_t i;

	pthread_mutex_lock(&ws->lock);
	ws->round++;
	ws->answered = ws->busy = 0;
	for (i = 0; i < ws->n; i++) {
		if (!ws->w[i].asked)
			loop_post(ws->w[i].loop, &ws->w[i].drain);
		ws->w[i].asked = true;
	}
	pthread_mutex_unlock(&ws->lock);
	if (!wait_for(ws, &ws->answered, ws->n, until))
		return false;
	/* All have told; nobody adds to it before the next round. */
	*busy = ws->busy;
	return true;
}

/* How many are still at it when all that time is over. */
static size_t drain_for(struct workers *ws, int64_t ms)
{
	struct timespec until = deadline_after(ms);
	struct timespec pause = { 0, DRAIN_POLL_MS * 1000000L };
	int64_t end = clock_ms() + ms;
	size_t busy = 0;

	while (poll_drain(ws, &until, &busy) && busy > 0 && clock_ms() < end)
		(void)nanosleep(&pause, NULL);
	return busy;
}

void workers_drain(struct workers *ws, int64_t grace_ms, int64_t park_ms)
{
	(void)drain_for(ws, grace_ms);
	pthread_mutex_lock(&ws->lock);
	ws->parting = true;
	pthread_mutex_unlock(&ws->lock);
	(void)drain_for(ws, park_ms);
	if (atomic_load(&ws->count.turns) > 0)
		log_info(NULL, "%zu turns go on after the next start",
			 atomic_load(&ws->count.turns));
}

/* The inbox of one that has stopped: jobs that came too late. */
static void worker_release(struct worker *w)
{
	struct node *n, *next;

	worker_close(w);
	if (w->loop)
		loop_stop(w->loop);
	loop_free(w->loop);
	for (n = w->inbox ? queue_pop_all(w->inbox, 0) : NULL; n; n = next) {
		next = n->next;
		job_free((struct job *)n);
	}
	queue_free(w->inbox);
	look_up_drop_wanted(w);
	queue_free(w->wanted);
}

void workers_free(struct workers *ws)
{
	size_t i, started = 0;

	if (!ws)
		return;
	for (i = 0; i < ws->n; i++) {
		if (!ws->w[i].started)
			continue;
		loop_post(ws->w[i].loop, &ws->w[i].close);
		started++;
	}
	(void)wait_for(ws, &ws->closed, started, NULL);
	for (i = 0; i < ws->n; i++)
		worker_release(&ws->w[i]);
	pthread_cond_destroy(&ws->changed);
	pthread_mutex_destroy(&ws->lock);
	free(ws->w);
	free(ws);
}

static size_t how_many(const struct conf *c)
{
	long n = c->workers;

	if (n <= 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1)
		n = 1;
	return n < WORKERS_MAX ? (size_t)n : WORKERS_MAX;
}

static int init_lock(struct workers *ws)
{
	pthread_condattr_t attr;

	if (pthread_mutex_init(&ws->lock, NULL) != 0)
		return -1;
	if (pthread_condattr_init(&attr) != 0)
		goto fail_lock;
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (pthread_cond_init(&ws->changed, &attr) != 0)
		goto fail_attr;
	pthread_condattr_destroy(&attr);
	return 0;

fail_attr:
	pthread_condattr_destroy(&attr);
fail_lock:
	pthread_mutex_destroy(&ws->lock);
	return -1;
}

struct workers *workers_create(const struct worker_opts *o, struct err *e)
{
	struct workers *ws;
	size_t i;

	ws = calloc(1, sizeof(*ws));
	if (!ws)
		goto fail_memory;
	ws->n = how_many(o->conf);
	ws->w = calloc(ws->n, sizeof(*ws->w));
	if (!ws->w || init_lock(ws) < 0)
		goto fail_alloc;
	for (i = 0; i < ws->n; i++) {
		if (worker_init(ws, i, o, e) < 0) {
			workers_free(ws);
			return NULL;
		}
	}
	return ws;

fail_alloc:
	free(ws->w);
	free(ws);
fail_memory:
	err_set(e, ERR_RETRY, "cannot make workers: no memory");
	return NULL;
}

void workers_stats(struct workers *ws, struct worker_stats *out)
{
	out->turns = atomic_load(&ws->count.turns);
	out->file_bytes = atomic_load(&ws->count.file_bytes);
	out->answers = atomic_load(&ws->count.answers);
	out->failures = atomic_load(&ws->count.failures);
	out->stopped = atomic_load(&ws->count.stopped);
	out->notices = atomic_load(&ws->count.notices);
	out->edits = atomic_load(&ws->count.edits);
	out->limited = atomic_load(&ws->count.limited);
}

int64_t workers_beat_age(struct workers *ws)
{
	int64_t age, oldest = 0;
	size_t i;

	for (i = 0; i < ws->n; i++) {
		age = loop_beat_age(ws->w[i].loop);
		if (age > oldest)
			oldest = age;
	}
	return oldest;
}
