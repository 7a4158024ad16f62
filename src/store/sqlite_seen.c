/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"
#include "store/sqlite.h"

/* What is needed to look for what was said while no link was live. */

int sqlite_threads(struct store *store, const char *tenant_id, int64_t since_ms,
		   int (*fn)(const char *channel, const char *thread,
			     const char *last_ts, void *arg),
		   void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_THREADS, e);
	char since[32];
	int rc = st ? 1 : -1;

	(void)snprintf(since, sizeof(since), "%" PRId64, since_ms / 1000);
	if (st) {
		sqlite_bind(st, 1, tenant_id);
		sqlite_bind(st, 2, since);
	}
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc > 0)
			rc = sqlite_go_on(st, fn(sqlite_text(st, 0),
						 sqlite_text(st, 1),
						 sqlite_text(st, 2), arg));
	}
	return rc;
}

int sqlite_seen(struct store *store,
		int (*fn)(const char *app_id, int64_t at_ms, void *arg),
		void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_SEEN, e);
	int rc = st ? 1 : -1;

	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc > 0)
			rc = sqlite_go_on(st,
					  fn(sqlite_text(st, 0),
					     sqlite3_column_int64(st, 1), arg));
	}
	return rc;
}

int sqlite_seen_put(struct store *store, const char *apps, int64_t at_ms,
		    struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_SEEN_PUT, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, apps);
	(void)sqlite3_bind_int64(st, 2, at_ms);
	return sqlite_run(s, st, e);
}
