/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_EXPORT_H
#define ADMIN_EXPORT_H

struct api_call;
struct err;
struct store;

/*
 * All tenants in the form that admin/apply.h reads, without a secret: a
 * connection is there with its ids alone, so that its tokens stay when it is
 * applied where it came from. The second names files for them beside.
 */
int export_all(struct api_call *c, struct store *s, struct err *e);
int export_with_files(struct api_call *c, struct store *s, struct err *e);

#endif
