/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_MOVED_H
#define ROUTE_MOVED_H

#include <stdbool.h>

#include "route/message_in.h"
#include "store/store.h"

struct engaged;
struct envelope;
struct err;

/*
 * channel_id_changed: a private channel (G...) gets another id (C...) when
 * Slack Connect begins to share it, and what we keep is kept by channel
 * (docs.slack.dev/apis/slack-connect).
 */
#define MOVED_ID_SIZE MESSAGE_KEY_SIZE

struct moved {
	char app_id[MOVED_ID_SIZE];
	char workspace_id[MOVED_ID_SIZE]; /* of the install that sees it */
	char old_id[MOVED_ID_SIZE];
	char new_id[MOVED_ID_SIZE];
};

/* Is it that event, with all that it needs? */
bool moved_read(const struct envelope *env, struct moved *out);

/*
 * Moves what the store has of the channel, and engages its threads under
 * their new keys. On the journal thread. May be done again.
 */
int moved_write(const struct moved *m, struct store *s, struct engaged *g,
		struct err *e);

#endif
