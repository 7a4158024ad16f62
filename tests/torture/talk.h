/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_TALK_H
#define TORTURE_TALK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "sim/sim.h"
#include "torture/dice.h"

/* One message of a person that must be answered once. */
struct said {
	char channel[16];
	char ts[SIM_TS];
	char thread[SIM_TS]; /* its own ts at top level */
	char word[24];       /* its own; the model's answer repeats it */
	bool longish;        /* the answer takes several posts */
};

/*
 * The people of the tenants made by sim_load_many(): mentions, direct
 * messages, and follow-ups in threads where the agent has spoken, in a thread
 * of their own. What was said may be read once the talk has ended.
 */
struct talk {
	struct sim *sim;
	struct dice dice;
	int tenants;
	double rate; /* messages a second, of all together */

	struct said *said;
	size_t n, size;
	pthread_t thread;
	atomic_bool stop;
};

int talk_start(struct talk *t);
void talk_end(struct talk *t);
void talk_release(struct talk *t);

#define TALK_LINES 460 /* of a longish answer */

/* Line i of such an answer, as it is shown. */
void talk_line(const struct said *s, int i, char out[64]);

#endif
