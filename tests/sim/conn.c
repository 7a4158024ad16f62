/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "sim/core.h"
#include "sim/http.h"
#include "sim/socket.h"

static void conn_want(struct conn *c, bool out)
{
	struct epoll_event ev = { .data.ptr = c };

	if (c->want_out == out)
		return;
	c->want_out = out;
	ev.events = EPOLLIN | (out ? (unsigned int)EPOLLOUT : 0);
	epoll_ctl(c->s->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

static void conn_add(struct sim *s, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct conn *c = must_alloc(sizeof(*c));
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->s = s;
	c->fd = fd;
	buf_init(&c->in, SIM_BODY_MAX + SCRATCH);
	buf_init(&c->out, SIM_OUT_MAX);
	buf_init(&c->held, SIM_OUT_MAX);
	if (s->tls) {
		c->ssl = SSL_new(s->tls);
		if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1)
			abort();
		SSL_set_accept_state(c->ssl);
	}
	c->accepted = !s->tls;
	c->next = s->conns;
	if (c->next)
		c->next->prev = c;
	s->conns = c;
	s->stats.connections++;
	ev.data.ptr = c;
	epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev);
}

void conn_accept(struct sim *s)
{
	int fd;
	int i;

	for (i = 0; i < 64; i++) {
		fd = accept4(s->listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		conn_add(s, fd);
	}
}

void conn_kill(struct conn *c, bool reset)
{
	struct linger now = { .l_onoff = 1 };
	struct sim *s = c->s;

	if (c->dead)
		return;
	c->dead = true;
	if (c->prev)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	timer_cancel(s, &c->timer);
	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	if (c->gone)
		c->gone(c, c->user);
	s->stats.connections--;
	/* A child that is being started may still hold the descriptor. */
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	close(c->fd);
	c->next_dead = s->dead;
	s->dead = c;
	sim_wake(s);
}

/* Only now, since events of this turn may still point to them. */
void conn_bury(struct sim *s)
{
	struct conn *c;

	while (s->dead) {
		c = s->dead;
		s->dead = c->next_dead;
		SSL_free(c->ssl);
		buf_release(&c->in);
		buf_release(&c->out);
		buf_release(&c->held);
		free(c->request);
		free(c);
	}
}

void conn_freeze(struct conn *c)
{
	c->frozen = true;
	epoll_ctl(c->s->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	timer_cancel(c->s, &c->timer);
}

void conn_dirty(struct conn *c)
{
	if (c->dirty || c->dead)
		return;
	c->dirty = true;
	c->next_dirty = c->s->dirty;
	c->s->dirty = c;
	sim_wake(c->s);
}

void conn_send(struct conn *c, const void *p, size_t n)
{
	if (c->dead || c->frozen)
		return;
	buf_add(&c->out, p, n);
	conn_dirty(c);
}

/* Bytes written, 0 to wait, -1 when the connection is over. */
static ssize_t put(struct conn *c, const char *p, size_t n)
{
	ssize_t rc;
	int why;

	if (!c->ssl) {
		rc = send(c->fd, p, n, MSG_NOSIGNAL);
		if (rc >= 0)
			return rc;
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	}
	ERR_clear_error();
	rc = SSL_write(c->ssl, p, n > 1 << 20 ? 1 << 20 : (int)n);
	if (rc > 0)
		return rc;
	why = SSL_get_error(c->ssl, (int)rc);
	return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0
									 : -1;
}

static void conn_flush(struct conn *c)
{
	ssize_t n;

	if (!c->accepted || c->frozen)
		return;
	if (c->out.failed) {
		conn_kill(c, true); /* a client that never reads */
		return;
	}
	while (c->sent < c->out.len) {
		n = put(c, c->out.data + c->sent, c->out.len - c->sent);
		if (n < 0) {
			conn_kill(c, false);
			return;
		}
		if (n == 0) {
			conn_want(c, true);
			return;
		}
		c->sent += (size_t)n;
	}
	conn_want(c, false);
	c->sent = 0;
	if (c->out.size > SCRATCH / 4 || c->mode == CONN_LINK)
		buf_release(&c->out);
	else
		buf_reset(&c->out);
	if (c->end_flushed)
		conn_kill(c, false);
}

void conn_flush_all(struct sim *s)
{
	struct conn *c = s->dirty;
	struct conn *next;

	s->dirty = NULL;
	for (; c; c = next) {
		next = c->next_dirty;
		c->dirty = false;
		if (!c->dead)
			conn_flush(c);
	}
}

/* Bytes read, 0 when there are no more now, -1 when it is over. */
static ssize_t get(struct conn *c, char *p, size_t n)
{
	ssize_t rc;
	int why;

	if (!c->ssl) {
		rc = recv(c->fd, p, n, 0);
		if (rc > 0)
			return rc;
		return rc < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	}
	ERR_clear_error();
	rc = SSL_read(c->ssl, p, (int)n);
	if (rc > 0) {
		c->accepted = true;
		return rc;
	}
	why = SSL_get_error(c->ssl, (int)rc);
	if (!c->accepted && SSL_is_init_finished(c->ssl)) {
		c->accepted = true;
		conn_dirty(c);
	}
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0
									 : -1;
}

static void conn_readable(struct conn *c)
{
	ssize_t n;

	do {
		n = get(c, c->s->scratch, SCRATCH);
		if (n < 0 ||
		    (n > 0 && buf_add(&c->in, c->s->scratch, (size_t)n) < 0)) {
			conn_kill(c, false);
			return;
		}
	} while (n == (ssize_t)SCRATCH || (n > 0 && c->ssl));
	if (c->mode == CONN_LINK)
		link_readable(c);
	else
		http_readable(c);
	if (!c->dead && c->in.len == 0 && c->in.size > 0)
		buf_release(&c->in);
}

void conn_event(struct conn *c, unsigned int events)
{
	if (c->dead || c->frozen)
		return;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		conn_readable(c);
	if (!c->dead && events & EPOLLOUT)
		conn_dirty(c);
}
