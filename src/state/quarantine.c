/* SPDX-License-Identifier: ISC */
#include "state/quarantine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/map.h"

#define KEY_SIZE 128
#define ROOM     100000

/* Between tries with the same token. */
static const int try_ms[] = { 30000, 120000, 600000, 1800000 };
#define TRIES (sizeof(try_ms) / sizeof(try_ms[0]))

struct held {
	char app_id[KEY_SIZE / 2], workspace_id[KEY_SIZE / 2];
	bool has_token;
	unsigned char token[DIGEST_SIZE]; /* its digest */
	char error[64];
	int64_t since_ms;
	int64_t next_ms;
	unsigned int refusals; /* of this token */
};

struct quarantine {
	pthread_mutex_t lock;
	struct map *held;
	atomic_size_t n; /* so that nobody locks when there is none */
};

struct quarantine *quarantine_create(void)
{
	struct quarantine *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->held = map_create(ROOM);
	if (!q->held || pthread_mutex_init(&q->lock, NULL) != 0) {
		map_free(q->held, NULL);
		free(q);
		return NULL;
	}
	return q;
}

void quarantine_free(struct quarantine *q)
{
	if (!q)
		return;
	map_free(q->held, free);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static int key_of(char out[KEY_SIZE], const char *app_id,
		  const char *workspace_id)
{
	int n = snprintf(out, KEY_SIZE, "%s:%s", app_id, workspace_id);

	return n > 0 && n < KEY_SIZE ? 0 : -1;
}

static bool has_token(const struct held *h, const char *token)
{
	unsigned char d[DIGEST_SIZE];

	digest(token, strlen(token), d);
	return h->has_token && memcmp(h->token, d, sizeof(d)) == 0;
}

static struct held *find_or_make(struct quarantine *q, const char *app_id,
				 const char *workspace_id)
{
	char key[KEY_SIZE];
	struct held *h;

	if (key_of(key, app_id, workspace_id) < 0)
		return NULL;
	h = map_get(q->held, key);
	if (h)
		return h;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	(void)snprintf(h->app_id, sizeof(h->app_id), "%s", app_id);
	(void)snprintf(h->workspace_id, sizeof(h->workspace_id), "%s",
		       workspace_id);
	if (map_put(q->held, key, h) < 0) {
		free(h);
		return NULL;
	}
	return h;
}

static void refuse(struct held *h, const char *token, int64_t now_ms)
{
	size_t i;

	if (!has_token(h, token))
		h->refusals = 0;
	digest(token, strlen(token), h->token);
	h->has_token = true;
	i = h->refusals < TRIES ? h->refusals : TRIES - 1;
	h->refusals++;
	h->next_ms = now_ms + try_ms[i];
}

bool quarantine_put(struct quarantine *q, const char *app_id,
		    const char *workspace_id, const char *token,
		    const char *error, int64_t now_ms)
{
	bool news = false;
	struct held *h;

	pthread_mutex_lock(&q->lock);
	h = find_or_make(q, app_id, workspace_id);
	if (h) {
		news = h->since_ms == 0;
		if (news)
			h->since_ms = clock_wall_ms();
		(void)snprintf(h->error, sizeof(h->error), "%s", error);
		/* Calls that were under way together are one refusal. */
		if (token && (now_ms >= h->next_ms || !has_token(h, token)))
			refuse(h, token, now_ms);
		atomic_store(&q->n, map_count(q->held));
	}
	pthread_mutex_unlock(&q->lock);
	return news;
}

bool quarantine_holds(struct quarantine *q, const char *app_id,
		      const char *workspace_id, const char *token,
		      int64_t now_ms)
{
	char key[KEY_SIZE];
	struct held *h;
	bool holds;

	if (atomic_load(&q->n) == 0 || key_of(key, app_id, workspace_id) < 0)
		return false;
	pthread_mutex_lock(&q->lock);
	h = map_get(q->held, key);
	holds = h && has_token(h, token);
	if (holds && now_ms >= h->next_ms) {
		refuse(h, token, now_ms);
		holds = false;
	}
	pthread_mutex_unlock(&q->lock);
	return holds;
}

bool quarantine_lift(struct quarantine *q, const char *app_id,
		     const char *workspace_id)
{
	char key[KEY_SIZE];
	struct held *h;

	if (atomic_load(&q->n) == 0 || key_of(key, app_id, workspace_id) < 0)
		return false;
	pthread_mutex_lock(&q->lock);
	h = map_take(q->held, key);
	atomic_store(&q->n, map_count(q->held));
	pthread_mutex_unlock(&q->lock);
	free(h);
	return h != NULL;
}

static bool retry_one(const char *key, void *value, void *arg)
{
	struct held *h = value;

	(void)key;
	if (strcmp(h->app_id, arg) == 0) {
		h->refusals = 0;
		h->next_ms = 0;
	}
	return true;
}

void quarantine_retry(struct quarantine *q, const char *app_id)
{
	if (atomic_load(&q->n) == 0)
		return;
	pthread_mutex_lock(&q->lock);
	map_sweep(q->held, retry_one, (void *)app_id);
	pthread_mutex_unlock(&q->lock);
}

struct each {
	void (*fn)(const struct quarantine_view *v, void *arg);
	void *arg;
};

static bool view(const char *key, void *value, void *arg)
{
	const struct held *h = value;
	const struct each *e = arg;
	int64_t left = h->next_ms - clock_ms();
	const struct quarantine_view v = {
		.app_id = h->app_id,
		.workspace_id = h->workspace_id,
		.error = h->error,
		.since_ms = h->since_ms,
		.next_ms = h->has_token && left > 0 ? left : 0,
	};

	(void)key;
	e->fn(&v, e->arg);
	return true;
}

void quarantine_each(struct quarantine *q,
		     void (*fn)(const struct quarantine_view *v, void *arg),
		     void *arg)
{
	struct each e = { fn, arg };

	pthread_mutex_lock(&q->lock);
	map_sweep(q->held, view, &e);
	pthread_mutex_unlock(&q->lock);
}
