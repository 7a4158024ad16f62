/* SPDX-License-Identifier: ISC */
#ifndef STORE_USAGE_H
#define STORE_USAGE_H

#include <stdint.h>

struct err;
struct store;

/*
 * What answers have used, as it was counted with each (struct usage_new), in
 * the transaction that finished it. Days are UTC's, as "2026-11-29".
 */

enum usage_scope {
	USAGE_TENANT,
	USAGE_CHANNEL,
	USAGE_PERSON,
	USAGE_SCOPES
};

enum usage_kind {
	USAGE_REQUESTS, /* answers that a model began */
	USAGE_TOKENS,   /* of prompts and answers */
	USAGE_KINDS
};

enum usage_period {
	USAGE_DAY,
	USAGE_MONTH,
	USAGE_PERIODS
};

/* Of whom, and when. */
struct usage_ask {
	const char *tenant_id;
	const char *channel; /* "": of none */
	const char *user;    /* "": of nobody */
	const char *today;
	const char *month; /* its first day */
};

struct usage_sums {
	int64_t n[USAGE_SCOPES][USAGE_KINDS][USAGE_PERIODS];
};

/* What to tell apart. */
enum usage_by {
	USAGE_BY_MODEL,
	USAGE_BY_DAY,
	USAGE_BY_CHANNEL,
	USAGE_BY_PERSON,
};

/* Strings are borrowed. */
struct usage_row {
	const char *who; /* day, channel's or person's id; the model */
	const char *model;
	int64_t answers;
	int64_t prompt_tokens;
	int64_t completion_tokens;
};

/* That a budget was warned of, in the period that begins on since. */
struct usage_mark {
	const char *tenant_id;
	const char *since;
	const char *budget; /* "person/tokens/day" */
	const char *who;    /* "": the tenant's own */
	int64_t at_ms;
};

/* As store_ops. Callbacks return 0 to go on, -1 to fail. */
struct usage_ops {
	/* One round trip; what nobody has used is 0. */
	int (*sums)(struct store *s, const struct usage_ask *a,
		    struct usage_sums *out, struct err *e);
	/* From that day on; ordered by who, one for each model. */
	int (*rows)(struct store *s, const char *tenant_id, enum usage_by by,
		    const char *since,
		    int (*fn)(const struct usage_row *r, void *arg), void *arg,
		    struct err *e);
	/* Of periods that began then or later. */
	int (*marks)(struct store *s, const char *tenant_id, const char *since,
		     int (*fn)(const struct usage_mark *m, void *arg),
		     void *arg, struct err *e);

	/* In a write (JOURNAL_WRITE): 1, or 0 when it was there already or the
	 * tenant is gone. */
	int (*mark)(struct store *s, const struct usage_mark *m, struct err *e);
};

extern const struct usage_ops usage_sqlite;
extern const struct usage_ops usage_postgres;

#endif
