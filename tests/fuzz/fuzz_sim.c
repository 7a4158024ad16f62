/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sim/core.h"
#include "sim/http.h"
#include "sim/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A connection without a socket: what it would send stays in its buffer. */
static struct conn *fake_conn(struct sim *s)
{
	struct conn *c = must_alloc(sizeof(*c));

	c->s = s;
	c->fd = -1;
	c->accepted = true;
	buf_init(&c->in, SIM_BODY_MAX);
	buf_init(&c->out, SIM_OUT_MAX);
	buf_init(&c->held, SIM_OUT_MAX);
	s->conns = c;
	return c;
}

/* In two pieces, so that what is incomplete has to wait. */
static void feed_http(struct sim *s, const uint8_t *data, size_t size)
{
	struct conn *c = fake_conn(s);
	size_t half = size / 2;

	if (half > 0)
		buf_add(&c->in, data, half);
	http_readable(c);
	if (!c->dead && size > half) {
		buf_add(&c->in, data + half, size - half);
		if (c->mode == CONN_HTTP)
			http_readable(c);
	}
	s->dirty = NULL;
}

static void feed_frames(const uint8_t *data, size_t size)
{
	char *copy = must_dupn((const char *)data, size);
	struct ws_frame f;
	size_t at = 0;

	while (at < size && ws_parse(copy + at, size - at, &f) > 0) {
		if (f.whole > size - at || f.len > f.whole)
			abort();
		at += f.whole;
	}
	free(copy);
}

/* The first byte chooses; /ctl/ is for whom the machine belongs to. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sim_opts none;
	struct err e = { 0 };
	struct sim *s;

	if (size < 1 || size > 1 << 16 || memmem(data, size, "/ctl/", 5))
		return 0;
	if (data[0] == 'w') {
		feed_frames(data + 1, size - 1);
		return 0;
	}
	s = sim_create(&none, &e);
	if (!s || sim_load_demo(s, &e) < 0)
		abort();
	feed_http(s, data + 1, size - 1);
	sim_stop(s);
	return 0;
}
