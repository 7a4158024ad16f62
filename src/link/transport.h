/* SPDX-License-Identifier: ISC */
#ifndef LINK_TRANSPORT_H
#define LINK_TRANSPORT_H

#include <stddef.h>

struct conf_way;
struct tls_trust;
struct err;
struct loop;

/*
 * A WebSocket client connection as the link's state machine sees it. Two
 * implementations: libwebsockets, and a script in the tests. All on the I/O
 * thread.
 */
struct transport; /* makes connections */
struct wire;      /* one connection */

/* The largest frame, and all that is partly received at one time. */
#define WIRE_FRAME_MAX   (4 * 1024 * 1024)
#define WIRE_PARTIAL_MAX (64 * 1024 * 1024)

/* Why a frame was thrown away. */
enum wire_garbage {
	WIRE_BINARY,
	WIRE_TOO_LARGE, /* above WIRE_FRAME_MAX */
	WIRE_NO_ROOM,   /* above WIRE_PARTIAL_MAX, or no memory */
};

/* What a wire reports. None comes from inside connect(), send() or close(),
 * and none after closed, nor after drop(). The wire may be dropped in any. */
struct wire_events {
	void (*opened)(void *arg);
	/* A whole text frame, reassembled; no NUL stands behind it. */
	void (*text)(const char *p, size_t n, void *arg);
	void (*pong)(void *arg);
	/* A part of a frame came in. */
	void (*alive)(void *arg);
	void (*garbage)(enum wire_garbage what, void *arg);
	/* why: "closed by peer (1006)", the TLS reason, ... */
	void (*closed)(const char *why, void *arg);
};

struct transport_ops {
	/* url is wss://host/path?...; addr a numeric address of host, or
	 * "+@name" of a unix socket that leads to it. The wire's events go to
	 * ev with arg. NULL with e filled. */
	struct wire *(*connect)(struct transport *t, const char *url,
				const char *addr, const struct wire_events *ev,
				void *arg, struct err *e);
	/* One unfragmented text frame; queued, copied. -1: too much queued. */
	int (*send)(struct wire *w, const char *p, size_t n);
	int (*ping)(struct wire *w);
	/* Send Close(1000) after what is queued. closed is reported when the
	 * peer has answered; who doesn't want to wait for that drops it. */
	void (*close)(struct wire *w);
	/* Cut it off at once, without a report. w is gone. */
	void (*drop)(struct wire *w);
};

struct transport {
	const struct transport_ops *ops;
};

/*
 * The one over libwebsockets. Of the way it takes the CAs only. To be made once
 * in a process, after hub_raise_files(): lws sizes its tables by the limit.
 */
struct transport *lws_transport_create(struct loop *io,
				       const struct conf_way *way,
				       struct err *e);
/* Takes it: whom wires trust that connect from now on. On the loop's thread. */
void lws_transport_trust(struct transport *t, struct tls_trust *trust);
/* When the loop doesn't run (any more). NULL is allowed. */
void lws_transport_free(struct transport *t);

#endif
