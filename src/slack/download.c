/* SPDX-License-Identifier: ISC */
#include "slack/download.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "net/http.h"
#include "net/url.h"

#define HOPS_MAX      3
#define CONNECT_MS    5000
#define FIRST_BYTE_MS 10000
#define IDLE_MS       10000

struct slack_download {
	struct http *h;
	struct http_call *call;
	char *api_url;
	char *token;
	struct url first; /* whom the token is for */
	size_t max;
	unsigned int hops;
	bool enough;
	bool reading; /* on_data runs, */
	bool gone;    /* and has cancelled us */
	int (*on_data)(const char *p, size_t n, void *arg);
	void (*on_done)(const struct download_result *r, void *arg);
	void *arg;
	char url[]; /* the present one's, of URL_MAX */
};

#define URL_MAX 4096

bool slack_download_allowed(const char *api_url, const char *url)
{
	struct url api, u;

	if (url_split(api_url, &api) < 0 || url_split(url, &u) < 0)
		return false;
	return u.secure == api.secure && u.port == api.port &&
	       url_is_below(u.host, api.host);
}

static void release(struct slack_download *d)
{
	if (d->token)
		explicit_bzero(d->token, strlen(d->token));
	free(d->token);
	free(d->api_url);
	free(d);
}

static void end_with(struct slack_download *d, const struct download_result *r)
{
	d->on_done(r, d->arg);
	release(d);
}

static void finish(struct slack_download *d, enum download_end end,
		   const char *why)
{
	const struct download_result r = { .end = end, .why = why };

	end_with(d, &r);
}

static int on_data(const char *p, size_t n, void *arg)
{
	struct slack_download *d = arg;
	int rc;

	d->reading = true;
	rc = d->on_data(p, n, d->arg);
	d->reading = false;
	if (d->gone) {
		release(d);
		return -1;
	}
	d->enough = rc != 0;
	return rc;
}

static void on_done(const struct http_result *r, void *arg);

static bool is_first(const struct slack_download *d)
{
	struct url u;

	return url_split(d->url, &u) == 0 && url_same_origin(&u, &d->first);
}

static int fetch(struct slack_download *d, struct err *e)
{
	struct http_request rq = {
		.method = "GET",
		.url = d->url,
		.bearer = d->token && is_first(d) ? d->token : NULL,
		.max_body = d->max,
		.connect_ms = CONNECT_MS,
		.first_byte_ms = FIRST_BYTE_MS,
		.idle_ms = IDLE_MS,
		.on_data = on_data,
		.on_done = on_done,
		.arg = d,
	};

	d->call = http_start(d->h, &rq, e);
	return d->call ? 0 : -1;
}

static void fetch_or_fail(struct slack_download *d)
{
	struct err e = { 0 };

	if (fetch(d, &e) < 0)
		finish(d, DOWNLOAD_FAILED, e.msg);
}

/* Once elsewhere, the token has no business on the way any more. */
static void follow(struct slack_download *d, const char *to)
{
	if (d->hops >= HOPS_MAX || strlen(to) >= URL_MAX) {
		finish(d, DOWNLOAD_FAILED, "too many redirects");
		return;
	}
	if (!slack_download_allowed(d->api_url, to)) {
		finish(d, DOWNLOAD_FOREIGN, "redirected to a foreign host");
		return;
	}
	d->hops++;
	(void)snprintf(d->url, URL_MAX, "%s", to);
	if (d->token && !is_first(d)) {
		explicit_bzero(d->token, strlen(d->token));
		free(d->token);
		d->token = NULL;
	}
	fetch_or_fail(d);
}

static enum download_end end_of(const struct http_result *r)
{
	if (r->status == 403 || r->status == 404 || r->status == 410)
		return DOWNLOAD_GONE;
	return r->status == 0 || r->status == 429 || r->status >= 500
		       ? DOWNLOAD_LATER
		       : DOWNLOAD_FAILED;
}

static void fail(struct slack_download *d, const struct http_result *r)
{
	struct download_result out = {
		.end = end_of(r),
		.why = r->msg,
		.retry_ms = r->retry_after_ms,
	};
	char why[40];

	if (r->status != 0) {
		(void)snprintf(why, sizeof(why), "HTTP %d", r->status);
		out.why = why;
	}
	end_with(d, &out);
}

static void on_done(const struct http_result *r, void *arg)
{
	struct slack_download *d = arg;

	d->call = NULL;
	if (d->enough)
		finish(d, DOWNLOAD_ENOUGH, NULL);
	else if (r->status >= 200 && r->status < 300)
		finish(d, DOWNLOAD_DONE, NULL);
	else if (r->location)
		follow(d, r->location);
	else
		fail(d, r);
}

static struct slack_download *make(struct http *h,
				   const struct download_opts *o)
{
	struct slack_download *d = calloc(1, sizeof(*d) + URL_MAX);

	if (!d)
		return NULL;
	d->h = h;
	d->max = o->max;
	d->on_data = o->on_data;
	d->on_done = o->on_done;
	d->arg = o->arg;
	d->api_url = strdup(o->api_url);
	d->token = strdup(o->token);
	(void)snprintf(d->url, URL_MAX, "%s", o->url);
	if (!d->api_url || !d->token || url_split(o->url, &d->first) < 0) {
		release(d);
		return NULL;
	}
	return d;
}

struct slack_download *slack_download(struct http *h,
				      const struct download_opts *o,
				      enum download_end *end)
{
	struct slack_download *d;
	struct err e = { 0 };

	*end = DOWNLOAD_FOREIGN;
	if (strlen(o->url) >= URL_MAX ||
	    !slack_download_allowed(o->api_url, o->url))
		return NULL;
	*end = DOWNLOAD_FAILED;
	d = make(h, o);
	if (d && fetch(d, &e) < 0) {
		release(d);
		d = NULL;
	}
	return d;
}

void slack_download_cancel(struct slack_download *d)
{
	if (!d)
		return;
	http_cancel(d->call);
	if (d->reading)
		d->gone = true;
	else
		release(d);
}
