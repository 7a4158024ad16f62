/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/web.h"
#include "admin/web_in.h"
#include "base/buf.h"

#define PATH_SIZE   256
#define HOST_SIZE   256
#define CHUNK       16384
#define HEADERS_MAX 1024
#define NO_CONTENT  "default-src 'none'; frame-ancestors 'none'"

/* Slack may be asked meanwhile. */
#define SERVE_S 300

struct web_request {
	struct lws *wsi; /* NULL once the client has gone */
	struct web *web;
	bool head;
	bool serving; /* between serve and web_reply() */
	bool served;
	bool unread; /* its body is not wanted */
	char method[8];
	char path[PATH_SIZE];
	char host[HOST_SIZE];
	size_t body_max;
	struct buf body;
	int status;
	const char *type;   /* NULL: JSON */
	const char *policy; /* NULL: NO_CONTENT */
	struct buf out;
	size_t sent;
	bool headers_sent;
};

/* What libwebsockets keeps for each connection of ours. */
struct session {
	struct web_request *request;
};

static void request_free(struct web_request *r)
{
	if (!r)
		return;
	/* Tokens come this way. */
	if (r->body.data)
		explicit_bzero(r->body.data, r->body.size);
	buf_release(&r->body);
	buf_release(&r->out);
	free(r);
}

/* The connection is done with its request. */
static void detach(struct session *s)
{
	struct web_request *r = s ? s->request : NULL;

	if (!r)
		return;
	s->request = NULL;
	r->wsi = NULL;
	if (!r->serving)
		request_free(r);
}

void web_type(struct web_request *r, const char *type)
{
	r->type = type;
}

void web_policy(struct web_request *r, const char *policy)
{
	r->policy = policy;
}

void web_reply(struct web_request *r, int status, struct buf *body)
{
	struct buf empty;

	r->serving = false;
	if (!r->wsi) {
		request_free(r);
		return;
	}
	buf_init(&empty, body->cap);
	r->status = body->failed ? 500 : status;
	r->out = *body;
	*body = empty;
	lws_set_timeout(r->wsi, PENDING_TIMEOUT_HTTP_CONTENT, WEB_CLIENT_S);
	lws_callback_on_writable(r->wsi);
}

static int refuse(struct web_request *r, int status, const char *why)
{
	struct buf out;

	buf_init(&out, 256);
	buf_addf(&out, "{\"error\":\"%s\"}", why);
	web_reply(r, status, &out);
	return 0;
}

static int serve(struct web_request *r)
{
	const struct caller *c = lws_get_opaque_user_data(r->wsi);
	const struct web_view view = {
		.peer = c->local ? &c->peer : NULL,
		.method = r->method,
		.path = r->path,
		.host = r->host,
		.loopback = c->loopback,
		.body = r->body.data ? r->body.data : "",
		.len = r->body.len,
	};

	/* lws completes a body of no bytes, too, for some methods. */
	if (r->served || r->status != 0)
		return 0;
	r->served = true;
	r->serving = true;
	lws_set_timeout(r->wsi, PENDING_TIMEOUT_HTTP_CONTENT, SERVE_S);
	r->web->opts.serve(r, &view, r->web->opts.arg);
	return 0;
}

static const char *method_of(struct lws *wsi)
{
	char *uri;
	int len;

	switch (lws_http_get_uri_and_method(wsi, &uri, &len)) {
	case LWSHUMETH_GET:
		return "GET";
	case LWSHUMETH_HEAD:
		return "HEAD";
	case LWSHUMETH_POST:
		return "POST";
	case LWSHUMETH_PUT:
		return "PUT";
	case LWSHUMETH_DELETE:
		return "DELETE";
	default:
		return "?";
	}
}

/* -1 when the request says none, or nonsense. */
static long content_length(struct lws *wsi)
{
	char text[24];
	char *end;
	long n;

	if (lws_hdr_copy(wsi, text, sizeof(text),
			 WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0)
		return -1;
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || n < 0)
		return -1;
	return n;
}

