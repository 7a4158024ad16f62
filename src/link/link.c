/* SPDX-License-Identifier: ISC */
#include "link/link.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/secret.h"
#include "link/transport.h"
#include "route/envelope.h"

#define CLOSE_MS  1000
#define DEAD_MS   45000 /* nothing at all was received */
#define ANSWER_MS 20000 /* a ping, and nothing came since */

/* Own pings, since Slack's period is undocumented and seen at 30 s. */
#define PING_MS        15000
#define PING_JITTER_MS 3000

/* How long a state may last; 0: as long as it likes, or as it was told. */
static const int64_t patience_ms[LINK_STATES] = {
	[LINK_TICKET] = 15000,
	[LINK_CONNECT] = 10000,
	[LINK_HELLO] = 10000,
	[LINK_DRAIN] = 10000,
};

#define TO(state) (1U << LINK_##state)

/* Where each state may lead. Whatever ends a wire leads to backoff, or to
 * idle when the link is not to come back. */
static const unsigned int allowed[LINK_STATES] = {
	[LINK_IDLE] = TO(TICKET) | TO(BACKOFF),
	[LINK_TICKET] = TO(CONNECT) | TO(BACKOFF) | TO(IDLE),
	[LINK_CONNECT] = TO(HELLO) | TO(BACKOFF) | TO(IDLE),
	[LINK_HELLO] = TO(LIVE) | TO(DRAIN) | TO(BACKOFF) | TO(IDLE),
	[LINK_LIVE] = TO(DRAIN) | TO(BACKOFF) | TO(IDLE),
	[LINK_DRAIN] = TO(IDLE),
	[LINK_BACKOFF] = TO(TICKET) | TO(IDLE),
};

static const char *const state_names[LINK_STATES] = {
	[LINK_IDLE] = "idle",       [LINK_TICKET] = "ticket",
	[LINK_CONNECT] = "connect", [LINK_HELLO] = "hello",
	[LINK_LIVE] = "live",       [LINK_DRAIN] = "drain",
	[LINK_BACKOFF] = "backoff",
};

const char *link_state_name(enum link_state s)
{
	return (unsigned int)s < LINK_STATES ? state_names[s] : "?";
}

static int64_t now_of(const struct link *l)
{
	return l->env->alarms->now();
}

static void enter_ticket(struct link *l)
{
	l->leaving = l->closing = l->complained = l->asking = false;
	l->parting = false;
	l->unacked = 0;
	l->live_ms = 0;
	l->env->host->ask(l);
}

static int64_t jitter(int64_t below)
{
	uint32_t r;

	random_bytes(&r, sizeof(r));
	return (int64_t)(r % (uint32_t)below);
}

/* When to look next: at the next ping, or at the end of patience. */
static void watch(struct link *l)
{
	int64_t at = l->ping_ms;

	if (at > l->rx_ms + DEAD_MS)
		at = l->rx_ms + DEAD_MS;
	if (l->asking && at > l->asked_ms + ANSWER_MS)
		at = l->asked_ms + ANSWER_MS;
	alarm_set(l->env->alarms, &l->alarm, at - now_of(l));
}

static void ping(struct link *l)
{
	int64_t now = now_of(l);

	l->ping_ms = now + PING_MS - jitter(PING_JITTER_MS);
	if (l->env->transport->ops->ping(l->wire) < 0)
		return;
	if (!l->asking)
		l->asked_ms = now;
	l->asking = true;
}

/*
 * The first ping goes out at once: writing makes OpenSSL let go of the 16 kB
 * that it holds since the server's session ticket came. The second is due at
 * any moment of the usual time, so that links which came up together don't
 * ping together.
 */
static void enter_live(struct link *l)
{
	l->live_ms = now_of(l);
	ping(l);
	l->ping_ms = l->live_ms + jitter(PING_MS);
	watch(l);
	l->env->host->live(l);
}

