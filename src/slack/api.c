/* SPDX-License-Identifier: ISC */
#include "slack/api.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/metric.h"
#include "net/http.h"
#include "slack/download.h"

#define FORM_TYPE       "application/x-www-form-urlencoded; charset=utf-8"
#define URL_MAX         512
#define ANSWER_MAX      (4 * 1024 * 1024)
#define CONNECT_MS      5000
#define RATE_DEFAULT_MS 30000 /* a 429 without Retry-After */

static atomic_int deadline_ms = 15000;
static atomic_int longest_ms; /* of those that were set */

struct slack_call {
	struct http_call *http;
	char method[48]; /* for the count of limits; "": not counted */
	slack_done *done;
	void *arg;
};

static const char *const fault_names[] = {
	[SLACK_OK] = "ok",
	[SLACK_RATE] = "rate",
	[SLACK_TRANSIENT] = "transient",
	[SLACK_DEAD] = "dead",
	[SLACK_CONFIG] = "config",
	[SLACK_GONE] = "gone",
	[SLACK_POLICY] = "policy",
	[SLACK_CONTENT] = "content",
	[SLACK_OURS] = "ours",
};

/*
 * Slack's words by what can be done about them. A star at the end stands for
 * any rest: there are restricted_action_read_only_channel and more like it.
 */
static const struct {
	const char *error;
	enum slack_fault fault;
} faults[] = {
	{ "ratelimited", SLACK_RATE },
	{ "rate_limited", SLACK_RATE },
	{ "message_limit_exceeded", SLACK_RATE },

	{ "internal_error", SLACK_TRANSIENT },
	{ "fatal_error", SLACK_TRANSIENT },
	{ "service_unavailable", SLACK_TRANSIENT },
	{ "request_timeout", SLACK_TRANSIENT },
	{ "update_failed", SLACK_TRANSIENT },
	{ "messaging_processing_failed", SLACK_TRANSIENT },
	{ "external_channel_migrating", SLACK_TRANSIENT },
	{ "streaming_state_conflict", SLACK_TRANSIENT }, /* it ends by itself */
	{ "team_added_to_org", SLACK_TRANSIENT },
	{ "org_login_required", SLACK_TRANSIENT },

	{ "invalid_auth", SLACK_DEAD },
	{ "not_authed", SLACK_DEAD },
	{ "account_inactive", SLACK_DEAD },
	{ "token_revoked", SLACK_DEAD },
	{ "token_expired", SLACK_DEAD },
	{ "user_removed_from_team", SLACK_DEAD },
	{ "team_disabled", SLACK_DEAD },

	{ "missing_scope", SLACK_CONFIG },
	{ "not_allowed_token_type", SLACK_CONFIG },
	{ "not_agent_app", SLACK_CONFIG },
	{ "feature_disabled", SLACK_CONFIG },
	{ "messages_tab_disabled", SLACK_CONFIG },
	{ "not_enabled", SLACK_CONFIG },
	{ "app_access_restricted", SLACK_CONFIG },
	{ "accesslimited", SLACK_CONFIG },
	{ "team_access_not_granted", SLACK_CONFIG },
	{ "enterprise_is_restricted", SLACK_CONFIG },
	{ "two_factor_setup_required", SLACK_CONFIG },
	{ "forbidden_team", SLACK_CONFIG },

	{ "channel_not_found", SLACK_GONE },
	{ "not_in_channel", SLACK_GONE },
	{ "is_archived", SLACK_GONE },
	{ "is_inactive", SLACK_GONE },
	{ "thread_not_found", SLACK_GONE },
	{ "message_not_found", SLACK_GONE },
	{ "cannot_reply_to_message", SLACK_GONE },
	{ "user_not_found", SLACK_GONE },
	{ "user_not_in_channel", SLACK_GONE },

	{ "restricted_action*", SLACK_POLICY },
	{ "access_denied", SLACK_POLICY },
	{ "ekm_access_denied", SLACK_POLICY },
	{ "edit_window_closed", SLACK_POLICY },
	{ "cant_update_message", SLACK_POLICY },
	{ "cant_delete_message", SLACK_POLICY },
	{ "thread_locked", SLACK_POLICY },
	{ "posting_to_channel_denied", SLACK_POLICY },

	{ "msg_too_long", SLACK_CONTENT },
	{ "msg_blocks_too_long", SLACK_CONTENT },
	{ "msg_blocks_too_many", SLACK_CONTENT },
	{ "invalid_blocks*", SLACK_CONTENT },
	{ "invalid_chunks", SLACK_CONTENT },
	{ "no_text", SLACK_CONTENT },
	{ "markdown_text_conflict", SLACK_CONTENT },
	{ "block_mismatch", SLACK_CONTENT },
	{ "too_many_attachments", SLACK_CONTENT },
	{ "metadata_too_large", SLACK_CONTENT },
	{ "invalid_metadata_*", SLACK_CONTENT },
};

