/* SPDX-License-Identifier: ISC */
#ifndef CTL_ARGS_H
#define CTL_ARGS_H

#include <stdbool.h>
#include <stdio.h>

struct err;

enum ctl_command {
	CTL_TENANT_ADD,
	CTL_TENANT_SET,
	CTL_TENANT_LIST,
	CTL_TENANT_SHOW,
	CTL_TENANT_REMOVE,
	CTL_TENANT_PAUSE,
	CTL_TENANT_RESUME,
	CTL_TENANT_PURGE,
	CTL_AGENT_ADD,
	CTL_AGENT_SET,
	CTL_AGENT_LIST,
	CTL_AGENT_SHOW,
	CTL_AGENT_REMOVE,
	CTL_APP_CONNECT,
	CTL_APPLY,
	CTL_EXPORT,
	CTL_BACKUP,
	CTL_EXPLAIN,
	CTL_DEAD_LIST,
	CTL_DEAD_SHOW,
	CTL_DEAD_REPLAY,
	CTL_DEAD_DROP,
	CTL_KEY_LIST,
	CTL_KEY_NEW,
	CTL_KEY_ADD,
	CTL_KEY_ROTATE,
	CTL_KEY_REMOVE,
	CTL_SECRET_LIST,
	CTL_SECRET_SET,
	CTL_SECRET_REMOVE,
	CTL_STATUS,
	CTL_USAGE,
	CTL_AUDIT_VERIFY,
	CTL_AUDIT_EXPORT,
	CTL_TOP,
	CTL_LOG_LEVEL,
	CTL_RELOAD,
	CTL_CONFIG_CHECK,
	CTL_CONFIG_DIFF,
	CTL_DOCTOR,
	CTL_INIT,
	CTL_MANIFEST,
	CTL_MIGRATE,
	CTL_HELP,
	CTL_VERSION,
};

#define CTL_ACCESS 11
#define CTL_KEEP   5

/* The command line; NULL is what wasn't given. Strings are argv's. */
struct ctl_args {
	enum ctl_command command;
	const char *config;
	const char *socket;
	bool json;
	bool offline;
	const char *operand; /* a tenant's name, a file, a message */
	const char *second;  /* an agent's name, or a file */

	const char *app_token_file;
	const char *bot_token_file;
	const char *refresh_token_file;
	const char *client_id;
	const char *client_secret_file;
	const char *name;
	const char *role;
	const char *persona;
	const char *persona_file;
	const char *model;
	const char *placeholder;
	const char *locale;
	const char *database;
	const char *url;
	const char *api_key_file;
	const char *proxy;
	const char *proxy_user;
	const char *proxy_password_file;
	const char *ca_file;
	const char *tenant;
	const char *rate;
	const char *burst;
	const char *budget;
	const char *agent_sessions;
	const char *streaming;
	const char *paused;
	const char *debug_text;
	const char *canary_channel;
	const char *canary_minutes;
	const char *by;
	const char *since;
	const char *head;
	const char *channels;
	bool is_default;
	/* Who may, in the order of route/access.h's keys. */
	const char *access[CTL_ACCESS];
	const char *keep[CTL_KEEP]; /* in the order of store/keep.h */
	bool agent_view;
	bool once;
	bool token_files;
	bool commands;
};

#define CTL_DEFAULT_CONFIG KONSTRUCT_SYSCONFDIR "/konstruct/konstructd.conf"
#define CTL_DEFAULT_SOCKET "/run/konstruct/admin.sock"

/*
 * 0, or -1 with e saying what is wrong, and what was perhaps meant. Options
 * may stand anywhere. CTL_HELP: operand and second are the command's words.
 */
int ctl_args_parse(struct ctl_args *a, int argc, char **argv, struct err *e);

/* Of the commands that begin with these words; NULL: of all. */
void ctl_usage(const char *word, const char *verb, FILE *out);

/*
 * The words that may stand in the place of the last of n, one a line, for a
 * shell's completion; "FILE" alone: the name of a file. What a tenant, an
 * agent and so on is called the daemon tells, if one answers in a second.
 */
void ctl_complete(int n, char **words, FILE *out);

#endif
