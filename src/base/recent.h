/* SPDX-License-Identifier: ISC */
#ifndef BASE_RECENT_H
#define BASE_RECENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

/*
 * The last warnings and errors that were logged, for the status page. What may
 * be in a log may be here, no message's text, no token; but not the field
 * "detail", which quotes what a foreign server said. A line that is said
 * again, with the same fields, is one line with a count. Any thread.
 */
#define RECENT_LINES 32

struct recent_line {
	enum log_level level;
	int64_t at_ms;   /* wall clock, of the last time */
	uint64_t times;  /* that it was said while it is here */
	char msg[240];   /* cut where it is longer */
	char where[160]; /* "tenant=acme app=A1"; fields that found room */
};

/* For log.c. f may be NULL. */
void recent_add(enum log_level level, const char *msg,
		const struct log_field *f);

/* A copy of them, the newest first; returns how many. */
size_t recent_copy(struct recent_line out[RECENT_LINES]);

#endif
