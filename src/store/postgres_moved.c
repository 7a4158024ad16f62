/* SPDX-License-Identifier: ISC */
#include "store/postgres.h"

int postgres_channel_moved(struct store *store, const char *tenant_id,
			   const char *app_id, const char *workspace_id,
			   const char *old_id, const char *new_id,
			   struct err *e)
{
	const char *const of_app[] = { app_id, workspace_id, old_id, new_id };
	const char *const of_tenant[] = { tenant_id, old_id, new_id };
	struct postgres *s = (struct postgres *)store;

	if (postgres_do(s, PQ_CHANNEL_MOVED, NULL, of_app, e) < 0)
		return -1;
	if (postgres_do(s, PQ_TRANSCRIPT_MOVED, tenant_id, of_tenant, e) < 0 ||
	    postgres_do(s, PQ_USAGE_MOVED, tenant_id, of_tenant, e) < 0 ||
	    postgres_do(s, PQ_HOMES_MOVED, tenant_id, of_tenant, e) < 0 ||
	    postgres_do(s, PQ_AGENTS_MOVED, tenant_id, of_tenant, e) < 0 ||
	    postgres_do(s, PQ_CANARY_MOVED, tenant_id, of_tenant, e) < 0)
		return -1;
	return postgres_do(s, PQ_ACCESS_MOVED, tenant_id, of_tenant, e);
}
