/* SPDX-License-Identifier: ISC */
#include "admin/web.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/listen.h"
#include "admin/peer.h"
#include "admin/web_in.h"
#include "base/err.h"
#include "base/log.h"
#include "net/door.h"
#include "net/loop.h"

#define CONNECTIONS_MAX 128
#define KEPT            32 /* of these, for whom o->keeps tells */

/* Both doors lead to one vhost. */
static int look_at(struct caller *c, int fd)
{
	struct sockaddr_storage sa = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(sa);
	struct err e = { 0 };

	(void)getsockname(fd, (struct sockaddr *)&sa, &len);
	c->local = sa.ss_family == AF_UNIX;
	c->loopback = listen_is_loopback(&sa);
	if (!c->local)
		return 0;
	if (peer_read(&c->peer, fd, &e) < 0) {
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot tell who comes to the admin socket");
		return -1;
	}
	c->kept = c->web->opts.keeps(&c->peer, c->web->opts.arg);
	return 0;
}

static void release(struct caller *c)
{
	peer_release(&c->peer);
	free(c);
}

void web_caller_free(struct caller *c)
{
	if (!c)
		return;
	if (!c->kept)
		c->web->others--;
	release(c);
}

static void come_in(int fd, void *arg)
{
	struct web *w = arg;
	struct caller *c = calloc(1, sizeof(*c));
	struct lws *wsi;

	if (c)
		c->web = w;
	if (!c || look_at(c, fd) < 0 ||
	    (!c->kept && w->others >= CONNECTIONS_MAX - KEPT)) {
		close(fd);
		goto out;
	}
	/* What it can't take it closes. */
	wsi = lws_adopt_socket_vhost(w->vhost, fd);
	if (!wsi)
		goto out;
	w->others += c->kept ? 0 : 1;
	lws_set_opaque_user_data(wsi, c);
	return;
out:
	if (c)
		release(c);
}

static struct door *open_door(struct web *w, int fd, struct err *e)
{
	return fd < 0 ? NULL : door_open(w->opts.loop, fd, come_in, w, e);
}

static int open_local(struct web *w, struct err *e)
{
	w->local = open_door(w, listen_unix(w->opts.socket, e), e);
	if (!w->local)
		return -1;
	w->socket = strdup(w->opts.socket);
	return w->socket ? 0 : err_set(e, ERR_RETRY, "no memory");
}

static int open_tcp(struct web *w, struct err *e)
{
	w->tcp = open_door(w, listen_tcp(w->opts.listen, e), e);
	return w->tcp ? 0 : -1;
}

static int create_vhost(struct web *w, struct err *e)
{
	struct lws_context_creation_info info = { 0 };

	info.vhost_name = "admin";
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.protocols = web_protocols;
	info.timeout_secs = WEB_CLIENT_S;
	info.keepalive_timeout = WEB_CLIENT_S;
	w->vhost = lws_create_vhost(w->ctx, &info);
	if (w->vhost)
		return 0;
	return err_set(e, ERR_FATAL, "cannot make the admin's http server");
}

/*
 * Without LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT: each context made with it
 * renumbers what the links' handshakes look up (lws 4.1).
 */
static int create_context(struct web *w, struct err *e)
{
	struct lws_context_creation_info info = { 0 };
	void *loops[1] = { loop_uv(w->opts.loop) };

	/* The level that link/lws.c sets too; where to stays as it is. */
	lws_set_log_level(LLL_ERR, NULL);
	info.port = CONTEXT_PORT_NO_LISTEN;
	info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
		       LWS_SERVER_OPTION_LIBUV;
	info.foreign_loops = loops;
	info.gid = (gid_t)-1;
	info.uid = (uid_t)-1;
	info.fd_limit_per_thread = CONNECTIONS_MAX;
	info.user = w;
	info.pcontext = &w->ctx;
	w->ctx = lws_create_context(&info);
	if (w->ctx)
		return 0;
	return err_set(e, ERR_FATAL, "cannot make the admin's http server");
}

struct web *web_create(const struct web_opts *o, struct err *e)
{
	struct web *w = calloc(1, sizeof(*w));

	if (!w) {
		err_set(e, ERR_RETRY, "no memory");
		return NULL;
	}
	w->opts = *o;
	if (create_context(w, e) < 0 || create_vhost(w, e) < 0)
		goto fail;
	if (o->socket[0] != '\0' && open_local(w, e) < 0)
		goto fail;
	if (o->listen[0] != '\0' && open_tcp(w, e) < 0)
		goto fail;
	return w;

fail:
	web_free(w);
	return NULL;
}

/*
 * On a foreign loop lws 4.1 takes two calls: the first closes its handles,
 * which end as the loop turns, the second frees the context. Of the turns the
 * first one may only find that the loop was stopped.
 */
static void destroy_context(struct web *w)
{
	int i;

	lws_context_destroy(w->ctx);
	for (i = 0; i < 2 && w->ctx; i++)
		loop_run_here(w->opts.loop);
	if (w->ctx)
		lws_context_destroy(w->ctx);
}

void web_free(struct web *w)
{
	if (!w)
		return;
	door_close(w->local);
	door_close(w->tcp);
	if (w->ctx)
		destroy_context(w);
	if (w->socket)
		(void)unlink(w->socket);
	free(w->socket);
	free(w);
}
