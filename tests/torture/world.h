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

bool world_streams(int k);

#endif
