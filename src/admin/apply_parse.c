/* SPDX-License-Identifier: ISC */
#include "admin/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/field.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "base/secret.h"
#include "slack/api.h"
#include "store/budget.h"
#include "store/canary.h"

#define CONNECTIONS_MAX 1000 /* of one tenant */
#define AGENTS_MAX      100
#define CHANNELS_MAX    1000 /* of one agent */

#define CONNECTION(m) offsetof(struct apply_connection, m)
#define AGENT(m)      offsetof(struct apply_agent, m)
#define TENANT(m)     offsetof(struct apply_tenant, m)

static const struct field connection_fields[] = {
	{ "app_id", F_ID, CONNECTION(app_id), 32 },
	{ "app_token", F_APP_TOKEN, CONNECTION(app_token), 512 },
	{ "workspace_id", F_ID, CONNECTION(workspace_id), 32 },
	{ "bot_token", F_BOT_TOKEN, CONNECTION(bot_token), 512 },
	{ "bot_user_id", F_ID, CONNECTION(bot_user_id), 32 },
	{ "bot_id", F_ID, CONNECTION(bot_id), 32 },
	{ "refresh_token", F_REFRESH_TOKEN, CONNECTION(refresh_token), 512 },
	{ "client_id", F_LINE, CONNECTION(client_id), 80 },
	{ "client_secret", F_LINE, CONNECTION(client_secret), 200 },
	{ NULL, F_NESTED, 0, 0 },
};

static const struct field agent_fields[] = {
	{ "name", F_LINE, AGENT(name), 80 },
	{ "role", F_LINE, AGENT(role), 400 },
	{ "persona", F_TEXT, AGENT(persona), 64 * 1024 },
	{ "model", F_LINE, AGENT(model), 80 },
	{ "placeholder", F_LINE, AGENT(placeholder), 200 },
	{ "locale", F_LOCALE, AGENT(locale), 16 },
	{ "channels", F_CHANNELS, AGENT(channels), CHANNELS_MAX },
	{ "default", F_BOOL, AGENT(is_default), 0 },
	{ "paused", F_BOOL, AGENT(paused), 0 },
	{ "access", F_NESTED, 0, 0 },
	{ NULL, F_NESTED, 0, 0 },
};

static const struct field tenant_fields[] = {
	{ "name", F_NAME, TENANT(name), APPLY_NAME_MAX },
	{ "paused", F_BOOL, TENANT(paused), 0 },
	{ "rate_per_minute", F_NUMBER, TENANT(rate_per_minute), 0 },
	{ "burst", F_NUMBER, TENANT(burst), 0 },
	{ "budget", F_LINE, TENANT(budget), BUDGET_TEXT - 1 },
	{ "agent_sessions", F_BOOL, TENANT(agent_sessions), 0 },
	{ "streaming", F_BOOL, TENANT(streaming), 0 },
	{ "debug_text_minutes", F_COUNT, TENANT(text_minutes),
	  APPLY_TEXT_MINUTES },
	{ "canary_channel", F_LINE, TENANT(canary_channel), 65 },
	{ "canary_minutes", F_COUNT, TENANT(canary_minutes),
	  CANARY_MINUTES_MAX },
	{ "keep_transcripts", F_DAYS, TENANT(keep[KEEP_TRANSCRIPTS]),
	  KEEP_DAYS_MAX },
	{ "keep_usage", F_DAYS, TENANT(keep[KEEP_USAGE]), KEEP_DAYS_MAX },
	{ "keep_feedback", F_DAYS, TENANT(keep[KEEP_FEEDBACK]), KEEP_DAYS_MAX },
	{ "keep_audit", F_DAYS, TENANT(keep[KEEP_AUDIT]), KEEP_DAYS_MAX },
	{ "keep_history", F_DAYS, TENANT(keep[KEEP_HISTORY]), KEEP_DAYS_MAX },
	{ "access", F_NESTED, 0, 0 },
	{ "agent", F_NESTED, 0, 0 },
	{ "agents", F_NESTED, 0, 0 },
	{ "connections", F_NESTED, 0, 0 },
	{ NULL, F_NESTED, 0, 0 },
};

