/* SPDX-License-Identifier: ISC */
#include "route/moved.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "route/envelope.h"
#include "route/message_in.h"
#include "state/engaged.h"

static bool take_workspace(const struct json *payload, char out[MOVED_ID_SIZE])
{
	static const char team[] = "authorizations.0.team_id";
	static const char org[] = "authorizations.0.enterprise_id";
	bool by_org = json_bool(
		payload, "authorizations.0.is_enterprise_install", false);

	return message_take_key(payload, by_org ? org : team, out) ||
	       message_take_key(payload, by_org ? team : org, out);
}

bool moved_read(const struct envelope *env, struct moved *out)
{
	const struct json *p = env->payload;
	const char *type = json_str(p, "event.type");

	if (env->type != ENVELOPE_EVENTS || !type ||
	    strcmp(type, "channel_id_changed") != 0)
		return false;
	return message_take_key(p, "api_app_id", out->app_id) &&
	       take_workspace(p, out->workspace_id) &&
	       message_take_key(p, "event.old_channel_id", out->old_id) &&
	       message_take_key(p, "event.new_channel_id", out->new_id) &&
	       strcmp(out->old_id, out->new_id) != 0;
}

struct engaging {
	struct engaged *engaged;
	const char *tenant_id;
	char prefix[4 * MOVED_ID_SIZE];
};

static int engage_one(const char *key, int64_t at_ms, void *arg)
{
	const struct engaging *g = arg;

	if (strncmp(key, g->prefix, strlen(g->prefix)) == 0)
		engaged_answered(g->engaged, g->tenant_id, key, at_ms);
	return 0;
}

static int engage(const struct moved *m, const char *tenant_id, struct store *s,
		  struct engaged *eg, struct err *e)
{
	struct engaging g = { .engaged = eg, .tenant_id = tenant_id };
	int64_t since = clock_wall_ms() - engaged_window_ms(eg);

	(void)snprintf(g.prefix, sizeof(g.prefix), "%s:%s:%s:", m->app_id,
		       m->workspace_id, m->new_id);
	return s->ops->engaged(s, since, engage_one, &g, e);
}

int moved_write(const struct moved *m, struct store *s, struct engaged *g,
		struct err *e)
{
	struct connection c = { 0 };
	int rc;

	rc = s->ops->resolve(s, "slack", m->app_id, m->workspace_id, &c, e);
	if (rc <= 0)
		return rc;
	rc = s->ops->channel_moved(s, c.tenant_id, m->app_id, m->workspace_id,
				   m->old_id, m->new_id, e);
	if (rc == 0)
		rc = engage(m, c.tenant_id, s, g, e);
	if (rc == 0)
		log_info(LOG_FIELDS({ "tenant", c.tenant.name },
				    { "channel", m->old_id },
				    { "now", m->new_id }),
			 "a channel has another id");
	connection_release(&c);
	return rc;
}
