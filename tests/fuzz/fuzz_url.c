/* SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "link/url.h"

/* The URL of a ticket, as Slack (or who claims to be it) may send it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct ws_url *u, const char *url)
{
	if (u->port == 0 || u->host[0] == '\0' || u->path[0] != '/')
		abort();
	if (strpbrk(u->host, "/@?# \r\n"))
		abort();
	if (!u->tls && !conf_url_allowed(url))
		abort();
	if (strpbrk(u->path, " \r\n"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct ws_url u;
	char *url = malloc(size + 1);

	if (!url)
		abort();
	memcpy(url, data, size);
	url[size] = '\0';
	if (ws_url_parse(&u, url, &e) == 0)
		check(&u, url);
	free(url);
	return 0;
}
