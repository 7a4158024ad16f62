/* SPDX-License-Identifier: ISC */
#ifndef STORE_SQLITE_JOURNAL_H
#define STORE_SQLITE_JOURNAL_H

#include "store/journal_ops.h"
#include "store/sqlite.h"

struct sqlite_journal {
	struct journal_db base; /* must be first */
	struct sqlite *s;
	char erased[ID_SIZE]; /* the tenant that was last looked at */
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

/* sqlite_audit.c */
int sqlite_journal_audit(struct journal_db *db, struct journal_req *r,
			 size_t number, struct err *e);

/* sqlite_keep.c */
int sqlite_journal_erase(struct journal_db *db, const struct keep *all,
		     int64_t now_ms, int max, struct err *e);

#endif
