/* SPDX-License-Identifier: ISC */
#include "store/uninstall.h"

#include "base/err.h"
#include "store/postgres.h"

static int each(struct store *store, const char *tenant,
		int (*fn)(const struct uninstall *u, void *arg), void *arg,
		struct err *e)
{
	PGresult *r = postgres_run((struct postgres *)store, PQ_GONE, NULL,
				   &tenant, e);
	struct uninstall u;
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		u = (struct uninstall){
			.tenant_id = postgres_text(r, i, 0),
			.tenant = postgres_text(r, i, 1),
			.app_id = postgres_text(r, i, 2),
			.workspace_id = postgres_text(r, i, 3),
			.why = postgres_text(r, i, 4),
			.gone_ms = postgres_int(r, i, 5),
			.noted_ms = postgres_int(r, i, 6),
			.erased_ms = postgres_int(r, i, 7),
			.alone = postgres_bool(r, i, 8),
			.busy = postgres_bool(r, i, 9),
		};
		rc = fn(&u, arg);
	}
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

/* Is there a row? The first parameter is the tenant. */
static int ask(struct store *store, enum postgres_query q,
	       const char *const *params, struct err *e)
{
	PGresult *r =
		postgres_run((struct postgres *)store, q, params[0], params, e);
	int rc = r ? PQntuples(r) > 0 : -1;

	PQclear(r);
	return rc;
}

static int note(struct store *s, const struct connection *c, const char *why,
		int64_t gone_ms, int64_t now_ms, struct err *e)
{
	char gone[POSTGRES_NUMBER], now[POSTGRES_NUMBER];
	char token[UNINSTALL_TOKEN];
	const char *const params[] = {
		c->tenant_id,
		c->app_id,
		c->workspace_id,
		why,
		postgres_number(gone, gone_ms),
		postgres_number(now, now_ms),
		token,
	};

	uninstall_digest(c->bot_token, token);
	return ask(s, PQ_GONE_NOTE, params, e);
}

static int back(struct store *s, const struct connection *c, int64_t at_ms,
		struct err *e)
{
	char at[POSTGRES_NUMBER];
	const char *const params[] = { c->tenant_id, c->app_id, c->workspace_id,
				       postgres_number(at, at_ms) };

	return ask(s, PQ_GONE_BACK, params, e);
}

static int knows(struct store *s, const struct connection *c, struct err *e)
{
	char token[UNINSTALL_TOKEN];
	const char *const params[] = { c->tenant_id, c->app_id, c->workspace_id,
				       token };

	uninstall_digest(c->bot_token, token);
	return ask(s, PQ_GONE_KNOWN, params, e);
}

static int home(struct store *s, const struct home_new *h, int64_t now_ms,
		struct err *e)
{
	char now[POSTGRES_NUMBER];
	const char *const params[] = {
		h->tenant_id,
		h->app_id,
		h->workspace_id,
		postgres_number(now, now_ms),
		h->channel ? h->channel : "",
		h->user ? h->user : "",
	};

	return postgres_do((struct postgres *)s, PQ_HOME, h->tenant_id, params,
			   e);
}

static int count(struct store *s, enum postgres_query q, const char *tenant,
		 const struct uninstall *u, int most, struct err *e)
{
	char n[POSTGRES_NUMBER];
	const char *const params[] = { u->tenant_id, u->app_id, u->workspace_id,
				       postgres_number(n, most) };
	PGresult *r = postgres_run((struct postgres *)s, q, tenant, params, e);
	int rc = r ? (int)postgres_int(r, 0, 0) : -1;

	PQclear(r);
	return rc;
}

static int erase(struct store *s, const struct uninstall *u, int most,
		 struct err *e)
{
	int n = count(s, PQ_HOMES_ERASE, u->tenant_id, u, most, e);

	return n != 0 ? n : count(s, PQ_LETTERS_ERASE, NULL, u, most, e);
}

static int finish(struct store *store, const struct uninstall *u,
		  int64_t now_ms, struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	char now[POSTGRES_NUMBER];
	const char *const params[] = { u->tenant_id, u->app_id, u->workspace_id,
				       postgres_number(now, now_ms) };
	const char *const of_app[] = { u->app_id, u->workspace_id };
	int rc = ask(store, PQ_GONE_ERASED, params, e);

	if (rc <= 0)
		return rc;
	if (postgres_do(s, PQ_GONE_GRANT, u->tenant_id, params, e) < 0 ||
	    postgres_do(s, PQ_GONE_HOMES, u->tenant_id, params, e) < 0 ||
	    postgres_do(s, PQ_GONE_GREETED, u->tenant_id, params, e) < 0 ||
	    postgres_do(s, PQ_ENGAGED_DROP, NULL, of_app, e) < 0)
		return -1;
	return 1;
}

const struct uninstall_ops uninstall_postgres = {
	.each = each,
	.note = note,
	.back = back,
	.knows = knows,
	.home = home,
	.erase = erase,
	.finish = finish,
};
