/* SPDX-License-Identifier: ISC */
#ifndef CTL_BODY_H
#define CTL_BODY_H

struct buf;
struct ctl_args;
struct err;

/*
 * Appends what a command sends, as admin/api.h wants it; nothing, if it sends
 * nothing. Files that it names are read here, tokens among them, so out is to
 * be wiped. EX_OK, or the exit code with e.
 */
int body_make(const struct ctl_args *a, struct buf *out, struct err *e);

#endif
