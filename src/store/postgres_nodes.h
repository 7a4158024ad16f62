/* SPDX-License-Identifier: ISC */
#ifndef STORE_POSTGRES_NODES_H
#define STORE_POSTGRES_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/cluster.h"
#include "store/leases.h"
#include "store/postgres.h"

/* What a node says to the database, and hears from it. */

/* A partition of ours. */
struct node_part {
	unsigned int part;
	int64_t epoch;
	size_t taken; /* unfinished entries that we have */
	bool waiting; /* there are others */
};

struct node_beat {
	int lease_ms;
	bool wants; /* more partitions */
	size_t links;
	bool leave[LEASE_PARTS]; /* give up once nothing of it is taken */
	bool drop[LEASE_PARTS];  /* give up now */

	/* Out */
	struct node_part parts[LEASE_PARTS];
	size_t nparts;
	size_t sharing; /* nodes that want partitions; 0: we aren't known */
};

int node_join(struct postgres *s, const char *home, const char *name,
	      int lease_ms, struct err *e);
int node_beat(struct postgres *s, struct node_beat *b, struct err *e);
int node_leave(struct postgres *s, struct err *e);
/* The keys that this node has, as keyring_ids() gives them. */
int node_has(struct postgres *s, const char *keys, struct err *e);

/* All nodes, at most so many; how many, or -1. */
int node_list(struct postgres *s, int lease_ms, struct cluster_node *out,
	      size_t most, struct err *e);

/*
 * What was taken before that time and isn't finished, and isn't in anybody's
 * hands as fn tells, is let go of; 0 or -1.
 */
int node_tidy(struct postgres *s, int64_t before_ms,
	      bool (*fn)(const char *id, int64_t epoch, void *arg), void *arg,
	      struct err *e);

/*
 * Waits until something comes, fd can be read, or the time is over; then fn
 * gets each piece of news. False when the connection is lost.
 */
bool node_hear(struct postgres *s, int fd, int timeout_ms,
	       void (*fn)(const char *news, void *arg), void *arg);

#endif
