/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/word.h"
#include "ctl/doctor.h"
#include "ctl/manifest.h"
#include "link/url.h"
#include "net/probe.h"
#include "net/way.h"
#include "store/store.h"

#define CLOCK_OFF_S 60
#define ANSWER_MAX  ((size_t)1024 * 1024)

struct visit {
	struct doctor *d;
	struct way *way;
	const char *app_id;
	char *token; /* of the app */
	struct store *store;
};

static void check_scopes(struct doctor *d, const char *who, const char *list)
{
	enum doctor_result r = DOCTOR_OK;
	char what[160];
	struct buf lacks;
	size_t i;

	(void)snprintf(what, sizeof(what), "scopes of %s", who);
	buf_init(&lacks, 1024);
	for (i = 0; i < manifest_nscopes; i++) {
		const struct manifest_scope *m = &manifest_scopes[i];

		if (word_in(list, m->scope))
			continue;
		buf_addf(&lacks, "%s%s (%s)", lacks.len ? ", " : "", m->scope,
			 m->without ? m->without : "nothing works");
		if (!m->without)
			r = DOCTOR_FAILURE;
		else if (r == DOCTOR_OK)
			r = DOCTOR_WARNING;
	}
	if (!*list)
		doctor_say(d, DOCTOR_WARNING, what, NULL, "Slack tells none");
	else if (r == DOCTOR_OK)
		doctor_say(d, r, what, NULL, "all that are needed");
	else
		doctor_say(d, r, what,
			   "add them to the app (konstructctl manifest), then "
			   "reinstall it; if the app has them already, "
			   "reinstall it",
			   "missing: %s", lacks.data ? lacks.data : "?");
	buf_release(&lacks);
}

/* What helps against Slack's answer. */
static const char *todo_of(const char *error)
{
	static const char *const dead[] = { "account_inactive", "invalid_auth",
					    "not_authed", "token_expired",
					    "token_revoked" };
	size_t i;

	if (strcmp(error, "link_disabled") == 0)
		return "switch Socket Mode on, on the app's page; then "
		       "'konstructctl app connect'";
	for (i = 0; i < sizeof(dead) / sizeof(dead[0]); i++)
		if (strcmp(error, dead[i]) == 0)
			return "make a new token on the app's page, and give "
			       "it with 'konstructctl tenant set'";
	return "Slack's documentation of that method tells of its errors";
}

/* A method's answer, or NULL, told. */
static struct json *call(struct visit *v, const char *what, const char *method,
			 const char *token, struct probe *p)
{
	const char *api = doctor_conf(v->d)->slack_api_url;
	struct err e = { 0 };
	struct json *j = NULL;
	const char *error;
	char url[600];

	(void)snprintf(url, sizeof(url), "%s%s", api, method);
	probe_http(p, v->way, url, token);
	if (p->fault != PROBE_OK) {
		(void)doctor_probed(v->d, what, p);
		return NULL;
	}
	if (p->body.data)
		j = json_parse(p->body.data, p->body.len, ANSWER_MAX, &e);
	if (json_bool(j, "ok", false))
		return j;
	error = json_str(j, "error");
	if (!error) {
		doctor_say(v->d, DOCTOR_FAILURE, what,
			   "a login page of this network, or a proxy's? open "
			   "a browser here; set proxy, or let *.slack.com pass "
			   "(docs/firewall.md)",
			   "what answers %s is not Slack: HTTP %d without JSON",
			   method, p->status);
		json_free(j);
		return NULL;
	}
	doctor_say(v->d, DOCTOR_FAILURE, what, todo_of(error),
		   "%s says %s (HTTP %d)", method, error, p->status);
	json_free(j);
	return NULL;
}

static int check_connection(const struct connection *c, void *arg)
{
	struct visit *v = arg;
	struct probe p;
	struct json *j;
	const char *app, *team;
	char what[160];

	if (strcmp(c->app_id, v->app_id) != 0)
		return 0;
	(void)snprintf(what, sizeof(what), "bot token of %s in %s",
		       c->tenant.name ? c->tenant.name : "?", c->workspace_id);
	if (c->gone_ms > 0) {
		doctor_say(v->d, DOCTOR_WARNING, what,
			   "install the app there again and give its token "
			   "with 'konstructctl tenant set', or 'konstructctl "
			   "tenant remove'",
			   "the app was taken out of this workspace");
		return 0;
	}
	j = call(v, what, "auth.test", c->bot_token, &p);
	app = json_str(j, "app_id");
	team = json_str(j, "team_id");
	if (j && app && strcmp(app, c->app_id) != 0)
		doctor_say(v->d, DOCTOR_FAILURE, what,
			   "give both tokens of one app",
			   "it is of app %s, the app token of %s", app,
			   c->app_id);
	else if (j && team && strcmp(team, c->workspace_id) != 0 &&
		 c->workspace_id[0] == 'T')
		doctor_say(v->d, DOCTOR_FAILURE, what,
			   "give this workspace's token",
			   "it is of workspace %s", team);
	else if (j)
		doctor_say(v->d, DOCTOR_OK, what, NULL, "it is of app %s",
			   app ? app : c->app_id);
	if (j)
		check_scopes(v->d, what + strlen("bot token of "), p.scopes);
	json_free(j);
	probe_release(&p);
	return 0;
}

