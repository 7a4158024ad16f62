/* SPDX-License-Identifier: ISC */
#ifndef NET_FRAMES_H
#define NET_FRAMES_H

#include <stdbool.h>

struct buf;

/*
 * A message that a WebSocket server sends, out of the bytes of the connection
 * (RFC 6455, 5), for a client that looks at one. Links have libwebsockets.
 */
enum frames_end {
	FRAMES_MORE,   /* to be called again with more bytes */
	FRAMES_TEXT,   /* a whole one */
	FRAMES_CLOSED, /* the server says goodbye */
	FRAMES_BAD,    /* no WebSocket, or larger than text takes */
};

struct frames {
	unsigned int code; /* FRAMES_CLOSED: why; 1005: not told */
	/* Of a message in parts. */
	bool in_text, in_other;
};

/* All zero to begin with. Takes whole frames off in; text gets the parts of the
 * first text message. What is no text is passed over. */
enum frames_end frames_read(struct frames *f, struct buf *in, struct buf *text);

#endif
