/* SPDX-License-Identifier: ISC */
#ifndef SIM_LLM_H
#define SIM_LLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core.h"
#include "sim/sim.h"

struct conn;
struct json;
struct request;

struct ask {
	int refs; /* the log's and the stream's */
	int64_t at_us;
	int64_t first_us;
	int64_t end_us;
	char *model;
	char *body;
	char *last;
	char *headers;
	int status;
	bool stream;
	bool gone;
};
void ask_drop(void *ask);

struct model {
	struct vec rules; /* of struct rule, newest last */
	char *key;
	struct vec log; /* of struct ask */
	bool held;      /* what is to be held */
};

/* One answer on its way (llm_stream.c). */
struct rule {
	struct sim_llm is; /* its strings are the rule's own */
	int left;          /* of times */
};
struct stream {
	struct conn *c;
	struct ask *ask;
	enum sim_llm_mode mode;
	char *text;
	char *reasoning;
	char *finish;
	size_t at;           /* bytes of text that are out */
	size_t reasoning_at; /* of reasoning */
	int pieces;
	int after;
	int first_ms;
	int token_ms;
	int piece;
	bool held;
	bool usage;
	bool role_out;
	int64_t prompt_tokens;
	size_t flooded;
};

void llm_serve(struct conn *c, const struct request *r);
/* Takes st over. */
void stream_start(struct stream *st);

#endif
