/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_JUDGE_H
#define TORTURE_JUDGE_H

#include <stdbool.h>

#include "bed/nodes.h"
#include "torture/doom.h"
#include "torture/talk.h"

/* What became of the messages, by what stands in Slack at the end. */
struct verdicts {
	size_t answered;  /* once, whole, by the model's answer */
	size_t sentences; /* once, by a sentence that says why not */
	size_t stopped;   /* once, by what there was when they were stopped */
	size_t removed;   /* as the question or the reply was deleted */
	size_t again;     /* further answers that were asked for */
	size_t groups;    /* replies to several messages, and */
	size_t together;  /* how many those are */
	size_t acts;      /* what people did about them */
	size_t left;      /* placeholders that a dead token has left behind */
	size_t unowed; /* messages that were owed no reply, or perhaps none, and
			* have none */
	size_t files;  /* answers that know their file */
	size_t images; /* of which so many are images */
	size_t pleas;  /* commands that were heard of */
	size_t dialogs; /* questions by dialogs that have a reply */

	/* None of these may be. */
	size_t lost;    /* no reply */
	size_t twice;   /* more than one reply, or part of one */
	size_t stuck;   /* replies that are no answer: placeholders, halves */
	size_t open;    /* that still stream */
	size_t wrong;   /* replies that shouldn't be as they are: rules.h */
	size_t mixed;   /* to others than those that they say */
	size_t stray;   /* posts without a mark of ours */
	size_t unheard; /* clicks that were acked and came to nothing */
	size_t remembered;  /* deleted or edited text in the transcripts, or old
			     */
	size_t pleas_wrong; /* commands whose answer isn't as it should */
	size_t noise;    /* words about a budget or a hush that are too many */
	size_t restless; /* sessions at work though nobody is */
	size_t given_up; /* events that were never acked */
};

/* Are there none of those? */
bool verdicts_clean(const struct verdicts *v);

/* Prints the whole story of what is wrong, of the first few. What was asked in
 * dialogs gets the ts by which the journal has it. */
void judge(const struct nodes *ns, struct talk *t, const struct doom *d,
	   struct verdicts *v);

#endif
