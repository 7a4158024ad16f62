/* SPDX-License-Identifier: ISC */
#include "store/cluster.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/journal.h"
#include "store/leases.h"
#include "store/postgres_nodes.h"

#define NODES_MAX 256
#define CLAIM_MAX 200 /* entries at once; a frame has up to some 300 kB */

#define AWAY_MS  250 /* between tries while the database is away */
#define HASTE_MS 300 /* between beats while something is to be given up */

/* In leases: how long a partition's turns may take to end when it is to go to
 * another node, and between looks for what nobody works on. */
#define LEAVE_LEASES 2
#define TIDY_LEASES  2

/* One of the 64, as the thread sees it. */
struct part {
	struct cluster *c;
	struct journal_req req; /* a claim */
	bool claiming;          /* the journal has it */
	bool more;              /* claim (again) */
	bool back;              /* under the lock: the claim came back */

	size_t taken;
	bool leaving;
	int64_t leave_ms; /* since when */
	bool drop;
};

struct cluster {
	struct cluster_opts o;
	char *url, *home, *name;
	char node[ID_SIZE];
	struct postgres *pg;
	int wake; /* an eventfd */
	pthread_t thread;
	bool started;

	pthread_mutex_t calls; /* held during the owner's functions */
	bool hushed;

	pthread_mutex_t lock; /* of what follows */
	bool leaving, stopping;
	char why[240]; /* no beat came through; "": it did */
	struct cluster_node nodes[NODES_MAX];
	size_t nnodes;

	/* The thread's own. */
	struct part parts[LEASE_PARTS];
	int64_t due_ms;
	int64_t idle_ms;
	int64_t tidy_ms; /* when it is time again */
	unsigned int dialed;
	bool is_deaf;
	bool apps_changed;
};

static bool flag(struct cluster *c, const bool *f)
{
	bool yes;

	pthread_mutex_lock(&c->lock);
	yes = *f;
	pthread_mutex_unlock(&c->lock);
	return yes;
}

static void set_flag(struct cluster *c, bool *f)
{
	uint64_t one = 1;

	pthread_mutex_lock(&c->lock);
	*f = true;
	pthread_mutex_unlock(&c->lock);
	(void)!write(c->wake, &one, sizeof(one));
}

/* May the owner be called? Then the lock is held until call_end(). */
static bool call_begin(struct cluster *c)
{
	pthread_mutex_lock(&c->calls);
	if (!c->hushed)
		return true;
	pthread_mutex_unlock(&c->calls);
	return false;
}

static void call_end(struct cluster *c)
{
	pthread_mutex_unlock(&c->calls);
}

static void say_lost(struct cluster *c)
{
	if (!call_begin(c))
		return;
	c->o.lost(c->o.arg);
	call_end(c);
}

/* On the journal thread: what was claimed goes on its way, in order. */
static void claimed(struct journal_req *r)
{
	struct part *p = r->arg;
	size_t i;

	for (i = 0; r->ok && i < r->nentries; i++)
		p->c->o.take(&r->entries[i], p->c->o.arg);
	set_flag(p->c, &p->back);
}

static void claim(struct cluster *c, unsigned int i)
{
	struct part *p = &c->parts[i];

	p->req = (struct journal_req){
		.kind = JOURNAL_CLAIM,
		.part = i,
		.epoch = lease_epoch(c->o.leases, i),
		.most = CLAIM_MAX,
		.done = claimed,
		.arg = p,
	};
	pthread_mutex_lock(&c->lock);
	if (!c->leaving) {
		p->more = false;
		p->claiming = true;
		(void)journal_submit(c->o.journal, &p->req);
	}
	pthread_mutex_unlock(&c->lock);
}

/* A claim that came back with all there was: new entries may be taken at once
 * now. One that failed is tried again with the next beat. */
static void collect(struct cluster *c, unsigned int i)
{
	struct part *p = &c->parts[i];
	bool current;

	pthread_mutex_lock(&c->lock);
	if (!p->back) {
		pthread_mutex_unlock(&c->lock);
		return;
	}
	p->back = p->claiming = false;
	pthread_mutex_unlock(&c->lock);
	current = lease_epoch(c->o.leases, i) == p->req.epoch;
	if (!p->req.ok || !current)
		return;
	if (p->req.nentries == CLAIM_MAX)
		p->more = true;
	else if (!p->leaving)
		lease_set_ready(c->o.leases, i, true);
}

static void run_claims(struct cluster *c)
{
	unsigned int i;

	for (i = 0; i < LEASE_PARTS; i++) {
		collect(c, i);
		if (c->parts[i].more && !c->parts[i].claiming &&
		    !c->parts[i].leaving && lease_epoch(c->o.leases, i) != 0)
			claim(c, i);
	}
}

static void hear_thread(struct cluster *c, char *key)
{
	char *at = strrchr(key, ' ');

	if (!at)
		return;
	*at++ = '\0';
	/* Claims first, so that the mention comes before its replies. */
	run_claims(c);
	if (!call_begin(c))
		return;
	c->o.thread(key, strtoll(at, NULL, 10), c->o.arg);
	call_end(c);
}

