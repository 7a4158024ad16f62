/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "sim/core.h"

static void place(struct timers *h, size_t slot, struct timer *t)
{
	h->heap[slot] = t;
	t->slot = slot;
}

static void sift_up(struct timers *h, size_t i)
{
	struct timer *t = h->heap[i];

	while (i > 1 && h->heap[i / 2]->at_us > t->at_us) {
		place(h, i, h->heap[i / 2]);
		i /= 2;
	}
	place(h, i, t);
}

static void sift_down(struct timers *h, size_t i)
{
	struct timer *t = h->heap[i];
	size_t kid;

	while (i * 2 <= h->n) {
		kid = i * 2;
		if (kid < h->n && h->heap[kid + 1]->at_us < h->heap[kid]->at_us)
			kid++;
		if (h->heap[kid]->at_us >= t->at_us)
			break;
		place(h, i, h->heap[kid]);
		i = kid;
	}
	place(h, i, t);
}

void timer_arm(struct sim *s, struct timer *t, int64_t in_us,
	       void (*fire)(struct sim *s, void *arg), void *arg)
{
	struct timers *h = &s->timers;

	timer_cancel(s, t);
	t->at_us = sim_clock_us() + in_us;
	t->fire = fire;
	t->arg = arg;
	if (h->n + 2 > h->size) {
		h->size = h->size ? h->size * 2 : 64;
		h->heap = must_grow(h->heap, h->size * sizeof(*h->heap));
	}
	h->n++;
	h->heap[h->n] = t;
	sift_up(h, h->n);
	if (t->slot == 1)
		sim_wake(s);
}

void timer_cancel(struct sim *s, struct timer *t)
{
	struct timers *h = &s->timers;
	struct timer *last;
	size_t i = t->slot;

	if (i == 0)
		return;
	t->slot = 0;
	last = h->heap[h->n--];
	if (last == t)
		return;
	place(h, i, last);
	sift_up(h, i);
	sift_down(h, last->slot);
}

void timers_run(struct sim *s, int64_t now_us)
{
	struct timer *t;

	while (s->timers.n && s->timers.heap[1]->at_us <= now_us) {
		t = s->timers.heap[1];
		timer_cancel(s, t);
		t->fire(s, t->arg);
	}
}

int timers_wait_ms(const struct sim *s, int64_t now_us)
{
	int64_t left;

	if (s->timers.n == 0)
		return -1;
	left = s->timers.heap[1]->at_us - now_us;
	if (left <= 0)
		return 0;
	return left > 60000000 ? 60000 : (int)((left + 999) / 1000);
}
