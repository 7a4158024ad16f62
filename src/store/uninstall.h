/* SPDX-License-Identifier: ISC */
#ifndef STORE_UNINSTALL_H
#define STORE_UNINSTALL_H

#include <stdbool.h>
#include <stdint.h>

struct connection;
struct err;
struct leases;
struct store;

/*
 * An app that was taken out of a workspace (docs.slack.dev/reference/events:
 * app_uninstalled, tokens_revoked). That is noted in the row of its connection,
 * and nothing more is done for that workspace. When some days are over, what is
 * stored of its people is erased in small steps, and then the tokens; as with
 * "tenant purge" when it was the tenant's last workspace, else what is of that
 * workspace alone (homes). The row stays, as a setting.
 *
 * An event may come late, be about a token that was replaced, or be followed by
 * a new installation. So a new token, or anything that was said there later,
 * ends it all; and the old token is kept, unused, until the erasing.
 */
struct uninstall {
	const char *tenant_id;
	const char *tenant; /* its name */
	const char *app_id;
	const char *workspace_id;
	const char *why;   /* the event */
	int64_t gone_ms;   /* when; Slack's clock */
	int64_t noted_ms;  /* since when that is known; ours */
	int64_t erased_ms; /* 0: not yet */
	bool alone; /* the tenant has nothing left of another workspace */
	bool busy;  /* something is unfinished there */
};

/* Where a channel or a person is at home. NULL: nobody. */
struct home_new {
	const char *tenant_id;
	const char *app_id;
	const char *workspace_id;
	const char *channel;
	const char *user;
};

/* As store_ops; all of them but each() are for a write (JOURNAL_WRITE). */
struct uninstall_ops {
	/* Of all tenants, or of the one named. Strings are borrowed. */
	int (*each)(struct store *s, const char *tenant,
		    int (*fn)(const struct uninstall *u, void *arg), void *arg,
		    struct err *e);
	/* 1; 0: that is known, or older than the connection's token, or says
	 * nothing of a token that is renewed all the time anyway. */
	int (*note)(struct store *s, const struct connection *c,
		    const char *why, int64_t gone_ms, int64_t now_ms,
		    struct err *e);
	/* It was there at that time: 1; 0: nobody has said otherwise, or what
	 * was to be erased is. */
	int (*back)(struct store *s, const struct connection *c, int64_t at_ms,
		    struct err *e);
	/* 1: it has gone, and this is the token that it had then. */
	int (*knows)(struct store *s, const struct connection *c,
		     struct err *e);
	int (*home)(struct store *s, const struct home_new *h, int64_t now_ms,
		    struct err *e);

	/* About so many rows of what is of that workspace alone, and how many
	 * these were. In no transaction of the caller's. */
	int (*erase)(struct store *s, const struct uninstall *u, int most,
		     struct err *e);
	/* All of it is: the tokens too now. 1, 0: it isn't to be. */
	int (*finish)(struct store *s, const struct uninstall *u,
		      int64_t now_ms, struct err *e);
};
extern const struct uninstall_ops uninstall_sqlite;
extern const struct uninstall_ops uninstall_postgres;

/* By which a token is known again; "" has none. */
#define UNINSTALL_TOKEN 65
void uninstall_digest(const char *token, char out[UNINSTALL_TOKEN]);

#endif
