/* SPDX-License-Identifier: ISC */
#include "route/signal.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "route/envelope.h"
#include "route/message_in.h"
#include "slack/text.h"
#include "slack/ts.h"
#include "slack/undone.h"
#include "state/engaged.h"

#define WORD_MAX   128
#define DETAIL_MAX 3000 /* of a view's metadata */
#define TEXT_MAX   (256 * 1024)

static bool is(const struct envelope *env, const char *path, const char *want)
{
	return message_field_is(env->payload, path, want);
}

static bool is_press(const struct envelope *env)
{
	const char *action = json_str(env->payload, "actions.0.action_id");

	return is(env, "type", "block_actions") && action &&
	       strncmp(action, SIGNAL_ACTION, strlen(SIGNAL_ACTION)) == 0;
}

static enum signal of_interactive(const struct envelope *env)
{
	if (is_press(env))
		return SIGNAL_PRESS;
	if (is(env, "type", "message_action") &&
	    is(env, "callback_id", SIGNAL_ABOUT))
		return SIGNAL_SHORTCUT;
	if (is(env, "type", "view_submission") &&
	    is(env, "view.callback_id", SIGNAL_ABOUT))
		return SIGNAL_SUBMIT;
	return SIGNAL_NONE;
}

enum signal signal_of(const struct envelope *env)
{
	if (env->type == ENVELOPE_SLASH)
		return env->payload ? SIGNAL_COMMAND : SIGNAL_NONE;
	if (env->type == ENVELOPE_INTERACTIVE)
		return of_interactive(env);
	if (env->type != ENVELOPE_EVENTS || !is(env, "type", "event_callback"))
		return SIGNAL_NONE;
	if (is(env, "event.type", "reaction_added"))
		return SIGNAL_REACTION;
	if (is(env, "event.type", "agent_session_stopped"))
		return SIGNAL_STOP;
	if (is(env, "event.type", "app_home_opened"))
		return SIGNAL_HOME;
	if (is(env, "event.type", "member_joined_channel"))
		return SIGNAL_JOIN;
	if (is(env, "event.type", "assistant_thread_started"))
		return SIGNAL_PANE;
	if (!is(env, "event.type", "message"))
		return SIGNAL_NONE;
	/* A root that has replies is not deleted, but made a tombstone. */
	if (is(env, "event.message.subtype", "tombstone"))
		return is(env, "event.previous_message.subtype", "tombstone")
			       ? SIGNAL_NONE
			       : SIGNAL_DELETE;
	if (is(env, "event.subtype", "message_changed"))
		return SIGNAL_EDIT;
	if (is(env, "event.subtype", "message_deleted"))
		return SIGNAL_DELETE;
	return SIGNAL_NONE;
}

static bool word_valid(const char *s)
{
	return strlen(s) <= WORD_MAX;
}

static bool detail_valid(const char *s)
{
	return strlen(s) <= DETAIL_MAX;
}

static bool text_valid(const char *s)
{
	return strlen(s) <= TEXT_MAX;
}

static int take(const struct json *j, const char *path,
		bool (*valid)(const char *s), char **out, struct err *e)
{
	return message_take(j, path, valid, out, e);
}

/* Of a payload for which each kind has a path of its own. */
static const struct {
	const char *channel, *user, *ts, *thread, *value, *detail;
} paths[] = {
	[SIGNAL_REACTION] = { "event.item.channel", "event.user",
			      "event.item.ts", NULL, "event.reaction", NULL },
	[SIGNAL_EDIT] = { "event.channel", "event.message.user",
			  "event.message.ts", "event.message.thread_ts", NULL,
			  NULL },
	[SIGNAL_DELETE] = { "event.channel", "event.previous_message.user",
			    "event.deleted_ts",
			    "event.previous_message.thread_ts", NULL, NULL },
	[SIGNAL_PRESS] = { "container.channel_id", "user.id",
			   "container.message_ts", "container.thread_ts",
			   "actions.0.action_id", "actions.0.value" },
	[SIGNAL_STOP] = { "event.channel", "event.user", "event.thread_ts",
			  "event.thread_ts", NULL, NULL },
	[SIGNAL_COMMAND] = { "channel_id", "user_id", NULL, NULL, "command",
			     "response_url" },
	[SIGNAL_SHORTCUT] = { "channel.id", "user.id", "message.ts",
			      "message.thread_ts", "callback_id",
			      "trigger_id" },
	[SIGNAL_SUBMIT] = { NULL, "user.id", NULL, NULL, NULL,
			    "view.private_metadata" },
	[SIGNAL_HOME] = { "event.channel", "event.user", NULL, NULL,
			  "event.tab", NULL },
	[SIGNAL_JOIN] = { "event.channel", "event.user", NULL, NULL, NULL,
			  NULL },
	[SIGNAL_PANE] = { "event.assistant_thread.channel_id",
			  "event.assistant_thread.user_id",
			  "event.assistant_thread.thread_ts",
			  "event.assistant_thread.thread_ts", NULL, NULL },
};

