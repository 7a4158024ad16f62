/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SCRIPTED_H
#define TESTS_SCRIPTED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A server on loopback, in threads of its own, that answers each HTTP request
 * with the bytes that the test wrote down, however wrong they are.
 */
struct scripted;

enum scripted_end {
	SCRIPTED_KEEP = 0, /* read the next request of the connection */
	SCRIPTED_CLOSE,
	SCRIPTED_RESET, /* close with a RST */
	SCRIPTED_HANG,  /* say nothing more, until the server stops */
};

struct scripted_answer {
	const char *parts[8]; /* each in a segment of its own */
	enum scripted_end end;
};

struct cert;

/*
 * The answers are given in the order in which requests come; the last one to
 * all that are left. The strings stay the caller's. With a certificate it
 * talks TLS.
 */
struct scripted *scripted_start(const struct scripted_answer *answers, size_t n,
				const struct cert *c);
void scripted_stop(struct scripted *s); /* NULL is allowed */

/* "http://127.0.0.1:1234" (https://localhost:1234 with TLS) and path. */
const char *scripted_url(struct scripted *s, const char *path);
int scripted_port(const struct scripted *s);

/* Head and body of a request, from 0; NULL when there was none. */
const char *scripted_request(struct scripted *s, size_t i);
size_t scripted_requests(struct scripted *s);
size_t scripted_connections(struct scripted *s);
size_t scripted_resumed(struct scripted *s); /* TLS handshakes cut short */

/* A CA of our own and a certificate for localhost signed by itself. */
struct cert *cert_create(void);
void cert_free(struct cert *c);
const char *cert_file(const struct cert *c); /* PEM, for a ca_file */
void cert_write_key(const struct cert *c, const char *path); /* PEM */

#endif
