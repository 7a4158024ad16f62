/* SPDX-License-Identifier: ISC */
/* What konstructctl shows of an answer; the first byte says as which. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"
#include "ctl/ctl.h"
#include "ctl/top.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show_top(const struct json *j)
{
	top_show(j, NULL, stdout);
	top_show(j, j, stdout);
}

static void (*const shows[])(const struct json *j) = {
	print_tenants, print_tenant,  print_agent,     print_agents,
	print_done,    print_purged,  print_levels,    print_letters,
	print_keys,    print_rotated, print_explained, print_secrets,
	print_status,  print_usage,   print_changes,   print_export,
	show_top,
};
#define NSHOWS (sizeof(shows) / sizeof(shows[0]))

static void must(int ok)
{
	if (!ok)
		abort();
}

/* Nothing that a terminal would obey. */
static void check(const char *p, size_t left)
{
	unsigned int c;
	size_t n;

	for (; left > 0; p += n, left -= n) {
		n = utf8_len(p, left);
		must(n > 0);
		c = utf8_point(p, n);
		must(c == '\n' || c == '\t' || (c >= ' ' && c < 0x7f) ||
		     c >= 0xa0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	FILE *was = stdout;
	char *text = NULL;
	struct json *j;
	size_t n = 0;

	if (size < 1)
		return 0;
	j = json_parse((const char *)data + 1, size - 1, 1 << 20, &e);
	if (!j)
		return 0;
	stdout = open_memstream(&text, &n);
	must(stdout != NULL);
	shows[data[0] % NSHOWS](j);
	must(fclose(stdout) == 0);
	stdout = was;
	check(text, n);
	free(text);
	json_free(j);
	return 0;
}
