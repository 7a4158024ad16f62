/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sim/act.h"
#include "sim/api.h"
#include "sim/core.h"
#include "sim/element.h"
#include "sim/interact.h"

/* Does this person see the message? */
static bool sees(const struct user *u, const struct msg *m)
{
	if (m->deleted || !channel_has(m->channel, u))
		return false;
	return !m->to_user || strcmp(m->to_user, u->id) == 0;
}

static void write_container(struct act *a)
{
	const struct msg *m = a->msg;

	jw_object(&a->w, "container");
	jw_str(&a->w, "type", "message");
	jw_str(&a->w, "message_ts", m->ts);
	jw_str(&a->w, "channel_id", m->channel->id);
	jw_bool(&a->w, "is_ephemeral", m->to_user);
	if (*m->thread_ts)
		jw_str(&a->w, "thread_ts", m->thread_ts);
	jw_object_end(&a->w);
}

static void send_click(struct act *a, const struct element *el)
{
	act_begin(a, "block_actions");
	write_container(a);
	act_trigger(a);
	act_channel(a);
	/* Slack doesn't send along what it didn't keep. */
	if (!a->msg->to_user)
		write_msg(&a->w, "message", a->msg, false);
	jw_raw(&a->w, "state", "{\"values\":{}}");
	act_response_url(a, "actions");
	jw_array(&a->w, "actions");
	element_write(a->s, &a->w, el);
	jw_array_end(&a->w);
	act_send(a, "interactive", "block_actions", false);
}

static int click(struct sim *s, const struct msg *m, struct user *u,
		 const char *action_id, const char *value)
{
	struct act a = { .s = s, .to = m->by, .user = u, .msg = m };
	struct element el = { 0 };
	struct err e = { 0 };
	struct json *j;
	int rc = -1;

	if (!m->by || !m->blocks || !sees(u, m))
		return -1;
	a.channel = m->channel;
	j = json_parse(m->blocks, strlen(m->blocks), SIM_BODY_MAX, &e);
	if (element_find(j, action_id, value, u->id, &el)) {
		send_click(&a, &el);
		rc = 0;
	}
	json_free(j);
	return rc;
}

int sim_click(struct sim *s, const char *channel, const char *ts,
	      const char *user, const char *action_id, const char *value)
{
	struct channel *ch;
	struct user *u;
	struct msg *m;
	int rc = -1;

	sim_lock(s);
	ch = world_channel(s->world, channel);
	u = world_user(s->world, user);
	m = ch ? msg_find(ch, ts) : NULL;
	if (m && u)
		rc = click(s, m, u, action_id, value);
	sim_unlock(s);
	return rc;
}
