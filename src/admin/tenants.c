/* SPDX-License-Identifier: ISC */
#include "admin/tenants.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/agents.h"
#include "admin/api.h"
#include "admin/keeping.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "store/grants.h"
#include "store/store.h"

/* Writing a list while the store calls back. */
struct listing {
	struct jwrite w;
	struct store *store;
	struct map *counts; /* connections by tenant's id */
	struct err *e;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_RETRY, "no memory");
}

int tenants_load(struct api_call *c, struct store *s, const char *name,
		 struct tenant *out, struct err *e)
{
	int found = s->ops->tenant_by_name(s, name, out, e);

	if (found > 0)
		return 0;
	if (found < 0)
		return -1;
	c->status = 404;
	return err_set(e, ERR_INPUT,
		       "no tenant '%s'; 'konstructctl tenant list' shows them",
		       name);
}

static void write_tenant(struct jwrite *w, const struct tenant *t)
{
	jw_str(w, "name", t->name);
	jw_str(w, "id", t->id);
	jw_bool(w, "paused", t->paused);
	jw_int(w, "rate_per_minute", t->rate_per_minute);
	jw_int(w, "burst", t->burst);
	jw_str(w, "budget", t->budget);
	jw_bool(w, "agent_sessions", t->agent_sessions);
	jw_bool(w, "streaming", t->streaming);
	jw_int(w, "text_until_ms", t->text_until_ms);
}

static int count_one(const struct connection *conn, void *arg)
{
	struct listing *l = arg;
	size_t *n = map_get(l->counts, conn->tenant_id);

	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n || map_put(l->counts, conn->tenant_id, n) < 0) {
			free(n);
			return no_memory(l->e);
		}
	}
	++*n;
	return 0;
}

static int list_one(const struct tenant *t, void *arg)
{
	struct listing *l = arg;
	const size_t *n = map_get(l->counts, t->id);

	jw_object(&l->w, NULL);
	write_tenant(&l->w, t);
	jw_int(&l->w, "connections", n ? (int64_t)*n : 0);
	if (agents_write_names(&l->w, l->store, t->id, l->e) < 0)
		return -1;
	jw_object_end(&l->w);
	return 0;
}

int tenants_list(struct api_call *c, struct store *s, struct err *e)
{
	struct listing l = { .store = s, .e = e };
	int rc = -1;

	l.counts = map_create(0);
	if (!l.counts)
		return no_memory(e);
	if (s->ops->connections(s, NULL, count_one, &l, e) < 0)
		goto out;
	jw_init(&l.w, &c->out);
	jw_object(&l.w, NULL);
	jw_array(&l.w, "tenants");
	if (s->ops->tenants(s, list_one, &l, e) < 0)
		goto out;
	jw_array_end(&l.w);
	jw_object_end(&l.w);
	rc = 0;
out:
	map_free(l.counts, free);
	return rc;
}

struct expiry {
	struct jwrite *w;
	const struct connection *of;
};

static int write_expiry(const struct grant *g, void *arg)
{
	const struct expiry *x = arg;

	if (strcmp(g->app_id, x->of->app_id) != 0 ||
	    strcmp(g->workspace_id, x->of->workspace_id) != 0)
		return 0;
	jw_int(x->w, "bot_token_expires_ms", g->expires_ms);
	jw_int(x->w, "bot_token_renew_ms", g->renew_ms);
	return 1;
}

static int show_connection(const struct connection *conn, void *arg)
{
	struct listing *l = arg;
	const struct expiry x = { &l->w, conn };
	char mask[API_MASK_SIZE];

	api_mask(mask, conn->bot_token);
	jw_object(&l->w, NULL);
	jw_str(&l->w, "app_id", conn->app_id);
	jw_str(&l->w, "workspace_id", conn->workspace_id);
	jw_str(&l->w, "bot_user_id", conn->bot_user_id);
	jw_str(&l->w, "bot_id", conn->bot_id);
	jw_str(&l->w, "bot_token", mask);
	if (l->store->ops->grants->times(l->store, conn->tenant_id,
					 write_expiry, (void *)&x, l->e) < 0)
		return -1;
	jw_object_end(&l->w);
	return 0;
}

static int write_access(struct jwrite *w, struct store *s,
			const char *tenant_id, struct err *e)
{
	char *text = NULL;
	int rc = s->ops->access(s, tenant_id, "", &text, e);

	if (rc >= 0)
		jw_raw(w, "access", text ? text : "{}");
	free(text);
	return rc < 0 ? -1 : 0;
}

static int show(struct api_call *c, struct store *s, const char *name,
		struct err *e)
{
	struct listing l = { .store = s, .e = e };
	struct tenant t = { 0 };
	int rc = -1;

