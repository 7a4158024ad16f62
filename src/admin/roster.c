/* SPDX-License-Identifier: ISC */
#include "admin/roster.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metric.h"
#include "link/hub.h"
#include "store/journal.h"
#include "store/store.h"

/* More than a page should have. */
#define SHOWN_MAX 200
/* What the store says is looked at again after so long, or after a hundred
 * times as long as it took. */
#define FRESH_MS  10000
#define IDLE_RATE 100

struct row {
	struct row *next;
	char *name;
	char *silent; /* why it answers nobody, NULL: it does */
	size_t links, live;
	uint64_t answers, failures, stopped;
};

struct app_row {
	bool live;
};

/* An app in a workspace of a tenant. */
struct seat {
	struct seat *next;
	struct row *row;
	struct app_row *app;
};

struct roster {
	struct map *rows; /* by name */
	struct map *apps; /* by id */
	struct row *first, **last;
	struct seat *seats;
	int64_t read_until_ms; /* 0: never read */
};

static void row_free(void *p)
{
	struct row *row = p;

	free(row->name);
	free(row->silent);
	free(row);
}

static void forget(struct roster *r)
{
	struct seat *next;

	for (; r->seats; r->seats = next) {
		next = r->seats->next;
		free(r->seats);
	}
	map_free(r->rows, row_free);
	map_free(r->apps, free);
	r->rows = r->apps = NULL;
	r->first = NULL;
	r->last = &r->first;
}

struct roster *roster_create(void)
{
	struct roster *r = calloc(1, sizeof(*r));

	if (r)
		r->last = &r->first;
	return r;
}

void roster_free(struct roster *r)
{
	if (!r)
		return;
	forget(r);
	free(r);
}

/* NULL: no memory. */
static struct row *row_of(struct roster *r, const char *name)
{
	struct row *row = map_get(r->rows, name);

	if (row)
		return row;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->name = strdup(name);
	if (!row->name || map_put(r->rows, name, row) < 0) {
		row_free(row);
		return NULL;
	}
	*r->last = row;
	r->last = &row->next;
	return row;
}

static struct app_row *app_of(struct roster *r, const char *id)
{
	struct app_row *app = map_get(r->apps, id);

	if (app)
		return app;
	app = calloc(1, sizeof(*app));
	if (app && map_put(r->apps, id, app) < 0) {
		free(app);
		return NULL;
	}
	return app;
}

static int take_tenant(const struct tenant *t, void *arg)
{
	return row_of(arg, t->name) ? 0 : -1;
}

static int take_silent(const char *tenant, const char *why, void *arg)
{
	struct row *row = row_of(arg, tenant);

	if (!row)
		return -1;
	free(row->silent);
	row->silent = strdup(why);
	return row->silent ? 0 : -1;
}

static int take_connection(const struct connection *c, void *arg)
{
	struct roster *r = arg;
	struct seat *seat = calloc(1, sizeof(*seat));

	if (!seat)
		return -1;
	seat->next = r->seats;
	r->seats = seat;
	seat->row = row_of(r, c->tenant.name);
	seat->app = app_of(r, c->app_id);
	return seat->row && seat->app ? 0 : -1;
}

static bool away(const struct admin_opts *o)
{
	struct journal_stats js = { 0 };

	if (o->journal)
		journal_stats(o->journal, &js);
	return js.failing;
}

static int read_store(struct roster *r, struct store *s)
{
	struct err e = { 0 };

	if (s->ops->tenants(s, take_tenant, r, &e) == 0 &&
	    s->ops->connections(s, NULL, take_connection, r, &e) == 0 &&
	    s->ops->silent(s, INT_MAX, take_silent, r, &e) == 0)
		return 0;
	log_debug(NULL, "cannot list the tenants: %s", e.msg);
	return -1;
}

static void refresh(struct roster *r, const struct admin_opts *o)
{
	int64_t began = clock_ms();
	int64_t rest;

	if (r->rows && (began < r->read_until_ms || away(o)))
		return;
	forget(r);
	r->rows = map_create(0);
	r->apps = map_create(0);
	/* Of what was read before it failed there are rows. */
	if (r->rows && r->apps && o->store && !away(o))
		(void)read_store(r, o->store);
	rest = (clock_ms() - began) * IDLE_RATE;
	r->read_until_ms = clock_ms() + (rest > FRESH_MS ? rest : FRESH_MS);
}

static void clear(struct row *row)
{
	row->links = row->live = 0;
	row->answers = row->failures = row->stopped = 0;
}

static bool app_clear(const char *key, void *value, void *arg)
{
	struct app_row *app = value;

	(void)key;
	(void)arg;
	app->live = false;
	return true;
}

static void see_link(const struct link_view *v, void *arg)
{
	struct app_row *app = map_get(arg, v->app_id);

	if (app)
		app->live = v->state == LINK_LIVE;
}

/* The page also tells of those that were removed, and of METRIC_OTHERS. */
static void see_turns(const char *name, const uint64_t n[METRIC_COLUMNS],
		      void *arg)
{
	struct row *row = row_of(arg, name);

	if (!row)
		return;
	row->answers = n[METRIC_ANSWERED];
	row->failures = n[METRIC_FAILED];
	row->stopped = n[METRIC_STOPPED];
}

static void look(struct roster *r, const struct admin_opts *o)
{
	const struct seat *seat;
	struct row *row;

	for (row = r->first; row; row = row->next)
		clear(row);
	map_sweep(r->apps, app_clear, NULL);
	if (o->hub)
		hub_each(o->hub, see_link, r->apps);
	for (seat = r->seats; seat; seat = seat->next) {
		if (!seat->row || !seat->app)
			continue;
		seat->row->links++;
		seat->row->live += seat->app->live;
	}
	metric_each(METRIC_TENANTS, see_turns, r);
}

static void write_row(const struct row *row, struct jwrite *w)
{
	jw_object(w, NULL);
	jw_str(w, "name", row->name);
	jw_str(w, "silent", row->silent);
	jw_int(w, "links", (int64_t)row->links);
	jw_int(w, "live", (int64_t)row->live);
	jw_int(w, "answers", (int64_t)row->answers);
	jw_int(w, "failures", (int64_t)row->failures);
	jw_int(w, "stopped", (int64_t)row->stopped);
	jw_object_end(w);
}

static bool of_interest(const struct row *row)
{
	return row->silent || row->live < row->links || row->answers > 0 ||
	       row->failures > 0;
}

void roster_write(struct roster *r, const struct admin_opts *o,
		  struct jwrite *w)
{
	const struct row *row;
	size_t left = 0, shown = 0;
	int pass;

	refresh(r, o);
	jw_array(w, "tenants");
	if (r->rows && r->apps) {
		look(r, o);
		for (pass = 0; pass < 2; pass++)
			for (row = r->first; row; row = row->next) {
				if (of_interest(row) != (pass == 0))
					continue;
				if (shown == SHOWN_MAX) {
					left++;
					continue;
				}
				shown++;
				write_row(row, w);
			}
	}
	jw_array_end(w);
	jw_int(w, "tenants_left_out", (int64_t)left);
}
