/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "net/http.h"
#include "route/job.h"
#include "route/message.h"
#include "turn/flow.h"
#include "turn/post.h"
#include "turn/turn.h"

/*
 * An answer by Slack's own methods for that (chat.startStream, appendStream,
 * stopStream), where the tenant has opted into it. Only the last of them takes
 * metadata, so the placeholder stays what a restart finds, until the stream
 * ends: then its message takes the place of part 0, as one of swap.c does. The
 * journal knows of a stream before Slack does (PART_FLOW), and then which
 * message it is.
 *
 * What is shown can only grow. So it is what a rendering of the answer so far
 * has in whole words; where the last rendering doesn't begin with it, or has
 * what no stream can show, an edit puts it right. Whatever goes wrong, the
 * stream is ended and its message edited from there on. There is one stream in
 * a turn at most.
 */

#define FORM_MAX   (256 * 1024)
#define TEXT_MAX   (256 * 1024)
#define EVERY_MS   700
#define SHARE_MS   750          /* for each stream in the workspace */
#define OLD_MS     (210 * 1000) /* Slack ends them after some five minutes */
#define REFUSED_MS (60 * 60 * 1000)
#define DIED_MS    (10 * 60 * 1000)
#define RUN_MAX    64 /* bytes without a blank that are held back */

static void append(struct turn *t);

static void on_timer(void *arg)
{
	struct turn *t = arg;
	void (*fn)(struct turn * t) = t->flow.on_timer;

	turn_enter(t);
	t->flow.on_timer = NULL;
	if (fn)
		fn(t);
}

int flow_timer(struct turn *t)
{
	struct flow *f = &t->flow;

	if (!f->timer)
		f->timer = loop_timer_create(t->w->loop, on_timer, t);
	return f->timer ? 0 : -1;
}

void flow_after(struct turn *t, int64_t ms, void (*fn)(struct turn *t))
{
	t->flow.on_timer = fn;
	loop_timer_set(t->flow.timer, ms);
}

void flow_call(struct turn *t, const char *method, struct buf *form,
	       slack_done *done)
{
	struct err e = { 0 };

	turn_enter(t);
	t->flow.call = worker_call(t->w, t->job, method, form, done, t, &e);
	buf_release(form);
}

void flow_form(const struct turn *t, struct buf *form)
{
	buf_init(form, FORM_MAX);
	http_form(form, "channel", t->where);
	if (t->flow.ts[0] != '\0')
		http_form(form, "ts", t->flow.ts);
}

bool flow_limited(struct turn *t, struct pace *p, const struct slack_result *r)
{
	if (r->fault != SLACK_RATE)
		return false;
	atomic_fetch_add(&t->w->count->limited, 1);
	pace_block(p, clock_ms(), r->retry_ms);
	return true;
}

static void remember(struct turn *t, int64_t ms, const char *error)
{
	t->conn->flow_refused_ms = clock_ms() + ms;
	log_info(LOG_FIELDS({ "entry", t->job->entry.id },
			    { "tenant", t->job->msg->tenant_id },
			    { "error", error }),
		 "Slack doesn't stream here; answers are edited for a while");
}

/* Whoever streams slows the others down. */
void flow_count(struct turn *t, bool one_more)
{
	if (one_more != t->flow.counted)
		t->conn->nflows += one_more ? 1 : (size_t)-1;
	t->flow.counted = one_more;
}

/* ---- what is shown ---- */

/* Whole words: where a rendering may change is its end. */
static size_t settled(const char *p, size_t n)
{
	size_t end = n;

	while (end > 0 && !strchr(" \n", p[end - 1]) && n - end < RUN_MAX)
		end--;
	if (end == 0 || n - end == RUN_MAX)
		for (end = n > RUN_MAX ? n - RUN_MAX : 0;
		     end > 0 && ((unsigned char)p[end] & 0xc0) == 0x80;)
			end--;
	while (end > 0 && strchr(" \n", p[end - 1]))
		end--;
	return end;
}

