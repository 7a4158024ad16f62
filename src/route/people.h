/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_PEOPLE_H
#define ROUTE_PEOPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "route/access.h"

/*
 * What Slack tells of people and access depends on, kept for an hour. Routers
 * look here and never wait; whoever they asked tells it later. A scope is
 * "app:workspace". User groups are looked up likewise, by their ids in the
 * place of a person's, and kept for ten minutes. Thread-safe. Times are of
 * clock_ms().
 */
struct people;

struct person {
	enum access_fact guest;
	enum access_fact stranger;
};

struct people *people_create(void);
void people_free(struct people *p); /* NULL is allowed */

/*
 * False, and both are open, when it isn't known. stale: what was known within
 * the last day does as well.
 */
bool people_find(struct people *p, const char *scope, const char *user,
		 bool stale, int64_t now_ms, struct person *out);

/* Is somebody in a group? Likewise. */
bool people_in_group(struct people *p, const char *scope, const char *group,
		     const char *user, bool stale, int64_t now_ms,
		     enum access_fact *out);

/* Is the caller to have it looked up now? True once for some seconds. */
bool people_ask(struct people *p, const char *scope, const char *user,
		int64_t now_ms);

/* Slack has told, or will never; then what it told within a day stays. */
void people_tell(struct people *p, const char *scope, const char *user,
		 const struct person *known, int64_t now_ms);
/* Takes members, "U1 U2" on the heap; NULL: it will never be known. */
void people_tell_group(struct people *p, const char *scope, const char *group,
		       char *members, int64_t now_ms);
/* Slack can't tell now; not to be asked before so long from now. */
void people_defer(struct people *p, const char *scope, const char *user,
		  int64_t wait_ms, int64_t now_ms);

#endif
