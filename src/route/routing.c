/* SPDX-License-Identifier: ISC */
#include "route/routing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/map.h"
#include "route/envelope.h"
#include "route/inhand.h"
#include "route/job.h"
#include "route/message.h"
#include "route/signal.h"
#include "route/trail.h"

/* NULL, and *again when that is for want of memory. */
static struct message *read_frame(const char *app_id, const char *id,
				  const char *frame, size_t len, bool *again)
{
	struct message *m = NULL;
	struct envelope env;
	struct err e = { 0 };

	if (envelope_parse(&env, frame, len, &e) == 0) {
		env.app_id = app_id;
		m = message_from_envelope(&env, &e);
		envelope_release(&env);
	}
	if (!m)
		log_warn(LOG_FIELDS({ "entry", id }),
			 "cannot read a journaled frame: %s", e.msg);
	*again = !m && e.kind == ERR_RETRY;
	return m;
}

/* What it covers was read before it was covered. */
static bool reread_covered(struct routing *r)
{
	struct entry *en = &r->entry;
	struct entry_covered *c;
	struct message *m;
	bool again;

	if (en->ncovered == 0)
		return true;
	r->more = calloc(en->ncovered, sizeof(*r->more));
	if (!r->more)
		return false;
	for (c = en->covered; c < en->covered + en->ncovered; c++) {
		m = read_frame(en->app_id, c->id, c->frame, c->frame_len,
			       &again);
		if (again)
			return false;
		free(c->frame);
		c->frame = NULL;
		if (!m)
			continue;
		memcpy(m->id, c->id, sizeof(m->id));
		r->more[r->nmore++] = m;
	}
	return true;
}

/* An entry of an earlier process. False when memory is short. */
static bool reread(struct routing *r)
{
	const struct entry *en = &r->entry;
	bool again;

	r->msg = read_frame(en->app_id, en->id, en->frame, en->frame_len,
			    &again);
	return !again && reread_covered(r);
}

/* The keys of what the screen let through have room; of what it didn't,
 * there is no message. */
static void make_keys(struct routing *r)
{
	struct message *m = r->msg;

	if (!m)
		return;
	if (message_claim(m, r->claim, sizeof(r->claim)) < 0 ||
	    message_thread_key(m, r->thread, sizeof(r->thread)) < 0) {
		message_free(m);
		r->msg = NULL;
		return;
	}
	r->hash = hash_str(r->thread);
	memcpy(m->id, r->entry.id, sizeof(m->id));
	/* A signal is about a post that another entry has. */
	if (m->signal.kind != SIGNAL_NONE) {
		r->claim[0] = '\0';
		return;
	}
	(void)snprintf(r->post, sizeof(r->post), "%s:%s", m->channel.channel_id,
		       m->channel.ts);
	r->engages = !message_is_direct(m);
}

/*
 * What has crashed us before it came to a turn isn't looked at again; nor is
 * what did even when it was only to be given up.
 */
static const char *too_dangerous(const struct entry *en)
{
	int most = en->state == ENTRY_NEW ? JOB_ATTEMPTS_MAX
					  : 3 * JOB_ATTEMPTS_MAX;

	return en->attempts >= most ? "crashes" : NULL;
}

struct routing *routing_create(struct entry *en, struct message *msg)
{
	struct routing *r;

	r = calloc(1, sizeof(*r));
	if (!r) {
		inhand_drop_entry(en);
		entry_release(en);
		message_free(msg);
		return NULL;
	}
	r->entry = *en;
	memset(en, 0, sizeof(*en));
	r->part = r->entry.part;
	r->epoch = r->entry.epoch;
	r->msg = msg;
	r->again = msg == NULL && !r->entry.fresh;
	r->resumed = r->entry.state != ENTRY_NEW;
	r->dead = too_dangerous(&r->entry);
	if (!msg && !r->dead && !reread(r)) {
		routing_free(r);
		return NULL;
	}
	make_keys(r);
	return r;
}

/* What a run of the stages left. */
static void forget(struct routing *r)
{
	connection_release(&r->connection);
	agent_release(&r->agent);
	free(r->notice);
	r->why = NULL;
	r->notice = NULL;
	r->wait_s = 0;
}

void routing_free(struct routing *r)
{
	size_t i;

	if (!r)
		return;
	inhand_drop_entry(&r->entry);
	forget(r);
	message_free(r->msg);
	for (i = 0; i < r->nmore; i++)
		message_free(r->more[i]);
	free(r->more);
	entry_release(&r->entry);
	job_free(r->job);
	free(r);
}

static enum verdict run(struct routing *r, const struct route_stage *st,
			size_t n, struct err *e)
{
	enum verdict v;
	size_t i;

	for (i = 0; i < n; i++) {
		r->stage = st[i].name;
		v = st[i].run(r, e);
		if (v != V_NEXT)
			return v;
	}
	err_set(e, ERR_FATAL, "no stage decided");
	return V_FAIL;
}

