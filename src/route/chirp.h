/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_CHIRP_H
#define ROUTE_CHIRP_H

#include <stdbool.h>
#include <stdint.h>

#include "route/message_in.h"
#include "slack/ts.h"
#include "store/canary.h"

struct buf;
struct envelope;
struct err;
struct store;

/*
 * What the message of a canary says (store/canary.h), and how it is known when
 * Slack tells of it: as message_changed, or once as the post that it was
 * (slack-protocol notes, 2.4). It has a nonce of each edit, random, which
 * nobody knows before it is written and which counts once.
 */
#define CHIRP_NONCE 33
#define CHIRP_EVENT "konstruct_canary" /* event_type of its metadata */

struct chirp {
	char app_id[MESSAGE_KEY_SIZE];
	char ts[TS_SIZE]; /* of the message */
	char nonce[CHIRP_NONCE];
	int64_t came_ms; /* wall clock */

	struct canary_heard heard; /* of chirp_write(), as the next */
	bool awaited;
};

void chirp_nonce(char out[CHIRP_NONCE]);
void chirp_text(struct buf *out, int minutes, const char *nonce);

/* Is it a message of the app's own with a nonce? Pure, but for came_ms. */
bool chirp_read(const struct envelope *env, struct chirp *out);

/* Notes that it came, on the journal's thread; 0 or -1. May be done again. */
int chirp_write(struct chirp *c, struct store *s, struct err *e);
/* When that is committed: counts it, and logs the end of a silence. */
void chirp_tell(const struct chirp *c);

#endif
