/* SPDX-License-Identifier: ISC */
#ifndef TESTS_DESK_H
#define TESTS_DESK_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"

#define PATH_SIZE 128

/* An admin thread with a journal on SQLite, in a directory of its own, and a
 * Slack that it asks. */
struct desk {
	char dir[32];
	char sock_path[PATH_SIZE];
	char slack_url[64];
	char store_url[PATH_SIZE];
	struct conf conf;
	struct keyring *keyring;
	struct journal *journal;
	struct loop *loop;
	struct admin *admin;
	struct buf out;
	struct json *answer; /* to the last desk_call() */

	/* Answers whatever is asked with what the test put there: the method's
	 * name is the last part of the path. */
	struct {
		int fd;
		int port;
		pthread_t tid;
		const char *auth_test;
		const char *bots_info;
		const char *limited; /* the method that is answered 429 */
		atomic_int calls;
	} slack;
};

extern struct desk desk; /* of the test that runs */

/* Fixtures: all, or all but journal and admin. */
void desk_open(void);
void desk_close(void);
void desk_make(void);
void desk_remove(void);

/* The journal and the admin; or only an admin, NULL with e when it fails. */
void desk_start(void);
struct admin *desk_try(struct err *e);

/* One request; its status, and the answer until the next. */
int desk_call(const char *method, const char *path, const char *body);
/* A string of the answer, or "(none)". */
const char *desk_says(const char *path);

/* A listening socket on a loopback port. */
int desk_listen(int *port);

#define APP_TOKEN  "xapp-1-A1-2-cafe"
#define APP_TOKEN2 "xapp-1-A2-2-cafe"
#define BOT_TOKEN  "xoxb-1111-2222-abcdefghbeef"

extern const char desk_acme[];    /* a tenant whose ids Slack tells */
extern const char desk_auth_ok[]; /* as this one does */
/* A tenant with all ids given; until the next call. */
const char *desk_tenant(const char *name, const char *app, const char *team);

#endif