/* Headers are complete; path is lws' own, decoded. */
static int begin(struct lws *wsi, struct session *s, const char *path)
{
	struct web *w = lws_context_user(lws_get_context(wsi));
	const struct caller *c = lws_get_opaque_user_data(wsi);
	const char *method = method_of(wsi);
	struct web_request *r;
	bool has_body;
	long len;

	detach(s);
	r = calloc(1, sizeof(*r));
	if (!r)
		return -1;
	s->request = r;
	r->wsi = wsi;
	r->web = w;
	if (lws_hdr_copy(wsi, r->host, sizeof(r->host), WSI_TOKEN_HOST) < 0)
		r->host[0] = '\0';
	r->head = strcmp(method, "HEAD") == 0;
	(void)snprintf(r->method, sizeof(r->method), "%s",
		       r->head ? "GET" : method);
	r->body_max = w->opts.body_max(path);
	buf_init(&r->body, r->body_max);

	if (strlen(path) >= sizeof(r->path))
		return refuse(r, 414, "path is too long");
	memcpy(r->path, path, strlen(path) + 1);
	len = content_length(wsi);
	has_body = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
	r->unread = !c->kept && (len > 0 || (len < 0 && has_body));
	if (r->unread)
		return serve(r);
	if (len < 0 && has_body)
		return refuse(r, 411, "no content-length");
	if (len > (long)r->body_max)
		return refuse(r, 413, "body is too large");
	return len > 0 ? 0 : serve(r);
}

static int body(struct session *s, const void *p, size_t n)
{
	struct web_request *r = s->request;

	/* Refused by its headers: what follows is read and dropped. */
	if (!r || r->status != 0 || r->unread)
		return 0;
	return buf_add(&r->body, p, n);
}

/* What a browser is to know of an answer, whatever is asked for. */
static int add_browser_headers(struct web_request *r, unsigned char **p,
			       unsigned char *end)
{
	const char *const headers[][2] = {
		{ "cache-control:", "no-store" },
		{ "x-content-type-options:", "nosniff" },
		{ "referrer-policy:", "no-referrer" },
		{ "cross-origin-resource-policy:", "same-origin" },
		{ "content-security-policy:",
		  r->policy ? r->policy : NO_CONTENT },
	};
	size_t i;

	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (lws_add_http_header_by_name(
			    r->wsi, (const unsigned char *)headers[i][0],
			    (const unsigned char *)headers[i][1],
			    (int)strlen(headers[i][1]), p, end) != 0)
			return -1;
	return 0;
}

static int send_headers(struct web_request *r)
{
	unsigned char block[LWS_PRE + HEADERS_MAX];
	unsigned char *start = block + LWS_PRE;
	unsigned char *p = start;
	unsigned char *end = block + sizeof(block) - 1;

	if (lws_add_http_common_headers(r->wsi, (unsigned int)r->status,
					r->type ? r->type : "application/json",
					r->out.len, &p, end) != 0)
		return -1;
	if (add_browser_headers(r, &p, end) < 0)
		return -1;
	if (lws_finalize_write_http_header(r->wsi, start, &p, end) != 0)
		return -1;
	r->headers_sent = true;
	return 0;
}

static int complete(struct lws *wsi, struct session *s)
{
	/* Of a body that was refused, the rest would look like a request. */
	bool close = s->request->unread || s->request->status == 411 ||
		     s->request->status == 413;

	detach(s);
	if (close || lws_http_transaction_completed(wsi) != 0)
		return -1;
	return 0;
}

static int send_chunk(struct web_request *r)
{
	unsigned char block[LWS_PRE + CHUNK];
	size_t n = r->out.len - r->sent;
	enum lws_write_protocol how = LWS_WRITE_HTTP_FINAL;

	if (n > CHUNK) {
		n = CHUNK;
		how = LWS_WRITE_HTTP;
	}
	memcpy(block + LWS_PRE, r->out.data + r->sent, n);
	if (lws_write(r->wsi, block + LWS_PRE, n, how) < (int)n)
		return -1;
	r->sent += n;
	return 0;
}

static int writeable(struct lws *wsi, struct session *s)
{
	struct web_request *r = s->request;

	if (!r || r->status == 0)
		return 0;
	if (!r->headers_sent) {
		if (send_headers(r) < 0)
			return -1;
		if (r->head || r->out.len == 0)
			return complete(wsi, s);
		lws_callback_on_writable(wsi);
		return 0;
	}
	if (send_chunk(r) < 0)
		return -1;
	if (r->sent == r->out.len)
		return complete(wsi, s);
	lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, WEB_CLIENT_S);
	lws_callback_on_writable(wsi);
	return 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason,
		   void *user, void *in, size_t len)
{
	struct session *s = user;

	switch (reason) {
	case LWS_CALLBACK_HTTP:
		return begin(wsi, s, in);
	case LWS_CALLBACK_HTTP_BODY:
		return body(s, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return s->request ? serve(s->request) : 0;
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return writeable(wsi, s);
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
	case LWS_CALLBACK_CLOSED_HTTP:
		detach(s);
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		web_caller_free(lws_get_opaque_user_data(wsi));
		return 0;
	default:
		/* A server that takes upgrades would have to say so. */
		return 0;
	}
}

const struct lws_protocols web_protocols[] = {
	{ "http", on_http, sizeof(struct session), 0, 0, NULL, 0 },
	{ NULL, NULL, 0, 0, 0, NULL, 0 },
};
