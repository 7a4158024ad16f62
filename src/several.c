/* SPDX-License-Identifier: ISC */
#include "several.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/home.h"
#include "base/log.h"
#include "base/map.h"
#include "link/hub.h"
#include "route/inhand.h"
#include "route/router.h"
#include "state/engaged.h"
#include "state/place.h"
#include "state/quarantine.h"
#include "store/cluster.h"
#include "store/leases.h"
#include "store/store.h"
#include "turn/worker.h"

/* What an app in the map was last seen in. */
static int rounds[2];

bool several_wanted(const struct conf *c)
{
	return strcmp(c->state_url, "local") != 0;
}

int several_init(struct several *s, const struct conf *c, struct err *e)
{
	static char id[ID_SIZE];

	s->conf = c;
	s->home = home_open(c->state_dir, s->home_id, e);
	if (s->home < 0)
		return -1;
	id_make(id);
	s->leases = leases_create();
	s->apps = map_create(0);
	if (!s->leases || !s->apps)
		return err_set(e, ERR_RETRY, "no memory for leases");
	s->node = (struct journal_node){ .id = id, .leases = s->leases };
	s->round = &rounds[0];
	return 0;
}

static void take(struct entry *en, void *arg)
{
	struct several *s = arg;

	router_submit(s->router, en, NULL);
}

static bool in_hand(const char *id, int64_t epoch, void *arg)
{
	(void)arg;
	return inhand_has(id, epoch);
}

static void lost(void *arg)
{
	struct several *s = arg;

	workers_lost(s->workers);
}

static void thread(const char *key, int64_t at_ms, void *arg)
{
	struct several *s = arg;

	if (at_ms > 0)
		engaged_renew(s->engaged, key, at_ms);
	else
		engaged_hint(s->engaged, key, clock_wall_ms());
	hub_thread(s->hub, key);
}

static void ended(const char *key, void *arg)
{
	struct several *s = arg;

	engaged_end(s->engaged, key, 0);
}

static int put_app(const struct app *a, void *arg)
{
	struct several *s = arg;

	hub_app_put(s->hub, a->app_id, a->token);
	(void)map_take(s->apps, a->app_id);
	/* Without memory it is only not removed when it is gone. */
	(void)map_put(s->apps, a->app_id, s->round);
	return 0;
}

static bool keep_app(const char *app_id, void *value, void *arg)
{
	struct several *s = arg;

	if (value == s->round)
		return true;
	hub_app_remove(s->hub, app_id);
	return false;
}

static int read_apps(struct store *st, void *arg, struct err *e)
{
	struct several *s = arg;

	s->round = s->round == &rounds[0] ? &rounds[1] : &rounds[0];
	if (st->ops->apps(st, put_app, s, e) < 0)
		return -1;
	map_sweep(s->apps, keep_app, s);
	return 0;
}

static void connect_app(const char *app_id, void *arg)
{
	struct several *s = arg;

	quarantine_retry(s->quarantine, app_id);
	hub_app_connect(s->hub, app_id);
}

static void deaf(void *arg)
{
	struct several *s = arg;

	engaged_set_deaf(s->engaged, true);
}

static int restore(const char *key, int64_t at_ms, void *arg)
{
	engaged_restore(arg, key, at_ms);
	return 0;
}

static int heard(struct store *st, void *arg, struct err *e)
{
	struct several *s = arg;
	int64_t since = clock_wall_ms() - engaged_window_ms(s->engaged) -
			ENGAGED_KEEP_MS;

	if (st->ops->engaged(st, since, restore, s->engaged, e) < 0 ||
	    read_apps(st, s, e) < 0)
		return -1;
	engaged_set_deaf(s->engaged, false);
	return 0;
}

/* Beyond the time that answers get at the end, for links to close. */
#define CLOSE_MS 5000

/* Links that are on their way up, in seconds of dialing. */
#define RISING_S 5

struct others {
	const char *self;
	int nodes;
	int linked;
};

static void add_other(const struct cluster_node *n, void *arg)
{
	struct others *o = arg;

	o->nodes += n->id[0] != '\0';
	if (n->id[0] != '\0' && n->alive && strcmp(n->id, o->self) != 0 &&
	    n->links > 0)
		o->linked++;
}

static int linked(void *arg)
{
	struct several *s = arg;
	struct others o = { .self = cluster_id(s->cluster) };

	cluster_each(s->cluster, add_other, &o);
	return o.nodes == 0 ? -1 : o.linked;
}

static void told(const char *app_id, bool hold, int live, void *arg)
{
	struct several *s = arg;

	hub_app_hold(s->hub, app_id, hold, live);
}

static size_t links(void *arg)
{
	struct several *s = arg;
	struct hub_stats hs = { 0 };

	hub_stats(s->hub, &hs);
	return hs.links[LINK_LIVE];
}

static void name_node(const struct conf *c, char *out, size_t size)
{
	if (c->node[0] != '\0')
		(void)snprintf(out, size, "%s", c->node);
	else if (gethostname(out, size) < 0)
		out[0] = '\0';
	out[size - 1] = '\0';
}

static int join_links(struct several *s, const char *name, struct err *e)
{
	const struct conf *c = s->conf;
	const struct places_opts o = {
		.url = c->state_url,
		.user = c->state_user,
		.password_file = c->state_password_file,
		.node = s->node.id,
		.home = s->home_id,
		.name = name,
		.lease_ms = c->lease_s * 1000,
		.links_per_app = c->links_per_app,
		.at_once = RISING_S * c->dials_per_second,
		.leave_ms = c->drain_timeout_s * 1000 + CLOSE_MS,
		.linked = linked,
		.told = told,
		.arg = s,
	};

	s->places = places_create(&o, e);
	return s->places ? 0 : -1;
}

int several_join(struct several *s, const struct keyring *k, struct journal *j,
		 struct err *e)
{
	char name[64];
	struct cluster_opts o = {
		.url = s->conf->store_url,
		.keyring = k,
		.node = s->node.id,
		.home = s->home_id,
		.name = name,
		.lease_ms = s->conf->lease_s * 1000,
		.leases = s->leases,
		.journal = j,
		.take = take,
		.in_hand = in_hand,
		.lost = lost,
		.thread = thread,
		.ended = ended,
		.apps = read_apps,
		.connect = connect_app,
		.deaf = deaf,
		.heard = heard,
		.links = links,
		.arg = s,
	};

	name_node(s->conf, name, sizeof(name));
	s->cluster = cluster_create(&o, e);
	if (!s->cluster || join_links(s, name, e) < 0)
		return -1;
	log_info(LOG_FIELDS({ "node", s->node.id }, { "name", name }),
		 "one of several nodes");
	return 0;
}

int several_start(struct several *s, struct store *st, struct err *e)
{
	if (read_apps(st, s, e) < 0)
		return -1;
	if (cluster_start(s->cluster, s->idle_ms, e) < 0)
		return -1;
	return places_start(s->places, e);
}

void several_leave(struct several *s)
{
	if (s->cluster)
		cluster_leave(s->cluster);
	places_stop(s->places);
}

void several_hush(struct several *s)
{
	cluster_hush(s->cluster);
	places_stop(s->places);
}

void several_release(struct several *s)
{
	if (!s->conf)
		return;
	cluster_free(s->cluster);
	places_free(s->places);
	leases_free(s->leases);
	map_free(s->apps, NULL);
	if (s->home >= 0)
		(void)close(s->home);
}
