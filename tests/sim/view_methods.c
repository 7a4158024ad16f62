/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "sim/api.h"
#include "sim/interact.h"
#include "sim/pane.h"

#define STACK_MAX 3

/* The act that a modal answers, now used up; NULL with *error set. */
static struct trigger *take_trigger(struct call *c, const char **error)
{
	const char *id = call_arg(c, "trigger_id");
	struct trigger *t;

	t = id ? map_get(c->s->interact->triggers, id) : NULL;
	if (!t || t->install->app != c->app)
		*error = "invalid_trigger_id";
	else if (t->used)
		*error = "exchanged_trigger_id";
	else if (t->until_us < sim_clock_us())
		*error = "expired_trigger_id";
	if (*error)
		return NULL;
	t->used = true;
	return t;
}

/* The id that the app gave to another view, too? */
static bool taken(struct call *c, const struct pane *mine)
{
	const char *json = call_arg(c, "view");
	struct err e = { 0 };
	struct json *j = json_parse(json, strlen(json), SIM_BODY_MAX, &e);
	const char *id = json_str(j, "external_id");
	const struct pane *other;

	other = id && *id ? pane_by_external_id(c->s, c->install, id) : NULL;
	json_free(j);
	return other && other != mine;
}

static const char *add_modal(struct call *c, bool push)
{
	const char *error = pane_check(call_arg(c, "view"), false);
	struct pane *below = NULL, *v;
	struct trigger *t;

	if (!error && taken(c, NULL))
		error = "duplicate_external_id";
	if (error)
		return error;
	t = take_trigger(c, &error);
	if (!t)
		return error;
	below = pane_top(c->s, t->install, t->user);
	if (push && !below)
		return "invalid_trigger_id";
	if (push && pane_depth(c->s, below) >= STACK_MAX)
		return "push_limit_reached";
	/* A modal that is opened takes the place of all that were open. */
	if (below && !push)
		pane_shut_all(c->s, below);
	v = pane_create(c->s, t->install, t->user, call_arg(c, "view"), false);
	if (push)
		pane_stack(v, below);
	pane_write(&c->w, "view", v, NULL);
	return NULL;
}

static const char *views_open(struct call *c)
{
	return add_modal(c, false);
}

static const char *views_push(struct call *c)
{
	return add_modal(c, true);
}

static bool stale(const struct call *c, const struct pane *v)
{
	const char *hash = call_arg(c, "hash");

	return hash && strcmp(hash, v->hash) != 0;
}

static const char *views_update(struct call *c)
{
	const char *id = call_arg(c, "view_id");
	struct pane *v;
	const char *error;

	v = id ? pane_find(c->s, id)
	       : pane_by_external_id(c->s, c->install,
				     call_arg(c, "external_id"));
	if (!v || !v->open || v->install != c->install)
		return "not_found";
	error = pane_check(call_arg(c, "view"), v->home);
	if (error)
		return error;
	if (stale(c, v))
		return "hash_conflict";
	if (taken(c, v))
		return "duplicate_external_id";
	pane_revise(c->s, v, call_arg(c, "view"));
	pane_write(&c->w, "view", v, NULL);
	return NULL;
}

static const char *views_publish(struct call *c)
{
	struct user *u = world_user(c->s->world, call_arg(c, "user_id"));
	const char *error = pane_check(call_arg(c, "view"), true);
	struct pane *v;

	if (!u || u->bot || u->team != c->install->team)
		return "invalid_arguments";
	if (error)
		return error;
	v = pane_home(c->s, c->install, u);
	if (v && stale(c, v))
		return "hash_conflict";
	if (taken(c, v))
		return "duplicate_external_id";
	if (v)
		pane_revise(c->s, v, call_arg(c, "view"));
	else
		v = pane_create(c->s, c->install, u, call_arg(c, "view"), true);
	pane_write(&c->w, "view", v, NULL);
	return NULL;
}

const struct method view_methods[] = {
	{ "views.open", views_open, M_JSON, 100, NULL, "trigger_id,view" },
	{ "views.push", views_push, M_JSON, 100, NULL, "trigger_id,view" },
	{ "views.update", views_update, M_JSON, 100, NULL, "view" },
	{ "views.publish", views_publish, M_JSON, 100, NULL, "user_id,view" },
	{ 0 },
};
