/* SPDX-License-Identifier: ISC */
#include "state/engaged.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"

#define THREADS_MAX 1000000

/* The screen may err by this much, as clocks do. */
#define SLACK_MS (60 * 1000)

#define SWEEP_EVERY_MS (60 * 1000)

struct thread {
	int64_t since_ms; /* own time of the message that engaged it */
	int64_t last_ms;  /* of the last one; or NEVER */
	int64_t seen_ms;  /* wall clock when we heard of it, hints included, */
	int64_t ended_ms; /* and when it was ended, */
	int64_t end_ms;   /* by a message of this time of its own */
};
#define NEVER INT64_MIN

struct engaged {
	pthread_mutex_t lock;
	struct map *threads;
	atomic_llong window_ms;
	int64_t swept_ms;
	engaged_fn *watcher;
	void *arg;
	bool deaf;
	bool full; /* some thread found no room: anything may be engaged */
};

int engaged_key(char out[ENGAGED_KEY_SIZE], const char *app_id,
		const char *workspace_id, const char *channel,
		const char *thread)
{
	int n;

	n = snprintf(out, ENGAGED_KEY_SIZE, "%s:%s:%s:%s", app_id, workspace_id,
		     channel, thread);
	return n < 0 || n >= ENGAGED_KEY_SIZE ? -1 : 0;
}

struct engaged *engaged_create(int64_t window_ms)
{
	struct engaged *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	atomic_init(&g->window_ms, window_ms);
	g->threads = map_create(THREADS_MAX);
	if (!g->threads || pthread_mutex_init(&g->lock, NULL) != 0) {
		map_free(g->threads, free);
		free(g);
		return NULL;
	}
	return g;
}

