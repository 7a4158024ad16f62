/* SPDX-License-Identifier: ISC */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stddef.h>
#include <stdint.h>

/*
 * What happened since the start of the process, for a monitor. Nothing here
 * takes a lock, fails or blocks; any thread may call any of it. Readers see
 * each number as it is, not all of them at one instant.
 */

/* Times, each in a histogram. */
enum metric_time {
	METRIC_ACK,         /* from an envelope's arrival to its ack */
	METRIC_COMMIT,      /* a batch of the journal */
	METRIC_STORE,       /* the look-up of a message's workspace */
	METRIC_GATE,        /* a message's admission, in Redis or here */
	METRIC_WAIT,        /* from a message's arrival to its turn's start */
	METRIC_PLACEHOLDER, /* from the start of a turn until it stands, */
	METRIC_FIRST,       /* until the model says something, */
	METRIC_ANSWER,      /* until all is written */
	METRIC_CANARY,      /* from the edit of a canary until it is back */
	METRIC_TIMES
};

/* Upper bounds of the buckets in microseconds; the last has none. */
#define METRIC_BUCKETS 14
extern const int64_t metric_bounds_us[METRIC_BUCKETS - 1];

struct metric_histogram {
	uint64_t upto[METRIC_BUCKETS]; /* as many took that long or less */
	uint64_t sum_us;
};

void metric_took_us(enum metric_time t, int64_t us); /* < 0 counts as 0 */
void metric_times(enum metric_time t, struct metric_histogram *out);

/* Counters by a name that comes from outside. */
enum metric_family {
	METRIC_TENANTS, /* its columns are enum metric_tenant */
	METRIC_MODELS,  /* by how a call ended */
	METRIC_TOKENS,  /* of models: enum metric_model */
	METRIC_FILES,   /* attached ones, by what came of them; column 0 */
	METRIC_LOSSES,  /* links, by why one went; column 0 */
	METRIC_LIMITED, /* calls of Slack's that were limited, by method; 0 */
	METRIC_FAMILIES
};

enum metric_tenant {
	METRIC_ANSWERED,
	METRIC_FAILED,
	METRIC_STOPPED,
	METRIC_LIKED,
	METRIC_DISLIKED,
	METRIC_TOKENS_IN,
	METRIC_TOKENS_OUT,
	METRIC_OVER_BUDGET, /* messages refused for that */
	METRIC_NEAR_BUDGET, /* warnings */
	METRIC_NANO_COST,   /* in billionths */
	METRIC_TENANT_COLUMNS
};

enum metric_model {
	METRIC_MODEL_IN,
	METRIC_MODEL_OUT,
	METRIC_MODEL_NANO_COST,
};

/*
 * So many names of a family have counters of their own, those that came first;
 * all others share one that is named METRIC_OTHERS. It costs a look at each
 * name: for what happens once in a turn.
 */
#define METRIC_NAMES   200
#define METRIC_OTHERS  "(others)"
#define METRIC_COLUMNS 16

void metric_add(enum metric_family f, const char *name, unsigned int column,
		uint64_t n);
/* fn is called for each name that was counted. */
void metric_each(enum metric_family f,
		 void (*fn)(const char *name, const uint64_t n[METRIC_COLUMNS],
			    void *arg),
		 void *arg);

#endif
