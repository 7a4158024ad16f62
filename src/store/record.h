/* SPDX-License-Identifier: ISC */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

/*
 * A row of the journal as an admin may see it: what became of a message, for
 * as long as the row is kept. No text of anybody's is in it. Strings are
 * borrowed, NULL where the row has none.
 */
struct record {
	const char *id;
	const char *app_id;
	const char *event_id;
	const char *state;  /* entry_state_name() */
	const char *tenant; /* its name; NULL: not known, or removed */
	const char *verdict;
	const char *post;  /* "channel:ts" of what was said */
	const char *steps; /* "name+ms name:detail+ms ...", since received_ms */
	const char *parts; /* "0 ts,1 ts", ts empty while only intended */
	int64_t received_ms;
	int64_t done_ms;     /* 0: not yet */
	int64_t replayed_ms; /* 0: never */
	int attempts;        /* times that the daemon crashed at it */
	bool kept;           /* with its frame, so that it can be replayed */
	const char *leader;  /* the entry whose answer is this one's, too */
	const char *covers;  /* "id id": those that have this one's answer */
};
typedef int record_fn(const struct record *r, void *arg);

#define RECORDS_MAX 1000 /* of the dead ones, at once */
#define STEPS_MAX   2000 /* bytes; what comes later isn't noted */

/* As store_ops: for any store the reading ones, the others in a write
 * (JOURNAL_WRITE). Callbacks return 0 to go on, -1 to fail. */
struct record_ops {
	/* By the entry's id, by the last six characters of one, by event id
	 * or by "channel:ts"; oldest first. */
	int (*find)(struct store *s, const char *what, record_fn *fn, void *arg,
		    struct err *e);
	int (*dead)(struct store *s, record_fn *fn, void *arg, struct err *e);
	/* Ids of unfinished entries received before, oldest first. */
	int (*stale)(struct store *s, int64_t before_ms, int max,
		     int (*fn)(const char *id, void *arg), void *arg,
		     struct err *e);

	/* The daemon died with its hands on it, at that step. */
	int (*blame)(struct store *s, const char *id, const char *step,
		     int64_t now_ms, struct err *e);
	/* A dead letter begins anew, with what it covers (journal_reopened() is
	 * to follow), or isn't kept any longer. 1, 0 when there is no such dead
	 * letter, -1. */
	int (*replay)(struct store *s, const char *id, int64_t now_ms,
		      struct err *e);
	int (*drop)(struct store *s, const char *id, int64_t now_ms,
		    struct err *e);
};

extern const struct record_ops record_sqlite;
extern const struct record_ops record_postgres;

#endif
