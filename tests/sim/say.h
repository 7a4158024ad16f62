/* SPDX-License-Identifier: ISC */
#ifndef SIM_SAY_H
#define SIM_SAY_H

#include "sim/world.h"

/* A new message of a person or of another bot, told to the apps. NULL: no
 * such thread, or ts is taken. */
struct msg *say(struct sim *s, struct channel *ch, struct user *u,
		const char *text, const struct sim_say *o, size_t flooded);
void msg_delete(struct sim *s, struct msg *m);

#endif
