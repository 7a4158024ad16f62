/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/secret.h"
#include "store/backend.h"
#include "store/postgres.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_RETRY, "cannot read the store: no memory");
}

/* On failure out is left empty. */
static int read_agent(const PGresult *r, int row, struct agent *out,
		      struct err *e)
{
	*out = (struct agent){
		.tenant_id = postgres_copy(r, row, 0),
		.id = postgres_copy(r, row, 1),
		.name = postgres_copy(r, row, 2),
		.role = postgres_copy(r, row, 3),
		.persona = postgres_copy(r, row, 4),
		.model = postgres_copy(r, row, 5),
		.placeholder = postgres_copy(r, row, 6),
		.active = postgres_bool(r, row, 7),
		.is_default = postgres_bool(r, row, 8),
		.channels = postgres_copy(r, row, 9),
		.access = postgres_copy(r, row, 10),
		.tenant_access = postgres_copy(r, row, 11),
		.locale = postgres_copy(r, row, 12),
	};
	if (out->tenant_id && out->id && out->name && out->role &&
	    out->persona && out->model && out->placeholder && out->channels &&
	    out->locale && (out->access || PQgetisnull(r, row, 10)) &&
	    (out->tenant_access || PQgetisnull(r, row, 11)))
		return 0;
	agent_release(out);
	return no_memory(e);
}

/* What came with the resolve just now, if it is of that tenant and thread;
 * once. */
static PGresult *take_agent(struct postgres *s, const char *tenant_id,
			    const char *channel, const char *thread)
{
	char of[sizeof(s->agent_of)];
	PGresult *r = s->agent;

	s->agent = NULL;
	(void)snprintf(of, sizeof(of), "%s %s", channel ? channel : "",
		       thread ? thread : "");
	if (r && PQntuples(r) > 0 && strcmp(of, s->agent_of) == 0 &&
	    strcmp(PQgetvalue(r, 0, 0), tenant_id) == 0)
		return r;
	PQclear(r);
	return NULL;
}

int postgres_agent(struct store *store, const char *tenant_id,
		   const char *channel, const char *thread, struct agent *out,
		   struct err *e)
{
	const char *const params[] = { tenant_id, channel, thread };
	struct postgres *s = (struct postgres *)store;
	PGresult *r = take_agent(s, tenant_id, channel, thread);
	int rc;

	if (!r)
		r = postgres_run(s, PQ_AGENT, tenant_id, params, e);
	rc = r ? PQntuples(r) : -1;
	if (rc > 0 && read_agent(r, 0, out, e) < 0)
		rc = -1;
	PQclear(r);
	return rc;
}

int postgres_agents(struct store *store, const char *tenant_id,
		    int (*fn)(const struct agent *a, void *arg), void *arg,
		    struct err *e)
{
	PGresult *r = postgres_run((struct postgres *)store, PQ_AGENTS,
				   tenant_id, &tenant_id, e);
	int rc = r ? 0 : -1;
	struct agent a;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		rc = read_agent(r, i, &a, e);
		if (rc < 0)
			break;
		rc = fn(&a, arg);
		agent_release(&a);
	}
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

/* 1 and *out the first column, 0, or -1. */
static int find_text(struct postgres *s, enum postgres_query q,
		     const char *tenant_id, const char *second, char **out,
		     struct err *e)
{
	const char *const params[] = { tenant_id, second };
	PGresult *r = postgres_run(s, q, tenant_id, params, e);
	int rc = r ? PQntuples(r) : -1;

	if (rc > 0) {
		*out = postgres_copy(r, 0, 0);
		rc = *out ? 1 : no_memory(e);
	}
	PQclear(r);
	return rc;
}

int postgres_access(struct store *s, const char *tenant_id,
		    const char *agent_id, char **out, struct err *e)
{
	return find_text((struct postgres *)s, PQ_ACCESS, tenant_id, agent_id,
			 out, e);
}

static int put(struct postgres *s, const struct agent *a, const char *id,
	       struct err *e)
{
	const char *const params[] = {
		a->tenant_id,
		id,
		text_or_empty(a->name),
		text_or_empty(a->role),
		text_or_empty(a->persona),
		text_or_empty(a->model),
		text_or_empty(a->placeholder),
		a->active ? "t" : "f",
		a->is_default ? "t" : "f",
		a->channels ? a->channels : "[]",
		text_or_empty(a->locale),
	};

	return postgres_do(s, PQ_AGENT_PUT, a->tenant_id, params, e);
}

int postgres_agent_put(struct store *store, const struct agent *a,
		       struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	const char *params[] = { a->tenant_id, a->id };
	char made[ID_SIZE];
	char *there = NULL;
	int rc = 1;

	if (!a->id || !*a->id) {
		id_make(made);
		rc = find_text(s, PQ_AGENT_ID, a->tenant_id,
			       text_or_empty(a->name), &there, e);
		params[1] = rc > 0 ? there : made;
	}
	if (rc >= 0)
		rc = put(s, a, params[1], e);
	if (rc >= 0 && a->is_default)
		rc = postgres_do(s, PQ_AGENT_DEFAULT, a->tenant_id, params, e);
	free(there);
	return rc;
}

int postgres_agent_remove(struct store *store, const char *tenant_id,
			  const char *agent_id, struct err *e)
{
	const char *const params[] = { tenant_id, agent_id };
	struct postgres *s = (struct postgres *)store;

	if (postgres_do(s, PQ_ACCESS_DROP, tenant_id, params, e) < 0)
		return -1;
	return postgres_do(s, PQ_AGENT_DROP, tenant_id, params, e);
}

int postgres_access_put(struct store *store, const char *tenant_id,
			const char *agent_id, const char *settings,
			struct err *e)
{
	const char *const params[] = { tenant_id, agent_id, settings };

	return postgres_do((struct postgres *)store,
			   settings ? PQ_ACCESS_PUT : PQ_ACCESS_DROP, tenant_id,
			   params, e);
}
