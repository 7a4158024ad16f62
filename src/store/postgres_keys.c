/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/backend.h"
#include "store/keys.h"
#include "store/postgres.h"

static int read_sealing(struct postgres *s, enum postgres_query q,
			char id[KEY_ID_SIZE], struct err *e)
{
	PGresult *r = postgres_run(s, q, NULL, NULL, e);

	id[0] = '\0';
	if (!r)
		return -1;
	if (PQntuples(r) > 0)
		(void)snprintf(id, KEY_ID_SIZE, "%s", PQgetvalue(r, 0, 0));
	PQclear(r);
	return 0;
}

static int sealing(struct store *store, char id[KEY_ID_SIZE], struct err *e)
{
	return read_sealing((struct postgres *)store, PQ_SEALING, id, e);
}

static int count(struct store *store,
		 int (*fn)(const char *id, int64_t n, void *arg), void *arg,
		 struct err *e)
{
	PGresult *r = postgres_run((struct postgres *)store, PQ_SEALED_COUNT,
				   NULL, NULL, e);
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = fn(PQgetvalue(r, i, 0), postgres_int(r, i, 1), arg);
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

/* The first column of each row. */
static int each_name(struct postgres *s, enum postgres_query q,
		     const char *const *params,
		     int (*fn)(const char *name, void *arg), void *arg,
		     struct err *e)
{
	PGresult *r = postgres_run(s, q, NULL, params, e);
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = fn(PQgetvalue(r, i, 0), arg);
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

static int lacking(struct store *store, const char *id,
		   int (*fn)(const char *node, void *arg), void *arg,
		   struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	const char *const params[] = { id, s->node };

	return each_name(s, PQ_NODES_WITHOUT, params, fn, arg, e);
}

static int use(struct store *store, const char *id, struct err *e)
{
	return postgres_do((struct postgres *)store, PQ_SEALING_PUT, NULL, &id,
			   e);
}

/* The first is the one that most are sealed under. */
static int take_first(const char *id, int64_t n, void *arg)
{
	(void)n;
	(void)snprintf(arg, KEY_ID_SIZE, "%s", id);
	return 1;
}

int postgres_sealing(struct postgres *s, char id[KEY_ID_SIZE], struct err *e)
{
	if (read_sealing(s, PQ_SEALING_LOCK, id, e) < 0)
		return -1;
	if (id[0] != '\0')
		return 0;
	/* A store of before there were several, or a new one. */
	if (count(&s->base, take_first, id, e) < 0)
		return -1;
	if (id[0] == '\0')
		keyring_newest(s->keyring, id);
	return use(&s->base, id, e);
}

static enum postgres_query query_of(const struct sealed *r)
{
	static const struct {
		const char *kind;
		enum postgres_query q;
	} kinds[] = {
		{ "app", PQ_RESEAL_APP },
		{ "connection", PQ_RESEAL_CONNECTION },
		{ "leaving", PQ_RESEAL_LEAVING },
		{ "client", PQ_RESEAL_CLIENT },
		{ "grant", PQ_RESEAL_GRANT },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].kind, r->kind) == 0)
			return kinds[i].q;
	}
	return PQ_RESEAL_SECRET;
}

static bool as_tenant(enum postgres_query q)
{
	return q == PQ_RESEAL_CONNECTION || q == PQ_RESEAL_GRANT;
}

/* What has a tenant is changed as that one, who alone may do it. */
static int renew(struct postgres *s, const struct sealed *r, const char *key,
		 struct err *e)
{
	enum postgres_query q = query_of(r);
	const char *params[5] = { r->a, r->b, r->c, NULL, r->value };
	struct buf fresh;
	int rc;

	buf_init(&fresh, SEALED_MAX);
	rc = sealed_renew(r, s->keyring, key, &fresh, e);
	params[3] = fresh.data;
	if (rc == 0)
		rc = postgres_do(s, q, as_tenant(q) ? r->tenant_id : NULL,
				 params, e);
	buf_release(&fresh);
	return rc;
}

static int renew_row(struct postgres *s, const PGresult *r, int row,
		     const char *key, struct err *e)
{
	const struct sealed one = {
		.kind = PQgetvalue(r, row, 0),
		.a = PQgetvalue(r, row, 1),
		.b = PQgetvalue(r, row, 2),
		.c = PQgetvalue(r, row, 3),
		.tenant_id = PQgetvalue(r, row, 4),
		.value = PQgetvalue(r, row, 5),
	};

	return renew(s, &one, key, e);
}

static int reseal(struct store *store, int most, struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	char key[KEY_ID_SIZE], limit[POSTGRES_NUMBER];
	const char *const params[] = { key, postgres_number(limit, most) };
	PGresult *r = NULL;
	int n = -1;
	int i;

	if (postgres_sealing(s, key, e) == 0)
		r = postgres_run(s, PQ_SEALED_OTHER, NULL, params, e);
	if (r)
		n = PQntuples(r);
	for (i = 0; i < n; i++) {
		if (renew_row(s, r, i, key, e) < 0)
			n = -1;
	}
	PQclear(r);
	return n;
}

static int names(struct store *store, int (*fn)(const char *name, void *arg),
		 void *arg, struct err *e)
{
	return each_name((struct postgres *)store, PQ_SECRET_NAMES, NULL, fn,
			 arg, e);
}

static char *get(struct store *store, const char *name, struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	PGresult *r = postgres_run(s, PQ_SECRET, NULL, &name, e);
	char place[PLACE_SIZE];
	char *plain = NULL;

	if (!r)
		return NULL;
	if (PQntuples(r) == 0 || place_secret(place, name) < 0)
		err_set(e, ERR_INPUT, "no secret '%.60s' in the store", name);
	else
		plain = keyring_unseal(s->keyring, place, PQgetvalue(r, 0, 0),
				       e);
	PQclear(r);
	return plain;
}

static int put(struct store *store, const char *name, const char *value,
	       struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	char place[PLACE_SIZE], key[KEY_ID_SIZE];
	const char *params[2] = { name };
	struct buf sealed;
	int rc = -1;

	if (place_secret(place, name) < 0)
		return err_set(e, ERR_INPUT, "name of a secret is too long");
	buf_init(&sealed, SEALED_MAX);
	if (postgres_sealing(s, key, e) == 0 &&
	    keyring_seal(s->keyring, key, place, value, &sealed, e) == 0) {
		params[1] = sealed.data;
		rc = postgres_do(s, PQ_SECRET_PUT, NULL, params, e);
	}
	buf_release(&sealed);
	return rc;
}

static int take_away(struct store *store, const char *name, struct err *e)
{
	PGresult *r = postgres_run((struct postgres *)store, PQ_SECRET_REMOVE,
				   NULL, &name, e);
	int rc = r ? PQntuples(r) > 0 : -1;

	PQclear(r);
	return rc;
}

const struct key_ops keys_postgres = {
	.sealing = sealing,
	.count = count,
	.lacking = lacking,
	.use = use,
	.reseal = reseal,
	.names = names,
	.get = get,
	.put = put,
	.remove = take_away,
};
