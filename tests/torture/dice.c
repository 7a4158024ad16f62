/* SPDX-License-Identifier: ISC */
#include "torture/dice.h"

#include <math.h>

/* splitmix64 */
static uint64_t next(struct dice *d)
{
	uint64_t z;

	d->state += 0x9e3779b97f4a7c15;
	z = d->state;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t dice_roll(struct dice *d, uint64_t sides)
{
	return next(d) % sides;
}

bool dice_percent(struct dice *d, unsigned int percent)
{
	return next(d) % 100 < percent;
}

int dice_ms(struct dice *d, int mean, int min, int max)
{
	double u = ((double)(next(d) >> 11) + 1) / 9007199254740993.0;
	double ms = -log(u) * mean;

	if (ms < min)
		return min;
	return ms > max ? max : (int)ms;
}
