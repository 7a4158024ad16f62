/* SPDX-License-Identifier: ISC */
#ifndef STORE_LEASES_H
#define STORE_LEASES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which partitions of the journal this node holds, and until when. One thread
 * changes it (store/cluster.h), all read it without a lock.
 *
 * Each partition is leased under an epoch; whatever is done for an entry is
 * done under the epoch that it was taken with. Once that lease is lost, nobody
 * may see any more of it.
 */
struct leases;

#define LEASE_PARTS 64

/* The partition of an app, as part_of() in the database has it. */
unsigned int lease_part(const char *app_id);

struct leases *leases_create(void); /* NULL: no memory */
void leases_free(struct leases *l); /* NULL is allowed */

enum lease {
	LEASE_HELD,
	LEASE_UNSURE, /* its time is over, unless it is renewed: wait */
	LEASE_LOST,
};

/* To be asked before each thing that others can see. l NULL: a node that is
 * alone holds everything. */
enum lease lease_check(const struct leases *l, unsigned int part,
		       int64_t epoch);

/* The epoch under which new entries of the partition may be taken at once; 0:
 * they are left to its owner. */
int64_t lease_ready(const struct leases *l, unsigned int part);

/* The epoch under which it is held, or 0, however old the lease is. */
int64_t lease_epoch(const struct leases *l, unsigned int part);

/* Is the app's work this node's to do, now? l NULL as above. */
bool lease_is_ours(const struct leases *l, const char *app_id);

/* For the one that changes it. */
void lease_set(struct leases *l, unsigned int part, int64_t epoch);
/* Whether entries that were there before are taken up, so that new ones can't
 * overtake them. */
void lease_set_ready(struct leases *l, unsigned int part, bool ready);
/* All that are held are so until then, by clock_ms(). */
void leases_hold(struct leases *l, int64_t until_ms);
/* Are they, now? */
bool leases_sure(const struct leases *l);

#endif
