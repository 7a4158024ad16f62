/* SPDX-License-Identifier: ISC */
#include "wires.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct wires wires;

/* Far from 0, which stands for "never" in many a place. */
static int64_t now_ms = 1000000;

static int64_t now(void)
{
	return now_ms;
}

static void wake(int64_t in_ms, void *arg)
{
	(void)in_ms;
	(void)arg;
}

static struct wire *connect_wire(struct transport *t, const char *url,
				 const char *addr, const struct wire_events *ev,
				 void *arg, struct err *e)
{
	struct wire *w;

	(void)t;
	if (wires.refuse) {
		err_set(e, ERR_RETRY, "connection refused");
		return NULL;
	}
	assert(wires.n < WIRES_MAX);
	w = calloc(1, sizeof(*w));
	assert(w);
	w->ev = ev;
	w->arg = arg;
	(void)snprintf(w->url, sizeof(w->url), "%s", url);
	(void)snprintf(w->addr, sizeof(w->addr), "%s", addr);
	wires.all[wires.n++] = w;
	return w;
}

static int send_text(struct wire *w, const char *p, size_t n)
{
	assert(!w->gone && !w->closing);
	if (wires.full)
		return -1;
	assert(n < sizeof(w->sent));
	memcpy(w->sent, p, n);
	w->sent[n] = '\0';
	w->nsent++;
	return 0;
}

static int ping(struct wire *w)
{
	assert(!w->gone && !w->closing);
	if (wires.mute)
		return -1;
	w->pings++;
	return 0;
}

static void close_wire(struct wire *w)
{
	assert(!w->gone && !w->closing);
	w->closing = true;
}

static void drop(struct wire *w)
{
	assert(!w->gone);
	w->gone = true;
}

static const struct transport_ops ops = {
	.connect = connect_wire,
	.send = send_text,
	.ping = ping,
	.close = close_wire,
	.drop = drop,
};

void wires_init(void)
{
	memset(&wires, 0, sizeof(wires));
	wires.base.ops = &ops;
	wires.alarms.now = now;
	wires.alarms.wake = wake;
	alarms_init(&wires.alarms);
}

void wires_release(void)
{
	size_t i;

	for (i = 0; i < wires.n; i++)
		free(wires.all[i]);
	alarms_release(&wires.alarms);
}

void wires_pass(int64_t ms)
{
	int64_t end = now_ms + ms;

	while (wires.alarms.n > 0 && wires.alarms.heap[0]->at_ms <= end) {
		if (wires.alarms.heap[0]->at_ms > now_ms)
			now_ms = wires.alarms.heap[0]->at_ms;
		alarms_run(&wires.alarms);
	}
	now_ms = end;
}

struct wire *wires_last(void)
{
	assert(wires.n > 0);
	return wires.all[wires.n - 1];
}

size_t wires_alive(void)
{
	size_t i, n = 0;

	for (i = 0; i < wires.n; i++)
		if (!wires.all[i]->gone)
			n++;
	return n;
}

void wire_open(struct wire *w)
{
	assert(!w->gone && !w->open);
	w->open = true;
	w->ev->opened(w->arg);
}

void wire_text(struct wire *w, const char *text)
{
	/* No NUL behind it, so that a reader too many is seen. */
	size_t n = strlen(text);
	char *p = malloc(n > 0 ? n : 1);

	assert(!w->gone);
	assert(p);
	memcpy(p, text, n);
	w->ev->text(p, n, w->arg);
	free(p);
}

void wire_end(struct wire *w, const char *why)
{
	assert(!w->gone);
	w->gone = true;
	w->ev->closed(why, w->arg);
}

void wire_hello(struct wire *w, const char *app_id, int connections)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		       "{\"type\":\"hello\",\"connection_info\":"
		       "{\"app_id\":\"%s\"},\"num_connections\":%d}",
		       app_id, connections);
	wire_text(w, text);
}

void wire_disconnect(struct wire *w, const char *reason)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		       "{\"type\":\"disconnect\",\"reason\":\"%s\","
		       "\"debug_info\":{\"host\":\"applink-1\"}}",
		       reason);
	wire_text(w, text);
}
