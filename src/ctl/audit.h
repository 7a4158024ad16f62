/* SPDX-License-Identifier: ISC */
#ifndef CTL_AUDIT_H
#define CTL_AUDIT_H

struct ctl;
struct ctl_args;

/* The audit trail (store/audit.h), of the store or as it was exported into a
 * file; exit codes. */
int audit_verify(struct ctl *c, const struct ctl_args *a);
int audit_verify_file(const struct ctl_args *a);
int audit_export(struct ctl *c, const struct ctl_args *a);

#endif
