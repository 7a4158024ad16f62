/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/killpoint.h"
#include "store/audit.h"
#include "store/migration.h"
#include "store/sqlite.h"

/* About a tenth of a second. */
#define INSPECT_MAX (32 * 1024 * 1024)

#define APPLICATION_ID 0x4b6e7374 /* "Knst"; set by the first migration */

/*
 * A file made by root belongs to whoever owns the directory, so that an
 * offline konstructctl leaves nothing behind that the daemon can't open.
 */
static void give_to_owner(int fd, const char *dir)
{
	struct stat st;

	if (geteuid() == 0 && stat(dir, &st) == 0)
		(void)!fchown(fd, st.st_uid, st.st_gid);
}

static int make_dir(const char *dir, struct err *e)
{
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(e, ERR_FATAL, "cannot make directory '%s': %s",
			       dir, strerror(errno));
	return 0;
}

/*
 * SQLite would make it by the umask, and gives its -wal and -shm the mode of
 * this one. An existing file isn't opened: to close it again would drop the
 * locks that SQLite holds on it in this process (see fcntl(2)).
 */
static int make_file(const char *path, const char *dir, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0)
		return err_set(e, ERR_FATAL, "cannot make '%s': %s", path,
			       strerror(errno));
	give_to_owner(fd, dir);
	(void)close(fd);
	return 0;
}

/* Two daemons on one journal would answer everything twice. */
static int lock(const char *path, const char *dir, struct err *e)
{
	char name[PATH_MAX + 8];
	int fd;

	(void)snprintf(name, sizeof(name), "%s-lock", path);
	fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, ERR_FATAL, "cannot open '%s': %s", name,
			       strerror(errno));
	give_to_owner(fd, dir);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err_set(e, ERR_RETRY, "'%s' is in use by another process",
			path);
		(void)close(fd);
		return -1;
	}
	return fd;
}

int sqlite_claim(const char *path, struct err *e)
{
	char copy[PATH_MAX];
	char *dir;
	int fd;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
		return err_set(e, ERR_INPUT, "path of the store is too long");
	dir = dirname(copy);
	if (make_dir(dir, e) < 0)
		return -1;
	fd = lock(path, dir, e);
	if (fd < 0)
		return -1;
	if (make_file(path, dir, e) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static int read_int(struct sqlite *s, const char *sql, int *out, struct err *e)
{
	sqlite3_stmt *st;
	int rc = -1;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
		return sqlite_fail(s, e, "open");
	if (sqlite3_step(st) == SQLITE_ROW) {
		*out = sqlite3_column_int(st, 0);
		rc = 0;
	} else {
		sqlite_fail(s, e, "open");
	}
	sqlite3_finalize(st);
	return rc;
}

static int execute(struct sqlite *s, const char *sql, const char *what,
		   struct err *e)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_fail(s, e, what);
	return 0;
}

/* What the trail says of it, whoever's daemon or konstructctl it was. */
static int remark(struct sqlite *s, int from, struct err *e)
{
	char by[32], command[64];
	const struct audit_new a = { .what = "admin",
				     .by = by,
				     .command = command };

	(void)snprintf(by, sizeof(by), "uid %ld", (long)geteuid());
	(void)snprintf(command, sizeof(command), "migrate %d to %d", from,
		       sqlite_nmigrations);
	return sqlite_audit_add(s, &a, clock_wall_ms(), e);
}

/* One transaction a step: a crash leaves the version before or after it. */
static int step_up(struct sqlite *s, int from, int to, struct err *e)
{
	const struct migration *m = &sqlite_migrations[to - 1];
	char version[48];

	(void)snprintf(version, sizeof(version), "PRAGMA user_version = %d",
		       to);
	if (execute(s, "BEGIN IMMEDIATE", m->name, e) < 0)
		return -1;
	if (execute(s, m->sql, m->name, e) < 0 ||
	    execute(s, version, m->name, e) < 0)
		goto fail;
	if (to == sqlite_nmigrations && from > 0 && remark(s, from, e) < 0)
		goto fail;
	killpoint("migrating");
	if (execute(s, "COMMIT", m->name, e) == 0)
		return 0;
fail:
	(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

/* What quick_check found has a headline. */
static const char *last_line(const char *text)
{
	const char *newline = strrchr(text, '\n');

	return newline ? newline + 1 : text;
}

int sqlite_inspect(struct sqlite *s, const char *path, struct err *e)
{
	sqlite3_stmt *st;
	struct stat sb;
	const char *found;
	int rc = 0;

	if (stat(path, &sb) < 0 || sb.st_size > INSPECT_MAX)
		return 0;
	if (sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL) !=
	    SQLITE_OK)
		return sqlite_fail(s, e, "open");
	if (sqlite3_step(st) != SQLITE_ROW) {
		rc = sqlite_fail(s, e, "open");
	} else {
		found = (const char *)sqlite3_column_text(st, 0);
		if (found && strcmp(found, "ok") != 0)
			rc = sqlite_damaged(path, last_line(found), e);
	}
	sqlite3_finalize(st);
	return rc;
}

/* The version of a database of ours, 0 of an empty one. */
static int check(struct sqlite *s, int *version, struct err *e)
{
	const char *path = sqlite3_db_filename(s->db, "main");
	int id, objects;

	if (read_int(s, "PRAGMA application_id", &id, e) < 0 ||
	    read_int(s, "PRAGMA user_version", version, e) < 0 ||
	    read_int(s, "SELECT count(*) FROM sqlite_schema", &objects, e) < 0)
		return -1;
	if (id != APPLICATION_ID && (id != 0 || *version != 0 || objects != 0))
		return err_set(e, ERR_FATAL,
			       "'%s' is the database of another program", path);
	if (*version < 0 || *version > sqlite_nmigrations)
		return err_set(e, ERR_FATAL,
			       "'%s' has schema %d, this konstructd knows up to"
			       " %d: it was written by a newer one",
			       path, *version, sqlite_nmigrations);
	return 0;
}

int sqlite_migrate(struct sqlite *s, bool write, struct err *e)
{
	int from, version;

	if (check(s, &version, e) < 0)
		return -1;
	from = version;
	if (!write && version < sqlite_nmigrations)
		return err_set(e, ERR_RETRY,
			       "store has schema %d, %d is needed", version,
			       sqlite_nmigrations);
	if (!write)
		return 0;
	if (execute(s, "PRAGMA journal_mode = WAL", "open", e) < 0)
		return -1;
	while (version < sqlite_nmigrations) {
		version++;
		if (step_up(s, from, version, e) < 0)
			return -1;
	}
	return 0;
}
