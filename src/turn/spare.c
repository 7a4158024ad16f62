/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/container.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/suspect.h"
#include "route/job.h"
#include "route/message.h"
#include "slack/api.h"
#include "store/grants.h"
#include "store/record.h"
#include "turn/turn.h"

/*
 * A job has the bot token and the channel of when it was routed. A token that
 * expires may have been renewed since, by whichever node does that, and the
 * channel may have got another id (channel_id_changed): then the store knows.
 * Nobody may have renewed the token yet, as after a suspend of the machine, or
 * when a clock was wrong; then it is asked for. And the event may come a little
 * later than what Slack refuses for it. What the store has may be refused as
 * well, when all that were given are revoked.
 */

/* Until it is looked for once more; then the call fails. */
static const int again_ms[] = { 500, 1000, 2000, 3000, 5000 };
#define AGAINS (sizeof(again_ms) / sizeof(again_ms[0]))
#define FINDS  3 /* for one call */

/* A channel that was looked for in vain isn't waited for again: those that
 * follow there post one after the other. */
#define GONE_MS 60000

struct spare {
	struct slack_spare base; /* must be first */
	struct worker *w;
	struct job *job; /* as long as call is there */
	struct slack_call *call;
	struct suspect who;
	char *token; /* that may expire; or NULL */
	struct loop_timer *timer;
	unsigned int tries, finds;
	bool moved; /* the channel is looked for, not the token */

	/* A router has these while reading. */
	struct router_read rd;
	struct loop_task done;
	char entry[ID_SIZE];
	char *app_id, *workspace_id;
	char *found;
	struct err err;
	bool reading;
	bool dropped;
};

static void spare_free(struct spare *s)
{
	loop_timer_free(s->timer);
	secret_free(s->token);
	secret_free(s->found);
	free(s->app_id);
	free(s->workspace_id);
	free(s);
}

static void drop(struct slack_spare *base)
{
	struct spare *s = (struct spare *)base;

	s->dropped = true;
	if (!s->reading)
		spare_free(s);
}

/* ---- on a router thread ---- */

static void read_token(struct spare *s, struct store *st)
{
	struct connection c = { 0 };

	if (st->ops->resolve(st, "slack", s->app_id, s->workspace_id, &c,
			     &s->err) <= 0)
		return;
	s->found = c.bot_token;
	c.bot_token = NULL;
	connection_release(&c);
}

/* What an entry is about moves with its channel. */
static int take_channel(const struct record *r, void *arg)
{
	struct spare *s = arg;

	if (r->post && !s->found && strcmp(r->id, s->entry) == 0)
		s->found = strndup(r->post, strcspn(r->post, ":"));
	return 0;
}

static void run_read(struct router_read *rd, struct store *st)
{
	struct spare *s = container_of(rd, struct spare, rd);

	suspect_resume(&s->who);
	s->err = (struct err){ 0 };
	if (s->moved)
		(void)st->ops->records->find(st, s->entry, take_channel, s,
					     &s->err);
	else
		read_token(s, st);
	suspect_leave();
	loop_post(s->w->loop, &s->done);
}

/* ---- on the worker's ---- */

static void look(void *arg)
{
	struct spare *s = arg;

	secret_free(s->found);
	s->found = NULL;
	s->reading = true;
	s->w->nspares++;
	router_read(s->w->router, s->app_id, &s->rd);
}

/* Those that follow use it, too. */
static void use_token(struct spare *s)
{
	struct connection *k = &s->job->connection;

	log_info(LOG_FIELDS({ "entry", s->entry }, { "app", k->app_id },
			    { "workspace", k->workspace_id }),
		 "the bot token was renewed meanwhile");
	secret_free(k->bot_token);
	k->bot_token = s->found;
	s->found = NULL;
	secret_free(s->token);
	s->token = strdup(k->bot_token);
}

/* All that is at work there. */
static void use_channel(struct spare *s)
{
	const struct message *m = s->job->msg;
	struct turn *t;
	char *old = strdup(m->channel.channel_id);

	log_info(LOG_FIELDS({ "entry", s->entry },
			    { "channel", m->channel.channel_id },
			    { "now", s->found }),
		 "the channel got another id meanwhile");
	for (t = s->w->turns; t && old; t = t->next) {
		m = t->job->msg;
		if (strcmp(m->channel.app_id, s->app_id) == 0 &&
		    strcmp(m->channel.workspace_id, s->workspace_id) == 0 &&
		    strcmp(m->channel.channel_id, old) == 0)
			turn_move(t, s->found);
	}
	free(old);
}

