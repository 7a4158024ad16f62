/* SPDX-License-Identifier: ISC */
#include "route/inhand.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "store/journal.h"

/* An app that has entries in hand. */
struct owner {
	char *app_id;
	size_t n;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map *ids;  /* owners by entry and epoch */
static struct map *apps; /* and by app */

#define KEY_SIZE 48

static const char *make_key(char out[KEY_SIZE], const char *id, int64_t epoch)
{
	(void)snprintf(out, KEY_SIZE, "%s:%" PRId64, id, epoch);
	return out;
}

static struct owner *owner_of(const char *app_id)
{
	struct owner *o = map_get(apps, app_id);

	if (o)
		return o;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->app_id = strdup(app_id);
	if (o->app_id && map_put(apps, app_id, o) == 0)
		return o;
	free(o->app_id);
	free(o);
	return NULL;
}

static void forget_if_idle(struct owner *o)
{
	if (o->n > 0)
		return;
	(void)map_take(apps, o->app_id);
	free(o->app_id);
	free(o);
}

static bool add(const char *app_id, const char *id)
{
	struct owner *o;

	if (!ids)
		ids = map_create(0);
	if (!apps)
		apps = map_create(0);
	if (!ids || !apps)
		return true;
	if (map_get(ids, id))
		return false;
	o = owner_of(app_id);
	if (!o)
		return true;
	if (map_put(ids, id, o) == 0)
		o->n++;
	forget_if_idle(o);
	return true;
}

static void drop(const char *id)
{
	struct owner *o = ids ? map_take(ids, id) : NULL;

	if (!o)
		return;
	o->n--;
	forget_if_idle(o);
}

bool inhand_add(const char *app_id, const char *id, int64_t epoch)
{
	char key[KEY_SIZE];
	bool ok;

	pthread_mutex_lock(&lock);
	ok = add(app_id, make_key(key, id, epoch));
	pthread_mutex_unlock(&lock);
	return ok;
}

void inhand_drop(const char *id, int64_t epoch)
{
	char key[KEY_SIZE];

	pthread_mutex_lock(&lock);
	drop(make_key(key, id, epoch));
	pthread_mutex_unlock(&lock);
}

bool inhand_add_entry(const struct entry *en)
{
	size_t i;

	if (!inhand_add(en->app_id, en->id, en->epoch))
		return false;
	for (i = 0; i < en->ncovered; i++)
		(void)inhand_add(en->app_id, en->covered[i].id, en->epoch);
	return true;
}

void inhand_drop_entry(const struct entry *en)
{
	size_t i;

	inhand_drop(en->id, en->epoch);
	for (i = 0; i < en->ncovered; i++)
		inhand_drop(en->covered[i].id, en->epoch);
}

bool inhand_has(const char *id, int64_t epoch)
{
	char key[KEY_SIZE];
	bool has;

	pthread_mutex_lock(&lock);
	has = ids && map_get(ids, make_key(key, id, epoch));
	pthread_mutex_unlock(&lock);
	return has;
}

size_t inhand_of(const char *app_id)
{
	struct owner *o;
	size_t n;

	pthread_mutex_lock(&lock);
	o = apps ? map_get(apps, app_id) : NULL;
	n = o ? o->n : 0;
	pthread_mutex_unlock(&lock);
	return n;
}
