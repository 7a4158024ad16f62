/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "sim/core.h"

#define BATCH 256

/* Which simulator this thread has locked, and how often. */
static _Thread_local struct sim *held;
static _Thread_local int depth;
/* Set in the loop's own thread, which needs no waking. */
static _Thread_local struct sim *looping;

int64_t sim_clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t sim_wall_ms(const struct sim *s)
{
	return s->now ? s->now(s->now_arg) : clock_wall_ms();
}

void sim_lock(struct sim *s)
{
	if (held == s) {
		depth++;
		return;
	}
	pthread_mutex_lock(&s->turn);
	pthread_mutex_lock(&s->lock);
	pthread_mutex_unlock(&s->turn);
	held = s;
	depth = 1;
}

void sim_unlock(struct sim *s)
{
	if (--depth > 0)
		return;
	if (s->changed) {
		s->changed = false;
		pthread_mutex_lock(&s->change_lock);
		s->changes++;
		pthread_cond_broadcast(&s->change);
		pthread_mutex_unlock(&s->change_lock);
	}
	held = NULL;
	pthread_mutex_unlock(&s->lock);
}

void sim_changed(struct sim *s)
{
	s->seq++;
	s->changed = true;
}

void sim_wake(struct sim *s)
{
	uint64_t one = 1;

	if (looping != s && s->running &&
	    write(s->wakeup, &one, sizeof(one)) < 0)
		return; /* the counter is full, so it is awake */
}

static void loop_turn(struct sim *s, struct epoll_event *ev, int n)
{
	uint64_t count;
	int i;

	for (i = 0; i < n; i++) {
		if (ev[i].data.ptr == s)
			conn_accept(s);
		else if (ev[i].data.ptr == &s->wakeup)
			(void)!read(s->wakeup, &count, sizeof(count));
		else
			conn_event(ev[i].data.ptr, ev[i].events);
	}
	timers_run(s, sim_clock_us());
	control_wake(s);
	conn_flush_all(s);
	conn_bury(s);
}

static void *loop_main(void *arg)
{
	struct epoll_event ev[BATCH];
	struct sim *s = arg;
	sigset_t pipes;
	int wait_ms = 0;
	int n;

	/* OpenSSL writes to sockets whose peer may have gone. */
	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipes, NULL);
	looping = s;
	for (;;) {
		n = epoll_wait(s->epoll, ev, BATCH, wait_ms);
		sim_lock(s);
		if (s->stopping)
			break;
		loop_turn(s, ev, n);
		wait_ms = s->dirty ? 0 : timers_wait_ms(s, sim_clock_us());
		sim_unlock(s);
	}
	sim_unlock(s);
	return NULL;
}

/* Fills sa with the address of s, IPv4 or IPv6. */
static int parse_addr(const struct sim *s, int port,
		      struct sockaddr_storage *sa, struct err *e)
{
	struct sockaddr_in *in = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)sa;

	memset(sa, 0, sizeof(*sa));
	if (inet_pton(AF_INET, s->addr, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		return 0;
	}
	if (inet_pton(AF_INET6, s->addr, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		return 0;
	}
	return err_set(e, ERR_INPUT, "not an IP address: '%s'", s->addr);
}

static int listen_on(struct sim *s, int port, struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int on = 1;

	if (parse_addr(s, port, &sa, e) < 0)
		return -1;
	s->listener = socket(sa.ss_family,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->listener < 0)
		return err_set(e, ERR_RETRY, "socket: %s", strerror(errno));
	setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(s->listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(s->listener, (struct sockaddr *)&sa, len) < 0 ||
	    listen(s->listener, 4096) < 0 ||
	    getsockname(s->listener, (struct sockaddr *)&sa, &len) < 0)
		return err_set(e, ERR_RETRY, "cannot listen on %s:%d: %s",
			       s->addr, port, strerror(errno));
	/* The port is at the same place in both families. */
	s->port = ntohs(((struct sockaddr_in *)&sa)->sin_port);
	return 0;
}

static int watch(struct sim *s, struct err *e)
{
	struct epoll_event in = { .events = EPOLLIN, .data.ptr = s };
	struct epoll_event wake = { .events = EPOLLIN, .data.ptr = &s->wakeup };

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->wakeup = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->epoll < 0 || s->wakeup < 0 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &in) < 0 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->wakeup, &wake) < 0)
		return err_set(e, ERR_RETRY, "epoll: %s", strerror(errno));
	return 0;
}

/* With TLS the name, since that is what people configure. */
const char *sim_host(const struct sim *s, const char *sub, char out[SIM_HOST])
{
	int first = (int)strcspn(s->hosts, ",");
	char port[16] = "";

	if (s->port != 443)
		snprintf(port, sizeof(port), ":%d", s->port);
	if (s->tls && *s->hosts)
		snprintf(out, SIM_HOST, "%s%s%.*s%s", sub ? sub : "",
			 sub ? "." : "", first, s->hosts, port);
	else if (!s->tls && strchr(s->addr, ':'))
		snprintf(out, SIM_HOST, "[%s]:%d", s->addr, s->port);
	else
		snprintf(out, SIM_HOST, "%s:%d", s->tls ? "localhost" : s->addr,
			 s->port);
	return out;
}

