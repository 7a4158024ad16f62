/* SPDX-License-Identifier: ISC */
#ifndef TURN_LANE_H
#define TURN_LANE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The turns of one thread, one after the other: who came first is at the
 * head and works, the others wait behind it. One thread's, no locks.
 */
struct lanes;
struct lane;

/* Put into what stands in a lane. */
struct lane_seat {
	struct lane *lane; /* NULL: in none */
	struct lane_seat *next;
	void *who;
};

struct lanes *lanes_create(void); /* NULL when memory is short */
void lanes_free(struct lanes *l); /* all must have left; NULL is allowed */

/* At the end of the key's lane; 0, or -1 when memory is short. */
int lane_join(struct lanes *l, const char *key, struct lane_seat *s);

/* The seat that is at the head now, if it wasn't before; else NULL. */
struct lane_seat *lane_leave(struct lanes *l, struct lane_seat *s);

bool lane_is_head(const struct lane_seat *s);

/* The next one in its lane; NULL: none. */
struct lane_seat *lane_behind(const struct lane_seat *s);

size_t lanes_count(const struct lanes *l);

#endif
