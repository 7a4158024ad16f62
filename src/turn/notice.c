/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "net/http.h"
#include "route/job.h"
#include "route/message.h"
#include "turn/turn.h"

/*
 * One ephemeral sentence to one person: said at most once, since it can't be
 * looked up. If it fails, nobody is told.
 */

#define FORM_MAX (16 * 1024)
#define RETRY_MS 1000

struct notice {
	struct notice *next, **link;
	struct worker *w;
	struct job *job;
	struct slack_call *call;
	struct loop_task noted;
	struct loop_timer *timer;
	bool said;
	bool noting;
	bool abandoned;
};

static void notice_free(struct notice *n)
{
	struct worker *w = n->w;

	*n->link = n->next;
	if (n->next)
		n->next->link = n->link;
	slack_cancel(n->call);
	loop_timer_free(n->timer);
	job_free(n->job);
	free(n);
	worker_emptied(w);
}

static void say(struct notice *n);

static enum lease lease(const struct notice *n)
{
	const struct entry *en = &n->job->entry;

	return lease_check(n->w->leases, en->part, en->epoch);
}

static void submit(struct notice *n)
{
	n->noting = true;
	(void)journal_submit(n->w->journal, &n->job->req);
}

static void on_timer(void *arg)
{
	struct notice *n = arg;

	if (n->said)
		submit(n);
	else
		say(n);
}

static void on_noted(struct loop_task *task)
{
	struct notice *n = (struct notice *)((char *)task -
					     offsetof(struct notice, noted));

	n->noting = false;
	if (n->job->req.ok || n->abandoned)
		notice_free(n);
	else
		loop_timer_set(n->timer, RETRY_MS);
}

/* On the journal thread. */
static void on_done(struct journal_req *r)
{
	struct notice *n = r->arg;

	loop_post(n->w->loop, &n->noted);
}

static void finish(struct notice *n)
{
	struct journal_req *r = &n->job->req;

	r->kind = JOURNAL_DONE;
	memcpy(r->entry_id, n->job->entry.id, sizeof(r->entry_id));
	r->epoch = n->job->entry.epoch;
	r->note = (struct note){ .state = ENTRY_DONE };
	r->done = on_done;
	r->arg = n;
	n->noted.run = on_noted;
	submit(n);
}

static void on_said(const struct slack_result *r, void *arg)
{
	struct notice *n = arg;
	const struct message *m = n->job->msg;
	char wait[16];

	n->call = NULL;
	if (r->fault == SLACK_DEAD)
		token_refused(n->w, &n->job->connection, r->error);
	(void)snprintf(wait, sizeof(wait), "%u", n->job->wait_s);
	log_info(
		LOG_FIELDS({ "entry", n->job->entry.id },
			   { "tenant", m->tenant_id },
			   { "channel", m->channel.channel_id },
			   { "wait_s", wait },
			   { "error", r->fault == SLACK_OK ? NULL : r->error }),
		r->fault == SLACK_OK ? "notice said" : "notice not said");
	atomic_fetch_add(&n->w->count->notices, 1);
	finish(n);
}

static void say(struct notice *n)
{
	const struct message *m = n->job->msg;
	struct err e = { 0 };
	struct buf form;

	if (lease(n) != LEASE_HELD) {
		loop_timer_set(n->timer, LEASE_WAIT_MS);
		return;
	}
	n->said = true;
	if (token_is_held(n->w, &n->job->connection)) {
		finish(n);
		return;
	}
	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", m->channel.channel_id);
	http_form(&form, "user", m->sender.user_id);
	http_form(&form, "text", n->job->notice);
	/* Slack shows an ephemeral in no thread that doesn't exist. */
	if (m->channel.thread_ts)
		http_form(&form, "thread_ts", m->channel.thread_ts);
	n->call = slack_call(n->w->http, n->w->conf->slack_api_url,
			     "chat.postEphemeral", n->job->connection.bot_token,
			     &form, on_said, n, &e);
	buf_release(&form);
	if (!n->call)
		finish(n);
}

void notice_start(struct worker *w, struct job *job)
{
	struct notice *n;

	n = calloc(1, sizeof(*n));
	if (n)
		n->timer = loop_timer_create(w->loop, on_timer, n);
	if (!n || !n->timer) {
		log_error(LOG_FIELDS({ "entry", job->entry.id }),
			  "cannot say a notice: no memory");
		free(n);
		job_free(job);
		return;
	}
	n->w = w;
	n->job = job;
	n->next = w->notices;
	if (n->next)
		n->next->link = &n->next;
	n->link = &w->notices;
	w->notices = n;
	say(n);
}

static void abandon(struct notice *n)
{
	n->abandoned = true;
	slack_cancel(n->call);
	n->call = NULL;
	if (!n->noting)
		notice_free(n);
}

void notice_abandon_all(struct worker *w)
{
	struct notice *n, *next;

	for (n = w->notices; n; n = next) {
		next = n->next;
		abandon(n);
	}
}

void notice_lost(struct worker *w)
{
	struct notice *n, *next;

	for (n = w->notices; n; n = next) {
		next = n->next;
		if (lease(n) == LEASE_LOST)
			abandon(n);
	}
}