/* Of a post that no person has written there may be no user. */
static int take_user(struct message *m, const struct json *j, struct err *e)
{
	const char *path = paths[m->signal.kind].user;

	if (m->signal.kind != SIGNAL_EDIT && m->signal.kind != SIGNAL_DELETE)
		return take(j, path, message_id_valid, &m->sender.user_id, e);
	if (message_take_optional(j, path, message_id_valid, &m->sender.user_id,
				  e) < 0)
		return -1;
	return m->sender.user_id ? 0 : message_copy(&m->sender.user_id, "", e);
}

static int take_words(struct message *m, const struct json *j, struct err *e)
{
	enum signal k = m->signal.kind;

	if (paths[k].value &&
	    take(j, paths[k].value, word_valid, &m->signal.value, e) < 0)
		return -1;
	if (paths[k].detail &&
	    message_take_optional(j, paths[k].detail, detail_valid,
				  &m->signal.detail, e) < 0)
		return -1;
	if (k != SIGNAL_PRESS || strcmp(m->signal.value, SIGNAL_SHARE) != 0)
		return 0;
	return take(j, "response_url", detail_valid, &m->channel.reply_url, e);
}

/* What is about no post is of its own time, in a thread of its own. */
static int take_no_post(struct message *m, struct err *e)
{
	if (message_copy(&m->channel.ts, WHISPER_QUESTION_TS, e) < 0)
		return -1;
	return message_copy(&m->thread_id, m->event_id, e);
}

static const char *ts_path(const struct message *m, const struct json *j)
{
	if (m->signal.kind == SIGNAL_DELETE && !json_at(j, "event.deleted_ts"))
		return "event.message.ts";
	return paths[m->signal.kind].ts;
}

static int take_about(struct message *m, const struct json *j, struct err *e)
{
	enum signal k = m->signal.kind;
	const char *at = paths[k].channel;

	if (at && take(j, at, message_id_valid, &m->channel.channel_id, e) < 0)
		return -1;
	if (!at && message_copy(&m->channel.channel_id, "", e) < 0)
		return -1;
	if (!paths[k].ts)
		return take_no_post(m, e);
	if (take(j, ts_path(m, j), ts_valid, &m->channel.ts, e) < 0)
		return -1;
	if (paths[k].thread &&
	    message_take_optional(j, paths[k].thread, ts_valid,
				  &m->channel.thread_ts, e) < 0)
		return -1;
	return message_copy(
		&m->thread_id,
		m->channel.thread_ts ? m->channel.thread_ts : m->channel.ts, e);
}

/* What isn't an event has no authorizations, and a trigger for an id. A command
 * was a form once: all in it are strings. */
static int take_trigger(struct message *m, const struct json *j, struct err *e)
{
	bool by_org = json_bool(j, "is_enterprise_install", false) ||
		      message_field_is(j, "is_enterprise_install", "true");
	bool flat = m->signal.kind == SIGNAL_COMMAND;
	const char *team = flat ? "team_id" : "team.id";
	const char *org = flat ? "enterprise_id" : "enterprise.id";
	const char *workspace = by_org ? org : team;

	if (take(j, workspace, message_id_valid, &m->channel.workspace_id, e) <
	    0)
		return -1;
	return take(j, "trigger_id", message_event_id_valid, &m->event_id, e);
}

/* A message_action doesn't say whose it is; its link does. */
static int take_app(struct message *m, const struct envelope *env,
		    struct err *e)
{
	char **app = &m->channel.app_id;

	if (message_take_optional(env->payload, "api_app_id", message_id_valid,
				  app, e) < 0)
		return -1;
	if (*app)
		return 0;
	if (!env->app_id || !message_id_valid(env->app_id))
		return err_set(e, ERR_INPUT, "api_app_id is missing");
	return message_copy(app, env->app_id, e);
}

/* event_time has seconds only, in which a thread may begin and be muted. */
static int64_t event_ms(const struct json *j)
{
	const char *ts = json_str(j, "event.event_ts");
	int64_t ms = ts ? ts_ms(ts) : 0;

	return ms > 0 ? ms : json_int(j, "event_time", 0) * 1000;
}

static int take_event(struct message *m, const struct json *j, struct err *e)
{
	if (message_take_install(m, j, e) < 0)
		return -1;
	m->timestamp_ms = event_ms(j);
	return take(j, "event_id", message_event_id_valid, &m->event_id, e);
}

bool signal_is_visit(enum signal k)
{
	return k == SIGNAL_HOME || k == SIGNAL_JOIN || k == SIGNAL_SHORTCUT ||
	       k == SIGNAL_PANE;
}

static bool is_event(enum signal k)
{
	return k == SIGNAL_REACTION || k == SIGNAL_EDIT || k == SIGNAL_DELETE ||
	       k == SIGNAL_STOP || k == SIGNAL_HOME || k == SIGNAL_JOIN ||
	       k == SIGNAL_PANE;
}

