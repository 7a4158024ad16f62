/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/wait.h"
#include "state/engaged.h"
#include "state/redis.h"

#define TRY_MS 1000

/* As many as the table of engaged threads has. */
#define RENEWALS_MAX 1000000

/* 26 hours, an hour more than the claims that it speaks for. */
#define MEMORY_MS  "93600000"
#define FILLING_MS "93600000"
#define CLAIM_MS   "90060000"

/* A thread that an answer has renewed, and that Redis doesn't know yet. */
struct renewal {
	int64_t at_ms;
	char tenant_id[64];
};

struct keeper {
	struct redis *redis;
	struct redis_conn *conn; /* the thread's own */
	pthread_t id;
	bool started;
	bool fill; /* not filled since the start */
	bool ill;  /* a refill has failed, and that was logged */

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t wake;
	bool stop, woken;
	struct map *renewals; /* by thread */
};

struct keeper *keeper_create(struct redis *t, struct err *e)
{
	struct map *renewals = map_create(RENEWALS_MAX);
	struct keeper *k = calloc(1, sizeof(*k));

	if (!k || !renewals || wait_init(&k->lock, &k->wake) < 0) {
		map_free(renewals, NULL);
		free(k);
		err_set(e, ERR_RETRY, "cannot open state: no memory");
		return NULL;
	}
	k->redis = t;
	k->fill = true;
	k->renewals = renewals;
	return k;
}

/* Under the lock; what finds no room is left to this node's own table. */
static void add_renewal(struct keeper *k, const char *key,
			const struct renewal *n)
{
	struct renewal *r = map_get(k->renewals, key);

	if (r) {
		if (n->at_ms > r->at_ms)
			r->at_ms = n->at_ms;
		return;
	}
	r = malloc(sizeof(*r));
	if (!r)
		return;
	*r = *n;
	if (map_put(k->renewals, key, r) < 0)
		free(r);
}

/* On a worker, which must not wait for Redis. */
static void on_answered(const char *tenant_id, const char *key, int64_t at_ms,
			void *arg)
{
	struct keeper *k = arg;
	struct renewal n = { .at_ms = at_ms };
	int len = snprintf(n.tenant_id, sizeof(n.tenant_id), "%s", tenant_id);

	if (len < 0 || (size_t)len >= sizeof(n.tenant_id))
		return;
	pthread_mutex_lock(&k->lock);
	add_renewal(k, key, &n);
	k->woken = true;
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->lock);
}

void keeper_wake(struct keeper *k)
{
	pthread_mutex_lock(&k->lock);
	k->woken = true;
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->lock);
}

void keeper_disengage(struct keeper *k, const char *thread)
{
	pthread_mutex_lock(&k->lock);
	free(map_take(k->renewals, thread));
	pthread_mutex_unlock(&k->lock);
}

int keeper_claim(struct keeper *k, const char *tenant_id, const char *claim,
		 const char *value, struct err *e)
{
	char key[REDIS_KEY_SIZE];
	const char *argv[] = { "SET", key, value, "PX", CLAIM_MS, "NX" };

	if (redis_key(key, tenant_id, "claim", claim, e) < 0)
		return -1;
	return redis_pipe(k->conn, 6, argv, e);
}

static int64_t keep_ms(const struct keeper *k)
{
	return engaged_window_ms(k->redis->o.engaged) + ENGAGED_KEEP_MS;
}

int keeper_engage(struct keeper *k, const char *tenant_id, const char *thread,
		  int64_t since_ms, int64_t at_ms, struct err *e)
{
	int64_t window_ms = engaged_window_ms(k->redis->o.engaged);
	char key[REDIS_KEY_SIZE], since[24], at[24], window[24], keep[24];
	const char *argv[] = { "EVALSHA", k->conn->digest[SCRIPT_ENGAGE],
			       "1",       key,
			       since,     at,
			       window,    keep };

	(void)snprintf(since, sizeof(since), "%" PRId64, since_ms);
	(void)snprintf(at, sizeof(at), "%" PRId64, at_ms);
	(void)snprintf(window, sizeof(window), "%" PRId64, window_ms);
	(void)snprintf(keep, sizeof(keep), "%" PRId64, keep_ms(k));
	if (redis_key(key, tenant_id, "engaged", thread, e) < 0)
		return -1;
	return redis_pipe(k->conn, 8, argv, e);
}

