/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_LEVELS_H
#define ADMIN_LEVELS_H

#include <stddef.h>

struct buf;
struct err;

/*
 * GET /v1/log-level: the common level, and those of parts that have their own.
 * PUT with {"level": "debug", "part": "turn"}: until the next start; without a
 * part: the common one; level "default": the part's own one is taken back.
 */
int levels_set(const char *body, size_t len, struct err *e);
void levels_show(struct buf *out);

#endif
