/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "sim/act.h"
#include "sim/control.h"
#include "sim/core.h"

static const char *arg(const struct ctl *c, const char *name)
{
	const char *v = args_get(&c->args, name);

	return v && *v ? v : NULL;
}

static const char *react_with(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);
	struct user *u = ctl_user(c);

	if (!ch || !u || !arg(c, "ts") || !arg(c, "name"))
		return "channel, user, ts and name are needed";
	if (sim_react(c->s, ch->id, arg(c, "ts"), u->id, arg(c, "name"),
		      !args_bool(&c->args, "remove", false)) < 0)
		return "no such message, or nothing would change";
	return NULL;
}

static const char *click(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);
	struct user *u = ctl_user(c);

	if (!ch || !u || !arg(c, "ts") || !arg(c, "action_id"))
		return "channel, user, ts and action_id are needed";
	if (sim_click(c->s, ch->id, arg(c, "ts"), u->id, arg(c, "action_id"),
		      arg(c, "value")) < 0)
		return "there is nothing like that to click";
	return NULL;
}

static const char *click_view(struct ctl *c)
{
	if (!arg(c, "view") || !arg(c, "action_id"))
		return "view and action_id are needed";
	if (sim_click_view(c->s, arg(c, "view"), arg(c, "action_id"),
			   arg(c, "value")) < 0)
		return "there is nothing like that to click";
	return NULL;
}

/* By its id, or the one app that this workspace has. */
static const char *app_of(const struct ctl *c, const struct team *team)
{
	const char *id = arg(c, "app");
	struct install *i;
	size_t k;

	for (k = 0; !id && k < c->s->world->installs.n; k++) {
		i = c->s->world->installs.v[k];
		if (i->team == team)
			id = i->app->id;
	}
	return id;
}

static const char *slash(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);
	struct user *u = ctl_user(c);

	if (!ch || !u || !arg(c, "command"))
		return "channel, user and command are needed";
	if (sim_slash(c->s, app_of(c, u->team), ch->id, u->id,
		      arg(c, "command"), arg(c, "text")) < 0)
		return "no such app, or not a member";
	return NULL;
}

static const char *shortcut(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);
	struct user *u = ctl_user(c);
	int rc;

	if (!u || !arg(c, "callback_id"))
		return "user and callback_id are needed";
	if (arg(c, "ts"))
		rc = sim_message_shortcut(c->s, app_of(c, u->team),
					  ch ? ch->id : NULL, arg(c, "ts"),
					  u->id, arg(c, "callback_id"));
	else
		rc = sim_shortcut(c->s, app_of(c, u->team), u->id,
				  arg(c, "callback_id"));
	return rc < 0 ? "no such app or message" : NULL;
}

static const char *invite(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);
	struct user *u = ctl_user(c);

	if (!ch || !u || sim_invite(c->s, ch->id, u->id, arg(c, "inviter")) < 0)
		return "channel and user, not a member yet, are needed";
	return NULL;
}

static const char *open_home(struct ctl *c)
{
	const char *tab = arg(c, "tab");
	struct user *u = ctl_user(c);

	if (!u || sim_open_home(c->s, app_of(c, u->team), u->id,
				tab ? tab : "home") < 0)
		return "no such user or app";
	return NULL;
}

static const char *submit(struct ctl *c)
{
	if (!arg(c, "view") ||
	    sim_submit(c->s, arg(c, "view"), arg(c, "values")) < 0)
		return "no such modal, or something in it is missing";
	return NULL;
}

static const char *close_view(struct ctl *c)
{
	if (!arg(c, "view") ||
	    sim_close_view(c->s, arg(c, "view"),
			   args_bool(&c->args, "all", false)) < 0)
		return "no such modal";
	return NULL;
}

static const char *views(struct ctl *c)
{
	struct user *u = ctl_user(c);
	struct sim_view *v;
	size_t i, n;

	v = sim_views(c->s, &n);
	jw_array(&c->w, "views");
	for (i = 0; i < n; i++) {
		if (u && strcmp(u->id, v[i].user) != 0)
			continue;
		jw_object(&c->w, NULL);
		jw_str(&c->w, "user", v[i].user);
		jw_bool(&c->w, "open", v[i].open);
		jw_raw(&c->w, "view", v[i].json);
		if (v[i].errors)
			jw_raw(&c->w, "errors", v[i].errors);
		jw_object_end(&c->w);
	}
	jw_array_end(&c->w);
	sim_views_free(v, n);
	return NULL;
}

static const char *stop_session(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);
	struct user *u = ctl_user(c);

	if (!ch || !u || !arg(c, "thread_ts") ||
	    sim_stop_session(c->s, app_of(c, u->team), ch->id,
			     arg(c, "thread_ts"), u->id) < 0)
		return "nothing is at work there, or it can't be stopped";
	return NULL;
}

static const char *assistant(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);
	const char *looks_at = ch ? ch->id : NULL;
	struct user *u = ctl_user(c);
	char ts[SIM_TS];

	if (!u || sim_open_assistant(c->s, app_of(c, u->team), u->id, looks_at,
				     ts) < 0)
		return "no such user or app";
	jw_str(&c->w, "ts", ts);
	return NULL;
}

static const char *look_at(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);
	const char *looks_at = ch ? ch->id : NULL;
	struct user *u = ctl_user(c);
	int rc = -1;

	if (u && arg(c, "thread_ts"))
		rc = sim_assistant_looks(c->s, app_of(c, u->team), u->id,
					 arg(c, "thread_ts"), looks_at);
	else if (u)
		rc = sim_look_at(c->s, app_of(c, u->team), u->id, looks_at);
	return rc < 0 ? "no such user, app or thread" : NULL;
}

static const char *session(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);
	const char *app = ch ? app_of(c, ch->team) : NULL;
	struct sim_session se;

	if (!app ||
	    sim_session(c->s, app, ch->id, arg(c, "thread_ts"), &se) < 0)
		return "no such session";
	jw_str(&c->w, "status", se.status);
	jw_str(&c->w, "title", se.title);
	jw_str(&c->w, "text", se.text);
	if (se.loading)
		jw_raw(&c->w, "loading_messages", se.loading);
	if (se.prompts)
		jw_raw(&c->w, "prompts", se.prompts);
	jw_str(&c->w, "prompts_title", se.prompts_title);
	sim_session_release(&se);
	return NULL;
}

static const char *rotate(struct ctl *c)
{
	struct sim_rotation r = {
		.client_id = arg(c, "client_id"),
		.client_secret = arg(c, "client_secret"),
		.refresh_token = arg(c, "refresh_token"),
	};

	if (!arg(c, "token") || !r.client_id || !r.client_secret ||
	    !r.refresh_token || sim_rotate_token(c->s, arg(c, "token"), &r) < 0)
		return "token, client_id, client_secret and refresh_token are "
		       "needed";
	return NULL;
}

static const char *expire(struct ctl *c)
{
	if (!arg(c, "token") || sim_expire_token(c->s, arg(c, "token")) < 0)
		return "no such token that rotates";
	return NULL;
}

const struct ctl_call ctl_acts[] = {
	{ "react", react_with },
	{ "click", click },
	{ "click_view", click_view },
	{ "slash", slash },
	{ "shortcut", shortcut },
	{ "invite", invite },
	{ "open_home", open_home },
	{ "submit", submit },
	{ "close_view", close_view },
	{ "views", views },
	{ "rotate", rotate },
	{ "expire", expire },
	{ "stop", stop_session },
	{ "assistant", assistant },
	{ "look_at", look_at },
	{ "session", session },
	{ 0 },
};
