/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_VERDICT_H
#define ROUTE_VERDICT_H

#include <stdint.h>

/* What a stage of screen[] or route[] decided. */
enum verdict {
	V_NEXT,   /* go on to the following stage */
	V_DROP,   /* not for us; say nothing */
	V_ACCEPT, /* screen: journal it; route: a turn begins */
	V_HOLD,   /* screen: its mention may be on the way; route: what it
		   * depends on is; keep it briefly */
	V_REFUSE, /* tell the user why */
	V_FAIL,   /* can't be told now; try again */
	V_COUNT
};

const char *verdict_name(enum verdict v);

/*
 * Decisions counted since start, by stage and verdict. Any thread. The name
 * of the stage is kept as the pointer that it is.
 */
void verdict_count(const char *stage, enum verdict v);
/* Calls fn for each pair that was counted at least once. */
void verdict_each(void (*fn)(const char *stage, enum verdict v, uint64_t n,
			     void *arg),
		  void *arg);

#endif
