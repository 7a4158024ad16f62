/* SPDX-License-Identifier: ISC */
#include "admin/status.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/health.h"
#include "admin/keeping.h"
#include "admin/rotate.h"
#include "admin/silent.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/live.h"
#include "base/log_text.h"
#include "config.h"
#include "link/canaries.h"
#include "link/hub.h"
#include "llm/llm.h"
#include "route/ledger.h"
#include "route/router.h"
#include "route/verdict.h"
#include "state/place.h"
#include "state/quarantine.h"
#include "store/cluster.h"
#include "store/journal.h"
#include "turn/worker.h"

static bool check(const struct admin_opts *o, char why[HEALTH_WHY_SIZE])
{
	struct health_beat beats[HEALTH_BEATS];
	struct journal_stats js = { 0 };
	size_t n = health_beats(o, beats);

	if (o->journal)
		journal_stats(o->journal, &js);
	return health_well(beats, n, &js, o->gate, why, HEALTH_WHY_SIZE) &&
	       health_leases(o->cluster, why, HEALTH_WHY_SIZE);
}

static void add_links(struct jwrite *w, const struct hub_stats *hs)
{
	int i;

	jw_object(w, "links");
	for (i = 0; i < LINK_STATES; i++)
		jw_int(w, link_state_name((enum link_state)i),
		       (int64_t)hs->links[i]);
	jw_object_end(w);
}

static void add_hub(struct jwrite *w, struct hub *hub)
{
	struct hub_stats hs = { 0 };

	hub_stats(hub, &hs);
	jw_int(w, "apps", (int64_t)hs.apps);
	jw_int(w, "live_apps", (int64_t)hs.live_apps);
	jw_int(w, "placed", (int64_t)hs.placed);
	jw_int(w, "elsewhere", (int64_t)hs.elsewhere);
	add_links(w, &hs);
	jw_object(w, "traffic");
	jw_int(w, "envelopes", (int64_t)hs.envelopes);
	jw_int(w, "acks", (int64_t)hs.acks);
	jw_int(w, "unacked", (int64_t)hs.unacked);
	jw_int(w, "malformed", (int64_t)hs.malformed);
	jw_int(w, "binary", (int64_t)hs.binary);
	jw_int(w, "oversized", (int64_t)hs.oversized);
	jw_int(w, "reconnects", (int64_t)hs.reconnects);
	jw_int(w, "held", (int64_t)hs.held);
	jw_object_end(w);
}

static void add_journal(struct jwrite *w, struct journal *j)
{
	struct journal_stats js = { 0 };

	journal_stats(j, &js);
	jw_object(w, "journal");
	jw_int(w, "queued", (int64_t)js.queued);
	jw_int(w, "unfinished", (int64_t)js.unfinished);
	jw_int(w, "spilled", (int64_t)js.spilled);
	jw_int(w, "commits", (int64_t)js.commits);
	jw_int(w, "rows", (int64_t)js.rows);
	jw_int(w, "last_commit_us", js.last_commit_us);
	jw_bool(w, "failing", js.failing);
	jw_object_end(w);
}

static void add_workers(struct jwrite *w, struct workers *workers)
{
	struct worker_stats ws = { 0 };

	workers_stats(workers, &ws);
	jw_object(w, "turns");
	jw_int(w, "in_flight", (int64_t)ws.turns);
	jw_int(w, "answers", (int64_t)ws.answers);
	jw_int(w, "failures", (int64_t)ws.failures);
	jw_int(w, "stopped", (int64_t)ws.stopped);
	jw_int(w, "notices", (int64_t)ws.notices);
	jw_int(w, "edits", (int64_t)ws.edits);
	jw_int(w, "limited", (int64_t)ws.limited);
	jw_object_end(w);
}

static bool stopping(const struct admin_opts *o)
{
	return o->stopping && atomic_load(o->stopping);
}

/* What all three answers begin with. */
static void add_head(struct jwrite *w, int64_t started_ms, const char *why)
{
	jw_str(w, "status", why ? "unavailable" : "ok");
	if (why)
		jw_str(w, "reason", why);
	jw_str(w, "version", PACKAGE_VERSION);
	jw_int(w, "uptime_s", (clock_ms() - started_ms) / 1000);
}

/* Nothing when there is none. */
static void add_canary_counts(struct jwrite *w, struct canaries *k)
{
	size_t n[CANARY_STATES], all = 0;
	int i;

	canaries_count(k, n);
	for (i = 0; i < CANARY_STATES; i++)
		all += n[i];
	if (all == 0)
		return;
	jw_object(w, "canary_states");
	for (i = 0; i < CANARY_STATES; i++)
		jw_int(w, canary_state_name((enum canary_state)i),
		       (int64_t)n[i]);
	jw_object_end(w);
}

