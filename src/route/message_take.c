/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "route/message_in.h"
#include "slack/rich.h"
#include "slack/shared.h"
#include "slack/text.h"

#define UPPER     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS    "0123456789"
#define LOWER     "abcdefghijklmnopqrstuvwxyz"
#define ID_MAX    32
#define EVENT_MAX 128
#define FILES_MAX 32
#define TEXT_MAX  (256 * 1024) /* Slack's 40,000 characters, escaped */

#define CONTENT_MAX (2 * TEXT_MAX) /* with its tables */

/* Slack's ids: A1, C1, D1, E1, F1, G1, T1, U1, W1 and what may come. */
bool message_id_valid(const char *s)
{
	size_t n = strspn(s, UPPER DIGITS);

	return n > 0 && n <= ID_MAX && s[n] == '\0';
}

bool message_event_id_valid(const char *s)
{
	size_t n = strspn(s, UPPER LOWER DIGITS "_-.");

	return n > 0 && n <= EVENT_MAX && s[n] == '\0';
}

int message_no_memory(struct err *e)
{
	return err_set(e, ERR_RETRY, "cannot read message: no memory");
}

int message_copy(char **out, const char *s, struct err *e)
{
	*out = strdup(s);
	return *out ? 0 : message_no_memory(e);
}

/* Leaves *out NULL when there is nothing, null or "" at path. */
int message_take_optional(const struct json *j, const char *path,
			  bool (*valid)(const char *s), char **out,
			  struct err *e)
{
	const char *s = json_str(j, path);

	if (!s || *s == '\0')
		return 0;
	if (!valid(s))
		return err_set(e, ERR_INPUT, "%s is malformed", path);
	return message_copy(out, s, e);
}

int message_take(const struct json *j, const char *path,
		 bool (*valid)(const char *s), char **out, struct err *e)
{
	if (message_take_optional(j, path, valid, out, e) < 0)
		return -1;
	if (!*out)
		return err_set(e, ERR_INPUT, "%s is missing", path);
	return 0;
}

/* A file is beside the point of a message: what is odd in it is left out. */
int message_take_if(const struct json *j, const char *path,
		    bool (*valid)(const char *s), char **out, struct err *e)
{
	const char *s = json_str(j, path);

	if (!s || *s == '\0' || !valid(s))
		return 0;
	return message_copy(out, s, e);
}

bool message_field_is(const struct json *payload, const char *path,
		      const char *id)
{
	const char *s = json_str(payload, path);

	return s && strcmp(s, id) == 0;
}

enum conversation message_conversation(const struct json *payload)
{
	const char *type = json_str(payload, "event.channel_type");
	size_t i;

	if (!type)
		return CONVERSATION_UNKNOWN;
	if (strcmp(type, "app_home") == 0) /* what a DM with us was once */
		return CONVERSATION_IM;
	for (i = CONVERSATION_CHANNEL; i <= CONVERSATION_IM; i++)
		if (strcmp(type, conversation_name(i)) == 0)
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

	if (message_take_optional(payload, by_org ? org : team,
				  message_id_valid, out, e) < 0)
		return -1;
	if (*out)
		return 0;
	return message_take(payload, by_org ? team : org, message_id_valid, out,
			    e);
}

int message_take_install(struct message *m, const struct json *payload,
			 struct err *e)
{
	if (message_take(payload, "api_app_id", message_id_valid,
			 &m->channel.app_id, e) < 0 ||
	    take_workspace(m, payload, e) < 0)
		return -1;
	if (!json_bool(payload, "authorizations.0.is_bot", false))
		return 0;
	return message_take_optional(payload, "authorizations.0.user_id",
				     message_id_valid, &m->channel.bot_user_id,
				     e);
}

int message_take_content(struct message *m, const struct json *j,
			 const char *path, struct err *e)
{
	const struct json *said = json_at(j, path);
	const char *text = json_str(said, "text");
	struct buf out;

	if (!text)
		text = "";
	if (strlen(text) > TEXT_MAX)
		return err_set(e, ERR_INPUT, "%s.text is too long", path);
	buf_init(&out, CONTENT_MAX);
	(void)slack_text_strip(text, m->channel.bot_user_id, &out);
	if (*text == '\0')
		rich_text(json_at(said, "blocks"), &out);
	shared_text(said, &out);
	rich_tables(said, &out);
	m->content.text = buf_take(&out);
	return m->content.text ? 0 : message_no_memory(e);
}

static int take_files(struct message *m, const struct json *list, struct err *e)
{
	size_t i, n = json_len(list, "");
	struct message_file *f;

	for (i = 0; i < n && m->content.nfiles < FILES_MAX; i++) {
		f = &m->content.files[m->content.nfiles];
		if (message_file_take(f, json_nth(list, "", i), e) < 0)
			return -1;
		if (f->id)
			m->content.nfiles++;
		else
			message_file_release(f);
	}
	return 0;
}

int message_take_files(struct message *m, const struct json *said,
		       struct err *e)
{
	size_t i, n = json_len(said, "attachments");
	const struct json *a;

	if (n == 0 && json_len(said, "files") == 0)
		return 0;
	m->content.files = calloc(FILES_MAX, sizeof(*m->content.files));
	if (!m->content.files)
		return message_no_memory(e);
	if (take_files(m, json_at(said, "files"), e) < 0)
		return -1;
	for (i = 0; i < n && i < SHARED_MAX; i++) {
		a = json_nth(said, "attachments", i);
		if (shared_is_forwarded(a) &&
		    take_files(m, json_at(a, "files"), e) < 0)
			return -1;
	}
	return 0;
}

bool message_take_key(const struct json *j, const char *path,
		      char out[MESSAGE_KEY_SIZE])
{
	static const char ok[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *s = json_str(j, path);
	size_t n = s ? strspn(s, ok) : 0;

	if (n == 0 || n >= MESSAGE_KEY_SIZE || s[n] != '\0')
		return false;
	memcpy(out, s, n + 1);
	return true;
}
