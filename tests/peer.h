/* SPDX-License-Identifier: ISC */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A small blocking HTTP/1.1 and WebSocket client for the tests of the
 * simulator. Every read has a deadline of twenty seconds; what fails fails
 * the test, except where a function returns it.
 */
struct peer;

/* ca NULL: plain TCP. */
struct peer *peer_open(int port, const char *ca);
void peer_close(struct peer *p);

struct answer {
	int status; /* 0: the connection ended first */
	char head[8192];
	char *body; /* heap */
	size_t len;
};
/* type NULL: form. The answer is valid until the next call. */
const struct answer *peer_post(struct peer *p, const char *path,
			       const char *token, const char *type,
			       const char *body);
/* The two halves of it, to pipeline. */
void peer_send(struct peer *p, const char *path, const char *token,
	       const char *type, const char *body);
const struct answer *peer_answer(struct peer *p);
void peer_raw(struct peer *p, const void *bytes, size_t n);

/* Upgrades with the path; the status of the answer. */
int peer_upgrade(struct peer *p, const char *path);
/*
 * The next frame's opcode with its bytes as a string in *text, good until the
 * next call; pings are answered and passed over. -1: the connection ended.
 */
int peer_frame(struct peer *p, const char **text);
void peer_frame_out(struct peer *p, int first_byte, const void *bytes,
		    size_t n);
/* Nothing comes within ms. */
bool peer_silent(struct peer *p, int ms);

#endif
