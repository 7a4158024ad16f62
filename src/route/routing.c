/* SPDX-License-Identifier: ISC */
#include "route/routing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "route/envelope.h"
#include "route/job.h"
#include "route/message.h"

/* An entry of an earlier process. False when memory is short. */
static bool reread(struct routing *r)
{
	struct envelope env;
	struct err e = { 0 };

	if (envelope_parse(&env, r->entry.frame, r->entry.frame_len, &e) == 0) {
		r->msg = message_from_envelope(&env, &e);
		envelope_release(&env);
	}
	if (!r->msg)
		log_warn(LOG_FIELDS({ "entry", r->entry.id }),
			 "cannot read a journaled frame: %s", e.msg);
	return r->msg || e.kind != ERR_RETRY;
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
	r->engages = m->channel.conversation != CONVERSATION_IM;
	memcpy(m->id, r->entry.id, sizeof(m->id));
}

struct routing *routing_create(struct entry *en, struct message *msg)
{
	struct routing *r;

	r = calloc(1, sizeof(*r));
	if (!r) {
		entry_release(en);
		message_free(msg);
		return NULL;
	}
	r->entry = *en;
	memset(en, 0, sizeof(*en));
	r->msg = msg;
	r->resumed = r->entry.state != ENTRY_NEW;
	if (!msg && !reread(r)) {
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
	r->why = NULL;
	r->notice = NULL;
	r->wait_s = 0;
}

void routing_free(struct routing *r)
{
	if (!r)
		return;
	forget(r);
	message_free(r->msg);
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

static enum verdict decide(struct routing *r, struct err *e)
{
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
		{ "tenant", m ? m->tenant_id : NULL },
		{ "channel", m ? m->channel.channel_id : NULL },
		{ "ts", m ? m->channel.ts : NULL },
		{ "stage", r->stage },
		{ "verdict", verdict_name(r->verdict) },
		{ "why", r->why },
		{ "wait_s", r->wait_s > 0 ? wait : NULL },
		{ NULL, NULL },
	};

	(void)snprintf(wait, sizeof(wait), "%u", r->wait_s);
	if (r->verdict == V_FAIL && r->tries == 0)
		log_warn(f, "cannot route, will try again: %s", e->msg);
	else if (r->verdict != V_FAIL)
		log_info(f, r->resumed ? "resumed" : "routed");
}

enum verdict routing_decide(struct routing *r)
{
	struct err e = { 0 };

	forget(r);
	r->verdict = decide(r, &e);
	verdict_count(r->stage, r->verdict);
	log_decision(r, &e);
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

	if (complete_entry(r, kind == JOB_ANSWER ? ENTRY_ACCEPTED
						 : ENTRY_REFUSED) < 0)
		return -1;
	if (kind == JOB_ANSWER && intend_part(&r->entry) < 0)
		return -1;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -1;
	j->kind = kind;
	j->wait_s = r->wait_s;
	if (r->notice) {
		j->notice = strdup(r->notice);
		if (!j->notice) {
			free(j);
			return -1;
		}
	}
	j->msg = r->msg;
	j->connection = r->connection;
	j->agent = r->agent;
	j->entry = r->entry;
	if (kind == JOB_ANSWER)
		j->entry.attempts++;
	r->msg = NULL;
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

	n->attempt = 1;
	if (r->resumed)
		return;
	n->state = ENTRY_ACCEPTED;
	n->verdict = r->verdict_text;
	n->claim = r->claim;
	n->tenant_id = r->job->entry.tenant_id;
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

/* A claim is the gate's only after accept and refuse. */
static void note_done(struct routing *r)
{
	struct note *n = &r->req.note;

	r->req.kind = JOURNAL_DONE;
	n->state = ENTRY_DONE;
	if (r->entry.state == ENTRY_REFUSED)
		return;
	n->verdict = r->verdict_text;
	n->tenant_id = r->msg ? r->msg->tenant_id : NULL;
	if (r->verdict == V_REFUSE)
		n->claim = r->claim;
}

static void name_verdict(struct routing *r)
{
	if (r->verdict == V_ACCEPT)
		(void)snprintf(r->verdict_text, sizeof(r->verdict_text),
			       "accept");
	else
		(void)snprintf(r->verdict_text, sizeof(r->verdict_text),
			       "%s:%s", verdict_name(r->verdict), r->stage);
}

int routing_settle(struct routing *r)
{
	if (r->settled)
		return 0;
	name_verdict(r);
	r->req.kind = JOURNAL_NOTE;
	r->req.err = &r->err;
	memcpy(r->req.entry_id, r->entry.id, sizeof(r->req.entry_id));
	if (r->verdict == V_ACCEPT) {
		if (make_job(r, JOB_ANSWER) < 0)
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
