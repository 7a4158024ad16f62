/* SPDX-License-Identifier: ISC */
#ifndef BASE_CLOCK_SHIFT_H
#define BASE_CLOCK_SHIFT_H

#include <stdint.h>

/*
 * For tests: with KONSTRUCT_CLOCK=FILE in the environment both clocks of
 * clock.h are ahead by what that file says, at any time: two 64-bit numbers,
 * milliseconds of the wall clock and of the other one. Only a build configured
 * with --enable-killpoints has it, in others both are 0.
 */
int64_t clock_shift_wall(void);
int64_t clock_shift_boot(void);

#endif