/* Who sets it is one thread at a time. */
void slack_set_deadline(int ms)
{
	if (ms > atomic_load(&longest_ms))
		atomic_store(&longest_ms, ms);
	atomic_store(&deadline_ms, ms);
}

int slack_longest_ms(void)
{
	return atomic_load(&longest_ms);
}

enum slack_fault slack_fault_of(const char *error)
{
	size_t i, n;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		n = strlen(faults[i].error);
		if (faults[i].error[n - 1] == '*' &&
		    strncmp(error, faults[i].error, n - 1) == 0)
			return faults[i].fault;
		if (strcmp(error, faults[i].error) == 0)
			return faults[i].fault;
	}
	return SLACK_OURS;
}

const char *slack_fault_name(enum slack_fault f)
{
	if ((size_t)f >= sizeof(fault_names) / sizeof(fault_names[0]))
		return "?";
	return fault_names[f];
}

/* Errors after which a post may stand all the same (protocol notes, 3.1). */
static bool half_done(const char *error)
{
	return strcmp(error, "internal_error") == 0 ||
	       strcmp(error, "fatal_error") == 0 ||
	       strcmp(error, "request_timeout") == 0;
}

static void set_error(struct slack_result *out, const char *what)
{
	(void)snprintf(out->error, sizeof(out->error), "%s", what);
}

/* Twice the same post is two messages, or the same text twice in one; all else may be sent again. */
static bool repeatable(const char *method)
{
	return strncmp(method, "chat.post", 9) != 0 &&
	       strcmp(method, "chat.startStream") != 0 &&
	       strcmp(method, "chat.appendStream") != 0;
}

/* Slack answered in words of its own. */
static void judge_body(struct slack_result *out, const struct json *body)
{
	const char *error;

	out->body = body;
	if (json_bool(body, "ok", false)) {
		out->fault = SLACK_OK;
		return;
	}
	error = json_str(body, "error");
	if (!error || error[0] == '\0')
		error = "no_error_given";
	set_error(out, error);
	out->fault = slack_fault_of(error);
	out->maybe = half_done(error);
	if (out->fault == SLACK_RATE && out->retry_ms == 0)
		out->retry_ms = RATE_DEFAULT_MS;
}

static void judge(struct slack_result *out, const struct http_result *r,
		  const struct json *body)
{
	out->scopes = r->scopes;
	out->again = r->resent;
	out->retry_ms = r->retry_after_ms;
	if (r->status == 0) {
		out->fault = SLACK_TRANSIENT;
		out->maybe = r->sent;
		set_error(out, r->msg ? r->msg : "connection failed");
	} else if (r->status == 429) {
		out->fault = SLACK_RATE;
		if (out->retry_ms == 0)
			out->retry_ms = RATE_DEFAULT_MS;
		set_error(out, "ratelimited");
	} else if (r->status >= 500) {
		out->fault = SLACK_TRANSIENT;
		out->maybe = true;
		(void)snprintf(out->error, sizeof(out->error), "http %d",
			       r->status);
	} else if (body) {
		judge_body(out, body);
	} else {
		/* A login page of some proxy, or the answer cut short. */
		out->fault = SLACK_TRANSIENT;
		out->maybe = r->status < 300;
		(void)snprintf(out->error, sizeof(out->error),
			       "http %d without json", r->status);
	}
}

