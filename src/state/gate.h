/* SPDX-License-Identifier: ISC */
#ifndef STATE_GATE_H
#define STATE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

struct engaged;
struct err;
struct gate;

enum admission {
	ADMIT_ACCEPT,
	ADMIT_REFUSE,    /* over the limit */
	ADMIT_DUPLICATE, /* the post is another entry's */
	ADMIT_IDLE,      /* needs an engaged thread, and it isn't */
};

struct admit {
	const char *entry; /* our journal entry's id */
	const char *tenant_id;
	const char *claim;   /* "app:workspace:channel:ts" */
	const char *thread;  /* the engaged key; NULL for what needs none */
	bool addressed;      /* mention or direct message */
	int64_t at_ms;       /* the message's own time */
	const char *channel; /* bucket: tenant and channel */
	const char *user;
	int rate_per_minute; /* 0: no limit */
	int burst;
	int64_t now_ms; /* wall clock */

	/* Out */
	unsigned int wait_s; /* REFUSE: until a token is there, at least 1 */
	bool notify;         /* REFUSE: this person wasn't told just now */
	char owner[ID_SIZE]; /* DUPLICATE: the entry that claimed it */
};

/*
 * The atomic yes or no to a message: new, engaged, within its rate. Claims
 * the post on ACCEPT and REFUSE, for 24 hours and more. An entry that asks
 * again gets its old answer and isn't charged twice. ACCEPT renews the
 * thread. May block (Redis); router threads call it. Thread-safe.
 */
struct gate_ops {
	const char *name; /* "local", "redis" */
	struct gate *(*open)(const char *url, struct engaged *g, struct err *e);
	void (*close)(struct gate *t);
	/* 0 with *out set, or -1 with e: can't be told now, try again. */
	int (*admit)(struct gate *t, struct admit *a, enum admission *out,
		     struct err *e);
	/*
	 * Put back at start what the journal knows. A verdict that begins
	 * with "refuse" is that, "drop" claims nothing, any other accepts. Of
	 * two entries with one claim the first has it.
	 */
	int (*restore)(struct gate *t, const char *claim, const char *entry,
		       const char *verdict, int64_t now_ms, struct err *e);
	/* True once per window and key: for notices and warnings. */
	bool (*once)(struct gate *t, const char *key, int64_t window_ms,
		     int64_t now_ms);
	/* Forget what has expired, in small steps. */
	void (*sweep)(struct gate *t, int64_t now_ms);
};

/* A backend puts this first in its own struct. */
struct gate {
	const struct gate_ops *ops;
};

extern const struct gate_ops gate_local;

const struct gate_ops *gate_find(const char *url, struct err *e);

#endif
