/* SPDX-License-Identifier: ISC */
#ifndef SIM_ELEMENT_H
#define SIM_ELEMENT_H

#include <stdbool.h>

struct json;
struct jwrite;
struct sim;

/* One thing in blocks that a person uses; borrowed from them. */
struct element {
	const struct json *block;
	const struct json *json;
	const struct json *part; /* the button of two, or the option */
	const char *value;       /* as given: a date, a person's id */
};

/*
 * The element with this action_id, as user may use it with value (see
 * sim_click()). false: there is none.
 */
bool element_find(const struct json *blocks, const char *action_id,
		  const char *value, const char *user, struct element *out);
/* As it stands in "actions" of a payload. */
void element_write(struct sim *s, struct jwrite *w, const struct element *el);

/*
 * As it stands in "state" of a view, a member of its block's object. values:
 * what a person put in, an object with a string or an array of strings for
 * each action_id (or block_id); what isn't there is as the app set it at the
 * start. -1: an input that is needed is empty, or an option isn't there.
 */
int element_state(struct jwrite *w, const struct json *block,
		  const struct json *e, const struct json *values);

#endif
