/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/killpoint.h"
#include "net/http.h"
#include "route/job.h"
#include "slack/blocks.h"
#include "turn/candid.h"
#include "turn/post.h"
#include "turn/read.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * Slack grants an app about 50 edits a minute in a whole workspace. So the
 * turns of a connection share a bucket that is filled more slowly: last edits
 * first, then the interim ones, each message at its interval, the newest text
 * only, and never the tokens that the next ends will need. A last edit that
 * would have to wait becomes a post; see swap.c.
 */

#define FIRST_MS     500  /* from the first text to the first edit */
#define ALONE_MS     1000 /* from edit to edit */
#define SHARE_MS     1300 /* for each of several that stream */
#define EASE_AFTER   20   /* edits; then ever more slowly, */
#define EASE_STEP_MS 250
#define EASE_MAX_MS  5000 /* up to this */
#define LONG_BYTES   2000 /* of text; from there on, as Slack advises, */
#define LONG_MS      3000 /* no faster than this */
#define PATIENCE_MS  1000 /* of a last edit */
#define KEEP_ALONE   1    /* tokens for last edits, while one streams, */
#define KEEP_CROWD   2    /* or several do */
#define ONCE_MORE_MS 2000 /* a lost interim edit has arrived by then */

static void on_edited(const struct slack_result *r, void *arg);

int64_t edit_interval_ms(size_t streaming, unsigned int nedits, bool paced)
{
	int64_t ms = ALONE_MS;
	int64_t ease = ALONE_MS;

	if (paced && streaming > 1)
		ms = SHARE_MS * (int64_t)streaming;
	if (nedits > EASE_AFTER)
		ease += (int64_t)(nedits - EASE_AFTER) * EASE_STEP_MS;
	if (ease > EASE_MAX_MS)
		ease = EASE_MAX_MS;
	return ms > ease ? ms : ease;
}

