/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/api.h"
#include "sim/blocks.h"
#include "sim/events.h"
#include "sim/flood.h"
#include "sim/flow.h"
#include "sim/post.h"
#include "sim/session.h"

#define STATUSES "active,processing,suspended,closed"

/* Outside of direct messages Slack wants to know for whom it streams. */
static const char *check_recipient(struct call *c, const struct channel *ch)
{
	if (strcmp(ch->type, "im") == 0)
		return NULL;
	if (!call_arg(c, "recipient_user_id"))
		return "missing_recipient_user_id";
	if (!call_arg(c, "recipient_team_id"))
		return "missing_recipient_team_id";
	return world_user(c->s->world, call_arg(c, "recipient_user_id"))
		       ? NULL
		       : "user_not_found";
}

static const char *start(struct call *c)
{
	const char *mode = call_arg(c, "task_display_mode");
	const char *error =
		flow_check(call_arg(c, "markdown_text"), call_arg(c, "chunks"));
	struct channel *ch;
	struct msg *root, *m;

	if (mode && !list_has("timeline,plan,dense", mode))
		error = "invalid_arguments";
	if (error)
		return error;
	ch = post_channel(c, &error);
	if (!error)
		error = check_recipient(c, ch);
	if (error)
		return error;
	root = post_root(c, ch, &error);
	if (error)
		return error;
	c->retry_after = limit_post(c->s, ch);
	if (c->retry_after)
		return "ratelimited";
	m = post_make(c, ch, "");
	m->unfurl_links = m->unfurl_media = false;
	flow_start(c->s, m, mode && strcmp(mode, "plan") == 0);
	flow_add(c->s, m, call_arg(c, "markdown_text"), call_arg(c, "chunks"));
	post_tell(c, m, root);
	session_set(c->s, session_get(c->s, c->install, ch, root->ts, true),
		    "processing");
	jw_str(&c->w, "channel", ch->id);
	jw_str(&c->w, "ts", m->ts);
	return NULL;
}

/* Our own message; whether it still runs is the caller's question. */
static struct msg *own_stream(struct call *c, const char **error)
{
	struct channel *ch = call_channel(c, call_arg(c, "channel"));
	struct msg *m = ch ? msg_find(ch, call_arg(c, "ts")) : NULL;

	if (!ch)
		*error = "channel_not_found";
	else if (!m || !msg_visible(m))
		*error = "message_not_found";
	else if (m->by != c->install)
		*error = "message_not_owned_by_app";
	return *error ? NULL : m;
}

static bool halted(const struct msg *m)
{
	return m->flow && m->flow->end == FLOW_HALTED;
}

static const char *append(struct call *c)
{
	const char *text = call_arg(c, "markdown_text");
	const char *chunks = call_arg(c, "chunks");
	const char *error = flow_check(text, chunks);
	struct msg *m;

	if (!text && !chunks)
		return "no_text";
	m = own_stream(c, &error);
	if (error)
		return error;
	if (halted(m))
		return "stopped_by_user";
	if (!flow_live(m))
		return "message_not_in_streaming_state";
	flow_add(c->s, m, text, chunks);
	flood_edited(c->s, m);
	snprintf(c->ts, sizeof(c->ts), "%s", m->ts);
	jw_str(&c->w, "channel", m->channel->id);
	jw_str(&c->w, "ts", m->ts);
	return NULL;
}

static const char *check_stop(struct call *c)
{
	const char *status = call_arg(c, "session_status");
	const char *metadata = call_arg(c, "metadata");
	const char *blocks = call_arg(c, "blocks");
	const char *error =
		flow_check(call_arg(c, "markdown_text"), call_arg(c, "chunks"));

	if (!error && blocks)
		error = blocks_check(blocks);
	if (!error && metadata)
		error = metadata_check(metadata);
	if (!error && status && !list_has(STATUSES, status))
		error = "invalid_arguments";
	return error;
}

static void finish(struct call *c, struct msg *m)
{
	const char *status = call_arg(c, "session_status");
	const char *metadata = call_arg(c, "metadata");
	const char *blocks = call_arg(c, "blocks");
	char *before = must_dup(m->text);
	struct session *se;

	/* What a person has stopped gets nothing more. */
	if (m->flow->end == FLOW_RUNS) {
		flow_add(c->s, m, call_arg(c, "markdown_text"),
			 call_arg(c, "chunks"));
		if (blocks)
			flow_add_blocks(c->s, m, blocks);
	}
	if (metadata) {
		free(m->metadata);
		m->metadata = must_dup(metadata);
	}
	m->flow->end = FLOW_STOPPED;
	se = session_get(c->s, c->install, m->channel, m->thread_ts, true);
	session_set(c->s, se, status ? status : "active");
	tell_changed(c->s, m, before);
	free(before);
}

/* A stream that a person stopped is still the app's to end: it is what takes
 * the session out of "processing". */
static const char *stop(struct call *c)
{
	const char *error = check_stop(c);
	struct msg *m = own_stream(c, &error);

	if (error)
		return error;
	if (!flow_live(m) && !halted(m))
		return "message_not_in_streaming_state";
	finish(c, m);
	flood_edited(c->s, m);
	snprintf(c->ts, sizeof(c->ts), "%s", m->ts);
	jw_str(&c->w, "channel", m->channel->id);
	jw_str(&c->w, "ts", m->ts);
	write_msg(&c->w, "message", m, true);
	return NULL;
}

const struct method stream_methods[] = {
	{ "chat.startStream", start, M_JSON, 20, "chat:write",
	  "channel,thread_ts" },
	{ "chat.appendStream", append, M_JSON, 100, "chat:write",
	  "channel,ts" },
	{ "chat.stopStream", stop, M_JSON, 20, "chat:write", "channel,ts" },
	{ 0 },
};
