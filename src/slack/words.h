/* SPDX-License-Identifier: ISC */
#ifndef SLACK_WORDS_H
#define SLACK_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/*
 * All that we say to people in Slack ourselves, in each language that we
 * speak: one table. Nothing here is told to a model, and no log has it. What
 * is to be put in stands in braces: "{ahead}".
 */
enum words {
	WORDS_THINKING, /* the placeholder of an agent without its own */

	/* Refusals, to one person. */
	WORDS_RATE,
	WORDS_NO_AGENT_YET,
	WORDS_NOT_THE_ASKER,
	WORDS_FORGOTTEN, /* a question, or what it was answered */
	WORDS_WHAT_ASK,  /* of a command with nothing behind it */
	WORDS_NO_DIRECT,
	WORDS_NO_CHANNEL,
	WORDS_NO_PERSON,
	WORDS_NO_GUEST,
	WORDS_NO_STRANGER,
	WORDS_UNSURE,
	WORDS_OVER_BUDGET, /* {whose} {what} {period} {when} */
	WORDS_BUDGET_OF_TENANT,
	WORDS_BUDGET_OF_CHANNEL,
	WORDS_BUDGET_OF_PERSON,
	WORDS_REQUESTS,
	WORDS_TOKENS,
	WORDS_TODAY,
	WORDS_THIS_MONTH,

	/* Instead of an answer; turn/sentence.h says when. */
	WORDS_TIMEOUT,
	WORDS_BUSY,
	WORDS_REFUSED,
	WORDS_TOO_LONG,
	WORDS_BROKEN,
	WORDS_OFF,
	WORDS_ERROR,
	WORDS_EMPTY,
	WORDS_FILTERED,
	WORDS_DEAD,
	WORDS_UNSHOWN,
	WORDS_STALE,
	WORDS_NO_AGENT,
	WORDS_REF, /* behind one of these; {ref} */

	/* In a placeholder, and below what there is of an answer. */
	WORDS_PARKED,
	WORDS_QUEUE, /* {ahead} */
	WORDS_QUEUE_NEXT,
	WORDS_CUT_BY_MODEL,
	WORDS_CUT_BY_US,
	WORDS_STOPPED,
	WORDS_MUTED, /* of a thread that it was sent out of */

	/* Below an answer, of a file that was attached. */
	WORDS_UNREAD,      /* {name} {why} */
	WORDS_UNREAD_MORE, /* {n} */
	WORDS_UNREAD_KIND,
	WORDS_UNREAD_BLIND,
	WORDS_UNREAD_LARGE,
	WORDS_UNREAD_MANY,
	WORDS_UNREAD_SCOPE,
	WORDS_UNREAD_OUTSIDE,
	WORDS_UNREAD_GONE,
	WORDS_UNREAD_FAILED,
	WORDS_UNREAD_LATE,
	WORDS_UNREAD_ROOM,

	/* Where people meet the agent. */
	WORDS_HELLO_CHANNEL, /* {name} {role} */
	WORDS_HELLO_DIRECT,  /* {name} {role} */
	WORDS_HOME_WHO,      /* {name} {role} */
	WORDS_HOME_HOW,
	WORDS_HOME_LEFT,    /* {n} {what} {when} */
	WORDS_NOT_A_MEMBER, /* {bot}; of a conversation */
	/* What they may ask: a label, and what is asked then. */
	WORDS_TRY_WHAT,
	WORDS_TRY_WHAT_TEXT,
	WORDS_TRY_WRITE,
	WORDS_TRY_WRITE_TEXT,
	WORDS_TRY_EXPLAIN,
	WORDS_TRY_EXPLAIN_TEXT,
	WORDS_AT_WORK, /* behind the name of the app */

	/* Labels. */
	WORDS_ASK_ABOUT, /* at most 24 characters */
	WORDS_ASK,
	WORDS_CANCEL,
	WORDS_YOUR_QUESTION,
	WORDS_ASK_HINT,
	WORDS_STOP,
	WORDS_AGAIN,
	WORDS_SHARE,
	WORDS_GOOD,
	WORDS_BAD,

	WORDS_COUNT
};

/*
 * In the language of a locale: "de", and "de-AT" alike. English for one that
 * we don't speak, for "" and for NULL. Static; with its braces.
 */
const char *words_get(enum words w, const char *locale);

/* What stands for "{name}"; an array of them ends with a NULL name. */
struct words_fill {
	const char *name;
	const char *value;
};
/* Appends it filled in; 0 or -1. fill NULL: nothing is to be put in. */
int words_add(struct buf *out, enum words w, const char *locale,
	      const struct words_fill *fill);

/* Do we speak it? */
bool words_speak(const char *locale);

/* The n-th language that we speak, or NULL: "en", "de". */
const char *words_language(size_t n);

#endif
