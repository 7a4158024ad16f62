/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/live.h"
#include "base/log.h"
#include "net/http.h"
#include "route/job.h"
#include "route/message.h"
#include "route/signal.h"
#include "slack/markdown.h"
#include "slack/words.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * Where people meet the agent before they talk to it: its home, its direct
 * messages, a channel that it is brought into, a dialog about a message
 * (docs.slack.dev/surfaces/app-home, /surfaces/modals).
 */

#define VIEW_MAX    (64 * 1024)
#define EXCERPT_MAX 1500
#define LOOK_MS     1000
#define META_MAX    3000 /* characters of private_metadata that Slack takes */

static void on_done(const struct slack_result *r, void *arg)
{
	struct errand *n = arg;

	n->call = NULL;
	if (r->fault == SLACK_DEAD)
		token_refused(n->w, &n->job->connection, r->error);
	if (r->fault != SLACK_OK)
		log_info(LOG_FIELDS({ "entry", n->job->entry.id },
				    { "tenant", n->job->msg->tenant_id },
				    { "error", r->error }),
			 "a visit was in vain");
	errand_end(n);
}

/* Once; what fails isn't worth another try. */
static void call(struct errand *n, const char *method, struct buf *form)
{
	struct err e = { 0 };

	n->call = worker_call(n->w, n->job, method, form, on_done, n, &e);
	buf_release(form);
	if (!n->call)
		errand_end(n);
}

static void text(struct jwrite *w, const char *key, const char *type,
		 const char *s)
{
	jw_object(w, key);
	jw_str(w, "type", type);
	jw_str(w, "text", s);
	jw_object_end(w);
}

static const char *say(const struct errand *n, enum words w)
{
	return words_get(w, n->job->agent.locale);
}

/* ---- "Ask about this" ---- */

/* Not in the middle of a character. */
static size_t excerpt(const char *s, size_t most)
{
	size_t n = strlen(s);

	if (n <= most)
		return n;
	n = most;
	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void write_meta_of(const struct message *m, size_t n, struct buf *out)
{
	struct jwrite w;

	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "channel", m->channel.channel_id);
	jw_str(&w, "thread", m->thread_id);
	jw_strn(&w, "text", m->content.text, n);
	jw_object_end(&w);
}

/* What JSON escapes takes more room than it has. */
static void write_meta(const struct message *m, struct buf *out)
{
	size_t most = EXCERPT_MAX;

	for (;;) {
		write_meta_of(m, excerpt(m->content.text, most), out);
		if (out->len <= META_MAX || most == 0)
			return;
		buf_reset(out);
		most /= 2;
	}
}

static void write_dialog(const struct errand *n, struct buf *out)
{
	struct jwrite w;
	struct buf meta;

	buf_init(&meta, VIEW_MAX);
	write_meta(n->job->msg, &meta);
	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "type", "modal");
	jw_str(&w, "callback_id", SIGNAL_ABOUT);
	jw_str(&w, "private_metadata", meta.data ? meta.data : "");
	text(&w, "title", "plain_text", say(n, WORDS_ASK_ABOUT));
	text(&w, "submit", "plain_text", say(n, WORDS_ASK));
	text(&w, "close", "plain_text", say(n, WORDS_CANCEL));
	jw_array(&w, "blocks");
	jw_object(&w, NULL);
	jw_str(&w, "type", "input");
	jw_str(&w, "block_id", SIGNAL_INPUT);
	text(&w, "label", "plain_text", say(n, WORDS_YOUR_QUESTION));
	jw_object(&w, "element");
	jw_str(&w, "type", "plain_text_input");
	jw_str(&w, "action_id", SIGNAL_INPUT);
	jw_bool(&w, "multiline", true);
	jw_int(&w, "max_length", 3000);
	jw_object_end(&w);
	text(&w, "hint", "plain_text", say(n, WORDS_ASK_HINT));
	jw_object_end(&w);
	jw_array_end(&w);
	jw_object_end(&w);
	buf_release(&meta);
}

/* No answer could be shown there. */
static void write_refusal(const struct errand *n, struct buf *out)
{
	const char *id = n->job->connection.bot_user_id;
	char bot[ID_SIZE + 8];
	const struct words_fill fill[] = { { "bot", bot }, { NULL, NULL } };
	struct jwrite w;
	struct buf why;

	(void)snprintf(bot, sizeof(bot), "<@%s>", id ? id : "");
	buf_init(&why, EXCERPT_MAX);
	(void)words_add(&why, WORDS_NOT_A_MEMBER, n->job->agent.locale, fill);
	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "type", "modal");
	text(&w, "title", "plain_text", say(n, WORDS_ASK_ABOUT));
	text(&w, "close", "plain_text", say(n, WORDS_CANCEL));
	jw_array(&w, "blocks");
	jw_object(&w, NULL);
	jw_str(&w, "type", "section");
	text(&w, "text", "mrkdwn", why.data ? why.data : "");
	jw_object_end(&w);
	jw_array_end(&w);
	jw_object_end(&w);
	buf_release(&why);
}

static void open_view(struct errand *n, bool member)
{
	struct buf view, form;

	buf_init(&view, VIEW_MAX);
	buf_init(&form, 4 * VIEW_MAX);
	if (member)
		write_dialog(n, &view);
	else
		write_refusal(n, &view);
	http_form(&form, "trigger_id", n->job->msg->signal.detail);
	http_form(&form, "view", view.data ? view.data : "");
	buf_release(&view);
	call(n, "views.open", &form);
}

