/* SPDX-License-Identifier: ISC */
#include "route/leave.h"

#include <string.h>

#include "base/json.h"
#include "route/envelope.h"

/* Of tokens_revoked only the bot's concerns us; it names users, not tokens. */
static const char *event_of(const struct json *p)
{
	const char *type = json_str(p, "event.type");

	if (type && strcmp(type, "app_uninstalled") == 0)
		return "app_uninstalled";
	if (type && strcmp(type, "tokens_revoked") == 0 &&
	    json_len(p, "event.tokens.bot") > 0)
		return "tokens_revoked";
	return NULL;
}

/* There may be no authorization any more. One of a whole organisation is meant
 * only when that is said: else it has left one of its workspaces. */
static bool take_workspace(const struct json *p, char out[MESSAGE_KEY_SIZE])
{
	if (json_bool(p, "authorizations.0.is_enterprise_install", false))
		return message_take_key(p, "authorizations.0.enterprise_id",
					out) ||
		       message_take_key(p, "enterprise_id", out);
	return message_take_key(p, "team_id", out) ||
	       message_take_key(p, "enterprise_id", out);
}

bool leave_read(const struct envelope *env, struct leave *out)
{
	const struct json *p = env->payload;

	if (env->type != ENVELOPE_EVENTS || !p)
		return false;
	memset(out, 0, sizeof(*out));
	out->event = event_of(p);
	/* A whole second; nothing of it was said later. */
	out->at_ms = json_int(p, "event_time", 0) * 1000 + 999;
	return out->event && message_take_key(p, "api_app_id", out->app_id) &&
	       take_workspace(p, out->workspace_id);
}
