/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_STATUS_H
#define ADMIN_STATUS_H

#include <stdint.h>

struct admin_opts;
struct buf;

/*
 * The answers of GET /health, GET /ready and GET /v1/status as JSON in out;
 * each returns the HTTP status. Any thread; parts that are NULL in o are left
 * out. started_ms is clock_ms() at the start.
 */
int status_health(const struct admin_opts *o, int64_t started_ms,
		  struct buf *out);
int status_ready(const struct admin_opts *o, int64_t started_ms,
		 struct buf *out);
int status_full(const struct admin_opts *o, int64_t started_ms,
		struct buf *out);

/* An object with what GET /v1/status and GET /v1/top begin with; it is left
 * open. */
struct jwrite;
void status_begin(struct jwrite *w, const struct admin_opts *o,
		  int64_t started_ms);

#endif
