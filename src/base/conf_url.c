/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/conf.h"

#define HOST_MAX 254

/*
 * What could make two readers of a URL see different hosts: user names,
 * backslashes, white space and controls. None has a place in a setting.
 */
static bool is_clear(const char *url)
{
	for (; *url; url++) {
		if (*url <= ' ' || *url > '~' || *url == '@' || *url == '\\')
			return false;
	}
	return true;
}

/* "" or ":8080" */
static bool port_ok(const char *p, size_t n)
{
	if (n == 0)
		return true;
	return p[0] == ':' && n > 1 && n <= 6 &&
	       strspn(p + 1, "0123456789") >= n - 1;
}

/* Copies the host of the n bytes of "host:port" or "[v6]:port"; 0, or -1. */
static int take_host(const char *p, size_t n, char host[HOST_MAX])
{
	const char *end = p + n;
	const char *stop, *port;
	size_t len;

	if (n > 0 && *p == '[') {
		p++;
		stop = memchr(p, ']', (size_t)(end - p));
		port = stop ? stop + 1 : NULL;
	} else {
		stop = memchr(p, ':', n);
		if (!stop)
			stop = end;
		port = stop;
	}
	if (!stop || stop == p || !port_ok(port, (size_t)(end - port)))
		return -1;
	len = (size_t)(stop - p);
	if (len >= HOST_MAX)
		return -1;
	memcpy(host, p, len);
	host[len] = '\0';
	return 0;
}

/* "localhost" is loopback by RFC 6761, whatever a resolver may say. */
static bool is_loopback(const char *host)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool conf_url_allowed(const char *url)
{
	static const struct {
		const char *scheme;
		bool secure;
	} schemes[] = {
		{ "https://", true },
		{ "wss://", true },
		{ "http://", false },
		{ "ws://", false },
	};
	char host[HOST_MAX];
	const char *rest;
	size_t i, n;

	if (!is_clear(url))
		return false;
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		n = strlen(schemes[i].scheme);
		if (strncasecmp(url, schemes[i].scheme, n) != 0)
			continue;
		rest = url + n;
		if (take_host(rest, strcspn(rest, "/?#"), host) < 0)
			return false;
		return schemes[i].secure || is_loopback(host);
	}
	return false;
}

bool conf_proxy_allowed(const char *url)
{
	static const char *const schemes[] = {
		"http", "https", "socks4", "socks4a", "socks5", "socks5h",
	};
	const char *rest = strstr(url, "://");
	char host[HOST_MAX];
	size_t i, n;

	if (!is_clear(url))
		return false;
	if (!rest)
		return take_host(url, strlen(url), host) == 0;
	n = (size_t)(rest - url);
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strlen(schemes[i]) != n ||
		    strncasecmp(url, schemes[i], n) != 0)
			continue;
		rest += strlen("://");
		n = strcspn(rest, "/");
		return (rest[n] == '\0' || rest[n + 1] == '\0') &&
		       take_host(rest, n, host) == 0;
	}
	return false;
}
