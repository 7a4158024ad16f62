/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "route/job.h"
#include "turn/turn.h"

/*
 * A turn has one request to the journal, and often a second thing to write
 * down before the first is on disk: they wait in the turn.
 */

#define RETRY_MS 1000

static void on_noted(struct loop_task *task);

/* On the journal thread. */
static void on_done(struct journal_req *r)
{
	struct turn *t = r->arg;

	loop_post(t->w->loop, &t->noted);
}

static void submit(struct turn *t)
{
	struct journal_req *r = &t->job->req;
	struct note_slot *s = &t->notes[0];

	r->kind = s->kind;
	r->note = s->note;
	if (s->note.part_ts)
		r->note.part_ts = s->ts;
	if (s->steps[0] != '\0')
		r->note.steps = s->steps;
	memcpy(r->entry_id, t->job->entry.id, sizeof(r->entry_id));
	r->epoch = t->job->entry.epoch;
	r->done = on_done;
	r->arg = t;
	t->noted.run = on_noted;
	t->noting = true;
	(void)journal_submit(t->w->journal, r);
}

static void on_retry(void *arg)
{
	submit(arg);
}

/*
 * Nothing may be done without its note, so there is no giving up: while the
 * journal fails, the whole daemon is unhealthy, and says so.
 */
static void try_again(struct turn *t)
{
	log_warn(LOG_FIELDS({ "entry", t->job->entry.id }),
		 "cannot write a note, trying again");
	if (!t->note_timer)
		t->note_timer = loop_timer_create(t->w->loop, on_retry, t);
	if (t->note_timer)
		loop_timer_set(t->note_timer, RETRY_MS);
	else
		submit(t);
}

static void on_noted(struct loop_task *task)
{
	struct turn *t = container_of(task, struct turn, noted);
	void (*then)(struct turn * t);

	t->noting = false;
	if (turn_reap(t))
		return;
	turn_enter(t);
	if (!t->job->req.ok) {
		try_again(t);
		return;
	}
	if (t->job->req.lost) {
		if (t->job->req.refused)
			turn_set_aside(t);
		else
			turn_abandon(t);
		return;
	}
	killpoint("noted");
	then = t->notes[0].then;
	t->nnotes--;
	memmove(&t->notes[0], &t->notes[1], t->nnotes * sizeof(t->notes[0]));
	if (t->nnotes > 0)
		submit(t);
	if (then)
		then(t);
}

/* What the journal wasn't told yet goes along. */
static void take_steps(struct turn *t, struct note_slot *s)
{
	memcpy(s->steps, t->steps, sizeof(s->steps));
	t->steps[0] = '\0';
}

static void push(struct turn *t, const struct note_slot *s)
{
	assert(t->nnotes < NOTES_MAX);
	t->notes[t->nnotes++] = *s;
	if (t->nnotes == 1)
		submit(t);
}

void note_part(struct turn *t, size_t part, const char *ts,
	       void (*then)(struct turn *t))
{
	struct note_slot s = { .kind = JOURNAL_NOTE, .then = then };

	s.note.part = (int)part;
	s.note.part_ts = ""; /* stands for s.ts, which moves */
	(void)snprintf(s.ts, sizeof(s.ts), "%s", ts);
	push(t, &s);
}

void note_answer(struct turn *t, enum entry_state state,
		 void (*then)(struct turn *t))
{
	struct note_slot s = { .kind = JOURNAL_NOTE, .then = then };

	s.note.state = state;
	s.note.answer = t->answer.data;
	if (t->verdict[0] != '\0')
		s.note.verdict = t->verdict;
	/* The row is touched anyway. */
	if (state != ENTRY_NEW || s.note.verdict)
		take_steps(t, &s);
	push(t, &s);
}

void note_covers(struct turn *t, void (*then)(struct turn *t))
{
	struct note_slot s = { .kind = JOURNAL_NOTE, .then = then };

	s.note.covers = t->covers;
	s.note.covers_ms = clock_wall_ms();
	s.note.part_ts = "";
	take_steps(t, &s);
	push(t, &s);
}

void note_done(struct turn *t, const struct note *n,
	       void (*then)(struct turn *t))
{
	struct note_slot s = { .kind = JOURNAL_DONE, .then = then };

	s.note = *n;
	take_steps(t, &s);
	push(t, &s);
}
