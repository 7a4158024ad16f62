/* SPDX-License-Identifier: ISC */
#include "net/mux.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"

#define READS_MAX (512 * 1024) /* in one turn */

struct sock {
	uv_poll_t poll;
	struct mux *mux;
	int events; /* what poll waits for; 0: stopped */
};

struct mux {
	CURLM *multi;
	uv_loop_t *uv;
	uv_timer_t timer;
	const struct mux_ops *ops;
	void *arg;
	bool inside;
	/*
	 * By descriptor. A stopped one is kept for whatever gets the same
	 * number next: making and closing a uv_poll_t for each request is five
	 * system calls.
	 */
	struct sock **socks;
	size_t nsocks;
};

static void run_ended(struct mux *m)
{
	CURLMsg *msg;
	CURLcode rc;
	CURL *easy;
	int left;

	while ((msg = curl_multi_info_read(m->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		easy = msg->easy_handle;
		rc = msg->data.result;
		m->ops->ended(easy, rc, m->arg);
	}
}

static void run_curl(struct mux *m, curl_socket_t fd, int ev)
{
	int running;

	m->inside = true;
	(void)curl_multi_socket_action(m->multi, fd, ev, &running);
	m->inside = false;
	m->ops->rested(m->arg);
	run_ended(m);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	struct sock *s = p->data;
	uv_os_fd_t fd;
	int ev = 0;

	if (uv_fileno((uv_handle_t *)p, &fd) < 0)
		return;
	/*
	 * libuv has stopped it. Reading tells libcurl what is wrong, and gives
	 * it an answer that came before the reset.
	 */
	if (status < 0) {
		s->events = 0;
		ev = CURL_CSELECT_IN;
	}
	if (events & UV_READABLE)
		ev |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		ev |= CURL_CSELECT_OUT;
	run_curl(s->mux, fd, ev);
}

static void on_timer(uv_timer_t *t)
{
	run_curl(t->data, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
	struct mux *m = arg;

	(void)multi;
	if (ms < 0)
		uv_timer_stop(&m->timer);
	else
		uv_timer_start(&m->timer, on_timer, (uint64_t)ms, 0);
	return 0;
}

static int grow(struct mux *m, size_t fd)
{
	size_t n = m->nsocks ? m->nsocks : 64;
	struct sock **p;

	while (n <= fd)
		n *= 2;
	p = realloc(m->socks, n * sizeof(*p));
	if (!p)
		return -1;
	while (m->nsocks < n)
		p[m->nsocks++] = NULL;
	m->socks = p;
	return 0;
}

static struct sock *sock_of(struct mux *m, curl_socket_t fd)
{
	size_t at = (size_t)fd;
	struct sock *s;

	if (at >= m->nsocks && grow(m, at) < 0)
		return NULL;
	if (m->socks[at])
		return m->socks[at];
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	if (uv_poll_init(m->uv, &s->poll, fd) < 0) {
		free(s);
		return NULL;
	}
	s->mux = m;
	s->poll.data = s;
	m->socks[at] = s;
	return s;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
		      void *sockp)
{
	struct sock *s = sock_of(arg, fd);
	int want = 0;

	(void)easy;
	(void)sockp;
	if (!s)
		return -1;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		want |= UV_READABLE;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		want |= UV_WRITABLE;
	if (want == s->events)
		return 0;
	s->events = want;
	if (want == 0)
		return uv_poll_stop(&s->poll) < 0 ? -1 : 0;
	return uv_poll_start(&s->poll, want, on_poll) < 0 ? -1 : 0;
}

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct mux *mux_create(uv_loop_t *uv, const struct mux_ops *ops, void *arg,
		       struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct mux *m;

	pthread_once(&once, init_curl);
	m = calloc(1, sizeof(*m));
	if (m)
		m->multi = curl_multi_init();
	if (!m || !m->multi) {
		err_set(e, ERR_RETRY, "cannot make HTTP client: no memory");
		free(m);
		return NULL;
	}
	m->uv = uv;
	m->ops = ops;
	m->arg = arg;
	uv_timer_init(uv, &m->timer);
	m->timer.data = m;
	curl_multi_setopt(m->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(m->multi, CURLMOPT_SOCKETDATA, m);
	curl_multi_setopt(m->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(m->multi, CURLMOPT_TIMERDATA, m);
	return m;
}

static void free_handle(uv_handle_t *h)
{
	free(h->data);
}

void mux_free(struct mux *m)
{
	size_t i;

	if (!m)
		return;
	curl_multi_cleanup(m->multi);
	for (i = 0; i < m->nsocks; i++) {
		if (m->socks[i])
			uv_close((uv_handle_t *)&m->socks[i]->poll,
				 free_handle);
	}
	free(m->socks);
	uv_close((uv_handle_t *)&m->timer, free_handle);
}

CURLM *mux_multi(struct mux *m)
{
	return m->multi;
}

bool mux_inside(const struct mux *m)
{
	return m->inside;
}

bool mux_endless(struct mux_turn *t, const uv_loop_t *uv)
{
	uint64_t now = uv_now(uv);

	if (t->at != now)
		*t = (struct mux_turn){ .at = now };
	return ++t->reads > READS_MAX;
}
