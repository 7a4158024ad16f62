/* SPDX-License-Identifier: ISC */
#ifndef SLACK_BLOCKS_H
#define SLACK_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Slack takes so much Markdown in all blocks of a message (12,000), in
 * UTF-16 units; a part of an answer stays below. */
#define BLOCKS_PART_MAX 11000

/*
 * What dialect_render() made, or a piece of it, as the JSON of a message's
 * blocks. Tables are data_table blocks if native is set and Slack's limits
 * allow it, else aligned text in a fence when narrow, or a card for each row.
 * A paragraph with a mention is a section of mrkdwn.
 * Always the same for the same text. 0, or -1 (out full).
 */
int blocks_build(const char *md, size_t len, bool native, struct buf *out);

#endif
