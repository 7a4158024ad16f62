/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
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

static void on_said(const struct slack_result *r, void *arg)
{
	struct errand *n = arg;
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
	errand_end(n);
}

/* To who gave a command we may not be able to speak in that channel. */
static void respond(struct errand *n, const char *text, struct err *e)
{
	struct jwrite w;
	struct buf json;

	buf_init(&json, FORM_MAX);
	jw_init(&w, &json);
	jw_object(&w, NULL);
	jw_str(&w, "text", text);
	jw_object_end(&w);
	n->call = slack_respond(n->w->http, n->w->conf->slack_api_url,
				n->job->msg->channel.reply_url, &json, on_said,
				n, e);
	buf_release(&json);
}

static void post(struct errand *n, const char *text, struct err *e)
{
	const struct message *m = n->job->msg;
	struct buf form;

	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", m->channel.channel_id);
	http_form(&form, "user", m->sender.user_id);
	http_form(&form, "text", text);
	/* Slack shows an ephemeral in no thread that doesn't exist. */
	if (m->channel.thread_ts)
		http_form(&form, "thread_ts", m->channel.thread_ts);
	n->call = worker_call(n->w, n->job, "chat.postEphemeral", &form,
			      on_said, n, e);
	buf_release(&form);
}

void notice_say(struct errand *n, const char *text)
{
	struct err e = { 0 };

	if (token_is_held(n->w, &n->job->connection)) {
		errand_end(n);
		return;
	}
	if (n->job->msg->channel.reply_url)
		respond(n, text, &e);
	else
		post(n, text, &e);
	if (!n->call)
		errand_end(n);
}

static void run(struct errand *n)
{
	if (errand_may_act(n))
		notice_say(n, n->job->notice);
}

void notice_start(struct worker *w, struct job *job)
{
	errand_start(w, job, run);
}
