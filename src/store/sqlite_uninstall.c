/* SPDX-License-Identifier: ISC */
#include "store/uninstall.h"

#include <stdio.h>

#include "base/err.h"
#include "store/sqlite.h"

static int each(struct store *store, const char *tenant,
		int (*fn)(const struct uninstall *u, void *arg), void *arg,
		struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_GONE, e);
	struct uninstall u;
	int rc = st ? 1 : -1;

	if (st)
		sqlite_bind(st, 1, tenant);
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		u = (struct uninstall){
			.tenant_id = sqlite_text(st, 0),
			.tenant = sqlite_text(st, 1),
			.app_id = sqlite_text(st, 2),
			.workspace_id = sqlite_text(st, 3),
			.why = sqlite_text(st, 4),
			.gone_ms = sqlite3_column_int64(st, 5),
			.noted_ms = sqlite3_column_int64(st, 6),
			.erased_ms = sqlite3_column_int64(st, 7),
			.alone = sqlite3_column_int(st, 8) != 0,
			.busy = sqlite3_column_int(st, 9) != 0,
		};
		rc = sqlite_go_on(st, fn(&u, arg));
	}
	return rc;
}

/* ?1 to ?3 say which connection. */
static sqlite3_stmt *query_for(struct sqlite *s, enum sqlite_query q,
			       const char *tenant_id, const char *app_id,
			       const char *workspace_id, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, q, e);

	if (!st)
		return NULL;
	sqlite_bind(st, 1, tenant_id);
	sqlite_bind(st, 2, app_id);
	sqlite_bind(st, 3, workspace_id);
	return st;
}

static int changed(struct sqlite *s, sqlite3_stmt *st, struct err *e)
{
	return sqlite_run(s, st, e) < 0 ? -1 : sqlite3_changes(s->db);
}

static int note(struct store *store, const struct connection *c,
		const char *why, int64_t gone_ms, int64_t now_ms, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	char token[UNINSTALL_TOKEN];
	sqlite3_stmt *st = query_for(s, Q_GONE_NOTE, c->tenant_id, c->app_id,
				     c->workspace_id, e);

	if (!st)
		return -1;
	uninstall_digest(c->bot_token, token);
	sqlite_bind(st, 4, why);
	(void)sqlite3_bind_int64(st, 5, gone_ms);
	(void)sqlite3_bind_int64(st, 6, now_ms);
	sqlite_bind(st, 7, token);
	return changed(s, st, e);
}

static int back(struct store *store, const struct connection *c, int64_t at_ms,
		struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = query_for(s, Q_GONE_BACK, c->tenant_id, c->app_id,
				     c->workspace_id, e);

	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 4, at_ms);
	return changed(s, st, e);
}

static int knows(struct store *store, const struct connection *c, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	char token[UNINSTALL_TOKEN];
	sqlite3_stmt *st = query_for(s, Q_GONE_KNOWN, c->tenant_id, c->app_id,
				     c->workspace_id, e);
	int rc;

	if (!st)
		return -1;
	uninstall_digest(c->bot_token, token);
	sqlite_bind(st, 4, token);
	rc = sqlite_row(s, st, e);
	if (rc > 0)
		sqlite_finish(st);
	return rc;
}

int sqlite_home(struct sqlite *s, const struct home_new *h, int64_t now_ms,
		struct err *e)
{
	sqlite3_stmt *st = query_for(s, Q_HOME, h->tenant_id, h->app_id,
				     h->workspace_id, e);

	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 4, now_ms);
	sqlite_bind(st, 5, h->channel ? h->channel : "");
	sqlite_bind(st, 6, h->user ? h->user : "");
	return sqlite_run(s, st, e);
}

static int home(struct store *s, const struct home_new *h, int64_t now_ms,
		struct err *e)
{
	return sqlite_home((struct sqlite *)s, h, now_ms, e);
}

/* The next one there, and whether it has no other home. */
struct next {
	char kind[16], who[128];
	bool alone;
};

