/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/act.h"
#include "sim/api.h"
#include "sim/core.h"
#include "sim/interact.h"
#include "sim/socket.h"

/* What a command is remembered by until its ack. */
struct pending {
	char hook[160];
	char command[64];
};

/* Slack's own words to the person. */
static void complain(struct sim *s, const struct hook *h, const char *command,
		     const char *error)
{
	char text[200];
	struct msg *m;

	snprintf(text, sizeof(text), "%s failed with the error \"%s\"", command,
		 error);
	m = msg_create(s, h->channel, NULL, text, NULL);
	m->to_user = must_dup(h->user->id);
	sim_changed(s);
}

static const char *answer(struct sim *s, const struct hook *h,
			  const char *payload)
{
	struct args a = { 0 };
	const char *error;
	char ts[SIM_TS];

	if (args_json(&a, payload, strlen(payload)) < 0)
		error = "dispatch_unknown_error";
	else
		error = a.n > 0 ? hook_use(s, h, &a, ts) : NULL;
	args_release(&a);
	return error;
}

static void command_over(struct sim *s, struct event *ev, bool acked,
			 const char *payload)
{
	struct pending *p = ev->arg;
	struct hook *h = hook_find(s, p->hook);
	const char *error = NULL;

	if (!h)
		return;
	if (!acked)
		error = ev->sent ? "operation_timeout" : "dispatch_failed";
	else if (payload)
		error = answer(s, h, payload);
	if (error)
		complain(s, h, p->command, error);
}

/* A command's payload is one flat object, unlike the others'. */
static void write_command(struct act *a, const char *command, const char *text)
{
	const struct team *t = a->user->team;
	const char *name = a->channel->name;

	if (strcmp(a->channel->type, "im") == 0)
		name = "directmessage";
	else if (strcmp(a->channel->type, "group") == 0)
		name = "privategroup";
	jw_str(&a->w, "token", "sim-verification");
	jw_str(&a->w, "team_id", t->id);
	jw_str(&a->w, "team_domain", t->domain);
	if (t->enterprise) {
		jw_str(&a->w, "enterprise_id", t->enterprise);
		jw_str(&a->w, "enterprise_name", t->enterprise);
	}
	jw_str(&a->w, "channel_id", a->channel->id);
	jw_str(&a->w, "channel_name", name);
	jw_str(&a->w, "user_id", a->user->id);
	jw_str(&a->w, "user_name", a->user->name);
	jw_str(&a->w, "command", command);
	jw_str(&a->w, "text", text);
	jw_str(&a->w, "api_app_id", a->to->app->id);
	jw_str(&a->w, "is_enterprise_install",
	       a->to->org_wide ? "true" : "false");
	act_response_url(a, "commands");
	act_trigger(a);
}

static void command(struct act *a, const char *name, const char *text)
{
	struct pending *p = must_alloc(sizeof(*p));
	struct event *ev;

	buf_init(&a->out, SIM_BODY_MAX);
	jw_init(&a->w, &a->out);
	jw_object(&a->w, NULL);
	write_command(a, name, text);
	snprintf(p->hook, sizeof(p->hook), "%s", a->hook);
	snprintf(p->command, sizeof(p->command), "%s", name);
	ev = act_send(a, "slash_commands", "slash_commands", true);
	ev->arg = p;
	ev->over = command_over;
}

/* The app's install where this person is. */
static struct install *install_of(struct sim *s, const char *app_id,
				  const struct user *u)
{
	struct app *app = world_app(s->world, app_id);

	return app && u ? app_install(app, u->team->id) : NULL;
}

int sim_slash(struct sim *s, const char *app_id, const char *channel,
	      const char *user, const char *name, const char *text)
{
	struct act a = { .s = s };
	bool ok;

	sim_lock(s);
	a.user = world_user(s->world, user);
	a.channel = world_channel(s->world, channel);
	a.to = install_of(s, app_id, a.user);
	ok = a.to && a.channel && channel_has(a.channel, a.user);
	if (ok)
		command(&a, name, text ? text : "");
	sim_unlock(s);
	return ok ? 0 : -1;
}

static void shortcut(struct act *a, const char *type, const char *callback_id)
{
	char ts[SIM_TS];

	world_ts(a->s, ts);
	act_begin(a, type);
	jw_str(&a->w, "callback_id", callback_id);
	jw_str(&a->w, "action_ts", ts);
	act_trigger(a);
	if (a->msg) {
		act_channel(a);
		jw_str(&a->w, "message_ts", a->msg->ts);
		write_msg(&a->w, "message", a->msg, false);
		act_response_url(a, "app");
	}
	act_send(a, "interactive", type, false);
}

int sim_shortcut(struct sim *s, const char *app_id, const char *user,
		 const char *callback_id)
{
	struct act a = { .s = s };

	sim_lock(s);
	a.user = world_user(s->world, user);
	a.to = install_of(s, app_id, a.user);
	if (a.to)
		shortcut(&a, "shortcut", callback_id);
	sim_unlock(s);
	return a.to ? 0 : -1;
}

int sim_message_shortcut(struct sim *s, const char *app_id, const char *channel,
			 const char *ts, const char *user,
			 const char *callback_id)
{
	struct act a = { .s = s };
	bool ok;

	sim_lock(s);
	a.user = world_user(s->world, user);
	a.channel = world_channel(s->world, channel);
	a.to = install_of(s, app_id, a.user);
	a.msg = a.channel ? msg_find(a.channel, ts) : NULL;
	ok = a.to && a.msg && msg_visible(a.msg) &&
	     channel_has(a.channel, a.user);
	if (ok)
		shortcut(&a, "message_action", callback_id);
	sim_unlock(s);
	return ok ? 0 : -1;
}
