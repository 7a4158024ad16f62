/* SPDX-License-Identifier: ISC */
#include "sim/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "sim/core.h"
#include "sim/rotate.h"

static struct map *must_map(void)
{
	struct map *m = map_create(0);

	if (!m)
		abort();
	return m;
}

static void must_put(struct map *m, const char *key, void *value)
{
	if (map_put(m, key, value) < 0)
		abort();
}

struct world *world_create(void)
{
	struct world *w = must_alloc(sizeof(*w));

	w->apps = must_map();
	w->app_tokens = must_map();
	w->bot_tokens = must_map();
	w->teams = must_map();
	w->users = must_map();
	w->channels = must_map();
	w->ims = must_map();
	w->groups = must_map();
	return w;
}

static void app_free(void *p)
{
	struct app *a = p;

	vec_free(&a->installs, NULL);
	vec_free(&a->links, NULL);
	free(a->id);
	free(a->token);
	free(a->token_error);
	free(a->events);
	free(a);
}

static void team_free(void *p)
{
	struct team *t = p;

	free(t->id);
	free(t->name);
	free(t->domain);
	free(t->enterprise);
	free(t);
}

static void install_free(void *p)
{
	struct install *i = p;

	free(i->bot_token);
	free(i->token_error);
	free(i->bot_user);
	free(i->bot_id);
	free(i->bot_name);
	free(i->scopes);
	free(i->extra);
	rotation_free(i->rotation);
	free(i);
}

static void user_free(void *p)
{
	struct user *u = p;

	free(u->id);
	free(u->name);
	free(u->display);
	free(u);
}

static void channel_free(void *p);

void world_free(struct world *w)
{
	if (!w)
		return;
	map_free(w->channels, channel_free);
	map_free(w->users, user_free);
	map_free(w->teams, team_free);
	map_free(w->apps, app_free);
	map_free(w->app_tokens, NULL);
	map_free(w->bot_tokens, NULL);
	map_free(w->ims, NULL);
	map_free(w->groups, free);
	vec_free(&w->installs, install_free);
	free(w);
}

struct app *world_app(const struct world *w, const char *id)
{
	return id ? map_get(w->apps, id) : NULL;
}

struct user *world_user(const struct world *w, const char *id)
{
	return id ? map_get(w->users, id) : NULL;
}

struct channel *world_channel(const struct world *w, const char *id)
{
	return id ? map_get(w->channels, id) : NULL;
}

struct install *app_install(const struct app *a, const char *team_id)
{
	struct install *in;
	size_t i;

	for (i = 0; i < a->installs.n; i++) {
		in = a->installs.v[i];
		if (!team_id || str_eq(in->team->id, team_id) ||
		    str_eq(in->team->enterprise, team_id))
			return in;
	}
	return NULL;
}

struct team *world_team(struct sim *s, const char *id, const char *name,
			const char *enterprise)
{
	struct team *t = map_get(s->world->teams, id);

	if (t)
		return t;
	t = must_alloc(sizeof(*t));
	t->id = must_dup(id);
	t->name = must_dup(name ? name : id);
	t->domain = must_dup(t->id);
	t->enterprise = must_dup(enterprise);
	must_put(s->world->teams, id, t);
	return t;
}

static int add_app(struct sim *s, const char *id, const char *token,
		   const char *events)
{
	struct world *w = s->world;
	struct app *a;

	if (map_get(w->apps, id) || map_get(w->app_tokens, token))
		return -1;
	a = must_alloc(sizeof(*a));
	a->id = must_dup(id);
	a->token = must_dup(token);
	a->events = must_dup(events ? events : SIM_EVENTS);
	must_put(w->apps, id, a);
	must_put(w->app_tokens, token, a);
	return 0;
}

int sim_add_app(struct sim *s, const char *app_id, const char *app_token,
		const char *events)
{
	int rc;

	sim_lock(s);
	rc = add_app(s, app_id, app_token, events);
	sim_unlock(s);
	return rc;
}

int sim_subscribe(struct sim *s, const char *app_id, const char *events)
{
	struct app *a;

	sim_lock(s);
	a = world_app(s->world, app_id);
	if (a) {
		free(a->events);
		a->events = must_dup(events ? events : SIM_EVENTS);
	}
	sim_unlock(s);
	return a ? 0 : -1;
}

