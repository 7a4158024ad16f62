/* SPDX-License-Identifier: ISC */
#include "net/tls.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/conf.h"
#include "base/err.h"

/*
 * A ticket is about 1 kB beside the certificates that it shares. As each
 * resumed handshake brings one for the one it used, the pool need only cover
 * the handshakes that run at the same time.
 */
#define NAMES_MAX   16
#define TICKETS_MAX 256

struct host {
	char *name;
	SSL_SESSION *ticket[TICKETS_MAX]; /* a ring */
	size_t newest;                    /* where the next one goes */
	size_t n;
};

struct pool {
	pthread_mutex_t lock;
	struct host *host[NAMES_MAX];
	size_t nhosts;
	size_t next_out; /* the name that makes room for another */
	uintptr_t trust; /* counts those whom handshakes went by */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int pool_index = -1;
static int trust_index = -1; /* of an SSL: what pool.trust was */

static void free_host(struct host *h)
{
	size_t i;

	for (i = 0; i < TICKETS_MAX; i++)
		SSL_SESSION_free(h->ticket[i]);
	free(h->name);
	free(h);
}

static void free_pool(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx,
		      long argl, void *argp)
{
	struct pool *p = ptr;
	size_t i;

	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	if (!p)
		return;
	for (i = 0; i < p->nhosts; i++)
		free_host(p->host[i]);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void make_index(void)
{
	pool_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_pool);
	trust_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static struct pool *pool_of(const SSL *ssl)
{
	return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), pool_index);
}

/* Never of another name: the certificate was verified for this one only. */
static const char *name_of(const SSL *ssl)
{
	return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
}

static struct host *find_host(struct pool *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->nhosts; i++) {
		if (strcmp(p->host[i]->name, name) == 0)
			return p->host[i];
	}
	return NULL;
}

static struct host *add_host(struct pool *p, const char *name)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->name = strdup(name);
	if (!h->name) {
		free(h);
		return NULL;
	}
	if (p->nhosts < NAMES_MAX) {
		p->host[p->nhosts++] = h;
		return h;
	}
	free_host(p->host[p->next_out]);
	p->host[p->next_out] = h;
	p->next_out = (p->next_out + 1) % NAMES_MAX;
	return h;
}

/* 1: the pool owns the ticket now. */
static int on_ticket(SSL *ssl, SSL_SESSION *s)
{
	struct pool *p = pool_of(ssl);
	const char *name = name_of(ssl);
	SSL_SESSION *old = NULL;
	struct host *h;

	if (!name || !SSL_SESSION_is_resumable(s))
		return 0;
	pthread_mutex_lock(&p->lock);
	h = find_host(p, name);
	if ((uintptr_t)SSL_get_ex_data(ssl, trust_index) != p->trust)
		h = NULL;
	else if (!h)
		h = add_host(p, name);
	if (h) {
		old = h->ticket[h->newest];
		h->ticket[h->newest] = s;
		h->newest = (h->newest + 1) % TICKETS_MAX;
		if (!old)
			h->n++;
	}
	pthread_mutex_unlock(&p->lock);
	SSL_SESSION_free(old);
	return h != NULL;
}

/*
 * The newest first: it lives longest. A session of TLS 1.2 stays, since a
 * resumed handshake brings no other and it may be used again.
 */
