/* SPDX-License-Identifier: ISC */
#ifndef NET_ORIGIN_H
#define NET_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

struct http_call;

/*
 * How many calls go to one server at once, and the queue of the others. Left
 * to itself libcurl opens a connection for each of a thousand calls, or looks
 * through all that wait whenever one ends. Calls with another limit queue by
 * themselves: short ones don't wait for streams of minutes. Of those that wait
 * each token has its turn, whoever has how many: a flood of one workspace
 * keeps no other waiting.
 */
struct origin;

/*
 * Joins the calls to the server of url, in *list. 1: it may begin; 0: it waits
 * until origin_next() names it; -1: memory is short.
 */
int origin_join(struct origin **list, const char *url, size_t most,
		struct http_call *c);

/* Ended, or given up while waiting. Where it was; NULL: nowhere. */
struct origin *origin_leave(struct http_call *c);

/* A call that may begin now, or NULL. */
struct http_call *origin_next(struct origin *o);

/* The answer to c came over HTTP/2: several times as many may go at once. */
void origin_shares(struct http_call *c);

void origin_free_all(struct origin *list);

#endif