/* No storm of answers that nobody waits for any more. */
static bool is_stale(const struct routing *r)
{
	const struct entry *en = &r->entry;
	int64_t since = en->replayed_ms > 0 ? en->replayed_ms : en->received_ms;
	int64_t most = r->conf->replay_max_age_minutes * INT64_C(60000);

	return r->again && most > 0 && r->now_ms - since > most;
}

static void judge_hope(struct routing *r)
{
	const struct entry *en = &r->entry;
	int most = (en->answer ? 2 : 1) * JOB_ATTEMPTS_MAX;

	r->hope = JOB_HOPE;
	/* A reply that stands is never replaced by an apology. */
	if (en->state == ENTRY_WRITTEN)
		return;
	if (is_stale(r))
		r->hope = JOB_STALE;
	if (en->attempts >= most)
		r->hope = JOB_CRASHES;
	if (!r->dead && en->state == ENTRY_NEW && r->hope == JOB_STALE)
		r->dead = "age";
}

static enum verdict decide(struct routing *r, struct err *e)
{
	judge_hope(r);
	if (r->dead && r->entry.state != ENTRY_REFUSED) {
		r->stage = "resume";
		r->why = r->dead;
		return V_DROP;
	}
	if (!r->msg) {
		r->stage = "message";
		r->why = "malformed";
		return V_DROP;
	}
	/* Its notice may have gone out, and must not go out twice. */
	if (r->entry.state == ENTRY_REFUSED) {
		r->stage = "resume";
		r->why = "refused before";
		return V_DROP;
	}
	if (signal_is_visit(r->msg->signal.kind))
		return run(r, visit_stages, visit_nstages, e);
	if (r->msg->signal.kind != SIGNAL_NONE && r->resumed)
		return run(r, again_stages, again_nstages, e);
	if (r->msg->signal.kind != SIGNAL_NONE)
		return run(r, signal_stages, signal_nstages, e);
	if (r->resumed)
		return run(r, resume_stages, resume_nstages, e);
	return run(r, route_stages, route_nstages, e);
}

static void log_decision(const struct routing *r, const struct err *e)
{
	const struct message *m = r->msg;
	char wait[16];
	const struct log_field f[] = {
		{ "entry", r->entry.id },
		{ "envelope", m ? m->envelope_id : NULL },
		{ "event", m ? m->event_id : r->entry.event_id },
		{ "tenant", r->connection.tenant.name },
		{ "channel", m ? m->channel.channel_id : NULL },
		{ "ts", m ? m->channel.ts : NULL },
		{ "stage", r->stage },
		{ "verdict", verdict_name(r->verdict) },
		{ "why", r->why },
		{ "agent", r->agent.name },
		{ "wait_s", r->wait_s > 0 ? wait : NULL },
		{ NULL, NULL },
	};

	(void)snprintf(wait, sizeof(wait), "%u", r->wait_s);
	if (r->verdict == V_FAIL && !r->warned)
		log_warn(f, "cannot route, will try again: %s", e->msg);
	else if (r->verdict != V_FAIL)
		log_info(f, r->resumed ? "resumed" : "routed");
}

enum verdict routing_decide(struct routing *r)
{
	struct err e = { 0 };

	forget(r);
	r->verdict = decide(r, &e);
	if (r->verdict == V_HOLD)
		return V_HOLD;
	verdict_count(r->stage, r->verdict);
	log_decision(r, &e);
	r->warned |= r->verdict == V_FAIL;
	return r->verdict;
}

/* The first part is intended from the moment of the verdict. */
static int intend_part(struct entry *en)
{
	if (en->nparts > 0)
		return 0;
	if (!en->parts)
		en->parts = calloc(1, sizeof(*en->parts));
	if (!en->parts)
		return -1;
	en->parts[0] = strdup("");
	if (!en->parts[0])
		return -1;
	en->nparts = 1;
	return 0;
}

/* In memory as the row will be. */
static int complete_entry(struct routing *r, enum entry_state state)
{
	struct entry *en = &r->entry;

	if (!en->claim)
		en->claim = strdup(r->claim);
	if (!en->tenant_id)
		en->tenant_id = strdup(r->msg->tenant_id);
	if (!en->verdict)
		en->verdict = strdup(r->verdict_text);
	if (!en->claim || !en->tenant_id || !en->verdict)
		return -1;
	if (!r->resumed)
		en->state = state;
	return 0;
}

