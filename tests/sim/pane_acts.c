/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sim/act.h"
#include "sim/core.h"
#include "sim/element.h"
#include "sim/interact.h"
#include "sim/pane.h"
#include "sim/socket.h"

/* What people do with modals and homes. */

static struct json *parse(const char *text)
{
	struct err e = { 0 };

	return text ? json_parse(text, strlen(text), SIM_BODY_MAX, &e) : NULL;
}

static const struct json *nth(const struct json *j, const char *list, size_t i)
{
	char at[48];

	snprintf(at, sizeof(at), "%s.%zu", list, i);
	return json_at(j, at);
}

static int block_state(struct jwrite *w, const struct json *b,
		       const struct json *values)
{
	const struct json *one = json_at(b, "element");
	size_t i;
	int rc = 0;

	if (!one)
		one = json_at(b, "accessory");
	if (!json_str(b, "block_id") || (!one && !json_len(b, "elements")))
		return 0;
	jw_object(w, json_str(b, "block_id"));
	if (one)
		rc = element_state(w, b, one, values);
	for (i = 0; i < json_len(b, "elements") && rc == 0; i++)
		rc = element_state(w, b, nth(b, "elements", i), values);
	jw_object_end(w);
	return rc;
}

/* The whole "state"; NULL when the client wouldn't send it. */
static char *state_of(const struct pane *v, const struct json *values)
{
	struct json *j = parse(v->given);
	struct jwrite w;
	struct buf b;
	size_t i;
	int rc = 0;

	buf_init(&b, SIM_BODY_MAX);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	jw_object(&w, "values");
	for (i = 0; i < json_len(j, "blocks") && rc == 0; i++)
		rc = block_state(&w, nth(j, "blocks", i), values);
	jw_object_end(&w);
	jw_object_end(&w);
	json_free(j);
	if (rc == 0)
		return must_take(&b);
	buf_release(&b);
	return NULL;
}

static void copy_errors(struct pane *v, const struct json *j)
{
	struct buf b;

	buf_init(&b, SIM_BODY_MAX);
	json_copy(json_at(j, "errors"), &b);
	free(v->errors);
	v->errors = must_take(&b);
}

static char *view_given(const struct json *j)
{
	struct buf b;

	if (!json_is_object(j, "view"))
		return NULL;
	buf_init(&b, SIM_BODY_MAX);
	json_copy(json_at(j, "view"), &b);
	return must_take(&b);
}

/* false: Slack makes nothing of it. */
static bool obey(struct sim *s, struct pane *v, const struct json *j)
{
	const char *action = json_str(j, "response_action");
	char *view = view_given(j);
	bool ok = view && !pane_check(view, false);
	struct pane *top;

	if (!action) {
		pane_shut(s, v);
		ok = true;
	} else if (strcmp(action, "clear") == 0) {
		pane_shut_all(s, v);
		ok = true;
	} else if (strcmp(action, "errors") == 0) {
		ok = json_is_object(j, "errors");
		if (ok)
			copy_errors(v, j);
	} else if (strcmp(action, "update") == 0 && ok) {
		pane_revise(s, v, view);
	} else if (strcmp(action, "push") == 0 && ok) {
		top = pane_create(s, v->install, v->user, view, false);
		pane_stack(top, v);
	} else {
		ok = false;
	}
	free(view);
	return ok;
}

struct pending {
	char id[24];
};

static void submitted(struct sim *s, struct event *ev, bool acked,
		      const char *payload)
{
	struct pending *p = ev->arg;
	struct pane *v = pane_find(s, p->id);
	struct json *j = parse(payload);

	if (!v || !v->open)
		;
	else if (acked && !payload)
		pane_shut(s, v);
	else if (!acked || !j || !obey(s, v, j))
		v->errors = must_dup("{\"\":\"We had some trouble "
				     "connecting. Try again?\"}");
	json_free(j);
	sim_changed(s);
}

static void send_view(struct act *a, const struct pane *v, const char *type,
		      const char *state)
{
	act_begin(a, type);
	if (strcmp(type, "view_submission") == 0) {
		act_trigger(a);
		jw_raw(&a->w, "response_urls", "[]");
	}
	pane_write(&a->w, "view", v, state);
}

static struct pane *open_pane(struct sim *s, const char *id, struct act *a)
{
	struct pane *v = pane_find(s, id);

	if (!v || !v->open)
		return NULL;
	a->s = s;
	a->to = v->install;
	a->user = v->user;
	return v;
}

static void submit(struct act *a, struct pane *v, const char *state)
{
	struct pending *p = must_alloc(sizeof(*p));
	struct event *ev;

	free(v->errors);
	v->errors = NULL;
	send_view(a, v, "view_submission", state);
	snprintf(p->id, sizeof(p->id), "%s", v->id);
	ev = act_send(a, "interactive", "view_submission", true);
	ev->arg = p;
	ev->over = submitted;
}

int sim_submit(struct sim *s, const char *view_id, const char *values)
{
	struct json *j = parse(values ? values : "{}");
	struct act a = { 0 };
	char *state = NULL;
	struct pane *v;

	sim_lock(s);
	v = open_pane(s, view_id, &a);
	if (v && j && !v->home)
		state = state_of(v, j);
	if (state)
		submit(&a, v, state);
	sim_unlock(s);
	json_free(j);
	if (!state)
		return -1;
	free(state);
	return 0;
}

static void close_pane(struct sim *s, struct pane *v, bool all)
{
	struct act a = { .s = s, .to = v->install, .user = v->user };
	struct json *j = parse(v->given);
	bool wanted = json_bool(j, "notify_on_close", false);

	json_free(j);
	pane_shut(s, v);
	if (!wanted)
		return;
	send_view(&a, v, "view_closed", NULL);
	jw_bool(&a.w, "is_cleared", all);
	act_send(&a, "interactive", "view_closed", false);
}

int sim_close_view(struct sim *s, const char *view_id, bool all)
{
	struct act a = { 0 };
	struct pane *v, *one;
	size_t i;

	sim_lock(s);
	v = open_pane(s, view_id, &a);
	if (v && v->home)
		v = NULL;
	for (i = 0; v && all && i < s->interact->views.n; i++) {
		one = s->interact->views.v[i];
		if (one != v && one->open && strcmp(one->root, v->root) == 0)
			close_pane(s, one, true);
	}
	if (v)
		close_pane(s, v, all);
	sim_unlock(s);
	return v ? 0 : -1;
}

static void send_click(struct act *a, struct pane *v, const struct element *el)
{
	char *state = state_of(v, NULL);

	act_begin(a, "block_actions");
	jw_object(&a->w, "container");
	jw_str(&a->w, "type", "view");
	jw_str(&a->w, "view_id", v->id);
	jw_object_end(&a->w);
	act_trigger(a);
	pane_write(&a->w, "view", v, state);
	jw_array(&a->w, "actions");
	element_write(a->s, &a->w, el);
	jw_array_end(&a->w);
	act_send(a, "interactive", "block_actions", false);
	free(state);
}

int sim_click_view(struct sim *s, const char *view_id, const char *action_id,
		   const char *value)
{
	struct element el = { 0 };
	struct json *j = NULL;
	struct act a = { 0 };
	struct pane *v;
	bool found;

	sim_lock(s);
	v = open_pane(s, view_id, &a);
	j = parse(v ? v->given : NULL);
	found = element_find(json_at(j, "blocks"), action_id, value,
			     v ? v->user->id : "", &el);
	if (found)
		send_click(&a, v, &el);
	sim_unlock(s);
	json_free(j);
	return found ? 0 : -1;
}
