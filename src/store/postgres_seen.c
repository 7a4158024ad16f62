/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "store/postgres.h"

/* What is needed to look for what was said while no link was live. */

int postgres_threads(struct store *store, const char *tenant_id,
		     int64_t since_ms,
		     int (*fn)(const char *channel, const char *thread,
			       const char *last_ts, void *arg),
		     void *arg, struct err *e)
{
	char since[POSTGRES_NUMBER];
	const char *const params[] = {
		tenant_id, postgres_number(since, since_ms / 1000)
	};
	PGresult *r = postgres_run((struct postgres *)store, PQ_THREADS,
				   tenant_id, params, e);
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = fn(postgres_text(r, i, 0), postgres_text(r, i, 1),
			postgres_text(r, i, 2), arg);
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

int postgres_seen(struct store *store,
		  int (*fn)(const char *app_id, int64_t at_ms, void *arg),
		  void *arg, struct err *e)
{
	PGresult *r =
		postgres_run((struct postgres *)store, PQ_SEEN, NULL, NULL, e);
	int rc = r ? 0 : -1;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++)
		rc = fn(postgres_text(r, i, 0), postgres_int(r, i, 1), arg);
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

int postgres_seen_put(struct store *store, const char *apps, int64_t at_ms,
		      struct err *e)
{
	char at[POSTGRES_NUMBER];
	const char *const params[] = { apps, postgres_number(at, at_ms) };

	return postgres_do((struct postgres *)store, PQ_SEEN_PUT, NULL, params,
			   e);
}
