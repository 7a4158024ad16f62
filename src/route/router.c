/* SPDX-License-Identifier: ISC */
#include "route/router.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/killpoint.h"
#include "base/live.h"
#include "base/log.h"
#include "base/map.h"
#include "base/suspect.h"
#include "base/wait.h"
#include "route/inhand.h"
#include "route/message.h"
#include "route/routing.h"
#include "store/leases.h"

#define WAIT_MS        1000
#define BACKOFF_MS     250
#define BACKOFF_MAX_MS 5000

/* Everything that a thread does is a router_read in its queue. */
struct router_thread {
	struct router *router;
	struct store *store;
	struct queue *queue;
	pthread_t id;
	bool started;
	atomic_llong beat;

	/* Messages that couldn't be judged or written down, in order. */
	struct routing *parked;
	struct routing **tail;
	atomic_size_t nparked;
	int64_t retry_at;

	struct router_read wake;
	atomic_bool waking;
};

struct router {
	struct router_opts o;
	struct router_thread *threads;
	size_t n;

	pthread_mutex_t lock;
	pthread_cond_t idle; /* busy or acting came down to 0 */
	size_t busy;         /* messages on their way, parked ones aside */
	size_t acting;       /* calls out, to the journal or to dispatch */
	bool draining;       /* no message begins its way */
	bool closed;         /* no call out begins */
};

/* False once nothing more may begin; inside says that something has. */
static bool enter(struct router *r, bool inside)
{
	bool ok;

	pthread_mutex_lock(&r->lock);
	ok = inside || !r->draining;
	if (ok)
		r->busy++;
	pthread_mutex_unlock(&r->lock);
	return ok;
}

static void leave(struct router *r)
{
	pthread_mutex_lock(&r->lock);
	if (--r->busy == 0)
		pthread_cond_broadcast(&r->idle);
	pthread_mutex_unlock(&r->lock);
}

static bool act_begin(struct router *r)
{
	bool ok;

	pthread_mutex_lock(&r->lock);
	ok = !r->closed;
	if (ok)
		r->acting++;
	pthread_mutex_unlock(&r->lock);
	return ok;
}

static void act_end(struct router *r)
{
	pthread_mutex_lock(&r->lock);
	if (--r->acting == 0)
		pthread_cond_broadcast(&r->idle);
	pthread_mutex_unlock(&r->lock);
}

/* Those parked together are tried again together, by the first one's pace. */
static void park(struct router_thread *t, struct routing *rt)
{
	int64_t wait = BACKOFF_MAX_MS;

	if (rt->tries < 5)
		wait = BACKOFF_MS << rt->tries;
	if (wait > BACKOFF_MAX_MS)
		wait = BACKOFF_MAX_MS;
	if (!t->parked)
		t->retry_at = clock_ms() + wait;
	rt->tries++;
	rt->next = NULL;
	*t->tail = rt;
	t->tail = &rt->next;
	atomic_fetch_add(&t->nparked, 1);
	leave(t->router);
}

static void run_uncommitted(struct router_read *rd, struct store *s)
{
	struct routing *rt = (struct routing *)rd;

	(void)s;
	if (rt->tries == 0)
		log_warn(LOG_FIELDS({ "entry", rt->req.entry_id }),
			 "cannot write the verdict down: %s", rt->err.msg);
	park(rt->home, rt);
}

/*
 * On the journal thread. Without the commit nothing may be seen outside. A
 * job that comes too late for dispatch is taken up at the next start.
 */
static void on_committed(struct journal_req *req)
{
	struct routing *rt = req->arg;
	struct router *r = rt->home->router;

	if (!req->ok) {
		rt->rd.run = run_uncommitted;
		queue_push(rt->home->queue, &rt->rd.node);
		return;
	}
	if (rt->job && !req->lost && act_begin(r)) {
		killpoint("accepted");
		r->o.dispatch(rt->job, r->o.arg);
		rt->job = NULL;
		act_end(r);
	}
	routing_free(rt);
	leave(r);
}

static void submit(struct router_thread *t, struct routing *rt)
{
	if (!act_begin(t->router)) {
		park(t, rt);
		return;
	}
	rt->req.done = on_committed;
	rt->req.arg = rt;
	(void)journal_submit(t->router->o.journal, &rt->req);
	act_end(t->router);
}

static void decide(struct router *r, struct routing *rt)
{
	rt->conf = live_take(r->o.live, r->o.conf);
	(void)routing_decide(rt);
	live_drop(r->o.live, rt->conf);
	rt->conf = NULL;
}

