/* SPDX-License-Identifier: ISC */
#include "turn/worker.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/container.h"
#include "base/err.h"
#include "base/map.h"
#include "base/queue.h"
#include "base/wait.h"
#include "net/http.h"
#include "route/job.h"
#include "turn/names.h"
#include "turn/read.h"
#include "turn/turn.h"

#define WORKERS_MAX 64
#define TIDY_MS     30000

/* Since the sweep for such may have been before it came. */
static bool is_lost(const struct worker *w, const struct job *j)
{
	return lease_check(w->leases, j->entry.part, j->entry.epoch) ==
	       LEASE_LOST;
}

static void take_jobs(struct loop_task *task)
{
	struct worker *w = container_of(task, struct worker, wake);
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
	struct worker *w = container_of(task, struct worker, lost);

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

static void hold(struct worker *w, const struct worker_opts *o)
{
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
}

static int make_tools(struct worker *w, struct err *e)
{
	w->inbox = queue_create();
	w->wanted = queue_create();
	w->lanes = lanes_create();
	w->conns = map_create(0);
	w->channels = map_create(0);
	w->names = names_create(w->http, w->conf->slack_api_url, on_names, w);
	w->tidy = loop_timer_create(w->loop, on_tidy, w);
	if (!w->inbox || !w->wanted || !w->lanes || !w->conns || !w->channels ||
	    !w->names || !w->tidy)
		return err_set(e, ERR_RETRY, "cannot make worker: no memory");
	return 0;
}

static int worker_init(struct workers *ws, size_t i,
		       const struct worker_opts *o, struct err *e)
{
	struct http_opts ho = { .way = &o->conf->slack_way, .box = o->way };
	struct worker *w = &ws->w[i];
	char name[32];

	hold(w, o);
	w->count = &ws->count;
	w->all = ws;
	w->wake.run = take_jobs;
	w->lost.run = on_lost;
	worker_end_init(w);
	(void)snprintf(name, sizeof(name), "worker-%zu", i);
	w->loop = loop_create(name, e);
	if (!w->loop)
		return -1;
	w->http = http_create(w->loop, &ho, e);
	if (!w->http || make_tools(w, e) < 0)
		return -1;
	loop_timer_set(w->tidy, TIDY_MS);
	if (loop_start(w->loop, e) < 0)
		return -1;
	w->started = true;
	return 0;
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

struct workers *workers_create(const struct worker_opts *o, struct err *e)
{
	struct workers *ws;
	size_t i;

	ws = calloc(1, sizeof(*ws));
	if (!ws)
		goto fail_memory;
	ws->n = how_many(o->conf);
	ws->w = calloc(ws->n, sizeof(*ws->w));
	if (!ws->w || wait_init(&ws->lock, &ws->changed) < 0)
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
