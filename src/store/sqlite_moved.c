/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

/* In this order: frames are found by their entries. */
static const enum sqlite_query moves[] = {
	Q_MOVE_ENGAGED,    Q_MOVE_FRAMES, Q_MOVE_CLAIMS, Q_MOVE_POSTS,
	Q_MOVE_TRANSCRIPT, Q_MOVE_USAGE,  Q_MOVE_HOMES,  Q_MOVE_AGENTS,
	Q_MOVE_ACCESS,     Q_MOVE_CANARY,
};

int sqlite_channel_moved(struct store *store, const char *tenant_id,
			 const char *app_id, const char *workspace_id,
			 const char *old_id, const char *new_id, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st;
	size_t i;

	for (i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		st = sqlite_query(s, moves[i], e);
		if (!st)
			return -1;
		sqlite_bind(st, 1, tenant_id);
		sqlite_bind(st, 2, app_id);
		sqlite_bind(st, 3, workspace_id);
		sqlite_bind(st, 4, old_id);
		sqlite_bind(st, 5, new_id);
		if (sqlite_run(s, st, e) < 0)
			return -1;
	}
	return 0;
}
