/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "pg_in.h"
#include "store/migration.h"
#include "store/store.h"

/*
 * A cluster takes seconds to make, and many programs want one: the first
 * leaves a copy in the build directory, for as long as the migrations and what
 * is done here stay as they are.
 */

#define PATH_SIZE 4096
#define SQL_MAX   (1 << 20)

static const char *const initdb[] = {
	PG_BIN "initdb", "-Ddata",          "-Atrust",   "-Upostgres", "-EUTF8",
	"--no-locale",   "--wal-segsize=1", "--no-sync", NULL
};

/* As docs/postgresql.md says; a second database is there already. What is
 * copied for each program is to be small, hence no log of what is copied here.
 */
static const char *const databases[] = {
	"CREATE ROLE konstruct_owner LOGIN",
	"CREATE ROLE konstruct_daemon LOGIN",
	"CREATE ROLE konstruct_definer NOLOGIN",
	"GRANT konstruct_definer TO konstruct_owner",
	"CREATE DATABASE konstruct OWNER konstruct_owner STRATEGY file_copy",
	"ALTER DATABASE postgres OWNER TO konstruct_owner",
	NULL,
};

static void must_end_well(pid_t pid, const char *what)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		pg_die(what);
}

static void make_databases(const struct pg *pg)
{
	char url[128];
	PGconn *c;
	size_t i;

	(void)snprintf(url, sizeof(url),
		       "postgresql:///postgres?host=%s&user=postgres", pg->dir);
	c = pg_dial(url);
	for (i = 0; databases[i]; i++)
		(void)pg_run(c, databases[i]);
	PQfinish(c);
}

static void migrate(const struct pg *pg)
{
	struct err e = { 0 };
	int from, to;

	if (store_postgres.migrate(pg->owner, NULL, &from, &to, &e) < 0) {
		fprintf(stderr, "tests/pg: %s\n", e.msg);
		exit(EXIT_FAILURE);
	}
}

static void make_anew(const struct pg *pg)
{
	pid_t server;

	must_end_well(pg_spawn(initdb),
		      "initdb failed; is postgresql-15 installed?");
	pg_give("data/postgresql.auto.conf", "listen_addresses = ''\n");
	server = pg_serve();
	make_databases(pg);
	migrate(pg);
	(void)kill(server, SIGINT);
	must_end_well(server, "the server didn't stop well");
}

static void add_words(struct buf *b, const char *const *words)
{
	for (; *words; words++)
		buf_addf(b, "%s\n", *words);
}

/* What the cluster is made by. */
static void name_recipe(char out[DIGEST_HEX])
{
	struct buf b;
	int i;

	buf_init(&b, SQL_MAX);
	add_words(&b, initdb);
	add_words(&b, databases);
	for (i = 0; i < postgres_nmigrations; i++)
		buf_adds(&b, postgres_migrations[i].sql);
	buf_adds(&b, postgres_after.sql);
	if (b.failed)
		pg_die("the migrations are too long");
	digest_hex(b.data, b.len, out);
	buf_release(&b);
}

static int run(const char *const *argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0
									 : -1;
}

static int copy(const char *from, const char *to)
{
	const char *const argv[] = { "cp", "-a", from, to, NULL };

	return run(argv);
}

static void remove_all(const char *path)
{
	const char *const argv[] = { "rm", "-rf", path, NULL };

	(void)run(argv);
}

/* Only whole ones get the name. */
static void keep_copy(const char *from, const char *shelf, const char *kept)
{
	char half[PATH_SIZE + 8];

	(void)snprintf(half, sizeof(half), "%s/half", shelf);
	remove_all(shelf);
	if (mkdir(shelf, 0700) < 0 || copy(from, half) < 0 ||
	    rename(half, kept) < 0)
		remove_all(shelf);
}

/* Of those who need it at once one makes it. */
static void make_or_copy(const struct pg *pg, const char *shelf)
{
	char kept[PATH_SIZE + DIGEST_HEX], data[64], recipe[DIGEST_HEX];

	name_recipe(recipe);
	(void)snprintf(kept, sizeof(kept), "%s/%s", shelf, recipe);
	(void)snprintf(data, sizeof(data), "%s/data", pg->dir);
	if (access(kept, F_OK) == 0) {
		if (copy(kept, data) == 0)
			return;
		remove_all(data);
	}
	make_anew(pg);
	keep_copy(data, shelf, kept);
}

void pg_make_cluster(const struct pg *pg)
{
	const struct passwd *pw = pg_runner();
	const char *build = getenv("KONSTRUCT_BUILDDIR");
	char shelf[PATH_SIZE], lock[PATH_SIZE + 8];
	int fd;

	/* The daemon under test may be another user than the server. */
	if ((pw && chown(pg->dir, pw->pw_uid, pw->pw_gid) < 0) ||
	    chmod(pg->dir, 0755) < 0)
		pg_die("cannot open the directory");
	if (!build) {
		make_anew(pg);
		return;
	}
	(void)snprintf(shelf, sizeof(shelf), "%s/tests/cluster", build);
	(void)snprintf(lock, sizeof(lock), "%s.lock", shelf);
	fd = open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		pg_die(lock);
	make_or_copy(pg, shelf);
	(void)close(fd);
}
