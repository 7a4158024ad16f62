/* SPDX-License-Identifier: ISC */
#include "link/alarm.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_SIZE 16

void alarms_init(struct alarms *as)
{
	as->heap = NULL;
	as->n = as->members = as->size = 0;
}

void alarms_release(struct alarms *as)
{
	assert(as->members == 0);
	free(as->heap);
	as->heap = NULL;
}

int alarm_init(struct alarms *as, struct alarm *a, void (*fn)(void *arg),
	       void *arg)
{
	struct alarm **heap;
	size_t size = as->size > 0 ? 2 * as->size : FIRST_SIZE;

	a->slot = 0;
	a->fn = fn;
	a->arg = arg;
	if (as->members == as->size) {
		heap = realloc(as->heap, size * sizeof(*heap));
		if (!heap)
			return -1;
		as->heap = heap;
		as->size = size;
	}
	as->members++;
	return 0;
}

void alarm_release(struct alarms *as, struct alarm *a)
{
	alarm_stop(as, a);
	as->members--;
}

static void put(struct alarms *as, size_t slot, struct alarm *a)
{
	as->heap[slot - 1] = a;
	a->slot = slot;
}

static struct alarm *at(const struct alarms *as, size_t slot)
{
	return as->heap[slot - 1];
}

static void rise(struct alarms *as, struct alarm *a)
{
	size_t slot = a->slot;

	while (slot > 1 && at(as, slot / 2)->at_ms > a->at_ms) {
		put(as, slot, at(as, slot / 2));
		slot /= 2;
	}
	put(as, slot, a);
}

static void sink(struct alarms *as, struct alarm *a)
{
	size_t slot = a->slot;
	size_t child;

	for (;;) {
		child = 2 * slot;
		if (child > as->n)
			break;
		if (child < as->n &&
		    at(as, child + 1)->at_ms < at(as, child)->at_ms)
			child++;
		if (at(as, child)->at_ms >= a->at_ms)
			break;
		put(as, slot, at(as, child));
		slot = child;
	}
	put(as, slot, a);
}

static void wake(struct alarms *as, int64_t now)
{
	int64_t in = at(as, 1)->at_ms - now;

	as->wake(in > 0 ? in : 0, as->arg);
}

void alarm_set(struct alarms *as, struct alarm *a, int64_t in_ms)
{
	int64_t now = as->now();

	a->at_ms = now + (in_ms > 0 ? in_ms : 1);
	if (a->slot == 0)
		put(as, ++as->n, a);
	rise(as, a);
	sink(as, a);
	if (a->slot == 1)
		wake(as, now);
}

void alarm_stop(struct alarms *as, struct alarm *a)
{
	struct alarm *last;
	size_t slot = a->slot;

	if (slot == 0)
		return;
	a->slot = 0;
	last = at(as, as->n--);
	if (last == a)
		return;
	put(as, slot, last);
	rise(as, last);
	sink(as, last);
}

void alarms_run(struct alarms *as)
{
	int64_t now = as->now();
	struct alarm *a;

	while (as->n > 0 && at(as, 1)->at_ms <= now) {
		a = at(as, 1);
		alarm_stop(as, a);
		a->fn(a->arg);
	}
	if (as->n > 0)
		wake(as, now);
}
