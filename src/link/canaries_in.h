/* SPDX-License-Identifier: ISC */
#ifndef LINK_CANARIES_IN_H
#define LINK_CANARIES_IN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/canaries.h"
#include "net/loop.h"

struct http;
struct map;
struct store;

/* What canaries.c, the thread, and flight.c, one canary, share. */
struct canaries {
	struct canaries_opts o;
	struct loop *loop;
	struct http *http;
	struct loop_timer *timer;
	struct loop_task begin, halt;
	struct store *store;
	struct map *flights; /* struct flight, by tenant's id */
	struct map *dialed;  /* by app: for which redial_ms, as int64_t */
	int64_t begun_ms;    /* wall clock: links are no older */
	unsigned int round;
	size_t flying;
	bool stale; /* what was read last */
	bool waits; /* one is on its way */
	bool halted;

	pthread_mutex_t lock; /* of what follows */
	struct canary_view *views;
	size_t nviews;
	size_t deaf; /* as canaries_deaf() */
};

#endif
