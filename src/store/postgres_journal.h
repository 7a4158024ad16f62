/* SPDX-License-Identifier: ISC */
#ifndef STORE_POSTGRES_JOURNAL_H
#define STORE_POSTGRES_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "store/journal_ops.h"
#include "store/postgres.h"

/* A statement that was sent, and what its result means. */
struct postgres_sent {
	size_t request;  /* its number in the batch */
	bool *duplicate; /* if not NULL: it gives false for a duplicate */
	bool *lost;      /* if not NULL: it gives false when that is so */
	struct journal_req *placed;  /* if not NULL: it gives where it went */
	struct journal_req *claimed; /* if not NULL: it gives its entries */
	size_t *finished;            /* if not NULL: it gives how many more, */
	size_t expected;             /* so many in doubt */
};

/*
 * A batch is one pipeline in one transaction: statements are sent as they
 * come, and nobody looks at a result before the commit; but for what is
 * claimed, which is looked at all at once just before it.
 */
struct postgres_journal {
	struct journal_db base; /* must be first */
	struct postgres *s;
	char erased[ID_SIZE]; /* the tenant that was last looked at */
	int64_t bind_at_ms;

	struct postgres_sent *sent; /* in their order */
	size_t nsent, size;
	size_t request;       /* the one that is being sent */
	char tenant[ID_SIZE]; /* whose rows may be written; "": nobody's */
	bool claims;          /* there are some in this batch */

	/*
	 * Entries of this batch. When the connection is lost at its commit,
	 * nobody knows whether they are there, and Slack gets no ack: with
	 * doubt set the next batch first takes out those that are; with
	 * several nodes, where another may have taken them by now, it lets go
	 * of those that we took, claimed ones too. By then the old session has
	 * ended, since the new one holds its lock.
	 */
	char (*ids)[ID_SIZE];
	size_t nids, ids_size;
	bool doubt;
};

/* postgres_batch.c: sends q; 0 or -1. What isn't UTF-8 in text goes as '?'.
 * kept may be NULL; frame, if not NULL, is the last parameter. */
int postgres_batch_send(struct postgres_journal *p, enum postgres_query q,
			const char *const *params, const struct entry *frame,
			const struct postgres_sent *kept, struct err *e);
/* Opens the pipeline and the transaction. */
int postgres_batch_begin(struct postgres_journal *p, struct err *e);
/*
 * Waits for all that was sent and takes the results in; there is no pipeline
 * then. -1 when something failed: *bad, if not NULL, is the request whose
 * fault it is, unchanged if it's nobody's.
 */
int postgres_batch_sync(struct postgres_journal *p, size_t *bad, struct err *e);
/* Leaves the pipeline for what has to be looked at before the commit, and
 * enters it again; 0 or -1. */
int postgres_batch_pause(struct postgres_journal *p, struct err *e);
int postgres_batch_resume(struct postgres_journal *p, struct err *e);
/* postgres_journal.c: an entry that this batch may leave in doubt. */
int postgres_batch_keep(struct postgres_journal *p, const char *id,
			struct err *e);
/* No pipeline and no transaction, whatever there was. */
void postgres_batch_abandon(struct postgres_journal *p);

/* postgres_entries.c: reading back, at start; and taking over. */
int postgres_journal_claim(struct journal_db *db, struct journal_req *r,
			   struct err *e);
/* What it has brought. */
int postgres_claim_take(struct postgres_journal *p, struct journal_req *r,
			const PGresult *rows, struct err *e);
int postgres_journal_count(struct journal_db *db, size_t *unfinished,
			   struct err *e);
int postgres_journal_unfinished(struct journal_db *db,
				int (*fn)(struct entry *en, void *arg),
				void *arg, struct err *e);
int postgres_journal_entry(struct journal_db *db, const char *id,
			   int (*fn)(struct entry *en, void *arg), void *arg,
			   struct err *e);

/* postgres_audit.c */
int postgres_journal_audit(struct journal_db *db, struct journal_req *r,
			   size_t number, struct err *e);
/* Takes rows into the chain, if it is time to. */
void postgres_audit_bind(struct postgres_journal *p);

/* postgres_keep.c */
int postgres_journal_erase(struct journal_db *db, const struct keep *all,
			   int64_t now_ms, int max, struct err *e);

#endif
