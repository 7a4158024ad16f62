/* SPDX-License-Identifier: ISC */
#include "slack/undone.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define PLACES 4096

/* By hash; a younger one takes the place of an older. */
static atomic_uint_fast64_t places[PLACES];

static uint64_t hash(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211U; /* FNV-1a */
	return (h ^ ':') * 1099511628211U;
}

static uint64_t hash_of(const char *channel, const char *ts)
{
	return hash(hash(14695981039346656037U, channel), ts);
}

void undone_note(const char *channel, const char *ts)
{
	uint64_t h = hash_of(channel, ts);

	atomic_store(&places[h % PLACES], h);
}

bool undone_is(const char *channel, const char *ts)
{
	uint64_t h = hash_of(channel, ts);

	return atomic_load(&places[h % PLACES]) == h;
}
