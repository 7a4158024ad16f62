/* SPDX-License-Identifier: ISC */
#include "store/keep.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

/* Budgets look at a whole month. */
#define USAGE_DAYS_MIN 62
/* Slack delivers again. */
#define HISTORY_DAYS_MIN 2

const char *const keep_names[KEEP_KINDS] = {
	[KEEP_TRANSCRIPTS] = "transcripts", [KEEP_USAGE] = "usage",
	[KEEP_FEEDBACK] = "feedback",       [KEEP_AUDIT] = "audit",
	[KEEP_HISTORY] = "history",
};

void keep_resolve(const struct keep *own, const struct keep *all,
		  struct keep *out)
{
	int i, days;

	for (i = 0; i < KEEP_KINDS; i++) {
		days = own->days[i] == KEEP_DEFAULT ? all->days[i]
						    : own->days[i];
		if (i == KEEP_USAGE && days > 0 && days < USAGE_DAYS_MIN)
			days = USAGE_DAYS_MIN;
		if (i == KEEP_HISTORY && days > 0 && days < HISTORY_DAYS_MIN)
			days = HISTORY_DAYS_MIN;
		out->days[i] = days;
	}
}

static int64_t until(const struct keep *k, enum keep_kind kind, int64_t now_ms)
{
	return k->days[kind] > 0 ? now_ms - k->days[kind] * KEEP_DAY_MS : -1;
}

static void print_ts(char out[KEEP_TEXT], int64_t until_ms)
{
	if (until_ms >= 0)
		(void)snprintf(out, KEEP_TEXT, "%010" PRId64 ".000000",
			       until_ms / 1000);
}

static void print_day(char out[KEEP_TEXT], int64_t until_ms)
{
	time_t at = (time_t)(until_ms / 1000);
	struct tm tm;

	if (until_ms >= 0 && gmtime_r(&at, &tm))
		(void)strftime(out, KEEP_TEXT, "%Y-%m-%d", &tm);
}

/* As long as the longest of what is found by it. */
static int64_t home_until(const struct keep *k, int64_t now_ms)
{
	static const enum keep_kind kinds[] = { KEEP_TRANSCRIPTS, KEEP_USAGE,
						KEEP_FEEDBACK };
	int64_t least = INT64_MAX;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (until(k, kinds[i], now_ms) < least)
			least = until(k, kinds[i], now_ms);
	return least;
}

void keep_cuts(const struct keep *k, int64_t now_ms, struct keep_cuts *out)
{
	*out = (struct keep_cuts){
		.feedback_ms = until(k, KEEP_FEEDBACK, now_ms),
		.audit_ms = until(k, KEEP_AUDIT, now_ms),
		.history_ms = until(k, KEEP_HISTORY, now_ms),
	};
	print_ts(out->ts, until(k, KEEP_TRANSCRIPTS, now_ms));
	print_day(out->day, until(k, KEEP_USAGE, now_ms));
	print_day(out->home, home_until(k, now_ms));
}

void keep_cuts_all(int64_t now_ms, struct keep_cuts *out)
{
	*out = (struct keep_cuts){
		.ts = "x", /* behind all digits */
		.day = "9999-01-01",
		.home = "9999-01-01",
		.feedback_ms = INT64_MAX,
		.audit_ms = -1,
		.history_ms = now_ms - REDELIVERED_MS,
	};
}

bool keep_cuts_any(const struct keep_cuts *c)
{
	return c->ts[0] != '\0' || c->day[0] != '\0' || c->feedback_ms >= 0 ||
	       c->audit_ms >= 0 || c->history_ms >= 0;
}
