/* SPDX-License-Identifier: ISC */
#include "link/url.h"

#include <stddef.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"

static int bad(struct err *e, const char *what)
{
	return err_set(e, ERR_INPUT, "cannot use the link's URL: %s", what);
}

/* Nothing that could end a header line or a host early. */
static bool printable(const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++) {
		if (i >= WS_URL_MAX || s[i] <= ' ' || s[i] >= 0x7f)
			return false;
	}
	return true;
}

static int parse_port(struct ws_url *u, const char *p, const char *end,
		      struct err *e)
{
	unsigned int port = 0;

	for (; p < end; p++) {
		if (*p < '0' || *p > '9' || port > 6553)
			return bad(e, "no such port");
		port = port * 10 + (unsigned int)(*p - '0');
	}
	if (port == 0 || port > 65535)
		return bad(e, "no such port");
	u->port = (uint16_t)port;
	return 0;
}

/* p to end is "host", "host:port", "[::1]" or "[::1]:port". */
static int parse_authority(struct ws_url *u, const char *p, const char *end,
			   struct err *e)
{
	const char *host = p;
	const char *stop;
	size_t n;

	if (*p == '[') {
		host = p + 1;
		stop = memchr(p, ']', (size_t)(end - p));
		if (!stop)
			return bad(e, "the address has no end");
		p = stop + 1;
	} else {
		stop = memchr(p, ':', (size_t)(end - p));
		if (!stop)
			stop = end;
		p = stop;
	}
	n = (size_t)(stop - host);
	if (n == 0 || n >= sizeof(u->host))
		return bad(e, "no host, or one too long");
	memcpy(u->host, host, n);
	u->host[n] = '\0';

	if (strpbrk(u->host, "@#\\%"))
		return bad(e, "strange characters in its host");
	if (p == end)
		return 0;
	if (*p != ':')
		return bad(e, "something stands behind its host");
	return parse_port(u, p + 1, end, e);
}

int ws_url_parse(struct ws_url *u, const char *url, struct err *e)
{
	const char *p, *end;

	if (!printable(url))
		return bad(e, "too long, or not printable");
	if (strncmp(url, "wss://", 6) != 0 && strncmp(url, "ws://", 5) != 0)
		return bad(e, "neither wss:// nor ws://");
	if (url[2] == ':' && !conf_url_allowed(url))
		return bad(e, "ws:// is for loopback addresses only");

	u->tls = url[2] == 's';
	u->port = u->tls ? 443 : 80;
	p = url + (u->tls ? 6 : 5);
	end = p + strcspn(p, "/?#");
	if (parse_authority(u, p, end, e) < 0)
		return -1;
	if (strchr(end, '#') || *end == '?')
		return bad(e, "its path is malformed");
	u->path = *end == '/' ? end : "/";
	return 0;
}
