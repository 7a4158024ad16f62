/* SPDX-License-Identifier: ISC */
#ifndef DAEMON_IN_H
#define DAEMON_IN_H

#include <stdint.h>

#include "daemon.h"

struct store;

/* Between daemon.c and daemon_store.c, which has what stands in the store and
 * the state directory. All return -1 or NULL with e. */

/* The state directory, the keys, and what crashed the last runs. */
int daemon_open_home(struct daemon *d, struct err *e);
/* With others on the same store, or alone on it. News are heard before
 * anything is read. */
int daemon_create_journal(struct daemon *d, struct err *e);
/* The threads, and how many files the links will need: libwebsockets goes by
 * the limit that it finds when its context is made. */
int daemon_read_store(struct daemon *d, struct err *e);

/* For reading; the caller closes it. */
struct store *daemon_open_store(struct daemon *d, struct err *e);
/* Any thread: for who reads a setting that names a secret; arg is the daemon.
 */
char *daemon_secret(const char *name, void *arg, struct err *e);
/* With Redis on a thread of the gate's, while everything runs. */
int daemon_fill_gate(struct gate *t, void *arg, struct err *e);

#endif