static void (*const enter[LINK_STATES])(struct link *l) = {
	[LINK_TICKET] = enter_ticket,
	[LINK_LIVE] = enter_live,
};

/* As it is called in the log. */
#define NAME_SIZE 48
static const char *name_of(const struct link *l, char out[NAME_SIZE])
{
	(void)snprintf(out, NAME_SIZE, "%s/%u", l->app_id, l->gen);
	return out;
}

static void report(const struct link *l, enum link_state from, const char *why)
{
	char name[NAME_SIZE];
	const struct log_field *f =
		LOG_FIELDS({ "link", name_of(l, name) }, { "why", why });

	if (l->state == LINK_LIVE || from == LINK_LIVE ||
	    l->state == LINK_BACKOFF)
		log_info(f, "link %s/%u: %s -> %s", l->app_id, l->gen,
			 state_names[from], state_names[l->state]);
	else
		log_debug(f, "link %s/%u: %s -> %s", l->app_id, l->gen,
			  state_names[from], state_names[l->state]);
}

/* The only place where a link's state changes. */
static void set_state(struct link *l, enum link_state to, const char *why)
{
	enum link_state from = l->state;

	assert(allowed[from] & (1U << to));
	l->state = to;
	report(l, from, why);
	l->env->host->changed(l, from, why);
	if (patience_ms[to] > 0)
		alarm_set(l->env->alarms, &l->alarm, patience_ms[to]);
	else
		alarm_stop(l->env->alarms, &l->alarm);
	if (enter[to])
		enter[to](l);
}

static void cut(struct link *l)
{
	if (l->wire)
		l->env->transport->ops->drop(l->wire);
	l->wire = NULL;
}

/* The link may be gone when this returns. what is why, in a word for the
 * counter. */
static void lose(struct link *l, enum link_loss how, unsigned int floor_ms,
		 const char *what, const char *why)
{
	/* Another has taken its place. */
	if (l->state != LINK_DRAIN)
		metric_add(METRIC_LOSSES, what, 0, 1);
	cut(l);
	alarm_stop(l->env->alarms, &l->alarm);
	l->env->host->lost(l, how, floor_ms, why);
}

static void check_pulse(struct link *l)
{
	int64_t now = now_of(l);

	if (now - l->rx_ms >= DEAD_MS) {
		lose(l, LOSS_RETRY, 0, "silent", "silent for 45 s");
		return;
	}
	if (l->asking && now - l->asked_ms >= ANSWER_MS) {
		lose(l, LOSS_RETRY, 0, "no_pong",
		     "no answer to a ping in 20 s");
		return;
	}
	if (now >= l->ping_ms)
		ping(l);
	watch(l);
}

static void say_goodbye(struct link *l)
{
	l->closing = true;
	l->env->transport->ops->close(l->wire);
	alarm_set(l->env->alarms, &l->alarm, CLOSE_MS);
}

static void on_alarm(void *arg)
{
	struct link *l = arg;

	switch (l->state) {
	case LINK_IDLE:
	case LINK_STATES:
		break;
	case LINK_TICKET:
		lose(l, LOSS_RETRY, 0, "no_ticket", "no ticket in 15 s");
		break;
	case LINK_CONNECT:
		lose(l, LOSS_RETRY, 0, "not_connected",
		     "not connected in 10 s");
		break;
	case LINK_HELLO:
		lose(l, LOSS_RETRY, 0, "no_hello", "no hello in 10 s");
		break;
	case LINK_LIVE:
		check_pulse(l);
		break;
	case LINK_DRAIN:
		if (l->closing)
			lose(l, LOSS_RETRY, 0, "closed", "closed");
		else
			say_goodbye(l);
		break;
	case LINK_BACKOFF:
		l->env->host->ready(l);
		break;
	}
}

static void heard(struct link *l)
{
	l->rx_ms = now_of(l);
	l->asking = false;
}

