/* SPDX-License-Identifier: ISC */
#ifndef STORE_SQLITE_JOURNAL_H
#define STORE_SQLITE_JOURNAL_H

#include "store/journal_ops.h"
#include "store/sqlite.h"

struct sqlite_journal {
	struct journal_db base; /* must be first */
	struct sqlite *s;
	char erased[ID_SIZE];     /* the tenant that was last looked at */
	bool audited;             /* in this batch, so that this is */
	struct audit_chain chain; /* as its end will be */
};

/* sqlite_entries.c: reading back, at start. */
int sqlite_journal_count(struct journal_db *db, size_t *unfinished,
			 struct err *e);
int sqlite_journal_unfinished(struct journal_db *db,
			      int (*fn)(struct entry *en, void *arg), void *arg,
			      struct err *e);
int sqlite_journal_entry(struct journal_db *db, const char *id,
			 int (*fn)(struct entry *en, void *arg), void *arg,
			 struct err *e);

/* sqlite_journal.c: the row of an entry: 1, 0 when it isn't there, or -1; and
 * what is written down about it. done_ms: that finishes it; 0: it doesn't. */
int sqlite_find_entry(struct sqlite *s, const char *id, int64_t *seq,
		      bool *done, struct err *e);
int sqlite_write_note(struct sqlite *s, int64_t seq, const struct note *n,
		      int64_t done_ms, struct err *e);

/* sqlite_done.c */
int sqlite_journal_done(struct journal_db *db, struct journal_req *r,
			int64_t now_ms, size_t *finished, struct err *e);

/* sqlite_audit.c. The end of the chain is written once a batch. */
int sqlite_journal_audit(struct journal_db *db, struct journal_req *r,
			 size_t number, struct err *e);
int sqlite_journal_audit_end(struct sqlite_journal *j, struct err *e);

/* sqlite_keep.c */
int sqlite_journal_erase(struct journal_db *db, const struct keep *all,
			 int64_t now_ms, int max, struct err *e);

#endif
