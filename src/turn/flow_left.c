/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "net/http.h"
#include "route/job.h"
#include "route/message.h"
#include "slack/undone.h"
#include "turn/flow.h"
#include "turn/post.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * Streams that are of no use any more: of a process that died, or of an answer
 * that nobody wants. Slack may not delete what still runs, so it is ended
 * first; that it has ended already is no failure.
 */

#define CLOCK_MS 60000 /* that Slack's clock and ours may differ */

void flow_take_up(struct turn *t, const char *mark)
{
	struct flow *f = &t->flow;

	f->tried = mark[0] == '?' || ts_valid(mark);
	if (mark[0] == '?') {
		f->lost = true;
		f->intent_s = strtoll(mark + 1, NULL, 10);
	} else if (ts_valid(mark)) {
		f->state = FLOW_LEFT;
		(void)snprintf(f->ts, TS_SIZE, "%s", mark);
	}
}

static void gone(struct turn *t)
{
	struct flow *f = &t->flow;

	f->state = FLOW_ENDED;
	f->ts[0] = '\0';
	note_part(t, PART_FLOW, "0", f->then);
}

static void delete_it(struct turn *t);

static void on_deleted(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;

	t->flow.call = NULL;
	if (flow_limited(t, &t->conn->deletes, r) ||
	    r->fault == SLACK_TRANSIENT)
		flow_after(t, turn_retry_ms(t, r), delete_it);
	else if (r->fault == SLACK_DEAD)
		turn_refused(t, r); /* with another token it is tried again */
	else
		gone(t);
}

static void delete_it(struct turn *t)
{
	int64_t wait = LEASE_WAIT_MS;
	struct buf form;

	if (turn_lease(t) == LEASE_HELD)
		wait = pace_take(&t->conn->deletes, clock_ms());
	if (wait > 0) {
		flow_after(t, wait, delete_it);
		return;
	}
	flow_form(t, &form);
	undone_note(t->where, t->flow.ts);
	flow_call(t, "chat.delete", &form, on_deleted);
	if (!t->flow.call)
		flow_after(t, LEASE_WAIT_MS, delete_it);
}

void flow_forgotten(struct turn *t, const struct slack_result *r)
{
	if (strcmp(r->error, FLOW_NOT_STREAMING) == 0)
		session_rest(t->w, t->job);
}

/* It has ended. */
static void go_on(struct turn *t)
{
	struct flow *f = &t->flow;

	if (f->keep) {
		f->state = FLOW_ENDED;
		f->ts[0] = '\0'; /* it is a part like any other */
		f->then(t);
	} else {
		delete_it(t);
	}
}

static void halt(struct turn *t);

static void on_halted(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;

	t->flow.call = NULL;
	if (flow_limited(t, &t->conn->flow_stops, r) ||
	    r->fault == SLACK_TRANSIENT) {
		flow_after(t, turn_retry_ms(t, r), halt);
	} else if (r->fault == SLACK_DEAD) {
		turn_refused(t, r);
	} else {
		flow_forgotten(t, r);
		go_on(t);
	}
}

static void halt(struct turn *t)
{
	struct buf form;

	if (turn_lease(t) != LEASE_HELD) {
		flow_after(t, LEASE_WAIT_MS, halt);
		return;
	}
	flow_form(t, &form);
	if (t->flow.keep)
		post_metadata(&form, t, 0, false);
	flow_call(t, "chat.stopStream", &form, on_halted);
	if (!t->flow.call)
		flow_after(t, LEASE_WAIT_MS, halt);
}

static bool end_left(struct turn *t, void (*then)(struct turn *t))
{
	struct flow *f = &t->flow;

	if (flow_timer(t) < 0)
		return false;
	f->state = FLOW_LEFT;
	f->then = then;
	halt(t);
	return true;
}

bool flow_clean(struct turn *t, void (*then)(struct turn *t))
{
	struct flow *f = &t->flow;

	if (f->state != FLOW_LEFT)
		return false;
	f->keep = strcmp(t->parts[0], f->ts) == 0;
	return end_left(t, then);
}

bool flow_discard(struct turn *t, void (*then)(struct turn *t))
{
	struct flow *f = &t->flow;

	if (f->ts[0] == '\0')
		return false;
	if (strcmp(t->parts[0], f->ts) == 0 && t->voided[0] != '\0') {
		memcpy(t->parts[0], t->voided, TS_SIZE);
		t->voided[0] = '\0';
	}
	f->keep = strcmp(t->parts[0], f->ts) == 0;
	return end_left(t, then);
}

const char *flow_find(struct turn *t, const struct json *body)
{
	int64_t ms = t->flow.intent_s * 1000;
	int64_t longest = t->conf->slack_timeout_s * INT64_C(1000);
	int64_t asked_ms = ts_ms(t->job->msg->channel.ts);
	int64_t from_ms = ms - CLOCK_MS;

	if (!t->flow.lost)
		return NULL;
	if (slack_longest_ms() > longest)
		longest = slack_longest_ms();
	/* The root may be a message of ours. */
	if (from_ms <= asked_ms)
		from_ms = asked_ms + 1;
	return look_bare(body, &t->job->connection, from_ms,
			 ms + CLOCK_MS + longest);
}
