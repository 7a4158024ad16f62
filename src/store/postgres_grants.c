/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/backend.h"
#include "store/grants.h"
#include "store/postgres.h"

static char *unseal(const struct postgres *s, const PGresult *r, int row,
		    int col, const char *place, struct err *e)
{
	return keyring_unseal(s->keyring, place, PQgetvalue(r, row, col), e);
}

/* On failure g is left empty. */
static int read_grant(const struct postgres *s, const PGresult *r, int row,
		      struct grant *g, struct err *e)
{
	char place[PLACE_SIZE];

	*g = (struct grant){
		.tenant_id = postgres_copy(r, row, 0),
		.channel_type = postgres_copy(r, row, 1),
		.app_id = postgres_copy(r, row, 2),
		.workspace_id = postgres_copy(r, row, 3),
		.client_id = postgres_copy(r, row, 6),
		.expires_ms = postgres_int(r, row, 8),
		.generation = postgres_int(r, row, 9),
	};
	if (!g->tenant_id || !g->channel_type || !g->app_id ||
	    !g->workspace_id || !g->client_id) {
		err_set(e, ERR_RETRY, "cannot read the store: no memory");
		goto fail;
	}
	if (place_connection(place, g->channel_type, g->app_id,
			     g->workspace_id) == 0)
		g->bot_token = unseal(s, r, row, 4, place, e);
	if (place_grant(place, g->channel_type, g->app_id, g->workspace_id) ==
	    0)
		g->refresh_token = unseal(s, r, row, 5, place, e);
	if (place_client(place, g->app_id) == 0)
		g->client_secret = unseal(s, r, row, 7, place, e);
	if (g->bot_token && g->refresh_token && g->client_secret)
		return 0;
fail:
	grant_release(g);
	return -1;
}

static int due(struct store *store, int64_t now_ms,
	       int (*fn)(const struct grant *g, void *arg), void *arg,
	       struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	char now[POSTGRES_NUMBER];
	const char *const params[] = { postgres_number(now, now_ms) };
	PGresult *r = postgres_run(s, PQ_GRANTS_DUE, NULL, params, e);
	int rc = r ? 0 : -1;
	bool failed = false;
	struct grant g;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		if (read_grant(s, r, i, &g, e) < 0) {
			failed = true;
			continue;
		}
		rc = fn(&g, arg);
		grant_release(&g);
	}
	PQclear(r);
	return failed || rc < 0 ? -1 : 0;
}

static int times(struct store *store, const char *tenant_id,
		 int (*fn)(const struct grant *g, void *arg), void *arg,
		 struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	PGresult *r = postgres_run(s, PQ_GRANT_TIMES, tenant_id, NULL, e);
	int rc = r ? 0 : -1;
	struct grant g;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		g = (struct grant){
			.tenant_id = (char *)tenant_id,
			.app_id = PQgetvalue(r, i, 0),
			.workspace_id = PQgetvalue(r, i, 1),
			.expires_ms = postgres_int(r, i, 2),
			.renew_ms = postgres_int(r, i, 3),
		};
		rc = fn(&g, arg);
	}
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

static int sum(struct store *store, struct grant_sum *out, struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	PGresult *r = postgres_run(s, PQ_GRANT_SUM, NULL, NULL, e);

	if (!r)
		return -1;
	*out = (struct grant_sum){ postgres_int(r, 0, 0), postgres_int(r, 0, 1),
				   postgres_int(r, 0, 2) };
	PQclear(r);
	return 0;
}

/* How many rows, or -1. */
static int rows(struct postgres *s, enum postgres_query q, const char *tenant,
		const char *const *params, struct err *e)
{
	PGresult *r = postgres_run(s, q, tenant, params, e);
	int n = r ? PQntuples(r) : -1;

	PQclear(r);
	return n;
}

static int knows(struct store *store, const struct grant *g, struct err *e)
{
	char given[GRANT_GIVEN];
	const char *const params[] = { g->channel_type, g->app_id,
				       g->workspace_id, given };

	grant_digest(g->refresh_token, given);
	return rows((struct postgres *)store, PQ_GRANT_KNOWN, g->tenant_id,
		    params, e);
}

static int has_client(struct store *store, const char *app_id, struct err *e)
{
	return rows((struct postgres *)store, PQ_CLIENT, NULL, &app_id, e);
}

