/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_WEB_IN_H
#define ADMIN_WEB_IN_H

#include <libwebsockets.h>

#include "admin/peer.h"
#include "admin/web.h"

struct door;
struct err;

/* Between web.c, which has doors and context, and web_request.c. */

/* A client has this long for its headers, and between parts of its body. */
#define WEB_CLIENT_S 10

struct web {
	struct lws_context *ctx; /* lws sets it to NULL when it is gone */
	struct lws_vhost *vhost; /* without a listener of its own */
	struct door *local, *tcp;
	size_t others; /* connections for which no place is kept */
	struct web_opts opts;
	char *socket;
};

/* A connection, from its acceptance until lws is done with it. */
struct caller {
	struct web *web;
	bool local;
	struct peer peer; /* if so */
	bool loopback;    /* came to an address of this machine only */
	bool kept;        /* there is a place for it */
};
void web_caller_free(struct caller *c);

extern const struct lws_protocols web_protocols[];

#endif
