/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "net/http.h"
#include "route/job.h"
#include "route/message.h"
#include "slack/markdown.h"
#include "slack/undone.h"
#include "slack/words.h"
#include "turn/read.h"
#include "turn/turn.h"

/*
 * People change their minds while an answer is being written: they stop it,
 * take their question back, or put it in other words.
 */

#define FORM_MAX 1024

/* The model, what is read for it, and what waits for either; not a post or an
 * edit that is on its way. */
static void halt(struct turn *t)
{
	llm_cancel(t->llm);
	t->llm = NULL;
	t->naming = t->fetching = false;
	turn_stop_timer(t);
	if (t->state == TURN_READING) {
		slack_cancel(t->call);
		t->call = NULL;
	}
}

/* From the end of the answer on it is too late. */
static bool in_time(const struct turn *t)
{
	return t->state <= TURN_STREAMING && !t->resumed && !t->parked &&
	       !t->abandoned && !t->withdrawn;
}

static void end_stopped(struct turn *t)
{
	log_info(LOG_FIELDS({ "entry", t->job->entry.id }), "stopped");
	halt(t);
	if (t->answer.len == 0) {
		turn_fail(t, SENTENCE_STOPPED, "stopped");
		return;
	}
	mrkdwn_close(&t->answer);
	(void)buf_addf(&t->answer, "\n\n%s",
		       words_get(WORDS_STOPPED, t->job->agent.locale));
	t->answered = true;
	turn_step(t, "stopped", NULL);
	turn_set(t, TURN_WRITING);
}

/* What was sent in doubt may stand without our knowing. */
static enum turn_state end_of_withdrawn(const struct turn *t)
{
	if (t->parts[0][0] != '\0')
		return TURN_CLEARING;
	return t->doubt_ms > 0 && !whisper_is(t) ? TURN_HEALING : TURN_CLOSING;
}

static void end_withdrawn(struct turn *t)
{
	if (flow_is_starting(t)) {
		halt(t); /* it comes back when Slack has answered */
		return;
	}
	log_info(LOG_FIELDS({ "entry", t->job->entry.id }), "withdrawn");
	turn_stop(t);
	turn_step(t, "withdrawn", NULL);
	(void)snprintf(t->verdict, sizeof(t->verdict), "withdrawn");
	turn_set(t, end_of_withdrawn(t));
}

bool stop_pending(struct turn *t)
{
	if (t->withdrawn)
		end_withdrawn(t);
	else if (t->stopped)
		end_stopped(t);
	return t->withdrawn || t->stopped;
}

/* While its placeholder is on the way it is done when that stands. Who waits
 * has none, so there is nothing to stop; but it needn't come to that. */
static bool now_or_later(struct turn *t)
{
	if (t->state >= TURN_READING ||
	    (t->state == TURN_WAITING && t->withdrawn))
		(void)stop_pending(t);
	return true;
}

bool stop_answer(struct turn *t)
{
	if (!in_time(t) || t->stopped)
		return false;
	t->stopped = true;
	return now_or_later(t);
}

bool stop_withdraw(struct turn *t)
{
	if (!in_time(t))
		return false;
	t->withdrawn = true;
	return now_or_later(t);
}

static void ask_anew(struct turn *t)
{
	if (t->state < TURN_READING)
		return;
	halt(t);
	flow_settle(t);
	buf_reset(&t->answer);
	t->cut = false;
	read_anew(t);
}

/* Of a question that it answers. */
static size_t find(const struct turn *t, const char *ts)
{
	size_t i = 0;

	while (strcmp(turn_message(t, i)->channel.ts, ts) != 0)
		i++;
	return i;
}

static void leave_out(struct turn *t, struct message *m)
{
	struct job *j = t->job;
	size_t i = 0;

	if (m == j->msg) {
		t->gone = true; /* its thread and sender are still needed */
		return;
	}
	while (j->more[i] != m)
		i++;
	message_free(m);
	j->nmore--;
	j->nagain -= i < j->nagain;
	memmove(&j->more[i], &j->more[i + 1],
		(j->nmore - i) * sizeof(struct message *));
}

bool stop_retract(struct turn *t, const char *ts)
{
	if (turn_nmessages(t) == 1)
		return stop_withdraw(t);
	if (!in_time(t) || t->stopped)
		return false;
	read_forget(t);
	leave_out(t, turn_message(t, find(t, ts)));
	turn_step(t, "retracted", NULL);
	ask_anew(t);
	return true;
}

bool stop_revise(struct turn *t, const struct message *now)
{
	struct message *m = turn_message(t, find(t, now->channel.ts));
	char *copy;

	if (now->edited_ms < m->edited_ms)
		return true; /* Slack has delivered a later edit before it */
	if (!in_time(t) || t->stopped)
		return false;
	m->edited_ms = now->edited_ms;
	if (strcmp(m->content.text, now->content.text) == 0)
		return true; /* only a link of it was unfolded, perhaps */
	copy = strdup(now->content.text);
	if (!copy)
		return false;
	free(m->content.text);
	m->content.text = copy;
	turn_step(t, "revised", NULL);
	ask_anew(t);
	return true;
}

static void on_deleted(const struct slack_result *r, void *arg);

static void delete_it(struct turn *t)
{
	struct err e = { 0 };
	struct buf form;

	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", t->where);
	http_form(&form, "ts", t->parts[0]);
	undone_note(t->where, t->parts[0]);
	t->call = worker_call(t->w, t->job, "chat.delete", &form, on_deleted, t,
			      &e);
	buf_release(&form);
	if (!t->call)
		turn_after(t, LEASE_WAIT_MS, stop_clear);
}

void stop_clear(struct turn *t)
{
	int64_t wait;

	if (turn_lease(t) != LEASE_HELD) {
		turn_after(t, LEASE_WAIT_MS, stop_clear);
		return;
	}
	if (flow_discard(t, stop_clear))
		return;
	wait = pace_take(&t->conn->deletes, clock_ms());
	if (wait > 0)
		turn_after(t, wait, stop_clear);
	else
		delete_it(t);
}

/* What can't be deleted ends as a sentence. */
static void on_deleted(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;

	t->call = NULL;
	if (r->fault == SLACK_RATE) {
		atomic_fetch_add(&t->w->count->limited, 1);
		pace_block(&t->conn->deletes, clock_ms(), r->retry_ms);
	}
	if (r->fault == SLACK_RATE || r->fault == SLACK_TRANSIENT) {
		turn_after(t, turn_retry_ms(t, r), stop_clear);
	} else if (r->fault == SLACK_OK || r->fault == SLACK_GONE) {
		t->parts[0][0] = '\0';
		turn_set(t, end_of_withdrawn(t));
	} else {
		buf_reset(&t->answer);
		turn_fail(t, SENTENCE_STOPPED, r->error);
	}
}
