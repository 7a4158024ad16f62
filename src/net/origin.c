/* SPDX-License-Identifier: ISC */
#include "net/origin.h"

#include <stdlib.h>
#include <string.h>

#include "net/call.h"

/* A handful of servers for each process, so a list will do. */
struct origin {
	struct origin *next;
	size_t most;
	size_t active;
	struct http_call *head; /* those that wait, oldest first */
	struct http_call **tail;
	char name[]; /* scheme, host and port */
};

/* Up to the path. */
static size_t name_len(const char *url)
{
	const char *host = strstr(url, "://");

	return host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#")
		    : strlen(url);
}

static struct origin *get(struct origin **list, const char *url, size_t most)
{
	size_t n = name_len(url);
	struct origin *o;

	for (o = *list; o; o = o->next)
		if (o->most == most && strncmp(o->name, url, n) == 0 &&
		    o->name[n] == '\0')
			return o;
	o = calloc(1, sizeof(*o) + n + 1);
	if (!o)
		return NULL;
	memcpy(o->name, url, n);
	o->most = most;
	o->tail = &o->head;
	o->next = *list;
	*list = o;
	return o;
}

int origin_join(struct origin **list, const char *url, size_t most,
		struct http_call *c)
{
	struct origin *o = get(list, url, most);

	if (!o)
		return -1;
	c->origin = o;
	if (o->active < o->most) {
		o->active++;
		return 1;
	}
	c->behind = NULL;
	c->ahead = o->tail;
	*o->tail = c;
	o->tail = &c->behind;
	return 0;
}

static void unlink_waiting(struct origin *o, struct http_call *c)
{
	*c->ahead = c->behind;
	if (c->behind)
		c->behind->ahead = c->ahead;
	else
		o->tail = c->ahead;
	c->ahead = NULL;
}

struct http_call *origin_leave(struct http_call *c)
{
	struct origin *o = c->origin;
	struct http_call *next;

	c->origin = NULL;
	if (!o)
		return NULL;
	if (c->ahead) {
		unlink_waiting(o, c);
		return NULL;
	}
	next = o->head;
	if (next)
		unlink_waiting(o, next);
	else
		o->active--;
	return next;
}

void origin_free_all(struct origin *list)
{
	struct origin *next;

	for (; list; list = next) {
		next = list->next;
		free(list);
	}
}
