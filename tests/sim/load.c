/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "sim/core.h"
#include "sim/rotate.h"
#include "sim/world.h"

#define WORLD_MAX ((size_t)64 << 20)

/* What a tenant has beyond its install, as one object; NULL: nothing. */
static char *extra_of(const struct json *t)
{
	static const char *const keys[] = { "agent",     "rate_per_minute",
					    "burst",     "agent_sessions",
					    "streaming", "budget" };
	struct jwrite w;
	struct buf b, v;
	size_t i;

	buf_init(&b, WORLD_MAX);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!json_at(t, keys[i]))
			continue;
		buf_init(&v, WORLD_MAX);
		json_copy(json_at(t, keys[i]), &v);
		jw_raw(&w, keys[i], v.data);
		buf_release(&v);
	}
	jw_object_end(&w);
	return must_take(&b);
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static int load_tenant(struct sim *s, const struct json *t)
{
	const char *app = json_str(t, "app_id");
	const char *token = json_str(t, "app_token");
	struct sim_install i = {
		.app_id = app,
		.team_id = json_str(t, "workspace_id"),
		.enterprise_id = json_str(t, "enterprise_id"),
		.bot_token = json_str(t, "bot_token"),
		.bot_user_id = json_str(t, "bot_user_id"),
		.bot_id = json_str(t, "bot_id"),
		.name = json_str(t, "name"),
		.bot_name = json_str(t, "bot_name"),
		.scopes = json_str(t, "scopes"),
		.unlisted = json_bool(t, "unlisted", false),
	};
	char *extra;
	int rc;

	if (!app || !token || !i.bot_token || !i.bot_user_id || !i.bot_id)
		return -1;
	if (!i.bot_name)
		i.bot_name = json_str(t, "agent.name");
	/* The second install of an app comes with the same token. */
	if (!world_app(s->world, app) &&
	    sim_add_app(s, app, token, json_str(t, "events")) < 0)
		return -1;
	extra = extra_of(t);
	i.extra = extra;
	rc = sim_add_install(s, &i);
	free(extra);
	return rc;
}

static int load_user(struct sim *s, const struct json *u)
{
	const char *id = json_str(u, "id");
	const char *team = json_str(u, "team");
	const char *name = json_str(u, "name");

	if (!id || !team || !name)
		return -1;
	if (sim_add_user(s, id, team, name, json_str(u, "display_name")) < 0)
		return -1;
	return sim_set_guest(s, id, json_bool(u, "guest", false));
}

static int load_channel(struct sim *s, const struct json *c)
{
	const char *id = json_str(c, "id");
	const char *team = json_str(c, "team");
	const char *type = json_str(c, "type");
	char path[32];
	size_t i;

	if (!id || !team ||
	    sim_add_channel(s, id, team, json_str(c, "name"),
			    type ? type : "channel") < 0)
		return -1;
	for (i = 0; i < json_len(c, "members"); i++) {
		snprintf(path, sizeof(path), "members.%zu", i);
		if (sim_join(s, id, or_empty(json_str(c, path))) < 0)
			return -1;
	}
	return 0;
}

static int load_each(struct sim *s, const struct json *j, const char *list,
		     int (*load)(struct sim *s, const struct json *one),
		     struct err *e)
{
	char path[48];
	size_t i;

	for (i = 0; i < json_len(j, list); i++) {
		snprintf(path, sizeof(path), "%s.%zu", list, i);
		if (load(s, json_at(j, path)) < 0)
			return err_set(e, ERR_INPUT,
				       "%s: a member is missing, or an id is "
				       "taken or unknown",
				       path);
	}
	return 0;
}

int sim_load(struct sim *s, const char *json, size_t len, struct err *e)
{
	struct json *j = json_parse(json, len, WORLD_MAX, e);
	int rc = -1;

	if (!j)
		return -1;
	sim_lock(s);
	if (load_each(s, j, "tenants", load_tenant, e) == 0 &&
	    load_each(s, j, "users", load_user, e) == 0 &&
	    load_each(s, j, "channels", load_channel, e) == 0)
		rc = 0;
	sim_changed(s);
	sim_unlock(s);
	json_free(j);
	return rc;
}

