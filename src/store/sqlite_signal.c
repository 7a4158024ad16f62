/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "store/sqlite.h"

/* What people change afterwards: see route/signal.h. */

static sqlite3_stmt *of_line(struct sqlite *s, enum sqlite_query q,
			     const char *tenant_id, const char *channel,
			     const char *thread, const char *ts, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, q, e);

	if (!st)
		return NULL;
	sqlite_bind(st, 1, tenant_id);
	sqlite_bind(st, 2, channel);
	sqlite_bind(st, 3, thread);
	sqlite_bind(st, 4, ts);
	return st;
}

int sqlite_line(struct store *store, const char *tenant_id, const char *channel,
		const char *thread, const char *ts, struct line *out,
		struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st =
		of_line(s, Q_LINE, tenant_id, channel, thread, ts, e);
	int rc = st ? sqlite_row(s, st, e) : -1;

	*out = (struct line){ 0 };
	if (rc <= 0)
		return rc;
	out->ours = sqlite3_column_int(st, 0) != 0;
	out->user_id = sqlite_copy(st, 1);
	out->name = sqlite_copy(st, 2);
	out->ts = sqlite_copy(st, 3);
	out->text = sqlite_copy(st, 4);
	out->edited_ms = sqlite3_column_int64(st, 5);
	sqlite_finish(st);
	if (out->ts && out->text)
		return 1;
	line_release(out);
	return err_set(e, ERR_RETRY, "cannot read line: no memory");
}

int sqlite_thread_of(struct store *store, const char *tenant_id,
		     const char *channel, const char *ts, char **out,
		     struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_THREAD_OF, e);
	int rc;

	*out = NULL;
	if (!st)
		return -1;
	sqlite_bind(st, 1, tenant_id);
	sqlite_bind(st, 2, channel);
	sqlite_bind(st, 3, ts);
	rc = sqlite_row(s, st, e);
	if (rc <= 0)
		return rc;
	*out = sqlite_copy(st, 0);
	sqlite_finish(st);
	return *out ? 1 : err_set(e, ERR_RETRY, "no memory");
}

int sqlite_line_put(struct store *store, const char *tenant_id,
		    const char *channel, const char *thread,
		    const struct line *l, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = of_line(s, l->text ? Q_LINE_PUT : Q_LINE_FORGET,
				   tenant_id, channel, thread, l->ts, e);

	if (!st)
		return -1;
	if (l->text) {
		sqlite_bind(st, 5, l->text);
		(void)sqlite3_bind_int64(st, 6, l->edited_ms);
	}
	return sqlite_run(s, st, e);
}

int sqlite_engaged_end(struct store *store, const char *key, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_ENGAGED_END, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, key);
	return sqlite_run(s, st, e);
}

int sqlite_feedback_put(struct store *store, const struct feedback *f,
			struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_FEEDBACK_PUT, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, f->tenant_id);
	sqlite_bind(st, 2, f->entry);
	sqlite_bind(st, 3, f->user_id);
	(void)sqlite3_bind_int(st, 4, f->up);
	(void)sqlite3_bind_int64(st, 5, f->at_ms);
	return sqlite_run(s, st, e);
}

int sqlite_greet(struct store *store, const char *tenant_id, const char *app_id,
		 const char *channel, int64_t at_ms, bool *first, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_GREET, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, tenant_id);
	sqlite_bind(st, 2, app_id);
	sqlite_bind(st, 3, channel);
	(void)sqlite3_bind_int64(st, 4, at_ms);
	if (sqlite_run(s, st, e) < 0)
		return -1;
	*first = sqlite3_changes(s->db) > 0;
	return 0;
}
