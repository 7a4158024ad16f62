/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "route/job.h"
#include "route/message.h"
#include "route/signal.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * An answer for the asker's eyes only, through the response_url of a command:
 * posts without a ts, that can't be edited or looked for. So it isn't shown
 * before it is whole, and after a crash it may be shown once more; so may a
 * part of which Slack didn't say that it has it, as long as the URL takes more.
 */

#define USES_MAX  5              /* that a response_url takes */
#define PARTS_MAX (USES_MAX - 1) /* one is the echo */

static void on_echoed(const struct slack_result *r, void *arg);
static void post(struct turn *t);

bool whisper_is(const struct turn *t)
{
	return t->job->msg->channel.reply_url != NULL;
}

static void begin(struct jwrite *w, struct buf *out, const char *type)
{
	buf_init(out, SHAPE_FORM_MAX);
	jw_init(w, out);
	jw_object(w, NULL);
	jw_str(w, "response_type", type);
	jw_bool(w, "replace_original", false);
}

static void add_shape(struct jwrite *w, const struct shape *s)
{
	jw_str(w, "text", s->text);
	if (s->blocks)
		jw_raw(w, "blocks", s->blocks);
	jw_object_end(w);
}

static int respond(struct turn *t, const struct buf *json, slack_done *done)
{
	struct err e = { 0 };

	t->call = slack_respond(t->w->http, t->w->conf->slack_api_url,
				t->job->msg->channel.reply_url, json, done, t,
				&e);
	if (!t->call)
		log_warn(LOG_FIELDS({ "entry", t->job->entry.id }),
			 "cannot answer a command: %s", e.msg);
	return t->call ? 0 : -1;
}

/* "> where is Atlantis?", since Slack doesn't show what was asked. */
static int echo(struct turn *t)
{
	const struct message *m = t->job->msg;
	const char *p, *end;
	struct jwrite w;
	struct buf json, text;
	int rc;

	buf_init(&text, SHAPE_FORM_MAX);
	for (p = m->content.text; *p; p = *end ? end + 1 : end) {
		end = p + strcspn(p, "\n");
		(void)buf_addf(&text, "&gt; %.*s\n", (int)(end - p), p);
	}
	(void)buf_adds(&text, turn_placeholder(t));
	begin(&w, &json, "ephemeral");
	jw_str(&w, "text", text.data ? text.data : "");
	jw_object_end(&w);
	rc = respond(t, &json, on_echoed);
	buf_release(&json);
	buf_release(&text);
	return rc;
}

static void placed(struct turn *t)
{
	(void)snprintf(t->parts[0], TS_SIZE, "%s", WHISPER_ANSWER_TS);
	turn_placed(t);
}

static void on_echoed(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;

	(void)r;
	t->call = NULL;
	placed(t);
}

void whisper_place(struct turn *t)
{
	if (t->job->again) {
		placed(t);
	} else if (echo(t) < 0) {
		/* Nor could its answer be shown. */
		(void)snprintf(t->verdict, sizeof(t->verdict), "no response");
		turn_set(t, TURN_CLOSING);
	}
}

/* As text from here on. */
static void go_plain(struct turn *t)
{
	if (reply_plain(&t->reply, t->part) < 0) {
		turn_after(t, 1000, go_plain);
		return;
	}
	reply_limit(&t->reply, PARTS_MAX);
	t->spare_uses = 0;
	post(t);
}

static void on_posted(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;

	t->call = NULL;
	if (r->fault == SLACK_RATE || (r->fault == SLACK_TRANSIENT &&
				       (!r->maybe || t->spare_uses-- > 0))) {
		turn_after(t, turn_retry_ms(t, r), post);
	} else if (r->fault == SLACK_CONTENT && !t->no_blocks) {
		t->no_blocks = true;
		go_plain(t);
	} else if (r->fault != SLACK_OK && r->fault != SLACK_TRANSIENT) {
		turn_refused(t, r);
	} else if (++t->part < t->reply.n) {
		post(t);
	} else {
		turn_set(t, TURN_CLOSING);
	}
}

