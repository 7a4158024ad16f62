/* SPDX-License-Identifier: ISC */
#include "net/probe.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "net/frames.h"
#include "net/way.h"

#define CONNECT_MS 10000L
#define TOTAL_MS   15000L
#define BODY_MAX   ((size_t)1024 * 1024)

static void copy(char *out, size_t size, const char *s)
{
	(void)snprintf(out, size, "%s", s ? s : "");
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	return buf_add(arg, p, size * n) < 0 ? 0 : size * n;
}

static enum probe_fault fault_of(CURLcode rc, int proxy_status)
{
	if (rc == CURLE_OK)
		return PROBE_OK;
	if (proxy_status >= 300 || rc == CURLE_PROXY ||
	    rc == CURLE_COULDNT_RESOLVE_PROXY)
		return PROBE_PROXY;
	if (rc == CURLE_COULDNT_RESOLVE_HOST)
		return PROBE_DNS;
	if (rc == CURLE_COULDNT_CONNECT || rc == CURLE_OPERATION_TIMEDOUT)
		return PROBE_CONNECT;
	if (rc == CURLE_PEER_FAILED_VERIFICATION ||
	    rc == CURLE_SSL_CONNECT_ERROR || rc == CURLE_SSL_CACERT_BADFILE ||
	    rc == CURLE_SSL_CERTPROBLEM || rc == CURLE_SSL_ISSUER_ERROR)
		return PROBE_TLS;
	return PROBE_OTHER;
}

/* The first is the server's own certificate. */
static void read_certificate(struct probe *p, CURL *z)
{
	struct curl_certinfo *ci = NULL;
	struct curl_slist *s;

	curl_easy_getinfo(z, CURLINFO_CERTINFO, &ci);
	if (!ci || ci->num_of_certs < 1)
		return;
	for (s = ci->certinfo[0]; s; s = s->next) {
		if (strncmp(s->data, "Issuer:", 7) == 0)
			copy(p->issuer, sizeof(p->issuer), s->data + 7);
		else if (strncmp(s->data, "Expire date:", 12) == 0)
			p->expires_s = curl_getdate(s->data + 12, NULL);
	}
}

