/* SPDX-License-Identifier: ISC */
#include "net/call.h"

#include <stdlib.h>
#include <string.h>

#include "net/http.h"
#include "net/way.h"

/* libcurl keeps an address for a minute, also one where nobody answers. */
#define DNS_CACHE_S 2L

/* Who says more doesn't mean it, and nobody is to stay away for days. */
#define RETRY_AFTER_MAX_S 3600

#define SPARE_BODY_MAX (16 * 1024) /* what a call without request may hold */

/* What was said to the agent stands there, or what renews a token. */
static void forget_body(struct http_call *c)
{
	if (c->body)
		explicit_bzero(c->body, c->body_len);
	free(c->body);
	c->body = NULL;
}

/*
 * A long prompt isn't held for as long as its answer takes. The server may
 * have begun to answer before it had all.
 */
static void drop_sent_body(struct http_call *c)
{
	curl_off_t n = 0;

	curl_easy_getinfo(c->easy, CURLINFO_SIZE_UPLOAD_T, &n);
	if (c->body && n == (curl_off_t)c->body_len)
		forget_body(c);
}

static int take_body(struct http_call *c, const char *p, size_t n)
{
	long status = 0;

	if (n > c->max_body - c->got) {
		c->fail = "the answer is too large";
		return -1;
	}
	c->heard = uv_now(c->timer.loop);
	c->got += n;
	if (c->got == n)
		drop_sent_body(c);
	if (c->on_data) {
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
		if (status >= 200 && status < 300) {
			if (c->on_data(p, n, c->arg) == 0)
				return 0;
			c->fail = "ended by the reader";
			return -1;
		}
	}
	if (buf_add(&c->in, p, n) < 0) {
		c->fail = "no memory for the answer";
		return -1;
	}
	return 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	int rc;

	n *= size;
	if (n == 0 || c->cancelled || c->fail)
		return 0;
	suspect_resume(&c->who);
	rc = take_body(c, p, n);
	suspect_leave();
	return rc < 0 || c->cancelled ? 0 : n;
}

static int on_send(void *arg, char *ip, char *local_ip, int port,
		   int local_port)
{
	struct http_call *c = arg;

	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	if (c->tries > 0 && !c->repeat) {
		c->fail = "the connection died before the answer";
		return CURL_PREREQFUNC_ABORT;
	}
	c->tries++;
	return CURL_PREREQFUNC_OK;
}

static int on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow,
		       curl_off_t ultotal, curl_off_t ulnow)
{
	struct http_call *c = arg;

	(void)dltotal;
	(void)dlnow;
	(void)ultotal;
	(void)ulnow;
	if (!mux_endless(&c->turn, c->timer.loop))
		return 0;
	c->fail = "the proxy's answer has no end";
	return 1;
}

