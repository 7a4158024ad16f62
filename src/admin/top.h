/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_TOP_H
#define ADMIN_TOP_H

#include <stdint.h>

struct admin_opts;
struct buf;

/*
 * The answer of GET /v1/top, as JSON: what GET /v1/status begins with, then
 * what "konstructctl top" takes the differences of, and the links that aren't
 * live, some at most:
 *
 *   "now_ms", "bounds_us": [1000, ...],
 *   "times": [{"name": "ack", "upto": [...], "sum_us": 7}],
 *   "tenants": [{"name", "answers", "failures", "tokens_in", "tokens_out"}],
 *   "links_down": [{"app_id", "state", "since_ms", "last"}]
 *
 * Any thread. Returns the HTTP status.
 */
int top_page(const struct admin_opts *o, int64_t started_ms, struct buf *out);

#endif
