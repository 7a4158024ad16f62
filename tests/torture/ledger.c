/* SPDX-License-Identifier: ISC */
#include "torture/ledger.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "bed/nodes.h"
#include "pg.h"

#define POSTS "SELECT id, post FROM journal WHERE post IS NOT NULL"

struct ledger {
	struct map *posts;
};

static void add(struct ledger *l, const char *id, const char *post)
{
	char *copy = strdup(post);

	if (!copy || map_put(l->posts, id, copy) < 0)
		abort();
}

static void add_row(const char *const *cells, int n, void *arg)
{
	(void)n;
	add(arg, cells[0], cells[1]);
}

static void read_sqlite(struct ledger *l, const struct nodes *ns)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	char path[96];

	snprintf(path, sizeof(path), "%s/state/konstruct.db", ns->beds[0].dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ==
		    SQLITE_OK &&
	    sqlite3_prepare_v2(db, POSTS, -1, &st, NULL) == SQLITE_OK) {
		while (sqlite3_step(st) == SQLITE_ROW)
			add(l, (const char *)sqlite3_column_text(st, 0),
			    (const char *)sqlite3_column_text(st, 1));
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
}

struct ledger *ledger_read(const struct nodes *ns)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->posts = map_create(0);
	if (!l->posts)
		abort();
	if (ns->shared)
		pg_each(POSTS, add_row, l);
	else
		read_sqlite(l, ns);
	return l;
}

void ledger_free(struct ledger *l)
{
	map_free(l->posts, free);
	free(l);
}

const char *ledger_post(const struct ledger *l, const char *entry)
{
	return map_get(l->posts, entry);
}
