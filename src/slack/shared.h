/* SPDX-License-Identifier: ISC */
#ifndef SLACK_SHARED_H
#define SLACK_SHARED_H

#include <stdbool.h>

struct buf;
struct json;

/*
 * What others have said in a message: one that was forwarded, or an app's card
 * (an alert, say). Both are attachments
 * (docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments);
 * is_share, is_msg_unfurl and is_reply_unfurl aren't documented, and tell a
 * forwarded one. What a link was unfolded to is left out, as the link is there.
 *
 * Appended below what out has, as rich_text() does: a forwarded message is a
 * quotation that says whose it is.
 */
void shared_text(const struct json *message, struct buf *out);

/* So many attachments are looked at. */
#define SHARED_MAX 20

bool shared_is_forwarded(const struct json *attachment);

#endif