/* Everything that was renewed, leaving an empty table. NULL: no memory. */
static struct map *take_renewals(struct keeper *k)
{
	struct map *fresh = map_create(RENEWALS_MAX);
	struct map *all = NULL;

	if (!fresh)
		return NULL;
	pthread_mutex_lock(&k->lock);
	all = k->renewals;
	k->renewals = fresh;
	pthread_mutex_unlock(&k->lock);
	return all;
}

struct bringing {
	struct keeper *k;
	struct err *e;
	int rc;
};

/* Told to end after the answer that renews it. */
static bool has_ended(const struct bringing *b, const char *key,
		      const struct renewal *r)
{
	return engaged_ended_since(b->k->redis->o.engaged, key, r->at_ms);
}

static bool bring_one(const char *key, void *value, void *arg)
{
	struct bringing *b = arg;
	const struct renewal *r = value;

	if (b->rc == 0 && !has_ended(b, key, r))
		b->rc = keeper_engage(b->k, r->tenant_id, key, r->at_ms,
				      r->at_ms, b->e);
	return true;
}

/* The renewal of a thread that ended meanwhile may have come behind that. */
static bool end_one(const char *thread, void *value, void *arg)
{
	struct bringing *b = arg;
	const struct renewal *r = value;
	char key[REDIS_KEY_SIZE], at[24], keep[24];
	const char *argv[] = { "EVALSHA", b->k->conn->digest[SCRIPT_DISENGAGE],
			       "1",       key,
			       at,        keep };

	if (b->rc < 0 || !has_ended(b, thread, r))
		return true;
	(void)snprintf(at, sizeof(at), "%" PRId64, r->at_ms);
	(void)snprintf(keep, sizeof(keep), "%" PRId64, keep_ms(b->k));
	b->rc = redis_key(key, r->tenant_id, "engaged", thread, b->e);
	if (b->rc == 0)
		b->rc = redis_pipe(b->k->conn, 6, argv, b->e);
	return true;
}

static bool put_back(const char *key, void *value, void *arg)
{
	struct keeper *k = arg;

	add_renewal(k, key, value);
	return true;
}

static int bring_renewals(struct keeper *k, struct err *e)
{
	struct bringing b = { k, e, 0 };
	struct map *all = take_renewals(k);

	if (!all)
		return 0;
	map_sweep(all, bring_one, &b);
	if (redis_pipe_end(k->conn, e) < 0)
		b.rc = -1;
	if (b.rc == 0)
		map_sweep(all, end_one, &b);
	if (redis_pipe_end(k->conn, e) < 0)
		b.rc = -1;
	if (b.rc < 0) {
		pthread_mutex_lock(&k->lock);
		map_sweep(all, put_back, k);
		pthread_mutex_unlock(&k->lock);
	}
	map_free(all, free);
	return b.rc;
}

static int run_refill(struct keeper *k, struct err *e)
{
	struct redis *t = k->redis;
	int rc = 0;

	if (t->o.refill)
		rc = t->o.refill(&t->base, t->o.arg, e);
	if (redis_pipe_end(k->conn, e) < 0)
		rc = -1;
	return rc;
}

/* 1: it is filled; 0: it was emptied meanwhile. */
static int set_filled(struct keeper *k, const char *filling, struct err *e)
{
	const char *argv[] = { filling, REDIS_MEMORY_KEY, k->conn->run_id,
			       MEMORY_MS };
	redisReply *r = redis_eval(k->conn, SCRIPT_FILLED, 2, 4, argv, e);
	int rc;

	if (!r)
		return -1;
	rc = r->type == REDIS_REPLY_INTEGER && r->integer == 1;
	freeReplyObject(r);
	return rc;
}

