/* SPDX-License-Identifier: ISC */
#include "sim/interact.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "sim/core.h"
#include "sim/pane.h"
#include "sim/session.h"
#include "sim/socket.h"

#define PAYLOAD_MAX  ((size_t)16 << 20)
#define HOUR_US      (3600 * INT64_C(1000000))
#define KEEP_AT_MOST 4096

struct interact *interact_create(void)
{
	struct interact *in = must_alloc(sizeof(*in));

	in->triggers = map_create(0);
	in->hooks = map_create(0);
	in->sessions = map_create(0);
	if (!in->triggers || !in->hooks || !in->sessions)
		abort();
	return in;
}

void interact_free(struct sim *s)
{
	if (!s->interact)
		return;
	map_free(s->interact->triggers, free);
	map_free(s->interact->hooks, free);
	map_free(s->interact->sessions, session_free);
	vec_free(&s->interact->views, pane_free);
	free(s->interact);
	s->interact = NULL;
}

/* An hour later nobody asks any more whether it was used or expired. */
static bool trigger_recent(const char *key, void *value, void *arg)
{
	struct trigger *t = value;

	(void)key;
	if (t->until_us + HOUR_US > *(int64_t *)arg)
		return true;
	free(t);
	return false;
}

static bool hook_recent(const char *key, void *value, void *arg)
{
	struct hook *h = value;

	(void)key;
	if (h->until_us + HOUR_US > *(int64_t *)arg)
		return true;
	free(h);
	return false;
}

void act_begin(struct act *a, const char *type)
{
	const struct team *t = a->user->team;

	buf_init(&a->out, PAYLOAD_MAX);
	jw_init(&a->w, &a->out);
	jw_object(&a->w, NULL);
	jw_str(&a->w, "type", type);
	jw_str(&a->w, "token", "sim-verification");
	/* Of a shortcut only the link tells whose it is. */
	if (strcmp(type, "shortcut") != 0 &&
	    strcmp(type, "message_action") != 0)
		jw_str(&a->w, "api_app_id", a->to->app->id);
	jw_object(&a->w, "team");
	jw_str(&a->w, "id", t->id);
	jw_str(&a->w, "domain", t->domain);
	if (t->enterprise) {
		jw_str(&a->w, "enterprise_id", t->enterprise);
		jw_str(&a->w, "enterprise_name", t->enterprise);
	}
	jw_object_end(&a->w);
	if (t->enterprise) {
		jw_object(&a->w, "enterprise");
		jw_str(&a->w, "id", t->enterprise);
		jw_str(&a->w, "name", t->enterprise);
		jw_object_end(&a->w);
	} else {
		jw_str(&a->w, "enterprise", NULL);
	}
	jw_bool(&a->w, "is_enterprise_install", a->to->org_wide);
	jw_object(&a->w, "user");
	jw_str(&a->w, "id", a->user->id);
	jw_str(&a->w, "username", a->user->name);
	jw_str(&a->w, "name", a->user->name);
	jw_str(&a->w, "team_id", t->id);
	jw_object_end(&a->w);
}

void act_trigger(struct act *a)
{
	struct map *all = a->s->interact->triggers;
	struct trigger *t = must_alloc(sizeof(*t));
	int64_t now = sim_clock_us();
	char id[96];

	if (map_count(all) > KEEP_AT_MOST)
		map_sweep(all, trigger_recent, &now);
	t->install = a->to;
	t->user = a->user;
	t->until_us = now + a->s->set.trigger_ms * INT64_C(1000);
	snprintf(id, sizeof(id), "%" PRIu64 ".%" PRIu64 ".%016" PRIx64,
		 sim_random(a->s) % UINT64_C(10000000000000),
		 sim_random(a->s) % UINT64_C(10000000000000), sim_random(a->s));
	if (map_put(all, id, t) < 0)
		abort();
	memcpy(a->to->app->trigger, id, sizeof(a->to->app->trigger));
	jw_str(&a->w, "trigger_id", id);
}

void act_response_url(struct act *a, const char *kind)
{
	size_t base = strlen(a->s->api_url) - strlen("/api/");
	struct map *all = a->s->interact->hooks;
	struct hook *h = must_alloc(sizeof(*h));
	int64_t now = sim_clock_us();
	char url[320];

	if (map_count(all) > KEEP_AT_MOST)
		map_sweep(all, hook_recent, &now);
	h->install = a->to;
	h->user = a->user;
	h->channel = a->channel;
	h->until_us = now + a->s->set.hook_ms * INT64_C(1000);
	if (a->msg) {
		snprintf(h->ts, sizeof(h->ts), "%s", a->msg->ts);
		snprintf(h->thread_ts, sizeof(h->thread_ts), "%s",
			 a->msg->thread_ts);
	}
	snprintf(a->hook, sizeof(a->hook),
		 "/hooks/%s/%.40s/%" PRIu64 "/%016" PRIx64, kind,
		 a->user->team->id, sim_random(a->s) % UINT64_C(10000000000000),
		 sim_random(a->s));
	memcpy(h->path, a->hook, sizeof(h->path));
	memcpy(a->to->app->hook, a->hook, sizeof(a->to->app->hook));
	if (map_put(all, a->hook, h) < 0)
		abort();
	snprintf(url, sizeof(url), "%.*s%s", (int)base, a->s->api_url, a->hook);
	jw_str(&a->w, "response_url", url);
}

/* Slack names no channel that not everybody may see. */
void act_channel(struct act *a)
{
	const char *name = a->channel->name;

	if (strcmp(a->channel->type, "im") == 0)
		name = "directmessage";
	else if (strcmp(a->channel->type, "group") == 0)
		name = "privategroup";
	jw_object(&a->w, "channel");
	jw_str(&a->w, "id", a->channel->id);
	jw_str(&a->w, "name", name);
	jw_object_end(&a->w);
}

struct event *act_send(struct act *a, const char *envelope, const char *type,
		       bool accepts)
{
	jw_object_end(&a->w);
	return event_send(a->s, a->to->app, NULL, envelope, type,
			  must_take(&a->out), accepts, 0);
}
