/* SPDX-License-Identifier: ISC */
#ifndef LINK_URL_H
#define LINK_URL_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/* The URL of a ticket, taken apart. It authenticates: never log it. */
#define WS_URL_MAX 2048

struct ws_url {
	bool tls;
	uint16_t port;
	char host[254];   /* without the brackets of an IPv6 address */
	const char *path; /* with the query; borrowed, "/" if there is none */
};

/*
 * wss://host[:port][/path], or ws:// to a loopback address. -1 with e
 * (ERR_INPUT), which tells what is wrong and quotes nothing.
 */
int ws_url_parse(struct ws_url *u, const char *url, struct err *e);

#endif
