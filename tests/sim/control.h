/* SPDX-License-Identifier: ISC */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include <stddef.h>

#include "base/json.h"
#include "sim/api.h"

struct conn;
struct request;

/* /ctl/: JSON in, JSON out; konstruct-sim(1) lists the calls. */
void control_serve(struct conn *c, const struct request *r);

/* One call; its function writes members of the answer or returns an error. */
struct ctl {
	struct sim *s;
	struct args args; /* of the query and of the body's object */
	const char *body;
	size_t len;
	struct jwrite w;
	char error[256];
};
struct ctl_call {
	const char *name;
	const char *(*run)(struct ctl *c);
};
extern const struct ctl_call ctl_reads[];    /* control_read.c */
extern const struct ctl_call ctl_commands[]; /* control_do.c */
extern const struct ctl_call ctl_acts[];     /* control_act.c */

/* By id, or by name (of that team, if "team" is given). */
struct channel *ctl_channel(const struct ctl *c);
struct user *ctl_user(const struct ctl *c);

/* One of struct sim_settings by its name; -1: unknown, or no number. */
int settings_put(struct sim_settings *set, const char *name, const char *value);
void settings_write(struct jwrite *w, const struct sim_settings *set);

#endif
