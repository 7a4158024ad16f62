/* SPDX-License-Identifier: ISC */
#include <stdatomic.h>

#include "base/clock.h"

static atomic_llong least = INT64_MAX; /* wall clock less clock_ms(), ever */

int64_t clock_expiry_ms(void)
{
	int64_t now = clock_ms();
	long long ahead = clock_wall_ms() - now;
	long long seen = atomic_load(&least);

	while (ahead < seen &&
	       !atomic_compare_exchange_weak(&least, &seen, ahead))
		;
	return now + (ahead < seen ? ahead : seen);
}
