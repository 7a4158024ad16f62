/* SPDX-License-Identifier: ISC */
#include "admin/agents.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "admin/api.h"
#include "admin/tenants.h"
#include "base/err.h"
#include "base/json.h"
#include "store/store.h"

/* Writing agents while the store calls back. */
struct listing {
	struct jwrite *w;
	const char *key; /* of the one that is wanted */
	const char *id;  /* NULL: the default one, which comes first */
	bool bare;       /* without ids */
	size_t n;
	char first[81]; /* its name */
};

static void write_agent(struct jwrite *w, const char *key, const char *id,
			const struct agent *a)
{
	jw_object(w, key);
	jw_str(w, "name", a->name);
	if (id)
		jw_str(w, "id", id);
	jw_bool(w, "default", a->is_default);
	jw_bool(w, "paused", !a->active);
	jw_raw(w, "channels", a->channels);
	jw_str(w, "role", a->role);
	jw_str(w, "persona", a->persona);
	jw_str(w, "model", a->model);
	jw_str(w, "placeholder", a->placeholder);
	jw_str(w, "locale", a->locale);
	jw_raw(w, "access", a->access ? a->access : "{}");
	jw_object_end(w);
}

static int write_one(const struct agent *a, void *arg)
{
	struct listing *l = arg;

	if (l->id && strcmp(l->id, a->id) != 0)
		return 0;
	l->n++;
	write_agent(l->w, l->key, a->id, a);
	return 1;
}

static int write_each(const struct agent *a, void *arg)
{
	struct listing *l = arg;

	write_agent(l->w, NULL, l->bare ? NULL : a->id, a);
	return 0;
}

static int write_all(struct jwrite *w, struct store *s, const char *tenant_id,
		     bool bare, struct err *e)
{
	struct listing l = { .w = w, .bare = bare };

	jw_array(w, "agents");
	if (s->ops->agents(s, tenant_id, write_each, &l, e) < 0)
		return -1;
	jw_array_end(w);
	return 0;
}

int agents_write(struct jwrite *w, struct store *s, const char *tenant_id,
		 struct err *e)
{
	struct listing l = { .w = w, .key = "agent" };

	if (s->ops->agents(s, tenant_id, write_one, &l, e) < 0)
		return -1;
	return write_all(w, s, tenant_id, false, e);
}

int agents_export(struct jwrite *w, struct store *s, const char *tenant_id,
		  struct err *e)
{
	return write_all(w, s, tenant_id, true, e);
}

static int count(const struct agent *a, void *arg)
{
	struct listing *l = arg;

	if (l->n++ == 0)
		(void)snprintf(l->first, sizeof(l->first), "%s", a->name);
	return 0;
}

int agents_write_names(struct jwrite *w, struct store *s, const char *tenant_id,
		       struct err *e)
{
	struct listing l = { 0 };

	if (s->ops->agents(s, tenant_id, count, &l, e) < 0)
		return -1;
	jw_str(w, "agent", l.n > 0 ? l.first : NULL);
	jw_int(w, "agents", (int64_t)l.n);
	return 0;
}

int agents_list(struct api_call *c, struct store *s, struct err *e)
{
	struct tenant t = { 0 };
	struct jwrite w;
	int rc;

	rc = tenants_load(c, s, c->tenant, &t, e);
	if (rc == 0) {
		jw_init(&w, &c->out);
		jw_object(&w, NULL);
		rc = write_all(&w, s, t.id, false, e);
		jw_object_end(&w);
	}
	tenant_release(&t);
	return rc;
}

int agents_show(struct api_call *c, struct store *s, struct err *e)
{
	bool named = c->of_tenant[0] != '\0';
	struct listing l = { .id = named ? c->of_tenant : NULL };
	struct tenant t = { 0 };
	struct jwrite w;
	int rc;

	rc = tenants_load(c, s, c->tenant, &t, e);
	if (rc == 0) {
		jw_init(&w, &c->out);
		l.w = &w;
		rc = s->ops->agents(s, t.id, write_one, &l, e);
	}
	if (rc == 0 && l.n == 0) {
		c->status = 404;
		rc = err_set(e, ERR_INPUT, "tenant '%s' has no %sagent",
			     c->tenant, named ? "such " : "");
	}
	tenant_release(&t);
	return rc;
}

int agents_set(struct api_call *c, struct store *s, struct err *e)
{
	const char *id = c->of_tenant[0] != '\0' ? c->of_tenant : NULL;
	struct tenant t = { 0 };
	int rc;

	rc = tenants_load(c, s, c->tenant, &t, e);
	if (rc == 0)
		rc = apply_write_agent(&c->agent, s, t.id, id, e);
	tenant_release(&t);
	return rc < 0 ? -1 : agents_show(c, s, e);
}

int agents_add(struct api_call *c, struct store *s, struct err *e)
{
	struct tenant t = { 0 };
	int rc;

	rc = tenants_load(c, s, c->tenant, &t, e);
	if (rc == 0)
		rc = apply_add_agent(&c->agent, s, t.id, e);
	tenant_release(&t);
	return rc < 0 ? -1 : agents_list(c, s, e);
}

/* What is to be removed, among how many. */
struct removing {
	const char *id;
	size_t n;
	bool found, is_default;
	char name[81];
};

static int look(const struct agent *a, void *arg)
{
	struct removing *r = arg;

	r->n++;
	if (strcmp(r->id, a->id) != 0)
		return 0;
	r->found = true;
	r->is_default = a->is_default;
	(void)snprintf(r->name, sizeof(r->name), "%s", a->name);
	return 0;
}

static int may_go(struct api_call *c, const struct removing *r, struct err *e)
{
	if (!r->found) {
		c->status = 404;
		return err_set(e, ERR_INPUT, "tenant '%s' has no such agent",
			       c->tenant);
	}
	if (r->is_default && r->n > 1)
		return err_set(e, ERR_INPUT,
			       "'%s' is the default: make another agent that"
			       " first",
			       r->name);
	return 0;
}

int agents_remove(struct api_call *c, struct store *s, struct err *e)
{
	struct removing r = { .id = c->of_tenant };
	struct tenant t = { 0 };
	struct jwrite w;
	int rc;

	rc = tenants_load(c, s, c->tenant, &t, e);
	if (rc == 0)
		rc = s->ops->agents(s, t.id, look, &r, e);
	if (rc == 0)
		rc = may_go(c, &r, e);
	if (rc == 0)
		rc = s->ops->agent_remove(s, t.id, r.id, e);
	if (rc == 0) {
		jw_init(&w, &c->out);
		jw_object(&w, NULL);
		jw_str(&w, "removed", r.name);
		jw_object_end(&w);
	}
	tenant_release(&t);
	return rc;
}
