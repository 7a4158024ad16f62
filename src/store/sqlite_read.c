/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/backend.h"
#include "store/sqlite.h"

#define LINE_TS 64 /* more than a ts of Slack's has */

static int no_memory(struct err *e)
{
	return err_set(e, ERR_RETRY, "cannot read the store: no memory");
}

/* The columns from the budget on, in what tells of tenants and of connections.
 */
#define TENANT_CHOICES     5
#define CONNECTION_CHOICES 11
#define CONNECTION_GONE    15

static int read_tenant(sqlite3_stmt *st, int choices, struct tenant *t)
{
	t->id = sqlite_copy(st, 0);
	t->name = sqlite_copy(st, 1);
	t->paused = sqlite3_column_int(st, 2) != 0;
	t->rate_per_minute = sqlite3_column_int(st, 3);
	t->burst = sqlite3_column_int(st, 4);
	t->budget = sqlite_copy(st, choices);
	t->agent_sessions = sqlite3_column_int(st, choices + 1) != 0;
	t->streaming = sqlite3_column_int(st, choices + 2) != 0;
	t->text_until_ms = sqlite3_column_int64(st, choices + 3);
	return t->id && t->name && t->budget ? 0 : -1;
}

static char *unseal_bot_token(struct sqlite *s, sqlite3_stmt *st,
			      const struct connection *c, struct err *e)
{
	const char *sealed = sqlite_text(st, 8);
	char place[PLACE_SIZE];

	if (sealed && *sealed == '\0') /* erased */
		return strdup("");
	if (!sealed || place_connection(place, c->channel_type, c->app_id,
					c->workspace_id) < 0) {
		no_memory(e);
		return NULL;
	}
	return keyring_unseal(s->keyring, place, sealed, e);
}

/* On failure c is left empty, never half filled. */
static int read_connection(struct sqlite *s, sqlite3_stmt *st,
			   struct connection *c, struct err *e)
{
	int rc = -1;

	*c = (struct connection){ 0 };
	c->tenant_id = sqlite_copy(st, 0);
	c->channel_type = sqlite_copy(st, 5);
	c->app_id = sqlite_copy(st, 6);
	c->workspace_id = sqlite_copy(st, 7);
	c->bot_user_id = sqlite_copy(st, 9);
	c->bot_id = sqlite_copy(st, 10);
	c->gone_ms = sqlite3_column_int64(st, CONNECTION_GONE);
	if (read_tenant(st, CONNECTION_CHOICES, &c->tenant) < 0 ||
	    !c->tenant_id || !c->channel_type || !c->app_id ||
	    !c->workspace_id || !c->bot_user_id || !c->bot_id) {
		no_memory(e);
		goto out;
	}
	c->bot_token = unseal_bot_token(s, st, c, e);
	if (c->bot_token)
		rc = 0;
out:
	if (rc < 0)
		connection_release(c);
	return rc;
}

static int find_connection(struct store *store, enum sqlite_query q,
			   const char *channel_type, const char *app_id,
			   const char *workspace_id, struct connection *out,
			   struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, q, e);
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, channel_type);
	sqlite_bind(st, 2, app_id);
	sqlite_bind(st, 3, workspace_id);
	rc = sqlite_row(s, st, e);
	if (rc <= 0)
		return rc;
	rc = read_connection(s, st, out, e);
	sqlite_finish(st);
	return rc < 0 ? -1 : 1;
}

int sqlite_resolve(struct store *s, const char *channel_type,
		   const char *app_id, const char *workspace_id,
		   struct connection *out, struct err *e)
{
	return find_connection(s, Q_RESOLVE, channel_type, app_id, workspace_id,
			       out, e);
}

/* Here a round trip costs nothing. */
int sqlite_resolve_for(struct store *s, const char *channel_type,
		       const char *app_id, const char *workspace_id,
		       const char *channel, const char *thread,
		       struct connection *out, struct err *e)
{
	(void)channel;
	(void)thread;
	return sqlite_resolve(s, channel_type, app_id, workspace_id, out, e);
}

