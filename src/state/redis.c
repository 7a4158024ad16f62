/* SPDX-License-Identifier: ISC */
#include "state/redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "net/retry.h"
#include "state/claims.h"
#include "state/engaged.h"

/*
 * The gate of several machines: one script, one round trip. Every router
 * thread takes a connection of its own from those that are idle.
 */

#define ADMIT_KEYS 6
#define ADMIT_ARGS 11

static const unsigned int delays_ms[] = { 100, 250, 500, 1000, 2000 };
static const struct retry_table delays = { delays_ms, 5 };

int redis_key(char out[REDIS_KEY_SIZE], const char *tenant_id, const char *what,
	      const char *name, struct err *e)
{
	int n = snprintf(out, REDIS_KEY_SIZE, "%s:%s:%s", tenant_id, what,
			 name);

	if (n < 0 || n >= REDIS_KEY_SIZE)
		return err_set(e, ERR_INPUT, "key of a %s is too long", what);
	return 0;
}

void redis_up(struct redis *t)
{
	bool was_down;

	pthread_mutex_lock(&t->lock);
	was_down = t->down;
	t->down = false;
	t->failures = 0;
	t->retry_at = 0;
	pthread_mutex_unlock(&t->lock);
	if (was_down)
		log_info(NULL, "redis is back");
}

/* Idle connections to a server that has gone would only fail in turn. */
static void hang_up_idle(struct redis *t)
{
	while (t->nidle > 0)
		redis_hang_up(t->idle[--t->nidle]);
}

void redis_down(struct redis *t, const struct err *e)
{
	bool was_down;

	pthread_mutex_lock(&t->lock);
	was_down = t->down;
	t->down = true;
	t->retry_at = clock_ms() + retry_delay_ms(&delays, t->failures, 0);
	if (t->failures < 100)
		t->failures++;
	(void)snprintf(t->why, sizeof(t->why), "%s", e->msg);
	hang_up_idle(t);
	pthread_mutex_unlock(&t->lock);
	if (!was_down)
		log_warn(NULL, "messages wait: %s", e->msg);
}

void redis_set_lost(struct redis *t, bool lost)
{
	pthread_mutex_lock(&t->lock);
	t->lost = lost;
	pthread_mutex_unlock(&t->lock);
}

struct redis_conn *redis_open(struct redis *t, struct err *e)
{
	struct redis_conn *c;
	bool wait;

	pthread_mutex_lock(&t->lock);
	wait = clock_ms() < t->retry_at;
	if (wait)
		err_set(e, ERR_RETRY, "%s", t->why);
	pthread_mutex_unlock(&t->lock);
	if (wait)
		return NULL;
	c = redis_dial(&t->server, e);
	if (!c)
		redis_down(t, e);
	return c;
}

static struct redis_conn *take(struct redis *t, struct err *e)
{
	struct redis_conn *c = NULL;

	pthread_mutex_lock(&t->lock);
	if (t->nidle > 0)
		c = t->idle[--t->nidle];
	pthread_mutex_unlock(&t->lock);
	return c ? c : redis_open(t, e);
}

static void give_back(struct redis *t, struct redis_conn *c)
{
	c->used = true;
	pthread_mutex_lock(&t->lock);
	if (t->nidle < REDIS_IDLE_MAX && !t->down) {
		t->idle[t->nidle++] = c;
		c = NULL;
	}
	pthread_mutex_unlock(&t->lock);
	redis_hang_up(c);
}

/* One that had been idle may find its server restarted. */
static bool is_stale(const struct redis_conn *c, bool used)
{
	return used && c->broken && !c->overdue;
}

/*
 * A script with the run id of the connection's server as *run_id, if not
 * NULL. May be repeated, as an entry gets its old answer.
 */
static redisReply *call(struct redis *t, enum redis_script script, int nkeys,
			int argc, const char **argv, const char **run_id,
			struct err *e)
{
	struct redis_conn *c;
	redisReply *r;
	bool again;

