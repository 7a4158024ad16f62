/* SPDX-License-Identifier: ISC */
#include "route/signal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metric.h"
#include "route/job.h"
#include "slack/text.h"
#include "slack/ts.h"
#include "slack/words.h"
#include "store/record.h"
#include "turn/attach.h"
#include "turn/post.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * What people do about a turn, or about what became of it. What is done to a
 * turn is finished with that turn, so that a restart does it again.
 */

#define TEXT_MAX (1024 * 1024)
#define TRIES    20
#define TRY_MS   250

static bool same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool is_here(const struct turn *t, const struct errand *n)
{
	const struct message *m = n->job->msg;

	return !t->abandoned &&
	       same(t->job->msg->channel.app_id, m->channel.app_id) &&
	       same(t->job->msg->channel.workspace_id,
		    m->channel.workspace_id) &&
	       same(t->where, m->channel.channel_id);
}

static bool is_question(const struct turn *t, const char *ts)
{
	size_t i;

	for (i = 0; i < turn_nmessages(t); i++)
		if (same(turn_message(t, i)->channel.ts, ts))
			return true;
	return false;
}

/* Also a placeholder that isn't deleted yet, though a stream has taken its
 * place. */
static bool is_reply(const struct turn *t, const char *ts)
{
	size_t i;

	if (t->voided[0] != '\0' && same(t->voided, ts))
		return true;
	for (i = 0; i < t->nparts; i++)
		if (same(t->parts[i], ts))
			return true;
	return t->flow.ts[0] != '\0' && same(t->flow.ts, ts);
}

static struct turn *find(const struct errand *n,
			 bool (*is)(const struct turn *t, const char *ts))
{
	struct turn *t;

	for (t = n->w->turns; t; t = t->next)
		if (is_here(t, n) && is(t, n->job->msg->channel.ts))
			return t;
	return NULL;
}

/* Its placeholder may stand already, though we aren't told under which ts. */
static bool is_placing(const struct turn *t, const char *ts)
{
	return t->state == TURN_PLACING && t->parts[0][0] == '\0' &&
	       ts_ms(t->job->msg->channel.ts) < ts_ms(ts);
}

/* After a restart the turn may come a little later than what is about it. */
static bool wait_for_turn(struct errand *n)
{
	if (!find(n, is_placing) && (!n->job->again || n->tries++ >= TRIES))
		return false;
	loop_timer_set(n->timer, TRY_MS);
	return true;
}

/* One of those whom it answers. */
static bool by_asker(const struct turn *t, const struct errand *n)
{
	const char *user = n->job->msg->sender.user_id;
	size_t i;

	for (i = 0; i < turn_nmessages(t); i++)
		if (same(turn_message(t, i)->sender.user_id, user))
			return true;
	return false;
}

/* Whoever pressed the button waits for something to happen. */
static void not_theirs(struct errand *n, bool is_there)
{
	if (is_there && n->job->msg->signal.kind == SIGNAL_PRESS &&
	    !n->job->again)
		notice_say(n, words_get(WORDS_NOT_THE_ASKER,
					n->job->agent.locale));
	else
		errand_end(n);
}

static void stop(struct errand *n)
{
	struct turn *t = find(n, is_reply);

	if (!t && wait_for_turn(n))
		return;
	if (!t || !by_asker(t, n)) {
		not_theirs(n, t != NULL);
		return;
	}
	errand_end_with(n, t);
	if (!stop_answer(t))
		errand_end(n);
}

/* ---- the journal's thread: n is its alone meanwhile ---- */

struct letter {
	const char *app;
	char id[ID_SIZE];
};

static int take_letter(const struct record *r, void *arg)
{
	struct letter *l = arg;

	if (same(r->state, "dead") && same(r->app_id, l->app) && r->kept &&
	    !r->leader && !r->covers)
		(void)snprintf(l->id, sizeof(l->id), "%s", r->id);
	return 0;
}

/* Of what was given up, and could be tried again, the words are kept; also of
 * what asks the same once more. */
static int forget_letters(struct store *s, const struct message *m,
			  struct err *e)
{
	const struct record_ops *ops = s->ops->records;
	struct letter l = { .app = m->channel.app_id };
	char post[ENGAGED_KEY_SIZE];
	int rc;

	(void)snprintf(post, sizeof(post), "%s:%s", m->channel.channel_id,
		       m->channel.ts);
	do {
		l.id[0] = '\0';
		rc = ops->find(s, post, take_letter, &l, e);
		if (rc == 0 && l.id[0] != '\0')
			rc = ops->drop(s, l.id, clock_wall_ms(), e);
	} while (rc > 0);
	return rc;
}

