/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_DOOM_H
#define TORTURE_DOOM_H

#include <stddef.h>
#include <stdint.h>

/* When daemons, or what they stand on, were struck: just after that. */
struct doom {
	int64_t *at_us; /* of sim_clock_us() */
	size_t n, size;
};

void doom_note(struct doom *d);
void doom_release(struct doom *d);
size_t doom_between(const struct doom *d, int64_t from_us, int64_t to_us);

#endif
