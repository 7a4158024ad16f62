/* SPDX-License-Identifier: ISC */
#include "net/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "net/call.h"

/* Over HTTP/2 calls cost no connections, so there may be more of them. */
#define SHARING 8

/* Those with one token that wait; there is none that nobody waits in. */
struct party {
	struct party *next, **link; /* whose turn comes after this one's */
	struct http_call *head;     /* oldest first */
	struct http_call **tail;
	char key[12];
};

/* A handful of servers for each process, so a list will do. */
struct origin {
	struct origin *next;
	size_t most;
	bool shares; /* its connections carry many calls each */
	size_t active;
	struct map *parties; /* by key */
	struct party *first; /* whose turn is next */
	struct party **last;
	char name[]; /* scheme, host and port */
};

/* Up to the path. */
static size_t name_len(const char *url)
{
	const char *host = strstr(url, "://");

	return host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#")
		    : strlen(url);
}

static void origin_free(struct origin *o)
{
	map_free(o->parties, NULL);
	free(o);
}

static struct origin *make(const char *url, size_t n, size_t most)
{
	struct origin *o = calloc(1, sizeof(*o) + n + 1);

	if (!o)
		return NULL;
	o->parties = map_create(0);
	if (!o->parties) {
		free(o);
		return NULL;
	}
	memcpy(o->name, url, n);
	o->most = most;
	o->last = &o->first;
	return o;
}

static struct origin *get(struct origin **list, const char *url, size_t most)
{
	size_t n = name_len(url);
	struct origin *o;

	for (o = *list; o; o = o->next)
		if (o->most == most && strncmp(o->name, url, n) == 0 &&
		    o->name[n] == '\0')
			return o;
	o = make(url, n, most);
	if (!o)
		return NULL;
	o->next = *list;
	*list = o;
	return o;
}

static void line_up(struct origin *o, struct party *p)
{
	p->next = NULL;
	p->link = o->last;
	*o->last = p;
	o->last = &p->next;
}

static void step_out(struct origin *o, struct party *p)
{
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	else
		o->last = p->link;
}

/*
 * By a hash, so that no token is copied; two that share one share their turn,
 * too. NULL: no memory.
 */
static struct party *party_of(struct origin *o, const char *secret)
{
	char key[sizeof(((struct party *)NULL)->key)];
	struct party *p;

	(void)snprintf(key, sizeof(key), "%x", hash_str(secret ? secret : ""));
	p = map_get(o->parties, key);
	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p || map_put(o->parties, key, p) < 0) {
		free(p);
		return NULL;
	}
	memcpy(p->key, key, sizeof(key));
	p->tail = &p->head;
	line_up(o, p);
	return p;
}

static bool has_room(const struct origin *o)
{
	return o->active < o->most * (o->shares ? SHARING : 1);
}

int origin_join(struct origin **list, const char *url, size_t most,
		struct http_call *c)
{
	struct origin *o = get(list, url, most);
	struct party *p;

	if (!o)
		return -1;
	if (has_room(o)) {
		c->origin = o;
		o->active++;
		return 1;
	}
	p = party_of(o, c->secret);
	if (!p)
		return -1;
	c->origin = o;
	c->party = p;
	c->behind = NULL;
	c->ahead = p->tail;
	*p->tail = c;
	p->tail = &c->behind;
	return 0;
}

static void unlink_waiting(struct origin *o, struct http_call *c)
{
	struct party *p = c->party;

	*c->ahead = c->behind;
	if (c->behind)
		c->behind->ahead = c->ahead;
	else
		p->tail = c->ahead;
	c->ahead = NULL;
	c->party = NULL;
	if (p->head)
		return;
	step_out(o, p);
	(void)map_take(o->parties, p->key);
	free(p);
}

/* One of the party whose turn it is, which then goes behind the others. */
static struct http_call *take_next(struct origin *o)
{
	struct party *p = o->first;
	struct http_call *c = p ? p->head : NULL;

	if (!c)
		return NULL;
	step_out(o, p);
	line_up(o, p);
	unlink_waiting(o, c);
	return c;
}

struct origin *origin_leave(struct http_call *c)
{
	struct origin *o = c->origin;

	c->origin = NULL;
	if (o && c->ahead)
		unlink_waiting(o, c);
	else if (o)
		o->active--;
	return o;
}

struct http_call *origin_next(struct origin *o)
{
	struct http_call *c = has_room(o) ? take_next(o) : NULL;

	if (c)
		o->active++;
	return c;
}

void origin_shares(struct http_call *c)
{
	c->origin->shares = true;
}

void origin_free_all(struct origin *list)
{
	struct origin *next;

	for (; list; list = next) {
		next = list->next;
		origin_free(list);
	}
}