static int forget_line(struct store *s, void *arg, struct err *e)
{
	const struct errand *n = arg;
	const struct message *m = n->job->msg;
	const struct line gone = { .ts = m->channel.ts };

	if (forget_letters(s, m, e) < 0)
		return -1;
	return s->ops->line_put(s, m->tenant_id, m->channel.channel_id,
				m->thread_id, &gone, e);
}

/* What the model was told of its files isn't in the text that Slack has. */
static int add_files(struct store *s, const struct message *m, struct buf *out,
		     struct err *e)
{
	struct line was;
	const char *told;
	int rc;

	rc = s->ops->line(s, m->tenant_id, m->channel.channel_id, m->thread_id,
			  m->channel.ts, &was, e);
	if (rc <= 0)
		return rc;
	told = was.ours ? NULL : attach_told(was.text);
	if (told)
		(void)buf_addf(out, "%s%s", out->len > 0 ? "\n" : "", told);
	line_release(&was);
	return out->failed ? err_set(e, ERR_RETRY, "no memory") : 0;
}

static int revise_line(struct store *s, void *arg, struct err *e)
{
	const struct errand *n = arg;
	const struct message *m = n->job->msg;
	struct line now = { .ts = m->channel.ts, .edited_ms = m->edited_ms };
	struct buf text;
	int rc;

	buf_init(&text, TEXT_MAX);
	(void)buf_adds(&text, m->content.text);
	rc = add_files(s, m, &text, e);
	now.text = text.data ? text.data : (char[]){ "" };
	if (rc == 0)
		rc = s->ops->line_put(s, m->tenant_id, m->channel.channel_id,
				      m->thread_id, &now, e);
	buf_release(&text);
	return rc;
}

static int end_engagement(struct store *s, void *arg, struct err *e)
{
	const struct errand *n = arg;
	char key[ENGAGED_KEY_SIZE];

	if (message_thread_key(n->job->msg, key, sizeof(key)) < 0)
		return 0;
	return s->ops->engaged_end(s, key, e);
}

/* "up:ENTRY" */
static int put_feedback(struct store *s, void *arg, struct err *e)
{
	const struct errand *n = arg;
	const struct message *m = n->job->msg;
	const struct feedback f = {
		.tenant_id = m->tenant_id,
		.entry = strchr(m->signal.detail, ':') + 1,
		.user_id = m->sender.user_id,
		.up = strncmp(m->signal.detail, "up:", 3) == 0,
		.at_ms = n->job->entry.received_ms,
	};
	const struct home_new h = {
		.tenant_id = m->tenant_id,
		.app_id = m->channel.app_id,
		.workspace_id = m->channel.workspace_id,
		.user = m->sender.user_id,
	};

	if (s->ops->feedback_put(s, &f, e) < 0)
		return -1;
	return s->ops->uninstalls->home(s, &h, f.at_ms, e);
}

/* ---- each kind of signal ---- */

static void reaction(struct errand *n)
{
	if (same(n->job->msg->signal.value, SIGNAL_X))
		stop(n);
	else
		errand_end(n);
}

static const char *name_of(const char *user, void *arg)
{
	return errand_name(arg, user);
}

/* As a question is told to the model. */
static int make_plain(struct errand *n)
{
	struct message *m = n->job->msg;
	struct buf out;
	char *text;

	buf_init(&out, TEXT_MAX);
	(void)slack_text_plain(m->content.text, n->job->connection.bot_user_id,
			       name_of, n, &out);
	text = buf_take(&out);
	if (!text)
		return -1;
	free(m->content.text);
	m->content.text = text;
	return 0;
}

/* A turn that has read the thread in Slack, or is just doing so, writes down
 * what it was told. */
static bool has_read(const struct turn *t, const struct errand *n)
{
	const struct message *m = n->job->msg;
	size_t i;

	if (!is_here(t, n) || !same(t->job->msg->thread_id, m->thread_id))
		return false;
	if (t->state == TURN_READING)
		return true;
	for (i = 0; i < t->nbackfill; i++)
		if (same(t->history.lines[i].ts, m->channel.ts))
			return true;
	return false;
}

static void wait_for_readers(struct errand *n)
{
	struct turn *t;

	for (t = n->w->turns; t && !n->turn; t = t->next)
		if (has_read(t, n))
			errand_end_with(n, t);
}

/* Too late for the answer. The turn's end puts its lines into the transcript,
 * so what they become is written after that. */
static void write_after(struct errand *n,
			int (*write)(struct store *s, void *arg, struct err *e))
{
	if (!n->turn)
		wait_for_readers(n);
	n->write = write;
	if (!n->turn)
		errand_end(n);
}

