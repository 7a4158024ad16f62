/* SPDX-License-Identifier: ISC */
#ifndef STORE_KEEP_H
#define STORE_KEEP_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store;

/*
 * For how long what is stored of a tenant's people is kept. The journal's
 * thread erases the rest in small steps (journal_ops.erase).
 */
enum keep_kind {
	KEEP_TRANSCRIPTS,
	KEEP_USAGE,    /* and which budgets were warned of */
	KEEP_FEEDBACK, /* on answers */
	KEEP_AUDIT,    /* bodies of rows; see store/audit.h */
	KEEP_HISTORY,  /* what became of messages; not longer than of all */
	KEEP_KINDS
};
extern const char *const keep_names[KEEP_KINDS]; /* "transcripts", ... */

#define KEEP_DEFAULT  (-1) /* as all tenants */
#define KEEP_DAYS_MAX 36500
#define KEEP_DAY_MS   INT64_C(86400000)

struct keep {
	int days[KEEP_KINDS]; /* 0: as long as the tenant is there */
};

/* What the tenant has set in place of what all have. */
void keep_resolve(const struct keep *own, const struct keep *all,
		  struct keep *out);
/* What is from before goes; "" and -1: nothing does. */
#define KEEP_TEXT 24
struct keep_cuts {
	char ts[KEEP_TEXT];  /* of transcripts */
	char day[KEEP_TEXT]; /* of usage */
	/* of homes (store/uninstall.h), of whom nothing else is left then */
	char home[KEEP_TEXT];
	int64_t feedback_ms, audit_ms, history_ms;
};
void keep_cuts(const struct keep *k, int64_t now_ms, struct keep_cuts *out);
/* Everything does, but for the audit trail and what is fresh of the journal. */
void keep_cuts_all(int64_t now_ms, struct keep_cuts *out);
/* Does anything? */
bool keep_cuts_any(const struct keep_cuts *c);

/* As store_ops. */
struct keep_ops {
	/* KEEP_DEFAULT where nothing is set. */
	int (*get)(struct store *s, const char *tenant_id, struct keep *out,
		   struct err *e);
	/* In a write (JOURNAL_WRITE). */
	int (*put)(struct store *s, const char *tenant_id, const struct keep *k,
		   struct err *e);
	/*
	 * In a write: erases about so many rows of all that is kept of the
	 * tenant's people, how many; 0: there is no more. Entries that are
	 * unfinished, and rows of the journal by which a redelivery is known
	 * (REDELIVERED_MS), aren't among it.
	 */
	int (*purge)(struct store *s, const char *tenant_id, int64_t now_ms,
		     int most, struct err *e);
};
extern const struct keep_ops keep_sqlite;
extern const struct keep_ops keep_postgres;

#define REDELIVERED_MS (25 * INT64_C(3600000))

#endif