/* What is the same for all calls: a handle keeps it from call to call. */
static void set_options(struct http_call *c, CURLSH *share)
{
	CURL *z = c->easy;

	curl_easy_setopt(z, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(z, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(z, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(z, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
	/* A burst to a host that talks HTTP/2 shares the first connection. */
	curl_easy_setopt(z, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(z, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(z, CURLOPT_SHARE, share);
	curl_easy_setopt(z, CURLOPT_DNS_CACHE_TIMEOUT, DNS_CACHE_S);
	curl_easy_setopt(z, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(z, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(z, CURLOPT_BUFFERSIZE, 4096L);
	curl_easy_setopt(z, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
	curl_easy_setopt(z, CURLOPT_USERAGENT, "konstructd");
	curl_easy_setopt(z, CURLOPT_ERRORBUFFER, c->errbuf);
	curl_easy_setopt(z, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(z, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(z, CURLOPT_PREREQFUNCTION, on_send);
	curl_easy_setopt(z, CURLOPT_PREREQDATA, c);
	curl_easy_setopt(z, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(z, CURLOPT_XFERINFODATA, c);
	curl_easy_setopt(z, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(z, CURLOPT_PRIVATE, c);
}

struct http_call *call_create(struct http *h, uv_loop_t *uv, CURLSH *share)
{
	struct http_call *c;

	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->easy = curl_easy_init();
	if (!c->easy) {
		free(c);
		return NULL;
	}
	c->http = h;
	uv_timer_init(uv, &c->timer);
	c->timer.data = c;
	set_options(c, share);
	return c;
}

static void free_timer(uv_handle_t *timer)
{
	free(timer->data);
}

void call_free(struct http_call *c)
{
	curl_easy_cleanup(c->easy);
	buf_release(&c->in);
	uv_close((uv_handle_t *)&c->timer, free_timer);
}

static char *join(const char *a, const char *b)
{
	size_t na = strlen(a);
	size_t nb = strlen(b);
	char *s = malloc(na + nb + 1);

	if (s) {
		memcpy(s, a, na);
		memcpy(s + na, b, nb + 1);
	}
	return s;
}

/* libcurl reads the list and keeps none of it, so it needs no copies. */
static int set_headers(struct http_call *c, const struct http_request *r)
{
	static char no_expect[] = "Expect:";
	struct curl_slist *list = NULL;
	struct curl_slist *s = c->headers;

	if (r->body) {
		*s = (struct curl_slist){ no_expect, list };
		list = s++;
	}
	if (r->content_type) {
		c->type = join("Content-Type: ", r->content_type);
		if (!c->type)
			return -1;
		*s = (struct curl_slist){ c->type, list };
		list = s++;
	}
	if (r->bearer) {
		c->secret = join("Authorization: Bearer ", r->bearer);
		if (!c->secret)
			return -1;
		*s = (struct curl_slist){ c->secret, list };
		list = s++;
	}
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, list);
	return 0;
}

static int set_body(struct http_call *c, const struct http_request *r)
{
	c->body_len = r->body ? r->body_len : 0;
	c->body = malloc(c->body_len + 1);
	if (!c->body)
		return -1;
	if (c->body_len > 0)
		memcpy(c->body, r->body, c->body_len);
	curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->body);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE,
			 (curl_off_t)c->body_len);
	return 0;
}

int call_set(struct http_call *c, const struct http_request *r,
	     const struct way *way)
{
	bool get = strcmp(r->method, "GET") == 0;

	c->errbuf[0] = '\0';
	c->fail = NULL;
	c->timeout = c->added = c->cancelled = false;
	c->tries = 0;
	c->got = 0;

	if (curl_easy_setopt(c->easy, CURLOPT_URL, r->url) != CURLE_OK)
		return -1;
	if (way_set(way, c->easy) < 0)
		return -1;
	if (get)
		curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
	else if (set_body(c, r) < 0)
		return -1;
	curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)r->connect_ms);
	c->first_byte_ms = r->first_byte_ms;
	c->idle_ms = r->idle_ms;
	c->total_ms = r->total_ms;
	c->max_body = r->max_body;
	c->in.cap = r->max_body;
	c->repeat = get || r->repeat;
	suspect_take(&c->who);
	c->on_data = r->on_data;
	c->on_done = r->on_done;
	c->arg = r->arg;
	return set_headers(c, r);
}

void call_clear(struct http_call *c)
{
	if (c->secret)
		explicit_bzero(c->secret, strlen(c->secret));
	free(c->secret);
	free(c->type);
	forget_body(c);
	c->secret = NULL;
	c->type = NULL;
	if (c->in.data)
		explicit_bzero(c->in.data, c->in.len);
	buf_reset(&c->in);
	if (c->in.size > SPARE_BODY_MAX)
		buf_release(&c->in);
}

static unsigned int retry_after_ms(struct http_call *c)
{
	curl_off_t s = 0;

	if (curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &s) != CURLE_OK ||
	    s <= 0)
		return 0;
	if (s > RETRY_AFTER_MAX_S)
		s = RETRY_AFTER_MAX_S;
	return (unsigned int)s * 1000;
}

static const char *header(struct http_call *c, const char *name)
{
	struct curl_header *h;

	if (curl_easy_header(c->easy, name, 0, CURLH_HEADER, -1, &h) !=
	    CURLHE_OK)
		return NULL;
	return h->value;
}

static const char *failure(const struct http_call *c, CURLcode rc)
{
	if (c->fail)
		return c->fail;
	return c->errbuf[0] ? c->errbuf : curl_easy_strerror(rc);
}

/* Whole, also when the server named only a path. */
static const char *location(struct http_call *c)
{
	char *url = NULL;

	curl_easy_getinfo(c->easy, CURLINFO_REDIRECT_URL, &url);
	return url;
}

void call_result(struct http_call *c, CURLcode rc, struct http_result *r)
{
	long status = 0;

	memset(r, 0, sizeof(*r));
	r->body = "";
	r->sent = c->tries > 0;
	r->resent = c->tries > 1;
	r->timeout = c->timeout || rc == CURLE_OPERATION_TIMEDOUT;
	if (rc != CURLE_OK || c->fail) {
		r->msg = failure(c, rc);
		return;
	}
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	r->status = (int)status;
	r->retry_after_ms = retry_after_ms(c);
	r->scopes = header(c, "x-oauth-scopes");
	r->location = location(c);
	if (c->in.data)
		r->body = c->in.data;
	r->len = c->in.len;
}
