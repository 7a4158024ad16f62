/* SPDX-License-Identifier: ISC */
#include "admin/onboard.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "admin/apply.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "net/http.h"
#include "slack/api.h"

/* auth.test is allowed hundreds of times a minute. */
#define AT_ONCE  8
#define FORM_MAX 256

/* One connection that Slack is asked about. */
struct asking {
	struct onboard *o;
	struct apply_connection *c;
	struct slack_call *call; /* NULL: not at work */
};

struct onboard {
	struct http *http;
	const char *api_url;
	struct apply *apply;
	size_t tenant; /* the next connection to look at */
	size_t connection;
	struct asking asking[AT_ONCE];
	size_t active;
	bool starting; /* inside onboard_start() */
	struct err e;  /* the first failure */
	void (*done)(const struct err *e, void *arg);
	void *arg;
};

static void got_bot(const struct slack_result *r, void *arg);
static void got_test(const struct slack_result *r, void *arg);

static void fail(struct onboard *o, const struct err *e)
{
	if (o->e.kind == ERR_NONE)
		o->e = *e;
}

/* The next connection with ids missing, or NULL. */
static struct apply_connection *next(struct onboard *o)
{
	struct apply_connection *c;
	struct apply_tenant *t;

	while (o->tenant < o->apply->n) {
		t = &o->apply->tenants[o->tenant];
		while (o->connection < t->nconnections) {
			c = &t->connections[o->connection++];
			if (!apply_known(c))
				return c;
		}
		o->tenant++;
		o->connection = 0;
	}
	return NULL;
}

static int ask(struct asking *a, const char *method, const struct buf *form,
	       slack_done *done, struct err *e)
{
	a->call = slack_call(a->o->http, a->o->api_url, method, a->c->bot_token,
			     form, done, a, e);
	return a->call ? 0 : -1;
}

static void ask_test(struct asking *a)
{
	struct err e = { 0 };
	struct buf form;

	buf_init(&form, FORM_MAX);
	if (ask(a, "auth.test", &form, got_test, &e) < 0) {
		a->c = NULL;
		fail(a->o, &e);
	} else {
		a->o->active++;
	}
	buf_release(&form);
}

/* Keep AT_ONCE connections at work; end when none is left. */
static void go_on(struct onboard *o)
{
	struct apply_connection *c;
	size_t i;

	for (i = 0; i < AT_ONCE && o->e.kind == ERR_NONE; i++) {
		if (o->asking[i].c)
			continue;
		c = next(o);
		if (!c)
			break;
		o->asking[i].o = o;
		o->asking[i].c = c;
		ask_test(&o->asking[i]);
	}
	if (o->active > 0 || o->starting)
		return;
	o->done(&o->e, o->arg);
	free(o);
}

/* a has ended; e is NULL when it ended well. */
static void finish(struct asking *a, const struct err *e)
{
	struct onboard *o = a->o;

	if (e)
		fail(o, e);
	a->call = NULL;
	a->c = NULL;
	o->active--;
	go_on(o);
}

/* What helps against Slack's answer; "" where it says so itself. */
static const char *advice(const char *error)
{
	static const char *const dead[] = { "invalid_auth", "not_authed",
					    "account_inactive", "token_revoked",
					    "token_expired" };
	size_t i;

	for (i = 0; i < sizeof(dead) / sizeof(dead[0]); i++)
		if (strcmp(error, dead[i]) == 0)
			return ": copy it anew from the app's page, OAuth & "
			       "Permissions, after the app was installed";
	if (strstr(error, "without json"))
		return ": something else answers in Slack's place, such as a "
		       "network's login page: see proxy (docs/firewall.md)";
	return "";
}

static int slack_failed(const struct slack_result *r, const char *place,
			const char *method, struct err *e)
{
	switch (r->fault) {
	case SLACK_RATE:
	case SLACK_TRANSIENT:
		err_set(e, ERR_RETRY, "%sbot_token: %s: %s%s", place, method,
			r->error, advice(r->error));
		e->retry_ms = r->retry_ms;
		return -1;
	case SLACK_OK:
	case SLACK_DEAD:
	case SLACK_CONFIG:
	case SLACK_GONE:
	case SLACK_POLICY:
	case SLACK_CONTENT:
	case SLACK_OURS:
		break;
	}
	return err_set(e, ERR_INPUT, "%sbot_token: %s says '%s'%s", place,
		       method, r->error, advice(r->error));
}

/* Keep what Slack says, unless something else was given. */
static int learn(struct apply_connection *c, char **dst, const char *key,
		 const char *id, struct err *e)
{
	if (!id || id[0] == '\0')
		return 0;
	if (*dst) {
		if (strcmp(*dst, id) == 0)
			return 0;
		return err_set(e, ERR_INPUT, "%s%s: the bot token's is '%.40s'",
			       c->place, key, id);
	}
	*dst = strdup(id);
	if (!*dst)
		return err_set(e, ERR_RETRY, "no memory");
	return 0;
}

