/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/cluster_in.h"

/* In leases: how long a partition's turns may take to end when it is to go to
 * another node. */
#define LEAVE_LEASES 2

void parts_say_lost(struct cluster *c)
{
	if (!cluster_call(c))
		return;
	c->o.lost(c->o.arg);
	cluster_called(c);
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

/* What isn't ours any more, before the rest is held for longer. What was to be
 * dropped is, though it may have come back under another epoch. */
bool parts_lose(struct cluster *c, const struct node_beat *b)
{
	const struct node_part *now;
	bool any = false;
	unsigned int i;
	int64_t had;

	for (i = 0; i < LEASE_PARTS; i++) {
		had = lease_epoch(c->o.leases, i);
		now = find(b, i);
		if (now && now->epoch == had && !c->parts[i].drop)
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

/* Whoever was to have it has gone. */
static void stay(struct cluster *c, size_t n)
{
	unsigned int i;

	for (i = 0; i < LEASE_PARTS && n > 0; i++) {
		if (!c->parts[i].leaving)
			continue;
		c->parts[i].leaving = false;
		c->parts[i].more = true; /* then it is ready again */
		n--;
	}
}

/* More than our share goes to whoever has come. */
void parts_fit(struct cluster *c, size_t sharing, bool none)
{
	size_t share = none ? 0 : (LEASE_PARTS - 1 + sharing) / sharing;
	size_t n = 0;
	unsigned int i;

	for (i = 0; i < LEASE_PARTS; i++)
		n += lease_epoch(c->o.leases, i) != 0 && !c->parts[i].leaving;
	if (n < share)
		stay(c, share - n);
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
		parts_say_lost(c);
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

void parts_take_in(struct cluster *c, const struct node_beat *b,
		   int64_t sent_ms)
{
	size_t before = count_held(c);
	bool lost = parts_lose(c, b);
	size_t i;

	leases_hold(c->o.leases, sent_ms + c->o.lease_ms - c->o.lease_ms / 5);
	for (i = 0; i < b->nparts; i++)
		take_on(c, &b->parts[i]);
	if (lost)
		parts_say_lost(c);
	count(c, b);
	log_change(before, b);
	parts_fit(c, b->sharing, cluster_flag(c, &c->leaving));
	hurry(c, clock_ms());
}

bool parts_leaving(const struct cluster *c)
{
	unsigned int i;

	for (i = 0; i < LEASE_PARTS; i++) {
		if (c->parts[i].leaving)
			return true;
	}
	return false;
}
