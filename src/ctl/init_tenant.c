/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "admin/apply.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "ctl/args.h"
#include "ctl/ctl.h"
#include "ctl/init.h"
#include "ctl/token.h"

#define ANSWER_MAX ((size_t)1024 * 1024)

/* 0 when it was done; else -1 with e, Slack's or the daemon's reason. */
static int request(struct ctl *c, const char *method, const char *path,
		   const struct buf *body, struct err *e)
{
	const char *reason;
	struct buf out;
	struct json *j;
	int status;

	if (body->failed)
		return err_set(e, ERR_INPUT, "that is too large");
	buf_init(&out, ANSWER_MAX);
	status = ctl_request(c, method, path, body->data, body->len, &out, e);
	if (status >= 400) {
		j = json_parse(out.data ? out.data : "", out.len, ANSWER_MAX,
			       e);
		reason = json_str(j, "error");
		err_set(e, ERR_INPUT, "%s", reason ? reason : "it failed");
		json_free(j);
	}
	buf_release(&out);
	return status >= 0 && status < 400 ? 0 : -1;
}

static int add_tenant(struct ctl *c, const char *name, const char *app_token,
		      const char *bot_token, struct err *e)
{
	struct jwrite w;
	struct buf body;
	int rc;

	buf_init(&body, APPLY_MAX);
	jw_init(&w, &body);
	jw_object(&w, NULL);
	jw_str(&w, "name", name);
	jw_str(&w, "app_token", app_token);
	jw_str(&w, "bot_token", bot_token);
	jw_object_end(&w);
	rc = request(c, "POST", "/v1/tenants", &body, e);
	if (body.data)
		explicit_bzero(body.data, body.size);
	buf_release(&body);
	return rc;
}

static int set_agent(struct ctl *c, const struct ctl_args *a, const char *name,
		     const char *agent, struct err *e)
{
	char path[128];
	struct jwrite w;
	struct buf body;
	int rc;

	(void)snprintf(path, sizeof(path), "/v1/tenants/%s/agent", name);
	buf_init(&body, APPLY_MAX);
	jw_init(&w, &body);
	jw_object(&w, NULL);
	jw_str(&w, "name", agent);
	jw_str(&w, "role", a->role ? a->role : "assistant");
	if (a->persona)
		jw_str(&w, "persona", a->persona);
	jw_object_end(&w);
	rc = request(c, "PUT", path, &body, e);
	buf_release(&body);
	return rc;
}

int init_tokens_read(const struct ctl_args *a, struct init_tokens *out,
		     struct err *e)
{
	memset(out, 0, sizeof(*out));
	if (a->app_token_file) {
		out->app = token_read("app_token", a->app_token_file, e);
		if (!out->app)
			return -1;
	}
	if (a->bot_token_file) {
		out->bot = token_read("bot_token", a->bot_token_file, e);
		if (!out->bot)
			return -1;
	}
	return 0;
}

void init_tokens_free(struct init_tokens *t)
{
	secret_free(t->app);
	secret_free(t->bot);
}

static bool have_tokens(struct init_tokens *t)
{
	if (!t->app)
		t->app = init_ask("app-level token (xapp-...)", NULL, 1);
	if (t->app && !t->bot)
		t->bot = init_ask("bot token (xoxb-...)", NULL, 1);
	return t->app && t->bot;
}

int init_tenant(struct ctl *c, const struct ctl_args *a, struct init_tokens *t,
		struct err *e)
{
	const char *agent = a->name ? a->name : "Mara";
	char *name;
	int rc = -1;

	if (!have_tokens(t))
		return 1;
	name = a->tenant ? strdup(a->tenant)
			 : init_ask("name of the tenant", "main", 0);
	if (!name)
		name = strdup("main");
	if (!name || !apply_name_valid(name))
		err_set(e, ERR_INPUT, "that is no tenant's name");
	else if (add_tenant(c, name, t->app, t->bot, e) == 0)
		rc = set_agent(c, a, name, agent, e);
	if (rc == 0 && a->json)
		printf("{\"tenant\":\"%s\",\"done\":true}\n", name);
	else if (rc == 0)
		printf("Tenant '%s' and its agent are there.\n", name);
	secret_free(name);
	return rc;
}
