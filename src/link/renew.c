/* SPDX-License-Identifier: ISC */
#include "link/renew.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "net/http.h"
#include "net/loop.h"
#include "slack/api.h"
#include "state/quarantine.h"
#include "store/grants.h"
#include "store/journal.h"
#include "store/leases.h"
#include "store/store.h"

#define LOOK_MS  1000
#define AT_ONCE  8
#define ROOM     100000
#define FORM_MAX 4096

/* Of a token's life. */
#define EARLY 6

#define TOKEN_MAX 512
#define LIFE_MAX  (INT64_C(7) * 24 * 3600) /* s; 12 h is what Slack says */

#define STORE_MS 500 /* between tries to store a pair */

/* After Slack didn't answer, and after it refused. */
static const int again_ms[] = { 2000, 5000, 15000, 60000 };
#define AGAINS     (sizeof(again_ms) / sizeof(again_ms[0]))
#define REFUSED_MS 600000

enum stage {
	WAITING, /* for the next try */
	ASKING,
	STORING,
	DONE,
};

/* One connection's, until it has a new pair. */
struct renewal {
	struct renewer *r;
	struct grant g; /* with the new pair, once there is one */
	enum stage stage;
	struct slack_call *call;
	int64_t again_ms; /* by clock_ms() */
	unsigned int failures;
	bool refused;
	unsigned int round; /* when the store last had it */

	struct journal_req req;
	struct loop_task stored;
	struct loop_timer *timer;
	struct err err;
	bool replaced; /* another pair was there */
};

struct renewer {
	struct renewer_opts o;
	struct loop *loop;
	struct http *http;
	struct loop_timer *timer;
	struct loop_task begin, halt;
	struct store *store;
	struct map *all; /* struct renewal */
	size_t asking;
	unsigned int round;
	bool halted;

	pthread_mutex_t lock;
	pthread_cond_t change;
	bool looked;    /* under the lock, as the next */
	size_t expired; /* tokens of ours that are to be renewed first */
};

static void say(enum log_level level, const struct renewal *n, const char *why,
		const char *what)
{
	const struct log_field f[] = {
		{ "tenant", n->g.tenant_id },
		{ "app", n->g.app_id },
		{ "workspace", n->g.workspace_id },
		{ "error", why },
		{ NULL, NULL },
	};

	log_at(level, __FILE__, f, "%s", what);
}

static bool has_expired(const struct grant *g)
{
	return g->expires_ms > 0 && g->expires_ms <= clock_wall_ms();
}

static bool counts(const struct renewal *n)
{
	return n->stage != DONE && !n->refused && has_expired(&n->g);
}

static bool count_one(const char *key, void *value, void *arg)
{
	(void)key;
	*(size_t *)arg += counts(value);
	return true;
}

/* For who waits at the start. */
static void tell(struct renewer *r)
{
	size_t n = 0;

	map_sweep(r->all, count_one, &n);
	pthread_mutex_lock(&r->lock);
	r->looked = true;
	r->expired = n;
	pthread_cond_signal(&r->change);
	pthread_mutex_unlock(&r->lock);
}

static void renewal_free(void *value)
{
	struct renewal *n = value;

	loop_timer_free(n->timer);
	grant_release(&n->g);
	free(n);
}

static void again(struct renewal *n, int ms)
{
	n->stage = WAITING;
	n->again_ms = clock_ms() + ms;
}

static void on_failure(struct renewal *n, const struct slack_result *r)
{
	size_t i = n->failures < AGAINS ? n->failures : AGAINS - 1;
	bool refused = r->fault != SLACK_RATE && r->fault != SLACK_TRANSIENT;

	if (n->failures++ == 0 || (refused && !n->refused))
		say(refused ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, n, r->error,
		    refused ? "Slack doesn't renew the bot token: give new ones"
			      " with 'konstructctl tenant set'"
			    : "cannot renew the bot token now");
	n->refused = refused;
	if (refused && has_expired(&n->g))
		(void)quarantine_put(n->r->o.quarantine, n->g.app_id,
				     n->g.workspace_id, n->g.bot_token,
				     r->error, clock_ms());
	again(n, refused           ? REFUSED_MS
		 : r->retry_ms > 0 ? (int)r->retry_ms
				   : again_ms[i]);
}

