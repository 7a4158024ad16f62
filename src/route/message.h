/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_MESSAGE_H
#define ROUTE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

struct envelope;
struct err;
struct json;

enum conversation {
	CONVERSATION_UNKNOWN = 0, /* app_mention doesn't tell */
	CONVERSATION_CHANNEL,
	CONVERSATION_GROUP, /* private channel */
	CONVERSATION_MPIM,
	CONVERSATION_IM,
};

/* Where a file is to be had. */
enum message_file_place {
	FILE_HERE = 0,
	FILE_UNTOLD,  /* files.info says more (Slack Connect) */
	FILE_OUTSIDE, /* only a link to it was shared */
	FILE_GONE,    /* deleted, or beyond what the plan keeps */
};

/* What somebody did about a post or a thread, instead of saying something. */
enum signal {
	SIGNAL_NONE = 0, /* it was said */
	SIGNAL_REACTION, /* added; value is its name */
	SIGNAL_EDIT,     /* content.text is what it says now */
	SIGNAL_DELETE,
	SIGNAL_PRESS, /* of a button of ours; value is its action, detail what
		       * we had written into it */
	SIGNAL_STOP,  /* of all that is being answered in the thread */
	SIGNAL_MUTED, /* we are to keep out of the thread; found by route[] */

	SIGNAL_COMMAND,  /* "/ask"; value is its name, detail response_url */
	SIGNAL_SHORTCUT, /* on a message; detail is the trigger_id */
	SIGNAL_SUBMIT,   /* of the dialog for that; detail is as we wrote it */
	SIGNAL_HOME,     /* opened; value is the tab */
	SIGNAL_JOIN,     /* we came into a channel */
	SIGNAL_PANE,     /* of an agent: a person has begun a thread there */
};

struct message_file {
	char *id;
	char *name;
	char *mimetype;
	char *url;   /* NULL when FILE_UNTOLD, perhaps else */
	char *thumb; /* of an image: a smaller copy, PNG or JPEG; or NULL */
	int64_t size;
	enum message_file_place place;
};

/*
 * The KonstructMessage: what somebody said or did, in one shape for every
 * platform. Strings are heap and owned; those that may be NULL say so.
 */
struct message {
	char id[ID_SIZE];     /* of the journal entry */
	char *tenant_id;      /* NULL until resolved */
	const char *platform; /* "slack"; static */

	struct {
		char *channel_id;
		enum conversation conversation;
		char *bot_user_id; /* ours; NULL when the event doesn't tell */
		char *app_id;
		char *workspace_id; /* authorizations[0]: team or enterprise */
		char *ts;
		char *thread_ts; /* NULL at top level, also of a root */
		bool unshared;   /* for certain: with no other organisation */
		/* Where the answer goes, for the sender's eyes only; NULL: into
		 * the thread. */
		char *reply_url;
	} channel;

	struct {
		char *user_id;      /* a bot's own id if it has no user */
		char *display_name; /* cleaned; NULL: Slack sent none */
		bool bot;
		char *bot_id;  /* NULL: none, or not told */
		bool external; /* of another organisation (Slack Connect) */
	} sender;

	struct {
		/* Slack's mrkdwn, our own mention taken out; names of others
		 * are put in by slack_text_plain() when it is told to a model.
		 */
		char *text;
		struct message_file *files;
		size_t nfiles;
		/* What was asked in a dialog, where the others couldn't see it:
		 * shown above the answer. NULL: it stands in the thread. */
		char *unseen;
	} content;

	/* Of a signal channel.ts is the post that it is about, thread_id that
	 * post's thread as far as Slack tells; see route/signal.h. */
	struct {
		enum signal kind;
		char *value;  /* may be NULL, */
		char *detail; /* as may this */
		bool asks;    /* an edit, after which it is a question */
	} signal;

	int64_t timestamp_ms;
	int64_t edited_ms; /* when it came to say this; 0: it never said else */
	char *thread_id;   /* thread_ts, or ts at top level */

	bool mention;      /* names us, by app_mention or in its text */
	char *event_id;    /* unique: the key against redelivery */
	char *envelope_id; /* of this delivery; for the log */
};

/*
 * Normalizes an app_mention or message event, or one that is a signal. NULL
 * with e filled when a field that we can't do without is missing or malformed
 * (ERR_INPUT; the error names it and doesn't quote it), or memory is short
 * (ERR_RETRY). Ids, timestamps and sizes were checked in what comes out.
 */
struct message *message_from_envelope(const struct envelope *env,
				      struct err *e);
void message_free(struct message *m); /* NULL is allowed */

/*
 * A file object as Slack has it in messages and in files.info. What is odd in
 * it is left out, all of it when its id is: then f->id is NULL. -1, with
 * nothing to release, when memory is short.
 */
int message_file_take(struct message_file *f, const struct json *j,
		      struct err *e);
void message_file_release(struct message_file *f);
/* To us in private, so that it needs no mention and engages no thread. */
bool message_is_direct(const struct message *m);
/* Names us, so that its thread may be engaged by it. */
bool message_engages(const struct message *m);

const char *conversation_name(enum conversation c);

/* "app:workspace:channel:ts", the gate's claim; 0 or -1 when too long. A size
 * of ENGAGED_KEY_SIZE has room for every message made here. */
int message_claim(const struct message *m, char *out, size_t size);
/* The key of its thread (state/engaged.h). */
int message_thread_key(const struct message *m, char *out, size_t size);

#endif
