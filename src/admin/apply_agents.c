/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "admin/apply.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "store/store.h"

#define LIST_MAX ((size_t)64 * 1024)

int apply_set(char **dst, const char *s, struct err *e)
{
	char *copy;

	if (!s)
		return 0;
	copy = strdup(s);
	if (!copy)
		return err_set(e, ERR_RETRY, "no memory");
	free(*dst);
	*dst = copy;
	return 0;
}

static int copy_agent(struct agent *out, const struct agent *a, struct err *e)
{
	if (apply_set(&out->tenant_id, a->tenant_id, e) < 0 ||
	    apply_set(&out->id, a->id, e) < 0 ||
	    apply_set(&out->name, a->name, e) < 0 ||
	    apply_set(&out->role, a->role, e) < 0 ||
	    apply_set(&out->persona, a->persona, e) < 0 ||
	    apply_set(&out->model, a->model, e) < 0 ||
	    apply_set(&out->placeholder, a->placeholder, e) < 0 ||
	    apply_set(&out->locale, a->locale, e) < 0 ||
	    apply_set(&out->channels, a->channels, e) < 0)
		return -1;
	out->active = a->active;
	out->is_default = a->is_default;
	return 0;
}

/* Looking for one of a tenant's agents. */
struct search {
	const char *id;   /* NULL: not by that */
	const char *name; /* NULL, as id: the default one, the first */
	struct agent out;
	size_t seen;
	bool found;
	struct err *e;
};

static int look(const struct agent *a, void *arg)
{
	struct search *f = arg;

	if (f->seen++ > 0 && !f->id && !f->name)
		return 1;
	if ((f->id && strcmp(f->id, a->id) != 0) ||
	    (f->name && strcmp(f->name, a->name) != 0))
		return 0;
	if (copy_agent(&f->out, a, f->e) < 0)
		return -1;
	f->found = true;
	return 0;
}

static int find_agent(struct search *f, struct store *s, const char *tenant_id,
		      struct err *e)
{
	f->e = e;
	return s->ops->agents(s, tenant_id, look, f, e);
}

/* The first of a tenant is its default. */
static int make_agent(struct agent *a, const char *tenant_id, bool first,
		      struct err *e)
{
	if (apply_set(&a->tenant_id, tenant_id, e) < 0 ||
	    apply_set(&a->role, "", e) < 0 ||
	    apply_set(&a->persona, "", e) < 0 ||
	    apply_set(&a->model, "", e) < 0 ||
	    apply_set(&a->placeholder, "", e) < 0 ||
	    apply_set(&a->locale, "", e) < 0)
		return -1;
	a->active = true;
	a->is_default = first;
	return 0;
}

/* A name is one agent's. */
static int check_name(const struct agent *a, const struct apply_agent *g,
		      struct store *s, struct err *e)
{
	struct search f = { .name = g->name };
	int rc;

	if (!g->name || (a->name && strcmp(a->name, g->name) == 0))
		return 0;
	rc = find_agent(&f, s, a->tenant_id, e);
	if (rc == 0 && f.found)
		rc = err_set(e, ERR_INPUT,
			     "%sname: there is an agent '%s' already", g->place,
			     g->name);
	agent_release(&f.out);
	return rc;
}

/* A new one has an id only in the store. */
static int put_access(const struct agent *a, const char *patch, struct store *s,
		      struct err *e)
{
	struct search f = { .name = a->name };
	int rc;

	rc = find_agent(&f, s, a->tenant_id, e);
	if (rc == 0 && f.found)
		rc = apply_write_access(s, a->tenant_id, f.out.id, patch, e);
	agent_release(&f.out);
	return rc;
}

static int put_agent(struct agent *a, const struct apply_agent *g,
		     struct store *s, struct err *e)
{
	if (check_name(a, g, s, e) < 0)
		return -1;
	if (g->is_default == 0 && a->is_default)
		return err_set(e, ERR_INPUT,
			       "%sdefault: make another agent the default"
			       " instead",
			       g->place);
	if (g->is_default == 1)
		a->is_default = true;
	if (g->paused != APPLY_KEEP)
		a->active = g->paused == 0;
	if (apply_set(&a->name, g->name, e) < 0 ||
	    apply_set(&a->role, g->role, e) < 0 ||
	    apply_set(&a->persona, g->persona, e) < 0 ||
	    apply_set(&a->model, g->model, e) < 0 ||
	    apply_set(&a->placeholder, g->placeholder, e) < 0 ||
	    apply_set(&a->locale, g->locale, e) < 0 ||
	    apply_set(&a->channels, g->channels, e) < 0)
		return -1;
	if (s->ops->agent_put(s, a, e) < 0)
		return -1;
	return g->access ? put_access(a, g->access, s, e) : 0;
}