static void on_opened(void *arg)
{
	struct link *l = arg;

	heard(l);
	set_state(l, LINK_HELLO, "connected");
}

static void take_hello(struct link *l, const struct envelope *env)
{
	if (l->state != LINK_HELLO)
		return;
	if (env->app_id && strcmp(env->app_id, l->app_id) != 0) {
		log_error(LOG_FIELDS({ "app", l->app_id },
				     { "hello", env->app_id }),
			  "the token belongs to another app");
		lose(l, LOSS_SLOW, 0, "wrong_token", "token of another app");
		return;
	}
	l->num_connections = env->num_connections;
	set_state(l, LINK_LIVE, "hello");
}

static void leave(struct link *l, bool at_once)
{
	if (l->leaving)
		return;
	metric_add(METRIC_LOSSES, at_once ? "replaced" : "disconnect", 0, 1);
	l->leaving = true;
	l->env->host->leaving(l, at_once);
}

/* The reasons are in docs.slack.dev/apis/events-api/using-socket-mode. */
static void take_disconnect(struct link *l, const char *reason)
{
	char name[NAME_SIZE];

	if (!reason)
		reason = "disconnect without a reason";
	log_info(LOG_FIELDS({ "link", name_of(l, name) }, { "reason", reason }),
		 "link %s/%u: disconnect", l->app_id, l->gen);
	if (l->state == LINK_DRAIN)
		return;
	if (strcmp(reason, "link_disabled") == 0) {
		lose(l, LOSS_PARK, 0, reason,
		     "Socket Mode is switched off (link_disabled)");
		return;
	}
	if (strcmp(reason, "too_many_websockets") == 0) {
		lose(l, LOSS_SLOW, 0, reason, reason);
		return;
	}
	if (l->state != LINK_LIVE) {
		lose(l, LOSS_RETRY, 0, "disconnect", reason);
		return;
	}
	leave(l, strcmp(reason, "warning") == 0 ||
			 strcmp(reason, "refresh_requested") == 0);
}

/* Once a generation; the rest is in the counters. */
static void complain(struct link *l, const char *why)
{
	char name[NAME_SIZE];

	if (l->complained)
		return;
	l->complained = true;
	log_warn(LOG_FIELDS({ "link", name_of(l, name) }, { "why", why }),
		 "link %s/%u: frame thrown away", l->app_id, l->gen);
}

static void on_text(const char *p, size_t n, void *arg)
{
	struct link *l = arg;
	struct envelope env;
	struct err e = { 0 };

	heard(l);
	if (l->closing)
		return;
	if (envelope_parse(&env, p, n, &e) < 0) {
		l->env->counts->malformed++;
		complain(l, e.msg);
		return;
	}
	switch (env.type) {
	case ENVELOPE_HELLO:
		take_hello(l, &env);
		break;
	case ENVELOPE_DISCONNECT:
		take_disconnect(l, env.reason);
		break;
	case ENVELOPE_EVENTS:
	case ENVELOPE_SLASH:
	case ENVELOPE_INTERACTIVE:
	case ENVELOPE_UNKNOWN:
		l->env->counts->envelopes++;
		l->env->host->envelope(l, &env, p, n);
		break;
	}
	/* The link may be gone. */
	envelope_release(&env);
}

static void on_alive(void *arg)
{
	heard(arg);
}

static void on_garbage(enum wire_garbage what, void *arg)
{
	struct link *l = arg;

	heard(l);
	switch (what) {
	case WIRE_BINARY:
		l->env->counts->binary++;
		complain(l, "binary");
		break;
	case WIRE_TOO_LARGE:
		l->env->counts->oversized++;
		complain(l, "too large");
		break;
	case WIRE_NO_ROOM:
		l->env->counts->oversized++;
		complain(l, "no room for partly received frames");
		break;
	}
}

