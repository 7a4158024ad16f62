/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_RULES_H
#define TORTURE_RULES_H

#include <stdbool.h>
#include <stddef.h>

enum ending {
	HALF, /* a placeholder, or a part of an answer */
	ANSWER,
	SENTENCE, /* that says why there is none */
	STOPPED
};

enum owed {
	OWED_REPLY,
	OWED_PERHAPS, /* a reply or none, as things came together */
	OWED_NOTHING  /* the agent was sent out of the thread before, or the
		       * budget was used up */
};

/* What was done about a message, and what became of it. */
struct plight {
	enum owed owed;
	bool edited;
	bool early; /* the edit came to nothing, as it may */
	bool deleted;
	bool stopped;  /* somebody has stopped an answer in its thread, */
	bool wiped;    /* or deleted one there that is younger than it */
	bool lasting;  /* its answer would take longer than anybody waits */
	bool attached; /* a file came with it, */
	bool fetched;  /* which Slack hasn't failed to deliver */

	size_t replies;
	enum ending end; /* of the one reply; */
	bool lasted;     /* it is the whole of such an answer */
	bool old_words;  /* that has the question as it was said first, */
	bool new_words;  /* and as it was edited; */
	bool file_words; /* what stands in the file, */
	bool unread;     /* or that one couldn't be read */
	bool kept;       /* the question is in the transcript */
};

/* What was asked by a command. */
struct plea_plight {
	bool heard;      /* it was acked */
	size_t seen;     /* whole answers and sentences; */
	size_t answers;  /* of which Slack has told the daemon */
	size_t deaths;   /* of a daemon, from then to the last of these */
	bool shared;     /* somebody has pressed Share */
	size_t presents; /* how often all see the answer */
};

/*
 * What may become of a message:
 *
 * - it has one reply; none only if it, or the reply, was deleted, or if none
 *   was owed: then it has none, or perhaps none;
 * - the reply is the model's answer, a sentence that says why there is none,
 *   or what there was of an answer when somebody stopped it;
 * - an answer is to the question as it was or as it was edited, not to both;
 *   the one that an edit or a stop had time enough to prevent isn't there;
 * - an answer knows what stands in the file that came with the question, or
 *   says that it couldn't be read, which it could if Slack has delivered it;
 * - what was answered is in the transcript.
 *
 * NULL, or what is wrong.
 */
const char *rules_broken(const struct plight *p);

/*
 * A command that was acked has its answer, and another one only for each death
 * of a daemon: what Slack shows then can't be looked for. All see it at most
 * once, and only if it was shared.
 */
const char *rules_broken_by_plea(const struct plea_plight *p);

#endif
