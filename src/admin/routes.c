/* SPDX-License-Identifier: ISC */
#include "admin/routes.h"

#include <string.h>

#include "admin/agents.h"
#include "admin/export.h"
#include "admin/keeping.h"
#include "admin/letters.h"
#include "admin/names.h"
#include "admin/rotate.h"
#include "admin/secrets.h"
#include "admin/tenants.h"
#include "admin/trail.h"
#include "admin/usage.h"

const struct route routes[] = {
	{ "GET", "/health", NEEDS_READ, ON_BOTH, .own = OWN_HEALTH },
	{ "GET", "/ready", NEEDS_READ, ON_BOTH, .own = OWN_READY },
	{ "GET", "/metrics", NEEDS_READ, ON_BOTH, .own = OWN_METRICS },
	{ "GET", "/", NEEDS_READ, ON_PORT, .own = OWN_PAGE },
	{ "GET", "/page.json", NEEDS_READ, ON_PORT, .own = OWN_PAGE },

	{ "GET", "/v1/status", NEEDS_READ, .own = OWN_STATUS },
	{ "GET", "/v1/top", NEEDS_READ, .own = OWN_TOP },
	{ "GET", "/v1/config/diff", NEEDS_READ, .own = OWN_DIFF },
	{ "POST", "/v1/reload", .own = OWN_RELOAD },
	{ "GET", "/v1/log-level", NEEDS_READ, .own = OWN_LEVELS },
	{ "PUT", "/v1/log-level", .own = OWN_SET_LEVEL },

	{ "GET", "/v1/tenants", NEEDS_READ, .run = tenants_list },
	{ "POST", "/v1/tenants", .run = tenants_add, .body = BODY_TENANT,
	  .writes = true },
	{ "GET", "/v1/tenants/*", NEEDS_READ, .run = tenants_show },
	{ "PUT", "/v1/tenants/*", .run = tenants_set, .body = BODY_CHANGE,
	  .writes = true },
	{ "DELETE", "/v1/tenants/*", .run = tenants_remove, .writes = true },
	{ "POST", "/v1/tenants/*/pause", .run = tenants_pause, .writes = true },
	{ "POST", "/v1/tenants/*/resume", .run = tenants_resume,
	  .writes = true },
	{ "POST", "/v1/tenants/*/purge", .run = keeping_purge, .writes = true },
	{ "GET", "/v1/tenants/*/agent", NEEDS_READ, .run = agents_show },
	{ "PUT", "/v1/tenants/*/agent", .run = agents_set, .body = BODY_AGENT,
	  .writes = true },
	{ "GET", "/v1/tenants/*/agents", NEEDS_READ, .run = agents_list },
	{ "POST", "/v1/tenants/*/agents", .run = agents_add, .body = BODY_AGENT,
	  .writes = true },
	{ "GET", "/v1/tenants/*/agents/*", NEEDS_READ, .run = agents_show },
	{ "PUT", "/v1/tenants/*/agents/*", .run = agents_set,
	  .body = BODY_AGENT, .writes = true },
	{ "DELETE", "/v1/tenants/*/agents/*", .run = agents_remove,
	  .writes = true },
	{ "POST", "/v1/apps/*/connect", .run = tenants_connect,
	  .writes = true },
	{ "POST", "/v1/apply", .run = tenants_apply, .body = BODY_TENANTS,
	  .writes = true },
	{ "GET", "/v1/names/*", NEEDS_READ, .run = names_list },
	{ "GET", "/v1/names/*/*", NEEDS_READ, .run = names_list },
	{ "GET", "/v1/export", NEEDS_READ, .run = export_all },
	{ "GET", "/v1/export/files", NEEDS_READ, .run = export_with_files },

	{ "GET", "/v1/tenants/*/usage/*", NEEDS_READ, .run = usage_one },
	{ "GET", "/v1/usage/*", NEEDS_READ, .run = usage_all },
	{ "GET", "/v1/explain/*", NEEDS_READ, .run = letters_explain },
	{ "GET", "/v1/dead", NEEDS_READ, .run = letters_list },
	{ "GET", "/v1/dead/*", NEEDS_READ, .run = letters_show },
	{ "POST", "/v1/dead/*/replay", .run = letters_replay, .writes = true },
	{ "POST", "/v1/dead/*/drop", .run = letters_drop, .writes = true },
	{ "GET", "/v1/audit/*", NEEDS_READ, .run = trail_rows },
	{ "POST", "/v1/remarks", .run = trail_remark, .body = BODY_REMARK,
	  .writes = true },

	{ "GET", "/v1/keys", NEEDS_READ, .run = rotate_list },
	{ "POST", "/v1/keys/rotate", .run = rotate_run, .writes = true },
	{ "GET", "/v1/secrets", NEEDS_READ, .run = secrets_list },
	{ "PUT", "/v1/secrets/*", .run = secrets_set, .body = BODY_SECRET,
	  .writes = true },
	{ "DELETE", "/v1/secrets/*", .run = secrets_remove, .writes = true },
};
const size_t nroutes = sizeof(routes) / sizeof(routes[0]);

/* What stands in the place of a star; NULL when that is nothing of ours. */
static const char *take_star(const char *path, char name[ROUTE_STAR])
{
	size_t n = strcspn(path, "/");

	if (n == 0 || n >= ROUTE_STAR)
		return NULL;
	memcpy(name, path, n);
	name[n] = '\0';
	return path + n;
}

static bool matches(const char *pattern, const char *path,
		    char star[ROUTE_STAR], char second[ROUTE_STAR])
{
	star[0] = second[0] = '\0';
	for (; *pattern; pattern++) {
		if (*pattern == '*') {
			path = take_star(path, star);
			if (!path)
				return false;
			star = second;
		} else if (*pattern != *path++) {
			return false;
		}
	}
	return *path == '\0';
}

const struct route *routes_find(const char *method, const char *path, bool port,
				char star[ROUTE_STAR], char second[ROUTE_STAR],
				bool *known)
{
	const struct route *r;

	*known = false;
	for (r = routes; r < routes + nroutes; r++) {
		if (r->where == (port ? ON_SOCKET : ON_PORT) ||
		    !matches(r->path, path, star, second))
			continue;
		*known = true;
		if (strcmp(r->method, method) == 0)
			return r;
	}
	return NULL;
}
