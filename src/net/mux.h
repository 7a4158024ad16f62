/* SPDX-License-Identifier: ISC */
#ifndef NET_MUX_H
#define NET_MUX_H

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>
#include <uv.h>

struct err;

/*
 * A libcurl multi handle whose sockets and timer are the loop's: one epoll
 * event costs what it costs, however many transfers there are. On the loop's
 * thread only.
 */
struct mux;

struct mux_ops {
	/* After each time that libcurl ran; it may be called now. */
	void (*rested)(void *arg);
	/* A transfer is over; easy is still added. */
	void (*ended)(CURL *easy, CURLcode rc, void *arg);
};

struct mux *mux_create(uv_loop_t *uv, const struct mux_ops *ops, void *arg,
		       struct err *e);

/* Every easy handle has been removed. Not from a callback; NULL is allowed. */
void mux_free(struct mux *m);

CURLM *mux_multi(struct mux *m);

/*
 * libcurl reads what a proxy says to CONNECT byte by byte, for as long as some
 * are there, and neither the loop nor a deadline has its turn meanwhile. So a
 * transfer's progress function, which is called for each, asks this: true once
 * it was more in one turn of the loop than a proxy has to say.
 */
struct mux_turn {
	uint64_t at;
	unsigned int reads;
};
bool mux_endless(struct mux_turn *t, const uv_loop_t *uv);

/*
 * libcurl is on the stack, so that a handle can be neither added nor removed
 * before rested() comes.
 */
bool mux_inside(const struct mux *m);

#endif
