/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/backend.h"
#include "store/postgres.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_RETRY, "cannot read the store: no memory");
}

/* The columns from the budget on, in what tells of tenants and of connections.
 */
#define TENANT_CHOICES     5
#define CONNECTION_CHOICES 11
#define CONNECTION_GONE    15

/* Columns 0 to 4, as all that tells of tenants has them, and the choices. */
static int read_tenant(const PGresult *r, int row, int choices,
		       struct tenant *t, struct err *e)
{
	*t = (struct tenant){
		.id = postgres_copy(r, row, 0),
		.name = postgres_copy(r, row, 1),
		.paused = postgres_bool(r, row, 2),
		.rate_per_minute = (int)postgres_int(r, row, 3),
		.burst = (int)postgres_int(r, row, 4),
		.budget = postgres_copy(r, row, choices),
		.agent_sessions = postgres_bool(r, row, choices + 1),
		.streaming = postgres_bool(r, row, choices + 2),
		.text_until_ms = postgres_int(r, row, choices + 3),
	};
	if (t->id && t->name && t->budget)
		return 0;
	tenant_release(t);
	return no_memory(e);
}

static char *unseal_bot_token(const struct postgres *s, const PGresult *r,
			      int row, const struct connection *c,
			      struct err *e)
{
	const char *sealed = PQgetvalue(r, row, 8);
	char place[PLACE_SIZE];

	if (*sealed == '\0') /* erased */
		return strdup("");
	if (place_connection(place, c->channel_type, c->app_id,
			     c->workspace_id) < 0) {
		no_memory(e);
		return NULL;
	}
	return keyring_unseal(s->keyring, place, sealed, e);
}

/* On failure c is left empty, never half filled. */
static int read_connection(const struct postgres *s, const PGresult *r, int row,
			   struct connection *c, struct err *e)
{
	*c = (struct connection){
		.tenant_id = postgres_copy(r, row, 0),
		.channel_type = postgres_copy(r, row, 5),
		.app_id = postgres_copy(r, row, 6),
		.workspace_id = postgres_copy(r, row, 7),
		.bot_user_id = postgres_copy(r, row, 9),
		.bot_id = postgres_copy(r, row, 10),
		.gone_ms = postgres_int(r, row, CONNECTION_GONE),
	};
	if (read_tenant(r, row, CONNECTION_CHOICES, &c->tenant, e) < 0)
		goto fail;
	if (!c->tenant_id || !c->channel_type || !c->app_id ||
	    !c->workspace_id || !c->bot_user_id || !c->bot_id) {
		no_memory(e);
		goto fail;
	}
	c->bot_token = unseal_bot_token(s, r, row, c, e);
	if (c->bot_token)
		return 0;
fail:
	connection_release(c);
	return -1;
}

/* Takes r. */
static int found_connection(const struct postgres *s, PGresult *r,
			    struct connection *out, struct err *e)
{
	int rc = r ? PQntuples(r) : -1;

	if (rc > 0 && read_connection(s, r, 0, out, e) < 0)
		rc = -1;
	PQclear(r);
	return rc;
}

int postgres_resolve(struct store *store, const char *channel_type,
		     const char *app_id, const char *workspace_id,
		     struct connection *out, struct err *e)
{
	const char *const params[] = { channel_type, app_id, workspace_id };
	struct postgres *s = (struct postgres *)store;

	return found_connection(s, postgres_run(s, PQ_RESOLVE, NULL, params, e),
				out, e);
}

int postgres_resolve_for(struct store *store, const char *channel_type,
			 const char *app_id, const char *workspace_id,
			 const char *channel, const char *thread,
			 struct connection *out, struct err *e)
{
	const char *const params[] = { channel_type, app_id, workspace_id,
				       channel, thread };
	struct postgres *s = (struct postgres *)store;

	return found_connection(s, postgres_run_resolve(s, params, e), out, e);
}

int postgres_leaving(struct store *store, const char *channel_type,
		     const char *app_id, const char *workspace_id,
		     struct connection *out, struct err *e)
{
	const char *const params[] = { channel_type, app_id, workspace_id };
	struct postgres *s = (struct postgres *)store;

	return found_connection(s, postgres_run(s, PQ_LEAVING, NULL, params, e),
				out, e);
}

static int read_lines(const PGresult *r, struct transcript *out, struct err *e)
{
	int i;

	for (i = 0; i < PQntuples(r); i++) {
		if (transcript_add(
			    out, postgres_bool(r, i, 0), postgres_text(r, i, 1),
			    postgres_text(r, i, 2), postgres_text(r, i, 3),
			    postgres_text(r, i, 4)) < 0) {
			transcript_release(out);
			return no_memory(e);
		}
		out->gap |= postgres_bool(r, i, 5);
	}
	return out->n > 0;
}

int postgres_history(struct store *store, const char *tenant_id,
		     const char *channel, const char *thread, size_t max_bytes,
		     struct transcript *out, struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	char room[POSTGRES_NUMBER], most[POSTGRES_NUMBER];
	const char *const params[] = {
		tenant_id,
		channel,
		thread,
		postgres_number(room, max_bytes > INT64_MAX / 2
					      ? INT64_MAX / 2
					      : (int64_t)max_bytes),
		postgres_number(most, HISTORY_LINES_MAX),
	};
	PGresult *r = postgres_run(s, PQ_HISTORY, tenant_id, params, e);
	int rc;

	*out = (struct transcript){ 0 };
	rc = r ? read_lines(r, out, e) : -1;
	PQclear(r);
	return rc;
}

