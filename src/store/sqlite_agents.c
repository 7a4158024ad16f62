/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/secret.h"
#include "store/backend.h"
#include "store/sqlite.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_RETRY, "cannot read the store: no memory");
}

/* On failure out is left empty. */
static int read_agent(sqlite3_stmt *st, struct agent *out, struct err *e)
{
	bool own = sqlite3_column_type(st, 10) != SQLITE_NULL;
	bool common = sqlite3_column_type(st, 11) != SQLITE_NULL;

	*out = (struct agent){
		.tenant_id = sqlite_copy(st, 0),
		.id = sqlite_copy(st, 1),
		.name = sqlite_copy(st, 2),
		.role = sqlite_copy(st, 3),
		.persona = sqlite_copy(st, 4),
		.model = sqlite_copy(st, 5),
		.placeholder = sqlite_copy(st, 6),
		.active = sqlite3_column_int(st, 7) != 0,
		.is_default = sqlite3_column_int(st, 8) != 0,
		.channels = sqlite_copy(st, 9),
		.access = own ? sqlite_copy(st, 10) : NULL,
		.tenant_access = common ? sqlite_copy(st, 11) : NULL,
		.locale = sqlite_copy(st, 12),
	};
	if (out->tenant_id && out->id && out->name && out->role &&
	    out->persona && out->model && out->placeholder && out->channels &&
	    out->locale && (!own || out->access) &&
	    (!common || out->tenant_access))
		return 0;
	agent_release(out);
	return no_memory(e);
}

int sqlite_agent(struct store *store, const char *tenant_id,
		 const char *channel, const char *thread, struct agent *out,
		 struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_AGENT, e);
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, tenant_id);
	sqlite_bind(st, 2, channel);
	sqlite_bind(st, 3, thread);
	rc = sqlite_row(s, st, e);
	if (rc <= 0)
		return rc;
	rc = read_agent(st, out, e);
	sqlite_finish(st);
	return rc < 0 ? -1 : 1;
}

int sqlite_agents(struct store *store, const char *tenant_id,
		  int (*fn)(const struct agent *a, void *arg), void *arg,
		  struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_AGENTS, e);
	int rc = st ? 1 : -1;
	struct agent a;

	if (st)
		sqlite_bind(st, 1, tenant_id);
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		if (read_agent(st, &a, e) < 0) {
			sqlite_finish(st);
			return -1;
		}
		rc = sqlite_go_on(st, fn(&a, arg));
		agent_release(&a);
	}
	return rc;
}

/* 1 and *out the first column, 0, or -1. */
static int find_text(struct sqlite *s, enum sqlite_query q, const char *first,
		     const char *second, char **out, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, q, e);
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, first);
	sqlite_bind(st, 2, second);
	rc = sqlite_row(s, st, e);
	if (rc <= 0)
		return rc;
	*out = sqlite_copy(st, 0);
	sqlite_finish(st);
	return *out ? 1 : no_memory(e);
}

int sqlite_access(struct store *s, const char *tenant_id, const char *agent_id,
		  char **out, struct err *e)
{
	return find_text((struct sqlite *)s, Q_ACCESS, tenant_id, agent_id, out,
			 e);
}

static int run_for(struct sqlite *s, enum sqlite_query q, const char *first,
		   const char *second, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, q, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, first);
	sqlite_bind(st, 2, second);
	return sqlite_run(s, st, e);
}

static int put(struct sqlite *s, const struct agent *a, const char *id,
	       struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_AGENT_PUT, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, a->tenant_id);
	sqlite_bind(st, 2, id);
	sqlite_bind(st, 3, text_or_empty(a->name));
	sqlite_bind(st, 4, text_or_empty(a->role));
	sqlite_bind(st, 5, text_or_empty(a->persona));
	sqlite_bind(st, 6, text_or_empty(a->model));
	sqlite_bind(st, 7, text_or_empty(a->placeholder));
	(void)sqlite3_bind_int(st, 8, a->active);
	(void)sqlite3_bind_int(st, 9, a->is_default);
	sqlite_bind(st, 10, a->channels ? a->channels : "[]");
	sqlite_bind(st, 11, text_or_empty(a->locale));
	return sqlite_run(s, st, e);
}

int sqlite_agent_put(struct store *store, const struct agent *a, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	char made[ID_SIZE];
	const char *id = a->id;
	char *there = NULL;
	int rc = 1;

	if (!id || !*id) {
		id_make(made);
		rc = find_text(s, Q_AGENT_ID, a->tenant_id,
			       text_or_empty(a->name), &there, e);
		id = rc > 0 ? there : made;
	}
	if (rc >= 0)
		rc = put(s, a, id, e);
	if (rc >= 0 && a->is_default)
		rc = run_for(s, Q_AGENT_DEFAULT, a->tenant_id, id, e);
	free(there);
	return rc;
}

int sqlite_agent_remove(struct store *store, const char *tenant_id,
			const char *agent_id, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;

	if (run_for(s, Q_ACCESS_DROP, tenant_id, agent_id, e) < 0)
		return -1;
	return run_for(s, Q_AGENT_DROP, tenant_id, agent_id, e);
}

int sqlite_access_put(struct store *store, const char *tenant_id,
		      const char *agent_id, const char *settings, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st;

	if (!settings)
		return run_for(s, Q_ACCESS_DROP, tenant_id, agent_id, e);
	st = sqlite_query(s, Q_ACCESS_PUT, e);
	if (!st)
		return -1;
	sqlite_bind(st, 1, tenant_id);
	sqlite_bind(st, 2, agent_id);
	sqlite_bind(st, 3, settings);
	return sqlite_run(s, st, e);
}
