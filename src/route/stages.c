/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/log_text.h"
#include "base/metric.h"
#include "route/leave.h"
#include "route/message.h"
#include "route/routing.h"
#include "state/gate.h"

#define HOUR_MS (60 * 60 * 1000)
#define LATE_MS (10 * 60 * 1000)

/* While the store is away each node keeps what comes to it; then all bring it,
 * which takes what dials anew a few seconds. */
#define BROUGHT_MS 1500
#define BRING_MS   15000

static enum verdict drop(struct routing *r, const char *why)
{
	r->why = why;
	return V_DROP;
}

/* Once per hour and whatever the key names. */
static bool hourly(struct routing *r, const char *what, const char *a,
		   const char *b)
{
	char key[160];

	(void)snprintf(key, sizeof(key), "%s:%s:%s", what, a, b);
	return routing_once(r, key, HOUR_MS);
}

static enum verdict unknown_workspace(struct routing *r)
{
	const char *app = r->msg->channel.app_id;
	const char *workspace = r->msg->channel.workspace_id;

	if (hourly(r, "unknown", app, workspace))
		log_warn(LOG_FIELDS({ "app", app }, { "workspace", workspace }),
			 "message from a workspace of no tenant");
	return drop(r, "unknown workspace");
}

static int copy_once(char **out, const char *s, struct err *e)
{
	if (*out || !s)
		return 0;
	*out = strdup(s);
	return *out ? 0 : err_set(e, ERR_RETRY, "no memory");
}

/* The tenant is gone, and so is its agent; but there is a placeholder. */
static int find_leaving(struct routing *r, struct err *e)
{
	const struct message *m = r->msg;

	return r->store->ops->leaving(r->store, m->platform, m->channel.app_id,
				      m->channel.workspace_id, &r->connection,
				      e);
}

/* The app was taken out of there, as Slack said; unless something came later
 * than that. What is no event doesn't tell when it was. */
static enum verdict check_installed(struct routing *r)
{
	const struct connection *c = &r->connection;
	const struct message *m = r->msg;
	int64_t at_ms = m->timestamp_ms > 0 ? m->timestamp_ms
					    : r->entry.received_ms - LATE_MS;

	if (c->gone_ms == 0 || r->resumed)
		return V_NEXT;
	if (at_ms <= c->gone_ms)
		return drop(r, "uninstalled");
	if (c->bot_token[0] != '\0') {
		if (r->journal)
			leave_back(r->journal, c, at_ms);
		return V_NEXT;
	}
	if (hourly(r, "erased", c->app_id, c->workspace_id))
		log_warn(LOG_FIELDS({ "tenant", c->tenant.name },
				    { "app", c->app_id },
				    { "workspace", c->workspace_id }),
			 "the app is in a workspace again, but its tokens are "
			 "erased: give new ones with 'konstructctl tenant "
			 "set'");
	return drop(r, "tokens erased");
}

/* The one look-up before there is a tenant. What was accepted before the
 * tenant was paused is finished. */
static enum verdict stage_tenant(struct routing *r, struct err *e)
{
	struct message *m = r->msg;
	int64_t began_us = clock_us();
	int rc;

	rc = r->store->ops->resolve_for(r->store, m->platform,
					m->channel.app_id,
					m->channel.workspace_id,
					m->channel.channel_id, m->thread_id,
					&r->connection, e);
	metric_took_us(METRIC_STORE, clock_us() - began_us);
	if (rc < 0)
		return V_FAIL;
	if (rc == 0 && r->resumed)
		rc = find_leaving(r, e);
	if (rc < 0)
		return V_FAIL;
	if (rc == 0)
		return unknown_workspace(r);
	log_text_set(r->connection.tenant_id, r->connection.tenant.name,
		     r->connection.tenant.text_until_ms);
	if (copy_once(&m->tenant_id, r->connection.tenant_id, e) < 0 ||
	    copy_once(&m->channel.bot_user_id, r->connection.bot_user_id, e) <
		    0)
		return V_FAIL;
	/* A post of our own may be deleted. */
	if (m->signal.kind == SIGNAL_NONE && m->channel.bot_user_id &&
	    strcmp(m->sender.user_id, m->channel.bot_user_id) == 0)
		return drop(r, "own");
	if (m->sender.bot_id && r->connection.bot_id &&
	    strcmp(m->sender.bot_id, r->connection.bot_id) == 0)
		return drop(r, "own");
	if (r->connection.tenant.paused && !r->resumed)
		return drop(r, "paused");
	return check_installed(r);
}

static bool is_direct(const struct message *m)
{
	return m->mention || message_is_direct(m);
}

/* "<@U2> what do you think?": people talk to each other. Our own mention isn't
 * in the text any more. */
static bool begins_with_person(const char *text)
{
	return strncmp(text + strspn(text, " \t\n"), "<@", 2) == 0;
}

/* Whether the thread of a reply is engaged is the gate's to say. */
static enum verdict stage_addressed(struct routing *r, struct err *e)
{
	const struct message *m = r->msg;

	(void)e;
	if (is_direct(m))
		return V_NEXT;
	if (!m->channel.thread_ts)
		return drop(r, "not addressed");
	if (begins_with_person(m->content.text))
		return drop(r, "to somebody else");
	return V_NEXT;
}

static int pick(int own, int common)
{
	return own >= 0 ? own : common;
}

static enum verdict refuse_rate(struct routing *r, const struct admit *a)
{
	r->why = "rate";
	r->wait_s = a->wait_s;
	if (a->notify)
		routing_say(r, WORDS_RATE, NULL);
	return V_REFUSE;
}

static struct admit question(const struct routing *r)
{
	const struct message *m = r->msg;
	const struct tenant *t = &r->connection.tenant;