static SSL_SESSION *take_ticket(struct pool *p, const char *name)
{
	SSL_SESSION *s = NULL;
	struct host *h;
	size_t at;

	pthread_mutex_lock(&p->lock);
	h = find_host(p, name);
	if (h && h->n > 0) {
		at = (h->newest + TICKETS_MAX - 1) % TICKETS_MAX;
		s = h->ticket[at];
		if (SSL_SESSION_get_protocol_version(s) < TLS1_3_VERSION) {
			SSL_SESSION_up_ref(s);
		} else {
			h->ticket[at] = NULL;
			h->newest = at;
			h->n--;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return s;
}

static bool fresh(const SSL_SESSION *s)
{
	return SSL_SESSION_get_time(s) + SSL_SESSION_get_timeout(s) >
	       (long)time(NULL);
}

/*
 * libwebsockets has no call to resume a session, so it is done as the
 * handshake begins, before the ClientHello is written.
 */
static void on_info(const SSL *ssl, int where, int ret)
{
	struct pool *p = pool_of(ssl);
	const char *name;
	SSL_SESSION *s;

	(void)ret;
	if (!(where & SSL_CB_HANDSHAKE_START) ||
	    SSL_get_state(ssl) != TLS_ST_BEFORE)
		return;
	name = name_of(ssl);
	if (!name)
		return;
	pthread_mutex_lock(&p->lock);
	(void)SSL_set_ex_data((SSL *)ssl, trust_index, (void *)p->trust);
	pthread_mutex_unlock(&p->lock);
	s = take_ticket(p, name);
	if (s && fresh(s))
		SSL_set_session((SSL *)ssl, s);
	SSL_SESSION_free(s);
}

static int add_pool(SSL_CTX *ctx)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	if (pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return -1;
	}
	if (SSL_CTX_set_ex_data(ctx, pool_index, p) != 1) {
		free_pool(NULL, p, NULL, 0, 0, NULL);
		return -1;
	}
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
						    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_ticket);
	SSL_CTX_set_info_callback(ctx, on_info);
	return 0;
}

static const char *reason(void)
{
	unsigned long first = ERR_peek_error();
	const char *s = ERR_reason_error_string(ERR_peek_last_error());

	if (ERR_SYSTEM_ERROR(first))
		return strerror(ERR_GET_REASON(first));
	return s ? s : "unknown error";
}

static int load_ca(X509_STORE *store, const struct conf_way *way, struct err *e)
{
	const char *file = way && way->ca_file ? way->ca_file : "";
	const char *dir = way && way->ca_dir ? way->ca_dir : "";

	ERR_clear_error();
	if (*file && X509_STORE_load_file(store, file) != 1)
		return err_set(e, ERR_FATAL, "cannot read CA file '%s': %s",
			       file, reason());
	if (*dir && X509_STORE_load_path(store, dir) != 1)
		return err_set(e, ERR_FATAL,
			       "cannot read CA directory '%s': %s", dir,
			       reason());
	if (!*file && !*dir && X509_STORE_set_default_paths(store) != 1)
		return err_set(e, ERR_FATAL, "cannot find the system's CAs: %s",
			       reason());
	return 0;
}

struct tls_trust {
	X509_STORE *store;
};

struct tls_trust *tls_trust_create(const struct conf_way *way, struct err *e)
{
	struct tls_trust *t = calloc(1, sizeof(*t));

	if (t)
		t->store = X509_STORE_new();
	if (!t || !t->store)
		err_set(e, ERR_RETRY, "cannot read CAs: no memory");
	else if (load_ca(t->store, way, e) == 0)
		return t;
	tls_trust_free(t);
	return NULL;
}

void tls_trust_free(struct tls_trust *t)
{
	if (!t)
		return;
	X509_STORE_free(t->store);
	free(t);
}

/* A resumed handshake shows no certificates, so none would be verified. */
static void forget_tickets(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->nhosts > 0)
		free_host(p->host[--p->nhosts]);
	p->next_out = 0;
	p->trust++;
	pthread_mutex_unlock(&p->lock);
}

/* OpenSSL looks at the context's store when it verifies. */
void tls_client_trust(struct ssl_ctx_st *ctx, struct tls_trust *t)
{
	SSL_CTX_set_cert_store(ctx, t->store);
	free(t);
	forget_tickets(SSL_CTX_get_ex_data(ctx, pool_index));
}

struct ssl_ctx_st *tls_client_create(const struct conf_way *way, struct err *e)
{
	struct tls_trust *trust;
	SSL_CTX *ctx;

	pthread_once(&once, make_index);
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx || pool_index < 0 || trust_index < 0 || add_pool(ctx) < 0) {
		err_set(e, ERR_FATAL, "cannot set up TLS: %s", reason());
		goto fail;
	}
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
		err_set(e, ERR_FATAL, "cannot set up TLS: %s", reason());
		goto fail;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	trust = tls_trust_create(way, e);
	if (!trust)
		goto fail;
	tls_client_trust(ctx, trust);
	return ctx;
fail:
	SSL_CTX_free(ctx);
	return NULL;
}

void tls_client_free(struct ssl_ctx_st *ctx)
{
	SSL_CTX_free(ctx);
}