static bool is_token(const char *s, const char *prefix)
{
	return s && strncmp(s, prefix, strlen(prefix)) == 0 &&
	       strlen(s) <= TOKEN_MAX &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == strlen(s);
}

static int replace(char **token, const char *by)
{
	char *copy = strdup(by);

	if (!copy)
		return -1;
	secret_free(*token);
	*token = copy;
	return 0;
}

/* The new pair in place of the old one; -1: that is no answer. */
static int take_pair(struct renewal *n, const struct json *j)
{
	const char *bot = json_str(j, "access_token");
	const char *refresh = json_str(j, "refresh_token");
	int64_t life = json_int(j, "expires_in", 0);
	int64_t now = clock_wall_ms();

	if (!is_token(bot, "xoxe.xoxb-") || !is_token(refresh, "xoxe-") ||
	    life <= 0 || life > LIFE_MAX)
		return -1;
	if (replace(&n->g.bot_token, bot) < 0 ||
	    replace(&n->g.refresh_token, refresh) < 0)
		return -1;
	n->g.expires_ms = now + life * 1000;
	n->g.renew_ms = now + life * 1000 / EARLY * (EARLY - 1);
	return 0;
}

static int write_pair(struct store *s, void *arg, struct err *e)
{
	struct renewal *n = arg;
	int rc = s->ops->grants->renew(s, &n->g, e);

	n->replaced = rc == 0;
	return rc < 0 ? -1 : 0;
}

/* On the journal's thread. */
static void written(struct journal_req *req)
{
	struct renewal *n = req->arg;

	loop_post(n->r->loop, &n->stored);
}

static void store_pair(void *arg)
{
	struct renewal *n = arg;

	n->req = (struct journal_req){ .kind = JOURNAL_WRITE,
				       .write = write_pair,
				       .done = written,
				       .arg = n,
				       .err = &n->err };
	(void)journal_submit(n->r->o.journal, &n->req);
}

/* Nobody has used it before. What can't be stored is tried again, for the
 * refresh token that is in the store is used up. */
static void on_stored(struct loop_task *t)
{
	struct renewal *n =
		(struct renewal *)((char *)t -
				   offsetof(struct renewal, stored));
	struct renewer *r = n->r;

	if (!n->req.ok) {
		if (n->failures++ == 0)
			say(LOG_LEVEL_ERROR, n, n->err.msg,
			    "cannot store the new bot token yet");
		if (!r->halted)
			loop_timer_set(n->timer, STORE_MS);
		return;
	}
	killpoint("renewed");
	if (!n->replaced)
		(void)quarantine_lift(r->o.quarantine, n->g.app_id,
				      n->g.workspace_id);
	say(LOG_LEVEL_INFO, n, NULL,
	    n->replaced ? "the bot token was replaced while it was renewed"
			: "bot token renewed");
	n->stage = DONE;
	tell(r);
}

static void on_answer(const struct slack_result *res, void *arg)
{
	struct renewal *n = arg;
	struct slack_result odd = { .fault = SLACK_TRANSIENT,
				    .error = "no new pair of tokens" };

	n->call = NULL;
	n->r->asking--;
	if (res->fault != SLACK_OK) {
		on_failure(n, res);
	} else if (take_pair(n, res->body) < 0) {
		on_failure(n, &odd);
	} else {
		killpoint("renewing");
		n->stage = STORING;
		n->failures = 0;
		store_pair(n);
	}
	tell(n->r);
}

