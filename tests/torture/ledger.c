/* SPDX-License-Identifier: ISC */
#include "torture/ledger.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "bed/nodes.h"
#include "pg.h"

struct ledger {
	struct map *posts;
	struct map *heard;
	struct map *replayed;
	struct map *accepted;
	struct map *refused;
	struct map *again;   /* by entry, */
	struct map *another; /* by channel:ts */
	struct map *lines;
	struct map *thumbs;
	struct map *triggers;
	struct map *asked;
	size_t expired;
};

/* A time that nobody keeps. */
#define LEDGER_OLD "1600000000"

struct query {
	const char *sql;
	void (*take)(struct ledger *l, const char *const *cells);
	struct ledger *l;
};

static void put(struct map *m, const char *key, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		abort();
	free(map_take(m, key));
	if (map_put(m, key, copy) < 0)
		abort();
}

static void take_post(struct ledger *l, const char *const *cells)
{
	put(l->posts, cells[0], cells[1]);
}

static void take_heard(struct ledger *l, const char *const *cells)
{
	put(l->heard, cells[0], cells[1]);
}

static void take_replayed(struct ledger *l, const char *const *cells)
{
	put(l->replayed, cells[0], cells[1]);
}

static void take_accepted(struct ledger *l, const char *const *cells)
{
	put(l->accepted, cells[0], cells[1]);
}

static void take_refused(struct ledger *l, const char *const *cells)
{
	put(l->refused, cells[0], cells[1]);
}

static void take_expired(struct ledger *l, const char *const *cells)
{
	(void)cells;
	l->expired++;
}

/* app:workspace:again-channel:ts */
static void take_again(struct ledger *l, const char *const *cells)
{
	const char *mark = strstr(cells[1], ":again-");

	if (!mark)
		return;
	put(l->again, cells[0], mark + strlen(":again-"));
	put(l->another, mark + strlen(":again-"), cells[0]);
}

static void take_line(struct ledger *l, const char *const *cells)
{
	put(l->lines, cells[0], cells[1]);
}

static void take_trigger(struct ledger *l, const char *const *cells)
{
	put(l->triggers, cells[0], cells[1]);
}

static void take_asked(struct ledger *l, const char *const *cells)
{
	put(l->asked, cells[0], cells[1]);
}

static void take_thumb(struct ledger *l, const char *const *cells)
{
	put(l->thumbs, cells[0], cells[1]);
}

/* What is asked again has the post that it was asked by. */
#define FIRST " AND coalesce(claim, '') NOT LIKE '%:again-%'"

static const struct query queries[] = {
	{ "SELECT id, post FROM journal WHERE post IS NOT NULL" FIRST,
	  take_post, NULL },
	{ "SELECT post, min(received_ms) FROM journal WHERE post IS NOT NULL" FIRST
	  " GROUP BY post",
	  take_heard, NULL },
	{ "SELECT post, id FROM journal WHERE replayed_ms > 0"
	  " AND post IS NOT NULL" FIRST,
	  take_replayed, NULL },
	{ "SELECT post, id FROM journal WHERE verdict NOT LIKE 'refuse%'"
	  " AND verdict NOT LIKE 'drop%' AND post IS NOT NULL" FIRST,
	  take_accepted, NULL },
	{ "SELECT post, id FROM journal WHERE verdict LIKE 'refuse%'"
	  " AND post IS NOT NULL" FIRST,
	  take_refused, NULL },
	{ "SELECT ts, ts FROM transcript WHERE ts < '" LEDGER_OLD "'",
	  take_expired, NULL },
	{ "SELECT id, claim FROM journal WHERE claim LIKE '%:again-%'",
	  take_again, NULL },
	{ "SELECT channel || ':' || ts, text FROM transcript"
	  " WHERE user_id IS NOT NULL",
	  take_line, NULL },
	{ "SELECT entry, up FROM feedback", take_thumb, NULL },
	{ "SELECT id, event_id FROM journal WHERE claim LIKE '%:about-%'",
	  take_trigger, NULL },
	{ "SELECT event_id, received_ms FROM journal"
	  " WHERE claim LIKE '%:about-%'",
	  take_asked, NULL },
};