/* See sql/postgres/0005_nodes.sql. */
static void hear(const char *news, void *arg)
{
	struct cluster *c = arg;
	unsigned long part;
	char copy[400];

	(void)snprintf(copy, sizeof(copy), "%s", news);
	if (strncmp(copy, "work ", 5) == 0) {
		part = strtoul(copy + 5, NULL, 10);
		if (part < LEASE_PARTS)
			c->parts[part].more = true;
	} else if (strncmp(copy, "thread ", 7) == 0) {
		hear_thread(c, copy + 7);
	} else if (strcmp(copy, "leases") == 0) {
		c->due_ms = 0;
	} else if (strcmp(copy, "apps") == 0) {
		c->apps_changed = true;
	}
}

static void go_deaf(struct cluster *c)
{
	if (c->is_deaf || !call_begin(c))
		return;
	c->is_deaf = true;
	c->o.deaf(c->o.arg);
	call_end(c);
}

/* The connection is a new one: nobody knows what the old one has missed. */
static void hear_again(struct cluster *c)
{
	struct err e = { 0 };

	if (!call_begin(c))
		return;
	if (c->o.heard(&c->pg->base, c->o.arg, &e) == 0) {
		c->is_deaf = c->apps_changed = false;
	} else {
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot read what other nodes have done");
	}
	call_end(c);
}

static void read_apps(struct cluster *c)
{
	struct err e = { 0 };

	if (!call_begin(c))
		return;
	c->apps_changed = c->o.apps(&c->pg->base, c->o.arg, &e) < 0;
	if (c->apps_changed)
		log_warn(LOG_FIELDS({ "reason", e.msg }), "cannot read apps");
	call_end(c);
}

static void let_go(struct cluster *c, unsigned int i)
{
	struct part *p = &c->parts[i];

	lease_set(c->o.leases, i, 0);
	p->leaving = p->drop = p->more = false;
	p->taken = 0;
}

/* Until further notice no entry of it is taken. */
static void begin_leave(struct cluster *c, unsigned int i)
{
	struct part *p = &c->parts[i];

	lease_set_ready(c->o.leases, i, false);
	p->leaving = true;
	p->leave_ms = clock_ms();
	c->due_ms = 0;
}

static const struct node_part *find(const struct node_beat *b, unsigned int i)
{
	size_t k;

	for (k = 0; k < b->nparts; k++) {
		if (b->parts[k].part == i)
			return &b->parts[k];
	}
	return NULL;
}

/* What isn't ours any more, before the rest is held for longer. */
static bool lose(struct cluster *c, const struct node_beat *b)
{
	const struct node_part *now;
	bool any = false;
	unsigned int i;
	int64_t had;

	for (i = 0; i < LEASE_PARTS; i++) {
		had = lease_epoch(c->o.leases, i);
		now = find(b, i);
		if (now && (c->parts[i].drop || now->epoch == had))
			continue;
		let_go(c, i);
		any = any || had != 0;
	}
	return any;
}

static void take_on(struct cluster *c, const struct node_part *now)
{
	struct part *p = &c->parts[now->part];

	p->taken = now->taken;
	if (p->drop) /* given up here, and not yet there */
		return;
	if (lease_epoch(c->o.leases, now->part) != now->epoch) {
		lease_set(c->o.leases, now->part, now->epoch);
		p->more = true;
	}
	if (now->waiting)
		p->more = true;
}

static void count(struct cluster *c, const struct node_beat *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->nparts; i++)
		n += b->parts[i].taken;
	pthread_mutex_lock(&c->lock);
	c->why[0] = '\0';
	if (!c->leaving)
		journal_set_unfinished(c->o.journal, n);
	pthread_mutex_unlock(&c->lock);
}

/* The one with the least to do that isn't to be given up yet. */
static unsigned int least(struct cluster *c)
{
	unsigned int i, best = LEASE_PARTS;

	for (i = 0; i < LEASE_PARTS; i++) {
		if (lease_epoch(c->o.leases, i) == 0 || c->parts[i].leaving)
			continue;
		if (best == LEASE_PARTS ||
		    c->parts[i].taken < c->parts[best].taken)
			best = i;
	}
	return best;
}

/* More than our share goes to whoever has come. */
static void shrink(struct cluster *c, size_t sharing, bool all)
{
	size_t share = all ? 0 : (LEASE_PARTS - 1 + sharing) / sharing;
	size_t n = 0;
	unsigned int i;

	for (i = 0; i < LEASE_PARTS; i++)
		n += lease_epoch(c->o.leases, i) != 0 && !c->parts[i].leaving;
	for (; n > share; n--)
		begin_leave(c, least(c));
}

/* What couldn't be given up in time is put down. One beat later, when nothing
 * of it is under way, it is free. */
