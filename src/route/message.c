/* SPDX-License-Identifier: ISC */
#include "route/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "route/envelope.h"
#include "slack/rich.h"
#include "slack/text.h"
#include "slack/ts.h"
#include "state/engaged.h"

#define UPPER       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS      "0123456789"
#define LOWER       "abcdefghijklmnopqrstuvwxyz"
#define ID_MAX      32
#define EVENT_MAX   64
#define TEXT_MAX    (256 * 1024) /* Slack's 40,000 characters, escaped */
#define FILES_MAX   32
#define CONTENT_MAX (2 * TEXT_MAX) /* with its tables */

static const char *const conversation_names[] = {
	[CONVERSATION_UNKNOWN] = "unknown", [CONVERSATION_CHANNEL] = "channel",
	[CONVERSATION_GROUP] = "group",     [CONVERSATION_MPIM] = "mpim",
	[CONVERSATION_IM] = "im",
};

const char *conversation_name(enum conversation c)
{
	return conversation_names[c];
}

/* Slack's ids: A1, C1, D1, E1, F1, G1, T1, U1, W1 and what may come. */
static bool id_valid(const char *s)
{
	size_t n = strspn(s, UPPER DIGITS);

	return n > 0 && n <= ID_MAX && s[n] == '\0';
}

static bool event_id_valid(const char *s)
{
	size_t n = strspn(s, UPPER LOWER DIGITS "_-");

	return n > 0 && n <= EVENT_MAX && s[n] == '\0';
}

static int no_memory(struct err *e)
{
	return err_set(e, ERR_RETRY, "cannot read message: no memory");
}

static int copy(char **out, const char *s, struct err *e)
{
	*out = strdup(s);
	return *out ? 0 : no_memory(e);
}

/* Leaves *out NULL when there is nothing, null or "" at path. */
static int take_optional(const struct json *j, const char *path,
			 bool (*valid)(const char *s), char **out,
			 struct err *e)
{
	const char *s = json_str(j, path);

	if (!s || *s == '\0')
		return 0;
	if (!valid(s))
		return err_set(e, ERR_INPUT, "%s is malformed", path);
	return copy(out, s, e);
}

static int take(const struct json *j, const char *path,
		bool (*valid)(const char *s), char **out, struct err *e)
{
	if (take_optional(j, path, valid, out, e) < 0)
		return -1;
	if (!*out)
		return err_set(e, ERR_INPUT, "%s is missing", path);
	return 0;
}

static enum conversation conversation_of(const struct json *payload)
{
	const char *type = json_str(payload, "event.channel_type");
	size_t i;

	if (!type)
		return CONVERSATION_UNKNOWN;
	if (strcmp(type, "app_home") == 0) /* what a DM with us was once */
		return CONVERSATION_IM;
	for (i = CONVERSATION_CHANNEL; i <= CONVERSATION_IM; i++)
		if (strcmp(type, conversation_names[i]) == 0)
			return (enum conversation)i;
	return CONVERSATION_UNKNOWN;
}

/*
 * The install that sees the event: its outer team_id may be the sender's side
 * of a shared channel. An org-wide install goes by its enterprise.
 */
static int take_workspace(struct message *m, const struct json *payload,
			  struct err *e)
{
	static const char team[] = "authorizations.0.team_id";
	static const char org[] = "authorizations.0.enterprise_id";
	bool by_org = json_bool(
		payload, "authorizations.0.is_enterprise_install", false);
	char **out = &m->channel.workspace_id;

	if (take_optional(payload, by_org ? org : team, id_valid, out, e) < 0)
		return -1;
	if (*out)
		return 0;
	return take(payload, by_org ? team : org, id_valid, out, e);
}

static int take_channel(struct message *m, const struct json *payload,
			struct err *e)
{
	if (take(payload, "api_app_id", id_valid, &m->channel.app_id, e) < 0 ||
	    take_workspace(m, payload, e) < 0 ||
	    take(payload, "event.channel", id_valid, &m->channel.channel_id,
		 e) < 0)
		return -1;
	m->channel.conversation = conversation_of(payload);
	if (!json_bool(payload, "authorizations.0.is_bot", false))
		return 0;
	return take_optional(payload, "authorizations.0.user_id", id_valid,
			     &m->channel.bot_user_id, e);
}

static int take_time(struct message *m, const struct json *payload,
		     struct err *e)
{
	if (take(payload, "event_id", event_id_valid, &m->event_id, e) < 0 ||
	    take(payload, "event.ts", ts_valid, &m->channel.ts, e) < 0 ||
	    take_optional(payload, "event.thread_ts", ts_valid,
			  &m->channel.thread_ts, e) < 0)
		return -1;
	m->timestamp_ms = ts_ms(m->channel.ts);
	/* A root says its own ts once it has replies. */
	if (m->channel.thread_ts &&
	    strcmp(m->channel.thread_ts, m->channel.ts) == 0) {
		free(m->channel.thread_ts);
		m->channel.thread_ts = NULL;
	}
	return copy(&m->thread_id,
		    m->channel.thread_ts ? m->channel.thread_ts : m->channel.ts,
		    e);
}

