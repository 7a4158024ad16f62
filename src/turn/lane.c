/* SPDX-License-Identifier: ISC */
#include "turn/lane.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

struct lane {
	struct lane_seat *head;
	struct lane_seat **tail;
	char key[]; /* a lane is forgotten when its last turn leaves */
};

struct lanes {
	struct map *map;
};

struct lanes *lanes_create(void)
{
	struct lanes *l;

	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->map = map_create(0);
	if (!l->map) {
		free(l);
		return NULL;
	}
	return l;
}

void lanes_free(struct lanes *l)
{
	if (!l)
		return;
	assert(map_count(l->map) == 0);
	map_free(l->map, NULL);
	free(l);
}

static struct lane *make_lane(struct lanes *l, const char *key)
{
	size_t size = strlen(key) + 1;
	struct lane *lane;

	lane = calloc(1, sizeof(*lane) + size);
	if (!lane)
		return NULL;
	memcpy(lane->key, key, size);
	lane->tail = &lane->head;
	if (map_put(l->map, key, lane) < 0) {
		free(lane);
		return NULL;
	}
	return lane;
}

int lane_join(struct lanes *l, const char *key, struct lane_seat *s)
{
	struct lane *lane = map_get(l->map, key);

	assert(!s->lane);
	if (!lane)
		lane = make_lane(l, key);
	if (!lane)
		return -1;
	s->lane = lane;
	s->next = NULL;
	*lane->tail = s;
	lane->tail = &s->next;
	return 0;
}

struct lane_seat *lane_leave(struct lanes *l, struct lane_seat *s)
{
	struct lane *lane = s->lane;
	struct lane_seat **link;
	bool was_head;

	if (!lane)
		return NULL;
	was_head = lane->head == s;
	for (link = &lane->head; *link != s; link = &(*link)->next)
		;
	*link = s->next;
	if (!*link)
		lane->tail = link;
	s->lane = NULL;
	s->next = NULL;
	if (!lane->head) {
		(void)map_take(l->map, lane->key);
		free(lane);
		return NULL;
	}
	return was_head ? lane->head : NULL;
}

bool lane_is_head(const struct lane_seat *s)
{
	return s->lane && s->lane->head == s;
}

struct lane_seat *lane_behind(const struct lane_seat *s)
{
	return s->lane ? s->next : NULL;
}

size_t lanes_count(const struct lanes *l)
{
	return map_count(l->map);
}