/* With its place set. */
static int parse_agent(struct apply_agent *g, const struct json *j,
		       struct err *e)
{
	const struct fields f = { agent_fields, g };

	g->given = true;
	g->is_default = g->paused = APPLY_KEEP;
	if (field_walk(j, g->place, &f, 1, e) < 0)
		return -1;
	return json_at(j, "access")
		       ? apply_parse_access(&g->access, json_at(j, "access"),
					    g->place, e)
		       : 0;
}

/* A bot token that expires comes with what renews it. */
static int check_renewal(const struct apply_connection *c, struct err *e)
{
	bool expires = c->bot_token && slack_token_expires(c->bot_token);

	if (expires && !c->refresh_token)
		return field_bad(e, c->place, "refresh_token",
				 "missing: the bot token expires");
	if (!expires && c->refresh_token)
		return field_bad(e, c->place, "bot_token",
				 "doesn't expire (xoxe.xoxb-...)");
	if (!c->client_id != !c->client_secret)
		return field_bad(e, c->place,
				 c->client_id ? "client_secret" : "client_id",
				 "missing");
	return 0;
}

/* Both tokens, and not of two apps as far as they show it; a change may leave
 * out the app's. */
static int check_connection(const struct apply_connection *c, bool change,
			    struct err *e)
{
	char app[33];

	if (apply_kept(c))
		return check_renewal(c, e);
	if (!c->app_token && !change)
		return field_bad(e, c->place, "app_token", "missing");
	if (!c->bot_token)
		return field_bad(e, c->place, "bot_token", "missing");
	if (c->app_token && c->app_id &&
	    apply_token_app(c->app_token, app, sizeof(app)) &&
	    strcmp(app, c->app_id) != 0)
		return field_bad(e, c->place, "app_token", "is of another app");
	return check_renewal(c, e);
}

static int parse_connection(struct apply_connection *c, const struct json *j,
			    bool change, struct err *e)
{
	const struct fields f = { connection_fields, c };

	if (field_walk(j, c->place, &f, 1, e) < 0)
		return -1;
	return check_connection(c, change, e);
}

/* Each is told by its name, and one at most is the default. */
static int check_agents(const struct apply_tenant *t, struct err *e)
{
	const struct apply_agent *g, *h;
	size_t defaults = 0;

	for (g = t->agents; g < t->agents + t->nagents; g++) {
		if (!g->name)
			return field_bad(e, g->place, "name", "missing");
		for (h = t->agents; h < g; h++)
			if (strcmp(h->name, g->name) == 0)
				return field_bad(e, g->place, "name",
						 "is there twice");
		if (g->is_default == 1 && ++defaults > 1)
			return field_bad(e, g->place, "default",
					 "another one is");
	}
	return 0;
}

static int parse_agents(struct apply_tenant *t, const struct json *list,
			struct err *e)
{
	size_t i, n = json_len(list, "");
	struct apply_agent *g;

	if (!json_is_array(list, "") || n > AGENTS_MAX)
		return field_bad(e, t->place, "agents",
				 "not a list of at most 100 agents");
	t->agents = calloc(n ? n : 1, sizeof(*t->agents));
	if (!t->agents)
		return err_set(e, ERR_RETRY, "no memory");
	t->nagents = n;
	for (i = 0; i < n; i++) {
		g = &t->agents[i];
		(void)snprintf(g->place, sizeof(g->place), "%sagents[%zu].",
			       t->place, i);
		if (parse_agent(g, json_nth(list, "", i), e) < 0)
			return -1;
	}
	return check_agents(t, e);
}

