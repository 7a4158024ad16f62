/* SPDX-License-Identifier: ISC */
#include "scripted.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define CONNS_MAX    64
#define REQUESTS_MAX 512
#define REQUEST_SIZE (4 * 1024 * 1024)

struct cert {
	EVP_PKEY *key;
	X509 *x509;
	char file[64];
};

struct conn {
	struct scripted *server;
	pthread_t tid;
	int fd;
	SSL *ssl;
};

struct scripted {
	struct scripted_answer *answers;
	size_t n;
	SSL_CTX *ctx;
	int listener;
	int port;
	char url[256];
	pthread_t tid;

	pthread_mutex_t lock;
	struct conn conns[CONNS_MAX];
	size_t nconns;
	char *requests[REQUESTS_MAX];
	size_t nrequests;
	size_t resumed;
};

static void die(const char *what)
{
	perror(what);
	abort();
}

static ssize_t conn_read(struct conn *c, char *p, size_t n)
{
	return c->ssl ? SSL_read(c->ssl, p, (int)n) : recv(c->fd, p, n, 0);
}

static void conn_write(struct conn *c, const char *p)
{
	size_t n = strlen(p);

	if (c->ssl)
		(void)SSL_write(c->ssl, p, (int)n);
	else
		(void)send(c->fd, p, n, MSG_NOSIGNAL);
}

static size_t body_size(const char *head)
{
	const char *p = strcasestr(head, "\r\nContent-Length:");

	return p ? strtoul(p + 17, NULL, 10) : 0;
}

/* The whole request as a string, or NULL at the end of the connection. */
static char *read_request(struct conn *c)
{
	char *buf = calloc(1, REQUEST_SIZE);
	size_t len = 0;
	char *end;
	ssize_t n;

	if (!buf)
		die("calloc");
	for (;;) {
		end = strstr(buf, "\r\n\r\n");
		if (end && len >= (size_t)(end - buf) + 4 + body_size(buf))
			return buf;
		n = conn_read(c, buf + len, REQUEST_SIZE - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	free(buf);
	return NULL;
}

static const struct scripted_answer *next_answer(struct scripted *s, char *req)
{
	size_t i;

	pthread_mutex_lock(&s->lock);
	i = s->nrequests < s->n ? s->nrequests : s->n - 1;
	if (s->nrequests >= REQUESTS_MAX)
		die("too many requests");
	s->requests[s->nrequests++] = req;
	pthread_mutex_unlock(&s->lock);
	return &s->answers[i];
}

static void write_answer(struct conn *c, const struct scripted_answer *a)
{
	size_t i;

	for (i = 0; i < 8 && a->parts[i]; i++) {
		if (i > 0)
			usleep(2000); /* or the kernel makes one of them */
		conn_write(c, a->parts[i]);
	}
}

static void hang(struct conn *c)
{
	char waste[512];

	while (recv(c->fd, waste, sizeof(waste), 0) > 0)
		;
}

static void serve(struct conn *c)
{
	const struct linger rst = { 1, 0 };
	const struct scripted_answer *a;
	char *req;

	while ((req = read_request(c)) != NULL) {
		a = next_answer(c->server, req);
		write_answer(c, a);
		if (a->end == SCRIPTED_HANG)
			hang(c);
		if (a->end == SCRIPTED_RESET)
			setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &rst,
				   sizeof(rst));
		if (a->end != SCRIPTED_KEEP)
			return;
	}
}

static bool handshake(struct conn *c)
{
	struct scripted *s = c->server;

	if (!s->ctx)
		return true;
	c->ssl = SSL_new(s->ctx);
	SSL_set_fd(c->ssl, c->fd);
	if (SSL_accept(c->ssl) != 1)
		return false;
	pthread_mutex_lock(&s->lock);
	s->resumed += SSL_session_reused(c->ssl) ? 1 : 0;
	pthread_mutex_unlock(&s->lock);
	return true;
}

static void *run_conn(void *arg)
{
	struct conn *c = arg;

	if (handshake(c))
		serve(c);
	SSL_free(c->ssl);
	/* The descriptor is closed by scripted_stop(), which may have to
	 * interrupt it; the peer learns of the end here. */
	pthread_mutex_lock(&c->server->lock);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	pthread_mutex_unlock(&c->server->lock);
	return NULL;
}

static void *run_listener(void *arg)
{
	struct scripted *s = arg;
	struct conn *c;
	int one = 1;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		pthread_mutex_lock(&s->lock);
		if (s->nconns >= CONNS_MAX)
			die("too many connections");
		c = &s->conns[s->nconns++];
		c->server = s;
		c->fd = fd;
		if (pthread_create(&c->tid, NULL, run_conn, c) != 0)
			die("pthread_create");
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

static int listen_here(struct scripted *s)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(s->listener, (struct sockaddr *)&sin, sizeof(sin)) < 0 ||
	    listen(s->listener, 64) < 0 ||
	    getsockname(s->listener, (struct sockaddr *)&sin, &len) < 0)
		die("listen");
	return ntohs(sin.sin_port);
}

