/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_KEEPING_H
#define ADMIN_KEEPING_H

struct api_call;
struct err;
struct jwrite;
struct store;

/* For how many days what is kept (store/keep.h), as apply reads it. */
int keeping_write(struct jwrite *w, struct store *s, const char *tenant_id,
		  struct err *e);

/* "uninstalled": what an app was taken out of (store/uninstall.h), of the
 * tenant or (NULL) of all, and when it is erased if that is days later. */
int keeping_uninstalled(struct jwrite *w, struct store *s, const char *tenant,
			int days, struct err *e);

/* POST /v1/tenants/NAME/purge: in as many transactions as it takes. */
int keeping_purge(struct api_call *c, struct store *s, struct err *e);

#endif
