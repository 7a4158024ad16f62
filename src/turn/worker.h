/* SPDX-License-Identifier: ISC */
#ifndef TURN_WORKER_H
#define TURN_WORKER_H

#include <stddef.h>
#include <stdint.h>

struct conf;
struct connection;
struct engaged;
struct err;
struct job;
struct journal;
struct leases;
struct ledger;
struct live;
struct llm;
struct people;
struct quarantine;
struct router;
struct way_box;

/*
 * The worker threads. Each runs a loop with many turns on it; no thread waits
 * for one transfer. All turns of an app are on one worker, by hash of the app
 * id, so that lanes and paces need no lock.
 */
struct workers;

struct worker_opts {
	const struct conf *conf;
	struct live *live;   /* NULL: nothing is reloaded */
	struct way_box *way; /* to Slack; NULL: as conf says */
	struct llm *llm;
	struct journal *journal;
	struct router *router;   /* for reading history */
	struct engaged *engaged; /* renewed by answers */
	struct quarantine *quarantine;
	const struct leases *leases; /* NULL: alone */
	struct people *people;       /* NULL: nobody is looked up */
	struct ledger *ledger;       /* NULL: none is kept */
};

struct workers *workers_create(const struct worker_opts *o, struct err *e);

/* Takes the job. Any thread; never blocks. */
void workers_submit(struct workers *w, struct job *j);

/* Asks Slack about a person or user group of c's workspace and tells
 * route/people.h. Any thread; never blocks. */
void workers_look_up(struct workers *w, const struct connection *c,
		     const char *id);

/* A lease was lost: what was held under it is put down, without a trace; its
 * entries are another's. Any thread; never blocks. */
void workers_lost(struct workers *w);

/*
 * No turn begins to ask a model any more; those that do have grace_ms to
 * finish. The rest stays in the journal for the next start, and says so in
 * its placeholder: who has to wait anyway at once, who wasn't ready after
 * the grace then, for which there is park_ms.
 */
void workers_drain(struct workers *w, int64_t grace_ms, int64_t park_ms);
/* Waits for notes that the journal has, so before journal_free(), and for
 * reads that the router has. NULL is allowed. */
void workers_free(struct workers *w);

struct worker_stats {
	size_t turns;      /* in flight */
	size_t file_bytes; /* held for them */
	uint64_t answers;  /* finished well */
	uint64_t failures; /* finished with a sentence that says why */
	uint64_t stopped;  /* by people, or their question is deleted */
	uint64_t notices;
	uint64_t edits;
	uint64_t limited; /* 429 from Slack */
};
void workers_stats(struct workers *w, struct worker_stats *out);
int64_t workers_beat_age(struct workers *w); /* of the slowest */

#endif
