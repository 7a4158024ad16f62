/* SPDX-License-Identifier: ISC */
#include "store/cluster.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/cluster_in.h"

#define AWAY_MS  250 /* between tries while the database is away */
#define HASTE_MS 300 /* between beats while something is to be given up */

/* In leases: between looks for what nobody works on. */
#define TIDY_LEASES 2

bool cluster_flag(struct cluster *c, const bool *f)
{
	bool yes;

	pthread_mutex_lock(&c->lock);
	yes = *f;
	pthread_mutex_unlock(&c->lock);
	return yes;
}

void cluster_set_flag(struct cluster *c, bool *f)
{
	uint64_t one = 1;

	pthread_mutex_lock(&c->lock);
	*f = true;
	pthread_mutex_unlock(&c->lock);
	(void)!write(c->wake, &one, sizeof(one));
}

/* May the owner be called? Then the lock is held until cluster_called(). */
bool cluster_call(struct cluster *c)
{
	pthread_mutex_lock(&c->calls);
	if (!c->hushed)
		return true;
	pthread_mutex_unlock(&c->calls);
	return false;
}

void cluster_called(struct cluster *c)
{
	pthread_mutex_unlock(&c->calls);
}

/* Somebody has our home, or we slept for an hour: another run is as good. */
static void join_again(struct cluster *c)
{
	struct node_beat none = { 0 };
	struct err e = { 0 };

	log_warn(NULL, "the database has forgotten this node");
	if (parts_lose(c, &none))
		parts_say_lost(c);
	c->keys[0] = '\0';
	if (node_join(c->pg, c->home, c->name, c->o.lease_ms, &e) < 0)
		log_warn(LOG_FIELDS({ "reason", e.msg }), "cannot join");
}

/* Whoever replaces the key must know that all nodes have it. */
static void tell_keys(struct cluster *c)
{
	char now[KEY_IDS_SIZE];
	struct err e = { 0 };

	if (keyring_reload(c->o.keyring, &e) < 0) {
		if (!c->bad_keys)
			log_warn(LOG_FIELDS({ "reason", e.msg }),
				 "cannot read the keys anew");
		c->bad_keys = true;
		return;
	}
	c->bad_keys = false;
	keyring_ids(c->o.keyring, now);
	if (strcmp(now, c->keys) == 0)
		return;
	if (node_has(c->pg, now, &e) < 0)
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot tell which keys are here");
	else
		memcpy(c->keys, now, sizeof(now));
}

static void tidy(struct cluster *c, int64_t now_ms)
{
	struct err e = { 0 };

	if (now_ms < c->tidy_ms || !cluster_call(c))
		return;
	c->tidy_ms = now_ms + TIDY_LEASES * c->o.lease_ms;
	if (node_tidy(c->pg, clock_wall_ms() - atomic_load(&c->idle_ms),
		      c->o.in_hand, c->o.arg, &e) < 0)
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot look for what nobody works on");
	cluster_called(c);
}

/* Unfinished entries for each node that lives. */
static size_t crowd(const struct cluster_node *nodes, int n)
{
	size_t all = 0, alive = 0;
	int i;

	for (i = 0; i < n; i++) {
		all += nodes[i].backlog;
		alive += nodes[i].alive;
	}
	return alive > 0 ? all / alive : all;
}

static void look_around(struct cluster *c)
{
	static const size_t size = sizeof(c->nodes);
	struct cluster_node *nodes = malloc(size);
	struct err e = { 0 };
	int n;

	if (!nodes)
		return;
	n = node_list(c->pg, c->o.lease_ms, nodes, CLUSTER_NODES, &e);
	if (n >= 0) {
		pthread_mutex_lock(&c->lock);
		memcpy(c->nodes, nodes, (size_t)n * sizeof(*nodes));
		c->nnodes = (size_t)n;
		if (!c->leaving)
			journal_set_crowd(c->o.journal, crowd(nodes, n));
		pthread_mutex_unlock(&c->lock);
	}
	free(nodes);
}

static size_t ask_links(struct cluster *c)
{
	size_t n = 0;

	if (!cluster_call(c))
		return 0;
	n = c->o.links(c->o.arg);
	cluster_called(c);
	return n;
}

static void fail(struct cluster *c, const struct err *e)
{
	pthread_mutex_lock(&c->lock);
	(void)snprintf(c->why, sizeof(c->why), "%s", e->msg);
	pthread_mutex_unlock(&c->lock);
	news_deaf(c);
	c->due_ms = clock_ms() + AWAY_MS;
}

/* News that came while nobody listened are looked for. */
static void hear(struct cluster *c)
{
	if (c->dialed != c->pg->dialed) {
		c->dialed = c->pg->dialed;
		news_deaf(c);
	}
	if (c->is_deaf)
		news_catch_up(c);
}

static void beat(struct cluster *c)
{
	struct node_beat b = {
		.lease_ms = c->o.lease_ms,
		.wants = !cluster_flag(c, &c->leaving),
		.links = ask_links(c),
	};
	struct err e = { 0 };
	int64_t sent;
	unsigned int i;

	for (i = 0; i < LEASE_PARTS; i++) {
		b.leave[i] = c->parts[i].leaving;
		b.drop[i] = c->parts[i].drop;
	}
	/* With a pace of its own. */
	c->pg->retry_at_ms = 0;
	sent = clock_ms();
	if (node_beat(c->pg, &b, &e) < 0) {
		fail(c, &e);
		return;
	}
	c->due_ms = sent + c->o.beat_ms;
	if (b.sharing == 0 && b.wants) {
		join_again(c);
		c->due_ms = sent + AWAY_MS;
		return;
	}
	parts_take_in(c, &b, sent);
	if (parts_leaving(c) && c->due_ms > sent + HASTE_MS)
		c->due_ms = sent + HASTE_MS;
	hear(c);
	look_around(c);
	tell_keys(c);
	tidy(c, sent);
}

