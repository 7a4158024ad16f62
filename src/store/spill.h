/* SPDX-License-Identifier: ISC */
#ifndef STORE_SPILL_H
#define STORE_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/queue.h"

struct err;
struct journal_req;

/*
 * Entries that could not be committed to a journal on another machine: in a
 * SQLite file of this node's own until they can be, so that Slack has its ack
 * meanwhile. What was moved stays known for two days, as a redelivery may come.
 *
 * One thread at a time, but for spill_depth().
 */
struct spill;

/* One process at a time can have the file. NULL with e filled. */
struct spill *spill_open(const char *path, struct err *e);
void spill_close(struct spill *s); /* NULL is allowed */

/* How many are to be moved. Any thread. */
size_t spill_depth(const struct spill *s);

/*
 * Writes the appends of this chain (journal_req.node) down, in their order;
 * duplicate is set for what is or was here already. All, or none and -1.
 */
int spill_put(struct spill *s, struct node *head, struct err *e);

/*
 * The oldest as a chain of appends, as many as one batch takes, for the
 * journal to write; to be freed with spill_free(). NULL: there are none, or
 * it failed with e filled.
 */
struct node *spill_read(struct spill *s, struct err *e);
void spill_free(struct node *head);

/* Those of this chain are in the journal; or, with dead set, it will never
 * take them, and they stay in the file for somebody to look at, for as long as
 * the others are known. */
int spill_drop(struct spill *s, struct node *head, bool dead, struct err *e);

/* What was moved, or never will be, goes when its time is over. */
void spill_tidy(struct spill *s, int64_t now_ms);

#endif
