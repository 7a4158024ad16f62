/* SPDX-License-Identifier: ISC */
#include "link/sweep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/container.h"
#include "base/err.h"
#include "base/json.h"
#include "base/killpoint.h"
#include "base/live.h"
#include "base/log.h"
#include "base/map.h"
#include "net/http.h"
#include "net/retry.h"
#include "route/envelope.h"
#include "route/message.h"
#include "route/router.h"
#include "route/screen.h"
#include "route/swept.h"

/* conversations.replies and .history are tier 3, 50 a minute; turns need some
 * of that. Apps that Slack allows one a minute hear it from Retry-After. */
#define CALLS_PER_MINUTE 40
#define CALLS_BURST      10

#define FORM_MAX    2048
#define FRAME_MAX   (1024 * 1024)
#define AGAIN_MS    2000
#define CLOSED_SIZE 200

/* Some 15 minutes altogether: then what is behind it, and the next gap, has
 * waited long enough. */
static const unsigned int again_ms[] = { 250,  500,   1000,  2000, 4000,
					 8000, 15000, 30000, 60000 };
static const struct retry_table again = {
	again_ms, sizeof(again_ms) / sizeof(again_ms[0])
};
#define TRIES_MAX 26

static void ask(struct sweep *s);
static void next_frame(struct sweep *s);

static void on_timer(void *arg)
{
	struct sweep *s = arg;
	void (*fn)(struct sweep * s) = s->on_timer;

	s->on_timer = NULL;
	if (fn)
		fn(s);
}

static void after(struct sweep *s, int64_t ms, void (*fn)(struct sweep *s))
{
	s->on_timer = fn;
	loop_timer_set(s->timer, ms);
}

/* What was said before this is left alone. */
static int64_t oldest_ms(const struct sweep *s)
{
	const struct conf *now = live_take(s->env->live, s->env->conf);
	int64_t minutes = now->catch_up_minutes;
	int64_t limit = clock_wall_ms() - minutes * 60000;

	live_drop(s->env->live, now);
	return limit > s->from_ms ? limit : s->from_ms;
}

static bool too_late(const struct sweep *s)
{
	return oldest_ms(s) > s->to_ms;
}

static void end(struct sweep *s)
{
	char found[24], left[24];
	size_t n = 0;
	const struct sweep_target *t;

	for (t = s->targets; t; t = t->next)
		n++;
	(void)snprintf(found, sizeof(found), "%zu", s->nfound);
	(void)snprintf(left, sizeof(left), "%zu", n);
	log_info(LOG_FIELDS({ "app", s->app_id }, { "found", found },
			    { "left", n > 0 ? left : NULL }),
		 "looked through %zu conversations after a gap", s->ntargets);
	s->env->done(s, s->env->arg);
}

static void clear_page(struct sweep *s)
{
	while (s->nframes > 0)
		free(s->frames[--s->nframes]);
	free(s->frames);
	s->frames = NULL;
	free(s->cursor);
	s->cursor = NULL;
}

/* The target is done with. */
static void leave(struct sweep *s)
{
	struct sweep_target *t = s->targets;

	clear_page(s);
	s->targets = t->next;
	if (!s->targets)
		s->tail = &s->targets;
	free(t);
	after(s, 0, ask);
}

/* C, D or G: each kind of channel has a scope of its own. */
static void closed_key(char out[CLOSED_SIZE], const struct sweep_target *t)
{
	(void)snprintf(out, CLOSED_SIZE, "%.60s:%.60s:%c", t->place->c.app_id,
		       t->place->c.workspace_id, t->channel[0]);
}

static bool is_closed(const struct sweep *s, const struct sweep_target *t)
{
	char key[CLOSED_SIZE];

	closed_key(key, t);
	return t->place->dead || map_get(s->env->closed, key);
}

static void close_kind(struct sweep *s, const struct slack_result *r)
{
	const struct sweep_target *t = s->targets;
	char key[CLOSED_SIZE];

	closed_key(key, t);
	if (map_get(s->env->closed, key))
		return;
	(void)map_put(s->env->closed, key, s->env->closed);
	log_warn(LOG_FIELDS({ "app", s->app_id },
			    { "workspace", t->place->c.workspace_id },
			    { "channel", t->channel }, { "error", r->error }),
		 "what was said while down can't be read here");
}

/* Screened like an envelope that Slack sent: mentions, replies in engaged
 * threads and direct messages of people remain. */
static bool take(struct sweep *s, const char *frame)
{
	struct screening sc = { .engaged = s->env->engaged };
	struct envelope env;
	struct err e = { 0 };
	const char *stage;
	size_t n = strlen(frame);
	bool yes = false;

	if (envelope_parse(&env, frame, n, &e) < 0)
		return false;
	sc.env = &env;
	switch (screen_run(&sc, &stage)) {
	case V_ACCEPT:
		yes = entry_fill(&s->entry, s->app_id, sc.msg->event_id, frame,
				 n) == 0;
		break;
	case V_HOLD: /* its mention would have come before it */
	case V_DROP:
	case V_NEXT:
	case V_REFUSE:
	case V_FAIL:
	case V_COUNT:
		break;
	}
	s->msg = sc.msg;
	envelope_release(&env);
	return yes;
}

