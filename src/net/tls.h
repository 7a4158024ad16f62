/* SPDX-License-Identifier: ISC */
#ifndef NET_TLS_H
#define NET_TLS_H

struct err;
struct ssl_ctx_st; /* SSL_CTX, for who may not include OpenSSL */

/*
 * The one SSL_CTX that all links dial with: TLS 1.2 or later, the peer's
 * chain verified (the name is for each SSL to set), buffers released while a
 * connection is idle, and sessions resumed from a pool of tickets kept by
 * server name. A resumed link takes half the memory, as it shares the
 * certificates of the one before.
 *
 * A TLS 1.3 ticket is used once (RFC 8446, C.4); each handshake brings new
 * ones. The pool is bounded by names and by tickets per name; the oldest go
 * first. Any number of threads may use the context.
 *
 * Of the way it takes ca_file and ca_dir; with neither, the system's CAs.
 * way NULL is none. NULL with e filled.
 */
struct conf_way;
struct ssl_ctx_st *tls_client_create(const struct conf_way *way, struct err *e);
void tls_client_free(struct ssl_ctx_st *ctx); /* NULL is allowed */

/*
 * Whom to trust, as the files of the way are now. Reads them; any thread. NULL
 * with e filled.
 */
struct tls_trust;
struct tls_trust *tls_trust_create(const struct conf_way *way, struct err *e);
void tls_trust_free(struct tls_trust *t); /* NULL is allowed */

/*
 * Takes it: handshakes that begin from now on go by it, and resume nothing of
 * before. What is connected stays so. On the one thread that uses the context.
 */
void tls_client_trust(struct ssl_ctx_st *ctx, struct tls_trust *t);

#endif