/* What is to be added now; false: nothing. */
static bool next_piece(struct turn *t, struct buf *out)
{
	struct flow *f = &t->flow;
	struct buf md;
	size_t end = 0;

	buf_init(&md, TEXT_MAX);
	if (t->answer.len > 0 &&
	    reply_interim(t->answer.data, t->answer.len, &md) == 0 &&
	    md.len > 0)
		end = settled(md.data, md.len);
	if (end > f->sent.len &&
	    (f->sent.len == 0 ||
	     memcmp(md.data, f->sent.data, f->sent.len) == 0))
		(void)buf_add(out, md.data + f->sent.len, end - f->sent.len);
	buf_release(&md);
	return out->len > 0 && !out->failed;
}

/* ---- growing ---- */

static int64_t interval(const struct turn *t)
{
	int64_t ms = SHARE_MS * (int64_t)t->conn->nflows;

	return ms > EVERY_MS ? ms : EVERY_MS;
}

void flow_proceed(struct turn *t)
{
	struct flow *f = &t->flow;

	if (f->state != FLOW_OPEN || f->call)
		return;
	if (f->closing || f->dead)
		flow_move(t);
	else if (!f->on_timer)
		flow_after(t, interval(t), append);
}

static void on_appended(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;
	struct flow *f = &t->flow;

	f->call = NULL;
	if (r->fault == SLACK_OK) {
		killpoint("appended_flow");
	} else {
		/* It may have arrived all the same. */
		f->sent.len -= r->maybe ? 0 : f->flying;
		f->inexact |= r->maybe;
		if (!flow_limited(t, &t->conn->flow_appends, r))
			f->dead = true;
	}
	if (strcmp(r->error, FLOW_NOT_STREAMING) == 0)
		remember(t, DIED_MS, r->error);
	flow_proceed(t);
}

static void append(struct turn *t)
{
	struct flow *f = &t->flow;
	struct buf form, text;
	int64_t wait;

	if (f->state != FLOW_OPEN || f->call || t->state != TURN_STREAMING)
		return;
	f->dead |= clock_ms() - f->since_ms > OLD_MS;
	wait = pace_wait(&t->conn->flow_appends, 1, clock_ms());
	if (f->dead || turn_lease(t) != LEASE_HELD || wait > 0) {
		if (f->dead)
			flow_move(t);
		else
			flow_after(t, wait > 0 ? wait : LEASE_WAIT_MS, append);
		return;
	}
	buf_init(&text, TEXT_MAX);
	if (next_piece(t, &text) &&
	    buf_add(&f->sent, text.data, text.len) == 0) {
		(void)pace_take(&t->conn->flow_appends, clock_ms());
		f->flying = text.len;
		flow_form(t, &form);
		http_form(&form, "markdown_text", text.data);
		flow_call(t, "chat.appendStream", &form, on_appended);
		if (!f->call)
			f->sent.len -= f->flying;
	}
	buf_release(&text);
}

/* ---- the beginning ---- */

/* No stream: the placeholder is edited, as ever. */
static void fall_back(struct turn *t)
{
	t->flow.state = FLOW_NONE;
	flow_count(t, false);
	if (t->withdrawn)
		(void)stop_pending(t);
	else if (t->flow.closing)
		edit_final(t);
	else if (t->state == TURN_STREAMING)
		edit_interim(t);
}

static void opened(struct turn *t, const char *ts)
{
	struct flow *f = &t->flow;

	f->state = FLOW_OPEN;
	(void)snprintf(f->ts, TS_SIZE, "%s", ts);
	turn_step(t, "stream", NULL);
	note_part(t, PART_FLOW, ts, NULL);
	if (t->withdrawn)
		(void)stop_pending(t);
	else
		flow_proceed(t);
}

static void on_started(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;
	struct flow *f = &t->flow;
	const char *ts = json_str(r->body, "ts");

	f->call = NULL;
	if (r->fault == SLACK_OK && ts && ts_valid(ts)) {
		killpoint("flowing");
		opened(t, ts);
		return;
	}
	if (r->fault == SLACK_OK || r->maybe) {
		f->lost = true; /* heal.c looks for it */
		t->doubt_ms = clock_ms();
	} else if (!flow_limited(t, &t->conn->flow_starts, r) &&
		   r->fault != SLACK_TRANSIENT) {
		remember(t, REFUSED_MS, r->error);
	}
	fall_back(t);
}

