/* SPDX-License-Identifier: ISC */
#include "route/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "route/envelope.h"
#include "route/message_in.h"
#include "route/signal.h"
#include "slack/text.h"
#include "slack/ts.h"
#include "state/engaged.h"

static const char *const conversation_names[] = {
	[CONVERSATION_UNKNOWN] = "unknown", [CONVERSATION_CHANNEL] = "channel",
	[CONVERSATION_GROUP] = "group",     [CONVERSATION_MPIM] = "mpim",
	[CONVERSATION_IM] = "im",
};

const char *conversation_name(enum conversation c)
{
	return conversation_names[c];
}

static int take_channel(struct message *m, const struct json *payload,
			struct err *e)
{
	m->channel.conversation = message_conversation(payload);
	m->channel.unshared =
		!json_bool(payload, "is_ext_shared_channel", true);
	if (message_take_install(m, payload, e) < 0)
		return -1;
	return message_take(payload, "event.channel", message_id_valid,
			    &m->channel.channel_id, e);
}

int64_t message_edited_ms(const struct json *j, const char *path)
{
	const char *ts = json_str(j, path);

	return ts ? ts_ms(ts) : 0;
}

static int take_time(struct message *m, const struct json *payload,
		     struct err *e)
{
	if (message_take(payload, "event_id", message_event_id_valid,
			 &m->event_id, e) < 0 ||
	    message_take(payload, "event.ts", ts_valid, &m->channel.ts, e) <
		    0 ||
	    message_take_optional(payload, "event.thread_ts", ts_valid,
				  &m->channel.thread_ts, e) < 0)
		return -1;
	m->timestamp_ms = ts_ms(m->channel.ts);
	m->edited_ms = message_edited_ms(payload, "event.edited.ts");
	/* A root says its own ts once it has replies. */
	if (m->channel.thread_ts &&
	    strcmp(m->channel.thread_ts, m->channel.ts) == 0) {
		free(m->channel.thread_ts);
		m->channel.thread_ts = NULL;
	}
	return message_copy(
		&m->thread_id,
		m->channel.thread_ts ? m->channel.thread_ts : m->channel.ts, e);
}

/* Does a team or enterprise belong to the organisation of our install? */
static bool is_ours(const struct json *payload, const char *team)
{
	const char *org = json_str(payload, "authorizations.0.enterprise_id");

	if (message_field_is(payload, "authorizations.0.team_id", team) ||
	    message_field_is(payload, "authorizations.0.enterprise_id", team))
		return true;
	if (!org || *org == '\0')
		return false;
	return (message_field_is(payload, "enterprise_id", org) &&
		message_field_is(payload, "team_id", team)) ||
	       (message_field_is(payload, "context_enterprise_id", org) &&
		message_field_is(payload, "context_team_id", team));
}

/* The team of an enterprise that the event names, or the id as it is. */
static const char *team_of(const struct json *payload, const char *id)
{
	const char *team = NULL;

	if (*id == 'E' && message_field_is(payload, "enterprise_id", id))
		team = json_str(payload, "team_id");
	else if (*id == 'E' &&
		 message_field_is(payload, "context_enterprise_id", id))
		team = json_str(payload, "context_team_id");
	return team ? team : id;
}

/*
 * Slack Connect (docs.slack.dev/apis/slack-connect): user_team is the
 * sender's, and is there for foreigners only. In a message event team is the
 * sender's too; in app_mention it is ours.
 */
bool message_is_external(const struct json *payload, const struct json *said)
{
	const char *team = json_str(said, "user_team");

	if (!json_bool(payload, "is_ext_shared_channel", true))
		return false;
	if ((!team || *team == '\0') &&
	    message_field_is(said, "type", "message"))
		team = json_str(said, "team");
	if (!team || *team == '\0')
		return false;
	return !is_ours(payload, team) &&
	       !is_ours(payload, team_of(payload, team));
}

static int take_name(struct message *m, const struct json *payload,
		     struct err *e)
{
	static const char *const places[] = {
		"event.user_profile.display_name",
		"event.user_profile.real_name",
		"event.user_profile.name",
	};
	char clean[81];
	const char *s;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		s = json_str(payload, places[i]);
		if (s && *s != '\0') {
			slack_name_clean(s, clean);
			return message_copy(&m->sender.display_name, clean, e);
		}
	}
	return 0;
}

