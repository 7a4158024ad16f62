/* SPDX-License-Identifier: ISC */
#include "sim/rotate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "sim/act.h"
#include "sim/api.h"

#define LIVE_MAX  2
#define SPENT_MAX 16
#define SECOND    INT64_C(1000000)

struct bearer {
	char *token;
	int64_t until_us;
};

static void bearer_free(void *p)
{
	struct bearer *b = p;

	free(b->token);
	free(b);
}

void rotation_free(struct rotation *r)
{
	if (!r)
		return;
	vec_free(&r->live, bearer_free);
	free(r->client_id);
	free(r->client_secret);
	free(r->given);
	free(r->refresh);
	vec_free(&r->spent, bearer_free);
	free(r);
}

static struct bearer *bearer_of(const struct install *in, const char *token)
{
	struct bearer *b;
	size_t i;

	for (i = 0; token && in->rotation && i < in->rotation->live.n; i++) {
		b = in->rotation->live.v[i];
		if (strcmp(b->token, token) == 0)
			return b;
	}
	return NULL;
}

const char *token_error(const struct install *in, const char *token)
{
	const struct bearer *b = bearer_of(in, token);

	if (in->token_error || !in->rotation)
		return in->token_error;
	if (!b)
		return "token_revoked";
	return b->until_us < sim_clock_us() ? "token_expired" : NULL;
}

int64_t token_expires_in(const struct install *in, const char *token)
{
	const struct bearer *b = bearer_of(in, token);

	return b ? (b->until_us - sim_clock_us()) / SECOND : 0;
}

/* Of the newest so many are kept. */
static void add_bearer(struct vec *to, size_t most, const char *token, int ms)
{
	struct bearer *b = must_alloc(sizeof(*b));
	struct bearer *old;

	b->token = must_dup(token);
	b->until_us = sim_clock_us() + ms * INT64_C(1000);
	vec_push(to, b);
	if (to->n <= most)
		return;
	old = to->v[0];
	vec_remove(to, old);
	bearer_free(old);
}

static char *fresh(struct sim *s, const char *prefix)
{
	char text[80];

	snprintf(text, sizeof(text), "%s-1-%016" PRIx64 "%016" PRIx64, prefix,
		 sim_random(s), sim_random(s));
	return must_dup(text);
}

/* A new pair; refresh tokens are good for a moment more, in case the answer
 * was lost. */
static void rotate(struct sim *s, struct install *i)
{
	struct rotation *r = i->rotation;

	free(i->bot_token);
	i->bot_token = fresh(s, "xoxe.xoxb");
	if (map_put(s->world->bot_tokens, i->bot_token, i) < 0)
		abort();
	add_bearer(&r->live, LIVE_MAX, i->bot_token, s->set.token_ms);
	add_bearer(&r->spent, SPENT_MAX, r->refresh, s->set.refresh_grace_ms);
	free(r->refresh);
	r->refresh = fresh(s, "xoxe");
	sim_changed(s);
}

static bool takes_refresh(const struct rotation *r, const char *token)
{
	const struct bearer *b;
	size_t i;

	for (i = 0; i < r->spent.n; i++) {
		b = r->spent.v[i];
		if (str_eq(b->token, token) && b->until_us > sim_clock_us())
			return true;
	}
	return str_eq(r->refresh, token);
}

/* The install whose client and refresh token these are. */
static struct install *find(const struct call *c, const char **error)
{
	const char *id = call_arg(c, "client_id");
	const char *secret = call_arg(c, "client_secret");
	const char *refresh = call_arg(c, "refresh_token");
	const struct vec *all = &c->s->world->installs;
	struct install *in;
	size_t i;

	*error = "invalid_client_id";
	for (i = 0; i < all->n; i++) {
		in = all->v[i];
		if (!in->rotation || !str_eq(in->rotation->client_id, id))
			continue;
		if (!str_eq(in->rotation->client_secret, secret)) {
			*error = "bad_client_secret";
			return NULL;
		}
		if (takes_refresh(in->rotation, refresh)) {
			*error = NULL;
			return in;
		}
		*error = "invalid_refresh_token";
	}
	return NULL;
}

static void write_place(struct jwrite *w, const char *key, const char *id,
			const char *name)
{
	if (!id) {
		jw_str(w, key, NULL);
		return;
	}
	jw_object(w, key);
	jw_str(w, "id", id);
	jw_str(w, "name", name);
	jw_object_end(w);
}

static const char *oauth_access(struct call *c)
{
	const char *grant = call_arg(c, "grant_type");
	const char *error;
	struct install *i;

	if (grant && !list_has("refresh_token,authorization_code", grant))
		return "invalid_grant_type";
	/* Nobody installs an app here, so there are no codes. */
	if (!grant || strcmp(grant, "refresh_token") != 0)
		return "invalid_code";
	i = find(c, &error);
	if (!i)
		return error;
	rotate(c->s, i);
	jw_str(&c->w, "app_id", i->app->id);
	jw_str(&c->w, "token_type", "bot");
	jw_str(&c->w, "access_token", i->bot_token);
	jw_int(&c->w, "expires_in", c->s->set.token_ms / 1000);
	jw_str(&c->w, "refresh_token", i->rotation->refresh);
	jw_str(&c->w, "scope", i->scopes);
	jw_str(&c->w, "bot_user_id", i->bot_user);
	write_place(&c->w, "team", i->org_wide ? NULL : i->team->id,
		    i->team->name);
	write_place(&c->w, "enterprise", i->team->enterprise,
		    i->team->enterprise);
	jw_bool(&c->w, "is_enterprise_install", i->org_wide);
	return NULL;
}

const struct method oauth_methods[] = {
	{ "oauth.v2.access", oauth_access, M_OPEN, 0, NULL, NULL },
	{ 0 },
};

int sim_rotate_token(struct sim *s, const char *bot_token,
		     const struct sim_rotation *from)
{
	struct install *i;
	struct rotation *r;

	sim_lock(s);
	i = map_get(s->world->bot_tokens, bot_token);
	if (i && !i->rotation) {
		r = must_alloc(sizeof(*r));
		r->client_id = must_dup(from->client_id);
		r->client_secret = must_dup(from->client_secret);
		r->given = must_dup(from->refresh_token);
		r->refresh = must_dup(from->refresh_token);
		add_bearer(&r->live, LIVE_MAX, bot_token, s->set.token_ms);
		i->rotation = r;
	} else {
		i = NULL;
	}
	sim_unlock(s);
	return i ? 0 : -1;
}

int sim_expire_token(struct sim *s, const char *bot_token)
{
	struct bearer *b = NULL;
	struct install *i;

	sim_lock(s);
	i = map_get(s->world->bot_tokens, bot_token);
	if (i)
		b = bearer_of(i, bot_token);
	if (b)
		b->until_us = 0;
	sim_unlock(s);
	return b ? 0 : -1;
}

int sim_revoke_token(struct sim *s, const char *bot_token)
{
	struct install *i;
	bool rotates;

	sim_lock(s);
	i = map_get(s->world->bot_tokens, bot_token);
	rotates = i && i->rotation;
	if (rotates)
		vec_free(&i->rotation->live, bearer_free);
	sim_unlock(s);
	return rotates ? 0 : -1;
}

int sim_bot_token(struct sim *s, const char *app_id, const char *team_id,
		  char *out, size_t size)
{
	struct install *i = NULL;
	struct app *a;

	sim_lock(s);
	a = world_app(s->world, app_id);
	if (a)
		i = app_install(a, team_id);
	if (i)
		snprintf(out, size, "%s", i->bot_token);
	sim_unlock(s);
	return i ? 0 : -1;
}
