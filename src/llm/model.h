/* SPDX-License-Identifier: ISC */
#ifndef LLM_MODEL_H
#define LLM_MODEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "llm/breaker.h"
#include "llm/llm.h"
#include "llm/slots.h"

struct way;

/* A model of the configuration, and what all its calls share; inside of llm.h.
 * What isn't atomic or locked by itself stays as it was made. */
struct model {
	char *name;
	char *url;
	char *id;  /* as the server calls it */
	char *key; /* NULL: none */
	struct way *way;
	unsigned int connect_ms;
	unsigned int first_token_ms;
	unsigned int idle_ms;
	unsigned int total_ms;
	int max_tokens;
	struct slots slots;
	struct breaker breaker;
	bool whole; /* the two above are made */
	/* The dialect that it speaks, as far as that is known. */
	atomic_bool max_completion;
	atomic_bool no_usage;
};

struct llm {
	struct model *models;
	size_t n;
	struct model *standard;
};

/* By its name; the default one when that is NULL or unknown. */
struct model *model_find(struct llm *m, const char *name);

#endif
