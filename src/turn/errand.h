/* SPDX-License-Identifier: ISC */
#ifndef TURN_ERRAND_H
#define TURN_ERRAND_H

#include <stdbool.h>
#include <stddef.h>

#include "net/loop.h"

/* What is to be done and is no turn. Private to this folder, on one worker's
 * loop but for what is said of write. */
struct err;
struct job;
struct slack_call;
struct store;
struct turn;
struct worker;

/* errand.c */

/*
 * A job that is no turn: run does what it is about, and ends it. An errand is
 * in the journal like everything else, so it may be done again after a crash.
 */
struct errand {
	struct errand *next, **link; /* of the worker's list */
	struct worker *w;
	struct job *job;
	void (*run)(struct errand *n);
	/* For the store, before the end or before then goes on; or NULL. */
	int (*write)(struct store *s, void *arg, struct err *e);
	void (*then)(struct errand *n);
	bool first; /* told by write: it was never done before */
	struct slack_call *call;
	struct loop_timer *timer;
	struct loop_task noted;
	struct turn *turn; /* ends with it, linked by turn_next */
	struct errand *turn_next;
	unsigned int tries; /* to find it */
	size_t part;        /* whisper.c: of what is shared */
	bool over;
	bool noting;
	bool abandoned;
};

/* Takes the job and runs it. */
void errand_start(struct worker *w, struct job *job,
		  void (*run)(struct errand *n));
/* May it do what others see? If not, run is called again when it may. */
bool errand_may_act(struct errand *n);
/* All is done, but for what write does and the journal's note; frees n. write
 * gets the errand's request, whose arg is n. */
void errand_end(struct errand *n);
/* Not the end: then runs once write is committed. */
void errand_write(struct errand *n,
		  int (*write)(struct store *s, void *arg, struct err *e),
		  void (*then)(struct errand *n));
/* Ends when t has: what it did to t isn't journaled before. */
void errand_end_with(struct errand *n, struct turn *t);
void errands_of(struct turn *t, bool ended);
void errands_move(struct turn *from, struct turn *to);
/* Not now: it stays in the journal. Frees n, or will. */
void errand_put_down(struct errand *n);
/* What a person of its workspace is called, if that is known; or NULL. */
const char *errand_name(const struct errand *n, const char *user);
bool errand_busy(const struct worker *w);
void errands_abandon(struct worker *w);
void errands_lost(struct worker *w);

/* notice.c */

void notice_start(struct worker *w, struct job *job);
/* Says it to the sender alone, then ends the errand. */
void notice_say(struct errand *n, const char *text);

/* signal.c */

void signal_start(struct worker *w, struct job *job);

/* whisper.c */

/* Is it for the asker's eyes only? */
bool whisper_is(const struct turn *t);
void whisper_place(struct turn *t); /* then turn_placed() */
void whisper_write(struct turn *t); /* then it closes */
void whisper_share(struct errand *n);

/* visit.c */

void visit_run(struct errand *n);

#endif
