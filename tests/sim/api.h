/* SPDX-License-Identifier: ISC */
#ifndef SIM_API_H
#define SIM_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "sim/core.h"
#include "sim/world.h"

struct conn;
struct hook;
struct map;
struct request;

#define ARGS_MAX 64

/* Arguments of a call, nested values as JSON text. */
struct args {
	struct {
		char *key;
		char *value;
	} v[ARGS_MAX];
	size_t n;
};
void args_form(struct args *a, const char *text);
/* client_id and client_secret, if they come in the header. */
void basic_args(struct args *a, const struct request *r);
/* 0, or -1 when it isn't a JSON object. */
int args_json(struct args *a, const char *text, size_t len);
const char *args_get(const struct args *a, const char *key);
bool args_bool(const struct args *a, const char *key, bool fallback);
int64_t args_int(const struct args *a, const char *key, int64_t fallback);
void args_release(struct args *a);
/* As one JSON object, token left out. */
char *args_dump(const struct args *a);

/* One call of a Web API method, with or without a connection. */
struct call {
	struct sim *s;
	const struct method *method;
	struct args args;
	const char *token;
	struct app *app;
	struct install *install; /* NULL with an app-level token */
	struct jwrite w;         /* open object after "ok":true */
	struct buf out;
	const char *field;   /* of invalid_arguments */
	const char *warning; /* NULL: none */
	const char *needed;  /* the scope that is missing */
	char error[64];
	char ts[SIM_TS];
	int retry_after;   /* of a 429 */
	int refused;       /* the status of an error; 0: 200, as Slack's API */
	struct hook *hook; /* of a response_url; else NULL */
	bool plain;        /* success is "ok" and nothing else */
};

enum method_flags {
	M_JSON = 1, /* takes JSON bodies too */
	M_APP = 2,  /* app-level token instead of the bot's */
	M_OPEN = 4, /* without a token */
};

struct method {
	const char *name;
	/* NULL, or Slack's word for what is wrong. */
	const char *(*run)(struct call *c);
	unsigned int flags;
	int per_minute; /* of its tier; 0: special, none here */
	const char *scope;
	const char *required; /* comma-separated */
};
extern const struct method chat_methods[];         /* chat.* */
extern const struct method conversation_methods[]; /* conversations.* */
extern const struct method oauth_methods[];
extern const struct method other_methods[];
extern const struct method agent_methods[];  /* assistant., agents. */
extern const struct method stream_methods[]; /* chat.*Stream */
extern const struct method view_methods[];   /* views.* */

const char *call_arg(const struct call *c, const char *name);
/* NULL or "missing_scope". */
const char *call_scope(struct call *c, const char *scope);
/* The channel named, if the bot's workspace has it; else NULL. */
struct channel *call_channel(const struct call *c, const char *id);
/* "channels:history" and the like, by the channel's type. */
const char *call_scope_of(struct call *c, const struct channel *ch,
			  const char *what);

struct fault {
	enum sim_fault_kind kind;
	char *method;
	char *app_id;
	char *team_id;
	int skip;
	int times;
	int percent;
	int status;
	char *error;
	int ms;
};
/* The fault that this call meets, now used up by one; NULL: none. */
struct fault *fault_take(struct sim *s, const char *method, const char *app_id,
			 const char *team_id);

/* Seconds to wait, or 0 with the call counted. */
int limit_call(struct sim *s, const struct method *m, const struct app *a,
	       const struct install *i);
int limit_post(struct sim *s, struct channel *ch);

/* A message as Slack shows it; with_metadata: with its "metadata". */
void write_msg(struct jwrite *w, const char *key, const struct msg *m,
	       bool with_metadata);
/* The same without the braces, for events, which have more members. */
void show_members(struct jwrite *w, const struct msg *m, const char *type,
		  bool with_metadata);

/* What stands for a deleted root as long as it has replies. */
void write_tombstone(struct jwrite *w, const char *key, const struct msg *m);

struct call_log {
	int64_t at_us;
	int64_t done_us;
	char *method;
	char *app_id;
	char *team_id;
	char *args;
	char *error;
	int status;
	char ts[SIM_TS];
};

struct api {
	struct map *methods; /* of const struct method */
	struct map *counts;  /* of size_t, by method */
	struct map *limits;  /* of struct window */
	struct vec faults;
	struct vec log;  /* of struct call_log */
	struct vec late; /* of struct late */
};

void api_serve(struct conn *c, const struct request *r);
struct call *api_call(struct sim *s);
/* Checked so far, with c->error set if there is one. Takes c. */
void api_answer(struct conn *conn, struct call *c, const char *name);
void limits_free(void *window);

#endif
