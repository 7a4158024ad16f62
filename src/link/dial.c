/* SPDX-License-Identifier: ISC */
#include "link/dial.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/container.h"
#include "base/json.h"
#include "base/secret.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/tunnel.h"
#include "net/way.h"
#include "slack/api.h"

/*
 * Over HTTP/1.1 each connection costs a TLS handshake, and reuse costs a
 * round trip in a queue; over HTTP/2 one is enough.
 */
#define TICKETS_AT_ONCE 16

/* For the host of a link, or the proxy before it, to answer. */
#define CONNECT_MS 10000

/* Who asked has given up by then, and asks anew; see patience_ms in link.c. */
#define STALE_MS 15000
#define LOOK_MS  1000

struct dial {
	struct dialer base; /* must be first */
	const struct conf *conf;
	struct loop *io, *dial;
	bool silent; /* closed, as the I/O thread knows it */

	/* The dial thread's. */
	struct http *http;
	struct way_box *way;
	struct way_box *own_way;  /* made by us */
	struct tunnels *tunnels;  /* of links too, as long as they live */
	struct ask *asks;         /* between start and finish */
	struct loop_timer *timer; /* while there are any */
	bool closed;
	struct loop_task close_task;
};

/* One ticket on its way: to the dial thread, and back. */
struct ask {
	struct loop_task task; /* must be first */
	struct dial *d;
	struct ask *next;
	struct ask **link;
	struct slack_call *call;
	struct tunnel *tunnel;
	char *app_id;
	char *token;
	uint32_t gen;
	unsigned int nth;
	int64_t asked_ms;
	struct ticket ticket;
};

static void ask_free(struct ask *a)
{
	secret_free(a->token);
	free(a->app_id);
	explicit_bzero(&a->ticket, sizeof(a->ticket));
	free(a);
}

static void list_add(struct ask *a)
{
	if (!a->d->asks)
		loop_timer_set(a->d->timer, LOOK_MS);
	a->next = a->d->asks;
	a->link = &a->d->asks;
	if (a->next)
		a->next->link = &a->next;
	a->d->asks = a;
}

static void list_remove(struct ask *a)
{
	*a->link = a->next;
	if (a->next)
		a->next->link = a->link;
}

/* Back on the I/O thread. */
static void deliver(struct loop_task *t)
{
	struct ask *a = (struct ask *)t;
	struct dial *d = a->d;

	if (!d->silent)
		d->base.done(a->app_id, a->gen, &a->ticket, d->base.arg);
	ask_free(a);
}

static void finish(struct ask *a)
{
	list_remove(a);
	a->task.run = deliver;
	loop_post(a->d->io, &a->task);
}

static void fail(struct ask *a, enum err_kind kind, const char *what)
{
	err_set(&a->ticket.e, kind, "%s", what);
	finish(a);
}

static void take_addr(struct ask *a, const char *addr)
{
	(void)snprintf(a->ticket.addr, sizeof(a->ticket.addr), "%.45s", addr);
	finish(a);
}

static void on_tunnel(const char *addr, const char *why, void *arg)
{
	struct ask *a = arg;

	a->tunnel = NULL;
	if (addr) {
		take_addr(a, addr);
		return;
	}
	err_set(&a->ticket.e, ERR_RETRY, "cannot reach the link's host: %s",
		why);
	finish(a);
}

static void connect_host(struct ask *a, const struct ws_url *u, bool probe)
{
	const struct way *way = way_box_take(a->d->way);
	const struct tunnel_request r = {
		.host = u->host,
		.port = u->port,
		.tls = u->tls,
		.probe = probe,
		.way = way,
		.connect_ms = CONNECT_MS,
		.done = on_tunnel,
		.arg = a,
	};
	struct err e = { 0 };

	a->tunnel = tunnel_open(a->d->tunnels, &r, &e);
	way_box_drop(a->d->way, way);
	if (!a->tunnel)
		fail(a, ERR_RETRY, e.msg);
}

static bool both_families(const struct loop_addrs *r)
{
	int i, v6 = 0;

	for (i = 0; i < r->n; i++)
		v6 += strchr(r->addr[i], ':') != NULL;
	return v6 > 0 && v6 < r->n;
}

