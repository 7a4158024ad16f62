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

#define FORM_TYPE "application/x-www-form-urlencoded; charset=utf-8"
#define URL_MAX   512
/* A page of 200 messages that say all that they may. */
#define ANSWER_MAX      (16 * 1024 * 1024)
#define CONNECT_MS      5000
#define RATE_DEFAULT_MS 30000 /* a 429 without Retry-After */

static atomic_int deadline_ms = 15000;
static atomic_int longest_ms; /* of those that were set */

/* What is needed to make the call once more. */
struct repeat {
	struct slack_spare *spare;
	struct http *h;
	const char *api_url;
	struct buf form;
	struct slack_result refused; /* body and scopes are NULL */
};

struct slack_call {
	struct http_call *http; /* NULL while something is looked for */
	char method[48];        /* for the count of limits; "": not counted */
	slack_done *done;
	void *arg;
	struct repeat *repeat; /* NULL: it is sent no second time */
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

/* Errors after which a post may stand all the same (protocol notes, 3.1). */
static bool half_done(const char *error)
{
	return strcmp(error, "internal_error") == 0 ||
	       strcmp(error, "fatal_error") == 0 ||
	       strcmp(error, "request_timeout") == 0;
}

static void set_error(struct slack_result *out, const char *what)
{
	(void)snprintf(out->error, sizeof(out->error), "%.79s", what);
}

/* Twice the same post is two messages, or the same text twice in one; all else
 * may be sent again. */
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

static void forget_repeat(struct slack_call *c)
{
	struct repeat *r = c->repeat;

	if (!r)
		return;
	c->repeat = NULL;
	r->spare->drop(r->spare);
	buf_release(&r->form);
	free(r);
}

static void finish(struct slack_call *c, const struct slack_result *out)
{
	forget_repeat(c);
	c->done(out, c->arg);
	free(c);
}

/* Their answers say the whole message once more, which nobody reads. */
static bool is_brief(const char *method)
{
	return strcmp(method, "chat.update") == 0 ||
	       strcmp(method, "chat.delete") == 0 ||
	       strcmp(method, "chat.appendStream") == 0;
}

/* Without reading more of it than that. */
static bool says_ok(const struct http_result *r)
{
	static const char ok[] = "{\"ok\":true";
	size_t n = sizeof(ok) - 1;

	return r->status == 200 && r->len > n + 1 &&
	       memcmp(r->body, ok, n) == 0 && strchr(",}", r->body[n]) &&
	       r->body[r->len - 1] == '}';
}

/* False: that was its end. */
static bool find(struct slack_call *c, const struct slack_result *out)
{
	struct repeat *r = c->repeat;

	if (!r || (strcmp(out->error, "token_expired") != 0 &&
		   strcmp(out->error, "token_revoked") != 0 &&
		   strcmp(out->error, "channel_not_found") != 0))
		return false;
	r->refused = *out;
	r->refused.body = NULL;
	r->refused.scopes = NULL;
	return r->spare->find(r->spare, c, r->refused.error);
}

static void on_done(const struct http_result *r, void *arg)
{
	struct slack_call *c = arg;
	struct slack_result out = { 0 };
	struct err e = { 0 };
	struct json *body = NULL;
	bool brief = is_brief(c->method) && says_ok(r);

	c->http = NULL;
	if (r->status != 0 && r->len > 0 && !brief)
		body = json_parse(r->body, r->len, ANSWER_MAX, &e);
	if (brief) {
		out.scopes = r->scopes;
		out.again = r->resent;
	} else {
		judge(&out, r, body);
	}
	if (out.fault == SLACK_RATE)
		metric_add(METRIC_LIMITED, c->method, 0, 1);
	if (!find(c, &out))
		finish(c, &out);
	json_free(body);
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

/* Begins c; 0, or -1 with e. */
static int start(struct slack_call *c, struct http *h, const char *api_url,
		 const char *token, const struct buf *form, struct err *e)
{
	struct http_request rq = {
		.method = "POST",
		.bearer = token,
		.content_type = FORM_TYPE,
		.body = "",
		.max_body = ANSWER_MAX,
		.repeat = repeatable(c->method),
		.connect_ms = CONNECT_MS,
		.total_ms = (unsigned int)atomic_load(&deadline_ms),
		.on_done = on_done,
		.arg = c,
	};
	char url[URL_MAX];
	int n;

	n = snprintf(url, sizeof(url), "%s%s", api_url, c->method);
	if (n < 0 || (size_t)n >= sizeof(url))
		return err_set(e, ERR_FATAL, "cannot call '%s': url too long",
			       c->method);
	rq.url = url;
	if (form && form->len > 0) {
		rq.body = form->data;
		rq.body_len = form->len;
	}
	c->http = http_start(h, &rq, e);
	return c->http ? 0 : -1;
}

static struct slack_call *create(const char *method, slack_done *done,
				 void *arg, struct err *e)
{
	struct slack_call *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(e, ERR_RETRY, "cannot call '%s': no memory", method);
		return NULL;
	}
	c->done = done;
	c->arg = arg;
	(void)snprintf(c->method, sizeof(c->method), "%s", method);
	return c;
}

struct slack_call *slack_call(struct http *h, const char *api_url,
			      const char *method, const char *token,
			      const struct buf *form, slack_done *done,
			      void *arg, struct err *e)
{
	struct slack_call *c;

	if (form && form->failed) {
		err_set(e, ERR_INPUT, "cannot call '%s': form too large",
			method);
		return NULL;
	}
	c = create(method, done, arg, e);
	if (!c || start(c, h, api_url, token, form, e) == 0)
		return c;
	free(c);
	return NULL;
}

/* 0, or -1 when memory is short. */
static int prepare(struct slack_call *c, struct http *h, const char *api_url,
		   const struct buf *form, struct slack_spare *spare)
{
	struct repeat *r = calloc(1, sizeof(*r));

	if (!r)
		return -1;
	r->spare = spare;
	r->h = h;
	r->api_url = api_url;
	buf_init(&r->form, form ? form->len + 1 : 1);
	if (form && form->len > 0 &&
	    buf_add(&r->form, form->data, form->len) < 0) {
		free(r);
		return -1;
	}
	c->repeat = r;
	return 0;
}

/* Without memory for a second time there is only the first. */
struct slack_call *slack_call_spare(struct http *h, const char *api_url,
				    const char *method, const char *token,
				    const struct buf *form,
				    struct slack_spare *spare, slack_done *done,
				    void *arg, struct err *e)
{
	struct slack_call *c =
		slack_call(h, api_url, method, token, form, done, arg, e);

	if (!c || prepare(c, h, api_url, form, spare) < 0)
		spare->drop(spare);
	return c;
}

void slack_again(struct slack_call *c, const char *token, const char *why)
{
	struct repeat *r = c->repeat;
	struct slack_result out = r->refused;
	struct err e = { 0 };
	int rc = -1;

	if (token) {
		out.fault = SLACK_TRANSIENT;
		rc = start(c, r->h, r->api_url, token, &r->form, &e);
		set_error(&out, e.msg);
	} else if (why) {
		out.fault = SLACK_TRANSIENT;
		set_error(&out, why);
	}
	if (rc < 0)
		finish(c, &out);
}

/* Of "channel=C1&ts=...", or "channel_id" where it is called that. */
static const char *find_channel(const struct buf *form, size_t *len)
{
	static const char *const names[] = { "channel=", "channel_id=" };
	const char *p = form->data;
	size_t i, n;

	for (; p && *p; p += n, p += *p == '&') {
		n = strcspn(p, "&");
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (strncmp(p, names[i], strlen(names[i])) != 0)
				continue;
			*len = n - strlen(names[i]);
			return p + strlen(names[i]);
		}
	}
	return NULL;
}

bool slack_move(struct slack_call *c, const char *channel)
{
	struct buf *form = &c->repeat->form;
	size_t len = 0;
	const char *at = find_channel(form, &len);
	struct buf other;

	if (!at || (strlen(channel) == len && memcmp(at, channel, len) == 0))
		return false;
	buf_init(&other, form->len + strlen(channel) + 1);
	(void)buf_add(&other, form->data, (size_t)(at - form->data));
	(void)buf_adds(&other, channel);
	(void)buf_adds(&other, at + len);
	if (other.failed) {
		buf_release(&other);
		return false;
	}
	buf_release(form);
	*form = other;
	return true;
}

void slack_cancel(struct slack_call *c)
{
	if (!c)
		return;
	http_cancel(c->http);
	forget_repeat(c);
	free(c);
}
