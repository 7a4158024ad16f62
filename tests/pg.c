/* SPDX-License-Identifier: ISC */
#include "pg.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pg_in.h"
#include "store/postgres.h"

#define WAIT_MS  30000
#define PATIENCE 10

static struct pg pg;
static pid_t keeper;

_Noreturn void pg_die(const char *what)
{
	fprintf(stderr, "tests/pg: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void short_sleep(void)
{
	const struct timespec ts = { 0, 10 * 1000000L };

	(void)nanosleep(&ts, NULL);
}

/* The server refuses to run as root. */
const struct passwd *pg_runner(void)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return NULL;
	pw = getpwnam("postgres");
	return pw ? pw : getpwnam("nobody");
}

static void become_runner(void)
{
	const struct passwd *pw = pg_runner();

	if (pw && (setgroups(0, NULL) < 0 || setgid(pw->pw_gid) < 0 ||
		   setuid(pw->pw_uid) < 0))
		_exit(126);
}

/* As the server's user, its output in the directory's log. */
pid_t pg_spawn(const char *const *argv)
{
	sigset_t none;
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	become_runner();
	(void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir(pg.dir) < 0)
		_exit(126);
	fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	(void)dup2(fd, 1);
	(void)dup2(fd, 2);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

pid_t pg_serve(void)
{
	const char *const argv[] = { PG_BIN "postgres",
				     "-Ddata",
				     "-k",
				     pg.dir,
				     "-cfsync=off",
				     "-cshared_buffers=16MB",
				     "-cmin_wal_size=2MB",
				     "-cautovacuum=off",
				     NULL };

	return pg_spawn(argv);
}

static int remove_one(const char *path, const struct stat *sb, int type,
		      struct FTW *f)
{
	(void)sb;
	(void)type;
	(void)f;
	return remove(path);
}

static void end_server(pid_t *pid)
{
	if (*pid > 0) {
		(void)kill(*pid, SIGQUIT);
		(void)waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

/*
 * Between the tests and the server, so that it can be stopped and started
 * from any process of the tests, and so that somebody cleans up when the
 * program is killed: SIGUSR1 starts, SIGUSR2 stops, SIGTERM ends all.
 */
static _Noreturn void keep(void)
{
	sigset_t set;
	pid_t server;
	int sig = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)setsid();
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	server = pg_serve();
	while (sig != SIGTERM && sigwait(&set, &sig) == 0) {
		if (sig != SIGUSR1)
			end_server(&server);
		else if (server == 0)
			server = pg_serve();
	}
	end_server(&server);
	(void)nftw(pg.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	_exit(0);
}

static PGconn *try_dial(const char *url)
{
	PGconn *c = PQconnectdb(url);

	if (PQstatus(c) == CONNECTION_OK)
		return c;
	PQfinish(c);
	return NULL;
}

PGconn *pg_dial(const char *url)
{
	PGconn *c = NULL;
	int i;

	for (i = 0; !c && i < WAIT_MS / 10; i++) {
		c = try_dial(url);
		if (!c)
			short_sleep();
	}
	if (!c)
		pg_die("the server doesn't answer");
	return c;
}

int64_t pg_run(PGconn *c, const char *sql)
{
	PGresult *r = PQexec(c, sql);
	ExecStatusType status = PQresultStatus(r);
	int64_t n = 0;

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		fprintf(stderr, "tests/pg: %s: %s\n", sql, PQerrorMessage(c));
		exit(EXIT_FAILURE);
	}
	if (status == PGRES_TUPLES_OK && PQntuples(r) > 0)
		n = PQgetvalue(r, 0, 0)[0] == 't'
			    ? 1
			    : strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return n;
}

/* Still there, for all that is known without asking. */
static bool is_up(PGconn *c)
{
	return PQconsumeInput(c) == 1 && PQstatus(c) == CONNECTION_OK;
}

/* One for each process, kept: a server takes long to make one. */
static PGconn *kept;
static pid_t owner;
/* A parent's isn't closed, or it would be for both; for LeakSanitizer it isn't
 * lost either. Nobody reads it, hence volatile. */
static PGconn *volatile parents;

static void hang_up(void)
{
	if (owner == getpid())
		PQfinish(kept);
	else if (kept)
		parents = kept;
	kept = NULL;
	owner = 0;
}

static PGconn *line(void)
{
	if (owner == getpid() && is_up(kept))
		return kept;
	hang_up();
	kept = pg_dial(pg.super);
	owner = getpid();
	(void)pg_run(kept, "SET search_path = konstruct");
	return kept;
}

int64_t pg_ask(const char *sql)
{
	return pg_run(line(), sql);
}

#define CELLS_MAX 16

void pg_each(const char *sql,
	     void (*fn)(const char *const *cells, int n, void *arg), void *arg)
{
	const char *cells[CELLS_MAX];
	PGresult *r = PQexec(line(), sql);
	int i, k, n;

	n = PQnfields(r) < CELLS_MAX ? PQnfields(r) : CELLS_MAX;
	for (i = 0; i < PQntuples(r); i++) {
		for (k = 0; k < n; k++)
			cells[k] = PQgetisnull(r, i, k) ? "-"
							: PQgetvalue(r, i, k);
		fn(cells, n, arg);
	}
	PQclear(r);
}

/* A server that is slow may not know yet that one hung up. */
static void end_daemons(void)
{
	while (pg_ask("SELECT count(pg_terminate_backend(pid))"
		      " FROM pg_stat_activity"
		      " WHERE usename = 'konstruct_daemon'") > 0)
		short_sleep();
}

/* Of tables with few rows TRUNCATE takes far longer than this. */
void pg_empty(void)
{
	pg_up(); /* a test that failed may have left it down */
	end_daemons();
	(void)pg_ask("SET session_replication_role = replica;"
		     "DO $$ DECLARE t regclass; BEGIN"
		     " FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r'"
		     " AND relnamespace = 'konstruct'::regnamespace"
		     " AND relname NOT IN"
		     " ('migrations', 'sealing', 'audit_chain') LOOP"
		     " EXECUTE 'DELETE FROM ' || t; END LOOP; END $$;"
		     "SELECT setval(oid::regclass, 1, false) FROM pg_class"
		     " WHERE relkind = 'S'"
		     " AND relnamespace = 'konstruct'::regnamespace;"
		     "UPDATE sealing SET key_id = '';"
		     "UPDATE audit_chain SET first = 1, last = 0,"
		     " before = repeat('0', 64), hash = repeat('0', 64);"
		     "SET session_replication_role = origin");
}

void pg_audited(void)
{
	const struct timespec step = { 0, 10 * 1000000 };

	while (pg_ask("SELECT count(*) FROM audit_new") > 0)
		(void)nanosleep(&step, NULL);
}

/* In a file of the server's, so that it can be changed. */
void pg_give(const char *name, const char *text)
{
	const struct passwd *pw = pg_runner();
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", pg.dir, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fchmod(fileno(f), 0600) < 0 ||
	    (pw && fchown(fileno(f), pw->pw_uid, pw->pw_gid) < 0) ||
	    fclose(f) != 0)
		pg_die(path);
}

static void give_copy(const char *name, const char *from)
{
	char text[8192];
	FILE *f = fopen(from, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (n == 0)
		pg_die(from);
	text[n] = '\0';
	fclose(f);
	pg_give(name, text);
}

void pg_listen(const char *address, const char *cert, const char *key)
{
	char conf[256];

	(void)snprintf(conf, sizeof(conf),
		       "listen_addresses = '%s'\nssl = on\n"
		       "ssl_cert_file = '../server.crt'\n"
		       "ssl_key_file = '../server.key'\n",
		       address);
	give_copy("server.crt", cert);
	give_copy("server.key", key);
	(void)pg_ask("ALTER ROLE konstruct_daemon PASSWORD 'secret'");
	pg_give("data/postgresql.auto.conf", conf);
	pg_give("data/pg_hba.conf",
		"local all all trust\n"
		"hostssl all all 127.0.0.0/8 scram-sha-256\n");
	pg_down();
	pg_up();
}

static void url(char out[128], const char *role, const char *database)
{
	(void)snprintf(out, 128, "postgresql:///%s?host=%s&user=%s", database,
		       pg.dir, role);
}

const struct pg *pg_start(void)
{
	postgres_patience = PATIENCE;
	(void)snprintf(pg.dir, sizeof(pg.dir), "/tmp/kpg-XXXXXX");
	if (!mkdtemp(pg.dir))
		pg_die("cannot make a directory");
	url(pg.url, "konstruct_daemon", "konstruct");
	url(pg.owner, "konstruct_owner", "konstruct");
	url(pg.super, "postgres", "konstruct");
	url(pg.foreign, "konstruct_daemon", "postgres");
	pg_make_cluster(&pg);
	keeper = fork();
	if (keeper == 0)
		keep();
	if (atexit(pg_stop) != 0)
		pg_die("atexit");
	PQfinish(pg_dial(pg.super));
	return &pg;
}

/* Not by a test's process that exits, whose server it isn't. */
void pg_stop(void)
{
	if (keeper <= 0 || waitpid(keeper, NULL, WNOHANG) < 0)
		return;
	hang_up(); /* its farewell isn't to be taken for that of the next */
	(void)kill(keeper, SIGTERM);
	(void)waitpid(keeper, NULL, 0);
	keeper = 0;
}

void pg_down(void)
{
	PGconn *c;

	hang_up();
	(void)kill(keeper, SIGUSR2);
	while ((c = try_dial(pg.super))) {
		PQfinish(c);
		short_sleep();
	}
}

void pg_up(void)
{
	(void)kill(keeper, SIGUSR1);
	(void)line();
}
