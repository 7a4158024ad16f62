/* SPDX-License-Identifier: ISC */
#include "route/inhand.h"

#include <pthread.h>
#include <stddef.h>

#include "base/map.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map *ids;

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

bool inhand_add(const char *id)
{
	bool ok;

	pthread_mutex_lock(&lock);
	ok = add(id);
	pthread_mutex_unlock(&lock);
	return ok;
}

void inhand_drop(const char *id)
{
	pthread_mutex_lock(&lock);
	if (ids)
		(void)map_take(ids, id);
	pthread_mutex_unlock(&lock);
}

bool inhand_has(const char *id)
{
	bool has;

	pthread_mutex_lock(&lock);
	has = ids && map_get(ids, id);
	pthread_mutex_unlock(&lock);
	return has;
}
