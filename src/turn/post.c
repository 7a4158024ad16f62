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
#include "turn/candid.h"
#include "turn/post.h"
#include "turn/turn.h"

/*
 * A post may not be repeated, and Slack knows no idempotency key. So after a
 * lost answer, or a restart, we look for our own metadata in the thread
 * before posting (again); and once more later, as the lost one may have been
 * late: then the younger twin goes.
 */

#define METADATA_MAX 4096
#define SETTLE_MS    2000 /* a lost post needs a moment to arrive */

static void on_posted(const struct slack_result *r, void *arg);

int post_grow(struct turn *t, size_t nparts)
{
	char(*bigger)[TS_SIZE];

	if (nparts <= t->nparts)
		return 0;
	bigger = reallocarray(t->parts, nparts, TS_SIZE);
	if (!bigger)
		return -1;
	t->parts = bigger;
	memset(bigger + t->nparts, 0, (nparts - t->nparts) * TS_SIZE);
	t->nparts = nparts;
	return 0;
}

static void finish(struct turn *t, const struct slack_result *r)
{
	t->posting = false;
	shape_release(&t->post_shape);
	t->posted(t, r);
}

/* Behind the others; or at the front when it was its turn already. */
static void enqueue(struct turn *t, bool front)
{
	struct channel *ch = t->channel;

	t->queued = true;
	if (front) {
		t->post_next = ch->waiting;
		ch->waiting = t;
		if (!t->post_next)
			ch->waiting_tail = &t->post_next;
	} else {
		t->post_next = NULL;
		*ch->waiting_tail = t;
		ch->waiting_tail = &t->post_next;
	}
	post_run(ch);
}

static void dequeue(struct turn *t)
{
	struct channel *ch = t->channel;
	struct turn **link;

	for (link = &ch->waiting; *link != t; link = &(*link)->post_next)
		;
	*link = t->post_next;
	if (!*link)
		ch->waiting_tail = link;
	t->queued = false;
}

static void repost(struct turn *t)
{
	enqueue(t, true);
}

static const char *match(struct turn *t, const struct json *body)
{
	const char *not_ts = t->voided[0] != '\0' ? t->voided : NULL;

	return look_find(body, &t->job->connection, t->job->entry.id, t->part,
			 not_ts);
}

static void on_look(struct turn *t, const struct slack_result *r,
		    const char *ts);

static void look(struct turn *t)
{
	if (look_start(t, match, on_look) < 0)
		turn_after(t, SETTLE_MS, look);
}

static void go_on(struct turn *t)
{
	finish(t, NULL);
}

/*
 * The model needn't wait for the note of the placeholder. Later parts do, so
 * that no more than two notes are ever due.
 */
static void stands(struct turn *t, const char *ts)
{
	(void)snprintf(t->parts[t->part], TS_SIZE, "%s", ts);
	t->tries = 0;
	note_part(t, t->part, ts, t->part > 0 ? go_on : NULL);
	if (t->part == 0)
		go_on(t);
}

/* Nothing of it is to be seen in Slack, and nobody waits for it any more. */
static bool is_too_late(const struct turn *t)
{
	int64_t most = t->conf->replay_max_age_minutes * INT64_C(60000);

	return t->part == 0 && !t->resumed && most > 0 &&
	       clock_ms() - t->began_ms > most;
}

static void later(struct turn *t, const struct slack_result *r,
		  void (*fn)(struct turn *t))
{
	if (fn == repost && is_too_late(t))
		finish(t, r);
	else
		turn_after(t, turn_retry_ms(t, r), fn);
}

/* Nothing new is said for what has no hope; see job.h. But a placeholder that
 * another post was to replace goes only when that is there. */
static bool may_post(const struct turn *t)
{
	return t->part > 0 || t->voided[0] != '\0' ||
	       t->job->hope <= JOB_CRASHES;
}

/* What an earlier process has sent may still arrive, and wants its sentence
 * then: the last look is after the time limit of that call. */
static bool await_late(struct turn *t, const struct slack_result *r)
{
	int64_t wait = turn_doubt_left(t);

	if (!t->job->intended || r->fault != SLACK_OK || wait == 0)
		return false;
	turn_after(t, wait, look);
	return true;
}

static void on_look(struct turn *t, const struct slack_result *r,
		    const char *ts)
{
	if (r->fault == SLACK_TRANSIENT || r->fault == SLACK_RATE) {
		later(t, r, look);
		return;
	}
	if (ts) {
		log_info(LOG_FIELDS({ "entry", t->job->entry.id }),
			 "found the post that seemed lost");
		stands(t, ts);
		return;
	}
	if (!may_post(t)) {
		if (!await_late(t, r))
			finish(t, NULL);
		return;
	}
	/* With another token it is looked for again, as a dead letter. */
	if (r->fault == SLACK_DEAD) {
		finish(t, r);
		return;
	}
	/* Without the scope to look, better twice than never. */
	if (r->fault != SLACK_OK)
		log_warn(LOG_FIELDS({ "entry", t->job->entry.id },
				    { "error", r->error }),
			 "cannot look for a post that seemed lost");
	else
		t->doubt_ms = clock_ms();
	repost(t);
}