/*
 * A host with IPv6 and IPv4 is tried by both, since many a network has IPv6
 * that leads nowhere. Of several addresses of one family the next attempt
 * takes the next.
 */
static void on_resolved(const struct loop_addrs *r, void *arg)
{
	struct ask *a = arg;
	struct err e = { 0 };
	struct ws_url u;

	if (r->n == 0) {
		err_set(&a->ticket.e, ERR_RETRY,
			"cannot resolve the link's host: %s", r->msg);
		finish(a);
	} else if (!a->d->closed && both_families(r) &&
		   ws_url_parse(&u, a->ticket.url, &e) == 0) {
		connect_host(a, &u, true);
	} else {
		take_addr(a, r->addr[a->nth % (unsigned int)r->n]);
	}
}

static bool numeric(const char *host)
{
	unsigned char ip[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, ip) == 1 ||
	       inet_pton(AF_INET6, host, ip) == 1;
}

static bool is_proxied(struct dial *d, const struct ws_url *u)
{
	const struct way *way = way_box_take(d->way);
	bool yes = way_proxy(way, u->tls) != NULL;

	way_box_drop(d->way, way);
	return yes;
}

/* Slack's answer is good, as far as it goes. */
static void take_url(struct ask *a, const char *url)
{
	struct ticket *t = &a->ticket;
	struct err e = { 0 };
	struct ws_url u;
	int n;

	n = snprintf(t->url, sizeof(t->url), "%s", url);
	if (n < 0 || (size_t)n >= sizeof(t->url)) {
		fail(a, ERR_RETRY, "the link's URL is too long");
		return;
	}
	if (ws_url_parse(&u, t->url, &e) < 0)
		fail(a, ERR_RETRY, e.msg);
	else if (is_proxied(a->d, &u))
		connect_host(a, &u, false);
	else if (numeric(u.host))
		take_addr(a, u.host);
	else if (loop_resolve(a->d->dial, u.host, on_resolved, a, &e) < 0)
		fail(a, ERR_RETRY, e.msg);
}

/* What no repetition heals: an operator has to look at the token or the app
 * (the error list of apps.connections.open, and the common ones). */
static bool hopeless(const struct slack_result *r)
{
	return r->fault == SLACK_DEAD || r->fault == SLACK_CONFIG ||
	       strcmp(r->error, "missing_args") == 0;
}

static void on_answer(const struct slack_result *r, void *arg)
{
	struct ask *a = arg;
	const char *url = json_str(r->body, "url");

	a->call = NULL;
	if (r->fault == SLACK_OK && url) {
		take_url(a, url);
		return;
	}
	if (r->fault == SLACK_OK) {
		fail(a, ERR_RETRY, "apps.connections.open gave no URL");
		return;
	}
	err_set(&a->ticket.e, ERR_RETRY, "apps.connections.open: %s", r->error);
	if (hopeless(r))
		a->ticket.e.kind = ERR_FATAL;
	else if (r->fault == SLACK_RATE)
		a->ticket.e.kind = ERR_LIMIT;
	a->ticket.e.retry_ms = r->retry_ms;
	finish(a);
}

static void start(struct loop_task *t)
{
	struct ask *a = (struct ask *)t;
	struct dial *d = a->d;
	struct err e = { 0 };

	if (d->closed) {
		ask_free(a);
		return;
	}
	list_add(a);
	a->call = slack_call(d->http, d->conf->slack_api_url,
			     "apps.connections.open", a->token, NULL, on_answer,
			     a, &e);
	if (!a->call)
		fail(a, ERR_RETRY, e.msg);
}

static struct ask *ask_create(struct dial *d, const char *app_id,
			      const char *token)
{
	struct ask *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->d = d;
	a->task.run = start;
	a->app_id = strdup(app_id);
	a->token = strdup(token);
	if (a->app_id && a->token)
		return a;
	ask_free(a);
	return NULL;
}