static void add_parts(struct jwrite *w, const struct admin_opts *o)
{
	if (o->hub)
		add_hub(w, o->hub);
	if (o->journal)
		add_journal(w, o->journal);
	if (o->router)
		jw_int(w, "routing", (int64_t)router_depth(o->router));
	if (o->workers)
		add_workers(w, o->workers);
	if (o->canaries)
		add_canary_counts(w, o->canaries);
}

int status_health(const struct admin_opts *o, int64_t started_ms,
		  struct buf *out)
{
	char why[HEALTH_WHY_SIZE];
	bool well = check(o, why);
	struct jwrite w;

	jw_init(&w, out);
	jw_object(&w, NULL);
	add_head(&w, started_ms, well ? NULL : why);
	add_parts(&w, o);
	jw_object_end(&w);
	return well ? 200 : 503;
}

/* Ready is who could take a message now. */
static bool ready(const struct admin_opts *o, char why[HEALTH_WHY_SIZE])
{
	struct hub_stats hs = { 0 };

	if (!check(o, why))
		return false;
	if (stopping(o)) {
		(void)snprintf(why, HEALTH_WHY_SIZE,
			       "stopping, answers are being finished");
		return false;
	}
	if (!o->hub)
		return true;
	hub_stats(o->hub, &hs);
	if (hs.apps == 0)
		return true;
	if (hs.live_apps == 0 && hs.elsewhere == 0)
		(void)snprintf(why, HEALTH_WHY_SIZE,
			       "none of %zu apps is connected", hs.apps);
	else if (o->canaries && canaries_deaf(o->canaries) >= hs.apps)
		(void)snprintf(why, HEALTH_WHY_SIZE,
			       "%zu apps are connected, and no canary comes"
			       " back over any",
			       hs.apps);
	else
		return true;
	return false;
}

int status_ready(const struct admin_opts *o, int64_t started_ms,
		 struct buf *out)
{
	char why[HEALTH_WHY_SIZE];
	bool yes = ready(o, why);
	struct jwrite w;

	jw_init(&w, out);
	jw_object(&w, NULL);
	add_head(&w, started_ms, yes ? NULL : why);
	jw_object_end(&w);
	return yes ? 200 : 503;
}

static void add_view(const struct link_view *v, void *arg)
{
	struct jwrite *w = arg;

	jw_object(w, NULL);
	jw_str(w, "app_id", v->app_id);
	jw_str(w, "state", link_state_name(v->state));
	jw_int(w, "since_ms", v->since_ms);
	jw_str(w, "last", v->last);
	jw_int(w, "num_connections", v->num_connections);
	jw_int(w, "reconnects", (int64_t)v->reconnects);
	jw_bool(w, "hold", v->hold);
	jw_int(w, "elsewhere", v->elsewhere);
	jw_object_end(w);
}

static void add_model(const struct llm_view *v, void *arg)
{
	struct jwrite *w = arg;

	jw_object(w, NULL);
	jw_str(w, "name", v->name);
	jw_str(w, "state", v->state);
	jw_int(w, "busy", v->busy);
	jw_int(w, "waiting", (int64_t)v->waiting);
	jw_object_end(w);
}

static void add_quarantined(const struct quarantine_view *v, void *arg)
{
	struct jwrite *w = arg;

	jw_object(w, NULL);
	jw_str(w, "app_id", v->app_id);
	jw_str(w, "workspace_id", v->workspace_id);
	jw_str(w, "error", v->error);
	jw_int(w, "since_ms", v->since_ms);
	jw_int(w, "next_s", v->next_ms / 1000);
	jw_object_end(w);
}

/* Those that are nearly used up, or all of it. */
static void add_budget(const struct ledger_view *v, void *arg)
{
	struct jwrite *w = arg;

	if (!budget_near(v->used, v->most))
		return;
	jw_object(w, NULL);
	jw_str(w, "tenant", v->tenant);
	jw_str(w, "budget", budget_name(v->item));
	jw_str(w, "who", v->who);
	jw_int(w, "used", v->used);
	jw_int(w, "most", v->most);
	jw_int(w, "full_ms", v->full_ms);
	jw_object_end(w);
}

static void add_canary(const struct canary_view *v, void *arg)
{
	struct jwrite *w = arg;

	jw_object(w, NULL);
	jw_str(w, "tenant", v->tenant);
	jw_str(w, "app_id", v->app_id);
	jw_str(w, "channel", v->channel);
	jw_str(w, "state", canary_state_name(v->state));
	jw_int(w, "heard_ms", v->heard_ms);
	jw_int(w, "trip_ms", v->trip_ms);
	jw_int(w, "missed", v->missed);
	jw_str(w, "problem", v->problem);
	jw_object_end(w);
}

static void add_decision(const char *stage, enum verdict v, uint64_t n,
			 void *arg)
{
	struct jwrite *w = arg;

	jw_object(w, NULL);
	jw_str(w, "stage", stage);
	jw_str(w, "verdict", verdict_name(v));
	jw_int(w, "count", (int64_t)n);
	jw_object_end(w);
}

