/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "net/http.h"
#include "route/people.h"
#include "turn/names.h"
#include "turn/turn.h"
#include "turn/worker.h"

/*
 * Who may talk to an agent depends on what Slack tells of people and of user
 * groups. A router wants to know it, the worker of that app asks, and everybody
 * is told.
 */

#define ID_MAX      64
#define RETRY_MS    5000
#define MEMBERS_MAX ((size_t)4 * 1024 * 1024)

struct look_up {
	struct node node;     /* must be first; in wanted */
	struct look_up *next; /* in look_ups, once it is asked */
	struct worker *w;
	char scope[2 * ID_MAX];
	char id[ID_MAX]; /* a person's or a group's */
	char *token;
	struct slack_call *call; /* about a group */
	bool told;
};

static void look_up_free(struct look_up *l)
{
	slack_cancel(l->call);
	secret_free(l->token);
	free(l);
}

static bool is_group(const struct look_up *l)
{
	return l->id[0] == 'S';
}

void workers_look_up(struct workers *ws, const struct connection *c,
		     const char *id)
{
	struct worker *w = worker_of(ws, c->app_id);
	struct look_up *l = calloc(1, sizeof(*l));

	if (!l)
		return;
	(void)snprintf(l->scope, sizeof(l->scope), "%s:%s", c->app_id,
		       c->workspace_id);
	(void)snprintf(l->id, sizeof(l->id), "%s", id);
	l->w = w;
	l->token = strdup(c->bot_token);
	if (!l->token) {
		free(l);
		return;
	}
	queue_push(w->wanted, &l->node);
	worker_wake(w);
}

static void tell_person(struct look_up *l)
{
	struct worker *w = l->w;
	struct person known;
	int64_t wait_ms;

	if (names_pending(w->names, l->scope, l->id))
		return;
	wait_ms = names_person(w->names, l->scope, l->id, &known);
	if (wait_ms > 0)
		people_defer(w->people, l->scope, l->id, wait_ms, clock_ms());
	else
		people_tell(w->people, l->scope, l->id, &known, clock_ms());
	l->told = true;
}

/* NULL when memory is short; it counts as unknown then. */
static char *members_of(const struct json *body)
{
	size_t i, n = json_len(body, "users");
	struct buf out;
	const char *id;

	buf_init(&out, MEMBERS_MAX);
	(void)buf_adds(&out, "");
	for (i = 0; i < n; i++) {
		id = json_str(json_nth(body, "users", i), "");
		if (id)
			(void)buf_addf(&out, "%s%s", out.len ? " " : "", id);
	}
	if (!out.failed)
		return buf_take(&out);
	buf_release(&out);
	return NULL;
}

/* docs.slack.dev/reference/methods/usergroups.users.list */
static void on_members(const struct slack_result *r, void *arg)
{
	struct look_up *l = arg;
	struct people *p = l->w->people;

	l->call = NULL;
	if (r->fault == SLACK_RATE)
		people_defer(p, l->scope, l->id, r->retry_ms, clock_ms());
	else if (r->fault == SLACK_TRANSIENT)
		people_defer(p, l->scope, l->id, RETRY_MS, clock_ms());
	else
		people_tell_group(p, l->scope, l->id,
				  r->fault == SLACK_OK ? members_of(r->body)
						       : NULL,
				  clock_ms());
	l->told = true;
	look_up_changed(l->w);
}

static void ask_group(struct look_up *l)
{
	struct err e = { 0 };
	struct buf form;

	buf_init(&form, 4 * ID_MAX);
	http_form(&form, "usergroup", l->id);
	l->call = slack_call(l->w->http, l->w->conf->slack_api_url,
			     "usergroups.users.list", l->token, &form,
			     on_members, l, &e);
	buf_release(&form);
	l->told = !l->call;
}

void look_up_changed(struct worker *w)
{
	struct look_up **at = &w->look_ups;
	struct look_up *l;
	bool any = false;

	while (*at) {
		l = *at;
		if (!l->told && !is_group(l))
			tell_person(l);
		if (!l->told) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		look_up_free(l);
		any = true;
	}
	if (any)
		router_wake(w->router);
}

void look_up_take(struct worker *w)
{
	struct node *n, *next;
	struct look_up *l;

	for (n = queue_pop_all(w->wanted, 0); n; n = next) {
		next = n->next;
		l = (struct look_up *)n;
		if (w->closing || !w->people) {
			look_up_free(l);
			continue;
		}
		if (is_group(l))
			ask_group(l);
		else
			names_ask(w->names, l->scope, l->token, l->id);
		l->next = w->look_ups;
		w->look_ups = l;
	}
	look_up_changed(w);
}

void look_up_drop_wanted(struct worker *w)
{
	struct node *n, *next;

	for (n = w->wanted ? queue_pop_all(w->wanted, 0) : NULL; n; n = next) {
		next = n->next;
		look_up_free((struct look_up *)n);
	}
}

void look_up_drop_all(struct worker *w)
{
	struct look_up *l;

	while (w->look_ups) {
		l = w->look_ups;
		w->look_ups = l->next;
		look_up_free(l);
	}
}