static struct user *add_user(struct sim *s, const char *id, const char *team,
			     const char *name, const char *display)
{
	struct user *u;

	if (map_get(s->world->users, id))
		return NULL;
	u = must_alloc(sizeof(*u));
	u->id = must_dup(id);
	u->name = must_dup(name);
	u->display = must_dup(display ? display : name);
	u->team = world_team(s, team, NULL, NULL);
	must_put(s->world->users, id, u);
	return u;
}

int sim_add_user(struct sim *s, const char *id, const char *team,
		 const char *name, const char *display_name)
{
	struct user *u;

	sim_lock(s);
	u = add_user(s, id, team, name, display_name);
	sim_unlock(s);
	return u ? 0 : -1;
}

int sim_set_guest(struct sim *s, const char *id, bool guest)
{
	struct user *u;

	sim_lock(s);
	u = world_user(s->world, id);
	if (u)
		u->guest = guest;
	sim_unlock(s);
	return u ? 0 : -1;
}

int sim_set_group(struct sim *s, const char *id, const char *users)
{
	sim_lock(s);
	free(map_take(s->world->groups, id));
	must_put(s->world->groups, id, must_dup(users));
	sim_unlock(s);
	return 0;
}

bool channel_shared(const struct channel *ch)
{
	const struct user *u;
	size_t i;

	for (i = 0; i < ch->members.n; i++) {
		u = ch->members.v[i];
		if (u->team != ch->team)
			return true;
	}
	return false;
}

static int add_install(struct sim *s, const struct sim_install *from)
{
	struct app *a = world_app(s->world, from->app_id);
	const char *team = from->team_id ? from->team_id : from->enterprise_id;
	const char *name = from->bot_name ? from->bot_name : "konstruct";
	struct install *i;
	struct user *u;

	if (!a || !team || map_get(s->world->bot_tokens, from->bot_token))
		return -1;
	/* First the team with its name, which add_user() doesn't know. */
	world_team(s, team, from->name, from->enterprise_id);
	u = add_user(s, from->bot_user_id, team, name, name);
	if (!u)
		return -1;
	i = must_alloc(sizeof(*i));
	i->app = a;
	i->team = u->team;
	i->org_wide = !from->team_id;
	i->bot_token = must_dup(from->bot_token);
	i->bot_user = must_dup(from->bot_user_id);
	i->bot_id = must_dup(from->bot_id);
	i->bot_name = must_dup(name);
	i->scopes = must_dup(from->scopes ? from->scopes : SIM_SCOPES);
	i->extra = must_dup(from->extra);
	i->unlisted = from->unlisted;
	u->bot = i;
	vec_push(&a->installs, i);
	vec_push(&s->world->installs, i);
	must_put(s->world->bot_tokens, from->bot_token, i);
	return 0;
}

int sim_add_install(struct sim *s, const struct sim_install *i)
{
	int rc;

	sim_lock(s);
	rc = add_install(s, i);
	sim_unlock(s);
	return rc;
}

static const char *channel_type(const char *name)
{
	static const char *const types[] = { "channel", "group", "im", "mpim" };
	size_t i;

	for (i = 0; i < 4; i++) {
		if (str_eq(name, types[i]))
			return types[i];
	}
	return NULL;
}

static struct channel *add_channel(struct sim *s, const char *id,
				   struct team *team, const char *name,
				   const char *type)
{
	struct channel *ch;

	type = channel_type(type);
	if (!type || map_get(s->world->channels, id))
		return NULL;
	ch = must_alloc(sizeof(*ch));
	ch->id = must_dup(id);
	ch->name = must_dup(name ? name : id);
	ch->type = type;
	ch->team = team;
	ch->by_ts = must_map();
	must_put(s->world->channels, id, ch);
	return ch;
}

int sim_add_channel(struct sim *s, const char *id, const char *team,
		    const char *name, const char *type)
{
	struct channel *ch;

	sim_lock(s);
	ch = add_channel(s, id, world_team(s, team, NULL, NULL), name, type);
	sim_unlock(s);
	return ch ? 0 : -1;
}

bool channel_has(const struct channel *ch, const struct user *u)
{
	size_t i;

	for (i = 0; i < ch->members.n; i++) {
		if (ch->members.v[i] == u)
			return true;
	}
	return false;
}

bool channel_has_bot(const struct channel *ch, const struct install *in)
{
	size_t i;

	for (i = 0; i < ch->bots.n; i++) {
		if (ch->bots.v[i] == in)
			return true;
	}
	return false;
}

