/* SPDX-License-Identifier: ISC */
#ifndef STATE_ENGAGED_H
#define STATE_ENGAGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The threads that the agents are part of. Thread-safe; each call holds a
 * mutex for a table look-up and no longer.
 *
 * A thread is engaged from an accepted mention on, until it was idle for a
 * while, judged by the messages' own times. It may be engaged already when
 * its mention has only been seen and not judged yet: the screen goes by that,
 * so that it never drops what the router would have taken.
 */
struct engaged;

/* "app:workspace:channel:thread" */
#define ENGAGED_KEY_SIZE 200
int engaged_key(char out[ENGAGED_KEY_SIZE], const char *app_id,
		const char *workspace_id, const char *channel,
		const char *thread);

/* What has ended is remembered so much longer, for messages that come late. */
#define ENGAGED_KEEP_MS (3600 * INT64_C(1000))

struct engaged *engaged_create(int64_t window_ms);
void engaged_free(struct engaged *g);

/* A mention was seen at wall clock now; it may engage the thread. */
void engaged_hint(struct engaged *g, const char *key, int64_t now_ms);

/* The thread is engaged by a message of that time (never moved back), unless
 * it was ended by a later one: of what came before we may hear after that. */
void engaged_renew(struct engaged *g, const char *key, int64_t at_ms);

/* The same from the store, which keeps the last time only: when it began to
 * be engaged isn't known, and is taken to be a window before. */
void engaged_restore(struct engaged *g, const char *key, int64_t at_ms);

/* Not engaged any more by what is no newer than a message of that time (0: by
 * whatever it was), until it is engaged anew; and was that done here after a
 * message of that time? */
void engaged_end(struct engaged *g, const char *key, int64_t at_ms);
bool engaged_ended_since(struct engaged *g, const char *key, int64_t at_ms);

/* Has this process heard of it, by a message or from the store, and not that
 * it was ended since? */
bool engaged_known(struct engaged *g, const char *key);

/*
 * An answer of ours renews the thread: the table, and whoever watches. Never
 * blocks.
 */
void engaged_answered(struct engaged *g, const char *tenant_id, const char *key,
		      int64_t at_ms);

/*
 * fn is called by engaged_answered(), on any thread, and must not wait; NULL
 * ends that. One watcher, set while nobody else calls.
 */
typedef void engaged_fn(const char *tenant_id, const char *key, int64_t at_ms,
			void *arg);
void engaged_watch(struct engaged *g, engaged_fn *fn, void *arg);

/* Another window from now on. What has ended by the one until now may be
 * forgotten already. */
void engaged_set_window(struct engaged *g, int64_t window_ms);
int64_t engaged_window_ms(const struct engaged *g);

/* Is a message of that time no older than the one that engaged the thread, and
 * within the window of the last one? */
bool engaged_at(struct engaged *g, const char *key, int64_t at_ms);

/*
 * With several nodes: news of the others may be missed, so that what isn't
 * known here may be engaged all the same.
 */
void engaged_set_deaf(struct engaged *g, bool deaf);
bool engaged_is_deaf(struct engaged *g);

/* False only if engaged_at() can't be true of a message of now or soon. */
bool engaged_maybe(struct engaged *g, const char *key);

/* Forget what ended long before now. Call it now and then. */
void engaged_sweep(struct engaged *g, int64_t now_ms);

size_t engaged_count(struct engaged *g);

#endif
