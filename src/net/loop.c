/* SPDX-License-Identifier: ISC */
#include "net/loop.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/suspect.h"

#define BEAT_MS 1000

/*
 * How long loop_free() waits for what still closes, above all a name that the
 * resolver is thinking about: getaddrinfo() can't be interrupted.
 */
#define CLOSE_MS 2000

struct lookup {
	uv_getaddrinfo_t req;
	struct lookup *next;
	struct lookup **link;
	void (*done)(const struct loop_addrs *a, void *arg); /* NULL: nobody */
	void *arg;
};

struct loop {
	uv_loop_t uv;
	uv_async_t wake;
	uv_timer_t beat;
	char name[16];

	pthread_t tid;
	bool started; /* tid is to be joined */
	_Atomic int64_t beat_ms;
	struct lookup *lookups;

	pthread_mutex_t lock; /* of what follows */
	struct node *head;
	struct node **tail;
	bool stop;
};

struct loop_timer {
	uv_timer_t uv;
	void (*fn)(void *arg);
	void *arg;
};

static struct node *take_posted(struct loop *l, bool *stop)
{
	struct node *n;

	pthread_mutex_lock(&l->lock);
	n = l->head;
	l->head = NULL;
	l->tail = &l->head;
	*stop = l->stop;
	pthread_mutex_unlock(&l->lock);
	return n;
}

/*
 * One batch a turn, so that tasks which post tasks can't keep the sockets
 * waiting; when stopping, all there are.
 */
static void run_posted(struct loop *l)
{
	struct loop_task *t;
	struct node *n;
	bool stop;

	do {
		n = take_posted(l, &stop);
		if (!n)
			break;
		while (n) {
			t = (struct loop_task *)n;
			n = n->next;
			t->run(t);
			suspect_leave();
		}
	} while (stop);
	if (stop)
		uv_stop(&l->uv);
}

static void on_wake(uv_async_t *a)
{
	run_posted(a->data);
}

static void on_beat(uv_timer_t *t)
{
	struct loop *l = t->data;

	atomic_store(&l->beat_ms, clock_ms());
}

/* The handles are in l, so l must not be freed when this fails half way. */
static int init_uv(struct loop *l, struct err *e)
{
	int rc;

	rc = uv_loop_init(&l->uv);
	if (rc < 0)
		return err_set(e, ERR_FATAL, "cannot make event loop: %s",
			       uv_strerror(rc));
	rc = uv_async_init(&l->uv, &l->wake, on_wake);
	if (rc < 0) {
		uv_loop_close(&l->uv);
		return err_set(e, ERR_FATAL, "cannot make event loop: %s",
			       uv_strerror(rc));
	}
	l->wake.data = l;
	uv_timer_init(&l->uv, &l->beat);
	l->beat.data = l;
	uv_timer_start(&l->beat, on_beat, BEAT_MS, BEAT_MS);
	uv_unref((uv_handle_t *)&l->beat);
	return 0;
}

struct loop *loop_create(const char *name, struct err *e)
{
	struct loop *l;
	int rc;

	l = calloc(1, sizeof(*l));
	if (!l) {
		err_set(e, ERR_RETRY, "cannot make event loop: no memory");
		return NULL;
	}
	(void)snprintf(l->name, sizeof(l->name), "%s", name);
	l->tail = &l->head;
	atomic_store(&l->beat_ms, clock_ms());

	rc = pthread_mutex_init(&l->lock, NULL);
	if (rc != 0) {
		err_set(e, ERR_FATAL, "mutex: %s", strerror(rc));
		goto fail_alloc;
	}
	if (init_uv(l, e) < 0)
		goto fail_lock;
	return l;

fail_lock:
	pthread_mutex_destroy(&l->lock);
fail_alloc:
	free(l);
	return NULL;
}

static void *run_thread(void *arg)
{
	struct loop *l = arg;

	(void)pthread_setname_np(pthread_self(), l->name);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	return NULL;
}

