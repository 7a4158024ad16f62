/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/secret.h"
#include "store/backend.h"

#define LINES_MAX 10000

static const struct store_ops *const backends[] = { &store_sqlite,
						    &store_postgres };
static const size_t nbackends = sizeof(backends) / sizeof(backends[0]);

const struct store_ops *store_find(const char *url, struct err *e)
{
	size_t n = strcspn(url, ":");
	size_t i;

	for (i = 0; i < nbackends; i++) {
		if (url[n] == ':' && strlen(backends[i]->name) == n &&
		    memcmp(url, backends[i]->name, n) == 0)
			return backends[i];
	}
	/* The scheme only: the rest may hold a password. */
	err_set(e, ERR_INPUT,
		"no store for '%.*s', only for 'sqlite:/path/of/file' and"
		" 'postgresql://...'",
		n < 40 ? (int)n : 40, url);
	return NULL;
}

void tenant_release(struct tenant *t)
{
	free(t->id);
	free(t->name);
	free(t->budget);
	*t = (struct tenant){ 0 };
}

void app_release(struct app *a)
{
	free(a->app_id);
	secret_free(a->token);
	*a = (struct app){ 0 };
}

void connection_release(struct connection *c)
{
	free(c->tenant_id);
	free(c->channel_type);
	free(c->app_id);
	free(c->workspace_id);
	secret_free(c->bot_token);
	free(c->bot_user_id);
	free(c->bot_id);
	tenant_release(&c->tenant);
	*c = (struct connection){ 0 };
}

void agent_release(struct agent *a)
{
	free(a->tenant_id);
	free(a->id);
	free(a->name);
	free(a->role);
	free(a->persona);
	free(a->model);
	free(a->placeholder);
	free(a->locale);
	free(a->channels);
	free(a->access);
	free(a->tenant_access);
	*a = (struct agent){ 0 };
}

void line_release(struct line *l)
{
	free(l->user_id);
	free(l->name);
	free(l->ts);
	free(l->text);
}

void transcript_release(struct transcript *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		line_release(&t->lines[i]);
	free(t->lines);
	*t = (struct transcript){ 0 };
}

/* NULL stays NULL and is no failure. */
static int copy(char **out, const char *s)
{
	*out = s ? strdup(s) : NULL;
	return s && !*out ? -1 : 0;
}

/* Room doubles whenever n is a power of two. */
static int make_room(struct transcript *t)
{
	struct line *bigger;

	if (t->n >= LINES_MAX)
		return -1;
	if ((t->n & (t->n - 1)) != 0)
		return 0;
	bigger = reallocarray(t->lines, t->n ? t->n * 2 : 1, sizeof(*bigger));
	if (!bigger)
		return -1;
	t->lines = bigger;
	return 0;
}

int transcript_add(struct transcript *t, bool ours, const char *user_id,
		   const char *name, const char *ts, const char *text)
{
	struct line l = { .ours = ours };

	if (make_room(t) < 0)
		return -1;
	if (copy(&l.user_id, user_id) < 0 || copy(&l.name, name) < 0 ||
	    copy(&l.ts, ts) < 0 || copy(&l.text, text) < 0) {
		line_release(&l);
		return -1;
	}
	t->lines[t->n++] = l;
	return 0;
}

const char *text_or_empty(const char *s)
{
	return s ? s : "";
}

int place_app(char out[PLACE_SIZE], const char *app_id)
{
	int n = snprintf(out, PLACE_SIZE, "apps/%s/token", app_id);

	return n < 0 || n >= PLACE_SIZE ? -1 : 0;
}

int place_connection(char out[PLACE_SIZE], const char *type, const char *app_id,
		     const char *workspace_id)
{
	int n = snprintf(out, PLACE_SIZE, "connections/%s/%s/%s/bot_token",
			 type, app_id, workspace_id);

	return n < 0 || n >= PLACE_SIZE ? -1 : 0;
}

int place_secret(char out[PLACE_SIZE], const char *name)
{
	int n = snprintf(out, PLACE_SIZE, "secrets/%s", name);

	return n < 0 || n >= PLACE_SIZE ? -1 : 0;
}

int place_client(char out[PLACE_SIZE], const char *app_id)
{
	int n = snprintf(out, PLACE_SIZE, "clients/%s/client_secret", app_id);

	return n < 0 || n >= PLACE_SIZE ? -1 : 0;
}

int place_grant(char out[PLACE_SIZE], const char *type, const char *app_id,
		const char *workspace_id)
{
	int n = snprintf(out, PLACE_SIZE, "grants/%s/%s/%s/refresh_token", type,
			 app_id, workspace_id);

	return n < 0 || n >= PLACE_SIZE ? -1 : 0;
}
