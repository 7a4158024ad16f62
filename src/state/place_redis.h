/* SPDX-License-Identifier: ISC */
#ifndef STATE_PLACE_REDIS_H
#define STATE_PLACE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/place_book.h"

struct err;
struct redis_conn;

/* The scripts of the places, and what they answer; inside of place.h. */

/* One key for each app. */
#define PLACE_LOOK_MAX 32
#define PLACE_NODES    256

struct place_self {
	const char *node, *home, *name;
	int lease_ms;
	int links_per_app;
	int leave_ms;
	int64_t now_ms; /* 0: Redis's own clock; for tests */
};

struct place_beat {
	bool lost;        /* we weren't there any more */
	int64_t quiet_ms; /* so long nobody takes what it had not */
	int64_t next_ms;  /* until another's time is over, unless it renews */
	struct place_node nodes[PLACE_NODES];
	size_t n;
};

/* Renew what we are, with what we have; alone: no other has links. */
int place_beat(struct redis_conn *c, const struct place_self *s, size_t held,
	       size_t live, bool alone, struct place_beat *out, struct err *e);

/* Ask for n apps at once. -1 with e also when we have to beat first. */
int place_look(struct redis_conn *c, const struct place_self *s,
	       struct place *const *places, const char *wants, size_t n,
	       struct place_found *out, struct err *e);

/* Give everything up. */
int place_leave(struct redis_conn *c, const struct place_self *s,
		struct err *e);

#endif
