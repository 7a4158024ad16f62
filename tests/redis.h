/* SPDX-License-Identifier: ISC */
#ifndef TESTS_REDIS_H
#define TESTS_REDIS_H

#include <sys/types.h>

/*
 * A Redis of the test's own, in an empty directory, on a unix socket there
 * and no port. Who asks it has patience (state/redis_conn.h). Failures end the
 * program.
 */
struct redis_box {
	char dir[32];
	char socket[48];
	char url[64];
	char password_file[48]; /* "": it wants none */
	pid_t pid;              /* 0: not running */
};

/* password NULL: none. */
void redis_box_start(struct redis_box *b, const char *password);
void redis_box_kill(struct redis_box *b);
void redis_box_restart(struct redis_box *b); /* whether it runs or not */
void redis_box_remove(struct redis_box *b);  /* with its directory */

/* SIGSTOP, SIGCONT */
void redis_box_signal(const struct redis_box *b, int sig);

/* A command; its words have no spaces. */
void redis_box_do(const struct redis_box *b, const char *command);

/* How many keys match, all of which must have an expiry. */
int redis_box_keys(const struct redis_box *b, const char *pattern);

#endif