static void drain_wake(struct cluster *c)
{
	uint64_t n;

	(void)!read(c->wake, &n, sizeof(n));
}

static void *run(void *arg)
{
	struct cluster *c = arg;
	bool left = false;
	int64_t wait;

	(void)pthread_setname_np(pthread_self(), "cluster");
	while (!cluster_flag(c, &c->stopping)) {
		wait = c->due_ms - clock_ms();
		if (wait < 0)
			wait = 0;
		if (!node_hear(c->pg, c->wake, (int)wait, news_hear, c)) {
			news_deaf(c);
			if (c->due_ms > clock_ms() + AWAY_MS)
				c->due_ms = clock_ms() + AWAY_MS;
		}
		drain_wake(c);
		if (!left && cluster_flag(c, &c->leaving)) {
			left = true;
			c->due_ms = 0;
			parts_fit(c, 1, true);
		}
		news_claim(c);
		if (clock_ms() >= c->due_ms)
			beat(c);
		news_claim(c);
		if (c->apps_changed && !c->is_deaf)
			news_apps(c);
	}
	return NULL;
}

static int copy_strings(struct cluster *c)
{
	c->url = strdup(c->o.url);
	c->home = strdup(c->o.home);
	c->name = strdup(c->o.name);
	(void)snprintf(c->node, sizeof(c->node), "%s", c->o.node);
	return c->url && c->home && c->name ? 0 : -1;
}

struct cluster *cluster_create(const struct cluster_opts *o, struct err *e)
{
	struct cluster *c = calloc(1, sizeof(*c));
	size_t i;

	if (!c) {
		err_set(e, ERR_RETRY, "no memory for a node");
		return NULL;
	}
	c->o = *o;
	if (c->o.beat_ms == 0)
		c->o.beat_ms = o->lease_ms / 5;
	(void)pthread_mutex_init(&c->calls, NULL);
	(void)pthread_mutex_init(&c->lock, NULL);
	for (i = 0; i < LEASE_PARTS; i++)
		c->parts[i].c = c;
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake < 0 || copy_strings(c) < 0) {
		err_set(e, ERR_RETRY, "cannot make a node: %s",
			strerror(errno));
		goto fail;
	}
	c->pg = postgres_open_as(c->url, o->keyring, POSTGRES_NODE, c->node, e);
	if (!c->pg || node_join(c->pg, c->home, c->name, o->lease_ms, e) < 0)
		goto fail;
	return c;
fail:
	cluster_free(c);
	return NULL;
}

void cluster_expect(struct cluster *c, int64_t idle_ms)
{
	atomic_store(&c->idle_ms, idle_ms);
}

int cluster_start(struct cluster *c, int64_t idle_ms, struct err *e)
{
	int rc;

	atomic_store(&c->idle_ms, idle_ms);
	c->tidy_ms = clock_ms() + TIDY_LEASES * c->o.lease_ms;
	rc = pthread_create(&c->thread, NULL, run, c);
	if (rc != 0)
		return err_set(e, ERR_RETRY, "cannot start cluster thread: %s",
			       strerror(rc));
	c->started = true;
	return 0;
}

void cluster_leave(struct cluster *c)
{
	cluster_set_flag(c, &c->leaving);
}

void cluster_hush(struct cluster *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->calls);
	c->hushed = true;
	pthread_mutex_unlock(&c->calls);
	cluster_leave(c);
}

void cluster_free(struct cluster *c)
{
	struct err e = { 0 };

	if (!c)
		return;
	cluster_set_flag(c, &c->stopping);
	if (c->started)
		(void)pthread_join(c->thread, NULL);
	if (c->pg) {
		/* Without a database they run out. */
		if (c->why[0] == '\0' && node_leave(c->pg, &e) < 0)
			log_warn(LOG_FIELDS({ "reason", e.msg }),
				 "cannot give up the leases");
		store_postgres.close(&c->pg->base);
	}
	if (c->wake >= 0)
		(void)close(c->wake);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->calls);
	free(c->url);
	free(c->home);
	free(c->name);
	free(c);
}

bool cluster_healthy(struct cluster *c, char *why, size_t size)
{
	if (leases_sure(c->o.leases))
		return true;
	pthread_mutex_lock(&c->lock);
	(void)snprintf(why, size, "%s",
		       c->why[0] ? c->why : "the first beat is due");
	pthread_mutex_unlock(&c->lock);
	return false;
}

void cluster_each(struct cluster *c,
		  void (*fn)(const struct cluster_node *n, void *arg),
		  void *arg)
{
	size_t i;

	pthread_mutex_lock(&c->lock);
	for (i = 0; i < c->nnodes; i++)
		fn(&c->nodes[i], arg);
	pthread_mutex_unlock(&c->lock);
}

const char *cluster_id(const struct cluster *c)
{
	return c->node;
}
