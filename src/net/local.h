/* SPDX-License-Identifier: ISC */
#ifndef NET_LOCAL_H
#define NET_LOCAL_H

#include <stddef.h>

struct buf;
struct err;

/*
 * One HTTP request over a unix socket, for commands: blocks until the answer
 * is there. body NULL: none. The answer's body is appended to out. Returns
 * the HTTP status, or -1 with e filled: ERR_RETRY when nobody answers,
 * ERR_FATAL when the socket may not be used.
 */
int local_call(const char *socket, const char *method, const char *path,
	       const char *body, size_t len, struct buf *out, struct err *e);

/* The same for a GET, which is given up after so long. */
int local_ask(const char *socket, const char *path, long timeout_ms,
	      struct buf *out, struct err *e);

/* The process that listens on it; 0: none does. */
long local_pid(const char *path);

#endif
