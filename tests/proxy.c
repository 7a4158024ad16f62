/* SPDX-License-Identifier: ISC */
#include "proxy.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 256
#define HEAD_MAX    8192

struct proxy {
	struct proxy_habits habits;
	char url[40];
	int fd;
	pthread_t acceptor;
	pthread_t client[CLIENTS_MAX];
	size_t nclients;
	atomic_bool stop;
	atomic_size_t tunnels, drops;
};

struct client {
	struct proxy *p;
	int fd;
};

static int listen_on_loopback(int *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	*port = ntohs(sa.sin_port);
	return fd;
}

/* Readable? Not for ever: the test may be over. */
static bool wait_input(struct proxy *p, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	while (!p->stop) {
		if (poll(&pfd, 1, 20) > 0)
			return true;
	}
	return false;
}

/* A whole head, or nothing. */
static bool read_head(struct client *c, char head[HEAD_MAX])
{
	size_t len = 0;
	ssize_t n;

	while (len < HEAD_MAX - 1 && wait_input(c->p, c->fd)) {
		n = recv(c->fd, head + len, HEAD_MAX - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		head[len] = '\0';
		if (strstr(head, "\r\n\r\n"))
			return true;
	}
	return false;
}

static void say(const struct client *c, const char *text)
{
	size_t n = strlen(text);
	size_t half = c->p->habits.split_ms > 0 ? n / 2 : 0;

	poll(NULL, 0, c->p->habits.delay_ms);
	if (half > 0) {
		(void)send(c->fd, text, half, MSG_NOSIGNAL);
		poll(NULL, 0, c->p->habits.split_ms);
	}
	(void)send(c->fd, text + half, n - half, MSG_NOSIGNAL);
}

/* Only names of this machine. */
static int connect_to(const char *head)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	const char *colon = strchr(head, ':');
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (colon)
		sa.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool pass(int from, int to)
{
	char piece[16384];
	ssize_t n = recv(from, piece, sizeof(piece), 0);

	return n > 0 && send(to, piece, (size_t)n, MSG_NOSIGNAL) == n;
}

static void tunnel(struct proxy *p, int a, int b)
{
	struct pollfd pfd[2] = { { .fd = a, .events = POLLIN },
				 { .fd = b, .events = POLLIN } };
	int silent = 0;

	while (!p->stop) {
		if (poll(pfd, 2, 20) == 0) {
			silent += 20;
			if (p->habits.idle_ms > 0 &&
			    silent >= p->habits.idle_ms) {
				p->drops++;
				return;
			}
			continue;
		}
		silent = 0;
		if ((pfd[0].revents && !pass(a, b)) ||
		    (pfd[1].revents && !pass(b, a)))
			return;
	}
}

static bool let_in(const struct client *c, const char *head)
{
	return !c->p->habits.basic || strstr(head, c->p->habits.basic);
}

/* To libcurl what a login is wanted for is to be read first. */
static void refuse_for_ever(const struct client *c)
{
	static char block[65536];

	say(c, "HTTP/1.1 407 Proxy Authentication Required\r\n"
	       "Proxy-Authenticate: Basic realm=\"test\"\r\n"
	       "Content-Length: 9999999999\r\n\r\n");
	while (!c->p->stop &&
	       send(c->fd, block, sizeof(block), MSG_NOSIGNAL) > 0)
		continue;
}

static void *serve(void *arg)
{
	struct client *c = arg;
	char head[HEAD_MAX];
	int to = -1;

	while (to < 0 && read_head(c, head)) {
		if (c->p->habits.endless) {
			refuse_for_ever(c);
			break;
		}
		if (!let_in(c, head)) {
			say(c, "HTTP/1.1 407 Proxy Authentication Required\r\n"
			       "Proxy-Authenticate: Basic realm=\"test\"\r\n"
			       "Content-Length: 0\r\n\r\n");
			continue;
		}
		to = connect_to(head);
		if (to < 0) {
			say(c, "HTTP/1.1 502 Bad Gateway\r\n"
			       "Content-Length: 0\r\n\r\n");
			break;
		}
		c->p->tunnels++;
		say(c, "HTTP/1.1 200 Connection established\r\n"
		       "Via: 1.1 test\r\n\r\n");
		tunnel(c->p, c->fd, to);
	}
	if (to >= 0)
		close(to);
	close(c->fd);
	free(c);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct proxy *p = arg;
	struct client *c;

	while (wait_input(p, p->fd) && p->nclients < CLIENTS_MAX) {
		c = calloc(1, sizeof(*c));
		c->p = p;
		c->fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);
		pthread_create(&p->client[p->nclients++], NULL, serve, c);
	}
	return NULL;
}

struct proxy *proxy_start(const struct proxy_habits *h)
{
	struct proxy *p = calloc(1, sizeof(*p));
	int port;

	ck_assert_ptr_nonnull(p);
	p->habits = *h;
	p->fd = listen_on_loopback(&port);
	(void)snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%d", port);
	ck_assert_int_eq(pthread_create(&p->acceptor, NULL, accept_all, p), 0);
	return p;
}

void proxy_stop(struct proxy *p)
{
	size_t i;

	p->stop = true;
	pthread_join(p->acceptor, NULL);
	for (i = 0; i < p->nclients; i++)
		pthread_join(p->client[i], NULL);
	close(p->fd);
	free(p);
}

const char *proxy_url(const struct proxy *p)
{
	return p->url;
}

size_t proxy_tunnels(struct proxy *p)
{
	return p->tunnels;
}

size_t proxy_drops(struct proxy *p)
{
	return p->drops;
}
