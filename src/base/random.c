/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/secret.h"

void random_bytes(void *p, size_t n)
{
	unsigned char *at = p;
	ssize_t got;

	while (n > 0) {
		got = getrandom(at, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		at += got;
		n -= (size_t)got;
	}
}

#define COUNT_BITS 38

/* Starts anywhere. 0 means not started; should it wrap to 0, it jumps. */
static atomic_uint_least64_t counter;

static uint64_t next_count(void)
{
	uint_least64_t zero = 0;
	uint64_t start;

	if (atomic_load(&counter) == 0) {
		random_bytes(&start, sizeof(start));
		atomic_compare_exchange_strong(&counter, &zero, start | 1);
	}
	return atomic_fetch_add(&counter, 1) &
	       ((UINT64_C(1) << COUNT_BITS) - 1);
}

/*
 * The counter alone keeps ids of one process apart, also when the clock is
 * set back. The digits are Crockford's, whose order is that of their codes.
 */
void id_make(char out[ID_SIZE])
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint64_t count = next_count();
	uint64_t ms = (uint64_t)clock_wall_ms();
	/* 80 bits: 42 of ms, 38 of count, as two halves of eight digits */
	uint64_t high = (ms >> 2) & ((UINT64_C(1) << 40) - 1);
	uint64_t low = (ms & 3) << COUNT_BITS | count;
	int i;

	for (i = 7; i >= 0; i--) {
		out[i] = digits[high & 31];
		out[i + 8] = digits[low & 31];
		high >>= 5;
		low >>= 5;
	}
	out[ID_SIZE - 1] = '\0';
}
