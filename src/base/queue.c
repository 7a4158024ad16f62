/* SPDX-License-Identifier: ISC */
#include "base/queue.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/wait.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t wake; /* signalled on push, broadcast on close */
	struct node *head;
	struct node **tail; /* where the next item is linked in */
	size_t depth;
	bool closed;
};

struct queue *queue_create(void)
{
	struct queue *q;

	q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->tail = &q->head;
	if (wait_init(&q->lock, &q->wake) == 0)
		return q;
	free(q);
	return NULL;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	assert(!q->head);
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

void queue_push(struct queue *q, struct node *n)
{
	pthread_mutex_lock(&q->lock);
	n->next = NULL;
	*q->tail = n;
	q->tail = &n->next;
	q->depth++;
	pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
}

/* Returns with the lock held and the queue not empty, unless it gave up. */
static void lock_and_wait(struct queue *q, int timeout_ms)
{
	struct timespec until = { 0 };
	int rc = 0;

	if (timeout_ms > 0)
		until = wait_until(timeout_ms);
	pthread_mutex_lock(&q->lock);
	while (!q->head && !q->closed && rc == 0 && timeout_ms != 0) {
		if (timeout_ms < 0)
			rc = pthread_cond_wait(&q->wake, &q->lock);
		else
			rc = pthread_cond_timedwait(&q->wake, &q->lock, &until);
	}
}

struct node *queue_pop(struct queue *q, int timeout_ms)
{
	struct node *n;

	lock_and_wait(q, timeout_ms);
	n = q->head;
	if (n) {
		q->head = n->next;
		if (!q->head)
			q->tail = &q->head;
		q->depth--;
		n->next = NULL;
	}
	pthread_mutex_unlock(&q->lock);
	return n;
}

struct node *queue_pop_all(struct queue *q, int timeout_ms)
{
	struct node *n;

	lock_and_wait(q, timeout_ms);
	n = q->head;
	q->head = NULL;
	q->tail = &q->head;
	q->depth = 0;
	pthread_mutex_unlock(&q->lock);
	return n;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->wake);
	pthread_mutex_unlock(&q->lock);
}

bool queue_closed(struct queue *q)
{
	bool closed;

	pthread_mutex_lock(&q->lock);
	closed = q->closed;
	pthread_mutex_unlock(&q->lock);
	return closed;
}

size_t queue_depth(struct queue *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->depth;
	pthread_mutex_unlock(&q->lock);
	return n;
}
