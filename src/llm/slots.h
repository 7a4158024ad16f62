/* SPDX-License-Identifier: ISC */
#ifndef LLM_SLOTS_H
#define LLM_SLOTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "net/loop.h"

struct err;
struct map;
struct owner;

/*
 * How many may do a thing at once, over all threads; the others stand in
 * line. Each owner has a line of his own, and the lines take turns, so that
 * who asks for much waits longer than who asks for little. Who is let in later
 * learns it on his own loop.
 */
struct slots {
	pthread_mutex_t lock;
	int most; /* 0: no limit */
	int each; /* of one owner; 0: no limit */
	int busy;
	size_t waiting;
	struct map *owners;  /* who holds a slot or waits */
	struct owner *first; /* whose turn it is; those who may have one */
	struct owner **last;
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
	struct owner *owner;
	struct slot *next;
	enum slot_state state;
};

int slots_init(struct slots *s, int most, int each, struct err *e);
/* Other limits from now on; who holds one keeps it. Any thread. */
void slots_limit(struct slots *s, int most, int each);
void slots_release(struct slots *s); /* nobody waits or holds */

/*
 * 1: held. 0: in line, and the task comes when its turn does. -1: no memory.
 * The name of the owner is copied.
 */
int slots_take(struct slots *s, struct slot *k, const char *owner);

/* To be called first by the task: it holds the slot from now on. */
void slots_granted(struct slot *k);

/* It holds the slot no more: the next in line gets it. */
void slots_give(struct slots *s, struct slot *k);

/* Out of the line, if it still waits. Returns its state until now. */
enum slot_state slots_leave(struct slots *s, struct slot *k);

/* How many of its owner's are before it; -1 unless it waits. */
long slots_ahead(struct slots *s, const struct slot *k);

void slots_count(struct slots *s, int *busy, size_t *waiting);

#endif