static int take_text(struct message *m, const struct json *j, struct err *e)
{
	static const char answer[] = "view.state.values." SIGNAL_INPUT
				     "." SIGNAL_INPUT ".value";

	switch (m->signal.kind) {
	case SIGNAL_EDIT:
		return message_take_content(m, j, "event.message", e);
	case SIGNAL_SHORTCUT:
		return message_take_content(m, j, "message", e);
	case SIGNAL_COMMAND:
		return message_take_content(m, j, "", e);
	case SIGNAL_SUBMIT:
		return take(j, answer, text_valid, &m->content.text, e);
	default:
		return message_copy(&m->content.text, "", e);
	}
}

static bool names_us(const struct message *m, const struct json *j,
		     const char *path)
{
	const char *text = json_str(j, path);

	return text && slack_text_mentions(text, m->channel.bot_user_id);
}

static bool asks(const struct message *m, const struct json *j)
{
	return m->signal.kind == SIGNAL_EDIT &&
	       (message_is_direct(m) || names_us(m, j, "event.message.text"));
}

/* It may be the first that we hear of a question. */
static int take_edited(struct message *m, const struct json *j, struct err *e)
{
	const struct json *said = json_at(j, "event.message");

	if (m->signal.kind != SIGNAL_EDIT)
		return 0;
	m->sender.external = message_is_external(j, said);
	m->edited_ms = message_edited_ms(j, "event.message.edited.ts");
	if (m->edited_ms == 0)
		m->edited_ms = m->timestamp_ms;
	m->signal.asks = asks(m, j);
	return message_take_files(m, said, e);
}

int signal_take(struct message *m, const struct envelope *env, struct err *e)
{
	const struct json *j = env->payload;
	int rc;

	m->channel.conversation = message_conversation(j);
	if (is_event(m->signal.kind))
		rc = take_event(m, j, e);
	else
		rc = take_app(m, env, e) < 0 ? -1 : take_trigger(m, j, e);
	if (rc < 0 || take_about(m, j, e) < 0 || take_user(m, j, e) < 0 ||
	    take_words(m, j, e) < 0)
		return -1;
	/* The one kind of id that tells what it is of. */
	if (m->channel.channel_id[0] == 'D')
		m->channel.conversation = CONVERSATION_IM;
	if (take_edited(m, j, e) < 0)
		return -1;
	return take_text(m, j, e);
}

static bool is_own(const struct message *m)
{
	return m->channel.bot_user_id &&
	       strcmp(m->sender.user_id, m->channel.bot_user_id) == 0;
}

static bool is_ours(const struct message *m, const char *author)
{
	return !author || !m->channel.bot_user_id ||
	       strcmp(author, m->channel.bot_user_id) == 0;
}

static const char *beside_reaction(const struct message *m,
				   const struct envelope *env, bool with_us)
{
	const char *author = json_str(env->payload, "event.item_user");

	if (is_own(m))
		return "own";
	if (strcmp(m->signal.value, SIGNAL_X) == 0)
		return is_ours(m, author) ? NULL : "of another's post";
	if (strcmp(m->signal.value, SIGNAL_MUTE) == 0)
		return with_us || is_ours(m, author) ? NULL
						     : "thread is not engaged";
	return "reaction";
}

/* Each of our own edits brings one, and so does each link that unfurls. */
static const char *beside_edit(const struct message *m,
			       const struct envelope *env, bool with_us)
{
	const char *now = json_str(env->payload, "event.message.text");
	const char *before =
		json_str(env->payload, "event.previous_message.text");

	if (is_own(m) || m->sender.user_id[0] == '\0' ||
	    json_str(env->payload, "event.message.bot_id"))
		return "bot";
	if (now && before && strcmp(now, before) == 0)
		return "same text";
	if (with_us || names_us(m, env->payload, "event.message.text") ||
	    names_us(m, env->payload, "event.previous_message.text"))
		return NULL;
	return "thread is not engaged";
}

/* A thread may have been with us once, and be in a transcript. An admin may
 * delete a post of ours, too. */
static const char *beside_delete(const struct message *m,
				 const struct envelope *env, bool with_us)
{
	if (is_own(m) && undone_is(m->channel.channel_id, m->channel.ts))
		return "own";
	if (with_us || (m->channel.thread_ts && !is_own(m)) ||
	    names_us(m, env->payload, "event.previous_message.text"))
		return NULL;
	return "thread is not engaged";
}

const char *signal_beside(const struct message *m, const struct envelope *env,
			  struct engaged *g, const char *key)
{
	bool with_us = message_is_direct(m) || engaged_maybe(g, key);

	switch (m->signal.kind) {
	case SIGNAL_REACTION:
		return beside_reaction(m, env, with_us);
	case SIGNAL_EDIT:
		return beside_edit(m, env, with_us);
	case SIGNAL_DELETE:
		return beside_delete(m, env, with_us);
	case SIGNAL_JOIN:
		return is_own(m) ? NULL : "somebody else";
	case SIGNAL_PRESS:
	case SIGNAL_STOP:
	case SIGNAL_MUTED:
	case SIGNAL_COMMAND:
	case SIGNAL_SHORTCUT:
	case SIGNAL_SUBMIT:
	case SIGNAL_HOME:
	case SIGNAL_PANE:
	case SIGNAL_NONE:
		break;
	}
	return NULL;
}
