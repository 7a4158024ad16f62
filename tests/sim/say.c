/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/core.h"
#include "sim/events.h"
#include "sim/file.h"
#include "sim/say.h"

/* What the web client gives its messages; bots' have none. */
static char *new_client_msg_id(struct sim *s)
{
	char id[UUID_SIZE];

	sim_uuid(s, id);
	return must_dup(id);
}

static void dress(struct sim *s, struct msg *m, const struct sim_say *o)
{
	m->subtype = must_dup(o->subtype);
	if (!o->subtype && o->broadcast)
		m->subtype = must_dup("thread_broadcast");
	m->files = o->file_ids ? files_json(s, o->file_ids)
			       : must_dup(o->files);
	m->blocks = must_dup(o->blocks);
	m->attachments = must_dup(o->attachments);
	if (!m->subtype && m->files)
		m->subtype = must_dup("file_share");
	m->user_team = must_dup(o->user_team);
	m->bot_id = must_dup(o->bot_id);
	if (!m->bot_id && m->by)
		m->bot_id = must_dup(m->by->bot_id);
	if (!m->bot_id)
		m->client_msg_id = new_client_msg_id(s);
}

struct msg *say(struct sim *s, struct channel *ch, struct user *u,
		const char *text, const struct sim_say *o, size_t flooded)
{
	static const struct sim_say plain;
	struct msg *root = NULL;
	struct msg *m;

	if (!o)
		o = &plain;
	if (o->thread_ts) {
		root = msg_find(ch, o->thread_ts);
		if (!root || *root->thread_ts)
			return NULL;
	}
	m = msg_create(s, ch, u, text, o->ts);
	if (!m)
		return NULL;
	dress(s, m, o);
	m->flooded = flooded;
	if (root)
		msg_reply(root, m);
	tell_new(s, m, o->events, o->redeliver);
	if (root && !o->events)
		tell_root(s, root);
	return m;
}

int sim_say(struct sim *s, const char *channel, const char *user,
	    const char *text, const struct sim_say *opt, char ts[SIM_TS])
{
	struct channel *ch;
	struct msg *m = NULL;
	struct user *u;

	sim_lock(s);
	ch = world_channel(s->world, channel);
	u = world_user(s->world, user);
	if (ch && u)
		m = say(s, ch, u, text, opt, 0);
	if (m && ts)
		snprintf(ts, SIM_TS, "%s", m->ts);
	sim_unlock(s);
	return m ? 0 : -1;
}

static struct msg *find(struct sim *s, const char *channel, const char *ts)
{
	struct channel *ch = world_channel(s->world, channel);
	struct msg *m = ch ? msg_find(ch, ts) : NULL;

	return m && msg_visible(m) ? m : NULL;
}

int sim_edit(struct sim *s, const char *channel, const char *ts,
	     const char *text)
{
	struct msg *m;
	char *before;

	sim_lock(s);
	m = find(s, channel, ts);
	if (m) {
		before = must_dup(m->text);
		msg_revise(s, m, must_dup(text));
		world_ts(s, m->edited_ts);
		tell_changed(s, m, before);
		free(before);
	}
	sim_unlock(s);
	return m ? 0 : -1;
}

void msg_delete(struct sim *s, struct msg *m)
{
	struct msg *root = msg_find(m->channel, m->thread_ts);

	m->deleted = true;
	if (root)
		vec_remove(&root->replies, m);
	tell_deleted(s, m, false);
	if (root && root->deleted && root->replies.n == 0)
		tell_deleted(s, root, true);
	sim_changed(s);
}

int sim_delete(struct sim *s, const char *channel, const char *ts)
{
	struct msg *m;

	sim_lock(s);
	m = find(s, channel, ts);
	if (m)
		msg_delete(s, m);
	sim_unlock(s);
	return m ? 0 : -1;
}
