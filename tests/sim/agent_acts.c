/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sim/act.h"
#include "sim/core.h"
#include "sim/events.h"
#include "sim/flow.h"
#include "sim/session.h"

#define EVENT_MAX ((size_t)1 << 20)

/* What people do with an app that is an agent. */
struct scene {
	struct sim *s;
	struct install *to;
	struct user *user;
	struct channel *channel;
	struct session *session;
	struct jwrite w;
	struct buf out;
};

static bool find(struct scene *sc, const char *app_id, const char *user)
{
	struct app *a = world_app(sc->s->world, app_id);

	sc->user = world_user(sc->s->world, user);
	if (a && sc->user)
		sc->to = app_install(a, sc->user->team->id);
	return sc->to;
}

static bool find_session(struct scene *sc, const char *app_id,
			 const char *channel, const char *thread_ts,
			 const char *user)
{
	if (!find(sc, app_id, user))
		return false;
	sc->channel = world_channel(sc->s->world, channel);
	if (!sc->channel || !channel_has(sc->channel, sc->user))
		return false;
	sc->session = session_get(sc->s, sc->to, sc->channel, thread_ts, false);
	return sc->session;
}

static void event_begin(struct scene *sc, const char *type)
{
	buf_init(&sc->out, EVENT_MAX);
	jw_init(&sc->w, &sc->out);
	jw_object(&sc->w, NULL);
	jw_str(&sc->w, "type", type);
}

/* false: the app hears nothing of it. */
static bool event_end(struct scene *sc, const char *type)
{
	struct event *ev;
	char ts[SIM_TS];

	world_ts(sc->s, ts);
	jw_str(&sc->w, "event_ts", ts);
	jw_object_end(&sc->w);
	ev = tell_install(sc->s, sc->to, sc->channel, type, sc->out.data);
	buf_release(&sc->out);
	return ev;
}

/* Slack ends the streams itself; their messages stay as they are. */
static void halt_streams(struct scene *sc, const char *thread_ts)
{
	struct msg *root = msg_find(sc->channel, thread_ts);
	struct msg *m;
	size_t i;

	jw_array(&sc->w, "streaming_message_ts");
	for (i = 0; root && i < root->replies.n; i++) {
		m = root->replies.v[i];
		if (m->by != sc->to || !flow_live(m))
			continue;
		m->flow->end = FLOW_HALTED;
		jw_str(&sc->w, NULL, m->ts);
	}
	jw_array_end(&sc->w);
}

static void stop(struct scene *sc, const char *thread_ts)
{
	event_begin(sc, "agent_session_stopped");
	jw_str(&sc->w, "user", sc->user->id);
	jw_str(&sc->w, "channel", sc->channel->id);
	jw_str(&sc->w, "thread_ts", thread_ts);
	halt_streams(sc, thread_ts);
	event_end(sc, "agent_session_stopped");
	sim_changed(sc->s);
}

int sim_stop_session(struct sim *s, const char *app_id, const char *channel,
		     const char *thread_ts, const char *user)
{
	struct scene sc = { .s = s };
	bool ok;

	sim_lock(s);
	/* Without the subscription there is no button. */
	ok = find_session(&sc, app_id, channel, thread_ts, user) &&
	     strcmp(session_status(sc.session), "processing") == 0 &&
	     list_has(sc.to->app->events, "agent_session_stopped");
	if (ok)
		stop(&sc, thread_ts);
	sim_unlock(s);
	return ok ? 0 : -1;
}

int sim_rename_session(struct sim *s, const char *app_id, const char *channel,
		       const char *thread_ts, const char *user,
		       const char *title)
{
	struct scene sc = { .s = s };
	bool ok;

	sim_lock(s);
	ok = find_session(&sc, app_id, channel, thread_ts, user);
	if (ok) {
		event_begin(&sc, "agent_session_title_changed");
		jw_str(&sc.w, "title", title);
		if (sc.session->title)
			jw_str(&sc.w, "previous_title", sc.session->title);
		jw_str(&sc.w, "thread_ts", thread_ts);
		jw_str(&sc.w, "channel", sc.channel->id);
		jw_str(&sc.w, "user", sc.user->id);
		jw_str(&sc.w, "team_id", sc.user->team->id);
		event_end(&sc, "agent_session_title_changed");
		free(sc.session->title);
		sc.session->title = must_dup(title);
		sim_changed(s);
	}
	sim_unlock(s);
	return ok ? 0 : -1;
}

static void assistant_event(struct scene *sc, const char *type,
			    const char *thread_ts, const char *looks_at)
{
	const struct team *t = sc->user->team;

	event_begin(sc, type);
	jw_object(&sc->w, "assistant_thread");
	jw_str(&sc->w, "user_id", sc->user->id);
	jw_object(&sc->w, "context");
	if (looks_at) {
		jw_str(&sc->w, "channel_id", looks_at);
		jw_str(&sc->w, "team_id", t->id);
		jw_str(&sc->w, "enterprise_id", t->enterprise);
	}
	jw_object_end(&sc->w);
	jw_str(&sc->w, "channel_id", sc->channel->id);
	jw_str(&sc->w, "thread_ts", thread_ts);
	jw_object_end(&sc->w);
	event_end(sc, type);
}