static void start(struct turn *t)
{
	struct flow *f = &t->flow;
	const struct message *m = t->job->msg;
	struct buf form, text;

	if (f->state != FLOW_NOTING)
		return;
	if (t->state != TURN_STREAMING || turn_lease(t) != LEASE_HELD) {
		fall_back(t);
		return;
	}
	buf_init(&text, TEXT_MAX);
	flow_form(t, &form);
	http_form(&form, "thread_ts", m->thread_id);
	if (!message_is_direct(m)) {
		http_form(&form, "recipient_user_id", m->sender.user_id);
		http_form(&form, "recipient_team_id", m->channel.workspace_id);
	}
	if (next_piece(t, &text)) {
		http_form(&form, "markdown_text", text.data);
		(void)buf_add(&f->sent, text.data, text.len);
	}
	buf_release(&text);
	f->state = FLOW_STARTING;
	f->since_ms = clock_ms();
	flow_call(t, "chat.startStream", &form, on_started);
	if (!f->call)
		fall_back(t);
}

static bool may_begin(const struct turn *t)
{
	const struct message *m = t->job->msg;

	return t->job->connection.tenant.streaming && !whisper_is(t) &&
	       !m->sender.bot && !m->sender.external &&
	       t->parts[0][0] != '\0' && t->voided[0] == '\0' && !t->reposted &&
	       !t->parked && t->nnotes < 2 &&
	       t->conn->flow_refused_ms <= clock_ms() && !t->conn->no_blocks;
}

static void begin(struct turn *t)
{
	struct flow *f = &t->flow;
	char mark[TS_SIZE];

	f->tried = true;
	if (!may_begin(t))
		return;
	if (flow_timer(t) < 0 ||
	    pace_wait(&t->channel->pace, 1, clock_ms()) > 0 ||
	    pace_take(&t->conn->flow_starts, clock_ms()) > 0)
		return;
	(void)pace_take(&t->channel->pace, clock_ms());
	edit_leave(t);
	buf_init(&f->sent, TEXT_MAX);
	f->state = FLOW_NOTING;
	flow_count(t, true);
	f->intent_s = clock_wall_ms() / 1000;
	(void)snprintf(mark, sizeof(mark), "?%lld", (long long)f->intent_s);
	note_part(t, PART_FLOW, mark, start);
}

bool flow_shows(const struct turn *t)
{
	enum flow_state s = t->flow.state;

	return s != FLOW_NONE && s != FLOW_ENDED && s != FLOW_LEFT;
}

bool flow_text(struct turn *t)
{
	struct flow *f = &t->flow;

	if (!f->tried)
		begin(t);
	if (f->state == FLOW_OPEN)
		flow_proceed(t);
	return flow_shows(t);
}

void flow_settle(struct turn *t)
{
	struct flow *f = &t->flow;

	if (f->state == FLOW_NOTING) {
		f->state = FLOW_NONE;
		flow_count(t, false);
	}
	if (!flow_shows(t))
		return;
	f->dead = f->inexact = true;
	flow_proceed(t);
}

bool flow_is_starting(const struct turn *t)
{
	return t->flow.state == FLOW_STARTING;
}

void flow_leave(struct turn *t)
{
	struct flow *f = &t->flow;

	slack_cancel(f->call);
	f->call = NULL;
	f->on_timer = NULL;
	if (f->timer)
		loop_timer_stop(f->timer);
	if (f->state == FLOW_STARTING)
		f->lost = true;
	if (f->state == FLOW_STARTING || f->state == FLOW_NOTING)
		f->state = FLOW_NONE;
	flow_count(t, false);
}

void flow_release(struct turn *t)
{
	flow_leave(t);
	loop_timer_free(t->flow.timer);
	buf_release(&t->flow.sent);
}
