/* SPDX-License-Identifier: ISC */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Put first into what is queued. In one queue at a time. */
struct node {
	struct node *next;
};

/*
 * First-in first-out queue between threads. Pushing allocates nothing and
 * never fails, since the memory is the item's own; who creates items bounds
 * their number. Every function may be called from any thread.
 */
struct queue;

struct queue *queue_create(void); /* NULL when memory is short */
void queue_free(struct queue *q); /* must be empty; NULL is allowed */

void queue_push(struct queue *q, struct node *n);

/*
 * Waits for an item until timeout_ms have passed (-1: for ever). NULL on
 * timeout, or at once when the queue is closed and empty.
 */
struct node *queue_pop(struct queue *q, int timeout_ms);

/* All items at once, oldest first, linked by next; waits as queue_pop. */
struct node *queue_pop_all(struct queue *q, int timeout_ms);

/* Wake all waiting threads; what is inside can still be popped. */
void queue_close(struct queue *q);
bool queue_closed(struct queue *q);

size_t queue_depth(struct queue *q);

#endif
