/* SPDX-License-Identifier: ISC */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct conf_way;
struct err;
struct loop;
struct way;
struct way_box;

/*
 * HTTP client on a loop: one libcurl multi handle driven by the loop's own
 * events, connections kept and shared. Used on the loop's thread only; no
 * function blocks. Redirects are never followed: a token must not travel. Who
 * wants to (slack/download.h) decides by the location that the result tells.
 */
struct http;
struct http_call;

struct http_opts {
	const struct conf_way *way; /* NULL: nothing is set */
	/* Calls to one server, others queue; 0: 32. Over HTTP/2 eight times as
	 * many. */
	unsigned int at_once;
	struct way_box *box; /* instead of way: that of each call's moment */
};

struct http *http_create(struct loop *l, const struct http_opts *o,
			 struct err *e);
/*
 * Calls still under way end without their callback. Not from inside one; NULL
 * is allowed.
 */
void http_free(struct http *h);

struct http_result {
	int status;                  /* 0: no whole response */
	bool sent;                   /* the peer may have read the request */
	bool resent;                 /* and an earlier try as well */
	bool timeout;                /* one of the deadlines below ended it */
	unsigned int retry_after_ms; /* of the header; 0: none; 1 h at most */
	const char *scopes;          /* x-oauth-scopes, or NULL */
	const char *location;        /* of a redirect, absolute; or NULL */
	const char *body;            /* NUL-terminated; "" with on_data */
	size_t len;
	const char *msg; /* what went wrong, when status is 0 */
};

/* All strings are copied. A deadline of 0 is none. */
struct http_request {
	const char *method; /* "GET", "POST" */
	const char *url;
	const char *bearer;    /* NULL: no Authorization header */
	const struct way *way; /* NULL: the client's; used during the call */
	const char *content_type;
	const char *body;
	size_t body_len;
	size_t max_body; /* a larger response fails the call */
	/*
	 * A kept connection may die before the answer, with nobody knowing
	 * whether the server read the request. GET is then sent again on a
	 * fresh one; anything else only if this says so, and fails otherwise.
	 */
	bool repeat;

	/* Requests of one limit queue together; 0: as the client has it. */
	unsigned int at_once;

	/* Deadlines run from the moment when its turn has come. */
	unsigned int connect_ms;
	unsigned int first_byte_ms; /* from start to the first body byte */
	unsigned int idle_ms;       /* between two body bytes */
	unsigned int total_ms;

	/*
	 * Body as it comes, for 2xx only; non-zero ends the call, with status
	 * 0. May be NULL.
	 */
	int (*on_data)(const char *p, size_t n, void *arg);
	/* Once, never from inside http_start(). r is gone afterwards. */
	void (*on_done)(const struct http_result *r, void *arg);
	void *arg;
};

/* NULL with e filled, and then no callback. */
struct http_call *http_start(struct http *h, const struct http_request *r,
			     struct err *e);

/* Ends the call without a callback. Allowed from callbacks, but not after
 * on_done of that call began. NULL is allowed. */
void http_cancel(struct http_call *c);

/* Appends "&key=value" ("key=value" first), percent-encoded. */
struct buf;
void http_form(struct buf *form, const char *key, const char *value);

#endif
