/* SPDX-License-Identifier: ISC */
#include "turn/names.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "net/http.h"
#include "route/people.h"
#include "slack/api.h"
#include "slack/text.h"
#include "turn/zone.h"

#define KEY_SIZE  200
#define NAMES_MAX 4096
#define TTL_MS    (60 * 60 * 1000)
#define RETRY_MS  5000 /* after a failure that may pass */

struct name {
	struct names *names;
	struct slack_call *call; /* NULL: nothing under way */
	int64_t until_ms;        /* of what is known */
	char *scope;             /* while asking */
	char text[81];           /* "": Slack tells none */
	struct zone zone;
	bool zoned;   /* zone is known */
	bool passing; /* that nothing is known */
	struct person person;
};

/* A scope that may not ask. */
struct closed {
	int64_t until_ms;
	bool passing; /* it asked too much; else the app may not at all */
};

struct names {
	struct http *http;
	char *api_url;
	struct map *map;    /* "app:workspace:user" */
	struct map *closed; /* by scope */
	void (*changed)(void *arg);
	void *arg;
};

static void name_free(void *value)
{
	struct name *nm = value;

	slack_cancel(nm->call);
	free(nm->scope);
	free(nm);
}

struct names *names_create(struct http *h, const char *api_url,
			   void (*changed)(void *arg), void *arg)
{
	struct names *n;

	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->http = h;
	n->changed = changed;
	n->arg = arg;
	n->api_url = strdup(api_url);
	n->map = map_create(NAMES_MAX);
	n->closed = map_create(NAMES_MAX);
	if (!n->api_url || !n->map || !n->closed) {
		names_free(n);
		return NULL;
	}
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	map_free(n->map, name_free);
	map_free(n->closed, free);
	free(n->api_url);
	free(n);
}

static struct name *find(struct names *n, const char *scope, const char *user)
{
	char key[KEY_SIZE];
	int k;

	k = snprintf(key, sizeof(key), "%s:%s", scope, user);
	if (k < 0 || k >= (int)sizeof(key))
		return NULL;
	return map_get(n->map, key);
}

static bool keep_fresh(const char *key, void *value, void *arg)
{
	struct name *nm = value;

	(void)key;
	if (nm->call || nm->until_ms > *(int64_t *)arg)
		return true;
	name_free(nm);
	return false;
}

static bool keep_asking(const char *key, void *value, void *arg)
{
	struct name *nm = value;

	(void)key;
	(void)arg;
	if (nm->call)
		return true;
	name_free(nm);
	return false;
}

/* A full table forgets what is old, or else all that it knows. */
static void make_room(struct names *n, int64_t now)
{
	if (map_count(n->map) < NAMES_MAX)
		return;
	map_sweep(n->map, keep_fresh, &now);
	if (map_count(n->map) >= NAMES_MAX)
		map_sweep(n->map, keep_asking, NULL);
}

static struct name *make(struct names *n, const char *scope, const char *user)
{
	char key[KEY_SIZE];
	struct name *nm;
	int k;

	k = snprintf(key, sizeof(key), "%s:%s", scope, user);
	if (k < 0 || k >= (int)sizeof(key))
		return NULL;
	make_room(n, clock_ms());
	nm = calloc(1, sizeof(*nm));
	if (!nm)
		return NULL;
	nm->names = n;
	if (map_put(n->map, key, nm) < 0) {
		free(nm);
		return NULL;
	}
	return nm;
}

static const struct closed *closed_of(struct names *n, const char *scope)
{
	const struct closed *c = map_get(n->closed, scope);

	if (!c || c->until_ms > clock_ms())
		return c;
	free(map_take(n->closed, scope));
	return NULL;
}

static void close_scope(struct names *n, const char *scope, int64_t ms,
			bool passing)
{
	struct closed *c;

	if (map_get(n->closed, scope))
		return;
	c = malloc(sizeof(*c));
	if (!c)
		return;
	*c = (struct closed){ clock_ms() + ms, passing };
	if (map_put(n->closed, scope, c) < 0)
		free(c);
}

