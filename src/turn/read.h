/* SPDX-License-Identifier: ISC */
#ifndef TURN_READ_H
#define TURN_READ_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What the model is told of a turn: its questions, the thread before them,
 * files and names. Private to this folder, on the worker's loop; nothing
 * blocks.
 */
struct buf;
struct json;
struct message;
struct turn;
struct worker;

/* gather.c */

/* At the head of its lane: what waits behind is taken in, then PLACING. */
void gather_start(struct turn *t);
/* Makes t->covers of what its entry covers; 0, or -1 without memory. */
int gather_name(struct turn *t);

/* read.c */

/* Gathers what the model is to know, then turn_ask(). */
void read_start(struct turn *t);
void read_history(struct turn *t);
/* It was too long for the model: asks once more with less of the thread.
 * False when there is nothing to leave out. */
bool read_trim(struct turn *t);
/* Slack's view of the thread, when ours is empty; then read_filled(). */
void backfill_start(struct turn *t);
void read_filled(struct turn *t);
/* Asks for names early, while the placeholder is on its way. */
void read_names(struct turn *t);
void read_names_changed(struct worker *w);
/* The question has changed: all is read anew. */
void read_anew(struct turn *t);
/* Makes asked unless it is; 0, or -1 without memory. */
int read_asked(struct turn *t);
/* It is to be made anew. */
void read_forget(struct turn *t);
/* What it waited for is known: goes on. */
void read_proceed(struct turn *t);

/* files.c */

/* Images of a question that is asked again are looked for in Slack first: true
 * when that has begun; then read_start() comes again. */
bool files_recall(struct turn *t);
/* Begins to fetch what is attached to the question. */
void files_start(struct turn *t);
/* Names the files of an earlier message in out, and remembers them; */
void files_earlier(struct turn *t, const struct json *list, struct buf *out);
/* and begins to fetch those. */
void files_start_earlier(struct turn *t);
void files_release(struct turn *t); /* none are fetched or known any more */
/* Is it still under way? Then read_proceed() comes, soon or at last. */
bool files_wait(struct turn *t);
/* All is known of them: for the log and the record. */
void files_known(struct turn *t);
/* Appends what the model is told of those of m; of all, at the last message,
 * when they are read. 0 or -1. */
int files_tell(const struct turn *t, const struct message *m, struct buf *out);

/* people.c */

/* Takes down who has spoken in the history, and who asks. */
void people_note(struct turn *t);
/* As reply_interim(), of the answer as far as there is one. */
int people_interim(const struct turn *t, struct buf *out);
/* The whole answer without marks; NULL when memory is short. */
char *people_bare(const struct turn *t);
/* Once, when there won't be more of it. */
void people_settle(struct turn *t);

#endif
