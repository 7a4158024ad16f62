/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "store/sqlite.h"
#include "store/store.h"

#define SCHEME  "sqlite:"
#define BUSY_MS 10000

static int fail(sqlite3 *db, const char *what, const char *path, struct err *e)
{
	return err_set(e, ERR_FATAL, "cannot %s '%s': %s", what, path,
		       db ? sqlite3_errmsg(db) : "no memory");
}

/* In one step, so that it is the store of one moment; in WAL mode the daemon
 * goes on writing meanwhile. */
static int copy(sqlite3 *from, sqlite3 *to, const char *path, struct err *e)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");

	if (!b)
		return fail(to, "write", path, e);
	(void)sqlite3_backup_step(b, -1);
	if (sqlite3_backup_finish(b) != SQLITE_OK)
		return fail(to, "write", path, e);
	return 0;
}

static int check(sqlite3 *db, const char *path, struct err *e)
{
	sqlite3_stmt *st = NULL;
	const unsigned char *said = NULL;
	int rc = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL) ==
		    SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		said = sqlite3_column_text(st, 0);
	if (said && strcmp((const char *)said, "ok") == 0)
		rc = 0;
	else if (said)
		sqlite_damaged(path, (const char *)said, e);
	else
		fail(db, "check", path, e);
	(void)sqlite3_finalize(st);
	return rc;
}

static int backup(const char *from_path, const char *to_path, struct err *e)
{
	sqlite3 *from = NULL, *to = NULL;
	int rc = -1;

	if (sqlite3_open_v2(from_path, &from, SQLITE_OPEN_READONLY, NULL) !=
	    SQLITE_OK) {
		fail(from, "open", from_path, e);
		goto out;
	}
	(void)sqlite3_busy_timeout(from, BUSY_MS);
	if (sqlite3_open_v2(to_path, &to, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK) {
		fail(to, "open", to_path, e);
		goto out;
	}
	rc = copy(from, to, to_path, e);
	if (rc == 0)
		rc = check(to, to_path, e);
out:
	(void)sqlite3_close(to);
	(void)sqlite3_close(from);
	return rc;
}

int store_backup(const char *url, const char *path, struct err *e)
{
	int fd;

	if (strncmp(url, SCHEME, strlen(SCHEME)) != 0)
		return err_set(e, ERR_INPUT,
			       "only SQLite is backed up here; of PostgreSQL "
			       "pg_dump makes a backup");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, ERR_INPUT, "cannot make '%s': %s", path,
			       strerror(errno));
	if (backup(url + strlen(SCHEME), path, e) == 0 && fsync(fd) == 0) {
		close(fd);
		return 0;
	}
	if (e->kind == ERR_NONE)
		err_set(e, ERR_FATAL, "cannot write '%s': %s", path,
			strerror(errno));
	close(fd);
	(void)unlink(path);
	return -1;
}
