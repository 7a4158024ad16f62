/* SPDX-License-Identifier: ISC */
/* A tenant's canary (store/canary.h), as an admin sets it and reads it back. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/apply.h"
#include "admin/field.h"
#include "base/err.h"
#include "base/json.h"
#include "store/canary.h"
#include "store/store.h"

#define ID_MAX 32

/* "C1", or "T1:C1" of several workspaces. */
struct place {
	char workspace[ID_MAX + 1]; /* "": the only one */
	char channel[ID_MAX + 1];
};

static int split(const char *text, struct place *p)
{
	const char *colon = strchr(text, ':');
	const char *channel = colon ? colon + 1 : text;
	size_t n = colon ? (size_t)(colon - text) : 0;

	if (n > ID_MAX || strlen(channel) > ID_MAX)
		return -1;
	memcpy(p->workspace, text, n);
	p->workspace[n] = '\0';
	(void)snprintf(p->channel, sizeof(p->channel), "%s", channel);
	if ((colon && !field_id_valid(p->workspace)) ||
	    !field_id_valid(p->channel))
		return -1;
	/* In direct messages each post is a notification. */
	return channel[0] == 'C' || channel[0] == 'G' ? 0 : -1;
}

int apply_check_canary(const struct apply_tenant *t, struct err *e)
{
	struct place p;

	if (t->canary_minutes == 0)
		return field_bad(e, t->place, "canary_minutes",
				 "is to be 1 or more");
	if (!t->canary_channel || t->canary_channel[0] == '\0' ||
	    split(t->canary_channel, &p) == 0)
		return 0;
	return field_bad(e, t->place, "canary_channel",
			 "is no channel's id (C..., or WORKSPACE:C...)");
}

struct writing {
	const struct apply_tenant *t;
	struct place place;
	/* Where the tenant's only connection that fits is; if there is none,
	 * one whose app was taken out of the workspace. */
	char app_id[ID_MAX + 1];
	char workspace_id[ID_MAX + 1];
	size_t fitting;
	size_t gone; /* that would fit, if the app were still there */
	/* What is there. */
	bool same;
	bool found;
	int minutes;
};

static int look_at(const struct connection *c, void *arg)
{
	struct writing *w = arg;

	if (w->place.workspace[0] != '\0' &&
	    strcmp(w->place.workspace, c->workspace_id) != 0)
		return 0;
	if (c->gone_ms > 0) {
		w->gone++;
		if (w->fitting > 0)
			return 0;
	} else {
		w->fitting++;
	}
	(void)snprintf(w->app_id, sizeof(w->app_id), "%s", c->app_id);
	(void)snprintf(w->workspace_id, sizeof(w->workspace_id), "%s",
		       c->workspace_id);
	return 0;
}

static int compare(const struct canary *c, void *arg)
{
	struct writing *w = arg;

	w->found = true;
	w->minutes = c->minutes;
	w->same = strcmp(c->app_id, w->app_id) == 0 &&
		  strcmp(c->workspace_id, w->workspace_id) == 0 &&
		  strcmp(c->channel, w->place.channel) == 0;
	return 1;
}

static int find_place(struct writing *w, struct store *s, struct err *e)
{
	const struct apply_tenant *t = w->t;

	if (split(t->canary_channel, &w->place) < 0)
		return err_set(e, ERR_INPUT, "%scanary_channel: no channel",
			       t->place);
	if (s->ops->connections(s, t->name, look_at, w, e) < 0)
		return -1;
	if (w->fitting == 1 || (w->fitting == 0 && w->gone > 0))
		return 0;
	return field_bad(e, t->place, "canary_channel",
			 w->fitting == 0
				 ? "is in no workspace of the tenant"
				 : "can be of several connections: name its"
				   " workspace (WORKSPACE:CHANNEL), which is to"
				   " have one app of the tenant");
}

/* A new place begins anew, another pace goes on. */
static int put(struct writing *w, struct store *s, const char *tenant_id,
	       struct err *e)
{
	const struct canary_ops *ops = s->ops->canaries;
	struct canary c = {
		.tenant_id = tenant_id,
		.app_id = w->app_id,
		.workspace_id = w->workspace_id,
		.channel = w->place.channel,
		.minutes = w->t->canary_minutes,
	};

	if (c.minutes == APPLY_KEEP)
		c.minutes = w->found ? w->minutes : CANARY_MINUTES;
	if (!w->same)
		return ops->put(s, &c, e);
	return c.minutes == w->minutes ? 0
				       : ops->pace(s, tenant_id, c.minutes, e);
}

int apply_write_canary(const struct apply_tenant *t, struct store *s,
		       const char *tenant_id, struct err *e)
{
	const struct canary_ops *ops = s->ops->canaries;
	struct writing w = { .t = t };

	if (!t->canary_channel && t->canary_minutes == APPLY_KEEP)
		return 0;
	if (t->canary_channel && t->canary_channel[0] == '\0')
		return ops->drop(s, tenant_id, e);
	if (t->canary_channel && find_place(&w, s, e) < 0)
		return -1;
	/* Of which of them it is can't be told; what was set stays. */
	if (t->canary_channel && w.fitting == 0 && w.gone > 1)
		return 0;
	if (ops->settings(s, tenant_id, compare, &w, e) < 0)
		return -1;
	if (!t->canary_channel && !w.found)
		return field_bad(e, t->place, "canary_minutes",
				 "the tenant has no canary_channel");
	if (!t->canary_channel)
		w.same = true;
	return put(&w, s, tenant_id, e);
}

static int write_settings(const struct canary *c, void *arg)
{
	struct jwrite *w = arg;
	char place[2 * ID_MAX + 2];

	(void)snprintf(place, sizeof(place), "%s:%s", c->workspace_id,
		       c->channel);
	jw_str(w, "canary_channel", place);
	jw_int(w, "canary_minutes", c->minutes);
	return 1;
}

static int write_state(const struct canary *c, void *arg)
{
	struct jwrite *w = arg;

	jw_object(w, "canary");
	jw_str(w, "state", canary_state_name(canary_state(c)));
	jw_int(w, "heard_ms", c->heard_ms);
	jw_int(w, "trip_ms", c->trip_ms);
	jw_int(w, "missed", c->missed);
	jw_str(w, "problem", c->problem);
	jw_object_end(w);
	return 1;
}

int apply_show_canary(struct jwrite *w, struct store *s, const char *tenant_id,
		      bool state, struct err *e)
{
	const struct canary_ops *ops = s->ops->canaries;

	if (ops->settings(s, tenant_id, write_settings, w, e) < 0)
		return -1;
	return state ? ops->each(s, tenant_id, write_state, w, e) : 0;
}