/* Without memory no answer comes: the link's own deadline sees to that. */
static void dial_ask(struct dialer *base, const char *app_id, uint32_t gen,
		     const char *token, unsigned int nth)
{
	struct dial *d = (struct dial *)base;
	struct ask *a = ask_create(d, app_id, token);

	if (!a)
		return;
	a->gen = gen;
	a->nth = nth;
	a->asked_ms = clock_ms();
	loop_post(d->dial, &a->task);
}

/* Names can't be called off, and end by themselves. */
static void drop_ask(struct ask *a)
{
	slack_cancel(a->call);
	tunnel_cancel(a->tunnel);
	list_remove(a);
	ask_free(a);
}

/*
 * While Slack is slow more is asked than answered. What nobody waits for any
 * more must not stand before those who do: it would never end.
 */
static void drop_stale(void *arg)
{
	struct dial *d = arg;
	struct ask *a, *next;
	int64_t now = clock_ms();

	for (a = d->asks; a; a = next) {
		next = a->next;
		if ((a->call || a->tunnel) && now - a->asked_ms > STALE_MS)
			drop_ask(a);
	}
	if (d->asks)
		loop_timer_set(d->timer, LOOK_MS);
}

static void tell_closed(struct loop_task *t)
{
	struct dial *d = container_of(t, struct dial, close_task);

	d->base.closed(d->base.arg);
}

/* On the dial thread. What resolves a name dial_free() sees to. */
static void close_http(struct loop_task *t)
{
	struct dial *d = container_of(t, struct dial, close_task);
	struct ask *a, *next;

	d->closed = true;
	for (a = d->asks; a; a = next) {
		next = a->next;
		if (a->call || a->tunnel)
			drop_ask(a);
	}
	loop_timer_free(d->timer);
	d->timer = NULL;
	http_free(d->http);
	d->http = NULL;
	tunnels_free(d->tunnels);
	d->tunnels = NULL;
	d->close_task.run = tell_closed;
	loop_post(d->io, &d->close_task);
}

static void dial_close(struct dialer *base)
{
	struct dial *d = (struct dial *)base;

	d->silent = true;
	d->close_task.run = close_http;
	loop_post(d->dial, &d->close_task);
}

static const struct dialer_ops ops = {
	.ask = dial_ask,
	.close = dial_close,
};

static int create_parts(struct dial *d, struct way_box *way, struct err *e)
{
	struct http_opts ho = { .at_once = TICKETS_AT_ONCE };
	struct way *own;

	if (!way) {
		own = way_create(&d->conf->slack_way, e);
		if (!own)
			return -1;
		d->own_way = way_box_create(own, e);
		if (!d->own_way) {
			way_free(own);
			return -1;
		}
	}
	d->way = way ? way : d->own_way;
	ho.box = d->way;
	d->http = http_create(d->dial, &ho, e);
	if (!d->http)
		return -1;
	d->timer = loop_timer_create(d->dial, drop_stale, d);
	if (!d->timer)
		return err_set(e, ERR_RETRY, "cannot allocate the dialer");
	d->tunnels = tunnels_create(d->dial, e);
	return d->tunnels ? 0 : -1;
}

struct dialer *dial_create(const struct conf *conf, struct way_box *way,
			   struct loop *io, struct loop *dial, struct err *e)
{
	struct dial *d = calloc(1, sizeof(*d));

	if (!d) {
		err_set(e, ERR_RETRY, "cannot allocate the dialer");
		return NULL;
	}
	d->base.ops = &ops;
	d->conf = conf;
	d->io = io;
	d->dial = dial;
	if (create_parts(d, way, e) < 0) {
		dial_free(&d->base);
		return NULL;
	}
	return &d->base;
}

void dial_hush(struct dialer *base)
{
	((struct dial *)base)->silent = true;
}

void dial_free(struct dialer *base)
{
	struct dial *d = (struct dial *)base;
	struct ask *a, *next;

	if (!d)
		return;
	for (a = d->asks; a; a = next) {
		next = a->next;
		slack_cancel(a->call);
		tunnel_cancel(a->tunnel);
		ask_free(a);
	}
	tunnels_free(d->tunnels);
	loop_timer_free(d->timer);
	http_free(d->http);
	way_box_free(d->own_way);
	free(d);
}