#define QUERIES (sizeof(queries) / sizeof(queries[0]))

static void take_row(const char *const *cells, int n, void *arg)
{
	const struct query *q = arg;

	(void)n;
	q->take(q->l, cells);
}

static void read_sqlite(const struct query *q, sqlite3 *db)
{
	const char *cells[2];
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db, q->sql, -1, &st, NULL) != SQLITE_OK)
		abort();
	while (sqlite3_step(st) == SQLITE_ROW) {
		cells[0] = (const char *)sqlite3_column_text(st, 0);
		cells[1] = (const char *)sqlite3_column_text(st, 1);
		take_row(cells, 2, (void *)q);
	}
	sqlite3_finalize(st);
}

static sqlite3 *open_sqlite(const struct nodes *ns)
{
	sqlite3 *db = NULL;
	char path[96];

	snprintf(path, sizeof(path), "%s/state/konstruct.db", ns->beds[0].dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		abort();
	return db;
}

static struct map *make(void)
{
	struct map *m = map_create(0);

	if (!m)
		abort();
	return m;
}

struct ledger *ledger_read(const struct nodes *ns)
{
	struct ledger *l = calloc(1, sizeof(*l));
	sqlite3 *db = ns->shared ? NULL : open_sqlite(ns);
	struct query q;
	size_t i;

	if (!l)
		abort();
	l->posts = make();
	l->heard = make();
	l->replayed = make();
	l->accepted = make();
	l->refused = make();
	l->again = make();
	l->another = make();
	l->lines = make();
	l->thumbs = make();
	l->triggers = make();
	l->asked = make();
	for (i = 0; i < QUERIES; i++) {
		q = queries[i];
		q.l = l;
		if (ns->shared)
			pg_each(q.sql, take_row, &q);
		else
			read_sqlite(&q, db);
	}
	sqlite3_close(db);
	return l;
}

void ledger_free(struct ledger *l)
{
	map_free(l->posts, free);
	map_free(l->heard, free);
	map_free(l->replayed, free);
	map_free(l->accepted, free);
	map_free(l->refused, free);
	map_free(l->again, free);
	map_free(l->another, free);
	map_free(l->lines, free);
	map_free(l->thumbs, free);
	map_free(l->triggers, free);
	map_free(l->asked, free);
	free(l);
}

const char *ledger_post(const struct ledger *l, const char *entry)
{
	return map_get(l->posts, entry);
}

int64_t ledger_heard_ms(const struct ledger *l, const char *post)
{
	const char *ms = map_get(l->heard, post);

	return ms ? strtoll(ms, NULL, 10) : 0;
}

bool ledger_replayed(const struct ledger *l, const char *post)
{
	return map_get(l->replayed, post) != NULL;
}

bool ledger_accepted(const struct ledger *l, const char *post)
{
	return map_get(l->accepted, post) != NULL;
}

bool ledger_refused(const struct ledger *l, const char *post)
{
	return map_get(l->refused, post) != NULL;
}

const char *ledger_trigger(const struct ledger *l, const char *entry)
{
	return map_get(l->triggers, entry);
}

int64_t ledger_asked_ms(const struct ledger *l, const char *trigger)
{
	const char *ms = map_get(l->asked, trigger);

	return ms ? strtoll(ms, NULL, 10) : 0;
}

size_t ledger_expired(const struct ledger *l)
{
	return l->expired;
}

const char *ledger_again(const struct ledger *l, const char *entry)
{
	return map_get(l->again, entry);
}

const char *ledger_another(const struct ledger *l, const char *post)
{
	return map_get(l->another, post);
}

const char *ledger_line(const struct ledger *l, const char *post)
{
	return map_get(l->lines, post);
}

int ledger_thumb(const struct ledger *l, const char *entry)
{
	const char *up = map_get(l->thumbs, entry);

	if (!up)
		return -1;
	return up[0] == '1' || up[0] == 't';
}
