/* SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "admin/routes.h"

/* A method and a path as somebody asks for it at the socket, and at the port.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path is the row's with something in the place of its stars. */
static void check(const struct route *r, const char *path, const char *star,
		  const char *second)
{
	const char *p;
	size_t n;

	for (p = r->path; *p; p++) {
		if (*p != '*') {
			if (*path++ != *p)
				abort();
			continue;
		}
		n = strlen(star);
		if (n == 0 || n >= ROUTE_STAR || strchr(star, '/') ||
		    strncmp(path, star, n) != 0)
			abort();
		path += n;
		star = second;
	}
	if (*path != '\0')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char star[ROUTE_STAR], second[ROUTE_STAR];
	const struct route *r;
	char *path, *text = malloc(size + 1);
	bool known;
	int port;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	path = strchr(text, ' ');
	for (port = 0; path && port < 2; port++) {
		*path = '\0';
		r = routes_find(text, path + 1, port, star, second, &known);
		if (!r)
			continue;
		if (!known || strcmp(r->method, text) != 0 ||
		    r->where == (port ? ON_SOCKET : ON_PORT))
			abort();
		check(r, path + 1, star, second);
	}
	free(text);
	return 0;
}