/* Links of the app that the daemon and other nodes have; 0 without a daemon. */
static long long our_links(const struct doctor *d, const char *app_id)
{
	const struct json *list = json_at(doctor_status(d), "app_links");
	const struct json *row;
	const char *id, *state;
	size_t i;

	for (i = 0; list && i < json_len(list, ""); i++) {
		row = json_nth(list, "", i);
		id = json_str(row, "app_id");
		state = json_str(row, "state");
		if (id && strcmp(id, app_id) == 0)
			return (state && strcmp(state, "live") == 0) +
			       (long long)json_int(row, "elsewhere", 0);
	}
	return 0;
}

static void check_hello(struct visit *v, const struct probe *p)
{
	struct err e = { 0 };
	struct json *j = json_parse(p->body.data ? p->body.data : "",
				    p->body.len, ANSWER_MAX, &e);
	const char *app = json_str(j, "connection_info.app_id");
	const char *type = json_str(j, "type");
	const char *reason = json_str(j, "reason");
	long long all = (long long)json_int(j, "num_connections", 0);
	long long ours = our_links(v->d, v->app_id) + 1; /* and this one */
	char what[96];

	(void)snprintf(what, sizeof(what), "connections of %s", v->app_id);
	if (!type || strcmp(type, "hello") != 0)
		doctor_say(v->d, DOCTOR_FAILURE, what,
			   "is Socket Mode on, on the app's page? then"
			   " 'konstructctl app connect'",
			   "%.40s %.80s instead of hello",
			   type ? type : "nothing", reason ? reason : "");
	else if (app && strcmp(app, v->app_id) != 0)
		doctor_say(v->d, DOCTOR_FAILURE, what,
			   "give both tokens of one app",
			   "the app token is of app %s", app);
	else if (all > ours)
		doctor_say(v->d, DOCTOR_WARNING, what,
			   "another program has this app token, or one died "
			   "just now: it takes its share of the events",
			   "%lld, of which %lld are ours", all, ours);
	else
		doctor_say(v->d, DOCTOR_OK, what, NULL,
			   "%lld with this one, none that isn't ours", all);
	json_free(j);
}

static void check_wss(struct visit *v)
{
	char what[96];
	struct probe ask, ws;
	struct json *j;
	struct err e = { 0 };
	struct ws_url u;
	const char *url;

	(void)snprintf(what, sizeof(what), "app token of %s", v->app_id);
	j = call(v, what, "apps.connections.open", v->token, &ask);
	url = json_str(j, "url");
	if (j)
		doctor_say(v->d, DOCTOR_OK, what, NULL, "Slack takes it");
	(void)snprintf(what, sizeof(what), "WSS for %s", v->app_id);
	if (url && ws_url_parse(&u, url, &e) < 0) {
		doctor_say(v->d, DOCTOR_FAILURE, what, NULL, "%s", e.msg);
	} else if (url) {
		probe_ws(&ws, v->way, url);
		if (doctor_probed(v->d, what, &ws))
			check_hello(v, &ws);
		probe_release(&ws);
	}
	json_free(j);
	if (ask.body.data)
		explicit_bzero(ask.body.data, ask.body.len);
	probe_release(&ask);
}

static void check_proxy(struct visit *v)
{
	const char *url = doctor_conf(v->d)->slack_api_url;
	const char *proxy = way_proxy(v->way, strncmp(url, "https", 5) == 0);
	const char *at = proxy ? strrchr(proxy, '@') : NULL;

	if (!proxy)
		doctor_say(v->d, DOCTOR_OK, "proxy", NULL, "none is set");
	else /* without a user's name and password */
		doctor_say(v->d, DOCTOR_OK, "proxy", NULL, "%s",
			   at ? at + 1 : proxy);
}

