/* SPDX-License-Identifier: ISC */
#ifndef SLACK_MARKDOWN_H
#define SLACK_MARKDOWN_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/*
 * A part is at most this many bytes of mrkdwn: chat.update refuses text above
 * 4,000 characters (msg_too_long), counted with its entities.
 */
#define MRKDWN_PART_MAX 3500

/*
 * The model's Markdown to Slack's mrkdwn, in place of what out held. & < > are
 * escaped and only web and mail links rendered, so nothing that the model
 * writes can ping anyone. Open emphasis and fences at the end
 * (text that is still streaming) render as if closed. Linear in len. 0 or -1
 * (out full).
 */
int mrkdwn_render(const char *md, size_t len, struct buf *out);

/* Appends to Markdown what closes a code fence that is open at its end. */
void mrkdwn_close(struct buf *md);

/* How much of unfinished Markdown can be shown: up to where a link begins that
 * isn't whole yet. */
size_t mrkdwn_whole_links(const char *md, size_t len);

/* Appends the text as it is, only escaped. */
int mrkdwn_plain(const char *text, size_t len, struct buf *out);

/*
 * Where the first part of this mrkdwn ends, at most max bytes on: at a
 * paragraph, else a line, else a sentence, else a word, else a character;
 * never inside a link or an entity. *fence tells whether text begins in an
 * open fence, and is set to whether one is open at the end of the part: close
 * it with "\n```" and open the next part with "```\n". 0 only if len is.
 */
size_t mrkdwn_split(const char *text, size_t len, size_t max, bool *fence);

#endif