static int hurry(struct store *store, const struct grant *g, struct err *e)
{
	const char *const params[] = { g->channel_type, g->app_id,
				       g->workspace_id };

	return postgres_do((struct postgres *)store, PQ_GRANT_HURRY,
			   g->tenant_id, params, e);
}

static int seal(struct postgres *s, const char *place, const char *plain,
		struct buf *out, struct err *e)
{
	char key[KEY_ID_SIZE];

	buf_init(out, SEALED_MAX);
	if (postgres_sealing(s, key, e) < 0)
		return -1;
	return keyring_seal(s->keyring, key, place, plain, out, e);
}

static int put(struct store *store, const struct grant *g, struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	char place[PLACE_SIZE], given[GRANT_GIVEN];
	const char *params[] = { g->channel_type, g->app_id, g->workspace_id,
				 g->tenant_id,    NULL,      given };
	struct buf sealed;
	int rc = -1;

	if (!g->refresh_token)
		return postgres_do(s, PQ_GRANT_DROP, g->tenant_id, params, e);
	if (place_grant(place, g->channel_type, g->app_id, g->workspace_id) < 0)
		return err_set(e, ERR_INPUT, "ids of connection are too long");
	grant_digest(g->refresh_token, given);
	if (seal(s, place, g->refresh_token, &sealed, e) == 0) {
		params[4] = sealed.data;
		rc = postgres_do(s, PQ_GRANT_PUT, g->tenant_id, params, e);
	}
	buf_release(&sealed);
	return rc;
}

static int client_put(struct store *store, const char *app_id,
		      const char *client_id, const char *client_secret,
		      struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	const char *params[] = { app_id, client_id, NULL };
	char place[PLACE_SIZE];
	struct buf sealed;
	int rc = -1;

	if (place_client(place, app_id) < 0)
		return err_set(e, ERR_INPUT, "app id is too long");
	if (seal(s, place, client_secret, &sealed, e) == 0) {
		params[2] = sealed.data;
		rc = postgres_do(s, PQ_CLIENT_PUT, NULL, params, e);
	}
	buf_release(&sealed);
	return rc;
}

static int renew_refresh(struct postgres *s, const struct grant *g,
			 struct err *e)
{
	char place[PLACE_SIZE];
	char expires[POSTGRES_NUMBER], generation[POSTGRES_NUMBER];
	char when[POSTGRES_NUMBER];
	const char *params[] = { g->channel_type,
				 g->app_id,
				 g->workspace_id,
				 NULL,
				 postgres_number(expires, g->expires_ms),
				 postgres_number(generation, g->generation),
				 postgres_number(when, g->renew_ms) };
	struct buf sealed;
	int rc = -1;

	if (place_grant(place, g->channel_type, g->app_id, g->workspace_id) < 0)
		return err_set(e, ERR_INPUT, "ids of connection are too long");
	if (seal(s, place, g->refresh_token, &sealed, e) == 0) {
		params[3] = sealed.data;
		rc = rows(s, PQ_GRANT_RENEW, g->tenant_id, params, e);
	}
	buf_release(&sealed);
	return rc;
}

static int renew_bot(struct postgres *s, const struct grant *g, struct err *e)
{
	const char *params[] = { g->channel_type, g->app_id, g->workspace_id,
				 NULL };
	char place[PLACE_SIZE];
	struct buf sealed;
	int rc = -1;

	if (place_connection(place, g->channel_type, g->app_id,
			     g->workspace_id) < 0)
		return err_set(e, ERR_INPUT, "ids of connection are too long");
	if (seal(s, place, g->bot_token, &sealed, e) == 0) {
		params[3] = sealed.data;
		rc = postgres_do(s, PQ_CONNECTION_RENEW, g->tenant_id, params,
				 e);
	}
	buf_release(&sealed);
	return rc;
}

static int renew(struct store *store, const struct grant *g, struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	int rc = renew_refresh(s, g, e);

	return rc > 0 && renew_bot(s, g, e) < 0 ? -1 : rc;
}

const struct grant_ops grants_postgres = {
	.due = due,
	.times = times,
	.sum = sum,
	.knows = knows,
	.has_client = has_client,
	.put = put,
	.client_put = client_put,
	.hurry = hurry,
	.renew = renew,
};
