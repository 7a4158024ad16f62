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
};

/* So many attempts at an answer; see entry.attempts below. */
#define JOB_ATTEMPTS_MAX 3

/*
 * What the router hands to the workers: everything needed, owned, so that a
 * worker asks nobody. The note that permits the first outside effect is
 * committed: for an answer the verdict together with the intent to post part
 * 0, for a notice the verdict. Whoever gets the job finishes the entry
 * (JOURNAL_DONE), of a notice too.
 *
 * entry.attempts counts the attempt that this job is: 1 means that nothing
 * can have been posted yet; from 2 on a part with ts "" may have been, and
 * has to be looked for. Above JOB_ATTEMPTS_MAX the placeholder is closed with
 * a sentence and the entry is given up.
 */
struct job {
	struct node node; /* must be first */
	enum job_kind kind;
	struct message *msg;
	struct connection connection;
	struct agent agent;     /* JOB_ANSWER */
	char *notice;           /* JOB_NOTICE: the text */
	unsigned int wait_s;    /* JOB_NOTICE: until a token is there; or 0 */
	struct entry entry;     /* with parts and answer of earlier attempts */
	struct journal_req req; /* the turn's own slot for its notes */
};

void job_free(struct job *j); /* NULL is allowed */

#endif
