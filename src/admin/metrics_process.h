/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_METRICS_PROCESS_H
#define ADMIN_METRICS_PROCESS_H

struct buf;

/* What the kernel says of this process, under the names that Prometheus'
 * own libraries use. What it doesn't say is left out. */
void metrics_process(struct buf *b);

#endif
