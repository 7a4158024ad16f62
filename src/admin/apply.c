/* SPDX-License-Identifier: ISC */
#include "admin/apply.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/field.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/secret.h"

void apply_agent_release(struct apply_agent *g)
{
	free(g->name);
	free(g->role);
	free(g->persona);
	free(g->model);
	free(g->placeholder);
	free(g->locale);
	free(g->channels);
	free(g->access);
	memset(g, 0, sizeof(*g));
}

static void connection_drop(struct apply_connection *c)
{
	free(c->app_id);
	secret_free(c->app_token);
	free(c->workspace_id);
	secret_free(c->bot_token);
	free(c->bot_user_id);
	free(c->bot_id);
	secret_free(c->refresh_token);
	free(c->client_id);
	secret_free(c->client_secret);
}

void apply_release(struct apply *a)
{
	struct apply_tenant *t;
	size_t i, k;

	for (i = 0; i < a->n; i++) {
		t = &a->tenants[i];
		for (k = 0; k < t->nconnections; k++)
			connection_drop(&t->connections[k]);
		free(t->connections);
		free(t->name);
		free(t->access);
		free(t->budget);
		free(t->canary_channel);
		apply_agent_release(&t->agent);
		for (k = 0; k < t->nagents; k++)
			apply_agent_release(&t->agents[k]);
		free(t->agents);
	}
	free(a->tenants);
	memset(a, 0, sizeof(*a));
}

int apply_agent_check(const struct apply_agent *g, const struct conf *c,
		      struct err *e)
{
	const struct conf_model *m;

	if (!g->model || g->model[0] == '\0')
		return 0;
	m = conf_model(c, g->model);
	if (m && strcmp(m->name, g->model) == 0)
		return 0;
	return err_set(e, ERR_INPUT,
		       "%smodel: no llm \"%s\" in the configuration", g->place,
		       g->model);
}

int apply_check(const struct apply *a, const struct conf *c, struct err *e)
{
	const struct apply_tenant *t;
	size_t k;

	for (t = a->tenants; t < a->tenants + a->n; t++) {
		if (apply_agent_check(&t->agent, c, e) < 0)
			return -1;
		for (k = 0; k < t->nagents; k++)
			if (apply_agent_check(&t->agents[k], c, e) < 0)
				return -1;
	}
	return 0;
}

bool apply_kept(const struct apply_connection *c)
{
	return !c->app_token && !c->bot_token && c->app_id && c->workspace_id;
}

bool apply_known(const struct apply_connection *c)
{
	return apply_kept(c) ||
	       (c->app_id && c->workspace_id && c->bot_user_id && c->bot_id);
}

bool apply_name_valid(const char *name)
{
	size_t i;

	if (!isalnum((unsigned char)name[0]))
		return false;
	for (i = 1; name[i]; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
			return false;
	return i <= APPLY_NAME_MAX;
}

bool apply_token_app(const char *token, char *out, size_t size)
{
	const char *p = strchr(token, '-');
	size_t n;

	p = p ? strchr(p + 1, '-') : NULL;
	if (!p || p[1] != 'A')
		return false;
	p++;
	n = strcspn(p, "-");
	if (p[n] != '-' || n >= size)
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	return field_id_valid(out);
}
