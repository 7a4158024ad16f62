/* SPDX-License-Identifier: ISC */
#ifndef NET_TUNNEL_H
#define NET_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct loop;
struct way;

/*
 * Connections for a library that dials by itself and knows little of proxies
 * (libwebsockets): libcurl connects to a host, through whatever proxy and
 * with whatever login; the library dials a socket of ours instead, and the
 * bytes are passed on both ways until one side closes. On the loop's thread
 * only.
 */
struct tunnels;

struct tunnels *tunnels_create(struct loop *l, struct err *e);
/* Cuts all; none reports any more. NULL is allowed. */
void tunnels_free(struct tunnels *ts);

/* What is given to done(), "+@..." as lws takes the name of a socket. */
#define TUNNEL_ADDR_SIZE 46

struct tunnel_request {
	const char *host; /* without the brackets of an IPv6 address */
	uint16_t port;
	bool tls; /* which proxy of the environment it is */
	/*
	 * Connect directly, without the proxy, only to find out which address
	 * of the host answers (IPv6 or IPv4, whichever is first), and close
	 * again. done() gets the address.
	 */
	bool probe;
	const struct way *way; /* used during the call only */
	unsigned int connect_ms;
	/*
	 * Once, later. addr NULL: failed, and why tells it. A socket is to be
	 * dialed within 15 s, once, by this process.
	 */
	void (*done)(const char *addr, const char *why, void *arg);
	void *arg;
};

/* NULL with e filled, and then no callback. */
struct tunnel;
struct tunnel *tunnel_open(struct tunnels *ts, const struct tunnel_request *r,
			   struct err *e);
/* Before done() began; it won't be called. NULL is allowed. */
void tunnel_cancel(struct tunnel *t);

#endif
