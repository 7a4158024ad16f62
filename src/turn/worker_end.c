/* SPDX-License-Identifier: ISC */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/wait.h"
#include "net/http.h"
#include "route/job.h"
#include "turn/names.h"
#include "turn/show.h"
#include "turn/turn.h"
#include "turn/worker.h"

/* How workers end: first no more is begun, then what is left is put down. */

#define DRAIN_POLL_MS 20

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
	unsigned int round;
	size_t busy;

	pthread_mutex_lock(&w->all->lock);
	w->asked = false;
	w->parting = w->all->parting;
	round = w->all->round;
	pthread_mutex_unlock(&w->all->lock);
	if (!w->draining) {
		w->draining = true;
		session_hurry(w);
	}
	busy = (errand_busy(w) ? 1 : 0) + (session_busy(w) ? 1 : 0);
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
	if (!w->closing || w->turns || w->errands || w->nspares > 0 ||
	    w->is_empty)
		return;
	w->is_empty = true;
	loop_post(w->loop, &w->emptied);
}

void worker_end_init(struct worker *w)
{
	w->drain.run = on_drain;
	w->close.run = on_close;
	w->emptied.run = on_emptied;
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
	struct timespec until = wait_until(ms);
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
