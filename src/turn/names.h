/* SPDX-License-Identifier: ISC */
#ifndef TURN_NAMES_H
#define TURN_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http;
struct person;
struct zone;

/*
 * What users.info tells of people: display names, time zones, who is a guest;
 * kept for an hour. One worker's. A scope is "app:workspace"; when Slack says
 * that the app may not ask there, nobody does for an hour.
 */
struct names;

/* changed is called whenever a name, or that there is none, became known. */
struct names *names_create(struct http *h, const char *api_url,
			   void (*changed)(void *arg), void *arg);
void names_free(struct names *n); /* NULL is allowed */

/* Ask for a name unless it is known or asked for. Fails silently. */
void names_ask(struct names *n, const char *scope, const char *token,
	       const char *user);

/* Has been asked for and may still come. */
bool names_pending(struct names *n, const char *scope, const char *user);

/* Cleaned; NULL when not known. Valid until the next call of any of these. */
const char *names_get(struct names *n, const char *scope, const char *user);
/* The same for the zone. */
const struct zone *names_zone(struct names *n, const char *scope,
			      const char *user);

/*
 * 0 with what access depends on, which is unknown when Slack doesn't tell; or
 * so many milliseconds until it is worth asking again.
 */
int64_t names_person(struct names *n, const char *scope, const char *user,
		     struct person *out);

#endif