	do {
		c = take(t, e);
		if (!c)
			return NULL;
		if (run_id)
			*run_id = c->run_id;
		again = c->used;
		r = redis_eval(c, script, nkeys, argc, argv, e);
		if (r) {
			redis_up(t);
			give_back(t, c);
			return r;
		}
		again = is_stale(c, again);
		redis_hang_up(c);
	} while (again);
	e->kind = ERR_RETRY;
	redis_down(t, e);
	return NULL;
}

static void redis_close(struct gate *gate)
{
	struct redis *t = (struct redis *)gate;

	if (!t)
		return;
	keeper_free(t->keeper);
	hang_up_idle(t);
	claims_free(t->mine);
	redis_server_release(&t->server);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* A server that is away is waited for, one that refuses us is a mistake. */
static int first_dial(struct redis *t, struct err *e)
{
	struct err mine = { 0 };
	struct redis_conn *c = redis_dial(&t->server, &mine);

	if (!c && mine.kind != ERR_RETRY)
		return err_set(e, ERR_INPUT, "%s", mine.msg);
	if (c)
		give_back(t, c);
	else
		redis_down(t, &mine);
	return 0;
}

static struct gate *redis_open_gate(const struct gate_opts *o, struct err *e)
{
	struct redis *t = calloc(1, sizeof(*t));

	if (!t) {
		err_set(e, ERR_RETRY, "cannot open state: no memory");
		return NULL;
	}
	t->base.ops = &gate_redis;
	t->o = *o;
	(void)pthread_mutex_init(&t->lock, NULL);
	if (redis_server_init(&t->server, o->url, o->user, o->password_file,
			      e) < 0)
		goto fail;
	t->mine = claims_create();
	if (!t->mine) {
		err_set(e, ERR_RETRY, "cannot open state: no memory");
		goto fail;
	}
	if (first_dial(t, e) < 0)
		goto fail;
	t->keeper = keeper_create(t, e);
	if (t->keeper)
		return &t->base;
fail:
	redis_close(&t->base);
	return NULL;
}

static int redis_start(struct gate *gate, struct err *e)
{
	struct redis *t = (struct redis *)gate;

	redis_set_lost(t, true);
	return keeper_start(t->keeper, e);
}

/* Numbers as text, with as much room as an int64_t needs. */
struct number {
	char s[24];
};

static const char *text_of(struct number *n, int64_t value)
{
	(void)snprintf(n->s, sizeof(n->s), "%" PRId64, value);
	return n->s;
}

struct admit_keys {
	char claim[REDIS_KEY_SIZE];
	char engaged[REDIS_KEY_SIZE];
	char bucket[REDIS_KEY_SIZE];
	char notice[REDIS_KEY_SIZE];
	char bots[REDIS_KEY_SIZE];
};

static int make_keys(struct admit_keys *k, const struct admit *a, struct err *e)
{
	char who[REDIS_KEY_SIZE];
	int n = snprintf(who, sizeof(who), "%s:%s", a->channel,
			 a->user ? a->user : "");

	if (n < 0 || (size_t)n >= sizeof(who))
		return err_set(e, ERR_INPUT, "channel id is too long");
	if (redis_key(k->claim, a->tenant_id, "claim", a->claim, e) < 0 ||
	    redis_key(k->engaged, a->tenant_id, "engaged",
		      a->thread ? a->thread : "", e) < 0 ||
	    redis_key(k->bots, a->tenant_id, "bots", a->thread ? a->thread : "",
		      e) < 0 ||
	    redis_key(k->bucket, a->tenant_id, "ratelimit", a->channel, e) < 0)
		return -1;
	return redis_key(k->notice, a->tenant_id, "notice", who, e);
}

/* What this node knows of a thread need not have come to Redis yet. */
static bool needs_thread(const struct redis *t, const struct admit *a)
{
	return !a->addressed && a->thread &&
	       !engaged_at(t->o.engaged, a->thread, a->at_ms);
}

static redisReply *ask(struct redis *t, const struct admit *a, struct err *e)
{
	struct number now, at, window, keep, rate, burst, bots;
	struct admit_keys k;
	int64_t limit = a->rate_per_minute > 0 ? a->rate_per_minute : 0;
	int64_t window_ms = engaged_window_ms(t->o.engaged);
	const char *argv[ADMIT_KEYS + ADMIT_ARGS] = { REDIS_MEMORY_KEY };

	if (make_keys(&k, a, e) < 0)
		return NULL;
	argv[1] = k.claim;
	argv[2] = k.engaged;
	argv[3] = k.bucket;
	argv[4] = k.notice;
	argv[5] = k.bots;
	/* argv[6] is the run id */
	argv[7] = a->entry;
	argv[8] = t->o.frozen ? text_of(&now, a->now_ms) : "";
	argv[9] = needs_thread(t, a) ? "1" : "0";
	argv[10] = text_of(&at, a->at_ms);
	argv[11] = text_of(&window, window_ms);
	argv[12] = text_of(&keep, window_ms + ENGAGED_KEEP_MS);
	argv[13] = text_of(&rate, limit);
	argv[14] = text_of(&burst, a->burst > 0 ? a->burst : 1);
	argv[15] = a->thread ? "1" : "0";
	argv[16] = text_of(&bots, a->bot ? a->bot_answers : -1);
	return call(t, SCRIPT_ADMIT, ADMIT_KEYS, ADMIT_KEYS + ADMIT_ARGS, argv,
		    &argv[ADMIT_KEYS], e);
}

static bool is_answer(const redisReply *r)
{
	return r->type == REDIS_REPLY_ARRAY && r->elements == 4 &&
	       r->element[0]->type == REDIS_REPLY_INTEGER &&
	       r->element[1]->type == REDIS_REPLY_INTEGER &&
	       r->element[2]->type == REDIS_REPLY_INTEGER &&
	       r->element[3]->type == REDIS_REPLY_STRING &&
	       r->element[3]->len < ID_SIZE;
}

static int read_answer(struct redis *t, const redisReply *r, struct admit *a,
		       enum admission *out, struct err *e)
{
	if (!is_answer(r) || r->element[0]->integer > ADMIT_LOOP)
		return err_set(e, ERR_RETRY, "redis: no answer of ours");
	if (r->element[0]->integer < 0) {
		redis_set_lost(t, true);
		keeper_wake(t->keeper);
		return err_set(e, ERR_RETRY, "redis is being refilled");
	}
	*out = (enum admission)r->element[0]->integer;
	a->wait_s = (unsigned int)r->element[1]->integer;
	a->notify = r->element[2]->integer != 0;
	(void)snprintf(a->owner, sizeof(a->owner), "%s", r->element[3]->str);
	return 0;
}

/* Claimed here before: no need to ask, whatever became of Redis. */
static bool recall(struct redis *t, struct admit *a, enum admission *out)
{
	const struct claim *c;

	pthread_mutex_lock(&t->lock);
	c = claims_find(t->mine, a->claim);
	if (c && strcmp(c->entry, a->entry) != 0) {
		*out = ADMIT_DUPLICATE;
		memcpy(a->owner, c->entry, sizeof(a->owner));
	} else if (c) {
		*out = c->refused ? ADMIT_REFUSE : ADMIT_ACCEPT;
		a->wait_s = 1;
	}
	pthread_mutex_unlock(&t->lock);
	return c != NULL;
}

/* Without memory for it Redis alone remembers, which is nearly as good. */
static void remember(struct redis *t, const struct admit *a, bool refused)
{
	pthread_mutex_lock(&t->lock);
	if (!claims_find(t->mine, a->claim))
		(void)claims_add(t->mine, a->claim, a->entry, refused,
				 a->now_ms);
	pthread_mutex_unlock(&t->lock);
}

static int redis_admit(struct gate *gate, struct admit *a, enum admission *out,
		       struct err *e)
{
	struct redis *t = (struct redis *)gate;
	redisReply *r;
	int rc;

	a->wait_s = 0;
	a->notify = false;
	a->owner[0] = '\0';
	if (!recall(t, a, out)) {
		r = ask(t, a, e);
		if (!r)
			return -1;
		rc = read_answer(t, r, a, out, e);
		freeReplyObject(r);
		if (rc < 0)
			return -1;
		if (*out == ADMIT_ACCEPT || *out == ADMIT_REFUSE)
			remember(t, a, *out == ADMIT_REFUSE);
	}
	if (*out == ADMIT_ACCEPT && a->thread)
		engaged_renew(t->o.engaged, a->thread, a->at_ms);
	return 0;
}

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int redis_restore(struct gate *gate, const char *tenant_id,
			 const char *claim, const char *entry,
			 const char *verdict, int64_t now_ms, struct err *e)
{
	struct redis *t = (struct redis *)gate;
	bool refused = verdict && begins(verdict, "refuse");
	char value[64];

	if (verdict && begins(verdict, "drop"))
		return 0;
	(void)snprintf(value, sizeof(value), "%c:%" PRId64 ":%s",
		       refused ? 'r' : 'a', now_ms, entry);
	return keeper_claim(t->keeper, tenant_id, claim, value, e);
}

static int redis_engage(struct gate *gate, const char *tenant_id,
			const char *thread, int64_t at_ms, struct err *e)
{
	struct redis *t = (struct redis *)gate;

	engaged_restore(t->o.engaged, thread, at_ms);
	/* Since when isn't kept; as long as it may be. */
	return keeper_engage(t->keeper, tenant_id, thread,
			     at_ms - engaged_window_ms(t->o.engaged), at_ms, e);
}

static int redis_disengage(struct gate *gate, const char *tenant_id,
			   const char *thread, int64_t at_ms, struct err *e)
{
	struct redis *t = (struct redis *)gate;
	struct number at, keep;
	char key[REDIS_KEY_SIZE];
	const char *argv[] = {
		key,
		text_of(&at, at_ms),
		text_of(&keep,
			engaged_window_ms(t->o.engaged) + ENGAGED_KEEP_MS),
	};
	redisReply *r;

	if (redis_key(key, tenant_id, "engaged", thread, e) < 0)
		return -1;
	engaged_end(t->o.engaged, thread, at_ms);
	keeper_disengage(t->keeper, thread);
	r = call(t, SCRIPT_DISENGAGE, 1, 3, argv, NULL, e);
	freeReplyObject(r);
	return r ? 0 : -1;
}

static int redis_once(struct gate *gate, const char *key, const char *entry,
		      int64_t window_ms, int64_t now_ms, struct err *e)
{
	struct redis *t = (struct redis *)gate;
	struct number now, window;
	char name[REDIS_KEY_SIZE];
	const char *argv[4] = { name };
	redisReply *r;
	int rc;

	if (redis_key(name, "konstruct", "once", key, e) < 0)
		return -1;
	argv[1] = t->o.frozen ? text_of(&now, now_ms) : "";
	argv[2] = text_of(&window, window_ms);
	argv[3] = entry;
	r = call(t, SCRIPT_ONCE, 1, 4, argv, NULL, e);
	if (!r)
		return -1;
	rc = r->type == REDIS_REPLY_INTEGER
		     ? r->integer == 1
		     : err_set(e, ERR_RETRY, "redis: no answer of ours");
	freeReplyObject(r);
	return rc;
}

/* Redis lets its keys expire itself. */
static void redis_sweep(struct gate *gate, int64_t now_ms)
{
	struct redis *t = (struct redis *)gate;

	pthread_mutex_lock(&t->lock);
	claims_sweep(t->mine, now_ms);
	pthread_mutex_unlock(&t->lock);
}

static bool redis_healthy(struct gate *gate, char *why, size_t size)
{
	struct redis *t = (struct redis *)gate;
	bool well;

	pthread_mutex_lock(&t->lock);
	well = !t->down && !t->lost;
	if (!well && why)
		(void)snprintf(why, size, "%s",
			       t->down ? t->why : "redis is being refilled");
	pthread_mutex_unlock(&t->lock);
	return well;
}

const struct gate_ops gate_redis = {
	.name = "redis",
	.open = redis_open_gate,
	.start = redis_start,
	.close = redis_close,
	.admit = redis_admit,
	.restore = redis_restore,
	.engage = redis_engage,
	.disengage = redis_disengage,
	.once = redis_once,
	.sweep = redis_sweep,
	.healthy = redis_healthy,
};
