/* SPDX-License-Identifier: ISC */
#include "sim/client.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "sim/util.h"

#define ANSWER_MAX ((size_t)64 << 20)

struct client {
	char host[128];
	char port[8];
	SSL_CTX *tls;
	int fd;
	SSL *ssl;
	struct buf in;
};

static int parse_url(struct client *c, const char *url, bool *tls)
{
	int n = 0;

	*tls = strncmp(url, "https://", 8) == 0;
	if (!*tls && strncmp(url, "http://", 7) != 0)
		return -1;
	url += *tls ? 8 : 7;
	snprintf(c->port, sizeof(c->port), "%s", *tls ? "443" : "80");
	if (sscanf(url, "%127[^:/]%n:%7[0-9]%n", c->host, &n, c->port, &n) < 1)
		return -1;
	return url[n] == '\0' || url[n] == '/' ? 0 : -1;
}

struct client *client_create(const char *url, const char *ca, struct err *e)
{
	struct client *c = must_alloc(sizeof(*c));
	bool tls;

	c->fd = -1;
	buf_init(&c->in, ANSWER_MAX);
	if (parse_url(c, url, &tls) < 0) {
		err_set(e, ERR_INPUT, "not http(s)://HOST[:PORT]: '%s'", url);
		goto fail;
	}
	if (!tls)
		return c;
	c->tls = SSL_CTX_new(TLS_client_method());
	if (!c->tls || (ca && SSL_CTX_load_verify_file(c->tls, ca) != 1)) {
		err_set(e, ERR_INPUT, "cannot read '%s'", ca ? ca : "CA");
		goto fail;
	}
	SSL_CTX_set_verify(c->tls, SSL_VERIFY_PEER, NULL);
	return c;
fail:
	client_free(c);
	return NULL;
}

static void hang_up(struct client *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_reset(&c->in);
}

void client_free(struct client *c)
{
	if (!c)
		return;
	hang_up(c);
	SSL_CTX_free(c->tls);
	buf_release(&c->in);
	free(c);
}

static int dial_tcp(struct client *c, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;
	struct addrinfo *a;
	int rc;

	rc = getaddrinfo(c->host, c->port, &hints, &all);
	if (rc != 0)
		return err_set(e, ERR_RETRY, "cannot resolve '%s': %s", c->host,
			       gai_strerror(rc));
	for (a = all; a && c->fd < 0; a = a->ai_next) {
		c->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (c->fd >= 0 && connect(c->fd, a->ai_addr, a->ai_addrlen) < 0)
			hang_up(c);
	}
	freeaddrinfo(all);
	if (c->fd < 0)
		return err_set(e, ERR_RETRY, "cannot connect to %s:%s: %s",
			       c->host, c->port, strerror(errno));
	return 0;
}

static int dial(struct client *c, struct err *e)
{
	if (c->fd >= 0)
		return 0;
	if (dial_tcp(c, e) < 0)
		return -1;
	if (!c->tls)
		return 0;
	c->ssl = SSL_new(c->tls);
	if (!c->ssl || SSL_set1_host(c->ssl, c->host) != 1 ||
	    SSL_set_tlsext_host_name(c->ssl, c->host) != 1 ||
	    SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1) {
		hang_up(c);
		return err_set(e, ERR_RETRY, "TLS with %s failed (--ca?)",
			       c->host);
	}
	return 0;
}

static int put(struct client *c, const char *p, size_t n)
{
	ssize_t rc;

	while (n > 0) {
		rc = c->ssl ? SSL_write(c->ssl, p, (int)n)
			    : send(c->fd, p, n, MSG_NOSIGNAL);
		if (rc <= 0)
			return -1;
		p += rc;
		n -= (size_t)rc;
	}
	return 0;
}

static int get(struct client *c)
{
	char part[16384];
	ssize_t rc;

	rc = c->ssl ? SSL_read(c->ssl, part, sizeof(part))
		    : recv(c->fd, part, sizeof(part), 0);
	return rc > 0 ? buf_add(&c->in, part, (size_t)rc) : -1;
}

/* The simulator always tells the length. */
static int read_answer(struct client *c, size_t *head, size_t *len)
{
	const char *end = NULL;
	const char *p;

	buf_reset(&c->in);
	while (!end) {
		if (get(c) < 0)
			return -1;
		end = strstr(c->in.data, "\r\n\r\n");
	}
	p = strstr(c->in.data, "Content-Length: ");
	if (!p || p > end)
		return -1;
	*len = strtoul(p + 16, NULL, 10);
	*head = (size_t)(end - c->in.data) + 4;
	while (c->in.len < *head + *len) {
		if (get(c) < 0)
			return -1;
	}
	return 0;
}

static int exchange(struct client *c, const char *name, const char *body,
		    size_t *head, size_t *len)
{
	struct buf b;
	int rc;

	buf_init(&b, ANSWER_MAX);
	buf_addf(&b,
		 "POST /ctl/%s HTTP/1.1\r\nHost: %s\r\n"
		 "Content-Type: application/json\r\nContent-Length: %zu\r\n"
		 "\r\n",
		 name, c->host, strlen(body));
	buf_adds(&b, body);
	rc = b.failed ? -1 : put(c, b.data, b.len);
	buf_release(&b);
	if (rc == 0)
		rc = read_answer(c, head, len);
	if (rc < 0)
		hang_up(c);
	return rc;
}

struct json *client_call(struct client *c, const char *name, const char *body,
			 struct err *e)
{
	size_t head = 0;
	size_t len = 0;
	struct json *j;
	int tries;
	int rc = -1;

	for (tries = 0; tries < 2 && rc < 0; tries++) {
		if (dial(c, e) < 0)
			return NULL;
		rc = exchange(c, name, body ? body : "", &head, &len);
	}
	if (rc < 0) {
		err_set(e, ERR_RETRY, "the simulator hung up");
		return NULL;
	}
	j = json_parse(c->in.data + head, len, ANSWER_MAX, e);
	if (j && !json_bool(j, "ok", false)) {
		err_set(e, ERR_INPUT, "%s",
			json_str(j, "error") ? json_str(j, "error")
					     : "refused");
		json_free(j);
		return NULL;
	}
	return j;
}
