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

/* A tenant's bot token is refused from now on, or good again. */
void mischief_token(struct sim *s, int tenant, bool dead);
/* The one that it has now, which expires, is revoked for good: only a renewal
 * brings another. False: there is none. */
bool mischief_revoke(struct sim *s, int tenant);

#endif