static bool is_beside(const struct routing *p, const struct routing *rt)
{
	return p->hash == rt->hash && strcmp(p->thread, rt->thread) == 0;
}

/* It engages its thread: who waits for that is next. */
static void hurry(struct router_thread *t, const struct routing *rt)
{
	const struct routing *p;

	for (p = t->parked; p; p = p->next)
		if (p->idle_ms > 0 && is_beside(p, rt))
			t->retry_at = 0;
}

static void attempt(struct router_thread *t, struct routing *rt)
{
	/* Whoever has its partition now takes it from the journal. */
	if (lease_check(t->router->o.leases, rt->part, rt->epoch) ==
	    LEASE_LOST) {
		routing_free(rt);
		leave(t->router);
		return;
	}
	suspect_enter(rt->entry.id, "routing");
	rt->store = t->store;
	rt->now_ms = clock_wall_ms();
	if (rt->verdict == V_NEXT || rt->verdict == V_FAIL ||
	    rt->verdict == V_HOLD)
		decide(t->router, rt);
	if (rt->verdict == V_ACCEPT) {
		killpoint("gated");
		hurry(t, rt);
	}
	if (rt->verdict == V_FAIL || rt->verdict == V_HOLD ||
	    routing_settle(rt) < 0)
		park(t, rt);
	else
		submit(t, rt);
}

/* A follow-up must not be judged before what it follows; unless that is what
 * waits for this one. */
static bool is_behind(const struct router_thread *t, struct routing *rt)
{
	bool mention = rt->msg && rt->msg->mention;
	const struct routing *p;

	for (p = t->parked; p; p = p->next)
		if (is_beside(p, rt) && (p->idle_ms == 0 || !mention))
			break;
	/* They wait together, or each of many would have its time. */
	if (p && rt->idle_ms == 0)
		rt->idle_ms = p->idle_ms;
	return p != NULL;
}

static void run_routing(struct router_read *rd, struct store *s)
{
	struct routing *rt = (struct routing *)rd;

	(void)s;
	if (is_behind(rt->home, rt)) {
		park(rt->home, rt);
		return;
	}
	attempt(rt->home, rt);
	suspect_leave();
}

/* Under one more entry of its own, so that a drain waits for all of it. */
static void retry_all(struct router_thread *t)
{
	struct routing *rt = t->parked;
	struct routing *next;

	t->parked = NULL;
	t->tail = &t->parked;
	for (; rt; rt = next) {
		next = rt->next;
		atomic_fetch_sub(&t->nparked, 1);
		(void)enter(t->router, true);
		run_routing(&rt->rd, t->store);
		atomic_store(&t->beat, clock_ms());
	}
}

static void retry_parked(struct router_thread *t)
{
	if (!t->parked || clock_ms() < t->retry_at)
		return;
	if (!enter(t->router, false)) {
		t->retry_at = clock_ms() + WAIT_MS;
		return;
	}
	retry_all(t);
	leave(t->router);
}

/* The thread looks at what is parked after each read. */
static void run_wake(struct router_read *rd, struct store *s)
{
	struct router_thread *t =
		(struct router_thread *)(void *)((char *)rd -
						 offsetof(struct router_thread,
							  wake));

	(void)s;
	atomic_store(&t->waking, false);
	t->retry_at = 0;
}

void router_wake(struct router *r)
{
	struct router_thread *t;

	for (t = r->threads; t < r->threads + r->n; t++)
		if (atomic_load(&t->nparked) > 0 &&
		    !atomic_exchange(&t->waking, true))
			queue_push(t->queue, &t->wake.node);
}

static int wait_ms(const struct router_thread *t)
{
	int64_t left = t->retry_at - clock_ms();

	if (!t->parked || left > WAIT_MS)
		return WAIT_MS;
	return left > 0 ? (int)left : 0;
}

static void *thread_main(void *arg)
{
	struct router_thread *t = arg;
	struct router_read *rd;

	for (;;) {
		rd = (struct router_read *)queue_pop(t->queue, wait_ms(t));
		atomic_store(&t->beat, clock_ms());
		if (rd)
			rd->run(rd, t->store);
		else if (queue_closed(t->queue))
			return NULL;
		retry_parked(t);
	}
}

static void release_parked(struct router_thread *t)
{
	struct routing *rt, *next;

	for (rt = t->parked; rt; rt = next) {
		next = rt->next;
		routing_free(rt);
	}
}

static void stop_thread(struct router_thread *t)
{
	if (t->started) {
		queue_close(t->queue);
		pthread_join(t->id, NULL);
	}
	release_parked(t);
	queue_free(t->queue);
	if (t->store)
		t->store->ops->close(t->store);
}

