/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/map.h"
#include "sim/api.h"
#include "sim/http.h"
#include "sim/socket.h"
#include "sim/ws.h"

#define MS              INT64_C(1000)
#define DEBUG_LIFE_MS   360000 /* with debug_reconnects=true */
#define CLOSE_LINGER_MS 30000
#define HOST            "applink-sim-1"

struct ticket {
	struct app *app;
	int64_t until_us;
};

struct socket_mode *socket_create(void)
{
	struct socket_mode *m = must_alloc(sizeof(*m));

	m->tickets = map_create(0);
	m->events = map_create(0);
	m->sent = map_create(0);
	if (!m->tickets || !m->events || !m->sent)
		abort();
	return m;
}

void socket_free(struct sim *s)
{
	struct socket_mode *m = s->socket;

	if (!m)
		return;
	map_free(m->tickets, free);
	map_free(m->sent, NULL);
	vec_free(&m->log, delivery_free);
	vec_free(&m->recent, NULL);
	map_free(m->events, event_free);
	free(m);
	s->socket = NULL;
}

static bool ticket_fresh(const char *key, void *value, void *arg)
{
	struct ticket *t = value;

	(void)key;
	if (t->until_us > *(int64_t *)arg)
		return true;
	free(t);
	return false;
}

void socket_url(struct sim *s, struct app *a, struct buf *out)
{
	struct ticket *t = must_alloc(sizeof(*t));
	int64_t now = sim_clock_us();
	char host[SIM_HOST];
	char id[UUID_SIZE];

	if (map_count(s->socket->tickets) > 4096)
		map_sweep(s->socket->tickets, ticket_fresh, &now);
	sim_uuid(s, id);
	t->app = a;
	t->until_us = now + s->set.ticket_ms * MS;
	if (map_put(s->socket->tickets, id, t) < 0)
		abort();
	buf_addf(out, "%s:\\/\\/%s\\/link\\/?ticket=%s&app_id=%s",
		 s->tls ? "wss" : "ws", sim_host(s, "wss-primary", host), id,
		 a->id);
}

/* NULL: unknown, used before, or too old. */
static struct app *take_ticket(struct sim *s, const char *query)
{
	const char *p = strstr(query, "ticket=");
	struct app *a = NULL;
	struct ticket *t;
	char id[UUID_SIZE];

	if (!p)
		return NULL;
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(p + 7, "&"), p + 7);
	t = map_take(s->socket->tickets, id);
	if (t && t->until_us > sim_clock_us())
		a = t->app;
	free(t);
	return a;
}

static void link_text(struct link *l, const struct buf *b)
{
	ws_send(l->c, WS_TEXT, b->data, b->len);
}

void link_disconnect(struct link *l, const char *why)
{
	struct jwrite w;
	struct buf b;

	buf_init(&b, 1024);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "type", "disconnect");
	jw_str(&w, "reason", why);
	jw_object(&w, "debug_info");
	jw_str(&w, "host", HOST);
	jw_object_end(&w);
	jw_object_end(&w);
	link_text(l, &b);
	buf_release(&b);
}

static void send_hello(struct link *l)
{
	const struct sim_settings *set = &l->c->s->set;
	int life = set->link_life_ms ? set->link_life_ms / 1000 : 18060;
	struct jwrite w;
	struct buf b;

	buf_init(&b, 1024);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "type", "hello");
	jw_int(&w, "num_connections", (int64_t)l->app->links.n);
	jw_object(&w, "debug_info");
	jw_str(&w, "host", HOST);
	jw_int(&w, "build_number", 54);
	jw_int(&w, "approximate_connection_time", life);
	jw_object_end(&w);
	jw_object(&w, "connection_info");
	jw_str(&w, "app_id", l->app->id);
	jw_object_end(&w);
	jw_object_end(&w);
	link_text(l, &b);
	buf_release(&b);
}

static void link_gone(struct conn *c, void *user)
{
	struct link *l = user;
	struct sim *s = c->s;

	timer_cancel(s, &l->hello);
	timer_cancel(s, &l->ping);
	timer_cancel(s, &l->life);
	vec_remove(&l->app->links, l);
	if (l->live)
		s->stats.links_live--;
	sim_changed(s);
	free(l);
}

/* Slack leaves TCP open after the close handshake; not for ever here. */
static void linger_over(struct sim *s, void *arg)
{
	(void)s;
	conn_kill(arg, false);
}

static void start_closing(struct link *l)
{
	struct sim *s = l->c->s;

	l->closing = true;
	timer_cancel(s, &l->ping);
	timer_cancel(s, &l->life);
	timer_arm(s, &l->c->timer, CLOSE_LINGER_MS * MS, linger_over, l->c);
	if (l->live) {
		l->live = false;
		s->stats.links_live--;
		sim_changed(s);
	}
}

void link_end(struct link *l, enum sim_cut how)
{
	static const char code[] = "\x03\xe8"; /* 1000 */

	switch (how) {
	case SIM_CUT_CLOSE:
		if (!l->closing) {
			ws_send(l->c, WS_CLOSE, code, 2);
			start_closing(l);
		}
		break;
	case SIM_CUT_FIN:
		/* What is still queued goes out first. */
		start_closing(l);
		l->c->end_flushed = true;
		conn_dirty(l->c);
		break;
	case SIM_CUT_RESET:
		conn_kill(l->c, true);
		break;
	case SIM_CUT_DEAF:
		l->deaf = true;
		break;
	case SIM_CUT_FREEZE:
		timer_cancel(l->c->s, &l->ping);
		timer_cancel(l->c->s, &l->life);
		conn_freeze(l->c);
		break;
	}
}

