/* SPDX-License-Identifier: ISC */
#include "admin/hour.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

#define MINUTE_MS 60000

static struct hour_counts *slot(struct hour *h, int64_t minute)
{
	return &h->began[minute % HOUR_MINUTES];
}

void hour_init(struct hour *h, int64_t now_ms, const struct hour_counts *c)
{
	h->first = h->minute = now_ms / MINUTE_MS;
	*slot(h, h->minute) = *c;
}

void hour_tick(struct hour *h, int64_t now_ms, const struct hour_counts *c)
{
	int64_t now = now_ms / MINUTE_MS;

	if (now - h->minute > HOUR_MINUTES)
		h->minute = now - HOUR_MINUTES;
	while (h->minute < now)
		*slot(h, ++h->minute) = *c;
}

/* The oldest minute that there is a beginning of. */
static int64_t oldest(const struct hour *h)
{
	int64_t m = h->minute - HOUR_MINUTES + 1;

	return m > h->first ? m : h->first;
}

static const struct hour_counts *began(const struct hour *h, int64_t minute)
{
	return &h->began[minute % HOUR_MINUTES];
}

/* The beginning of the next minute is the end of this one. */
static const struct hour_counts *ended(const struct hour *h, int64_t minute,
				       const struct hour_counts *now)
{
	return minute == h->minute ? now : began(h, minute + 1);
}

/* Among those of one bucket they are taken to lie evenly; -1: there are none.
 * Beyond the last bound all that is known is the bound. */
static int64_t quantile(const struct metric_histogram *a,
			const struct metric_histogram *b, unsigned int percent)
{
	uint64_t n = b->upto[METRIC_BUCKETS - 1] - a->upto[METRIC_BUCKETS - 1];
	uint64_t below = 0, upto;
	int64_t low = 0;
	double rank = (double)n * percent / 100;
	size_t i;

	if (n == 0)
		return -1;
	for (i = 0; i < METRIC_BUCKETS - 1; i++) {
		upto = b->upto[i] - a->upto[i];
		if ((double)upto >= rank && upto > below)
			return low +
			       (int64_t)((double)(metric_bounds_us[i] - low) *
					 (rank - (double)below) /
					 (double)(upto - below));
		below = upto;
		low = metric_bounds_us[i];
	}
	return low;
}

static void write_counts(const struct hour *h, const struct hour_counts *now,
			 const char *key, size_t offset, struct jwrite *w)
{
	const char *a, *b;
	int64_t m;

	jw_array(w, key);
	for (m = oldest(h); m <= h->minute; m++) {
		a = (const char *)began(h, m) + offset;
		b = (const char *)ended(h, m, now) + offset;
		jw_int(w, NULL,
		       (int64_t)(*(const uint64_t *)b - *(const uint64_t *)a));
	}
	jw_array_end(w);
}

static void write_quantile(const struct hour *h, const struct hour_counts *now,
			   const char *key, size_t offset, unsigned int percent,
			   struct jwrite *w)
{
	const char *a, *b;
	int64_t m, us;

	jw_array(w, key);
	for (m = oldest(h); m <= h->minute; m++) {
		a = (const char *)began(h, m) + offset;
		b = (const char *)ended(h, m, now) + offset;
		us = quantile((const struct metric_histogram *)a,
			      (const struct metric_histogram *)b, percent);
		if (us < 0)
			jw_raw(w, NULL, "null");
		else
			jw_int(w, NULL, us);
	}
	jw_array_end(w);
}

static void write_times(const struct hour *h, const struct hour_counts *now,
			const char *key, size_t offset, struct jwrite *w)
{
	jw_object(w, key);
	write_quantile(h, now, "p50_us", offset, 50, w);
	write_quantile(h, now, "p99_us", offset, 99, w);
	jw_object_end(w);
}

void hour_write(const struct hour *h, int64_t now_ms,
		const struct hour_counts *c, struct jwrite *w)
{
	jw_object(w, "hour");
	jw_int(w, "minutes", h->minute - oldest(h) + 1);
	jw_int(w, "under_way_ms", now_ms - h->minute * MINUTE_MS);
	write_counts(h, c, "envelopes", offsetof(struct hour_counts, envelopes),
		     w);
	write_counts(h, c, "answers", offsetof(struct hour_counts, answers), w);
	write_counts(h, c, "failures", offsetof(struct hour_counts, failures),
		     w);
	write_times(h, c, "ack", offsetof(struct hour_counts, ack), w);
	write_times(h, c, "first", offsetof(struct hour_counts, first), w);
	write_times(h, c, "answer", offsetof(struct hour_counts, answer), w);
	jw_object_end(w);
}
