/* SPDX-License-Identifier: ISC */
#ifndef STORE_CLUSTER_IN_H
#define STORE_CLUSTER_IN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/keyring.h"
#include "store/cluster.h"
#include "store/journal.h"
#include "store/leases.h"
#include "store/postgres_nodes.h"

/* What the files of the cluster share; on its thread unless told otherwise. */

#define CLUSTER_NODES 256

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
	struct cluster_node nodes[CLUSTER_NODES];
	size_t nnodes;

	/* The thread's own. */
	struct part parts[LEASE_PARTS];
	int64_t due_ms;
	atomic_llong idle_ms;
	int64_t tidy_ms; /* when it is time again */
	unsigned int dialed;
	bool is_deaf;
	bool apps_changed;
	char keys[KEY_IDS_SIZE]; /* that the others know of */
	bool bad_keys;
};

/* cluster.c */

/* One of those under the lock. Any thread. */
bool cluster_flag(struct cluster *c, const bool *f);
void cluster_set_flag(struct cluster *c, bool *f); /* and wakes the thread */
/* May the owner be called? Then so until cluster_called(). */
bool cluster_call(struct cluster *c);
void cluster_called(struct cluster *c);

/* cluster_news.c */

/* Takes in what claims have brought, and claims where more waits. */
void news_claim(struct cluster *c);
/* One piece of news, for node_hear(). */
void news_hear(const char *news, void *arg);
/* The connection is lost; and heard again, all read that was missed. */
void news_deaf(struct cluster *c);
void news_catch_up(struct cluster *c);
void news_apps(struct cluster *c);

/* cluster_parts.c */

/* What the beat has brought, that was sent then. */
void parts_take_in(struct cluster *c, const struct node_beat *b,
		   int64_t sent_ms);
/* True when something is lost that isn't in the beat any more. */
bool parts_lose(struct cluster *c, const struct node_beat *b);
void parts_say_lost(struct cluster *c);
/* Gives up, or keeps, so much as is our share among so many; or all. */
void parts_fit(struct cluster *c, size_t sharing, bool none);
/* Is something to be given up? */
bool parts_leaving(const struct cluster *c);

#endif
