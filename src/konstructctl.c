/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/apply.h"
#include "admin/check.h"
#include "admin/trail.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "config.h"
#include "ctl/access.h"
#include "ctl/args.h"
#include "ctl/audit.h"
#include "ctl/ctl.h"
#include "ctl/doctor.h"
#include "ctl/files.h"
#include "ctl/init.h"
#include "ctl/key.h"
#include "ctl/manifest.h"
#include "ctl/top.h"
#include "net/local.h"
#include "slack/permalink.h"
#include "slack/ts.h"
#include "store/keep.h"
#include "store/store.h"

#define DEFAULT_CONFIG KONSTRUCT_SYSCONFDIR "/konstruct/konstructd.conf"
#define DEFAULT_SOCKET "/run/konstruct/admin.sock"

#define ID_LETTERS                   \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._-"

#define ANSWER_MAX ((size_t)64 * 1024 * 1024)
#define BODY_MAX   ((size_t)512 * 1024)

/* What the path names. */
enum operand {
	NAMES_NONE = 0,
	NAMES_TENANT,
	NAMES_SECRET,
	NAMES_MAYBE,   /* a tenant */
	NAMES_MESSAGE, /* or an entry, or an event */
};

/* How each command is asked for, and its answer shown. */
static const struct {
	const char *method;
	const char *before; /* of the path, up to the tenant's name */
	const char *after;
	enum operand named;
	void (*print)(const struct json *j);
} plans[] = {
	[CTL_TENANT_ADD] = { "POST", "/v1/tenants", "", NAMES_NONE,
			     print_tenant },
	[CTL_TENANT_SET] = { "PUT", "/v1/tenants/", "", NAMES_TENANT,
			     print_tenant },
	[CTL_TENANT_LIST] = { "GET", "/v1/tenants", "", NAMES_NONE,
			      print_tenants },
	[CTL_TENANT_SHOW] = { "GET", "/v1/tenants/", "", NAMES_TENANT,
			      print_tenant },
	[CTL_TENANT_REMOVE] = { "DELETE", "/v1/tenants/", "", NAMES_TENANT,
				print_done },
	[CTL_TENANT_PAUSE] = { "POST", "/v1/tenants/", "/pause", NAMES_TENANT,
			       print_done },
	[CTL_TENANT_RESUME] = { "POST", "/v1/tenants/", "/resume", NAMES_TENANT,
				print_done },
	[CTL_TENANT_PURGE] = { "POST", "/v1/tenants/", "/purge", NAMES_TENANT,
			       print_purged },
	[CTL_AGENT_ADD] = { "POST", "/v1/tenants/", "/agents", NAMES_TENANT,
			    print_agents },
	[CTL_AGENT_SET] = { "PUT", "/v1/tenants/", "/agent", NAMES_TENANT,
			    print_agent },
	[CTL_AGENT_LIST] = { "GET", "/v1/tenants/", "/agents", NAMES_TENANT,
			     print_agents },
	[CTL_AGENT_REMOVE] = { "DELETE", "/v1/tenants/", "/agents",
			       NAMES_TENANT, print_done },
	[CTL_AGENT_SHOW] = { "GET", "/v1/tenants/", "/agent", NAMES_TENANT,
			     print_agent },
	[CTL_EXPORT] = { "GET", "/v1/export", "", NAMES_NONE, print_export },
	[CTL_APPLY] = { "POST", "/v1/apply", "", NAMES_NONE, print_done },
	[CTL_EXPLAIN] = { "GET", "/v1/explain/", "", NAMES_MESSAGE,
			  print_explained },
	[CTL_DEAD_LIST] = { "GET", "/v1/dead", "", NAMES_NONE, print_letters },
	[CTL_DEAD_SHOW] = { "GET", "/v1/dead/", "", NAMES_MESSAGE,
			    print_explained },
	[CTL_DEAD_REPLAY] = { "POST", "/v1/dead/", "/replay", NAMES_MESSAGE,
			      print_done },
	[CTL_DEAD_DROP] = { "POST", "/v1/dead/", "/drop", NAMES_MESSAGE,
			    print_done },
	[CTL_KEY_LIST] = { "GET", "/v1/keys", "", NAMES_NONE, print_keys },
	[CTL_KEY_ROTATE] = { "POST", "/v1/keys/rotate", "", NAMES_NONE,
			     print_rotated },
	[CTL_SECRET_LIST] = { "GET", "/v1/secrets", "", NAMES_NONE,
			      print_secrets },
	[CTL_SECRET_SET] = { "PUT", "/v1/secrets/", "", NAMES_SECRET,
			     print_done },
	[CTL_SECRET_REMOVE] = { "DELETE", "/v1/secrets/", "", NAMES_SECRET,
				print_done },
	[CTL_STATUS] = { "GET", "/v1/status", "", NAMES_NONE, print_status },
	[CTL_USAGE] = { "GET", "/v1/usage/", "", NAMES_MAYBE, print_usage },
	[CTL_LOG_LEVEL] = { "GET", "/v1/log-level", "", NAMES_NONE,
			    print_levels },
	[CTL_RELOAD] = { "POST", "/v1/reload", "", NAMES_NONE, print_changes },
	[CTL_CONFIG_DIFF] = { "GET", "/v1/config/diff", "", NAMES_NONE,
			      print_changes },
};