struct scripted *scripted_start(const struct scripted_answer *answers, size_t n,
				const struct cert *c)
{
	struct scripted *s = calloc(1, sizeof(*s));

	if (!s)
		die("calloc");
	/* SSL_write() has no MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	s->answers = calloc(n, sizeof(*answers));
	if (!s->answers)
		die("calloc");
	memcpy(s->answers, answers, n * sizeof(*answers));
	s->n = n;
	pthread_mutex_init(&s->lock, NULL);
	s->port = listen_here(s);
	if (c) {
		s->ctx = SSL_CTX_new(TLS_server_method());
		SSL_CTX_use_certificate(s->ctx, c->x509);
		SSL_CTX_use_PrivateKey(s->ctx, c->key);
		SSL_CTX_set_session_id_context(
			s->ctx, (const unsigned char *)"test", 4);
	}
	if (pthread_create(&s->tid, NULL, run_listener, s) != 0)
		die("pthread_create");
	return s;
}

void scripted_stop(struct scripted *s)
{
	size_t i;

	if (!s)
		return;
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->tid, NULL);
	close(s->listener);
	for (i = 0; i < s->nconns; i++) {
		pthread_mutex_lock(&s->lock);
		if (s->conns[i].fd >= 0)
			shutdown(s->conns[i].fd, SHUT_RDWR);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->conns[i].tid, NULL);
	}
	for (i = 0; i < s->nrequests; i++)
		free(s->requests[i]);
	free(s->answers);
	SSL_CTX_free(s->ctx);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const char *scripted_url(struct scripted *s, const char *path)
{
	(void)snprintf(s->url, sizeof(s->url), "%s:%d%s",
		       s->ctx ? "https://localhost" : "http://127.0.0.1",
		       s->port, path);
	return s->url;
}

int scripted_port(const struct scripted *s)
{
	return s->port;
}

const char *scripted_request(struct scripted *s, size_t i)
{
	const char *r;

	pthread_mutex_lock(&s->lock);
	r = i < s->nrequests ? s->requests[i] : NULL;
	pthread_mutex_unlock(&s->lock);
	return r;
}

static size_t look(struct scripted *s, const size_t *p)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = *p;
	pthread_mutex_unlock(&s->lock);
	return n;
}

size_t scripted_requests(struct scripted *s)
{
	return look(s, &s->nrequests);
}

size_t scripted_connections(struct scripted *s)
{
	return look(s, &s->nconns);
}

size_t scripted_resumed(struct scripted *s)
{
	return look(s, &s->resumed);
}

static void add_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static X509 *make_x509(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				   (const unsigned char *)"localhost", -1, -1,
				   0);
	X509_set_issuer_name(x, name);
	add_ext(x, NID_subject_alt_name, "DNS:localhost");
	add_ext(x, NID_basic_constraints, "critical,CA:TRUE");
	X509_sign(x, key, EVP_sha256());
	return x;
}

struct cert *cert_create(void)
{
	struct cert *c = calloc(1, sizeof(*c));
	FILE *f;
	int fd;

	if (!c)
		die("calloc");
	c->key = EVP_EC_gen("P-256");
	c->x509 = make_x509(c->key);
	(void)snprintf(c->file, sizeof(c->file), "/tmp/konstruct-ca-XXXXXX");
	fd = mkstemp(c->file);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f || PEM_write_X509(f, c->x509) != 1)
		die("certificate");
	fclose(f);
	return c;
}

void cert_free(struct cert *c)
{
	unlink(c->file);
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
	free(c);
}

void cert_write_key(const struct cert *c, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f || fchmod(fileno(f), 0600) < 0 ||
	    PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL) != 1)
		die("key");
	fclose(f);
}

const char *cert_file(const struct cert *c)
{
	return c->file;
}
