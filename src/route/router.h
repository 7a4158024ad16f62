/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_ROUTER_H
#define ROUTE_ROUTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/queue.h"
#include "route/verdict.h"
#include "store/store.h"

struct conf;
struct live;
struct entry;
struct err;
struct gate;
struct job;
struct journal;
struct keyring;
struct leases;
struct ledger;
struct message;
struct people;
struct routing; /* one message on its way through route[] */

struct route_stage {
	const char *name;
	enum verdict (*run)(struct routing *r, struct err *e);
};
/* In the order in which they run. */
extern const struct route_stage route_stages[];
extern const size_t route_nstages;

/*
 * A few threads, each with its own store for reading, that may wait for store
 * and state. A message goes to the thread chosen by its channel and thread.
 */
struct router;

/*
 * Find out what access depends on about a person or a user group (their ids),
 * and tell route/people.h; then call router_wake(). Called on a router thread;
 * must not block.
 */
typedef void router_look_up(const struct connection *c, const char *id,
			    void *arg);

struct router_opts {
	const struct conf *conf;
	struct live *live; /* NULL: nothing is reloaded */
	const struct keyring *keyring;
	struct gate *gate;
	struct journal *journal;
	const struct leases *leases; /* NULL: alone */
	struct ledger *ledger;       /* NULL: none is kept */
	struct people *people;       /* NULL: nothing is looked up */
	router_look_up *look_up;     /* with people; arg as dispatch */
	/* Takes the job. Called on the journal thread, once the note that
	 * permits it is committed; must not block. */
	void (*dispatch)(struct job *j, void *arg);
	void *arg;
};

/* Opens the stores, for reading, and starts the threads. */
struct router *router_create(const struct router_opts *o, struct err *e);

/*
 * Nothing more is routed: what is submitted from now on stays in the journal
 * for the next start. Waits, at most grace_ms, for what is on its way; after
 * that dispatch is not called any more, nor the journal. Reads are served on.
 * NULL is allowed.
 */
void router_drain(struct router *r, int64_t grace_ms);

/*
 * Drains without a limit, then ends the threads. Readers are gone by then;
 * the journal best is, too, since it keeps what it can't commit until it is
 * freed itself. NULL is allowed.
 */
void router_free(struct router *r);

/*
 * Route a committed entry. Takes the contents of en and msg; msg NULL: it is
 * made from the frame (an entry of an earlier run; one that was accepted then
 * goes straight to dispatch with what is known). Any thread; never blocks.
 * When store or gate can't tell, the message is kept and tried again. An entry
 * that is in hand already (route/inhand.h) isn't taken a second time.
 */
void router_submit(struct router *r, struct entry *en, struct message *msg);

/*
 * Read from the store on behalf of a loop: run is called on the router thread
 * that serves key, with its store; it posts its result itself. Any thread.
 */
struct router_read {
	struct node node; /* must be first */
	void (*run)(struct router_read *rd, struct store *s);
};
void router_read(struct router *r, const char *key, struct router_read *rd);

/* What was put aside is looked at again now. Any thread; never blocks. */
void router_wake(struct router *r);

/* What waits, for a thread or for better times. */
size_t router_depth(struct router *r);
/* The oldest thread's sign of life, in milliseconds. Waiting is life. */
int64_t router_beat_age(struct router *r);

#endif
