/* SPDX-License-Identifier: ISC */
#include "admin/keeping.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/api.h"
#include "admin/tenants.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "store/keep.h"
#include "store/store.h"
#include "store/uninstall.h"

#define BATCH 500 /* rows a transaction */

int keeping_write(struct jwrite *w, struct store *s, const char *tenant_id,
		  struct err *e)
{
	char key[32];
	struct keep k;
	int i;

	if (s->ops->keep->get(s, tenant_id, &k, e) < 0)
		return -1;
	for (i = 0; i < KEEP_KINDS; i++) {
		(void)snprintf(key, sizeof(key), "keep_%s", keep_names[i]);
		jw_int(w, key, k.days[i]);
	}
	return 0;
}

struct listing {
	struct jwrite *w;
	struct store *store;
	int64_t grace_ms;
	struct map *left; /* by app: in how many workspaces it still is */
};

static int count_installed(const struct connection *c, void *arg)
{
	*(int64_t *)arg += c->gone_ms == 0;
	return 0;
}

/* Each app is counted once. NULL: that can't be told. */
static const int64_t *left_of(const struct listing *l, const char *app_id)
{
	int64_t *n = map_get(l->left, app_id);
	struct err e = { 0 };

	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (n &&
	    l->store->ops->connections_of_app(l->store, app_id, count_installed,
					      n, &e) == 0 &&
	    map_put(l->left, app_id, n) == 0)
		return n;
	free(n);
	return NULL;
}

static int add_uninstalled(const struct uninstall *u, void *arg)
{
	const struct listing *l = arg;
	const int64_t *left = left_of(l, u->app_id);

	jw_object(l->w, NULL);
	jw_str(l->w, "tenant", u->tenant);
	jw_str(l->w, "app_id", u->app_id);
	jw_str(l->w, "workspace_id", u->workspace_id);
	jw_str(l->w, "event", u->why);
	jw_int(l->w, "since_ms", u->gone_ms);
	jw_int(l->w, "erase_ms", u->noted_ms + l->grace_ms);
	jw_int(l->w, "erased_ms", u->erased_ms);
	if (left)
		jw_int(l->w, "app_workspaces", *left);
	jw_object_end(l->w);
	return 0;
}

int keeping_uninstalled(struct jwrite *w, struct store *s, const char *tenant,
			int days, struct err *e)
{
	struct listing l = { w, s, days * KEEP_DAY_MS, map_create(0) };
	int rc = 0;

	if (!l.left)
		return err_set(e, ERR_RETRY, "no memory");
	jw_array(w, "uninstalled");
	if (s)
		rc = s->ops->uninstalls->each(s, tenant, add_uninstalled, &l,
					      e);
	jw_array_end(w);
	map_free(l.left, free);
	return rc;
}

int keeping_purge(struct api_call *c, struct store *s, struct err *e)
{
	struct tenant t = { 0 };
	struct jwrite w;
	int n = -1;

	if (tenants_load(c, s, c->tenant, &t, e) == 0)
		n = s->ops->keep->purge(s, t.id, clock_wall_ms(), BATCH, e);
	tenant_release(&t);
	if (n < 0)
		return -1;
	c->rows += n;
	c->again = n > 0;
	if (c->again)
		return 0;
	jw_init(&w, &c->out);
	jw_object(&w, NULL);
	jw_str(&w, "purged", c->tenant);
	jw_int(&w, "rows", c->rows);
	jw_object_end(&w);
	return 0;
}
