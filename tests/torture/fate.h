/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_FATE_H
#define TORTURE_FATE_H

#include <stdint.h>

#include "bed/nodes.h"
#include "torture/dice.h"
#include "torture/doom.h"

struct err;

/*
 * How daemons end, and what they stand on. Alone a daemon is killed, or told
 * to stop, and started again at once. One of several may also be frozen
 * beyond its leases, or stay away for a while; and PostgreSQL and Redis go
 * away, or Redis forgets all.
 */
struct fate {
	struct nodes *nodes;
	struct dice dice;
	int64_t back_ms[NODES_MAX]; /* when one that is away or frozen is back;
				     * 0: it is here */
	struct doom doom;
	int kills, stops, freezes, outages;
};

/* Something happens to one of them. -1: one died by itself, or can't be
 * started. */
int fate_strike(struct fate *f, struct err *e);

/* Bring back those whose time has come. */
int fate_revive(struct fate *f, int64_t now_ms, struct err *e);

/* All must exit with 0. */
int fate_stop_all(struct fate *f, struct err *e);

#endif
