/* SPDX-License-Identifier: ISC */
#include "torture/doom.h"

#include <stdlib.h>

#include "sim/sim.h"
#include "torture/talk.h"

void doom_note(struct doom *d)
{
	d->at_us = talk_grow(d->at_us, d->n, &d->size, sizeof(*d->at_us));
	d->at_us[d->n++] = sim_clock_us();
}

void doom_release(struct doom *d)
{
	free(d->at_us);
}

size_t doom_between(const struct doom *d, int64_t from_us, int64_t to_us)
{
	size_t i, n = 0;

	for (i = 0; i < d->n; i++)
		n += d->at_us[i] >= from_us && d->at_us[i] <= to_us;
	return n;
}
