/* SPDX-License-Identifier: ISC */
#include "ctl/request.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "admin/apply.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "ctl/args.h"
#include "ctl/body.h"
#include "ctl/ctl.h"
#include "ctl/exit.h"
#include "net/local.h"
#include "slack/permalink.h"
#include "slack/ts.h"

#define ID_LETTERS                   \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._-"

#define ANSWER_MAX ((size_t)64 * 1024 * 1024)

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

int ctl_request(struct ctl *c, const char *method, const char *path,
		const char *body, size_t len, struct buf *out, struct err *e)
{
	if (c->offline)
		return offline_request(c->offline, method, path, body, len, out,
				       e);
	return local_call(c->socket, method, path, body, len, out, e);
}

int ctl_refused(int status, const struct json *j, struct err *e)
{
	const char *reason = j ? json_str(j, "error") : NULL;

	return err_set(e, status == 403 ? ERR_FATAL : ERR_RETRY, "%.300s",
		       reason ? reason : "the daemon failed");
}

static int show(const struct ctl_args *a, int status, const struct buf *answer)
{
	struct err e = { 0 };
	struct json *j;
	const char *reason;

	j = json_parse(answer->data ? answer->data : "", answer->len,
		       ANSWER_MAX, &e);
	if (!j)
		return exit_say(EX_PROTOCOL, "the answer is not JSON");
	if (status >= 400) {
		reason = json_str(j, "error");
		(void)exit_say(0, reason ? reason : "the daemon failed");
	} else if (a->json) {
		printf("%s\n", answer->data);
	} else {
		plans[a->command].print(j);
	}
	/* Worth a look from a script: the daemon is there, and unwell. */
	if (status < 400 && a->command == CTL_STATUS && json_str(j, "reason"))
		status = 503;
	json_free(j);
	/* As they are told where they are read here. */
	if (status == 400 &&
	    (a->command == CTL_RELOAD || a->command == CTL_CONFIG_DIFF))
		return EX_CONFIG;
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
	size_t i;

	for (i = 0; i < json_len(j, "agents"); i++) {
		row = json_nth(j, "agents", i);
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
		rc = exit_of_err(e, EX_NOPERM);
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

int request_run(const struct ctl_args *a, struct ctl *c)
{
	char name[APPLY_NAME_MAX + 1];
	struct buf body, answer;
	struct err e = { 0 };
	char path[128];
	int status;
	int rc;

	if (make_name(a, name, &e) < 0)
		return exit_say(EX_DATAERR, e.msg);
	buf_init(&body, APPLY_MAX);
	buf_init(&answer, ANSWER_MAX);
	rc = make_path(a, c, name, path, sizeof(path), &e);
	if (rc == EX_OK)
		rc = body_make(a, &body, &e);
	if (rc != EX_OK) {
		(void)exit_say(rc, e.msg);
		goto out;
	}
	status = ctl_request(c, method_of(a), path, body.data, body.len,
			     &answer, &e);
	if (status < 0)
		rc = exit_say(exit_of_err(&e, EX_NOPERM), e.msg);
	else
		rc = show(a, status, &answer);
out:
	if (body.data)
		explicit_bzero(body.data, body.size);
	buf_release(&body);
	buf_release(&answer);
	return rc;
}