/* Going over all channels that are bound, each of which may be so once. */
struct binding {
	struct map *owners; /* by channel: the agent's name */
	const char *agent;
	struct err *e;
};

static int bind_channel(struct binding *b, const char *channel)
{
	const char *other = map_get(b->owners, channel);
	char *name;

	if (other)
		return err_set(b->e, ERR_INPUT,
			       "channels: %s is bound to '%s' and to '%s'",
			       channel, other, b->agent);
	name = strdup(b->agent);
	if (name && map_put(b->owners, channel, name) == 0)
		return 0;
	free(name);
	return err_set(b->e, ERR_RETRY, "no memory");
}

static int bind_all(const struct agent *a, void *arg)
{
	struct binding *b = arg;
	struct json *list;
	const char *id;
	size_t i;
	int rc = 0;

	b->agent = a->name;
	list = json_parse(a->channels, strlen(a->channels), LIST_MAX, b->e);
	if (!list)
		return -1;
	for (i = 0; rc == 0 && i < json_len(list, ""); i++) {
		id = json_str(json_nth(list, "", i), "");
		if (id)
			rc = bind_channel(b, id);
	}
	json_free(list);
	return rc;
}

static int check_bindings(struct store *s, const char *tenant_id, struct err *e)
{
	struct binding b = { .owners = map_create(0), .e = e };
	int rc;

	if (!b.owners)
		return err_set(e, ERR_RETRY, "no memory");
	rc = s->ops->agents(s, tenant_id, bind_all, &b, e);
	map_free(b.owners, free);
	return rc;
}

int apply_write_agent(const struct apply_agent *g, struct store *s,
		      const char *tenant_id, const char *agent_id,
		      struct err *e)
{
	struct search f = { .id = agent_id };
	int rc = -1;

	if (find_agent(&f, s, tenant_id, e) < 0)
		goto out;
	if (!f.found && agent_id) {
		err_set(e, ERR_INPUT, "no such agent");
		goto out;
	}
	if (!f.found && !g->name) {
		err_set(e, ERR_INPUT, "%sname: missing", g->place);
		goto out;
	}
	if (!f.found && make_agent(&f.out, tenant_id, true, e) < 0)
		goto out;
	if (put_agent(&f.out, g, s, e) == 0)
		rc = check_bindings(s, tenant_id, e);
out:
	agent_release(&f.out);
	return rc;
}

int apply_add_agent(const struct apply_agent *g, struct store *s,
		    const char *tenant_id, struct err *e)
{
	struct agent a = { 0 };
	struct search f = { 0 };
	int rc = -1;

	if (!g->name)
		return err_set(e, ERR_INPUT, "%sname: missing", g->place);
	if (find_agent(&f, s, tenant_id, e) < 0)
		goto out;
	if (make_agent(&a, tenant_id, f.seen == 0, e) == 0 &&
	    put_agent(&a, g, s, e) == 0)
		rc = check_bindings(s, tenant_id, e);
out:
	agent_release(&f.out);
	agent_release(&a);
	return rc;
}

/* By its name, new or not. */
static int write_listed(const struct apply_agent *g, struct store *s,
			const char *tenant_id, struct err *e)
{
	struct search f = { .name = g->name };
	int rc = -1;

	if (find_agent(&f, s, tenant_id, e) == 0 &&
	    (f.found || make_agent(&f.out, tenant_id, f.seen == 0, e) == 0))
		rc = put_agent(&f.out, g, s, e);
	agent_release(&f.out);
	return rc;
}

/* The new default first, as there always has to be one. */
static int write_list(const struct apply_tenant *t, struct store *s,
		      const char *tenant_id, struct err *e)
{
	const struct apply_agent *g;
	int pass;

	for (pass = 0; pass < 2; pass++)
		for (g = t->agents; g < t->agents + t->nagents; g++)
			if ((g->is_default == 1) == (pass == 0) &&
			    write_listed(g, s, tenant_id, e) < 0)
				return -1;
	return 0;
}

int apply_write_agents(const struct apply_tenant *t, struct store *s,
		       const char *tenant_id, struct err *e)
{
	if (t->agent.given &&
	    apply_write_agent(&t->agent, s, tenant_id, NULL, e) < 0)
		return -1;
	if (t->nagents == 0)
		return 0;
	if (write_list(t, s, tenant_id, e) < 0)
		return -1;
	if (check_bindings(s, tenant_id, e) < 0)
		return err_wrap(e, "%sagents", t->place);
	return 0;
}
