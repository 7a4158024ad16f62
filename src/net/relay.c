/* SPDX-License-Identifier: ISC */
#include "net/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* At least a TLS record, so that none of it stays inside of OpenSSL. */
#define PIECE 32768

#define ROUNDS 8 /* then other connections have their turn */

int relay_wants(const struct relay *r, int i)
{
	int wants = 0;

	if (r->flow[i].len == 0 && !r->closed)
		wants |= RELAY_READ;
	if (r->flow[!i].len > 0)
		wants |= RELAY_WRITE;
	return wants;
}

static int keep(struct relay_flow *f, const char *p, size_t n)
{
	f->data = malloc(n);
	if (!f->data)
		return -1;
	memcpy(f->data, p, n);
	f->at = 0;
	f->len = n;
	return 0;
}

/* 0 as well when nothing can be written now; -1: the end is broken. */
static ssize_t write_some(struct relay_end *to, const char *p, size_t n)
{
	ssize_t w;

	do
		w = to->write(to->arg, p, n);
	while (w < 0 && errno == EINTR);
	if (w < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return w;
}

static int drain(struct relay_flow *f, struct relay_end *to)
{
	ssize_t n;

	if (f->len == 0)
		return 0;
	n = write_some(to, f->data + f->at, f->len);
	if (n < 0)
		return -1;
	f->at += (size_t)n;
	f->len -= (size_t)n;
	if (f->len == 0) {
		free(f->data);
		f->data = NULL;
	}
	return 0;
}

/* 1: there may be more; 0: not now; -1: over. */
static int pass_on(struct relay *r, int from)
{
	struct relay_end *in = &r->end[from];
	char piece[PIECE];
	ssize_t n, w;

	n = in->read(in->arg, piece, sizeof(piece));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		r->closed = 1 + from;
		return 0;
	}
	w = write_some(&r->end[!from], piece, (size_t)n);
	if (w < 0)
		return -1;
	if (w < n && keep(&r->flow[from], piece + w, (size_t)(n - w)) < 0)
		return -1;
	return w == n;
}

static int pump(struct relay *r, int from)
{
	int round;
	int rc = 1;

	if (drain(&r->flow[from], &r->end[!from]) < 0)
		return -1;
	for (round = 0; round < ROUNDS && rc > 0; round++) {
		if (r->flow[from].len > 0 || r->closed)
			break;
		rc = pass_on(r, from);
	}
	return rc < 0 ? -1 : 0;
}

int relay_pump(struct relay *r)
{
	if (pump(r, 0) < 0 || pump(r, 1) < 0)
		return -1;
	return r->closed && r->flow[r->closed - 1].len == 0 ? -1 : 0;
}

void relay_release(struct relay *r)
{
	free(r->flow[0].data);
	free(r->flow[1].data);
	memset(r, 0, sizeof(*r));
}
