/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "net/http.h"
#include "route/job.h"
#include "slack/undone.h"
#include "turn/post.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * A request whose answer was lost, or whose process died, may reach Slack
 * until its time is over. So much later the thread is looked through once
 * more, and what came twice is deleted; and the last edit is made again, as
 * an older one may have come after it.
 */

#define FORM_MAX 1024

static void look(struct turn *t);

static void finish(struct turn *t)
{
	if (t->stale && t->parts[0][0] != '\0') {
		t->stale = false;
		edit_final(t); /* write_edited() comes back to heal_edited() */
	} else {
		turn_set(t, TURN_CLOSING);
	}
}

void heal_edited(struct turn *t)
{
	turn_set(t, TURN_CLOSING);
}

/* With another token it is looked at again, as a dead letter that has its
 * answer. What nobody wants any more isn't. */
static bool refused(struct turn *t, const struct slack_result *r)
{
	if (r->fault != SLACK_DEAD || t->withdrawn || t->before)
		return false;
	log_warn(LOG_FIELDS({ "entry", t->job->entry.id },
			    { "error", r->error }),
		 "cannot look for what may have come twice");
	turn_step(t, "slack", r->error);
	token_refused(t->w, &t->job->connection, r->error);
	if (t->verdict[0] == '\0')
		(void)snprintf(t->verdict, sizeof(t->verdict),
			       VERDICT_DEAD_TOKEN);
	t->end_state = ENTRY_DEAD;
	turn_set(t, TURN_CLOSING);
	return true;
}

static bool later(struct turn *t, const struct slack_result *r)
{
	if (refused(t, r))
		return true;
	if (r->fault != SLACK_TRANSIENT && r->fault != SLACK_RATE)
		return false;
	turn_after(t, turn_retry_ms(t, r), look);
	return true;
}

/* Whatever came of it, the next look tells. */
static void on_deleted(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;

	t->call = NULL;
	if (r->fault == SLACK_RATE) {
		atomic_fetch_add(&t->w->count->limited, 1);
		pace_block(&t->conn->deletes, clock_ms(), r->retry_ms);
	}
	if (later(t, r))
		return;
	log_info(
		LOG_FIELDS({ "entry", t->job->entry.id },
			   { "error", r->fault == SLACK_OK ? NULL : r->error }),
		"deleted a post that had arrived twice");
	turn_step(t, "twin", r->fault == SLACK_OK ? NULL : r->error);
	if (r->fault == SLACK_OK || r->fault == SLACK_GONE)
		look(t);
	else
		finish(t);
}

/* Ended or not, it is deleted next. */
static void on_halted(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;

	t->call = NULL;
	if (later(t, r))
		return;
	flow_forgotten(t, r);
	t->flow.halted = true;
	look(t);
}

static void delete_twin(struct turn *t, const char *ts)
{
	bool running = t->flow.found && !t->flow.halted;
	struct err e = { 0 };
	struct buf form;
	int64_t wait;

	if (turn_lease(t) != LEASE_HELD) {
		turn_after(t, LEASE_WAIT_MS, look);
		return;
	}
	wait = pace_take(&t->conn->deletes, clock_ms());
	if (wait > 0) {
		turn_after(t, wait, look);
		return;
	}
	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", t->where);
	http_form(&form, "ts", ts);
	if (!running)
		undone_note(t->where, ts);
	t->call = worker_call(t->w, t->job,
			      running ? "chat.stopStream" : "chat.delete",
			      &form, running ? on_halted : on_deleted, t, &e);
	buf_release(&form);
	if (!t->call)
		finish(t);
}

/* Of what is covered an earlier process may have sent a placeholder. */
static const char *find_stray(const struct turn *t, const struct json *body)
{
	const struct entry *en = &t->job->entry;
	const char *stray = NULL;
	size_t i;

	for (i = 0; i < en->ncovered && !stray; i++)
		stray = look_find(body, &t->job->connection, en->covered[i].id,
				  0, NULL);
	return stray;
}

/* Also what an earlier attempt posted of a longer reply than this one. But of
 * a part that doesn't stand, as Slack refused it or an earlier process has
 * posted it, what is found is no twin. */
static const char *find_twin(struct turn *t, const struct json *body)
{
	const char *twin = find_stray(t, body);
	size_t k;

	for (k = 0; k < t->nparts && !twin; k++) {
		/* Of an answer by an earlier process we know no length. */
		if (t->parts[k][0] == '\0' && (t->before || k < t->reply.n))
			continue;
		twin = look_find(body, &t->job->connection, t->job->entry.id, k,
				 k < t->reply.n || t->before ? t->parts[k]
							     : NULL);
	}
	t->flow.found = !twin;
	return twin ? twin : flow_find(t, body);
}

static void on_look(struct turn *t, const struct slack_result *r,
		    const char *twin)
{
	if (later(t, r))
		return;
	if (twin)
		delete_twin(t, twin);
	else
		finish(t);
}

static void look(struct turn *t)
{
	killpoint("healing");
	if (look_start(t, find_twin, on_look) < 0)
		finish(t);
}

void heal_start(struct turn *t)
{
	session_end(t);
	if (t->job->entry.state != ENTRY_WRITTEN && !t->before && !t->refused &&
	    !t->withdrawn)
		note_answer(t, ENTRY_WRITTEN, NULL);
	turn_after(t, turn_doubt_left(t), look);
}
