/* SPDX-License-Identifier: ISC */
#include "net/door.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

#include "base/err.h"
#include "net/loop.h"

#define ROUNDS   16 /* then others on the loop have their turn */
#define PAUSE_MS 100

struct door {
	uv_poll_t uv;
	struct loop_timer *pause;
	int fd;
	void (*come)(int fd, void *arg);
	void *arg;
};

/* Is it worth to look for another at once? */
static bool let_in(struct door *d)
{
	int fd = accept4(d->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		d->come(fd, d->arg);
		return true;
	}
	if (errno == ECONNABORTED || errno == EINTR)
		return true;
	if (errno != EAGAIN && errno != EWOULDBLOCK) {
		(void)uv_poll_stop(&d->uv);
		loop_timer_set(d->pause, PAUSE_MS);
	}
	return false;
}

static void on_knock(uv_poll_t *uv, int status, int events)
{
	int i;

	(void)status;
	(void)events;
	for (i = 0; i < ROUNDS && let_in(uv->data); i++)
		;
}

static void watch(void *arg)
{
	struct door *d = arg;

	(void)uv_poll_start(&d->uv, UV_READABLE, on_knock);
}

struct door *door_open(struct loop *l, int fd, void (*come)(int fd, void *arg),
		       void *arg, struct err *e)
{
	struct door *d = calloc(1, sizeof(*d));
	int rc;

	if (d)
		d->pause = loop_timer_create(l, watch, d);
	if (!d || !d->pause) {
		err_set(e, ERR_RETRY, "no memory");
		goto fail;
	}
	d->fd = fd;
	d->come = come;
	d->arg = arg;
	rc = uv_poll_init(loop_uv(l), &d->uv, fd); /* makes it non-blocking */
	if (rc < 0) {
		err_set(e, ERR_FATAL, "cannot watch a listening socket: %s",
			uv_strerror(rc));
		loop_timer_free(d->pause);
		goto fail;
	}
	d->uv.data = d;
	watch(d);
	return d;

fail:
	free(d);
	close(fd);
	return NULL;
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

void door_close(struct door *d)
{
	if (!d)
		return;
	loop_timer_free(d->pause);
	uv_close((uv_handle_t *)&d->uv, on_closed);
	close(d->fd);
}
