/* SPDX-License-Identifier: ISC */
#include "link/catchup.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/live.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "link/canaries.h"
#include "link/hub.h"
#include "link/sweep.h"
#include "net/http.h"
#include "slack/api.h"
#include "state/engaged.h"
#include "store/grants.h"

/* Slack's last redelivery comes so much later. */
#define GAP_MS (5 * 60 * INT64_C(1000))

/* Clocks differ, and what was under way when the link died may be lost. */
#define MARGIN_MS (60 * INT64_C(1000))

#define SAVE_MS       30000
#define SAVE_AGAIN_MS 2000 /* when the journal failed, so that it recovers */
#define APPS_MAX      100000
#define IDS_MAX       (8 * 1024 * 1024)
#define KEYS_MAX      1000000

/* By the wall clock; to_ms 0: no time at all. */
struct span {
	int64_t from_ms, to_ms;
};

/* An app, for as long as we run. */
struct seen {
	int64_t last_ms;  /* clock_ms() when it was last live; NEVER */
	struct span deaf; /* what of its canaries' gaps was looked through, */
	struct span due;  /* and, during a tick, what is to be */
	atomic_bool sweeping;
};
#define NEVER INT64_MIN

struct save {
	struct journal_req req; /* must be first */
	struct buf ids;
	int64_t at_ms;
	atomic_bool busy;
};

struct catchup {
	struct catchup_opts o;
	struct map *apps;     /* struct seen; the main thread's */
	struct save saves[2]; /* the regular one, and that of the stop */
	int64_t save_at_ms;

	/* The loop's. */
	struct sweep_env env;
	struct loop *loop;
	struct sweep *sweeps;
	struct store *store; /* while there are any */
	char **keys;         /* of engaged threads */
	size_t nkeys, keys_size;
	struct err *e; /* of who reads */
	struct loop_task close_task;
};

/* An app on its way to the loop. */
struct order {
	struct loop_task task; /* must be first */
	struct catchup *c;
	struct seen *seen;
	int64_t from_ms, to_ms;
	char app_id[];
};

static struct seen *seen_of(struct catchup *c, const char *app_id)
{
	struct seen *s = map_get(c->apps, app_id);

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s || map_put(c->apps, app_id, s) < 0) {
		free(s);
		return NULL;
	}
	s->last_ms = NEVER;
	return s;
}

static int no_memory(struct err *e)
{
	return err_set(e, ERR_RETRY, "cannot look for messages: no memory");
}

/* on the loop */

static void forget_store(struct catchup *c)
{
	if (c->store)
		c->store->ops->close(c->store);
	c->store = NULL;
	while (c->nkeys > 0)
		free(c->keys[--c->nkeys]);
	free(c->keys);
	c->keys = NULL;
	c->keys_size = 0;
}

static int add_key(const char *key, int64_t at_ms, void *arg)
{
	struct catchup *c = arg;
	char **bigger;
	size_t size;

	(void)at_ms;
	if (c->nkeys >= KEYS_MAX)
		return 1;
	if (c->nkeys == c->keys_size) {
		size = c->keys_size > 0 ? 2 * c->keys_size : 64;
		bigger = reallocarray(c->keys, size, sizeof(*bigger));
		if (!bigger)
			return no_memory(c->e);
		c->keys = bigger;
		c->keys_size = size;
	}
	c->keys[c->nkeys] = strdup(key);
	if (!c->keys[c->nkeys])
		return no_memory(c->e);
	c->nkeys++;
	return 0;
}

static int open_store(struct catchup *c, const struct sweep *s, struct err *e)
{
	int64_t since = s->from_ms - engaged_window_ms(c->o.engaged);
	const struct store_ops *ops = store_find(c->o.conf->store_url, e);

	if (!ops)
		return -1;
	c->store = ops->open(c->o.conf->store_url, c->o.keyring, false, e);
	if (!c->store)
		return -1;
	c->e = e;
	if (ops->engaged(c->store, since, add_key, c, e) == 0)
		return 0;
	forget_store(c);
	return -1;
}

static int on_find(struct sweep *s, void *arg, struct err *e)
{
	struct catchup *c = arg;

	if (!c->store && open_store(c, s, e) < 0)
		return -1;
	return sweep_find(s, c->store, c->keys, c->nkeys, e);
}

static int on_token(struct connection *c, void *arg, struct err *e)
{
	struct catchup *cu = arg;
	struct connection now;
	bool same;
	int rc;

	/* It is there as long as there are sweeps. */
	rc = cu->store->ops->resolve(cu->store, c->channel_type, c->app_id,
				     c->workspace_id, &now, e);
	if (rc == 0)
		(void)err_set(e, ERR_INPUT, "there is no such connection");
	if (rc <= 0)
		return -1;
	same = strcmp(c->bot_token, now.bot_token) == 0;
	secret_free(c->bot_token);
	c->bot_token = now.bot_token;
	now.bot_token = NULL;
	connection_release(&now);
	if (!same)
		return 1;
	if (!slack_token_expires(c->bot_token))
		return err_set(e, ERR_INPUT, "Slack refuses the bot token");
	grant_hurry(cu->o.journal, c);
	return 0;
}

