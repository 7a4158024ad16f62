/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_DOOM_H
#define TORTURE_DOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When daemons, or what they stand on, were struck. */
struct doom {
	int64_t *at_us; /* of sim_clock_us() */
	size_t n, size;
	size_t lapses; /* in which what isn't in the store was forgotten */
};

void doom_note(struct doom *d, bool lapse);
void doom_release(struct doom *d);
size_t doom_between(const struct doom *d, int64_t from_us, int64_t to_us);

#endif
