/* SPDX-License-Identifier: ISC */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

struct ctl;
struct ctl_args;

/* Runs a command that is one request of admin/api.h, and shows the answer.
 * Returns the exit code. */
int request_run(const struct ctl_args *a, struct ctl *c);

#endif