static void on_done(struct sweep *s, void *arg)
{
	struct catchup *c = arg;
	struct seen *seen = s->who;
	struct sweep **link;

	for (link = &c->sweeps; *link != s; link = &(*link)->next)
		;
	*link = s->next;
	sweep_free(s);
	atomic_store(&seen->sweeping, false);
	if (!c->sweeps)
		forget_store(c);
}

static void run_order(struct loop_task *t)
{
	struct order *o = (struct order *)t;
	struct catchup *c = o->c;
	struct sweep *s = NULL;

	if (!c->env.halted)
		s = sweep_create(&c->env, o->app_id, o->from_ms, o->to_ms);
	if (s) {
		s->who = o->seen;
		s->next = c->sweeps;
		c->sweeps = s;
		sweep_run(s);
	}
	free(o);
}

static void halt(struct loop_task *t)
{
	struct catchup *c =
		(struct catchup *)((char *)t -
				   offsetof(struct catchup, close_task));
	struct sweep *s;

	c->env.halted = true;
	for (s = c->sweeps; s; s = s->next)
		sweep_halt(s);
	http_free(c->env.http);
	c->env.http = NULL;
}

/* on the main thread */

/* False: no memory; it is to be tried again. */
static bool begin(struct catchup *c, const char *app_id, struct seen *seen,
		  struct span gap)
{
	size_t n = strlen(app_id) + 1;
	struct order *o = malloc(sizeof(*o) + n);

	if (!o)
		return false;
	o->task.run = run_order;
	o->c = c;
	o->seen = seen;
	o->from_ms = gap.from_ms - MARGIN_MS;
	o->to_ms = gap.to_ms + MARGIN_MS;
	memcpy(o->app_id, app_id, n);
	atomic_store(&seen->sweeping, true);
	loop_post(c->loop, &o->task);
	return true;
}

/* Anything of the gap that ended then? */
static bool may_sweep(const struct catchup *c, const char *app_id,
		      int64_t to_ms)
{
	const struct conf *now = live_take(c->o.live, c->o.conf);
	int64_t minutes = now->catch_up_minutes;

	live_drop(c->o.live, now);
	return minutes > 0 && clock_wall_ms() - to_ms < minutes * 60000 &&
	       (!c->o.owns || c->o.owns(app_id, c->o.arg));
}

struct look {
	struct catchup *c;
	struct jwrite w; /* of those to be saved */
	int64_t now;
	size_t n;
	bool sweep;
};

static void look_at(const struct link_view *v, void *arg)
{
	struct look *l = arg;
	int64_t gap, wall = clock_wall_ms();
	struct seen *s;

	if (v->state != LINK_LIVE && v->elsewhere == 0)
		return;
	s = seen_of(l->c, v->app_id);
	if (!s)
		return;
	if (v->state != LINK_LIVE) { /* who is linked looks for the gap */
		s->last_ms = l->now;
		return;
	}
	gap = s->last_ms == NEVER ? 0 : l->now - s->last_ms;
	if (gap >= GAP_MS && may_sweep(l->c, v->app_id, wall)) {
		/* Twice in a row: the second waits for the first. */
		if (!l->sweep || atomic_load(&s->sweeping) ||
		    !begin(l->c, v->app_id, s,
			   (struct span){ wall - gap, wall }))
			return;
	}
	s->last_ms = l->now;
	if (!atomic_load(&s->sweeping)) {
		jw_str(&l->w, NULL, v->app_id);
		l->n++;
	}
}

static int write_seen(struct store *s, void *arg, struct err *e)
{
	const struct save *sv = arg;

	return s->ops->seen_put(s, sv->ids.data, sv->at_ms, e);
}

static void saved(struct journal_req *r)
{
	struct save *sv = (struct save *)r;

	atomic_store(&sv->busy, false);
}

/* Who is live, and what follows from it. */
static void look(struct catchup *c, struct hub *hub, struct save *sv,
		 bool sweep)
{
	struct look l = { .c = c, .now = clock_ms(), .sweep = sweep };

	buf_reset(&sv->ids);
	jw_init(&l.w, &sv->ids);
	jw_array(&l.w, NULL);
	hub_each(hub, look_at, &l);
	jw_array_end(&l.w);
	if (l.n == 0 || sv->ids.failed || l.now < c->save_at_ms)
		return;
	c->save_at_ms = l.now + SAVE_MS;
	sv->at_ms = clock_wall_ms();
	sv->req.kind = JOURNAL_WRITE;
	sv->req.write = write_seen;
	sv->req.arg = sv;
	sv->req.done = saved;
	atomic_store(&sv->busy, true);
	(void)journal_submit(c->o.journal, &sv->req);
}

