/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/backend.h"
#include "store/grants.h"
#include "store/sqlite.h"

static char *unseal(struct sqlite *s, sqlite3_stmt *st, int col,
		    const char *place, struct err *e)
{
	const char *sealed = sqlite_text(st, col);

	return keyring_unseal(s->keyring, place, sealed ? sealed : "", e);
}

/* On failure g is left empty. */
static int read_grant(struct sqlite *s, sqlite3_stmt *st, struct grant *g,
		      struct err *e)
{
	char place[PLACE_SIZE];

	*g = (struct grant){
		.tenant_id = sqlite_copy(st, 0),
		.channel_type = sqlite_copy(st, 1),
		.app_id = sqlite_copy(st, 2),
		.workspace_id = sqlite_copy(st, 3),
		.client_id = sqlite_copy(st, 6),
		.expires_ms = sqlite3_column_int64(st, 8),
		.generation = sqlite3_column_int64(st, 9),
	};
	if (!g->tenant_id || !g->channel_type || !g->app_id ||
	    !g->workspace_id || !g->client_id) {
		err_set(e, ERR_RETRY, "cannot read the store: no memory");
		goto fail;
	}
	if (place_connection(place, g->channel_type, g->app_id,
			     g->workspace_id) == 0)
		g->bot_token = unseal(s, st, 4, place, e);
	if (place_grant(place, g->channel_type, g->app_id, g->workspace_id) ==
	    0)
		g->refresh_token = unseal(s, st, 5, place, e);
	if (place_client(place, g->app_id) == 0)
		g->client_secret = unseal(s, st, 7, place, e);
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
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_GRANTS_DUE, e);
	int rc = st ? 1 : -1;
	bool failed = false;
	struct grant g;

	if (st)
		(void)sqlite3_bind_int64(st, 1, now_ms);
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		if (read_grant(s, st, &g, e) < 0) {
			failed = true;
			continue;
		}
		rc = sqlite_go_on(st, fn(&g, arg));
		grant_release(&g);
	}
	return failed ? -1 : rc;
}

static int times(struct store *store, const char *tenant_id,
		 int (*fn)(const struct grant *g, void *arg), void *arg,
		 struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_GRANT_TIMES, e);
	int rc = st ? 1 : -1;
	struct grant g;

	if (st)
		sqlite_bind(st, 1, tenant_id);
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		g = (struct grant){
			.tenant_id = (char *)tenant_id,
			.app_id = (char *)sqlite_text(st, 0),
			.workspace_id = (char *)sqlite_text(st, 1),
			.expires_ms = sqlite3_column_int64(st, 2),
			.renew_ms = sqlite3_column_int64(st, 3),
		};
		rc = sqlite_go_on(st, fn(&g, arg));
	}
	return rc;
}

static int sum(struct store *store, struct grant_sum *out, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_GRANT_SUM, e);
	int rc = st ? sqlite_row(s, st, e) : -1;

	if (rc <= 0)
		return rc;
	out->n = sqlite3_column_int64(st, 0);
	out->renew_ms = sqlite3_column_int64(st, 1);
	out->expires_ms = sqlite3_column_int64(st, 2);
	sqlite_finish(st);
	return 0;
}

static void bind_place(sqlite3_stmt *st, const struct grant *g)
{
	sqlite_bind(st, 1, g->channel_type);
	sqlite_bind(st, 2, g->app_id);
	sqlite_bind(st, 3, g->workspace_id);
}

/* Is there a row? */
static int has_row(struct sqlite *s, sqlite3_stmt *st, struct err *e)
{
	int rc = sqlite_row(s, st, e);

	if (rc > 0)
		sqlite_finish(st);
	return rc;
}

static int knows(struct store *store, const struct grant *g, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_GRANT_KNOWN, e);
	char given[GRANT_GIVEN];

	if (!st)
		return -1;
	grant_digest(g->refresh_token, given);
	bind_place(st, g);
	sqlite_bind(st, 4, g->tenant_id);
	sqlite_bind(st, 5, given);
	return has_row(s, st, e);
}

static int has_client(struct store *store, const char *app_id, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_CLIENT, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, app_id);
	return has_row(s, st, e);
}

static int hurry(struct store *store, const struct grant *g, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_GRANT_HURRY, e);

	if (!st)
		return -1;
	bind_place(st, g);
	return sqlite_run(s, st, e);
}

