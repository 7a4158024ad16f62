/* SPDX-License-Identifier: ISC */
#include "base/metric.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* From a fast commit to a long answer. */
const int64_t metric_bounds_us[METRIC_BUCKETS - 1] = {
	500,     1000,    5000,    10000,    50000,    100000,    500000,
	1000000, 2500000, 5000000, 15000000, 60000000, 300000000,
};

static struct {
	atomic_uint_fast64_t n[METRIC_BUCKETS];
	atomic_uint_fast64_t sum_us;
} times[METRIC_TIMES];

/* Rows fill up from the front and stay, so that readers need no lock. The
 * last one is for those that found no room. */
struct row {
	_Atomic(const char *) name;
	atomic_uint_fast64_t n[METRIC_COLUMNS];
};

static struct row rows[METRIC_FAMILIES][METRIC_NAMES + 1];

static void add(atomic_uint_fast64_t *n, uint64_t k)
{
	atomic_fetch_add_explicit(n, k, memory_order_relaxed);
}

void metric_took_us(enum metric_time t, int64_t us)
{
	size_t i = 0;

	if (us < 0)
		us = 0;
	while (i < METRIC_BUCKETS - 1 && us > metric_bounds_us[i])
		i++;
	add(&times[t].n[i], 1);
	add(&times[t].sum_us, (uint64_t)us);
}

void metric_times(enum metric_time t, struct metric_histogram *out)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < METRIC_BUCKETS; i++) {
		n += atomic_load(&times[t].n[i]);
		out->upto[i] = n;
	}
	out->sum_us = atomic_load(&times[t].sum_us);
}

/* The name that row r has; name, if it was free. NULL: no memory for it. */
static const char *name_at(struct row *r, const char *name)
{
	const char *there = atomic_load(&r->name);
	char *copy;

	if (there)
		return there;
	copy = strdup(name);
	if (!copy)
		return NULL;
	if (atomic_compare_exchange_strong(&r->name, &there, copy))
		return copy;
	free(copy);
	return there;
}

static struct row *row_of(enum metric_family f, const char *name)
{
	struct row *r = rows[f];
	const char *there;
	size_t i;

	for (i = 0; i < METRIC_NAMES; i++, r++) {
		there = name_at(r, name);
		if (!there)
			return &rows[f][METRIC_NAMES];
		if (strcmp(there, name) == 0)
			return r;
	}
	return r;
}

void metric_add(enum metric_family f, const char *name, unsigned int column,
		uint64_t n)
{
	assert(column < METRIC_COLUMNS);
	add(&row_of(f, name)->n[column], n);
}

static void tell(const struct row *r, const char *name,
		 void (*fn)(const char *name, const uint64_t n[METRIC_COLUMNS],
			    void *arg),
		 void *arg)
{
	uint64_t n[METRIC_COLUMNS];
	uint64_t any = 0;
	size_t i;

	for (i = 0; i < METRIC_COLUMNS; i++) {
		n[i] = atomic_load(&r->n[i]);
		any |= n[i];
	}
	if (any != 0)
		fn(name, n, arg);
}

void metric_each(enum metric_family f,
		 void (*fn)(const char *name, const uint64_t n[METRIC_COLUMNS],
			    void *arg),
		 void *arg)
{
	const char *name;
	size_t i;

	for (i = 0; i < METRIC_NAMES; i++) {
		name = atomic_load(&rows[f][i].name);
		if (!name)
			break;
		tell(&rows[f][i], name, fn, arg);
	}
	tell(&rows[f][METRIC_NAMES], METRIC_OTHERS, fn, arg);
}
