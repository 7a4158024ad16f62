/* SPDX-License-Identifier: ISC */
#ifndef TURN_FLOW_H
#define TURN_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "slack/api.h"
#include "slack/ts.h"

struct json;
struct loop_timer;
struct pace;
struct turn;

/* A stream of Slack's, of a turn; see flow.c. Part of it, private to these
 * files. */

/* What Slack says of one that has ended, or died. */
#define FLOW_NOT_STREAMING "message_not_in_streaming_state"

enum flow_state {
	FLOW_NONE,
	FLOW_NOTING,   /* the journal is told that one is to begin */
	FLOW_STARTING, /* Slack is */
	FLOW_OPEN,
	FLOW_MOVING, /* the journal is told that it is part 0 */
	FLOW_ENDING, /* Slack is told that it ends */
	FLOW_ENDED,  /* its message is edited, or gone */
	FLOW_LEFT,   /* by an earlier process, or of no use: is to end */
};

struct flow {
	enum flow_state state;
	bool tried; /* none is begun any more */
	char ts[TS_SIZE];
	int64_t intent_s; /* wall clock */
	int64_t since_ms;
	struct buf sent; /* what the message says */
	size_t flying;   /* bytes of that which are on their way */
	struct slack_call *call;
	struct loop_timer *timer;
	void (*on_timer)(struct turn *t);
	void (*then)(struct turn *t);
	bool counted; /* in nflows */
	bool closing; /* the answer is whole */
	bool dead;    /* it grows no more */
	bool inexact; /* what it says isn't known, or the answer another */
	bool exact;   /* its end brings the end of the answer, */
	bool buttons; /* and buttons */
	bool bare;    /* which Slack doesn't take */
	bool keep;    /* its message stays, as part 0 */
	bool lost;    /* one may stand that we don't know, */
	bool found;   /* is what heal.c has found, */
	bool halted;  /* and was ended */
};

/* New text has come: true when a stream shows it, or will soon. */
bool flow_text(struct turn *t);
/* The answer is whole: true when a stream brings it, then write_edited(); or
 * edit_final(). */
bool flow_finish(struct turn *t);
/* The answer will be another one: edits bring it. */
void flow_settle(struct turn *t);
/* Its message can't be known before Slack answers. */
bool flow_is_starting(const struct turn *t);
/* All is called off. */
void flow_leave(struct turn *t);
void flow_release(struct turn *t);

/* What the journal says of one, of an earlier process. */
void flow_take_up(struct turn *t, const char *mark);
/* Ends it, if it is there, and deletes its message unless that is part 0
 * already; then goes on. False: there is nothing to do. */
bool flow_clean(struct turn *t, void (*then)(struct turn *t));
/* The same with one that is ours, whatever its message is by now. */
bool flow_discard(struct turn *t, void (*then)(struct turn *t));
/* Where Slack has ended one by itself it may show the agent at work still. */
void flow_forgotten(struct turn *t, const struct slack_result *r);
/* One that may have begun unknown to us, in a page of the thread; its ts. */
const char *flow_find(struct turn *t, const struct json *body);

/* ---- for flow*.c alone ---- */

/* Makes the timer unless it is there; 0, or -1 without memory. */
int flow_timer(struct turn *t);
/* fn after ms, unless another takes its place. */
void flow_after(struct turn *t, int64_t ms, void (*fn)(struct turn *t));
/* A form with channel and, once it is known, ts. */
void flow_form(const struct turn *t, struct buf *form);
/* Takes the form; without memory flow.call stays NULL. */
void flow_call(struct turn *t, const char *method, struct buf *form,
	       slack_done *done);
/* Has Slack said to wait? Then p knows. */
bool flow_limited(struct turn *t, struct pace *p, const struct slack_result *r);
/* Whoever streams slows the others down. */
void flow_count(struct turn *t, bool one_more);
/* Is the answer shown by a stream, or will be soon? */
bool flow_shows(const struct turn *t);
/* Does what is due next. */
void flow_proceed(struct turn *t);
/* From here on the placeholder is what swap.c calls void. */
void flow_move(struct turn *t);

#endif
