/* SPDX-License-Identifier: ISC */
#include "base/live.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/container.h"

struct live {
	pthread_mutex_t lock;
	struct live_conf *now;
};

struct live *live_create(struct live_conf *first)
{
	struct live *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	if (pthread_mutex_init(&l->lock, NULL) != 0) {
		free(l);
		return NULL;
	}
	first->refs = 1;
	l->now = first;
	return l;
}

/* Under the lock. True: lc is the caller's to free. */
static bool drop(struct live_conf *lc)
{
	return --lc->refs == 0;
}

static void free_conf(struct live_conf *lc)
{
	conf_release(&lc->conf);
	free(lc);
}

void live_free(struct live *l)
{
	if (!l)
		return;
	if (drop(l->now))
		free_conf(l->now);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

const struct conf *live_take(struct live *l, const struct conf *always)
{
	const struct conf *c;

	if (!l)
		return always;
	pthread_mutex_lock(&l->lock);
	l->now->refs++;
	c = &l->now->conf;
	pthread_mutex_unlock(&l->lock);
	return c;
}

void live_drop(struct live *l, const struct conf *c)
{
	struct live_conf *lc;
	bool last;

	if (!l || !c)
		return;
	lc = container_of(c, struct live_conf, conf);
	pthread_mutex_lock(&l->lock);
	last = drop(lc);
	pthread_mutex_unlock(&l->lock);
	if (last)
		free_conf(lc);
}

void live_replace(struct live *l, struct live_conf *next)
{
	struct live_conf *old;
	bool last;

	next->refs = 1;
	pthread_mutex_lock(&l->lock);
	old = l->now;
	l->now = next;
	last = drop(old);
	pthread_mutex_unlock(&l->lock);
	if (last)
		free_conf(old);
}
