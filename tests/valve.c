/* SPDX-License-Identifier: ISC */
#include "valve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNS_MAX 32
#define BYTES_MAX 65536
#define TICK_MS   5

struct conn {
	int client, server; /* -1: none */
	char held[BYTES_MAX];
	size_t nheld;
};

struct valve {
	int listener;
	struct sockaddr_un here, server;
	pthread_t id;
	pthread_mutex_t lock; /* for what follows */
	const char *words;    /* NULL: nothing is held back */
	bool holds, stop;

	struct conn conns[CONNS_MAX]; /* the thread's */
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "tests/valve: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	must(strlen(path) < sizeof(a.sun_path), "path too long");
	memcpy(a.sun_path, path, strlen(path));
	return a;
}

static void hang_up(struct conn *c)
{
	if (c->client >= 0)
		close(c->client);
	if (c->server >= 0)
		close(c->server);
	c->client = c->server = -1;
	c->nheld = 0;
}

static void take_in(struct valve *v)
{
	int fd = accept(v->listener, NULL, NULL);
	struct conn *c = v->conns;

	must(fd >= 0, "accept");
	while (c < v->conns + CONNS_MAX && c->client >= 0)
		c++;
	must(c < v->conns + CONNS_MAX, "too many connections");
	c->client = fd;
	c->server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(c->server >= 0, "socket");
	if (connect(c->server, (struct sockaddr *)&v->server,
		    sizeof(v->server)) < 0)
		hang_up(c);
}

/* All of it; the other end reads. */
static bool pass(int fd, const char *bytes, size_t n)
{
	ssize_t k;

	for (; n > 0; bytes += k, n -= (size_t)k) {
		k = send(fd, bytes, n, MSG_NOSIGNAL);
		if (k <= 0)
			return false;
	}
	return true;
}

static bool is_to_be_held(struct valve *v, const char *bytes, size_t n)
{
	bool yes;

	pthread_mutex_lock(&v->lock);
	yes = v->words && memmem(bytes, n, v->words, strlen(v->words));
	v->holds |= yes;
	pthread_mutex_unlock(&v->lock);
	return yes;
}

static void from_client(struct valve *v, struct conn *c)
{
	ssize_t n = recv(c->client, c->held, sizeof(c->held), 0);

	if (n > 0 && is_to_be_held(v, c->held, (size_t)n))
		c->nheld = (size_t)n;
	else if (n <= 0 || !pass(c->server, c->held, (size_t)n))
		hang_up(c);
}

static void from_server(struct conn *c)
{
	char bytes[4096];
	ssize_t n = recv(c->server, bytes, sizeof(bytes), 0);

	if (n <= 0 || !pass(c->client, bytes, (size_t)n))
		hang_up(c);
}

static void let_through(struct valve *v)
{
	struct conn *c;
	bool held;

	pthread_mutex_lock(&v->lock);
	held = v->words != NULL;
	pthread_mutex_unlock(&v->lock);
	for (c = v->conns; !held && c < v->conns + CONNS_MAX; c++) {
		if (c->nheld > 0 && !pass(c->server, c->held, c->nheld))
			hang_up(c);
		c->nheld = 0;
	}
}

static void turn(struct valve *v)
{
	struct pollfd p[1 + 2 * CONNS_MAX];
	size_t i;

	p[0] = (struct pollfd){ .fd = v->listener, .events = POLLIN };
	for (i = 0; i < CONNS_MAX; i++) {
		p[1 + 2 * i] = (struct pollfd){
			.fd = v->conns[i].nheld > 0 ? -1 : v->conns[i].client,
			.events = POLLIN,
		};
		p[2 + 2 * i] = (struct pollfd){ .fd = v->conns[i].server,
						.events = POLLIN };
	}
	if (poll(p, 1 + 2 * CONNS_MAX, TICK_MS) <= 0)
		return;
	for (i = 0; i < CONNS_MAX; i++) {
		if (p[1 + 2 * i].revents)
			from_client(v, &v->conns[i]);
		if (p[2 + 2 * i].revents && v->conns[i].server >= 0)
			from_server(&v->conns[i]);
	}
	if (p[0].revents)
		take_in(v);
}

static void *run(void *arg)
{
	struct valve *v = arg;
	bool stop = false;

	while (!stop) {
		let_through(v);
		turn(v);
		pthread_mutex_lock(&v->lock);
		stop = v->stop;
		pthread_mutex_unlock(&v->lock);
	}
	return NULL;
}

struct valve *valve_open(const char *path, const char *server)
{
	struct valve *v = calloc(1, sizeof(*v));
	size_t i;

	must(v != NULL, "no memory");
	v->here = address(path);
	v->server = address(server);
	for (i = 0; i < CONNS_MAX; i++)
		v->conns[i].client = v->conns[i].server = -1;
	v->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(v->listener >= 0, "socket");
	must(bind(v->listener, (struct sockaddr *)&v->here, sizeof(v->here)) ==
		     0,
	     "bind");
	must(listen(v->listener, CONNS_MAX) == 0, "listen");
	(void)pthread_mutex_init(&v->lock, NULL);
	must(pthread_create(&v->id, NULL, run, v) == 0, "pthread_create");
	return v;
}

void valve_close(struct valve *v)
{
	size_t i;

	if (!v)
		return;
	pthread_mutex_lock(&v->lock);
	v->stop = true;
	pthread_mutex_unlock(&v->lock);
	pthread_join(v->id, NULL);
	for (i = 0; i < CONNS_MAX; i++)
		hang_up(&v->conns[i]);
	close(v->listener);
	(void)unlink(v->here.sun_path);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

void valve_hold(struct valve *v, const char *words)
{
	pthread_mutex_lock(&v->lock);
	v->words = words;
	v->holds = false;
	pthread_mutex_unlock(&v->lock);
}

bool valve_holds(struct valve *v)
{
	bool yes;

	pthread_mutex_lock(&v->lock);
	yes = v->holds;
	pthread_mutex_unlock(&v->lock);
	return yes;
}

void valve_let_go(struct valve *v)
{
	valve_hold(v, NULL);
}