/* What was begun is the caller's to stop, on failure too. */
static int start_thread(struct router *r, struct router_thread *t,
			struct err *e)
{
	const struct store_ops *ops = store_find(r->o.conf->store_url, e);
	int rc;

	t->router = r;
	t->wake.run = run_wake;
	t->tail = &t->parked;
	atomic_store(&t->beat, clock_ms());
	if (!ops)
		return -1;
	t->store = ops->open(r->o.conf->store_url, r->o.keyring, false, e);
	if (!t->store)
		return -1;
	t->queue = queue_create();
	if (!t->queue)
		return err_set(e, ERR_RETRY, "no memory for a queue");
	rc = pthread_create(&t->id, NULL, thread_main, t);
	if (rc != 0)
		return err_set(e, ERR_FATAL, "cannot start a router thread: %s",
			       strerror(rc));
	t->started = true;
	return 0;
}

static void router_release(struct router *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		stop_thread(&r->threads[i]);
	pthread_cond_destroy(&r->idle);
	pthread_mutex_destroy(&r->lock);
	free(r->threads);
	free(r);
}

struct router *router_create(const struct router_opts *o, struct err *e)
{
	struct router *r;
	size_t n = o->conf->routers > 0 ? (size_t)o->conf->routers : 1;

	r = calloc(1, sizeof(*r));
	if (!r) {
		err_set(e, ERR_RETRY, "cannot create router: no memory");
		return NULL;
	}
	r->o = *o;
	r->threads = calloc(n, sizeof(*r->threads));
	if (!r->threads || wait_init(&r->lock, &r->idle) < 0) {
		err_set(e, ERR_RETRY, "cannot create router: no memory");
		free(r->threads);
		free(r);
		return NULL;
	}
	while (r->n < n) {
		if (start_thread(r, &r->threads[r->n++], e) < 0) {
			router_release(r);
			return NULL;
		}
	}
	return r;
}

void router_drain(struct router *r, int64_t grace_ms)
{
	struct timespec until = wait_until(grace_ms);
	int rc = 0;

	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->draining = true;
	while (r->busy > 0 && rc == 0)
		rc = pthread_cond_timedwait(&r->idle, &r->lock, &until);
	r->closed = true;
	while (r->acting > 0)
		pthread_cond_wait(&r->idle, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

static void wait_idle(struct router *r)
{
	pthread_mutex_lock(&r->lock);
	r->draining = true;
	while (r->busy > 0)
		pthread_cond_wait(&r->idle, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

void router_free(struct router *r)
{
	if (!r)
		return;
	wait_idle(r);
	router_release(r);
}

void router_submit(struct router *r, struct entry *en, struct message *msg)
{
	struct routing *rt;
	struct router_thread *t;
	int64_t epoch = en->epoch;
	char id[ID_SIZE];

	if (!inhand_add_entry(en)) {
		entry_release(en);
		message_free(msg);
		return;
	}
	if (!enter(r, false)) {
		inhand_drop_entry(en);
		entry_release(en);
		message_free(msg);
		return;
	}
	(void)snprintf(id, sizeof(id), "%s", en->id);
	suspect_enter(id, "parsing");
	rt = routing_create(en, msg);
	suspect_leave();
	if (!rt) {
		inhand_drop(id, epoch);
		log_error(NULL, "no memory to route an entry");
		leave(r);
		return;
	}
	t = &r->threads[rt->hash % r->n];
	rt->home = t;
	rt->gate = r->o.gate;
	rt->journal = r->o.journal;
	rt->people = r->o.people;
	rt->look_up = r->o.look_up;
	rt->look_arg = r->o.arg;
	rt->ledger = r->o.ledger;
	rt->rd.run = run_routing;
	queue_push(t->queue, &rt->rd.node);
}

void router_read(struct router *r, const char *key, struct router_read *rd)
{
	queue_push(r->threads[hash_str(key) % r->n].queue, &rd->node);
}

size_t router_depth(struct router *r)
{
	size_t depth = 0;
	size_t i;

	for (i = 0; i < r->n; i++)
		depth += queue_depth(r->threads[i].queue) +
			 atomic_load(&r->threads[i].nparked);
	return depth;
}

int64_t router_beat_age(struct router *r)
{
	int64_t now = clock_ms();
	int64_t oldest = 0;
	int64_t age;
	size_t i;

	for (i = 0; i < r->n; i++) {
		age = now - atomic_load(&r->threads[i].beat);
		if (age > oldest)
			oldest = age;
	}
	return oldest;
}
