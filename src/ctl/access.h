/* SPDX-License-Identifier: ISC */
#ifndef CTL_ACCESS_H
#define CTL_ACCESS_H

struct ctl_args;
struct err;
struct jwrite;

/* "C1,C2", or "all" and "none", which are both an empty list. What is wrong
 * in it whoever gets it finds. */
void ctl_add_ids(struct jwrite *w, const char *key, const char *text);

/* The member "access" for the options that were given, if any. 0 or -1. */
int ctl_access_body(struct jwrite *w, const struct ctl_args *a, struct err *e);

#endif
