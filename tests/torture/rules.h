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

/* What was done about a message, and what became of it. */
struct plight {
	bool edited;
	bool early; /* the edit came to nothing, as it may */
	bool deleted;
	bool stopped; /* somebody has stopped an answer in its thread, */
	bool wiped;   /* or deleted one there that is younger than it */
	bool lasting; /* its answer would take longer than anybody waits */

	size_t replies;
	enum ending end; /* of the one reply; */
	bool lasted;     /* it is the whole of such an answer */
	bool old_words;  /* that has the question as it was said first, */
	bool new_words;  /* and as it was edited */
};

/*
 * What may become of a message:
 *
 * - it has one reply; none only if it, or the reply, was deleted;
 * - the reply is the model's answer, a sentence that says why there is none,
 *   or what there was of an answer when somebody stopped it;
 * - an answer is to the question as it was or as it was edited, not to both;
 *   the one that an edit or a stop had time enough to prevent isn't there.
 *
 * NULL, or what is wrong.
 */
const char *rules_broken(const struct plight *p);

#endif