static void go_on(struct spare *s)
{
	const struct entry *en = &s->job->entry;
	struct slack_call *call = s->call;

	if (s->moved)
		use_channel(s);
	else
		use_token(s);
	if (lease_check(s->w->leases, en->part, en->epoch) == LEASE_HELD)
		slack_again(call, s->job->connection.bot_token, NULL);
	else
		slack_again(call, NULL, "no lease");
}

static bool is_other(struct spare *s)
{
	if (!s->found)
		return false;
	return s->moved ? slack_move(s->call, s->found)
			: strcmp(s->found, s->token) != 0;
}

/* The one that has no other id, as far as the store could be read. */
static struct channel *lost_channel(const struct spare *s)
{
	return s->moved && s->err.kind == ERR_NONE ? channel_find(s->w, s->job)
						   : NULL;
}

static bool is_gone(const struct spare *s)
{
	const struct channel *ch = lost_channel(s);

	return ch && ch->gone_ms > 0 && clock_ms() - ch->gone_ms < GONE_MS;
}

static void give_up(struct spare *s)
{
	struct channel *ch = lost_channel(s);

	if (ch && s->tries == AGAINS)
		ch->gone_ms = clock_ms();
	slack_again(s->call, NULL, s->err.kind == ERR_NONE ? NULL : s->err.msg);
}

static void judge(struct spare *s)
{
	bool other = is_other(s);

	if (s->found && !other && !s->moved && s->tries == 0)
		grant_hurry(s->w->journal, &s->job->connection);
	if (other)
		go_on(s);
	else if (s->tries < AGAINS && !is_gone(s))
		loop_timer_set(s->timer, again_ms[s->tries++]);
	else
		give_up(s);
}

static void on_read(struct loop_task *t)
{
	struct spare *s = container_of(t, struct spare, done);
	struct worker *w = s->w;

	s->reading = false;
	w->nspares--;
	if (s->dropped) {
		spare_free(s);
	} else {
		suspect_resume(&s->who);
		judge(s);
		suspect_leave();
	}
	worker_emptied(w);
}

/* Direct messages keep their id. What is no answer isn't worth the wait. */
static bool may_move(const struct spare *s)
{
	return s->job->kind == JOB_ANSWER &&
	       s->job->msg->channel.channel_id[0] != 'D';
}

static bool prepare(struct spare *s)
{
	const struct connection *k = &s->job->connection;

	memcpy(s->entry, s->job->entry.id, sizeof(s->entry));
	s->app_id = strdup(k->app_id);
	s->workspace_id = strdup(k->workspace_id);
	s->timer = loop_timer_create(s->w->loop, look, s);
	return s->app_id && s->workspace_id && s->timer;
}

static bool find(struct slack_spare *base, struct slack_call *c,
		 const char *error)
{
	struct spare *s = (struct spare *)base;

	s->moved = strcmp(error, "channel_not_found") == 0;
	if (!(s->moved ? may_move(s) : s->token != NULL) ||
	    s->finds++ == FINDS || (!s->timer && !prepare(s)))
		return false;
	s->call = c;
	s->tries = 0;
	look(s);
	return true;
}

static struct spare *spare_create(struct worker *w, struct job *job)
{
	const char *token = job->connection.bot_token;
	struct spare *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->base.find = find;
	s->base.drop = drop;
	s->w = w;
	s->job = job;
	s->rd.run = run_read;
	s->done.run = on_read;
	suspect_take(&s->who);
	if (!slack_token_expires(token))
		return s;
	s->token = strdup(token);
	if (s->token)
		return s;
	spare_free(s);
	return NULL;
}

struct slack_call *worker_call(struct worker *w, struct job *job,
			       const char *method, const struct buf *form,
			       slack_done *done, void *arg, struct err *e)
{
	const char *token = job->connection.bot_token;
	const char *url = w->conf->slack_api_url;
	struct spare *s = spare_create(w, job);

	if (!s)
		return slack_call(w->http, url, method, token, form, done, arg,
				  e);
	return slack_call_spare(w->http, url, method, token, form, &s->base,
				done, arg, e);
}
