/* SPDX-License-Identifier: ISC */
#ifndef TESTS_PG_IN_H
#define TESTS_PG_IN_H

#include <libpq-fe.h>
#include <pwd.h>
#include <sys/types.h>

#include "pg.h"

/* Between pg.c and pg_cluster.c. Failures end the program. */

#define PG_BIN "/usr/lib/postgresql/15/bin/"

_Noreturn void pg_die(const char *what);

/* Whom the server runs as, who has its directory; NULL: as we do. */
const struct passwd *pg_runner(void);
/* A program as that user, in its directory, its output in the file log. */
pid_t pg_spawn(const char *const *argv);
pid_t pg_serve(void); /* the server */

/* Waits for the server. */
PGconn *pg_dial(const char *url);
/* The first column of the first row as a number, 0 without one. */
int64_t pg_run(PGconn *c, const char *sql);

/* A file of the server's in its directory. */
void pg_give(const char *name, const char *text);

/* Makes what pg_start() promises in the directory, which is empty; no server
 * runs yet. */
void pg_make_cluster(const struct pg *pg);

#endif
