/* SPDX-License-Identifier: ISC */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "state/claims.h"
#include "state/engaged.h"
#include "state/gate.h"

/*
 * The gate of a single machine: tables under a mutex. What it must not forget
 * over a restart is read back from the journal.
 */

#define BUCKETS_MAX    1000000
#define ONCE_MAX       1000000
#define BOTS_MAX       1000000
#define BOTS_KEEP_MS   (25 * 3600 * INT64_C(1000))
#define KEY_SIZE       600
#define NOTIFY_MS      10000
#define SWEEP_EVERY_MS 30000

/* A token in the unit of a bucket's level: so many come in a millisecond as
 * the rate is tokens a minute, without a remainder. */
#define TOKEN 60000

struct bucket {
	int64_t level; /* in parts of a token */
	int64_t at_ms; /* when it was that */
	int64_t full_at_ms;
};

/* What was accepted from bots in a thread since a person spoke there. */
struct bots {
	int n;
	int64_t at_ms; /* the last one */
};

/* What happens once in a while. */
struct turn {
	int64_t next_ms;     /* when it may happen again */
	char entry[ID_SIZE]; /* whose it was */
};

struct local {
	struct gate base; /* must be first */
	struct gate_opts o;
	pthread_mutex_t lock; /* for all below */
	struct claims *claims;
	struct map *buckets; /* by tenant and channel */
	struct map *once;    /* key -> struct turn */
	struct map *bots;    /* thread -> struct bots */
	int64_t swept_ms;
};

