/* SPDX-License-Identifier: ISC */
#include "sim/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sim/api.h"
#include "sim/core.h"
#include "sim/socket.h"

#define EVENT_MAX ((size_t)16 << 20)

/* The subscription under which a channel's messages come. */
static const char *subscription(const struct channel *ch)
{
	switch (ch->type[0]) {
	case 'c':
		return "message.channels";
	case 'g':
		return "message.groups";
	case 'i':
		return "message.im";
	default:
		return "message.mpim";
	}
}

/* What an event needs beside its subscription; NULL: nothing. */
static const char *event_scope(const char *name, const struct channel *ch,
			       char out[40])
{
	static const struct {
		const char *name;
		const char *scope;
	} scopes[] = {
		{ "app_mention", "app_mentions:read" },
		{ "reaction_added", "reactions:read" },
		{ "reaction_removed", "reactions:read" },
		{ "app_context_changed", "assistant:write" },
		{ "agent_session_stopped", "chat:write" },
		{ "agent_session_title_changed", "chat:write" },
	};
	size_t i;

	for (i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		if (strcmp(scopes[i].name, name) == 0)
			return scopes[i].scope;
	}
	if (strncmp(name, "member_", 7) == 0)
		return ch && ch->type[0] == 'g' ? "groups:read"
						: "channels:read";
	if (strncmp(name, "message.", 8) != 0)
		return NULL;
	snprintf(out, 40, "%s:history", name + 8);
	return out;
}

/* A subscription without its scope brings nothing. */
static bool subscribed(const struct install *i, const struct channel *ch,
		       const char *name)
{
	const char *scope;
	char text[40];

	if (i->gone || !list_has(i->app->events, name))
		return false;
	scope = event_scope(name, ch, text);
	return !scope || list_has(i->scopes, scope);
}

static void authorizations(struct jwrite *w, const struct install *i)
{
	jw_array(w, "authorizations");
	jw_object(w, NULL);
	jw_str(w, "enterprise_id", i->team->enterprise);
	jw_str(w, "team_id", i->org_wide ? NULL : i->team->id);
	jw_str(w, "user_id", i->bot_user);
	jw_bool(w, "is_bot", true);
	jw_bool(w, "is_enterprise_install", i->org_wide);
	jw_object_end(w);
	jw_array_end(w);
}

struct event *tell(struct sim *s, struct install *i, const struct channel *ch,
		   const char *type, const char *inner, size_t flooded)
{
	const char *team = ch ? ch->team->id : i->team->id;
	char context[64];
	struct jwrite w;
	struct buf b;
	char id[24];

	sim_id(s, "Ev", id, sizeof(id));
	snprintf(context, sizeof(context), "4-sim-%s", id);
	buf_init(&b, EVENT_MAX);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "token", "sim-verification");
	jw_str(&w, "team_id", team);
	jw_str(&w, "context_team_id", team);
	jw_str(&w, "context_enterprise_id", i->team->enterprise);
	jw_str(&w, "api_app_id", i->app->id);
	jw_raw(&w, "event", inner);
	jw_str(&w, "type", "event_callback");
	jw_str(&w, "event_id", id);
	jw_int(&w, "event_time", sim_wall_ms(s) / 1000);
	authorizations(&w, i);
	jw_bool(&w, "is_ext_shared_channel", ch && channel_shared(ch));
	jw_str(&w, "event_context", context);
	jw_object_end(&w);
	return event_send(s, i->app, id, "events_api", type, must_take(&b),
			  false, flooded);
}

char *event_json(const struct msg *m, const char *type)
{
	bool mention = strcmp(type, "app_mention") == 0;
	const char *foreign = m->user_team;
	struct jwrite w;
	struct buf b;

	buf_init(&b, EVENT_MAX);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	show_members(&w, m, type, false);
	jw_str(&w, "channel", m->channel->id);
	if (!foreign && m->user && m->user->team != m->channel->team)
		foreign = m->user->team->id;
	if (foreign) {
		jw_str(&w, "user_team", foreign);
		jw_str(&w, "source_team", foreign);
	}
	jw_str(&w, "event_ts", m->ts);
	if (!mention)
		jw_str(&w, "channel_type", m->channel->type);
	jw_object_end(&w);
	return must_take(&b);
}

/* What a hidden event tells, by what the message is now and was before. */
enum hidden {
	CHANGED,
	DELETED,
	BURIED,   /* a root with replies: it becomes a tombstone, */
	STILL,    /* stays one, */
	VANISHED, /* and goes with its last reply */
};

/* message_changed and message_deleted: hidden, with a ts of their own. */
static char *hidden_json(struct sim *s, const struct msg *m, enum hidden how,
			 const char *before)
{
	bool deleted = how == DELETED || how == VANISHED;
	struct jwrite w;
	char ts[SIM_TS];
	struct msg old;
	struct buf b;

	world_ts(s, ts);
	buf_init(&b, EVENT_MAX);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "type", "message");
	jw_str(&w, "subtype", deleted ? "message_deleted" : "message_changed");
	if (deleted)
		jw_str(&w, "deleted_ts", m->ts);
	else if (how == CHANGED)
		write_msg(&w, "message", m, false);
	else
		write_tombstone(&w, "message", m);
	old = *m;
	if (before)
		old.text = before;
	if (how == STILL || how == VANISHED)
		write_tombstone(&w, "previous_message", m);
	else
		write_msg(&w, "previous_message", &old, false);
	jw_str(&w, "channel", m->channel->id);
	jw_bool(&w, "hidden", true);
	jw_str(&w, "ts", ts);
	jw_str(&w, "event_ts", ts);
	jw_str(&w, "channel_type", m->channel->type);
	jw_object_end(&w);
	return must_take(&b);
}

