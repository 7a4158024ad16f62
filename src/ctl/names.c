/* SPDX-License-Identifier: ISC */
#include "ctl/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "ctl/plain.h"
#include "net/local.h"

#define ANSWER_MAX ((size_t)16 * 1024 * 1024)
#define WAIT_MS    1000
#define PATH_SIZE  256

/* Where each kind is asked for: a list in the answer, and the name in each of
 * its elements. */
static const struct {
	const char *before, *after; /* of the path, about the tenant's name */
	const char *list;
	const char *member; /* "": the element itself */
} plans[NAMES_KINDS] = {
	[NAMES_TENANTS] = { "/v1/names/tenants", NULL, "names", "" },
	[NAMES_AGENTS] = { "/v1/tenants/", "/agents", "agents", ".name" },
	[NAMES_APPS] = { "/v1/names/apps", NULL, "names", "" },
	[NAMES_MODELS] = { "/v1/names/models", NULL, "names", "" },
	[NAMES_CHANNELS] = { "/v1/names/channels/", "", "names", "" },
	[NAMES_ENTRIES] = { "/v1/dead", NULL, "dead", ".entry" },
	[NAMES_KEYS] = { "/v1/keys", NULL, "keys", ".id" },
	[NAMES_SECRETS] = { "/v1/secrets", NULL, "secrets", "" },
};

/* One that a terminal can't be shown as it is isn't offered. */
static bool is_plain(const char *name)
{
	char *shown = strdup(name);
	bool same = false;

	if (shown) {
		plain_mend(shown);
		same = strcmp(shown, name) == 0;
	}
	free(shown);
	return same;
}

static void print(const struct json *j, enum names_kind kind,
		  const char *before, FILE *out)
{
	const char *name;
	char at[64];
	size_t i;

	for (i = 0; i < json_len(j, plans[kind].list); i++) {
		(void)snprintf(at, sizeof(at), "%s.%zu%s", plans[kind].list, i,
			       plans[kind].member);
		name = json_str(j, at);
		if (name && *name && is_plain(name))
			fprintf(out, "%s%s\n", before, name);
	}
}

void names_print(const char *socket, enum names_kind kind, const char *tenant,
		 const char *before, FILE *out)
{
	bool whose = plans[kind].after != NULL;
	struct err e = { 0 };
	char path[PATH_SIZE];
	struct json *j = NULL;
	struct buf answer;
	int n;

	if (whose && (!tenant || strchr(tenant, '/')))
		return;
	n = snprintf(path, sizeof(path), "%s%s%s", plans[kind].before,
		     whose ? tenant : "", whose ? plans[kind].after : "");
	if (n < 0 || n >= PATH_SIZE)
		return;
	buf_init(&answer, ANSWER_MAX);
	if (local_ask(socket, path, WAIT_MS, &answer, &e) == 200)
		j = json_parse(answer.data, answer.len, ANSWER_MAX, &e);
	if (j)
		print(j, kind, before, out);
	json_free(j);
	buf_release(&answer);
}