static void on_closed(const char *why, void *arg)
{
	struct link *l = arg;

	l->wire = NULL;
	lose(l, LOSS_RETRY, 0,
	     l->state == LINK_CONNECT ? "not_connected" : "cut", why);
}

static const struct wire_events events = {
	.opened = on_opened,
	.text = on_text,
	.pong = on_alive,
	.alive = on_alive,
	.garbage = on_garbage,
	.closed = on_closed,
};

struct link *link_create(const struct link_env *env, const char *app_id,
			 void *owner)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	if (alarm_init(env->alarms, &l->alarm, on_alarm, l) < 0) {
		free(l);
		return NULL;
	}
	l->env = env;
	l->app_id = app_id;
	l->owner = owner;
	return l;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	link_idle(l, "no longer wanted");
	alarm_release(l->env->alarms, &l->alarm);
	free(l);
}

void link_dial(struct link *l, uint32_t gen)
{
	l->gen = gen;
	set_state(l, LINK_TICKET, "dialing");
}

void link_connect(struct link *l, const char *url, const char *addr)
{
	const struct transport_ops *ops = l->env->transport->ops;
	struct err e = { 0 };

	assert(l->state == LINK_TICKET);
	l->wire = ops->connect(l->env->transport, url, addr, &events, l, &e);
	if (!l->wire) {
		lose(l, LOSS_RETRY, 0, "not_connected", e.msg);
		return;
	}
	l->rx_ms = now_of(l);
	set_state(l, LINK_CONNECT, "ticket");
}

static const char *const ticket_words[] = {
	[LOSS_RETRY] = "no_ticket",
	[LOSS_LIMIT] = "ticket_limited",
	[LOSS_SLOW] = "no_ticket",
	[LOSS_PARK] = "ticket_refused",
};

void link_fail(struct link *l, enum link_loss how, unsigned int floor_ms,
	       const char *why)
{
	assert(l->state == LINK_TICKET);
	lose(l, how, floor_ms, ticket_words[how], why);
}

void link_wait(struct link *l, int64_t ms, const char *why)
{
	cut(l);
	if (l->state != LINK_BACKOFF)
		set_state(l, LINK_BACKOFF, why);
	alarm_set(l->env->alarms, &l->alarm, ms);
}

void link_drain(struct link *l)
{
	assert(l->state == LINK_LIVE);
	set_state(l, LINK_DRAIN, "its successor is live");
}

static void part_if_acked(struct link *l)
{
	if (l->parting && l->unacked == 0 && link_open(l))
		say_goodbye(l);
}

void link_part(struct link *l)
{
	assert(l->state == LINK_LIVE);
	set_state(l, LINK_DRAIN, "others have the app's links");
	l->parting = true;
	part_if_acked(l);
}

void link_kept(struct link *l)
{
	l->unacked++;
}

void link_acked(struct link *l)
{
	if (l->unacked > 0)
		l->unacked--;
	part_if_acked(l);
}

void link_idle(struct link *l, const char *why)
{
	cut(l);
	alarm_stop(l->env->alarms, &l->alarm);
	if (l->state != LINK_IDLE)
		set_state(l, LINK_IDLE, why);
}

bool link_close(struct link *l)
{
	if (!link_open(l))
		return l->closing;
	if (l->state != LINK_DRAIN)
		set_state(l, LINK_DRAIN, "closing");
	say_goodbye(l);
	return true;
}

bool link_open(const struct link *l)
{
	switch (l->state) {
	case LINK_HELLO:
	case LINK_LIVE:
	case LINK_DRAIN:
		return l->wire && !l->closing;
	case LINK_IDLE:
	case LINK_TICKET:
	case LINK_CONNECT:
	case LINK_BACKOFF:
	case LINK_STATES:
		break;
	}
	return false;
}

int link_send(struct link *l, const char *p, size_t n)
{
	if (!link_open(l))
		return -1;
	return l->env->transport->ops->send(l->wire, p, n);
}
