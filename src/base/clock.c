/* SPDX-License-Identifier: ISC */
#include "base/clock.h"

#include <time.h>

#include "base/clock_shift.h"

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_ms(void)
{
	return read_ms(CLOCK_BOOTTIME) + clock_shift_boot();
}

int64_t clock_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME) + clock_shift_wall();
}
