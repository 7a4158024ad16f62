/* SPDX-License-Identifier: ISC */
#ifndef LINK_HUB_IN_H
#define LINK_HUB_IN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "link/alarm.h"
#include "link/hub.h"
#include "link/link.h"
#include "net/loop.h"

struct apps;
struct intake;
struct tls_trust;

/* What hub.c, and hub_post.c, which has what other threads ask, share. */
struct hub {
	struct loop *io;
	struct loop_timer *timer;
	struct alarms alarms;
	struct link_counts counts;
	struct transport *transport;
	struct transport *own_transport; /* made by us */
	struct dialer *dialer;
	struct dialer *own_dialer;
	struct intake *intake;
	struct apps *apps;
	struct places *places;

	/* Closing, on the I/O thread. */
	struct loop_task close_task;
	struct loop_task dials_task;
	atomic_bool dials_posted;
	atomic_int dials_per_second;
	struct loop_task trust_task;
	_Atomic(struct tls_trust *) trust; /* on its way to the transport */
	struct alarm grace;
	int64_t grace_ms;
	bool acks_done, links_done;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closed;
};

/* hub_post.c: its tasks. */
void hub_post_init(struct hub *h);

#endif
