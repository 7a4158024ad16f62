/* SPDX-License-Identifier: ISC */
#ifndef LINK_SWEEP_H
#define LINK_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"
#include "slack/api.h"
#include "slack/pace.h"
#include "slack/ts.h"
#include "store/journal.h"
#include "store/store.h"

struct conf;
struct engaged;
struct err;
struct http;
struct journal;
struct live;
struct map;
struct message;
struct router;
struct sweep;

/* What all sweeps have in common; on one loop's thread. */
struct sweep_env {
	const struct conf *conf;
	struct live *live;
	struct loop *loop;
	struct http *http;
	struct engaged *engaged;
	struct journal *journal;
	struct router *router;
	struct map *closed; /* "app:workspace:C": no scope to read, was told */
	bool halted;
	/* sweep_find() with what it needs. */
	int (*find)(struct sweep *s, void *arg, struct err *e);
	/* Reads the connection's bot token anew, after Slack refused it. 1: it
	 * is another; 0: not yet, but it is to be renewed; -1: it will not be.
	 */
	int (*token)(struct connection *c, void *arg, struct err *e);
	/* s has come to its end and is the owner's. */
	void (*done)(struct sweep *s, void *arg);
	void *arg;
};

/* What went wrong is tried again, ever seldomer. */
struct patience {
	unsigned int tries;
	int64_t again_ms; /* clock_ms(); not before */
};

/* A workspace of the app. */
struct sweep_place {
	struct sweep_place *next;
	struct connection c;
	bool dead;    /* its token is */
	bool refused; /* its token was, and is to be read anew */
	struct patience wait;
};

/* A thread, or with thread "" the top level of direct messages. */
struct sweep_target {
	struct sweep_target *next;
	struct sweep_place *place;
	struct patience wait;
	char thread[TS_SIZE];
	char channel[];
};

/*
 * One app's conversations being looked through, one call and one entry at a
 * time. On the loop's thread, but for the journal's answer.
 */
struct sweep {
	struct journal_req req; /* must be first: the entry that is appended */
	const struct sweep_env *env;
	struct sweep *next; /* the owner's */
	char *app_id;
	int64_t from_ms, to_ms; /* the gap, by the wall clock */
	void *who;              /* the owner's */

	struct sweep_place *places;
	/* The first is at work; who has to wait is passed by the others. */
	struct sweep_target *targets, **tail;
	struct map *known; /* targets, against twins */

	struct pace pace;
	struct slack_call *call;
	struct loop_timer *timer;
	void (*on_timer)(struct sweep *s);
	char *cursor;

	/* The page at work, as frames, the oldest last. */
	char **frames;
	size_t nframes;
	struct entry entry;
	struct message *msg;
	struct loop_task back;

	size_t ntargets, nfound; /* for the log */
};

/* NULL: no memory. It does nothing yet. */
struct sweep *sweep_create(const struct sweep_env *env, const char *app_id,
			   int64_t from_ms, int64_t to_ms);
/* Begins; done follows once, never from inside. */
void sweep_run(struct sweep *s);
/* Nothing of it runs any more, but for what the journal has. */
void sweep_halt(struct sweep *s);
/* The journal has nothing of it. NULL is allowed. */
void sweep_free(struct sweep *s);

/*
 * sweep_find.c: finds the conversations; blocks on the store. keys are those
 * of all engaged threads. 0 or -1; on failure it may be called again.
 */
int sweep_find(struct sweep *s, struct store *st, char *const *keys,
	       size_t nkeys, struct err *e);
void sweep_forget(struct sweep *s);

#endif
