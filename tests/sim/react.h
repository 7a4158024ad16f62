/* SPDX-License-Identifier: ISC */
#ifndef SIM_REACT_H
#define SIM_REACT_H

#include <stdbool.h>

#include "sim/world.h"

/* Puts a reaction there or takes it away, and tells the channel's apps; false
 * when nothing would change. */
bool react(struct sim *s, struct msg *m, const struct user *u, const char *name,
	   bool add);
bool reaction_name_ok(const char *name);
/* As Slack shows them, an array as JSON text; NULL: there are none. The
 * caller frees it. */
char *reactions_json(const struct msg *m);

#endif
