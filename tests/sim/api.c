/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "sim/api.h"
#include "sim/http.h"
#include "sim/rotate.h"

#define RESPONSE_MAX ((size_t)32 << 20)

static void add_methods(struct map *to, const struct method *m)
{
	for (; m->name; m++) {
		if (map_put(to, m->name, (void *)m) < 0)
			abort();
	}
}

struct api *api_create(void)
{
	struct api *a = must_alloc(sizeof(*a));

	a->methods = map_create(0);
	a->counts = map_create(0);
	a->limits = map_create(0);
	if (!a->methods || !a->counts || !a->limits)
		abort();
	add_methods(a->methods, chat_methods);
	add_methods(a->methods, conversation_methods);
	add_methods(a->methods, other_methods);
	add_methods(a->methods, agent_methods);
	add_methods(a->methods, oauth_methods);
	add_methods(a->methods, stream_methods);
	add_methods(a->methods, view_methods);
	return a;
}

static void log_free(void *p)
{
	struct call_log *l = p;

	free(l->method);
	free(l->app_id);
	free(l->team_id);
	free(l->args);
	free(l->error);
	free(l);
}

static void call_free(struct call *c)
{
	args_release(&c->args);
	buf_release(&c->out);
	free(c);
}

/* A call whose connection was lost on purpose, and that comes in later. */
struct late {
	struct timer timer;
	struct call *call;
};

static void late_free(void *p)
{
	struct late *l = p;

	call_free(l->call);
	free(l);
}

void api_free(struct sim *s)
{
	struct api *a = s->api;

	if (!a)
		return;
	sim_fault_clear(s);
	map_free(a->methods, NULL);
	map_free(a->counts, free);
	map_free(a->limits, limits_free);
	vec_free(&a->log, log_free);
	vec_free(&a->late, late_free);
	free(a);
	s->api = NULL;
}

static void count(struct sim *s, const char *method)
{
	size_t *n = map_get(s->api->counts, method);

	if (!n && map_count(s->api->counts) < 1000) {
		n = must_alloc(sizeof(*n));
		if (map_put(s->api->counts, method, n) < 0)
			abort();
	}
	if (n)
		++*n;
}

static struct call_log *log_call(struct call *c, const char *name)
{
	struct call_log *l = must_alloc(sizeof(*l));

	l->at_us = sim_clock_us();
	l->method = must_dup(name);
	l->app_id = must_dup(c->app ? c->app->id : NULL);
	l->team_id = must_dup(c->install ? c->install->team->id : NULL);
	l->args = args_dump(&c->args);
	vec_trim(&c->s->api->log, c->s->keep, log_free);
	vec_push(&c->s->api->log, l);
	count(c->s, name);
	sim_changed(c->s);
	return l;
}

const char *call_arg(const struct call *c, const char *name)
{
	const char *v = args_get(&c->args, name);

	return v && *v ? v : NULL;
}

const char *call_scope(struct call *c, const char *scope)
{
	if (!scope || (c->install && list_has(c->install->scopes, scope)))
		return NULL;
	c->needed = scope;
	return "missing_scope";
}

const char *call_scope_of(struct call *c, const struct channel *ch,
			  const char *what)
{
	static const struct {
		const char *type;
		const char *history;
		const char *read;
	} names[] = {
		{ "channel", "channels:history", "channels:read" },
		{ "group", "groups:history", "groups:read" },
		{ "im", "im:history", "im:read" },
		{ "mpim", "mpim:history", "mpim:read" },
	};
	size_t i;

	for (i = 0; strcmp(names[i].type, ch->type) != 0; i++)
		;
	return call_scope(c, strcmp(what, "read") == 0 ? names[i].read
						       : names[i].history);
}

struct channel *call_channel(const struct call *c, const char *id)
{
	struct channel *ch = world_channel(c->s->world, id);
	struct team *t = c->install->team;

	/* An org-wide install reaches every workspace of its grid. */
	if (!ch ||
	    (ch->team != t && (!ch->team->enterprise ||
			       !str_eq(ch->team->enterprise,
				       t->enterprise ? t->enterprise : t->id))))
		return NULL;
	/* What the bot is not in, and isn't public, doesn't exist for it. */
	if (strcmp(ch->type, "channel") != 0 &&
	    !channel_has_bot(ch, c->install))
		return NULL;
	return ch;
}

