/* SPDX-License-Identifier: ISC */
#ifndef LINK_DIAL_H
#define LINK_DIAL_H

#include <stdint.h>

#include "base/err.h"
#include "link/url.h"

struct conf;
struct loop;
struct way_box;

/* What is needed to open one WebSocket; good for one attempt, at once. */
struct ticket {
	char url[WS_URL_MAX + 1]; /* a secret */
	/* Numeric, of the URL's host, or "+@name": the socket of a tunnel
	 * through a proxy. */
	char addr[46];
	/* ERR_NONE: there is a ticket. ERR_LIMIT: not before retry_ms.
	 * ERR_FATAL: not with this token. ERR_RETRY: later. */
	struct err e;
};

/*
 * Where tickets come from: apps.connections.open, or a script in the tests.
 * Asked on the I/O thread, and answers there.
 */
struct dialer;

struct dialer_ops {
	/* done is called once, later, but not after close, nor when 15 s have
	 * passed: who waits for that long has given up. nth chooses among the
	 * addresses of a host that has several. */
	void (*ask)(struct dialer *d, const char *app_id, uint32_t gen,
		    const char *token, unsigned int nth);
	/* Answers no more; closed is called when all has ended. */
	void (*close)(struct dialer *d);
};

struct dialer {
	const struct dialer_ops *ops;
	/* The hub's. */
	void (*done)(const char *app_id, uint32_t gen, const struct ticket *t,
		     void *arg);
	void (*closed)(void *arg);
	void *arg;
};

/* On the loop dial, many at a time; names are resolved there as well. Before
 * the loops start. way NULL: as conf says. */
struct dialer *dial_create(const struct conf *conf, struct way_box *way,
			   struct loop *io, struct loop *dial, struct err *e);
/* Tickets go to nobody any more. On the I/O thread, or after it ended. */
void dial_hush(struct dialer *d);
/* After the loops have stopped, and what is posted to io was run. NULL is
 * allowed. */
void dial_free(struct dialer *d);

#endif