/* What else Slack says to it doesn't mean that no answer can stand there. */
static bool is_outside(const struct slack_result *r)
{
	return strcmp(r->error, "not_in_channel") == 0 ||
	       strcmp(r->error, "channel_not_found") == 0;
}

static void on_looked(const struct slack_result *r, void *arg)
{
	struct errand *n = arg;

	n->call = NULL;
	loop_timer_stop(n->timer);
	open_view(n, !is_outside(r));
}

/* The thread that the answer is to stand in can be read by members alone. */
static void look(struct errand *n)
{
	const struct message *m = n->job->msg;
	struct err e = { 0 };
	struct buf form;

	buf_init(&form, EXCERPT_MAX);
	http_form(&form, "channel", m->channel.channel_id);
	http_form(&form, "ts", m->thread_id);
	http_form(&form, "limit", "1");
	n->call = worker_call(n->w, n->job, "conversations.replies", &form,
			      on_looked, n, &e);
	buf_release(&form);
	if (n->call)
		loop_timer_set(n->timer, LOOK_MS);
	else
		open_view(n, true);
}

/* Three seconds after the click the trigger is worth nothing, so nobody waits
 * for long: the timer comes here again. */
static void dialog(struct errand *n)
{
	if (n->job->again) {
		errand_end(n);
	} else if (n->call) {
		slack_cancel(n->call);
		n->call = NULL;
		open_view(n, true);
	} else {
		look(n);
	}
}

/* ---- home ---- */

static void section(struct jwrite *w, const char *type, const char *mrkdwn)
{
	jw_object(w, NULL);
	jw_str(w, "type", type);
	text(w, "text", strcmp(type, "header") == 0 ? "plain_text" : "mrkdwn",
	     mrkdwn);
	jw_object_end(w);
}

/* Names as an admin wrote them, in a sentence of ours. */
static char *introduce(const struct errand *n, enum words w)
{
	const struct agent *a = &n->job->agent;
	struct buf name, role, out;
	struct words_fill fill[] = {
		{ "name", NULL },
		{ "role", NULL },
		{ NULL, NULL },
	};

	buf_init(&name, VIEW_MAX);
	buf_init(&role, VIEW_MAX);
	buf_init(&out, VIEW_MAX);
	(void)mrkdwn_plain(a->name, strlen(a->name), &name);
	(void)mrkdwn_plain(a->role, strlen(a->role), &role);
	fill[0].value = name.data ? name.data : "";
	fill[1].value = role.data ? role.data : "";
	(void)words_add(&out, w, a->locale, fill);
	buf_release(&name);
	buf_release(&role);
	return buf_take(&out);
}

static void write_home(const struct errand *n, struct buf *out)
{
	const char *left = n->job->notice;
	char *who = introduce(n, WORDS_HOME_WHO);
	struct jwrite w;

	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "type", "home");
	jw_array(&w, "blocks");
	section(&w, "header", n->job->agent.name);
	if (who)
		section(&w, "section", who);
	section(&w, "section", say(n, WORDS_HOME_HOW));
	if (left && left[0] != '\0')
		section(&w, "section", left);
	jw_array_end(&w);
	jw_object_end(&w);
	free(who);
}

static void home(struct errand *n)
{
	struct buf view, form;

	buf_init(&view, VIEW_MAX);
	buf_init(&form, 4 * VIEW_MAX);
	write_home(n, &view);
	http_form(&form, "user_id", n->job->msg->sender.user_id);
	http_form(&form, "view", view.data ? view.data : "");
	buf_release(&view);
	call(n, "views.publish", &form);
}

/* ---- greetings ---- */

/* On the journal's thread: n is its alone meanwhile. */
static int note_greeting(struct store *s, void *arg, struct err *e)
{
	struct errand *n = arg;
	const struct message *m = n->job->msg;

	return s->ops->greet(s, m->tenant_id, m->channel.app_id,
			     m->channel.channel_id, clock_wall_ms(), &n->first,
			     e);
}

static void say_hello(struct errand *n)
{
	const struct message *m = n->job->msg;
	struct buf form;
	char *hello;

	if (!n->first) {
		errand_end(n);
		return;
	}
	hello = introduce(n, message_is_direct(m) ? WORDS_HELLO_DIRECT
						  : WORDS_HELLO_CHANNEL);
	buf_init(&form, 4 * VIEW_MAX);
	http_form(&form, "channel", m->channel.channel_id);
	http_form(&form, "text", hello ? hello : "");
	free(hello);
	call(n, "chat.postMessage", &form);
}

/* The note first: rather none than two. */
static void greet(struct errand *n)
{
	const struct conf *c = live_take(n->w->live, n->w->conf);
	bool wanted = c->greetings;

	live_drop(n->w->live, c);
	if (wanted)
		errand_write(n, note_greeting, say_hello);
	else
		errand_end(n);
}

/* In direct messages it may be the first that they see of it. */
static void open_messages(struct errand *n)
{
	if (n->job->connection.tenant.agent_sessions)
		suggest_run(n, greet);
	else
		greet(n);
}

void visit_run(struct errand *n)
{
	const struct message *m = n->job->msg;

	if (m->signal.kind == SIGNAL_SHORTCUT)
		dialog(n);
	else if (m->signal.kind == SIGNAL_HOME &&
		 strcmp(m->signal.value, "home") == 0)
		home(n);
	else if (m->signal.kind == SIGNAL_HOME)
		open_messages(n);
	else if (m->signal.kind == SIGNAL_PANE)
		suggest_run(n, errand_end);
	else
		greet(n);
}
