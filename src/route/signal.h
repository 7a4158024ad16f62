/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_SIGNAL_H
#define ROUTE_SIGNAL_H

#include <stdbool.h>

#include "route/message.h"

struct engaged;
struct envelope;
struct err;

/*
 * What people do about what was said: react, edit, delete, press a button
 * (docs.slack.dev/reference/events: reaction_added, message.message_changed,
 * message.message_deleted, agent_session_stopped; and block_actions of
 * docs.slack.dev/reference/interaction-payloads). A signal has the shape of a
 * message and goes the way of one: screen, journal, route, worker.
 *
 * Who did it is its sender; of an edit and a deletion, who had written the
 * post. A reaction tells no thread, so thread_id is the post itself then.
 */

/* Reactions that mean something to us. */
#define SIGNAL_X    "x"    /* stop */
#define SIGNAL_MUTE "mute" /* keep out of this thread */

/* The action ids of our buttons; all begin alike. */
#define SIGNAL_ACTION   "konstruct_"
#define SIGNAL_CANCEL   "konstruct_stop"     /* detail: nothing */
#define SIGNAL_AGAIN    "konstruct_again"    /* the question's ts */
#define SIGNAL_FEEDBACK "konstruct_feedback" /* "up:" or "down:", an entry */

/* SIGNAL_NONE: a message, or nothing that concerns us. Pure. */
enum signal signal_of(const struct envelope *env);

/* Fills a message whose kind is set; 0, or -1 as message_from_envelope(). */
int signal_take(struct message *m, const struct envelope *env, struct err *e);

/*
 * Is it about us: our post, a thread of ours, a button of ours, in which
 * something has really changed? NULL, or why not. key: of its thread.
 */
const char *signal_beside(const struct message *m, const struct envelope *env,
			  struct engaged *g, const char *key);

/* "stop listening", in some words and languages. Pure. */
bool signal_is_hush(const char *text);

#endif
