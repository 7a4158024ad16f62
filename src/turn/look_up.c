/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "route/people.h"
#include "turn/names.h"
#include "turn/turn.h"
#include "turn/worker.h"

/*
 * Who may talk to an agent depends on what Slack tells of people. A router
 * wants to know it, the worker of that app asks, and everybody is told.
 */

#define ID_MAX 64

struct look_up {
	struct node node;     /* must be first; in wanted */
	struct look_up *next; /* in look_ups, once it is asked */
	char scope[2 * ID_MAX];
	char user[ID_MAX];
	char *token;
};

static void look_up_free(struct look_up *l)
{
	secret_free(l->token);
	free(l);
}

void workers_look_up(struct workers *ws, const struct connection *c,
		     const char *user)
{
	struct worker *w = worker_of(ws, c->app_id);
	struct look_up *l = calloc(1, sizeof(*l));

	if (!l)
		return;
	(void)snprintf(l->scope, sizeof(l->scope), "%s:%s", c->app_id,
		       c->workspace_id);
	(void)snprintf(l->user, sizeof(l->user), "%s", user);
	l->token = strdup(c->bot_token);
	if (!l->token) {
		free(l);
		return;
	}
	queue_push(w->wanted, &l->node);
	worker_wake(w);
}

/* False while it may still come. */
static bool tell(struct worker *w, const struct look_up *l)
{
	struct person known;
	int64_t wait_ms;

	if (names_pending(w->names, l->scope, l->user))
		return false;
	wait_ms = names_person(w->names, l->scope, l->user, &known);
	if (wait_ms > 0)
		people_defer(w->people, l->scope, l->user, wait_ms, clock_ms());
	else
		people_tell(w->people, l->scope, l->user, &known, clock_ms());
	return true;
}

void look_up_changed(struct worker *w)
{
	struct look_up **at = &w->look_ups;
	struct look_up *l;
	bool any = false;

	while (*at) {
		l = *at;
		if (!tell(w, l)) {
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
		names_ask(w->names, l->scope, l->token, l->user);
		l->next = w->look_ups;
		w->look_ups = l;
	}
	look_up_changed(w);
}

void look_up_drop_all(struct worker *w)
{
	struct node *n, *next;
	struct look_up *l;

	for (n = w->wanted ? queue_pop_all(w->wanted, 0) : NULL; n; n = next) {
		next = n->next;
		look_up_free((struct look_up *)n);
	}
	while (w->look_ups) {
		l = w->look_ups;
		w->look_ups = l->next;
		look_up_free(l);
	}
}