static void check_clock(struct doctor *d, const struct probe *p)
{
	long long off = (long long)p->date_s - (long long)time(NULL);

	if (p->date_s == 0)
		doctor_say(d, DOCTOR_WARNING, "clock", NULL,
			   "Slack did not tell the time");
	else if (llabs(off) > CLOCK_OFF_S)
		doctor_say(d, DOCTOR_FAILURE, "clock",
			   "set it: chrony, systemd-timesyncd", "%lld s %s",
			   llabs(off), off > 0 ? "slow" : "fast");
	else
		doctor_say(d, DOCTOR_OK, "clock", NULL,
			   "as Slack's, within %d s", CLOCK_OFF_S);
}

/* Both DNS and TCP are in it, and a failure tells which of them it was. */
static bool check_https(struct visit *v)
{
	const char *api = doctor_conf(v->d)->slack_api_url;
	struct probe p;
	char url[600];
	bool ok;

	(void)snprintf(url, sizeof(url), "%sapi.test", api);
	probe_http(&p, v->way, url, NULL);
	ok = doctor_probed(v->d, "HTTPS to Slack", &p);
	if (ok)
		check_clock(v->d, &p);
	probe_release(&p);
	return ok;
}

static int check_app(const struct app *a, void *arg)
{
	struct visit *v = arg;

	v->app_id = a->app_id;
	v->token = a->token;
	check_wss(v);
	return 0;
}

/* The store may not be asked from inside its own answers. */
struct list {
	struct app *apps;
	size_t n;
};

static int keep_app(const struct app *a, void *arg)
{
	struct list *l = arg;
	struct app *more = realloc(l->apps, (l->n + 1) * sizeof(*more));

	if (!more)
		return 1;
	l->apps = more;
	more[l->n].app_id = strdup(a->app_id);
	more[l->n].token = strdup(a->token);
	if (!more[l->n].app_id || !more[l->n].token)
		return 1;
	l->n++;
	return 0;
}

struct want {
	const char *app_id;
	bool found;
};

static int has_app(const struct connection *c, void *arg)
{
	struct want *w = arg;

	w->found = w->found || strcmp(c->app_id, w->app_id) == 0;
	return 0;
}

/* Which events the app subscribes to Slack doesn't tell; that some came
 * does. */
static void check_events(struct doctor *d)
{
	const struct json *j = doctor_status(d);
	long long n = (long long)json_int(j, "traffic.envelopes", 0);

	if (!j)
		return;
	if (n > 0)
		doctor_say(d, DOCTOR_OK, "events", NULL,
			   "%lld since the daemon started", n);
	else
		doctor_say(d, DOCTOR_WARNING, "events",
			   "mention the agent; if nothing comes, subscribe the "
			   "app to the events of 'konstructctl manifest' and "
			   "reinstall it",
			   "none since the daemon started");
}

static void visit_tenant(struct visit *v, const char *tenant)
{
	struct list l = { 0 };
	struct err e = { 0 };
	struct want w;
	size_t met = 0;
	size_t i;

	if (v->store->ops->apps(v->store, keep_app, &l, &e) < 0)
		doctor_say(v->d, DOCTOR_FAILURE, "tenants", NULL, "%s", e.msg);
	for (i = 0; i < l.n; i++) {
		w = (struct want){ .app_id = l.apps[i].app_id };
		(void)v->store->ops->connections(v->store, tenant, has_app, &w,
						 &e);
		if (w.found) {
			met++;
			(void)check_app(&l.apps[i], v);
			(void)v->store->ops->connections(
				v->store, tenant, check_connection, v, &e);
		}
		app_release(&l.apps[i]);
	}
	free(l.apps);
	if (e.kind != ERR_NONE)
		return; /* it is told */
	if (met == 0 && tenant)
		doctor_say(v->d, DOCTOR_FAILURE, "tenants",
			   "see konstructctl tenant list",
			   "'%.60s' has no connection", tenant);
	else if (met == 0)
		doctor_say(v->d, DOCTOR_WARNING, "tenants",
			   "konstructctl init, or tenant add",
			   "there are none");
}

void doctor_slack(struct doctor *d, struct store *s, const char *tenant)
{
	struct err e = { 0 };
	struct visit v = { .d = d, .store = s };

	v.way = way_create(&doctor_conf(d)->slack_way, &e);
	if (!v.way) {
		doctor_say(d, DOCTOR_FAILURE, "proxy",
			   "the daemon's user has to read the file: chgrp "
			   "konstruct, chmod 640",
			   "%s", e.msg);
		return;
	}
	check_proxy(&v);
	if (check_https(&v) && s)
		visit_tenant(&v, tenant);
	check_events(d);
	way_free(v.way);
}