static bool same_at(const struct json *payload, const char *path,
		    const char *id)
{
	const char *s = json_str(payload, path);

	return s && strcmp(s, id) == 0;
}

/* Does a team or enterprise belong to the organisation of our install? */
static bool is_ours(const struct json *payload, const char *team)
{
	const char *org = json_str(payload, "authorizations.0.enterprise_id");

	if (same_at(payload, "authorizations.0.team_id", team) ||
	    same_at(payload, "authorizations.0.enterprise_id", team))
		return true;
	if (!org || *org == '\0')
		return false;
	return (same_at(payload, "enterprise_id", org) &&
		same_at(payload, "team_id", team)) ||
	       (same_at(payload, "context_enterprise_id", org) &&
		same_at(payload, "context_team_id", team));
}

/* The team of an enterprise that the event names, or the id as it is. */
static const char *team_of(const struct json *payload, const char *id)
{
	const char *team = NULL;

	if (*id == 'E' && same_at(payload, "enterprise_id", id))
		team = json_str(payload, "team_id");
	else if (*id == 'E' && same_at(payload, "context_enterprise_id", id))
		team = json_str(payload, "context_team_id");
	return team ? team : id;
}

/*
 * Slack Connect (docs.slack.dev/apis/slack-connect): user_team is the
 * sender's, and is there for foreigners only. In a message event team is the
 * sender's too; in app_mention it is ours.
 */
static bool is_external(const struct json *payload)
{
	const char *team = json_str(payload, "event.user_team");

	if (!json_bool(payload, "is_ext_shared_channel", true))
		return false;
	if ((!team || *team == '\0') &&
	    same_at(payload, "event.type", "message"))
		team = json_str(payload, "event.team");
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
			return copy(&m->sender.display_name, clean, e);
		}
	}
	return 0;
}

static int take_sender(struct message *m, const struct json *payload,
		       struct err *e)
{
	const char *bot = json_str(payload, "event.bot_id");

	if (take(payload, "event.user", id_valid, &m->sender.user_id, e) < 0)
		return -1;
	m->sender.bot = (bot && *bot != '\0') ||
			json_is_object(payload, "event.bot_profile");
	m->sender.external = is_external(payload);
	return take_name(m, payload, e);
}

static int take_text(struct message *m, const struct json *payload,
		     struct err *e)
{
	const char *text = json_str(payload, "event.text");
	const char *bot = m->channel.bot_user_id;
	struct buf out;

	if (!text)
		text = "";
	if (strlen(text) > TEXT_MAX)
		return err_set(e, ERR_INPUT, "event.text is too long");
	m->mention = same_at(payload, "event.type", "app_mention") ||
		     slack_text_mentions(text, bot);
	buf_init(&out, CONTENT_MAX);
	(void)slack_text_strip(text, bot, &out);
	if (*text == '\0')
		rich_text(json_at(payload, "event.blocks"), &out);
	rich_tables(json_at(payload, "event"), &out);
	m->content.text = buf_take(&out);
	return m->content.text ? 0 : no_memory(e);
}

static int take_files(struct message *m, const struct json *payload,
		      struct err *e)
{
	size_t n = json_len(payload, "event.files");
	struct message_file *f;
	char path[40];
	size_t i;

	if (n == 0)
		return 0;
	if (n > FILES_MAX)
		n = FILES_MAX;
	m->content.files = calloc(n, sizeof(*m->content.files));
	if (!m->content.files)
		return no_memory(e);
	for (i = 0; i < n; i++) {
		f = &m->content.files[m->content.nfiles];
		(void)snprintf(path, sizeof(path), "event.files.%zu", i);
		if (message_file_take(f, json_at(payload, path), e) < 0)
			return -1;
		if (f->id)
			m->content.nfiles++;
		else
			message_file_release(f);
	}
	return 0;
}

static int check_kind(const struct json *payload, struct err *e)
{
	if (!json_is_object(payload, "event"))
		return err_set(e, ERR_INPUT, "event is missing");
	if (!same_at(payload, "event.type", "message") &&
	    !same_at(payload, "event.type", "app_mention"))
		return err_set(e, ERR_INPUT, "event.type is no message");
	return 0;
}

struct message *message_from_envelope(const struct envelope *env, struct err *e)
{
	const struct json *payload = env->payload;
	struct message *m;

	if (check_kind(payload, e) < 0)
		return NULL;
	m = calloc(1, sizeof(*m));
	if (!m) {
		no_memory(e);
		return NULL;
	}
	m->platform = "slack";
	if (take_channel(m, payload, e) < 0 || take_time(m, payload, e) < 0 ||
	    take_sender(m, payload, e) < 0 || take_text(m, payload, e) < 0 ||
	    take_files(m, payload, e) < 0 ||
	    (env->id && copy(&m->envelope_id, env->id, e) < 0)) {
		message_free(m);
		return NULL;
	}
	return m;
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
	free(m->sender.user_id);
	free(m->sender.display_name);
	free(m->content.text);
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
