/* SPDX-License-Identifier: ISC */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/*
 * A lock and a condition whose deadlines no jump of the wall clock moves. 0, or
 * -1 and neither is there. They end by pthread_cond_destroy() and
 * pthread_mutex_destroy().
 */
int wait_init(pthread_mutex_t *lock, pthread_cond_t *cond);

/* In so many ms, for pthread_cond_timedwait() on such a condition. */
struct timespec wait_until(int64_t ms);

#endif
