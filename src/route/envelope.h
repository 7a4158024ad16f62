/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_ENVELOPE_H
#define ROUTE_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct json;

/* One frame from Slack (docs.slack.dev/apis/events-api/using-socket-mode). */
enum envelope_type {
	ENVELOPE_HELLO,
	ENVELOPE_DISCONNECT,
	ENVELOPE_EVENTS,
	ENVELOPE_SLASH,
	ENVELOPE_INTERACTIVE,
	ENVELOPE_UNKNOWN, /* a type of the future; acked and counted */
};

/* All pointers are borrowed from root and may be NULL. */
struct envelope {
	enum envelope_type type;
	const char *id; /* never NULL where an ack is due */
	int retry_attempt;
	const struct json *payload; /* an object; NULL: there is none */

	const char
		*app_id; /* hello's; else set by who knows whose link it is */

	/* Of hello and disconnect. */
	const char *reason;
	int num_connections;

	struct json *root;
};

/*
 * -1 with e filled (ERR_INPUT) when it isn't a JSON object with a type, or
 * an envelope's id is missing, longer than 128 bytes or not printable. Only a
 * frame of unknown type may do without an id: it isn't acked then. On failure
 * env is empty; releasing it once more does no harm.
 */
int envelope_parse(struct envelope *env, const char *text, size_t len,
		   struct err *e);
void envelope_release(struct envelope *env);

/* {"envelope_id":"..."}: far below the 20 kB that Slack reads. 0 or -1. */
int envelope_ack(const char *id, struct buf *out);

#endif
