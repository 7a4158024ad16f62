/* SPDX-License-Identifier: ISC */
#ifndef SIM_POST_H
#define SIM_POST_H

#include "sim/world.h"

struct call;

/* What the methods that post have in common (post.c). */

/*
 * A channel for posting: a person's id stands for the direct messages with
 * them. NULL with *error set.
 */
struct channel *post_channel(struct call *c, const char **error);
/* The root to reply to; NULL at top level, or with *error set. */
struct msg *post_root(struct call *c, struct channel *ch, const char **error);
/* A new message of the bot's, told to nobody yet. */
struct msg *post_make(struct call *c, struct channel *ch, const char *text);
/* Puts it under root, which may be NULL, and tells of it. */
void post_tell(struct call *c, struct msg *m, struct msg *root);

#endif
