/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_TENANTS_H
#define ADMIN_TENANTS_H

struct api_call;
struct err;
struct store;
struct tenant;

/*
 * The commands behind admin/api.h, each on a store: c->tenant, c->apply or
 * c->agent say what is wanted, the answer goes to c->out.
 */
int tenants_list(struct api_call *c, struct store *s, struct err *e);
int tenants_show(struct api_call *c, struct store *s, struct err *e);
int tenants_add(struct api_call *c, struct store *s, struct err *e);
int tenants_set(struct api_call *c, struct store *s, struct err *e);
int tenants_remove(struct api_call *c, struct store *s, struct err *e);
int tenants_pause(struct api_call *c, struct store *s, struct err *e);
int tenants_resume(struct api_call *c, struct store *s, struct err *e);
/* The app's links are to be dialed at once. */
int tenants_connect(struct api_call *c, struct store *s, struct err *e);
int tenants_apply(struct api_call *c, struct store *s, struct err *e);

/* 0 and out filled, -1 also when there is no such tenant. */
int tenants_load(struct api_call *c, struct store *s, const char *name,
		 struct tenant *out, struct err *e);

#endif