static void edited(struct errand *n)
{
	const struct message *m = n->job->msg;
	struct turn *t = find(n, is_question);

	if (!t && wait_for_turn(n))
		return;
	if (t && by_asker(t, n)) {
		errand_end_with(n, t);
		/* Of another answer the question is in the transcript. */
		if (stop_revise(t, m) && !again_is_another(t))
			return;
	}
	write_after(n, make_plain(n) == 0 ? revise_line : NULL);
}

/* We delete that ourselves: a placeholder that another post has replaced, and
 * what an earlier process had begun to stream. */
static bool is_discarded(const struct turn *t, const char *ts)
{
	if (t->voided[0] != '\0' && same(t->voided, ts))
		return true;
	return t->flow.state == FLOW_LEFT && same(t->flow.ts, ts);
}

static bool take_back(struct turn *t, const char *ts)
{
	if (is_discarded(t, ts))
		return false;
	return is_question(t, ts) ? stop_retract(t, ts) : stop_withdraw(t);
}

static void deleted(struct errand *n)
{
	struct turn *t = find(n, is_question);

	if (!t)
		t = find(n, is_reply);
	if (!t && wait_for_turn(n))
		return;
	if (t) {
		errand_end_with(n, t);
		(void)take_back(t, n->job->msg->channel.ts);
	}
	/* Its end may be that of another answer. */
	write_after(n, forget_line);
}

static bool feedback_valid(const char *s)
{
	return s && (strncmp(s, "up:", 3) == 0 || strncmp(s, "down:", 5) == 0);
}

static void feedback(struct errand *n)
{
	const struct message *m = n->job->msg;
	const char *name = n->job->connection.tenant.name;
	bool up;

	if (feedback_valid(m->signal.detail)) {
		up = m->signal.detail[0] == 'u';
		metric_add(METRIC_TENANTS, name ? name : m->tenant_id,
			   up ? METRIC_LIKED : METRIC_DISLIKED, 1);
		log_info(LOG_FIELDS({ "entry",
				      strchr(m->signal.detail, ':') + 1 },
				    { "tenant", m->tenant_id },
				    { "feedback", up ? "up" : "down" }),
			 "feedback");
		n->write = put_feedback;
	}
	errand_end(n);
}

static void pressed(struct errand *n)
{
	const char *action = n->job->msg->signal.value;

	if (same(action, SIGNAL_CANCEL))
		stop(n);
	else if (strncmp(action, SIGNAL_FEEDBACK, strlen(SIGNAL_FEEDBACK)) == 0)
		feedback(n);
	else if (same(action, SIGNAL_SHARE))
		whisper_share(n);
	else
		errand_end(n);
}

static bool in_thread(const struct turn *t, const char *ts)
{
	return same(t->job->msg->thread_id, ts);
}

/* Slack's own button, of whoever asked in that thread. */
static void session_stopped(struct errand *n)
{
	struct turn *t, *next;
	struct turn *last = NULL;
	bool at_work = false;

	for (t = n->w->turns; t; t = next) {
		next = t->next;
		if (!is_here(t, n) || !in_thread(t, n->job->msg->channel.ts))
			continue;
		at_work |= t->state < TURN_HEALING;
		flow_settle(t); /* Slack has stopped it, whoever wanted that */
		if (by_asker(t, n) && stop_answer(t))
			last = t;
	}
	if (last) {
		errand_end_with(n, last);
	} else if (!wait_for_turn(n)) {
		if (!at_work)
			session_rest(n->w, n->job);
		errand_end(n);
	}
}

static void muted(struct errand *n)
{
	const struct message *m = n->job->msg;
	char key[ENGAGED_KEY_SIZE];

	if (message_thread_key(m, key, sizeof(key)) == 0)
		engaged_end(n->w->engaged, key, m->timestamp_ms);
	n->write = end_engagement;
	notice_say(n, words_get(WORDS_MUTED, n->job->agent.locale));
}

static void run(struct errand *n)
{
	static void (*const handlers[])(struct errand * n) = {
		[SIGNAL_REACTION] = reaction,    [SIGNAL_EDIT] = edited,
		[SIGNAL_DELETE] = deleted,       [SIGNAL_PRESS] = pressed,
		[SIGNAL_STOP] = session_stopped, [SIGNAL_MUTED] = muted,
		[SIGNAL_SHORTCUT] = visit_run,   [SIGNAL_HOME] = visit_run,
		[SIGNAL_JOIN] = visit_run,       [SIGNAL_PANE] = visit_run,
	};

	/* While it stops, all waits for the next start. */
	if (n->w->draining)
		errand_put_down(n);
	else if (errand_may_act(n))
		handlers[n->job->msg->signal.kind](n);
}

void signal_start(struct worker *w, struct job *job)
{
	errand_start(w, job, run);
}
