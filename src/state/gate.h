/* SPDX-License-Identifier: ISC */
#ifndef STATE_GATE_H
#define STATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
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
	ADMIT_LOOP,      /* a bot's, and bots were answered enough there */
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
	bool bot;        /* by another bot; needs a thread */
	int bot_answers; /* bots that are accepted in a thread, until a
			  * person is */
	int64_t now_ms;  /* wall clock */

	/* Out */
	unsigned int wait_s; /* REFUSE: until a token is there, at least 1 */
	bool notify;         /* REFUSE: this person wasn't told just now */
	char owner[ID_SIZE]; /* DUPLICATE: the entry that claimed it */
};

struct gate_opts {
	const char *url;           /* "local", "redis://h:p/db", "unix:/path" */
	const char *user;          /* NULL or "": none */
	const char *password_file; /* NULL or "": none */
	struct engaged *engaged;   /* lives longer than the gate */
	/* Give back what the store has kept, by restore() and engage(). */
	int (*refill)(struct gate *t, void *arg, struct err *e);
	void *arg;
	bool frozen; /* for tests: now_ms counts, not Redis's own clock */
};

/*
 * The atomic yes or no to a message: new, engaged, within its rate. Claims
 * the post on ACCEPT and REFUSE, for 24 hours and more. An entry that asks
 * again gets its old answer and isn't charged twice. ACCEPT renews the
 * thread. May block (Redis), for some seconds at most; router threads call
 * it. Thread-safe.
 */
struct gate_ops {
	const char *name; /* "local", "redis" */
	struct gate *(*open)(const struct gate_opts *o, struct err *e);
	/*
	 * Fills its memory by refill(): local at once, Redis on a thread of
	 * its own, at start and whenever that memory was lost. As long as
	 * that lasts admit() can't tell.
	 */
	int (*start)(struct gate *t, struct err *e);
	void (*close)(struct gate *t); /* NULL is allowed */
	/* 0 with *out set, or -1 with e: can't be told now, try again. */
	int (*admit)(struct gate *t, struct admit *a, enum admission *out,
		     struct err *e);
	/*
	 * Put back what the journal knows; only in refill(). A verdict that
	 * begins with "refuse" is that, "drop" claims nothing, any other
	 * accepts. Of two entries with one claim the first has it.
	 */
	int (*restore)(struct gate *t, const char *tenant_id, const char *claim,
		       const char *entry, const char *verdict, int64_t now_ms,
		       struct err *e);
	/* The same for a thread, engaged by a message of that time. */
	int (*engage)(struct gate *t, const char *tenant_id, const char *thread,
		      int64_t at_ms, struct err *e);
	/* A thread isn't engaged any more, by a message of that time. May block
	 * as admit(). */
	int (*disengage)(struct gate *t, const char *tenant_id,
			 const char *thread, int64_t at_ms, struct err *e);
	/*
	 * 1 once per window and key, 0 else; -1 with e when it can't be told
	 * now. The entry that had the 1 gets it again, as its stages may be run
	 * again. May block as admit().
	 */
	int (*once)(struct gate *t, const char *key, const char *entry,
		    int64_t window_ms, int64_t now_ms, struct err *e);
	/* Forget what has expired, in small steps. */
	void (*sweep)(struct gate *t, int64_t now_ms);
	/* Can it tell? If not, why gets the reason. Never blocks. */
	bool (*healthy)(struct gate *t, char *why, size_t size);
};

/* A backend puts this first in its own struct. */
struct gate {
	const struct gate_ops *ops;
};

extern const struct gate_ops gate_local;
extern const struct gate_ops gate_redis;

const struct gate_ops *gate_find(const char *url, struct err *e);

/* State that nodes share needs a store that they share: 0, or -1 with e. */
int gate_suits(const char *state_url, const char *store_url, struct err *e);

#endif
