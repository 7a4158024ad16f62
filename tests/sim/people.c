/* SPDX-License-Identifier: ISC */
#include "sim/people.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "sim/util.h"

#define NAME_MAX_BYTES 80

struct people {
	struct map *names; /* id -> display name */
	struct map *ids;   /* lower-case name -> id */
};

struct people *people_create(void)
{
	struct people *p = must_alloc(sizeof(*p));

	p->names = map_create(0);
	p->ids = map_create(0);
	if (!p->names || !p->ids)
		abort();
	return p;
}

void people_free(struct people *p)
{
	if (!p)
		return;
	map_free(p->names, free);
	map_free(p->ids, free);
	free(p);
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

static void note_name(struct people *p, const char *name, const char *id)
{
	char *key = must_dup(name);

	lower(key);
	if (*key && !map_get(p->ids, key) &&
	    map_put(p->ids, key, must_dup(id)) < 0)
		abort();
	free(key);
}

void people_take(struct people *p, const struct json *users, const char *team)
{
	const char *id, *name, *display;
	const struct json *u;
	char at[40];
	size_t i;

	for (i = 0; i < json_len(users, "users"); i++) {
		snprintf(at, sizeof(at), "users.%zu", i);
		u = json_at(users, at);
		id = json_str(u, "id");
		name = json_str(u, "name");
		display = json_str(u, "display_name");
		if (!id || !name || !display || map_get(p->names, id))
			continue;
		if (map_put(p->names, id, must_dup(display)) < 0)
			abort();
		if (!str_eq(json_str(u, "team"), team))
			continue;
		note_name(p, name, id);
		note_name(p, display, id);
	}
}

const char *people_name(const struct people *p, const char *id)
{
	return map_get(p->names, id);
}

const char *people_id(const struct people *p, const char *who)
{
	char key[NAME_MAX_BYTES + 1];

	if (map_get(p->names, who))
		return who;
	snprintf(key, sizeof(key), "%s", who);
	lower(key);
	return map_get(p->ids, key);
}

/* The id of the longest known name that text begins with, and its length. */
static const char *name_at(const struct people *p, const char *text, size_t *n)
{
	char key[NAME_MAX_BYTES + 1];
	const char *id;

	*n = strcspn(text, "\n,.:;!?");
	if (*n > NAME_MAX_BYTES)
		*n = NAME_MAX_BYTES;
	for (; *n > 0; --*n) {
		snprintf(key, sizeof(key), "%.*s", (int)*n, text);
		lower(key);
		id = map_get(p->ids, key);
		if (id)
			return id;
	}
	return NULL;
}

void people_mrkdwn(const struct people *p, const char *line, struct buf *out)
{
	const char *id;
	size_t n = 0;

	for (; *line; line++) {
		id = *line == '@' ? name_at(p, line + 1, &n) : NULL;
		if (id) {
			buf_addf(out, "<@%s>", id);
			line += n;
		} else if (*line == '&') {
			buf_adds(out, "&amp;");
		} else if (*line == '<') {
			buf_adds(out, "&lt;");
		} else if (*line == '>') {
			buf_adds(out, "&gt;");
		} else {
			buf_addc(out, *line);
		}
	}
}
