/* SPDX-License-Identifier: ISC */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct conf;
struct err;
struct json;
struct table;

/* Where a command's requests go: to the daemon, or to the store itself. */
struct ctl {
	const char *socket;
	struct offline *offline; /* NULL: to the daemon */
};

/*
 * Runs one command of the admin's API (admin/api.h). Appends the answer to
 * out and returns the HTTP status; -1 with e when there was no answer.
 */
int ctl_request(struct ctl *c, const char *method, const char *path,
		const char *body, size_t len, struct buf *out, struct err *e);

/* What an answer with a status of 400 and more says: -1, ERR_FATAL if it isn't
 * allowed, else ERR_RETRY. j may be NULL. */
int ctl_refused(int status, const struct json *j, struct err *e);

/*
 * The commands in this process, on the store that conf names, opened for
 * writing as the daemon would. NULL with e filled; refuses when a daemon
 * answers at its socket. conf stays the caller's, until offline_close().
 */
struct offline *offline_open(const struct conf *conf, struct err *e);
void offline_close(struct offline *o); /* NULL is allowed */
int offline_request(struct offline *o, const char *method, const char *path,
		    const char *body, size_t len, struct buf *out,
		    struct err *e);

/*
 * Into the audit trail, what this program has done without the daemon: through
 * it, or when it isn't there into its store, as the daemon's user from then on.
 * What keeps it from that is told on stderr; c->offline may be there.
 */
void remark(struct ctl *c, const struct conf *conf, const char *command,
	    const char *about);

/* A cell of a row of "uninstalled" (ctl/rows.h). */
void print_erasing(struct table *t, const struct json *row, const char *key);

/* Print an answer for people. */
void print_tenants(const struct json *j);
void print_tenant(const struct json *j);
void print_agent(const struct json *j);
void print_agents(const struct json *j);
void print_done(const struct json *j);
void print_purged(const struct json *j);
void print_levels(const struct json *j);
void print_letters(const struct json *j);
void print_explained(const struct json *j);
void print_keys(const struct json *j);
void print_rotated(const struct json *j);
void print_secrets(const struct json *j);
void print_status(const struct json *j);
void print_usage(const struct json *j);

/* What is asked for, as the path of admin/usage.h has it; since is a day, so
 * many days ("30d"), or NULL for this month. 0 or -1. */
#define USAGE_WHAT 40
int usage_what(const char *by, const char *since, int64_t now_ms,
	       char out[USAGE_WHAT], struct err *e);
void print_changes(const struct json *j);
void print_export(const struct json *j);

#endif