/* The root that Slack writes in the app's name. */
static struct msg *assistant_root(struct scene *sc)
{
	struct user *bot = world_user(sc->s->world, sc->to->bot_user);
	struct msg *m = msg_create(sc->s, sc->channel, bot,
				   "New Assistant Thread", NULL);

	m->bot_id = must_dup(sc->to->bot_id);
	m->subtype = must_dup("assistant_app_thread");
	return m;
}

int sim_open_assistant(struct sim *s, const char *app_id, const char *user,
		       const char *looks_at, char ts[SIM_TS])
{
	struct scene sc = { .s = s };
	struct msg *root;
	bool ok;

	sim_lock(s);
	ok = find(&sc, app_id, user);
	if (ok) {
		sc.channel = world_im(s, sc.to, sc.user);
		root = assistant_root(&sc);
		if (ts)
			snprintf(ts, SIM_TS, "%s", root->ts);
		assistant_event(&sc, "assistant_thread_started", root->ts,
				looks_at);
	}
	sim_unlock(s);
	return ok ? 0 : -1;
}

int sim_assistant_looks(struct sim *s, const char *app_id, const char *user,
			const char *thread_ts, const char *looks_at)
{
	struct scene sc = { .s = s };
	bool ok;

	sim_lock(s);
	ok = find(&sc, app_id, user);
	if (ok) {
		sc.channel = world_im(s, sc.to, sc.user);
		ok = msg_find(sc.channel, thread_ts);
	}
	if (ok)
		assistant_event(&sc, "assistant_thread_context_changed",
				thread_ts, looks_at);
	sim_unlock(s);
	return ok ? 0 : -1;
}

static void write_looks(struct scene *sc, const char *looks_at)
{
	jw_object(&sc->w, "context");
	jw_array(&sc->w, "entities");
	if (looks_at) {
		jw_object(&sc->w, NULL);
		jw_str(&sc->w, "type", "slack#/types/channel_id");
		jw_str(&sc->w, "value", looks_at);
		jw_str(&sc->w, "team_id", sc->user->team->id);
		jw_object_end(&sc->w);
	}
	jw_array_end(&sc->w);
	jw_object_end(&sc->w);
}

int sim_look_at(struct sim *s, const char *app_id, const char *user,
		const char *looks_at)
{
	struct scene sc = { .s = s };
	bool ok;

	sim_lock(s);
	ok = find(&sc, app_id, user);
	if (ok) {
		sc.channel = world_im(s, sc.to, sc.user);
		event_begin(&sc, "app_context_changed");
		jw_str(&sc.w, "user", sc.user->id);
		jw_str(&sc.w, "channel", sc.channel->id);
		write_looks(&sc, looks_at);
		event_end(&sc, "app_context_changed");
	}
	sim_unlock(s);
	return ok ? 0 : -1;
}

static struct session *lookup(struct sim *s, const char *app_id,
			      const char *channel, const char *thread_ts)
{
	struct channel *ch = world_channel(s->world, channel);
	struct app *a = world_app(s->world, app_id);
	struct install *i = a && ch ? app_install(a, ch->team->id) : NULL;

	return i ? session_get(s, i, ch, thread_ts ? thread_ts : "", false)
		 : NULL;
}

int sim_session(struct sim *s, const char *app_id, const char *channel,
		const char *thread_ts, struct sim_session *out)
{
	struct session *se;

	memset(out, 0, sizeof(*out));
	sim_lock(s);
	se = lookup(s, app_id, channel, thread_ts);
	if (se) {
		snprintf(out->status, sizeof(out->status), "%s",
			 session_status(se));
		out->title = must_dup(se->title);
		out->text = must_dup(session_text(se));
		out->loading = out->text ? must_dup(se->loading) : NULL;
		out->prompts = must_dup(se->prompts);
		out->prompts_title = must_dup(se->prompts_title);
	}
	sim_unlock(s);
	return se ? 0 : -1;
}

void sim_session_release(struct sim_session *se)
{
	free(se->title);
	free(se->text);
	free(se->loading);
	free(se->prompts);
	free(se->prompts_title);
	memset(se, 0, sizeof(*se));
}

struct want {
	const char *app_id;
	const char *channel;
	const char *thread_ts;
	const char *words;
};

static bool shows(struct sim *s, void *arg)
{
	const struct want *w = arg;
	struct session *se = lookup(s, w->app_id, w->channel, w->thread_ts);

	if (!se)
		return false;
	return strcmp(session_status(se), w->words) == 0 ||
	       (session_text(se) && strstr(session_text(se), w->words)) ||
	       (se->prompts && strstr(se->prompts, w->words)) ||
	       str_eq(se->title, w->words);
}

int sim_wait_session(struct sim *s, const char *app_id, const char *channel,
		     const char *thread_ts, const char *words, int timeout_ms)
{
	struct want w = { app_id, channel, thread_ts, words };

	return sim_wait(s, shows, &w, timeout_ms);
}
