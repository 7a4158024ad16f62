/* SPDX-License-Identifier: ISC */
#include "base/wait.h"

int wait_init(pthread_mutex_t *lock, pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	if (pthread_mutex_init(lock, NULL) != 0)
		return -1;
	if (pthread_condattr_init(&attr) != 0)
		goto fail_lock;
	if (pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(cond, &attr) != 0)
		goto fail_attr;
	pthread_condattr_destroy(&attr);
	return 0;

fail_attr:
	pthread_condattr_destroy(&attr);
fail_lock:
	pthread_mutex_destroy(lock);
	return -1;
}

struct timespec wait_until(int64_t ms)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}
