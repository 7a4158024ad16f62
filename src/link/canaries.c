/* SPDX-License-Identifier: ISC */
#include "link/canaries_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/container.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "link/flight.h"
#include "link/hub.h"
#include "net/http.h"
#include "store/leases.h"
#include "store/store.h"

#define LOOK_MS   1000
#define AT_ONCE   8
#define VIEW_EACH 10  /* looks; when nothing has changed */
#define VIEW_FEW  100 /* that all are read sooner */
#define ROOM      100000

/* An app's link as it is now. */
struct asked {
	const char *app_id;
	bool live;
	int64_t since_ms; /* of a link here */
};

static void ask_link(const struct link_view *v, void *arg)
{
	struct asked *a = arg;

	if (strcmp(v->app_id, a->app_id) != 0)
		return;
	if (v->state == LINK_LIVE)
		a->since_ms = v->since_ms;
	a->live = v->state == LINK_LIVE || v->elsewhere > 0;
}

static struct flight *find_or_make(struct canaries *k, const char *tenant_id)
{
	struct flight *f = map_get(k->flights, tenant_id);

	if (f)
		return f;
	f = flight_create(k);
	if (f && map_put(k->flights, tenant_id, f) < 0) {
		flight_free(f);
		return NULL;
	}
	return f;
}

/* One that is due, as the store has it. Without a link nothing can come, and
 * that is told elsewhere. */
static int look_at(const struct canary *c, void *arg)
{
	struct canaries *k = arg;
	struct asked a = { .app_id = c->app_id };
	struct flight *f;

	if (k->flying >= AT_ONCE)
		return 1;
	if (!lease_is_ours(k->o.leases, c->app_id))
		return 0;
	hub_each(k->o.hub, ask_link, &a);
	if (!a.live)
		return 0;
	f = find_or_make(k, c->tenant_id);
	if (!f)
		return 1;
	if (!flight_busy(f))
		flight_begin(f, c, a.since_ms);
	return 0;
}

static void fill_view(struct canary_view *v, const struct canary *c)
{
	(void)snprintf(v->tenant, sizeof(v->tenant), "%s", c->tenant);
	(void)snprintf(v->app_id, sizeof(v->app_id), "%s", c->app_id);
	(void)snprintf(v->workspace_id, sizeof(v->workspace_id), "%s",
		       c->workspace_id);
	(void)snprintf(v->channel, sizeof(v->channel), "%s", c->channel);
	(void)snprintf(v->problem, sizeof(v->problem), "%s", c->problem);
	v->minutes = c->minutes;
	v->state = canary_state(c);
	v->heard_ms = c->heard_ms;
	v->trip_ms = c->trip_ms;
	v->missed = c->missed;
	v->gap_from_ms = c->gap_from_ms;
	v->gap_to_ms = c->gap_to_ms;
}

/* Whoever sends has noted that fresh links are wanted; each node has its own.
 * When several canaries of the app do, that is once. */
static void dial_if_wanted(struct canaries *k, const struct canary *c)
{
	int64_t *at = map_get(k->dialed, c->app_id);

	if (c->redial_ms <= k->begun_ms)
		return;
	if (!at) {
		at = calloc(1, sizeof(*at));
		if (!at || map_put(k->dialed, c->app_id, at) < 0) {
			free(at);
			return;
		}
	}
	if (c->redial_ms - *at < FLIGHT_REDIAL_MS)
		return;
	*at = c->redial_ms;
	hub_app_redial(k->o.hub, c->app_id);
}

struct viewing {
	struct canaries *k;
	struct map *deaf; /* apps, as keys */
	bool others;      /* there are some that aren't deaf */
	struct canary_view *views;
	size_t n, room;
};

static int view_one(const struct canary *c, void *arg)
{
	struct viewing *w = arg;
	size_t room = w->room > 0 ? 2 * w->room : 16;
	struct canary_view *views;

	if (w->n == w->room) {
		views = room > ROOM ? NULL
				    : realloc(w->views, room * sizeof(*views));
		if (!views)
			return 1;
		w->views = views;
		w->room = room;
	}
	fill_view(&w->views[w->n++], c);
	/* One that never came is no sign of it that nothing arrives. */
	if (canary_state(c) != CANARY_DEAF || c->heard_ms == 0)
		w->others = true;
	else if (!map_get(w->deaf, c->app_id) &&
		 map_put(w->deaf, c->app_id, w->k) < 0)
		return 1;
	if (c->nonce[0] != '\0')
		w->k->waits = true;
	dial_if_wanted(w->k, c);
	return 0;
}

/* Those that miss something first, then by name: metrics have room for some. */
static int by_need(const void *a, const void *b)
{
	const struct canary_view *x = a, *y = b;

	if (x->missed != y->missed)
		return x->missed < y->missed ? 1 : -1;
	return strcmp(x->tenant, y->tenant);
}

