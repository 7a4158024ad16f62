/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "net/http.h"
#include "route/job.h"
#include "route/message.h"
#include "slack/text.h"
#include "slack/words.h"
#include "turn/names.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * An agent's session: that it is at work in a thread, and what the thread is
 * about (docs.slack.dev/ai/agent-sessions). Apps of the older kind have a text
 * and a title of their own there instead (assistant.threads.*), so what one
 * method refuses is tried with the other. A session lives on for the word that
 * it has ended when its turn is gone; the next turn of the thread takes it up,
 * so that the words of both stay in order. What an earlier process has shown,
 * or may have, is ended by this one; what it left when its turn was over
 * already ends when somebody presses Slack's Stop, which alone changes nothing
 * there.
 */

#define FORM_MAX   4096
#define TITLE_MAX  (16 * 1024)
#define TITLE_SIZE 80 /* bytes; Slack takes 200 characters */
#define KEEP       3  /* tokens for ends */
#define LATE_MS    (5 * 60 * 1000)
#define TRIES      7
#define RETRY_MS   2000 /* and twice as long each time */
#define REFUSED_MS (60 * 60 * 1000)

struct session {
	struct session *next, **link; /* of the worker's list */
	struct worker *w;
	struct conn *conn;
	struct turn *turn; /* NULL: it has ended */
	struct slack_call *call;
	struct loop_timer *timer;
	char *channel, *thread;
	char *title; /* NULL: nothing to say */
	char *token;
	const char *at_work; /* static */
	enum surface shown_by;
	enum surface calling; /* what the call is of */
	bool shown;           /* Slack says that it is at work, or may */
	bool before;          /* so an earlier process has left it, perhaps */
	bool ending;          /* the call is to change that */
	bool vain;            /* it can't be shown in this turn */
	bool entitle;         /* the older kind's title is due */
	unsigned int tries;
};

/* ---- what a connection may do ---- */

static bool is_open(const struct conn *c, enum surface f)
{
	return c->surface[f].refused_ms <= clock_ms();
}

bool surface_take(struct conn *c, enum surface f)
{
	return is_open(c, f) && pace_take(&c->surface[f].pace, clock_ms()) == 0;
}

static void refuse(struct conn *c, enum surface f, const char *error)
{
	c->surface[f].refused_ms = clock_ms() + REFUSED_MS;
	log_info(LOG_FIELDS({ "connection", c->key }, { "error", error }),
		 "Slack doesn't take this app for an agent, or not wholly");
}

void surface_learn(struct conn *c, enum surface f, const struct slack_result *r)
{
	if (r->fault == SLACK_RATE) {
		atomic_fetch_add(&c->w->count->limited, 1);
		pace_block(&c->surface[f].pace, clock_ms(), r->retry_ms);
	} else if (r->fault == SLACK_CONFIG ||
		   strcmp(r->error, "unknown_method") == 0) {
		refuse(c, f, r->error);
	}
}

/* ---- one session ---- */

static void step(struct session *s);

static void session_free(struct session *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	slack_cancel(s->call);
	loop_timer_free(s->timer);
	conn_put(s->conn);
	free(s->channel);
	free(s->thread);
	free(s->title);
	secret_free(s->token);
	free(s);
}

static void on_timer(void *arg)
{
	step(arg);
}

static void show_failed(struct session *s, const struct slack_result *r)
{
	/* By the other method, if there is one left. */
	s->vain = is_open(s->conn, s->calling);
	s->shown = r->maybe || (s->vain && s->before);
	s->shown_by = s->calling;
}

/* What isn't known to have ended ends by itself, after two minutes or an hour.
 */
static void end_failed(struct session *s, const struct slack_result *r)
{
	bool again = r->fault == SLACK_RATE || r->fault == SLACK_TRANSIENT;

	s->shown = again && ++s->tries < TRIES;
}

static void on_done(const struct slack_result *r, void *arg)
{
	struct session *s = arg;

	s->call = NULL;
	surface_learn(s->conn, s->calling, r);
	if (s->calling == SURFACE_ASSISTANT) {
		s->entitle = false;
	} else if (r->fault == SLACK_OK) {
		s->shown = !s->ending;
		s->before = false;
		s->shown_by = s->calling;
		s->tries = 0;
	} else if (s->ending) {
		end_failed(s, r);
	} else {
		show_failed(s, r);
	}
	if (s->tries > 0)
		loop_timer_set(s->timer, RETRY_MS << (s->tries - 1));
	else
		step(s);
}

