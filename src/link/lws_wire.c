/* SPDX-License-Identifier: ISC */
#include "link/lws_wire.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/killpoint.h"

/*
 * lws wants LWS_PRE bytes in front of what is written, keeps one pending
 * "writable" for each connection, and frees a connection some time after it
 * was told to.
 */

#define SEND_MAX   (256 * 1024) /* queued on one wire */
#define UNACKED_MS 30000        /* a peer that vanished; pings are quicker */

struct out {
	struct out *next;
	size_t n;
	unsigned char data[]; /* LWS_PRE bytes, and the frame */
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
	killpoint("acked");
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

void lws_wire_free(struct wire *w)
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
	lws_wire_free(w);
}

int lws_wire_callback(struct lws *wsi, enum lws_callback_reasons reason,
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

struct wire *lws_wire_create(struct lws_transport *t,
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

int lws_wire_send(struct wire *w, const char *p, size_t n)
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

int lws_wire_ping(struct wire *w)
{
	if (!w->open || w->want_close)
		return -1;
	w->want_ping = true;
	lws_callback_on_writable(w->wsi);
	return 0;
}

/* lws frees it later, when none of its functions is on the stack; soon, if it
 * is woken: a loop that has nothing else to do would look at its timers only
 * when the next of those it knew of is due. */
static void kill_wsi(struct lws *wsi)
{
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
	lws_cancel_service_pt(wsi);
}

void lws_wire_close(struct wire *w)
{
	w->want_close = true;
	if (w->open)
		lws_callback_on_writable(w->wsi);
	else
		kill_wsi(w->wsi);
}

void lws_wire_drop(struct wire *w)
{
	forget_partial(w);
	w->ev = NULL;
	kill_wsi(w->wsi);
}
