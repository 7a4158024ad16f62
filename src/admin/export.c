/* SPDX-License-Identifier: ISC */
#include "admin/export.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/agents.h"
#include "admin/api.h"
#include "admin/apply.h"
#include "admin/keeping.h"
#include "base/err.h"
#include "base/json.h"
#include "slack/api.h"
#include "store/store.h"

#define FILE_SIZE 128

struct exporting {
	struct jwrite w;
	struct store *store;
	bool files;
	struct err *e;
};

/* "A1.app-token", and "A1-T1.bot-token" of a workspace. */
static void write_files(struct jwrite *w, const struct connection *c)
{
	char name[FILE_SIZE];

	(void)snprintf(name, sizeof(name), "%s.app-token", c->app_id);
	jw_str(w, "app_token_file", name);
	(void)snprintf(name, sizeof(name), "%s-%s.bot-token", c->app_id,
		       c->workspace_id);
	jw_str(w, "bot_token_file", name);
	/* One that expires is taken with what renews it only. */
	if (!slack_token_expires(c->bot_token))
		return;
	(void)snprintf(name, sizeof(name), "%s-%s.refresh-token", c->app_id,
		       c->workspace_id);
	jw_str(w, "refresh_token_file", name);
}

static int write_connection(const struct connection *c, void *arg)
{
	struct exporting *x = arg;

	jw_object(&x->w, NULL);
	jw_str(&x->w, "app_id", c->app_id);
	jw_str(&x->w, "workspace_id", c->workspace_id);
	jw_str(&x->w, "bot_user_id", c->bot_user_id);
	jw_str(&x->w, "bot_id", c->bot_id);
	if (x->files)
		write_files(&x->w, c);
	jw_object_end(&x->w);
	return 0;
}

static int write_access(struct exporting *x, const struct tenant *t)
{
	char *text = NULL;

	if (x->store->ops->access(x->store, t->id, "", &text, x->e) < 0)
		return -1;
	if (text)
		jw_raw(&x->w, "access", text);
	free(text);
	return 0;
}

static int write_tenant(const struct tenant *t, void *arg)
{
	struct exporting *x = arg;
	struct jwrite *w = &x->w;

	jw_object(w, NULL);
	jw_str(w, "name", t->name);
	jw_bool(w, "paused", t->paused);
	jw_int(w, "rate_per_minute", t->rate_per_minute);
	jw_int(w, "burst", t->burst);
	jw_str(w, "budget", t->budget);
	jw_bool(w, "agent_sessions", t->agent_sessions);
	jw_bool(w, "streaming", t->streaming);
	if (keeping_write(w, x->store, t->id, x->e) < 0 ||
	    apply_show_canary(w, x->store, t->id, false, x->e) < 0 ||
	    write_access(x, t) < 0)
		return -1;
	jw_array(w, "connections");
	if (x->store->ops->connections(x->store, t->name, write_connection, x,
				       x->e) < 0)
		return -1;
	jw_array_end(w);
	if (agents_export(w, x->store, t->id, x->e) < 0)
		return -1;
	jw_object_end(w);
	return 0;
}

static int export(struct api_call *c, struct store *s, bool files,
		  struct err *e)
{
	struct exporting x = { .store = s, .files = files, .e = e };

	jw_init(&x.w, &c->out);
	jw_object(&x.w, NULL);
	jw_array(&x.w, "tenants");
	if (s->ops->tenants(s, write_tenant, &x, e) < 0)
		return -1;
	jw_array_end(&x.w);
	jw_object_end(&x.w);
	return 0;
}

int export_all(struct api_call *c, struct store *s, struct err *e)
{
	return export(c, s, false, e);
}

int export_with_files(struct api_call *c, struct store *s, struct err *e)
{
	return export(c, s, true, e);
}