static int load_one(struct sim *s, int k)
{
	char app[16], xapp[24], xoxb[24], team[16], bot[16], bot_id[16];
	char person[16], channel[16], im[16], name[24];
	struct sim_install i = { .app_id = app,
				 .team_id = team,
				 .bot_token = xoxb,
				 .bot_user_id = bot,
				 .bot_id = bot_id,
				 .name = name };

	snprintf(app, sizeof(app), "A%05d", k);
	snprintf(xapp, sizeof(xapp), "xapp-sim-%05d", k);
	snprintf(xoxb, sizeof(xoxb), "xoxb-sim-%05d", k);
	snprintf(team, sizeof(team), "T%05d", k);
	snprintf(bot, sizeof(bot), "U%05dB", k);
	snprintf(bot_id, sizeof(bot_id), "B%05d", k);
	snprintf(person, sizeof(person), "U%05dP", k);
	snprintf(channel, sizeof(channel), "C%05d", k);
	snprintf(im, sizeof(im), "D%05d", k);
	snprintf(name, sizeof(name), "tenant-%05d", k);
	i.extra = "{\"agent\":{\"name\":\"Sim\",\"role\":\"answers\","
		  "\"persona\":\"Sim is patient.\"}}";
	if (sim_add_app(s, app, xapp, NULL) < 0 || sim_add_install(s, &i) < 0 ||
	    sim_add_user(s, person, team, person, NULL) < 0 ||
	    sim_add_channel(s, channel, team, "general", "channel") < 0 ||
	    sim_add_channel(s, im, team, NULL, "im") < 0 ||
	    sim_join(s, channel, bot) < 0 || sim_join(s, channel, person) < 0 ||
	    sim_join(s, im, bot) < 0 || sim_join(s, im, person) < 0)
		return -1;
	return 0;
}

int sim_load_many(struct sim *s, int first, int n)
{
	int rc = 0;
	int k;

	if (first < 0 || n < 0 || first > 99999 - n)
		return -1;
	sim_lock(s);
	for (k = first; k < first + n && rc == 0; k++)
		rc = load_one(s, k);
	sim_unlock(s);
	return rc;
}

static bool write_extra(const char *key, const struct json *v, void *arg)
{
	struct buf b;

	buf_init(&b, WORLD_MAX);
	json_copy(v, &b);
	jw_raw(arg, key, b.data);
	buf_release(&b);
	return true;
}

static bool of_tenant(const struct install *i, const char *name)
{
	return !i->unlisted && strcmp(i->team->name, name) == 0;
}

static void write_connection(struct jwrite *w, const struct install *i)
{
	jw_object(w, NULL);
	jw_str(w, "app_id", i->app->id);
	jw_str(w, "app_token", i->app->token);
	jw_str(w, "bot_token", i->bot_token);
	jw_str(w, "workspace_id", i->team->id);
	jw_str(w, "bot_user_id", i->bot_user);
	jw_str(w, "bot_id", i->bot_id);
	if (i->rotation) {
		jw_str(w, "refresh_token", i->rotation->given);
		jw_str(w, "client_id", i->rotation->client_id);
		jw_str(w, "client_secret", i->rotation->client_secret);
	}
	jw_object_end(w);
}

static void write_members(struct jwrite *w, const struct install *i)
{
	struct err e = { 0 };
	struct json *extra;

	if (!i->extra)
		return;
	extra = json_parse(i->extra, strlen(i->extra), WORLD_MAX, &e);
	if (extra)
		json_each(extra, write_extra, w);
	json_free(extra);
}

/* Teams of one name are one tenant's. First is the first of them. */
static void write_tenant(struct jwrite *w, const struct vec *installs,
			 size_t first)
{
	const struct install *in = installs->v[first];
	const char *name = in->team->name;
	size_t i;

	jw_object(w, NULL);
	jw_str(w, "name", name);
	write_members(w, in);
	jw_array(w, "connections");
	for (i = first; i < installs->n; i++) {
		in = installs->v[i];
		if (of_tenant(in, name))
			write_connection(w, in);
	}
	jw_array_end(w);
	jw_object_end(w);
}

static bool is_first(const struct vec *installs, size_t at)
{
	const struct install *in = installs->v[at];
	size_t i;

	if (in->unlisted)
		return false;
	for (i = 0; i < at; i++)
		if (of_tenant(installs->v[i], in->team->name))
			return false;
	return true;
}

int sim_apply_json(struct sim *s, struct buf *out)
{
	const struct vec *installs = &s->world->installs;
	struct jwrite w;
	size_t i;

	sim_lock(s);
	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_array(&w, "tenants");
	for (i = 0; i < installs->n; i++)
		if (is_first(installs, i))
			write_tenant(&w, installs, i);
	jw_array_end(&w);
	jw_object_end(&w);
	sim_unlock(s);
	return out->failed ? -1 : 0;
}
