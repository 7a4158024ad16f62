/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_NAMES_H
#define ADMIN_NAMES_H

struct api_call;
struct err;
struct store;

/*
 * GET /v1/names/KIND, for completion: {"names": ["acme", ...]} of the tenants,
 * apps or models; GET /v1/names/channels/TENANT: those that its agents are
 * bound to, and where they answered in the last 90 days. As struct route's
 * run.
 */
int names_list(struct api_call *c, struct store *s, struct err *e);

#endif
