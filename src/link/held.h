/* SPDX-License-Identifier: ISC */
#ifndef LINK_HELD_H
#define LINK_HELD_H

#include <stddef.h>
#include <stdint.h>

struct alarms;

/*
 * Replies in threads that nothing engages yet: each waits the same short time
 * for the mention of its thread, which may come over another link. I/O thread
 * only.
 */
struct held;

#define HELD_MAX       16384
#define HELD_BYTES_MAX (64 * 1024 * 1024)

/* done gets each item once: its thread was woken, or its time is over. */
struct held *held_create(struct alarms *as, int64_t wait_ms,
			 void (*done)(void *item, const char *key, void *arg),
			 void *arg);
/* drop gets what still waits. NULL is allowed. */
void held_free(struct held *h, void (*drop)(void *item));

/* bytes is what the item weighs. 0, or -1: no room, the item stays with the
 * caller. */
int held_add(struct held *h, const char *key, void *item, size_t bytes);

void held_wake(struct held *h, const char *key);

/* Give all to drop. */
void held_clear(struct held *h, void (*drop)(void *item));

#endif