static void ping_fire(struct sim *s, void *arg)
{
	struct link *l = arg;
	int64_t every = s->set.ping_ms * MS;
	char text[32];
	int n;

	if (every <= 0)
		return;
	if (sim_clock_us() - l->heard_us > 3 * every) {
		conn_kill(l->c, false);
		return;
	}
	n = snprintf(text, sizeof(text), "Ping %" PRId64, sim_clock_us());
	ws_send(l->c, WS_PING, text, (size_t)n);
	timer_arm(s, &l->ping, every, ping_fire, l);
}

static void life_fire(struct sim *s, void *arg)
{
	struct link *l = arg;

	switch (l->stage++) {
	case 0:
		link_disconnect(l, "warning");
		timer_arm(s, &l->life, s->set.warning_ms * MS, life_fire, l);
		break;
	case 1:
		link_disconnect(l, "refresh_requested");
		timer_arm(s, &l->life, 1000 * MS, life_fire, l);
		break;
	default:
		link_end(l, SIM_CUT_CLOSE);
	}
}

static void hello_fire(struct sim *s, void *arg)
{
	struct link *l = arg;

	if (l->app->links.n > (size_t)s->set.max_links) {
		link_disconnect(l, "too_many_websockets");
		link_end(l, SIM_CUT_FIN);
		return;
	}
	send_hello(l);
	l->live = true;
	s->stats.links_live++;
	if (s->set.ping_ms > 0)
		timer_arm(s, &l->ping, s->set.ping_ms * MS, ping_fire, l);
	sim_changed(s);
}

static void start_link(struct conn *c, struct app *a, bool debug)
{
	struct sim *s = c->s;
	struct link *l = must_alloc(sizeof(*l));
	int life = debug ? DEBUG_LIFE_MS : s->set.link_life_ms;

	l->id = ++s->socket->links;
	l->c = c;
	l->app = a;
	l->heard_us = sim_clock_us();
	c->mode = CONN_LINK;
	c->user = l;
	c->gone = link_gone;
	vec_push(&a->links, l);
	s->stats.links_opened++;
	if (life > 0) {
		life -= s->set.warning_ms;
		timer_arm(s, &l->life, (life < 0 ? 0 : life) * MS, life_fire,
			  l);
	}
	timer_arm(s, &l->hello, s->set.hello_ms * MS, hello_fire, l);
}

static bool upgrade_fault(struct conn *c, const struct app *a)
{
	struct fault *f = fault_take(c->s, "link", a ? a->id : NULL, NULL);

	if (!f)
		return false;
	switch (f->kind) {
	case SIM_FAULT_HANG:
	case SIM_FAULT_DELAY:
		http_hold(c);
		break;
	case SIM_FAULT_RESET:
	case SIM_FAULT_LOST:
	case SIM_FAULT_LATE:
		conn_kill(c, true);
		break;
	case SIM_FAULT_ERROR:
	case SIM_FAULT_STATUS:
	case SIM_FAULT_RATE:
		http_reply(c, f->status ? f->status : 408, "text/plain", NULL,
			   "", 0);
		break;
	}
	return true;
}

void socket_upgrade(struct conn *c, const struct request *r)
{
	const char *upgrade = http_header(r, "upgrade");
	const char *key = http_header(r, "sec-websocket-key");
	struct app *a = take_ticket(c->s, r->query);
	char head[256];
	char accept[32];
	int n;

	if (upgrade_fault(c, a))
		return;
	if (!upgrade || strcasecmp(upgrade, "websocket") != 0 || !key) {
		http_reply(c, 400, "text/plain", NULL, "", 0);
		return;
	}
	if (!a) {
		http_reply(c, 401, "text/plain", NULL, "", 0);
		return;
	}
	ws_accept(key, accept);
	n = snprintf(head, sizeof(head),
		     "HTTP/1.1 101 Switching Protocols\r\n"
		     "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		     "Sec-WebSocket-Accept: %s\r\n\r\n",
		     accept);
	conn_send(c, head, (size_t)n);
	start_link(c, a, strstr(r->query, "debug_reconnects=true"));
}

static void link_frame(struct link *l, const struct ws_frame *f)
{
	struct sim *s = l->c->s;

	l->heard_us = sim_clock_us();
	switch (f->op) {
	case WS_PING:
		s->stats.pings++;
		ws_send(l->c, WS_PONG, f->data, f->len);
		break;
	case WS_PONG:
		break;
	case WS_CLOSE:
		if (!l->closing) {
			ws_send(l->c, WS_CLOSE, f->data, f->len);
			start_closing(l);
		}
		break;
	case WS_TEXT:
		/* Slack reads no message in fragments, nor what is too large;
		 * it doesn't say so either (slack-go's maxResponseSize). */
		if (!f->fin || f->len >= 20480)
			s->stats.acks_ignored++;
		else
			envelope_acked(s, l, f);
		break;
	case WS_BINARY:
	case WS_CONT:
		s->stats.acks_ignored += f->fin;
		break;
	}
	sim_changed(s);
}

void link_readable(struct conn *c)
{
	struct ws_frame f;
	size_t at = 0;
	int rc = 0;

	while (!c->dead && at < c->in.len) {
		rc = ws_parse(c->in.data + at, c->in.len - at, &f);
		if (rc <= 0)
			break;
		at += f.whole;
		link_frame(c->user, &f);
	}
	if (c->dead)
		return;
	buf_shift(&c->in, at);
	if (rc < 0)
		conn_kill(c, false);
}

struct link *link_pick(struct sim *s, const struct app *a)
{
	size_t n = a->links.n;
	size_t from = n > 1 ? sim_random(s) % n : 0;
	struct link *l;
	size_t i;

	for (i = 0; i < n; i++) {
		l = a->links.v[(from + i) % n];
		if (l->live && !l->closing)
			return l;
	}
	return NULL;
}