/* An app that is in a channel more than once hears it once. */
static bool told_before(const struct channel *ch, size_t at)
{
	const struct install *me = ch->bots.v[at];
	const struct install *other;
	size_t i;

	for (i = 0; i < at; i++) {
		other = ch->bots.v[i];
		if (other->app == me->app)
			return true;
	}
	return false;
}

static void tell_message(struct sim *s, const struct msg *m, const char *inner,
			 size_t flooded, bool again)
{
	const char *name = subscription(m->channel);
	struct event *ev;
	struct install *i;
	size_t k;

	for (k = 0; k < m->channel->bots.n; k++) {
		i = m->channel->bots.v[k];
		if (!subscribed(i, m->channel, name) ||
		    told_before(m->channel, k) ||
		    (m->by == i && !s->set.own_events))
			continue;
		ev = tell(s, i, m->channel, "message", inner, flooded);
		if (again)
			event_again(s, ev, NULL);
	}
}

static bool mentions(const char *text, const char *user)
{
	size_t n = strlen(user);
	const char *p = text;

	while ((p = strstr(p, "<@"))) {
		p += 2;
		if (strncmp(p, user, n) == 0 && (p[n] == '>' || p[n] == '|'))
			return true;
	}
	return false;
}

static void tell_mention(struct sim *s, const struct msg *m, bool again)
{
	char *inner = NULL;
	struct install *i;
	struct event *ev;
	size_t k;

	/* app_mention is never sent for direct messages. */
	if (strcmp(m->channel->type, "im") == 0 || !strstr(m->text, "<@"))
		return;
	for (k = 0; k < m->channel->bots.n; k++) {
		i = m->channel->bots.v[k];
		if (!mentions(m->text, i->bot_user) || m->by == i ||
		    !subscribed(i, m->channel, "app_mention"))
			continue;
		if (!inner)
			inner = event_json(m, "app_mention");
		ev = tell(s, i, m->channel, "app_mention", inner,
			  m->by ? 0 : m->flooded);
		if (again)
			event_again(s, ev, NULL);
	}
	free(inner);
}

static void tell_plain(struct sim *s, const struct msg *m, bool again)
{
	char *inner;

	if (m->channel->bots.n == 0)
		return;
	inner = event_json(m, "message");
	/* A bot's answer has its question's number, but isn't the flood's. */
	tell_message(s, m, inner, m->by ? 0 : m->flooded, again);
	free(inner);
}

void tell_new(struct sim *s, const struct msg *m, const char *kinds, bool again)
{
	/* In no order that could be relied on. */
	if (!kinds)
		kinds = sim_random(s) & 1 ? "app_mention,message"
					  : "message,app_mention";
	for (; *kinds; kinds += strcspn(kinds, ","), kinds += *kinds == ',') {
		if (strncmp(kinds, "app_mention", 11) == 0)
			tell_mention(s, m, again);
		else if (strncmp(kinds, "message", 7) == 0)
			tell_plain(s, m, again);
	}
}

void tell_changed(struct sim *s, const struct msg *m, const char *before)
{
	char *inner;

	if (m->channel->bots.n == 0)
		return;
	inner = hidden_json(s, m, CHANGED, before);
	tell_message(s, m, inner, 0, false);
	free(inner);
	if (!m->by && *m->edited_ts)
		tell_mention(s, m, false);
}

void tell_deleted(struct sim *s, const struct msg *m, bool before)
{
	enum hidden how = m->replies.n > 0 ? BURIED
			  : before         ? VANISHED
					   : DELETED;
	char *inner = hidden_json(s, m, how, NULL);

	tell_message(s, m, inner, 0, false);
	free(inner);
}

void tell_root(struct sim *s, const struct msg *root)
{
	char *inner;

	if (!s->set.root_events || root->channel->bots.n == 0)
		return;
	inner = hidden_json(s, root, root->deleted ? STILL : CHANGED, NULL);
	tell_message(s, root, inner, 0, false);
	free(inner);
}

struct event *tell_install(struct sim *s, struct install *i,
			   const struct channel *ch, const char *name,
			   const char *inner)
{
	return subscribed(i, ch, name) ? tell(s, i, ch, name, inner, 0) : NULL;
}

void tell_channel(struct sim *s, const struct channel *ch, const char *name,
		  const char *inner)
{
	size_t k;

	for (k = 0; k < ch->bots.n; k++) {
		if (!told_before(ch, k))
			tell_install(s, ch->bots.v[k], ch, name, inner);
	}
}

int sim_event(struct sim *s, const char *app_id, const char *team_id,
	      const char *event)
{
	struct install *i = NULL;
	struct err e = { 0 };
	struct json *j;
	struct app *a;

	j = json_parse(event, strlen(event), EVENT_MAX, &e);
	if (!j)
		return -1;
	sim_lock(s);
	a = world_app(s->world, app_id);
	if (a)
		i = app_install(a, team_id);
	if (i)
		tell(s, i, NULL, json_str(j, "type") ? json_str(j, "type") : "",
		     event, 0);
	sim_unlock(s);
	json_free(j);
	return i ? 0 : -1;
}

int sim_envelope(struct sim *s, const char *app_id, const char *type,
		 const char *payload, bool accepts_response)
{
	struct err e = { 0 };
	struct json *j;
	struct app *a;

	j = json_parse(payload, strlen(payload), EVENT_MAX, &e);
	if (!j)
		return -1;
	sim_lock(s);
	a = world_app(s->world, app_id);
	if (a)
		event_send(s, a, json_str(j, "event_id"), type,
			   json_str(j, "type") ? json_str(j, "type") : type,
			   must_dup(payload), accepts_response, 0);
	sim_unlock(s);
	json_free(j);
	return a ? 0 : -1;
}
