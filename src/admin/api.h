/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_API_H
#define ADMIN_API_H

#include <stdbool.h>
#include <stddef.h>

#include "admin/apply.h"
#include "admin/trail.h"
#include "base/buf.h"
#include "base/keyring.h"
#include "base/secret.h"

struct conf;
struct err;
struct route;
struct store;

/*
 * The admin's commands on the store, as HTTP names them. The daemon runs
 * them for requests on its unix socket, "konstructctl --offline" in its own
 * process:
 *
 * admin/routes.c lists them; admin/apply.h tells what bodies are:
 *
 *   one tenant     POST /v1/tenants, PUT /v1/tenants/NAME
 *   one agent      POST /v1/tenants/NAME/agents, PUT .../agents/ID
 *   many tenants   POST /v1/apply
 *   a secret       PUT /v1/secrets/NAME: {"value": "..."}
 *
 * NAME/agent is the tenant's default agent. What else stands in a path:
 * admin/usage.h (BY:SINCE), admin/letters.h (WHAT, ENTRY) and admin/trail.h
 * (AFTER:SINCE_MS) say.
 *
 * What a command answers is JSON in out; a failure is told by err and
 * status, and its answer is {"error": "..."}.
 */

/* An app that has lost its last connection. */
struct api_gone {
	struct api_gone *next;
	char app_id[33];
};

/* A dead letter that was replayed or dropped. */
struct api_entry {
	struct api_entry *next;
	char id[ID_SIZE];
};

struct api_call {
	const struct route *route;
	const struct conf *conf;
	const struct keyring *keyring;      /* whoever runs it sets this */
	char tenant[APPLY_NAME_MAX + 1];    /* or what else the path names */
	char of_tenant[APPLY_NAME_MAX + 1]; /* what it names behind that */
	struct apply apply; /* POST: connections may lack ids, see below */
	struct apply_agent agent;
	int status; /* HTTP's */
	struct buf out;
	struct api_gone *gone; /* links to close after the commit */
	bool connects;         /* those of the app tenant are to be dialed */
	struct api_entry *entries;
	bool replays; /* they are to be taken up after the commit */

	/* For the audit trail (admin/trail.h). Whoever runs it sets by. */
	struct audit_new audit;
	char by[TRAIL_BY];
	char what[300];
	char names[1000];
	char changed[400];

	int64_t rows; /* of a purge, so far */

	char *value;           /* a secret's */
	char key[KEY_ID_SIZE]; /* that is to seal from now on */
	bool again; /* after the commit: to be run once more, in another */
};

/*
 * Finds the command and reads the body. -1 with e and c->status filled; then
 * api_end() is to be called all the same.
 */
int api_begin(struct api_call *c, const struct conf *conf, const char *method,
	      const char *path, const char *body, size_t len, struct err *e);
void api_end(struct api_call *c);

/* Must ids be asked of Slack (admin/onboard.h) before api_run()? */
bool api_lacks_ids(const struct api_call *c);

/* Must api_run() be called with a store for writing, in a transaction? */
bool api_writes(const struct api_call *c);

/* May be called again when the transaction failed. */
int api_run(struct api_call *c, struct store *s, struct err *e);

/* The status that a failure has, and its answer into out. */
int api_status(const struct err *e);
void api_error(struct buf *out, const struct err *e);

/* The most that a request's body may have. */
size_t api_body_max(const char *path);

/* The last four characters: "xoxb-…abcd". */
#define API_MASK_SIZE 32
void api_mask(char out[API_MASK_SIZE], const char *token);

#endif
