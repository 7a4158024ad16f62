/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/suspect.h"
#include "route/job.h"
#include "store/grants.h"
#include "turn/turn.h"

/*
 * A job has the bot token that was good when it was routed. One that expires
 * may have been renewed since, by whichever node does that: then the store has
 * another. Nobody may have done so yet, as after a suspend of the machine, or
 * when a clock was wrong; then it is asked for.
 */

/* Until another token is looked for once more; then it fails. */
static const int again_ms[] = { 500, 1000, 2000, 3000, 5000 };
#define AGAINS (sizeof(again_ms) / sizeof(again_ms[0]))

struct spare {
	struct slack_spare base; /* must be first */
	struct worker *w;
	struct job *job; /* as long as call is there */
	struct slack_call *call;
	struct suspect who;
	char *token; /* that has expired */
	struct loop_timer *timer;
	unsigned int tries;

	/* A router has these while reading. */
	struct router_read rd;
	struct loop_task done;
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

/* On a router thread. */
static void run_read(struct router_read *rd, struct store *st)
{
	struct spare *s =
		(struct spare *)((char *)rd - offsetof(struct spare, rd));
	struct connection c = { 0 };

	suspect_resume(&s->who);
	s->err = (struct err){ 0 };
	if (st->ops->resolve(st, "slack", s->app_id, s->workspace_id, &c,
			     &s->err) > 0) {
		s->found = c.bot_token;
		c.bot_token = NULL;
		connection_release(&c);
	}
	suspect_leave();
	loop_post(s->w->loop, &s->done);
}

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
static void go_on(struct spare *s)
{
	struct connection *k = &s->job->connection;
	const struct entry *en = &s->job->entry;
	struct slack_call *call = s->call;

	log_info(LOG_FIELDS({ "entry", en->id }, { "app", k->app_id },
			    { "workspace", k->workspace_id }),
		 "the bot token was renewed meanwhile");
	secret_free(k->bot_token);
	k->bot_token = s->found;
	s->found = NULL;
	if (lease_check(s->w->leases, en->part, en->epoch) == LEASE_HELD)
		slack_again(call, k->bot_token, NULL);
	else
		slack_again(call, NULL, "no lease");
}

static void judge(struct spare *s)
{
	bool other = s->found && strcmp(s->found, s->token) != 0;

	if (s->found && !other && s->tries == 0)
		grant_hurry(s->w->journal, &s->job->connection);
	if (other)
		go_on(s);
	else if (s->tries < AGAINS)
		loop_timer_set(s->timer, again_ms[s->tries++]);
	else
		slack_again(s->call, NULL,
			    s->err.kind == ERR_NONE ? NULL : s->err.msg);
}

static void on_read(struct loop_task *t)
{
	struct spare *s =
		(struct spare *)((char *)t - offsetof(struct spare, done));
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

static void find(struct slack_spare *base, struct slack_call *c)
{
	struct spare *s = (struct spare *)base;

	s->call = c;
	look(s);
}

static struct spare *spare_create(struct worker *w, struct job *job)
{
	const struct connection *k = &job->connection;
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
	s->token = strdup(k->bot_token);
	s->app_id = strdup(k->app_id);
	s->workspace_id = strdup(k->workspace_id);
	s->timer = loop_timer_create(w->loop, look, s);
	if (s->token && s->app_id && s->workspace_id && s->timer)
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
	struct spare *s = NULL;

	if (strncmp(token, "xoxe", 4) == 0)
		s = spare_create(w, job);
	if (!s)
		return slack_call(w->http, url, method, token, form, done, arg,
				  e);
	return slack_call_spare(w->http, url, method, token, form, &s->base,
				done, arg, e);
}