static void post(struct turn *t)
{
	bool last = t->part + 1 == t->reply.n;
	enum shape_kind kind = t->no_blocks ? SHAPE_TEXT : SHAPE_BLOCKS;
	struct jwrite w;
	struct shape s;
	struct buf json;

	if (turn_lease(t) != LEASE_HELD) {
		turn_after(t, LEASE_WAIT_MS, post);
		return;
	}
	if (reply_shape(&t->reply, t->part, kind, &s) < 0) {
		turn_after(t, 1000, post);
		return;
	}
	if (last && t->answered)
		controls_share(t, &s);
	begin(&w, &json, "ephemeral");
	add_shape(&w, &s);
	shape_release(&s);
	if (respond(t, &json, on_posted) < 0)
		turn_set(t, TURN_CLOSING);
	buf_release(&json);
}

void whisper_write(struct turn *t)
{
	t->part = 0;
	reply_limit(&t->reply, PARTS_MAX);
	t->spare_uses = PARTS_MAX - (int)t->reply.n;
	post(t);
}

/* ---- shared with all ---- */

static void on_deleted(const struct slack_result *r, void *arg)
{
	struct errand *n = arg;

	(void)r;
	n->call = NULL;
	errand_end(n);
}

static int respond_for(struct errand *n, const struct buf *json,
		       slack_done *done)
{
	struct err e = { 0 };

	n->call = slack_respond(n->w->http, n->w->conf->slack_api_url,
				n->job->msg->channel.reply_url, json, done, n,
				&e);
	if (!n->call)
		log_warn(LOG_FIELDS({ "entry", n->job->entry.id }),
			 "cannot share an answer: %s", e.msg);
	return n->call ? 0 : -1;
}

/* Now it stands there twice, for the asker. */
static void delete_original(struct errand *n)
{
	static const char gone[] = "{\"delete_original\":true}";
	struct buf json;

	buf_init(&json, sizeof(gone));
	(void)buf_adds(&json, gone);
	if (respond_for(n, &json, on_deleted) < 0)
		errand_end(n);
	buf_release(&json);
}

static void share_part(struct errand *n);

static void on_shared(const struct slack_result *r, void *arg)
{
	struct errand *n = arg;

	n->call = NULL;
	if (r->fault != SLACK_OK) {
		log_info(LOG_FIELDS({ "entry", n->job->entry.id },
				    { "error", r->error }),
			 "cannot share an answer");
		errand_end(n);
		return;
	}
	n->part++;
	share_part(n);
}

static const char *whose(const struct errand *n)
{
	const struct message *m = n->job->msg;
	const char *name = errand_name(n, m->sender.user_id);

	return name ? name : m->sender.user_id;
}

/* 1; 0 when there is no such part, -1 without memory. */
static int shared_shape(const struct errand *n, struct shape *s)
{
	const struct message *m = n->job->msg;
	struct reply reply;
	struct buf md;
	int rc = -1;

	buf_init(&md, SHAPE_FORM_MAX);
	reply_asked(whose(n), m->content.unseen, &md);
	(void)buf_adds(&md, m->content.text);
	if (!md.failed && reply_init(&reply, md.data, md.len) == 0) {
		if (n->part >= reply.n)
			rc = 0;
		else if (reply_shape(&reply, n->part, SHAPE_BLOCKS, s) == 0)
			rc = 1;
		reply_release(&reply);
	}
	buf_release(&md);
	return rc;
}

static void post_shared(struct errand *n, struct shape *s)
{
	struct jwrite w;
	struct buf json;

	begin(&w, &json, "in_channel");
	add_shape(&w, s);
	shape_release(s);
	if (respond_for(n, &json, on_shared) < 0)
		errand_end(n);
	buf_release(&json);
}

/* What its asker has seen, which may leave no use for the deletion. */
static void share_part(struct errand *n)
{
	struct shape s;
	int rc = n->part < USES_MAX ? shared_shape(n, &s) : 0;

	if (rc > 0)
		post_shared(n, &s);
	else if (rc == 0)
		delete_original(n);
	else
		errand_end(n);
}

/* Rather not at all than twice. */
void whisper_share(struct errand *n)
{
	if (n->job->again)
		errand_end(n);
	else
		share_part(n);
}
