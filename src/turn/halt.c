/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "net/http.h"
#include "route/job.h"
#include "route/message.h"
#include "turn/post.h"
#include "turn/read.h"
#include "turn/show.h"
#include "turn/turn.h"

/* A turn that is called off, refused, or put down for another process. */

/* What waits for notes that are on their way must not begin any more. */
void turn_stop(struct turn *t)
{
	size_t i;

	for (i = 0; i < t->nnotes; i++)
		t->notes[i].then = NULL;
	slack_cancel(t->call);
	t->call = NULL;
	slack_cancel(t->edit);
	t->edit = NULL;
	t->flying = false;
	llm_cancel(t->llm);
	t->llm = NULL;
	t->naming = false;
	files_release(t);
	post_leave(t);
	edit_leave(t);
	eyes_leave(t);
	flow_leave(t);
	turn_stop_timer(t);
}

/* What is in doubt may still arrive; a reply that was never cut has nothing
 * to compare it with. */
static bool may_heal(const struct turn *t, enum slack_fault fault)
{
	return t->state == TURN_WRITING && t->doubt_ms > 0 && t->reply.n > 0 &&
	       fault != SLACK_DEAD;
}

void turn_refused(struct turn *t, const struct slack_result *r)
{
	const struct log_field f[] = {
		{ "entry", t->job->entry.id },
		{ "tenant", t->job->connection.tenant.name },
		{ "app", t->job->connection.app_id },
		{ "channel", t->where },
		{ "error", r->error },
		{ NULL, NULL },
	};

	turn_stop(t);
	turn_step(t, "slack", r->error);
	if (r->fault == SLACK_DEAD) {
		(void)snprintf(t->verdict, sizeof(t->verdict),
			       VERDICT_DEAD_TOKEN);
		t->end_state = ENTRY_DEAD;
		token_refused(t->w, &t->job->connection, r->error);
		log_warn(f, "Slack refuses the bot token");
	} else {
		(void)snprintf(t->verdict, sizeof(t->verdict), "%s:%s",
			       slack_fault_name(r->fault), r->error);
		log_warn(f, "Slack refuses the reply");
	}
	if (r->fault == SLACK_TRANSIENT || r->fault == SLACK_RATE)
		t->end_state = ENTRY_DEAD;
	t->answered = false;
	t->refused = true;
	turn_set(t, may_heal(t, r->fault) ? TURN_HEALING : TURN_CLOSING);
}

bool turn_busy(const struct turn *t)
{
	if (t->parked)
		return false;
	if (t->noting || (t->posting && t->call))
		return true;
	return t->state == TURN_ASKING || t->state == TURN_STREAMING ||
	       t->state == TURN_WRITING || t->state == TURN_CLEARING ||
	       t->state == TURN_CLOSING;
}

void turn_abandon(struct turn *t)
{
	turn_stop(t);
	if (t->note_timer)
		loop_timer_stop(t->note_timer);
	t->abandoned = true;
	(void)turn_reap(t);
}

static void on_told(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;

	t->call = NULL;
	if (r->fault != SLACK_OK)
		log_warn(LOG_FIELDS({ "entry", t->job->entry.id },
				    { "error", r->error }),
			 "cannot say that there is no answer");
	turn_abandon(t);
}

/* An edit may be repeated, so it needs no note. */
static void tell_dead(struct turn *t)
{
	struct err e = { 0 };
	struct buf text, form;
	struct shape s;

	buf_init(&text, TURN_REMARK_MAX);
	buf_init(&form, SHAPE_FORM_MAX);
	sentence_write(SENTENCE_DEAD, t->job->agent.locale, t->job->entry.id,
		       &text);
	if (!text.failed &&
	    shape_say(&s, text.data, !t->conn->no_blocks) == 0) {
		http_form(&form, "channel", t->where);
		http_form(&form, "ts", t->parts[0]);
		shape_form(&s, &form);
		post_metadata(&form, t, 0, true);
		shape_release(&s);
		t->call = worker_call(t->w, t->job, "chat.update", &form,
				      on_told, t, &e);
	}
	buf_release(&form);
	buf_release(&text);
}

/* A reply that stands is left as it is. */
void turn_set_aside(struct turn *t)
{
	bool shown = t->state >= TURN_CLEARING;

	log_error(LOG_FIELDS({ "entry", t->job->entry.id }, { "ref", t->ref }),
		  "the journal refuses a note, given up");
	turn_stop(t);
	session_end(t);
	if (!shown && t->parts[0][0] != '\0' && !whisper_is(t) &&
	    turn_lease(t) == LEASE_HELD)
		tell_dead(t);
	if (!t->call)
		turn_abandon(t);
}

enum lease turn_lease(const struct turn *t)
{
	const struct entry *en = &t->job->entry;

	return lease_check(t->w->leases, en->part, en->epoch);
}

/* All are marked first, so that none begins because another has left. */
void turns_lost(struct worker *w)
{
	struct turn *t, *next;

	for (t = w->turns; t; t = t->next) {
		if (t->abandoned || turn_lease(t) != LEASE_LOST)
			continue;
		log_info(LOG_FIELDS({ "entry", t->job->entry.id }),
			 "put down, as another node has it");
		t->abandoned = true;
	}
	for (t = w->turns; t; t = next) {
		next = t->next;
		if (t->abandoned)
			turn_abandon(t);
	}
}

bool turn_reap(struct turn *t)
{
	if (!t->abandoned)
		return false;
	if (!t->noting && !t->reading)
		turn_free(t);
	return true;
}
