/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_WORLD_H
#define TORTURE_WORLD_H

#include <stdbool.h>

#include "sim/sim.h"

struct err;

/*
 * Tenants with the ids of sim_load_many(), which aren't alike: some have their
 * answers streamed, some are agents of Slack's.
 */
int world_make(struct sim *s, int tenants, struct err *e);

/*
 * Tenants to whom something of their own happens; -1: there are too few for
 * that.
 */
struct cast {
	int outcast; /* its token is refused now and then, */
	int leaver;  /* it takes the app out, and installs it again: messages of
		      * these may become dead letters */
	int broke;   /* it has a budget, which will be used up */
	int rotator; /* its token expires all the time, or is revoked; */
	int purged;  /* an admin erases what is stored of its people */
};
struct cast world_cast(int tenants);
bool cast_is_troubled(const struct cast *c, int k); /* outcast or leaver */

#define WORLD_BUDGET   25   /* answers a month */
#define WORLD_TOKEN_MS 9000 /* a token lives so long */

bool world_streams(int k);

#endif