void engaged_free(struct engaged *g)
{
	if (!g)
		return;
	map_free(g->threads, free);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

/* The thread, made if it isn't there; NULL when there is no room. */
static struct thread *find_or_add(struct engaged *g, const char *key)
{
	struct thread *t = map_get(g->threads, key);

	if (t)
		return t;
	t = malloc(sizeof(*t));
	if (!t || map_put(g->threads, key, t) < 0) {
		free(t);
		g->full = true;
		return NULL;
	}
	t->last_ms = NEVER;
	t->seen_ms = NEVER;
	t->ended_ms = t->end_ms = NEVER;
	return t;
}

void engaged_hint(struct engaged *g, const char *key, int64_t now_ms)
{
	struct thread *t;

	pthread_mutex_lock(&g->lock);
	t = find_or_add(g, key);
	if (t && now_ms > t->seen_ms)
		t->seen_ms = now_ms;
	pthread_mutex_unlock(&g->lock);
}

/* since_ms counts where the thread isn't engaged by then, or since later. */
static void renew(struct engaged *g, const char *key, int64_t since_ms,
		  int64_t at_ms)
{
	int64_t now = clock_wall_ms();
	struct thread *t;

	pthread_mutex_lock(&g->lock);
	t = find_or_add(g, key);
	if (t && at_ms > t->end_ms) {
		if (t->last_ms == NEVER ||
		    at_ms > t->last_ms + engaged_window_ms(g) ||
		    since_ms < t->since_ms)
			t->since_ms = since_ms;
		if (at_ms > t->last_ms)
			t->last_ms = at_ms;
		if (now > t->seen_ms)
			t->seen_ms = now;
	}
	pthread_mutex_unlock(&g->lock);
}

void engaged_renew(struct engaged *g, const char *key, int64_t at_ms)
{
	renew(g, key, at_ms, at_ms);
}

void engaged_restore(struct engaged *g, const char *key, int64_t at_ms)
{
	renew(g, key, at_ms - engaged_window_ms(g), at_ms);
}

static bool is_newer(const struct thread *t, int64_t at_ms)
{
	return at_ms > 0 && t->last_ms != NEVER && t->since_ms > at_ms;
}

void engaged_end(struct engaged *g, const char *key, int64_t at_ms)
{
	struct thread *t;

	pthread_mutex_lock(&g->lock);
	t = find_or_add(g, key);
	if (t && !is_newer(t, at_ms)) {
		t->last_ms = t->seen_ms = NEVER;
		t->ended_ms = clock_wall_ms();
		if (at_ms > 0)
			t->end_ms = at_ms;
	}
	pthread_mutex_unlock(&g->lock);
}

bool engaged_ended_since(struct engaged *g, const char *key, int64_t at_ms)
{
	const struct thread *t;
	bool yes;

	pthread_mutex_lock(&g->lock);
	t = map_get(g->threads, key);
	yes = t && t->ended_ms != NEVER && t->ended_ms >= at_ms;
	pthread_mutex_unlock(&g->lock);
	return yes;
}

bool engaged_known(struct engaged *g, const char *key)
{
	const struct thread *t;
	bool yes;

	pthread_mutex_lock(&g->lock);
	t = map_get(g->threads, key);
	yes = g->full || g->deaf || (t && t->last_ms != NEVER);
	pthread_mutex_unlock(&g->lock);
	return yes;
}

void engaged_answered(struct engaged *g, const char *tenant_id, const char *key,
		      int64_t at_ms)
{
	engaged_renew(g, key, at_ms);
	if (g->watcher)
		g->watcher(tenant_id, key, at_ms, g->arg);
}

void engaged_watch(struct engaged *g, engaged_fn *fn, void *arg)
{
	g->watcher = fn;
	g->arg = arg;
}

void engaged_set_window(struct engaged *g, int64_t window_ms)
{
	atomic_store(&g->window_ms, window_ms);
}

int64_t engaged_window_ms(const struct engaged *g)
{
	return atomic_load(&g->window_ms);
}

bool engaged_at(struct engaged *g, const char *key, int64_t at_ms)
{
	const struct thread *t;
	bool yes;

	pthread_mutex_lock(&g->lock);
	t = map_get(g->threads, key);
	yes = t && t->last_ms != NEVER && at_ms >= t->since_ms &&
	      at_ms <= t->last_ms + engaged_window_ms(g);
	pthread_mutex_unlock(&g->lock);
	return yes;
}

void engaged_set_deaf(struct engaged *g, bool deaf)
{
	pthread_mutex_lock(&g->lock);
	g->deaf = deaf;
	pthread_mutex_unlock(&g->lock);
}

bool engaged_is_deaf(struct engaged *g)
{
	bool yes;

	pthread_mutex_lock(&g->lock);
	yes = g->deaf;
	pthread_mutex_unlock(&g->lock);
	return yes;
}

/*
 * By both clocks: messages that engage may bear times ahead of ours or behind,
 * and whoever replies to one bears much the same.
 */
static bool fresh(const struct thread *t, int64_t now_ms, int64_t window_ms)
{
	return t->last_ms >= now_ms - window_ms ||
	       t->seen_ms >= now_ms - window_ms;
}

bool engaged_maybe(struct engaged *g, const char *key)
{
	int64_t now = clock_wall_ms();
	const struct thread *t;
	bool yes;

	pthread_mutex_lock(&g->lock);
	t = map_get(g->threads, key);
	yes = g->full || (t && fresh(t, now, engaged_window_ms(g) + SLACK_MS));
	pthread_mutex_unlock(&g->lock);
	return yes;
}

struct sweep {
	int64_t now_ms;
	int64_t window_ms;
};

static bool keep(const char *key, void *value, void *arg)
{
	const struct sweep *s = arg;
	const struct thread *t = value;

	(void)key;
	if (fresh(t, s->now_ms, s->window_ms) ||
	    t->ended_ms >= s->now_ms - s->window_ms)
		return true;
	free(value);
	return false;
}

void engaged_sweep(struct engaged *g, int64_t now_ms)
{
	struct sweep s = { now_ms, engaged_window_ms(g) + ENGAGED_KEEP_MS };

	pthread_mutex_lock(&g->lock);
	if (llabs(now_ms - g->swept_ms) >= SWEEP_EVERY_MS) {
		g->swept_ms = now_ms;
		map_sweep(g->threads, keep, &s);
		g->full = map_count(g->threads) >= THREADS_MAX;
	}
	pthread_mutex_unlock(&g->lock);
}

size_t engaged_count(struct engaged *g)
{
	size_t n;

	pthread_mutex_lock(&g->lock);
	n = map_count(g->threads);
	pthread_mutex_unlock(&g->lock);
	return n;
}
