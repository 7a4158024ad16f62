/* SPDX-License-Identifier: ISC */
#include "route/inhand.h"

#include <inttypes.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

#include "base/map.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map *ids;

#define KEY_SIZE 48

static const char *make_key(char out[KEY_SIZE], const char *id, int64_t epoch)
{
	(void)snprintf(out, KEY_SIZE, "%s:%" PRId64, id, epoch);
	return out;
}

static bool add(const char *id)
{
	static char there; /* a value is needed, and says nothing */

	if (!ids)
		ids = map_create(0);
	if (!ids)
		return true;
	if (map_get(ids, id))
		return false;
	(void)map_put(ids, id, &there);
	return true;
}

bool inhand_add(const char *id, int64_t epoch)
{
	char key[KEY_SIZE];
	bool ok;

	pthread_mutex_lock(&lock);
	ok = add(make_key(key, id, epoch));
	pthread_mutex_unlock(&lock);
	return ok;
}

void inhand_drop(const char *id, int64_t epoch)
{
	char key[KEY_SIZE];

	pthread_mutex_lock(&lock);
	if (ids)
		(void)map_take(ids, make_key(key, id, epoch));
	pthread_mutex_unlock(&lock);
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
