/* SPDX-License-Identifier: ISC */
#ifndef SIM_WS_H
#define SIM_WS_H

#include <stdbool.h>
#include <stddef.h>

struct conn;

/* RFC 6455, the server's side. */
enum ws_op {
	WS_CONT = 0x0,
	WS_TEXT = 0x1,
	WS_BINARY = 0x2,
	WS_CLOSE = 0x8,
	WS_PING = 0x9,
	WS_PONG = 0xa,
};

struct ws_frame {
	bool fin;
	enum ws_op op;
	char *data; /* unmasked in place */
	size_t len;
	size_t whole; /* with its head */
};

/* 1 with f filled, 0 when more must come, -1 when it isn't allowed. */
int ws_parse(char *p, size_t n, struct ws_frame *f);

/* The head of a whole frame, whose n bytes are sent next. */
void ws_head(struct conn *c, enum ws_op op, size_t n);
void ws_send(struct conn *c, enum ws_op op, const void *p, size_t n);

/* The value of Sec-WebSocket-Accept, 28 characters. */
void ws_accept(const char *key, char out[32]);

#endif
