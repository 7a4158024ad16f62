/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sim/api.h"
#include "sim/session.h"

#define PROMPTS_MAX   4
#define LOADING_MAX   10
#define LOADING_CHARS 50
#define TITLE_MAX     200

/* The thread of which a method speaks; "" without one. NULL: not there. */
static const char *thread_of(const struct call *c, const struct channel *ch)
{
	const char *ts = call_arg(c, "thread_ts");
	const struct msg *m = ts ? msg_find(ch, ts) : NULL;

	if (!ts)
		return "";
	return m && !m->to_user && !*m->thread_ts ? ts : NULL;
}

/* The session that is meant; NULL with *error set. */
static struct session *thread_session(struct call *c, const char **error)
{
	struct channel *ch = call_channel(c, call_arg(c, "channel_id"));
	const char *ts = ch ? thread_of(c, ch) : NULL;

	if (!ch)
		*error = "channel_not_found";
	else if (!ts)
		*error = "invalid_thread_ts";
	return *error ? NULL : session_get(c->s, c->install, ch, ts, true);
}

static struct json *parse_list(const char *text, size_t most)
{
	struct err e = { 0 };
	struct json *j = json_parse(text, strlen(text), SIM_BODY_MAX, &e);

	if (j && json_is_array(j, "") && json_len(j, "") >= 1 &&
	    json_len(j, "") <= most)
		return j;
	json_free(j);
	return NULL;
}

static bool loading_ok(const char *text)
{
	struct json *j = parse_list(text, LOADING_MAX);
	const char *line;
	char at[24];
	bool ok = j;
	size_t i;

	for (i = 0; ok && i < json_len(j, ""); i++) {
		snprintf(at, sizeof(at), "%zu", i);
		line = json_str(j, at);
		ok = line && chars_len(line) <= LOADING_CHARS;
	}
	json_free(j);
	return ok;
}

static const char *set_thread_status(struct call *c)
{
	const char *loading = call_arg(c, "loading_messages");
	const char *text = args_get(&c->args, "status");
	const char *error = NULL;
	struct session *se;

	if (!list_has(c->install->scopes, "assistant:write"))
		error = call_scope(c, "chat:write");
	if (error)
		return error;
	if (!text || (loading && !loading_ok(loading)))
		return "invalid_arguments";
	se = thread_session(c, &error);
	if (!se)
		return error;
	session_show(c->s, se, *text ? must_dup(text) : NULL,
		     *text ? must_dup(loading) : NULL);
	session_set(c->s, se, *text ? "processing" : "active");
	return NULL;
}

static bool prompts_ok(const char *text)
{
	struct json *j = parse_list(text, PROMPTS_MAX);
	const char *title, *message;
	char at[32];
	bool ok = j;
	size_t i;

	for (i = 0; ok && i < json_len(j, ""); i++) {
		snprintf(at, sizeof(at), "%zu.title", i);
		title = json_str(j, at);
		snprintf(at, sizeof(at), "%zu.message", i);
		message = json_str(j, at);
		ok = title && *title && message && *message;
	}
	json_free(j);
	return ok;
}

static const char *set_prompts(struct call *c)
{
	const char *error = NULL;
	struct session *se;

	if (!prompts_ok(call_arg(c, "prompts")))
		return "invalid_arguments";
	se = thread_session(c, &error);
	if (!se)
		return error;
	free(se->prompts);
	free(se->prompts_title);
	se->prompts = must_dup(call_arg(c, "prompts"));
	se->prompts_title = must_dup(call_arg(c, "title"));
	sim_changed(c->s);
	return NULL;
}

static void set_title(struct call *c, struct session *se)
{
	free(se->title);
	se->title = must_dup(call_arg(c, "title"));
	sim_changed(c->s);
}

static const char *set_thread_title(struct call *c)
{
	const char *error = NULL;
	struct session *se = thread_session(c, &error);

	if (se)
		set_title(c, se);
	return error;
}

/* The channel and thread of a session; NULL with *error set. */
static struct channel *session_place(struct call *c, const char **error)
{
	struct channel *ch = call_channel(c, call_arg(c, "channel_id"));

	if (!ch)
		*error = "channel_not_found";
	else if (!channel_has_bot(ch, c->install))
		*error = "not_authorized";
	else if (!call_arg(c, "thread_ts"))
		*error = "thread_ts_required";
	else if (!thread_of(c, ch))
		*error = "invalid_thread_ts";
	else if (call_arg(c, "title") &&
		 chars_len(call_arg(c, "title")) > TITLE_MAX)
		*error = "invalid_arguments";
	return *error ? NULL : ch;
}

static const char *set_session_status(struct call *c)
{
	const char *initiator = call_arg(c, "initiator_user_id");
	const char *status = call_arg(c, "status");
	const char *error = NULL;
	struct session *se;
	struct channel *ch;

	if (!list_has("active,processing,suspended,closed", status))
		return "invalid_status";
	ch = session_place(c, &error);
	if (!ch)
		return error;
	if (initiator && !world_user(c->s->world, initiator))
		return "user_not_found";
	se = session_get(c->s, c->install, ch, call_arg(c, "thread_ts"), false);
	if (!se) {
		se = session_get(c->s, c->install, ch, call_arg(c, "thread_ts"),
				 true);
		set_title(c, se);
	}
	session_set(c->s, se, status);
	if (!list_has(c->app->events, "agent_session_stopped"))
		c->warning = "missing_agent_session_stopped_event_"
			     "subscription";
	jw_str(&c->w, "status", status);
	jw_str(&c->w, "agent_status", status);
	if (se->title)
		jw_str(&c->w, "title", se->title);
	return NULL;
}

static const char *rename_session(struct call *c)
{
	const char *error = NULL;
	struct channel *ch = session_place(c, &error);
	struct session *se;

	if (!ch)
		return error;
	se = session_get(c->s, c->install, ch, call_arg(c, "thread_ts"), false);
	if (!se)
		return "session_not_found";
	set_title(c, se);
	jw_str(&c->w, "title", se->title);
	return NULL;
}

const struct method agent_methods[] = {
	{ "assistant.threads.setStatus", set_thread_status, M_JSON, 600, NULL,
	  "channel_id,thread_ts" },
	{ "assistant.threads.setSuggestedPrompts", set_prompts, M_JSON, 100,
	  "assistant:write", "channel_id,prompts" },
	{ "assistant.threads.setTitle", set_thread_title, M_JSON, 100,
	  "assistant:write", "channel_id,thread_ts,title" },
	{ "agents.sessions.setStatus", set_session_status, M_JSON, 50,
	  "chat:write", "channel_id,status" },
	{ "agents.sessions.rename", rename_session, M_JSON, 50, "chat:write",
	  "channel_id,title" },
	{ 0 },
};
