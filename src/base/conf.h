/* SPDX-License-Identifier: ISC */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;

#define CONF_MODELS_MAX 32
#define CONF_FILE_MAX   (256 * 1024)
#define CONF_FILES_MAX  65 /* one, and those of conf.d */

/* Where a setting was made. */
struct conf_at {
	const char *file; /* one of struct conf's files; NULL: by default */
	int line;
};

/* How a server is reached, and whom to believe that it is the right one. */
struct conf_way {
	char *proxy;      /* "": as the environment says; "direct": none */
	char *no_proxy;   /* hosts; "": as the environment says */
	char *proxy_auth; /* "any", "basic", "digest", "ntlm", "negotiate" */
	char *proxy_user; /* "": none, or that of the environment */
	char *proxy_password_file;
	char *ca_file;          /* both "": the system's CAs */
	char *ca_dir;           /* as openssl-rehash(1) makes it */
	char *client_cert_file; /* of a model only; "": none */
	char *client_key_file;  /* "": it is in client_cert_file */
};

/* One llm "name" { } section. */
struct conf_model {
	char *name;
	char *url; /* up to and without "/chat/completions" */
	char *model;
	char *api_key_file; /* "": none */
	struct conf_way way;
	bool is_default;
	int max_tokens; /* 0: the server's own */
	int connect_timeout_s;
	int first_token_timeout_s;
	int idle_timeout_s; /* silence inside a stream */
	int timeout_s;      /* the whole answer */
	int concurrency;    /* requests at once in this process; 0: no limit */
	int tenant_concurrency; /* of one tenant; 0: no limit */
	char *prompt_price;     /* of a million tokens; "": not known */
	char *completion_price;
	int context_tokens; /* most that it is told, estimated */
	bool vision;        /* it takes images */

	struct conf_at where; /* its last section's end */
	struct conf_at *at;   /* of each row of conf_keys */
};

/*
 * Settings as the file gives them, or their defaults. One table, in
 * conf_keys.c, holds key, type, range, default and destination of each; it
 * also prints --show-config and is held against etc/konstructd.conf by a test.
 */
struct conf {
	char *path; /* of the file */

	char *files[CONF_FILES_MAX]; /* that were read, in this order */
	size_t nfiles;
	struct conf_at *at; /* of each row of conf_keys */
	struct conf_at end; /* of the first file */

	char *listen; /* "host:port" of /health and /ready; "": none */
	int workers;  /* 0: one per core */
	int routers;
	char *log_level;
	char *log_format; /* "logfmt" or "json" */
	char *state_dir;
	char *admin_socket;
	char *admin_group; /* who may do all there; "": the daemon's own */
	char *read_group;  /* who may look only; "": nobody */
	char *key_file;    /* "": state_dir/key, made at the first start */
	int dials_per_second;
	int drain_timeout_s; /* how long SIGTERM waits for turns */
	char *node;          /* this one's name among several; "": the host's */
	int lease_s;         /* what it holds, until others may take it */

	char *store_url;
	char *state_url;
	char *state_user;          /* "": none */
	char *state_password_file; /* "": none */

	char *slack_api_url; /* ends with a slash */
	struct conf_way slack_way;
	int updates_per_minute; /* chat.update, per workspace; 0: unpaced */
	int posts_per_second;   /* per channel; 0: unpaced */
	int links_per_app;      /* on as many of several nodes */
	int slack_timeout_s;    /* of one call */
	bool buttons;           /* below answers */
	bool greetings;

	int rate_per_minute; /* 0: no limit */
	int burst;
	int engaged_minutes;
	int replay_max_age_minutes; /* 0: however old */
	int history_days;
	int transcript_days; /* 0: as long as the tenant is there */
	int usage_days;
	int feedback_days;
	int audit_days;
	int uninstall_days;
	int catch_up_minutes;  /* 0: off */
	int answer_max_bytes;  /* of one answer, over all parts */
	int files_per_message; /* most that are read; 0: none */
	int image_max_bytes;
	int files_memory_mb; /* of all files that are held at once */

	struct conf_model models[CONF_MODELS_MAX];
	size_t nmodels;
};

/*
 * Reads a file into c, and after it conf.d/<name>.conf beside it in the order
 * of their names; what is said twice counts as it was said last, key by key, in
 * "llm" for each title. -1 with e filled, c released: unknown key, wrong type,
 * out of range, section not closed, no model or two defaults, a plain http://
 * or ws:// URL to a host other than loopback; e starts with "file:line: ". A
 * file that can't be read is a mistake too.
 * path NULL: all defaults and one model "main" whose url is empty, for tests.
 * One thread at a time. The environment is not read.
 */
int conf_load(struct conf *c, const char *path, struct err *e);

/* The same from memory, a file alone; name is what errors call it. */
int conf_parse(struct conf *c, const char *name, const char *text, size_t len,
	       struct err *e);
void conf_release(struct conf *c);

/* The settings in force, in the file's own form. */
void conf_show(const struct conf *c, FILE *out);

/* The model of that name; the default if name is NULL, "" or unknown. */
const struct conf_model *conf_model(const struct conf *c, const char *name);

/* What these tokens of the model cost; -1 when it has no prices, or is gone. */
double conf_cost(const struct conf *c, const char *model, int64_t prompt_tokens,
		 int64_t completion_tokens);
/* Has any model prices? */
bool conf_has_prices(const struct conf *c);

/* Where the key is: key_file (see secret_path()), or "key" in state_dir. */
int conf_key_path(const struct conf *c, char *out, size_t size, struct err *e);

/* https and wss anywhere; http and ws on loopback addresses only. */
bool conf_url_allowed(const char *url);

/* scheme://host:port of a proxy, without a path; "host:port" is http. */
bool conf_proxy_allowed(const char *url);

#endif
