/* SPDX-License-Identifier: ISC */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds that never go back and go on during suspend; for intervals. */
int64_t clock_ms(void);

/* Microseconds that never go back, for what is short. */
int64_t clock_us(void);

/* Milliseconds since 1970; for what is stored, or compared with Slack's ts. */
int64_t clock_wall_ms(void);

/*
 * Milliseconds since 1970, for forgetting what the wall clock says is old:
 * however that jumps, nothing is taken for older than it is since the first
 * call, and after a jump things are kept longer. Any thread.
 */
int64_t clock_expiry_ms(void);

/*
 * Since tests must not sleep: every function that judges time takes "now" as
 * an argument. Only loops and threads call the functions above.
 */

#endif
