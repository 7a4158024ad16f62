/* SPDX-License-Identifier: ISC */
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "link/transport.h"
#include "link/url.h"
#include "net/loop.h"
#include "net/tls.h"

/*
 * libwebsockets 4.1.6 as Debian 12 builds it. What it asks of us: one context
 * on a loop of ours, made before any TLS handshake; the name in .host and the
 * address in .address, or it resolves with getaddrinfo() on this thread; its
 * functions called on the loop's thread only; one pending "writable" for each
 * connection, and LWS_PRE bytes in front of what is written.
 */

/* A mention with its blocks fits mostly; each idle link holds this much. */
#define RX_BUFFER 2048

#define SEND_MAX (256 * 1024) /* queued on one wire */

#define HANDSHAKE_S 10

#define DESTROY_TURNS 8

/* A peer that vanished: the kernel's part; the link's pings are quicker. */
#define KEEPALIVE_S      30
#define KEEPALIVE_PROBES 3
#define UNACKED_MS       30000

/*
 * No checks by lws whether a connection still lives: the links do that, and
 * lws keeps its deadlines in a sorted list, which costs a walk over all
 * connections for each pong.
 */
static const lws_retry_bo_t no_checks;

struct lws_transport {
	struct transport base; /* must be first */
	struct loop *io;
	struct lws_context *cx;
	struct lws_vhost *vhost;
	struct ssl_ctx_st *tls;
	size_t partial; /* bytes of frames that are not whole yet */
};

struct out {
	struct out *next;
	size_t n;
	unsigned char data[]; /* LWS_PRE bytes, and the frame */
};

struct wire {
	struct lws_transport *t;
	struct lws *wsi; /* NULL before connect, and after it was destroyed */
	const struct wire_events *ev; /* NULL: nobody listens any more */
	void *arg;

	struct buf in; /* of a frame that comes in parts */
	struct out *first;
	struct out **last;
	size_t queued;

	uint32_t pings;
	bool want_ping;
	bool want_close;
	bool connecting; /* inside lws_client_connect_via_info() */
	bool open;
	bool skipping; /* the rest of a frame that was thrown away */
	enum wire_garbage skip_why;
	char why[96]; /* it ends */
};

static void free_queue(struct wire *w)
{
	struct out *o;

	while (w->first) {
		o = w->first;
		w->first = o->next;
		free(o);
	}
}

static void forget_partial(struct wire *w)
{
	w->t->partial -= w->in.len;
	buf_release(&w->in);
	buf_init(&w->in, WIRE_FRAME_MAX);
}

static void set_why(struct wire *w, const char *why)
{
	if (w->why[0] == '\0')
		(void)snprintf(w->why, sizeof(w->why), "%s", why);
}

static void report_closed(struct wire *w, const char *why)
{
	const struct wire_events *ev = w->ev;

	set_why(w, why);
	forget_partial(w);
	w->ev = NULL;
	if (ev && !w->connecting)
		ev->closed(w->why, w->arg);
}

/* Best effort: a kernel without it leaves us the pings. */
static void set_user_timeout(struct lws *wsi)
{
	unsigned int ms = UNACKED_MS;

	(void)setsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_USER_TIMEOUT,
			 &ms, sizeof(ms));
}

static void skip(struct wire *w, enum wire_garbage why)
{
	forget_partial(w);
	w->skipping = true;
	w->skip_why = why;
}

static void gather(struct wire *w, const char *p, size_t n)
{
	if (w->in.len + n > WIRE_FRAME_MAX)
		skip(w, WIRE_TOO_LARGE);
	else if (w->t->partial + n > WIRE_PARTIAL_MAX ||
		 buf_add(&w->in, p, n) < 0)
		skip(w, WIRE_NO_ROOM);
	else
		w->t->partial += n;
}

/* The frame is whole; w may be dropped by who hears of it. */
static void deliver(struct wire *w)
{
	struct buf in = w->in;

	w->t->partial -= in.len;
	buf_init(&w->in, WIRE_FRAME_MAX);
	w->ev->text(in.data, in.len, w->arg);
	buf_release(&in);
}

static void on_receive(struct wire *w, const char *p, size_t n)
{
	bool last = lws_is_final_fragment(w->wsi) &&
		    lws_remaining_packet_payload(w->wsi) == 0;

	if (!w->ev)
		return;
	if (lws_frame_is_binary(w->wsi) && !w->skipping)
		skip(w, WIRE_BINARY);
	if (last && !w->skipping && w->in.len == 0) {
		w->ev->text(p, n, w->arg);
		return;
	}
	if (!w->skipping)
		gather(w, p, n);
	if (!last) {
		w->ev->alive(w->arg);
	} else if (w->skipping) {
		w->skipping = false;
		w->ev->garbage(w->skip_why, w->arg);
	} else {
		deliver(w);
	}
}

static int write_ping(struct wire *w)
{
	unsigned char data[LWS_PRE + sizeof(w->pings)];

	w->want_ping = false;
	w->pings++;
	memcpy(data + LWS_PRE, &w->pings, sizeof(w->pings));
	return lws_write(w->wsi, data + LWS_PRE, sizeof(w->pings),
			 LWS_WRITE_PING);
}

static int write_first(struct wire *w)
{
	struct out *o = w->first;
	int rc;

	w->first = o->next;
	if (!w->first)
		w->last = &w->first;
	w->queued -= o->n;
	rc = lws_write(w->wsi, o->data + LWS_PRE, o->n, LWS_WRITE_TEXT);
	free(o);
	return rc;
}