static int seal(struct sqlite *s, const char *place, const char *plain,
		struct buf *out, struct err *e)
{
	char key[KEY_ID_SIZE];

	buf_init(out, SEALED_MAX);
	if (sqlite_sealing(s, key, e) < 0)
		return -1;
	return keyring_seal(s->keyring, key, place, plain, out, e);
}

static int drop(struct sqlite *s, const struct grant *g, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_GRANT_DROP, e);

	if (!st)
		return -1;
	bind_place(st, g);
	return sqlite_run(s, st, e);
}

static int put(struct store *store, const struct grant *g, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	char place[PLACE_SIZE], given[GRANT_GIVEN];
	struct buf sealed;
	sqlite3_stmt *st;
	int rc = -1;

	if (!g->refresh_token)
		return drop(s, g, e);
	if (place_grant(place, g->channel_type, g->app_id, g->workspace_id) < 0)
		return err_set(e, ERR_INPUT, "ids of connection are too long");
	grant_digest(g->refresh_token, given);
	if (seal(s, place, g->refresh_token, &sealed, e) < 0)
		goto out;
	st = sqlite_query(s, Q_GRANT_PUT, e);
	if (!st)
		goto out;
	bind_place(st, g);
	sqlite_bind(st, 4, g->tenant_id);
	sqlite_bind(st, 5, sealed.data);
	sqlite_bind(st, 6, given);
	rc = sqlite_run(s, st, e);
out:
	buf_release(&sealed);
	return rc;
}

static int client_put(struct store *store, const char *app_id,
		      const char *client_id, const char *client_secret,
		      struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	char place[PLACE_SIZE];
	struct buf sealed;
	sqlite3_stmt *st;
	int rc = -1;

	if (place_client(place, app_id) < 0)
		return err_set(e, ERR_INPUT, "app id is too long");
	if (seal(s, place, client_secret, &sealed, e) < 0)
		goto out;
	st = sqlite_query(s, Q_CLIENT_PUT, e);
	if (!st)
		goto out;
	sqlite_bind(st, 1, app_id);
	sqlite_bind(st, 2, client_id);
	sqlite_bind(st, 3, sealed.data);
	rc = sqlite_run(s, st, e);
out:
	buf_release(&sealed);
	return rc;
}

static int renew_refresh(struct sqlite *s, const struct grant *g, struct err *e)
{
	char place[PLACE_SIZE];
	struct buf sealed;
	sqlite3_stmt *st;
	int rc = -1;

	if (place_grant(place, g->channel_type, g->app_id, g->workspace_id) < 0)
		return err_set(e, ERR_INPUT, "ids of connection are too long");
	if (seal(s, place, g->refresh_token, &sealed, e) < 0)
		goto out;
	st = sqlite_query(s, Q_GRANT_RENEW, e);
	if (!st)
		goto out;
	bind_place(st, g);
	sqlite_bind(st, 4, sealed.data);
	(void)sqlite3_bind_int64(st, 5, g->expires_ms);
	(void)sqlite3_bind_int64(st, 6, g->generation);
	(void)sqlite3_bind_int64(st, 7, g->renew_ms);
	rc = sqlite_run(s, st, e) < 0 ? -1 : sqlite3_changes(s->db) > 0;
out:
	buf_release(&sealed);
	return rc;
}

static int renew_bot(struct sqlite *s, const struct grant *g, struct err *e)
{
	char place[PLACE_SIZE];
	struct buf sealed;
	sqlite3_stmt *st;
	int rc = -1;

	if (place_connection(place, g->channel_type, g->app_id,
			     g->workspace_id) < 0)
		return err_set(e, ERR_INPUT, "ids of connection are too long");
	if (seal(s, place, g->bot_token, &sealed, e) < 0)
		goto out;
	st = sqlite_query(s, Q_RESEAL_CONNECTION, e);
	if (!st)
		goto out;
	bind_place(st, g);
	sqlite_bind(st, 4, sealed.data);
	rc = sqlite_run(s, st, e);
out:
	buf_release(&sealed);
	return rc;
}

static int renew(struct store *store, const struct grant *g, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	int rc = renew_refresh(s, g, e);

	return rc > 0 && renew_bot(s, g, e) < 0 ? -1 : rc;
}

const struct grant_ops grants_sqlite = {
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
