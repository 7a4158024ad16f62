/* SPDX-License-Identifier: ISC */
#ifndef STORE_CLUSTER_H
#define STORE_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

struct entry;
struct err;
struct journal;
struct keyring;
struct leases;
struct store;

/*
 * This daemon as one of several on a database. A thread of its own renews the
 * leases on its share of the journal's partitions every fifth of a lease's
 * time, claims what others have left there, and hears what they tell.
 *
 * A lease counts from before it was asked for, by a clock that goes on during
 * suspend, and ends a fifth early. While the database is away nobody takes over
 * and everybody waits; after it is back owners have one lease's time to renew.
 */
struct cluster;

struct cluster_opts {
	const char *url; /* of the store */
	const struct keyring *keyring;
	const char *node; /* id of this run */
	const char *home; /* an earlier run with the same is dead for sure */
	const char *name; /* for people */
	int lease_ms;
	int beat_ms; /* between renewals; 0: a fifth of that */
	struct leases *leases;
	struct journal *journal;

	/* An entry of ours, in order; takes its contents. Journal thread. */
	void (*take)(struct entry *en, void *arg);
	/* These on the cluster's thread. Some lease was lost: put down what
	 * was held under it. */
	void (*lost)(void *arg);
	/* Is anybody here at work on it? */
	bool (*in_hand)(const char *id, int64_t epoch, void *arg);
	/* A thread was engaged by a message of that time; 0: it may be soon. */
	void (*thread)(const char *key, int64_t at_ms, void *arg);
	/* Another node was sent out of a thread. */
	void (*ended)(const char *key, void *arg);
	/* Apps have changed: read them anew. */
	int (*apps)(struct store *s, void *arg, struct err *e);
	/* An app's links are wanted at once: store_ops.app_call. */
	void (*connect)(const char *app_id, void *arg);
	/* News may be missed from now on; or all is heard again, and what was
	 * missed is to be read: -1, to be asked once more. */
	void (*deaf)(void *arg);
	int (*heard)(struct store *s, void *arg, struct err *e);
	/* Live links, to be told to the others. */
	size_t (*links)(void *arg);
	void *arg;
};

/* Connects, listens, and is one of the nodes. */
struct cluster *cluster_create(const struct cluster_opts *o, struct err *e);
/* What is older than idle_ms and in nobody's hands is claimed once more. */
int cluster_start(struct cluster *c, int64_t idle_ms, struct err *e);
/* Another such time from now on. Any thread. */
void cluster_expect(struct cluster *c, int64_t idle_ms);

/*
 * Takes no more entries, and gives up each partition as soon as nothing of
 * ours is in it. The journal isn't called any more.
 */
void cluster_leave(struct cluster *c);
/* From now on nobody is called. NULL is allowed. */
void cluster_hush(struct cluster *c);
/* Gives up what is left. After the journal is freed. NULL is allowed. */
void cluster_free(struct cluster *c);

/* Can leases be had? If not, why gets the reason. Never blocks. */
bool cluster_healthy(struct cluster *c, char *why, size_t size);

/* As of the last beat; the one with id "" is what no node holds. */
struct cluster_node {
	char id[ID_SIZE];
	char name[80];
	size_t links;
	int64_t age_ms; /* since it last renewed, by then */
	bool alive;
	char parts[200]; /* "0 1 17" */
	size_t backlog;  /* unfinished entries of these */
};
/* fn is called under a lock; any thread. */
void cluster_each(struct cluster *c,
		  void (*fn)(const struct cluster_node *n, void *arg),
		  void *arg);
const char *cluster_id(const struct cluster *c);

#endif
