/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "store/postgres.h"

/* What people change afterwards: see route/signal.h. */

int postgres_line(struct store *store, const char *tenant_id,
		  const char *channel, const char *thread, const char *ts,
		  struct line *out, struct err *e)
{
	const char *const params[] = { tenant_id, channel, thread, ts };
	struct postgres *s = (struct postgres *)store;
	PGresult *r = postgres_run(s, PQ_LINE, tenant_id, params, e);
	int rc = r ? PQntuples(r) > 0 : -1;

	*out = (struct line){ 0 };
	if (rc > 0) {
		out->ours = postgres_bool(r, 0, 0);
		out->user_id = postgres_copy(r, 0, 1);
		out->name = postgres_copy(r, 0, 2);
		out->ts = postgres_copy(r, 0, 3);
		out->text = postgres_copy(r, 0, 4);
		out->edited_ms = postgres_int(r, 0, 5);
	}
	PQclear(r);
	if (rc <= 0 || (out->ts && out->text))
		return rc;
	line_release(out);
	return err_set(e, ERR_RETRY, "cannot read line: no memory");
}

int postgres_thread_of(struct store *store, const char *tenant_id,
		       const char *channel, const char *ts, char **out,
		       struct err *e)
{
	const char *const params[] = { tenant_id, channel, ts };
	struct postgres *s = (struct postgres *)store;
	PGresult *r = postgres_run(s, PQ_THREAD_OF, tenant_id, params, e);
	int rc = r ? PQntuples(r) > 0 : -1;

	*out = rc > 0 ? postgres_copy(r, 0, 0) : NULL;
	PQclear(r);
	if (rc > 0 && !*out)
		return err_set(e, ERR_RETRY, "no memory");
	return rc;
}

int postgres_line_put(struct store *store, const char *tenant_id,
		      const char *channel, const char *thread,
		      const struct line *l, struct err *e)
{
	char edited[POSTGRES_NUMBER];
	const char *const params[] = {
		tenant_id, channel, thread,
		l->ts,     l->text, postgres_number(edited, l->edited_ms),
	};

	return postgres_do((struct postgres *)store,
			   l->text ? PQ_LINE_PUT : PQ_LINE_FORGET, tenant_id,
			   params, e);
}

int postgres_engaged_end(struct store *store, const char *key, struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	const char *const params[] = { key, s->node };

	return postgres_do(s, PQ_ENGAGED_END, NULL, params, e);
}

int postgres_feedback_put(struct store *store, const struct feedback *f,
			  struct err *e)
{
	char at[POSTGRES_NUMBER];
	const char *const params[] = { f->tenant_id, f->entry, f->user_id,
				       f->up ? "t" : "f",
				       postgres_number(at, f->at_ms) };

	return postgres_do((struct postgres *)store, PQ_FEEDBACK_PUT,
			   f->tenant_id, params, e);
}

int postgres_greet(struct store *store, const char *tenant_id,
		   const char *app_id, const char *channel, int64_t at_ms,
		   bool *first, struct err *e)
{
	char at[POSTGRES_NUMBER];
	const char *const params[] = { tenant_id, app_id, channel,
				       postgres_number(at, at_ms) };
	PGresult *r = postgres_run((struct postgres *)store, PQ_GREET,
				   tenant_id, params, e);

	if (!r)
		return -1;
	*first = PQntuples(r) > 0;
	PQclear(r);
	return 0;
}
