/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include <stdatomic.h>
#include <stdbool.h>

struct buf;
struct canaries;
struct cluster;
struct places;
struct conf;
struct err;
struct gate;
struct hub;
struct journal;
struct keyring;
struct ledger;
struct live;
struct llm;
struct loop;
struct quarantine;
struct renewer;
struct roles;
struct router;
struct way_box;
struct workers;

/*
 * The admin's side, on a thread of its own, so that /health can tell that the
 * I/O thread hangs: HTTP on the loopback port (page, health, ready and metrics)
 * and on the unix socket (everything).
 */
struct admin;

struct admin_opts {
	const struct conf *conf;
	struct live *live;   /* NULL: nothing is reloaded */
	struct way_box *way; /* to Slack; NULL: as conf says */
	const struct keyring *keyring;
	struct loop *loop; /* the admin thread's */
	struct loop *io;
	struct loop *dial;
	struct gate *gate;
	struct journal *journal;
	struct llm *llm;
	struct quarantine *quarantine;
	struct ledger *ledger;
	struct router *router;
	struct workers *workers;
	struct hub *hub;
	struct renewer *renewer;     /* NULL: none */
	struct canaries *canaries;   /* NULL: none */
	struct cluster *cluster;     /* NULL: alone */
	struct places *places;       /* NULL: alone */
	const atomic_bool *stopping; /* NULL: never */
	struct store *store;         /* the admin makes its own, to read */
	/* How the file's settings differ from those that run; with apply true
	 * they are put in force. Appends JSON; -1 with e. NULL: not here. */
	int (*settings)(void *arg, bool apply, struct buf *out, struct err *e);
	/* Had they no mistake when last put in force? Goes with settings. */
	bool (*settings_ok)(void *arg);
	void *arg;
};

/* Listens when the loop starts. Before any TLS handshake of the process. */
struct admin *admin_create(const struct admin_opts *o, struct err *e);
void admin_free(struct admin *a); /* after its loop stopped */

/* Who may do what over the socket from now on, and connect to it. Admin thread.
 * -1 with e: the socket's mode stays as it was. */
int admin_guard(struct admin *a, const struct roles *r, struct err *e);

/* Is every thread alive? Any thread. When not, why (if not NULL) gets the
 * reason. A disk that is full doesn't stop a thread: no restart mends it. */
bool admin_alive(struct admin *a, char *why, unsigned int size);

/* Is every thread alive, can entries be journaled and judged? Any thread. When
 * not, why (if not NULL) gets the reason. */
bool admin_healthy(struct admin *a, char *why, unsigned int size);

#endif
