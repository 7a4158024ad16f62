/* SPDX-License-Identifier: ISC */
#ifndef LLM_OPENAI_H
#define LLM_OPENAI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "llm/llm.h"
#include "llm/thought.h"
#include "net/sse.h"

/*
 * The chat completions protocol as OpenAI, vLLM, llama.cpp, Ollama, LiteLLM
 * and OpenRouter speak it: requests out, answers in. No network here.
 */

/* Where servers differ: learned from a 400 that names the argument. */
struct openai_dialect {
	bool max_completion; /* max_completion_tokens for max_tokens */
	bool no_usage;       /* stream_options is left out */
};

/* Both append JSON to out; 0, or -1 when it doesn't fit. */
int openai_messages(struct buf *out, const struct llm_msg *msgs, size_t n);
int openai_request(struct buf *out, const char *model, const char *messages,
		   int max_tokens, const struct openai_dialect *d);

#define OPENAI_EVENT_MAX  (1024 * 1024)
#define OPENAI_ANSWER_MAX (8 * 1024 * 1024)

/* Why the model stopped, by its own word. */
enum openai_stop {
	OPENAI_GOING_ON = 0,
	OPENAI_STOPPED,
	OPENAI_STOPPED_LENGTH,
	OPENAI_STOPPED_FILTER,
};

/*
 * An answer as it comes: a stream of events, or one JSON object from a server
 * that doesn't stream; the first byte tells which.
 */
struct openai {
	struct sse sse;
	struct buf whole; /* of a server that doesn't stream */
	enum {
		OPENAI_UNKNOWN = 0,
		OPENAI_STREAM,
		OPENAI_WHOLE
	} shape;

	int (*on_text)(const char *p, size_t n, void *arg);
	void *arg;

	struct thought thought;
	bool text; /* more than white space */
	bool done; /* "[DONE]" was read */
	enum openai_stop stop;
	enum llm_end fault; /* LLM_DONE: none */
	struct llm_usage usage;
	char msg[240]; /* of the fault, for the log */
	/* What the server said of it, "" for nothing. It may repeat what was
	 * asked, so the log is no place for it. */
	char said[240];
};

/* A piece is never empty; on_text returns non-zero to stop. NULL: what came
 * before was a thought, and is to be forgotten. */
void openai_init(struct openai *a,
		 int (*on_text)(const char *p, size_t n, void *arg), void *arg);
void openai_release(struct openai *a);

/* Non-zero: no more is wanted, a->fault says why. */
int openai_feed(struct openai *a, const char *p, size_t n);

/* The server has said all that belongs to an answer. */
bool openai_complete(const struct openai *a);

/* Nothing more comes, and the response was whole. Fills a->msg on failure. */
enum llm_end openai_end(struct openai *a);

/*
 * A response other than 2xx; fills a->msg and a->said. Where the server
 * objected to a word of the dialect that it was sent in, that changes in d: ask
 * again.
 */
enum llm_end openai_refusal(struct openai *a, int status, const char *body,
			    size_t len, struct openai_dialect *d);

#endif
