/* SPDX-License-Identifier: ISC */
#ifndef TURN_PROMPT_H
#define TURN_PROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "llm/llm.h"

struct agent;
struct err;
struct transcript;
struct zone;

/* What the model is told. */
struct prompt {
	struct llm_msg *msgs; /* system, history, question */
	size_t n;
	struct buf text; /* what msgs point into */
	size_t tokens;   /* of all of it, estimated */
	size_t nlines;   /* of the history */
};

/* Something that is asked as well. */
struct prompt_more {
	const char *asker; /* as below */
	const char *asker_id;
	const char *question;
	int64_t asked_ms;
};

struct prompt_parts {
	const struct agent *agent;
	const struct transcript *history; /* oldest first; NULL: none */
	const char *thread;               /* ts of its first message */
	const char *asker;                /* a cleaned name */
	const char *asker_id;
	const char *question;           /* plain, with its files */
	int64_t asked_ms;               /* wall clock, as the next */
	const struct prompt_more *more; /* said since, oldest first */
	size_t nmore;
	int64_t now_ms;          /* for the date */
	const struct zone *zone; /* of the asker; NULL: UTC */
	size_t budget; /* tokens; of history only as much as is left */
};

/*
 * Of a history that doesn't fit the oldest lines give way, except for the
 * first: of that stays at least what a third of the room holds. Where
 * something is left out the model is told so. 0, or -1 when memory is short.
 */
int prompt_build(struct prompt *p, const struct prompt_parts *in,
		 struct err *e);
void prompt_release(struct prompt *p);

#endif
