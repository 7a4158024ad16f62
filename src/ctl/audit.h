/* SPDX-License-Identifier: ISC */
#ifndef CTL_AUDIT_H
#define CTL_AUDIT_H

#include <stdio.h>

struct ctl;
struct ctl_args;
struct err;

/* The audit trail (store/audit.h), of the store or as it was exported into a
 * file; exit codes. */
int audit_verify(struct ctl *c, const struct ctl_args *a);
int audit_verify_file(const struct ctl_args *a);
/* The same of what is open; name is for e, which tells of the line that is no
 * row. What is wrong with the chain goes to out. */
int audit_verify_stream(FILE *in, const char *name, const struct ctl_args *a,
			FILE *out, struct err *e);
int audit_export(struct ctl *c, const struct ctl_args *a);

#endif
