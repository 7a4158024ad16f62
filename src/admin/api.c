/* SPDX-License-Identifier: ISC */
#include "admin/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/routes.h"
#include "admin/secrets.h"
#include "admin/trail.h"
#include "base/err.h"
#include "base/json.h"

#define SMALL_MAX ((size_t)64 * 1024)
/* A persona of 64 KiB in JSON, every character escaped at worst. */
#define AGENT_MAX ((size_t)512 * 1024)
#define OUT_MAX   ((size_t)64 * 1024 * 1024)

/* Of what the daemon itself answers nothing is known here. */
static int find(struct api_call *c, const char *method, const char *path,
		struct err *e)
{
	bool known;
	const struct route *r = routes_find(method, path, false, c->tenant,
					    c->of_tenant, &known);

	if (r && r->run) {
		c->route = r;
		return 0;
	}
	c->status = known && !r ? 405 : 404;
	return err_set(e, ERR_INPUT, "no such command: %s %.100s", method,
		       path);
}

static int parse(struct api_call *c, const char *body, size_t len,
		 struct err *e)
{
	switch (c->route->body) {
	case BODY_NONE:
		break;
	case BODY_TENANT:
		if (apply_parse_tenant(&c->apply, body, len, e) < 0)
			return -1;
		return apply_check(&c->apply, c->conf, e);
	case BODY_CHANGE:
		if (apply_parse_change(&c->apply, body, len, e) < 0)
			return -1;
		if (strcmp(c->apply.tenants[0].name, c->tenant) != 0)
			return err_set(e, ERR_INPUT,
				       "name: not that of the path");
		return apply_check(&c->apply, c->conf, e);
	case BODY_TENANTS:
		if (apply_parse(&c->apply, body, len, e) < 0)
			return -1;
		return apply_check(&c->apply, c->conf, e);
	case BODY_AGENT:
		if (apply_parse_agent(&c->agent, body, len, e) < 0)
			return -1;
		return apply_agent_check(&c->agent, c->conf, e);
	case BODY_SECRET:
		return secrets_parse(c, body, len, e);
	case BODY_REMARK:
		return trail_parse(c, body, len, e);
	}
	return 0;
}

int api_begin(struct api_call *c, const struct conf *conf, const char *method,
	      const char *path, const char *body, size_t len, struct err *e)
{
	memset(c, 0, sizeof(*c));
	buf_init(&c->out, OUT_MAX);
	c->conf = conf;
	if (find(c, method, path, e) < 0)
		return -1;
	if (parse(c, body ? body : "", len, e) < 0) {
		c->status = api_status(e);
		return -1;
	}
	if (c->route->writes && c->what[0] == '\0')
		trail_note(c, method, path, body ? body : "", len);
	return 0;
}

static void forget_gone(struct api_call *c)
{
	struct api_entry *en;
	struct api_gone *g;

	while (c->entries) {
		en = c->entries;
		c->entries = en->next;
		free(en);
	}

	while (c->gone) {
		g = c->gone;
		c->gone = g->next;
		free(g);
	}
}

void api_end(struct api_call *c)
{
	apply_release(&c->apply);
	apply_agent_release(&c->agent);
	forget_gone(c);
	secret_free(c->value);
	buf_release(&c->out);
}

bool api_lacks_ids(const struct api_call *c)
{
	const struct apply_tenant *t;
	size_t i, k;

	for (i = 0; i < c->apply.n; i++) {
		t = &c->apply.tenants[i];
		for (k = 0; k < t->nconnections; k++)
			if (!apply_known(&t->connections[k]))
				return true;
	}
	return false;
}

bool api_writes(const struct api_call *c)
{
	return c->route->writes;
}

int api_run(struct api_call *c, struct store *s, struct err *e)
{
	buf_reset(&c->out);
	forget_gone(c);
	c->again = c->connects = false;
	c->status = 200;
	if (c->route->run(c, s, e) < 0) {
		if (c->status == 200)
			c->status = api_status(e);
		return -1;
	}
	if (!c->out.failed)
		return 0;
	c->status = 500;
	return err_set(e, ERR_FATAL, "the answer is too large");
}

int api_status(const struct err *e)
{
	switch (e->kind) {
	case ERR_INPUT:
		return 400;
	case ERR_LIMIT:
	case ERR_RETRY:
		return 503;
	case ERR_NONE:
	case ERR_FATAL:
		break;
	}
	return 500;
}

void api_error(struct buf *out, const struct err *e)
{
	struct jwrite w;

	buf_reset(out);
	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "error", e->msg);
	jw_object_end(&w);
}

size_t api_body_max(const char *path)
{
	if (strcmp(path, "/v1/apply") == 0)
		return APPLY_MAX;
	if (strcmp(path, "/v1/tenants") == 0)
		return AGENT_MAX;
	if (strstr(path, "/agent"))
		return AGENT_MAX;
	return SMALL_MAX;
}

void api_mask(char out[API_MASK_SIZE], const char *token)
{
	size_t n = strlen(token);
	size_t head = strcspn(token, "-");

	/* Of a short one, four characters would be too much. */
	if (n < 16 || head > strlen("xoxe.xoxb")) {
		(void)snprintf(out, API_MASK_SIZE, "…");
		return;
	}
	(void)snprintf(out, API_MASK_SIZE, "%.*s-…%s", (int)head, token,
		       token + n - 4);
}
