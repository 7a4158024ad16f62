/* SPDX-License-Identifier: ISC */
#ifndef NET_PROBE_H
#define NET_PROBE_H

#include <stdint.h>

#include "base/buf.h"

struct way;

/*
 * One request, looked at closely, for a command that finds out why a way
 * doesn't work. Blocks for up to 15 seconds.
 */
enum probe_fault {
	PROBE_OK, /* there is an answer, whatever its status */
	PROBE_DNS,
	PROBE_PROXY, /* can't be reached, or refuses */
	PROBE_CONNECT,
	PROBE_TLS,
	PROBE_UPGRADE, /* there is HTTP, but no WebSocket */
	PROBE_OTHER,
};

struct probe {
	enum probe_fault fault;
	char msg[256];     /* what libcurl says of it */
	int status;        /* HTTP's; 0: none */
	int proxy_status;  /* of the CONNECT; 0: none was sent */
	char addr[46];     /* that was connected to; of the proxy, if any */
	char issuer[256];  /* who signed the certificate, also one that isn't
			      trusted; "": no TLS */
	int64_t expires_s; /* the certificate does; 0: unknown */
	int64_t date_s;    /* the server's clock; 0: it told none */
	int64_t ms;        /* how long it took */
	int64_t until_ms;  /* clock_ms(): then it ends */
	char scopes[2048]; /* x-oauth-scopes */
	struct buf body;   /* the answer; of a WebSocket its first message */
};

/* POST without a body if bearer is given, GET otherwise. */
void probe_http(struct probe *p, const struct way *w, const char *url,
		const char *bearer);

/* Opens a wss:// or ws:// URL, reads one message, and closes. status is 101
 * when the upgrade succeeded. */
void probe_ws(struct probe *p, const struct way *w, const char *url);

void probe_release(struct probe *p);

#endif