/* -1: close the connection. */
static int on_writable(struct wire *w)
{
	while (w->first && !lws_send_pipe_choked(w->wsi)) {
		if (write_first(w) < 0)
			return -1;
	}
	if (!w->first && w->want_ping && !lws_send_pipe_choked(w->wsi) &&
	    write_ping(w) < 0)
		return -1;
	if (w->first || w->want_ping) {
		lws_callback_on_writable(w->wsi);
		return 0;
	}
	if (w->want_close) {
		lws_close_reason(w->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
		return -1;
	}
	return 0;
}

static void on_peer_close(struct wire *w, const unsigned char *p, size_t n)
{
	char why[40];
	unsigned int code = 1005; /* none given (RFC 6455, 7.1.5) */

	if (n >= 2)
		code = (unsigned int)p[0] << 8 | p[1];
	(void)snprintf(why, sizeof(why), "closed by peer (%u)", code);
	set_why(w, why);
}

static void on_handshake_error(struct wire *w, const char *in, size_t len)
{
	char why[sizeof(w->why)];

	(void)snprintf(why, sizeof(why), "cannot connect: %.*s", (int)len,
		       in ? in : "");
	report_closed(w, in && len > 0 ? why : "cannot connect");
}

/*
 * lws has set up the check of chain and name; this only keeps the reason,
 * which lws tells its log alone. Returning 0 leaves the verdict as it is.
 */
static void on_certificate(struct wire *w, void *store, int ok)
{
	int code;

	if (!w || ok)
		return;
	code = X509_STORE_CTX_get_error(store);
	(void)snprintf(w->why, sizeof(w->why), "TLS: %s",
		       X509_verify_cert_error_string(code));
}

static void wire_free(struct wire *w)
{
	free_queue(w);
	free(w);
}

static void on_destroy(struct wire *w)
{
	w->wsi = NULL;
	if (w->connecting)
		return;
	if (w->ev)
		report_closed(w, "closed");
	wire_free(w);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason,
		    void *user, void *in, size_t len)
{
	struct wire *w = user;

	/* The one reason whose user isn't the wire. */
	if (reason == LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION) {
		on_certificate(lws_wsi_user(wsi), user, (int)len);
		return 0;
	}
	if (!w)
		return 0;
	switch (reason) {
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		w->open = true;
		set_user_timeout(wsi);
		if (w->ev)
			w->ev->opened(w->arg);
		break;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		on_receive(w, in, len);
		break;
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		if (w->ev)
			w->ev->pong(w->arg);
		break;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return w->ev ? on_writable(w) : -1;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		on_peer_close(w, in, len);
		break;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		on_handshake_error(w, in, len);
		break;
	case LWS_CALLBACK_CLIENT_CLOSED:
		report_closed(w, "connection lost");
		break;
	case LWS_CALLBACK_WSI_DESTROY:
		on_destroy(w);
		return 0;
	default:
		break;
	}
	return w->ev ? 0 : -1;
}

static struct wire *wire_create(struct lws_transport *t,
				const struct wire_events *ev, void *arg)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->t = t;
	w->ev = ev;
	w->arg = arg;
	w->last = &w->first;
	buf_init(&w->in, WIRE_FRAME_MAX);
	return w;
}

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
	w = wire_create(t, ev, arg);
	if (!w) {
		err_set(e, ERR_RETRY, "cannot connect: no memory");
		return NULL;
	}
	if (host_header(&u, host, sizeof(host)) == 0)
		start(w, &u, host, addr);
	if (!w->wsi) {
		err_set(e, ERR_RETRY, "%s",
			w->why[0] ? w->why : "cannot connect");
		wire_free(w);
		return NULL;
	}
	return w;
}

static int lws_send(struct wire *w, const char *p, size_t n)
{
	struct out *o;

	if (!w->open || w->want_close || n > SEND_MAX - w->queued)
		return -1;
	o = malloc(sizeof(*o) + LWS_PRE + n);
	if (!o)
		return -1;
	memcpy(o->data + LWS_PRE, p, n);
	o->n = n;
	o->next = NULL;
	*w->last = o;
	w->last = &o->next;
	w->queued += n;
	lws_callback_on_writable(w->wsi);
	return 0;
}

static int lws_ping(struct wire *w)
{
	if (!w->open || w->want_close)
		return -1;
	w->want_ping = true;
	lws_callback_on_writable(w->wsi);
	return 0;
}

static void lws_close(struct wire *w)
{
	w->want_close = true;
	if (w->open)
		lws_callback_on_writable(w->wsi);
	else
		lws_set_timeout(w->wsi, PENDING_TIMEOUT_USER_OK,
				LWS_TO_KILL_ASYNC);
}

/* lws frees it later, when none of its functions is on the stack. */
static void lws_drop(struct wire *w)
{
	forget_partial(w);
	w->ev = NULL;
	lws_set_timeout(w->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static const struct transport_ops ops = {
	.connect = lws_connect,
	.send = lws_send,
	.ping = lws_ping,
	.close = lws_close,
	.drop = lws_drop,
};

static const struct lws_protocols protocols[] = {
	{ .name = "slack", .callback = callback, .rx_buffer_size = RX_BUFFER },
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
	t->vhost = lws_create_vhost(t->cx, &info);
	if (!t->vhost)
		return err_set(e, ERR_FATAL, "cannot set up libwebsockets");
	return 0;
}

struct transport *lws_transport_create(struct loop *io, const char *ca_file,
				       struct err *e)
{
	struct lws_transport *t = calloc(1, sizeof(*t));

	if (!t) {
		err_set(e, ERR_RETRY, "cannot set up libwebsockets: no memory");
		return NULL;
	}
	t->base.ops = &ops;
	t->io = io;
	t->tls = tls_client_create(ca_file, e);
	if (!t->tls || create_context(t, io, e) < 0) {
		lws_transport_free(&t->base);
		return NULL;
	}
	return &t->base;
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
