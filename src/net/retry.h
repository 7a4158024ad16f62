/* SPDX-License-Identifier: ISC */
#ifndef NET_RETRY_H
#define NET_RETRY_H

#include <stddef.h>

/*
 * How long to wait before try number n (0 is the first one after a failure):
 * the table's entry, the last one for all later tries, with full jitter
 * between half of it and all of it. floor_ms (a server's Retry-After) is
 * never undercut.
 */
struct retry_table {
	const unsigned int *ms;
	size_t n;
};

/* 1 s doubling to 60 s: a link that closed or a ticket that failed. */
extern const struct retry_table retry_link;

/* 30 s doubling to 10 min: too_many_websockets and the like. */
extern const struct retry_table retry_slow;

/* 250 ms doubling to 8 s: one call of the Web API or a model. */
extern const struct retry_table retry_call;

unsigned int retry_delay_ms(const struct retry_table *t, unsigned int n,
			    unsigned int floor_ms);

#endif
