/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_HOUR_H
#define ADMIN_HOUR_H

#include <stdint.h>

#include "base/metric.h"

struct jwrite;

/*
 * Traffic of the last hour by minute, in memory, for the status page: what the
 * counters of the process were when each minute began. Not thread-safe.
 */
#define HOUR_MINUTES 60

/* As they count since the start of the process. */
struct hour_counts {
	uint64_t envelopes, answers, failures;
	struct metric_histogram ack, first, answer;
};

struct hour {
	/* Of minute m, in [m % HOUR_MINUTES]. */
	struct hour_counts began[HOUR_MINUTES];
	int64_t first;  /* minute of hour_init() */
	int64_t minute; /* the one that is under way */
};

/* now_ms is by clock_ms(). */
void hour_init(struct hour *h, int64_t now_ms, const struct hour_counts *c);

/* To be called as each minute begins, and whenever one likes; what happened in
 * a minute whose beginning was missed counts to the one before. */
void hour_tick(struct hour *h, int64_t now_ms, const struct hour_counts *c);

/*
 * The hour as an object named "hour"; hour_tick() was called with the same c.
 * Arrays have one number a minute, oldest first, the last of the minute that
 * is under way; there are fewer than 60 in the first hour of the process.
 * Latencies are read off the buckets of the histograms, in microseconds, null
 * where nothing was measured:
 *
 *   "minutes": 2, "under_way_ms": 31000,
 *   "envelopes": [0, 3], "answers": [0, 2], "failures": [0, 0],
 *   "ack": {"p50_us": [null, 700], "p99_us": [null, 980]},
 *   "first": {...}, "answer": {...}
 */
void hour_write(const struct hour *h, int64_t now_ms,
		const struct hour_counts *c, struct jwrite *w);

#endif