static void drop_entry(struct sweep *s)
{
	entry_release(&s->entry);
	message_free(s->msg);
	s->msg = NULL;
}

static void on_back(struct loop_task *task);

/* On the journal thread. */
static void on_appended(struct journal_req *r)
{
	struct sweep *s = (struct sweep *)r;

	if (r->ok && !r->duplicate && !r->elsewhere) {
		killpoint("swept");
		router_submit(s->env->router, &s->entry, s->msg);
		memset(&s->entry, 0, sizeof(s->entry));
		s->msg = NULL;
	}
	loop_post(s->env->loop, &s->back);
}

/* Without room, or when it can't be written, it is tried again. */
static void append(struct sweep *s)
{
	s->req.kind = JOURNAL_APPEND;
	s->req.entry = &s->entry;
	s->req.done = on_appended;
	s->back.run = on_back;
	killpoint("sweeping");
	if (!journal_submit(s->env->journal, &s->req))
		after(s, AGAIN_MS, too_late(s) ? end : append);
}

static void on_back(struct loop_task *task)
{
	struct sweep *s = container_of(task, struct sweep, back);

	if (s->env->halted)
		return;
	if (!s->req.ok) {
		after(s, AGAIN_MS, too_late(s) ? end : append);
		return;
	}
	s->nfound += !s->req.duplicate;
	drop_entry(s);
	next_frame(s);
}

static void next_frame(struct sweep *s)
{
	char *frame;
	bool yes;

	while (s->nframes > 0) {
		frame = s->frames[--s->nframes];
		yes = take(s, frame);
		free(frame);
		if (yes) {
			id_make(s->entry.id);
			memcpy(s->msg->id, s->entry.id, sizeof(s->msg->id));
			append(s);
			return;
		}
		drop_entry(s);
	}
	if (s->cursor)
		after(s, 0, ask);
	else
		leave(s);
}

static char *make_frame(struct sweep *s, const struct json *m)
{
	const char *ts = json_str(m, "ts");
	struct err e = { 0 };
	struct buf out;

	/* The root of a thread comes with every page. */
	if (!ts || ts_ms(ts) < oldest_ms(s))
		return NULL;
	buf_init(&out, FRAME_MAX);
	if (swept_frame(&s->targets->place->c, s->targets->channel, m, &out,
			&e) == 0)
		return buf_take(&out);
	log_warn(LOG_FIELDS({ "app", s->app_id },
			    { "channel", s->targets->channel }, { "ts", ts }),
		 "cannot take a message from the history: %s", e.msg);
	buf_release(&out);
	return NULL;
}

/* Replies come the oldest first, a history the newest first. */
static void take_page(struct sweep *s, const struct json *body)
{
	size_t i, n = json_len(body, "messages");
	bool oldest_first = s->targets->thread[0] != '\0';
	const char *cursor;
	char *frame;

	clear_page(s);
	cursor = json_str(body, "response_metadata.next_cursor");
	if (cursor && cursor[0] != '\0')
		s->cursor = strdup(cursor);
	s->frames = calloc(n > 0 ? n : 1, sizeof(*s->frames));
	for (i = 0; s->frames && i < n; i++) {
		frame = make_frame(s, json_nth(body, "messages",
					       oldest_first ? n - 1 - i : i));
		if (frame)
			s->frames[s->nframes++] = frame;
	}
}

/* False: it was tried long enough. */
static bool put_off(struct sweep *s, struct patience *p, int64_t floor_ms)
{
	if (p->tries >= TRIES_MAX)
		return false;
	p->again_ms = clock_ms() +
		      retry_delay_ms(&again, p->tries, (unsigned int)floor_ms);
	p->tries++;
	clear_page(s);
	after(s, 0, ask);
	return true;
}

static void give_up(struct sweep *s, const char *error)
{
	log_warn(LOG_FIELDS({ "app", s->app_id },
			    { "workspace", s->targets->place->c.workspace_id },
			    { "channel", s->targets->channel },
			    { "error", error }),
		 "cannot look for what was said while down: given up");
	leave(s);
}

/*
 * The token that Slack refused is read anew: another thread renews it, or
 * another node, or an admin gave a new one. What was read of the store is as of
 * the beginning, and a sweep may take hours; after a suspend of the machine
 * nobody may have renewed it yet. False: not now.
 */
static bool renew_token(struct sweep *s)
{
	struct sweep_place *p = s->targets->place;
	struct err e = { 0 };

	switch (s->env->token(&p->c, s->env->arg, &e)) {
	case 1:
		p->refused = false;
		return true;
	case 0:
		if (put_off(s, &p->wait, 0))
			return false;
		break;
	default:
		if (e.kind == ERR_RETRY && put_off(s, &p->wait, 0))
			return false;
	}
	p->dead = true;
	give_up(s, e.msg[0] != '\0' ? e.msg : "the token isn't renewed");
	return false;
}

