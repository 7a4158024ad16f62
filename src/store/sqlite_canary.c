/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/keyring.h"
#include "base/secret.h"
#include "store/backend.h"
#include "store/canary.h"
#include "store/sqlite.h"

#define TOKEN 19 /* its column */

static void read_canary(sqlite3_stmt *st, struct canary *c)
{
	*c = (struct canary){
		.tenant_id = sqlite_text(st, 0),
		.tenant = sqlite_text(st, 1),
		.app_id = sqlite_text(st, 2),
		.workspace_id = sqlite_text(st, 3),
		.channel = sqlite_text(st, 4),
		.minutes = sqlite3_column_int(st, 5),
		.ts = sqlite_text(st, 6),
		.posted_ms = sqlite3_column_int64(st, 7),
		.nonce = sqlite_text(st, 8),
		.sent_ms = sqlite3_column_int64(st, 9),
		.made = sqlite3_column_int(st, 10) != 0,
		.heard_ms = sqlite3_column_int64(st, 11),
		.trip_ms = sqlite3_column_int64(st, 12),
		.missed = sqlite3_column_int(st, 13),
		.due_ms = sqlite3_column_int64(st, 14),
		.problem = sqlite_text(st, 15),
		.redial_ms = sqlite3_column_int64(st, 16),
		.gap_from_ms = sqlite3_column_int64(st, 17),
		.gap_to_ms = sqlite3_column_int64(st, 18),
		.bot_token = "",
		.bot_user_id = sqlite_text(st, TOKEN + 1),
		.bot_id = sqlite_text(st, TOKEN + 2),
	};
}

static int each(struct store *store, const char *tenant_id,
		int (*fn)(const struct canary *c, void *arg), void *arg,
		struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_CANARIES, e);
	int rc = st ? 1 : -1;
	struct canary c;

	if (st)
		sqlite_bind(st, 1, tenant_id);
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		read_canary(st, &c);
		rc = sqlite_go_on(st, fn(&c, arg));
	}
	return rc;
}

/* There is one at most. */
static int settings(struct store *store, const char *tenant_id,
		    int (*fn)(const struct canary *c, void *arg), void *arg,
		    struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_CANARY_SET, e);
	struct canary c = { .tenant_id = tenant_id };
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, tenant_id);
	rc = sqlite_row(s, st, e);
	if (rc <= 0)
		return rc;
	c.app_id = sqlite_text(st, 0);
	c.workspace_id = sqlite_text(st, 1);
	c.channel = sqlite_text(st, 2);
	c.minutes = sqlite3_column_int(st, 3);
	rc = fn(&c, arg);
	sqlite_finish(st);
	return rc < 0 ? -1 : 0;
}

static char *unseal(struct sqlite *s, sqlite3_stmt *st, const struct canary *c,
		    struct err *e)
{
	char place[PLACE_SIZE];

	if (place_connection(place, "slack", c->app_id, c->workspace_id) < 0) {
		err_set(e, ERR_INPUT, "ids of connection are too long");
		return NULL;
	}
	return keyring_unseal(s->keyring, place, sqlite_text(st, TOKEN), e);
}

static int due(struct store *store, int64_t now_ms,
	       int (*fn)(const struct canary *c, void *arg), void *arg,
	       struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_CANARIES, e);
	int rc = st ? 1 : -1;
	bool failed = false;
	struct canary c;
	char *token;

	if (st)
		(void)sqlite3_bind_int64(st, 2, now_ms);
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		read_canary(st, &c);
		token = unseal(s, st, &c, e);
		if (!token) {
			failed = true;
			continue;
		}
		c.bot_token = token;
		rc = sqlite_go_on(st, fn(&c, arg));
		secret_free(token);
	}
	return failed ? -1 : rc;
}

static int drop(struct store *store, const char *tenant_id, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_CANARY_DROP, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, tenant_id);
	return sqlite_run(s, st, e);
}

static int put(struct store *store, const struct canary *c, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st;

	if (drop(store, c->tenant_id, e) < 0)
		return -1;
	st = sqlite_query(s, Q_CANARY_PUT, e);
	if (!st)
		return -1;
	sqlite_bind(st, 1, c->tenant_id);
	sqlite_bind(st, 2, c->app_id);
	sqlite_bind(st, 3, c->workspace_id);
	sqlite_bind(st, 4, c->channel);
	(void)sqlite3_bind_int(st, 5, c->minutes);
	return sqlite_run(s, st, e);
}

static int pace(struct store *store, const char *tenant_id, int minutes,
		struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_CANARY_PACE, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, tenant_id);
	(void)sqlite3_bind_int(st, 2, minutes);
	return sqlite_run(s, st, e);
}

static int note(struct store *store, const struct canary *c, const char *was,
		struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_CANARY_NOTE, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, c->tenant_id);
	sqlite_bind(st, 2, c->channel);
	sqlite_bind(st, 3, was);
	sqlite_bind(st, 4, c->nonce);
	(void)sqlite3_bind_int64(st, 5, c->sent_ms);
	(void)sqlite3_bind_int(st, 6, c->made);
	(void)sqlite3_bind_int64(st, 7, c->due_ms);
	(void)sqlite3_bind_int(st, 8, c->missed);
	(void)sqlite3_bind_int64(st, 9, c->redial_ms);
	(void)sqlite3_bind_int64(st, 10, c->posted_ms);
	sqlite_bind(st, 11, c->ts);
	sqlite_bind(st, 12, c->problem);
	return sqlite_run(s, st, e) < 0 ? -1 : sqlite3_changes(s->db) > 0;
}

static int awaited(struct sqlite *s, const char *app_id, const char *nonce,
		   const char *ts, struct canary_heard *out, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_CANARY_AWAITED, e);
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, app_id);
	sqlite_bind(st, 2, nonce);
	sqlite_bind(st, 3, ts);
	rc = sqlite_row(s, st, e);
	if (rc <= 0)
		return rc;
	(void)snprintf(out->tenant, sizeof(out->tenant), "%s",
		       sqlite_text(st, 0));
	(void)snprintf(out->channel, sizeof(out->channel), "%s",
		       sqlite_text(st, 1));
	out->sent_ms = sqlite3_column_int64(st, 2);
	out->missed = sqlite3_column_int(st, 3);
	sqlite_finish(st);
	return 1;
}

static int heard(struct store *store, const char *app_id, const char *nonce,
		 const char *ts, int64_t at_ms, struct canary_heard *out,
		 struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	int rc = awaited(s, app_id, nonce, ts, out, e);
	sqlite3_stmt *st;

	if (rc <= 0)
		return rc;
	st = sqlite_query(s, Q_CANARY_HEARD, e);
	if (!st)
		return -1;
	sqlite_bind(st, 1, app_id);
	sqlite_bind(st, 2, nonce);
	sqlite_bind(st, 3, ts);
	(void)sqlite3_bind_int64(st, 4, at_ms);
	return sqlite_run(s, st, e) < 0 ? -1 : 1;
}

const struct canary_ops canaries_sqlite = {
	.each = each,
	.settings = settings,
	.due = due,
	.put = put,
	.pace = pace,
	.drop = drop,
	.note = note,
	.heard = heard,
};
