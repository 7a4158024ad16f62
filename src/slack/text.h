/* SPDX-License-Identifier: ISC */
#ifndef SLACK_TEXT_H
#define SLACK_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/*
 * Slack's inbound mrkdwn to text that a model reads: "<@U1>" becomes
 * "@name", "<#C1|general>" "#general", "<https://x|label>" "label
 * (https://x)", "<!here>" "@here", "&amp;" "&". Mentions of bot are left out,
 * with the space beside them; bot may be NULL. name may be NULL or return
 * NULL (then the label is used, or the id) and is asked for users only.
 * Appends to out; 0, or -1 when out has failed.
 */
int slack_text_plain(const char *in, const char *bot,
		     const char *(*name)(const char *user, void *arg),
		     void *arg, struct buf *out);

/* Only takes the mentions of bot out; all else stays mrkdwn. */
int slack_text_strip(const char *in, const char *bot, struct buf *out);

/* Does the text hold "<@USER>" or "<@USER|label>"? */
bool slack_text_mentions(const char *in, const char *user);

/* Calls fn with each user id mentioned, at most max times. */
void slack_text_users(const char *in, size_t max,
		      void (*fn)(const char *user, void *arg), void *arg);

/*
 * A name for a prompt: control characters, line ends and look-alikes of role
 * marks taken out, white space folded, at most 80 bytes, never in the middle
 * of a character. "someone" when nothing is left, or only the name of a role.
 */
void slack_name_clean(const char *in, char out[81]);

#endif
