/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_SIGNAL_H
#define ROUTE_SIGNAL_H

#include <stdbool.h>

#include "route/message.h"

struct engaged;
struct envelope;
struct err;

/*
 * What people do beside talking: react, edit, delete, press a button, give a
 * command, use a shortcut, open our home, bring us into a channel
 * (docs.slack.dev/reference/events: reaction_added, message.message_changed,
 * message.message_deleted, agent_session_stopped, app_home_opened,
 * assistant_thread_started, member_joined_channel;
 * docs.slack.dev/reference/interaction-payloads: block_actions, message_action,
 * view_submission; docs.slack.dev/interactivity/implementing-slash-commands). A
 * signal has the shape of a message and goes the way of one: screen, journal,
 * route, worker.
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
#define SIGNAL_SHARE    "konstruct_share"    /* the thread of a whisper */

/* The callback id of the message shortcut and of its dialog, and the id of the
 * input there. */
#define SIGNAL_ABOUT "konstruct_about"
#define SIGNAL_INPUT "question"

/*
 * A whisper is a question by command, whose answer only the asker sees. Slack
 * has no place for either, so their ts are ours, in a thread that is named by
 * the trigger.
 */
#define WHISPER_QUESTION_TS "0.000001"
#define WHISPER_ANSWER_TS   "0.000002"

/*
 * So long after it was said a message can become a question by an edit, which
 * names us at last or is the first that we hear of it. What isn't acked Slack
 * delivers again for five minutes.
 */
#define SIGNAL_EDIT_MS (10 * 60 * 1000)

/* SIGNAL_NONE: a message, or nothing that concerns us. Pure. */
enum signal signal_of(const struct envelope *env);

/* Is it about the agent, and not about a message? */
bool signal_is_visit(enum signal k);

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
