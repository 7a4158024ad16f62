/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_DICE_H
#define TORTURE_DICE_H

#include <stdbool.h>
#include <stdint.h>

/* Choices by chance that a seed makes again. One per thread. */
struct dice {
	uint64_t state;
};

uint64_t dice_roll(struct dice *d, uint64_t sides); /* 0 to sides - 1 */
bool dice_percent(struct dice *d, unsigned int percent);
/* Exponential with this mean, within the limits. */
int dice_ms(struct dice *d, int mean, int min, int max);

#endif
