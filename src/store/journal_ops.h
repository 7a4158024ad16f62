/* SPDX-License-Identifier: ISC */
#ifndef STORE_JOURNAL_OPS_H
#define STORE_JOURNAL_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/journal.h"
#include "store/keep.h"

/*
 * Where a journal is kept. One thread at a time. Between begin and commit a
 * failure (-1 with e filled) means that the whole batch is to be rolled back.
 */
struct journal_db;

struct journal_ops {
	const char *name; /* the scheme of its URL, as store_ops has it */
	bool remote;      /* can be away while the daemon runs */
	/* node: NULL when alone. */
	struct journal_db *(*open)(const char *url, const struct keyring *k,
				   const struct journal_node *node,
				   struct err *e);
	void (*close)(struct journal_db *db); /* NULL is allowed */

	int (*begin)(struct journal_db *db, struct err *e);
	/* When it fails at what one request holds (ERR_INPUT: for good;
	 * ERR_FATAL: perhaps), *bad is that one's number in the batch, from 0;
	 * otherwise it stays. */
	int (*commit)(struct journal_db *db, size_t *bad, struct err *e);
	void (*rollback)(struct journal_db *db);

	/*
	 * Requests may be gathered and sent with the commit; so whether an
	 * event is there already, or the entry lost, is told in r by then,
	 * and so is *finished counted up for each entry that was unfinished
	 * until now. With several nodes r->entry->epoch is the lease under
	 * which this one would take it, or 0.
	 */
	int (*append)(struct journal_db *db, struct journal_req *r,
		      struct err *e);
	/* An id that isn't there is no failure. */
	int (*note)(struct journal_db *db, struct journal_req *r,
		    struct err *e);
	int (*done)(struct journal_db *db, struct journal_req *r,
		    int64_t now_ms, size_t *finished, struct err *e);
	/*
	 * Adds r->audits to the chain, unless r is a DONE that ended nothing.
	 * The last thing of a batch, as from then on no other node can add to
	 * it. number is the request's in the batch.
	 */
	int (*audit)(struct journal_db *db, struct journal_req *r,
		     size_t number, struct err *e);
	/* Fills r->entries; NULL where there is only one node. */
	int (*claim)(struct journal_db *db, struct journal_req *r,
		     struct err *e);
	/* Calls r->write so that its failure undoes only what it did itself:
	 * 1: it went well; 0: it failed, with e filled by it. */
	int (*write)(struct journal_db *db, const struct journal_req *r,
		     struct err *e);

	int (*count)(struct journal_db *db, size_t *unfinished, struct err *e);
	int (*unfinished)(struct journal_db *db,
			  int (*fn)(struct entry *en, void *arg), void *arg,
			  struct err *e);
	int (*entry)(struct journal_db *db, const char *id,
		     int (*fn)(struct entry *en, void *arg), void *arg,
		     struct err *e);

	/* Delete at most max rows of what has expired; how many, or -1. kept:
	 * finished entries are, for so long. */
	int (*expire)(struct journal_db *db, int64_t now_ms, int64_t kept_ms,
		      int max, struct err *e);
	/*
	 * Of some tenants, others each time: what is kept no longer, by what
	 * they have set or all have. At most about max rows; how many, or -1.
	 */
	int (*erase)(struct journal_db *db, const struct keep *all,
		     int64_t now_ms, int max, struct err *e);
	/* What it is kept in. */
	struct store *(*store)(struct journal_db *db);
	/* Called after batches; idle: nobody is waiting just now. */
	void (*rest)(struct journal_db *db, bool idle);
};

/* A backend puts this first in its own struct. */
struct journal_db {
	const struct journal_ops *ops;
};

extern const struct journal_ops journal_sqlite;
extern const struct journal_ops journal_postgres;

/* ENTRY_NEW for what it doesn't know. */
enum entry_state entry_state_parse(const char *name);

#endif
