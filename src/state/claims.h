/* SPDX-License-Identifier: ISC */
#ifndef STATE_CLAIMS_H
#define STATE_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

/*
 * Which posts have been claimed, by which entry, for 25 hours at least. Not
 * thread-safe.
 *
 * A busy day has tens of millions of them, so the key is kept as a hash only
 * (64 bits under a secret: one false twin in 10^12 messages), 32 bytes each.
 * They live in generations of an hour, and go with their generation.
 */
struct claims;

struct claim {
	uint64_t hash; /* 0: this place is free */
	char entry[ID_SIZE];
	bool refused;
};

struct claims *claims_create(void); /* NULL when memory is short */
void claims_free(struct claims *c); /* NULL is allowed */

/* Good until the next claims_add() or claims_sweep(). */
const struct claim *claims_find(const struct claims *c, const char *key);

/* key must not be there yet. 0, or -1 when memory is short. */
int claims_add(struct claims *c, const char *key, const char *entry,
	       bool refused, int64_t now_ms);

/* Forget at most one generation that has expired. */
void claims_sweep(struct claims *c, int64_t now_ms);

size_t claims_count(const struct claims *c);

#endif
