/* SPDX-License-Identifier: ISC */
#ifndef CTL_APP_H
#define CTL_APP_H

struct ctl;
struct ctl_args;

/*
 * "konstructctl app connect": has the app dialed at once, waits until its link
 * lives or it is known why not, and prints that; an exit code.
 */
int app_connect(struct ctl *c, const struct ctl_args *a);

#endif