static int complain(int code, const char *msg)
{
	fprintf(stderr, "konstructctl: %s\n", msg);
	return code;
}

/* Nothing came back; fatal is what ERR_FATAL means here. */
static int exit_of(const struct err *e, int fatal)
{
	switch (e->kind) {
	case ERR_INPUT:
		return EX_DATAERR;
	case ERR_RETRY:
	case ERR_LIMIT:
		return EX_UNAVAILABLE;
	case ERR_FATAL:
		return fatal;
	case ERR_NONE:
		break;
	}
	return EX_SOFTWARE;
}

static int exit_of_status(int status)
{
	if (status < 400)
		return EX_OK;
	if (status == 404)
		return EX_NOINPUT;
	if (status < 500)
		return EX_DATAERR;
	return status == 500 ? EX_SOFTWARE : EX_UNAVAILABLE;
}

int ctl_request(struct ctl *c, const char *method, const char *path,
		const char *body, size_t len, struct buf *out, struct err *e)
{
	if (c->offline)
		return offline_request(c->offline, method, path, body, len, out,
				       e);
	return local_call(c->socket, method, path, body, len, out, e);
}

/* A file that isn't there has an exit code of its own. */
static int check_file(const char *path, struct err *e)
{
	if (strcmp(path, "-") == 0 || access(path, R_OK) == 0)
		return EX_OK;
	err_set(e, ERR_INPUT, "cannot open '%s': %m", path);
	return EX_NOINPUT;
}

static int add_secret(struct jwrite *w, const char *key, const char *path,
		      struct err *e)
{
	char *secret;
	int rc = check_file(path, e);

	if (rc != EX_OK)
		return rc;
	secret = secret_read(path, e);
	if (!secret)
		return EX_DATAERR;
	jw_str(w, key, secret);
	secret_free(secret);
	return EX_OK;
}

static int add_limit(struct jwrite *w, const char *key, const char *text,
		     struct err *e)
{
	char *end;
	long n;

	if (strcmp(text, "default") == 0) {
		jw_int(w, key, -1);
		return EX_OK;
	}
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 1 || n > INT_MAX) {
		err_set(e, ERR_INPUT, "%s: '%.40s' is no number from 1", key,
			text);
		return EX_DATAERR;
	}
	jw_int(w, key, n);
	return EX_OK;
}

static int add_choice(struct jwrite *w, const char *key, const char *text,
		      struct err *e)
{
	bool yes = strcmp(text, "yes") == 0;

	if (!yes && strcmp(text, "no") != 0) {
		err_set(e, ERR_INPUT, "%s: '%.40s' is neither yes nor no", key,
			text);
		return EX_DATAERR;
	}
	jw_bool(w, key, yes);
	return EX_OK;
}

static int add_days(struct jwrite *w, const struct ctl_args *a, struct err *e)
{
	char key[32], *end;
	long n;
	int i;

	for (i = 0; i < CTL_KEEP; i++) {
		if (!a->keep[i])
			continue;
		(void)snprintf(key, sizeof(key), "keep_%s", keep_names[i]);
		errno = 0;
		n = strcmp(a->keep[i], "default") == 0
			    ? KEEP_DEFAULT
			    : strtol(a->keep[i], &end, 10);
		if (n != KEEP_DEFAULT &&
		    (errno != 0 || end == a->keep[i] || *end != '\0' || n < 0 ||
		     n > KEEP_DAYS_MAX)) {
			err_set(e, ERR_INPUT,
				"%s: '%.40s' is no number of days", key,
				a->keep[i]);
			return EX_DATAERR;
		}
		jw_int(w, key, n);
	}
	return EX_OK;
}

