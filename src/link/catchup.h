/* SPDX-License-Identifier: ISC */
#ifndef LINK_CATCHUP_H
#define LINK_CATCHUP_H

#include <stdbool.h>

struct canaries;
struct conf;
struct engaged;
struct err;
struct hub;
struct journal;
struct keyring;
struct live;
struct router;
struct way_box;

/*
 * Slack delivers again for five minutes what nobody took. So after a longer
 * time without a live link, the conversations of an app that we know are
 * looked through once for what was said meanwhile. That is journaled like an
 * envelope and judged by the same gate; what is older than catch_up_minutes
 * is left alone. Likewise for a time when the links were live and brought
 * nothing, as an app's canary tells, of whatever length: Slack believes that it
 * has delivered that.
 *
 * When each app was last live is written down every half minute, for the gap
 * of a restart. An app that is being swept isn't, so that a crash in the
 * middle of it begins anew.
 */
struct catchup;

struct catchup_opts {
	const struct conf *conf;
	struct live *live;   /* NULL: nothing is reloaded */
	struct way_box *way; /* to Slack; NULL: as conf says */
	const struct keyring *keyring;
	struct engaged *engaged;
	struct journal *journal;
	struct router *router;
	/* Is the app this node's to sweep? Main thread. NULL: all are. */
	bool (*owns)(const char *app_id, void *arg);
	void *arg;
};

/* Reads when each app was last live; starts a thread. */
struct catchup *catchup_create(const struct catchup_opts *o, struct err *e);

/* Each second or so, on the main thread: who is live, and since when? */
void catchup_tick(struct catchup *c, struct hub *hub,
		  struct canaries *canaries);

/* Ends all sweeps where they are and notes a last time who is live. Main
 * thread; no tick comes after it. NULL is allowed. */
void catchup_stop(struct catchup *c, struct hub *hub);

/* After catchup_stop() and journal_free(). NULL is allowed. */
void catchup_free(struct catchup *c);

#endif
