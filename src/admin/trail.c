/* SPDX-License-Identifier: ISC */
#include "admin/trail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/api.h"
#include "base/err.h"
#include "base/json.h"
#include "store/journal.h"
#include "store/store.h"

#define PAGE 1000

struct names {
	char *out;
	size_t size, n;
};

/* As many as there is room for. */
static void add_name(struct names *k, const char *name)
{
	int n = snprintf(k->out + k->n, k->size - k->n, "%s%s",
			 k->n > 0 ? "," : "", name);

	if (n < 0 || (size_t)n >= k->size - k->n)
		k->out[k->n] = '\0';
	else
		k->n += (size_t)n;
}

static bool add_key(const char *key, const struct json *value, void *arg)
{
	(void)value;
	if (strcmp(key, "name") != 0)
		add_name(arg, key);
	return true;
}

/* Names of settings, and values of none. */
static void note_changed(struct api_call *c, const char *body, size_t len)
{
	struct names k = { c->changed, sizeof(c->changed), 0 };
	struct err e = { 0 };
	struct json *j = json_parse(body, len, len, &e);

	if (j && c->apply.n <= 1 && !json_is_array(j, "tenants"))
		json_each(j, add_key, &k);
	json_free(j);
}

void trail_note(struct api_call *c, const char *method, const char *path,
		const char *body, size_t len)
{
	struct names k = { c->names, sizeof(c->names), 0 };
	size_t i;

	(void)snprintf(c->what, sizeof(c->what), "%s %s", method, path);
	for (i = 0; i < c->apply.n; i++)
		add_name(&k, c->apply.tenants[i].name);
	if (len > 0)
		note_changed(c, body, len);
}

#define REMARK_MAX 4096
#define ABOUT_MAX  200

int trail_parse(struct api_call *c, const char *body, size_t len, struct err *e)
{
	static const char *const known[] = { "backup", "key add",
					     "key remove" };
	struct json *j = json_parse(body, len, REMARK_MAX, e);
	const char *command = j ? json_str(j, "command") : NULL;
	const char *about = j ? json_str(j, "about") : NULL;
	int rc = -1;
	size_t i;

	if (!j)
		return -1;
	for (i = 0; command && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(command, known[i]) == 0)
			rc = 0;
	if (rc < 0)
		err_set(e, ERR_INPUT, "command: none that is remarked");
	else if (!about || strlen(about) > ABOUT_MAX)
		rc = err_set(e, ERR_INPUT, "about: missing, or too long");
	else
		(void)snprintf(c->what, sizeof(c->what), "%s %s", command,
			       about);
	json_free(j);
	return rc;
}

int trail_remark(struct api_call *c, struct store *s, struct err *e)
{
	struct jwrite w;

	(void)s;
	(void)e;
	jw_init(&w, &c->out);
	jw_object(&w, NULL);
	jw_str(&w, "noted", c->what);
	jw_object_end(&w);
	return 0;
}

const struct audit_new *trail_of(struct api_call *c)
{
	c->audit = (struct audit_new){
		.what = "admin",
		.by = c->by,
		.command = c->what,
		.tenants = c->names,
		.changed = c->changed,
	};
	return &c->audit;
}

void trail_by(char out[TRAIL_BY], long uid, bool offline)
{
	(void)snprintf(out, TRAIL_BY, "uid %ld%s", uid,
		       offline ? " offline" : "");
}

/* A row of its own. */
struct remark {
	struct journal_req req; /* must be first */
	struct audit_new audit;
	char by[TRAIL_BY];
	char command[64];
};

static int write_nothing(struct store *s, void *arg, struct err *e)
{
	(void)s;
	(void)arg;
	(void)e;
	return 0;
}

static void noted(struct journal_req *r)
{
	free(r);
}

void trail_add(struct journal *j, const char *by, const char *command)
{
	struct remark *n = calloc(1, sizeof(*n));

	if (!n)
		return;
	(void)snprintf(n->by, sizeof(n->by), "%s", by);
	(void)snprintf(n->command, sizeof(n->command), "%s", command);
	n->audit.what = "admin";
	n->audit.by = n->by;
	n->audit.command = n->command;
	n->req.kind = JOURNAL_WRITE;
	n->req.write = write_nothing;
	n->req.audits = &n->audit;
	n->req.naudits = 1;
	n->req.done = noted;
	(void)journal_submit(j, &n->req);
}

static int add_row(const struct audit_row *r, void *arg)
{
	struct jwrite *w = arg;

	jw_object(w, NULL);
	jw_int(w, "seq", r->seq);
	jw_int(w, "at_ms", r->at_ms);
	jw_str(w, "tenant_id", r->tenant_id);
	jw_str(w, "body", r->body);
	jw_str(w, "digest", r->digest);
	jw_str(w, "before", r->before);
	jw_str(w, "hash", r->hash);
	jw_object_end(w);
	return 0;
}

/* A row tells the tenant's id, as its name may be another one's by now. */
static int add_tenant(const struct tenant *t, void *arg)
{
	jw_str(arg, t->id, t->name);
	return 0;
}

int trail_rows(struct api_call *c, struct store *s, struct err *e)
{
	struct audit_chain chain = { 0 };
	int64_t after, since_ms;
	struct jwrite w;

	if (sscanf(c->tenant, "%" SCNd64 ":%" SCNd64, &after, &since_ms) != 2)
		return err_set(e, ERR_INPUT, "'%.40s' is no place in the trail",
			       c->tenant);
	jw_init(&w, &c->out);
	jw_object(&w, NULL);
	jw_array(&w, "rows");
	if (s->ops->audit->rows(s, after, since_ms, PAGE, &chain, add_row, &w,
				e) < 0)
		return -1;
	jw_array_end(&w);
	jw_int(&w, "first", chain.first);
	jw_str(&w, "before", chain.before);
	jw_int(&w, "last", chain.last);
	jw_str(&w, "hash", chain.hash);
	jw_object(&w, "tenants");
	if (s->ops->tenants(s, add_tenant, &w, e) < 0)
		return -1;
	jw_object_end(&w);
	jw_object_end(&w);
	return 0;
}
