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
	return routing_once(r, key, HOUR_MS);
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
		log_error(LOG_FIELDS({ "tenant", r->connection.tenant.name },
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

/* A mention doesn't tell what kind of conversation it is in; the id does. A
 * command is for its asker alone, but may be given in a channel. */
static bool is_private(const struct message *m)
{
	return m->channel.conversation == CONVERSATION_IM ||
	       m->channel.channel_id[0] == 'D';
}

static bool waited_enough(struct routing *r, int64_t now_ms)
{
	if (r->held_ms == 0)
		r->held_ms = now_ms;
	return now_ms - r->held_ms > FACTS_MS;
}

/* Looking for what is known of somebody. */
struct search {
	struct routing *r;
	const char *scope;
	const char *user;
	bool late; /* what isn't known by now won't be */
	int64_t now_ms;
	enum access_fact found; /* in one of them */
};

static void want(const struct search *s, const char *id)
{
	struct routing *r = s->r;

	if (r->people && people_ask(r->people, s->scope, id, s->now_ms))
		r->look_up(&r->connection, id, r->look_arg);
}

/* One that is known and has them settles it. */
static void look_into(const char *group, void *arg)
{
	struct search *s = arg;
	enum access_fact in = FACT_UNKNOWN;

	if (s->found == FACT_YES)
		return;
	if (s->r->people && !people_in_group(s->r->people, s->scope, group,
					     s->user, s->late, s->now_ms, &in))
		want(s, group);
	if (in == FACT_YES || s->found == FACT_NO ||
	    (s->found == FACT_UNKNOWN && in == FACT_OPEN))
		s->found = in;
}

static enum access_fact in_groups(struct search *s, const struct access *a,
				  bool denied)
{
	s->found = FACT_NO;
	access_each_group(a, denied, look_into, s);
	return s->found;
}

static void look_at(struct search *s, struct access_facts *f)
{
	struct person known = { FACT_UNKNOWN, FACT_UNKNOWN };

	if (s->r->people && !people_find(s->r->people, s->scope, s->user,
					 s->late, s->now_ms, &known))
		want(s, s->user);
	f->guest = known.guest;
	if (f->stranger == FACT_OPEN)
		f->stranger = known.stranger;
}

static void give_up(enum access_fact *fact)
{
	if (*fact == FACT_OPEN)
		*fact = FACT_UNKNOWN;
}

static enum access_answer judge_late(const struct access *a,
				     struct access_facts *f)
{
	give_up(&f->guest);
	give_up(&f->stranger);
	give_up(&f->in_allowed);
	give_up(&f->in_denied);
	return access_judge(a, f);
}

static void warn_unknown(struct routing *r, const struct access_facts *f)
{
	const char *what = NULL;

	if (f->in_allowed == FACT_UNKNOWN || f->in_denied == FACT_UNKNOWN)
		what = "usergroups:read";
	else if (f->guest == FACT_UNKNOWN)
		what = "users:read";
	if (what && hourly(r, what, ""))
		log_warn(LOG_FIELDS({ "tenant", r->connection.tenant.name },
				    { "app", r->msg->channel.app_id },
				    { "scope", what }),
			 "slack doesn't tell who may ask; is that scope"
			 " there?");
}

/* ACCESS_ASK: it is on its way. What nothing depends on isn't looked up. */
static enum access_answer ask(struct routing *r, const struct access *a,
			      struct access_facts *f)
{
	const struct message *m = r->msg;
	int64_t now_ms = clock_ms();
	bool late = !r->people || waited_enough(r, now_ms);
	enum access_answer answer;
	char scope[80];
	struct search s = { .r = r,
			    .scope = scope,
			    .user = f->user,
			    .late = late,
			    .now_ms = now_ms };

	(void)snprintf(scope, sizeof(scope), "%s:%s", m->channel.app_id,
		       m->channel.workspace_id);
	f->in_denied = in_groups(&s, a, true);
	f->in_allowed = in_groups(&s, a, false);
	answer = access_judge(a, f);
	if (answer == ACCESS_ASK && f->in_denied != FACT_OPEN &&
	    f->in_allowed != FACT_OPEN) {
		look_at(&s, f);
		answer = access_judge(a, f);
	}
	if (answer == ACCESS_ASK && late)
		answer = judge_late(a, f);
	if (answer != ACCESS_ASK)
		warn_unknown(r, f);
	return answer;
}

static enum verdict judge(struct routing *r, const struct access *a)
{
	const struct message *m = r->msg;
	struct access_facts f = {
		.channel = m->channel.channel_id,
		.direct = is_private(m),
		.user = m->sender.user_id,
		.is_bot = m->sender.bot,
		.bot_id = m->sender.bot_id,
		.mention = m->mention,
		.stranger = stranger(m),
	};
	enum access_answer answer = access_judge(a, &f);

	if (answer == ACCESS_ASK)
		answer = ask(r, a, &f);
	if (answer == ACCESS_ASK)
		return V_HOLD;
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