int sqlite_leaving(struct store *s, const char *channel_type,
		   const char *app_id, const char *workspace_id,
		   struct connection *out, struct err *e)
{
	return find_connection(s, Q_LEAVING, channel_type, app_id, workspace_id,
			       out, e);
}

static void reverse(struct transcript *t)
{
	struct line l;
	size_t i;

	for (i = 0; i < t->n / 2; i++) {
		l = t->lines[i];
		t->lines[i] = t->lines[t->n - 1 - i];
		t->lines[t->n - 1 - i] = l;
	}
}

static size_t line_bytes(sqlite3_stmt *st)
{
	return (size_t)sqlite3_column_bytes(st, 2) +
	       (size_t)sqlite3_column_bytes(st, 4);
}

static int add_line(sqlite3_stmt *st, struct transcript *out, struct err *e)
{
	if (transcript_add(out, sqlite3_column_int(st, 0) != 0,
			   sqlite_text(st, 1), sqlite_text(st, 2),
			   sqlite_text(st, 3), sqlite_text(st, 4)) < 0)
		return no_memory(e);
	return 0;
}

/* Newest first, until one doesn't fit: a gap would mislead the model. Its ts
 * is next, "" when all fit. */
static int read_newest(struct sqlite *s, sqlite3_stmt *st, size_t max_bytes,
		       struct transcript *out, char next[LINE_TS],
		       struct err *e)
{
	size_t room = max_bytes;
	int rc;

	for (;;) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			return rc;
		if (line_bytes(st) > room || out->n == HISTORY_LINES_MAX) {
			(void)snprintf(next, LINE_TS, "%s", sqlite_text(st, 3));
			break;
		}
		room -= line_bytes(st);
		rc = add_line(st, out, e);
		if (rc < 0)
			break;
	}
	sqlite_finish(st);
	return rc < 0 ? -1 : 0;
}

/* As the oldest of those that are newest first. */
static int read_first(struct sqlite *s, sqlite3_stmt *st, const char *next,
		      struct transcript *out, struct err *e)
{
	int rc = sqlite_row(s, st, e);

	if (rc <= 0)
		return rc;
	out->gap = strcmp(sqlite_text(st, 3), next) != 0;
	rc = add_line(st, out, e);
	sqlite_finish(st);
	return rc;
}

static void bind_thread(sqlite3_stmt *st, const char *tenant_id,
			const char *channel, const char *thread)
{
	sqlite_bind(st, 1, tenant_id);
	sqlite_bind(st, 2, channel);
	sqlite_bind(st, 3, thread);
}

int sqlite_history(struct store *store, const char *tenant_id,
		   const char *channel, const char *thread, size_t max_bytes,
		   struct transcript *out, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_HISTORY, e);
	char next[LINE_TS] = "";
	int rc;

	*out = (struct transcript){ 0 };
	if (!st)
		return -1;
	bind_thread(st, tenant_id, channel, thread);
	rc = read_newest(s, st, max_bytes, out, next, e);
	if (rc == 0 && next[0] != '\0') {
		st = sqlite_query(s, Q_HISTORY_FIRST, e);
		if (st) {
			bind_thread(st, tenant_id, channel, thread);
			rc = read_first(s, st, next, out, e);
		} else {
			rc = -1;
		}
	}
	if (rc < 0) {
		transcript_release(out);
		return -1;
	}
	reverse(out);
	return out->n > 0;
}

static int read_app(struct sqlite *s, sqlite3_stmt *st, struct app *a,
		    struct err *e)
{
	const char *sealed = sqlite_text(st, 1);
	char place[PLACE_SIZE];

	*a = (struct app){ .app_id = sqlite_copy(st, 0) };
	if (!a->app_id || !sealed || place_app(place, a->app_id) < 0) {
		app_release(a);
		return no_memory(e);
	}
	a->token = keyring_unseal(s->keyring, place, sealed, e);
	if (!a->token) {
		app_release(a);
		return -1;
	}
	return 0;
}

