/* SPDX-License-Identifier: ISC */
#ifndef BENCH_STREAMS_H
#define BENCH_STREAMS_H

#include <stddef.h>

struct sim;

/* Ends of answers, as people see them. */
struct streams {
	double p50_ms, max_ms; /* from the model's end to the whole answer */
	size_t limited;        /* calls that were answered 429 */
	size_t edits;
	size_t posts; /* answers that came as a new message */
};

/*
 * n mentions at once in ten channels of tenant 1, answers that all stream at
 * once, and end one after the other over a minute. 0, or -1 when they didn't.
 */
int streams_run(struct sim *s, int n, struct streams *out);

#endif
