/* SPDX-License-Identifier: ISC */
#ifndef NET_SSE_H
#define NET_SSE_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Server-sent events, as the HTML standard's section 9.2 describes them:
 * bytes in, in any cuts, the data of each event out. LF, CRLF and CR end
 * lines; a BOM at the start is skipped; "data" lines are joined by LF; other
 * fields and comments are read over.
 */
struct sse {
	struct buf line;
	struct buf data;
	int (*on_event)(const char *data, size_t len, void *arg);
	void *arg;
	unsigned char state;
};

/* max bounds a line and an event. on_event returns non-zero to stop. */
void sse_init(struct sse *s, size_t max,
	      int (*on_event)(const char *data, size_t len, void *arg),
	      void *arg);
void sse_release(struct sse *s);

/* 0; -1 when a line or an event is too long; else what on_event returned. */
int sse_feed(struct sse *s, const char *p, size_t n);

#endif