static void call(struct session *s, enum surface f, const char *method,
		 const char *key, const char *value, const char *title)
{
	struct err e = { 0 };
	struct buf form;

	s->calling = f;
	buf_init(&form, FORM_MAX);
	http_form(&form, "channel_id", s->channel);
	http_form(&form, "thread_ts", s->thread);
	if (key)
		http_form(&form, key, value);
	if (title)
		http_form(&form, "title", title);
	s->call = slack_call(s->w->http, s->w->conf->slack_api_url, method,
			     s->token, &form, on_done, s, &e);
	buf_release(&form);
}

static void tell(struct session *s, enum surface f, bool at_work)
{
	s->ending = !at_work;
	if (f == SURFACE_SESSIONS)
		call(s, f, "agents.sessions.setStatus", "status",
		     at_work ? "processing" : "active",
		     at_work ? s->title : NULL);
	else
		call(s, f, "assistant.threads.setStatus", "status",
		     at_work ? s->at_work : "", NULL);
}

/* Only with what the ends that are due leave. */
static void show(struct session *s)
{
	enum surface f = is_open(s->conn, SURFACE_SESSIONS) ? SURFACE_SESSIONS
							    : SURFACE_STATUS;
	struct pace *p = &s->conn->surface[f].pace;
	int64_t now = clock_ms();

	if (is_open(s->conn, f) && pace_wait(p, 1 + KEEP, now) == 0 &&
	    pace_take(p, now) == 0)
		tell(s, f, true);
	s->vain = !s->call;
}

/* There is no time to wait when all ends. */
static int64_t take(struct session *s)
{
	struct pace *p = &s->conn->surface[s->shown_by].pace;

	return s->w->draining ? pace_force(p, clock_ms())
			      : pace_take(p, clock_ms());
}

static void end(struct session *s)
{
	int64_t wait = take(s);

	if (wait > LATE_MS)
		s->shown = false;
	else if (wait > 0)
		loop_timer_set(s->timer, wait);
	else
		tell(s, s->shown_by, false);
	if (s->shown && wait == 0 && !s->call)
		s->shown = false;
}

static void entitle(struct session *s)
{
	s->entitle = false;
	if (surface_take(s->conn, SURFACE_ASSISTANT))
		call(s, SURFACE_ASSISTANT, "assistant.threads.setTitle", NULL,
		     NULL, s->title);
}

/* Does what is due next, if anything is. */
static void step(struct session *s)
{
	if (s->call)
		return;
	if (s->turn) {
		if (!s->shown && !s->vain)
			show(s);
		return;
	}
	if (s->shown)
		end(s);
	else if (s->entitle)
		entitle(s);
	if (!s->call && !s->shown)
		session_free(s);
}

/* ---- of a turn ---- */

static const char *name_of(const char *user, void *arg)
{
	const struct turn *t = arg;

	return names_get(t->w->names, t->conn->key, user);
}

/* The first line of the question, as far as it fits. */
static char *make_title(struct turn *t)
{
	const struct message *m = turn_message(t, 0);
	struct buf text;
	char *title;
	size_t n;

	buf_init(&text, TITLE_MAX);
	(void)slack_text_plain(m->content.text, t->job->connection.bot_user_id,
			       name_of, t, &text);
	title = buf_take(&text);
	if (!title)
		return NULL;
	n = strspn(title, " \t\r\n");
	memmove(title, title + n, strlen(title + n) + 1);
	title[strcspn(title, "\r\n")] = '\0';
	if (strlen(title) > TITLE_SIZE) {
		n = TITLE_SIZE;
		while (n > 0 && ((unsigned char)title[n] & 0xc0) == 0x80)
			n--;
		title[n] = '\0';
	}
	if (title[0] != '\0')
		return title;
	free(title);
	return NULL;
}

static int use_token(struct session *s, const struct job *j)
{
	char *token = strdup(j->connection.bot_token);

	if (!token)
		return -1;
	secret_free(s->token);
	s->token = token;
	return 0;
}