static int tenant_body(const struct ctl_args *a, struct buf *out, struct err *e)
{
	struct jwrite w;
	int rc = EX_OK;

	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "name", a->operand);
	if (a->app_token_file)
		rc = add_secret(&w, "app_token", a->app_token_file, e);
	if (rc == EX_OK && a->bot_token_file)
		rc = add_secret(&w, "bot_token", a->bot_token_file, e);
	if (rc == EX_OK && a->refresh_token_file)
		rc = add_secret(&w, "refresh_token", a->refresh_token_file, e);
	if (a->client_id)
		jw_str(&w, "client_id", a->client_id);
	if (rc == EX_OK && a->client_secret_file)
		rc = add_secret(&w, "client_secret", a->client_secret_file, e);
	if (rc == EX_OK && a->rate)
		rc = add_limit(&w, "rate_per_minute", a->rate, e);
	if (rc == EX_OK && a->burst)
		rc = add_limit(&w, "burst", a->burst, e);
	if (rc == EX_OK && ctl_access_body(&w, a, e) < 0)
		rc = EX_DATAERR;
	if (rc == EX_OK)
		rc = add_days(&w, a, e);
	if (rc == EX_OK && a->budget)
		jw_str(&w, "budget", a->budget);
	if (rc == EX_OK && a->agent_sessions)
		rc = add_choice(&w, "agent_sessions", a->agent_sessions, e);
	if (rc == EX_OK && a->streaming)
		rc = add_choice(&w, "streaming", a->streaming, e);
	if (rc == EX_OK && a->model) {
		jw_object(&w, "agent");
		jw_str(&w, "model", a->model);
		jw_object_end(&w);
	}
	jw_object_end(&w);
	return rc;
}

static int add_persona(struct jwrite *w, const char *path, struct err *e)
{
	struct buf text;
	int rc = check_file(path, e);

	if (rc != EX_OK)
		return rc;
	buf_init(&text, BODY_MAX);
	if (files_read(path, &text, e) < 0)
		rc = EX_DATAERR;
	else
		jw_strn(w, "persona", text.data ? text.data : "", text.len);
	buf_release(&text);
	return rc;
}

static int agent_body(const struct ctl_args *a, struct buf *out, struct err *e)
{
	struct jwrite w;
	int rc = EX_OK;

	jw_init(&w, out);
	jw_object(&w, NULL);
	if (a->name)
		jw_str(&w, "name", a->name);
	if (a->role)
		jw_str(&w, "role", a->role);
	if (a->persona)
		jw_str(&w, "persona", a->persona);
	if (a->persona_file)
		rc = add_persona(&w, a->persona_file, e);
	if (a->model)
		jw_str(&w, "model", a->model);
	if (a->placeholder)
		jw_str(&w, "placeholder", a->placeholder);
	if (a->locale)
		jw_str(&w, "locale", a->locale);
	if (a->channels)
		ctl_add_ids(&w, "channels", a->channels);
	if (a->is_default)
		jw_bool(&w, "default", true);
	if (rc == EX_OK && ctl_access_body(&w, a, e) < 0)
		rc = EX_DATAERR;
	jw_object_end(&w);
	return rc;
}

static int apply_body(const char *path, struct buf *out, struct err *e)
{
	struct buf text;
	int rc = check_file(path, e);

	if (rc != EX_OK)
		return rc;
	buf_init(&text, APPLY_MAX);
	if (files_read(path, &text, e) < 0 ||
	    files_resolve(path, text.data ? text.data : "", text.len, out, e) <
		    0)
		rc = e->kind == ERR_FATAL ? EX_NOINPUT : EX_DATAERR;
	if (text.data)
		explicit_bzero(text.data, text.size);
	buf_release(&text);
	return rc;
}

static int secret_body(const char *path, struct buf *out, struct err *e)
{
	struct jwrite w;
	int rc;

	jw_init(&w, out);
	jw_object(&w, NULL);
	rc = add_secret(&w, "value", path, e);
	jw_object_end(&w);
	return rc;
}

/* A level alone is that of all parts; nothing: what they are is asked. */
static void level_body(const struct ctl_args *a, struct buf *out)
{
	struct jwrite w;

	if (!a->operand)
		return;
	jw_init(&w, out);
	jw_object(&w, NULL);
	if (a->second)
		jw_str(&w, "part", a->operand);
	jw_str(&w, "level", a->second ? a->second : a->operand);
	jw_object_end(&w);
}

