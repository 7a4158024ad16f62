/* SPDX-License-Identifier: ISC */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/queue.h"

struct err;

/*
 * A thread that runs an event loop (libuv) until told to stop. Everything on
 * a loop happens on its thread; only loop_post(), loop_stop() and
 * loop_beat_age() may be called from another.
 */
struct loop;

/*
 * name becomes the thread's (15 characters). No thread runs yet; the one that
 * will takes no signals.
 */
struct loop *loop_create(const char *name, struct err *e);
int loop_start(struct loop *l, struct err *e);

/*
 * Ask the loop to end, and wait for its thread. Tasks posted before are run
 * first. What lives on the loop is to be closed by then, from a task.
 */
void loop_stop(struct loop *l);
void loop_free(struct loop *l); /* after loop_stop(); NULL is allowed */

/*
 * Turn the loop on the calling thread until nothing is left or stopped. The
 * program ignores SIGPIPE.
 */
void loop_run_here(struct loop *l);
/* One turn on the calling thread, without waiting; before loop_start() or
 * after loop_stop(). For libraries that close in several turns (lws). */
void loop_turn(struct loop *l);
/* What is posted is run on the calling thread, and nothing else; after
 * loop_stop(). For who frees what it calls. */
void loop_flush(struct loop *l);

/*
 * Run t->run(t) on the loop's thread, in the order of posting. The task is
 * the caller's memory, and the caller's again when run is called. Any thread;
 * never blocks, never fails.
 */
struct loop_task {
	struct node node; /* must be first */
	void (*run)(struct loop_task *t);
};
void loop_post(struct loop *l, struct loop_task *t);

/*
 * A timer on the loop: fires once. Setting it again replaces the deadline.
 * The memory must stay until loop_timer_free()'s return; the loop keeps its
 * own handle.
 */
struct loop_timer;
struct loop_timer *loop_timer_create(struct loop *l, void (*fn)(void *arg),
				     void *arg);
void loop_timer_set(struct loop_timer *t, int64_t ms);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL is allowed */

/* Milliseconds since the loop last came round (it does so each second). */
int64_t loop_beat_age(struct loop *l);

/*
 * Numeric addresses of a host, off the loop's thread; at most 8, each
 * "192.0.2.1" or "2001:db8::1". done runs on the loop, and can't be called
 * off: arg stays until then, or until loop_stop()'s return. 0, or -1 with e.
 */
struct loop_addrs {
	char addr[8][46];
	int n; /* 0: failed, see msg */
	char msg[120];
};
int loop_resolve(struct loop *l, const char *host,
		 void (*done)(const struct loop_addrs *a, void *arg), void *arg,
		 struct err *e);

/* The uv_loop_t, for libraries that bring their own events (lws). */
void *loop_uv(struct loop *l);

#endif
