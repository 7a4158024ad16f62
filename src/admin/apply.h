/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_APPLY_H
#define ADMIN_APPLY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/keep.h"

struct conf;
struct err;
struct json;
struct jwrite;
struct store;

/*
 * Tenants as an admin describes them: the file of "konstructctl apply" and
 * the body of POST /v1/tenants. What is left out stays as it is in the store.
 *
 *   { "tenants": [ { "name": "acme", "app_token": "xapp-...",
 *       "bot_token": "xoxb-...", "app_id": "A...", "workspace_id": "T...",
 *       "bot_user_id": "U...", "bot_id": "B...", "paused": false,
 *       "refresh_token": "xoxe-...", "client_id", "client_secret",
 *       "rate_per_minute": 30, "burst": 30,
 *       "budget": "person/requests/day=50", (store/budget.h)
 *       "agent_sessions": false, "streaming": false,
 *       "debug_text_minutes": 0,
 *       "canary_channel": "C...", ("T...:C..." of several workspaces; "":
 *       none), "canary_minutes": 5,
 *       "keep_transcripts": 30, (days, store/keep.h; -1: as all tenants)
 *       "keep_usage", "keep_feedback", "keep_audit", "keep_history",
 *       "agent": { "name", "role", "persona", "model", "placeholder",
 *       "locale", "paused": false } } ] }
 *
 * "agent" is the default one. Of several, each is told apart by its name in
 * an array "agents", with "channels": ["C..."] that are bound to it and
 * "default": true for one; agents that aren't listed stay.
 *
 * "access" of a tenant and of an agent says who may talk to it: an object as
 * route/access.h has it. A member that is null is set no more.
 *
 * Of a connection that the tenant has already the tokens may be left out, if
 * app_id and workspace_id are there: they stay.
 *
 * For several workspaces the nine of the connection stand in the objects of
 * an array "connections" instead. An id that is missing is asked of Slack.
 */

/* Of a tenant's name: it stands in paths of the admin's API. */
#define APPLY_NAME_MAX 63

/* The largest file or body that is read. */
#define APPLY_MAX ((size_t)16 * 1024 * 1024)

#define APPLY_KEEP INT_MIN /* a number that was left out */

struct apply_connection {
	char place[64];  /* "tenants[3].connections[0]."; "" for one tenant */
	char *app_id;    /* NULL as the other ids: not known */
	char *app_token; /* NULL: it stays */
	char *workspace_id;
	char *bot_token; /* NULL: both stay, of a connection that is there */
	char *bot_user_id;
	char *bot_id;

	/* Of a bot token that expires. The client is the app's, and may be
	 * left out once it is in the store. */
	char *refresh_token;
	char *client_id;
	char *client_secret;
};

struct apply_agent {
	char place[64]; /* "tenants[3].agents[0]."; "" for one agent */
	bool given;
	char *name; /* NULL as all others: left out */
	char *role;
	char *persona;
	char *model;
	char *placeholder;
	char *locale;
	char *channels; /* a JSON array */
	char *access;   /* as below */
	int is_default; /* 0, 1 or APPLY_KEEP; */
	int paused;     /* as this */
};

/* So long at most text may stand in the log; a day. */
#define APPLY_TEXT_MINUTES 1440

struct apply_tenant {
	char place[32];
	char *name;
	char *access; /* a JSON object; what is in it replaces what is there */
	int paused;   /* 0, 1 or APPLY_KEEP */
	int rate_per_minute; /* -1: the configuration's */
	int burst;
	char *budget;       /* in its one form; NULL: left out */
	int agent_sessions; /* 0, 1 or APPLY_KEEP, as the next */
	int streaming;
	int text_minutes;     /* from when it is applied; 0: none */
	char *canary_channel; /* "": none; NULL: left out */
	int canary_minutes;
	int keep[KEEP_KINDS]; /* days, KEEP_DEFAULT or APPLY_KEEP */
	struct apply_connection *connections;
	size_t nconnections;
	struct apply_agent agent; /* the default one */
	struct apply_agent *agents;
	size_t nagents;
};

struct apply {
	struct apply_tenant *tenants;
	size_t n;
};

/*
 * 0, or -1 with a released and e naming index and field:
 * "tenants[3].bot_token: missing". Unknown fields are errors, and so are
 * "app_token_file" and the like: konstructctl puts the contents in.
 */
int apply_parse(struct apply *a, const char *text, size_t len, struct err *e);
/* One object of the array alone, and one agent's object alone. */
int apply_parse_tenant(struct apply *a, const char *text, size_t len,
		       struct err *e);
/* One object that may leave out its connection, or of one that the tenant has
 * already the app's token. */
int apply_parse_change(struct apply *a, const char *text, size_t len,
		       struct err *e);
int apply_parse_agent(struct apply_agent *g, const char *text, size_t len,
		      struct err *e);

/* Tokens are wiped. */
void apply_release(struct apply *a);
void apply_agent_release(struct apply_agent *g);

/* Are the models that agents prefer in the configuration? */
int apply_check(const struct apply *a, const struct conf *c, struct err *e);
int apply_agent_check(const struct apply_agent *g, const struct conf *c,
		      struct err *e);

/* The ids of one that is there, whose tokens stay. */
bool apply_kept(const struct apply_connection *c);

/* Are all ids there, so that Slack needn't be asked? */
bool apply_known(const struct apply_connection *c);

/*
 * The app's id inside an app-level token ("xapp-1-A0123-..."), which Slack
 * doesn't document: false when it has none.
 */
bool apply_token_app(const char *token, char *out, size_t size);

/* apply_access.c: "access", looked at and copied; and put into the store, of
 * an agent or ("") of the tenant. A patch that is NULL changes nothing. */
int apply_parse_access(char **out, const struct json *j, const char *place,
		       struct err *e);
int apply_write_access(struct store *s, const char *tenant_id,
		       const char *agent_id, const char *patch, struct err *e);

/* apply_canary.c: "canary_channel" and "canary_minutes", looked at; put into
 * the store, behind the tenant's connections; and written as they are set,
 * perhaps with how that goes ("canary"). */
int apply_check_canary(const struct apply_tenant *t, struct err *e);
int apply_write_canary(const struct apply_tenant *t, struct store *s,
		       const char *tenant_id, struct err *e);
int apply_show_canary(struct jwrite *w, struct store *s, const char *tenant_id,
		      bool state, struct err *e);

/* A copy in place of what is there, which is freed; NULL changes nothing. */
int apply_set(char **dst, const char *s, struct err *e);

/* A name that can stand in a path: letters, digits, '.', '_', '-'. */
bool apply_name_valid(const char *name);

/*
 * Puts all of it into the store; on the journal thread, in a transaction of
 * the caller's. Every connection is known. *created counts tenants that were
 * not there.
 */
int apply_write(const struct apply *a, struct store *s, size_t *created,
		struct err *e);

/* Of one agent, by its id; NULL: the default one, which is made if there is
 * none. */
int apply_write_agent(const struct apply_agent *g, struct store *s,
		      const char *tenant_id, const char *agent_id,
		      struct err *e);
/* What is told of a tenant's agents. */
int apply_write_agents(const struct apply_tenant *t, struct store *s,
		       const char *tenant_id, struct err *e);
/* A new one. */
int apply_add_agent(const struct apply_agent *g, struct store *s,
		    const char *tenant_id, struct err *e);

#endif
