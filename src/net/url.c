/* SPDX-License-Identifier: ISC */
#include "net/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define URL_MAX 4096

/* "[::1]" without its brackets. IDNA might make another host of anything that
 * isn't ASCII, so there is none. */
static int take_host(const char *s, struct url *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-.";
	size_t i, n = strlen(s);

	if (n > 2 && s[0] == '[' && s[n - 1] == ']') {
		s++;
		n -= 2;
		if (strspn(s, "0123456789abcdefABCDEF:.") != n)
			return -1;
	} else if (strspn(s, plain) != n) {
		return -1;
	}
	if (n == 0 || n >= sizeof(out->host))
		return -1;
	for (i = 0; i < n; i++)
		out->host[i] = (char)tolower((unsigned char)s[i]);
	out->host[n] = '\0';
	return 0;
}

static int take_parts(CURLU *u, struct url *out)
{
	char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
	int rc = -1;

	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) !=
		    CURLUE_OK)
		goto out;
	if (curl_url_get(u, CURLUPART_USER, &user, 0) != CURLUE_NO_USER)
		goto out;
	out->secure = strcmp(scheme, "https") == 0;
	if (!out->secure && strcmp(scheme, "http") != 0)
		goto out;
	out->port = (int)strtol(port, NULL, 10);
	rc = take_host(host, out);
out:
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(user);
	return rc;
}

/* libcurl takes one slash to three. */
static bool begins_well(const char *text)
{
	size_t n = strcspn(text, ":");

	return strncmp(text + n, "://", 3) == 0 && text[n + 3] != '/';
}

int url_split(const char *text, struct url *out)
{
	CURLU *u;
	int rc = -1;

	memset(out, 0, sizeof(*out));
	/* libcurl is more patient with blanks and backslashes than others. */
	if (strlen(text) > URL_MAX || strpbrk(text, " \t\r\n\\") ||
	    !begins_well(text))
		return -1;
	u = curl_url();
	if (u && curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK)
		rc = take_parts(u, out);
	curl_url_cleanup(u);
	return rc;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->secure == b->secure && a->port == b->port &&
	       strcmp(a->host, b->host) == 0;
}

bool url_is_below(const char *host, const char *base)
{
	size_t n = strlen(host);
	size_t m = strlen(base);

	if (n == m)
		return strcmp(host, base) == 0;
	/* Below an address there is nothing. */
	if (m == 0 || isdigit((unsigned char)base[m - 1]) || strchr(base, ':'))
		return false;
	return n > m && host[n - m - 1] == '.' &&
	       strcmp(host + n - m, base) == 0;
}
