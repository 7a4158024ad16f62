/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "admin/apply.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "store/grants.h"
#include "store/store.h"
#include "store/uninstall.h"

/* One apply_write() at work. */
struct writing {
	struct store *store;
	struct map *tokens; /* of each app, to find two for one */
	struct err *e;
};

static int write_tenant(const struct writing *w, const struct apply_tenant *t,
			struct tenant *row)
{
	struct store *s = w->store;
	int found;

	found = s->ops->tenant_by_name(s, t->name, row, w->e);
	if (found < 0)
		return -1;
	if (found == 0) {
		memset(row, 0, sizeof(*row));
		row->rate_per_minute = -1;
		row->burst = -1;
		if (apply_set(&row->id, "", w->e) < 0 ||
		    apply_set(&row->name, t->name, w->e) < 0)
			return -1;
	}
	if (t->paused != APPLY_KEEP)
		row->paused = t->paused != 0;
	if (t->rate_per_minute != APPLY_KEEP)
		row->rate_per_minute = t->rate_per_minute;
	if (t->burst != APPLY_KEEP)
		row->burst = t->burst;
	if (t->agent_sessions != APPLY_KEEP)
		row->agent_sessions = t->agent_sessions != 0;
	if (t->streaming != APPLY_KEEP)
		row->streaming = t->streaming != 0;
	if (t->text_minutes == 0)
		row->text_until_ms = 0;
	else if (t->text_minutes != APPLY_KEEP)
		row->text_until_ms =
			clock_wall_ms() + t->text_minutes * INT64_C(60000);
	if (apply_set(&row->budget, t->budget, w->e) < 0)
		return -1;
	if (s->ops->tenant_put(s, row, w->e) < 0)
		return -1;
	return found;
}

static int write_app(const struct writing *w, const struct apply_connection *c)
{
	const struct app app = { .app_id = c->app_id, .token = c->app_token };
	const char *other = map_get(w->tokens, c->app_id);

	if (other && strcmp(other, c->app_token) == 0)
		return 0;
	if (other)
		return err_set(w->e, ERR_INPUT,
			       "%sapp_token: app '%s' has another one above",
			       c->place, c->app_id);
	if (map_put(w->tokens, c->app_id, c->app_token) < 0)
		return err_set(w->e, ERR_RETRY, "no memory");
	return w->store->ops->app_put(w->store, &app, w->e);
}

struct search {
	const struct apply_connection *c;
	bool found;
};

static int look_at(const struct connection *conn, void *arg)
{
	struct search *s = arg;

	if (strcmp(conn->app_id, s->c->app_id) == 0 &&
	    strcmp(conn->workspace_id, s->c->workspace_id) == 0)
		s->found = true;
	return 0;
}

/* The app's token stays: then the tenant has such a connection. */
static int check_there(const struct writing *w,
		       const struct apply_connection *c,
		       const struct tenant *row)
{
	struct search s = { .c = c };

	if (w->store->ops->connections(w->store, row->name, look_at, &s, w->e) <
	    0)
		return -1;
	if (s.found)
		return 0;
	if (!c->bot_token)
		return err_set(w->e, ERR_INPUT,
			       "%sapp_token: missing, as app %.32s in workspace"
			       " %.32s is new here",
			       c->place, c->app_id, c->workspace_id);
	return err_set(w->e, ERR_INPUT,
		       "%sbot_token: is of app %.32s in workspace %.32s, which"
		       " is new here: the app's token is needed too",
		       c->place, c->app_id, c->workspace_id);
}

/* What renews the bot tokens of the app. */
static int write_client(const struct writing *w,
			const struct apply_connection *c)
{
	const struct grant_ops *grants = w->store->ops->grants;
	int found;

	if (c->client_id)
		return grants->client_put(w->store, c->app_id, c->client_id,
					  c->client_secret, w->e);
	if (!c->refresh_token)
		return 0;
	found = grants->has_client(w->store, c->app_id, w->e);
	if (found == 0)
		return err_set(w->e, ERR_INPUT,
			       "%sclient_id: missing, to renew the bot token",
			       c->place);
	return found < 0 ? -1 : 0;
}

static int write_connection(const struct writing *w,
			    const struct apply_connection *c,
			    const struct tenant *row)
{
	char type[] = "slack";
	const struct connection conn = {
		.tenant_id = row->id,
		.channel_type = type,
		.app_id = c->app_id,
		.workspace_id = c->workspace_id,
		.bot_token = c->bot_token,
		.bot_user_id = c->bot_user_id,
		.bot_id = c->bot_id,
	};
	const struct grant grant = {
		.tenant_id = row->id,
		.channel_type = type,
		.app_id = c->app_id,
		.workspace_id = c->workspace_id,
		.refresh_token = c->refresh_token,
	};
	int known = 0;

	if ((c->app_token ? write_app(w, c) : check_there(w, c, row)) < 0 ||
	    write_client(w, c) < 0)
		return -1;
	if (!c->bot_token)
		return 0;
	/* The tokens have gone on from those that are given again here, or went
	 * with the app (store/uninstall.h). */
	if (c->refresh_token)
		known = w->store->ops->grants->knows(w->store, &grant, w->e);
	if (known == 0)
		known = w->store->ops->uninstalls->knows(w->store, &conn, w->e);
	if (known != 0)
		return known < 0 ? -1 : 0;
	if (w->store->ops->connection_put(w->store, &conn, w->e) < 0)
		return err_wrap(w->e, "%sworkspace_id", c->place);
	return w->store->ops->grants->put(w->store, &grant, w->e);
}

static int write_keep(const struct writing *w, const struct apply_tenant *t,
		      const char *tenant_id)
{
	const struct keep_ops *ops = w->store->ops->keep;
	struct keep k;
	int i, n = 0;

	if (ops->get(w->store, tenant_id, &k, w->e) < 0)
		return -1;
	for (i = 0; i < KEEP_KINDS; i++) {
		if (t->keep[i] == APPLY_KEEP || t->keep[i] == k.days[i])
			continue;
		k.days[i] = t->keep[i];
		n++;
	}
	return n > 0 ? ops->put(w->store, tenant_id, &k, w->e) : 0;
}

/* 1 when the tenant was there, 0 when it is new, -1. */
static int write_one(const struct writing *w, const struct apply_tenant *t)
{
	struct tenant row = { 0 };
	int found;
	size_t i;
	int rc = -1;

	found = write_tenant(w, t, &row);
	if (found < 0)
		goto out;
	for (i = 0; i < t->nconnections; i++)
		if (write_connection(w, &t->connections[i], &row) < 0)
			goto out;
	if (write_keep(w, t, row.id) < 0 ||
	    apply_write_canary(t, w->store, row.id, w->e) < 0 ||
	    apply_write_access(w->store, row.id, "", t->access, w->e) < 0 ||
	    apply_write_agents(t, w->store, row.id, w->e) < 0)
		goto out;
	rc = found;
out:
	tenant_release(&row);
	return rc;
}

int apply_write(const struct apply *a, struct store *s, size_t *created,
		struct err *e)
{
	struct writing w = { .store = s, .e = e };
	int rc = -1;
	size_t i;
	int found;

	*created = 0;
	w.tokens = map_create(0);
	if (!w.tokens)
		return err_set(e, ERR_RETRY, "no memory");
	for (i = 0; i < a->n; i++) {
		found = write_one(&w, &a->tenants[i]);
		if (found < 0)
			goto out;
		if (found == 0)
			++*created;
	}
	rc = 0;
out:
	map_free(w.tokens, NULL);
	return rc;
}
