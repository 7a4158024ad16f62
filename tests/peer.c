/* SPDX-License-Identifier: ISC */
#include "peer.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define IN_MAX      ((size_t)4 << 20)
#define DEADLINE_MS 20000

struct peer {
	int fd;
	SSL_CTX *tls;
	SSL *ssl;
	char *in;
	size_t len;
	struct answer answer;
	char *text;
};

static void start_tls(struct peer *p, const char *ca)
{
	p->tls = SSL_CTX_new(TLS_client_method());
	ck_assert_ptr_nonnull(p->tls);
	ck_assert_int_eq(SSL_CTX_load_verify_file(p->tls, ca), 1);
	SSL_CTX_set_verify(p->tls, SSL_VERIFY_PEER, NULL);
	p->ssl = SSL_new(p->tls);
	ck_assert_int_eq(SSL_set1_host(p->ssl, "localhost"), 1);
	ck_assert_int_eq(SSL_set_fd(p->ssl, p->fd), 1);
	ck_assert_int_eq(SSL_connect(p->ssl), 1);
}

struct peer *peer_open(int port, const char *ca)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval limit = { .tv_sec = DEADLINE_MS / 1000 };
	struct peer *p = calloc(1, sizeof(*p));

	ck_assert_ptr_nonnull(p);
	p->in = malloc(IN_MAX + 1);
	ck_assert_ptr_nonnull(p->in);
	to.sin_port = htons((uint16_t)port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	ck_assert_int_eq(connect(p->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	if (ca)
		start_tls(p, ca);
	return p;
}

void peer_close(struct peer *p)
{
	if (!p)
		return;
	SSL_free(p->ssl);
	SSL_CTX_free(p->tls);
	close(p->fd);
	free(p->in);
	free(p->answer.body);
	free(p->text);
	free(p);
}

void peer_raw(struct peer *p, const void *bytes, size_t n)
{
	if (p->ssl)
		ck_assert_int_eq(SSL_write(p->ssl, bytes, (int)n), (int)n);
	else
		ck_assert_int_eq(send(p->fd, bytes, n, MSG_NOSIGNAL),
				 (ssize_t)n);
}

/* false when the peer ended the connection. */
static bool more(struct peer *p)
{
	size_t room = IN_MAX - p->len;
	ssize_t n;

	ck_assert_uint_gt(room, 0);
	do {
		errno = 0;
		if (p->ssl)
			n = SSL_read(p->ssl, p->in + p->len, (int)room);
		else
			n = recv(p->fd, p->in + p->len, room, 0);
	} while (n < 0 && errno == EINTR); /* a stop ends what has a limit */
	if (n <= 0)
		return false;
	p->len += (size_t)n;
	p->in[p->len] = '\0';
	return true;
}

static void drop(struct peer *p, size_t n)
{
	memmove(p->in, p->in + n, p->len - n);
	p->len -= n;
	p->in[p->len] = '\0';
}

void peer_send(struct peer *p, const char *path, const char *token,
	       const char *type, const char *body)
{
	size_t size = strlen(body) + strlen(path) + 512;
	char *text = malloc(size);
	int n;

	n = snprintf(text, size,
		     "POST %s HTTP/1.1\r\nHost: localhost\r\n"
		     "Authorization: Bearer %s\r\nContent-Type: %s\r\n"
		     "Content-Length: %zu\r\n\r\n%s",
		     path, token ? token : "",
		     type ? type : "application/x-www-form-urlencoded",
		     strlen(body), body);
	peer_raw(p, text, (size_t)n);
	free(text);
}

/* Bytes of the head, or 0 when the connection ended before. */
static size_t read_head(struct peer *p)
{
	char *end = p->len ? strstr(p->in, "\r\n\r\n") : NULL;

	while (!end) {
		if (!more(p))
			return 0;
		end = strstr(p->in, "\r\n\r\n");
	}
	return (size_t)(end - p->in) + 4;
}

/* A chunked body, joined. */
static bool read_chunks(struct peer *p, struct answer *a)
{
	size_t size, head;
	char *nl;

	for (;;) {
		while (!(nl = p->len ? strstr(p->in, "\r\n") : NULL)) {
			if (!more(p))
				return false;
		}
		size = strtoul(p->in, NULL, 16);
		head = (size_t)(nl - p->in) + 2;
		while (p->len < head + size + 2) {
			if (!more(p))
				return false;
		}
		a->body = realloc(a->body, a->len + size + 1);
		memcpy(a->body + a->len, p->in + head, size);
		a->len += size;
		a->body[a->len] = '\0';
		drop(p, head + size + 2);
		if (size == 0)
			return true;
	}
}

static bool read_body(struct peer *p, struct answer *a)
{
	const char *v = strstr(a->head, "Content-Length: ");

	if (!v)
		return read_chunks(p, a);
	a->len = strtoul(v + 16, NULL, 10);
	while (p->len < a->len) {
		if (!more(p))
			return false;
	}
	a->body = realloc(a->body, a->len + 1);
	memcpy(a->body, p->in, a->len);
	a->body[a->len] = '\0';
	drop(p, a->len);
	return true;
}

const struct answer *peer_answer(struct peer *p)
{
	struct answer *a = &p->answer;
	size_t head = read_head(p);

	free(a->body);
	memset(a, 0, sizeof(*a));
	if (head == 0 || head >= sizeof(a->head))
		return a;
	memcpy(a->head, p->in, head);
	drop(p, head);
	a->status = atoi(a->head + 9);
	if (a->status != 101 && !read_body(p, a))
		a->status = 0;
	return a;
}

const struct answer *peer_post(struct peer *p, const char *path,
			       const char *token, const char *type,
			       const char *body)
{
	peer_send(p, path, token, type, body);
	return peer_answer(p);
}

int peer_upgrade(struct peer *p, const char *path)
{
	char text[512];
	int n;

	n = snprintf(text, sizeof(text),
		     "GET %s HTTP/1.1\r\nHost: localhost\r\n"
		     "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		     "Sec-WebSocket-Version: 13\r\n\r\n",
		     path);
	peer_raw(p, text, (size_t)n);
	return peer_answer(p)->status;
}

void peer_frame_out(struct peer *p, int first_byte, const void *bytes, size_t n)
{
	static const unsigned char mask[4] = { 1, 2, 3, 4 };
	unsigned char *out = malloc(n + 14);
	size_t at = 2;
	size_t i;

	out[0] = (unsigned char)first_byte;
	if (n < 126) {
		out[1] = (unsigned char)(0x80 | n);
	} else {
		ck_assert_uint_lt(n, 65536);
		out[1] = 0x80 | 126;
		out[at++] = (unsigned char)(n >> 8);
		out[at++] = (unsigned char)n;
	}
	memcpy(out + at, mask, 4);
	at += 4;
	for (i = 0; i < n; i++)
		out[at + i] = ((const unsigned char *)bytes)[i] ^ mask[i & 3];
	peer_raw(p, out, at + n);
	free(out);
}

/* Length of the frame at the start of in, 0 when it isn't whole. */
static size_t whole_frame(const struct peer *p, size_t *head)
{
	const unsigned char *u = (const unsigned char *)p->in;
	uint64_t len;
	size_t i;

	if (p->len < 10 && (p->len < 2 || p->len < 2 + (size_t)(u[1] & 0x7f)))
		return 0;
	len = u[1];
	*head = 2;
	if (len == 126) {
		len = (uint64_t)u[2] << 8 | u[3];
		*head = 4;
	} else if (len == 127) {
		for (len = 0, i = 2; i < 10; i++)
			len = len << 8 | u[i];
		*head = 10;
	}
	return p->len >= *head + len ? *head + (size_t)len : 0;
}

int peer_frame(struct peer *p, const char **text)
{
	size_t head = 0;
	size_t n;
	int op;

	for (;;) {
		while ((n = whole_frame(p, &head)) == 0) {
			if (!more(p))
				return -1;
		}
		op = p->in[0] & 0x0f;
		free(p->text);
		p->text = malloc(n - head + 1);
		memcpy(p->text, p->in + head, n - head);
		p->text[n - head] = '\0';
		drop(p, n);
		if (op != 9)
			break;
		peer_frame_out(p, 0x8a, p->text, n - head);
	}
	*text = p->text;
	return op;
}

bool peer_silent(struct peer *p, int ms)
{
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };

	return p->len == 0 && poll(&fd, 1, ms) == 0;
}