int sqlite_apps(struct store *store, int (*fn)(const struct app *a, void *arg),
		void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_APPS, e);
	struct app a;
	int rc = st ? 1 : -1;

	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		if (read_app(s, st, &a, e) < 0) {
			sqlite_finish(st);
			return -1;
		}
		rc = sqlite_go_on(st, fn(&a, arg));
		app_release(&a);
	}
	return rc;
}

static int each_connection(struct sqlite *s, sqlite3_stmt *st,
			   int (*fn)(const struct connection *c, void *arg),
			   void *arg, struct err *e)
{
	struct connection c;
	int rc;

	do {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		if (read_connection(s, st, &c, e) < 0) {
			sqlite_finish(st);
			return -1;
		}
		rc = sqlite_go_on(st, fn(&c, arg));
		connection_release(&c);
	} while (rc > 0);
	return rc;
}

int sqlite_connections(struct store *store, const char *tenant_name,
		       int (*fn)(const struct connection *c, void *arg),
		       void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st;

	st = sqlite_query(s, tenant_name ? Q_CONNECTIONS_OF : Q_CONNECTIONS, e);
	if (!st)
		return -1;
	if (tenant_name)
		sqlite_bind(st, 1, tenant_name);
	return each_connection(s, st, fn, arg, e);
}

int sqlite_connections_of_app(struct store *store, const char *app_id,
			      int (*fn)(const struct connection *c, void *arg),
			      void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_CONNECTIONS_OF_APP, e);

	if (!st)
		return -1;
	sqlite_bind(st, 1, app_id);
	return each_connection(s, st, fn, arg, e);
}

int sqlite_silent(struct store *store, int most,
		  int (*fn)(const char *tenant, const char *why, void *arg),
		  void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_SILENT, e);
	int rc = st ? 1 : -1;

	if (st)
		(void)sqlite3_bind_int(st, 1, most);
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc > 0)
			rc = sqlite_go_on(st, fn(sqlite_text(st, 0),
						 sqlite_text(st, 1), arg));
	}
	return rc;
}

int sqlite_tenants(struct store *store,
		   int (*fn)(const struct tenant *t, void *arg), void *arg,
		   struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_TENANTS, e);
	struct tenant t;
	int rc = st ? 1 : -1;

	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		if (read_tenant(st, TENANT_CHOICES, &t) < 0) {
			tenant_release(&t);
			sqlite_finish(st);
			return no_memory(e);
		}
		rc = sqlite_go_on(st, fn(&t, arg));
		tenant_release(&t);
	}
	return rc;
}

int sqlite_tenant_by_name(struct store *store, const char *name,
			  struct tenant *out, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_TENANT_BY_NAME, e);
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, name);
	rc = sqlite_row(s, st, e);
	if (rc <= 0)
		return rc;
	rc = read_tenant(st, TENANT_CHOICES, out);
	sqlite_finish(st);
	if (rc < 0) {
		tenant_release(out);
		return no_memory(e);
	}
	return 1;
}

int sqlite_engaged(struct store *store, int64_t since_ms,
		   int (*fn)(const char *key, int64_t at_ms, void *arg),
		   void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_ENGAGED, e);
	int rc = st ? 1 : -1;

	if (st)
		(void)sqlite3_bind_int64(st, 1, since_ms);
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc > 0)
			rc = sqlite_go_on(st,
					  fn(sqlite_text(st, 0),
					     sqlite3_column_int64(st, 1), arg));
	}
	return rc;
}

int sqlite_claims(struct store *store, int64_t since_ms,
		  int (*fn)(const char *key, const char *entry,
			    const char *verdict, void *arg),
		  void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_CLAIMS, e);
	int rc = st ? 1 : -1;

	if (st)
		(void)sqlite3_bind_int64(st, 1, since_ms);
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc > 0)
			rc = sqlite_go_on(st, fn(sqlite_text(st, 0),
						 sqlite_text(st, 1),
						 sqlite_text(st, 2), arg));
	}
	return rc;
}
