/* SPDX-License-Identifier: ISC */
#include "store/canary.h"

static const char *const names[CANARY_STATES] = {
	[CANARY_NEW] = "new",         [CANARY_OK] = "ok",
	[CANARY_OVERDUE] = "overdue", [CANARY_DEAF] = "deaf",
	[CANARY_BLOCKED] = "blocked",
};

const char *canary_state_name(enum canary_state s)
{
	return (unsigned int)s < CANARY_STATES ? names[s] : "?";
}

enum canary_state canary_state(const struct canary *c)
{
	if (c->problem[0] != '\0')
		return CANARY_BLOCKED;
	if (c->missed > 1)
		return CANARY_DEAF;
	if (c->missed > 0)
		return CANARY_OVERDUE;
	return c->heard_ms > 0 ? CANARY_OK : CANARY_NEW;
}