char *sim_make_url(const struct sim *s, const char *sub, const char *path)
{
	char host[SIM_HOST], url[SIM_HOST + 64];

	snprintf(url, sizeof(url), "%s://%s/%s", s->tls ? "https" : "http",
		 sim_host(s, sub, host), path);
	return must_dup(url);
}

/* Of DNS, with commas between; they go into a certificate. */
static bool hosts_valid(const char *hosts)
{
	size_t longest = 0, n;
	const char *p;

	for (p = hosts; *p; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (n == 0)
			return false;
		longest = n > longest ? n : longest;
	}
	return longest <= 64 &&
	       strspn(hosts, "abcdefghijklmnopqrstuvwxyz0123456789.-,") ==
		       strlen(hosts);
}

/* A link is a descriptor; thousands of them are asked for. */
static void raise_files(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
}

static const struct sim_settings defaults = {
	.ack_timeout_ms = 3000,
	.retry_ms = { 1000, 60000, 300000 },
	.ticket_ms = 30000,
	.ping_ms = 30000,
	.warning_ms = 10000,
	.max_links = 10,
	.own_events = true,
	.root_events = true,
	.limit_window_ms = 60000,
	.trigger_ms = 3000,
	.hook_ms = 1800000,
	.stream_ms = 300000,
	.token_ms = 43200000,
	.refresh_grace_ms = 60000,
	.post_burst = 5,
	.llm_piece = 24,
};

struct sim *sim_create(const struct sim_opts *o, struct err *e)
{
	struct sim *s = must_alloc(sizeof(*s));
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->turn, NULL);
	pthread_mutex_init(&s->change_lock, NULL);
	pthread_cond_init(&s->change, &attr);
	pthread_condattr_destroy(&attr);
	s->epoll = s->wakeup = s->listener = -1;
	s->set = defaults;
	s->addr = must_dup(o->addr ? o->addr : "127.0.0.1");
	s->hosts = must_dup(o->hosts ? o->hosts : "");
	s->ca_file = must_dup(o->ca_out ? o->ca_out : "");
	s->now = o->now;
	s->now_arg = o->now_arg;
	s->keep = o->keep ? o->keep : 200000;
	s->rng = o->seed ? o->seed : (uint64_t)clock_wall_ms() * 2 + 1;
	s->scratch = must_alloc(SCRATCH);
	s->world = world_create();
	s->socket = socket_create();
	s->api = api_create();
	s->model = model_create();
	s->control = control_create();
	s->files = files_create();
	s->flood = flood_create();
	s->interact = interact_create();
	if (!hosts_valid(s->hosts))
		err_set(e, ERR_INPUT, "not names of hosts: '%s'", s->hosts);
	else if (!o->tls || tls_setup(s, e) == 0)
		return s;
	sim_stop(s);
	return NULL;
}

struct sim *sim_start(const struct sim_opts *o, struct err *e)
{
	static const struct sim_opts none;
	struct sim *s;
	int rc;

	raise_files();
	s = sim_create(o ? o : &none, e);
	if (!s)
		return NULL;
	if (listen_on(s, o ? o->port : 0, e) < 0 || watch(s, e) < 0)
		goto fail;
	s->api_url = sim_make_url(s, NULL, "api/");
	s->llm_url = sim_make_url(s, NULL, "llm/v1");
	s->ctl_url = sim_make_url(s, NULL, "ctl/");
	s->running = true;
	rc = pthread_create(&s->thread, NULL, loop_main, s);
	if (rc != 0) {
		s->running = false;
		err_set(e, ERR_RETRY, "thread: %s", strerror(rc));
		goto fail;
	}
	return s;
fail:
	sim_stop(s);
	return NULL;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void sim_stop(struct sim *s)
{
	if (!s)
		return;
	if (s->running) {
		sim_lock(s);
		s->stopping = true;
		sim_wake(s);
		sim_unlock(s);
		pthread_join(s->thread, NULL);
		s->running = false;
	}
	sim_lock(s);
	while (s->conns)
		conn_kill(s->conns, false);
	conn_bury(s);
	flood_free(s);
	interact_free(s);
	control_free(s);
	files_free(s);
	model_free(s);
	api_free(s);
	socket_free(s);
	world_free(s->world);
	sim_unlock(s);
	close_fd(s->epoll);
	close_fd(s->wakeup);
	close_fd(s->listener);
	SSL_CTX_free(s->tls);
	free(s->timers.heap);
	free(s->scratch);
	free(s->addr);
	free(s->hosts);
	free(s->api_url);
	free(s->llm_url);
	free(s->ctl_url);
	free(s->ca_file);
	pthread_cond_destroy(&s->change);
	pthread_mutex_destroy(&s->change_lock);
	pthread_mutex_destroy(&s->turn);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int sim_port(const struct sim *s)
{
	return s->port;
}

const char *sim_api_url(const struct sim *s)
{
	return s->api_url;
}

const char *sim_llm_url(const struct sim *s)
{
	return s->llm_url;
}

const char *sim_ctl_url(const struct sim *s)
{
	return s->ctl_url;
}

const char *sim_ca_file(const struct sim *s)
{
	return s->ca_file;
}

void sim_settings(struct sim *s, struct sim_settings *out)
{
	sim_lock(s);
	*out = s->set;
	sim_unlock(s);
}

void sim_set(struct sim *s, const struct sim_settings *in)
{
	sim_lock(s);
	s->set = *in;
	sim_unlock(s);
}
