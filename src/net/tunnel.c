/* SPDX-License-Identifier: ISC */
#include "net/tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <curl/curl.h>
#include <uv.h>

#include "base/err.h"
#include "base/secret.h"
#include "net/loop.h"
#include "net/mux.h"
#include "net/relay.h"
#include "net/way.h"

#define DIAL_MS    15000 /* for whom the tunnel is made */
#define DRAIN_MS   5000  /* for an end to take what the other sent last */
#define UNACKED_MS 30000 /* of a proxy that vanished; pings are quicker */

/* Ends of the relay. */
enum {
	NEAR, /* the socket that the library dialed */
	FAR,  /* the proxy */
};

struct port {
	uv_poll_t poll;
	int fd; /* -1: none, and then poll isn't either */
};

struct tunnel {
	struct tunnels *all;
	struct tunnel *next;
	struct tunnel **link;

	CURL *easy;      /* NULL: not needed any more */
	struct mux *own; /* NULL: it is all->mux */
	bool added;
	bool probe;
	struct mux_turn turn;
	bool endless; /* what the proxy says */
	char errbuf[CURL_ERROR_SIZE];
	void (*done)(const char *addr, const char *why, void *arg);
	void *arg;

	uv_timer_t timer;
	struct port listener, port[2];
	struct relay relay;
	int open; /* handles that aren't closed; the last one frees */
	bool gone;
};

struct tunnels {
	uv_loop_t *uv;
	struct mux *mux;
	struct tunnel *head;
};

static struct mux *mux_of(struct tunnel *t)
{
	return t->own ? t->own : t->all->mux;
}

static void on_handle_closed(uv_handle_t *h)
{
	struct tunnel *t = h->data;

	if (--t->open == 0)
		free(t);
}

static void close_port(struct port *p)
{
	if (p->fd < 0)
		return;
	uv_close((uv_handle_t *)&p->poll, on_handle_closed);
	close(p->fd);
	p->fd = -1;
}

static void drop_easy(struct tunnel *t)
{
	if (t->added)
		curl_multi_remove_handle(mux_multi(mux_of(t)), t->easy);
	t->added = false;
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
}

/* Not from a callback of t's own mux. */
static void destroy(struct tunnel *t)
{
	if (t->gone)
		return;
	t->gone = true;
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	drop_easy(t);
	mux_free(t->own);
	close_port(&t->listener);
	close_port(&t->port[NEAR]);
	close_port(&t->port[FAR]);
	relay_release(&t->relay);
	uv_close((uv_handle_t *)&t->timer, on_handle_closed);
}

static void on_time(uv_timer_t *timer)
{
	destroy(timer->data);
}

static void destroy_in(struct tunnel *t, uint64_t ms)
{
	uv_timer_start(&t->timer, on_time, ms, 0);
}

static void report(struct tunnel *t, const char *addr, const char *why)
{
	void (*done)(const char *, const char *, void *) = t->done;

	t->done = NULL;
	if (done)
		done(addr, why, t->arg);
}

static void fail(struct tunnel *t, const char *why)
{
	report(t, NULL, why);
	destroy_in(t, 0);
}

/* The port owns fd from now on, also when this fails. */
static int open_port(struct tunnel *t, struct port *p, int fd)
{
	if (fd < 0)
		return -1;
	if (uv_poll_init(t->all->uv, &p->poll, fd) < 0) {
		close(fd);
		return -1;
	}
	p->poll.data = t;
	p->fd = fd;
	t->open++;
	return 0;
}

static void pump(struct tunnel *t);

static void on_ready(uv_poll_t *p, int status, int events)
{
	(void)status;
	(void)events;
	pump(p->data);
}

static void wait_for_end(struct tunnel *t, int i)
{
	int wants = relay_wants(&t->relay, i);
	int events = 0;

	if (wants & RELAY_READ)
		events |= UV_READABLE;
	if (wants & RELAY_WRITE)
		events |= UV_WRITABLE;
	if (events)
		uv_poll_start(&t->port[i].poll, events, on_ready);
	else
		uv_poll_stop(&t->port[i].poll);
}

static void pump(struct tunnel *t)
{
	bool was_closed = t->relay.closed;

	if (relay_pump(&t->relay) < 0) {
		destroy(t);
		return;
	}
	if (t->relay.closed && !was_closed)
		destroy_in(t, DRAIN_MS);
	wait_for_end(t, NEAR);
	wait_for_end(t, FAR);
}

