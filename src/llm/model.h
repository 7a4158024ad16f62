/* SPDX-License-Identifier: ISC */
#ifndef LLM_MODEL_H
#define LLM_MODEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "llm/breaker.h"
#include "llm/llm.h"
#include "llm/slots.h"

struct way;

/* Who waits for a model of that name, whatever its settings are by now. */
struct line {
	unsigned int refs; /* under llm's lock */
	struct slots slots;
};

/* A model of the configuration, and what all its calls share; inside of llm.h.
 * What isn't atomic or locked by itself stays as it was made. */
struct model {
	unsigned int refs; /* under llm's lock */
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
	struct line *line;
	struct breaker breaker;
	bool whole; /* the breaker is made */
	/* The dialect that it speaks, as far as that is known. */
	atomic_bool max_completion;
	atomic_bool no_usage;
};

/* All that there are now. */
struct models {
	struct model **all;
	size_t n;
	struct model *standard;
};

struct llm {
	pthread_mutex_t lock;
	struct models now; /* written by who reloads */
};

/* By its name; the default one when that is NULL or unknown. Held until
 * model_put(). Any thread. */
struct model *model_take(struct llm *m, const char *name);
void model_put(struct llm *m, struct model *model);

#endif
