/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "sim/api.h"
#include "sim/file.h"
#include "sim/react.h"
#include "sim/rotate.h"
#include "sim/socket.h"

static const char *connections_open(struct call *c)
{
	struct buf url;

	/* Slack escapes these slashes; whoever doesn't unescape can't dial. */
	buf_init(&url, 512);
	buf_addc(&url, '"');
	socket_url(c->s, c->app, &url);
	buf_addc(&url, '"');
	jw_raw(&c->w, "url", url.data);
	buf_release(&url);
	return NULL;
}

static const char *auth_test(struct call *c)
{
	struct install *i = c->install;
	char url[96];

	snprintf(url, sizeof(url), "https://%.60s.slack.com/", i->team->domain);
	jw_str(&c->w, "url", url);
	jw_str(&c->w, "team", i->team->name);
	jw_str(&c->w, "user", i->bot_name);
	jw_str(&c->w, "team_id", i->team->id);
	jw_str(&c->w, "user_id", i->bot_user);
	jw_str(&c->w, "bot_id", i->bot_id);
	jw_str(&c->w, "app_id", i->app->id);
	jw_str(&c->w, "app_name", i->bot_name);
	if (i->team->enterprise)
		jw_str(&c->w, "enterprise_id", i->team->enterprise);
	if (token_expires_in(i, c->token) > 0)
		jw_int(&c->w, "expires_in", token_expires_in(i, c->token));
	jw_bool(&c->w, "is_enterprise_install", i->org_wide);
	return NULL;
}

static const char *users_info(struct call *c)
{
	struct user *u = world_user(c->s->world, call_arg(c, "user"));

	if (!u)
		return "user_not_found";
	jw_object(&c->w, "user");
	jw_str(&c->w, "id", u->id);
	jw_str(&c->w, "team_id", u->team->id);
	jw_str(&c->w, "name", u->name);
	jw_str(&c->w, "real_name", u->display);
	jw_bool(&c->w, "deleted", false);
	jw_str(&c->w, "tz", "Europe/Berlin");
	jw_int(&c->w, "tz_offset", 3600);
	jw_object(&c->w, "profile");
	jw_str(&c->w, "real_name", u->display);
	jw_str(&c->w, "display_name", u->display);
	jw_str(&c->w, "team", u->team->id);
	jw_object_end(&c->w);
	jw_bool(&c->w, "is_bot", u->bot);
	jw_bool(&c->w, "is_app_user", false);
	jw_bool(&c->w, "is_restricted", u->guest);
	jw_bool(&c->w, "is_ultra_restricted", false);
	jw_bool(&c->w, "is_stranger", u->team != c->install->team);
	jw_int(&c->w, "updated", 1700000000);
	jw_object_end(&c->w);
	return NULL;
}

static const char *group_users(struct call *c)
{
	const char *s = map_get(c->s->world->groups, call_arg(c, "usergroup"));
	size_t n;

	if (!s)
		return "no_such_subteam";
	jw_array(&c->w, "users");
	for (; *s; s += n + (s[n] == ',')) {
		n = strcspn(s, ",");
		jw_strn(&c->w, NULL, s, n);
	}
	jw_array_end(&c->w);
	return NULL;
}

static const char *bots_info(struct call *c)
{
	const char *id = call_arg(c, "bot");
	struct install *i = NULL;
	size_t k;

	for (k = 0; id && k < c->s->world->installs.n; k++) {
		i = c->s->world->installs.v[k];
		if (strcmp(i->bot_id, id) == 0 && i->team == c->install->team)
			break;
		i = NULL;
	}
	if (id && !i)
		return "bot_not_found";
	if (!i)
		return NULL;
	jw_object(&c->w, "bot");
	jw_str(&c->w, "id", i->bot_id);
	jw_bool(&c->w, "deleted", false);
	jw_str(&c->w, "name", i->bot_name);
	jw_int(&c->w, "updated", 1700000000);
	jw_str(&c->w, "app_id", i->app->id);
	jw_str(&c->w, "user_id", i->bot_user);
	jw_raw(&c->w, "icons", "{}");
	jw_object_end(&c->w);
	return NULL;
}

