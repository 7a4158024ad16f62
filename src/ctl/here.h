/* SPDX-License-Identifier: ISC */
#ifndef CTL_HERE_H
#define CTL_HERE_H

#include <stdbool.h>
#include <sys/types.h>

struct conf;
struct ctl;
struct ctl_args;
struct err;

/* Commands that are done in this process and ask no daemon; each prints what
 * it did, and returns the exit code. */

/* c: who hears of it. */
int here_backup(const struct ctl_args *a, const struct conf *conf,
		struct ctl *c);

/* The files that the settings name must be the daemon's to read. */
int here_check(const struct ctl_args *a, const struct conf *conf);

/*
 * The schema of a database server, as its owner; the daemon's settings, which
 * name another role, aren't looked at. Without a URL it's all from libpq's
 * environment: PGSERVICE, PGHOST and so on.
 */
int here_migrate(const struct ctl_args *a);

/* 0, or -1: Slack takes no such name. */
int here_manifest(const struct ctl_args *a);

/*
 * What the daemon may read and reach is the question, so root takes its place:
 * the owner of the state directory. 0, or -1 with e.
 */
int here_become_daemon(const struct conf *c, struct err *e);

/*
 * What the unit of a daemon that runs was given (LoadCredential=), root may
 * read as well: $CREDENTIALS_DIRECTORY is that process's from then on. Before
 * here_become_daemon(). Nothing where it can't be found.
 */
void here_find_credentials(const struct conf *c);

/* Is this neither root nor the daemon's user, whose id is *owner? False where
 * there is no state directory that tells. */
bool here_is_stranger(const struct conf *c, uid_t *owner);

/* Prints why the daemon's files couldn't be used, and to a stranger who may;
 * the exit code. */
int here_fail(const struct conf *c, int code, const char *msg);

#endif