struct nodes {
	struct jwrite *w;
	struct places *places;
	const char *self;
	size_t backlog; /* of what no node holds */
};

struct lease_row {
	const char *id;
	struct jwrite *w;
};

static void add_lease(const struct place_node *n, void *arg)
{
	const struct lease_row *r = arg;

	if (strcmp(n->id, r->id) == 0)
		jw_int(r->w, "leases", n->alive ? (int64_t)n->held : 0);
}

static void add_node(const struct cluster_node *n, void *arg)
{
	struct nodes *ns = arg;
	struct jwrite *w = ns->w;
	const char *p;
	char *end;

	if (n->id[0] == '\0') {
		ns->backlog = n->backlog;
		return;
	}
	jw_object(w, NULL);
	jw_str(w, "id", n->id);
	jw_str(w, "name", n->name);
	jw_bool(w, "self", strcmp(n->id, ns->self) == 0);
	jw_bool(w, "alive", n->alive);
	jw_int(w, "renewed_ms", n->age_ms);
	jw_int(w, "links", (int64_t)n->links);
	if (ns->places)
		places_each(ns->places, add_lease,
			    &(struct lease_row){ n->id, w });
	jw_int(w, "backlog", (int64_t)n->backlog);
	jw_array(w, "partitions");
	for (p = n->parts; *p; p = end + (*end == ' '))
		jw_int(w, NULL, strtol(p, &end, 10));
	jw_array_end(w);
	jw_object_end(w);
}

static void add_cluster(struct jwrite *w, struct cluster *c, struct places *ps)
{
	struct nodes ns = { .w = w, .places = ps, .self = cluster_id(c) };
	char why[HEALTH_WHY_SIZE];

	jw_object(w, "cluster");
	jw_array(w, "nodes");
	cluster_each(c, add_node, &ns);
	jw_array_end(w);
	jw_int(w, "unheld_backlog", (int64_t)ns.backlog);
	if (ps && !places_healthy(ps, why, sizeof(why)))
		jw_str(w, "links_stay", why);
	jw_object_end(w);
}

/* Nobody waits for a store that is away. */
static void add_keys(struct jwrite *w, const struct admin_opts *o)
{
	struct journal_stats js = { 0 };

	if (o->journal)
		journal_stats(o->journal, &js);
	rotate_status(w, js.failing ? NULL : o->store);
}

static void add_uninstalled(struct jwrite *w, const struct admin_opts *o)
{
	const struct conf *c = live_take(o->live, o->conf);
	struct journal_stats js = { 0 };
	struct err e = { 0 };

	if (o->journal)
		journal_stats(o->journal, &js);
	(void)keeping_uninstalled(w, js.failing ? NULL : o->store, NULL,
				  c->uninstall_days, &e);
	live_drop(o->live, c);
}

static void add_text(const char *name, int64_t until_ms, void *arg)
{
	struct jwrite *w = arg;

	jw_object(w, NULL);
	jw_str(w, "tenant", name);
	jw_int(w, "until_ms", until_ms);
	jw_object_end(w);
}

void status_begin(struct jwrite *w, const struct admin_opts *o,
		  int64_t started_ms)
{
	char why[HEALTH_WHY_SIZE];
	bool well = check(o, why);

	jw_object(w, NULL);
	add_head(w, started_ms, well ? NULL : why);
	jw_bool(w, "stopping", stopping(o));
	add_parts(w, o);
	jw_array(w, "models");
	if (o->llm)
		llm_each(o->llm, add_model, w);
	jw_array_end(w);
}

int status_full(const struct admin_opts *o, int64_t started_ms, struct buf *out)
{
	struct jwrite w;

	jw_init(&w, out);
	status_begin(&w, o, started_ms);
	if (o->cluster)
		add_cluster(&w, o->cluster, o->places);
	jw_array(&w, "canaries");
	if (o->canaries)
		canaries_each(o->canaries, add_canary, &w);
	jw_array_end(&w);
	jw_array(&w, "quarantined");
	if (o->quarantine)
		quarantine_each(o->quarantine, add_quarantined, &w);
	jw_array_end(&w);
	add_keys(&w, o);
	silent_write(&w, o);
	add_uninstalled(&w, o);
	jw_array(&w, "text_in_log");
	log_text_each(add_text, &w);
	jw_array_end(&w);
	jw_array(&w, "budgets");
	ledger_each(o->ledger, clock_wall_ms(), add_budget, &w);
	jw_array_end(&w);
	jw_array(&w, "app_links");
	if (o->hub)
		hub_each(o->hub, add_view, &w);
	jw_array_end(&w);
	jw_array(&w, "decisions");
	verdict_each(add_decision, &w);
	jw_array_end(&w);
	jw_object_end(&w);
	return 200;
}