static int make_job(struct routing *r, enum job_kind kind)
{
	struct job *j;

	if (complete_entry(r, kind == JOB_NOTICE ? ENTRY_REFUSED
						 : ENTRY_ACCEPTED) < 0)
		return -1;
	if (kind == JOB_ANSWER && intend_part(&r->entry) < 0)
		return -1;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -1;
	j->kind = kind;
	j->wait_s = r->wait_s;
	j->notice = r->notice;
	j->why = r->why;
	j->msg = r->msg;
	j->more = r->more;
	j->nmore = r->nmore;
	j->nagain = r->nagain;
	j->connection = r->connection;
	j->agent = r->agent;
	j->entry = r->entry;
	j->again = r->again;
	j->intended = r->resumed;
	j->hope = r->hope;
	r->notice = NULL;
	r->msg = NULL;
	r->more = NULL;
	r->nmore = r->nagain = 0;
	memset(&r->connection, 0, sizeof(r->connection));
	memset(&r->agent, 0, sizeof(r->agent));
	memset(&r->entry, 0, sizeof(r->entry));
	r->job = j;
	return 0;
}

/* One transaction: the verdict, and the leave to post the first part. */
static void note_accept(struct routing *r)
{
	struct note *n = &r->req.note;

	if (r->resumed)
		return;
	n->state = ENTRY_ACCEPTED;
	n->verdict = r->verdict_text;
	n->tenant_id = r->job->entry.tenant_id;
	if (r->claim[0] != '\0')
		n->claim = r->claim;
	if (r->job->kind == JOB_SIGNAL)
		return;
	n->part = 0;
	n->part_ts = "";
	if (r->engages) {
		n->engaged = r->thread;
		n->engaged_ms = r->job->msg->timestamp_ms;
	}
}

static void note_refuse(struct routing *r)
{
	struct note *n = &r->req.note;

	n->state = ENTRY_REFUSED;
	n->verdict = r->verdict_text;
	n->claim = r->claim;
	n->tenant_id = r->job->entry.tenant_id;
}

/*
 * What was meant for us and gets no answer, but for its second copy. Who may
 * not ask is told so only when we were named; what one does about an answer
 * isn't asking.
 */
static bool was_asked(const struct routing *r)
{
	if (!r->msg || !r->msg->tenant_id ||
	    (r->msg->signal.kind != SIGNAL_NONE &&
	     r->msg->signal.kind != SIGNAL_COMMAND))
		return false;
	return r->dead || r->entry.state == ENTRY_REFUSED ||
	       r->verdict == V_REFUSE || strcmp(r->stage, "access") == 0;
}

static void note_audit(struct routing *r)
{
	const char *decision = r->verdict_text;

	if (!was_asked(r))
		return;
	if (r->entry.state == ENTRY_REFUSED && r->entry.verdict)
		decision = r->entry.verdict;
	trail_ask(&r->audit, r->msg, &r->agent, decision, r->why);
	r->req.audits = &r->audit;
	r->req.naudits = 1;
}

/* A claim is the gate's only after accept and refuse. */
static void note_done(struct routing *r)
{
	struct note *n = &r->req.note;

	r->req.kind = JOURNAL_DONE;
	note_audit(r);
	n->state = r->dead ? ENTRY_DEAD : ENTRY_DONE;
	if (r->entry.state == ENTRY_REFUSED)
		return;
	n->verdict = r->verdict_text;
	n->tenant_id = r->msg ? r->msg->tenant_id : NULL;
	if (r->verdict == V_REFUSE)
		n->claim = r->claim;
}

static void name_verdict(struct routing *r)
{
	if (r->dead)
		(void)snprintf(r->verdict_text, sizeof(r->verdict_text),
			       "dead:%s", r->dead);
	else if (r->verdict == V_ACCEPT)
		(void)snprintf(r->verdict_text, sizeof(r->verdict_text),
			       "accept");
	else
		(void)snprintf(r->verdict_text, sizeof(r->verdict_text),
			       "%s:%s", verdict_name(r->verdict), r->stage);
}

/* For the record of what became of it. */
static void record_step(struct routing *r)
{
	const char *name = verdict_name(r->verdict);

	if (r->dead)
		name = "dead";
	else if (r->resumed && r->verdict == V_ACCEPT)
		name = "again";
	r->steps[0] = '\0';
	entry_step(r->steps, sizeof(r->steps), &r->entry, r->now_ms, name,
		   r->verdict == V_ACCEPT ? r->agent.name : r->why);
	r->req.note.steps = r->steps;
	if (r->post[0] != '\0')
		r->req.note.post = r->post;
}

int routing_settle(struct routing *r)
{
	if (r->settled)
		return 0;
	name_verdict(r);
	record_step(r);
	r->req.kind = JOURNAL_NOTE;
	r->req.err = &r->err;
	r->req.epoch = r->epoch;
	memcpy(r->req.entry_id, r->entry.id, sizeof(r->req.entry_id));
	if (r->verdict == V_ACCEPT) {
		if (make_job(r, r->msg->signal.kind == SIGNAL_NONE
					? JOB_ANSWER
					: JOB_SIGNAL) < 0)
			return -1;
		note_accept(r);
	} else if (r->verdict == V_REFUSE && r->notice) {
		if (make_job(r, JOB_NOTICE) < 0)
			return -1;
		note_refuse(r);
	} else {
		note_done(r);
	}
	r->settled = true;
	return 0;
}
