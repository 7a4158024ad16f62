/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "link/sweep.h"

/*
 * Which conversations are looked through: threads that are engaged, threads
 * with a transcript in the last day, and direct messages that we had in the
 * last month.
 */

#define DAY_MS      (24 * 3600 * INT64_C(1000))
#define DIRECT_MS   (30 * DAY_MS)
#define TARGETS_MAX 5000
#define CHANNEL_MAX 64
#define KNOWN_SIZE  200
#define PLACES_MAX  1000

struct finding {
	struct sweep *s;
	struct sweep_place *place;
	struct store *st;
	int64_t day_ms; /* threads from then on */
	struct err *e;
	size_t nplaces;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_RETRY, "cannot look for messages: no memory");
}

/* What there is no room for isn't looked through. */
static int add(struct finding *f, const char *channel, const char *thread)
{
	struct sweep *s = f->s;
	struct sweep_target *t;
	char key[KNOWN_SIZE];
	size_t n = strlen(channel) + 1;
	int k;

	k = snprintf(key, sizeof(key), "%s:%s:%s", f->place->c.workspace_id,
		     channel, thread);
	if (k < 0 || (size_t)k >= sizeof(key) || n > CHANNEL_MAX ||
	    strlen(thread) >= TS_SIZE || s->ntargets >= TARGETS_MAX ||
	    map_get(s->known, key))
		return 0;
	t = calloc(1, sizeof(*t) + n);
	if (!t || map_put(s->known, key, s) < 0) {
		free(t);
		return no_memory(f->e);
	}
	t->place = f->place;
	memcpy(t->channel, channel, n);
	(void)snprintf(t->thread, sizeof(t->thread), "%s", thread);
	*s->tail = t;
	s->tail = &t->next;
	s->ntargets++;
	return 0;
}

static int add_thread(const char *channel, const char *thread,
		      const char *last_ts, void *arg)
{
	struct finding *f = arg;

	if (channel[0] == 'D' && add(f, channel, "") < 0)
		return -1;
	if (!ts_valid(thread) || ts_ms(last_ts) < f->day_ms)
		return 0;
	return add(f, channel, thread);
}

/* "app:workspace:channel:thread" */
static int add_engaged(struct finding *f, const char *key)
{
	const struct connection *c = &f->place->c;
	const char *rest;
	char channel[CHANNEL_MAX];
	char prefix[KNOWN_SIZE];
	size_t n;
	int k;

	k = snprintf(prefix, sizeof(prefix), "%s:%s:", c->app_id,
		     c->workspace_id);
	if (k < 0 || (size_t)k >= sizeof(prefix) ||
	    strncmp(key, prefix, (size_t)k) != 0)
		return 0;
	rest = key + k;
	n = strcspn(rest, ":");
	if (rest[n] != ':' || n >= sizeof(channel) || !ts_valid(rest + n + 1))
		return 0;
	memcpy(channel, rest, n);
	channel[n] = '\0';
	return add(f, channel, rest + n + 1);
}

static int add_place(const struct connection *c, void *arg)
{
	struct finding *f = arg;
	struct sweep_place *p;
	int rc;

	if (c->tenant.paused || c->gone_ms > 0 || f->nplaces++ >= PLACES_MAX)
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return no_memory(f->e);
	rc = f->st->ops->resolve(f->st, c->channel_type, c->app_id,
				 c->workspace_id, &p->c, f->e);
	if (rc <= 0) {
		free(p);
		return rc;
	}
	p->next = f->s->places;
	f->s->places = p;
	return 0;
}

void sweep_forget(struct sweep *s)
{
	struct sweep_target *t;
	struct sweep_place *p;

	while (s->targets) {
		t = s->targets;
		s->targets = t->next;
		free(t);
	}
	s->tail = &s->targets;
	while (s->places) {
		p = s->places;
		s->places = p->next;
		connection_release(&p->c);
		free(p);
	}
	map_free(s->known, NULL);
	s->known = NULL;
	s->ntargets = 0;
}

static int find_in(struct finding *f, char *const *keys, size_t nkeys)
{
	size_t i;

	for (i = 0; i < nkeys; i++)
		if (add_engaged(f, keys[i]) < 0)
			return -1;
	return f->st->ops->threads(f->st, f->place->c.tenant_id,
				   clock_wall_ms() - DIRECT_MS, add_thread, f,
				   f->e);
}

int sweep_find(struct sweep *s, struct store *st, char *const *keys,
	       size_t nkeys, struct err *e)
{
	struct finding f = {
		.s = s, .st = st, .day_ms = s->from_ms - DAY_MS, .e = e
	};
	int rc;

	sweep_forget(s);
	s->known = map_create(0);
	if (!s->known)
		return no_memory(e);
	rc = st->ops->connections_of_app(st, s->app_id, add_place, &f, e);
	for (f.place = s->places; rc == 0 && f.place; f.place = f.place->next)
		rc = find_in(&f, keys, nkeys);
	return rc;
}