static int make_body(const struct ctl_args *a, struct buf *out, struct err *e)
{
	int rc = EX_OK;

	if (a->command == CTL_TENANT_ADD || a->command == CTL_TENANT_SET)
		rc = tenant_body(a, out, e);
	else if (a->command == CTL_AGENT_SET || a->command == CTL_AGENT_ADD)
		rc = agent_body(a, out, e);
	else if (a->command == CTL_SECRET_SET)
		rc = secret_body(a->second, out, e);
	else if (a->command == CTL_LOG_LEVEL)
		level_body(a, out);
	else if (a->command == CTL_APPLY)
		rc = apply_body(a->operand, out, e);
	if (rc == EX_OK && out->failed) {
		err_set(e, ERR_INPUT, "that is too large");
		rc = EX_DATAERR;
	}
	return rc;
}

static int show(const struct ctl_args *a, int status, const struct buf *answer)
{
	struct err e = { 0 };
	struct json *j;
	const char *reason;

	j = json_parse(answer->data ? answer->data : "", answer->len,
		       ANSWER_MAX, &e);
	if (!j)
		return complain(EX_PROTOCOL, "the answer is not JSON");
	if (status >= 400) {
		reason = json_str(j, "error");
		(void)complain(0, reason ? reason : "the daemon failed");
	} else if (a->json) {
		printf("%s\n", answer->data);
	} else {
		plans[a->command].print(j);
	}
	/* Worth a look from a script: the daemon is there, and unwell. */
	if (status < 400 && a->command == CTL_STATUS && json_str(j, "reason"))
		status = 503;
	json_free(j);
	return exit_of_status(status);
}

/* A message goes by "channel:ts". */
static bool message_name(const char *s, char out[APPLY_NAME_MAX + 1])
{
	char channel[PERMALINK_CHANNEL], ts[TS_SIZE];

	if (permalink_parse(s, channel, ts) == 0) {
		(void)snprintf(out, APPLY_NAME_MAX + 1, "%s:%s", channel, ts);
		return true;
	}
	if (strlen(s) > APPLY_NAME_MAX || s[0] == '\0' ||
	    s[strspn(s, ID_LETTERS)] != '\0')
		return false;
	(void)snprintf(out, APPLY_NAME_MAX + 1, "%s", s);
	return true;
}

static int make_name(const struct ctl_args *a, char out[APPLY_NAME_MAX + 1],
		     struct err *e)
{
	out[0] = '\0';
	switch (plans[a->command].named) {
	case NAMES_NONE:
		break;
	case NAMES_MAYBE:
	case NAMES_TENANT:
		if (plans[a->command].named == NAMES_MAYBE && !a->operand)
			break;
		if (!apply_name_valid(a->operand))
			return err_set(e, ERR_INPUT,
				       "'%.100s' is no tenant's name",
				       a->operand);
		(void)snprintf(out, APPLY_NAME_MAX + 1, "%s", a->operand);
		break;
	case NAMES_SECRET:
		if (!apply_name_valid(a->operand))
			return err_set(e, ERR_INPUT,
				       "'%.100s' is no name for a secret",
				       a->operand);
		(void)snprintf(out, APPLY_NAME_MAX + 1, "%s", a->operand);
		break;
	case NAMES_MESSAGE:
		if (!message_name(a->operand, out))
			return err_set(e, ERR_INPUT,
				       "'%.100s' is no permalink, event or"
				       " entry",
				       a->operand);
		break;
	}
	return 0;
}

/* The id of the agent of that name in an answer; NULL. */
static const char *id_of(const struct json *j, const char *name)
{
	const struct json *row;
	char at[32];
	size_t i;

	for (i = 0; i < json_len(j, "agents"); i++) {
		(void)snprintf(at, sizeof(at), "agents.%zu", i);
		row = json_at(j, at);
		if (json_str(row, "name") &&
		    strcmp(json_str(row, "name"), name) == 0)
			return json_str(row, "id");
	}
	return NULL;
}