static int next_home(struct sqlite *s, const struct uninstall *u,
		     struct next *out, struct err *e)
{
	sqlite3_stmt *st = query_for(s, Q_HOME_NEXT, u->tenant_id, u->app_id,
				     u->workspace_id, e);
	int rc = st ? sqlite_row(s, st, e) : -1;

	if (rc <= 0)
		return rc;
	(void)snprintf(out->kind, sizeof(out->kind), "%s", sqlite_text(st, 0));
	(void)snprintf(out->who, sizeof(out->who), "%s", sqlite_text(st, 1));
	out->alone = sqlite3_column_int(st, 2) != 0;
	sqlite_finish(st);
	return 1;
}

static int erase_of(struct sqlite *s, enum sqlite_query q,
		    const struct uninstall *u, const struct next *h, int most,
		    struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, q, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, u->tenant_id);
	sqlite_bind(st, 2, h->kind);
	sqlite_bind(st, 3, h->who);
	(void)sqlite3_bind_int(st, 4, most);
	return changed(s, st, e);
}

static int erase_theirs(struct sqlite *s, const struct uninstall *u,
			const struct next *h, int most, struct err *e)
{
	static const enum sqlite_query all[] = { Q_HOME_USAGE, Q_HOME_MARKS,
						 Q_HOME_TRANSCRIPT,
						 Q_HOME_FEEDBACK,
						 Q_HOME_GREETED };
	size_t i;
	int n, sum = 0;

	for (i = 0; i < sizeof(all) / sizeof(all[0]) && sum < most; i++) {
		n = erase_of(s, all[i], u, h, most - sum, e);
		if (n < 0)
			return -1;
		sum += n;
	}
	return sum;
}

static int leave_home(struct sqlite *s, const struct uninstall *u,
		      const struct next *h, struct err *e)
{
	sqlite3_stmt *st = query_for(s, Q_HOME_DROP, u->tenant_id, u->app_id,
				     u->workspace_id, e);

	if (!st)
		return -1;
	sqlite_bind(st, 4, h->kind);
	sqlite_bind(st, 5, h->who);
	return sqlite_run(s, st, e) < 0 ? -1 : 1;
}

static int erase_letters(struct sqlite *s, const struct uninstall *u, int most,
			 struct err *e)
{
	sqlite3_stmt *st = query_for(s, Q_HOME_PENDING, u->tenant_id, u->app_id,
				     u->workspace_id, e);

	if (!st)
		return -1;
	(void)sqlite3_bind_int(st, 4, most);
	return changed(s, st, e);
}

static int erase(struct store *store, const struct uninstall *u, int most,
		 struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	struct next h;
	int n = 0, rc = next_home(s, u, &h, e);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return erase_letters(s, u, most, e);
	if (h.alone)
		n = erase_theirs(s, u, &h, most, e);
	return n == 0 ? leave_home(s, u, &h, e) : n;
}

static int finish(struct store *store, const struct uninstall *u,
		  int64_t now_ms, struct err *e)
{
	static const enum sqlite_query rest[] = { Q_GONE_GRANT, Q_GONE_ENGAGED,
						  Q_GONE_HOMES,
						  Q_GONE_GREETED };
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = query_for(s, Q_GONE_ERASED, u->tenant_id, u->app_id,
				     u->workspace_id, e);
	size_t i;
	int rc;

	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 4, now_ms);
	rc = changed(s, st, e);
	for (i = 0; rc > 0 && i < sizeof(rest) / sizeof(rest[0]); i++) {
		st = query_for(s, rest[i], u->tenant_id, u->app_id,
			       u->workspace_id, e);
		if (!st || sqlite_run(s, st, e) < 0)
			return -1;
	}
	return rc;
}

const struct uninstall_ops uninstall_sqlite = {
	.each = each,
	.note = note,
	.back = back,
	.knows = knows,
	.home = home,
	.erase = erase,
	.finish = finish,
};
