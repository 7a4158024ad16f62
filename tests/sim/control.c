/* SPDX-License-Identifier: ISC */
#include "sim/control.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "sim/http.h"

#define ANSWER_MAX ((size_t)64 << 20)
#define WAIT_MS    25000

/* Who asked to be told of the next change. */
struct control {
	struct vec waiting; /* of struct waiter */
};

struct waiter {
	struct conn *c;
	uint64_t since;
};

struct control *control_create(void)
{
	return must_alloc(sizeof(struct control));
}

void control_free(struct sim *s)
{
	if (!s->control)
		return;
	vec_free(&s->control->waiting, free);
	free(s->control);
	s->control = NULL;
}

static void waiter_gone(struct conn *c, void *user)
{
	vec_remove(&c->s->control->waiting, user);
	free(user);
}

static void reply(struct conn *c, struct buf *b)
{
	http_reply(c, 200, "application/json", NULL, b->data, b->len);
	buf_release(b);
}

static void tell_seq(struct conn *c)
{
	struct buf b;

	buf_init(&b, 128);
	buf_addf(&b, "{\"ok\":true,\"seq\":%" PRIu64 "}\n", c->s->seq);
	reply(c, &b);
}

static void waiter_answer(struct waiter *wt)
{
	struct conn *c = wt->c;

	timer_cancel(c->s, &c->timer);
	c->gone = NULL;
	c->user = NULL;
	free(wt);
	tell_seq(c);
	http_release(c);
}

static void wait_over(struct sim *s, void *arg)
{
	vec_remove(&s->control->waiting, arg);
	waiter_answer(arg);
}

static void wait_start(struct conn *c, const struct args *a)
{
	uint64_t since = (uint64_t)args_int(a, "since", 0);
	int64_t ms = args_int(a, "timeout_ms", WAIT_MS);
	struct waiter *wt;

	if (c->s->seq > since) {
		tell_seq(c);
		return;
	}
	wt = must_alloc(sizeof(*wt));
	wt->c = c;
	wt->since = since;
	c->user = wt;
	c->gone = waiter_gone;
	http_hold(c);
	vec_push(&c->s->control->waiting, wt);
	timer_arm(c->s, &c->timer, (ms < 0 ? 0 : ms) * 1000, wait_over, wt);
}

void control_wake(struct sim *s)
{
	struct vec all = s->control->waiting;
	struct waiter *wt;
	size_t i;

	if (all.n == 0)
		return;
	/* An answered client may come back while this goes on. */
	memset(&s->control->waiting, 0, sizeof(s->control->waiting));
	for (i = 0; i < all.n; i++) {
		wt = all.v[i];
		if (s->seq > wt->since)
			waiter_answer(wt);
		else
			vec_push(&s->control->waiting, wt);
	}
	vec_free(&all, NULL);
}

struct by_name {
	const char *name;
	const char *team;
	struct channel *channel;
	struct user *user;
};

static bool is_channel(const char *key, void *value, void *arg)
{
	struct by_name *find = arg;
	struct channel *ch = value;

	(void)key;
	if (strcmp(ch->name, find->name) == 0 &&
	    (!find->team || strcmp(ch->team->id, find->team) == 0))
		find->channel = ch;
	return true;
}

struct channel *ctl_channel(const struct ctl *c)
{
	struct by_name find = { .name = args_get(&c->args, "channel"),
				.team = args_get(&c->args, "team") };
	struct channel *ch = world_channel(c->s->world, find.name);

	if (ch || !find.name)
		return ch;
	map_sweep(c->s->world->channels, is_channel, &find);
	return find.channel;
}

static bool is_user(const char *key, void *value, void *arg)
{
	struct by_name *find = arg;
	struct user *u = value;

	(void)key;
	if (!u->bot && strcmp(u->name, find->name) == 0 &&
	    (!find->team || strcmp(u->team->id, find->team) == 0))
		find->user = u;
	return true;
}

struct user *ctl_user(const struct ctl *c)
{
	struct by_name find = { .name = args_get(&c->args, "user"),
				.team = args_get(&c->args, "team") };
	struct user *u = world_user(c->s->world, find.name);

	if (u || !find.name)
		return u;
	map_sweep(c->s->world->users, is_user, &find);
	return find.user;
}

static const struct ctl_call *find_call(const char *name)
{
	static const struct ctl_call *const tables[] = { ctl_reads,
							 ctl_commands,
							 ctl_acts };
	const struct ctl_call *k;
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (k = tables[i]; k->name; k++) {
			if (strcmp(k->name, name) == 0)
				return k;
		}
	}
	return NULL;
}

static const char *run(struct ctl *c, const char *name)
{
	const struct ctl_call *call = find_call(name);

	if (!call)
		return "no such call";
	if (c->len > 0 && args_json(&c->args, c->body, c->len) < 0)
		return "the body is not a JSON object";
	return call->run(c);
}

void control_serve(struct conn *c, const struct request *r)
{
	const char *name = r->path + strlen("/ctl/");
	struct ctl ctl = { .s = c->s, .body = r->body, .len = r->len };
	const char *error;
	struct buf b;

	args_form(&ctl.args, r->query);
	if (strcmp(name, "wait") == 0) {
		wait_start(c, &ctl.args);
		args_release(&ctl.args);
		return;
	}
	buf_init(&b, ANSWER_MAX);
	jw_init(&ctl.w, &b);
	jw_object(&ctl.w, NULL);
	jw_bool(&ctl.w, "ok", true);
	error = run(&ctl, name);
	if (error || b.failed) {
		buf_reset(&b);
		jw_init(&ctl.w, &b);
		jw_object(&ctl.w, NULL);
		jw_bool(&ctl.w, "ok", false);
		jw_str(&ctl.w, "error", error ? error : "answer too large");
	}
	jw_object_end(&ctl.w);
	buf_addc(&b, '\n');
	args_release(&ctl.args);
	reply(c, &b);
}