/* A path has an agent's id, since its name may be anything. */
static int find_agent(const struct ctl_args *a, struct ctl *c,
		      const char *tenant, char out[ID_SIZE], struct err *e)
{
	struct json *j = NULL;
	const char *id;
	struct buf answer;
	char path[128];
	int rc = EX_OK;
	int status;

	(void)snprintf(path, sizeof(path), "/v1/tenants/%s/agents", tenant);
	buf_init(&answer, ANSWER_MAX);
	status = ctl_request(c, "GET", path, NULL, 0, &answer, e);
	if (status >= 0)
		j = json_parse(answer.data ? answer.data : "", answer.len,
			       ANSWER_MAX, e);
	if (!j) {
		rc = exit_of(e, EX_NOPERM);
		goto out;
	}
	id = id_of(j, a->second);
	if (id) {
		(void)snprintf(out, ID_SIZE, "%s", id);
	} else if (status >= 400) {
		rc = exit_of_status(status);
		err_set(e, ERR_INPUT, "%s",
			json_str(j, "error") ? json_str(j, "error") : "failed");
	} else {
		rc = EX_NOINPUT;
		err_set(e, ERR_INPUT, "tenant '%s' has no agent '%.80s'",
			tenant, a->second);
	}
out:
	json_free(j);
	buf_release(&answer);
	return rc;
}

static int usage_path(const struct ctl_args *a, const char *name, char *out,
		      size_t size, struct err *e)
{
	const char *by = a->operand ? "model" : "tenant";
	char what[USAGE_WHAT];

	if (a->by)
		by = a->by;
	if (usage_what(by, a->since, clock_wall_ms(), what, e) < 0)
		return EX_DATAERR;
	(void)snprintf(out, size, "/v1/%s%s%susage/%s",
		       a->operand ? "tenants/" : "", name,
		       a->operand ? "/" : "", what);
	return EX_OK;
}

static int make_path(const struct ctl_args *a, struct ctl *c, const char *name,
		     char *out, size_t size, struct err *e)
{
	char id[ID_SIZE] = "";
	int rc;

	if (a->command == CTL_USAGE)
		return usage_path(a, name, out, size, e);
	if (a->token_files) {
		(void)snprintf(out, size, "/v1/export/files");
		return EX_OK;
	}
	if (!a->second || a->command == CTL_SECRET_SET ||
	    a->command == CTL_LOG_LEVEL) {
		(void)snprintf(out, size, "%s%s%s", plans[a->command].before,
			       name, plans[a->command].after);
		return EX_OK;
	}
	rc = find_agent(a, c, name, id, e);
	(void)snprintf(out, size, "/v1/tenants/%s/agents/%s", name, id);
	return rc;
}

static const char *method_of(const struct ctl_args *a)
{
	if (a->command == CTL_LOG_LEVEL && a->operand)
		return "PUT";
	return plans[a->command].method;
}

static int run(const struct ctl_args *a, struct ctl *c)
{
	char name[APPLY_NAME_MAX + 1];
	struct buf body, answer;
	struct err e = { 0 };
	char path[128];
	int status;
	int rc;

	if (a->command == CTL_TOP)
		return top_run(c, a->once, a->json);
	if (a->command == CTL_AUDIT_VERIFY)
		return audit_verify(c, a);
	if (a->command == CTL_AUDIT_EXPORT)
		return audit_export(c, a);
	if (make_name(a, name, &e) < 0)
		return complain(EX_DATAERR, e.msg);
	buf_init(&body, APPLY_MAX);
	buf_init(&answer, ANSWER_MAX);
	rc = make_path(a, c, name, path, sizeof(path), &e);
	if (rc == EX_OK)
		rc = make_body(a, &body, &e);
	if (rc != EX_OK) {
		(void)complain(rc, e.msg);
		goto out;
	}
	status = ctl_request(c, method_of(a), path, body.data, body.len,
			     &answer, &e);
	if (status < 0)
		rc = complain(exit_of(&e, EX_NOPERM), e.msg);
	else
		rc = show(a, status, &answer);
out:
	if (body.data)
		explicit_bzero(body.data, body.size);
	buf_release(&body);
	buf_release(&answer);
	return rc;
}

/*
 * The settings are needed for the socket's path only, unless offline; who may
 * use the socket need not be able to read them.
 */
static bool needs_conf(const struct ctl_args *a)
{
	if (a->offline || a->config || a->command == CTL_DOCTOR ||
	    a->command == CTL_BACKUP || a->command == CTL_CONFIG_CHECK ||
	    a->command == CTL_KEY_ADD || a->command == CTL_KEY_REMOVE)
		return true;
	return !a->socket && access(DEFAULT_CONFIG, R_OK) == 0;
}

