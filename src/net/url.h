/* SPDX-License-Identifier: ISC */
#ifndef NET_URL_H
#define NET_URL_H

#include <stdbool.h>

/*
 * Where a URL leads, as libcurl reads it, so that who judges it and who dials
 * it can't see different hosts in it.
 */
struct url {
	bool secure; /* https */
	int port;
	char host[254]; /* in small letters; no brackets around IPv6 */
};

/* 0, or -1: no http or https URL, one with a user's name, or with a host that
 * isn't plain ASCII. */
int url_split(const char *text, struct url *out);

/* The same scheme, host and port. */
bool url_same_origin(const struct url *a, const struct url *b);

/* Is host base, or a name below it? */
bool url_is_below(const char *host, const char *base);

#endif
