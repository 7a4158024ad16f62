/* SPDX-License-Identifier: ISC */
#include "link/renew.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/container.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/wait.h"
#include "link/renewal.h"
#include "net/http.h"
#include "net/loop.h"
#include "store/leases.h"
#include "store/store.h"

#define LOOK_MS  1000
#define SUM_EACH 10 /* looks; when nothing has changed */
#define ROOM     100000

static bool count_one(const char *key, void *value, void *arg)
{
	(void)key;
	*(size_t *)arg += renewal_blocks(value);
	return true;
}

void renew_tell(struct renewer *r)
{
	size_t n = 0;

	map_sweep(r->all, count_one, &n);
	pthread_mutex_lock(&r->lock);
	r->looked = true;
	r->expired = n;
	pthread_cond_signal(&r->change);
	pthread_mutex_unlock(&r->lock);
}

void renew_count(struct renewer *r, enum renew_end how)
{
	pthread_mutex_lock(&r->lock);
	switch (how) {
	case RENEW_DONE:
		r->stats.renewed++;
		r->stale = true;
		break;
	case RENEW_FAILED:
		r->stats.failed++;
		break;
	case RENEW_REFUSED:
		r->stats.refused++;
		break;
	}
	pthread_mutex_unlock(&r->lock);
}

static struct renewal *find_or_make(struct renewer *r, const struct grant *g)
{
	char key[160];
	struct renewal *n;

	(void)snprintf(key, sizeof(key), "%.60s/%.60s", g->app_id,
		       g->workspace_id);
	n = map_get(r->all, key);
	if (n)
		return n;
	n = renewal_create(r, g);
	if (n && map_put(r->all, key, n) < 0) {
		renewal_free(n);
		return NULL;
	}
	return n;
}

/* One that is due, as the store has it. */
static int look_at(const struct grant *g, void *arg)
{
	struct renewer *r = arg;
	struct renewal *n;

	/* Who does the app's work renews its tokens. */
	if (!lease_is_ours(r->o.leases, g->app_id))
		return 0;
	n = find_or_make(r, g);
	if (!n)
		return 1;
	n->round = r->round;
	renewal_look(n, g);
	return 0;
}

/* What isn't due any more is forgotten. */
static bool keep(const char *key, void *value, void *arg)
{
	struct renewal *n = value;
	const struct renewer *r = arg;

	(void)key;
	if (renewal_busy(n) || n->round == r->round)
		return true;
	renewal_free(n);
	return false;
}

static struct store *open_store(struct renewer *r, struct err *e)
{
	const char *url = r->o.conf->store_url;
	const struct store_ops *ops = store_find(url, e);

	return ops ? ops->open(url, r->o.keyring, false, e) : NULL;
}

/* When the next are due is for the metrics. */
static void sum_up(struct renewer *r)
{
	struct grant_sum sum;
	struct err e = { 0 };
	bool wanted;

	pthread_mutex_lock(&r->lock);
	wanted = r->stale || !r->stats.known || r->round % SUM_EACH == 0;
	r->stale = false;
	pthread_mutex_unlock(&r->lock);
	if (!wanted)
		return;
	if (r->store->ops->grants->sum(r->store, &sum, &e) < 0)
		return;
	pthread_mutex_lock(&r->lock);
	r->stats.known = true;
	r->stats.n = sum.n;
	r->stats.renew_ms = sum.renew_ms;
	r->stats.expires_ms = sum.expires_ms;
	pthread_mutex_unlock(&r->lock);
}

static void look(void *arg)
{
	struct renewer *r = arg;
	struct err e = { 0 };

	if (r->halted)
		return;
	r->round++;
	if (r->store->ops->grants->due(r->store, clock_wall_ms(), look_at, r,
				       &e) == 0) {
		map_sweep(r->all, keep, r);
		sum_up(r);
	} else if (e.kind != ERR_RETRY) {
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot look for tokens to be renewed");
	}
	renew_tell(r);
	loop_timer_set(r->timer, LOOK_MS);
}

static void begin(struct loop_task *t)
{
	look(container_of(t, struct renewer, begin));
}

static bool stop_one(const char *key, void *value, void *arg)
{
	(void)key;
	(void)arg;
	renewal_stop(value);
	return true;
}

static void halt(struct loop_task *t)
{
	struct renewer *r = container_of(t, struct renewer, halt);

	r->halted = true;
	map_sweep(r->all, stop_one, NULL);
	loop_timer_free(r->timer);
	r->timer = NULL;
	http_free(r->http);
	r->http = NULL;
}

static int create_parts(struct renewer *r, struct err *e)
{
	const struct http_opts ho = { .way = &r->o.conf->slack_way,
				      .box = r->o.way };

	r->loop = loop_create("renew", e);
	if (!r->loop)
		return -1;
	r->all = map_create(ROOM);
	r->timer = loop_timer_create(r->loop, look, r);
	if (!r->all || !r->timer)
		return err_set(e, ERR_RETRY, "cannot renew tokens: no memory");
	r->http = http_create(r->loop, &ho, e);
	if (!r->http)
		return -1;
	r->store = open_store(r, e);
	return r->store ? 0 : -1;
}

struct renewer *renew_create(const struct renewer_opts *o, struct err *e)
{
	struct renewer *r = calloc(1, sizeof(*r));

	if (!r || wait_init(&r->lock, &r->change) < 0) {
		free(r);
		err_set(e, ERR_RETRY, "cannot renew tokens: no memory");
		return NULL;
	}
	r->o = *o;
	if (create_parts(r, e) == 0)
		return r;
	renew_free(r);
	return NULL;
}

int renew_start(struct renewer *r, struct err *e)
{
	if (loop_start(r->loop, e) < 0)
		return -1;
	r->begin.run = begin;
	loop_post(r->loop, &r->begin);
	return 0;
}

void renew_wait(struct renewer *r, int timeout_ms)
{
	struct timespec until = wait_until(timeout_ms);
	int rc = 0;

	pthread_mutex_lock(&r->lock);
	while (rc == 0 && (!r->looked || r->expired > 0))
		rc = pthread_cond_timedwait(&r->change, &r->lock, &until);
	pthread_mutex_unlock(&r->lock);
}

void renew_stop(struct renewer *r)
{
	if (!r)
		return;
	r->halt.run = halt;
	loop_post(r->loop, &r->halt);
	loop_stop(r->loop);
}

void renew_stats(struct renewer *r, struct renew_stats *out)
{
	pthread_mutex_lock(&r->lock);
	*out = r->stats;
	pthread_mutex_unlock(&r->lock);
}

int64_t renew_beat_age(struct renewer *r)
{
	return loop_beat_age(r->loop);
}

static bool say_unsaved(const char *key, void *value, void *arg)
{
	(void)key;
	(void)arg;
	renewal_say_unsaved(value);
	return true;
}

static void free_one(void *value)
{
	renewal_free(value);
}

void renew_free(struct renewer *r)
{
	if (!r)
		return;
	if (r->all)
		map_sweep(r->all, say_unsaved, NULL);
	map_free(r->all, free_one);
	loop_timer_free(r->timer);
	http_free(r->http);
	if (r->store)
		r->store->ops->close(r->store);
	loop_free(r->loop);
	pthread_cond_destroy(&r->change);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
