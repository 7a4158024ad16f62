/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/backend.h"
#include "store/sqlite_journal.h"

int sqlite_journal_count(struct journal_db *db, size_t *unfinished,
			 struct err *e)
{
	struct sqlite *s = ((struct sqlite_journal *)db)->s;
	sqlite3_stmt *st = sqlite_query(s, Q_COUNT_UNFINISHED, e);

	if (!st || sqlite_row(s, st, e) < 0)
		return -1;
	*unfinished = (size_t)sqlite3_column_int64(st, 0);
	sqlite_finish(st);
	return 0;
}

static int read_parts(struct sqlite *s, int64_t seq, struct entry *en,
		      struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_PARTS, e);
	int rc;

	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 1, seq);
	for (;;) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			return rc;
		if (entry_set_part(en, (size_t)sqlite3_column_int64(st, 0),
				   (const char *)sqlite3_column_text(st, 1)) <
		    0)
			break;
	}
	sqlite_finish(st);
	return err_set(e, ERR_RETRY, "cannot read parts of a reply: no memory");
}

static char *copy_frame(sqlite3_stmt *st, int col, size_t *len)
{
	const void *frame = sqlite3_column_blob(st, col);
	char *copy;

	*len = (size_t)sqlite3_column_bytes(st, col);
	copy = malloc(*len + 1);
	if (!copy)
		return NULL;
	if (*len > 0)
		memcpy(copy, frame, *len);
	copy[*len] = '\0';
	return copy;
}

static int read_covered(struct sqlite *s, struct entry *en, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_COVERED, e);
	const char *id;
	char *frame;
	size_t len;
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, en->id);
	for (;;) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			return rc;
		id = (const char *)sqlite3_column_text(st, 0);
		frame = copy_frame(st, 1, &len);
		if (!id || !frame || entry_add_covered(en, id, frame, len) < 0)
			break;
	}
	sqlite_finish(st);
	return err_set(e, ERR_RETRY, "cannot read covered entries: no memory");
}

static int read_entry(struct sqlite *s, sqlite3_stmt *st, struct entry *en,
		      struct err *e)
{
	const char *id = (const char *)sqlite3_column_text(st, 1);

	*en = (struct entry){
		.state = entry_state_parse(
			(const char *)sqlite3_column_text(st, 2)),
		.received_ms = sqlite3_column_int64(st, 3),
		.app_id = sqlite_copy(st, 4),
		.event_id = sqlite_copy(st, 5),
		.claim = sqlite_copy(st, 6),
		.tenant_id = sqlite_copy(st, 7),
		.verdict = sqlite_copy(st, 8),
		.attempts = sqlite3_column_int(st, 9),
		.answer = sqlite_copy(st, 11),
		.replayed_ms = sqlite3_column_int64(st, 12),
	};
	en->frame = copy_frame(st, 10, &en->frame_len);
	if (!id || !en->app_id || !en->frame)
		return err_set(e, ERR_RETRY, "cannot read entry: no memory");
	(void)strncpy(en->id, id, sizeof(en->id) - 1);
	if (read_parts(s, sqlite3_column_int64(st, 0), en, e) < 0)
		return -1;
	return read_covered(s, en, e);
}

int sqlite_journal_unfinished(struct journal_db *db,
			      int (*fn)(struct entry *en, void *arg), void *arg,
			      struct err *e)
{
	struct sqlite *s = ((struct sqlite_journal *)db)->s;
	sqlite3_stmt *st = sqlite_query(s, Q_UNFINISHED, e);
	struct entry en;
	int rc = st ? 1 : -1;

	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			return rc;
		rc = read_entry(s, st, &en, e);
		if (rc == 0)
			rc = fn(&en, arg);
		entry_release(&en);
		if (rc != 0)
			break;
		rc = 1;
	}
	if (st)
		sqlite_finish(st);
	return rc < 0 ? -1 : 0;
}

int sqlite_journal_entry(struct journal_db *db, const char *id,
			 int (*fn)(struct entry *en, void *arg), void *arg,
			 struct err *e)
{
	struct sqlite *s = ((struct sqlite_journal *)db)->s;
	sqlite3_stmt *st = sqlite_query(s, Q_ONE_UNFINISHED, e);
	struct entry en;
	int rc;

	if (!st)
		return -1;
	sqlite_bind(st, 1, id);
	rc = sqlite_row(s, st, e);
	if (rc <= 0)
		return rc;
	rc = read_entry(s, st, &en, e);
	sqlite_finish(st);
	if (rc == 0)
		rc = fn(&en, arg);
	entry_release(&en);
	return rc < 0 ? -1 : 1;
}
