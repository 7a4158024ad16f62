/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/backend.h"
#include "store/postgres.h"

/* The id that the tenant has, or a new one. */
static int settle_id(struct store *store, struct tenant *t, struct err *e)
{
	struct tenant there = { 0 };
	char id[ID_SIZE];
	int rc = postgres_tenant_by_name(store, t->name, &there, e);

	if (rc < 0)
		return -1;
	if (rc == 0 && t->id && *t->id)
		return 0;
	id_make(id);
	free(t->id);
	t->id = strdup(rc > 0 ? there.id : id);
	tenant_release(&there);
	if (!t->id)
		return err_set(e, ERR_RETRY, "cannot put tenant: no memory");
	return 0;
}

int postgres_tenant_put(struct store *store, struct tenant *t, struct err *e)
{
	char rate[POSTGRES_NUMBER], burst[POSTGRES_NUMBER];
	char text_until[POSTGRES_NUMBER];
	const char *params[9];

	if (settle_id(store, t, e) < 0)
		return err_wrap(e, "tenant '%s'", t->name);
	params[0] = t->id;
	params[1] = t->name;
	params[2] = t->paused ? "t" : "f";
	params[3] = postgres_number(rate, t->rate_per_minute);
	params[4] = postgres_number(burst, t->burst);
	params[5] = text_or_empty(t->budget);
	params[6] = t->agent_sessions ? "t" : "f";
	params[7] = t->streaming ? "t" : "f";
	params[8] = postgres_number(text_until, t->text_until_ms);
	return postgres_do((struct postgres *)store, PQ_TENANT_PUT, t->id,
			   params, e);
}

/* An app goes with its last connection. */
static int drop_connections(struct postgres *s, const char *id, struct err *e)
{
	PGresult *r = postgres_run(s, PQ_CONNECTIONS_DROP, id, &id, e);
	int rc = r ? 0 : -1;
	const char *params[2];
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		params[0] = PQgetvalue(r, i, 0);
		params[1] = PQgetvalue(r, i, 1);
		rc = postgres_do(s, PQ_ENGAGED_DROP, NULL, params, e);
		if (rc == 0)
			rc = postgres_do(s, PQ_APP_DROP_UNUSED, NULL, params,
					 e);
	}
	PQclear(r);
	return rc;
}

/* Agents, transcript and usage refer to the tenant and go with it. */
int postgres_tenant_remove(struct store *store, const char *name, struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	struct tenant t = { 0 };
	const char *id;
	int rc;

	rc = postgres_tenant_by_name(store, name, &t, e);
	if (rc == 0)
		return err_set(e, ERR_INPUT, "no tenant '%s'", name);
	if (rc < 0)
		return -1;
	id = t.id;
	rc = drop_connections(s, id, e);
	if (rc == 0)
		rc = postgres_do(s, PQ_TENANT_DROP, id, &id, e);
	tenant_release(&t);
	return rc;
}

static int seal(struct postgres *s, const char *place, const char *token,
		struct buf *sealed, struct err *e)
{
	char key[KEY_ID_SIZE];

	if (!token || !*token)
		return err_set(e, ERR_INPUT, "no token for %s", place);
	if (postgres_sealing(s, key, e) < 0)
		return -1;
	return keyring_seal(s->keyring, key, place, token, sealed, e);
}

int postgres_app_put(struct store *store, const struct app *a, struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	const char *params[2];
	char place[PLACE_SIZE];
	struct buf sealed;
	int rc;

	if (place_app(place, a->app_id) < 0)
		return err_set(e, ERR_INPUT, "app id is too long");
	buf_init(&sealed, SEALED_MAX);
	rc = seal(s, place, a->token, &sealed, e);
	params[0] = a->app_id;
	params[1] = sealed.data;
	if (rc == 0)
		rc = postgres_do(s, PQ_APP_PUT, NULL, params, e);
	buf_release(&sealed);
	return rc;
}

int postgres_app_call(struct store *store, const char *app_id, struct err *e)
{
	PGresult *r = postgres_run((struct postgres *)store, PQ_APP_CALL, NULL,
				   &app_id, e);
	int n = r ? PQntuples(r) : -1;

	PQclear(r);
	return n;
}

/* 0 when it is nobody's or that tenant's. */
static int may_own(struct postgres *s, const struct connection *c,
		   struct err *e)
{
	const char *const params[] = { c->channel_type, c->app_id,
				       c->workspace_id, c->tenant_id };
	PGresult *r = postgres_run(s, PQ_CONNECTION_TAKEN, NULL, params, e);
	int rc = r ? 0 : -1;

	if (r && postgres_bool(r, 0, 0))
		rc = err_set(e, ERR_INPUT,
			     "workspace '%s' of app '%s' belongs to another"
			     " tenant",
			     c->workspace_id, c->app_id);
	PQclear(r);
	return rc;
}

int postgres_connection_put(struct store *store, const struct connection *c,
			    struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	const char *params[8] = { c->channel_type, c->app_id, c->workspace_id,
				  c->tenant_id };
	char now[POSTGRES_NUMBER];
	char place[PLACE_SIZE];
	struct buf sealed;
	int rc;

	if (place_connection(place, c->channel_type, c->app_id,
			     c->workspace_id) < 0)
		return err_set(e, ERR_INPUT, "ids of connection are too long");
	if (may_own(s, c, e) < 0)
		return -1;
	buf_init(&sealed, SEALED_MAX);
	rc = seal(s, place, c->bot_token, &sealed, e);
	params[4] = sealed.data;
	params[5] = text_or_empty(c->bot_user_id);
	params[6] = text_or_empty(c->bot_id);
	params[7] = postgres_number(now, clock_wall_ms());
	if (rc == 0)
		rc = postgres_do(s, PQ_CONNECTION_PUT, c->tenant_id, params, e);
	buf_release(&sealed);
	return rc;
}
