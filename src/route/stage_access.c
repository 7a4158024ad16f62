/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "route/access.h"
#include "route/message.h"
#include "route/people.h"
#include "route/routing.h"
#include "state/gate.h"

/*
 * Who may talk to the agent. What has to be asked of Slack is asked by
 * somebody else; the message is put aside until then.
 */

#define HOUR_MS (60 * 60 * 1000)
/* So long is waited for what Slack tells of somebody. */
#define FACTS_MS 15000

static const enum words notices[ACCESS_UNSURE + 1] = {
	[ACCESS_NO_DIRECT] = WORDS_NO_DIRECT,
	[ACCESS_NO_CHANNEL] = WORDS_NO_CHANNEL,
	[ACCESS_NO_PERSON] = WORDS_NO_PERSON,
	[ACCESS_NO_GUEST] = WORDS_NO_GUEST,
	[ACCESS_NO_STRANGER] = WORDS_NO_STRANGER,
	[ACCESS_UNSURE] = WORDS_UNSURE,
};

/* The window of once() is an hour, and the key names whom and why. */
static bool hourly(struct routing *r, const char *what, const char *who)
{
	char key[160];

	(void)snprintf(key, sizeof(key), "access:%s:%s:%s", what,
		       r->msg->tenant_id, who);
	return r->gate->ops->once(r->gate, key, HOUR_MS, r->now_ms);
}

/* Told is who asked us, not who goes on in a thread that we are part of. */
static enum verdict deny(struct routing *r, enum access_answer no)
{
	const struct message *m = r->msg;
	bool direct = m->mention || message_is_direct(m);

	r->why = access_why(no);
	if (no == ACCESS_NO_BOT || m->sender.bot || !direct)
		return V_DROP;
	if (hourly(r, r->why, m->sender.user_id))
		routing_say(r, notices[no], NULL);
	return V_REFUSE;
}

static enum verdict unreadable(struct routing *r, const struct err *e)
{
	if (hourly(r, "unreadable", ""))
		log_error(LOG_FIELDS({ "tenant", r->msg->tenant_id },
				     { "agent", r->agent.name }),
			  "cannot read who may talk to it: %s", e->msg);
	r->why = "unreadable";
	return V_DROP;
}

static enum access_fact stranger(const struct message *m)
{
	if (m->sender.external)
		return FACT_YES;
	return m->channel.unshared ? FACT_NO : FACT_OPEN;
}

/* Slack was asked for long, or nobody can ask. */
static void give_up(struct routing *r, struct access_facts *f)
{
	if (f->guest == FACT_OPEN)
		f->guest = FACT_UNKNOWN;
	if (f->stranger == FACT_OPEN)
		f->stranger = FACT_UNKNOWN;
	if (hourly(r, "unknown", ""))
		log_warn(LOG_FIELDS({ "tenant", r->msg->tenant_id },
				    { "app", r->msg->channel.app_id }),
			 "slack doesn't tell who is a guest; is the scope"
			 " users:read there?");
}

static bool waited_enough(struct routing *r, int64_t now_ms)
{
	if (r->held_ms == 0)
		r->held_ms = now_ms;
	return now_ms - r->held_ms > FACTS_MS;
}

/* True with f completed; false: it is on its way. */
static bool complete(struct routing *r, struct access_facts *f)
{
	const struct message *m = r->msg;
	int64_t now_ms = clock_ms();
	struct person known;
	char scope[80];

	(void)snprintf(scope, sizeof(scope), "%s:%s", m->channel.app_id,
		       m->channel.workspace_id);
	if (r->people &&
	    people_find(r->people, scope, f->user, now_ms, &known)) {
		f->guest = known.guest;
		if (f->stranger == FACT_OPEN)
			f->stranger = known.stranger;
	}
	if (f->guest == FACT_OPEN && r->people && !waited_enough(r, now_ms)) {
		if (people_ask(r->people, scope, f->user, now_ms))
			r->look_up(&r->connection, f->user, r->look_arg);
		return false;
	}
	if (f->guest == FACT_OPEN || f->guest == FACT_UNKNOWN)
		give_up(r, f);
	return true;
}

static enum verdict judge(struct routing *r, const struct access *a)
{
	const struct message *m = r->msg;
	struct access_facts f = {
		.channel = m->channel.channel_id,
		.direct = message_is_direct(m),
		.user = m->sender.user_id,
		.is_bot = m->sender.bot,
		.bot_id = m->sender.bot_id,
		.mention = m->mention,
		.stranger = stranger(m),
	};
	enum access_answer answer = access_judge(a, &f);

	if (answer == ACCESS_ASK) {
		if (!complete(r, &f))
			return V_HOLD;
		answer = access_judge(a, &f);
	}
	r->bot_answers = access_bot_answers(a);
	return answer == ACCESS_YES ? V_NEXT : deny(r, answer);
}

enum verdict stage_access(struct routing *r, struct err *e)
{
	struct access *a;
	enum verdict v;

	a = access_create(r->agent.access, r->agent.tenant_access, e);
	if (!a)
		return e->kind == ERR_RETRY ? V_FAIL : unreadable(r, e);
	v = judge(r, a);
	access_free(a);
	return v;
}
