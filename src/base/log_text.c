/* SPDX-License-Identifier: ISC */
#include "base/log_text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log_in.h"
#include "base/map.h"

#define HOUR_MS (60 * 60 * 1000)

struct named {
	char name[80];
	int64_t until_ms;
	int64_t warned_ms;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map *all; /* struct named by the tenant's id */
static atomic_size_t n; /* so that nobody locks when there is none */

static void warn(const struct named *t, bool on)
{
	time_t at = (time_t)(t->until_ms / 1000);
	char until[32] = "";
	struct tm tm;

	if (gmtime_r(&at, &tm))
		(void)strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (on)
		log_warn(LOG_FIELDS({ "tenant", t->name }, { "until", until }),
			 "text of messages goes into the log");
	else
		log_warn(LOG_FIELDS({ "tenant", t->name }),
			 "text of messages goes into the log no more");
}

/* NULL: no memory, and no text. */
static struct named *find_or_make(const char *tenant_id)
{
	struct named *t;

	if (!all)
		all = map_create(0);
	if (!all)
		return NULL;
	t = map_get(all, tenant_id);
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (t && map_put(all, tenant_id, t) < 0) {
		free(t);
		return NULL;
	}
	return t;
}

static void begin(const char *tenant_id, const char *name, int64_t until_ms,
		  int64_t now_ms)
{
	struct named *t = find_or_make(tenant_id);

	if (!t || t->until_ms == until_ms)
		return;
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	t->until_ms = until_ms;
	t->warned_ms = now_ms;
	warn(t, true);
}

static void end(const char *tenant_id)
{
	struct named *t = all ? map_take(all, tenant_id) : NULL;

	if (t)
		warn(t, false);
	free(t);
}

void log_text_set(const char *tenant_id, const char *name, int64_t until_ms)
{
	int64_t now;

	if (until_ms == 0 && atomic_load(&n) == 0)
		return;
	now = clock_wall_ms();
	pthread_mutex_lock(&lock);
	if (until_ms > now)
		begin(tenant_id, name, until_ms, now);
	else
		end(tenant_id);
	atomic_store(&n, all ? map_count(all) : 0);
	pthread_mutex_unlock(&lock);
}

static bool look_at(const char *key, void *value, void *arg)
{
	const int64_t *now_ms = arg;
	struct named *t = value;

	(void)key;
	if (t->until_ms <= *now_ms) {
		warn(t, false);
		free(t);
		return false;
	}
	if (*now_ms - t->warned_ms >= HOUR_MS) {
		t->warned_ms = *now_ms;
		warn(t, true);
	}
	return true;
}

void log_text_tick(int64_t now_ms)
{
	if (atomic_load(&n) == 0)
		return;
	pthread_mutex_lock(&lock);
	map_sweep(all, look_at, &now_ms);
	atomic_store(&n, map_count(all));
	pthread_mutex_unlock(&lock);
}

bool log_text_is(const char *tenant_id)
{
	const struct named *t;
	bool is;

	if (atomic_load(&n) == 0)
		return false;
	pthread_mutex_lock(&lock);
	t = map_get(all, tenant_id);
	is = t && t->until_ms > clock_wall_ms();
	pthread_mutex_unlock(&lock);
	return is;
}

void log_text(const char *tenant_id, const struct log_field *f, const char *msg,
	      const char *text)
{
	if (log_text_is(tenant_id))
		log_text_line(f, msg, text);
}

struct each {
	void (*fn)(const char *name, int64_t until_ms, void *arg);
	void *arg;
};

static bool visit(const char *key, void *value, void *arg)
{
	const struct named *t = value;
	const struct each *e = arg;

	(void)key;
	e->fn(t->name, t->until_ms, e->arg);
	return true;
}

void log_text_each(void (*fn)(const char *name, int64_t until_ms, void *arg),
		   void *arg)
{
	struct each e = { fn, arg };

	if (atomic_load(&n) == 0)
		return;
	pthread_mutex_lock(&lock);
	map_sweep(all, visit, &e);
	pthread_mutex_unlock(&lock);
}
