/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_WEB_H
#define ADMIN_WEB_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct loop;
struct peer;

/*
 * A small HTTP server on a loop, for the loopback port and the unix socket.
 * JSON in, JSON out; whole bodies, under a ceiling; every wait has an end.
 * All on the loop's thread but web_create() and web_free().
 */
struct web;
struct web_request;

/* What was asked for, borrowed until web_reply(). */
struct web_view {
	const struct peer *peer; /* came over the unix socket, from there; NULL:
				  * to the port */
	const char *method;      /* "GET" also for HEAD */
	const char *path;        /* decoded, without the query */
	const char *host;        /* the header; "": none, or too long */
	bool loopback;           /* came to an address of this machine only */
	const char *body;        /* NUL-terminated */
	size_t len;
};

struct web_opts {
	struct loop *loop;
	const char *listen; /* "host:port", numeric; "": none */
	const char *socket; /* path; for nobody yet but its owner; "": none */
	/* The most that the body of a request to path may have. */
	size_t (*body_max)(const char *path);
	/* Leads to one web_reply(), from inside or later. */
	void (*serve)(struct web_request *r, const struct web_view *v,
		      void *arg);
	/* Are places kept for who comes over the socket? Others may take all
	 * but those, and no body of theirs is read. */
	bool (*keeps)(const struct peer *p, void *arg);
	void *arg;
};

/*
 * Before the loop starts. Its own directory of the socket is made when it is
 * missing, a socket that nobody listens on is replaced; anything else in the
 * way is an error. A port that is taken is ERR_RETRY, a bad setting
 * ERR_INPUT.
 */
struct web *web_create(const struct web_opts *o, struct err *e);

/* After the loop stopped; removes the socket. Requests that were not replied
 * to may still be, to no effect, before loop_free(). NULL is allowed. */
void web_free(struct web *w);

/* What the body is, unless JSON; type is borrowed until r is gone. */
void web_type(struct web_request *r, const char *type);

/* Which Content-Security-Policy the answer has, unless that nothing may be
 * loaded at all; borrowed like the type. */
void web_policy(struct web_request *r, const char *policy);

/* Takes the contents of body. r is gone. */
void web_reply(struct web_request *r, int status, struct buf *body);

#endif
