/* SPDX-License-Identifier: ISC */
#include "ctl/body.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/apply.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "ctl/access.h"
#include "ctl/args.h"
#include "ctl/files.h"
#include "ctl/token.h"
#include "store/keep.h"

#define PERSONA_MAX ((size_t)512 * 1024)

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
	char *secret = token_read(key, path, e);

	if (!secret)
		return e->kind == ERR_FATAL ? EX_NOINPUT : EX_DATAERR;
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
		err_set(e, ERR_INPUT,
			"%s: '%.40s' is no number from 1, nor"
			" 'default'",
			key, text);
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

/* "90m", "2h"; "off". */
static int add_minutes(struct jwrite *w, const char *key, const char *text,
		       struct err *e)
{
	char *end = NULL;
	long n = 0;

	errno = 0;
	if (strcmp(text, "off") != 0) {
		n = strtol(text, &end, 10);
		if (errno == 0 && end > text && n > 0 &&
		    n <= APPLY_TEXT_MINUTES && strcmp(end, "h") == 0)
			n *= 60;
		else if (errno != 0 || end == text || strcmp(end, "m") != 0)
			n = 0;
		if (n < 1 || n > APPLY_TEXT_MINUTES) {
			err_set(e, ERR_INPUT,
				"'%.40s' is neither 'off' nor a time up to"
				" 24h, such as 2h or 30m",
				text);
			return EX_DATAERR;
		}
	}
	jw_int(w, key, n);
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
				"%s: '%.40s' is no number of days (such as 30;"
				" 0: for ever; or 'default')",
				key, a->keep[i]);
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
	if (rc == EX_OK && a->debug_text)
		rc = add_minutes(&w, "debug_text_minutes", a->debug_text, e);
	if (a->canary_channel)
		jw_str(&w, "canary_channel",
		       strcmp(a->canary_channel, "off") == 0
			       ? ""
			       : a->canary_channel);
	if (rc == EX_OK && a->canary_minutes)
		rc = add_limit(&w, "canary_minutes", a->canary_minutes, e);
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
	buf_init(&text, PERSONA_MAX);
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
	if (rc == EX_OK && a->paused)
		rc = add_choice(&w, "paused", a->paused, e);
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

int body_make(const struct ctl_args *a, struct buf *out, struct err *e)
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
