/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_WHIM_H
#define TORTURE_WHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/sim.h"

struct talk;

/*
 * What people do about what they have asked, and about the replies to it.
 * Some answers last for longer than anybody waits; about each of those
 * something is done, again and again until it has helped.
 */
enum whim_kind {
	WHIM_NONE,
	WHIM_STOP,   /* the answer: by its button, by ❌, by Slack's own */
	WHIM_AGAIN,  /* another answer is asked for */
	WHIM_THUMB,  /* what it was worth */
	WHIM_WIPE,   /* the reply is deleted */
	WHIM_EDIT,   /* the question says something else */
	WHIM_DELETE, /* the question is deleted */
	WHIM_HUSH,   /* the agent is sent out of the thread */
};

/* Done, as far as Slack is concerned. */
struct act {
	enum whim_kind kind;
	size_t said;
	char channel[16];
	char ts[SIM_TS];   /* of the reply, or of the question */
	char envelope[40]; /* of a click, which Slack delivers once; else "" */
	int64_t at_ms;     /* of clock_wall_ms() */
	bool up;           /* WHIM_THUMB */
};

struct whim {
	enum whim_kind kind;
	size_t said;
	int64_t due_ms; /* of clock_ms() */
	int tries;
	bool lasting; /* until it has helped */
	bool done;    /* once at least */
};

struct whims {
	struct act *acts;
	size_t nacts, acts_size;
	struct whim *due;
	size_t ndue, due_size;
};

/* What will be done about the message just said, if anything. */
void whims_plan(struct talk *t, size_t said);
/* Do what is due now. By one thread at a time. */
void whims_do(struct talk *t);
void whims_release(struct whims *w);

#endif
