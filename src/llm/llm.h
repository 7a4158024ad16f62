/* SPDX-License-Identifier: ISC */
#ifndef LLM_LLM_H
#define LLM_LLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;
struct err;
struct http;
struct loop;

/* The models of the configuration, shared by all workers. Thread-safe. */
struct llm;

/* Reads the key files. NULL with e naming the model. */
struct llm *llm_create(const struct conf *c, struct err *e);
void llm_free(struct llm *m); /* no call is left; NULL is allowed */

/*
 * Other models from now on; calls under way end with those that they began
 * with. One whose settings and key are the same goes on as it is, else it
 * begins anew, but for its slots: those are by name. was is what the models
 * were made from. -1 with e naming the model, and all stays as it was. Any
 * thread, one at a time.
 */
int llm_reload(struct llm *m, const struct conf *was, const struct conf *c,
	       struct err *e);

enum llm_role {
	LLM_SYSTEM,
	LLM_USER,
	LLM_ASSISTANT
};

struct llm_image {
	const char *type; /* "image/png" */
	const void *bytes;
	size_t len;
};

struct llm_msg {
	enum llm_role role;
	const char *name; /* of the speaker, NULL: none */
	const char *text;
	const struct llm_image *images; /* for models with vision only */
	size_t nimages;
};

/* How it ended. Everything but LLM_DONE and LLM_LENGTH is a failure. */
enum llm_end {
	LLM_DONE = 0,
	LLM_LENGTH,   /* the answer was cut at the token limit */
	LLM_FILTERED, /* the server's content filter stopped it */
	LLM_EMPTY,    /* it ended well and said nothing */
	LLM_TIMEOUT,
	LLM_BUSY,     /* 429 or 5xx, also after the retry */
	LLM_REFUSED,  /* 401, 403: our key */
	LLM_TOO_LONG, /* 400 for the length of the context */
	LLM_BROKEN,   /* the connection or the stream */
	LLM_ERROR,    /* anything else that the server said */
	LLM_OFF,      /* not asked: it has failed too often just now */
};

struct llm_usage {
	int64_t prompt_tokens;
	int64_t completion_tokens;
	bool known; /* false: the server told none */
};

struct llm_result {
	enum llm_end end;
	struct llm_usage usage;
	const char *model; /* its name in the configuration */
	const char *msg;   /* for the log: what went wrong */
	const char *said;  /* what the server said of it, not for the log: it
			    * may repeat what was asked; "" for nothing */
	int64_t first_token_ms; /* from the start of the request; -1: none */
};

struct llm_question {
	const char *model;  /* NULL or unknown: the default one */
	const char *tenant; /* whose turn it is when many wait */
	const struct llm_msg *msgs;
	size_t nmsgs;
};

/*
 * Ask a model. Waits for one of the model's slots, across all workers, in the
 * order of the tenant's asking; tenants take turns. Then streams. On a failure
 * before the first text it is tried once more. on_text gets the answer piece
 * by piece, without reasoning; NULL: what came was reasoning, and is to be
 * forgotten. on_done comes once, never from inside
 * llm_ask(). Both run on h's loop l. Everything in q is copied. NULL with e
 * filled and no callback. Who frees h cancels its calls before.
 *
 * Each answer has the model's deadlines; the wait for a slot ends after ten
 * minutes as LLM_BUSY. An answer over 8 MiB is LLM_BROKEN. A model that fails
 * again and again isn't asked for a while (LLM_OFF); then one call tries.
 */
struct llm_call;
struct llm_call *llm_ask(struct llm *m, struct http *h, struct loop *l,
			 const struct llm_question *q,
			 void (*on_text)(const char *p, size_t n, void *arg),
			 void (*on_done)(const struct llm_result *r, void *arg),
			 void *arg, struct err *e);

/* How many of the tenant's calls are before this one; -1: it has a slot. */
long llm_ahead(const struct llm_call *c);

/* No callback any more. Not after on_done began. NULL is allowed. */
void llm_cancel(struct llm_call *c);

struct llm_view {
	const char *name;
	const char *state; /* "ok", "failing", "trying" */
	int busy;
	size_t waiting;
};
/* Any thread; fn is called under a lock, be quick. */
void llm_each(struct llm *m, void (*fn)(const struct llm_view *v, void *arg),
	      void *arg);

const char *llm_end_name(enum llm_end end);

#endif