static const char *header(CURL *z, const char *name)
{
	struct curl_header *h;

	if (curl_easy_header(z, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return NULL;
	return h->value;
}

/* libcurl has no deadline while a proxy talks on. */
static int on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow,
		       curl_off_t ultotal, curl_off_t ulnow)
{
	const struct probe *p = arg;

	(void)dltotal;
	(void)dlnow;
	(void)ultotal;
	(void)ulnow;
	return clock_ms() > p->until_ms;
}

static CURL *begin(struct probe *p, const struct way *w, const char *url,
		   char errbuf[CURL_ERROR_SIZE])
{
	CURL *z = curl_easy_init();

	memset(p, 0, sizeof(*p));
	buf_init(&p->body, BODY_MAX);
	errbuf[0] = '\0';
	if (!z || way_set(w, z) < 0) {
		p->fault = PROBE_OTHER;
		copy(p->msg, sizeof(p->msg), "no memory");
		curl_easy_cleanup(z);
		return NULL;
	}
	curl_easy_setopt(z, CURLOPT_URL, url);
	curl_easy_setopt(z, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(z, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(z, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(z, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(z, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(z, CURLOPT_TIMEOUT_MS, TOTAL_MS);
	curl_easy_setopt(z, CURLOPT_USERAGENT, "konstructctl");
	curl_easy_setopt(z, CURLOPT_ERRORBUFFER, errbuf);
	p->until_ms = clock_ms() + TOTAL_MS;
	curl_easy_setopt(z, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(z, CURLOPT_XFERINFODATA, p);
	curl_easy_setopt(z, CURLOPT_NOPROGRESS, 0L);
	return z;
}

/*
 * Whose certificate is it that isn't trusted? Only to say so: nothing is sent
 * over that connection.
 */
static void look_at_stranger(struct probe *p, CURL *z)
{
	curl_easy_setopt(z, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(z, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(z, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(z, CURLOPT_ERRORBUFFER, NULL);
	p->until_ms = clock_ms() + TOTAL_MS;
	if (curl_easy_perform(z) == CURLE_OK)
		read_certificate(p, z);
}

static void perform(struct probe *p, CURL *z, const char *errbuf)
{
	int64_t start = clock_ms();
	CURLcode rc = curl_easy_perform(z);
	const char *date = header(z, "date");
	long status = 0, proxy_status = 0;
	char *ip = NULL;

	p->ms = clock_ms() - start;
	curl_easy_getinfo(z, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(z, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	curl_easy_getinfo(z, CURLINFO_PRIMARY_IP, &ip);
	p->status = rc == CURLE_OK ? (int)status : 0;
	p->proxy_status = (int)proxy_status;
	p->fault = fault_of(rc, p->proxy_status);
	if (rc != CURLE_OK)
		copy(p->msg, sizeof(p->msg),
		     errbuf[0] ? errbuf : curl_easy_strerror(rc));
	copy(p->addr, sizeof(p->addr), ip);
	copy(p->scopes, sizeof(p->scopes), header(z, "x-oauth-scopes"));
	if (date)
		p->date_s = curl_getdate(date, NULL);
	read_certificate(p, z);
	if (p->fault == PROBE_TLS)
		look_at_stranger(p, z);
}

void probe_http(struct probe *p, const struct way *w, const char *url,
		const char *bearer)
{
	char errbuf[CURL_ERROR_SIZE];
	CURL *z = begin(p, w, url, errbuf);

	if (!z)
		return;
	curl_easy_setopt(z, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(z, CURLOPT_WRITEDATA, &p->body);
	if (bearer) {
		curl_easy_setopt(z, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(z, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(z, CURLOPT_XOAUTH2_BEARER, bearer);
	}
	perform(p, z, errbuf);
	curl_easy_cleanup(z);
}

static bool fail(struct probe *p, const char *msg)
{
	p->fault = PROBE_OTHER;
	copy(p->msg, sizeof(p->msg), msg);
	return false;
}

/* More bytes at the end of in; false: none came, and p tells why. */
static bool receive(struct probe *p, CURL *z, struct buf *in, int64_t until)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct pollfd pfd = { .events = POLLIN };
	char piece[4096];
	size_t n = 0;
	CURLcode rc;

	curl_easy_getinfo(z, CURLINFO_ACTIVESOCKET, &fd);
	pfd.fd = fd;
	while ((rc = curl_easy_recv(z, piece, sizeof(piece), &n)) ==
	       CURLE_AGAIN) {
		if (clock_ms() >= until)
			return fail(p, "nothing came in time");
		(void)poll(&pfd, 1, 100);
	}
	if (rc != CURLE_OK || n == 0)
		return fail(p, "the connection was closed");
	if (buf_add(in, piece, n) < 0)
		return fail(p, "the answer is too large");
	return true;
}

static bool read_message(struct probe *p, CURL *z, struct buf *in,
			 int64_t until)
{
	struct frames f = { 0 };

	for (;;) {
		switch (frames_read(&f, in, &p->body)) {
		case FRAMES_TEXT:
			return true;
		case FRAMES_BAD:
			return fail(p,
				    "what came is no WebSocket, or too large");
		case FRAMES_CLOSED:
			(void)fail(p, "");
			(void)snprintf(p->msg, sizeof(p->msg),
				       "closed at once (%u)", f.code);
			return false;
		case FRAMES_MORE:
			if (!receive(p, z, in, until))
				return false;
			break;
		}
	}
}

/* All of it; a socket that has just connected has room for so little. */
static bool send_all(CURL *z, const char *p, size_t n, int64_t until)
{
	CURLcode rc;
	size_t sent;

	while (n > 0) {
		sent = 0;
		rc = curl_easy_send(z, p, n, &sent);
		if ((rc != CURLE_OK && rc != CURLE_AGAIN) ||
		    clock_ms() >= until)
			return false;
		if (rc == CURLE_AGAIN)
			(void)poll(NULL, 0, 10);
		p += sent;
		n -= sent;
	}
	return true;
}

static bool upgrade(struct probe *p, CURL *z, const char *url, struct buf *in,
		    int64_t until)
{
	const char *host = strstr(url, "://") + 3;
	size_t n = strcspn(host, "/?");
	struct buf out;
	char *end = NULL;
	bool sent;

	buf_init(&out, 8192);
	buf_addf(&out,
		 "GET %s HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\n"
		 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		 "Sec-WebSocket-Key: a29uc3RydWN0ZG9jdG9yMQ==\r\n\r\n",
		 host[n] ? host + n : "/", (int)n, host);
	sent = !out.failed && send_all(z, out.data, out.len, until);
	if (out.data)
		explicit_bzero(out.data, out.size);
	buf_release(&out);
	if (!sent)
		return fail(p, "cannot ask for a WebSocket");
	do {
		if (!receive(p, z, in, until))
			return false;
		end = strstr(in->data, "\r\n\r\n");
	} while (!end);
	if (strncmp(in->data, "HTTP/1.1 ", 9) == 0)
		p->status = (int)strtol(in->data + 9, NULL, 10);
	if (p->status != 101) {
		(void)fail(p, "the upgrade to WebSocket was refused");
		p->fault = PROBE_UPGRADE;
		return false;
	}
	buf_shift(in, (size_t)(end - in->data) + 4);
	return true;
}

void probe_ws(struct probe *p, const struct way *w, const char *url)
{
	static const char goodbye[] = "\x88\x82\0\0\0\0\x03\xe8";
	bool tls = strncasecmp(url, "wss://", 6) == 0;
	int64_t until = clock_ms() + TOTAL_MS;
	char errbuf[CURL_ERROR_SIZE];
	char http_url[2200];
	struct buf in;
	size_t n;
	CURL *z;

	(void)snprintf(http_url, sizeof(http_url), "%s%s",
		       tls ? "https" : "http", strstr(url, "://"));
	z = begin(p, w, http_url, errbuf);
	explicit_bzero(http_url, sizeof(http_url));
	if (!z)
		return;
	curl_easy_setopt(z, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(z, CURLOPT_SSL_ENABLE_ALPN, 0L);
	perform(p, z, errbuf);
	buf_init(&in, BODY_MAX + 8192);
	if (p->fault == PROBE_OK && upgrade(p, z, url, &in, until) &&
	    read_message(p, z, &in, until))
		(void)curl_easy_send(z, goodbye, sizeof(goodbye) - 1, &n);
	buf_release(&in);
	curl_easy_cleanup(z);
}

void probe_release(struct probe *p)
{
	buf_release(&p->body);
}
