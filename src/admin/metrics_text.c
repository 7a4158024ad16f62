/* SPDX-License-Identifier: ISC */
#include "admin/metrics_text.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/buf.h"

void metrics_head(struct buf *b, const char *name, const char *type,
		  const char *help)
{
	(void)buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		       type);
}

void metrics_one(struct buf *b, const char *name, const char *type,
		 const char *help, uint64_t n)
{
	metrics_head(b, name, type, help);
	(void)buf_addf(b, "%s %" PRIu64 "\n", name, n);
}

void metrics_label(struct buf *b, char before, const char *key, const char *s)
{
	(void)buf_addf(b, "%c%s=\"", before, key);
	for (; *s; s++) {
		if (*s == '\n')
			(void)buf_adds(b, "\\n");
		else if (*s == '"' || *s == '\\')
			(void)buf_addf(b, "\\%c", *s);
		else
			(void)buf_addc(b, *s);
	}
	(void)buf_addc(b, '"');
}

void metrics_with(struct buf *b, const char *name, const char *key,
		  const char *s, uint64_t n)
{
	(void)buf_adds(b, name);
	metrics_label(b, '{', key, s);
	(void)buf_addf(b, "} %" PRIu64 "\n", n);
}

void metrics_with2(struct buf *b, const char *name, const char *const key[2],
		   const char *s0, const char *s1, uint64_t n)
{
	(void)buf_adds(b, name);
	metrics_label(b, '{', key[0], s0);
	metrics_label(b, ',', key[1], s1);
	(void)buf_addf(b, "} %" PRIu64 "\n", n);
}

static void add_seconds(struct buf *b, uint64_t us)
{
	(void)buf_addf(b, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
}

void metrics_time(struct buf *b, enum metric_time t, const char *name,
		  const char *help)
{
	struct metric_histogram h;
	size_t i;

	metric_times(t, &h);
	metrics_head(b, name, "histogram", help);
	for (i = 0; i < METRIC_BUCKETS - 1; i++) {
		(void)buf_addf(b, "%s_bucket{le=\"", name);
		add_seconds(b, (uint64_t)metric_bounds_us[i]);
		(void)buf_addf(b, "\"} %" PRIu64 "\n", h.upto[i]);
	}
	(void)buf_addf(b, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum ", name,
		       h.upto[i], name);
	add_seconds(b, h.sum_us);
	(void)buf_addf(b, "\n%s_count %" PRIu64 "\n", name, h.upto[i]);
}
