/* SPDX-License-Identifier: ISC */
#ifndef SLACK_PACE_H
#define SLACK_PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Token bucket in milliseconds of credit; 0 per minute means unlimited. Used
 * for chat.update (per app and workspace), posting (per channel) and dialing.
 * block is for a Retry-After: nothing passes before it.
 */
struct pace {
	int64_t credit_ms; /* grows with time up to burst * cost */
	int64_t last_ms;
	int64_t blocked_until_ms;
	int64_t cost_ms; /* 60000 / per minute; 0: unlimited */
	int burst;
};

void pace_init(struct pace *p, int per_minute, int burst, int64_t now_ms);

/* Another rate from now on; what tokens there are stay. */
void pace_rate(struct pace *p, int per_minute, int64_t now_ms);

/* Takes a token and returns 0, or leaves all as it was and returns how many
 * milliseconds to wait (at least 1). */
int64_t pace_take(struct pace *p, int64_t now_ms);

/* How long until there are n tokens (n <= burst), 0 if they are there; takes
 * none. */
int64_t pace_wait(struct pace *p, int n, int64_t now_ms);

/* Takes a token even if there is none (the debt is paid later), unless
 * blocked; then as pace_take(). */
int64_t pace_force(struct pace *p, int64_t now_ms);

void pace_block(struct pace *p, int64_t now_ms, int64_t ms);

#endif
