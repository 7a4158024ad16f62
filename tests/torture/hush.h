/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_HUSH_H
#define TORTURE_HUSH_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/sim.h"
#include "torture/rules.h"

struct said;
struct talk;

/*
 * The agent is sent out of a thread, and called back by a mention. What it
 * owes to a reply there is certain as soon as it has said that it keeps out,
 * and again when it has answered the mention.
 */
enum hush_state {
	HUSH_ASKED,  /* it hasn't said a word about it */
	HUSH_OUT,    /* it keeps out */
	HUSH_CALLED, /* a mention calls it back, which isn't answered yet */
	HUSH_DOUBT,  /* it was called back before it had said a word */
	HUSH_OVER,   /* it is back */
};

struct hush {
	char channel[16];
	char thread[SIM_TS];
	char ts[SIM_TS]; /* of what it was told last */
	enum hush_state state;
};

struct hushes {
	struct hush *all;
	size_t n, size;
};

/* Somebody says so in the thread of that message, if the agent has answered
 * the mentions there. */
bool hush_say(struct talk *t, const struct said *s);
/* A thread it was sent out of not long ago, by the number of what was said
 * there first; -1: there is none. */
int hush_thread(struct talk *t);
/* What a reply in that thread is owed that mentions nobody. */
enum owed hush_owed(struct talk *t, const struct said *s);
/* It was mentioned in that thread, in this message. */
void hush_call(struct talk *t, const struct said *s);

#endif
