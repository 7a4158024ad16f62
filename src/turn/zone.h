/* SPDX-License-Identifier: ISC */
#ifndef TURN_ZONE_H
#define TURN_ZONE_H

#include <stdint.h>

/*
 * A person's time zone as users.info tells it: a name and how far it is from
 * UTC today. That is what counts, for earlier days too: a message from before
 * the clocks changed is told an hour off. All zero is UTC.
 */
struct zone {
	char name[48]; /* "Europe/Berlin"; "": not known */
	int offset_s;
};

/* Slack's tz and tz_offset. A name of other characters than such names have,
 * or one that is too long, is left out; an impossible offset makes UTC. */
void zone_set(struct zone *z, const char *tz, int64_t offset_s);

/* NULL is UTC for all of these; "" when ms is no time of a calendar. */
#define ZONE_TEXT 80
void zone_day(const struct zone *z, int64_t ms, char out[ZONE_TEXT]);
void zone_minute(const struct zone *z, int64_t ms, char out[ZONE_TEXT]);
/* "Europe/Berlin, UTC+01:00", or "UTC". */
void zone_label(const struct zone *z, char out[ZONE_TEXT]);

#endif
