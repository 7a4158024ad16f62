/* SPDX-License-Identifier: ISC */
#include "sim/http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/core.h"

#define HEAD_MAX ((size_t)32 << 10)

const char *http_header(const struct request *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->nheaders; i++) {
		if (strcmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	}
	return NULL;
}

const char *http_bearer(const struct request *r)
{
	const char *v = http_header(r, "authorization");

	if (!v || strncasecmp(v, "Bearer ", 7) != 0)
		return NULL;
	return v + 7 + strspn(v + 7, " ");
}

/* Ends the line at p and returns the start of the next one. */
static char *cut_line(char *p)
{
	char *nl = strchr(p, '\n');

	if (nl > p && nl[-1] == '\r')
		nl[-1] = '\0';
	*nl = '\0';
	return nl + 1;
}

/* "POST /path?query HTTP/1.1" */
static int parse_line(struct request *r, char *line)
{
	char *target, *version, *query;

	target = strchr(line, ' ');
	version = target ? strchr(target + 1, ' ') : NULL;
	if (!version || strncmp(version + 1, "HTTP/1.", 7) != 0)
		return -1;
	*target++ = '\0';
	*version++ = '\0';
	query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	r->method = line;
	r->path = target;
	r->query = query ? query : "";
	r->keep = strcmp(version, "HTTP/1.0") != 0;
	return *target == '/' ? 0 : -1;
}

static int parse_header(struct request *r, char *line)
{
	char *colon = strchr(line, ':');
	char *p, *end;

	if (!colon || r->nheaders == HTTP_HEADERS)
		return -1;
	*colon = '\0';
	for (p = line; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	p = colon + 1 + strspn(colon + 1, " \t");
	end = p + strlen(p);
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	r->headers[r->nheaders].name = line;
	r->headers[r->nheaders].value = p;
	r->nheaders++;
	return 0;
}

/* head is NUL-terminated behind its empty line. */
static int parse_head(struct request *r, char *head)
{
	char *next = cut_line(head);
	const char *v;
	char *line;

	if (parse_line(r, head) < 0)
		return -1;
	for (line = next; *line; line = next) {
		next = cut_line(line);
		if (!*line)
			break;
		if (parse_header(r, line) < 0)
			return -1;
	}
	v = http_header(r, "connection");
	if (v && strcasecmp(v, "close") == 0)
		r->keep = false;
	return 0;
}

static size_t head_len(const struct buf *in)
{
	char *end = NULL;

	if (in->len > 0)
		end = memmem(in->data, in->len, "\r\n\r\n", 4);
	return end ? (size_t)(end - in->data) + 4 : 0;
}

/*
 * A chunked body, joined in place. 1 with *used bytes taken and *len left, 0
 * when more must come (nothing changed), -1 when malformed.
 */
static int unchunk(char *p, size_t n, size_t *used, size_t *len, bool join)
{
	size_t at = 0;
	size_t size;
	char *end;

	*len = 0;
	for (;;) {
		end = memchr(p + at, '\n', n - at);
		if (!end)
			return 0;
		if (!isxdigit((unsigned char)p[at]))
			return -1;
		size = strtoul(p + at, NULL, 16);
		at = (size_t)(end - p) + 1;
		if (size > SIM_BODY_MAX)
			return -1;
		if (n - at < size + 2)
			return 0;
		if (join)
			memmove(p + *len, p + at, size);
		*len += size;
		at += size + 2;
		if (size == 0) {
			*used = at;
			return 1;
		}
	}
}

static void refuse(struct conn *c, int status)
{
	c->keep = false;
	http_reply(c, status, "text/plain", NULL, "", 0);
}

/* Sets what is to be expected behind the head. */
static int expect_body(struct conn *c, struct request *r)
{
	static const char go[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const char *v = http_header(r, "transfer-encoding");

	r->chunked = v && strcasecmp(v, "chunked") == 0;
	v = http_header(r, "content-length");
	r->len = v ? strtoul(v, NULL, 10) : 0;
	if (r->len > SIM_BODY_MAX)
		return -1;
	/* curl waits a second for this before it sends a large body. */
	v = http_header(r, "expect");
	if (v && strcasecmp(v, "100-continue") == 0)
		conn_send(c, go, sizeof(go) - 1);
	return 0;
}

/* 1 when a head is there (now), 0 when not yet, -1 when malformed. */
static int take_head(struct conn *c)
{
	struct request *r;
	size_t n;

	if (c->request)
		return 1;
	n = head_len(&c->in);
	if (n == 0)
		return c->in.len > HEAD_MAX ? -1 : 0;
	r = must_alloc(sizeof(*r) + n + 1);
	memcpy(r->head, c->in.data, n);
	c->request = r;
	buf_shift(&c->in, n);
	if (memchr(r->head, '\0', n) || parse_head(r, r->head) < 0 ||
	    expect_body(c, r) < 0)
		return -1;
	return 1;
}

/* 1 with the bytes of it in *used, 0, -1 as above. */
static int take_body(struct conn *c, struct request *r, size_t *used)
{
	int rc;

	*used = r->len;
	if (!r->chunked)
		return c->in.len >= r->len;
	if (c->in.len == 0)
		return 0;
	rc = unchunk(c->in.data, c->in.len, used, &r->len, false);
	if (rc > 0)
		unchunk(c->in.data, c->in.len, used, &r->len, true);
	return rc;
}

/* A pipelined request may begin where the body gets its NUL. */
static void dispatch(struct conn *c, struct request *r, size_t used)
{
	char after = '\0';

	c->request = NULL;
	c->keep = r->keep;
	r->body = "";
	if (r->len > 0) {
		after = c->in.data[r->len];
		c->in.data[r->len] = '\0';
		r->body = c->in.data;
	}
	c->serving = true;
	c->s->stats.requests++;
	serve(c, r);
	c->serving = false;
	if (!c->dead) {
		if (r->len > 0)
			c->in.data[r->len] = after;
		buf_shift(&c->in, used);
	}
	free(r);
}

void http_readable(struct conn *c)
{
	size_t used;
	int rc;

	while (!c->dead && !c->serving && c->mode == CONN_HTTP &&
	       !c->end_flushed) {
		rc = take_head(c);
		if (rc > 0)
			rc = take_body(c, c->request, &used);
		if (rc < 0)
			refuse(c, 400);
		if (rc <= 0)
			return;
		dispatch(c, c->request, used);
	}
}

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} known[] = {
		{ 200, "OK" },
		{ 302, "Found" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].status == status)
			return known[i].text;
	}
	return "Status";
}