static ssize_t fd_read(void *arg, void *p, size_t n)
{
	const struct port *port = arg;

	return recv(port->fd, p, n, 0);
}

static ssize_t fd_write(void *arg, const void *p, size_t n)
{
	const struct port *port = arg;

	return send(port->fd, p, n, MSG_NOSIGNAL);
}

static ssize_t curl_result(CURLcode rc, size_t n)
{
	if (rc == CURLE_OK)
		return (ssize_t)n;
	errno = rc == CURLE_AGAIN ? EAGAIN : EIO;
	return -1;
}

static ssize_t tls_read(void *arg, void *p, size_t n)
{
	struct tunnel *t = arg;
	size_t got = 0;
	CURLcode rc = curl_easy_recv(t->easy, p, n, &got);

	return curl_result(rc, got);
}

static ssize_t tls_write(void *arg, const void *p, size_t n)
{
	struct tunnel *t = arg;
	size_t put = 0;
	CURLcode rc = curl_easy_send(t->easy, p, n, &put);

	return curl_result(rc, put);
}

static void start_relay(struct tunnel *t)
{
	static const struct relay_end plain = { fd_read, fd_write, NULL };
	static const struct relay_end tls = { tls_read, tls_write, NULL };

	uv_timer_stop(&t->timer);
	t->relay.end[NEAR] = plain;
	t->relay.end[NEAR].arg = &t->port[NEAR];
	t->relay.end[FAR] = t->easy ? tls : plain;
	t->relay.end[FAR].arg = t->easy ? (void *)t : (void *)&t->port[FAR];
	pump(t);
}

/* The names of abstract sockets are open to all users of the machine. */
static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	       peer.pid == getpid();
}

static void on_dialed(uv_poll_t *p, int status, int events)
{
	struct tunnel *t = p->data;
	int fd;

	(void)status;
	(void)events;
	fd = accept4(t->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (!is_ours(fd)) {
		close(fd);
		return;
	}
	close_port(&t->listener);
	if (open_port(t, &t->port[NEAR], fd) < 0)
		destroy(t);
	else
		start_relay(t);
}

/* The name ends where lws ends it, after its last character. */
static int listen_at(const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t len = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	(void)snprintf(sa.sun_path + 1, sizeof(sa.sun_path) - 1, "%s", name);
	if (bind(fd, (struct sockaddr *)&sa, (socklen_t)len) < 0 ||
	    listen(fd, 4) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int offer(struct tunnel *t, char addr[TUNNEL_ADDR_SIZE])
{
	uint64_t r[2];

	random_bytes(r, sizeof(r));
	(void)snprintf(addr, TUNNEL_ADDR_SIZE, "+@k%016llx%016llx",
		       (unsigned long long)r[0], (unsigned long long)r[1]);
	if (open_port(t, &t->listener, listen_at(addr + 2)) < 0)
		return -1;
	uv_poll_start(&t->listener.poll, UV_READABLE, on_dialed);
	return 0;
}

/*
 * Of a plain connection nothing is left for libcurl to do, which closes its
 * own descriptor when the handle goes. With TLS to the proxy it stays between.
 */
static int take_connection(struct tunnel *t)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd == CURL_SOCKET_BAD)
		return -1;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (!t->own)
		drop_easy(t);
	return open_port(t, &t->port[FAR], fd);
}

static void on_connected(struct tunnel *t)
{
	char addr[TUNNEL_ADDR_SIZE];
	char *ip = NULL;

	if (t->probe) {
		curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &ip);
		(void)snprintf(addr, sizeof(addr), "%s", ip ? ip : "");
		report(t, addr, NULL);
		destroy_in(t, 0);
	} else if (take_connection(t) < 0 || offer(t, addr) < 0) {
		fail(t, "no socket for the proxy's connection");
	} else {
		destroy_in(t, DIAL_MS);
		report(t, addr, NULL);
	}
}

static void on_ended(CURL *easy, CURLcode rc, void *arg)
{
	struct tunnel *t;
	long status = 0;

	(void)arg;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
	curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
	if (rc == CURLE_OK)
		on_connected(t);
	else if (t->endless)
		fail(t, "the proxy's answer has no end");
	else if (status == 407)
		fail(t, "the proxy refuses our user or password (407)");
	else
		fail(t, t->errbuf[0] ? t->errbuf : curl_easy_strerror(rc));
}

