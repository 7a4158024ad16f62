/* SPDX-License-Identifier: ISC */
#ifndef STORE_GRANTS_H
#define STORE_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

struct connection;
struct err;
struct journal;
struct store;

/*
 * How bot tokens that expire (xoxe.xoxb-...) are renewed: with a refresh token,
 * which is used up by that, and with what the app knows of itself. 0 or -1
 * with e, unless said otherwise; blocks as store_ops does.
 */

/* All strings are heap, or borrowed where a function gets one. */
struct grant {
	char *tenant_id;
	char *channel_type;
	char *app_id;
	char *workspace_id;
	char *bot_token;
	char *refresh_token;
	char *client_id;
	char *client_secret;
	int64_t expires_ms; /* wall clock, of the bot token; 0: not known */
	int64_t renew_ms;   /* when that is to be done; of renew(), times() */
	int64_t generation; /* of this pair */
};
void grant_release(struct grant *g); /* wipes */

/* A digest, by which a refresh token is known again. */
#define GRANT_GIVEN 65
void grant_digest(const char *refresh_token, char out[GRANT_GIVEN]);

/* Of all tokens that expire, whosever they are; wall clock. */
struct grant_sum {
	int64_t n;
	int64_t renew_ms;   /* when the first is to be renewed; 0: at once */
	int64_t expires_ms; /* when the first does; 0: of none it is known */
};

struct grant_ops {
	/* Those to be renewed by then, the longest overdue first. Callbacks as
	 * store_ops has them. One that can't be decrypted is passed over: the
	 * others are told, and then it has failed. */
	int (*due)(struct store *s, int64_t now_ms,
		   int (*fn)(const struct grant *g, void *arg), void *arg,
		   struct err *e);
	/* When those of a tenant expire and are to be renewed; without any
	 * token. */
	int (*times)(struct store *s, const char *tenant_id,
		     int (*fn)(const struct grant *g, void *arg), void *arg,
		     struct err *e);
	int (*sum)(struct store *s, struct grant_sum *out, struct err *e);
	/* 1: the connection has one, that began with this refresh token and
	 * has gone on from there. */
	int (*knows)(struct store *s, const struct grant *g, struct err *e);
	/* 1: the app's client is known. */
	int (*has_client)(struct store *s, const char *app_id, struct err *e);

	/* Writing, on the journal's thread. Of g: whose, and the refresh token;
	 * NULL: the bot token doesn't expire. */
	int (*put)(struct store *s, const struct grant *g, struct err *e);
	int (*client_put)(struct store *s, const char *app_id,
			  const char *client_id, const char *client_secret,
			  struct err *e);
	/* Slack says that the bot token has expired, whatever we think: it is
	 * to be renewed at once. Of g: whose. */
	int (*hurry)(struct store *s, const struct grant *g, struct err *e);
	/* The new pair in place of that of g->generation: 1; 0 when there is
	 * another one meanwhile, and nothing is changed. */
	int (*renew)(struct store *s, const struct grant *g, struct err *e);
};

/*
 * hurry.c: has the token of a connection renewed at once, as hurry() says, by
 * whoever does that; doesn't wait, and is done only if there is memory. Any
 * thread.
 */
void grant_hurry(struct journal *j, const struct connection *c);

extern const struct grant_ops grants_sqlite;
extern const struct grant_ops grants_postgres;

#endif
