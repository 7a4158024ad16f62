/* SPDX-License-Identifier: ISC */
#ifndef TURN_PROMPT_H
#define TURN_PROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "llm/llm.h"

struct agent;
struct err;
struct message;
struct transcript;

/* What the model is told. */
struct prompt {
	struct llm_msg *msgs; /* system, history, question */
	size_t n;
	struct buf text; /* what msgs point into */
};

struct prompt_parts {
	const struct agent *agent;
	const struct transcript *history; /* oldest first; NULL: none */
	const char *asker;                /* a cleaned name */
	const char *question;             /* as prompt_question() makes it */
	size_t budget;  /* bytes; of history only as much as is left */
	int64_t now_ms; /* wall clock, for the date */
};

/* 0, or -1 when memory is short. */
int prompt_build(struct prompt *p, const struct prompt_parts *in,
		 struct err *e);
void prompt_release(struct prompt *p);

/* The question's plain text with its files named below; 0 or -1. */
int prompt_question(const struct message *m, const char *text, struct buf *out);

#endif
