/* SPDX-License-Identifier: ISC */
#ifndef SLACK_RICH_H
#define SLACK_RICH_H

struct buf;
struct json;

/*
 * What a message has beside its text, as text of the same form (Slack's
 * mrkdwn, with & < > escaped), for slack_text_plain() to go over. Nothing in
 * it is taken on trust: what isn't understood, or is too large, is left out.
 * Both append to out, and what doesn't fit there isn't an error.
 */

/* The blocks of a message that came without a text. */
void rich_text(const struct json *blocks, struct buf *out);

/*
 * The tables among blocks and attachments of a message: what Slack makes of a
 * pasted spreadsheet. Each is a line that says so, and a line for each row
 * with tabs between the cells.
 */
void rich_tables(const struct json *message, struct buf *out);

#endif
