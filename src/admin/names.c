/* SPDX-License-Identifier: ISC */
#include "admin/names.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/api.h"
#include "admin/tenants.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "store/store.h"
#include "store/usage.h"

#define RECENT_S  (90 * 24 * 3600)
#define NAMES_MAX 20000

struct names {
	struct jwrite *w;
	struct map *told; /* of channels, which come twice */
};

static int add_tenant(const struct tenant *t, void *arg)
{
	const struct names *n = arg;

	jw_str(n->w, NULL, t->name);
	return 0;
}

static int add_app(const struct app *a, void *arg)
{
	const struct names *n = arg;

	jw_str(n->w, NULL, a->app_id);
	return 0;
}

static void add_channel(struct names *n, const char *id)
{
	static char told[] = "";

	if (*id == '\0' || map_get(n->told, id) ||
	    map_put(n->told, id, told) < 0)
		return;
	jw_str(n->w, NULL, id);
}

static int add_bound(const struct agent *a, void *arg)
{
	struct err e = { 0 };
	struct json *list = json_parse(a->channels, strlen(a->channels),
				       strlen(a->channels), &e);
	char at[24];
	size_t i;

	for (i = 0; i < json_len(list, ""); i++) {
		(void)snprintf(at, sizeof(at), "%zu", i);
		if (json_str(list, at))
			add_channel(arg, json_str(list, at));
	}
	json_free(list);
	return 0;
}

static int add_used(const struct usage_row *r, void *arg)
{
	add_channel(arg, r->who);
	return 0;
}

static int channels(struct names *n, struct store *s, const char *tenant_id,
		    struct err *e)
{
	time_t since = (time_t)(clock_wall_ms() / 1000) - RECENT_S;
	char day[16];
	struct tm tm;
	int rc = -1;

	(void)strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&since, &tm));
	n->told = map_create(NAMES_MAX);
	if (!n->told)
		return err_set(e, ERR_RETRY, "no memory");
	if (s->ops->agents(s, tenant_id, add_bound, n, e) == 0 &&
	    s->ops->usage->rows(s, tenant_id, USAGE_BY_CHANNEL, day, add_used,
				n, e) == 0)
		rc = 0;
	map_free(n->told, NULL);
	return rc;
}

static int channels_of(struct names *n, struct api_call *c, struct store *s,
		       struct err *e)
{
	struct tenant t = { 0 };
	int rc = tenants_load(c, s, c->of_tenant, &t, e);

	if (rc == 0)
		rc = channels(n, s, t.id, e);
	tenant_release(&t);
	return rc;
}

int names_list(struct api_call *c, struct store *s, struct err *e)
{
	const char *kind = c->tenant;
	struct jwrite w;
	struct names n = { .w = &w };
	size_t i;
	int rc = 0;

	jw_init(&w, &c->out);
	jw_object(&w, NULL);
	jw_array(&w, "names");
	if (c->of_tenant[0] != '\0' && strcmp(kind, "channels") == 0) {
		rc = channels_of(&n, c, s, e);
	} else if (strcmp(kind, "tenants") == 0) {
		rc = s->ops->tenants(s, add_tenant, &n, e);
	} else if (strcmp(kind, "apps") == 0) {
		rc = s->ops->apps(s, add_app, &n, e);
	} else if (strcmp(kind, "models") == 0) {
		for (i = 0; i < c->conf->nmodels; i++)
			jw_str(&w, NULL, c->conf->models[i].name);
	} else {
		c->status = 404;
		return err_set(e, ERR_INPUT, "no names of that kind");
	}
	jw_array_end(&w);
	jw_object_end(&w);
	return rc;
}
