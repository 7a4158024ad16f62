/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "store/cluster_in.h"

#define CLAIM_MAX 200 /* entries at once; a frame has up to some 300 kB */
#define NEWS_MAX  400 /* bytes; keys of threads are the longest of it */

/* On the journal thread: what was claimed goes on its way, in order. */
static void claimed(struct journal_req *r)
{
	struct part *p = r->arg;
	size_t i;

	for (i = 0; r->ok && i < r->nentries; i++)
		p->c->o.take(&r->entries[i], p->c->o.arg);
	cluster_set_flag(p->c, &p->back);
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

void news_claim(struct cluster *c)
{
	unsigned int i;

	for (i = 0; i < LEASE_PARTS; i++) {
		collect(c, i);
		if (c->parts[i].more && !c->parts[i].claiming &&
		    !c->parts[i].leaving && lease_epoch(c->o.leases, i) != 0)
			claim(c, i);
	}
}

/* Nothing but digits, and not too many; -1 for all else. */
static int64_t number_of(const char *s)
{
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > 18 || s[n] != '\0')
		return -1;
	return strtoll(s, NULL, 10);
}

static void hear_work(struct cluster *c, const char *part)
{
	int64_t i = number_of(part);

	if (i >= 0 && i < LEASE_PARTS)
		c->parts[i].more = true;
}

static void hear_thread(struct cluster *c, char *key)
{
	char *at = strrchr(key, ' ');

	if (!at || at == key || number_of(at + 1) < 0)
		return;
	*at++ = '\0';
	/* Claims first, so that the mention comes before its replies. */
	news_claim(c);
	if (!cluster_call(c))
		return;
	c->o.thread(key, number_of(at), c->o.arg);
	cluster_called(c);
}

/* It ended here when it was said, and may have been engaged anew since. */
static void hear_ended(struct cluster *c, char *key)
{
	char *node = strrchr(key, ' ');

	if (!node || node == key || strcmp(node + 1, c->node) == 0)
		return;
	*node = '\0';
	if (!cluster_call(c))
		return;
	c->o.ended(key, c->o.arg);
	cluster_called(c);
}

static void hear_connect(struct cluster *c, const char *app_id)
{
	if (app_id[0] == '\0' || !cluster_call(c))
		return;
	c->o.connect(app_id, c->o.arg);
	cluster_called(c);
}

/*
 * See sql/postgres/0005_nodes.sql; and "ended KEY NODE", of a thread that isn't
 * engaged any more, by whom that was done. Whoever may connect to the database
 * can tell such news: what we wouldn't say is not heard.
 */
void news_hear(const char *news, void *arg)
{
	struct cluster *c = arg;
	char copy[NEWS_MAX];
	int n = snprintf(copy, sizeof(copy), "%s", news);

	if (n < 0 || (size_t)n >= sizeof(copy))
		return;
	if (strncmp(copy, "work ", 5) == 0) {
		hear_work(c, copy + 5);
	} else if (strncmp(copy, "thread ", 7) == 0) {
		hear_thread(c, copy + 7);
	} else if (strncmp(copy, "ended ", 6) == 0) {
		hear_ended(c, copy + 6);
	} else if (strcmp(copy, "leases") == 0) {
		c->due_ms = 0;
	} else if (strcmp(copy, "apps") == 0) {
		c->apps_changed = true;
	} else if (strncmp(copy, "connect ", 8) == 0) {
		hear_connect(c, copy + 8);
	}
}

void news_deaf(struct cluster *c)
{
	if (c->is_deaf || !cluster_call(c))
		return;
	c->is_deaf = true;
	c->o.deaf(c->o.arg);
	cluster_called(c);
}

/* The connection is a new one: nobody knows what the old one has missed. */
void news_catch_up(struct cluster *c)
{
	struct err e = { 0 };

	if (!cluster_call(c))
		return;
	if (c->o.heard(&c->pg->base, c->o.arg, &e) == 0) {
		c->is_deaf = c->apps_changed = false;
	} else {
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot read what other nodes have done");
	}
	cluster_called(c);
}

void news_apps(struct cluster *c)
{
	struct err e = { 0 };

	if (!cluster_call(c))
		return;
	c->apps_changed = c->o.apps(&c->pg->base, c->o.arg, &e) < 0;
	if (c->apps_changed)
		log_warn(LOG_FIELDS({ "reason", e.msg }), "cannot read apps");
	cluster_called(c);
}
