/* SPDX-License-Identifier: ISC */
#include "route/refill.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "state/engaged.h"
#include "state/gate.h"
#include "store/store.h"

#define CLAIMS_MS   (25 * 3600 * INT64_C(1000))
#define TENANTS_MAX 1000000

struct refill {
	struct gate *gate;
	struct store *names;
	struct map *tenants; /* "app:workspace" -> tenant id, "" for none */
	int64_t now_ms;
	struct err *e;
};

/* On the heap, "" when the workspace is nobody's (any more); NULL with e. */
static char *resolve(struct refill *r, const char *app, const char *workspace)
{
	struct connection c = { 0 };
	char *id = NULL;
	int rc;

	rc = r->names->ops->resolve(r->names, "slack", app, workspace, &c,
				    r->e);
	if (rc < 0)
		return NULL;
	id = strdup(rc > 0 ? c.tenant_id : "");
	if (!id)
		err_set(r->e, ERR_RETRY, "no memory");
	connection_release(&c);
	return id;
}

/* Whose "app:workspace:..." is; NULL with e. */
static const char *tenant_of(struct refill *r, const char *key)
{
	char place[200];
	size_t app = strcspn(key, ":");
	size_t len = app;
	char *id;

	if (key[app] == ':')
		len = app + 1 + strcspn(key + app + 1, ":");
	if (key[app] != ':' || len >= sizeof(place))
		return "";
	(void)snprintf(place, sizeof(place), "%.*s", (int)len, key);
	id = map_get(r->tenants, place);
	if (id)
		return id;
	place[app] = '\0';
	id = resolve(r, place, place + app + 1);
	place[app] = ':';
	if (id && map_put(r->tenants, place, id) < 0) {
		free(id);
		id = NULL;
		err_set(r->e, ERR_RETRY, "no memory");
	}
	return id;
}

static int give_thread(const char *key, int64_t at_ms, void *arg)
{
	struct refill *r = arg;
	const char *tenant = tenant_of(r, key);

	if (!tenant)
		return -1;
	if (!*tenant)
		return 0;
	return r->gate->ops->engage(r->gate, tenant, key, at_ms, r->e);
}

static int give_claim(const char *key, const char *entry, const char *verdict,
		      void *arg)
{
	struct refill *r = arg;
	const char *tenant = tenant_of(r, key);

	if (!tenant)
		return -1;
	if (!*tenant)
		return 0;
	return r->gate->ops->restore(r->gate, tenant, key, entry, verdict,
				     r->now_ms, r->e);
}

int refill_gate(struct gate *t, struct store *rows, struct store *names,
		int64_t window_ms, struct err *e)
{
	struct refill r = {
		.gate = t, .names = names, .now_ms = clock_wall_ms(), .e = e
	};
	int rc;

	r.tenants = map_create(TENANTS_MAX);
	if (!r.tenants)
		return err_set(e, ERR_RETRY, "no memory");
	rc = rows->ops->engaged(rows, r.now_ms - window_ms - ENGAGED_KEEP_MS,
				give_thread, &r, e);
	if (rc == 0)
		rc = rows->ops->claims(rows, r.now_ms - CLAIMS_MS, give_claim,
				       &r, e);
	map_free(r.tenants, free);
	return rc;
}