static const char *check_token(struct call *c)
{
	struct world *w = c->s->world;
	const char *error;

	if (c->method && c->method->flags & M_OPEN)
		return NULL;
	if (!c->token || !*c->token)
		return "not_authed";
	c->install = map_get(w->bot_tokens, c->token);
	c->app = c->install ? c->install->app
			    : map_get(w->app_tokens, c->token);
	if (!c->app)
		return "invalid_auth";
	error = c->install ? token_error(c->install, c->token)
			   : c->app->token_error;
	if (error)
		return error;
	if (!c->method)
		return "unknown_method";
	if (!c->install != !!(c->method->flags & M_APP))
		return "not_allowed_token_type";
	return NULL;
}

static const char *check_required(struct call *c)
{
	const char *p = c->method->required;
	char name[32];
	size_t n;

	for (; p && *p; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		snprintf(name, sizeof(name), "%.*s", (int)n, p);
		if (call_arg(c, name))
			continue;
		c->field = p;
		return "invalid_arguments";
	}
	return NULL;
}

static const char *run(struct call *c)
{
	const char *error = NULL;

	c->retry_after = limit_call(c->s, c->method, c->app, c->install);
	if (c->retry_after)
		return "ratelimited";
	if (c->install)
		error = call_scope(c, c->method->scope);
	if (!error)
		error = check_required(c);
	if (error)
		return error;
	jw_init(&c->w, &c->out);
	jw_object(&c->w, NULL);
	jw_bool(&c->w, "ok", true);
	error = c->method->run(c);
	if (error)
		return error;
	if (c->warning) {
		jw_str(&c->w, "warning", c->warning);
		jw_object(&c->w, "response_metadata");
		jw_array(&c->w, "warnings");
		jw_str(&c->w, NULL, c->warning);
		jw_array_end(&c->w);
		jw_object_end(&c->w);
	}
	jw_object_end(&c->w);
	return NULL;
}

static void write_error(struct call *c)
{
	char text[96];

	buf_reset(&c->out);
	jw_init(&c->w, &c->out);
	jw_object(&c->w, NULL);
	jw_bool(&c->w, "ok", false);
	jw_str(&c->w, "error", c->error);
	if (c->needed) {
		jw_str(&c->w, "needed", c->needed);
		jw_str(&c->w, "provided", c->install->scopes);
	}
	if (c->field) {
		snprintf(text, sizeof(text),
			 "[ERROR] missing required field: %.*s",
			 (int)strcspn(c->field, ","), c->field);
		jw_object(&c->w, "response_metadata");
		jw_array(&c->w, "messages");
		jw_str(&c->w, NULL, text);
		jw_array_end(&c->w);
		jw_object_end(&c->w);
	}
	jw_object_end(&c->w);
}

static void set_error(struct call *c, const char *error)
{
	snprintf(c->error, sizeof(c->error), "%s", error);
	write_error(c);
}

/* Does what was asked; then c->out is the body of the answer. */
static void execute(struct call *c, struct call_log *l)
{
	const char *error = c->error[0] ? c->error : run(c);

	if (error && error != c->error)
		snprintf(c->error, sizeof(c->error), "%s", error);
	if (error)
		write_error(c);
	l->error = c->error[0] ? must_dup(c->error) : NULL;
	snprintf(l->ts, sizeof(l->ts), "%s", c->ts);
	sim_changed(c->s);
}

static void answer(struct conn *conn, struct call *c, struct call_log *l,
		   int status)
{
	char extra[2300] = "";
	int n = 0;

	if (c->install)
		n = snprintf(extra, sizeof(extra),
			     "x-oauth-scopes: %.2000s\r\n", c->install->scopes);
	if (c->retry_after) {
		snprintf(extra + n, sizeof(extra) - (size_t)n,
			 "Retry-After: %d\r\n", c->retry_after);
		status = 429;
	}
	if (c->error[0] && status == 200 && c->refused)
		status = c->refused;
	l->status = status;
	l->done_us = sim_clock_us();
	if (c->plain && !c->error[0] && status == 200)
		http_reply(conn, status, "text/html", NULL, "ok", 2);
	else
		http_reply(conn, status, "application/json; charset=utf-8",
			   extra, c->out.data ? c->out.data : "", c->out.len);
}

static void late_fire(struct sim *s, void *arg)
{
	struct late *late = arg;

	execute(late->call, log_call(late->call, late->call->method->name));
	vec_remove(&s->api->late, late);
	late_free(late);
}