static bool is_within(const struct span *a, const struct span *of)
{
	return a->from_ms >= of->from_ms && a->to_ms <= of->to_ms;
}

static void widen(struct span *a, const struct span *by)
{
	if (a->to_ms == 0 || by->from_ms < a->from_ms)
		a->from_ms = by->from_ms;
	if (by->to_ms > a->to_ms)
		a->to_ms = by->to_ms;
}

/* That of a tenant; what it is about may concern all of the app. */
static void note_gap(const struct canary_view *v, void *arg)
{
	const struct span gap = { v->gap_from_ms, v->gap_to_ms };
	struct catchup *c = arg;
	struct seen *s;

	if (gap.from_ms == 0 || !may_sweep(c, v->app_id, gap.to_ms))
		return;
	s = seen_of(c, v->app_id);
	if (s && !is_within(&gap, &s->deaf))
		widen(&s->due, &gap);
}

/* Those of all its tenants at once. */
static void sweep_gaps(const struct canary_view *v, void *arg)
{
	struct catchup *c = arg;
	struct seen *s = map_get(c->apps, v->app_id);
	struct span due = s ? s->due : (struct span){ 0 };

	if (due.to_ms == 0)
		return;
	s->due = (struct span){ 0 };
	if (!atomic_load(&s->sweeping) && begin(c, v->app_id, s, due))
		widen(&s->deaf, &due);
}

void catchup_tick(struct catchup *c, struct hub *hub, struct canaries *canaries)
{
	struct journal_stats js;
	int64_t soon = clock_ms() + SAVE_AGAIN_MS;

	if (atomic_load(&c->saves[0].busy))
		return;
	journal_stats(c->o.journal, &js);
	if (js.failing && c->save_at_ms > soon)
		c->save_at_ms = soon;
	look(c, hub, &c->saves[0], true);
	canaries_each(canaries, note_gap, c);
	canaries_each(canaries, sweep_gaps, c);
}

void catchup_stop(struct catchup *c, struct hub *hub)
{
	if (!c)
		return;
	c->close_task.run = halt;
	loop_post(c->loop, &c->close_task);
	loop_stop(c->loop);
	c->save_at_ms = 0;
	look(c, hub, &c->saves[1], false);
}

static int add_seen(const char *app_id, int64_t at_ms, void *arg)
{
	struct catchup *c = arg;
	struct seen *s = seen_of(c, app_id);
	int64_t ago = clock_wall_ms() - at_ms;

	if (!s)
		return no_memory(c->e);
	s->last_ms = clock_ms() - (ago > 0 ? ago : 0);
	return 0;
}

static int read_seen(struct catchup *c, struct err *e)
{
	const struct store_ops *ops = store_find(c->o.conf->store_url, e);
	struct store *st;
	int rc;

	if (!ops)
		return -1;
	st = ops->open(c->o.conf->store_url, c->o.keyring, false, e);
	if (!st)
		return -1;
	c->e = e;
	rc = ops->seen(st, add_seen, c, e);
	ops->close(st);
	return rc;
}

static int create_parts(struct catchup *c, struct err *e)
{
	const struct http_opts ho = { .way = &c->o.conf->slack_way,
				      .box = c->o.way };

	c->loop = loop_create("catchup", e);
	if (!c->loop)
		return -1;
	c->env = (struct sweep_env){ .conf = c->o.conf,
				     .live = c->o.live,
				     .loop = c->loop,
				     .engaged = c->o.engaged,
				     .journal = c->o.journal,
				     .router = c->o.router,
				     .find = on_find,
				     .token = on_token,
				     .done = on_done,
				     .arg = c };
	c->apps = map_create(APPS_MAX);
	c->env.closed = map_create(APPS_MAX);
	if (!c->apps || !c->env.closed)
		return no_memory(e);
	c->env.http = http_create(c->loop, &ho, e);
	if (!c->env.http || read_seen(c, e) < 0)
		return -1;
	return loop_start(c->loop, e);
}

struct catchup *catchup_create(const struct catchup_opts *o, struct err *e)
{
	struct catchup *c = calloc(1, sizeof(*c));

	if (!c) {
		no_memory(e);
		return NULL;
	}
	c->o = *o;
	buf_init(&c->saves[0].ids, IDS_MAX);
	buf_init(&c->saves[1].ids, IDS_MAX);
	if (create_parts(c, e) == 0)
		return c;
	catchup_free(c);
	return NULL;
}

void catchup_free(struct catchup *c)
{
	struct sweep *s;

	if (!c)
		return;
	while (c->sweeps) {
		s = c->sweeps;
		c->sweeps = s->next;
		sweep_free(s);
	}
	forget_store(c);
	http_free(c->env.http);
	loop_free(c->loop);
	map_free(c->apps, free);
	map_free(c->env.closed, NULL);
	buf_release(&c->saves[0].ids);
	buf_release(&c->saves[1].ids);
	free(c);
}
