/* SPDX-License-Identifier: ISC */
#ifndef NET_RELAY_H
#define NET_RELAY_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Bytes between two nonblocking ends, both ways. It never waits; who owns it
 * calls relay_pump() when an end is ready for what relay_wants() says.
 */
struct relay_end {
	/* > 0: bytes; 0: closed; -1: errno, EAGAIN for "not now" */
	ssize_t (*read)(void *arg, void *p, size_t n);
	ssize_t (*write)(void *arg, const void *p, size_t n);
	void *arg;
};

/* What one end sent and the other did not take yet. */
struct relay_flow {
	char *data;
	size_t at, len;
};

struct relay {
	struct relay_end end[2];
	struct relay_flow flow[2]; /* flow[i] came from end[i] */
	int closed;                /* 1 + the end that has closed; 0: none */
};

enum {
	RELAY_READ = 1,
	RELAY_WRITE = 2,
};

/* What to wait for at end i: RELAY_READ, RELAY_WRITE, both or nothing. */
int relay_wants(const struct relay *r, int i);

/* -1: it is over: one end has closed, and the other has all that it sent. */
int relay_pump(struct relay *r);

void relay_release(struct relay *r);

#endif