/* All of them, for who wants to see, and for those that other nodes send. */
static void view_all(struct canaries *k, struct err *e)
{
	struct viewing w = { .k = k };
	struct canary_view *old;

	k->waits = false;
	w.deaf = map_create(ROOM);
	if (!w.deaf ||
	    k->store->ops->canaries->each(k->store, NULL, view_one, &w, e) < 0)
		goto out;
	if (w.n > 0)
		qsort(w.views, w.n, sizeof(*w.views), by_need);
	k->stale = false;
	pthread_mutex_lock(&k->lock);
	old = k->views;
	k->views = w.views;
	k->nviews = w.n;
	k->deaf = w.others ? 0 : map_count(w.deaf);
	pthread_mutex_unlock(&k->lock);
	w.views = old;
out:
	map_free(w.deaf, NULL);
	free(w.views);
}

static bool keep(const char *key, void *value, void *arg)
{
	(void)key;
	(void)arg;
	if (flight_busy(value))
		return true;
	flight_free(value);
	return false;
}

static void look(void *arg)
{
	struct canaries *k = arg;
	struct err e = { 0 };

	if (k->halted)
		return;
	map_sweep(k->flights, keep, NULL);
	(void)k->store->ops->canaries->due(k->store, clock_wall_ms(), look_at,
					   k, &e);
	if (k->round++ % VIEW_EACH == 0 ||
	    (k->nviews < VIEW_FEW && (k->stale || k->waits)))
		view_all(k, &e);
	if (e.kind != ERR_NONE && e.kind != ERR_RETRY)
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot look for canaries");
	loop_timer_set(k->timer, LOOK_MS);
}

static void begin(struct loop_task *t)
{
	look(container_of(t, struct canaries, begin));
}

static bool stop_one(const char *key, void *value, void *arg)
{
	(void)key;
	(void)arg;
	flight_stop(value);
	return true;
}

static void halt(struct loop_task *t)
{
	struct canaries *k = container_of(t, struct canaries, halt);

	k->halted = true;
	map_sweep(k->flights, stop_one, NULL);
	loop_timer_free(k->timer);
	k->timer = NULL;
	http_free(k->http);
	k->http = NULL;
}

static struct store *open_store(struct canaries *k, struct err *e)
{
	const char *url = k->o.conf->store_url;
	const struct store_ops *ops = store_find(url, e);

	return ops ? ops->open(url, k->o.keyring, false, e) : NULL;
}

static int create_parts(struct canaries *k, struct err *e)
{
	const struct http_opts ho = { .way = &k->o.conf->slack_way,
				      .box = k->o.way };

	k->loop = loop_create("canaries", e);
	if (!k->loop)
		return -1;
	k->flights = map_create(ROOM);
	k->dialed = map_create(ROOM);
	k->timer = loop_timer_create(k->loop, look, k);
	if (!k->flights || !k->dialed || !k->timer)
		return err_set(e, ERR_RETRY, "cannot send canaries: no memory");
	k->http = http_create(k->loop, &ho, e);
	if (!k->http)
		return -1;
	k->store = open_store(k, e);
	return k->store ? 0 : -1;
}

struct canaries *canaries_create(const struct canaries_opts *o, struct err *e)
{
	struct canaries *k = calloc(1, sizeof(*k));

	if (!k) {
		err_set(e, ERR_RETRY, "cannot send canaries: no memory");
		return NULL;
	}
	k->o = *o;
	k->begun_ms = clock_wall_ms();
	(void)pthread_mutex_init(&k->lock, NULL);
	if (create_parts(k, e) == 0)
		return k;
	canaries_free(k);
	return NULL;
}

int canaries_start(struct canaries *k, struct err *e)
{
	if (loop_start(k->loop, e) < 0)
		return -1;
	k->begin.run = begin;
	loop_post(k->loop, &k->begin);
	return 0;
}

void canaries_each(struct canaries *k,
		   void (*fn)(const struct canary_view *v, void *arg),
		   void *arg)
{
	size_t i;

	pthread_mutex_lock(&k->lock);
	for (i = 0; i < k->nviews; i++)
		fn(&k->views[i], arg);
	pthread_mutex_unlock(&k->lock);
}

static void count_one(const struct canary_view *v, void *arg)
{
	size_t *n = arg;

	n[v->state]++;
}

void canaries_count(struct canaries *k, size_t out[CANARY_STATES])
{
	memset(out, 0, CANARY_STATES * sizeof(*out));
	canaries_each(k, count_one, out);
}

size_t canaries_deaf(struct canaries *k)
{
	size_t n;

	pthread_mutex_lock(&k->lock);
	n = k->deaf;
	pthread_mutex_unlock(&k->lock);
	return n;
}

int64_t canaries_beat_age(struct canaries *k)
{
	return loop_beat_age(k->loop);
}

void canaries_stop(struct canaries *k)
{
	if (!k)
		return;
	k->halt.run = halt;
	loop_post(k->loop, &k->halt);
	loop_stop(k->loop);
}

static void free_flight(void *value)
{
	flight_free(value);
}

void canaries_free(struct canaries *k)
{
	if (!k)
		return;
	map_free(k->flights, free_flight);
	map_free(k->dialed, free);
	loop_timer_free(k->timer);
	http_free(k->http);
	if (k->store)
		k->store->ops->close(k->store);
	loop_free(k->loop);
	pthread_mutex_destroy(&k->lock);
	free(k->views);
	free(k);
}