/* What the daemon may read and reach is the question, so root takes its place.
 */
static int run_doctor(const struct ctl_args *a, struct conf *conf)
{
	struct err e = { 0 };
	int rc = 2;

	if (a->socket) {
		free(conf->admin_socket);
		conf->admin_socket = strdup(a->socket);
	}
	if (!conf->admin_socket || become_daemon(conf, &e) < 0)
		(void)complain(rc, e.msg);
	else
		rc = doctor_run(conf, a->operand, a->json);
	return rc;
}

static void tell_tokens(void)
{
	fputs("Make the app with this manifest and fetch its tokens "
	      "(docs/getting-started.md, 4 and 5); then once more, with "
	      "--app-token-file and --bot-token-file.\n",
	      stderr);
}

static int init_with(const struct ctl_args *a, const struct conf *conf)
{
	struct ctl c = { .socket = conf->admin_socket };
	struct init_tokens tokens;
	struct err e = { 0 };
	struct buf out;
	bool runs;
	int rc = -1;

	if (init_tokens_read(a, &tokens, &e) < 0) {
		init_tokens_free(&tokens);
		return complain(exit_of(&e, EX_NOPERM), e.msg);
	}
	buf_init(&out, ANSWER_MAX);
	runs = local_call(c.socket, "GET", "/health", NULL, 0, &out, &e) > 0;
	buf_release(&out);
	memset(&e, 0, sizeof(e));
	if (!runs && become_daemon(conf, &e) == 0)
		c.offline = offline_open(conf, &e);
	if (runs || c.offline)
		rc = init_tenant(&c, a, &tokens, &e);
	init_tokens_free(&tokens);
	offline_close(c.offline);
	if (rc < 0)
		return complain(exit_of(&e, EX_NOPERM), e.msg);
	if (rc > 0)
		tell_tokens();
	else if (!a->json)
		printf("%sNow mention @%s in #general.\n",
		       runs ? "" : "Next: systemctl enable --now konstructd\n",
		       a->name ? a->name : "Mara");
	return EX_OK;
}

static int print_manifest(const struct ctl_args *a)
{
	const struct manifest_opts o = { .agent_view = a->agent_view,
					 .commands = a->commands,
					 .json = a->json };

	return manifest_print(a->name, &o, stdout);
}

/* The manifest comes first: the tokens are fetched with its help. */
static int init(const struct ctl_args *a)
{
	const char *path = a->config ? a->config : DEFAULT_CONFIG;
	struct conf conf;
	struct err e = { 0 };
	int rc;

	log_set_level(LOG_LEVEL_WARN);
	if (init_conf(a, path, &e) < 0 || conf_load(&conf, path, &e) < 0)
		return complain(exit_of(&e, EX_CANTCREAT), e.msg);
	if (!a->app_token_file && print_manifest(a) < 0) {
		conf_release(&conf);
		return complain(EX_DATAERR, "Slack takes no such name");
	}
	fflush(stdout);
	rc = EX_OK;
	if (a->app_token_file || isatty(STDIN_FILENO))
		rc = init_with(a, &conf);
	else
		tell_tokens();
	conf_release(&conf);
	return rc;
}

static int run_backup(const struct ctl_args *a, const struct conf *conf,
		      struct ctl *c)
{
	struct err e = { 0 };
	struct buf out;
	struct jwrite w;

	if (store_backup(conf->store_url, a->operand, &e) < 0)
		return complain(exit_of(&e, EX_IOERR), e.msg);
	remark(c, conf, "backup", a->operand);
	if (!a->json) {
		printf("%s holds the store; keep the key apart from it\n",
		       a->operand);
		return EX_OK;
	}
	buf_init(&out, BODY_MAX);
	jw_init(&w, &out);
	jw_object(&w, NULL);
	jw_str(&w, "backup", a->operand);
	jw_object_end(&w);
	printf("%s\n", out.data ? out.data : "{}");
	buf_release(&out);
	return EX_OK;
}

