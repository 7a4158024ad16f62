/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_WEB_IN_H
#define ADMIN_WEB_IN_H

#include <libwebsockets.h>

#include "admin/web.h"

struct door;

/* Between web.c, which has doors and context, and web_request.c. */

/* A client has this long for its headers, and between parts of its body. */
#define WEB_CLIENT_S 10

struct web {
	struct lws_context *ctx; /* lws sets it to NULL when it is gone */
	struct lws_vhost *vhost; /* without a listener of its own */
	struct door *local, *tcp;
	struct web_opts opts;
	char *socket;
};

extern const struct lws_protocols web_protocols[];

#endif
