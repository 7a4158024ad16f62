/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_METRICS_H
#define ADMIN_METRICS_H

#include <stdint.h>

struct admin_opts;
struct buf;

/* The text format that Prometheus reads, version 0.0.4. */
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* All numbers of the process, as a page for a monitor; as in status.h. Admin
 * thread. */
int metrics_page(const struct admin_opts *o, int64_t started_ms,
		 struct buf *out);

#endif
