/* SPDX-License-Identifier: ISC */
#ifndef TURN_POST_H
#define TURN_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slack/api.h"
#include "turn/turn.h"

/*
 * What stands of a turn in its thread: posts and edits, what has become of
 * those that are in doubt, and what Slack shows of them. Private to this
 * folder, on the worker's loop; nothing blocks.
 */
struct buf;
struct channel;
struct conn;
struct connection;
struct json;
struct shape;

/* post.c */

#define POST_EVENT "konstruct_reply" /* event_type of our metadata */

/*
 * Posts part k in the thread, paced by the channel and never twice: if an
 * answer is lost (or sure is false, after a restart) it looks first. done
 * gets NULL when it stands, with its ts in parts[k] and a note on its way, or
 * Slack's refusal. Takes what is in s.
 */
void post_part(struct turn *t, size_t k, struct shape *s, bool sure,
	       void (*done)(struct turn *t, const struct slack_result *r));
/* What makes it known as ours: of this entry, this part, and as it is to
 * stay. */
void post_metadata(struct buf *form, const struct turn *t, size_t part,
		   bool final);
void post_leave(struct turn *t); /* not to be posted any more */
/* How long what an earlier process has sent last needs to arrive. */
int64_t post_settle_ms(const struct turn *t);
void post_run(struct channel *ch);
int post_grow(struct turn *t, size_t nparts); /* 0 or -1 */

/* write.c */

void write_start(struct turn *t);
/* Posts the part t->part. */
void write_post(struct turn *t);
/* What part k is to be made of; 0 or -1. */
int write_shape(struct turn *t, size_t k, struct shape *s);
/* The last edit stands; or r tells why it doesn't. */
void write_edited(struct turn *t, const struct slack_result *r);

/* edit.c */

/* New text has come: show it when the budget allows. */
void edit_interim(struct turn *t);
/* Show part 0 as it is in the end; then write_edited(). */
void edit_final(struct turn *t);
void edit_leave(struct turn *t); /* no more edits of it */
void edit_run(struct conn *c);

/* Between two interim edits of one message, from start to start. */
int64_t edit_interval_ms(size_t streaming, unsigned int nedits, bool paced);

/* swap.c */

/* May the answer be posted, as its edit would have to wait for wait_ms? */
bool swap_may(const struct turn *t, int64_t wait_ms, int64_t now_ms);
/* Posts the answer instead of editing the placeholder; as that can't be edited
 * any more, or only later. */
void swap_start(struct turn *t, bool uneditable);
/* Slack refused the post: the placeholder counts again, and its edit is waited
 * for. False when that doesn't help. */
bool swap_back(struct turn *t, enum slack_fault fault);
/* Deletes the placeholder that a post has replaced, if any; then goes on. */
void swap_end(struct turn *t, void (*then)(struct turn *t));

/* look.c */

/*
 * Looks through what was said in the thread after the question, page by page
 * up to a cap, until match finds something: its ts in the page, or NULL. done
 * gets that, or NULL when it isn't there or Slack won't say (r tells); it is
 * in r's body. -1 when memory is short; then done isn't called.
 */
int look_start(struct turn *t, look_match *match, look_done *done);

/*
 * The ts of the post of ours that has this entry and part in its metadata,
 * other than not; NULL when there is none. Oldest first.
 */
const char *look_find(const struct json *body, const struct connection *c,
		      const char *entry, size_t part, const char *not_ts);
/* Is there a reply of ours, after its last edit, that covers this entry? */
bool look_covered(const struct json *body, const struct connection *c,
		  const char *entry);
/* The ts of a post of ours without any metadata, of a time between these; or
 * NULL. */
const char *look_bare(const struct json *body, const struct connection *c,
		      int64_t from_ms, int64_t to_ms);
/* Had the reply that begins with this post its last edit? */
bool look_is_final(const struct json *body, const char *ts);

/* again.c */

/* The turn of an earlier process whose answer we don't have: may be that we
 * wrote it all the same, and the journal is older than that. Then it ends;
 * else read_history(). */
void again_start(struct turn *t);
/* Is it another answer, to a question that was answered before? */
bool again_is_another(const struct turn *t);

/* heal.c */

/* Waits until all that was sent in doubt must have come; then deletes twins
 * and edits once more. */
void heal_start(struct turn *t);
void heal_edited(struct turn *t); /* that edit is over */

#endif