static const char *team_info(struct call *c)
{
	const char *id = call_arg(c, "team");
	struct team *t = c->install->team;

	if (id && strcmp(id, t->id) != 0)
		return "team_not_found";
	jw_object(&c->w, "team");
	jw_str(&c->w, "id", t->id);
	jw_str(&c->w, "name", t->name);
	jw_str(&c->w, "domain", t->domain);
	jw_str(&c->w, "email_domain", "");
	jw_raw(&c->w, "icon", "{\"image_default\":true}");
	if (t->enterprise)
		jw_str(&c->w, "enterprise_id", t->enterprise);
	jw_object_end(&c->w);
	return NULL;
}

static const char *own_reaction(struct call *c, bool add)
{
	struct channel *ch = call_channel(c, call_arg(c, "channel"));
	struct user *bot = world_user(c->s->world, c->install->bot_user);
	struct msg *m;

	if (!ch)
		return "channel_not_found";
	m = msg_find(ch, call_arg(c, "timestamp"));
	if (!m || !msg_visible(m))
		return "message_not_found";
	if (!reaction_name_ok(call_arg(c, "name")))
		return "invalid_name";
	if (react(c->s, m, bot, call_arg(c, "name"), add))
		return NULL;
	return add ? "already_reacted" : "no_reaction";
}

static const char *reactions_add(struct call *c)
{
	return own_reaction(c, true);
}

static const char *reactions_remove(struct call *c)
{
	return own_reaction(c, false);
}

static bool has_file(const struct json *files, const char *id, char *at,
		     size_t size)
{
	char path[32];
	size_t i;

	for (i = 0; i < json_len(files, ""); i++) {
		snprintf(path, sizeof(path), "%zu.id", i);
		if (!str_eq(json_str(files, path), id))
			continue;
		snprintf(at, size, "%zu", i);
		return true;
	}
	return false;
}

/* Writes the file if it hangs on this message. */
static bool write_file(struct call *c, const struct msg *m, const char *id)
{
	struct err e = { 0 };
	struct json *j;
	struct buf b;
	bool found;
	char at[24];

	if (!m->files || !strstr(m->files, id))
		return false;
	j = json_parse(m->files, strlen(m->files), SIM_BODY_MAX, &e);
	found = j && has_file(j, id, at, sizeof(at));
	if (found) {
		buf_init(&b, SIM_BODY_MAX);
		json_copy(json_at(j, at), &b);
		jw_raw(&c->w, "file", b.data);
		buf_release(&b);
	}
	json_free(j);
	return found;
}

/* Files exist as long as a message in one of the bot's channels has them. */
static const char *files_info(struct call *c)
{
	struct file_search find = { c->install, call_arg(c, "file"), NULL };

	world_find_file(c->s->world, &find);
	if (!find.found || (!file_show(c->s, &c->w, "file", find.id) &&
			    !write_file(c, find.found, find.id)))
		return "file_not_found";
	return NULL;
}

const struct method other_methods[] = {
	{ "apps.connections.open", connections_open, M_JSON | M_APP, 50, NULL,
	  NULL },
	{ "auth.test", auth_test, M_JSON, 0, NULL, NULL },
	{ "users.info", users_info, 0, 100, "users:read", "user" },
	{ "usergroups.users.list", group_users, 0, 20, "usergroups:read",
	  "usergroup" },
	{ "bots.info", bots_info, 0, 50, "users:read", NULL },
	{ "team.info", team_info, M_JSON, 50, "team:read", NULL },
	{ "reactions.add", reactions_add, M_JSON, 50, "reactions:write",
	  "channel,timestamp,name" },
	{ "reactions.remove", reactions_remove, M_JSON, 20, "reactions:write",
	  "channel,timestamp,name" },
	{ "files.info", files_info, 0, 100, "files:read", "file" },
	{ 0 },
};
