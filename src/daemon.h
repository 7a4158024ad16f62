/* SPDX-License-Identifier: ISC */
#ifndef DAEMON_H
#define DAEMON_H

#include <signal.h>
#include <stdatomic.h>

#include "base/suspect.h"
#include "several.h"

struct admin;
struct canaries;
struct catchup;
struct conf;
struct engaged;
struct err;
struct gate;
struct hub;
struct janitor;
struct journal;
struct keyring;
struct ledger;
struct live;
struct llm;
struct loop;
struct people;
struct quarantine;
struct reload;
struct renewer;
struct router;
struct way_box;
struct workers;

/* All parts, in the order in which they are made. */
struct daemon {
	struct live *live;
	const struct conf *conf;  /* held until the end: what isn't live */
	struct way_box *way;      /* to Slack */
	struct suspects suspects; /* that an earlier process has left */
	struct keyring *keyring;
	struct several several;
	struct journal *journal;
	struct engaged *engaged;
	struct quarantine *quarantine;
	struct gate *gate;
	struct llm *llm;
	struct loop *io;
	struct loop *dial;
	struct loop *admin_loop;
	struct ledger *ledger;
	struct people *people;
	struct router *router;
	struct workers *workers;
	struct janitor *janitor;
	struct hub *hub;
	struct catchup *catchup;
	struct renewer *renewer;
	struct canaries *canaries;
	struct reload *reload;
	struct admin *admin;
	atomic_bool stopping;
};

/*
 * All of these are the main thread's. It starts with live and conf set, all
 * else zero; whatever fails, daemon_destroy() releases what there is, those two
 * included.
 */

/* Everything exists, nothing runs yet but the journal and idle threads. */
int daemon_create(struct daemon *d, struct err *e);
/* Takes up what the last run has left, and dials. Waits for Slack, as long as
 * tokens have to be renewed. */
int daemon_start(struct daemon *d, struct err *e);
/* Until SIGTERM or SIGINT; all signals of the set are blocked. */
void daemon_serve(struct daemon *d, const sigset_t *signals);
/* Blocks until the answers under way have ended, or drain_timeout_s is over. */
void daemon_drain(struct daemon *d);
void daemon_destroy(struct daemon *d);

#endif
