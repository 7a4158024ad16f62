/* SPDX-License-Identifier: ISC */
#ifndef BASE_LIVE_H
#define BASE_LIVE_H

#include "base/conf.h"

/*
 * The settings of now. A reload puts others in their place; whoever has taken
 * them keeps what he took until he drops it, so that a turn ends with the
 * settings that it began with. Only keys that are "live" in conf_keys.c ever
 * differ. Any thread; nothing here blocks for longer than a counter takes.
 */
struct live;

struct live_conf {
	unsigned int refs; /* live.c's */
	struct conf conf;
};

/* Takes first, which the caller has allocated and loaded. NULL: no memory, and
 * first stays the caller's. */
struct live *live_create(struct live_conf *first);
/* Nobody holds settings any more. NULL is allowed. */
void live_free(struct live *l);

/*
 * Held until live_drop(). l NULL is for who never reloads: always is given
 * back, and dropped for nothing.
 */
const struct conf *live_take(struct live *l, const struct conf *always);
void live_drop(struct live *l, const struct conf *c);

/* Takes next; it can't fail. */
void live_replace(struct live *l, struct live_conf *next);

#endif