static void on_done(const struct http_result *r, void *arg)
{
	struct slack_call *c = arg;
	struct slack_result out = { 0 };
	struct err e = { 0 };
	struct json *body = NULL;

	if (r->status != 0 && r->len > 0)
		body = json_parse(r->body, r->len, ANSWER_MAX, &e);
	judge(&out, r, body);
	if (out.fault == SLACK_RATE)
		metric_add(METRIC_LIMITED, c->method, 0, 1);
	c->done(&out, c->arg);
	json_free(body);
	free(c);
}

/* Its answer is a word, or JSON if there is something to say. */
static void on_responded(const struct http_result *r, void *arg)
{
	struct slack_call *c = arg;
	struct slack_result out = { 0 };

	if (r->status == 0 || r->status == 429 || r->status >= 500) {
		judge(&out, r, NULL);
	} else if (r->status >= 400) {
		(void)snprintf(out.error, sizeof(out.error), "%.*s",
			       (int)sizeof(out.error) - 1, r->body);
		out.fault = r->status == 404 || r->status == 410
				    ? SLACK_GONE
				    : SLACK_CONTENT;
	}
	c->done(&out, c->arg);
	free(c);
}

struct slack_call *slack_respond(struct http *h, const char *api_url,
				 const char *url, const struct buf *json,
				 slack_done *done, void *arg, struct err *e)
{
	struct http_request rq = {
		.method = "POST",
		.url = url,
		.content_type = "application/json; charset=utf-8",
		.max_body = ANSWER_MAX,
		.connect_ms = CONNECT_MS,
		.total_ms = (unsigned int)atomic_load(&deadline_ms),
		.on_done = on_responded,
	};
	struct slack_call *c;

	if (!slack_download_allowed(api_url, url)) {
		err_set(e, ERR_INPUT, "a response_url that isn't Slack's");
		return NULL;
	}
	if (json->failed || json->len == 0) {
		err_set(e, ERR_INPUT, "a response that is too large");
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		err_set(e, ERR_RETRY, "cannot respond: no memory");
		return NULL;
	}
	c->done = done;
	c->arg = arg;
	rq.body = json->data;
	rq.body_len = json->len;
	rq.arg = c;
	c->http = http_start(h, &rq, e);
	if (c->http)
		return c;
	free(c);
	return NULL;
}

struct slack_call *slack_call(struct http *h, const char *api_url,
			      const char *method, const char *token,
			      const struct buf *form, slack_done *done,
			      void *arg, struct err *e)
{
	struct http_request rq = {
		.method = "POST",
		.bearer = token,
		.content_type = FORM_TYPE,
		.body = "",
		.max_body = ANSWER_MAX,
		.connect_ms = CONNECT_MS,
		.total_ms = (unsigned int)atomic_load(&deadline_ms),
		.on_done = on_done,
	};
	char url[URL_MAX];
	struct slack_call *c;
	int n;

	n = snprintf(url, sizeof(url), "%s%s", api_url, method);
	if (n < 0 || (size_t)n >= sizeof(url)) {
		err_set(e, ERR_FATAL, "cannot call '%s': url too long", method);
		return NULL;
	}
	if (form && form->failed) {
		err_set(e, ERR_INPUT, "cannot call '%s': form too large",
			method);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		err_set(e, ERR_RETRY, "cannot call '%s': no memory", method);
		return NULL;
	}
	c->done = done;
	c->arg = arg;
	(void)snprintf(c->method, sizeof(c->method), "%s", method);
	rq.url = url;
	rq.repeat = repeatable(method);
	rq.arg = c;
	if (form && form->len > 0) {
		rq.body = form->data;
		rq.body_len = form->len;
	}
	c->http = http_start(h, &rq, e);
	if (!c->http) {
		free(c);
		return NULL;
	}
	return c;
}

void slack_cancel(struct slack_call *c)
{
	if (!c)
		return;
	http_cancel(c->http);
	free(c);
}
