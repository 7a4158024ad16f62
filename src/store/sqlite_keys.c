/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/backend.h"
#include "store/keys.h"
#include "store/sqlite.h"

static int sealing(struct store *store, char id[KEY_ID_SIZE], struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_SEALING, e);
	const char *text;
	int rc;

	id[0] = '\0';
	if (!st)
		return -1;
	rc = sqlite_row(s, st, e);
	if (rc <= 0)
		return rc;
	text = sqlite_text(st, 0);
	(void)snprintf(id, KEY_ID_SIZE, "%s", text ? text : "");
	sqlite_finish(st);
	return 0;
}

static int count(struct store *store,
		 int (*fn)(const char *id, int64_t n, void *arg), void *arg,
		 struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_SEALED_COUNT, e);
	const char *id;
	int rc = st ? 1 : -1;

	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		id = sqlite_text(st, 0);
		rc = sqlite_go_on(st, fn(id ? id : "",
					 sqlite3_column_int64(st, 1), arg));
	}
	return rc;
}

static int use(struct store *store, const char *id, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_SEALING_PUT, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, id);
	return sqlite_run(s, st, e);
}

/* The first is the one that most are sealed under. */
static int take_first(const char *id, int64_t n, void *arg)
{
	(void)n;
	(void)snprintf(arg, KEY_ID_SIZE, "%s", id);
	return 1;
}

int sqlite_sealing(struct sqlite *s, char id[KEY_ID_SIZE], struct err *e)
{
	if (sealing(&s->base, id, e) < 0)
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

static void forget(struct sealed *rows, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		free(rows[i].kind);
		free(rows[i].a);
		free(rows[i].b);
		free(rows[i].c);
		free(rows[i].tenant_id);
		free(rows[i].value);
	}
	free(rows);
}

static int take_row(sqlite3_stmt *st, struct sealed *r)
{
	*r = (struct sealed){
		.kind = sqlite_copy(st, 0),
		.a = sqlite_copy(st, 1),
		.b = sqlite_copy(st, 2),
		.c = sqlite_copy(st, 3),
		.tenant_id = sqlite_copy(st, 4),
		.value = sqlite_copy(st, 5),
	};
	return r->kind && r->a && r->b && r->c && r->tenant_id && r->value ? 0
									   : -1;
}

/* How many; they are read before the first of them is changed. */
static int read_others(struct sqlite *s, const char *key, struct sealed *rows,
		       int most, int *n, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_SEALED_OTHER, e);
	int rc = st ? 1 : -1;

	if (st) {
		sqlite_bind(st, 1, key);
		(void)sqlite3_bind_int(st, 2, most);
	}
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0 || take_row(st, &rows[(*n)++]) == 0)
			continue;
		sqlite_finish(st);
		rc = err_set(e, ERR_RETRY, "cannot read the store: no memory");
	}
	return rc;
}

static enum sqlite_query query_of(const struct sealed *r)
{
	static const struct {
		const char *kind;
		enum sqlite_query q;
	} kinds[] = {
		{ "app", Q_RESEAL_APP },
		{ "connection", Q_RESEAL_CONNECTION },
		{ "leaving", Q_RESEAL_LEAVING },
		{ "client", Q_RESEAL_CLIENT },
		{ "grant", Q_RESEAL_GRANT },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].kind, r->kind) == 0)
			return kinds[i].q;
	}
	return Q_RESEAL_SECRET;
}

static int renew(struct sqlite *s, const struct sealed *r, const char *key,
		 struct err *e)
{
	struct buf fresh;
	sqlite3_stmt *st;
	int rc = -1;

	buf_init(&fresh, SEALED_MAX);
	st = sqlite_query(s, query_of(r), e);
	if (st && sealed_renew(r, s->keyring, key, &fresh, e) == 0) {
		sqlite_bind(st, 1, r->a);
		sqlite_bind(st, 2, r->b);
		sqlite_bind(st, 3, r->c);
		sqlite_bind(st, 4, fresh.data);
		rc = sqlite_run(s, st, e);
	}
	buf_release(&fresh);
	return rc;
}

static int reseal(struct store *store, int most, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	struct sealed *rows = calloc((size_t)most, sizeof(*rows));
	char key[KEY_ID_SIZE];
	int n = 0;
	int i, rc;

	if (!rows)
		return err_set(e, ERR_RETRY, "cannot seal anew: no memory");
	rc = sqlite_sealing(s, key, e);
	if (rc == 0)
		rc = read_others(s, key, rows, most, &n, e);
	for (i = 0; rc == 0 && i < n; i++)
		rc = renew(s, &rows[i], key, e);
	forget(rows, n);
	return rc < 0 ? -1 : n;
}

static int names(struct store *store, int (*fn)(const char *name, void *arg),
		 void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_SECRET_NAMES, e);
	int rc = st ? 1 : -1;

	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc > 0)
			rc = sqlite_go_on(st, fn(sqlite_text(st, 0), arg));
	}
	return rc;
}

static char *get(struct store *store, const char *name, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_SECRET, e);
	char place[PLACE_SIZE];
	char *plain = NULL;
	const char *value;
	int rc;

	if (!st)
		return NULL;
	if (place_secret(place, name) < 0) {
		err_set(e, ERR_INPUT, "name of a secret is too long");
		return NULL;
	}
	sqlite_bind(st, 1, name);
	rc = sqlite_row(s, st, e);
	if (rc == 0)
		err_set(e, ERR_INPUT, "no secret '%.60s' in the store", name);
	if (rc <= 0)
		return NULL;
	value = sqlite_text(st, 0);
	if (value)
		plain = keyring_unseal(s->keyring, place, value, e);
	sqlite_finish(st);
	return plain;
}

static int put(struct store *store, const char *name, const char *value,
	       struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	char place[PLACE_SIZE], key[KEY_ID_SIZE];
	sqlite3_stmt *st = sqlite_query(s, Q_SECRET_PUT, e);
	struct buf sealed;
	int rc = -1;

	if (!st)
		return -1;
	if (place_secret(place, name) < 0)
		return err_set(e, ERR_INPUT, "name of a secret is too long");
	buf_init(&sealed, SEALED_MAX);
	if (sqlite_sealing(s, key, e) == 0 &&
	    keyring_seal(s->keyring, key, place, value, &sealed, e) == 0) {
		sqlite_bind(st, 1, name);
		sqlite_bind(st, 2, sealed.data);
		rc = sqlite_run(s, st, e);
	}
	buf_release(&sealed);
	return rc;
}

static int take_away(struct store *store, const char *name, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_SECRET_REMOVE, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, name);
	if (sqlite_run(s, st, e) < 0)
		return -1;
	return sqlite3_changes(s->db) > 0;
}

const struct key_ops keys_sqlite = {
	.sealing = sealing,
	.count = count,
	.use = use,
	.reseal = reseal,
	.names = names,
	.get = get,
	.put = put,
	.remove = take_away,
};
