/* SPDX-License-Identifier: ISC */
#ifndef TESTS_PG_H
#define TESTS_PG_H

#include <stdint.h>

/*
 * A PostgreSQL of a test program's own, on a unix socket in a short directory
 * under /tmp: migrated, with the roles of docs/postgresql.md. It runs as an
 * unprivileged user and ends with the program, however that ends. What of the
 * program asks it has patience (store/postgres.h). Failures end the program.
 */
struct pg {
	char dir[32];
	char url[128];     /* as the daemon's role */
	char owner[128];   /* as the schema's owner */
	char super[128];   /* as who may do all */
	char foreign[128]; /* the daemon's role on a database not migrated */
};

/* Once in a program, before anything is forked. */
const struct pg *pg_start(void);
void pg_stop(void);

/* Stop the server at once, as a crash would; start it again. Return when it
 * is so. */
void pg_down(void);
void pg_up(void);

/* The server is up, no daemon is connected, and all tables are empty. */
void pg_empty(void);

/* Waits until a journal has taken all that is told into the audit trail. */
void pg_audited(void);

/*
 * The server starts anew and also listens at this address of the machine's
 * loopback, with TLS only, by certificate and key from these files, and with
 * passwords; the daemon's is "secret".
 */
void pg_listen(const char *address, const char *cert, const char *key);

/* SQL as who may do all; the first column of the first row as a number, 0
 * without one. This and the next are for one thread of a process. */
int64_t pg_ask(const char *sql);

/* The same for all rows, as text; NULL is "-". */
void pg_each(const char *sql,
	     void (*fn)(const char *const *cells, int n, void *arg), void *arg);

#endif