static void ask(struct renewal *n)
{
	struct slack_result failed = { .fault = SLACK_TRANSIENT };
	struct err e = { 0 };
	struct buf form;

	buf_init(&form, FORM_MAX);
	http_form(&form, "client_id", n->g.client_id);
	http_form(&form, "client_secret", n->g.client_secret);
	http_form(&form, "grant_type", "refresh_token");
	http_form(&form, "refresh_token", n->g.refresh_token);
	n->call = slack_call(n->r->http, n->r->o.conf->slack_api_url,
			     "oauth.v2.access", NULL, &form, on_answer, n, &e);
	if (form.data)
		explicit_bzero(form.data, form.size);
	buf_release(&form);
	if (n->call) {
		n->stage = ASKING;
		n->r->asking++;
		return;
	}
	(void)snprintf(failed.error, sizeof(failed.error), "%.79s", e.msg);
	on_failure(n, &failed);
}

/* Who does the app's work renews its tokens. */
static bool is_ours(const struct renewer *r, const char *app_id)
{
	unsigned int part = lease_part(app_id);
	int64_t epoch;

	if (!r->o.leases)
		return true;
	epoch = lease_epoch(r->o.leases, part);
	return epoch > 0 && lease_check(r->o.leases, part, epoch) == LEASE_HELD;
}

static int copy_grant(struct grant *to, const struct grant *from)
{
	*to = (struct grant){
		.tenant_id = strdup(from->tenant_id),
		.channel_type = strdup(from->channel_type),
		.app_id = strdup(from->app_id),
		.workspace_id = strdup(from->workspace_id),
		.bot_token = strdup(from->bot_token),
		.refresh_token = strdup(from->refresh_token),
		.client_id = strdup(from->client_id),
		.client_secret = strdup(from->client_secret),
		.expires_ms = from->expires_ms,
		.generation = from->generation,
	};
	if (to->tenant_id && to->channel_type && to->app_id &&
	    to->workspace_id && to->bot_token && to->refresh_token &&
	    to->client_id && to->client_secret)
		return 0;
	grant_release(to);
	return -1;
}

static struct renewal *find_or_make(struct renewer *r, const struct grant *g)
{
	char key[160];
	struct renewal *n;

	(void)snprintf(key, sizeof(key), "%.60s/%.60s", g->app_id,
		       g->workspace_id);
	n = map_get(r->all, key);
	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->r = r;
	n->stored.run = on_stored;
	n->timer = loop_timer_create(r->loop, store_pair, n);
	if (!n->timer || copy_grant(&n->g, g) < 0 ||
	    map_put(r->all, key, n) < 0) {
		renewal_free(n);
		return NULL;
	}
	return n;
}

/* One that is due, as the store has it. */
static int look_at(const struct grant *g, void *arg)
{
	struct renewer *r = arg;
	struct renewal *n;
	struct grant now;

	if (!is_ours(r, g->app_id))
		return 0;
	n = find_or_make(r, g);
	if (!n)
		return 1;
	n->round = r->round;
	if (n->stage == ASKING || n->stage == STORING)
		return 0;
	if (n->g.generation != g->generation || n->stage == DONE) {
		n->failures = 0;
		n->refused = false;
		n->again_ms = 0;
		n->stage = WAITING;
	}
	if (clock_ms() < n->again_ms || r->asking >= AT_ONCE ||
	    copy_grant(&now, g) < 0)
		return 0;
	grant_release(&n->g);
	n->g = now;
	ask(n);
	return 0;
}

/* What isn't due any more is forgotten. */
static bool keep(const char *key, void *value, void *arg)
{
	struct renewal *n = value;
	const struct renewer *r = arg;

	(void)key;
	if (n->stage == ASKING || n->stage == STORING || n->round == r->round)
		return true;
	renewal_free(n);
	return false;
}

static struct store *open_store(struct renewer *r, struct err *e)
{
	const char *url = r->o.conf->store_url;
	const struct store_ops *ops = store_find(url, e);

