/* SPDX-License-Identifier: ISC */
#include "sim/post.h"

#include <stdio.h>

#include "sim/api.h"
#include "sim/events.h"
#include "sim/flood.h"
#include "sim/session.h"

struct channel *post_channel(struct call *c, const char **error)
{
	const char *id = call_arg(c, "channel");
	struct user *u = world_user(c->s->world, id);
	struct channel *ch;

	if (u && !u->bot)
		return world_im(c->s, c->install, u);
	ch = call_channel(c, id);
	if (!ch)
		*error = "channel_not_found";
	else if (ch->archived)
		*error = "is_archived";
	else if (!channel_has_bot(ch, c->install) &&
		 !list_has(c->install->scopes, "chat:write.public"))
		*error = "not_in_channel";
	return *error ? NULL : ch;
}

struct msg *post_root(struct call *c, struct channel *ch, const char **error)
{
	const char *ts = call_arg(c, "thread_ts");
	struct msg *root = ts ? msg_find(ch, ts) : NULL;

	if (!ts)
		return NULL;
	if (!root || root->to_user || (root->deleted && root->replies.n == 0))
		*error = "thread_not_found";
	else if (*root->thread_ts)
		*error = "cannot_reply_to_message";
	return *error ? NULL : root;
}

struct msg *post_make(struct call *c, struct channel *ch, const char *text)
{
	struct user *bot = world_user(c->s->world, c->install->bot_user);
	struct msg *m = msg_create(c->s, ch, bot, text, NULL);

	m->bot_id = must_dup(c->install->bot_id);
	m->by = c->install;
	snprintf(c->ts, sizeof(c->ts), "%s", m->ts);
	return m;
}

void post_tell(struct call *c, struct msg *m, struct msg *root)
{
	if (root) {
		msg_reply(root, m);
		m->flooded = root->flooded;
		session_said(c->s, c->install, m);
	}
	flood_posted(c->s, m);
	if (m->channel->bots.n > 1 || c->s->set.own_events)
		tell_new(c->s, m, NULL, false);
	if (root)
		tell_root(c->s, root);
}
