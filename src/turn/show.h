/* SPDX-License-Identifier: ISC */
#ifndef TURN_SHOW_H
#define TURN_SHOW_H

#include <stdbool.h>

#include "turn/worker_in.h"

/*
 * What people see of a turn beside its text. Nothing depends on it: where
 * Slack or the budget of calls refuses it, it is left out. Private to this
 * folder, on the worker's loop; nothing blocks.
 */
struct errand;
struct job;
struct shape;
struct slack_result;
struct turn;

/* eyes.c */

/* Shows at its message that it was seen, if that is possible soon. */
void eyes_show(struct turn *t);
void eyes_leave(struct turn *t); /* not any more */
void eyes_run(struct conn *c);

/* session.c */

/*
 * Where the tenant has opted into it, Slack is told that the agent is at work
 * in the thread, and when it no longer is. Nothing depends on that: what is
 * refused or can't be told soon is left out.
 */
void session_begin(struct turn *t);
void session_end(struct turn *t);   /* the answer stands, or none comes */
void session_leave(struct turn *t); /* t goes, unfinished: nothing is told */
/* Slack may say of the thread of that message that somebody is at work there;
 * it says so no longer than somebody is. */
void session_rest(struct worker *w, const struct job *j);
void session_hurry(struct worker *w); /* it drains: ends wait no longer */
bool session_is_shown(const struct turn *t);
bool session_busy(const struct worker *w); /* is telling an end */
void session_free_all(struct worker *w);

/* May it be tried now? Takes what the pace has. */
bool surface_take(struct conn *c, enum surface f);
/* What Slack's answer means to the next who try. */
void surface_learn(struct conn *c, enum surface f,
		   const struct slack_result *r);

/* suggest.c: shows what may be asked, where it can; then goes on. */
void suggest_run(struct errand *n, void (*then)(struct errand *n));

/* controls.c */

/* Adds to a shape, unless it is only text: a way to stop the answer; or, below
 * the last part, to have another one and to say what it was worth; are they
 * there? */
void controls_stop(const struct turn *t, struct shape *s);
bool controls_end(const struct turn *t, struct shape *s);
/* Below a whisper: to share it. */
void controls_share(const struct turn *t, struct shape *s);

/* backlog.c: while it waits long for the model, its placeholder says so. */
void backlog_watch(struct turn *t);

#endif
