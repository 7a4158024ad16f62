/* SPDX-License-Identifier: ISC */
#include "route/people.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/word.h"

#define PEOPLE_MAX 65536
#define KEY_SIZE   200
#define TTL_MS     (60 * 60 * INT64_C(1000))
/* Whoever was asked may be gone with its loop. */
#define ASKED_MS 5000

#define GROUP_TTL_MS (10 * 60 * INT64_C(1000))
/* A token or a scope may be put right. */
#define UNKNOWN_MS (60 * INT64_C(1000))
#define STALE_MS   (24 * 60 * 60 * INT64_C(1000))

struct row {
	/* What Slack told last, if it did. */
	bool told;
	int64_t told_ms;
	struct person person; /* or, of a group: */
	char *members;        /* "U1 U2" */

	/* Until then that counts, or that nothing is known; or else nobody is
	 * to ask. */
	bool known;
	int64_t until_ms;
};

struct people {
	pthread_mutex_t lock;
	struct map *rows;
};

static void row_free(void *value)
{
	struct row *r = value;

	free(r->members);
	free(r);
}

struct people *people_create(void)
{
	struct people *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->rows = map_create(PEOPLE_MAX);
	if (!p->rows) {
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void people_free(struct people *p)
{
	if (!p)
		return;
	map_free(p->rows, row_free);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static bool make_key(char key[KEY_SIZE], const char *scope, const char *user)
{
	int n = snprintf(key, KEY_SIZE, "%s:%s", scope, user);

	return n > 0 && n < KEY_SIZE;
}

static bool keep_fresh(const char *key, void *value, void *arg)
{
	struct row *r = value;

	(void)key;
	if (r->until_ms > *(int64_t *)arg)
		return true;
	row_free(r);
	return false;
}

static bool keep_none(const char *key, void *value, void *arg)
{
	(void)key;
	(void)arg;
	row_free(value);
	return false;
}

/* A full table forgets what is old, or else all that it knows. NULL when
 * memory is short. */
static struct row *row_of(struct people *p, const char *key, int64_t now_ms)
{
	struct row *r = map_get(p->rows, key);

	if (r)
		return r;
	if (map_count(p->rows) >= PEOPLE_MAX)
		map_sweep(p->rows, keep_fresh, &now_ms);
	if (map_count(p->rows) >= PEOPLE_MAX)
		map_sweep(p->rows, keep_none, NULL);
	r = calloc(1, sizeof(*r));
	if (r && map_put(p->rows, key, r) < 0) {
		free(r);
		return NULL;
	}
	return r;
}

static bool is_fresh(const struct row *r, int64_t now_ms)
{
	return r && r->known && r->until_ms > now_ms;
}

static bool is_stale(const struct row *r, int64_t now_ms)
{
	return r && r->told && now_ms - r->told_ms < STALE_MS;
}

/* Under the lock; NULL: it is to be asked for. */
static const struct row *known_row(struct people *p, const char *scope,
				   const char *id, bool stale, int64_t now_ms)
{
	const struct row *r;
	char key[KEY_SIZE];

	if (!make_key(key, scope, id))
		return NULL;
	r = map_get(p->rows, key);
	if (is_fresh(r, now_ms) || (stale && is_stale(r, now_ms)))
		return r;
	return NULL;
}

bool people_find(struct people *p, const char *scope, const char *user,
		 bool stale, int64_t now_ms, struct person *out)
{
	const struct row *r;

	*out = (struct person){ FACT_OPEN, FACT_OPEN };
	pthread_mutex_lock(&p->lock);
	r = known_row(p, scope, user, stale, now_ms);
	if (r && r->told)
		*out = r->person;
	else if (r)
		*out = (struct person){ FACT_UNKNOWN, FACT_UNKNOWN };
	pthread_mutex_unlock(&p->lock);
	return r != NULL;
}

bool people_ask(struct people *p, const char *scope, const char *user,
		int64_t now_ms)
{
	char key[KEY_SIZE];
	bool yes = false;
	struct row *r;

	if (!make_key(key, scope, user))
		return false;
	pthread_mutex_lock(&p->lock);
	r = row_of(p, key, now_ms);
	if (r && r->until_ms <= now_ms) {
		r->known = false;
		r->until_ms = now_ms + ASKED_MS;
		yes = true;
	}
	pthread_mutex_unlock(&p->lock);
	return yes;
}

bool people_in_group(struct people *p, const char *scope, const char *group,
		     const char *user, bool stale, int64_t now_ms,
		     enum access_fact *out)
{
	const struct row *r;

	*out = FACT_OPEN;
	pthread_mutex_lock(&p->lock);
	r = known_row(p, scope, group, stale, now_ms);
	if (r && !r->told)
		*out = FACT_UNKNOWN;
	else if (r)
		*out = word_in(r->members, user) ? FACT_YES : FACT_NO;
	pthread_mutex_unlock(&p->lock);
	return r != NULL;
}

/* Until then that stands, or that nothing is known. */
static void settle(struct row *r, bool told, int64_t ttl_ms, int64_t now_ms)
{
	if (told)
		r->told_ms = now_ms;
	r->told = told || is_stale(r, now_ms);
	r->known = true;
	r->until_ms = now_ms + (told ? ttl_ms : UNKNOWN_MS);
}

void people_tell_group(struct people *p, const char *scope, const char *group,
		       char *members, int64_t now_ms)
{
	char key[KEY_SIZE];
	struct row *r = NULL;

	pthread_mutex_lock(&p->lock);
	if (make_key(key, scope, group))
		r = row_of(p, key, now_ms);
	if (r) {
		settle(r, members != NULL, GROUP_TTL_MS, now_ms);
		if (members) {
			free(r->members);
			r->members = members;
			members = NULL;
		}
	}
	pthread_mutex_unlock(&p->lock);
	free(members);
}

void people_tell(struct people *p, const char *scope, const char *user,
		 const struct person *known, int64_t now_ms)
{
	bool told = known->guest != FACT_UNKNOWN;
	struct row *r = NULL;
	char key[KEY_SIZE];

	pthread_mutex_lock(&p->lock);
	if (make_key(key, scope, user))
		r = row_of(p, key, now_ms);
	if (r) {
		settle(r, told, TTL_MS, now_ms);
		if (told)
			r->person = *known;
	}
	pthread_mutex_unlock(&p->lock);
}

void people_defer(struct people *p, const char *scope, const char *user,
		  int64_t wait_ms, int64_t now_ms)
{
	struct row *r = NULL;
	char key[KEY_SIZE];

	pthread_mutex_lock(&p->lock);
	if (make_key(key, scope, user))
		r = row_of(p, key, now_ms);
	if (r) {
		r->known = false;
		r->until_ms = now_ms + wait_ms;
	}
	pthread_mutex_unlock(&p->lock);
}