/* Two tokens of two apps would connect one and answer as the other. */
static int check_app(const struct apply_connection *c, struct err *e)
{
	char app[33];

	if (!c->app_token || !apply_token_app(c->app_token, app, sizeof(app)) ||
	    strcmp(app, c->app_id) == 0)
		return 0;
	return err_set(e, ERR_INPUT,
		       "%sbot_token: is of app %.40s, the app token of %s",
		       c->place, c->app_id, app);
}

static int learn_test(struct apply_connection *c, const struct json *j,
		      struct err *e)
{
	const char *workspace = json_str(j, "team_id");
	const char *bot = json_str(j, "bot_id");

	/* An install for a whole organisation goes by the enterprise id. */
	if (json_bool(j, "is_enterprise_install", false))
		workspace = json_str(j, "enterprise_id");
	if (!workspace || !json_str(j, "user_id"))
		return err_set(e, ERR_RETRY,
			       "%sbot_token: auth.test names no workspace",
			       c->place);
	if (!bot || bot[0] == '\0')
		return err_set(e, ERR_INPUT, "%sbot_token: is not a bot's",
			       c->place);
	if (learn(c, &c->workspace_id, "workspace_id", workspace, e) < 0 ||
	    learn(c, &c->bot_user_id, "bot_user_id", json_str(j, "user_id"),
		  e) < 0 ||
	    learn(c, &c->bot_id, "bot_id", bot, e) < 0)
		return -1;
	return learn(c, &c->app_id, "app_id", json_str(j, "app_id"), e);
}

static int ask_bot(struct asking *a, struct err *e)
{
	struct buf form;
	int rc;

	buf_init(&form, FORM_MAX);
	http_form(&form, "bot", a->c->bot_id);
	/* A token for a whole organisation must name the workspace. */
	if (a->c->workspace_id[0] == 'T')
		http_form(&form, "team_id", a->c->workspace_id);
	rc = ask(a, "bots.info", &form, got_bot, e);
	buf_release(&form);
	return rc;
}

static void got_test(const struct slack_result *r, void *arg)
{
	struct asking *a = arg;
	struct err e = { 0 };

	a->call = NULL;
	if (r->fault != SLACK_OK) {
		slack_failed(r, a->c->place, "auth.test", &e);
		finish(a, &e);
		return;
	}
	if (learn_test(a->c, r->body, &e) < 0) {
		finish(a, &e);
		return;
	}
	if (a->c->app_id) {
		finish(a, check_app(a->c, &e) < 0 ? &e : NULL);
		return;
	}
	if (ask_bot(a, &e) < 0)
		finish(a, &e);
}

/* bots.info needs users:read; without it the app token is what names the
 * app, and hello is checked against it. */
static int learn_bot(struct apply_connection *c, const struct slack_result *r,
		     struct err *e)
{
	char app[33];

	if (r->fault == SLACK_OK) {
		if (learn(c, &c->app_id, "app_id",
			  json_str(r->body, "bot.app_id"), e) < 0)
			return -1;
	} else if (r->fault != SLACK_CONFIG) {
		return slack_failed(r, c->place, "bots.info", e);
	}
	if (c->app_id)
		return check_app(c, e);
	if (!c->app_token || !apply_token_app(c->app_token, app, sizeof(app)))
		return err_set(e, ERR_INPUT,
			       "%sapp_id: missing, and Slack doesn't tell",
			       c->place);
	return learn(c, &c->app_id, "app_id", app, e);
}

static void got_bot(const struct slack_result *r, void *arg)
{
	struct asking *a = arg;
	struct err e = { 0 };

	a->call = NULL;
	finish(a, learn_bot(a->c, r, &e) < 0 ? &e : NULL);
}

struct onboard *onboard_start(struct http *h, const char *api_url,
			      struct apply *a,
			      void (*done)(const struct err *e, void *arg),
			      void *arg, struct err *e)
{
	struct onboard *o = calloc(1, sizeof(*o));

	if (!o) {
		err_set(e, ERR_RETRY, "no memory");
		return NULL;
	}
	o->http = h;
	o->api_url = api_url;
	o->apply = a;
	o->done = done;
	o->arg = arg;
	o->starting = true;
	go_on(o);
	o->starting = false;
	if (o->active > 0)
		return o;
	/* Nothing could be started. */
	if (o->e.kind == ERR_NONE)
		err_set(&o->e, ERR_INPUT, "nothing to ask Slack for");
	*e = o->e;
	free(o);
	return NULL;
}

void onboard_cancel(struct onboard *o)
{
	size_t i;

	if (!o)
		return;
	for (i = 0; i < AT_ONCE; i++)
		slack_cancel(o->asking[i].call);
	free(o);
}
