/* SPDX-License-Identifier: ISC */
#ifndef TESTS_PROXY_H
#define TESTS_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * A proxy on loopback that only knows CONNECT, in threads of this process,
 * and has the bad habits that the test gives it.
 */
struct proxy;

struct proxy_habits {
	const char
		*basic; /* "user:password" in Base64, wanted; NULL: no login */
	int delay_ms;   /* before each answer */
	int split_ms;   /* between the two halves of its answer; 0: whole */
	int idle_ms;    /* drops a tunnel that was silent so long; 0: none */
	bool endless;   /* refuses, and doesn't come to an end with it */
};

struct proxy *proxy_start(const struct proxy_habits *h);
void proxy_stop(struct proxy *p);
const char *proxy_url(const struct proxy *p); /* "http://127.0.0.1:1234" */
size_t proxy_tunnels(struct proxy *p);        /* that it made */
size_t proxy_drops(struct proxy *p);          /* because they were silent */

/*
 * Debian's own squid and tinyproxy as children, each with a configuration and
 * directory of its own; user "mara" with the password "secret" may pass.
 */
struct proxy_box {
	char dir[40];
	char url[48];
	char password_file[64];
	char log[64];
	pid_t pid;
};

/* Only the directory with the password in it, for a proxy of another kind. */
void proxy_box_make(struct proxy_box *b);
void proxy_box_remove(struct proxy_box *b);

/*
 * auth: "basic", "digest" or "ntlm" by squid, "tls" by squid behind TLS, with
 * its CA in b->dir as a directory of CAs; "tinyproxy" by that. It listens when
 * this returns; a failure ends the test.
 */
void proxy_box_start(struct proxy_box *b, const char *auth);
void proxy_box_stop(struct proxy_box *b); /* to be removed still */
/* Lines of its log with this word. */
size_t proxy_box_logged(const struct proxy_box *b, const char *word);

#endif