/* As Slack tells it, which is how clocks are compared. */
static const char *http_date(char out[40])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	return out;
}

void http_reply(struct conn *c, int status, const char *type, const char *extra,
		const char *body, size_t len)
{
	char head[4096], date[40];
	int n;

	n = snprintf(head, sizeof(head),
		     "HTTP/1.1 %d %s\r\nServer: konstruct-sim\r\nDate: %s\r\n"
		     "Content-Type: %s\r\nContent-Length: %zu\r\n%s%s\r\n",
		     status, reason(status), http_date(date), type, len,
		     c->keep ? "" : "Connection: close\r\n",
		     extra ? extra : "");
	if (n < 0 || n >= (int)sizeof(head))
		abort();
	if (c->mode == CONN_BUSY) {
		buf_add(&c->held, head, (size_t)n);
		buf_add(&c->held, body, len);
		return;
	}
	conn_send(c, head, (size_t)n);
	conn_send(c, body, len);
	c->end_flushed = !c->keep;
}

void http_hold(struct conn *c)
{
	c->mode = CONN_BUSY;
}

static void idle(struct conn *c)
{
	c->mode = CONN_HTTP;
	c->end_flushed = !c->keep;
	conn_dirty(c);
	http_readable(c);
}

void http_release(struct conn *c)
{
	conn_send(c, c->held.data, c->held.len);
	buf_release(&c->held);
	idle(c);
}

void http_chunk_start(struct conn *c, int status, const char *type)
{
	char head[256];
	int n;

	n = snprintf(head, sizeof(head),
		     "HTTP/1.1 %d %s\r\nServer: konstruct-sim\r\n"
		     "Content-Type: %s\r\nCache-Control: no-cache\r\n"
		     "Transfer-Encoding: chunked\r\n%s\r\n",
		     status, reason(status), type,
		     c->keep ? "" : "Connection: close\r\n");
	c->mode = CONN_BUSY;
	conn_send(c, head, (size_t)n);
}

void http_chunk(struct conn *c, const char *p, size_t n)
{
	char size[16];

	conn_send(c, size, (size_t)snprintf(size, sizeof(size), "%zx\r\n", n));
	conn_send(c, p, n);
	conn_send(c, "\r\n", 2);
}

void http_chunk_end(struct conn *c)
{
	conn_send(c, "0\r\n\r\n", 5);
	idle(c);
}