/* What a callback said, as its loop needs it: on with 0, or leave it. */
static int leave(int answer)
{
	return answer < 0 ? -1 : 0;
}

static int read_app(const struct postgres *s, const PGresult *r, int row,
		    struct app *a, struct err *e)
{
	char place[PLACE_SIZE];

	*a = (struct app){ .app_id = postgres_copy(r, row, 0) };
	if (!a->app_id || place_app(place, a->app_id) < 0)
		no_memory(e);
	else
		a->token = keyring_unseal(s->keyring, place,
					  PQgetvalue(r, row, 1), e);
	if (a->token)
		return 0;
	app_release(a);
	return -1;
}

int postgres_apps(struct store *store,
		  int (*fn)(const struct app *a, void *arg), void *arg,
		  struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	PGresult *r = postgres_run(s, PQ_APPS, NULL, NULL, e);
	int rc = r ? 0 : -1;
	struct app a;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		rc = read_app(s, r, i, &a, e);
		if (rc < 0)
			break;
		rc = fn(&a, arg);
		app_release(&a);
	}
	PQclear(r);
	return leave(rc);
}

/* Takes r. */
static int each_connection(const struct postgres *s, PGresult *r,
			   int (*fn)(const struct connection *c, void *arg),
			   void *arg, struct err *e)
{
	int rc = r ? 0 : -1;
	struct connection c;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		rc = read_connection(s, r, i, &c, e);
		if (rc < 0)
			break;
		rc = fn(&c, arg);
		connection_release(&c);
	}
	PQclear(r);
	return leave(rc);
}

int postgres_connections(struct store *store, const char *tenant_name,
			 int (*fn)(const struct connection *c, void *arg),
			 void *arg, struct err *e)
{
	struct postgres *s = (struct postgres *)store;

	return each_connection(
		s, postgres_run(s, PQ_CONNECTIONS, NULL, &tenant_name, e), fn,
		arg, e);
}

int postgres_connections_of_app(struct store *store, const char *app_id,
				int (*fn)(const struct connection *c,
					  void *arg),
				void *arg, struct err *e)
{
	struct postgres *s = (struct postgres *)store;

	return each_connection(
		s, postgres_run(s, PQ_CONNECTIONS_OF_APP, NULL, &app_id, e), fn,
		arg, e);
}

int postgres_silent(struct store *store, int most,
		    int (*fn)(const char *tenant, const char *why, void *arg),
		    void *arg, struct err *e)
{
	char n[POSTGRES_NUMBER];
	const char *const params[] = { postgres_number(n, most) };
	PGresult *r = postgres_run((struct postgres *)store, PQ_SILENT, NULL,
				   params, e);
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = fn(postgres_text(r, i, 0), postgres_text(r, i, 1), arg);
	PQclear(r);
	return leave(rc);
}

int postgres_tenants(struct store *store,
		     int (*fn)(const struct tenant *t, void *arg), void *arg,
		     struct err *e)
{
	const char *const all = NULL;
	PGresult *r = postgres_run((struct postgres *)store, PQ_TENANTS, NULL,
				   &all, e);
	int rc = r ? 0 : -1;
	struct tenant t;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		rc = read_tenant(r, i, TENANT_CHOICES, &t, e);
		if (rc < 0)
			break;
		rc = fn(&t, arg);
		tenant_release(&t);
	}
	PQclear(r);
	return leave(rc);
}

int postgres_tenant_by_name(struct store *store, const char *name,
			    struct tenant *out, struct err *e)
{
	PGresult *r = postgres_run((struct postgres *)store, PQ_TENANTS, NULL,
				   &name, e);
	int rc = r ? PQntuples(r) : -1;

	if (rc > 0 && read_tenant(r, 0, TENANT_CHOICES, out, e) < 0)
		rc = -1;
	PQclear(r);
	return rc;
}

int postgres_engaged(struct store *store, int64_t since_ms,
		     int (*fn)(const char *key, int64_t at_ms, void *arg),
		     void *arg, struct err *e)
{
	char since[POSTGRES_NUMBER];
	const char *const param = postgres_number(since, since_ms);
	PGresult *r = postgres_run((struct postgres *)store, PQ_ENGAGED, NULL,
				   &param, e);
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = fn(postgres_text(r, i, 0), postgres_int(r, i, 1), arg);
	PQclear(r);
	return leave(rc);
}

int postgres_claims(struct store *store, int64_t since_ms,
		    int (*fn)(const char *key, const char *entry,
			      const char *verdict, void *arg),
		    void *arg, struct err *e)
{
	char since[POSTGRES_NUMBER];
	const char *const param = postgres_number(since, since_ms);
	PGresult *r = postgres_run((struct postgres *)store, PQ_CLAIMS, NULL,
				   &param, e);
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = fn(postgres_text(r, i, 0), postgres_text(r, i, 1),
			postgres_text(r, i, 2), arg);
	PQclear(r);
	return leave(rc);
}
