/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_MISCHIEF_H
#define TORTURE_MISCHIEF_H

#include "sim/sim.h"
#include "torture/dice.h"

/* What goes wrong around the daemon. */

/* By chance with every call, until mischief_end(). patient: also calls that
 * hang until the daemon's own time limit. */
void mischief_begin(struct sim *s, bool patient);
/* One thing more, now: a link cut or sent away, a failure of the model. */
void mischief_do(struct sim *s, struct dice *d, int tenants);
void mischief_end(struct sim *s);

/* The app is thrown out of a workspace, whose token is dead from then on; and
 * is back with the same one. */
void mischief_expel(struct sim *s, int tenant);
void mischief_readmit(struct sim *s, int tenant);

#endif
