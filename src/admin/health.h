/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_HEALTH_H
#define ADMIN_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admin_opts;
struct cluster;
struct gate;
struct journal_stats;

/* A thread that shows no sign of life for this long is stuck. */
#define HEALTH_STUCK_MS 10000

#define HEALTH_WHY_SIZE 240

/* A part of the daemon and the age of its last sign of life. */
struct health_beat {
	const char *part;
	int64_t age_ms;
};
#define HEALTH_BEATS 8

/* Of all threads; returns how many. Any thread. Parts that are NULL in o are
 * left out. */
size_t health_beats(const struct admin_opts *o,
		    struct health_beat out[HEALTH_BEATS]);

/* False with the reason in why (NULL: not wanted): a thread is stuck. */
bool health_alive(const struct health_beat *b, size_t n, char *why,
		  size_t size);

/* Nothing is stuck, the journal can write and the gate can tell. js and gate
 * may be NULL. */
bool health_well(const struct health_beat *b, size_t n,
		 const struct journal_stats *js, struct gate *gate, char *why,
		 size_t size);

/* The same for the leases of one node of several; c may be NULL. */
bool health_leases(struct cluster *c, char *why, size_t size);

#endif
