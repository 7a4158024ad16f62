/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "sim/api.h"
#include "sim/blocks.h"
#include "sim/events.h"
#include "sim/http.h"
#include "sim/interact.h"
#include "sim/say.h"

#define USES 5

struct hook *hook_find(struct sim *s, const char *path)
{
	return map_get(s->interact->hooks, path);
}

static const char *nonempty(const struct args *a, const char *name)
{
	const char *v = args_get(a, name);

	return v && *v && strcmp(v, "[]") != 0 ? v : NULL;
}

/* The message that was acted on, as long as it is there. */
static struct msg *original(const struct hook *h)
{
	struct msg *m = *h->ts ? msg_find(h->channel, h->ts) : NULL;

	return m && !m->deleted && m->by == h->install ? m : NULL;
}

static void drop(struct sim *s, struct msg *m)
{
	if (!m->to_user) {
		msg_delete(s, m);
		return;
	}
	m->deleted = true;
	sim_changed(s);
}

static void take_content(struct sim *s, struct msg *m, const struct args *a)
{
	const char *blocks = nonempty(a, "blocks");

	free(m->blocks);
	m->blocks = blocks ? blocks_fill(s, blocks) : NULL;
}

static void replace(struct sim *s, struct msg *m, const struct args *a)
{
	const char *text = nonempty(a, "text");
	char *before = must_dup(m->text);

	take_content(s, m, a);
	msg_revise(s, m, must_dup(text ? text : ""));
	if (!m->to_user)
		tell_changed(s, m, before);
	free(before);
}

static const char *post(struct sim *s, const struct hook *h,
			const struct args *a, char ts[SIM_TS])
{
	bool open = str_eq(args_get(a, "response_type"), "in_channel");
	struct user *bot = world_user(s->world, h->install->bot_user);
	const char *thread = nonempty(a, "thread_ts");
	const char *text = nonempty(a, "text");
	struct msg *root = thread ? msg_find(h->channel, thread) : NULL;
	struct msg *m;

	if (thread && (!root || *root->thread_ts))
		return "thread_not_found";
	m = msg_create(s, h->channel, bot, text ? text : "", NULL);
	m->bot_id = must_dup(h->install->bot_id);
	m->by = h->install;
	m->hook = must_dup(h->path);
	take_content(s, m, a);
	snprintf(ts, SIM_TS, "%s", m->ts);
	if (!open) {
		m->to_user = must_dup(h->user->id);
		if (root)
			snprintf(m->thread_ts, sizeof(m->thread_ts), "%s",
				 root->ts);
		sim_changed(s);
		return NULL;
	}
	if (root)
		msg_reply(root, m);
	tell_new(s, m, NULL, false);
	return NULL;
}

const char *hook_use(struct sim *s, const struct hook *h, const struct args *a,
		     char ts[SIM_TS])
{
	bool replaces = args_bool(a, "replace_original", false);
	struct msg *m = original(h);
	const char *error;

	*ts = '\0';
	if (args_bool(a, "delete_original", false)) {
		if (m)
			drop(s, m);
		return m ? NULL : "message_not_found";
	}
	if (!nonempty(a, "text") && !nonempty(a, "blocks"))
		return "no_text";
	error = nonempty(a, "blocks") ? blocks_check(nonempty(a, "blocks"))
				      : NULL;
	if (error)
		return error;
	if (!replaces || !*h->ts)
		return post(s, h, a, ts);
	if (m)
		replace(s, m, a);
	return m ? NULL : "message_not_found";
}

static const char *use_url(struct call *c)
{
	struct hook *h = c->hook;
	const char *error;

	c->retry_after = limit_post(c->s, h->channel);
	if (c->retry_after)
		return "ratelimited";
	error = hook_use(c->s, h, &c->args, c->ts);
	if (!error)
		h->uses++;
	return error;
}

static const struct method response_url = { .name = "response_url",
					    .run = use_url };

void hook_serve(struct conn *conn, const struct request *r)
{
	struct call *c = api_call(conn->s);
	struct hook *h = hook_find(conn->s, r->path);
	const char *error = NULL;

	c->method = &response_url;
	c->hook = h;
	c->plain = true;
	c->refused = 404;
	if (h) {
		c->install = h->install;
		c->app = h->install->app;
	}
	if (!h)
		error = "no_service";
	else if (h->until_us < sim_clock_us())
		error = "expired_url";
	else if (h->uses >= USES)
		error = "used_url";
	if (!error) {
		c->refused = 400;
		if (args_json(&c->args, r->body, r->len) < 0)
			error = "invalid_payload";
	}
	snprintf(c->error, sizeof(c->error), "%s", error ? error : "");
	api_answer(conn, c, response_url.name);
}
