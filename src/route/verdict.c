/* SPDX-License-Identifier: ISC */
#include "route/verdict.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/* More than there are stages; one that finds no room isn't counted. */
#define STAGES_MAX 32

static const char *const names[V_COUNT] = {
	[V_NEXT] = "next", [V_DROP] = "drop",     [V_ACCEPT] = "accept",
	[V_HOLD] = "hold", [V_REFUSE] = "refuse", [V_FAIL] = "fail",
};

/* Rows fill up from the front and stay, so that readers need no lock. */
static struct {
	_Atomic(const char *) stage;
	atomic_ullong n[V_COUNT];
} rows[STAGES_MAX];

const char *verdict_name(enum verdict v)
{
	return (unsigned int)v < V_COUNT ? names[v] : "?";
}

/* Row i's stage, which is this one from now on if the row was free. */
static const char *stage_at(size_t i, const char *stage)
{
	const char *there = atomic_load(&rows[i].stage);

	if (there ||
	    !atomic_compare_exchange_strong(&rows[i].stage, &there, stage))
		return there;
	return stage;
}

void verdict_count(const char *stage, enum verdict v)
{
	const char *there;
	size_t i;

	for (i = 0; i < STAGES_MAX; i++) {
		there = stage_at(i, stage);
		if (there == stage || strcmp(there, stage) == 0) {
			atomic_fetch_add_explicit(&rows[i].n[v], 1,
						  memory_order_relaxed);
			return;
		}
	}
}

void verdict_each(void (*fn)(const char *stage, enum verdict v, uint64_t n,
			     void *arg),
		  void *arg)
{
	const char *stage;
	uint64_t n;
	size_t i;
	int v;

	for (i = 0; i < STAGES_MAX; i++) {
		stage = atomic_load(&rows[i].stage);
		for (v = 0; stage && v < V_COUNT; v++) {
			n = atomic_load(&rows[i].n[v]);
			if (n > 0)
				fn(stage, (enum verdict)v, n, arg);
		}
	}
}
