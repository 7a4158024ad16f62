/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_JOB_H
#define ROUTE_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/queue.h"
#include "store/journal.h"
#include "store/store.h"

struct message;

enum job_kind {
	JOB_ANSWER, /* a turn: placeholder, model, answer */
	JOB_NOTICE, /* one ephemeral sentence, at most once */
	JOB_SIGNAL, /* about a turn or what became of it; may be done again */
};

/* After so many crashes at it an entry is given up; see entry.attempts. */
#define JOB_ATTEMPTS_MAX 3

/* Why no answer is tried any more. */
enum job_hope {
	JOB_HOPE = 0,
	JOB_CRASHES, /* it crashed us too often */
	/* These also say nothing where there is no placeholder. */
	JOB_STALE,    /* older than replay_max_age */
	JOB_NO_AGENT, /* the tenant has none any more */
};

/*
 * What the router hands to the workers: everything needed, owned, so that a
 * worker asks nobody. The note that permits the first outside effect is
 * committed: for an answer the verdict together with the intent to post part
 * 0, else the verdict. Whoever gets the job finishes the entry (JOURNAL_DONE),
 * whatever its kind.
 *
 * again: an earlier process had this entry. Its row may be that of a backup,
 * so a part with ts "" is looked for before it is posted. intended: what that
 * process sent may still be on its way.
 *
 * Without hope the placeholder is closed with a sentence and the entry is
 * given up.
 */
struct job {
	struct node node; /* must be first */
	enum job_kind kind;
	bool again;
	bool intended;
	enum job_hope hope;
	struct message *msg;
	struct connection connection;
	struct agent agent;    /* JOB_ANSWER */
	char *notice;          /* JOB_NOTICE: the text */
	unsigned int wait_s;   /* JOB_NOTICE: until a token is there; or 0 */
	struct message **more; /* that its answer covers, oldest first */
	size_t nmore;
	size_t nagain;          /* the first of them are asked again, and have
				 * no entries of their own */
	const char *why;        /* JOB_NOTICE; static; NULL: not told */
	struct entry entry;     /* with parts and answer of earlier attempts */
	struct journal_req req; /* the turn's own slot for its notes */
	struct audit_new audit; /* of how it ends, */
	struct audit_new *audits; /* and of all that it covers; NULL: nothing */
};

void job_free(struct job *j); /* NULL is allowed */

/*
 * The answer to j is to be that to other as well: takes its message and its
 * place in hand, and frees it. The journal isn't told. 0, or -1 when memory is
 * short; then all is as it was.
 */
int job_cover(struct job *j, struct job *other);

#endif
