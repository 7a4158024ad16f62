/* SPDX-License-Identifier: ISC */
#ifndef LLM_SLOTS_H
#define LLM_SLOTS_H

#include <pthread.h>
#include <stdbool.h>

#include "net/loop.h"

struct err;

/*
 * How many may do a thing at once, over all threads; the others stand in
 * line. Who is let in later learns it on its own loop.
 */
struct slots {
	pthread_mutex_t lock;
	int most; /* 0: no limit */
	int busy;
	struct slot *first; /* of the line */
	struct slot **last;
};

enum slot_state {
	SLOT_WAITING, /* in line */
	SLOT_GRANTED, /* its task is posted and has not run yet */
	SLOT_HELD,
};

/* The caller's memory, as long as it waits or holds. */
struct slot {
	struct loop_task task; /* must be first; run is the caller's */
	struct loop *loop;     /* where task runs */
	struct slot *next;
	enum slot_state state;
};

int slots_init(struct slots *s, int most, struct err *e);
void slots_release(struct slots *s); /* nobody waits or holds */

/* True: held. False: in line, and the task comes when its turn does. */
bool slots_take(struct slots *s, struct slot *k);

/* To be called first by the task: it holds the slot from now on. */
void slots_granted(struct slot *k);

/* A slot is free: the next in line gets it. */
void slots_give(struct slots *s);

/* Out of the line, if it still waits. Returns its state until now. */
enum slot_state slots_leave(struct slots *s, struct slot *k);

#endif
