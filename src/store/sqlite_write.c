/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/backend.h"
#include "store/sqlite.h"

/* The id is the row's own if the name was there before. */
static int take_id(struct sqlite *s, sqlite3_stmt *st, struct tenant *t,
		   struct err *e)
{
	char *id = sqlite_copy(st, 0);

	if (!id) {
		sqlite_finish(st);
		return err_set(e, ERR_RETRY, "cannot put tenant: no memory");
	}
	free(t->id);
	t->id = id;
	return sqlite_run(s, st, e);
}

int sqlite_tenant_put(struct store *store, struct tenant *t, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_TENANT_PUT, e);
	char id[ID_SIZE];

	if (!st)
		return -1;
	id_make(id);
	sqlite_bind(st, 1, t->id && *t->id ? t->id : id);
	sqlite_bind(st, 2, t->name);
	(void)sqlite3_bind_int(st, 3, t->paused);
	(void)sqlite3_bind_int(st, 4, t->rate_per_minute);
	(void)sqlite3_bind_int(st, 5, t->burst);
	sqlite_bind(st, 6, text_or_empty(t->budget));
	(void)sqlite3_bind_int(st, 7, t->agent_sessions);
	(void)sqlite3_bind_int(st, 8, t->streaming);
	(void)sqlite3_bind_int64(st, 9, t->text_until_ms);
	if (sqlite_row(s, st, e) < 0)
		return err_wrap(e, "tenant '%s'", t->name);
	return take_id(s, st, t, e);
}

static int run_for(struct sqlite *s, enum sqlite_query q, const char *id,
		   struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, q, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, id);
	return sqlite_run(s, st, e);
}

/* An app goes with its last connection. */
static int drop_connections(struct sqlite *s, const char *tenant_id,
			    struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_TENANT_CONNECTIONS_DROP, e);
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, tenant_id);
	for (;;) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			return rc;
		if (run_for(s, Q_APP_DROP_UNUSED,
			    (const char *)sqlite3_column_text(st, 0), e) < 0)
			break;
	}
	sqlite_finish(st);
	return -1;
}

/* Agents, transcript and usage refer to the tenant and go with it. */
static int drop_tenant(struct sqlite *s, const char *id, struct err *e)
{
	if (run_for(s, Q_TENANT_ENGAGED_DROP, id, e) < 0 ||
	    drop_connections(s, id, e) < 0)
		return -1;
	return run_for(s, Q_TENANT_DROP, id, e);
}

int sqlite_tenant_remove(struct store *store, const char *name, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	struct tenant t = { 0 };
	struct err ignored;
	int rc;

	rc = sqlite_tenant_by_name(store, name, &t, e);
	if (rc == 0)
		return err_set(e, ERR_INPUT, "no tenant '%s'", name);
	if (rc < 0)
		return -1;
	/* The journal has its own savepoint of that name around this one;
	 * SQLite means the innermost. */
	rc = sqlite_do(s, Q_SAVEPOINT, e);
	if (rc == 0) {
		rc = drop_tenant(s, t.id, e);
		if (rc < 0)
			(void)sqlite_do(s, Q_ROLLBACK_TO, &ignored);
		if (sqlite_do(s, Q_RELEASE, rc < 0 ? &ignored : e) < 0)
			rc = -1;
	}
	tenant_release(&t);
	return rc;
}

static int put_sealed(struct sqlite *s, enum sqlite_query q, const char *place,
		      const char *token, struct buf *sealed, sqlite3_stmt **out,
		      struct err *e)
{
	char key[KEY_ID_SIZE];

	if (!token || !*token)
		return err_set(e, ERR_INPUT, "no token for %s", place);
	if (sqlite_sealing(s, key, e) < 0 ||
	    keyring_seal(s->keyring, key, place, token, sealed, e) < 0)
		return -1;
	*out = sqlite_query(s, q, e);
	return *out ? 0 : -1;
}

int sqlite_app_put(struct store *store, const struct app *a, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	char place[PLACE_SIZE];
	struct buf sealed;
	sqlite3_stmt *st;
	int rc = -1;

	if (place_app(place, a->app_id) < 0)
		return err_set(e, ERR_INPUT, "app id is too long");
	buf_init(&sealed, SEALED_MAX);
	if (put_sealed(s, Q_APP_PUT, place, a->token, &sealed, &st, e) < 0)
		goto out;
	sqlite_bind(st, 1, a->app_id);
	sqlite_bind(st, 2, sealed.data);
	rc = sqlite_run(s, st, e);
out:
	buf_release(&sealed);
	return rc;
}

/* There are no other nodes. */
int sqlite_app_call(struct store *store, const char *app_id, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_APP_CALL, e);
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, app_id);
	rc = sqlite_row(s, st, e);
	if (rc > 0)
		sqlite_finish(st);
	return rc;
}

/* 1: nobody's or that tenant's; 0: another's. */
static int may_own(struct sqlite *s, const struct connection *c, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_CONNECTION_OWNER, e);
	const char *owner;
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, c->channel_type);
	sqlite_bind(st, 2, c->app_id);
	sqlite_bind(st, 3, c->workspace_id);
	rc = sqlite_row(s, st, e);
	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	owner = (const char *)sqlite3_column_text(st, 0);
	rc = owner && strcmp(owner, c->tenant_id) == 0;
	sqlite_finish(st);
	return rc;
}

static void bind_connection(sqlite3_stmt *st, const struct connection *c,
			    const char *sealed)
{
	sqlite_bind(st, 1, c->channel_type);
	sqlite_bind(st, 2, c->app_id);
	sqlite_bind(st, 3, c->workspace_id);
	sqlite_bind(st, 4, c->tenant_id);
	sqlite_bind(st, 5, sealed);
	sqlite_bind(st, 6, text_or_empty(c->bot_user_id));
	sqlite_bind(st, 7, text_or_empty(c->bot_id));
	(void)sqlite3_bind_int64(st, 8, clock_wall_ms());
}

int sqlite_connection_put(struct store *store, const struct connection *c,
			  struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	char place[PLACE_SIZE];
	struct buf sealed;
	sqlite3_stmt *st;
	int rc;

	if (place_connection(place, c->channel_type, c->app_id,
			     c->workspace_id) < 0)
		return err_set(e, ERR_INPUT, "ids of connection are too long");
	rc = may_own(s, c, e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(e, ERR_INPUT,
			       "workspace '%s' of app '%s' belongs to another"
			       " tenant",
			       c->workspace_id, c->app_id);
	rc = -1;
	buf_init(&sealed, SEALED_MAX);
	if (put_sealed(s, Q_CONNECTION_PUT, place, c->bot_token, &sealed, &st,
		       e) < 0)
		goto out;
	bind_connection(st, c, sealed.data);
	rc = sqlite_run(s, st, e);
out:
	buf_release(&sealed);
	return rc;
}