static void on_rested(void *arg)
{
	(void)arg;
}

static const struct mux_ops mux_ops = { on_rested, on_ended };

static int on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow,
		       curl_off_t ultotal, curl_off_t ulnow)
{
	struct tunnel *t = arg;

	(void)dltotal;
	(void)dlnow;
	(void)ultotal;
	(void)ulnow;
	t->endless = mux_endless(&t->turn, t->all->uv);
	return t->endless;
}

static int on_socket(void *arg, curl_socket_t fd, curlsocktype type)
{
	unsigned int ms = UNACKED_MS;

	(void)arg;
	(void)type;
	/* Best effort: a kernel without it leaves us the pings. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	return CURL_SOCKOPT_OK;
}

static void set_options(struct tunnel *t, const struct tunnel_request *r,
			const char *proxy)
{
	bool v6 = strchr(r->host, ':') != NULL;
	char url[300];
	CURL *z = t->easy;

	(void)snprintf(url, sizeof(url),
		       v6 ? "http://[%s]:%u/" : "http://%s:%u/", r->host,
		       (unsigned int)r->port);
	curl_easy_setopt(z, CURLOPT_URL, url);
	curl_easy_setopt(z, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(z, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(z, CURLOPT_PROXY, proxy);
	curl_easy_setopt(z, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(z, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(z, CURLOPT_BUFFERSIZE, 1024L);
	curl_easy_setopt(z, CURLOPT_USERAGENT, "konstructd");
	curl_easy_setopt(z, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_ms);
	curl_easy_setopt(z, CURLOPT_TIMEOUT_MS, (long)r->connect_ms);
	curl_easy_setopt(z, CURLOPT_ERRORBUFFER, t->errbuf);
	curl_easy_setopt(z, CURLOPT_PRIVATE, t);
	curl_easy_setopt(z, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(z, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(z, CURLOPT_NOPROGRESS, 0L);
}

static struct tunnel *create(struct tunnels *ts, const struct tunnel_request *r)
{
	struct tunnel *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->all = ts;
	t->next = ts->head;
	t->link = &ts->head;
	if (t->next)
		t->next->link = &t->next;
	ts->head = t;
	t->listener.fd = t->port[NEAR].fd = t->port[FAR].fd = -1;
	t->probe = r->probe;
	t->done = r->done;
	t->arg = r->arg;
	uv_timer_init(ts->uv, &t->timer);
	t->timer.data = t;
	t->open = 1;
	t->easy = curl_easy_init();
	if (t->easy)
		return t;
	destroy(t);
	return NULL;
}

struct tunnel *tunnel_open(struct tunnels *ts, const struct tunnel_request *r,
			   struct err *e)
{
	const char *proxy = r->probe ? NULL : way_proxy(r->way, r->tls);
	struct tunnel *t = create(ts, r);

	if (!t || way_set(r->way, t->easy) < 0)
		goto fail;
	set_options(t, r, proxy ? proxy : "");
	if (proxy && way_proxy_is_tls(proxy)) {
		t->own = mux_create(ts->uv, &mux_ops, ts, e);
		if (!t->own)
			goto fail;
	}
	if (curl_multi_add_handle(mux_multi(mux_of(t)), t->easy) == CURLM_OK) {
		t->added = true;
		return t;
	}
fail:
	err_set(e, ERR_RETRY, "cannot make a tunnel: no memory");
	if (t)
		destroy(t);
	return NULL;
}

void tunnel_cancel(struct tunnel *t)
{
	if (t)
		destroy(t);
}

struct tunnels *tunnels_create(struct loop *l, struct err *e)
{
	struct tunnels *ts = calloc(1, sizeof(*ts));

	if (!ts) {
		err_set(e, ERR_RETRY, "cannot make tunnels: no memory");
		return NULL;
	}
	ts->uv = loop_uv(l);
	ts->mux = mux_create(ts->uv, &mux_ops, ts, e);
	if (!ts->mux) {
		free(ts);
		return NULL;
	}
	return ts;
}

void tunnels_free(struct tunnels *ts)
{
	if (!ts)
		return;
	while (ts->head)
		destroy(ts->head);
	mux_free(ts->mux);
	free(ts);
}