	if (tenants_load(c, s, name, &t, e) < 0)
		goto out;
	jw_init(&l.w, &c->out);
	jw_object(&l.w, NULL);
	write_tenant(&l.w, &t);
	if (keeping_write(&l.w, s, t.id, e) < 0 ||
	    apply_show_canary(&l.w, s, t.id, true, e) < 0)
		goto out;
	jw_array(&l.w, "connections");
	if (s->ops->connections(s, name, show_connection, &l, e) < 0)
		goto out;
	jw_array_end(&l.w);
	if (keeping_uninstalled(&l.w, s, name, c->conf->uninstall_days, e) < 0)
		goto out;
	if (write_access(&l.w, s, t.id, e) < 0 ||
	    agents_write(&l.w, s, t.id, e) < 0)
		goto out;
	jw_object_end(&l.w);
	rc = 0;
out:
	tenant_release(&t);
	return rc;
}

int tenants_show(struct api_call *c, struct store *s, struct err *e)
{
	return show(c, s, c->tenant, e);
}

int tenants_add(struct api_call *c, struct store *s, struct err *e)
{
	size_t created;

	if (apply_write(&c->apply, s, &created, e) < 0)
		return -1;
	return show(c, s, c->apply.tenants[0].name, e);
}

int tenants_set(struct api_call *c, struct store *s, struct err *e)
{
	struct tenant t = { 0 };
	int rc = tenants_load(c, s, c->tenant, &t, e);

	tenant_release(&t);
	return rc < 0 ? -1 : tenants_add(c, s, e);
}

/* What removing a tenant leaves. */
struct leaving {
	struct api_call *c;
	struct err *e;
};

static int note_app(const struct connection *conn, void *arg)
{
	struct leaving *l = arg;
	struct api_call *c = l->c;
	struct api_gone *g;

	for (g = c->gone; g; g = g->next)
		if (strcmp(g->app_id, conn->app_id) == 0)
			return 0;
	g = calloc(1, sizeof(*g));
	if (!g)
		return no_memory(l->e);
	(void)snprintf(g->app_id, sizeof(g->app_id), "%s", conn->app_id);
	g->next = c->gone;
	c->gone = g;
	return 0;
}

/* An app with connections of other tenants keeps its link. */
static int keep_app(const struct connection *conn, void *arg)
{
	struct leaving *l = arg;
	struct api_gone **at, *g;

	for (at = &l->c->gone; *at; at = &(*at)->next) {
		g = *at;
		if (strcmp(g->app_id, conn->app_id) != 0)
			continue;
		*at = g->next;
		free(g);
		break;
	}
	return 0;
}

static void answer_name(struct api_call *c, const char *key, const char *name)
{
	struct jwrite w;

	jw_init(&w, &c->out);
	jw_object(&w, NULL);
	jw_str(&w, key, name);
	jw_object_end(&w);
}

int tenants_remove(struct api_call *c, struct store *s, struct err *e)
{
	struct leaving l = { c, e };
	struct tenant t = { 0 };

	if (tenants_load(c, s, c->tenant, &t, e) < 0)
		return -1;
	tenant_release(&t);
	if (s->ops->connections(s, c->tenant, note_app, &l, e) < 0)
		return -1;
	if (s->ops->tenant_remove(s, c->tenant, e) < 0)
		return -1;
	if (s->ops->connections(s, NULL, keep_app, &l, e) < 0)
		return -1;
	answer_name(c, "removed", c->tenant);
	return 0;
}

static int set_paused(struct api_call *c, struct store *s, bool paused,
		      struct err *e)
{
	struct tenant t = { 0 };
	int rc = -1;

	if (tenants_load(c, s, c->tenant, &t, e) < 0)
		goto out;
	t.paused = paused;
	if (s->ops->tenant_put(s, &t, e) < 0)
		goto out;
	answer_name(c, paused ? "paused" : "resumed", c->tenant);
	rc = 0;
out:
	tenant_release(&t);
	return rc;
}

int tenants_pause(struct api_call *c, struct store *s, struct err *e)
{
	return set_paused(c, s, true, e);
}

int tenants_resume(struct api_call *c, struct store *s, struct err *e)
{
	return set_paused(c, s, false, e);
}

int tenants_connect(struct api_call *c, struct store *s, struct err *e)
{
	int found = s->ops->app_call(s, c->tenant, e);

	if (found < 0)
		return -1;
	if (found == 0) {
		c->status = 404;
		return err_set(e, ERR_INPUT, "no app '%s'", c->tenant);
	}
	c->connects = true;
	answer_name(c, "connecting", c->tenant);
	return 0;
}

int tenants_apply(struct api_call *c, struct store *s, struct err *e)
{
	struct jwrite w;
	size_t created;

	if (apply_write(&c->apply, s, &created, e) < 0)
		return -1;
	jw_init(&w, &c->out);
	jw_object(&w, NULL);
	jw_int(&w, "applied", (int64_t)c->apply.n);
	jw_int(&w, "created", (int64_t)created);
	jw_object_end(&w);
	return 0;
}
