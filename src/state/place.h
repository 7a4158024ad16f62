/* SPDX-License-Identifier: ISC */
#ifndef STATE_PLACE_H
#define STATE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

struct err;

/*
 * Which of several nodes have an app's links: a lease in Redis for each, at
 * most links_per_app of them, and one more while a link moves. With local
 * state there is none of this, and a daemon links all its apps.
 *
 * A node is in Redis under one key that it renews; its leases hold as long as
 * that does, so that renewing costs the same for one app and for thousands.
 * Every app has its nodes by a hash of both, so that a node that comes or goes
 * moves its own share and nothing else; nobody leads. A node that is no longer
 * meant to have an app gives it up when enough others are live.
 *
 * While Redis is away everything stays as it is. After it is back, or was
 * emptied, nobody takes anything that it had not for one lease's time.
 */
struct places;

/* What a node has of an app. */
enum place_link {
	PLACE_NONE,
	PLACE_DIALING, /* no link yet, or none at the moment */
	PLACE_LIVE,
	PLACE_STUCK, /* for a reason that no other node would mend */
};

struct places_opts {
	const char *url;           /* Redis, as for the gate */
	const char *user;          /* NULL or "": none */
	const char *password_file; /* NULL or "": none */
	const char *node;          /* id of this run */
	const char *home;          /* an earlier run with the same is dead */
	const char *name;          /* for people */
	int lease_ms;
	int links_per_app;
	int at_once;  /* links that may be on their way up */
	int leave_ms; /* how long links may stay after places_stop() */
	/* Do other nodes have links, by what the store knows? 0: none has,
	 * -1: not known yet. NULL: that may be. On the thread of the places,
	 * when it asks Redis for the first time. */
	int (*linked)(void *arg);
	/*
	 * On the thread of the places: hold is whether the app is to be linked
	 * here, live how many other nodes have a live link of it. Told when
	 * either changes.
	 */
	void (*told)(const char *app_id, bool hold, int live, void *arg);
	void *arg;
};

/* Redis may be away. Nothing runs yet. */
struct places *places_create(const struct places_opts *o, struct err *e);
int places_start(struct places *ps, struct err *e);
/* All leases are given up, and others told that links may stay a while; from
 * its return on nothing is told. May wait for Redis, for some seconds at most.
 */
void places_stop(struct places *ps);
void places_free(struct places *ps); /* NULL is allowed */

/* Any thread, never waiting for Redis. An app is new, or no more. */
void places_put(struct places *ps, const char *app_id);
void places_remove(struct places *ps, const char *app_id);
/* What became of it here: conns are open. told is what Slack's hello said of
 * all connections of the app; 0: there was none since. */
void places_tell(struct places *ps, const char *app_id, enum place_link link,
		 int conns, int told);

/* As of the last beat. */
struct place_node {
	char id[ID_SIZE];
	char name[64];
	bool alive;
	size_t held, live; /* leases; those with a live link */
};
/* fn is called under a lock, be quick; any thread. */
void places_each(struct places *ps,
		 void (*fn)(const struct place_node *n, void *arg), void *arg);
/* Does Redis know of us? If not, why gets the reason. */
bool places_healthy(struct places *ps, char *why, size_t size);

#endif
