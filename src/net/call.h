/* SPDX-License-Identifier: ISC */
#ifndef NET_CALL_H
#define NET_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>
#include <uv.h>

#include "base/buf.h"
#include "base/suspect.h"
#include "net/mux.h"

struct http;
struct http_request;
struct http_result;
struct party;
struct way;

/*
 * One request and its response: what http.c keeps in its lists and lends to
 * libcurl. The easy handle and the timer live as long as the call, which is
 * used for one request after the other.
 */
struct http_call {
	struct http_call *next; /* in active or spare */
	struct http_call **link;
	struct http_call *later;
	bool put_off; /* it is in later */
	struct origin *origin;
	struct party *party;      /* of those that wait */
	struct http_call *behind; /* in the party's queue */
	struct http_call **ahead; /* NULL: not in it */
	bool added;
	bool cancelled;

	struct http *http;
	CURL *easy;
	uv_timer_t timer;
	char errbuf[CURL_ERROR_SIZE];

	struct suspect who; /* whose work it is */

	char *secret; /* the Authorization header */
	char *type;   /* the Content-Type header */
	char *body;
	size_t body_len;
	struct curl_slist headers[3];

	struct buf in;
	size_t max_body;
	size_t got; /* bytes of the response's body */
	uint64_t started;
	uint64_t heard; /* when the last byte came */
	unsigned int first_byte_ms;
	unsigned int idle_ms;
	unsigned int total_ms;
	bool repeat;
	bool timeout;
	unsigned int tries; /* times that the request was sent */
	const char *fail;   /* why we ended it, NULL: libcurl did */
	struct mux_turn turn;

	int (*on_data)(const char *p, size_t n, void *arg);
	void (*on_done)(const struct http_result *r, void *arg);
	void *arg;
};

/* NULL when memory is short. */
struct http_call *call_create(struct http *h, uv_loop_t *uv, CURLSH *share);

/* Its easy handle isn't added. The memory goes once the loop came round. */
void call_free(struct http_call *c);

/* Copies r and the way, and forgets the request before; -1 when memory is
 * short. */
int call_set(struct http_call *c, const struct http_request *r,
	     const struct way *way);

/* Wipes and frees what a request needed. */
void call_clear(struct http_call *c);

/* What r points to stays until the next call_set() or call_clear(). */
void call_result(struct http_call *c, CURLcode rc, struct http_result *r);

#endif