int loop_start(struct loop *l, struct err *e)
{
	sigset_t all, old;
	int rc;

	/* Signals are the main thread's; libuv's own threads inherit this. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&l->tid, NULL, run_thread, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		return err_set(e, ERR_RETRY, "cannot start thread '%s': %s",
			       l->name, strerror(rc));
	l->started = true;
	return 0;
}

void loop_stop(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_mutex_unlock(&l->lock);
	uv_async_send(&l->wake);

	if (l->started && !pthread_equal(l->tid, pthread_self())) {
		pthread_join(l->tid, NULL);
		l->started = false;
	}
}

static void give_up(uv_timer_t *t)
{
	uv_stop(t->loop);
}

void loop_free(struct loop *l)
{
	struct lookup *k;

	if (!l)
		return;
	if (l->started)
		loop_stop(l);
	for (k = l->lookups; k; k = k->next) {
		k->done = NULL;
		uv_cancel((uv_req_t *)&k->req);
	}
	uv_close((uv_handle_t *)&l->wake, NULL);
	uv_timer_start(&l->beat, give_up, CLOSE_MS, 0);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&l->beat, NULL);
	uv_run(&l->uv, UV_RUN_NOWAIT);

	/* Something may still write to it: better a leak than a wild write. */
	if (uv_loop_close(&l->uv) < 0) {
		log_warn(LOG_FIELDS({ "loop", l->name }),
			 "event loop is left with open handles");
		return;
	}
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static bool stop_taken(struct loop *l, bool *more)
{
	bool stop;

	pthread_mutex_lock(&l->lock);
	stop = l->stop;
	l->stop = false;
	*more = l->head != NULL;
	pthread_mutex_unlock(&l->lock);
	return stop;
}

void loop_run_here(struct loop *l)
{
	bool more;

	/* Or the loop would never find that nothing is left. */
	uv_unref((uv_handle_t *)&l->wake);
	do {
		run_posted(l);
		uv_run(&l->uv, UV_RUN_DEFAULT);
	} while (!stop_taken(l, &more) && more);
	uv_ref((uv_handle_t *)&l->wake);
}

void loop_flush(struct loop *l)
{
	run_posted(l);
}

void loop_turn(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_NOWAIT);
}

void loop_post(struct loop *l, struct loop_task *t)
{
	bool first;

	t->node.next = NULL;
	pthread_mutex_lock(&l->lock);
	first = !l->head;
	*l->tail = &t->node;
	l->tail = &t->node.next;
	pthread_mutex_unlock(&l->lock);
	if (first)
		uv_async_send(&l->wake);
}

static void on_timer(uv_timer_t *uv)
{
	struct loop_timer *t = uv->data;

	t->fn(t->arg);
	suspect_leave();
}

struct loop_timer *loop_timer_create(struct loop *l, void (*fn)(void *arg),
				     void *arg)
{
	struct loop_timer *t;

	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	uv_timer_init(&l->uv, &t->uv);
	t->uv.data = t;
	t->fn = fn;
	t->arg = arg;
	return t;
}

void loop_timer_set(struct loop_timer *t, int64_t ms)
{
	/* libuv counts from when the loop last came round, which may be long
	 * ago in a callback that took its time. */
	uv_update_time(t->uv.loop);
	uv_timer_start(&t->uv, on_timer, ms > 0 ? (uint64_t)ms : 0, 0);
}

void loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

static void free_timer(uv_handle_t *h)
{
	free(h->data);
}

void loop_timer_free(struct loop_timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, free_timer);
}

int64_t loop_beat_age(struct loop *l)
{
	return clock_ms() - atomic_load(&l->beat_ms);
}

static void copy_addrs(struct loop_addrs *out, const struct addrinfo *ai)
{
	const int max = sizeof(out->addr) / sizeof(out->addr[0]);
	const void *ip;

	for (; ai && out->n < max; ai = ai->ai_next) {
		if (ai->ai_family == AF_INET)
			ip = &((struct sockaddr_in *)ai->ai_addr)->sin_addr;
		else if (ai->ai_family == AF_INET6)
			ip = &((struct sockaddr_in6 *)ai->ai_addr)->sin6_addr;
		else
			continue;
		if (inet_ntop(ai->ai_family, ip, out->addr[out->n],
			      sizeof(out->addr[0])))
			out->n++;
	}
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *res)
{
	struct lookup *k = req->data;
	struct loop_addrs a = { 0 };

	*k->link = k->next;
	if (k->next)
		k->next->link = k->link;
	if (status == 0)
		copy_addrs(&a, res);
	if (a.n == 0)
		(void)snprintf(a.msg, sizeof(a.msg), "%s",
			       status < 0 ? uv_strerror(status) : "no address");
	uv_freeaddrinfo(res);
	if (k->done)
		k->done(&a, k->arg);
	free(k);
}

int loop_resolve(struct loop *l, const char *host,
		 void (*done)(const struct loop_addrs *a, void *arg), void *arg,
		 struct err *e)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct lookup *k;
	int rc;

	k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(e, ERR_RETRY, "cannot resolve '%s': no memory",
			       host);
	k->done = done;
	k->arg = arg;
	k->req.data = k;
	rc = uv_getaddrinfo(&l->uv, &k->req, on_resolved, host, NULL, &hints);
	if (rc < 0) {
		free(k);
		return err_set(e, ERR_INPUT, "cannot resolve '%s': %s", host,
			       uv_strerror(rc));
	}
	k->next = l->lookups;
	k->link = &l->lookups;
	if (k->next)
		k->next->link = &k->next;
	l->lookups = k;
	return 0;
}

void *loop_uv(struct loop *l)
{
	return &l->uv;
}
