/* SPDX-License-Identifier: ISC */
#ifndef SIM_ACT_H
#define SIM_ACT_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/sim.h"

/*
 * What people do in Slack beside talking. As in sim.h: any thread, strings
 * copied, 0 or -1. What is sent is told by sim_deliveries(), whose types are
 * those of the events and payloads ("reaction_added", "block_actions").
 */

/*
 * A reaction is put on a message or, with add false, taken away: the apps in
 * the channel get reaction_added or reaction_removed. name without colons.
 * -1: no such message or person, or it was there (or not there) before.
 */
int sim_react(struct sim *s, const char *channel, const char *ts,
	      const char *user, const char *name, bool add);
/* Is this person's (or bot's) reaction on the message? */
bool sim_reacted(struct sim *s, const char *channel, const char *ts,
		 const char *user, const char *name);

/*
 * An element of a bot's message is used: its app gets block_actions. value
 * NULL is a button's own; of feedback_buttons it says which one ("up" or
 * whatever the app wrote there), of a menu which option. -1: this person
 * doesn't see such a message, or there is no such element in it.
 */
int sim_click(struct sim *s, const char *channel, const char *ts,
	      const char *user, const char *action_id, const char *value);

#endif