static int alloc_connections(struct apply_tenant *t, size_t n, struct err *e)
{
	t->connections = calloc(n, sizeof(*t->connections));
	if (!t->connections)
		return err_set(e, ERR_RETRY, "no memory");
	t->nconnections = n;
	return 0;
}

static int parse_list(struct apply_tenant *t, const struct json *list,
		      bool change, struct err *e)
{
	size_t n = json_len(list, "");
	struct apply_connection *c;
	size_t i;

	if (n == 0 || n > CONNECTIONS_MAX || !json_is_array(list, ""))
		return field_bad(e, t->place, "connections",
				 "not a list of 1 to 1000 connections");
	if (alloc_connections(t, n, e) < 0)
		return -1;
	for (i = 0; i < n; i++) {
		c = &t->connections[i];
		(void)snprintf(c->place, sizeof(c->place),
			       "%sconnections[%zu].", t->place, i);
		if (parse_connection(c, json_nth(list, "", i), change, e) < 0)
			return -1;
	}
	return 0;
}

/* The tenant's own members; its connection's too, unless they are listed. */
static int parse_members(struct apply_tenant *t, const struct json *j,
			 bool listed, struct err *e)
{
	struct fields f[2] = { { tenant_fields, t }, { NULL, NULL } };
	struct apply_connection *c;

	if (listed)
		return field_walk(j, t->place, f, 1, e);
	if (alloc_connections(t, 1, e) < 0)
		return -1;
	c = &t->connections[0];
	(void)snprintf(c->place, sizeof(c->place), "%s", t->place);
	f[1].table = connection_fields;
	f[1].to = c;
	return field_walk(j, t->place, f, 2, e);
}

/* Nothing of a connection is told. */
static bool is_bare(const struct apply_connection *c)
{
	return !c->app_token && !c->bot_token && !c->app_id &&
	       !c->workspace_id && !c->bot_user_id && !c->bot_id &&
	       !c->refresh_token && !c->client_id && !c->client_secret;
}

/* As it will be stored. */
static int settle_budget(struct apply_tenant *t, struct err *e)
{
	struct budget b;
	char *form;

	if (!t->budget)
		return 0;
	if (budget_parse(&b, t->budget, e) < 0)
		return err_wrap(e, "%sbudget", t->place);
	form = malloc(BUDGET_TEXT);
	if (!form)
		return err_set(e, ERR_RETRY, "no memory");
	budget_print(&b, form);
	free(t->budget);
	t->budget = form;
	return 0;
}

/* A change may leave out its connection. */
static int parse_tenant(struct apply_tenant *t, const struct json *j,
			bool change, struct err *e)
{
	const struct json *list = json_at(j, "connections");
	const struct json *agent = json_at(j, "agent");
	const struct json *agents = json_at(j, "agents");
	int i;

	t->paused = APPLY_KEEP;
	t->rate_per_minute = APPLY_KEEP;
	t->burst = APPLY_KEEP;
	t->agent_sessions = APPLY_KEEP;
	t->streaming = APPLY_KEEP;
	t->text_minutes = APPLY_KEEP;
	t->canary_minutes = APPLY_KEEP;
	for (i = 0; i < KEEP_KINDS; i++)
		t->keep[i] = APPLY_KEEP;
	if (parse_members(t, j, list != NULL, e) < 0)
		return -1;
	if (!t->name)
		return field_bad(e, t->place, "name", "missing");
	/* What is applied every night would have no end. */
	if (!change && t->text_minutes != APPLY_KEEP)
		return field_bad(e, t->place, "debug_text_minutes",
				 "is for 'tenant set' only");
	if (settle_budget(t, e) < 0 || apply_check_canary(t, e) < 0)
		return -1;
	if (change && !list && is_bare(&t->connections[0]))
		t->nconnections = 0;
	else if (list ? parse_list(t, list, change, e) < 0
		      : check_connection(&t->connections[0], change, e) < 0)
		return -1;
	if (json_at(j, "access") &&
	    apply_parse_access(&t->access, json_at(j, "access"), t->place, e) <
		    0)
		return -1;
	(void)snprintf(t->agent.place, sizeof(t->agent.place), "%sagent.",
		       t->place);
	if (agent && parse_agent(&t->agent, agent, e) < 0)
		return -1;
	return agents ? parse_agents(t, agents, e) : 0;
}

