/* SPDX-License-Identifier: ISC */
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "link/lws_wire.h"
#include "link/transport.h"
#include "link/url.h"
#include "net/loop.h"
#include "net/tls.h"

/*
 * libwebsockets 4.1.6 as Debian 12 builds it. What it asks of us: one context
 * on a loop of ours, made before any TLS handshake; the name in .host and the
 * address in .address, or it resolves with getaddrinfo() on this thread; its
 * functions called on the loop's thread only.
 */

/* A mention with its blocks fits mostly; each idle link holds this much. */
#define RX_BUFFER 2048

#define HANDSHAKE_S 10

#define DESTROY_TURNS 8

/* A peer that vanished: the kernel's part; the link's pings are quicker. */
#define KEEPALIVE_S      30
#define KEEPALIVE_PROBES 3

/*
 * No checks by lws whether a connection still lives: the links do that, and
 * lws keeps its deadlines in a sorted list, which costs a walk over all
 * connections for each pong.
 */
static const lws_retry_bo_t no_checks;

/* What goes into the Host header: with the port if it isn't the usual one. */
static int host_header(const struct ws_url *u, char *out, size_t size)
{
	bool v6 = strchr(u->host, ':') != NULL;
	bool usual = u->port == (u->tls ? 443 : 80);
	int n;

	if (usual)
		n = snprintf(out, size, v6 ? "[%s]" : "%s", u->host);
	else
		n = snprintf(out, size, v6 ? "[%s]:%u" : "%s:%u", u->host,
			     (unsigned int)u->port);
	return n < 0 || (size_t)n >= size ? -1 : 0;
}

static void start(struct wire *w, const struct ws_url *u, const char *host,
		  const char *addr)
{
	struct lws_client_connect_info ci = {
		.context = w->t->cx,
		.vhost = w->t->vhost,
		.address = addr,
		.port = u->port,
		.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
		.path = u->path,
		.host = host,
		.local_protocol_name = "slack",
		.alpn = "http/1.1",
		.userdata = w,
		.pwsi = &w->wsi,
		.retry_and_idle_policy = &no_checks,
	};

	if (u->tls)
		ci.ssl_connection |= LCCSCF_USE_SSL;
	w->connecting = true;
	if (!lws_client_connect_via_info(&ci))
		w->wsi = NULL;
	w->connecting = false;
}

static struct wire *lws_connect(struct transport *base, const char *url,
				const char *addr, const struct wire_events *ev,
				void *arg, struct err *e)
{
	struct lws_transport *t = (struct lws_transport *)base;
	char host[300];
	struct ws_url u;
	struct wire *w;

	if (ws_url_parse(&u, url, e) < 0)
		return NULL;
	w = lws_wire_create(t, ev, arg);
	if (!w) {
		err_set(e, ERR_RETRY, "cannot connect: no memory");
		return NULL;
	}
	if (host_header(&u, host, sizeof(host)) == 0)
		start(w, &u, host, addr);
	if (!w->wsi) {
		err_set(e, ERR_RETRY, "%s",
			w->why[0] ? w->why : "cannot connect");
		lws_wire_free(w);
		return NULL;
	}
	return w;
}

static const struct transport_ops ops = {
	.connect = lws_connect,
	.send = lws_wire_send,
	.ping = lws_wire_ping,
	.close = lws_wire_close,
	.drop = lws_wire_drop,
};

static const struct lws_protocols protocols[] = {
	{ .name = "slack",
	  .callback = lws_wire_callback,
	  .rx_buffer_size = RX_BUFFER },
	{ .name = NULL },
};

static void log_line(int level, const char *line)
{
	(void)level;
	log_debug(NULL, "lws: %.*s", (int)strcspn(line, "\n"), line);
}

static int create_context(struct lws_transport *t, struct loop *io,
			  struct err *e)
{
	void *loops[] = { loop_uv(io) };
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
			   LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
			   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS |
			   LWS_SERVER_OPTION_LIBUV,
		.protocols = protocols,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.foreign_loops = loops,
		.provided_client_ssl_ctx = t->tls,
		.timeout_secs = HANDSHAKE_S,
		.connect_timeout_secs = HANDSHAKE_S,
		.ka_time = KEEPALIVE_S,
		.ka_probes = KEEPALIVE_PROBES,
		.ka_interval = KEEPALIVE_S / KEEPALIVE_PROBES,
	};

	lws_set_log_level(LLL_ERR, log_line);
	t->cx = lws_create_context(&info);
	if (!t->cx)
		return err_set(e, ERR_FATAL,
			       "cannot set up libwebsockets (is its libuv "
			       "plugin, libwebsockets-evlib-uv, installed?)");
	info.vhost_name = "slack";
	/* Else it goes by $http_proxy, also for what is on this machine. */
	info.http_proxy_address = "";
	t->vhost = lws_create_vhost(t->cx, &info);
	if (!t->vhost)
		return err_set(e, ERR_FATAL, "cannot set up libwebsockets");
	return 0;
}

struct transport *lws_transport_create(struct loop *io,
				       const struct conf_way *way,
				       struct err *e)
{
	struct lws_transport *t = calloc(1, sizeof(*t));

	if (!t) {
		err_set(e, ERR_RETRY, "cannot set up libwebsockets: no memory");
		return NULL;
	}
	t->base.ops = &ops;
	t->io = io;
	t->tls = tls_client_create(way, e);
	if (!t->tls || create_context(t, io, e) < 0) {
		lws_transport_free(&t->base);
		return NULL;
	}
	return &t->base;
}

void lws_transport_trust(struct transport *base, struct tls_trust *trust)
{
	tls_client_trust(((struct lws_transport *)base)->tls, trust);
}

/*
 * On a foreign libuv loop lws goes in three steps: it closes its connections,
 * from their close callbacks its own handles, and then waits to be called
 * once more for the rest. Each needs the loop to come round once.
 */
static void destroy_context(struct lws_transport *t)
{
	int turns;

	lws_context_destroy(t->cx);
	for (turns = 0; turns < DESTROY_TURNS; turns++)
		loop_turn(t->io);
	lws_context_destroy(t->cx);
}

void lws_transport_free(struct transport *base)
{
	struct lws_transport *t = (struct lws_transport *)base;

	if (!t)
		return;
	if (t->cx)
		destroy_context(t);
	tls_client_free(t->tls);
	free(t);
}
