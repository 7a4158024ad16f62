/* SPDX-License-Identifier: ISC */
#ifndef LINK_TRANSPORT_H
#define LINK_TRANSPORT_H

#include <stddef.h>

struct err;

/*
 * A WebSocket client connection as the link's state machine sees it. Two
 * implementations: libwebsockets, and a script in the tests. All on the I/O
 * thread.
 */
struct transport; /* makes connections */
struct wire;	  /* one connection */

/* What a wire reports. None comes from inside connect(), send() or close(),
 * and none after closed, nor after drop(). */
struct wire_events {
	void (*opened)(void *arg);
	/* A whole text frame, reassembled. */
	void (*text)(const char *p, size_t n, void *arg);
	void (*pong)(void *arg);
	/* Bytes of any kind came in: a ping, a part of a frame. */
	void (*alive)(void *arg);
	/* Binary, too large or out of the ceiling: it was thrown away. */
	void (*garbage)(const char *why, void *arg);
	/* why: "closed by peer (1006)", the TLS reason, ... */
	void (*closed)(const char *why, void *arg);
};

struct transport_ops {
	/* url is wss://host/path?...; addr a numeric address of host. The
	 * wire's events go to ev with arg. NULL with e filled. */
	struct wire *(*connect)(struct transport *t, const char *url,
				const char *addr, const struct wire_events *ev,
				void *arg, struct err *e);
	/* One unfragmented text frame; queued, copied. -1: too much queued. */
	int (*send)(struct wire *w, const char *p, size_t n);
	int (*ping)(struct wire *w);
	/* Send Close(1000) after what is queued, wait at most a second. Then
	 * closed is reported. */
	void (*close)(struct wire *w);
	/* Cut it off at once, without a report. w is gone. */
	void (*drop)(struct wire *w);
};

struct transport {
	const struct transport_ops *ops;
};

#endif
