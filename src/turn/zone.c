/* SPDX-License-Identifier: ISC */
#include "turn/zone.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* As the tz database has them. */
#define NAME_CHARS                   \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz" \
	"0123456789_+-/"

/* From UTC-12 to UTC+14, with an hour to spare. */
#define OFFSET_MAX_S (15 * 60 * 60)

void zone_set(struct zone *z, const char *tz, int64_t offset_s)
{
	size_t n = tz ? strlen(tz) : 0;

	memset(z, 0, sizeof(*z));
	if (offset_s < -OFFSET_MAX_S || offset_s > OFFSET_MAX_S)
		return;
	z->offset_s = (int)offset_s;
	if (n < sizeof(z->name) && n > 0 && strspn(tz, NAME_CHARS) == n)
		memcpy(z->name, tz, n + 1);
}

static bool split(const struct zone *z, int64_t ms, struct tm *tm)
{
	time_t at = (time_t)(ms / 1000 + (z ? z->offset_s : 0));

	return gmtime_r(&at, tm) != NULL;
}

void zone_day(const struct zone *z, int64_t ms, char out[ZONE_TEXT])
{
	struct tm tm;

	if (!split(z, ms, &tm) ||
	    strftime(out, ZONE_TEXT, "%A, %Y-%m-%d", &tm) == 0)
		out[0] = '\0';
}

void zone_minute(const struct zone *z, int64_t ms, char out[ZONE_TEXT])
{
	struct tm tm;

	if (!split(z, ms, &tm) ||
	    strftime(out, ZONE_TEXT, "%Y-%m-%d %H:%M", &tm) == 0)
		out[0] = '\0';
}

void zone_label(const struct zone *z, char out[ZONE_TEXT])
{
	int minutes = z ? z->offset_s / 60 : 0;
	char utc[24] = "UTC";

	if (minutes != 0)
		(void)snprintf(utc, sizeof(utc), "UTC%c%02d:%02d",
			       minutes < 0 ? '-' : '+', abs(minutes) / 60,
			       abs(minutes) % 60);
	if (z && z->name[0] != '\0')
		(void)snprintf(out, ZONE_TEXT, "%s, %s", z->name, utc);
	else
		(void)snprintf(out, ZONE_TEXT, "%s", utc);
}
