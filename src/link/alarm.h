/* SPDX-License-Identifier: ISC */
#ifndef LINK_ALARM_H
#define LINK_ALARM_H

#include <stddef.h>
#include <stdint.h>

/*
 * The deadlines of thousands of links on one timer, and the clock they go by,
 * which a test sets by hand. One thread only.
 */
struct alarm {
	int64_t at_ms;
	size_t slot; /* place in the heap, counted from 1; 0: not set */
	void (*fn)(void *arg);
	void *arg;
};

struct alarms {
	int64_t (*now)(void); /* clock_ms() */
	/* The earliest deadline has moved; call alarms_run() then. */
	void (*wake)(int64_t in_ms, void *arg);
	void *arg;

	struct alarm **heap;
	size_t n;       /* set */
	size_t members; /* may be set */
	size_t size;
};

/* Fill in now, wake and arg first. */
void alarms_init(struct alarms *as);
void alarms_release(struct alarms *as);

/* Room is made here, so that setting never fails. 0, or -1: no memory. */
int alarm_init(struct alarms *as, struct alarm *a, void (*fn)(void *arg),
	       void *arg);
void alarm_release(struct alarms *as, struct alarm *a);

/* Fires once, in 1 ms at the earliest; replaces an earlier deadline. */
void alarm_set(struct alarms *as, struct alarm *a, int64_t in_ms);
void alarm_stop(struct alarms *as, struct alarm *a);

/* Fire all that is due. */
void alarms_run(struct alarms *as);

#endif