	return ops ? ops->open(url, r->o.keyring, false, e) : NULL;
}

static void look(void *arg)
{
	struct renewer *r = arg;
	struct err e = { 0 };

	if (r->halted)
		return;
	r->round++;
	if (r->store->ops->grants->due(r->store, clock_wall_ms(), look_at, r,
				       &e) == 0)
		map_sweep(r->all, keep, r);
	else if (e.kind != ERR_RETRY)
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot look for tokens to be renewed");
	tell(r);
	loop_timer_set(r->timer, LOOK_MS);
}

static void begin(struct loop_task *t)
{
	look((struct renewer *)((char *)t - offsetof(struct renewer, begin)));
}

static bool stop_one(const char *key, void *value, void *arg)
{
	struct renewal *n = value;

	(void)key;
	(void)arg;
	slack_cancel(n->call);
	n->call = NULL;
	loop_timer_free(n->timer);
	n->timer = NULL;
	return true;
}

static void halt(struct loop_task *t)
{
	struct renewer *r =
		(struct renewer *)((char *)t - offsetof(struct renewer, halt));

	r->halted = true;
	map_sweep(r->all, stop_one, NULL);
	loop_timer_free(r->timer);
	r->timer = NULL;
	http_free(r->http);
	r->http = NULL;
}

static int create_parts(struct renewer *r, struct err *e)
{
	const struct http_opts ho = { .way = &r->o.conf->slack_way,
				      .box = r->o.way };

	r->loop = loop_create("renew", e);
	if (!r->loop)
		return -1;
	r->all = map_create(ROOM);
	r->timer = loop_timer_create(r->loop, look, r);
	if (!r->all || !r->timer)
		return err_set(e, ERR_RETRY, "cannot renew tokens: no memory");
	r->http = http_create(r->loop, &ho, e);
	if (!r->http)
		return -1;
	r->store = open_store(r, e);
	return r->store ? 0 : -1;
}

struct renewer *renew_create(const struct renewer_opts *o, struct err *e)
{
	struct renewer *r = calloc(1, sizeof(*r));

	if (!r) {
		err_set(e, ERR_RETRY, "cannot renew tokens: no memory");
		return NULL;
	}
	r->o = *o;
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->change, NULL);
	if (create_parts(r, e) == 0)
		return r;
	renew_free(r);
	return NULL;
}

int renew_start(struct renewer *r, struct err *e)
{
	if (loop_start(r->loop, e) < 0)
		return -1;
	r->begin.run = begin;
	loop_post(r->loop, &r->begin);
	return 0;
}

void renew_wait(struct renewer *r, int timeout_ms)
{
	struct timespec until;
	int rc = 0;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ms / 1000;
	pthread_mutex_lock(&r->lock);
	while (rc == 0 && (!r->looked || r->expired > 0))
		rc = pthread_cond_timedwait(&r->change, &r->lock, &until);
	pthread_mutex_unlock(&r->lock);
}

void renew_stop(struct renewer *r)
{
	if (!r)
		return;
	r->halt.run = halt;
	loop_post(r->loop, &r->halt);
	loop_stop(r->loop);
}

static bool say_unsaved(const char *key, void *value, void *arg)
{
	struct renewal *n = value;

	(void)key;
	(void)arg;
	if (n->stage == STORING && !n->req.ok)
		say(LOG_LEVEL_ERROR, n, n->err.msg,
		    "the new bot token could not be stored: if the old one"
		    " can't be renewed, give new ones");
	return true;
}

void renew_free(struct renewer *r)
{
	if (!r)
		return;
	if (r->all)
		map_sweep(r->all, say_unsaved, NULL);
	map_free(r->all, renewal_free);
	loop_timer_free(r->timer);
	http_free(r->http);
	if (r->store)
		r->store->ops->close(r->store);
	loop_free(r->loop);
	pthread_cond_destroy(&r->change);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