/* Of nobody yet. */
static struct session *session_make(struct conn *c, const struct job *j,
				    const char *channel)
{
	struct session *s = calloc(1, sizeof(*s));
	struct worker *w = c->w;

	if (!s)
		return NULL;
	s->w = w;
	s->conn = c;
	s->conn->refs++;
	s->at_work = words_get(WORDS_AT_WORK, j->agent.locale);
	s->channel = strdup(channel);
	s->thread = strdup(j->msg->thread_id);
	s->timer = loop_timer_create(w->loop, on_timer, s);
	s->next = w->sessions;
	if (s->next)
		s->next->link = &s->next;
	s->link = &w->sessions;
	w->sessions = s;
	if (use_token(s, j) == 0 && s->channel && s->thread && s->timer)
		return s;
	session_free(s);
	return NULL;
}

/* Of this thread: one without a turn, if there is any. */
static struct session *find(const struct conn *c, const char *channel,
			    const char *thread)
{
	struct session *s, *other = NULL;

	for (s = c->w->sessions; s; s = s->next) {
		if (s->conn != c || strcmp(s->channel, channel) != 0 ||
		    strcmp(s->thread, thread) != 0)
			continue;
		if (!s->turn)
			return s;
		other = s;
	}
	return other;
}

/* To be ended, if there is a way. */
static void take_over(struct session *s)
{
	s->shown_by = is_open(s->conn, SURFACE_SESSIONS) ? SURFACE_SESSIONS
							 : SURFACE_STATUS;
	s->shown = is_open(s->conn, s->shown_by);
}

/* That of the turn before it, or its own. */
static struct session *session_of(struct turn *t)
{
	struct session *s = find(t->conn, t->where, t->job->msg->thread_id);

	if (!s || s->turn)
		s = session_make(t->conn, t->job, t->where);
	if (!s)
		return NULL;
	if (!s->title)
		s->title = make_title(t);
	(void)use_token(s, t->job);
	t->session = s;
	s->turn = t;
	s->vain = false;
	s->tries = 0;
	s->before |= t->restless;
	t->restless = false;
	loop_timer_stop(s->timer);
	return s;
}

static bool may_have(const struct turn *t)
{
	return t->job->connection.tenant.agent_sessions && !whisper_is(t) &&
	       turn_lease(t) == LEASE_HELD;
}

void session_begin(struct turn *t)
{
	struct session *s;

	if (t->session || !may_have(t))
		return;
	s = session_of(t);
	if (!s)
		return;
	if (t->resumed)
		take_over(s);
	step(s);
}

/* Also of a turn that has come to its end before it could begin. */
void session_end(struct turn *t)
{
	struct session *s = t->session;

	if (!s && t->restless && may_have(t))
		s = session_of(t);
	if (!s)
		return;
	t->session = NULL;
	s->turn = NULL;
	/* It may have been renewed meanwhile. */
	(void)use_token(s, t->job);
	if (s->before && !s->shown && !s->call)
		take_over(s);
	/* Of the first question; the newer kind takes it with the status. */
	s->entitle = s->shown && s->shown_by == SURFACE_STATUS && s->title &&
		     t->history.n == 0 && message_is_direct(t->job->msg);
	step(s);
}

void session_rest(struct worker *w, const struct job *j)
{
	const char *channel = j->msg->channel.channel_id;
	struct session *s;
	struct conn *c;

	/* A stream makes one as well. */
	if (!j->connection.tenant.agent_sessions &&
	    !j->connection.tenant.streaming)
		return;
	c = conn_get(w, j);
	if (!c)
		return;
	s = find(c, channel, j->msg->thread_id);
	if (!s)
		s = session_make(c, j, channel);
	if (s && s->turn) {
		s->before = true;
	} else if (s && !s->call && (!s->shown || s->tries > 0)) {
		/* Its end is tried anew, if it had failed. */
		if (!s->shown)
			take_over(s);
		s->tries = 0;
		step(s);
	}
	conn_put(c);
}

void session_hurry(struct worker *w)
{
	struct session *s, *next;

	for (s = w->sessions; s; s = next) {
		next = s->next;
		if (!s->turn)
			step(s);
	}
}

void session_leave(struct turn *t)
{
	struct session *s = t->session;

	t->session = NULL;
	if (s)
		session_free(s);
}

bool session_is_shown(const struct turn *t)
{
	return t->session && t->session->shown;
}

bool session_busy(const struct worker *w)
{
	const struct session *s;

	for (s = w->sessions; s; s = s->next)
		if (!s->turn && s->call)
			return true;
	return false;
}

void session_free_all(struct worker *w)
{
	while (w->sessions)
		session_free(w->sessions);
}
