/* SPDX-License-Identifier: ISC */
#include "slack/pace.h"

#define MINUTE_MS 60000

/* Rounded up: a little slower than promised, never faster. */
static int64_t cost_of(int per_minute)
{
	return per_minute > 0 ? (MINUTE_MS + per_minute - 1) / per_minute : 0;
}

void pace_init(struct pace *p, int per_minute, int burst, int64_t now_ms)
{
	p->cost_ms = cost_of(per_minute);
	p->burst = burst > 0 ? burst : 1;
	p->credit_ms = p->cost_ms * p->burst;
	p->last_ms = now_ms;
	p->blocked_until_ms = 0;
}

static void refill(struct pace *p, int64_t now_ms)
{
	int64_t full = p->cost_ms * p->burst;
	int64_t passed = now_ms - p->last_ms;

	if (passed <= 0)
		return;
	p->last_ms = now_ms;
	p->credit_ms = passed > full - p->credit_ms ? full
						    : p->credit_ms + passed;
}

void pace_rate(struct pace *p, int per_minute, int64_t now_ms)
{
	int64_t cost = cost_of(per_minute);

	if (cost == p->cost_ms)
		return;
	refill(p, now_ms);
	if (p->cost_ms > 0)
		p->credit_ms = p->credit_ms * cost / p->cost_ms;
	else
		p->credit_ms = cost * p->burst;
	p->cost_ms = cost;
}

int64_t pace_wait(struct pace *p, int n, int64_t now_ms)
{
	int64_t need = p->cost_ms * n;

	if (p->blocked_until_ms > now_ms)
		return p->blocked_until_ms - now_ms;
	refill(p, now_ms);
	return p->credit_ms < need ? need - p->credit_ms : 0;
}

int64_t pace_take(struct pace *p, int64_t now_ms)
{
	int64_t wait = pace_wait(p, 1, now_ms);

	if (wait == 0)
		p->credit_ms -= p->cost_ms;
	return wait;
}

int64_t pace_force(struct pace *p, int64_t now_ms)
{
	if (p->blocked_until_ms > now_ms)
		return p->blocked_until_ms - now_ms;
	refill(p, now_ms);
	p->credit_ms -= p->cost_ms;
	return 0;
}

void pace_block(struct pace *p, int64_t now_ms, int64_t ms)
{
	if (now_ms + ms > p->blocked_until_ms)
		p->blocked_until_ms = now_ms + ms;
}
