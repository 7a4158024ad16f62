/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_METRICS_TEXT_H
#define ADMIN_METRICS_TEXT_H

#include <stdint.h>

#include "base/metric.h"

struct buf;

/* The lines of Prometheus' text format; a type is "counter" or "gauge". */

/* What stands above the samples of a name. */
void metrics_head(struct buf *b, const char *name, const char *type,
		  const char *help);

/* A name with one sample, and what stands above it. */
void metrics_one(struct buf *b, const char *name, const char *type,
		 const char *help, uint64_t n);

/* A sample with one label, or two. */
void metrics_with(struct buf *b, const char *name, const char *key,
		  const char *s, uint64_t n);
void metrics_with2(struct buf *b, const char *name, const char *const key[2],
		   const char *s0, const char *s1, uint64_t n);

/* {key="s", quoted; before: '{', or ',' for one more. */
void metrics_label(struct buf *b, char before, const char *key, const char *s);

/* A histogram. */
void metrics_time(struct buf *b, enum metric_time t, const char *name,
		  const char *help);

#endif
