/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/keyring.h"
#include "base/secret.h"
#include "store/backend.h"
#include "store/canary.h"
#include "store/postgres.h"

#define TOKEN 19 /* its column */

static void read_canary(const PGresult *r, int i, struct canary *c)
{
	*c = (struct canary){
		.tenant_id = PQgetvalue(r, i, 0),
		.tenant = PQgetvalue(r, i, 1),
		.app_id = PQgetvalue(r, i, 2),
		.workspace_id = PQgetvalue(r, i, 3),
		.channel = PQgetvalue(r, i, 4),
		.minutes = (int)postgres_int(r, i, 5),
		.ts = PQgetvalue(r, i, 6),
		.posted_ms = postgres_int(r, i, 7),
		.nonce = PQgetvalue(r, i, 8),
		.sent_ms = postgres_int(r, i, 9),
		.made = postgres_bool(r, i, 10),
		.heard_ms = postgres_int(r, i, 11),
		.trip_ms = postgres_int(r, i, 12),
		.missed = (int)postgres_int(r, i, 13),
		.due_ms = postgres_int(r, i, 14),
		.problem = PQgetvalue(r, i, 15),
		.redial_ms = postgres_int(r, i, 16),
		.gap_from_ms = postgres_int(r, i, 17),
		.gap_to_ms = postgres_int(r, i, 18),
		.bot_token = "",
		.bot_user_id = PQgetvalue(r, i, TOKEN + 1),
		.bot_id = PQgetvalue(r, i, TOKEN + 2),
	};
}

static int each(struct store *store, const char *tenant_id,
		int (*fn)(const struct canary *c, void *arg), void *arg,
		struct err *e)
{
	const char *const params[] = { tenant_id, NULL };
	PGresult *r = postgres_run((struct postgres *)store, PQ_CANARIES, NULL,
				   params, e);
	int rc = r ? 0 : -1;
	struct canary c;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		read_canary(r, i, &c);
		rc = fn(&c, arg);
	}
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

/* There is one at most. */
static int settings(struct store *store, const char *tenant_id,
		    int (*fn)(const struct canary *c, void *arg), void *arg,
		    struct err *e)
{
	PGresult *r = postgres_run((struct postgres *)store, PQ_CANARY_SET,
				   tenant_id, &tenant_id, e);
	struct canary c = { .tenant_id = tenant_id };
	int rc = r ? 0 : -1;

	if (r && PQntuples(r) > 0) {
		c.app_id = PQgetvalue(r, 0, 0);
		c.workspace_id = PQgetvalue(r, 0, 1);
		c.channel = PQgetvalue(r, 0, 2);
		c.minutes = (int)postgres_int(r, 0, 3);
		rc = fn(&c, arg);
	}
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

static char *unseal(const struct postgres *s, const PGresult *r, int i,
		    const struct canary *c, struct err *e)
{
	char place[PLACE_SIZE];

	if (place_connection(place, "slack", c->app_id, c->workspace_id) < 0) {
		err_set(e, ERR_INPUT, "ids of connection are too long");
		return NULL;
	}
	return keyring_unseal(s->keyring, place, PQgetvalue(r, i, TOKEN), e);
}

static int due(struct store *store, int64_t now_ms,
	       int (*fn)(const struct canary *c, void *arg), void *arg,
	       struct err *e)
{
	struct postgres *s = (struct postgres *)store;
	char now[POSTGRES_NUMBER];
	const char *const params[] = { NULL, postgres_number(now, now_ms) };
	PGresult *r = postgres_run(s, PQ_CANARIES, NULL, params, e);
	int rc = r ? 0 : -1;
	bool failed = false;
	struct canary c;
	char *token;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		read_canary(r, i, &c);
		token = unseal(s, r, i, &c, e);
		if (!token) {
			failed = true;
			continue;
		}
		c.bot_token = token;
		rc = fn(&c, arg);
		secret_free(token);
	}
	PQclear(r);
	return failed || rc < 0 ? -1 : 0;
}

static int drop(struct store *store, const char *tenant_id, struct err *e)
{
	return postgres_do((struct postgres *)store, PQ_CANARY_DROP, tenant_id,
			   &tenant_id, e);
}

static int put(struct store *store, const struct canary *c, struct err *e)
{
	char minutes[POSTGRES_NUMBER];
	const char *const params[] = { c->tenant_id, c->app_id, c->workspace_id,
				       c->channel,
				       postgres_number(minutes, c->minutes) };

	if (drop(store, c->tenant_id, e) < 0)
		return -1;
	return postgres_do((struct postgres *)store, PQ_CANARY_PUT,
			   c->tenant_id, params, e);
}

static int pace(struct store *store, const char *tenant_id, int minutes,
		struct err *e)
{
	char n[POSTGRES_NUMBER];
	const char *const params[] = { tenant_id, postgres_number(n, minutes) };

	return postgres_do((struct postgres *)store, PQ_CANARY_PACE, tenant_id,
			   params, e);
}

static int note(struct store *store, const struct canary *c, const char *was,
		struct err *e)
{
	char sent[POSTGRES_NUMBER], at[POSTGRES_NUMBER], n[POSTGRES_NUMBER];
	char redial[POSTGRES_NUMBER], posted[POSTGRES_NUMBER];
	const char *const params[] = {
		c->tenant_id,
		c->channel,
		was,
		c->nonce,
		postgres_number(sent, c->sent_ms),
		c->made ? "t" : "f",
		postgres_number(at, c->due_ms),
		postgres_number(n, c->missed),
		postgres_number(redial, c->redial_ms),
		postgres_number(posted, c->posted_ms),
		c->ts,
		c->problem,
	};
	PGresult *r = postgres_run((struct postgres *)store, PQ_CANARY_NOTE,
				   c->tenant_id, params, e);
	int rows = r ? PQntuples(r) : -1;

	PQclear(r);
	return rows;
}

static int heard(struct store *store, const char *app_id, const char *nonce,
		 const char *ts, int64_t at_ms, struct canary_heard *out,
		 struct err *e)
{
	char at[POSTGRES_NUMBER];
	const char *const params[] = { app_id, nonce, ts,
				       postgres_number(at, at_ms) };
	PGresult *r = postgres_run((struct postgres *)store, PQ_CANARY_HEARD,
				   NULL, params, e);
	int rows = r ? PQntuples(r) : -1;

	if (rows > 0) {
		(void)snprintf(out->tenant, sizeof(out->tenant), "%s",
			       PQgetvalue(r, 0, 0));
		(void)snprintf(out->channel, sizeof(out->channel), "%s",
			       PQgetvalue(r, 0, 1));
		out->sent_ms = postgres_int(r, 0, 2);
		out->missed = (int)postgres_int(r, 0, 3);
	}
	PQclear(r);
	return rows > 0 ? 1 : rows;
}

const struct canary_ops canaries_postgres = {
	.each = each,
	.settings = settings,
	.due = due,
	.put = put,
	.pace = pace,
	.drop = drop,
	.note = note,
	.heard = heard,
};
