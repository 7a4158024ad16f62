/* SPDX-License-Identifier: ISC */
#ifndef STATE_REDIS_CONN_H
#define STATE_REDIS_CONN_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

struct err;

/* Deadlines, each for itself, of a connection and of one command. */
#define REDIS_CONNECT_MS 1000
#define REDIS_COMMAND_MS 1000
/* And so many times. Tests of what isn't about deadlines set it, before there
 * is a thread: their machine may be busier than any server. */
extern int redis_patience;

struct redis_server {
	char *host; /* NULL: path is a unix socket's */
	int port;
	char *path;
	int db;
	char *user;     /* NULL: none */
	char *password; /* NULL: none */
};

/*
 * url is "redis://host[:port][/db]" or "unix:/path"; a password has no place
 * in it. user and password_file may be NULL or "". -1 with e, nothing to
 * release.
 */
int redis_server_init(struct redis_server *s, const char *url, const char *user,
		      const char *password_file, struct err *e);
void redis_server_release(struct redis_server *s);

/* What the server's memory is asked by; redis_script.c has their text. */
enum redis_script {
	SCRIPT_ADMIT,
	SCRIPT_ONCE,
	SCRIPT_ENGAGE,
	SCRIPT_DISENGAGE,
	SCRIPT_FILLED,
	SCRIPT_PLACE_BEAT,
	SCRIPT_PLACE_LOOK,
	SCRIPT_PLACE_LEAVE,
	REDIS_SCRIPTS
};
extern const char *const redis_scripts[REDIS_SCRIPTS];
/* In place_script.c. */
extern const char redis_place_beat[], redis_place_look[], redis_place_leave[];

#define REDIS_ARGS_MAX 80

/* As hiredis has them. */
#if HIREDIS_MAJOR < 1
typedef int redis_count;
#else
typedef size_t redis_count;
#endif

/* One connection, for one thread at a time. */
struct redis_conn {
	redisContext *c;
	char run_id[41]; /* of the server's process */
	char digest[REDIS_SCRIPTS][41];
	bool broken;  /* of no more use */
	bool overdue; /* and that since no answer came in time */
	bool used;    /* it has answered before */
	unsigned int piped;

	/* hiredis's own, but for one. */
	redisReplyObjectFunctions fn;
	void *(*make_array)(const redisReadTask *t, redis_count n);
};

/*
 * Connects, authenticates, selects, names the connection and loads the
 * scripts. NULL with e: ERR_INPUT when the server refuses us, else ERR_RETRY.
 */
struct redis_conn *redis_dial(const struct redis_server *s, struct err *e);
void redis_hang_up(struct redis_conn *c); /* NULL is allowed */

/* The two halves of that, for who has a connection already: x becomes the
 * connection's, NULL with e when there is no memory, or no x. A reply of
 * more than 512 KiB breaks it, as one does that takes longer than a command
 * may. */
struct redis_conn *redis_adopt(redisContext *x, struct err *e);
int redis_greet(struct redis_conn *c, const struct redis_server *s,
		struct err *e);

/* The reply, to be freed with freeReplyObject(); NULL with e, also when it is
 * an error. */
redisReply *redis_do(struct redis_conn *c, int argc, const char **argv,
		     struct err *e);

/* The same for a script: argv are its nkeys keys and then its arguments. */
redisReply *redis_eval(struct redis_conn *c, enum redis_script script,
		       int nkeys, int argc, const char **argv, struct err *e);

/*
 * Many commands without waiting for each reply; what they reply is lost, but
 * for an error. Nothing else in between.
 */
int redis_pipe(struct redis_conn *c, int argc, const char **argv,
	       struct err *e);
int redis_pipe_end(struct redis_conn *c, struct err *e);

#endif
