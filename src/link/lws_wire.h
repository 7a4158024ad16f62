/* SPDX-License-Identifier: ISC */
#ifndef LINK_LWS_WIRE_H
#define LINK_LWS_WIRE_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "link/transport.h"

struct loop;
struct out; /* a frame to be sent */

/* What lws.c and lws_wire.c share: the context, and one connection. */
struct lws_transport {
	struct transport base; /* must be first */
	struct loop *io;
	struct lws_context *cx;
	struct lws_vhost *vhost;
	struct ssl_ctx_st *tls;
	size_t partial; /* bytes of frames that are not whole yet */
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

/* NULL: no memory. */
struct wire *lws_wire_create(struct lws_transport *t,
			     const struct wire_events *ev, void *arg);
void lws_wire_free(struct wire *w);

/* All that lws tells about connections; the wire is their user data. */
int lws_wire_callback(struct lws *wsi, enum lws_callback_reasons reason,
		      void *user, void *in, size_t len);

/* As in transport_ops. */
int lws_wire_send(struct wire *w, const char *p, size_t n);
int lws_wire_ping(struct wire *w);
void lws_wire_close(struct wire *w);
void lws_wire_drop(struct wire *w);

#endif
