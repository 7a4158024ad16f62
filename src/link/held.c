/* SPDX-License-Identifier: ISC */
#include "link/held.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "link/alarm.h"

struct waiting {
	struct waiting *prev, *next; /* in the order of their deadlines */
	struct waiting *later;       /* in the same thread */
	struct waiting *latest;      /* of the thread, in its first */
	int64_t due_ms;
	size_t bytes;
	void *item;
	char key[];
};

struct held {
	struct alarms *alarms;
	struct alarm alarm; /* for the first */
	int64_t wait_ms;
	void (*done)(void *item, const char *key, void *arg);
	void *arg;

	struct waiting *first, *last;
	struct map *threads; /* key -> its first, linked by later */
	size_t n, bytes;
};

static void expire(void *arg);

struct held *held_create(struct alarms *as, int64_t wait_ms,
			 void (*done)(void *item, const char *key, void *arg),
			 void *arg)
{
	struct held *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->threads = map_create(0);
	if (!h->threads)
		goto fail;
	if (alarm_init(as, &h->alarm, expire, h) < 0)
		goto fail;
	h->alarms = as;
	h->wait_ms = wait_ms;
	h->done = done;
	h->arg = arg;
	return h;
fail:
	map_free(h->threads, NULL);
	free(h);
	return NULL;
}

void held_free(struct held *h, void (*drop)(void *item))
{
	if (!h)
		return;
	held_clear(h, drop);
	map_free(h->threads, NULL);
	alarm_release(h->alarms, &h->alarm);
	free(h);
}

static struct waiting *make(const char *key, void *item, size_t bytes)
{
	size_t n = strlen(key) + 1;
	struct waiting *w = calloc(1, sizeof(*w) + n);

	if (!w)
		return NULL;
	memcpy(w->key, key, n);
	w->item = item;
	w->bytes = bytes;
	return w;
}

/* Behind the others of its thread. */
static int index_add(struct held *h, struct waiting *w)
{
	struct waiting *f = map_get(h->threads, w->key);

	w->latest = w;
	if (!f)
		return map_put(h->threads, w->key, w);
	f->latest->later = w;
	f->latest = w;
	return 0;
}

static void arm(struct held *h)
{
	int64_t now = h->alarms->now();

	if (h->first)
		alarm_set(h->alarms, &h->alarm, h->first->due_ms - now);
	else
		alarm_stop(h->alarms, &h->alarm);
}

int held_add(struct held *h, const char *key, void *item, size_t bytes)
{
	struct waiting *w;

	if (h->n >= HELD_MAX || h->bytes + bytes > HELD_BYTES_MAX)
		return -1;
	w = make(key, item, bytes);
	if (!w)
		return -1;
	if (index_add(h, w) < 0) {
		free(w);
		return -1;
	}
	w->due_ms = h->alarms->now() + h->wait_ms;
	w->prev = h->last;
	if (h->last)
		h->last->next = w;
	else
		h->first = w;
	h->last = w;
	h->n++;
	h->bytes += bytes;
	if (h->first == w)
		arm(h);
	return 0;
}

static void unlink_one(struct held *h, struct waiting *w)
{
	if (w->prev)
		w->prev->next = w->next;
	else
		h->first = w->next;
	if (w->next)
		w->next->prev = w->prev;
	else
		h->last = w->prev;
	h->n--;
	h->bytes -= w->bytes;
}

/* All of w's thread, taken off the list and the index. */
static void finish(struct held *h, struct waiting *w)
{
	struct waiting *later;

	for (; w; w = later) {
		later = w->later;
		h->done(w->item, w->key, h->arg);
		free(w);
	}
}

/*
 * A thread's replies are in the order of the whole list, so the first of the
 * list is the first of its thread.
 */
static void expire_first(struct held *h)
{
	struct waiting *w = h->first;

	(void)map_take(h->threads, w->key);
	/* Should memory fail here, the rest of the thread can't be woken and
	 * just waits for its end. */
	if (w->later) {
		w->later->latest = w->latest;
		(void)map_put(h->threads, w->key, w->later);
	}
	w->later = NULL;
	unlink_one(h, w);
	finish(h, w);
}

static void expire(void *arg)
{
	struct held *h = arg;

	while (h->first && h->first->due_ms <= h->alarms->now())
		expire_first(h);
	arm(h);
}

void held_wake(struct held *h, const char *key)
{
	struct waiting *all, *w;

	if (h->n == 0)
		return;
	all = map_take(h->threads, key);
	for (w = all; w; w = w->later)
		unlink_one(h, w);
	finish(h, all);
	arm(h);
}

void held_clear(struct held *h, void (*drop)(void *item))
{
	struct waiting *w;

	while (h->first) {
		w = h->first;
		(void)map_take(h->threads, w->key);
		unlink_one(h, w);
		drop(w->item);
		free(w);
	}
	arm(h);
}