static uint64_t hash(const struct shape *s)
{
	uint64_t h = 14695981039346656037U; /* FNV-1a */
	const char *p = s->blocks ? s->blocks : s->text;

	for (; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211U;
	return h;
}

static int64_t due_ms(const struct turn *t)
{
	const struct conn *c = t->conn;
	int64_t ms;

	if (t->nedits == 0 && c->nstreaming <= 1)
		return t->edited_ms + FIRST_MS;
	ms = edit_interval_ms(c->nstreaming, t->nedits, c->edits.cost_ms > 0);
	if (t->answer.len > LONG_BYTES && ms < LONG_MS)
		ms = LONG_MS;
	return t->edited_ms + ms;
}

static void join_stream(struct turn *t)
{
	struct conn *c = t->conn;

	if (t->in_stream)
		return;
	t->in_stream = true;
	t->edited_ms = clock_ms();
	t->stream_next = c->streaming;
	if (t->stream_next)
		t->stream_next->stream_link = &t->stream_next;
	t->stream_link = &c->streaming;
	c->streaming = t;
	c->nstreaming++;
}

static void leave_stream(struct turn *t)
{
	if (!t->in_stream)
		return;
	t->in_stream = false;
	*t->stream_link = t->stream_next;
	if (t->stream_next)
		t->stream_next->stream_link = t->stream_link;
	t->conn->nstreaming--;
}

static void queue_final(struct turn *t)
{
	struct conn *c = t->conn;

	t->final = true;
	t->final_next = NULL;
	*c->finals_tail = t;
	c->finals_tail = &t->final_next;
	edit_run(c);
}

static void unqueue_final(struct turn *t)
{
	struct conn *c = t->conn;
	struct turn **link;

	for (link = &c->finals; *link; link = &(*link)->final_next) {
		if (*link != t)
			continue;
		*link = t->final_next;
		if (!*link)
			c->finals_tail = link;
		return;
	}
}

static void start(struct turn *t, const struct shape *s)
{
	struct err e = { 0 };
	struct buf form;

	if (turn_lease(t) != LEASE_HELD)
		return;
	turn_enter(t);
	buf_init(&form, SHAPE_FORM_MAX);
	http_form(&form, "channel", t->where);
	http_form(&form, "ts", t->parts[0]);
	shape_form(s, &form);
	/* Without it Slack keeps what is there: an interim edit that arrives
	 * after the last one would pass for it. */
	post_metadata(&form, t, 0, t->final);
	t->edit = worker_call(t->w, t->job, "chat.update", &form, on_edited, t,
			      &e);
	buf_release(&form);
	t->edited_ms = clock_ms();
	t->nedits++;
	t->flying = t->edit != NULL;
	atomic_fetch_add(&t->w->count->edits, 1);
}

static void start_final(struct turn *t)
{
	struct shape s;

	t->want = EDIT_NONE;
	if (write_shape(t, 0, &s) == 0) {
		candid_sent(t, &s);
		start(t, &s);
		shape_release(&s);
	}
	if (!t->flying)
		turn_after(t, ALONE_MS, edit_final);
}

/* Nothing is sent when nothing visible changed. */
static void start_interim(struct turn *t)
{
	enum shape_kind kind = t->conn->no_blocks ? SHAPE_TEXT : SHAPE_BLOCKS;
	struct shape s;
	struct buf md;
	uint64_t h;
	int rc;

	buf_init(&md, 16 * BLOCKS_PART_MAX);
	t->want = EDIT_NONE;
	rc = t->answer.len > 0 ? people_interim(t, &md)
			       : buf_adds(&md, t->backlog);
	if (rc == 0 && md.len > 0 &&
	    shape_make(&s, md.data, md.len, kind) == 0) {
		controls_stop(t, &s);
		h = hash(&s);
		if (h != t->shown &&
		    pace_take(&t->conn->edits, clock_ms()) == 0)
			start(t, &s);
		t->shown = h;
		shape_release(&s);
	}
	buf_release(&md);
}

/* Whoever would wait for too long goes another way. */
static void swap_late(struct conn *c, int64_t wait, int64_t now)
{
	struct turn *t, *next;

	for (t = c->finals; t; t = next) {
		next = t->final_next;
		if (wait > PATIENCE_MS && swap_may(t, wait, now)) {
			unqueue_final(t);
			t->final = false;
			t->want = EDIT_NONE;
			swap_start(t, false);
		} else {
			wait += c->edits.cost_ms;
		}
	}
}

/* 0, or how long the finals must wait. */
static int64_t run_finals(struct conn *c, int64_t now)
{
	struct turn *t;
	int64_t wait;

	while (c->finals) {
		wait = pace_take(&c->edits, now);
		if (wait > 0) {
			swap_late(c, wait, now);
			return c->finals ? wait : 0;
		}
		t = c->finals;
		unqueue_final(t);
		start_final(t);
	}
	return 0;
}

/* The one that is due first; NULL when none wants an edit. */
static struct turn *next_interim(struct conn *c)
{
	struct turn *t, *best = NULL;

	for (t = c->streaming; t; t = t->stream_next) {
		if (t->want != EDIT_INTERIM || t->flying)
			continue;
		if (!best || due_ms(t) < due_ms(best))
			best = t;
	}
	return best;
}

static int64_t run_interims(struct conn *c, int64_t now)
{
	int keep = c->nstreaming > 1 ? KEEP_CROWD : KEEP_ALONE;
	struct turn *t;
	int64_t wait;

	for (;;) {
		t = next_interim(c);
		if (!t)
			return 0;
		wait = due_ms(t) - now;
		if (wait <= 0)
			wait = pace_wait(&c->edits, 1 + keep, now);
		if (wait > 0)
			return wait;
		start_interim(t);
	}
}

void edit_run(struct conn *c)
{
	int64_t now = clock_ms();
	int64_t wait = run_finals(c, now);

	if (wait == 0)
		wait = run_interims(c, now);
	if (wait > 0)
		loop_timer_set(c->timer, wait);
}

void edit_interim(struct turn *t)
{
	if (t->want != EDIT_NONE || t->no_interim || whisper_is(t))
		return;
	join_stream(t);
	t->want = EDIT_INTERIM;
	if (!t->flying)
		edit_run(t->conn);
}

void edit_final(struct turn *t)
{
	leave_stream(t);
	t->want = EDIT_FINAL;
	if (!t->flying)
		queue_final(t);
}

void edit_leave(struct turn *t)
{
	leave_stream(t);
	if (t->final)
		unqueue_final(t);
	t->want = EDIT_NONE;
}

static void final_done(struct turn *t, const struct slack_result *r)
{
	killpoint("written");
	if (r->fault == SLACK_OK && t->lost) {
		t->lost = false;
		turn_after(t, ONCE_MORE_MS, edit_final);
	} else if (r->fault == SLACK_OK) {
		t->tries = 0;
		write_edited(t, NULL);
	} else if (r->fault == SLACK_RATE) {
		queue_final(t); /* the bucket knows how long */
	} else if (r->fault == SLACK_TRANSIENT) {
		turn_after(t, turn_retry_ms(t, r), edit_final);
	} else {
		write_edited(t, r);
	}
}

static void interim_done(struct turn *t, const struct slack_result *r)
{
	if (r->maybe || r->again) {
		t->lost = t->stale = true;
		t->doubt_ms = clock_ms();
	}
	switch (r->fault) {
	case SLACK_OK:
		break;
	case SLACK_RATE:
		t->shown = 0;
		break;
	case SLACK_TRANSIENT:
		t->shown = 0;
		break;
	case SLACK_POLICY:
	case SLACK_CONTENT:
	case SLACK_OURS:
		t->no_interim = true;
		leave_stream(t);
		break;
	case SLACK_GONE:
	case SLACK_DEAD:
	case SLACK_CONFIG:
		turn_refused(t, r);
		return;
	}
	if (t->want == EDIT_FINAL)
		queue_final(t);
	else if (r->fault == SLACK_RATE)
		t->want = EDIT_NONE;
}

static void on_edited(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;
	struct conn *c = t->conn;

	t->edit = NULL;
	t->flying = false;
	if (r->fault == SLACK_RATE) {
		atomic_fetch_add(&t->w->count->limited, 1);
		pace_block(&c->edits, clock_ms(), r->retry_ms);
	}
	if (r->fault == SLACK_OK)
		token_taken(t->w, &t->job->connection);
	c->refs++; /* t may be gone, and c with it, when this returns */
	if (t->final && t->want == EDIT_NONE)
		final_done(t, r);
	else
		interim_done(t, r);
	edit_run(c);
	conn_put(c);
}
