/* SPDX-License-Identifier: ISC */
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

const struct ctl_call ctl_acts[] = {
	{ "react", react_with },
	{ "click", click },
	{ 0 },
};
