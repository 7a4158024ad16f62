/* SPDX-License-Identifier: ISC */
#ifndef SIM_HTTP_H
#define SIM_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct conn;

#define HTTP_HEADERS 64

/* Strings live as long as the request: until serve() returns. */
struct request {
	const char *method;
	const char *path;
	const char *query; /* "" without one */
	struct {
		const char *name; /* lower case */
		const char *value;
	} headers[HTTP_HEADERS];
	size_t nheaders;
	const char *body; /* NUL-terminated */
	size_t len;
	bool keep;
	bool chunked;
	char head[];
};

const char *http_header(const struct request *r, const char *name);
/* The token of "Authorization: Bearer token", or NULL. */
const char *http_bearer(const struct request *r);

/* Parse and dispatch what has come in. */
void http_readable(struct conn *c);

/* extra: header lines each with its "\r\n", or NULL. A whole answer. */
void http_reply(struct conn *c, int status, const char *type, const char *extra,
		const char *body, size_t len);
/*
 * From now on until http_release() the connection is busy, and what
 * http_reply() makes is kept aside.
 */
void http_hold(struct conn *c);
void http_release(struct conn *c);
/* An answer in chunks; the connection is busy until http_chunk_end(). */
void http_chunk_start(struct conn *c, int status, const char *type);
void http_chunk(struct conn *c, const char *p, size_t n);
void http_chunk_end(struct conn *c);

/* The request is dispatched by its path (serve.c). */
void serve(struct conn *c, struct request *r);

#endif