	return (struct admit){
		.entry = r->entry.id,
		.tenant_id = m->tenant_id,
		.claim = r->claim,
		.thread = r->engages ? r->thread : NULL,
		.addressed = is_direct(m),
		.at_ms = m->timestamp_ms,
		.channel = m->channel.channel_id,
		.user = m->sender.user_id,
		.rate_per_minute =
			pick(t->rate_per_minute, r->conf->rate_per_minute),
		.burst = pick(t->burst, r->conf->burst),
		.bot = m->sender.bot,
		.bot_answers = r->bot_answers,
		.now_ms = r->now_ms,
	};
}

/* One of several nodes, and not as fresh as what comes over a link: what it
 * follows may be with another node yet. */
static bool may_be_early(struct routing *r)
{
	if (r->epoch == 0 || r->now_ms - r->entry.received_ms < BROUGHT_MS)
		return false;
	if (r->idle_ms == 0)
		r->idle_ms = r->now_ms;
	return r->now_ms - r->idle_ms < BRING_MS;
}

static enum verdict stage_admit(struct routing *r, struct err *e)
{
	struct admit a = question(r);
	enum admission answer;
	int64_t began_us = clock_us();
	int rc = r->gate->ops->admit(r->gate, &a, &answer, e);

	metric_took_us(METRIC_GATE, clock_us() - began_us);
	if (rc < 0)
		return V_FAIL;
	switch (answer) {
	case ADMIT_ACCEPT:
		return V_NEXT;
	case ADMIT_REFUSE:
		return refuse_rate(r, &a);
	case ADMIT_DUPLICATE:
		return r->early ? early_known(r) : drop(r, "duplicate");
	case ADMIT_IDLE:
		return may_be_early(r) ? V_HOLD : drop(r, "thread not engaged");
	case ADMIT_LOOP:
		return drop(r, "bots answer each other");
	}
	return drop(r, "unknown admission");
}

static enum verdict no_agent(struct routing *r)
{
	const char *tenant = r->msg->tenant_id;

	/* There is a placeholder to close. */
	if (r->resumed) {
		if (r->hope == JOB_HOPE)
			r->hope = JOB_NO_AGENT;
		return V_NEXT;
	}
	if (hourly(r, "noagent", tenant, ""))
		log_warn(LOG_FIELDS({ "tenant", r->connection.tenant.name }),
			 "tenant has no active agent");
	/* Who goes on in a thread need not mean us. */
	if (!is_direct(r->msg) || r->msg->sender.bot)
		return drop(r, "no agent");
	r->why = "no agent";
	if (hourly(r, "noagent", tenant, r->msg->channel.channel_id))
		routing_say(r, WORDS_NO_AGENT_YET, NULL);
	return V_REFUSE;
}

static enum verdict stage_agent(struct routing *r, struct err *e)
{
	const struct message *m = r->msg;
	int rc = r->store->ops->agent(r->store, m->tenant_id,
				      m->channel.channel_id, m->thread_id,
				      &r->agent, e);

	if (rc < 0)
		return V_FAIL;
	if (rc > 0 && !r->agent.active && !r->resumed)
		return drop(r, "agent paused");
	return rc == 0 ? no_agent(r) : V_NEXT;
}

static enum verdict stage_dispatch(struct routing *r, struct err *e)
{
	(void)r;
	(void)e;
	return V_ACCEPT;
}

const struct route_stage route_stages[] = {
	{ "tenant", stage_tenant },       /* app and workspace -> tenant */
	{ "addressed", stage_addressed }, /* mention, DM or a reply to us */
	{ "agent", stage_agent },         /* the thread's or the channel's */
	{ "access", stage_access },       /* who asks may do so */
	{ "admit", stage_admit },         /* new, engaged, within its rate */
	{ "hush", stage_hush },           /* told to keep out of the thread */
	{ "budget", stage_budget },       /* something is left of it */
	{ "dispatch", stage_dispatch },   /* always decides */
};
const size_t route_nstages = sizeof(route_stages) / sizeof(route_stages[0]);

const struct route_stage signal_stages[] = {
	{ "tenant", stage_tenant },
	{ "signal", stage_signal }, /* what it comes to */
	{ "agent", stage_agent },   /* of a question that is asked again */
	{ "access", stage_access },
	{ "admit", stage_admit },
	{ "hush", stage_hush },
	{ "budget", stage_budget },
	{ "dispatch", stage_dispatch },
};
const size_t signal_nstages = sizeof(signal_stages) / sizeof(signal_stages[0]);

/* What was accepted before isn't judged again, whatever it has become. */
const struct route_stage again_stages[] = {
	{ "tenant", stage_tenant },
	{ "signal", stage_signal }, /* what it came to */
	{ "hush", stage_hush },     /* by an edit */
	{ "agent", stage_agent },   /* of a question */
	{ "dispatch", stage_dispatch },
};
const size_t again_nstages = sizeof(again_stages) / sizeof(again_stages[0]);

const struct route_stage visit_stages[] = {
	{ "tenant", stage_tenant },
	{ "visit", stage_visit }, /* not just now */
	{ "agent", stage_agent },
	{ "allowance", stage_allowance }, /* for the home */
	{ "dispatch", stage_dispatch },
};
const size_t visit_nstages = sizeof(visit_stages) / sizeof(visit_stages[0]);

const struct route_stage resume_stages[] = {
	{ "tenant", stage_tenant },
	{ "hush", stage_hush },
	{ "agent", stage_agent },
	{ "dispatch", stage_dispatch },
};
const size_t resume_nstages = sizeof(resume_stages) / sizeof(resume_stages[0]);
