/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_SWEPT_H
#define ROUTE_SWEPT_H

struct buf;
struct connection;
struct err;
struct json;

/*
 * A message that was found in Slack's history, in the form of the envelope
 * that didn't come: so it takes the same way, is journaled as one, and is
 * read again after a restart. Its event_id is made of channel and ts, so the
 * same message found twice is one event; when Slack delivers it after all,
 * that is another event of the same post, which the gate knows.
 *
 * m is as conversations.replies and conversations.history give it. What it
 * says isn't checked here but by who reads the envelope. 0, or -1 with e: it
 * has no ts, or is too large.
 */
int swept_frame(const struct connection *c, const char *channel,
		const struct json *m, struct buf *out, struct err *e);

#endif
