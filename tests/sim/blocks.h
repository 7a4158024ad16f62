/* SPDX-License-Identifier: ISC */
#ifndef SIM_BLOCKS_H
#define SIM_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

struct json;
struct sim;

/* Characters in all blocks of a message. */
struct block_sums {
	size_t text;
	size_t markdown; /* of these in markdown blocks, */
	size_t table;    /* and in tables */
};

/* Is this block as Slack wants it? Adds to s. */
bool block_shape(const struct json *b, struct block_sums *s);

/* NULL, or Slack's word for what is wrong with this JSON text. */
const char *blocks_check(const char *json);
/*
 * The blocks, checked before, with what Slack adds: a block_id for each that
 * people can use, an action_id for each of its elements. The caller frees it.
 */
char *blocks_fill(struct sim *s, const char *json);
const char *metadata_check(const char *json);
const char *attachments_check(const char *json);

#endif
