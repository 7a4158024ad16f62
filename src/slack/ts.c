/* SPDX-License-Identifier: ISC */
#include "slack/ts.h"

#include <string.h>

#define DIGITS      "0123456789"
#define SECONDS_MAX 12 /* digits; keeps the milliseconds within 64 bits */

bool ts_valid(const char *ts)
{
	size_t whole, fraction;

	if (!ts)
		return false;
	whole = strspn(ts, DIGITS);
	if (whole == 0 || whole > SECONDS_MAX || ts[whole] != '.')
		return false;
	fraction = strspn(ts + whole + 1, DIGITS);
	return fraction > 0 && ts[whole + 1 + fraction] == '\0' &&
	       whole + 1 + fraction < TS_SIZE;
}

int64_t ts_ms(const char *ts)
{
	int64_t ms = 0;
	int places = 0;

	if (!ts_valid(ts))
		return 0;
	for (; *ts != '.'; ts++)
		ms = ms * 10 + (*ts - '0');
	for (ts++; places < 3; places++) {
		ms *= 10;
		if (*ts != '\0')
			ms += *ts++ - '0';
	}
	return ms;
}