static int refill(struct keeper *k, struct err *e)
{
	char id[ID_SIZE], filling[64];
	const char *begin[] = { "SET", filling, "1", "PX", FILLING_MS };
	redisReply *r;
	int rc;

	id_make(id);
	(void)snprintf(filling, sizeof(filling), "konstruct:filling:%s", id);
	r = redis_do(k->conn, 5, begin, e);
	if (!r)
		return -1;
	freeReplyObject(r);
	if (run_refill(k, e) < 0)
		return -1;
	rc = set_filled(k, filling, e);
	if (rc == 0)
		return err_set(e, ERR_RETRY, "redis: emptied once more");
	if (rc < 0)
		return -1;
	k->fill = false;
	k->ill = false;
	redis_set_lost(k->redis, false);
	log_info(NULL, "redis is filled from the store");
	return 0;
}

/* 1: the server still has what it was filled with; 0: it has not. */
static int check(struct keeper *k, struct err *e)
{
	const char *get[] = { "GET", REDIS_MEMORY_KEY };
	const char *keep[] = { "PEXPIRE", REDIS_MEMORY_KEY, MEMORY_MS };
	redisReply *r = redis_do(k->conn, 2, get, e);
	bool same;

	if (!r)
		return -1;
	same = r->type == REDIS_REPLY_STRING &&
	       strcmp(r->str, k->conn->run_id) == 0;
	freeReplyObject(r);
	if (!same)
		return 0;
	r = redis_do(k->conn, 3, keep, e);
	if (!r)
		return -1;
	freeReplyObject(r);
	return 1;
}

/* Over a new connection, when the old one's server has gone. */
static int check_anew(struct keeper *k, struct err *e)
{
	bool used = k->conn && k->conn->used;
	int rc = k->conn ? check(k, e) : -1;

	if (k->conn &&
	    (rc >= 0 || !used || !k->conn->broken || k->conn->overdue))
		return rc;
	redis_hang_up(k->conn);
	k->conn = redis_open(k->redis, e);
	return k->conn ? check(k, e) : -1;
}

static void hang_up(struct keeper *k)
{
	redis_hang_up(k->conn);
	k->conn = NULL;
}

/* A store that is away is no fault of Redis. */
static void refill_failed(struct keeper *k, const struct err *e)
{
	if (!k->ill)
		log_warn(NULL, "cannot refill redis: %s", e->msg);
	k->ill = true;
	hang_up(k);
}

static void tend(struct keeper *k)
{
	struct err e = { 0 };
	int rc = check_anew(k, &e);

	if (rc < 0) {
		if (k->conn)
			redis_down(k->redis, &e);
		hang_up(k);
		return;
	}
	redis_up(k->redis);
	if (rc == 0)
		redis_set_lost(k->redis, true);
	if ((rc == 0 || k->fill) && refill(k, &e) < 0) {
		refill_failed(k, &e);
		return;
	}
	if (rc > 0)
		redis_set_lost(k->redis, false);
	if (bring_renewals(k, &e) < 0)
		hang_up(k);
}

/* For a second, or until there is something to do; false at the end. */
static bool rest(struct keeper *k)
{
	struct timespec until = wait_until(TRY_MS);
	bool go_on;
	int rc = 0;

	pthread_mutex_lock(&k->lock);
	while (!k->stop && !k->woken && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&k->wake, &k->lock, &until);
	k->woken = false;
	go_on = !k->stop;
	pthread_mutex_unlock(&k->lock);
	return go_on;
}

static void *thread_main(void *arg)
{
	struct keeper *k = arg;

	do {
		tend(k);
	} while (rest(k));
	/* What answers have renewed since. */
	if (k->conn)
		tend(k);
	return NULL;
}

int keeper_start(struct keeper *k, struct err *e)
{
	int rc = pthread_create(&k->id, NULL, thread_main, k);

	if (rc != 0)
		return err_set(e, ERR_FATAL, "cannot start a thread: %s",
			       strerror(rc));
	k->started = true;
	engaged_watch(k->redis->o.engaged, on_answered, k);
	return 0;
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	engaged_watch(k->redis->o.engaged, NULL, NULL);
	if (k->started) {
		pthread_mutex_lock(&k->lock);
		k->stop = true;
		pthread_cond_signal(&k->wake);
		pthread_mutex_unlock(&k->lock);
		(void)pthread_join(k->id, NULL);
	}
	redis_hang_up(k->conn);
	map_free(k->renewals, free);
	pthread_cond_destroy(&k->wake);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