/* What people see in Slack: the display name if they have set one. */
static const char *pick(const struct json *body)
{
	static const char *const paths[] = {
		"user.profile.display_name",
		"user.profile.real_name",
		"user.real_name",
		"user.name",
	};
	const char *s;
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		s = json_str(body, paths[i]);
		if (s && s[0] != '\0')
			return s;
	}
	return NULL;
}

static void take_zone(struct name *nm, const struct json *body)
{
	int64_t offset = json_int(body, "user.tz_offset", INT64_MIN);

	nm->zoned = offset != INT64_MIN;
	if (nm->zoned)
		zone_set(&nm->zone, json_str(body, "user.tz"), offset);
}

static enum access_fact fact(bool yes)
{
	return yes ? FACT_YES : FACT_NO;
}

/* Guests of a workspace see some channels (is_restricted) or a single one;
 * who came with a shared channel is a stranger. */
static void take_person(struct name *nm, const struct json *body)
{
	nm->person.guest =
		fact(json_bool(body, "user.is_restricted", false) ||
		     json_bool(body, "user.is_ultra_restricted", false));
	nm->person.stranger = fact(json_bool(body, "user.is_stranger", false));
}

static void on_info(const struct slack_result *r, void *arg)
{
	struct name *nm = arg;
	struct names *n = nm->names;
	const char *s;

	nm->call = NULL;
	nm->until_ms = clock_ms() + TTL_MS;
	nm->text[0] = '\0';
	nm->person = (struct person){ FACT_UNKNOWN, FACT_UNKNOWN };
	nm->passing = r->fault == SLACK_RATE || r->fault == SLACK_TRANSIENT;
	if (r->fault == SLACK_OK) {
		s = pick(r->body);
		if (s)
			slack_name_clean(s, nm->text);
		take_zone(nm, r->body);
		take_person(nm, r->body);
	} else if (r->fault == SLACK_CONFIG) {
		close_scope(n, nm->scope, TTL_MS, false);
	} else if (r->fault == SLACK_RATE) {
		nm->until_ms = clock_ms() + r->retry_ms;
		close_scope(n, nm->scope, r->retry_ms, true);
	} else if (nm->passing || r->fault == SLACK_DEAD) {
		nm->until_ms = clock_ms() + RETRY_MS;
	}
	free(nm->scope);
	nm->scope = NULL;
	n->changed(n->arg);
}

void names_ask(struct names *n, const char *scope, const char *token,
	       const char *user)
{
	struct name *nm = find(n, scope, user);
	struct err e = { 0 };
	struct buf form;

	if (nm && (nm->call || nm->until_ms > clock_ms()))
		return;
	if (closed_of(n, scope))
		return;
	if (!nm)
		nm = make(n, scope, user);
	if (!nm)
		return;
	nm->scope = strdup(scope);
	if (!nm->scope)
		return;
	buf_init(&form, KEY_SIZE);
	http_form(&form, "user", user);
	nm->call = slack_call(n->http, n->api_url, "users.info", token, &form,
			      on_info, nm, &e);
	buf_release(&form);
	if (!nm->call) {
		free(nm->scope);
		nm->scope = NULL;
	}
}

bool names_pending(struct names *n, const char *scope, const char *user)
{
	struct name *nm = find(n, scope, user);

	return nm && nm->call;
}

const char *names_get(struct names *n, const char *scope, const char *user)
{
	struct name *nm = find(n, scope, user);

	if (!nm || nm->text[0] == '\0')
		return NULL;
	return nm->text;
}

const struct zone *names_zone(struct names *n, const char *scope,
			      const char *user)
{
	struct name *nm = find(n, scope, user);

	return nm && nm->zoned ? &nm->zone : NULL;
}

int64_t names_person(struct names *n, const char *scope, const char *user,
		     struct person *out)
{
	const struct closed *c = closed_of(n, scope);
	const struct name *nm = find(n, scope, user);
	int64_t now = clock_ms();

	*out = (struct person){ FACT_UNKNOWN, FACT_UNKNOWN };
	if (nm && nm->until_ms > now && !nm->passing) {
		*out = nm->person;
		return 0;
	}
	if (c)
		return c->passing ? c->until_ms - now : 0;
	return nm && nm->until_ms > now ? nm->until_ms - now : RETRY_MS;
}