static void on_page(const struct slack_result *r, void *arg)
{
	struct sweep *s = arg;
	struct sweep_target *t = s->targets;

	s->call = NULL;
	switch (r->fault) {
	case SLACK_OK:
		/* The target's pages begin anew together, so none of them
		 * gives it more patience. */
		t->place->wait = (struct patience){ 0 };
		take_page(s, r->body);
		next_frame(s);
		return;
	case SLACK_RATE:
		after(s, r->retry_ms, ask);
		return;
	case SLACK_TRANSIENT:
		if (!put_off(s, &t->wait, r->retry_ms))
			give_up(s, r->error);
		return;
	case SLACK_DEAD:
		t->place->refused = true;
		clear_page(s);
		after(s, 0, ask);
		return;
	case SLACK_CONFIG:
		close_kind(s, r);
		break;
	case SLACK_GONE:
	case SLACK_POLICY:
	case SLACK_CONTENT:
	case SLACK_OURS:
		break;
	}
	log_debug(LOG_FIELDS({ "app", s->app_id }, { "channel", t->channel },
			     { "error", r->error }),
		  "conversation is left out");
	leave(s);
}

static void call(struct sweep *s)
{
	const struct sweep_target *t = s->targets;
	bool thread = t->thread[0] != '\0';
	int64_t oldest = oldest_ms(s);
	struct err e = { 0 };
	struct buf form;
	char ts[TS_SIZE];

	(void)snprintf(ts, sizeof(ts), "%" PRId64 ".%03d000", oldest / 1000,
		       (int)(oldest % 1000));
	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", t->channel);
	if (thread)
		http_form(&form, "ts", t->thread);
	http_form(&form, "oldest", ts);
	http_form(&form, "limit", "200");
	if (s->cursor)
		http_form(&form, "cursor", s->cursor);
	s->call = slack_call(s->env->http, s->env->conf->slack_api_url,
			     thread ? "conversations.replies"
				    : "conversations.history",
			     t->place->c.bot_token, &form, on_page, s, &e);
	buf_release(&form);
	if (!s->call)
		after(s, AGAIN_MS, ask);
}

/* One that needn't wait comes to the front; else, how long all have to. */
static int64_t choose(struct sweep *s)
{
	int64_t now = clock_ms(), until, first = INT64_MAX;
	struct sweep_target **link, *t;

	for (link = &s->targets; (t = *link) != NULL; link = &t->next) {
		until = t->wait.again_ms > t->place->wait.again_ms
				? t->wait.again_ms
				: t->place->wait.again_ms;
		if (until <= now || t->place->dead)
			break;
		if (until < first)
			first = until;
	}
	if (!t)
		return first - now;
	if (s->tail == &t->next)
		s->tail = link;
	*link = t->next;
	t->next = s->targets;
	s->targets = t;
	if (s->tail == &s->targets)
		s->tail = &t->next;
	return 0;
}

static void ask(struct sweep *s)
{
	int64_t wait;

	if (!s->targets || too_late(s)) {
		end(s);
		return;
	}
	wait = s->cursor ? 0 : choose(s);
	if (wait > 0) {
		after(s, wait, ask);
		return;
	}
	if (is_closed(s, s->targets)) {
		leave(s);
		return;
	}
	if (s->targets->place->refused && !renew_token(s))
		return;
	wait = pace_take(&s->pace, clock_ms());
	if (wait > 0)
		after(s, wait, ask);
	else
		call(s);
}

static void find(struct sweep *s)
{
	struct err e = { 0 };

	if (too_late(s)) {
		end(s);
	} else if (s->env->find(s, s->env->arg, &e) < 0) {
		log_warn(LOG_FIELDS({ "app", s->app_id }, { "reason", e.msg }),
			 "cannot look for what was said while down");
		after(s, AGAIN_MS, find);
	} else {
		ask(s);
	}
}

struct sweep *sweep_create(const struct sweep_env *env, const char *app_id,
			   int64_t from_ms, int64_t to_ms)
{
	struct sweep *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->env = env;
	s->from_ms = from_ms;
	s->to_ms = to_ms;
	s->tail = &s->targets;
	s->app_id = strdup(app_id);
	s->timer = loop_timer_create(env->loop, on_timer, s);
	if (!s->app_id || !s->timer) {
		sweep_free(s);
		return NULL;
	}
	pace_init(&s->pace, CALLS_PER_MINUTE, CALLS_BURST, clock_ms());
	return s;
}

void sweep_run(struct sweep *s)
{
	after(s, 0, find);
}

void sweep_halt(struct sweep *s)
{
	slack_cancel(s->call);
	s->call = NULL;
	loop_timer_free(s->timer);
	s->timer = NULL;
}

void sweep_free(struct sweep *s)
{
	if (!s)
		return;
	sweep_halt(s);
	clear_page(s);
	drop_entry(s);
	sweep_forget(s);
	free(s->app_id);
	free(s);
}
