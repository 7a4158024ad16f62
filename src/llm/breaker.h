/* SPDX-License-Identifier: ISC */
#ifndef LLM_BREAKER_H
#define LLM_BREAKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct err;

/*
 * Whether a server that keeps failing is worth a call. After some failures in
 * a row it is open: nobody calls for a while; then one call probes, which
 * closes it or opens it for longer. Thread-safe. Times are clock_ms().
 */
enum breaker_state {
	BREAKER_CLOSED,
	BREAKER_OPEN,
	BREAKER_PROBING
};

struct breaker {
	pthread_mutex_t lock;
	enum breaker_state state;
	unsigned int failures; /* in a row */
	unsigned int opened;   /* times in a row */
	int64_t until_ms;      /* open so long; a probe counts as lost then */
};

int breaker_init(struct breaker *b, struct err *e);
void breaker_release(struct breaker *b);

enum breaker_pass {
	BREAKER_NO,
	BREAKER_YES,
	BREAKER_PROBE /* its outcome decides */
};

/* Before a call. */
enum breaker_pass breaker_ask(struct breaker *b, int64_t now_ms);

/*
 * What became of a call that was let through. True: this changed whether the
 * server is taken for usable, which is worth a line in the log.
 */
bool breaker_tell(struct breaker *b, bool ok, int64_t now_ms);

/* A call that was let through ended without telling anything. */
void breaker_forget(struct breaker *b, enum breaker_pass pass);

enum breaker_state breaker_get(struct breaker *b);

#endif
