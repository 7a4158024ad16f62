/* SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/page.h"
#include "net/url.h"
#include "slack/download.h"

/*
 * Names of hosts that decide: the Host header of who asks for the status page,
 * and the URL of a file, which may get the token.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No name that somebody's DNS could lead here. */
static void check_page(const char *host)
{
	const char *name = host[0] == '[' ? host + 1 : host;
	size_t n = strcspn(name, host[0] == '[' ? "]" : ":");

	if (strncasecmp(name, "localhost", 9) == 0 && n == 9)
		n = 0;
	if (strspn(name, "0123456789abcdefABCDEF.:") < n)
		abort();
	if (host[0] == '[')
		n = strcspn(host, "]") + 1;
	else
		n = strcspn(host, ":");
	if (host[n] != '\0' &&
	    (host[n] != ':' ||
	     host[n + 1 + strspn(host + n + 1, "0123456789")]))
		abort();
}

static void check_file(const char *url)
{
	static const char tail[] = "slack.com";
	const char *host = strstr(url, "://");
	size_t n;

	if (strncasecmp(url, "https://", 8) != 0 || !host)
		abort();
	/* What is escaped libcurl reads, and it is libcurl that dials. */
	if (strchr(url, '%'))
		return;
	host += 3;
	n = strcspn(host, "/?#:");
	if (memchr(host, '@', n) || n < strlen(tail) ||
	    strncasecmp(host + n - strlen(tail), tail, strlen(tail)) != 0)
		abort();
	if (n > strlen(tail) && host[n - strlen(tail) - 1] != '.')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (page_host_ok(text))
		check_page(text);
	if (slack_download_allowed("https://slack.com/api/", text))
		check_file(text);
	free(text);
	return 0;
}
