/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_LEAVE_H
#define ROUTE_LEAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "route/message_in.h"
#include "store/audit.h"

struct connection;
struct envelope;
struct err;
struct journal;
struct store;

/*
 * app_uninstalled, and tokens_revoked of a bot: an app was taken out of a
 * workspace, and its token is dead (docs.slack.dev/reference/events). What
 * follows from it: store/uninstall.h.
 */
struct leave {
	char app_id[MESSAGE_KEY_SIZE];
	char workspace_id[MESSAGE_KEY_SIZE]; /* of the install */
	const char *event;                   /* static */
	int64_t at_ms;                       /* Slack's clock */

	char tenant_id[ID_SIZE]; /* of leave_write(), as the next */
	struct audit_new audit;
};

/* Is it that event, with all that it needs? Pure. */
bool leave_read(const struct envelope *env, struct leave *out);

/* Notes it, on the journal's thread: 1 when that is news, which is logged; 0,
 * or -1. May be done again. */
int leave_write(struct leave *l, struct store *s, struct err *e);

/* It can't be so: something was said there at that time. Any thread; nobody
 * waits for it. */
void leave_back(struct journal *j, const struct connection *c, int64_t at_ms);

#endif