/* The files that the settings name must be the daemon's to read. */
static int run_check(const struct ctl_args *a, const struct conf *conf)
{
	struct err e = { 0 };
	struct buf out;
	struct jwrite w;
	size_t i;

	if (become_daemon(conf, &e) < 0 || check_conf(conf, &e) < 0)
		return complain(EX_CONFIG, e.msg);
	if (!a->json) {
		for (i = 0; i < conf->nfiles; i++)
			printf("%s\n", conf->files[i]);
		puts("no mistakes");
		return EX_OK;
	}
	buf_init(&out, BODY_MAX);
	jw_init(&w, &out);
	jw_object(&w, NULL);
	jw_array(&w, "files");
	for (i = 0; i < conf->nfiles; i++)
		jw_str(&w, NULL, conf->files[i]);
	jw_array_end(&w);
	jw_object_end(&w);
	printf("%s\n", out.data ? out.data : "{}");
	buf_release(&out);
	return EX_OK;
}

static int run_with_conf(const struct ctl_args *a)
{
	const char *path = a->config ? a->config : DEFAULT_CONFIG;
	struct ctl c = { 0 };
	struct conf conf;
	struct err e = { 0 };
	int rc;

	if (conf_load(&conf, path, &e) < 0)
		return complain(EX_CONFIG, e.msg);
	if (a->command == CTL_DOCTOR) {
		rc = run_doctor(a, &conf);
		goto out;
	}
	if (a->command == CTL_CONFIG_CHECK) {
		rc = run_check(a, &conf);
		goto out;
	}
	c.socket = a->socket ? a->socket : conf.admin_socket;
	if (a->command == CTL_BACKUP) {
		rc = run_backup(a, &conf, &c);
		goto out;
	}
	if (a->command == CTL_KEY_ADD) {
		rc = key_add(&conf, &c, a->json);
		goto out;
	}
	if (a->offline) {
		log_set_level(LOG_LEVEL_WARN);
		c.offline = offline_open(&conf, &e);
		if (!c.offline) {
			rc = complain(exit_of(&e, EX_CANTCREAT), e.msg);
			goto out;
		}
	}
	if (a->command == CTL_KEY_REMOVE)
		rc = key_remove(&conf, &c, a->operand, a->json);
	else
		rc = run(a, &c);
out:
	offline_close(c.offline);
	conf_release(&conf);
	return rc;
}

/*
 * The schema of a database server, as its owner; the daemon's settings, which
 * name another role, aren't looked at. Without a URL it's all from libpq's
 * environment: PGSERVICE, PGHOST and so on.
 */
static int migrate(const struct ctl_args *a)
{
	const char *url = a->database ? a->database : "postgresql://";
	const struct store_ops *ops;
	struct err e = { 0 };
	char by[TRAIL_BY];
	int from, to;

	trail_by(by, (long)geteuid(), false);
	ops = store_find(url, &e);
	if (!ops)
		return complain(EX_DATAERR, e.msg);
	if (!ops->migrate)
		return complain(EX_DATAERR, "this store needs no migrating:"
					    " the daemon does it");
	if (ops->migrate(url, by, &from, &to, &e) < 0)
		return complain(exit_of(&e, EX_NOPERM), e.msg);
	if (from == to)
		printf("schema is at version %d already\n", to);
	else
		printf("schema went from version %d to %d\n", from, to);
	return EX_OK;
}

int main(int argc, char **argv)
{
	struct ctl c = { .socket = DEFAULT_SOCKET };
	struct ctl_args a;
	struct err e = { 0 };

	if (argc > 1 && strcmp(argv[1], "--complete") == 0) {
		ctl_complete(argc - 2, argv + 2, stdout);
		return EX_OK;
	}
	if (ctl_args_parse(&a, argc, argv, &e) < 0) {
		fprintf(stderr,
			"konstructctl: %s\n"
			"Try 'konstructctl --help'.\n",
			e.msg);
		return EX_USAGE;
	}
	if (a.command == CTL_HELP) {
		ctl_usage(stdout);
		return EX_OK;
	}
	if (a.command == CTL_VERSION) {
		puts("konstructctl " PACKAGE_VERSION);
		return EX_OK;
	}
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	if (a.command == CTL_MIGRATE)
		return migrate(&a);
	if (a.command == CTL_INIT)
		return init(&a);
	if (a.command == CTL_MANIFEST) {
		if (print_manifest(&a) == 0)
			return EX_OK;
		return complain(EX_DATAERR, "Slack takes no such name");
	}
	if (a.command == CTL_AUDIT_VERIFY && a.operand)
		return audit_verify_file(&a);
	if (a.command == CTL_KEY_NEW)
		return key_new(a.json);
	if (needs_conf(&a))
		return run_with_conf(&a);
	if (a.socket)
		c.socket = a.socket;
	return run(&a, &c);
}