static int alloc_tenants(struct apply *a, size_t n, struct err *e)
{
	a->tenants = calloc(n ? n : 1, sizeof(*a->tenants));
	if (!a->tenants)
		return err_set(e, ERR_RETRY, "no memory");
	a->n = n;
	return 0;
}

/* Two descriptions of one tenant can't both hold. */
static int check_names(const struct apply *a, struct err *e)
{
	struct map *seen = map_create(0);
	int rc = -1;
	size_t i;

	if (!seen)
		return err_set(e, ERR_RETRY, "no memory");
	for (i = 0; i < a->n; i++) {
		if (map_get(seen, a->tenants[i].name)) {
			field_bad(e, a->tenants[i].place, "name",
				  "is there twice");
			goto out;
		}
		if (map_put(seen, a->tenants[i].name, &a->tenants[i]) < 0) {
			err_set(e, ERR_RETRY, "no memory");
			goto out;
		}
	}
	rc = 0;
out:
	map_free(seen, NULL);
	return rc;
}

static const struct field root_fields[] = {
	{ "tenants", F_NESTED, 0, 0 },
	{ NULL, F_NESTED, 0, 0 },
};

static int parse_all(struct apply *a, const struct json *root, struct err *e)
{
	const struct json *list = json_at(root, "tenants");
	const struct fields f = { root_fields, NULL };
	size_t i;

	if (field_walk(root, "", &f, 1, e) < 0)
		return -1;
	if (!json_is_array(list, ""))
		return err_set(e, ERR_INPUT, "tenants: missing, or not a list");
	if (alloc_tenants(a, json_len(list, ""), e) < 0)
		return -1;
	for (i = 0; i < a->n; i++) {
		(void)snprintf(a->tenants[i].place, sizeof(a->tenants[i].place),
			       "tenants[%zu].", i);
		if (parse_tenant(&a->tenants[i], json_nth(list, "", i), false,
				 e) < 0)
			return -1;
	}
	return check_names(a, e);
}

int apply_parse(struct apply *a, const char *text, size_t len, struct err *e)
{
	struct json *root = json_parse(text, len, APPLY_MAX, e);
	int rc;

	memset(a, 0, sizeof(*a));
	if (!root)
		return -1;
	rc = parse_all(a, root, e);
	if (rc < 0)
		apply_release(a);
	json_wipe(root);
	return rc;
}

static int parse_one(struct apply *a, const char *text, size_t len, bool change,
		     struct err *e)
{
	struct json *root = json_parse(text, len, APPLY_MAX, e);
	int rc;

	memset(a, 0, sizeof(*a));
	if (!root)
		return -1;
	rc = alloc_tenants(a, 1, e);
	if (rc == 0)
		rc = parse_tenant(&a->tenants[0], root, change, e);
	if (rc < 0)
		apply_release(a);
	json_wipe(root);
	return rc;
}

int apply_parse_tenant(struct apply *a, const char *text, size_t len,
		       struct err *e)
{
	return parse_one(a, text, len, false, e);
}

int apply_parse_change(struct apply *a, const char *text, size_t len,
		       struct err *e)
{
	return parse_one(a, text, len, true, e);
}

int apply_parse_agent(struct apply_agent *g, const char *text, size_t len,
		      struct err *e)
{
	struct json *root = json_parse(text, len, APPLY_MAX, e);
	int rc;

	memset(g, 0, sizeof(*g));
	if (!root)
		return -1;
	rc = parse_agent(g, root, e);
	if (rc < 0)
		apply_agent_release(g);
	json_wipe(root);
	return rc;
}
