/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_JUDGE_H
#define TORTURE_JUDGE_H

#include "bed/nodes.h"
#include "torture/talk.h"

/* What became of the messages, by what stands in Slack at the end. */
struct verdicts {
	size_t answered;  /* once, whole, by the model's answer */
	size_t sentences; /* once, by a sentence that says why not */
	size_t lost;      /* neither */
	size_t twice;     /* more than one reply, or part of one */
	size_t stuck;     /* replies that are no answer: placeholders, halves */
	size_t given_up;  /* envelopes that were never acked */
	size_t mixed;     /* replies to others than those that they say */
	size_t groups;    /* replies to several messages, and */
	size_t together;  /* how many those are */
};

/* Prints the whole story of what is wrong, of the first few. */
void judge(const struct nodes *ns, const struct talk *t, struct verdicts *v);

#endif