static void send_late(struct conn *conn, struct call *c, int ms)
{
	struct late *late = must_alloc(sizeof(*late));

	conn_kill(conn, true);
	c->token = NULL; /* borrowed from the request */
	late->call = c;
	vec_push(&c->s->api->late, late);
	timer_arm(c->s, &late->timer, ms * INT64_C(1000), late_fire, late);
}

static void delay_over(struct sim *s, void *arg)
{
	(void)s;
	http_release(arg);
}

/* true when the call is the fault's, and so freed or kept. */
static bool meet_fault(struct conn *conn, struct call *c, const char *name)
{
	struct fault *f = fault_take(c->s, name, c->app ? c->app->id : NULL,
				     c->install ? c->install->team->id : NULL);
	struct call_log *l;

	if (!f)
		return false;
	if (f->kind == SIM_FAULT_LATE && c->method && !c->error[0]) {
		send_late(conn, c, f->ms);
		return true;
	}
	l = log_call(c, name);
	switch (f->kind) {
	case SIM_FAULT_RATE:
		c->retry_after = (f->ms + 999) / 1000;
		set_error(c, "ratelimited");
		answer(conn, c, l, 429);
		break;
	case SIM_FAULT_ERROR:
		set_error(c, f->error ? f->error : "internal_error");
		answer(conn, c, l, 200);
		break;
	case SIM_FAULT_STATUS:
		buf_reset(&c->out);
		if (f->error)
			buf_adds(&c->out, f->error);
		answer(conn, c, l, f->status ? f->status : 500);
		break;
	case SIM_FAULT_DELAY:
		execute(c, l);
		http_hold(conn);
		answer(conn, c, l, 200);
		timer_arm(c->s, &conn->timer, f->ms * INT64_C(1000), delay_over,
			  conn);
		break;
	case SIM_FAULT_HANG:
		http_hold(conn);
		break;
	case SIM_FAULT_LOST:
		execute(c, l);
		conn_kill(conn, true);
		break;
	case SIM_FAULT_RESET:
	case SIM_FAULT_LATE:
		conn_kill(conn, true);
		break;
	}
	if (c->error[0] && !l->error)
		l->error = must_dup(c->error);
	call_free(c);
	return true;
}

static bool has_type(const struct request *r, const char *type)
{
	const char *v = http_header(r, "content-type");

	return v && strncasecmp(v, type, strlen(type)) == 0;
}

/* Into c->error what is wrong with the request as such. */
static void read_args(struct call *c, const struct request *r)
{
	const char *wrong = NULL;

	args_form(&c->args, r->query);
	if (r->len == 0)
		return;
	if (has_type(r, "application/x-www-form-urlencoded")) {
		args_form(&c->args, r->body);
	} else if (has_type(r, "application/json")) {
		/* Elsewhere Slack takes no notice of a JSON body. */
		if (c->method && c->method->flags & M_JSON &&
		    args_json(&c->args, r->body, r->len) < 0)
			wrong = "invalid_json";
	} else {
		wrong = "invalid_post_type";
	}
	if (wrong)
		snprintf(c->error, sizeof(c->error), "%s", wrong);
}

struct call *api_call(struct sim *s)
{
	struct call *c = must_alloc(sizeof(*c));

	c->s = s;
	buf_init(&c->out, RESPONSE_MAX);
	return c;
}

void api_answer(struct conn *conn, struct call *c, const char *name)
{
	struct call_log *l;

	if (meet_fault(conn, c, name))
		return;
	l = log_call(c, name);
	execute(c, l);
	answer(conn, c, l, 200);
	call_free(c);
}

void api_serve(struct conn *conn, const struct request *r)
{
	const char *name = r->path + strlen("/api/");
	struct call *c = api_call(conn->s);
	const char *wrong;

	c->method = map_get(conn->s->api->methods, name);
	read_args(c, r);
	basic_args(&c->args, r);
	c->token = http_bearer(r);
	if (!c->token)
		c->token = args_get(&c->args, "token");
	wrong = check_token(c);
	if (!wrong && c->method->flags & M_APP &&
	    strcmp(r->method, "POST") != 0)
		wrong = "insecure_request";
	if (wrong && !c->error[0])
		snprintf(c->error, sizeof(c->error), "%s", wrong);
	api_answer(conn, c, name);
}
