/* SPDX-License-Identifier: ISC */
#ifndef SEVERAL_H
#define SEVERAL_H

#include <stdbool.h>

#include "base/secret.h"
#include "store/journal.h"

struct cluster;
struct conf;
struct engaged;
struct err;
struct hub;
struct keyring;
struct leases;
struct map;
struct places;
struct quarantine;
struct router;
struct workers;

/*
 * The daemon as one of several: what its parts do at the cluster's news. All
 * zero when it is alone, which all functions allow.
 */
struct several {
	const struct conf *conf;
	int home; /* holds the lock, see base/home.h */
	char home_id[ID_SIZE];
	struct journal_node node;
	struct leases *leases;
	struct cluster *cluster;
	struct places *places; /* for the hub */

	/* Set before several_start(). */
	struct engaged *engaged;
	struct router *router;
	struct workers *workers;
	struct hub *hub;
	struct quarantine *quarantine;

	int64_t idle_ms; /* longer than any turn takes */

	struct map *apps; /* known to the hub, as of the last reading */
	int *round;       /* which of two values tells the last reading */
};

/* Does the configuration say so? State that is shared does. */
bool several_wanted(const struct conf *c);

/* An id, and a table of leases for the journal. */
int several_init(struct several *s, const struct conf *c, struct err *e);
/* Is one of the nodes, and hears from now on. */
int several_join(struct several *s, const struct keyring *k, struct journal *j,
		 struct err *e);
/* The hub gets all apps, and partitions are taken. */
int several_start(struct several *s, struct store *st, struct err *e);
/* Gives up its links' leases, and partitions with nothing under way; the rest
 * as it ends. */
void several_leave(struct several *s);
/* Nothing is told to the parts any more. */
void several_hush(struct several *s);
/* After the journal is freed, the hub, and whoever looks at leases. */
void several_release(struct several *s);

#endif