void post_metadata(struct buf *form, const struct turn *t, size_t part,
		   bool final)
{
	struct buf meta;

	buf_init(&meta, METADATA_MAX);
	(void)buf_addf(&meta,
		       "{\"event_type\":\"" POST_EVENT "\",\"event_payload\":"
		       "{\"entry\":\"%s\",\"part\":%zu",
		       t->job->entry.id, part);
	if (t->covers)
		(void)buf_addf(&meta, ",\"covers\":\"%s\"", t->covers);
	(void)buf_addf(&meta, "%s}}", final ? ",\"final\":1" : "");
	if (meta.failed)
		form->failed = true;
	else
		http_form(form, "metadata", meta.data);
	buf_release(&meta);
}

static void post_now(struct turn *t)
{
	struct err e = { 0 };
	struct buf form;

	if (turn_lease(t) != LEASE_HELD) {
		turn_after(t, LEASE_WAIT_MS, repost);
		return;
	}
	turn_enter(t);
	buf_init(&form, SHAPE_FORM_MAX);
	http_form(&form, "channel", t->where);
	http_form(&form, "thread_ts", t->job->msg->thread_id);
	shape_form(&t->post_shape, &form);
	candid_sent(t, &t->post_shape);
	http_form(&form, "unfurl_links", "false");
	http_form(&form, "unfurl_media", "false");
	post_metadata(&form, t, t->part, t->state == TURN_WRITING);
	t->call = worker_call(t->w, t->job, "chat.postMessage", &form,
			      on_posted, t, &e);
	buf_release(&form);
	if (!t->call)
		turn_after(t, SETTLE_MS, repost);
}

static void accepted(struct turn *t, const struct json *body)
{
	const char *ts = json_str(body, "ts");
	const char *channel = json_str(body, "channel");

	/* A post to a person (U...) goes to a conversation (D...). */
	if (channel && strlen(channel) < sizeof(t->where))
		(void)snprintf(t->where, sizeof(t->where), "%s", channel);
	if (ts && ts_valid(ts))
		stands(t, ts);
	else
		look(t);
}

static void on_posted(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;

	t->call = NULL;
	if (r->fault == SLACK_OK) {
		killpoint("posted");
		accepted(t, r->body);
	} else if (r->fault == SLACK_RATE) {
		atomic_fetch_add(&t->w->count->limited, 1);
		pace_block(&t->conn->posts, clock_ms(), r->retry_ms);
		/* A quota that is used up may stay so for weeks. */
		if (is_too_late(t))
			finish(t, r);
		else
			repost(t);
	} else if (r->maybe) {
		log_warn(LOG_FIELDS({ "entry", t->job->entry.id },
				    { "error", r->error }),
			 "answer to a post was lost, looking for it");
		turn_after(t, SETTLE_MS, look);
	} else if (r->fault == SLACK_TRANSIENT) {
		later(t, r, repost);
	} else if (r->fault == SLACK_CONTENT && t->state == TURN_PLACING &&
		   t->post_shape.blocks) {
		t->conn->no_blocks = true;
		free(t->post_shape.blocks);
		t->post_shape.blocks = NULL;
		repost(t);
	} else {
		finish(t, r);
	}
}

/* Lets those post whom the pace allows, and comes back for the others. */
void post_run(struct channel *ch)
{
	int64_t now = clock_ms();
	struct turn *t;
	int64_t wait;

	while (ch->waiting) {
		wait = ch->conn->posts.blocked_until_ms - now;
		if (wait <= 0)
			wait = pace_take(&ch->pace, now);
		if (wait > 0) {
			loop_timer_set(ch->timer, wait);
			return;
		}
		t = ch->waiting;
		dequeue(t);
		post_now(t);
	}
}

int64_t post_settle_ms(const struct turn *t)
{
	int64_t left = t->doubt_ms + SETTLE_MS - clock_ms();

	return t->job->intended && left > 0 ? left : 0;
}

void post_part(struct turn *t, size_t k, struct shape *s, bool sure,
	       void (*done)(struct turn *t, const struct slack_result *r))
{
	t->posting = true;
	t->part = k;
	t->post_shape = *s;
	t->posted = done;
	t->tries = 0;
	if (sure)
		enqueue(t, false);
	else
		turn_after(t, post_settle_ms(t), look);
}

void post_leave(struct turn *t)
{
	if (t->queued)
		dequeue(t);
	t->posting = false;
	shape_release(&t->post_shape);
}
