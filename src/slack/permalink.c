/* SPDX-License-Identifier: ISC */
#include "slack/permalink.h"

#include <stdio.h>
#include <string.h>

#define DIGITS  "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define BEFORE  "/archives/"
#define MICROS  6

static const char *skip(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

/* Behind the host; whose it is doesn't matter. */
static const char *path_of(const char *link)
{
	const char *host = skip(link, "https://");
	size_t n = host ? strcspn(host, "/?#@ ") : 0;

	return n > 0 ? host + n : NULL;
}

int permalink_parse(const char *link, char channel[PERMALINK_CHANNEL],
		    char ts[TS_SIZE])
{
	const char *p;
	size_t n;

	if (strnlen(link, PERMALINK_MAX) == PERMALINK_MAX)
		return -1;
	p = path_of(link);
	p = p ? skip(p, BEFORE) : NULL;
	n = p ? strspn(p, LETTERS DIGITS) : 0;
	if (n == 0 || n >= PERMALINK_CHANNEL)
		return -1;
	memcpy(channel, p, n);
	channel[n] = '\0';
	p = skip(p + n, "/p");
	n = p ? strspn(p, DIGITS) : 0;
	if (n <= MICROS || (p[n] != '\0' && !strchr("?#/", p[n])))
		return -1;
	if (snprintf(ts, TS_SIZE, "%.*s.%.*s", (int)(n - MICROS), p, MICROS,
		     p + n - MICROS) >= TS_SIZE)
		return -1;
	return ts_valid(ts) ? 0 : -1;
}