static void hurry(struct cluster *c, int64_t now)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < LEASE_PARTS; i++) {
		struct part *p = &c->parts[i];

		if (!p->leaving || p->drop ||
		    now < p->leave_ms + LEAVE_LEASES * c->o.lease_ms)
			continue;
		lease_set(c->o.leases, i, 0);
		p->drop = any = true;
	}
	if (any)
		say_lost(c);
}

static void log_change(size_t before, const struct node_beat *b)
{
	char was[24], now[24], nodes[24];

	if (before == b->nparts)
		return;
	(void)snprintf(was, sizeof(was), "%zu", before);
	(void)snprintf(now, sizeof(now), "%zu", b->nparts);
	(void)snprintf(nodes, sizeof(nodes), "%zu", b->sharing);
	log_info(LOG_FIELDS({ "before", was }, { "now", now },
			    { "nodes", nodes }),
		 "partitions of this node");
}

static size_t count_held(const struct cluster *c)
{
	size_t n = 0;
	unsigned int i;

	for (i = 0; i < LEASE_PARTS; i++)
		n += lease_epoch(c->o.leases, i) != 0;
	return n;
}

static void take_in(struct cluster *c, const struct node_beat *b,
		    int64_t sent_ms)
{
	size_t before = count_held(c);
	bool lost = lose(c, b);
	size_t i;

	leases_hold(c->o.leases, sent_ms + c->o.lease_ms - c->o.lease_ms / 5);
	for (i = 0; i < b->nparts; i++)
		take_on(c, &b->parts[i]);
	if (lost)
		say_lost(c);
	count(c, b);
	log_change(before, b);
	shrink(c, b->sharing, flag(c, &c->leaving));
	hurry(c, clock_ms());
}

/* Somebody has our home, or we slept for an hour: another run is as good. */
static void join_again(struct cluster *c)
{
	struct node_beat none = { 0 };
	struct err e = { 0 };

	log_warn(NULL, "the database has forgotten this node");
	if (lose(c, &none))
		say_lost(c);
	if (node_join(c->pg, c->home, c->name, c->o.lease_ms, &e) < 0)
		log_warn(LOG_FIELDS({ "reason", e.msg }), "cannot join");
}

static void tidy(struct cluster *c, int64_t now_ms)
{
	struct err e = { 0 };

	if (now_ms < c->tidy_ms || !call_begin(c))
		return;
	c->tidy_ms = now_ms + TIDY_LEASES * c->o.lease_ms;
	if (node_tidy(c->pg, clock_wall_ms() - c->idle_ms, c->o.in_hand,
		      c->o.arg, &e) < 0)
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot look for what nobody works on");
	call_end(c);
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
	n = node_list(c->pg, c->o.lease_ms, nodes, NODES_MAX, &e);
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

	if (!call_begin(c))
		return 0;
	n = c->o.links(c->o.arg);
	call_end(c);
	return n;
}

static bool in_haste(const struct cluster *c)
{
	unsigned int i;

	for (i = 0; i < LEASE_PARTS; i++) {
		if (c->parts[i].leaving)
			return true;
	}
	return false;
}

static void fail(struct cluster *c, const struct err *e)
{
	pthread_mutex_lock(&c->lock);
	(void)snprintf(c->why, sizeof(c->why), "%s", e->msg);
	pthread_mutex_unlock(&c->lock);
	go_deaf(c);
	c->due_ms = clock_ms() + AWAY_MS;
}

static void beat(struct cluster *c)
{
	struct node_beat b = {
		.lease_ms = c->o.lease_ms,
		.wants = !flag(c, &c->leaving),
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
	c->due_ms = sent + c->o.lease_ms / 5;
	if (b.sharing == 0 && b.wants) {
		join_again(c);
		c->due_ms = sent + AWAY_MS;
		return;
	}
	take_in(c, &b, sent);
	if (in_haste(c) && c->due_ms > sent + HASTE_MS)
		c->due_ms = sent + HASTE_MS;
	if (c->dialed != c->pg->dialed) {
		c->dialed = c->pg->dialed;
		go_deaf(c);
	}
	if (c->is_deaf)
		hear_again(c);
	look_around(c);
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
	while (!flag(c, &c->stopping)) {
		wait = c->due_ms - clock_ms();
		if (wait < 0)
			wait = 0;
		if (!node_hear(c->pg, c->wake, (int)wait, hear, c)) {
			go_deaf(c);
			if (c->due_ms > clock_ms() + AWAY_MS)
				c->due_ms = clock_ms() + AWAY_MS;
		}
		drain_wake(c);
		if (!left && flag(c, &c->leaving)) {
			left = true;
			c->due_ms = 0;
			shrink(c, 1, true);
		}
		run_claims(c);
		if (clock_ms() >= c->due_ms)
			beat(c);
		run_claims(c);
		if (c->apps_changed && !c->is_deaf)
			read_apps(c);
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

int cluster_start(struct cluster *c, int64_t idle_ms, struct err *e)
{
	int rc;

	c->idle_ms = idle_ms;
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
	set_flag(c, &c->leaving);
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
	set_flag(c, &c->stopping);
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