/* The key under which a bot and a person find their direct messages. */
static void im_key(char *out, size_t size, const char *bot, const char *user)
{
	snprintf(out, size, "%s:%s", bot, user);
}

static void note_im(struct sim *s, struct channel *ch)
{
	struct install *bot = ch->bots.n ? ch->bots.v[0] : NULL;
	struct user *u;
	char key[128];
	size_t i;

	for (i = 0; bot && i < ch->members.n; i++) {
		u = ch->members.v[i];
		im_key(key, sizeof(key), bot->bot_user, u->id);
		if (!u->bot && !map_get(s->world->ims, key))
			must_put(s->world->ims, key, ch);
	}
}

void channel_add(struct channel *ch, struct user *u)
{
	if (channel_has(ch, u))
		return;
	vec_push(&ch->members, u);
	if (u->bot)
		vec_push(&ch->bots, u->bot);
}

int sim_join(struct sim *s, const char *channel, const char *user)
{
	struct channel *ch;
	struct user *u;

	sim_lock(s);
	ch = world_channel(s->world, channel);
	u = world_user(s->world, user);
	if (ch && u) {
		channel_add(ch, u);
		if (str_eq(ch->type, "im"))
			note_im(s, ch);
	}
	sim_unlock(s);
	return ch && u ? 0 : -1;
}

int sim_leave(struct sim *s, const char *channel, const char *user)
{
	struct channel *ch;
	struct user *u;

	sim_lock(s);
	ch = world_channel(s->world, channel);
	u = world_user(s->world, user);
	if (ch && u) {
		vec_remove(&ch->members, u);
		if (u->bot)
			vec_remove(&ch->bots, u->bot);
	}
	sim_unlock(s);
	return ch && u ? 0 : -1;
}

static void tell_moved(struct sim *s, const struct channel *ch,
		       const char *old_id)
{
	const struct install *bot;
	char event[200];
	size_t i;

	snprintf(
		event, sizeof(event),
		"{\"type\":\"channel_id_changed\",\"old_channel_id\":\"%.40s\","
		"\"new_channel_id\":\"%.40s\",\"event_ts\":\"%lld.000000\"}",
		old_id, ch->id, (long long)(sim_wall_ms(s) / 1000));
	for (i = 0; i < ch->bots.n; i++) {
		bot = ch->bots.v[i];
		sim_event(s, bot->app->id, bot->team->id, event);
	}
}

int sim_move_channel(struct sim *s, const char *id, const char *new_id)
{
	struct channel *ch;
	char *old_id;

	sim_lock(s);
	ch = world_channel(s->world, id);
	if (!ch || world_channel(s->world, new_id)) {
		sim_unlock(s);
		return -1;
	}
	map_take(s->world->channels, id);
	old_id = ch->id;
	ch->id = must_dup(new_id);
	if (map_put(s->world->channels, new_id, ch) < 0)
		abort();
	tell_moved(s, ch, old_id);
	free(old_id);
	sim_unlock(s);
	return 0;
}

struct channel *world_im(struct sim *s, struct install *bot, struct user *user)
{
	struct channel *ch;
	char key[128];
	char id[24];

	im_key(key, sizeof(key), bot->bot_user, user->id);
	ch = map_get(s->world->ims, key);
	if (ch)
		return ch;
	sim_id(s, "D0", id, sizeof(id));
	ch = add_channel(s, id, bot->team, NULL, "im");
	if (!ch)
		abort();
	channel_add(ch, world_user(s->world, bot->bot_user));
	channel_add(ch, user);
	must_put(s->world->ims, key, ch);
	return ch;
}

int sim_token_error(struct sim *s, const char *token, const char *error)
{
	struct install *i;
	struct app *a;
	char **slot;

	sim_lock(s);
	i = map_get(s->world->bot_tokens, token);
	a = map_get(s->world->app_tokens, token);
	slot = i ? &i->token_error : a ? &a->token_error : NULL;
	if (slot) {
		free(*slot);
		*slot = must_dup(error);
	}
	sim_unlock(s);
	return slot ? 0 : -1;
}

static void channel_free(void *p)
{
	struct channel *ch = p;

	vec_free(&ch->msgs, msg_free); /* looks into by_ts */
	map_free(ch->by_ts, NULL);
	vec_free(&ch->members, NULL);
	vec_free(&ch->bots, NULL);
	free(ch->id);
	free(ch->name);
	free(ch);
}
