/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_ROUTES_H
#define ADMIN_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "admin/apply.h"

struct api_call;
struct err;
struct store;

/*
 * All that the daemon answers over HTTP, in one table (routes.c): method, path,
 * and who may ask. What a row doesn't tell is as strict as can be: it is on the
 * admin socket only, and there for admins only.
 */

enum route_needs {
	NEEDS_ADMIN = 0, /* ROLE_ADMIN (admin/role.h) */
	NEEDS_READ,      /* or ROLE_READ; shows no secret and changes nothing */
};

enum route_where {
	ON_SOCKET = 0,
	ON_PORT, /* where nobody is asked who he is */
	ON_BOTH,
};

/* What a command's body is. */
enum route_body {
	BODY_NONE = 0,
	BODY_TENANT,
	BODY_CHANGE,
	BODY_TENANTS,
	BODY_AGENT,
	BODY_SECRET,
	BODY_REMARK,
};

/* What the daemon itself answers (admin/own.c), not the store. */
enum route_own {
	OWN_NOTHING = 0,
	OWN_HEALTH,
	OWN_READY,
	OWN_METRICS,
	OWN_PAGE,
	OWN_STATUS,
	OWN_TOP,
	OWN_DIFF,
	OWN_RELOAD,
	OWN_LEVELS,
	OWN_SET_LEVEL,
};

struct route {
	const char *method;
	const char *path; /* stars stand for a tenant's name and the like */
	enum route_needs needs;
	enum route_where where;
	enum route_own own;

	/* A command on the store (admin/api.h), also without a daemon; NULL
	 * with own. */
	int (*run)(struct api_call *c, struct store *s, struct err *e);
	enum route_body body;
	bool writes;
};

extern const struct route routes[];
extern const size_t nroutes;

#define ROUTE_STAR (APPLY_NAME_MAX + 1)

/*
 * The row for a request that came to the port, or else to the socket. What its
 * stars stand for goes to star and second. NULL: none; *known tells whether
 * there is one with another method.
 */
const struct route *routes_find(const char *method, const char *path, bool port,
				char star[ROUTE_STAR], char second[ROUTE_STAR],
				bool *known);

#endif
