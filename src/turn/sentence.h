/* SPDX-License-Identifier: ISC */
#ifndef TURN_SENTENCE_H
#define TURN_SENTENCE_H

#include <stdbool.h>

#include "llm/llm.h"
#include "route/job.h"
#include "turn/attach.h"

struct buf;

/* What a person reads when there is no answer, or not all of it; the text is
 * in slack/words.c. */
enum sentence {
	SENTENCE_TIMEOUT,
	SENTENCE_BUSY,
	SENTENCE_REFUSED,
	SENTENCE_TOO_LONG,
	SENTENCE_BROKEN,
	SENTENCE_OFF,
	SENTENCE_ERROR,
	SENTENCE_EMPTY,
	SENTENCE_FILTERED,
	SENTENCE_DEAD,
	SENTENCE_UNSHOWN,
	SENTENCE_STALE,
	SENTENCE_NO_AGENT,
	SENTENCE_STOPPED, /* before there was anything */
	SENTENCES
};

/* For an end that is a failure. */
enum sentence sentence_of(enum llm_end end);

/* For a job without hope. */
enum sentence sentence_of_hope(enum job_hope h);
/* By its name: does it end an entry that is given up? */
bool sentence_of_dead(const char *name);

/* The short id that a person can quote and the log has too. */
#define SENTENCE_REF_SIZE 7
void sentence_ref(const char *entry_id, char out[SENTENCE_REF_SIZE]);

/* Appends the sentence with the entry's short id, in the agent's language. */
void sentence_write(enum sentence s, const char *locale, const char *entry_id,
		    struct buf *out);

/* As a word for the log and the journal: "timeout". */
const char *sentence_name(enum sentence s);

/* Said below an answer to which a file was attached that nobody could read, and
 * of that many more; Markdown. The name is a cleaned one; why is not
 * ATTACH_READ. */
void sentence_unread(enum attach_why why, const char *name, const char *locale,
		     struct buf *out);
void sentence_unread_more(size_t n, const char *locale, struct buf *out);

#endif
