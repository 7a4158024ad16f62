/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_SCREEN_H
#define ROUTE_SCREEN_H

#include <stddef.h>

#include "route/verdict.h"
#include "state/engaged.h"

struct envelope;
struct err;
struct message;

/*
 * screen[]: computation only, on the I/O thread, before anything is written
 * to disk. What it drops is acked at once and forgotten.
 */
struct screening {
	const struct envelope *env;    /* set by the caller */
	struct engaged *engaged;       /* set by the caller */
	struct quarantine *quarantine; /* set by the caller; NULL: none */
	struct message *msg;        /* made by the first stage that needs it */
	const char *why;            /* of a drop, for the log; may be env's */
	char key[ENGAGED_KEY_SIZE]; /* of its thread */
};

/*
 * V_ACCEPT: s->msg is the caller's, to be journaled. V_HOLD: s->msg is the
 * caller's too; it is a reply in a thread that nothing engages yet: ask
 * engaged_maybe(key) again for HOLD_MS, without an ack, then drop it.
 * V_DROP: nothing is left. A mention leaves a hint in engaged. The decision
 * is counted, except V_HOLD's; a drop is logged, as a warning when something
 * is malformed, else for debugging. V_FAIL: memory is short, nothing is left;
 * don't ack. *stage names the stage that decided.
 */
#define SCREEN_HOLD_MS 2000
enum verdict screen_run(struct screening *s, const char **stage);

#endif