static void local_close(struct gate *gate)
{
	struct local *t = (struct local *)gate;

	if (!t)
		return;
	claims_free(t->claims);
	map_free(t->buckets, free);
	map_free(t->once, free);
	map_free(t->bots, free);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct gate *local_open(const struct gate_opts *o, struct err *e)
{
	struct local *t = calloc(1, sizeof(*t));

	if (!t)
		goto fail;
	t->base.ops = &gate_local;
	t->o = *o;
	(void)pthread_mutex_init(&t->lock, NULL);
	t->claims = claims_create();
	t->buckets = map_create(BUCKETS_MAX);
	t->once = map_create(ONCE_MAX);
	t->bots = map_create(BOTS_MAX);
	if (t->claims && t->buckets && t->once && t->bots)
		return &t->base;
fail:
	err_set(e, ERR_RETRY, "cannot open state: no memory");
	local_close((struct gate *)t);
	return NULL;
}

static int local_start(struct gate *gate, struct err *e)
{
	struct local *t = (struct local *)gate;

	return t->o.refill ? t->o.refill(gate, t->o.arg, e) : 0;
}

static int no_room(struct err *e)
{
	return err_set(e, ERR_RETRY, "cannot judge message: no room");
}

static bool first_time(struct local *t, const char *key, const char *entry,
		       int64_t window_ms, int64_t now_ms)
{
	struct turn *u = map_get(t->once, key);

	/* A clock that goes back a little doesn't make it happen again, one
	 * that goes back far doesn't silence it for long. */
	if (u && now_ms < u->next_ms && u->next_ms - now_ms <= 2 * window_ms)
		return entry[0] != '\0' && strcmp(u->entry, entry) == 0;
	if (!u) {
		u = malloc(sizeof(*u));
		if (!u || map_put(t->once, key, u) < 0) {
			free(u);
			return false;
		}
	}
	u->next_ms = now_ms + window_ms;
	(void)snprintf(u->entry, sizeof(u->entry), "%s", entry);
	return true;
}

static struct bucket *bucket_of(struct local *t, const struct admit *a,
				int64_t cap, struct err *e)
{
	char key[KEY_SIZE];
	struct bucket *b;
	int n;

	n = snprintf(key, sizeof(key), "%s:%s", a->tenant_id, a->channel);
	if (n < 0 || (size_t)n >= sizeof(key)) {
		err_set(e, ERR_INPUT, "channel id is too long");
		return NULL;
	}
	b = map_get(t->buckets, key);
	if (b)
		return b;
	b = malloc(sizeof(*b));
	if (!b || map_put(t->buckets, key, b) < 0) {
		free(b);
		no_room(e);
		return NULL;
	}
	*b = (struct bucket){ .level = cap, .at_ms = a->now_ms };
	return b;
}

/* What has come in since. Beyond what fills it nothing is multiplied. */
static void refill(struct bucket *b, int64_t now_ms, int64_t rate, int64_t cap)
{
	int64_t elapsed = now_ms - b->at_ms;

	if (elapsed > 0 && elapsed > (cap - b->level) / rate)
		b->level = cap;
	else if (elapsed > 0)
		b->level += elapsed * rate;
	if (b->level > cap)
		b->level = cap;
	b->at_ms = now_ms;
}

/* 1: a token was taken; 0: there is none, and a->wait_s until there is. */
static int charge(struct local *t, struct admit *a, struct err *e)
{
	int64_t cap = (int64_t)(a->burst > 0 ? a->burst : 1) * TOKEN;
	int64_t rate = a->rate_per_minute;
	struct bucket *b;
	int64_t ms;

	if (rate <= 0)
		return 1;
	b = bucket_of(t, a, cap, e);
	if (!b)
		return -1;
	refill(b, a->now_ms, rate, cap);
	if (b->level < TOKEN) {
		ms = (TOKEN - b->level + rate - 1) / rate;
		a->wait_s = (unsigned int)((ms + 999) / 1000);
	} else {
		b->level -= TOKEN;
	}
	b->full_at_ms = a->now_ms + (cap - b->level) / rate + 1;
	return a->wait_s == 0;
}

static bool may_notify(struct local *t, const struct admit *a)
{
	char key[KEY_SIZE];
	int n;

	n = snprintf(key, sizeof(key), "over limit:%s:%s:%s", a->tenant_id,
		     a->channel, a->user ? a->user : "");
	return n > 0 && (size_t)n < sizeof(key) &&
	       first_time(t, key, "", NOTIFY_MS, a->now_ms);
}

/* Its first answer once more. A notice may have gone out then, so no other. */
static enum admission repeat(const struct claim *c, struct admit *a)
{
	if (strcmp(c->entry, a->entry) != 0) {
		memcpy(a->owner, c->entry, sizeof(a->owner));
		return ADMIT_DUPLICATE;
	}
	a->wait_s = 1;
	return c->refused ? ADMIT_REFUSE : ADMIT_ACCEPT;
}

static bool is_loop(struct local *t, const struct admit *a)
{
	const struct bots *b = a->thread ? map_get(t->bots, a->thread) : NULL;

	return a->bot && (b ? b->n : 0) >= a->bot_answers;
}

/* Without room nothing is counted, so the bot is turned away. */
static int count_bot(struct local *t, const struct admit *a)
{
	struct bots *b;

	if (!a->thread)
		return 0;
	if (!a->bot) {
		free(map_take(t->bots, a->thread));
		return 0;
	}
	b = map_get(t->bots, a->thread);
	if (!b) {
		b = calloc(1, sizeof(*b));
		if (!b || map_put(t->bots, a->thread, b) < 0) {
			free(b);
			return -1;
		}
	}
	b->n++;
	b->at_ms = a->now_ms;
	return 0;
}

static int decide(struct local *t, struct admit *a, bool idle,
		  enum admission *out, struct err *e)
{
	const struct claim *c = claims_find(t->claims, a->claim);
	int rc;

	if (c) {
		*out = repeat(c, a);
		return 0;
	}
	if (idle) {
		*out = ADMIT_IDLE;
		return 0;
	}
	if (is_loop(t, a)) {
		*out = ADMIT_LOOP;
		return 0;
	}
	rc = charge(t, a, e);
	if (rc < 0)
		return -1;
	if (rc > 0 && count_bot(t, a) < 0)
		return no_room(e);
	if (claims_add(t->claims, a->claim, a->entry, rc == 0, a->now_ms) < 0)
		return no_room(e);
	*out = rc > 0 ? ADMIT_ACCEPT : ADMIT_REFUSE;
	if (rc == 0)
		a->notify = may_notify(t, a);
	return 0;
}

static int local_admit(struct gate *gate, struct admit *a, enum admission *out,
		       struct err *e)
{
	struct local *t = (struct local *)gate;
	bool idle;
	int rc;

	a->wait_s = 0;
	a->notify = false;
	a->owner[0] = '\0';
	idle = !a->addressed && a->thread &&
	       !engaged_at(t->o.engaged, a->thread, a->at_ms);
	pthread_mutex_lock(&t->lock);
	rc = decide(t, a, idle, out, e);
	pthread_mutex_unlock(&t->lock);
	if (rc == 0 && *out == ADMIT_ACCEPT && a->thread)
		engaged_renew(t->o.engaged, a->thread, a->at_ms);
	return rc;
}

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int local_restore(struct gate *gate, const char *tenant_id,
			 const char *claim, const char *entry,
			 const char *verdict, int64_t now_ms, struct err *e)
{
	struct local *t = (struct local *)gate;
	bool refused = verdict && begins(verdict, "refuse");
	int rc = 0;

	(void)tenant_id;
	if (verdict && begins(verdict, "drop"))
		return 0;
	pthread_mutex_lock(&t->lock);
	if (!claims_find(t->claims, claim) &&
	    claims_add(t->claims, claim, entry, refused, now_ms) < 0)
		rc = no_room(e);
	pthread_mutex_unlock(&t->lock);
	return rc;
}

static int local_engage(struct gate *gate, const char *tenant_id,
			const char *thread, int64_t at_ms, struct err *e)
{
	const struct local *t = (const struct local *)gate;

	(void)tenant_id;
	(void)e;
	engaged_restore(t->o.engaged, thread, at_ms);
	return 0;
}

static int local_disengage(struct gate *gate, const char *tenant_id,
			   const char *thread, int64_t at_ms, struct err *e)
{
	const struct local *t = (const struct local *)gate;

	(void)tenant_id;
	(void)e;
	engaged_end(t->o.engaged, thread, at_ms);
	return 0;
}

static int local_once(struct gate *gate, const char *key, const char *entry,
		      int64_t window_ms, int64_t now_ms, struct err *e)
{
	struct local *t = (struct local *)gate;
	bool yes;

	(void)e;
	pthread_mutex_lock(&t->lock);
	yes = first_time(t, key, entry, window_ms, now_ms);
	pthread_mutex_unlock(&t->lock);
	return yes;
}

/* A full bucket is as good as none. */
static bool keep_bucket(const char *key, void *value, void *now_ms)
{
	const struct bucket *b = value;

	(void)key;
	if (b->full_at_ms > *(const int64_t *)now_ms)
		return true;
	free(value);
	return false;
}

static bool keep_once(const char *key, void *value, void *now_ms)
{
	const struct turn *u = value;

	(void)key;
	if (u->next_ms > *(const int64_t *)now_ms)
		return true;
	free(value);
	return false;
}

static bool keep_bots(const char *key, void *value, void *now_ms)
{
	const struct bots *b = value;

	(void)key;
	if (b->at_ms + BOTS_KEEP_MS > *(const int64_t *)now_ms)
		return true;
	free(value);
	return false;
}

static void local_sweep(struct gate *gate, int64_t now_ms)
{
	struct local *t = (struct local *)gate;

	pthread_mutex_lock(&t->lock);
	claims_sweep(t->claims, now_ms);
	if (llabs(now_ms - t->swept_ms) >= SWEEP_EVERY_MS) {
		t->swept_ms = now_ms;
		map_sweep(t->buckets, keep_bucket, &now_ms);
		map_sweep(t->once, keep_once, &now_ms);
		map_sweep(t->bots, keep_bots, &now_ms);
	}
	pthread_mutex_unlock(&t->lock);
}

static bool local_healthy(struct gate *gate, char *why, size_t size)
{
	(void)gate;
	(void)why;
	(void)size;
	return true;
}

const struct gate_ops gate_local = {
	.name = "local",
	.open = local_open,
	.start = local_start,
	.close = local_close,
	.admit = local_admit,
	.restore = local_restore,
	.engage = local_engage,
	.disengage = local_disengage,
	.once = local_once,
	.sweep = local_sweep,
	.healthy = local_healthy,
};