static int take_sender(struct message *m, const struct json *payload,
		       struct err *e)
{
	if (message_take_optional(payload, "event.bot_id", message_id_valid,
				  &m->sender.bot_id, e) < 0)
		return -1;
	if (!m->sender.bot_id &&
	    message_take_optional(payload, "event.bot_profile.id",
				  message_id_valid, &m->sender.bot_id, e) < 0)
		return -1;
	if (message_take_optional(payload, "event.user", message_id_valid,
				  &m->sender.user_id, e) < 0)
		return -1;
	/* What is posted by an old integration has no user. */
	if (!m->sender.user_id && m->sender.bot_id &&
	    message_copy(&m->sender.user_id, m->sender.bot_id, e) < 0)
		return -1;
	if (!m->sender.user_id)
		return err_set(e, ERR_INPUT, "event.user is missing");
	m->sender.bot = m->sender.bot_id ||
			json_is_object(payload, "event.bot_profile");
	m->sender.external =
		message_is_external(payload, json_at(payload, "event"));
	return take_name(m, payload, e);
}

static int take_text(struct message *m, const struct json *payload,
		     struct err *e)
{
	const char *text = json_str(payload, "event.text");

	m->mention =
		message_field_is(payload, "event.type", "app_mention") ||
		slack_text_mentions(text ? text : "", m->channel.bot_user_id);
	return message_take_content(m, payload, "event", e);
}

static int check_kind(const struct json *payload, struct err *e)
{
	if (!json_is_object(payload, "event"))
		return err_set(e, ERR_INPUT, "event is missing");
	if (!message_field_is(payload, "event.type", "message") &&
	    !message_field_is(payload, "event.type", "app_mention"))
		return err_set(e, ERR_INPUT, "event.type is no message");
	return 0;
}

static int take_said(struct message *m, const struct json *payload,
		     struct err *e)
{
	if (check_kind(payload, e) < 0 || take_channel(m, payload, e) < 0 ||
	    take_time(m, payload, e) < 0 || take_sender(m, payload, e) < 0 ||
	    take_text(m, payload, e) < 0)
		return -1;
	return message_take_files(m, json_at(payload, "event"), e);
}

struct message *message_from_envelope(const struct envelope *env, struct err *e)
{
	struct message *m;
	int rc;

	m = calloc(1, sizeof(*m));
	if (!m) {
		message_no_memory(e);
		return NULL;
	}
	m->platform = "slack";
	m->signal.kind = signal_of(env);
	rc = m->signal.kind != SIGNAL_NONE ? signal_take(m, env, e)
					   : take_said(m, env->payload, e);
	if (rc < 0 ||
	    (env->id && message_copy(&m->envelope_id, env->id, e) < 0)) {
		message_free(m);
		return NULL;
	}
	return m;
}

bool message_is_direct(const struct message *m)
{
	return m->channel.conversation == CONVERSATION_IM ||
	       m->channel.reply_url != NULL;
}

bool message_engages(const struct message *m)
{
	return (m->mention || m->signal.asks) && !message_is_direct(m);
}

void message_free(struct message *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; i < m->content.nfiles; i++)
		message_file_release(&m->content.files[i]);
	free(m->content.files);
	free(m->tenant_id);
	free(m->channel.channel_id);
	free(m->channel.bot_user_id);
	free(m->channel.app_id);
	free(m->channel.workspace_id);
	free(m->channel.ts);
	free(m->channel.thread_ts);
	free(m->channel.reply_url);
	free(m->sender.user_id);
	free(m->sender.display_name);
	free(m->sender.bot_id);
	free(m->content.text);
	free(m->content.unseen);
	free(m->signal.value);
	free(m->signal.detail);
	free(m->thread_id);
	free(m->event_id);
	free(m->envelope_id);
	free(m);
}

int message_claim(const struct message *m, char *out, size_t size)
{
	int n = snprintf(out, size, "%s:%s:%s:%s", m->channel.app_id,
			 m->channel.workspace_id, m->channel.channel_id,
			 m->channel.ts);

	return n < 0 || (size_t)n >= size ? -1 : 0;
}

int message_thread_key(const struct message *m, char *out, size_t size)
{
	char key[ENGAGED_KEY_SIZE];

	if (engaged_key(key, m->channel.app_id, m->channel.workspace_id,
			m->channel.channel_id, m->thread_id) < 0 ||
	    strlen(key) >= size)
		return -1;
	(void)memcpy(out, key, strlen(key) + 1);
	return 0;
}
